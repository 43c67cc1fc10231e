/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the header table and the query table. One row per value says where it may stand,
 * for which endpoints, and how it is read; a reader sets its value or compares with the
 * one that another place has set. Owns decoded metadata.
 */
#include "daemon/parameters.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/base/name_distance.h"
#include "daemon/append_body.h"
#include "daemon/base64.h"
#include "daemon/idempotency.h"
#include "daemon/json_scan.h"
#include "daemon/media_type.h"
#include "daemon/preference.h"
#include "daemon/router.h"
#include "daemon/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTER_NAME_MAX = 100 };

enum { APPENDS_TO_ONE_STREAM = KG_TAKES_ENVELOPE | KG_TAKES_RAW | KG_TAKES_CLOUDEVENTS };

struct reader {
	const struct kg_parameters_context *context;
	struct kg_parameters *parameters;
	struct kg_refusal *refusal;
	const char *pointer; /* of the value that is read; a literal */
};

typedef void (*read_fn)(struct reader *reader, const char *text, size_t len);

/* Refusals. */

static void
refuse_form(struct reader *reader, const char *form)
{
	kg_refusal_add(reader->refusal, KG_PROBLEM_INVALID_REQUEST, reader->pointer, NULL,
	    "%s", form);
}

static void
refuse_conflict(struct reader *reader, const char *what)
{
	kg_refusal_add(reader->refusal, KG_PROBLEM_CONFLICTING_PARAMETERS,
	    reader->pointer, NULL, "%s is given in another place with another value.",
	    what);
}

/* Readers. */

static void
set_expectation(struct reader *reader, int64_t version)
{
	struct kg_parameters *parameters = reader->parameters;

	if (parameters->has_expected_version && parameters->expected_version != version) {
		refuse_conflict(reader, "The expectation");
		return;
	}
	parameters->has_expected_version = true;
	parameters->expected_version = version;
	parameters->expected_version_at = reader->pointer;
}

static void
read_expected_version(struct reader *reader, const char *text, size_t len)
{
	int64_t version;

	if (kg_expectation_read(text, len, &version))
		set_expectation(reader, version);
	else
		refuse_form(reader,
		    "Not an expectation: no_stream, exists, any, or an integer "
		    "from 0 to 9223372036854775807.");
}

typedef const char *(*read_condition_fn)(
    const char *value, size_t len, struct kg_condition *condition);

static void
read_condition(
    struct reader *reader, const char *text, size_t len, read_condition_fn read)
{
	struct kg_parameters *parameters = reader->parameters;
	struct kg_condition condition;
	const char *wrong = read(text, len, &condition);

	if (wrong != NULL) {
		refuse_form(reader, wrong);
		return;
	}
	parameters->has_condition = true;
	parameters->is_condition_weak |= condition.is_weak;
	set_expectation(reader, condition.expected_version);
}

static void
read_if_match(struct reader *reader, const char *text, size_t len)
{
	read_condition(reader, text, len, kg_condition_read_if_match);
}

static void
read_event_id(struct reader *reader, const char *text, size_t len)
{
	struct kg_parameters *parameters = reader->parameters;
	uint8_t id[16];

	if (!kg_uuid_read(text, len, id))
		refuse_form(reader, "Not a UUID of 36 characters, or the nil UUID.");
	else if (parameters->has_event_id &&
		 memcmp(parameters->event_id, id, sizeof(id)) != 0)
		refuse_conflict(reader, "The event id");
	else
		memcpy(parameters->event_id, id, sizeof(id));
	parameters->has_event_id = true;
}

static void
read_event_type(struct reader *reader, const char *text, size_t len)
{
	struct kdb_bytes type = reader->context->event_type;

	if (len != type.len || memcmp(text, type.data, len) != 0)
		kg_refusal_add(reader->refusal, KG_PROBLEM_CONFLICTING_PARAMETERS,
		    reader->pointer, NULL, "The path names another event type.");
}

static void
set_timeout(struct reader *reader, int64_t timeout_ns)
{
	struct kg_parameters *parameters = reader->parameters;

	if (timeout_ns <= 0)
		refuse_form(reader, "The timeout must be above zero.");
	else if (parameters->has_timeout && parameters->timeout_ns != timeout_ns)
		refuse_conflict(reader, "The timeout");
	else
		parameters->timeout_ns = timeout_ns;
	parameters->has_timeout = true;
}

/* Reads 1 to max_digits digits; returns how many there are, 0: another count. */
static size_t
read_digits(const char *text, size_t len, size_t max_digits, int64_t *value)
{
	size_t count = 0;

	*value = 0;
	while (count < len && text[count] >= '0' && text[count] <= '9' &&
	       count <= max_digits)
		*value = *value * 10 + (text[count++] - '0');
	return count > max_digits ? 0 : count;
}

/* [0-9]{1,6}(\.[0-9]{1,9})? seconds. */
static void
read_timeout(struct reader *reader, const char *text, size_t len)
{
	int64_t seconds;
	int64_t fraction = 0;
	size_t digits = read_digits(text, len, 6, &seconds);
	size_t fraction_digits = 0;
	size_t used = digits;

	if (digits > 0 && used < len && text[used] == '.') {
		fraction_digits =
		    read_digits(text + used + 1, len - used - 1, 9, &fraction);
		used += fraction_digits > 0 ? fraction_digits + 1 : 0;
	}
	if (digits == 0 || used != len) {
		refuse_form(reader, "Not a number of seconds such as 5 or 2.5.");
		return;
	}
	for (; fraction_digits < 9; fraction_digits++)
		fraction *= 10;
	set_timeout(reader, seconds * KDB_NS_PER_SECOND + fraction);
}

/* [0-9]{1,8}[HMSmun]. */
static void
read_grpc_timeout(struct reader *reader, const char *text, size_t len)
{
	static const char units[] = "HMSmun";
	static const int64_t unit_ns[] = {3600 * KDB_NS_PER_SECOND,
	    60 * KDB_NS_PER_SECOND, KDB_NS_PER_SECOND, KDB_NS_PER_MS, 1000, 1};
	int64_t value;
	int64_t timeout_ns;
	size_t digits = read_digits(text, len, 8, &value);
	const char *unit = digits > 0 && digits + 1 == len && text[digits] != '\0'
			       ? strchr(units, text[digits])
			       : NULL;

	if (unit == NULL) {
		refuse_form(reader, "Not a timeout in gRPC's form, such as 2500m.");
		return;
	}
	if (__builtin_mul_overflow(value, unit_ns[unit - units], &timeout_ns))
		timeout_ns = INT64_MAX;
	set_timeout(reader, timeout_ns);
}

static void
set_metadata(struct reader *reader, const void *data, size_t len)
{
	struct kg_parameters *parameters = reader->parameters;

	if (parameters->metadata_at != NULL)
		kg_refusal_add(reader->refusal, KG_PROBLEM_CONFLICTING_PARAMETERS,
		    reader->pointer, NULL,
		    "Kurrent-Metadata and Kurrent-Metadata-Base64 exclude each other.");
	parameters->metadata = (struct kdb_bytes){data, len};
	parameters->metadata_at = reader->pointer;
}

static void
read_metadata(struct reader *reader, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] > 0x7E) {
			refuse_form(reader,
			    "The metadata must be ASCII; escape other characters "
			    "as \\uXXXX, or use Kurrent-Metadata-Base64.");
			return;
		}
	if (!kg_json_is_valid(text, len, reader->context->config->max_depth))
		kg_refusal_add(reader->refusal, KG_PROBLEM_MALFORMED_JSON,
		    reader->pointer, NULL, "The metadata is not JSON.");
	else
		set_metadata(reader, text, len);
}

static void
read_metadata_base64(struct reader *reader, const char *text, size_t len)
{
	size_t decoded_len = 0;
	void *decoded = kdb_alloc(kg_base64_decoded_max(len) + 1);

	reader->parameters->metadata_storage = decoded;
	if (kg_base64_decode(text, len, decoded, &decoded_len) != KG_BASE64_OK)
		refuse_form(reader, "Not base64 in the standard alphabet with padding.");
	else
		set_metadata(reader, decoded, decoded_len);
}

static void
read_key(struct reader *reader, const char *text, size_t len)
{
	if (!kg_idempotency_key_read(text, len, &reader->parameters->key))
		kg_refusal_add(reader->refusal, KG_PROBLEM_BAD_IDEMPOTENCY_KEY,
		    reader->pointer, NULL,
		    "Not one key of 1 to %d visible ASCII characters.",
		    KG_IDEMPOTENCY_KEY_MAX);
}

unsigned
kg_parameters_check(const char *name, size_t len)
{
	static const char *const names[] = {
	    "listener", "draining", "leader", "credentials"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return 1U << i;
	return 0;
}

static void
read_exclude(struct reader *reader, const char *text, size_t len)
{
	const char *end = text + len;

	while (text <= end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma == NULL ? end : comma;
		unsigned check = kg_parameters_check(text, (size_t)(stop - text));

		if (check == 0)
			kg_refusal_set(reader->refusal, KG_PROBLEM_NOT_FOUND,
			    "exclude names a check that does not exist.");
		reader->parameters->excluded |= check;
		text = stop + 1;
	}
}

/* The tables. */

struct row {
	enum kg_field field; /* KG_FIELD_COUNT: query only */
	const char *field_pointer;
	const char *query; /* NULL: header only */
	const char *query_pointer;
	unsigned takes;
	read_fn read;
};

static const struct row rows[] = {
    {KG_FIELD_KURRENT_EXPECTED_VERSION, "header:Kurrent-ExpectedVersion",
	"current_version", "query:current_version", KG_TAKES_EXPECTATION,
	read_expected_version},
    {KG_FIELD_KURRENT_EVENT_ID, "header:Kurrent-EventId", "event_id", "query:event_id",
	KG_TAKES_RAW, read_event_id},
    {KG_FIELD_KURRENT_EVENT_TYPE, "header:Kurrent-EventType", NULL, NULL, KG_TAKES_RAW,
	read_event_type},
    {KG_FIELD_KURRENT_METADATA, "header:Kurrent-Metadata", NULL, NULL, KG_TAKES_RAW,
	read_metadata},
    {KG_FIELD_KURRENT_METADATA_BASE64, "header:Kurrent-Metadata-Base64", NULL, NULL,
	KG_TAKES_RAW, read_metadata_base64},
    {KG_FIELD_KURRENT_TIMEOUT, "header:Kurrent-Timeout", "timeout", "query:timeout",
	KG_TAKES_DATABASE, read_timeout},
    {KG_FIELD_GRPC_TIMEOUT, "header:Grpc-Timeout", NULL, NULL, KG_TAKES_DATABASE,
	read_grpc_timeout},
    {KG_FIELD_IDEMPOTENCY_KEY, "header:Idempotency-Key", NULL, NULL, KG_TAKES_WRITE,
	read_key},
    {KG_FIELD_IF_MATCH, "header:If-Match", NULL, NULL, KG_TAKES_PUT_METADATA,
	read_if_match},
    {KG_FIELD_COUNT, NULL, "exclude", "query:exclude", KG_TAKES_READINESS, read_exclude},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static void
read_headers(struct reader *reader, const struct kg_head *head)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct kg_head_field *field =
		    rows[i].field == KG_FIELD_COUNT ? NULL : head->known[rows[i].field];

		if (field == NULL || (rows[i].takes & reader->context->takes) == 0)
			continue;
		reader->pointer = rows[i].field_pointer;
		rows[i].read(reader, field->value, field->value_len);
	}
}

/* Of a read, a list on any number of lines; of a write, once. */
static void
read_if_none_match(struct reader *reader, const struct kg_head *head)
{
	struct kg_parameters *parameters = reader->parameters;
	const unsigned takes = reader->context->takes;

	if ((takes & (KG_TAKES_GET_METADATA | KG_TAKES_PUT_METADATA)) == 0)
		return;
	reader->pointer = "header:If-None-Match";
	if ((takes & KG_TAKES_PUT_METADATA) != 0 &&
	    head->times[KG_FIELD_IF_NONE_MATCH] > 1)
		refuse_form(reader, "The header is given more than once.");
	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *field = &head->fields[i];

		if (kg_head_field_find(field->name, field->name_len) !=
		    KG_FIELD_IF_NONE_MATCH)
			continue;
		if ((takes & KG_TAKES_PUT_METADATA) != 0) {
			read_condition(reader, field->value, field->value_len,
			    kg_condition_read_if_none_match);
		} else if (!kg_known_versions_add(&parameters->known_versions,
			       field->value, field->value_len)) {
			refuse_form(reader,
			    "Neither * nor a list of entity tags in quotes, such "
			    "as \"3\" or \"no_stream\".");
			return;
		}
	}
}

/* Names of preferences are no secrets, what they are set to may be. */
static void
refuse_preference(struct reader *reader, struct kdb_bytes text)
{
	size_t len = 0;

	while (len < text.len && len < POINTER_NAME_MAX &&
	       kg_head_is_token_char(((const char *)text.data)[len]))
		len++;
	kg_refusal_add(reader->refusal, KG_PROBLEM_UNKNOWN_PREFERENCE, "header:Prefer",
	    "Known are int64=string, handling=strict and handling=lenient.",
	    "The preference \"%.*s\" is not known, or not with this value.", (int)len,
	    (const char *)text.data);
}

static void
read_preferences(struct reader *reader, const struct kg_head *head)
{
	struct kg_preferences preferences = {0};

	if (head->known[KG_FIELD_PREFER] == NULL ||
	    (reader->context->takes & KG_TAKES_V1) == 0)
		return;
	for (size_t i = 0; i < head->field_count; i++)
		if (kg_head_field_find(head->fields[i].name, head->fields[i].name_len) ==
		    KG_FIELD_PREFER)
			kg_preferences_add(&preferences, head->fields[i].value,
			    head->fields[i].value_len);
	reader->parameters->int64_form = preferences.int64_form;
	reader->parameters->preference_applied = kg_preferences_applied(&preferences);
	for (size_t i = 0; preferences.is_strict && i < preferences.unknown_count; i++)
		refuse_preference(reader, preferences.unknown[i]);
}

/* Who cannot be read, or not without doubt, is not asked to say it again: a new trace
 * begins. */
static void
read_trace(struct reader *reader, const struct kg_head *head)
{
	const struct kg_head_field *parent = head->known[KG_FIELD_TRACEPARENT];
	struct kg_tracestate state = {0};
	struct kg_trace_context *trace;

	if (parent == NULL || (reader->context->takes & KG_TAKES_DATABASE) == 0)
		return;
	reader->parameters->trace = trace = kdb_alloc_zero(1, sizeof(*trace));
	if (head->times[KG_FIELD_TRACEPARENT] > 1 ||
	    !kg_trace_context_continue(trace, parent->value, parent->value_len)) {
		kg_trace_context_begin(trace);
		return;
	}
	for (size_t i = 0; i < head->field_count; i++)
		if (kg_head_field_find(head->fields[i].name, head->fields[i].name_len) ==
		    KG_FIELD_TRACESTATE)
			kg_tracestate_add(
			    &state, head->fields[i].value, head->fields[i].value_len);
	trace->tracestate = kg_tracestate_print(&state);
}

static const struct row *
find_query_row(const char *name, size_t len, unsigned takes)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].query != NULL && (rows[i].takes & takes) != 0 &&
		    strlen(rows[i].query) == len && memcmp(rows[i].query, name, len) == 0)
			return &rows[i];
	return NULL;
}

/* The parameter that an unknown one was most likely meant to be; NULL: none is near. */
static const char *
nearest_query(const char *name, size_t len, unsigned takes)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		size_t distance;

		if (rows[i].query == NULL || (rows[i].takes & takes) == 0)
			continue;
		distance = kdb_name_distance(name, len, rows[i].query);
		if (distance < least) {
			least = distance;
			nearest = rows[i].query;
		}
	}
	return nearest;
}

static void
refuse_unknown(struct reader *reader, const char *name, size_t len)
{
	const char *nearest = nearest_query(name, len, reader->context->takes);
	char *pointer = kdb_alloc_printf(
	    "query:%.*s", (int)(len < POINTER_NAME_MAX ? len : POINTER_NAME_MAX), name);
	char hint[64];

	snprintf(
	    hint, sizeof(hint), "Did you mean \"%s\"?", nearest == NULL ? "" : nearest);
	kg_refusal_add(reader->refusal, KG_PROBLEM_UNKNOWN_MEMBER, pointer,
	    nearest == NULL ? NULL : hint, "Unknown query parameter.");
	free(pointer);
}

static void
read_pair(struct reader *reader, char *pair, size_t len)
{
	char *equals = memchr(pair, '=', len);
	char *value = equals == NULL ? pair + len : equals + 1;
	size_t value_len = (size_t)(pair + len - value);
	size_t name_len = equals == NULL ? len : (size_t)(equals - pair);
	const struct row *row;

	name_len = kg_router_decode(pair, name_len);
	value_len = kg_router_decode(value, value_len);
	row = find_query_row(pair, name_len, reader->context->takes);
	if (row == NULL) {
		refuse_unknown(reader, pair, name_len);
		return;
	}
	reader->pointer = row->query_pointer;
	row->read(reader, value, value_len);
}

static void
read_query(struct reader *reader, const struct kg_target *target)
{
	char *at = target->query;
	char *end = at + target->query_len;

	/* Elsewhere a query means nothing. */
	if ((reader->context->takes & (KG_TAKES_V1 | KG_TAKES_READINESS)) == 0)
		return;
	while (at < end) {
		char *ampersand = memchr(at, '&', (size_t)(end - at));
		char *stop = ampersand == NULL ? end : ampersand;

		if (stop > at)
			read_pair(reader, at, (size_t)(stop - at));
		at = stop + 1;
	}
}

/* An ignored header would be an ignored wish. */
static bool
is_undefined(const struct kg_head_field *field, unsigned takes)
{
	enum kg_field known = kg_head_field_find(field->name, field->name_len);

	if (known == KG_FIELD_IF_MATCH || known == KG_FIELD_IF_NONE_MATCH)
		return (takes & KG_TAKES_DATABASE) != 0 &&
		       !kg_head_field_is_defined(known, takes);
	if (!kg_head_has_prefix(field->name, field->name_len, "Kurrent-"))
		return false;
	return known == KG_FIELD_COUNT || !kg_head_field_is_defined(known, takes);
}

static void
check_undefined(struct reader *reader, const struct kg_head *head)
{
	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *field = &head->fields[i];
		size_t len = field->name_len < POINTER_NAME_MAX ? field->name_len
								: POINTER_NAME_MAX;
		char *pointer;

		if (!is_undefined(field, reader->context->takes))
			continue;
		pointer = kdb_alloc_printf("header:%.*s", (int)len, field->name);
		kg_refusal_add(reader->refusal, KG_PROBLEM_CONFLICTING_PARAMETERS,
		    pointer, NULL, "This route does not define the header.");
		free(pointer);
	}
}

/* Where the body cannot hold the expectation, it must stand in header or query. */
static void
check_expectation(struct reader *reader)
{
	struct kg_parameters *parameters = reader->parameters;
	const struct kg_default_version *default_version =
	    &reader->context->config->default_current_version;

	if ((reader->context->takes & KG_TAKES_PUT_METADATA) != 0 &&
	    !parameters->has_expected_version)
		kg_refusal_set(reader->refusal, KG_PROBLEM_PRECONDITION_REQUIRED,
		    "Send If-Match with the ETag of the last GET, or If-None-Match: * "
		    "where "
		    "the metadata was never set; to overwrite whatever there is, "
		    "Kurrent-ExpectedVersion: any.");
	if ((reader->context->takes & APPENDS_TO_ONE_STREAM) == 0 ||
	    parameters->body_form == KG_BODY_JSON || parameters->has_expected_version)
		return;
	if (!default_version->is_given) {
		kg_refusal_add(reader->refusal, KG_PROBLEM_INVALID_REQUEST,
		    "query:current_version",
		    "no_stream for a new stream, or the version that you read last",
		    "The expectation is missing.");
		return;
	}
	parameters->has_expected_version = true;
	parameters->expected_version = default_version->expected_version;
}

/* Media types: steps 9 and 10. */

static const char *const envelope_types[] = {
    "application/json", "application/x-ndjson", NULL};
static const char *const raw_types[] = {"*/*", NULL};
static const char *const cloudevents_types[] = {
    "application/cloudevents+json", "application/cloudevents-batch+json", NULL};
static const char *const json_types[] = {"application/json", NULL};

const char *const *
kg_parameters_accepted_types(unsigned takes)
{
	return (takes & KG_TAKES_ENVELOPE) != 0      ? envelope_types
	       : (takes & KG_TAKES_RAW) != 0         ? raw_types
	       : (takes & KG_TAKES_CLOUDEVENTS) != 0 ? cloudevents_types
	       : (takes & KG_TAKES_WRITE) != 0       ? json_types
						     : NULL;
}

static void
check_accept(struct reader *reader, const struct kg_head *head)
{
	struct kg_accept accept = {0};

	if (head->known[KG_FIELD_ACCEPT] == NULL ||
	    (reader->context->takes & KG_TAKES_V1) == 0)
		return;
	for (size_t i = 0; i < head->field_count; i++)
		if (kg_head_field_find(head->fields[i].name, head->fields[i].name_len) ==
		    KG_FIELD_ACCEPT)
			kg_accept_add(
			    &accept, head->fields[i].value, head->fields[i].value_len);
	if (!kg_accept_admits_json(&accept))
		kg_refusal_set(reader->refusal, KG_PROBLEM_NOT_ACCEPTABLE,
		    "The Accept header admits neither application/json nor "
		    "application/problem+json.");
}

static void
refuse_type(struct reader *reader, const char *detail)
{
	kg_refusal_set(reader->refusal, KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, "%s", detail);
	reader->refusal->accepted_types =
	    kg_parameters_accepted_types(reader->context->takes);
}

static bool
is_form(const struct kg_media_type *type)
{
	return kg_media_type_is(type, "application/x-www-form-urlencoded") ||
	       kg_media_type_is(type, "multipart/form-data");
}

static void
read_envelope_type(struct reader *reader, const struct kg_media_type *type)
{
	if (kg_media_type_is(type, "application/json"))
		reader->parameters->body_form = KG_BODY_JSON;
	else if (kg_media_type_is(type, "application/x-ndjson"))
		reader->parameters->body_form = KG_BODY_NDJSON;
	else if (is_form(type))
		refuse_type(reader, "The body is sent as a form; with curl, use --json.");
	else
		refuse_type(reader, "The Content-Type must be application/json or "
				    "application/x-ndjson.");
	if (type->charset == KG_CHARSET_OTHER)
		refuse_type(reader, "The charset must be utf-8.");
}

/* M, K, P. */
static void
read_json_type(struct reader *reader, const struct kg_media_type *type)
{
	reader->parameters->body_form = KG_BODY_JSON;
	if (is_form(type))
		refuse_type(reader, "The body is sent as a form; with curl, use --json.");
	else if (!kg_media_type_is(type, "application/json"))
		refuse_type(reader, "The Content-Type must be application/json.");
	if (type->charset == KG_CHARSET_OTHER)
		refuse_type(reader, "The charset must be utf-8.");
}

static void
read_raw_type(struct reader *reader, const struct kg_media_type *type)
{
	reader->parameters->body_form = KG_BODY_RAW_BYTES;
	if (!kg_media_type_is(type, "application/json") &&
	    !kg_media_type_has_suffix(type, "+json"))
		return;
	reader->parameters->body_form = KG_BODY_RAW_JSON;
	if (type->charset == KG_CHARSET_OTHER)
		refuse_type(reader, "The charset of JSON must be utf-8.");
}

/* The media type wins over ce- headers, which every other type needs (api-design 12). */
static void
read_cloudevents_type(struct reader *reader, const struct kg_head *head,
    const struct kg_media_type *type)
{
	struct kg_parameters *parameters = reader->parameters;

	if (kg_media_type_is(type, cloudevents_types[0]))
		parameters->body_form = KG_BODY_CLOUDEVENT;
	else if (kg_media_type_is(type, cloudevents_types[1]))
		parameters->body_form = KG_BODY_CLOUDEVENT_BATCH;
	else if (kg_cloudevent_is_marked(head))
		read_raw_type(reader, type);
	else if (is_form(type))
		refuse_type(reader,
		    "The body is sent as a form; with curl, use --json and "
		    "-H 'Content-Type: application/cloudevents+json'.");
	else
		refuse_type(reader,
		    "Neither the Content-Type nor a header ce-specversion says that "
		    "this is a CloudEvent.");
	if (parameters->body_form >= KG_BODY_CLOUDEVENT &&
	    type->charset == KG_CHARSET_OTHER)
		refuse_type(reader, "The charset must be utf-8.");
}

static bool
is_binary_cloudevent(const struct reader *reader)
{
	return (reader->context->takes & KG_TAKES_CLOUDEVENTS) != 0 &&
	       reader->parameters->body_form < KG_BODY_CLOUDEVENT;
}

static void
check_coding(struct reader *reader, const struct kg_head_field *field)
{
	if (field == NULL || reader->refusal->is_set)
		return;
	reader->parameters->is_gzip =
	    kg_head_is_equal(field->value, field->value_len, "gzip") ||
	    kg_head_is_equal(field->value, field->value_len, "x-gzip");
	if (reader->parameters->is_gzip)
		return;
	refuse_type(reader, "The Content-Encoding must be gzip, once, or left out.");
	reader->refusal->is_coding_refused = true;
}

static void
check_content(struct reader *reader, const struct kg_head *head)
{
	const struct kg_head_field *field = head->known[KG_FIELD_CONTENT_TYPE];
	struct kg_media_type type = {0};

	if ((reader->context->takes & KG_TAKES_WRITE) == 0)
		return;
	/* What cannot be read is a type like any other that is not JSON. */
	if (field != NULL && !kg_media_type_read(field->value, field->value_len, &type))
		type = (struct kg_media_type){.essence = ""};
	if (field == NULL)
		type.essence = "";
	if ((reader->context->takes & KG_TAKES_ENVELOPE) != 0)
		read_envelope_type(reader, &type);
	else if ((reader->context->takes & KG_TAKES_RAW) != 0)
		read_raw_type(reader, &type);
	else if ((reader->context->takes & KG_TAKES_CLOUDEVENTS) != 0)
		read_cloudevents_type(reader, head, &type);
	else
		read_json_type(reader, &type);
	check_coding(reader, head->known[KG_FIELD_CONTENT_ENCODING]);
}

bool
kg_parameters_read(const struct kg_head *head, const struct kg_target *target,
    const struct kg_parameters_context *context, struct kg_parameters *parameters,
    struct kg_refusal *refusal)
{
	struct reader reader = {
	    .context = context, .parameters = parameters, .refusal = refusal};

	*parameters = (struct kg_parameters){0};
	check_accept(&reader, head);
	if (!refusal->is_set)
		check_content(&reader, head);
	if (!refusal->is_set && is_binary_cloudevent(&reader))
		kg_cloudevent_check_form(head, refusal);
	if (!refusal->is_set && (context->takes & KG_TAKES_V1) != 0)
		check_undefined(&reader, head);
	if (refusal->is_set)
		return false;
	read_headers(&reader, head);
	if (is_binary_cloudevent(&reader))
		kg_cloudevent_read(head, context->config->max_name_bytes,
		    &parameters->cloudevent, refusal);
	read_if_none_match(&reader, head);
	read_preferences(&reader, head);
	read_trace(&reader, head);
	read_query(&reader, target);
	if (!refusal->is_set)
		check_expectation(&reader);
	return !refusal->is_set;
}

void
kg_parameters_dispose(struct kg_parameters *parameters)
{
	free(parameters->metadata_storage);
	if (parameters->trace != NULL)
		kg_trace_context_dispose(parameters->trace);
	free(parameters->trace);
	kg_cloudevent_dispose(&parameters->cloudevent);
	kg_known_versions_dispose(&parameters->known_versions);
	*parameters = (struct kg_parameters){0};
}
