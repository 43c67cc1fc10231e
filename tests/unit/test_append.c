/* SPDX-License-Identifier: Apache-2.0 */
/* The append on the wire: what is sent decodes to what was asked, and every answer of
 * wire-protocol 2.3 becomes the right error. */
#include "client-core/base/clock.h"
#include "client-core/operations/append.h"
#include "proto/streams.pb-c.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Streams__BatchAppendReq request_message;

static const struct kdb_attempt attempt = { .correlation = { 7, 9 },
	.time_left_ns = 2 * KDB_NS_PER_SECOND + 5 };

static struct kdb_event
event_of(const char *data, size_t len)
{
	return (struct kdb_event){ .id = { 0x80, 1, 2, 3, 4, 5, 6, 7, 0xff, 9, 10, 11, 12, 13,
				       14, 15 },
		.type = { "Typ\0e", 5 },
		.data = { data, len },
		.metadata = { "{\"a\":1}", 7 },
		.is_json = true };
}

static struct kdb_operation *
append_of(const struct kdb_event *events, size_t count, int64_t expected)
{
	struct kdb_append_request request = { .stream_name = { "s\xc3\xa4-1", 5 },
		.expected_version = expected,
		.events = events,
		.event_count = count };
	struct kdb_error error;
	struct kdb_operation *operation = kdb_append_new(&request, NULL, &error);

	ck_assert_ptr_nonnull(operation);
	return operation;
}

static request_message *
decode_message(const struct kdb_operation *operation, size_t index)
{
	size_t begin = index ? operation->message_ends[index - 1] : 0;
	size_t body_len = operation->message_ends[index] - begin;
	uint8_t *bytes = malloc(operation->head_size + body_len);
	size_t head_len = operation->class->encode_head(operation, index, &attempt, bytes);
	request_message *message;

	ck_assert_uint_le(head_len, operation->head_size);
	memcpy(bytes + head_len, operation->encoded + begin, body_len);
	ck_assert_uint_le(head_len + body_len, 16767216);
	message = event_store__client__streams__batch_append_req__unpack(
	    NULL, head_len + body_len, bytes);
	ck_assert_ptr_nonnull(message);
	free(bytes);
	return message;
}

START_TEST(one_event_decodes_to_what_was_asked)
{
	struct kdb_event event = event_of("\0\xff", 2);
	struct kdb_operation *operation = append_of(&event, 1, 5);
	request_message *message = decode_message(operation, 0);
	EventStore__Client__Streams__BatchAppendReq__ProposedMessage *proposed;

	ck_assert_uint_eq(operation->message_count, 1);
	ck_assert(message->is_final);
	ck_assert_int_eq(message->correlation_id->structured->most_significant_bits, 7);
	ck_assert_int_eq(message->correlation_id->structured->least_significant_bits, 9);
	ck_assert_uint_eq(message->options->stream_position, 5);
	ck_assert_int_eq(message->options->deadline->seconds, 2);
	ck_assert_int_eq(message->options->deadline->nanos, 5);
	ck_assert_mem_eq(
	    message->options->stream_identifier->stream_name.data, "s\xc3\xa4-1", 5);
	ck_assert_uint_eq(message->n_proposed_messages, 1);
	proposed = message->proposed_messages[0];
	ck_assert_int_eq(proposed->id->structured->most_significant_bits,
	    (int64_t)0x8001020304050607);
	ck_assert_int_eq(proposed->id->structured->least_significant_bits,
	    (int64_t)0xff090a0b0c0d0e0f);
	ck_assert_uint_eq(proposed->data.len, 2);
	ck_assert_mem_eq(proposed->data.data, "\0\xff", 2);
	ck_assert_mem_eq(proposed->custom_metadata.data, "{\"a\":1}", 7);
	ck_assert_uint_eq(proposed->n_metadata, 2);
	ck_assert_mem_eq(proposed->metadata[0]->value.data, "Typ\0e", 5);
	ck_assert_mem_eq(proposed->metadata[1]->value.data, "application/json", 16);
	event_store__client__streams__batch_append_req__free_unpacked(message, NULL);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(every_expectation_has_its_form)
{
	static const struct {
		int64_t expected;
		int form;
	} cases[] = { { 0, 2 }, { INT64_MAX, 2 }, { KDB_VERSION_NO_STREAM, 3 },
		{ KDB_VERSION_ANY, 4 }, { KDB_VERSION_EXISTS, 5 } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_event event = event_of("x", 1);
		struct kdb_operation *operation =
		    append_of(&event, 1, cases[i].expected);
		request_message *message = decode_message(operation, 0);

		ck_assert_int_eq(message->options->expected_stream_position_case,
		    cases[i].form);
		if (cases[i].form == 2)
			ck_assert_uint_eq(message->options->stream_position,
			    (uint64_t)cases[i].expected);
		event_store__client__streams__batch_append_req__free_unpacked(
		    message, NULL);
		kdb_operation_free(operation);
	}
}
END_TEST

START_TEST(large_append_goes_in_several_messages)
{
	enum { EVENTS = 9, SIZE = 1000000 };
	char *data = calloc(1, SIZE);
	struct kdb_event events[EVENTS];
	struct kdb_operation *operation;
	size_t seen = 0;

	for (int i = 0; i < EVENTS; i++)
		events[i] = event_of(data, SIZE);
	operation = append_of(events, EVENTS, KDB_VERSION_ANY);
	ck_assert_uint_eq(operation->message_count, 3);
	for (size_t i = 0; i < operation->message_count; i++) {
		request_message *message = decode_message(operation, i);

		ck_assert_int_eq(message->options != NULL, i == 0);
		ck_assert_int_eq(message->is_final, i == 2);
		seen += message->n_proposed_messages;
		event_store__client__streams__batch_append_req__free_unpacked(
		    message, NULL);
	}
	ck_assert_uint_eq(seen, EVENTS);
	kdb_operation_free(operation);
	free(data);
}
END_TEST

START_TEST(event_beyond_one_message_is_refused)
{
	enum { SIZE = 16767216 };
	char *data = calloc(1, SIZE);
	struct kdb_event events[2] = { event_of("x", 1), event_of(data, SIZE) };
	struct kdb_append_request request = { .stream_name = { "s", 1 },
		.expected_version = KDB_VERSION_ANY,
		.events = events,
		.event_count = 2 };
	struct kdb_error error;
	struct kdb_operation *operation;

	ck_assert_ptr_null(kdb_append_new(&request, NULL, &error));
	ck_assert_int_eq(error.code, KDB_EVENT_TOO_LARGE);
	ck_assert(!error.size.is_enforced_by_database);
	ck_assert_int_eq(error.size.limit_bytes, 16767216);
	ck_assert_int_gt(error.size.actual_bytes, 16767216);
	ck_assert_uint_eq(error.size.event_index, 1);

	events[1].data.len = SIZE - 300;
	operation = kdb_append_new(&request, NULL, &error);
	ck_assert_ptr_nonnull(operation);
	for (size_t i = 0; i < operation->message_count; i++)
		event_store__client__streams__batch_append_req__free_unpacked(
		    decode_message(operation, i), NULL);
	kdb_operation_free(operation);
	free(data);
}
END_TEST

/* ---- answers ---- */

static Google__Protobuf__Any *
any_of(const char *name, const ProtobufCMessage *content)
{
	static Google__Protobuf__Any any;
	static char url[200];
	static uint8_t bytes[200];

	google__protobuf__any__init(&any);
	snprintf(url, sizeof url, "type.googleapis.com/event_store.client.%s", name);
	any.type_url = url;
	any.has_value = true;
	any.value.data = bytes;
	any.value.len = content ? protobuf_c_message_pack(content, bytes) : 0;
	return &any;
}

static struct kdb_append_answer
read_error_answer(int32_t code, const char *text, Google__Protobuf__Any *any)
{
	EventStore__Client__Streams__BatchAppendResp message =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__INIT;
	EventStore__Client__UUID id = EVENT_STORE__CLIENT__UUID__INIT;
	EventStore__Client__UUID__Structured halves =
	    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	uint8_t bytes[1000];
	struct kdb_append_answer answer;

	halves.has_least_significant_bits = true;
	halves.least_significant_bits = 3;
	id.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
	id.structured = &halves;
	message.correlation_id = &id;
	status.has_code = code != 0;
	status.code = code;
	status.has_message = true;
	status.message = (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
	status.n_details = any != NULL;
	status.details = &any;
	message.result_case = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_ERROR;
	message.error = &status;
	ck_assert(kdb_append_answer_read(bytes,
	    event_store__client__streams__batch_append_resp__pack(&message, bytes),
	    &answer));
	ck_assert_uint_eq(answer.correlation[1], 3);
	return answer;
}

static const struct {
	int32_t code;
	const char *text;
	const char *detail; /* type without a member, or NULL */
	enum kdb_code expected;
	enum kdb_outcome outcome;
} answers[] = {
	{ 5, "StreamDeleted", "StreamDeleted", KDB_STREAM_TOMBSTONED,
	    KDB_OUTCOME_NOT_WRITTEN },
	{ 7, "AccessDenied", "AccessDenied", KDB_ACCESS_DENIED, KDB_OUTCOME_NOT_WRITTEN },
	{ 4, "Timeout", "Timeout", KDB_DEADLINE_EXCEEDED, KDB_OUTCOME_UNKNOWN },
	{ 3, "BadRequest", "BadRequest", KDB_REFUSED_AS_INVALID, KDB_OUTCOME_NOT_WRITTEN },
	{ 2, "Unknown", "Unknown", KDB_DATABASE_ERROR, KDB_OUTCOME_UNKNOWN },
	{ 13, "odd", NULL, KDB_DATABASE_ERROR, KDB_OUTCOME_UNKNOWN },
	{ 0, "Server Is Not Ready", NULL, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN },
	{ 0, "No leader info available in response", NULL, KDB_LEADER_UNAVAILABLE,
	    KDB_OUTCOME_NOT_WRITTEN },
	{ 0, "Server Is Busy", NULL, KDB_DATABASE_BUSY, KDB_OUTCOME_NOT_WRITTEN },
	{ 0, "something new", NULL, KDB_DATABASE_ERROR, KDB_OUTCOME_UNKNOWN },
	/* A conflict that does not say where the stream is cannot be passed on as one. */
	{ 6, "WrongExpectedVersion", "WrongExpectedVersion", KDB_DATABASE_ERROR,
	    KDB_OUTCOME_UNKNOWN },
};

START_TEST(error_answers)
{
	struct kdb_append_answer answer = read_error_answer(answers[_i].code,
	    answers[_i].text, answers[_i].detail ? any_of(answers[_i].detail, NULL) : NULL);

	ck_assert_msg(answer.error.code == answers[_i].expected
		&& answer.error.outcome == answers[_i].outcome,
	    "%s: %s", answers[_i].text, kdb_code_name(answer.error.code));
	ck_assert_int_eq(answer.error.grpc_status, answers[_i].code);
}
END_TEST

START_TEST(conflict_tells_both_versions)
{
	EventStore__Client__WrongExpectedVersion conflict =
	    EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__INIT;
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
	struct kdb_event event = event_of("x", 1);
	struct kdb_operation *operation = append_of(&event, 1, 4);
	struct kdb_append_answer answer;

	conflict.current_stream_revision_option_case =
	    EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__CURRENT_STREAM_REVISION_OPTION_CURRENT_STREAM_REVISION;
	conflict.current_stream_revision = 12;
	answer = read_error_answer(6, "WrongExpectedVersion",
	    any_of("WrongExpectedVersion", &conflict.base));
	kdb_append_answer_apply(&answer, operation);
	ck_assert_int_eq(operation->error.code, KDB_WRONG_EXPECTED_VERSION);
	ck_assert_int_eq(operation->error.conflict.expected_version, 4);
	ck_assert_int_eq(operation->error.conflict.actual_version, 12);

	conflict.current_stream_revision = UINT64_MAX;
	answer = read_error_answer(6, "WrongExpectedVersion",
	    any_of("WrongExpectedVersion", &conflict.base));
	ck_assert_int_eq(answer.error.conflict.actual_version, KDB_VERSION_NO_STREAM);
	conflict.current_stream_revision = (uint64_t)INT64_MAX + 1;
	answer = read_error_answer(6, "WrongExpectedVersion",
	    any_of("WrongExpectedVersion", &conflict.base));
	ck_assert_int_eq(answer.error.code, KDB_DATABASE_ERROR);

	conflict.current_stream_revision_option_case =
	    EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__CURRENT_STREAM_REVISION_OPTION_CURRENT_NO_STREAM;
	conflict.current_no_stream = &empty;
	answer = read_error_answer(6, "WrongExpectedVersion",
	    any_of("WrongExpectedVersion", &conflict.base));
	ck_assert_int_eq(answer.error.conflict.actual_version, KDB_VERSION_NO_STREAM);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(deleted_stream_depends_on_the_expectation)
{
	struct kdb_append_answer answer =
	    read_error_answer(5, "StreamDeleted", any_of("StreamDeleted", NULL));
	struct kdb_event event = event_of("x", 1);
	struct kdb_operation *any = append_of(&event, 1, KDB_VERSION_ANY);
	struct kdb_operation *exists = append_of(&event, 1, KDB_VERSION_EXISTS);

	kdb_append_answer_apply(&answer, any);
	kdb_append_answer_apply(&answer, exists);
	ck_assert_int_eq(any->error.code, KDB_STREAM_TOMBSTONED);
	ck_assert_int_eq(exists->error.code, KDB_STREAM_DELETED);
	kdb_operation_free(any);
	kdb_operation_free(exists);
}
END_TEST

START_TEST(sizes_are_passed_on)
{
	EventStore__Client__MaximumAppendSizeExceeded sum =
	    EVENT_STORE__CLIENT__MAXIMUM_APPEND_SIZE_EXCEEDED__INIT;
	EventStore__Client__MaximumAppendEventSizeExceeded event =
	    EVENT_STORE__CLIENT__MAXIMUM_APPEND_EVENT_SIZE_EXCEEDED__INIT;
	struct kdb_append_answer answer;

	sum.has_max_append_size = true;
	sum.max_append_size = 1048576;
	answer = read_error_answer(3, "MaximumAppendSizeExceeded",
	    any_of("MaximumAppendSizeExceeded", &sum.base));
	ck_assert_int_eq(answer.error.code, KDB_APPEND_TOO_LARGE);
	ck_assert_int_eq(answer.error.size.limit_bytes, 1048576);
	ck_assert_int_eq(answer.error.size.actual_bytes, -1);
	ck_assert(answer.error.size.is_enforced_by_database);

	event.has_proposed_event_size = true;
	event.proposed_event_size = 4000000000;
	answer = read_error_answer(3, "MaximumAppendEventSizeExceeded",
	    any_of("MaximumAppendEventSizeExceeded", &event.base));
	ck_assert_int_eq(answer.error.code, KDB_EVENT_TOO_LARGE);
	ck_assert_int_eq(answer.error.size.limit_bytes, -1);
	ck_assert_int_eq(answer.error.size.actual_bytes, 4000000000);
}
END_TEST

START_TEST(success_keeps_unknown_positions_out)
{
	static const struct {
		uint64_t position;
		bool has_position;
	} cases[] = { { 0, true }, { 4731, true }, { INT64_MAX, true },
		{ UINT64_MAX, false } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EventStore__Client__Streams__BatchAppendResp message =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__INIT;
		EventStore__Client__Streams__BatchAppendResp__Success success =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__INIT;
		EventStore__Client__AllStreamPosition position =
		    EVENT_STORE__CLIENT__ALL_STREAM_POSITION__INIT;
		EventStore__Client__UUID id = EVENT_STORE__CLIENT__UUID__INIT;
		EventStore__Client__UUID__Structured halves =
		    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
		struct kdb_append_answer answer;
		uint8_t bytes[200];

		id.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
		id.structured = &halves;
		message.correlation_id = &id;
		message.result_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_SUCCESS;
		message.success = &success;
		success.current_revision_option_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__CURRENT_REVISION_OPTION_CURRENT_REVISION;
		success.current_revision = 8;
		success.position_option_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__POSITION_OPTION_POSITION;
		success.position = &position;
		position.has_commit_position = true;
		position.commit_position = cases[i].position;
		ck_assert(kdb_append_answer_read(bytes,
		    event_store__client__streams__batch_append_resp__pack(
			&message, bytes),
		    &answer));
		ck_assert_int_eq(answer.error.code, KDB_OK);
		ck_assert_int_eq(answer.result.current_version, 8);
		ck_assert_int_eq(answer.result.has_position, cases[i].has_position);
	}
}
END_TEST

START_TEST(nonsense_is_no_answer)
{
	static const char *const cases[] = { "", "\xff\xff\xff", "\x0a\x00",
		"\x0a\x02\x0a\x00", "\x1a\x00", "\x0a\x04\x12\x02id",
		/* both an error and a success, a broken end, a revision of 2^63 */
		"\x0a\x02\x0a\x00\x12\x00\x1a\x00",
		"\x0a\x02\x0a\x00\x1a\x00\x1a\x7f",
		"\x0a\x02\x0a\x00\x1a\x0b\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01" };
	static const size_t lens[] = { 0, 3, 2, 4, 2, 6, 8, 8, 17 };
	struct kdb_append_answer answer;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_msg(!kdb_append_answer_read(
				  (const uint8_t *)cases[i], lens[i], &answer),
		    "case %zu", i);
}
END_TEST

START_TEST(cut_success_is_no_answer)
{
	/* id { structured { 0, 3 } }, then a success of version 7 at position 300 */
	static const uint8_t id[] = "\x0a\x04\x0a\x02\x10\x03";
	static const uint8_t success[] = "\x08\x07\x1a\x03\x08\xac\x02";
	struct kdb_append_answer answer;
	uint8_t bytes[32];

	for (size_t len = 0; len < sizeof success; len++) {
		size_t head = sizeof id - 1;
		bool is_whole = len == 2 || len == sizeof success - 1; /* at a border */

		memcpy(bytes, id, head);
		bytes[head] = 0x1a;
		bytes[head + 1] = (uint8_t)len;
		memcpy(bytes + head + 2, success, len);
		ck_assert_msg(kdb_append_answer_read(bytes, head + 2 + len, &answer)
			== (is_whole || len == 0),
		    "length %zu", len);
		ck_assert_uint_eq(answer.correlation[1], 3);
	}
	ck_assert_int_eq(answer.result.current_version, 7);
	ck_assert_uint_eq(answer.result.commit_position, 300);
}
END_TEST

START_TEST(answer_cannot_make_us_allocate_without_bound)
{
	enum { LEN = 4 * 1024 * 1024 };
	uint8_t *bytes = malloc(LEN);
	struct kdb_append_answer answer;

	/* Two million empty errors: each would be a message of its own. */
	for (size_t i = 0; i < LEN; i += 2)
		memcpy(bytes + i, "\x12\x00", 2);
	ck_assert(!kdb_append_answer_read(bytes, LEN, &answer));
	free(bytes);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("append");
	TCase *tcase = tcase_create("append");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, one_event_decodes_to_what_was_asked);
	tcase_add_test(tcase, every_expectation_has_its_form);
	tcase_add_test(tcase, large_append_goes_in_several_messages);
	tcase_add_test(tcase, event_beyond_one_message_is_refused);
	tcase_add_loop_test(tcase, error_answers, 0, sizeof answers / sizeof answers[0]);
	tcase_add_test(tcase, conflict_tells_both_versions);
	tcase_add_test(tcase, deleted_stream_depends_on_the_expectation);
	tcase_add_test(tcase, sizes_are_passed_on);
	tcase_add_test(tcase, success_keeps_unknown_positions_out);
	tcase_add_test(tcase, nonsense_is_no_answer);
	tcase_add_test(tcase, cut_success_is_no_answer);
	tcase_add_test(tcase, answer_cannot_make_us_allocate_without_bound);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
