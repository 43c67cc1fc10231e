/* SPDX-License-Identifier: Apache-2.0 */
/* Multi-append on the wire in both of its forms: what is sent decodes to what was asked, and every
 * answer that was recorded becomes the right result or error. */
#include "client-core/operations/record.h"
#include "client-core/operations/transaction.h"
#include "proto/streams_v2.pb-c.h"
#include "tests/unit/recorded_refusals.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Kurrentdb__Protocol__V2__Streams__AppendRecord record_message;
typedef Kurrentdb__Protocol__V2__Streams__AppendRequest session_message;
typedef Kurrentdb__Protocol__V2__Streams__AppendRecordsRequest records_message;
typedef Kurrentdb__Protocol__V2__Streams__AppendSessionResponse session_answer;
typedef Kurrentdb__Protocol__V2__Streams__AppendRecordsResponse records_answer;

static const struct kdb_features without_v2 = { .has_append = true };
static const struct kdb_features v25 = { .has_append = true, .has_multi_append = true };
static const struct kdb_features v26 = { .has_append = true,
	.has_multi_append = true,
	.has_append_records = true };

static const struct kdb_property properties[] = {
	{ { "k", 1 }, { "v\xc3\xa4", 3 } },
	{ { "empty", 5 }, { "", 0 } },
};

static struct kdb_event
event_of(const char *data, size_t len, bool is_json)
{
	return (struct kdb_event){ .id = { 0x80, 1, 2, 3, 4, 5, 6, 7, 0xff, 9, 10, 11, 12, 13,
				       14, 15 },
		.type = { "Typ\xc3\xa9", 5 },
		.data = { data, len },
		.properties = properties,
		.property_count = 2,
		.is_json = is_json };
}

static struct kdb_operation *
multi_append_of(const struct kdb_stream_append *streams, size_t count)
{
	struct kdb_multi_append_request request = { streams, count, { NULL, NULL, NULL } };
	struct kdb_error error;
	struct kdb_operation *operation = kdb_multi_append_new(&request, NULL, &error);

	ck_assert_ptr_nonnull(operation);
	return operation;
}

/* Three streams with four events; the second expects nothing. */
static struct kdb_operation *
three_streams(void)
{
	struct kdb_event events[] = { event_of("1", 1, true), event_of("\0\xff", 2, false),
		event_of("", 0, true), event_of("4", 1, true) };
	struct kdb_stream_append streams[] = {
		{ { "s\xc3\xa4", 3 }, 0, events, 2 },
		{ { "any", 3 }, KDB_VERSION_ANY, events + 2, 1 },
		{ { "none", 4 }, KDB_VERSION_NO_STREAM, events + 3, 1 },
	};

	return multi_append_of(streams, 3);
}

static bool
adapt(struct kdb_operation *operation, const struct kdb_features *features)
{
	return operation->class->adapt(operation, features);
}

/* A whole message, as it goes to the call. */
static uint8_t *
message_of(const struct kdb_operation *operation, size_t index, size_t *len)
{
	size_t begin = index ? operation->message_ends[index - 1] : 0;
	size_t body_len = operation->message_ends[index] - begin;
	struct kdb_attempt attempt = { .time_left_ns = 1 };
	uint8_t *bytes = malloc(operation->head_size + body_len);
	size_t head_len = operation->class->encode_head
	    ? operation->class->encode_head(operation, index, &attempt, bytes)
	    : 0;

	ck_assert_uint_le(head_len, operation->head_size);
	memcpy(bytes + head_len, operation->encoded + begin, body_len);
	*len = head_len + body_len;
	return bytes;
}

static void
assert_text(ProtobufCBinaryData bytes, const char *text, size_t len)
{
	ck_assert_uint_eq(bytes.len, len);
	ck_assert(len == 0 || memcmp(bytes.data, text, len) == 0);
}

static void
assert_record(const record_message *record, const char *data, size_t len, bool is_json,
    const char *stream)
{
	assert_text(record->record_id, "80010203-0405-0607-ff09-0a0b0c0d0e0f", 36);
	ck_assert_uint_eq(record->n_properties, 2);
	assert_text(record->properties[0]->key, "k", 1);
	assert_text(record->properties[0]->value->string_value, "v\xc3\xa4", 3);
	assert_text(record->properties[1]->key, "empty", 5);
	ck_assert_int_eq(record->properties[1]->value->kind_case,
	    GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE);
	assert_text(record->properties[1]->value->string_value, "", 0);
	ck_assert_int_eq(record->schema->format,
	    is_json ? KURRENTDB__PROTOCOL__V2__STREAMS__SCHEMA_FORMAT__SCHEMA_FORMAT_JSON
		    : KURRENTDB__PROTOCOL__V2__STREAMS__SCHEMA_FORMAT__SCHEMA_FORMAT_BYTES);
	assert_text(record->schema->name, "Typ\xc3\xa9", 5);
	ck_assert(!record->schema->has_id && record->has_data);
	assert_text(record->data, data, len);
	assert_text(record->stream, stream, strlen(stream));
	ck_assert_uint_eq(record->base.n_unknown_fields, 0);
}

static session_message *
decode_session(const struct kdb_operation *operation, size_t index)
{
	size_t len;
	uint8_t *bytes = message_of(operation, index, &len);
	session_message *message =
	    kurrentdb__protocol__v2__streams__append_request__unpack(NULL, len, bytes);

	free(bytes);
	ck_assert_ptr_nonnull(message);
	ck_assert_uint_eq(message->base.n_unknown_fields, 0);
	return message;
}

static void
assert_session(struct kdb_operation *operation)
{
	static const struct {
		const char *name;
		int64_t expected;
		size_t count;
	} streams[] = { { "s\xc3\xa4", 0, 2 }, { "any", -2, 1 }, { "none", -1, 1 } };

	ck_assert_str_eq(operation->class->path,
	    "/kurrentdb.protocol.v2.streams.StreamsService/AppendSession");
	ck_assert(operation->class->half_closes);
	ck_assert_uint_eq(operation->message_count, 3);
	for (size_t i = 0; i < 3; i++) {
		session_message *message = decode_session(operation, i);

		assert_text(message->stream, streams[i].name, strlen(streams[i].name));
		ck_assert(message->has_expected_revision);
		ck_assert_int_eq(message->expected_revision, streams[i].expected);
		ck_assert_uint_eq(message->n_records, streams[i].count);
		if (i == 0)
			assert_record(
			    message->records[1], "\0\xff", 2, false, "s\xc3\xa4");
		kurrentdb__protocol__v2__streams__append_request__free_unpacked(
		    message, NULL);
	}
}

static void
assert_check(
    const Kurrentdb__Protocol__V2__Streams__ConsistencyCheck *check, const char *name,
    int64_t expected)
{
	ck_assert_int_eq(check->type_case,
	    KURRENTDB__PROTOCOL__V2__STREAMS__CONSISTENCY_CHECK__TYPE_STREAM_STATE);
	assert_text(check->stream_state->stream, name, strlen(name));
	ck_assert(check->stream_state->has_expected_state);
	ck_assert_int_eq(check->stream_state->expected_state, expected);
}

static void
assert_records(struct kdb_operation *operation)
{
	size_t len;
	uint8_t *bytes = message_of(operation, 0, &len);
	records_message *message =
	    kurrentdb__protocol__v2__streams__append_records_request__unpack(
		NULL, len, bytes);

	ck_assert_str_eq(operation->class->path,
	    "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords");
	ck_assert_uint_eq(operation->message_count, 1);
	ck_assert_ptr_nonnull(message);
	ck_assert_uint_eq(message->base.n_unknown_fields, 0);
	ck_assert_uint_eq(message->n_records, 4);
	assert_record(message->records[0], "1", 1, true, "s\xc3\xa4");
	assert_record(message->records[1], "\0\xff", 2, false, "s\xc3\xa4");
	assert_record(message->records[2], "", 0, true, "any");
	assert_record(message->records[3], "4", 1, true, "none");
	ck_assert_uint_eq(message->n_checks, 2);
	assert_check(message->checks[0], "s\xc3\xa4", 0);
	assert_check(message->checks[1], "none", -1);
	kurrentdb__protocol__v2__streams__append_records_request__free_unpacked(
	    message, NULL);
	free(bytes);
}

/* An operation that waits meets other leaders. */
START_TEST(form_follows_the_server)
{
	struct kdb_operation *operation = three_streams();

	ck_assert(adapt(operation, &v26));
	assert_records(operation);
	ck_assert(adapt(operation, &v25));
	assert_session(operation);
	ck_assert(adapt(operation, NULL));
	assert_session(operation);
	ck_assert(!adapt(operation, &without_v2));
	ck_assert_int_eq(operation->error.code, KDB_NOT_SUPPORTED);
	ck_assert_str_eq(operation->error.requires, "25.1");
	ck_assert(adapt(operation, &v26));
	ck_assert(adapt(operation, &v26));
	assert_records(operation);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(every_expectation_is_signed)
{
	static const int64_t all[] = { 0, 1, INT64_MAX, KDB_VERSION_NO_STREAM,
		KDB_VERSION_EXISTS };
	struct kdb_event event = event_of("x", 1, true);

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct kdb_stream_append stream = { { "s", 1 }, all[i], &event, 1 };
		struct kdb_operation *operation = multi_append_of(&stream, 1);
		session_message *message;

		ck_assert(adapt(operation, &v25));
		message = decode_session(operation, 0);
		ck_assert_int_eq(message->expected_revision, all[i]);
		kurrentdb__protocol__v2__streams__append_request__free_unpacked(
		    message, NULL);
		kdb_operation_free(operation);
	}
}
END_TEST

/* ---- sizes ---- */

/* D.session.size.16777216: JSON data of 16,767,214 bytes under a one-letter name passes, one more
 * fails; as bytes, whose added property costs 27, 16,767,187. */
START_TEST(event_has_the_limit_of_the_log)
{
	static const struct {
		size_t len;
		bool is_json, fits;
	} cases[] = { { 16767214, true, true }, { 16767215, true, false },
		{ 16767187, false, true }, { 16767188, false, false } };
	char *data = calloc(1, 16767216);

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_event events[] = { event_of("x", 1, true),
			{ .type = { "T", 1 },
			    .data = { data, cases[i].len },
			    .is_json = cases[i].is_json } };
		struct kdb_stream_append streams[] = { { { "a", 1 }, 0, events, 1 },
			{ { "b", 1 }, 0, events + 1, 1 } };
		struct kdb_multi_append_request request = { streams, 2, { 0 } };
		struct kdb_error error;
		struct kdb_operation *operation =
		    kdb_multi_append_new(&request, NULL, &error);

		ck_assert_int_eq(operation != NULL, cases[i].fits);
		kdb_operation_free(operation);
		if (cases[i].fits)
			continue;
		ck_assert_int_eq(error.code, KDB_EVENT_TOO_LARGE);
		ck_assert(!error.size.is_enforced_by_database);
		ck_assert_int_eq(error.size.limit_bytes, 16767216);
		ck_assert_int_eq(error.size.actual_bytes, 16767217);
		ck_assert(error.size.has_event_index && error.size.event_index == 1);
	}
	free(data);
}
END_TEST

/* Types count twice for each UTF-16 unit, and properties as they are stored. */
START_TEST(size_counts_names)
{
	static const struct kdb_property property = { { "key", 3 }, { "value", 5 } };
	struct kdb_event event = { .type = { "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10 },
		.data = { NULL, 0 },
		.properties = &property,
		.property_count = 1,
		.is_json = true };
	/* a ä € are one unit each, the smiley two; 16 bytes of the property. */
	size_t names = 2 * 5 + 16;
	struct kdb_error error;

	event.data.len = KDB_RECORD_EVENT_MAX - names;
	ck_assert(kdb_record_check_size(&event, 0, &error));
	event.data.len++;
	ck_assert(!kdb_record_check_size(&event, 0, &error));
}
END_TEST

/* The limit of a unary call counts five bytes of frame (D.records.size.body-30000001). */
START_TEST(records_form_has_the_limit_of_a_body)
{
	char *data = calloc(1, 15000000);
	struct kdb_event events[2] = { event_of(data, 15000000, true),
		event_of(data, 14000000, true) };
	struct kdb_stream_append stream = { { "s", 1 }, 0, events, 2 };
	struct kdb_operation *operation = multi_append_of(&stream, 1);
	size_t len = kdb_operation_encoded_len(operation);

	for (int excess = 0; excess <= 1; excess++) {
		kdb_operation_free(operation);
		events[1].data.len = 14000000 + 30000000 - 5 - len + (size_t)excess;
		operation = multi_append_of(&stream, 1);
		ck_assert_int_eq(adapt(operation, &v26), !excess);
	}
	ck_assert_int_eq(operation->error.code, KDB_APPEND_TOO_LARGE);
	ck_assert_int_eq(operation->error.size.limit_bytes, 30000000);
	ck_assert_int_eq(operation->error.size.actual_bytes, 30000001);
	ck_assert(adapt(operation, &v25));
	kdb_operation_free(operation);
	free(data);
}
END_TEST

/* ---- answers ---- */

static enum kdb_answer
answer_with(struct kdb_operation *operation, const ProtobufCMessage *message)
{
	uint8_t bytes[500];

	ck_assert_uint_le(protobuf_c_message_get_packed_size(message), sizeof bytes);
	return operation->class->decode_answer(
	    operation, bytes, protobuf_c_message_pack(message, bytes));
}

struct told {
	const char *stream;
	int64_t revision; /* -9: absent */
};

static enum kdb_answer
session_answers(struct kdb_operation *operation, const struct told *told, size_t count,
    int64_t position)
{
	Kurrentdb__Protocol__V2__Streams__AppendResponse outputs[4];
	Kurrentdb__Protocol__V2__Streams__AppendResponse *pointers[4];
	session_answer answer =
	    KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_SESSION_RESPONSE__INIT;

	for (size_t i = 0; i < count; i++) {
		kurrentdb__protocol__v2__streams__append_response__init(&outputs[i]);
		outputs[i].has_stream = true;
		outputs[i].stream.data = (uint8_t *)(uintptr_t)told[i].stream;
		outputs[i].stream.len = strlen(told[i].stream);
		outputs[i].has_stream_revision = told[i].revision != -9;
		outputs[i].stream_revision = told[i].revision;
		pointers[i] = &outputs[i];
	}
	answer.n_output = count;
	answer.output = pointers;
	answer.has_position = position != -9;
	answer.position = position;
	return answer_with(operation, &answer.base);
}

static enum kdb_answer
records_answers(struct kdb_operation *operation, const struct told *told, size_t count,
    int64_t position)
{
	Kurrentdb__Protocol__V2__Streams__StreamRevision revisions[4];
	Kurrentdb__Protocol__V2__Streams__StreamRevision *pointers[4];
	records_answer answer =
	    KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_RECORDS_RESPONSE__INIT;

	for (size_t i = 0; i < count; i++) {
		kurrentdb__protocol__v2__streams__stream_revision__init(&revisions[i]);
		revisions[i].has_stream = true;
		revisions[i].stream.data = (uint8_t *)(uintptr_t)told[i].stream;
		revisions[i].stream.len = strlen(told[i].stream);
		revisions[i].has_revision = told[i].revision != -9;
		revisions[i].revision = told[i].revision;
		pointers[i] = &revisions[i];
	}
	answer.n_revisions = count;
	answer.revisions = pointers;
	answer.has_position = position != -9;
	answer.position = position;
	return answer_with(operation, &answer.base);
}

static const struct answer_row {
	const char *name;
	struct told told[4];
	size_t count;
	int64_t position; /* -9: absent */
	bool is_session_good, is_records_good, has_position;
	int64_t versions[3];
} answer_rows[] = {
	{ "in order", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "none", 7 } }, 3, 5120, true, true,
	    true, { 1, 0, 7 } },
	{ "25.1 leaves zeros out", { { "s\xc3\xa4", -9 }, { "any", -9 }, { "none", 7 } }, 3, 0,
	    true, true, true, { 0, 0, 7 } },
	{ "a replay without position", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "none", 7 } }, 3,
	    -1, true, true, false, { 1, 0, 7 } },
	{ "no position", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "none", 7 } }, 3, -9, true, true,
	    false, { 1, 0, 7 } },
	{ "another order", { { "none", 7 }, { "s\xc3\xa4", 1 }, { "any", 0 } }, 3, 1, false,
	    true, true, { 1, 0, 7 } },
	{ "one too few", { { "s\xc3\xa4", 1 }, { "any", 0 } }, 2, 1, false, false, false,
	    { 0 } },
	{ "one too many", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "none", 7 }, { "x", 1 } }, 4,
	    1, false, false, false, { 0 } },
	{ "one twice", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "any", 7 } }, 3, 1, false, false,
	    false, { 0 } },
	{ "another name", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "None", 7 } }, 3, 1, false,
	    false, false, { 0 } },
	{ "a negative revision", { { "s\xc3\xa4", 1 }, { "any", -1 }, { "none", 7 } }, 3, 1,
	    false, false, false, { 0 } },
	{ "an odd position", { { "s\xc3\xa4", 1 }, { "any", 0 }, { "none", 7 } }, 3, -2, false,
	    false, false, { 0 } },
};

START_TEST(answers)
{
	const struct answer_row *row = &answer_rows[_i];

	for (int is_session = 0; is_session <= 1; is_session++) {
		struct kdb_operation *operation = three_streams();
		bool is_good = is_session ? row->is_session_good : row->is_records_good;
		const struct kdb_append_result *result;
		enum kdb_answer answer;

		ck_assert(adapt(operation, is_session ? &v25 : &v26));
		answer = (is_session ? session_answers : records_answers)(
		    operation, row->told, row->count, row->position);
		ck_assert_msg(
		    answer == (is_good ? KDB_ANSWER_FINAL : KDB_ANSWER_BROKEN), "%s, %d",
		    row->name, is_session);
		result = kdb_operation_append_result(operation);
		for (size_t i = 0; is_good && i < 3; i++)
			ck_assert_int_eq(result->current_versions[i], row->versions[i]);
		if (is_good) {
			ck_assert_uint_eq(result->stream_count, 3);
			ck_assert_int_eq(result->has_position, row->has_position);
			ck_assert_uint_eq(result->commit_position,
			    row->has_position ? (uint64_t)row->position : 0);
		}
		kdb_operation_free(operation);
	}
}
END_TEST

START_TEST(garbage_is_no_answer)
{
	struct kdb_operation *operation = three_streams();

	ck_assert(adapt(operation, &v25));
	ck_assert_int_eq(
	    operation->class->decode_answer(operation, (const uint8_t *)"\xff", 1),
	    KDB_ANSWER_BROKEN);
	ck_assert(adapt(operation, &v26));
	ck_assert_int_eq(
	    operation->class->decode_answer(operation, (const uint8_t *)"\xff", 1),
	    KDB_ANSWER_BROKEN);
	kdb_operation_free(operation);
}
END_TEST

/* ---- refusals ---- */

static struct kdb_operation *
expecting(const char *const *names, const int64_t *expected, size_t count,
    const struct kdb_features *features)
{
	struct kdb_event event = event_of("x", 1, true);
	struct kdb_stream_append streams[5];
	struct kdb_operation *operation;

	for (size_t i = 0; i < count; i++)
		streams[i] = (struct kdb_stream_append){ { names[i], strlen(names[i]) },
			expected[i], &event, 1 };
	operation = multi_append_of(streams, count);
	ck_assert(adapt(operation, features));
	return operation;
}

static bool
end_with(struct kdb_operation *operation, const struct kdb_status *status)
{
	return operation->class->decode_end(operation, status);
}

static const struct session_row {
	const char *probe;
	const char *stream;
	int64_t expected;
	enum kdb_code code;
	int64_t actual;
} session_rows[] = {
	{ "D.session.matrix.one.no_stream", "gt-69d174ef-D_session_matrix_one_no_stream-s",
	    KDB_VERSION_NO_STREAM, KDB_WRONG_EXPECTED_VERSION, 0 },
	{ "D.session.matrix.never.exists", "gt-69d174ef-D_session_matrix_never_exists-s",
	    KDB_VERSION_EXISTS, KDB_WRONG_EXPECTED_VERSION, KDB_VERSION_NO_STREAM },
	{ "D.session.matrix.never.0", "gt-69d174ef-D_session_matrix_never_0-s", 0,
	    KDB_WRONG_EXPECTED_VERSION, KDB_VERSION_NO_STREAM },
	{ "D.session.matrix.tombstoned.no_stream",
	    "gt-69d174ef-D_session_matrix_tombstoned_no_stream-s", KDB_VERSION_NO_STREAM,
	    KDB_STREAM_TOMBSTONED, KDB_VERSION_TOMBSTONED },
	{ "D.session.matrix.soft-deleted.exists",
	    "gt-69d174ef-D_session_matrix_soft_deleted_exists-s", KDB_VERSION_EXISTS,
	    KDB_STREAM_DELETED, KDB_VERSION_DELETED },
};

START_TEST(session_tells_one_failure)
{
	const struct session_row *row = &session_rows[_i];
	const char *names[] = { "first", row->stream };
	const int64_t expected[] = { 3, row->expected };
	struct kdb_operation *operation = expecting(names, expected, 2, &v25);
	struct kdb_status status = recorded_refusal("26.1.0", row->probe);
	const struct kdb_failure *failures;
	bool is_complete;
	size_t count;

	ck_assert(end_with(operation, &status));
	ck_assert_int_eq(operation->error.code, row->code);
	ck_assert_int_eq(operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
	ck_assert_int_eq(operation->error.conflict.expected_version, row->expected);
	ck_assert_int_eq(operation->error.conflict.actual_version, row->actual);
	failures = kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, 1);
	ck_assert(!is_complete);
	ck_assert(!failures[0].is_check && failures[0].index == 1);
	ck_assert_int_eq(failures[0].expected_state, row->expected);
	ck_assert_int_eq(failures[0].actual_state, row->actual);
	kdb_operation_free(operation);
}
END_TEST

/* The reason alone is left, and kdb_status_to_error() reads that. */
START_TEST(session_names_a_stream_of_others)
{
	const char *names[] = { "first" };
	const int64_t expected[] = { KDB_VERSION_NO_STREAM };
	struct kdb_operation *operation = expecting(names, expected, 1, &v25);
	struct kdb_status status =
	    recorded_refusal("26.1.0", "D.session.matrix.one.no_stream");
	bool is_complete;
	size_t count;

	ck_assert(!end_with(operation, &status));
	kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, 0);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(records_tell_all_failures)
{
	static const char prefix[] = "gt-69d174ef-D_records_multi_all_violated-";
	static const char *const parts[] = { "exists", "deleted", "fine", "missing", "tomb" };
	static const int64_t expected[] = { -1, -4, 0, 10, -2 };
	static const int64_t actual[] = { 2, -5, 0, -1, -6 };
	char names[5][80];
	const char *pointers[5];
	struct kdb_status status =
	    recorded_refusal("26.1.0", "D.records.multi.all-violated");
	struct kdb_operation *operation;
	const struct kdb_failure *failures;
	bool is_complete;
	size_t count;

	for (size_t i = 0; i < 5; i++) {
		snprintf(names[i], sizeof names[i], "%s%s", prefix, parts[i]);
		pointers[i] = names[i];
	}
	operation = expecting(pointers, expected, 5, &v26);
	ck_assert(end_with(operation, &status));
	ck_assert_int_eq(operation->error.code, KDB_WRONG_EXPECTED_VERSION);
	ck_assert_int_eq(operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
	ck_assert_int_eq(operation->error.conflict.expected_version, -1);
	ck_assert_int_eq(operation->error.conflict.actual_version, 2);
	failures = kdb_operation_failures(operation, &count, &is_complete);
	ck_assert_uint_eq(count, 4);
	ck_assert(is_complete);
	for (size_t i = 0, at = 0; i < 5; i++) {
		if (i == 2)
			continue;
		ck_assert(!failures[at].is_check && failures[at].index == i);
		ck_assert_int_eq(failures[at].expected_state, expected[i]);
		ck_assert_int_eq(failures[at++].actual_state, actual[i]);
	}
	kdb_operation_free(operation);
}
END_TEST

START_TEST(first_failure_decides_the_code)
{
	static const struct {
		const char *first;
		int64_t expected;
		enum kdb_code code;
	} cases[] = { { "tomb", 3, KDB_STREAM_TOMBSTONED },
		{ "deleted", KDB_VERSION_EXISTS, KDB_STREAM_DELETED },
		{ "deleted", 4, KDB_WRONG_EXPECTED_VERSION } };
	static const char *const all[] = { "deleted", "tomb", "missing", "exists" };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_status status =
		    recorded_refusal("26.1.0", "D.records.multi.all-violated");
		struct kdb_operation *operation;
		const char *pointers[5];
		int64_t expected[5];
		char names[5][80];
		size_t count = 0;

		snprintf(names[count], sizeof names[0],
		    "gt-69d174ef-D_records_multi_all_violated-%s", cases[i].first);
		expected[count++] = cases[i].expected;
		for (size_t k = 0; k < 4; k++) {
			if (strcmp(all[k], cases[i].first) == 0)
				continue;
			snprintf(names[count], sizeof names[0],
			    "gt-69d174ef-D_records_multi_all_violated-%s", all[k]);
			expected[count++] = 0;
		}
		for (size_t k = 0; k < count; k++)
			pointers[k] = names[k];
		operation = expecting(pointers, expected, count, &v26);
		ck_assert(end_with(operation, &status));
		ck_assert_int_eq(operation->error.code, cases[i].code);
		kdb_operation_free(operation);
	}
}
END_TEST

START_TEST(types_and_sizes_are_refused_by_the_server)
{
	static const struct {
		const char *server, *probe;
		enum kdb_code code;
		int64_t actual, limit;
	} cases[] = {
		{ "26.1.0", "D.alphabet.ascii-control", KDB_EVENT_TYPE_REFUSED, 0, 0 },
		{ "25.1.4", "D.alphabet.ascii-control", KDB_EVENT_TYPE_REFUSED, 0, 0 },
		{ "26.1.0", "D.records.size.record.above", KDB_EVENT_TOO_LARGE, 1048577,
		    1048576 },
		{ "26.1.0", "D.records.size.transaction", KDB_APPEND_TOO_LARGE, -1, 4194304 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int is_session = 0; is_session <= 1; is_session++) {
			struct kdb_operation *operation = three_streams();
			struct kdb_status status =
			    recorded_refusal(cases[i].server, cases[i].probe);

			ck_assert(adapt(operation, is_session ? &v25 : &v26));
			ck_assert(end_with(operation, &status));
			ck_assert_int_eq(operation->error.code, cases[i].code);
			ck_assert_int_eq(
			    operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
			ck_assert_int_eq(
			    operation->error.size.actual_bytes, cases[i].actual);
			ck_assert_int_eq(
			    operation->error.size.limit_bytes, cases[i].limit);
			ck_assert(!operation->error.size.has_event_index);
			kdb_operation_free(operation);
		}
}
END_TEST

/* The server names the record by its id; we know where that stands. */
START_TEST(too_large_event_is_found_by_its_id)
{
	static const uint8_t id[16] = { 0x46, 0x2e, 0xdf, 0xc4, 0xa2, 0x23, 0x43, 0x1f, 0x87,
		0x15, 0x6e, 0xd6, 0x6d, 0x5c, 0x15, 0xfa };
	struct kdb_event events[] = { event_of("1", 1, true), event_of("2", 1, true),
		event_of("3", 1, true) };
	struct kdb_stream_append streams[] = { { { "a", 1 }, 0, events, 1 },
		{ { "b", 1 }, 0, events + 1, 2 } };
	struct kdb_operation *operation;
	struct kdb_status status =
	    recorded_refusal("26.1.0", "D.records.size.record.above");

	memcpy(events[2].id, id, sizeof id);
	operation = multi_append_of(streams, 2);
	ck_assert(adapt(operation, &v25));
	ck_assert(end_with(operation, &status));
	ck_assert(operation->error.size.has_event_index);
	ck_assert_uint_eq(operation->error.size.event_index, 2);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(refusals_without_details)
{
	static const struct {
		int status;
		const char *text;
		bool is_told;
		enum kdb_code code;
	} cases[] = {
		{ 8, "Received message exceeds the maximum configured message size.", true,
		    KDB_APPEND_TOO_LARGE },
		{ 8, "received initial metadata size exceeds limit", true,
		    KDB_DATABASE_ERROR },
		{ 8, "quota", false, 0 },
		{ 2, "Exception was thrown by handler.", false, 0 },
		{ 0, "", false, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_operation *operation = three_streams();
		struct kdb_status status;

		kdb_status_init(
		    &status, cases[i].status, cases[i].text, strlen(cases[i].text));
		ck_assert(adapt(operation, &v26));
		ck_assert_int_eq(end_with(operation, &status), cases[i].is_told);
		if (cases[i].is_told) {
			ck_assert_int_eq(operation->error.code, cases[i].code);
			ck_assert_int_eq(
			    operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
		}
		kdb_operation_free(operation);
	}
}
END_TEST

static TCase *
requests(void)
{
	TCase *tcase = tcase_create("requests");

	tcase_add_test(tcase, form_follows_the_server);
	tcase_add_test(tcase, every_expectation_is_signed);
	tcase_add_test(tcase, event_has_the_limit_of_the_log);
	tcase_add_test(tcase, size_counts_names);
	tcase_add_test(tcase, records_form_has_the_limit_of_a_body);
	return tcase;
}

static TCase *
outcomes(void)
{
	TCase *tcase = tcase_create("outcomes");

	tcase_add_loop_test(
	    tcase, answers, 0, sizeof answer_rows / sizeof answer_rows[0]);
	tcase_add_test(tcase, garbage_is_no_answer);
	tcase_add_loop_test(tcase, session_tells_one_failure, 0,
	    sizeof session_rows / sizeof session_rows[0]);
	tcase_add_test(tcase, session_names_a_stream_of_others);
	tcase_add_test(tcase, records_tell_all_failures);
	tcase_add_test(tcase, first_failure_decides_the_code);
	tcase_add_test(tcase, types_and_sizes_are_refused_by_the_server);
	tcase_add_test(tcase, too_large_event_is_found_by_its_id);
	tcase_add_test(tcase, refusals_without_details);
	return tcase;
}

int
main(void)
{
	Suite *suite = suite_create("multi_append");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, requests());
	suite_add_tcase(suite, outcomes());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
