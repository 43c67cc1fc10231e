/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request through all that looks at it before the body: guard, router,
 * credentials, parameters. The input is "METHOD TARGET", then one "Name: value" a line.
 * What passes has names that the database takes and values in their ranges; a header that
 * nobody knows changes nothing.
 */
#include "client-core/base/alloc.h"
#include "daemon/auth.h"
#include "daemon/guard.h"
#include "daemon/head.h"
#include "daemon/json_scan.h"
#include "daemon/parameters.h"
#include "daemon/router.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* A head whose texts are allocations of their own. */
struct made_head {
	struct kg_head head;
	struct kg_head_field fields[KG_HEAD_FIELDS_MAX + 1];
	char *method;
};

/* How far a request came, and what was made of it. */
struct passage {
	enum kg_problem problem; /* KG_PROBLEM_COUNT: it passed */
	struct kg_router_match match;
	struct kg_parameters parameters;
};

static struct kg_config *plain;
static struct kg_config *open_to_more;

static void
make_configs(void)
{
	static const char *const none[] = {NULL};
	static const char *const more[] = {"--allowed-host=gateway.example",
	    "--allowed-origin=https://app.example", "--default-current-version=any",
	    "--allow-request-credentials=false", "--max-name-bytes=16", NULL};

	plain = fuzz_config(none);
	open_to_more = fuzz_config(more);
}

static void
add_field(struct made_head *made, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon == NULL ? len : (size_t)(colon - line);
	const char *value = colon == NULL ? line + len : colon + 1;
	struct kg_head_field *field;

	if (value < line + len && *value == ' ')
		value++;
	if (made->head.field_count == KG_HEAD_FIELDS_MAX + 1)
		return;
	field = &made->fields[made->head.field_count++];
	field->name = fuzz_copy(line, name_len);
	field->name_len = name_len;
	field->value_len = (size_t)(line + len - value);
	field->value = fuzz_copy(value, field->value_len);
}

static void
add_request_line(struct made_head *made, const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	size_t method_len = blank == NULL ? len : (size_t)(blank - line);
	const char *target = blank == NULL ? line + len : blank + 1;

	made->method = fuzz_text(line, method_len);
	made->head.method = made->method;
	made->head.target = fuzz_text(target, (size_t)(line + len - target));
	made->head.target_len = strlen(made->head.target);
}

static void
make_head(struct made_head *made, const char *text, size_t len)
{
	const char *end = text + len;
	const char *newline = memchr(text, '\n', len);

	*made = (struct made_head){.head = {.size = len}};
	made->head.fields = made->fields;
	add_request_line(made, text, (size_t)((newline == NULL ? end : newline) - text));
	while (newline != NULL) {
		text = newline + 1;
		newline = memchr(text, '\n', (size_t)(end - text));
		add_field(made, text, (size_t)((newline == NULL ? end : newline) - text));
	}
	kg_head_index(&made->head);
}

static void
dispose_head(struct made_head *made)
{
	for (size_t i = 0; i < made->head.field_count; i++) {
		free((char *)(uintptr_t)made->fields[i].name);
		free((char *)(uintptr_t)made->fields[i].value);
	}
	free(made->head.target);
	free(made->method);
}

static unsigned
takes_of(enum kg_route route)
{
	switch (route) {
	case KG_ROUTE_APPEND:
		return KG_TAKES_ENVELOPE | KG_TAKES_V1;
	case KG_ROUTE_APPEND_RAW:
		return KG_TAKES_RAW | KG_TAKES_V1;
	case KG_ROUTE_CLOUDEVENTS:
		return KG_TAKES_CLOUDEVENTS | KG_TAKES_V1;
	case KG_ROUTE_GET_METADATA:
		return KG_TAKES_GET_METADATA | KG_TAKES_V1;
	case KG_ROUTE_PUT_METADATA:
		return KG_TAKES_PUT_METADATA | KG_TAKES_V1;
	case KG_ROUTE_MULTI_APPEND:
		return KG_TAKES_GROUPS | KG_TAKES_V1;
	case KG_ROUTE_APPEND_RECORDS:
		return KG_TAKES_RECORDS | KG_TAKES_V1;
	case KG_ROUTE_INFO:
		return KG_TAKES_V1;
	case KG_ROUTE_READYZ:
	case KG_ROUTE_READYZ_CHECK:
		return KG_TAKES_READINESS;
	default:
		return 0;
	}
}

static void
check_credentials(
    const struct kg_credentials *credentials, const struct kg_config *config)
{
	const char *value = credentials->authorization;

	require((credentials->user == NULL) ==
		(value == NULL || *value != 'B' || strncmp(value, "Basic ", 6) != 0));
	if (value == NULL)
		return;
	require(config->allow_request_credentials);
	require(fuzz_is_printable(value, strlen(value) + 1));
	require(strncmp(value, "Basic ", 6) == 0 || strncmp(value, "Bearer ", 7) == 0);
}

static void
check_values(const struct kg_router_match *match, const struct kg_config *config)
{
	require(match->route < KG_ROUTE_COUNT);
	require(match->value_count <= KG_ROUTER_VALUES_MAX);
	for (size_t i = 0; i < match->value_count; i++) {
		const struct kdb_bytes *value = &match->values[i];

		require(value->len > 0);
		require(fuzz_is_utf8(value->data, value->len));
		require(memchr(value->data, '\0', value->len) == NULL);
		if ((takes_of(match->route) & KG_TAKES_DATABASE) != 0)
			require(value->len <= config->max_name_bytes);
	}
}

/* A condition is an expectation, and nothing but a condition can be weak. */
static void
check_conditions(const struct kg_parameters *parameters, unsigned takes)
{
	if ((takes & KG_TAKES_PUT_METADATA) != 0)
		require(parameters->has_expected_version);
	else
		require(!parameters->has_condition);
	if (parameters->has_condition)
		require(parameters->expected_version != KDB_VERSION_ANY);
	if (parameters->is_condition_weak)
		require(parameters->has_condition &&
			parameters->expected_version >= KDB_VERSION_NO_STREAM);
	if ((takes & KG_TAKES_GET_METADATA) == 0)
		require(!parameters->known_versions.has_star &&
			!parameters->known_versions.has_tags);
}

static void
check_parameters(const struct kg_parameters *parameters, unsigned takes,
    const struct kg_config *config)
{
	static const uint8_t nil[16];

	require(
	    (parameters->body_form != KG_BODY_NONE) == ((takes & KG_TAKES_WRITE) != 0));
	require(!parameters->has_timeout || parameters->timeout_ns > 0);
	require(!parameters->has_event_id || memcmp(parameters->event_id, nil, 16) != 0);
	require((parameters->excluded & ~(unsigned)KG_CHECK_ALL) == 0);
	require(parameters->key.len <= 255);
	if (parameters->has_expected_version)
		require(parameters->expected_version >= KDB_VERSION_EXISTS &&
			parameters->expected_version != -3);
	if ((takes & (KG_TAKES_RAW | KG_TAKES_CLOUDEVENTS)) != 0)
		require(parameters->has_expected_version);
	if ((takes & KG_TAKES_EXPECTATION) == 0)
		require(!parameters->has_expected_version);
	check_conditions(parameters, takes);
	if (parameters->metadata_at != NULL &&
	    strcmp(parameters->metadata_at, "header:Kurrent-Metadata") == 0)
		require(kg_json_is_valid(parameters->metadata.data,
		    parameters->metadata.len, config->max_depth));
}

/* In binary mode the head is all that is known of a CloudEvent but its data. */
static void
check_cloudevent(const struct kg_parameters *parameters, const struct kg_config *config)
{
	const struct kg_cloudevent *cloudevent = &parameters->cloudevent;
	bool is_binary = parameters->body_form == KG_BODY_RAW_JSON ||
			 parameters->body_form == KG_BODY_RAW_BYTES;

	require((cloudevent->metadata.len > 0) == is_binary);
	if (!is_binary)
		return;
	require(cloudevent->type.len > 0);
	require(cloudevent->type.len <= config->max_name_bytes);
	require(cloudevent->source.len > 0 && cloudevent->id.len > 0);
	require(fuzz_is_utf8(cloudevent->id.data, cloudevent->id.len));
	require(kg_json_is_valid(cloudevent->metadata.data, cloudevent->metadata.len, 1));
}

static bool
read_parameters(const struct kg_head *head, const struct kg_target *target,
    const struct kg_config *config, struct passage *passage, struct kg_refusal *refusal)
{
	unsigned takes = takes_of(passage->match.route);
	struct kg_parameters_context context = {
	    .config = config, .takes = takes, .event_type = passage->match.values[1]};
	struct kg_credentials credentials = {0};
	bool is_good = true;

	if ((takes & KG_TAKES_DATABASE) != 0) {
		is_good = kg_auth_take(head, config, &credentials, refusal);
		if (is_good)
			check_credentials(&credentials, config);
		kg_auth_dispose(&credentials);
	}
	if (!is_good)
		return false;
	is_good =
	    kg_parameters_read(head, target, &context, &passage->parameters, refusal);
	if (is_good)
		check_parameters(&passage->parameters, takes, config);
	if (is_good && (takes & KG_TAKES_CLOUDEVENTS) != 0)
		check_cloudevent(&passage->parameters, config);
	kg_parameters_dispose(&passage->parameters);
	return is_good;
}

static bool
pass(struct made_head *made, const struct kg_config *config, struct passage *passage,
    struct kg_refusal *refusal)
{
	struct kg_target target = {0};
	bool must_close = false;

	if (!kg_guard_check(&made->head, config, &target, refusal, &must_close))
		return false;
	require(!must_close);
	require(
	    target.path + target.path_len <= made->head.target + made->head.target_len);
	require(
	    target.query + target.query_len == made->head.target + made->head.target_len);
	if (!kg_router_find(made->head.method, &target, config->max_name_bytes,
		&passage->match, refusal))
		return false;
	check_values(&passage->match, config);
	require(fuzz_is_printable(passage->match.allow, sizeof passage->match.allow));
	return passage->match.is_options ||
	       read_parameters(&made->head, &target, config, passage, refusal);
}

static enum kg_problem
judge(const char *text, size_t len, const struct kg_config *config, bool is_tcp)
{
	struct passage passage = {.match = {.route = KG_ROUTE_COUNT}};
	struct made_head made;
	struct kg_refusal refusal;

	make_head(&made, text, len);
	made.head.is_tcp = is_tcp;
	kg_refusal_init(&refusal);
	passage.problem = KG_PROBLEM_COUNT;
	if (pass(&made, config, &passage, &refusal)) {
		require(!refusal.is_set);
	} else {
		fuzz_check_refusal(&refusal);
		passage.problem = refusal.problem;
	}
	kg_refusal_dispose(&refusal);
	dispose_head(&made);
	return passage.problem;
}

static void
check_unrelated_header(const char *text, size_t len, enum kg_problem problem)
{
	static const char header[] = "\nX-Unrelated: 1";
	char *longer = kdb_alloc(len + strlen(header));

	memcpy(longer, text, len);
	memcpy(longer + len, header, strlen(header));
	require(judge(longer, len + strlen(header), plain, true) == problem);
	free(longer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	enum kg_problem problem;

	if (plain == NULL)
		make_configs();
	if (len > 4096)
		return 0;
	problem = judge(text, len, plain, true);
	judge(text, len, plain, false);
	judge(text, len, open_to_more, true);
	if (problem != KG_PROBLEM_HEADERS_TOO_LARGE && len < 120)
		check_unrelated_header(text, len, problem);
	return 0;
}
