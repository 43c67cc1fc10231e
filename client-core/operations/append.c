/* SPDX-License-Identifier: Apache-2.0 */
/* Append to one stream as BatchAppend (wire-protocol 2.3): requests to bytes, answers to results.
 * The events are encoded once; a head with correlation id, options and time left goes in front
 * for each attempt, because concatenated parts of a protobuf message merge. */
#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"
#include "client-core/base/clock.h"
#include "client-core/base/wire.h"
#include "client-core/operations/append.h"

#include "proto/shared.pb-c.h"
#include "proto/streams.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Streams__BatchAppendResp answer_message;

enum {
	MESSAGE_MAX = 16767216,	    /* one V1 request message (wire-protocol 2.1) */
	MESSAGE_WISH = 3145728,	    /* official clients cut at 3 MiB */
	HEAD_WITHOUT_NAME_MAX = 96, /* correlation, expectation, deadline, is_final, framing */
	ANSWER_ARENA_BYTES = 48 * 1024,
};

/* Field numbers of proto/streams.proto and what it uses. */
enum {
	REQUEST_CORRELATION_ID = 1,
	REQUEST_OPTIONS = 2,
	REQUEST_PROPOSED_MESSAGES = 3,
	REQUEST_IS_FINAL = 4,
	OPTIONS_STREAM_IDENTIFIER = 1,
	OPTIONS_STREAM_POSITION = 2,
	OPTIONS_NO_STREAM = 3,
	OPTIONS_ANY = 4,
	OPTIONS_STREAM_EXISTS = 5,
	OPTIONS_DEADLINE = 7,
	STREAM_IDENTIFIER_NAME = 3,
	DURATION_SECONDS = 1,
	DURATION_NANOS = 2,
	UUID_STRUCTURED = 1,
	STRUCTURED_MOST_SIGNIFICANT = 1,
	STRUCTURED_LEAST_SIGNIFICANT = 2,
	PROPOSED_ID = 1,
	PROPOSED_METADATA = 2,
	PROPOSED_CUSTOM_METADATA = 3,
	PROPOSED_DATA = 4,
	ENTRY_KEY = 1,
	ENTRY_VALUE = 2,
	ANSWER_CORRELATION_ID = 1,
	ANSWER_ERROR = 2,
	ANSWER_SUCCESS = 3,
	SUCCESS_CURRENT_REVISION = 1,
	SUCCESS_POSITION = 3,
	POSITION_COMMIT = 1,
	ANSWER_FIELDS = 5, /* beyond every number that is looked at in an answer */
};

static const char type_key[] = "type";
static const char content_type_key[] = "content-type";

static uint64_t
read_half(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* A UUID message in its structured form: two numbers, in a message, in a message. */
static size_t
uuid_halves_size(uint64_t most, uint64_t least)
{
	return kdb_wire_number_size(most) + kdb_wire_number_size(least);
}

static uint8_t *
put_uuid(uint8_t *out, unsigned field, uint64_t most, uint64_t least)
{
	size_t halves = uuid_halves_size(most, least);

	out = kdb_wire_put_head(out, field, kdb_wire_bytes_size(halves));
	out = kdb_wire_put_head(out, UUID_STRUCTURED, halves);
	out = kdb_wire_put_number(out, STRUCTURED_MOST_SIGNIFICANT, most);
	return kdb_wire_put_number(out, STRUCTURED_LEAST_SIGNIFICANT, least);
}

static size_t
entry_size(size_t key_len, size_t value_len)
{
	return kdb_wire_bytes_size(
	    kdb_wire_bytes_size(key_len) + kdb_wire_bytes_size(value_len));
}

static uint8_t *
put_entry(uint8_t *out, const char *key, size_t key_len, struct kdb_bytes value)
{
	out = kdb_wire_put_head(out, PROPOSED_METADATA,
	    kdb_wire_bytes_size(key_len) + kdb_wire_bytes_size(value.len));
	out = kdb_wire_put_bytes(out, ENTRY_KEY, key, key_len);
	return kdb_wire_put_bytes(out, ENTRY_VALUE, value.data, value.len);
}

static struct kdb_bytes
content_type_of(const struct kdb_event *event)
{
	static const char json[] = "application/json";
	static const char octets[] = "application/octet-stream";

	return event->is_json ? (struct kdb_bytes){ json, sizeof json - 1 }
			      : (struct kdb_bytes){ octets, sizeof octets - 1 };
}

/* Size of the event as a proposed message, without its own tag and length. */
static size_t
event_size(const struct kdb_event *event)
{
	size_t size = kdb_wire_bytes_size(kdb_wire_bytes_size(
	    uuid_halves_size(read_half(event->id), read_half(event->id + 8))));

	size += entry_size(sizeof type_key - 1, event->type.len);
	size += entry_size(sizeof content_type_key - 1, content_type_of(event).len);
	if (event->metadata.len)
		size += kdb_wire_bytes_size(event->metadata.len);
	if (event->data.len)
		size += kdb_wire_bytes_size(event->data.len);
	return size;
}

static uint8_t *
put_event(uint8_t *out, const struct kdb_event *event, size_t size)
{
	out = kdb_wire_put_head(out, REQUEST_PROPOSED_MESSAGES, size);
	out = put_uuid(out, PROPOSED_ID, read_half(event->id), read_half(event->id + 8));
	out = put_entry(out, type_key, sizeof type_key - 1, event->type);
	out = put_entry(
	    out, content_type_key, sizeof content_type_key - 1, content_type_of(event));
	if (event->metadata.len)
		out = kdb_wire_put_bytes(out, PROPOSED_CUSTOM_METADATA,
		    event->metadata.data, event->metadata.len);
	if (event->data.len)
		out = kdb_wire_put_bytes(
		    out, PROPOSED_DATA, event->data.data, event->data.len);
	return out;
}

static uint8_t *
put_expectation(uint8_t *out, int64_t expected_version)
{
	switch (expected_version) {
	case KDB_VERSION_NO_STREAM:
		return kdb_wire_put_head(out, OPTIONS_NO_STREAM, 0);
	case KDB_VERSION_ANY:
		return kdb_wire_put_head(out, OPTIONS_ANY, 0);
	case KDB_VERSION_EXISTS:
		return kdb_wire_put_head(out, OPTIONS_STREAM_EXISTS, 0);
	default:
		return kdb_wire_put_number(
		    out, OPTIONS_STREAM_POSITION, (uint64_t)expected_version);
	}
}

static size_t
expectation_size(int64_t expected_version)
{
	return expected_version < 0 ? kdb_wire_bytes_size(0)
				    : kdb_wire_number_size((uint64_t)expected_version);
}

static uint8_t *
put_options(uint8_t *out, const struct kdb_append *append, int64_t time_left_ns)
{
	uint64_t seconds = (uint64_t)(time_left_ns / KDB_NS_PER_SECOND);
	uint64_t nanos = (uint64_t)(time_left_ns % KDB_NS_PER_SECOND);
	size_t name_size = kdb_wire_bytes_size(append->stream_name_len);
	size_t deadline_size = kdb_wire_number_size(seconds) + kdb_wire_number_size(nanos);

	out = kdb_wire_put_head(out, REQUEST_OPTIONS,
	    kdb_wire_bytes_size(name_size) + expectation_size(append->expected_version)
		+ kdb_wire_bytes_size(deadline_size));
	out = kdb_wire_put_head(out, OPTIONS_STREAM_IDENTIFIER, name_size);
	out = kdb_wire_put_bytes(out, STREAM_IDENTIFIER_NAME, append->stream_name,
	    append->stream_name_len);
	out = put_expectation(out, append->expected_version);
	out = kdb_wire_put_head(out, OPTIONS_DEADLINE, deadline_size);
	out = kdb_wire_put_number(out, DURATION_SECONDS, seconds);
	return kdb_wire_put_number(out, DURATION_NANOS, nanos);
}

static size_t
encode_head(const struct kdb_operation *operation, size_t index,
    const struct kdb_attempt *attempt, uint8_t *out)
{
	const struct kdb_append *append = (const struct kdb_append *)operation;
	uint8_t *begin = out;

	out = put_uuid(out, REQUEST_CORRELATION_ID, attempt->correlation[0],
	    attempt->correlation[1]);
	if (index == 0)
		out = put_options(out, append, attempt->time_left_ns);
	out = kdb_wire_put_number(
	    out, REQUEST_IS_FINAL, index + 1 == operation->message_count);
	return (size_t)(out - begin);
}

static enum kdb_answer
decode_answer(struct kdb_operation *operation, const uint8_t *bytes, size_t len)
{
	struct kdb_append_answer answer;

	if (!kdb_append_answer_read(bytes, len, &answer))
		return KDB_ANSWER_BROKEN;
	kdb_append_answer_apply(&answer, operation);
	return KDB_ANSWER_FINAL;
}

static bool
adapt(struct kdb_operation *operation, const struct kdb_features *features)
{
	return !features || features->has_append
	    || kdb_operation_refuse_unsupported(operation);
}

static const struct kdb_operation_class append_class = {
	.path = KDB_APPEND_PATH,
	.requires = KDB_APPEND_REQUIRES,
	.is_write = true,
	/* The server answers half-closed calls at its own discretion (wire-protocol 2.3). */
	.half_closes = false,
	.is_shareable = true,
	.adapt = adapt,
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
		size_t size = kdb_wire_bytes_size(sizes[i]);

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

		sizes[i] = event_size(event);
		size = kdb_wire_bytes_size(sizes[i]) + HEAD_WITHOUT_NAME_MAX;
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
	size_t event_count = request->event_count;
	size_t ends_size = (event_count + 1) * sizeof(size_t);
	size_t name_len = request->stream_name.len;
	struct kdb_append *append =
	    kdb_alloc(sizeof *append + ends_size + name_len + total);
	struct kdb_operation *operation = &append->operation;
	uint8_t *out;

	kdb_operation_init(operation, &append_class, context, &request->headers);
	append->expected_version = request->expected_version;
	append->stream_name_len = name_len;
	operation->head_size = HEAD_WITHOUT_NAME_MAX + name_len;
	operation->message_ends = (size_t *)(append + 1);
	append->stream_name = (uint8_t *)operation->message_ends + ends_size;
	memcpy(append->stream_name, request->stream_name.data, name_len);
	operation->message_count = cut_messages(
	    sizes, event_count, operation->head_size, operation->message_ends);
	out = operation->encoded = append->stream_name + name_len;
	for (size_t i = 0; i < event_count; i++)
		out = put_event(out, &request->events[i], sizes[i]);
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
		/* 2^64-1 is "no stream" as a revision (wire-protocol 2.1). */
		if (conflict->current_stream_revision > INT64_MAX
		    && conflict->current_stream_revision != UINT64_MAX)
			return false;
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

/* The fields of a message by number, the last of each as protobuf has it; number 0 means absent.
 * False: the bytes are none. Higher numbers are passed over. */
static bool
read_fields(const uint8_t *bytes, size_t len, struct kdb_wire_field fields[ANSWER_FIELDS])
{
	struct kdb_wire_reader reader = kdb_wire_read(bytes, len);
	struct kdb_wire_field field;

	memset(fields, 0, ANSWER_FIELDS * sizeof *fields);
	while (kdb_wire_next(&reader, &field))
		if (field.number < ANSWER_FIELDS)
			fields[field.number] = field;
	return !reader.is_broken;
}

static bool
has(const struct kdb_wire_field *field, enum kdb_wire_type type)
{
	return field->number != 0 && field->type == type;
}

static bool
is_absent_or(const struct kdb_wire_field *field, enum kdb_wire_type type)
{
	return field->number == 0 || field->type == type;
}

static bool
read_position(const struct kdb_wire_field *position, struct kdb_append_result *result)
{
	struct kdb_wire_field fields[ANSWER_FIELDS];
	const struct kdb_wire_field *commit = &fields[POSITION_COMMIT];

	if (position->number == 0)
		return true;
	if (position->type != KDB_WIRE_BYTES
	    || !read_fields(position->bytes, position->len, fields)
	    || !is_absent_or(commit, KDB_WIRE_VARINT))
		return false;
	/* 2^64-1 means unknown (wire-protocol 1.4); it must never reach a caller. */
	result->has_position = commit->number != 0 && commit->value != UINT64_MAX;
	result->commit_position = result->has_position ? commit->value : 0;
	return true;
}

static bool
read_success(const struct kdb_wire_field *success, struct kdb_append_result *result)
{
	struct kdb_wire_field fields[ANSWER_FIELDS];
	const struct kdb_wire_field *revision = &fields[SUCCESS_CURRENT_REVISION];

	if (success->type != KDB_WIRE_BYTES
	    || !read_fields(success->bytes, success->len, fields)
	    || !is_absent_or(revision, KDB_WIRE_VARINT) || revision->value > INT64_MAX)
		return false;
	result->current_version =
	    revision->number ? (int64_t)revision->value : KDB_VERSION_NO_STREAM;
	return read_position(&fields[SUCCESS_POSITION], result);
}

/* We send structured ids, and the server answers in the form it was asked in; the exception is
 * structured too (wire-protocol 2.3). */
static bool
read_correlation(const struct kdb_wire_field *id, uint64_t correlation[2])
{
	struct kdb_wire_field forms[ANSWER_FIELDS];
	struct kdb_wire_field halves[ANSWER_FIELDS];
	const struct kdb_wire_field *form = &forms[UUID_STRUCTURED];
	const struct kdb_wire_field *half = &halves[STRUCTURED_MOST_SIGNIFICANT];

	if (!has(id, KDB_WIRE_BYTES) || !read_fields(id->bytes, id->len, forms)
	    || !has(form, KDB_WIRE_BYTES) || !read_fields(form->bytes, form->len, halves)
	    || !is_absent_or(&half[0], KDB_WIRE_VARINT)
	    || !is_absent_or(&half[1], KDB_WIRE_VARINT))
		return false;
	correlation[0] = half[0].value;
	correlation[1] = half[1].value;
	return true;
}

static bool
read_failure(const uint8_t *bytes, size_t len, struct kdb_append_answer *answer)
{
	_Alignas(16) uint8_t memory[ANSWER_ARENA_BYTES];
	struct kdb_arena arena = { memory, sizeof memory, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	answer_message *message =
	    event_store__client__streams__batch_append_resp__unpack(&allocator, len, bytes);

	if (!message
	    || message->result_case
		!= EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_ERROR)
		return false;
	read_error(message->error, &allocator, answer);
	return true;
}

bool
kdb_append_answer_read(
    const uint8_t *bytes, size_t len, struct kdb_append_answer *answer)
{
	struct kdb_wire_field fields[ANSWER_FIELDS];

	*answer = (struct kdb_append_answer){ .error = { .grpc_status = -1 } };
	if (!read_fields(bytes, len, fields)
	    || !read_correlation(&fields[ANSWER_CORRELATION_ID], answer->correlation))
		return false;
	if (fields[ANSWER_SUCCESS].number != 0 && fields[ANSWER_ERROR].number == 0)
		return read_success(&fields[ANSWER_SUCCESS], &answer->result);
	return read_failure(bytes, len, answer);
}

void
kdb_append_answer_apply(
    const struct kdb_append_answer *answer, struct kdb_operation *operation)
{
	const struct kdb_append *append = (const struct kdb_append *)operation;
	struct kdb_append_result *result = &operation->append_result;

	operation->error = answer->error;
	if (answer->error.code == KDB_WRONG_EXPECTED_VERSION)
		operation->error.conflict.expected_version = append->expected_version;
	if (answer->is_stream_deleted && append->expected_version == KDB_VERSION_EXISTS)
		operation->error.code = KDB_STREAM_DELETED;
	result->has_position = answer->result.has_position;
	result->commit_position = answer->result.commit_position;
	result->current_version = answer->result.current_version;
}
