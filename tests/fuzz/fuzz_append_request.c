/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to the database for an append. The input says what the append is like: a byte
 * for its expectation, two for the length of the stream's name, then nine a piece for
 * events of up to 4 MiB. What is encoded by hand is read by the generated decoder, which
 * must find every message within the protocol's limit and every event as it was.
 */
#include "client-core/base/alloc.h"
#include "client-core/operation.h"
#include "client-core/operations.h"
#include "proto/streams.pb-c.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum {
	EVENTS_MAX = 6,
	EVENT_INPUT_BYTES = 9,
	CONTENT_BYTES = 17 << 20,
	MESSAGE_MAX_BYTES = 16767216, /* wire-protocol 2.1 */
	MESSAGE_WISH_BYTES = 3 << 20,
};

typedef EventStore__Client__Streams__BatchAppendReq request_message;
typedef EventStore__Client__Streams__BatchAppendReq__ProposedMessage proposed_message;

static const struct kdb_attempt attempt = {
    .correlation = {UINT64_C(0xfedcba9876543210), 7}, .time_left_ns = 5000000001};

/* What names, types and data are spans of. */
static uint8_t *content;

static void
make_content(void)
{
	content = kdb_alloc(CONTENT_BYTES);
	for (size_t i = 0; i < CONTENT_BYTES; i++)
		content[i] = (uint8_t)('a' + i % 23);
}

static size_t
read_number(const uint8_t *bytes, size_t len)
{
	size_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* One event of lengths that the input tells; a first byte of 0xff makes it one that
 * hardly fits a message, or does not. */
static struct kdb_event
make_event(const uint8_t *bytes, size_t place)
{
	size_t type_len = bytes[0] + 1;
	size_t data_len = read_number(bytes + 1, 3) & 0x3fffff;
	size_t metadata_len = read_number(bytes + 4, 2);
	struct kdb_event event = {.is_json = (bytes[6] & 1) != 0};

	if (bytes[0] == 0xff)
		data_len = MESSAGE_MAX_BYTES - (read_number(bytes + 1, 2) & 0x1ff);
	memset(event.id, bytes[7], sizeof event.id);
	event.id[0] = bytes[8];
	event.id[15] = (uint8_t)(place + 1);
	event.type = (struct kdb_bytes){content + place, type_len};
	event.data = (struct kdb_bytes){content + 2 * place, data_len};
	event.metadata = (struct kdb_bytes){content + 3 * place, metadata_len};
	return event;
}

static int64_t
make_expectation(uint8_t byte)
{
	static const int64_t states[] = {
	    KDB_VERSION_NO_STREAM, KDB_VERSION_ANY, KDB_VERSION_EXISTS, INT64_MAX};

	return byte < 4 ? states[byte] : INT64_C(1) << (byte % 63);
}

static bool
is_same(struct kdb_bytes ours, ProtobufCBinaryData theirs)
{
	return ours.len == theirs.len &&
	       (ours.len == 0 || memcmp(ours.data, theirs.data, ours.len) == 0);
}

static uint64_t
half_of(const uint8_t *bytes)
{
	return (uint64_t)read_number(bytes, 8);
}

static void
check_entry(const proposed_message *message, size_t index, const char *key,
    struct kdb_bytes value)
{
	require(
	    is_same((struct kdb_bytes){key, strlen(key)}, message->metadata[index]->key));
	require(is_same(value, message->metadata[index]->value));
}

static void
check_event(const proposed_message *message, const struct kdb_event *event)
{
	const char *content_type =
	    event->is_json ? "application/json" : "application/octet-stream";

	require(message->id->value_case == EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED);
	require((uint64_t)message->id->structured->most_significant_bits ==
		half_of(event->id));
	require((uint64_t)message->id->structured->least_significant_bits ==
		half_of(event->id + 8));
	require(message->n_metadata == 2);
	check_entry(message, 0, "type", event->type);
	check_entry(message, 1, "content-type",
	    (struct kdb_bytes){content_type, strlen(content_type)});
	require(is_same(event->data, message->data));
	require(is_same(event->metadata, message->custom_metadata));
	require(message->base.n_unknown_fields == 0);
}

static void
check_options(const request_message *message, const struct kdb_append_request *request)
{
	const EventStore__Client__Streams__BatchAppendReq__Options *options =
	    message->options;

	require(is_same(request->stream_name, options->stream_identifier->stream_name));
	if (request->expected_version >= 0)
		require(options->stream_position == (uint64_t)request->expected_version);
	require(
	    (options->expected_stream_position_case ==
		EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_STREAM_POSITION) ==
	    (request->expected_version >= 0));
	require(options->deadline->seconds == 5 && options->deadline->nanos == 1);
}

/* Checks one message; returns how many events it has. */
static size_t
check_message(const struct kdb_operation *operation, size_t index, const uint8_t *bytes,
    size_t len, const struct kdb_append_request *request, size_t first_event)
{
	request_message *message =
	    event_store__client__streams__batch_append_req__unpack(NULL, len, bytes);
	size_t count;

	require(message != NULL && message->base.n_unknown_fields == 0);
	require(len <= MESSAGE_MAX_BYTES);
	require(len <= MESSAGE_WISH_BYTES || message->n_proposed_messages == 1);
	require((uint64_t)message->correlation_id->structured->most_significant_bits ==
		attempt.correlation[0]);
	require(message->is_final == (index + 1 == operation->message_count));
	require((message->options != NULL) == (index == 0));
	if (index == 0)
		check_options(message, request);
	count = message->n_proposed_messages;
	require(first_event + count <= request->event_count);
	for (size_t i = 0; i < count; i++)
		check_event(
		    message->proposed_messages[i], &request->events[first_event + i]);
	event_store__client__streams__batch_append_req__free_unpacked(message, NULL);
	return count;
}

static void
check_messages(
    const struct kdb_operation *operation, const struct kdb_append_request *request)
{
	size_t begin = 0;
	size_t event = 0;

	for (size_t i = 0; i < operation->message_count; i++) {
		size_t body_len = operation->message_ends[i] - begin;
		uint8_t *bytes = kdb_alloc(operation->head_size + body_len);
		size_t head_len =
		    operation->class->encode_head(operation, i, &attempt, bytes);

		require(head_len <= operation->head_size);
		memcpy(bytes + head_len, operation->encoded + begin, body_len);
		event += check_message(
		    operation, i, bytes, head_len + body_len, request, event);
		begin += body_len;
		free(bytes);
	}
	require(event == request->event_count);
}

static void
check_error(const struct kdb_error *error, const struct kdb_append_request *request)
{
	require(error->code == KDB_EVENT_TOO_LARGE && error->size.has_event_index);
	require(error->outcome == KDB_OUTCOME_NOT_WRITTEN);
	require(error->size.event_index < request->event_count);
	require(request->events[error->size.event_index].data.len >
		MESSAGE_MAX_BYTES - (size_t)(1 << 17));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_event events[EVENTS_MAX];
	struct kdb_append_request request = {.events = events};
	struct kdb_operation *operation;
	struct kdb_error error;

	if (len < 3 + EVENT_INPUT_BYTES)
		return 0;
	if (content == NULL)
		make_content();
	request.expected_version = make_expectation(bytes[0]);
	request.stream_name =
	    (struct kdb_bytes){content, read_number(bytes + 1, 2) % 4096 + 1};
	for (bytes += 3, len -= 3;
	     len >= EVENT_INPUT_BYTES && request.event_count < EVENTS_MAX;
	     bytes += EVENT_INPUT_BYTES, len -= EVENT_INPUT_BYTES) {
		events[request.event_count] = make_event(bytes, request.event_count);
		request.event_count++;
	}
	operation = kdb_append_new(&request, NULL, &error);
	if (operation == NULL) {
		check_error(&error, &request);
		return 0;
	}
	check_messages(operation, &request);
	kdb_operation_free(operation);
	return 0;
}
