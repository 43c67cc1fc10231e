/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of append-records. What is taken is consistent: each record has its stream, each
 * stream its first record and its expectation; and no two names could be mixed up by the
 * database.
 */
#include "daemon/append_records_body.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/transaction_checks.h"

static bool
is_mixed_up(struct kdb_bytes one, struct kdb_bytes other)
{
	return transaction_is_variant(one, other) &&
	       !transaction_bytes_are_equal(one, other);
}

/* What the check of a stream says; KDB_VERSION_ANY: it has none. */
static int64_t
find_expectation(const struct kg_append_records_body *append, struct kdb_bytes name)
{
	for (size_t i = 0; i < append->check_count; i++)
		if (transaction_bytes_are_equal(append->checks[i].stream_name, name))
			return append->checks[i].expected_state;
	return KDB_VERSION_ANY;
}

static void
check_streams(const struct kg_append_records_body *append)
{
	for (size_t i = 0; i < append->stream_count; i++) {
		const struct kg_record_stream *stream = &append->streams[i];
		const struct kdb_bytes name = append->stream_names[i];

		transaction_check_name(name);
		require(stream->first_record < append->record_count);
		require(append->records[stream->first_record].stream_index == i);
		require(i == 0 || stream->first_record > stream[-1].first_record);
		require(stream->expected_state == find_expectation(append, name));
		for (size_t k = 0; k < i; k++)
			require(!transaction_is_variant(name, append->stream_names[k]));
	}
}

static void
check_checks(const struct kg_append_records_body *append)
{
	require(append->check_count <= KG_CHECKS_MAX);
	for (size_t i = 0; i < append->check_count; i++) {
		const struct kdb_check *check = &append->checks[i];

		transaction_check_name(check->stream_name);
		require(check->expected_state >= KDB_VERSION_TOMBSTONED &&
			check->expected_state != KDB_VERSION_ANY &&
			check->expected_state != -3);
		for (size_t k = 0; k < i; k++)
			require(!transaction_is_variant(
			    check->stream_name, append->checks[k].stream_name));
		for (size_t k = 0; k < append->stream_count; k++)
			require(
			    !is_mixed_up(check->stream_name, append->stream_names[k]));
	}
}

static void
check_taken(
    const struct kg_append_records_body *append, const struct kg_append_limits *limits)
{
	require(append->record_count >= 1 && append->record_count <= limits->max_events);
	for (size_t i = 0; i < append->record_count; i++) {
		const struct kdb_record *record = &append->records[i];

		require(record->stream_index < append->stream_count);
		require(append->streams[record->stream_index].first_record <= i);
		transaction_check_stream(
		    append->stream_names[record->stream_index], &record->event);
		if (limits->validate_payloads)
			transaction_check_event(
			    &record->event, limits->is_type_ascii_only);
	}
	check_streams(append);
	check_checks(append);
}

static bool
read_once(const char *body, size_t len, const struct kg_append_limits *limits,
    struct kg_append_records_body *append, enum kg_problem *problem)
{
	struct kg_refusal refusal;
	bool is_taken;

	kg_refusal_init(&refusal);
	is_taken = kg_append_records_body_read(body, len, limits, append, &refusal);
	*problem = KG_PROBLEM_COUNT;
	if (is_taken) {
		require(!refusal.is_set && refusal.finding_count == 0);
		check_taken(append, limits);
	} else {
		transaction_check_refusal(&refusal, len);
		*problem = refusal.problem;
	}
	kg_refusal_dispose(&refusal);
	return is_taken;
}

static bool
is_equal(
    const struct kg_append_records_body *one, const struct kg_append_records_body *other)
{
	if (one->record_count != other->record_count ||
	    one->stream_count != other->stream_count ||
	    one->check_count != other->check_count)
		return false;
	for (size_t i = 0; i < one->record_count; i++)
		if (one->records[i].stream_index != other->records[i].stream_index ||
		    !transaction_is_equal(
			&one->records[i].event, &other->records[i].event))
			return false;
	return true;
}

/* Reads under other limits, which take no more than the usual ones, or no less. */
static void
check_limits(const char *body, size_t len, const struct kg_append_limits *limits,
    const struct kg_append_records_body *taken)
{
	struct kg_append_records_body append;
	enum kg_problem problem;

	if (read_once(body, len, limits, &append, &problem)) {
		require(taken != NULL || !limits->validate_payloads);
		require(taken == NULL || is_equal(&append, taken));
		kg_append_records_body_dispose(&append);
	} else if (taken != NULL) {
		require(limits->validate_payloads);
		require(problem == KG_PROBLEM_APPEND_TOO_LARGE ||
			problem == KG_PROBLEM_INVALID_EVENT_TYPE);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *body = (const char *)bytes;
	struct kg_append_limits one_event = append_limits, ascii = append_limits,
				unchecked = append_limits;
	struct kg_append_records_body append;
	const struct kg_append_records_body *taken = NULL;
	enum kg_problem problem;

	one_event.max_events = 1;
	ascii.is_type_ascii_only = true;
	unchecked.validate_payloads = false;
	if (read_once(body, len, &append_limits, &append, &problem))
		taken = &append;
	check_limits(body, len, &one_event, taken);
	check_limits(body, len, &ascii, taken);
	check_limits(body, len, &unchecked, taken);
	if (taken != NULL)
		kg_append_records_body_dispose(&append);
	return 0;
}
