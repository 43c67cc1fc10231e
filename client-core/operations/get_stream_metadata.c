/* SPDX-License-Identifier: Apache-2.0 */
/* The newest event of a metadata stream, read with the Read of V1 (wire-protocol 5). */
#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"
#include "client-core/operation.h"

#include "proto/streams.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Streams__ReadReq request_message;
typedef EventStore__Client__Streams__ReadReq__Options request_options;
typedef EventStore__Client__Streams__ReadReq__Options__StreamOptions request_stream;
typedef EventStore__Client__Streams__ReadReq__Options__UUIDOption request_uuid;
typedef EventStore__Client__Streams__ReadResp answer_message;
typedef EventStore__Client__Streams__ReadResp__RecordedEvent event_message;

/* Room for the decoder besides the bytes: ids, metadata entries. */
enum { ARENA_BYTES = 16 * 1024 };

struct get_stream_metadata {
	struct kdb_operation operation;
	bool has_plain_name; /* one that fits a trailer */
	size_t message_end;
};

static bool
adapt(struct kdb_operation *operation, const struct kdb_features *features)
{
	/* Every server of the append has it. */
	return !features || features->has_append
	    || kdb_operation_refuse_unsupported(operation);
}

static bool
is_text(ProtobufCBinaryData bytes, const char *text)
{
	return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

/* Of any type: the server obeys them all (E.other-type). */
static bool
is_json(const event_message *event)
{
	for (size_t i = 0; i < event->n_metadata; i++)
		if (is_text(event->metadata[i]->key, "content-type"))
			return is_text(event->metadata[i]->value, "application/json");
	return false;
}

static enum kdb_answer
read_event(const event_message *event, struct kdb_stream_metadata_result *result)
{
	uint64_t revision = event->has_stream_revision ? event->stream_revision : 0;

	if (revision > INT64_MAX)
		return KDB_ANSWER_BROKEN;
	*result = (struct kdb_stream_metadata_result){ .version = (int64_t)revision,
		.is_json = is_json(event),
		.data = { event->data.data, event->data.len } };
	return KDB_ANSWER_FINAL;
}

static enum kdb_answer
read_answer(const answer_message *answer, struct kdb_stream_metadata_result *result)
{
	switch (answer->content_case) {
	case EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_EVENT:
		return answer->event->event ? read_event(answer->event->event, result)
					    : KDB_ANSWER_BROKEN;
	case EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_STREAM_NOT_FOUND:
		*result = (struct kdb_stream_metadata_result){
			.version = KDB_VERSION_NO_STREAM
		};
		return KDB_ANSWER_FINAL;
	default:
		return KDB_ANSWER_MORE;
	}
}

/* The data stays where it was unpacked. */
static enum kdb_answer
decode_answer(struct kdb_operation *operation, const uint8_t *bytes, size_t len)
{
	size_t size = ARENA_BYTES + len;
	struct kdb_arena arena = { kdb_alloc(size), size, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	answer_message *message =
	    event_store__client__streams__read_resp__unpack(&allocator, len, bytes);
	enum kdb_answer answer = message
	    ? read_answer(message, &operation->stream_metadata)
	    : KDB_ANSWER_BROKEN;

	if (answer == KDB_ANSWER_FINAL)
		operation->result_memory = arena.memory;
	else
		free(arena.memory);
	return answer;
}

/* A name outside printable ASCII does not fit the trailer that would name it, and the server's
 * refusal becomes a bare HTTP 500, which a Read has no other reason for (wire-protocol 2.5). */
static bool
is_stream_deleted(
    const struct get_stream_metadata *get, const struct kdb_status *status)
{
	return status->is_stream_deleted
	    || (!get->has_plain_name && kdb_status_is_http_500(status));
}

static bool
fail(struct kdb_operation *operation, enum kdb_code code, const char *detail)
{
	kdb_error_set(&operation->error, code, KDB_OUTCOME_NOT_WRITTEN, "%s", detail);
	return true;
}

static bool
decode_end(struct kdb_operation *operation, const struct kdb_status *status)
{
	const struct get_stream_metadata *get =
	    (const struct get_stream_metadata *)operation;

	if (is_stream_deleted(get, status))
		return fail(
		    operation, KDB_STREAM_TOMBSTONED, "The stream is deleted.");
	if (status->code == KDB_STATUS_OK)
		return fail(operation, KDB_DATABASE_ERROR,
		    "The stream's newest metadata cannot be read any more.");
	if (status->code != KDB_STATUS_UNAVAILABLE)
		return false;
	/* V1 says these by their texts alone (wire-protocol 2.2). */
	if (strcmp(status->text, "Server Is Not Ready") == 0)
		return fail(operation, KDB_LEADER_UNAVAILABLE,
		    "The database says that it is not ready.");
	if (strcmp(status->text, "Server Is Too Busy") == 0)
		return fail(
		    operation, KDB_DATABASE_BUSY, "The database is overloaded.");
	return false;
}

static const struct kdb_operation_class get_stream_metadata_class = {
	.path = "/event_store.client.streams.Streams/Read",
	.requires = "21.10",
	.half_closes = true,
	.adapt = adapt,
	.decode_answer = decode_answer,
	.decode_end = decode_end,
};

static bool
is_plain(struct kdb_bytes name)
{
	const uint8_t *bytes = name.data;

	for (size_t i = 0; i < name.len; i++)
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return false;
	return true;
}

static struct kdb_operation *
make_operation(const struct kdb_get_stream_metadata_request *request,
    const request_message *message, void *context)
{
	size_t len = protobuf_c_message_get_packed_size(&message->base);
	struct get_stream_metadata *get = kdb_alloc(sizeof *get + len);
	struct kdb_operation *operation = &get->operation;

	kdb_operation_init(
	    operation, &get_stream_metadata_class, context, &request->headers);
	get->has_plain_name = is_plain(request->stream_name);
	get->message_end = len;
	operation->message_count = 1;
	operation->message_ends = &get->message_end;
	operation->encoded = (uint8_t *)(get + 1);
	protobuf_c_message_pack(&message->base, operation->encoded);
	return operation;
}

/* No member but resolve_links may be left out (E.read.data-forms). */
static void
fill_options(request_options *options, request_stream *stream, request_uuid *uuid,
    EventStore__Client__Empty *empty)
{
	stream->revision_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTIONS__REVISION_OPTION_END;
	stream->end = empty;
	uuid->content_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__UUIDOPTION__CONTENT_STRUCTURED;
	uuid->structured = empty;
	options->stream_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTION_STREAM;
	options->stream = stream;
	options->has_read_direction = true;
	options->read_direction =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__READ_DIRECTION__Backwards;
	options->has_resolve_links = true;
	options->resolve_links = false;
	options->count_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__COUNT_OPTION_COUNT;
	options->count = 1;
	options->filter_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__FILTER_OPTION_NO_FILTER;
	options->no_filter = empty;
	options->uuid_option = uuid;
}

struct kdb_operation *
kdb_get_stream_metadata_new(
    const struct kdb_get_stream_metadata_request *request, void *context)
{
	EventStore__Client__Empty empty = EVENT_STORE__CLIENT__EMPTY__INIT;
	EventStore__Client__StreamIdentifier identifier =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	request_stream stream =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTIONS__INIT;
	request_uuid uuid =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__UUIDOPTION__INIT;
	request_options options = EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__INIT;
	request_message message = EVENT_STORE__CLIENT__STREAMS__READ_REQ__INIT;
	size_t name_len = request->stream_name.len + 2;
	uint8_t *name = kdb_alloc(name_len);
	struct kdb_operation *operation;

	memcpy(name, "$$", 2);
	memcpy(name + 2, request->stream_name.data, request->stream_name.len);
	identifier.has_stream_name = true;
	identifier.stream_name = (ProtobufCBinaryData){ name_len, name };
	stream.stream_identifier = &identifier;
	fill_options(&options, &stream, &uuid, &empty);
	message.options = &options;
	operation = make_operation(request, &message, context);
	free(name);
	return operation;
}
