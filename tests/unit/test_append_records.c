/* SPDX-License-Identifier: Apache-2.0 */
/* Append-records on the wire: records and checks decode to what was asked, and every failing
 * condition comes back as what the caller named. */
#include "client-core/operations/transaction.h"
#include "proto/streams_v2.pb-c.h"
#include "proto/streams_v2_errors.pb-c.h"
#include "tests/unit/recorded_refusals.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Kurrentdb__Protocol__V2__Streams__AppendRecordsRequest request_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__AppendConsistencyViolationErrorDetails
    details_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__ConsistencyViolation violation_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__ConsistencyViolation__StreamStateViolation
    state_message;

static const struct kdb_event event = { .id = { 1 }, .type = { "T", 1 }, .is_json = true };

static struct kdb_bytes
name_of(const char *text)
{
	return (struct kdb_bytes){ text, strlen(text) };
}

static struct kdb_operation *
new_of(const struct kdb_append_records_request *request)
{
	struct kdb_error error;
	struct kdb_operation *operation = kdb_append_records_new(request, NULL, &error);

	ck_assert_ptr_nonnull(operation);
	return operation;
}

/* Writes b, a, b under four checks, one of them on b. */
static struct kdb_operation *
two_streams(void)
{
	struct kdb_bytes streams[] = { name_of("b"), name_of("a") };
	struct kdb_record records[] = { { 0, event }, { 1, event }, { 0, event } };
	struct kdb_check checks[] = { { name_of("other"), KDB_VERSION_EXISTS },
		{ name_of("b"), KDB_VERSION_NO_STREAM },
		{ name_of("gone"), KDB_VERSION_TOMBSTONED }, { name_of("n"), 5 } };
	struct kdb_append_records_request request = { .stream_names = streams,
		.stream_count = 2,
		.records = records,
		.record_count = 3,
		.checks = checks,
		.check_count = 4 };

	return new_of(&request);
}

static void
assert_text(ProtobufCBinaryData bytes, const char *text)
{
	ck_assert_uint_eq(bytes.len, strlen(text));
	ck_assert_mem_eq(bytes.data, text, bytes.len);
}

START_TEST(request_decodes_to_what_was_asked)
{
	static const char *const streams[] = { "b", "a", "b" };
	static const struct {
		const char *name;
		int64_t state;
	} checks[] = { { "other", -4 }, { "b", -1 }, { "gone", -6 }, { "n", 5 } };
	struct kdb_operation *operation = two_streams();
	request_message *message =
	    kurrentdb__protocol__v2__streams__append_records_request__unpack(
		NULL, operation->message_ends[0], operation->encoded);

	ck_assert_uint_eq(operation->message_count, 1);
	ck_assert(!operation->needs_own_connection);
	ck_assert(!operation->class->encode_head);
	ck_assert_ptr_nonnull(message);
	ck_assert_uint_eq(message->base.n_unknown_fields, 0);
	ck_assert_uint_eq(message->n_records, 3);
	for (size_t i = 0; i < 3; i++)
		assert_text(message->records[i]->stream, streams[i]);
	ck_assert_uint_eq(message->n_checks, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_text(message->checks[i]->stream_state->stream, checks[i].name);
		ck_assert(message->checks[i]->stream_state->has_expected_state);
		ck_assert_int_eq(message->checks[i]->stream_state->expected_state,
		    checks[i].state);
	}
	kurrentdb__protocol__v2__streams__append_records_request__free_unpacked(
	    message, NULL);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(server_must_have_it)
{
	static const struct kdb_features v25 = { .has_append = true,
		.has_multi_append = true };
	static const struct kdb_features v26 = { .has_append_records = true };
	struct kdb_operation *operation = two_streams();

	ck_assert(operation->class->adapt(operation, NULL));
	ck_assert(operation->class->adapt(operation, &v26));
	ck_assert(!operation->class->adapt(operation, &v25));
	ck_assert_int_eq(operation->error.code, KDB_NOT_SUPPORTED);
	ck_assert_str_eq(operation->error.requires, "26.1");
	kdb_operation_free(operation);
}
END_TEST

START_TEST(body_has_a_limit)
{
	char *data = calloc(1, 15000000);
	struct kdb_bytes stream = name_of("s");
	struct kdb_record records[2] = { { 0, event }, { 0, event } };
	struct kdb_append_records_request request = { .stream_names = &stream,
		.stream_count = 1,
		.records = records,
		.record_count = 2 };
	struct kdb_operation *operation;
	struct kdb_error error;
	size_t len;

	records[0].event.data = (struct kdb_bytes){ data, 15000000 };
	records[1].event.data = (struct kdb_bytes){ data, 14000000 };
	operation = new_of(&request);
	len = kdb_operation_encoded_len(operation);
	kdb_operation_free(operation);
	records[1].event.data.len += 30000000 - 5 - len;
	kdb_operation_free(new_of(&request));
	records[1].event.data.len++;
	ck_assert_ptr_null(kdb_append_records_new(&request, NULL, &error));
	ck_assert_int_eq(error.code, KDB_APPEND_TOO_LARGE);
	ck_assert_int_eq(error.outcome, KDB_OUTCOME_NOT_WRITTEN);
	ck_assert_int_eq(error.size.limit_bytes, 30000000);
	ck_assert_int_eq(error.size.actual_bytes, 30000001);
	ck_assert(!error.size.is_enforced_by_database);
	free(data);
}
END_TEST

START_TEST(event_has_a_limit)
{
	char *data = calloc(1, 16767216);
	struct kdb_bytes stream = name_of("s");
	struct kdb_record records[2] = { { 0, event }, { 0, event } };
	struct kdb_append_records_request request = { .stream_names = &stream,
		.stream_count = 1,
		.records = records,
		.record_count = 2 };
	struct kdb_error error;

	records[1].event.data = (struct kdb_bytes){ data, 16767215 };
	ck_assert_ptr_null(kdb_append_records_new(&request, NULL, &error));
	ck_assert_int_eq(error.code, KDB_EVENT_TOO_LARGE);
	ck_assert(error.size.has_event_index && error.size.event_index == 1);
	free(data);
}
END_TEST

/* ---- refusals ---- */

static struct kdb_status
status_of(uint8_t *bytes, size_t len)
{
	struct kdb_status status = { .code = 9,
		.reason = "APPEND_CONSISTENCY_VIOLATION",
		.detail_count = 1 };

	status.details[0] = (struct kdb_status_detail){ .type = KDB_VIOLATION_DETAIL,
		.type_len = strlen(KDB_VIOLATION_DETAIL),
		.bytes = bytes,
		.len = len };
	return status;
}

struct told {
	int index; /* what the server calls it */
	const char *stream;
	int64_t actual;
};

static bool
end_with(struct kdb_operation *operation, const struct told *told, size_t count)
{
	violation_message *violations = calloc(count + 1, sizeof *violations);
	violation_message **pointers = calloc(count + 1, sizeof *pointers);
	state_message *states = calloc(count + 1, sizeof *states);
	details_message details =
	    KURRENTDB__PROTOCOL__V2__STREAMS__ERRORS__APPEND_CONSISTENCY_VIOLATION_ERROR_DETAILS__INIT;
	struct kdb_status status;
	uint8_t *bytes;
	bool is_read;

	for (size_t i = 0; i < count; i++) {
		kurrentdb__protocol__v2__streams__errors__consistency_violation__init(
		    &violations[i]);
		kurrentdb__protocol__v2__streams__errors__consistency_violation__stream_state_violation__init(
		    &states[i]);
		states[i].has_stream = true;
		states[i].stream.data = (uint8_t *)(uintptr_t)told[i].stream;
		states[i].stream.len = strlen(told[i].stream);
		states[i].has_actual_state = told[i].actual != 0;
		states[i].actual_state = told[i].actual;
		violations[i].has_check_index = true;
		violations[i].check_index = told[i].index;
		violations[i].type_case =
		    KURRENTDB__PROTOCOL__V2__STREAMS__ERRORS__CONSISTENCY_VIOLATION__TYPE_STREAM_STATE;
		violations[i].stream_state = &states[i];
		pointers[i] = &violations[i];
	}
	details.n_violations = count;
	details.violations = pointers;
	bytes = malloc(protobuf_c_message_get_packed_size(&details.base) + 1);
	status = status_of(bytes, protobuf_c_message_pack(&details.base, bytes));
	is_read = operation->class->decode_end(operation, &status);
	free(bytes);
	free(states);
	free(pointers);
	free(violations);
	return is_read;
}

static const struct violation_row {
	const char *name;
	struct told told[5];
	size_t count;
	struct kdb_failure failures[5];
	size_t failure_count; /* 0: the details fit nothing */
} violation_rows[] = {
	{ "as the server numbers them", { { 0, "other", -1 }, { 1, "b", 3 }, { 4, "a", -6 } }, 3,
	    { { true, 0, -4, -1 }, { true, 1, -1, 3 }, { false, 1, -2, -6 } }, 3 },
	{ "an index that no server should tell", { { 77, "n", 0 }, { -1, "gone", 2 } }, 2,
	    { { true, 2, -6, 2 }, { true, 3, 5, 0 } }, 2 },
	{ "in another order", { { 4, "a", -6 }, { 0, "other", -5 } }, 2,
	    { { true, 0, -4, -5 }, { false, 1, -2, -6 } }, 2 },
	{ "expects and finds a tombstone", { { 2, "gone", -6 } }, 1, { { true, 2, -6, -6 } },
	    1 },
	{ "nothing", { { 0, "", 0 } }, 0, { { 0 } }, 0 },
	{ "a stream that was not named", { { 0, "other", 1 }, { 1, "B", 3 } }, 2, { { 0 } }, 0 },
	{ "a stream twice", { { 0, "other", 1 }, { 0, "other", 1 } }, 2, { { 0 } }, 0 },
	{ "a state that cannot be", { { 0, "other", -4 } }, 1, { { 0 } }, 0 },
	{ "any as a state", { { 0, "other", -2 } }, 1, { { 0 } }, 0 },
	{ "a state beyond all", { { 0, "other", -7 } }, 1, { { 0 } }, 0 },
};

START_TEST(violations_become_failures)
{
	const struct violation_row *row = &violation_rows[_i];
	struct kdb_operation *operation = two_streams();
	const struct kdb_failure *failures;
	bool is_complete;
	size_t count;

	ck_assert_msg(end_with(operation, row->told, row->count)
		== (row->failure_count > 0),
	    "%s", row->name);
	failures = kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, row->failure_count);
	ck_assert_int_eq(is_complete, count > 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(failures[i].is_check, row->failures[i].is_check);
		ck_assert_uint_eq(failures[i].index, row->failures[i].index);
		ck_assert_int_eq(
		    failures[i].expected_state, row->failures[i].expected_state);
		ck_assert_int_eq(
		    failures[i].actual_state, row->failures[i].actual_state);
	}
	if (count > 0) {
		ck_assert_int_eq(operation->error.code, KDB_CONSISTENCY_CHECKS_FAILED);
		ck_assert_int_eq(operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
		ck_assert_int_eq(operation->error.conflict.expected_version,
		    failures[0].expected_state);
	}
	kdb_operation_free(operation);
}
END_TEST

START_TEST(recorded_target_without_check)
{
	static const char prefix[] = "gt-69d174ef-D_records_multi_target_not_in_checks-";
	struct kdb_status status =
	    recorded_refusal("26.1.0", "D.records.multi.target-not-in-checks");
	struct kdb_record record = { 0, event };
	char target[80];
	char other[80];
	struct kdb_bytes stream = { target, 0 };
	struct kdb_check check = { { other, 0 }, 3 };
	struct kdb_append_records_request request = { .stream_names = &stream,
		.stream_count = 1,
		.records = &record,
		.record_count = 1,
		.checks = &check,
		.check_count = 1 };
	struct kdb_operation *operation;
	const struct kdb_failure *failures;
	bool is_complete;
	size_t count;

	stream.len = (size_t)snprintf(target, sizeof target, "%sw", prefix);
	check.stream_name.len = (size_t)snprintf(other, sizeof other, "%sa", prefix);
	operation = new_of(&request);
	ck_assert(operation->class->decode_end(operation, &status));
	failures = kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, 2);
	ck_assert(is_complete);
	ck_assert(failures[0].is_check && failures[0].index == 0);
	ck_assert_int_eq(failures[0].actual_state, KDB_VERSION_NO_STREAM);
	ck_assert(!failures[1].is_check && failures[1].index == 0);
	ck_assert_int_eq(failures[1].expected_state, KDB_VERSION_ANY);
	ck_assert_int_eq(failures[1].actual_state, KDB_VERSION_TOMBSTONED);
	kdb_operation_free(operation);
}
END_TEST

/* Eight megabytes of details: the decoder has room for them, and finds each name at once. */
START_TEST(thousand_long_names_fail_at_once)
{
	enum { COUNT = 1000, NAME_LEN = 4096 };
	struct kdb_check *checks = calloc(COUNT, sizeof *checks);
	struct told *told = calloc(COUNT, sizeof *told);
	char *names = malloc((size_t)COUNT * (NAME_LEN + 1));
	struct kdb_record record = { 0, event };
	struct kdb_bytes stream = name_of("target");
	struct kdb_append_records_request request = { .stream_names = &stream,
		.stream_count = 1,
		.records = &record,
		.record_count = 1,
		.checks = checks,
		.check_count = COUNT };
	struct kdb_operation *operation;
	const struct kdb_failure *failures;
	bool is_complete;
	size_t count;

	for (int i = 0; i < COUNT; i++) {
		char *name = names + (size_t)i * (NAME_LEN + 1);

		memset(name, 'n', NAME_LEN);
		snprintf(name + NAME_LEN - 8, 9, "%08d", i);
		checks[i] = (struct kdb_check){ { name, NAME_LEN }, 1 };
		told[COUNT - 1 - i] = (struct told){ i, name, i };
	}
	operation = new_of(&request);
	ck_assert(operation->needs_own_connection);
	ck_assert(end_with(operation, told, COUNT));
	failures = kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, COUNT);
	ck_assert(is_complete);
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_uint_eq(failures[i].index, i);
		ck_assert_int_eq(failures[i].actual_state, (int64_t)i);
	}
	kdb_operation_free(operation);
	free(names);
	free(told);
	free(checks);
}
END_TEST

/* A peer may say anything; the arena bounds what it costs. */
START_TEST(more_violations_than_can_be)
{
	enum { COUNT = 2000000 };
	uint8_t *bytes = malloc((size_t)2 * COUNT);
	struct kdb_operation *operation = two_streams();
	struct kdb_status status;

	for (size_t i = 0; i < COUNT; i++) {
		bytes[2 * i] = 0x0a;
		bytes[2 * i + 1] = 0;
	}
	status = status_of(bytes, (size_t)2 * COUNT);
	ck_assert(!operation->class->decode_end(operation, &status));
	kdb_operation_free(operation);
	free(bytes);
}
END_TEST

START_TEST(violations_need_their_reason)
{
	struct kdb_operation *operation = two_streams();
	struct kdb_status status = status_of((uint8_t *)"", 0);

	status.reason[0] = 0;
	ck_assert(!operation->class->decode_end(operation, &status));
	kdb_operation_free(operation);
}
END_TEST

START_TEST(list_too_large_to_arrive)
{
	static const char text[] = "received initial metadata size exceeds limit";
	struct kdb_operation *operation = two_streams();
	struct kdb_status status;
	bool is_complete;
	size_t count;

	kdb_status_init(&status, 8, text, sizeof text - 1);
	ck_assert(operation->class->decode_end(operation, &status));
	ck_assert_int_eq(operation->error.code, KDB_CONSISTENCY_CHECKS_FAILED);
	ck_assert_int_eq(operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
	kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, 0);
	ck_assert(!is_complete);
	kdb_operation_free(operation);
}
END_TEST

static TCase *
refusals(void)
{
	TCase *tcase = tcase_create("refusals");

	tcase_add_loop_test(tcase, violations_become_failures, 0,
	    sizeof violation_rows / sizeof violation_rows[0]);
	tcase_add_test(tcase, recorded_target_without_check);
	tcase_add_test(tcase, thousand_long_names_fail_at_once);
	tcase_add_test(tcase, more_violations_than_can_be);
	tcase_add_test(tcase, violations_need_their_reason);
	tcase_add_test(tcase, list_too_large_to_arrive);
	return tcase;
}

int
main(void)
{
	Suite *suite = suite_create("append_records");
	TCase *tcase = tcase_create("requests");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, request_decodes_to_what_was_asked);
	tcase_add_test(tcase, server_must_have_it);
	tcase_add_test(tcase, body_has_a_limit);
	tcase_add_test(tcase, event_has_a_limit);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, refusals());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
