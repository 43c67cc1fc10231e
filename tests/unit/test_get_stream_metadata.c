/* SPDX-License-Identifier: Apache-2.0 */
/* The read of stream metadata: what is asked, what each answer means, and that a read never leaves
 * anything in doubt. */
#include "client-core/operation.h"
#include "proto/streams.pb-c.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Streams__ReadReq request_message;
typedef EventStore__Client__Streams__ReadReq__Options request_options;
typedef EventStore__Client__Streams__ReadResp answer_message;
typedef EventStore__Client__Streams__ReadResp__ReadEvent read_event;
typedef EventStore__Client__Streams__ReadResp__RecordedEvent recorded_event;
typedef EventStore__Client__Streams__ReadResp__RecordedEvent__MetadataEntry entry_message;

static struct kdb_operation *
read_of(const char *name)
{
	struct kdb_get_stream_metadata_request request = { .stream_name = { name,
							       strlen(name) } };

	return kdb_get_stream_metadata_new(&request, NULL);
}

START_TEST(asks_for_the_newest_event)
{
	struct kdb_operation *operation = read_of("s\xc3\xa4");
	request_message *message = event_store__client__streams__read_req__unpack(
	    NULL, operation->message_ends[0], operation->encoded);
	const request_options *options;

	ck_assert_uint_eq(operation->message_count, 1);
	ck_assert(operation->class->half_closes && !operation->class->is_write);
	ck_assert_ptr_nonnull(message);
	options = message->options;
	ck_assert_uint_eq(options->stream->stream_identifier->stream_name.len, 5);
	ck_assert_mem_eq(
	    options->stream->stream_identifier->stream_name.data, "$$s\xc3\xa4", 5);
	ck_assert_int_eq(options->stream->revision_option_case,
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTIONS__REVISION_OPTION_END);
	ck_assert_int_eq(options->read_direction,
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__READ_DIRECTION__Backwards);
	ck_assert_uint_eq(options->count, 1);
	ck_assert(!options->resolve_links);
	/* Without any of these the server refuses the read (E.read.data-forms). */
	ck_assert_int_eq(options->count_option_case,
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__COUNT_OPTION_COUNT);
	ck_assert_int_eq(options->filter_option_case,
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__FILTER_OPTION_NO_FILTER);
	ck_assert_int_eq(options->uuid_option->content_case,
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__UUIDOPTION__CONTENT_STRUCTURED);
	event_store__client__streams__read_req__free_unpacked(message, NULL);
	kdb_operation_free(operation);
}
END_TEST

/* ---- answers ---- */

static ProtobufCBinaryData
bytes_of(const char *text)
{
	return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

static enum kdb_answer
answer_with(struct kdb_operation *operation, const answer_message *message)
{
	size_t len = protobuf_c_message_get_packed_size(&message->base);
	uint8_t *bytes = malloc(len + 1);
	enum kdb_answer answer;

	protobuf_c_message_pack(&message->base, bytes);
	answer = operation->class->decode_answer(operation, bytes, len);
	/* What was read must not point into what is gone. */
	memset(bytes, 'x', len);
	free(bytes);
	return answer;
}

static enum kdb_answer
answer_with_event(struct kdb_operation *operation, bool has_revision, uint64_t revision,
    const char *content_type, ProtobufCBinaryData data)
{
	answer_message message = EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	read_event read = EVENT_STORE__CLIENT__STREAMS__READ_RESP__READ_EVENT__INIT;
	recorded_event event =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__INIT;
	entry_message entries[] = {
		EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__METADATA_ENTRY__INIT,
		EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__METADATA_ENTRY__INIT,
	};
	entry_message *pointers[] = { &entries[0], &entries[1] };

	for (size_t i = 0; i < 2; i++)
		entries[i].has_key = entries[i].has_value = true;
	entries[0].key = bytes_of("type");
	entries[0].value = bytes_of("application/json");
	entries[1].key = bytes_of("content-type");
	entries[1].value = bytes_of(content_type);
	event.metadata = pointers;
	event.n_metadata = content_type[0] ? 2 : 1;
	event.has_stream_revision = has_revision;
	event.stream_revision = revision;
	event.has_data = true;
	event.data = data;
	read.event = &event;
	message.content_case = EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_EVENT;
	message.event = &read;
	return answer_with(operation, &message);
}

static const struct event_row {
	bool has_revision;
	uint64_t revision;
	const char *content_type;
	const char *data;
	enum kdb_answer answer;
	bool is_json;
} event_rows[] = {
	{ true, 3, "application/json", "{\"a\":1}", KDB_ANSWER_FINAL, true },
	{ false, 0, "application/json", "{}", KDB_ANSWER_FINAL, true },
	{ true, INT64_MAX, "application/octet-stream", "x", KDB_ANSWER_FINAL, false },
	{ true, 1, "application/json; charset=utf-8", "{}", KDB_ANSWER_FINAL, false },
	{ true, 1, "", "", KDB_ANSWER_FINAL, false },
	{ true, UINT64_MAX, "application/json", "{}", KDB_ANSWER_BROKEN, false },
	{ true, (uint64_t)INT64_MAX + 1, "application/json", "{}", KDB_ANSWER_BROKEN, false },
};

START_TEST(event_is_the_metadata)
{
	const struct event_row *row = &event_rows[_i];
	struct kdb_operation *operation = read_of("s");
	const struct kdb_stream_metadata_result *result =
	    kdb_operation_stream_metadata(operation);

	ck_assert_int_eq(answer_with_event(operation, row->has_revision, row->revision,
			     row->content_type, bytes_of(row->data)),
	    row->answer);
	if (row->answer == KDB_ANSWER_FINAL) {
		ck_assert_int_eq(result->version, (int64_t)row->revision);
		ck_assert_int_eq(result->is_json, row->is_json);
		ck_assert_uint_eq(result->data.len, strlen(row->data));
		ck_assert(result->data.len == 0
		    || memcmp(result->data.data, row->data, result->data.len) == 0);
	}
	kdb_operation_free(operation);
}
END_TEST

START_TEST(largest_event_is_read)
{
	enum { LEN = 16 * 1024 * 1024 };
	ProtobufCBinaryData data = { LEN, calloc(1, LEN) };
	struct kdb_operation *operation = read_of("s");

	ck_assert_int_eq(
	    answer_with_event(operation, true, 1, "application/octet-stream", data),
	    KDB_ANSWER_FINAL);
	ck_assert_uint_eq(kdb_operation_stream_metadata(operation)->data.len, LEN);
	kdb_operation_free(operation);
	free(data.data);
}
END_TEST

START_TEST(not_found_is_never_set)
{
	answer_message message = EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	EventStore__Client__Streams__ReadResp__StreamNotFound none =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__STREAM_NOT_FOUND__INIT;
	struct kdb_operation *operation = read_of("s");

	message.content_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_STREAM_NOT_FOUND;
	message.stream_not_found = &none;
	ck_assert_int_eq(answer_with(operation, &message), KDB_ANSWER_FINAL);
	ck_assert_int_eq(
	    kdb_operation_stream_metadata(operation)->version, KDB_VERSION_NO_STREAM);
	ck_assert_uint_eq(kdb_operation_stream_metadata(operation)->data.len, 0);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(other_members_are_passed_over)
{
	answer_message message = EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	struct kdb_operation *operation = read_of("s");

	message.content_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_LAST_STREAM_POSITION;
	message.last_stream_position = 5;
	ck_assert_int_eq(answer_with(operation, &message), KDB_ANSWER_MORE);
	ck_assert_int_eq(answer_with_event(operation, true, 1, "application/json",
			     bytes_of("{}")),
	    KDB_ANSWER_FINAL);
	kdb_operation_free(operation);
}
END_TEST

START_TEST(broken_answers)
{
	struct kdb_operation *operation = read_of("s");

	/* No protobuf; an event without its event. */
	ck_assert_int_eq(
	    operation->class->decode_answer(operation, (const uint8_t *)"\xff", 1),
	    KDB_ANSWER_BROKEN);
	ck_assert_int_eq(
	    operation->class->decode_answer(operation, (const uint8_t *)"\x0a\x00", 2),
	    KDB_ANSWER_BROKEN);
	kdb_operation_free(operation);
}
END_TEST

/* ---- ends ---- */

#define HTTP_500 "Received http2 header with status: 500"

static const struct end_row {
	const char *name;
	int status;
	const char *text;
	const char *exception; /* trailer, or NULL */
	bool is_told;
	enum kdb_code code;
} end_rows[] = {
	{ "s", 9, "Event stream '$$s' is deleted.", "stream-deleted", true,
	    KDB_STREAM_TOMBSTONED },
	{ "s\xc3\xa4", 2, HTTP_500, NULL, true, KDB_STREAM_TOMBSTONED },
	{ "s\t", 2, HTTP_500, NULL, true, KDB_STREAM_TOMBSTONED },
	{ "s\x7f", 2, HTTP_500, NULL, true, KDB_STREAM_TOMBSTONED },
	/* Such a name fits the trailer: somebody else answered. */
	{ "s ~", 2, HTTP_500, NULL, false, 0 },
	{ "s\xc3\xa4", 2, "Exception was thrown by handler.", NULL, false, 0 },
	{ "s\xc3\xa4", 14, HTTP_500, NULL, false, 0 },
	{ "s", 14, "Server Is Not Ready", NULL, true, KDB_LEADER_UNAVAILABLE },
	{ "s", 14, "Server Is Too Busy", NULL, true, KDB_DATABASE_BUSY },
	{ "s", 14, "Socket closed", NULL, false, 0 },
	{ "s", 7, "Access Denied", "access-denied", false, 0 },
	{ "s", 5, "Leader info available", "not-leader", false, 0 },
	{ "s", 16, "Unauthenticated", NULL, false, 0 },
	{ "s", 0, "", NULL, true, KDB_DATABASE_ERROR },
};

START_TEST(end_without_an_answer)
{
	const struct end_row *row = &end_rows[_i];
	struct kdb_operation *operation = read_of(row->name);
	struct kdb_status status;

	kdb_status_init(&status, row->status, row->text, strlen(row->text));
	if (row->exception)
		kdb_status_add_trailer(
		    &status, "exception", 9, row->exception, strlen(row->exception));
	ck_assert_int_eq(operation->class->decode_end(operation, &status), row->is_told);
	if (row->is_told) {
		ck_assert_int_eq(operation->error.code, row->code);
		ck_assert_int_eq(operation->error.outcome, KDB_OUTCOME_NOT_WRITTEN);
		ck_assert(operation->error.detail[0] != 0);
	}
	kdb_operation_free(operation);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("get_stream_metadata");
	TCase *tcase = tcase_create("get_stream_metadata");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, asks_for_the_newest_event);
	tcase_add_loop_test(tcase, event_is_the_metadata, 0,
	    sizeof event_rows / sizeof event_rows[0]);
	tcase_add_test(tcase, largest_event_is_read);
	tcase_add_test(tcase, not_found_is_never_set);
	tcase_add_test(tcase, other_members_are_passed_over);
	tcase_add_test(tcase, broken_answers);
	tcase_add_loop_test(tcase, end_without_an_answer, 0,
	    sizeof end_rows / sizeof end_rows[0]);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
