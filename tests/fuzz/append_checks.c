/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of the bodies of appends. Owns what it reads, but for what it hands out. */
#include "tests/fuzz/append_checks.h"

#include "daemon/json_scan.h"
#include "daemon/json_text.h"
#include "tests/fuzz/fuzz.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

const struct kg_append_limits append_limits = {
    .max_events = 4,
    .max_depth = 20,
    .max_name_bytes = 32,
    .validate_payloads = true,
};

static struct kdb_bytes
text_bytes(const char *text)
{
	return (struct kdb_bytes){text, strlen(text)};
}

static bool
bytes_are_equal(struct kdb_bytes a, struct kdb_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void
check_taken(const struct kg_append_body *append, const struct kg_append_limits *limits)
{
	require(append->event_count >= 1 && append->event_count <= limits->max_events);
	for (size_t i = 0; i < append->event_count; i++) {
		const struct kdb_event *event = &append->events[i];

		require(
		    event->type.len >= 1 && event->type.len <= limits->max_name_bytes);
		require(fuzz_is_utf8(event->type.data, event->type.len));
		require(memchr(event->type.data, '\0', event->type.len) == NULL);
		if (event->is_json && limits->validate_payloads)
			require(kg_json_is_valid(
			    event->data.data, event->data.len, limits->max_depth));
	}
	if (append->has_expected_version)
		require(append->expected_version >= 0 ||
			append->expected_version == KDB_VERSION_NO_STREAM ||
			append->expected_version == KDB_VERSION_ANY ||
			append->expected_version == KDB_VERSION_EXISTS);
}

static bool
is_problem_of_bodies(enum kg_problem problem)
{
	return problem == KG_PROBLEM_MALFORMED_JSON ||
	       problem == KG_PROBLEM_INVALID_REQUEST ||
	       problem == KG_PROBLEM_UNKNOWN_MEMBER ||
	       problem == KG_PROBLEM_DUPLICATE_MEMBER ||
	       problem == KG_PROBLEM_APPEND_TOO_LARGE;
}

/* Reads once. *problem is KG_PROBLEM_COUNT when the body is taken. */
static bool
read_once(append_read_fn read, struct kdb_bytes body, const char *stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    enum kg_problem *problem)
{
	struct kg_refusal refusal;
	bool is_taken;

	kg_refusal_init(&refusal);
	is_taken =
	    read(body.data, body.len, text_bytes(stream_name), limits, append, &refusal);
	*problem = KG_PROBLEM_COUNT;
	if (is_taken) {
		require(!refusal.is_set && refusal.finding_count == 0);
		check_taken(append, limits);
	} else {
		fuzz_check_refusal(&refusal);
		require(is_problem_of_bodies(refusal.problem));
		require(refusal.byte_offset <= (int64_t)body.len);
		*problem = refusal.problem;
	}
	kg_refusal_dispose(&refusal);
	return is_taken;
}

/* Whether two appends have the same events, whose ids may differ. */
static bool
have_equal_contents(const struct kg_append_body *a, const struct kg_append_body *b)
{
	if (a->event_count != b->event_count)
		return false;
	for (size_t i = 0; i < a->event_count; i++) {
		const struct kdb_event *one = &a->events[i];
		const struct kdb_event *other = &b->events[i];

		if (one->is_json != other->is_json ||
		    !bytes_are_equal(one->type, other->type) ||
		    !bytes_are_equal(one->data, other->data) ||
		    !bytes_are_equal(one->metadata, other->metadata))
			return false;
	}
	return true;
}

bool
append_is_equal(const struct kg_append_body *a, const struct kg_append_body *b)
{
	if (!have_equal_contents(a, b))
		return false;
	for (size_t i = 0; i < a->event_count; i++)
		if (memcmp(a->events[i].id, b->events[i].id, sizeof a->events[i].id) != 0)
			return false;
	return true;
}

/* Whatever passes the checks passes without them, and says the same. */
static void
check_unvalidated(append_read_fn read, struct kdb_bytes body, bool is_taken,
    const struct kg_append_body *taken)
{
	struct kg_append_limits limits = append_limits;
	struct kg_append_body append;
	enum kg_problem problem;

	limits.validate_payloads = false;
	if (read_once(read, body, "plain", &limits, &append, &problem)) {
		require(!is_taken || append_is_equal(&append, taken));
		kg_append_body_dispose(&append);
	} else {
		require(!is_taken);
	}
}

/* Too many events are the last thing that is found, and the expectation is told. */
static void
check_one_event_limit(append_read_fn read, struct kdb_bytes body, bool is_taken,
    const struct kg_append_body *taken)
{
	struct kg_append_limits limits = append_limits;
	struct kg_append_body append;
	enum kg_problem problem;

	limits.max_events = 1;
	if (read_once(read, body, "plain", &limits, &append, &problem)) {
		require(is_taken && append_is_equal(&append, taken));
		kg_append_body_dispose(&append);
	} else if (is_taken) {
		require(taken->event_count > 1);
		require(problem == KG_PROBLEM_APPEND_TOO_LARGE);
		require(append.has_expected_version == taken->has_expected_version);
		require(append.expected_version == taken->expected_version);
	}
}

/* A metadata stream takes less than others, and always checks payloads. */
static void
check_metadata_stream(append_read_fn read, struct kdb_bytes body, bool is_taken,
    const struct kg_append_body *taken)
{
	struct kg_append_limits limits = append_limits;
	struct kg_append_body append;
	enum kg_problem problem;

	limits.validate_payloads = false;
	if (!read_once(read, body, "$$plain", &limits, &append, &problem))
		return;
	/* Ids of CloudEvents differ from stream to stream. */
	require(is_taken && have_equal_contents(&append, taken));
	for (size_t i = 0; i < append.event_count; i++) {
		require(append.events[i].is_json);
		require(bytes_are_equal(append.events[i].type, text_bytes("$metadata")));
	}
	kg_append_body_dispose(&append);
}

bool
append_check_body(
    append_read_fn read, const char *body, size_t len, struct kg_append_body *append)
{
	struct kdb_bytes bytes = {body, len};
	enum kg_problem problem;
	bool is_taken = read_once(read, bytes, "plain", &append_limits, append, &problem);

	check_unvalidated(read, bytes, is_taken, append);
	check_one_event_limit(read, bytes, is_taken, append);
	check_metadata_stream(read, bytes, is_taken, append);
	return is_taken;
}

/* What is encoded again must give the text that was decoded. */
static void
check_base64(const struct kg_json_value *text, struct kdb_bytes decoded)
{
	gnutls_datum_t raw = {
	    (unsigned char *)(uintptr_t)decoded.data, (unsigned)decoded.len};
	gnutls_datum_t encoded = {NULL, 0};
	char *sent = fuzz_copy(text->start, text->len);
	size_t sent_len;

	require(kg_json_text_decode(text, sent, &sent_len));
	if (decoded.len > 0)
		require(gnutls_base64_encode2(&raw, &encoded) == GNUTLS_E_SUCCESS);
	require(encoded.size == sent_len);
	require(sent_len == 0 || memcmp(encoded.data, sent, sent_len) == 0);
	gnutls_free(encoded.data);
	free(sent);
}

static void
check_type(const struct kg_json_value *text, struct kdb_bytes type)
{
	char *sent = fuzz_copy(text->start, text->len);
	size_t sent_len;

	require(kg_json_text_decode(text, sent, &sent_len));
	require(bytes_are_equal(type, (struct kdb_bytes){sent, sent_len}));
	free(sent);
}

void
append_check_event(const char *json, size_t len, const struct kdb_event *event)
{
	struct kg_json object;
	struct kg_json_value name;
	struct kg_json_value value;
	bool is_first = true;

	kg_json_init(&object, json, len, append_limits.max_depth);
	require(kg_json_peek(&object) == KG_JSON_OBJECT);
	kg_json_enter(&object);
	while (kg_json_next_member(&object, &is_first, &name)) {
		require(kg_json_read_value(&object, &value));
		if (kg_json_text_is(&name, "type"))
			check_type(&value, event->type);
		else if (kg_json_text_is(&name, "data"))
			require(event->data.data == value.start &&
				event->data.len == value.len);
		else if (kg_json_text_is(&name, "metadata"))
			require(event->metadata.data == value.start &&
				event->metadata.len == value.len);
		else if (kg_json_text_is(&name, "data_base64"))
			check_base64(&value, event->data);
		else if (kg_json_text_is(&name, "metadata_base64"))
			check_base64(&value, event->metadata);
	}
	require(kg_json_finish(&object));
}
