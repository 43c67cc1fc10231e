/* SPDX-License-Identifier: Apache-2.0 */
/* Append to one stream as BatchAppend (wire-protocol 2.3): requests to bytes, answers to results.
 * The events are encoded once; a head with correlation id, options and time left goes in front
 * for each attempt, because concatenated parts of a protobuf message merge. */
#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"
#include "client-core/base/clock.h"
#include "client-core/operation.h"

#include "proto/shared.pb-c.h"
#include "proto/streams.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Streams__BatchAppendReq request_message;
typedef EventStore__Client__Streams__BatchAppendReq__Options request_options;
typedef EventStore__Client__Streams__BatchAppendReq__ProposedMessage proposed_message;
typedef EventStore__Client__Streams__BatchAppendReq__ProposedMessage__MetadataEntry
    proposed_entry;
typedef EventStore__Client__Streams__BatchAppendResp answer_message;

enum {
	MESSAGE_MAX = 16767216,	    /* one V1 request message (wire-protocol 2.1) */
	MESSAGE_WISH = 3145728,	    /* official clients cut at 3 MiB */
	HEAD_WITHOUT_NAME_MAX = 96, /* correlation, expectation, deadline, is_final, framing */
	PROPOSED_MESSAGE_TAG = 3 << 3 | 2,
	ANSWER_ARENA_BYTES = 48 * 1024,
};

static size_t
varint_len(size_t value)
{
	size_t len = 1;

	while (value >>= 7)
		len++;
	return len;
}

static uint8_t *
put_varint(uint8_t *out, size_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = (uint8_t)(value | 0x80);
	*out++ = (uint8_t)value;
	return out;
}

static int64_t
read_half(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

static ProtobufCBinaryData
bytes_of(struct kdb_bytes bytes)
{
	return (ProtobufCBinaryData){ bytes.len, (uint8_t *)(uintptr_t)bytes.data };
}

static ProtobufCBinaryData
bytes_of_text(const char *text)
{
	return (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
}

/* One event as a message, with everything it points at. */
struct proposal {
	proposed_message message;
	EventStore__Client__UUID id;
	EventStore__Client__UUID__Structured halves;
	proposed_entry entries[2];
	proposed_entry *entry_list[2];
};

static void
fill_proposal(struct proposal *proposal, const struct kdb_event *event)
{
	event_store__client__streams__batch_append_req__proposed_message__init(
	    &proposal->message);
	event_store__client__uuid__init(&proposal->id);
	event_store__client__uuid__structured__init(&proposal->halves);
	proposal->halves.has_most_significant_bits = true;
	proposal->halves.most_significant_bits = read_half(event->id);
	proposal->halves.has_least_significant_bits = true;
	proposal->halves.least_significant_bits = read_half(event->id + 8);
	proposal->id.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
	proposal->id.structured = &proposal->halves;
	for (int i = 0; i < 2; i++) {
		event_store__client__streams__batch_append_req__proposed_message__metadata_entry__init(
		    &proposal->entries[i]);
		proposal->entries[i].has_key = proposal->entries[i].has_value = true;
		proposal->entry_list[i] = &proposal->entries[i];
	}
	proposal->entries[0].key = bytes_of_text("type");
	proposal->entries[0].value = bytes_of(event->type);
	proposal->entries[1].key = bytes_of_text("content-type");
	proposal->entries[1].value = bytes_of_text(
	    event->is_json ? "application/json" : "application/octet-stream");
	proposal->message.id = &proposal->id;
	proposal->message.n_metadata = 2;
	proposal->message.metadata = proposal->entry_list;
	proposal->message.has_custom_metadata = event->metadata.len > 0;
	proposal->message.custom_metadata = bytes_of(event->metadata);
	proposal->message.has_data = event->data.len > 0;
	proposal->message.data = bytes_of(event->data);
}

static size_t
proposal_size(const struct kdb_event *event)
{
	struct proposal proposal;

	fill_proposal(&proposal, event);
	return protobuf_c_message_get_packed_size(&proposal.message.base);
}

/* Size of an event of that size inside a request message, tag and length included. */
static size_t
entry_size(size_t size)
{
	return 1 + varint_len(size) + size;
}

static uint8_t *
put_proposal(uint8_t *out, const struct kdb_event *event, size_t size)
{
	struct proposal proposal;

	fill_proposal(&proposal, event);
	*out++ = PROPOSED_MESSAGE_TAG;
	out = put_varint(out, size);
	return out + protobuf_c_message_pack(&proposal.message.base, out);
}

static size_t
encode_head(const struct kdb_operation *operation, size_t index,
    const struct kdb_attempt *attempt, uint8_t *out)
{
	request_message message = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__INIT;
	request_options options =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__INIT;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	EventStore__Client__UUID id = EVENT_STORE__CLIENT__UUID__INIT;
	EventStore__Client__UUID__Structured halves =
	    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
	Google__Protobuf__Duration deadline = GOOGLE__PROTOBUF__DURATION__INIT;
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

	halves.has_most_significant_bits = halves.has_least_significant_bits = true;
	halves.most_significant_bits = (int64_t)attempt->correlation[0];
	halves.least_significant_bits = (int64_t)attempt->correlation[1];
	id.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
	id.structured = &halves;
	message.correlation_id = &id;
	message.has_is_final = true;
	message.is_final = index + 1 == operation->message_count;
	if (index > 0)
		return protobuf_c_message_pack(&message.base, out);

	stream.has_stream_name = true;
	stream.stream_name = (ProtobufCBinaryData){ operation->stream_name_len,
		operation->stream_name };
	deadline.has_seconds = deadline.has_nanos = true;
	deadline.seconds = attempt->time_left_ns / KDB_NS_PER_SECOND;
	deadline.nanos = (int32_t)(attempt->time_left_ns % KDB_NS_PER_SECOND);
	options.stream_identifier = &stream;
	options.deadline_option_case =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__DEADLINE_OPTION_DEADLINE;
	options.deadline = &deadline;
	options.any = &empty;
	switch (operation->expected_version) {
	case KDB_VERSION_NO_STREAM:
		options.expected_stream_position_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_NO_STREAM;
		break;
	case KDB_VERSION_ANY:
		options.expected_stream_position_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_ANY;
		break;
	case KDB_VERSION_EXISTS:
		options.expected_stream_position_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_STREAM_EXISTS;
		break;
	default:
		options.expected_stream_position_case =
		    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_STREAM_POSITION;
		options.stream_position = (uint64_t)operation->expected_version;
	}
	message.options = &options;
	return protobuf_c_message_pack(&message.base, out);
}

static bool
decode_answer(struct kdb_operation *operation, const uint8_t *bytes, size_t len)
{
	struct kdb_append_answer answer;

	if (!kdb_append_answer_read(bytes, len, &answer))
		return false;
	kdb_append_answer_apply(&answer, operation);
	return true;
}

static const struct kdb_operation_class append_class = {
	.path = "/event_store.client.streams.Streams/BatchAppend",
	/* The server answers half-closed calls at its own discretion (wire-protocol 2.3). */
	.half_closes = false,
	.is_shareable = true,
	.encode_head = encode_head,
	.decode_answer = decode_answer,
};

/* Where the messages end: the first has the options in front, none passes MESSAGE_WISH unless
 * one event alone does. sizes[i] is that of event i. Returns the number of messages. */
static size_t
cut_messages(const size_t *sizes, size_t event_count, size_t head_size, size_t *ends)
{
	size_t count = 0;
	size_t len = head_size;
	size_t total = 0;
	bool has_events = false;

	for (size_t i = 0; i < event_count; i++) {
		size_t limit = has_events ? MESSAGE_WISH : MESSAGE_MAX;
		size_t size = entry_size(sizes[i]);

		if (len + size > limit) {
			ends[count++] = total;
			len = HEAD_WITHOUT_NAME_MAX;
		}
		total += size;
		len += size;
		has_events = true;
	}
	ends[count++] = total;
	return count;
}

static bool
measure_events(const struct kdb_append_request *request, size_t *sizes, size_t *total,
    struct kdb_error *error)
{
	*total = 0;
	for (size_t i = 0; i < request->event_count; i++) {
		const struct kdb_event *event = &request->events[i];

		size_t size;

		sizes[i] = proposal_size(event);
		size = entry_size(sizes[i]) + HEAD_WITHOUT_NAME_MAX;
		*total += size - HEAD_WITHOUT_NAME_MAX;
		if (size <= MESSAGE_MAX)
			continue;
		kdb_error_set(error, KDB_EVENT_TOO_LARGE, KDB_OUTCOME_NOT_WRITTEN,
		    "Event %zu does not fit one message of the protocol.", i);
		error->size.limit_bytes = MESSAGE_MAX;
		error->size.actual_bytes = (int64_t)size;
		error->size.event_index = (uint32_t)i;
		error->size.has_event_index = true;
		return false;
	}
	return true;
}

static struct kdb_operation *
make_operation(const struct kdb_append_request *request, const size_t *sizes, size_t total,
    void *context)
{
	size_t ends_size = (request->event_count + 1) * sizeof(size_t);
	size_t name_len = request->stream_name.len;
	struct kdb_operation *operation =
	    kdb_alloc(sizeof *operation + ends_size + name_len + total);
	uint8_t *out;

	*operation = (struct kdb_operation){ .class = &append_class,
		.context = context,
		.expected_version = request->expected_version,
		.head_size = HEAD_WITHOUT_NAME_MAX + name_len,
		.stream_name_len = name_len,
		.message_ends = (size_t *)(operation + 1) };
	atomic_store(&operation->refs, 1);
	kdb_list_init(&operation->link);
	if (request->authorization)
		operation->authorization = kdb_alloc_text(
		    request->authorization, strlen(request->authorization));
	operation->stream_name = (uint8_t *)operation->message_ends + ends_size;
	memcpy(operation->stream_name, request->stream_name.data, name_len);
	operation->message_count = cut_messages(sizes, request->event_count,
	    operation->head_size, operation->message_ends);
	out = operation->encoded = operation->stream_name + name_len;
	for (size_t i = 0; i < request->event_count; i++)
		out = put_proposal(out, &request->events[i], sizes[i]);
	return operation;
}

struct kdb_operation *
kdb_append_new(
    const struct kdb_append_request *request, void *context, struct kdb_error *error)
{
	size_t few[16];
	bool are_few = request->event_count <= sizeof few / sizeof few[0];
	size_t *sizes =
	    are_few ? few : kdb_alloc_zero(request->event_count, sizeof *sizes);
	size_t total;
	struct kdb_operation *operation = NULL;

	if (measure_events(request, sizes, &total, error))
		operation = make_operation(request, sizes, total, context);
	if (!are_few)
		free(sizes);
	return operation;
}

/* The end of a type URL, behind the last slash. */
static bool
is_type(const Google__Protobuf__Any *any, const char *name)
{
	const char *slash = any->type_url ? strrchr(any->type_url, '/') : NULL;

	return slash && strcmp(slash + 1, name) == 0;
}

static void
copy_printable(char *out, size_t size, const char *prefix, ProtobufCBinaryData text)
{
	size_t used = (size_t)snprintf(out, size, "%s", prefix);

	for (size_t i = 0; i < text.len && used + 1 < size; i++)
		out[used++] = text.data[i] < 0x20 || text.data[i] >= 0x7f
		    ? ' '
		    : (char)text.data[i];
	out[used] = 0;
}

static bool
read_conflict(const Google__Protobuf__Any *any, ProtobufCAllocator *allocator,
    struct kdb_error *error)
{
	EventStore__Client__WrongExpectedVersion *conflict =
	    event_store__client__wrong_expected_version__unpack(
		allocator, any->value.len, any->value.data);

	if (!conflict)
		return false;
	kdb_error_set(error, KDB_WRONG_EXPECTED_VERSION, KDB_OUTCOME_NOT_WRITTEN,
	    "The stream is at another version.");
	switch (conflict->current_stream_revision_option_case) {
	case EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__CURRENT_STREAM_REVISION_OPTION_CURRENT_STREAM_REVISION:
		error->conflict.actual_version =
		    (int64_t)conflict->current_stream_revision;
		break;
	case EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__CURRENT_STREAM_REVISION_OPTION_CURRENT_NO_STREAM:
		error->conflict.actual_version = KDB_VERSION_NO_STREAM;
		break;
	default:
		return false;
	}
	return true;
}

static bool
read_size_excess(const Google__Protobuf__Any *any, ProtobufCAllocator *allocator,
    struct kdb_error *error)
{
	EventStore__Client__MaximumAppendSizeExceeded *sum;
	EventStore__Client__MaximumAppendEventSizeExceeded *event;

	if (is_type(any, "event_store.client.MaximumAppendSizeExceeded")) {
		sum = event_store__client__maximum_append_size_exceeded__unpack(
		    allocator, any->value.len, any->value.data);
		if (!sum)
			return false;
		kdb_error_set(error, KDB_APPEND_TOO_LARGE, KDB_OUTCOME_NOT_WRITTEN,
		    "The events together exceed the database's limit.");
		error->size.limit_bytes =
		    sum->has_max_append_size ? (int64_t)sum->max_append_size : -1;
		error->size.actual_bytes = -1;
	} else {
		event = event_store__client__maximum_append_event_size_exceeded__unpack(
		    allocator, any->value.len, any->value.data);
		if (!event)
			return false;
		kdb_error_set(error, KDB_EVENT_TOO_LARGE, KDB_OUTCOME_NOT_WRITTEN,
		    "One event exceeds the database's limit.");
		error->size.limit_bytes =
		    event->has_max_append_event_size
		    ? (int64_t)event->max_append_event_size
		    : -1;
		error->size.actual_bytes =
		    event->has_proposed_event_size
		    ? (int64_t)event->proposed_event_size
		    : -1;
	}
	error->size.is_enforced_by_database = true;
	return true;
}

static void
read_bad_request(const Google__Protobuf__Any *any, ProtobufCAllocator *allocator,
    struct kdb_error *error)
{
	EventStore__Client__BadRequest *bad = event_store__client__bad_request__unpack(
	    allocator, any->value.len, any->value.data);

	kdb_error_set(
	    error, KDB_REFUSED_AS_INVALID, KDB_OUTCOME_NOT_WRITTEN, "%s", "");
	copy_printable(error->detail, sizeof error->detail,
	    "The database refused the request: ",
	    bad ? bad->message : (ProtobufCBinaryData){ 0, NULL });
}

static bool
text_is(ProtobufCBinaryData text, const char *expected)
{
	return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

/* Code 0 with a text only (wire-protocol 2.3): nothing was submitted. */
static void
read_not_ready(const Google__Rpc__Status *status, struct kdb_error *error)
{
	if (text_is(status->message, "Server Is Busy"))
		kdb_error_set(error, KDB_DATABASE_BUSY, KDB_OUTCOME_NOT_WRITTEN,
		    "The database is overloaded.");
	else if (text_is(status->message, "Server Is Not Ready")
	    || text_is(status->message, "No leader info available in response"))
		kdb_error_set(error, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "The database says that it is not ready.");
}

/* An error that no rule explains: what became of the append is not known. */
static void
read_unexplained(const Google__Rpc__Status *status, struct kdb_error *error)
{
	kdb_error_set(error, KDB_DATABASE_ERROR, KDB_OUTCOME_UNKNOWN, "%s", "");
	copy_printable(error->detail, sizeof error->detail,
	    "The database answered with an error: ", status->message);
}

static void
read_error(const Google__Rpc__Status *status, ProtobufCAllocator *allocator,
    struct kdb_append_answer *answer)
{
	static const Google__Protobuf__Any none = GOOGLE__PROTOBUF__ANY__INIT;
	const Google__Protobuf__Any *any = status->n_details ? status->details[0] : &none;
	struct kdb_error *error = &answer->error;

	read_unexplained(status, error);
	if (is_type(any, "event_store.client.WrongExpectedVersion")) {
		if (!read_conflict(any, allocator, error))
			read_unexplained(status, error);
	} else if (is_type(any, "event_store.client.StreamDeleted")) {
		answer->is_stream_deleted = true;
		kdb_error_set(error, KDB_STREAM_TOMBSTONED, KDB_OUTCOME_NOT_WRITTEN,
		    "The stream is deleted.");
	} else if (is_type(any, "event_store.client.AccessDenied")) {
		kdb_error_set(error, KDB_ACCESS_DENIED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database denied access.");
	} else if (is_type(any, "event_store.client.Timeout")) {
		kdb_error_set(error, KDB_DEADLINE_EXCEEDED, KDB_OUTCOME_UNKNOWN,
		    "The database did not confirm the append within its own limit.");
	} else if (is_type(any, "event_store.client.MaximumAppendSizeExceeded")
	    || is_type(any, "event_store.client.MaximumAppendEventSizeExceeded")) {
		if (!read_size_excess(any, allocator, error))
			read_unexplained(status, error);
	} else if (is_type(any, "event_store.client.BadRequest")) {
		read_bad_request(any, allocator, error);
	} else if (!status->has_code || status->code == 0) {
		read_not_ready(status, error);
	}
	error->grpc_status = status->has_code ? status->code : 0;
}

static bool
read_success(const EventStore__Client__Streams__BatchAppendResp__Success *success,
    struct kdb_append_result *result)
{
	if (success->current_revision_option_case
	    == EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__CURRENT_REVISION_OPTION_CURRENT_REVISION) {
		if (success->current_revision > INT64_MAX)
			return false;
		result->current_version = (int64_t)success->current_revision;
	} else {
		result->current_version = KDB_VERSION_NO_STREAM;
	}
	/* 2^64-1 means unknown (wire-protocol 1.4); it must never reach a caller. */
	if (success->position_option_case
		== EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__POSITION_OPTION_POSITION
	    && success->position->commit_position != UINT64_MAX) {
		result->has_position = true;
		result->commit_position = success->position->commit_position;
	}
	return true;
}

/* We send structured ids, and the server answers in the form it was asked in; the exception is
 * structured too (wire-protocol 2.3). */
static bool
read_correlation(const EventStore__Client__UUID *id, uint64_t correlation[2])
{
	if (!id || id->value_case != EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED)
		return false;
	correlation[0] = (uint64_t)id->structured->most_significant_bits;
	correlation[1] = (uint64_t)id->structured->least_significant_bits;
	return true;
}

bool
kdb_append_answer_read(
    const uint8_t *bytes, size_t len, struct kdb_append_answer *answer)
{
	_Alignas(16) uint8_t memory[ANSWER_ARENA_BYTES];
	struct kdb_arena arena = { memory, sizeof memory, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	answer_message *message =
	    event_store__client__streams__batch_append_resp__unpack(&allocator, len, bytes);

	*answer = (struct kdb_append_answer){ .error = { .grpc_status = -1 } };
	if (!message || !read_correlation(message->correlation_id, answer->correlation))
		return false;
	switch (message->result_case) {
	case EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_SUCCESS:
		return read_success(message->success, &answer->result);
	case EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_ERROR:
		read_error(message->error, &allocator, answer);
		return true;
	default:
		return false;
	}
}

void
kdb_append_answer_apply(
    const struct kdb_append_answer *answer, struct kdb_operation *operation)
{
	struct kdb_append_result *result = &operation->append_result;

	operation->error = answer->error;
	if (answer->error.code == KDB_WRONG_EXPECTED_VERSION)
		operation->error.conflict.expected_version = operation->expected_version;
	if (answer->is_stream_deleted && operation->expected_version == KDB_VERSION_EXISTS)
		operation->error.code = KDB_STREAM_DELETED;
	result->has_position = answer->result.has_position;
	result->commit_position = answer->result.commit_position;
	result->current_version = answer->result.current_version;
}
