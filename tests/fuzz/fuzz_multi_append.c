/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a multi-append. No two streams of what is taken could be mixed up by the
 * database, and whatever stricter limits take, the usual ones take alike.
 */
#include "daemon/multi_append_body.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/transaction_checks.h"

static void
check_taken(const struct kg_multi_append_body *multi,
    const struct kg_append_limits *limits, const int64_t *default_version)
{
	const struct kdb_event *next = multi->events;

	require(multi->stream_count >= 1 && multi->event_count <= limits->max_events);
	for (size_t i = 0; i < multi->stream_count; i++) {
		const struct kdb_stream_append *stream = &multi->streams[i];

		transaction_check_name(stream->stream_name);
		require(stream->expected_version >= KDB_VERSION_ANY ||
			stream->expected_version == KDB_VERSION_EXISTS ||
			(default_version != NULL &&
			    stream->expected_version == *default_version));
		require(stream->events == next && stream->event_count >= 1);
		next += stream->event_count;
		for (size_t k = 0; k < stream->event_count; k++)
			transaction_check_stream(stream->stream_name, &stream->events[k]);
		for (size_t k = 0; k < i; k++)
			require(!transaction_is_variant(
			    stream->stream_name, multi->streams[k].stream_name));
	}
	require(next == multi->events + multi->event_count);
	if (limits->validate_payloads)
		for (size_t i = 0; i < multi->event_count; i++)
			transaction_check_event(
			    &multi->events[i], limits->is_type_ascii_only);
}

static bool
read_once(const char *body, size_t len, const struct kg_append_limits *limits,
    const int64_t *default_version, struct kg_multi_append_body *multi,
    enum kg_problem *problem)
{
	struct kg_refusal refusal;
	bool is_taken;

	kg_refusal_init(&refusal);
	is_taken = kg_multi_append_body_read(
	    body, len, limits, default_version, multi, &refusal);
	*problem = KG_PROBLEM_COUNT;
	if (is_taken) {
		require(!refusal.is_set && refusal.finding_count == 0);
		check_taken(multi, limits, default_version);
	} else {
		transaction_check_refusal(&refusal, len);
		*problem = refusal.problem;
	}
	kg_refusal_dispose(&refusal);
	return is_taken;
}

static bool
is_equal(const struct kg_multi_append_body *one, const struct kg_multi_append_body *other)
{
	if (one->stream_count != other->stream_count ||
	    one->event_count != other->event_count)
		return false;
	for (size_t i = 0; i < one->stream_count; i++)
		if (one->streams[i].event_count != other->streams[i].event_count ||
		    one->streams[i].expected_version !=
			other->streams[i].expected_version ||
		    !transaction_bytes_are_equal(
			one->streams[i].stream_name, other->streams[i].stream_name))
			return false;
	for (size_t i = 0; i < one->event_count; i++)
		if (!transaction_is_equal(&one->events[i], &other->events[i]))
			return false;
	return true;
}

/* Reads under other limits, which take no more than the usual ones, or no less. */
static void
check_limits(const char *body, size_t len, const struct kg_append_limits *limits,
    const int64_t *default_version, const struct kg_multi_append_body *taken)
{
	bool is_stricter = default_version == NULL && limits->validate_payloads;
	struct kg_multi_append_body multi;
	enum kg_problem problem;

	if (read_once(body, len, limits, default_version, &multi, &problem)) {
		require(taken != NULL || !is_stricter);
		require(taken == NULL || is_equal(&multi, taken));
		kg_multi_append_body_dispose(&multi);
	} else if (taken != NULL) {
		require(is_stricter);
		require(problem == KG_PROBLEM_APPEND_TOO_LARGE ||
			problem == KG_PROBLEM_INVALID_EVENT_TYPE);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const int64_t default_version = KDB_VERSION_EXISTS;
	const char *body = (const char *)bytes;
	struct kg_append_limits one_event = append_limits, ascii = append_limits,
				unchecked = append_limits;
	struct kg_multi_append_body multi;
	const struct kg_multi_append_body *taken = NULL;
	enum kg_problem problem;

	one_event.max_events = 1;
	ascii.is_type_ascii_only = true;
	unchecked.validate_payloads = false;
	if (read_once(body, len, &append_limits, NULL, &multi, &problem))
		taken = &multi;
	check_limits(body, len, &one_event, NULL, taken);
	check_limits(body, len, &ascii, NULL, taken);
	check_limits(body, len, &unchecked, NULL, taken);
	check_limits(body, len, &append_limits, &default_version, taken);
	if (taken != NULL)
		kg_multi_append_body_dispose(&multi);
	return 0;
}
