/* SPDX-License-Identifier: Apache-2.0 */
/* Multi-append in two forms. AppendRecords tells all failing streams, so it is taken where the
 * server has it, with one check for each stream that something is expected of; else AppendSession
 * with one message for each stream (wire-protocol 3.2). The records are encoded once for both. */
#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"
#include "client-core/base/wire.h"
#include "client-core/operations/name_index.h"
#include "client-core/operations/record.h"
#include "client-core/operations/transaction.h"

#include "proto/streams_v2.pb-c.h"
#include "proto/streams_v2_errors.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef Kurrentdb__Protocol__V2__Streams__AppendSessionResponse answer_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__StreamRevisionConflictErrorDetails
    conflict_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__StreamTombstonedErrorDetails
    tombstoned_message;

#define CONFLICT                                                                         \
	"kurrentdb.protocol.v2.streams.errors.StreamRevisionConflictErrorDetails"
#define TOMBSTONED "kurrentdb.protocol.v2.streams.errors.StreamTombstonedErrorDetails"

enum {
	REQUEST_STREAM = 1,
	REQUEST_EXPECTED_REVISION = 3,
	HEAD_WITHOUT_NAME_MAX = 32,
	ARENA_BYTES_PER_STREAM = 512,
	ARENA_BYTES = 16 * 1024,
};

static bool adapt(
    struct kdb_operation *operation, const struct kdb_features *features);

/* ---- as AppendRecords ---- */

static enum kdb_code
code_of(const struct kdb_failure *failure)
{
	if (failure->actual_state == KDB_VERSION_TOMBSTONED)
		return KDB_STREAM_TOMBSTONED;
	if (failure->actual_state == KDB_VERSION_DELETED
	    && failure->expected_state == KDB_VERSION_EXISTS)
		return KDB_STREAM_DELETED;
	return KDB_WRONG_EXPECTED_VERSION;
}

static bool
decode_records_end(struct kdb_operation *operation, const struct kdb_status *status)
{
	struct kdb_transaction *transaction = (struct kdb_transaction *)operation;

	if (kdb_transaction_read_violations(transaction, status)) {
		kdb_transaction_fail(transaction, code_of(operation->failures.list));
		return true;
	}
	/* Which stream failed first, and how, is lost: no code that would say so is true. */
	if (kdb_status_is_oversized(status)) {
		kdb_error_set(&operation->error, KDB_DATABASE_ERROR,
		    KDB_OUTCOME_NOT_WRITTEN,
		    "The database refused the append, with more reasons than arrive.");
		return true;
	}
	return kdb_transaction_read_refusal(transaction, status);
}

static const struct kdb_operation_class records_class = {
	.path = KDB_APPEND_RECORDS_PATH,
	.requires = "25.1",
	.is_write = true,
	.half_closes = true,
	.adapt = adapt,
	.decode_answer = kdb_transaction_decode_answer,
	.decode_end = decode_records_end,
};

/* ---- as AppendSession ---- */

static size_t
encode_session_head(const struct kdb_operation *operation, size_t index,
    const struct kdb_attempt *attempt, uint8_t *out)
{
	const struct kdb_transaction *transaction =
	    (const struct kdb_transaction *)operation;
	const struct kdb_condition *stream = &transaction->conditions[index];
	uint8_t *begin = out;

	(void)attempt;
	out = kdb_wire_put_bytes(
	    out, REQUEST_STREAM, stream->stream_name.data, stream->stream_name.len);
	out = kdb_wire_put_number(out, REQUEST_EXPECTED_REVISION,
	    kdb_wire_zigzag(stream->expected_state));
	return (size_t)(out - begin);
}

static bool
is_name(struct kdb_bytes name, ProtobufCBinaryData other)
{
	return kdb_name_equals(name, (struct kdb_bytes){ other.data, other.len });
}

/* Output i belongs to message i. A revision of 0 is absent on 25.1 (wire-protocol 8.1). */
static bool
read_versions(struct kdb_transaction *transaction, const answer_message *answer)
{
	if (answer->n_output != transaction->stream_count)
		return false;
	for (size_t i = 0; i < answer->n_output; i++) {
		const Kurrentdb__Protocol__V2__Streams__AppendResponse *output =
		    answer->output[i];

		if (!is_name(transaction->stream_names[i], output->stream)
		    || output->stream_revision < 0)
			return false;
		transaction->versions[i] = output->stream_revision;
	}
	return true;
}

static enum kdb_answer
decode_session_answer(struct kdb_operation *operation, const uint8_t *bytes, size_t len)
{
	struct kdb_transaction *transaction = (struct kdb_transaction *)operation;
	size_t size =
	    ARENA_BYTES + len + transaction->stream_count * ARENA_BYTES_PER_STREAM;
	struct kdb_arena arena = { kdb_alloc(size), size, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	answer_message *answer =
	    kurrentdb__protocol__v2__streams__append_session_response__unpack(
		&allocator, len, bytes);
	bool is_good = answer && read_versions(transaction, answer)
	    && kdb_transaction_succeed(
		transaction, answer->has_position, answer->position);

	free(arena.memory);
	return is_good ? KDB_ANSWER_FINAL : KDB_ANSWER_BROKEN;
}

static bool
read_conflict(const struct kdb_status_detail *detail, ProtobufCAllocator *allocator,
    ProtobufCBinaryData *stream, int64_t *actual_version)
{
	conflict_message *conflict =
	    kurrentdb__protocol__v2__streams__errors__stream_revision_conflict_error_details__unpack(
		allocator, detail->len, detail->bytes);

	if (!conflict || conflict->actual_revision < KDB_VERSION_NO_STREAM)
		return false;
	*stream = conflict->stream;
	*actual_version = conflict->actual_revision;
	return true;
}

static bool
read_tombstoned(const struct kdb_status_detail *detail, ProtobufCAllocator *allocator,
    ProtobufCBinaryData *stream)
{
	tombstoned_message *tombstoned =
	    kurrentdb__protocol__v2__streams__errors__stream_tombstoned_error_details__unpack(
		allocator, detail->len, detail->bytes);

	if (!tombstoned)
		return false;
	*stream = tombstoned->stream;
	return true;
}

/* The one stream that AppendSession names, if it is one of ours. */
static const struct kdb_condition *
find_condition(const struct kdb_transaction *transaction, ProtobufCBinaryData stream)
{
	for (size_t i = 0; i < transaction->condition_count; i++)
		if (is_name(transaction->conditions[i].stream_name, stream))
			return &transaction->conditions[i];
	return NULL;
}

/* "Tombstoned" may mean soft-deleted where the stream was expected to exist (3.2). */
static void
set_failure(struct kdb_transaction *transaction, const struct kdb_condition *condition,
    bool is_tombstoned, int64_t actual_version)
{
	struct kdb_operation *operation = &transaction->operation;
	struct kdb_failure *failure = kdb_alloc_zero(1, sizeof *failure);

	failure->index = condition->index;
	failure->expected_state = condition->expected_state;
	if (!is_tombstoned)
		failure->actual_state = actual_version;
	else if (condition->expected_state == KDB_VERSION_EXISTS)
		failure->actual_state = KDB_VERSION_DELETED;
	else
		failure->actual_state = KDB_VERSION_TOMBSTONED;
	operation->result_memory = failure;
	operation->failures.list = failure;
	operation->failures.count = 1;
	kdb_transaction_fail(transaction, code_of(failure));
}

static bool
read_failure(struct kdb_transaction *transaction, const struct kdb_status *status)
{
	_Alignas(16) uint8_t memory[ARENA_BYTES];
	struct kdb_arena arena = { memory, sizeof memory, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	const struct kdb_status_detail *conflict =
	    kdb_status_find_detail(status, CONFLICT);
	const struct kdb_status_detail *tombstoned =
	    kdb_status_find_detail(status, TOMBSTONED);
	const struct kdb_condition *condition;
	ProtobufCBinaryData stream;
	int64_t actual_version = 0;

	if (conflict && !read_conflict(conflict, &allocator, &stream, &actual_version))
		return false;
	if (!conflict
	    && (!tombstoned || !read_tombstoned(tombstoned, &allocator, &stream)))
		return false;
	condition = find_condition(transaction, stream);
	if (!condition)
		return false;
	set_failure(transaction, condition, !conflict, actual_version);
	return true;
}

static bool
decode_session_end(struct kdb_operation *operation, const struct kdb_status *status)
{
	struct kdb_transaction *transaction = (struct kdb_transaction *)operation;

	return read_failure(transaction, status)
	    || kdb_transaction_read_refusal(transaction, status);
}

static const struct kdb_operation_class session_class = {
	.path = "/kurrentdb.protocol.v2.streams.StreamsService/AppendSession",
	.requires = "25.1",
	.is_write = true,
	.half_closes = true,
	.adapt = adapt,
	.encode_head = encode_session_head,
	.decode_answer = decode_session_answer,
	.decode_end = decode_session_end,
};

/* ---- both ---- */

/* message_ends has the ends of the streams' records, then the end of the checks. */
static void
take_form(struct kdb_transaction *transaction, const struct kdb_operation_class *class)
{
	struct kdb_operation *operation = &transaction->operation;
	bool is_session = class == &session_class;
	size_t *ends = operation->class == &session_class
	    ? operation->message_ends
	    : operation->message_ends - transaction->stream_count;

	operation->class = class;
	operation->message_ends = is_session ? ends : ends + transaction->stream_count;
	operation->message_count = is_session ? transaction->stream_count : 1;
	kdb_record_move(operation->encoded, transaction->records_len,
	    is_session ? KDB_RECORD_OF_SESSION : KDB_RECORD_OF_RECORDS);
}

/* AppendSession is known to every server with V2, so it is the guess while nothing is known. */
static bool
adapt(struct kdb_operation *operation, const struct kdb_features *features)
{
	struct kdb_transaction *transaction = (struct kdb_transaction *)operation;

	if (features && !features->has_multi_append && !features->has_append_records)
		return kdb_operation_refuse_unsupported(operation);
	if (!features || !features->has_append_records) {
		take_form(transaction, &session_class);
		return true;
	}
	take_form(transaction, &records_class);
	return kdb_transaction_check_body_size(
	    kdb_operation_encoded_len(operation), &operation->error);
}

static bool
measure(const struct kdb_multi_append_request *request, struct kdb_transaction_size *size,
    struct kdb_error *error)
{
	size_t event_index = 0;

	*size = (struct kdb_transaction_size){ .stream_count = request->stream_count,
		.condition_count = request->stream_count,
		.message_count = request->stream_count };
	for (size_t i = 0; i < request->stream_count; i++) {
		const struct kdb_stream_append *stream = &request->streams[i];

		for (size_t k = 0; k < stream->event_count; k++, event_index++) {
			if (!kdb_record_check_size(&stream->events[k], event_index, error))
				return false;
			size->records_len +=
			    kdb_record_size(&stream->events[k], stream->stream_name);
		}
		if (stream->expected_version != KDB_VERSION_ANY)
			size->checks_len += kdb_transaction_check_size(
			    stream->stream_name, stream->expected_version);
	}
	return true;
}

static void
put_streams(
    struct kdb_transaction *transaction, const struct kdb_multi_append_request *request)
{
	struct kdb_operation *operation = &transaction->operation;
	uint8_t *out = operation->encoded;

	for (size_t i = 0; i < request->stream_count; i++) {
		const struct kdb_stream_append *stream = &request->streams[i];
		struct kdb_bytes *name = &transaction->stream_names[i];

		for (size_t k = 0; k < stream->event_count; k++)
			out = kdb_record_put(out, KDB_RECORD_OF_RECORDS,
			    &stream->events[k], stream->stream_name, name);
		operation->message_ends[i] = (size_t)(out - operation->encoded);
		transaction->conditions[i] = (struct kdb_condition){ .stream_name = *name,
			.index = i,
			.expected_state = stream->expected_version };
		if (operation->head_size < HEAD_WITHOUT_NAME_MAX + name->len)
			operation->head_size = HEAD_WITHOUT_NAME_MAX + name->len;
	}
	transaction->condition_count = request->stream_count;
}

static void
put_checks(
    struct kdb_transaction *transaction, const struct kdb_multi_append_request *request)
{
	struct kdb_operation *operation = &transaction->operation;
	uint8_t *out = operation->encoded + transaction->records_len;
	struct kdb_bytes name;

	for (size_t i = 0; i < request->stream_count; i++) {
		const struct kdb_stream_append *stream = &request->streams[i];

		if (stream->expected_version != KDB_VERSION_ANY)
			out = kdb_transaction_put_check(
			    out, stream->stream_name, stream->expected_version, &name);
	}
	operation->message_ends[request->stream_count] =
	    (size_t)(out - operation->encoded);
}

struct kdb_operation *
kdb_multi_append_new(const struct kdb_multi_append_request *request, void *context,
    struct kdb_error *error)
{
	struct kdb_transaction_size size;
	struct kdb_transaction *transaction;

	if (!measure(request, &size, error))
		return NULL;
	transaction =
	    kdb_transaction_new(&session_class, &size, &request->headers, context);
	put_streams(transaction, request);
	put_checks(transaction, request);
	kdb_transaction_weigh(transaction);
	take_form(transaction, &records_class);
	return &transaction->operation;
}
