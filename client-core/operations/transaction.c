/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a V2 write, its checks, and the answers of AppendRecords. */
#include "client-core/operations/transaction.h"

#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"
#include "client-core/base/wire.h"
#include "client-core/operations/name_index.h"
#include "client-core/operations/record.h"
#include "client-core/operations/refusal.h"

#include "proto/streams_v2.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef Kurrentdb__Protocol__V2__Streams__AppendRecordsResponse answer_message;

enum {
	/* Kestrel's limit on the body of a unary call, five bytes of gRPC frame included
	 * (wire-protocol 3.5). */
	BODY_MAX = 30000000,
	FRAME_BYTES = 5,
	/* A refusal of that size is read in some ten milliseconds (completion.c). */
	REFUSAL_MAX_BYTES = 1024 * 1024,
	/* A violation tells its stream's name three times (wire-protocol 1.12). */
	VIOLATION_BYTES = 112,
	/* What the decoder needs for one revision besides its bytes, rounded up. */
	ARENA_BYTES_PER_STREAM = 512,
	ARENA_BYTES = 16 * 1024,
};

enum {
	REQUEST_CHECKS = 2,
	CHECK_STREAM_STATE = 1,
	STATE_STREAM = 1,
	STATE_EXPECTED = 2,
};

struct kdb_transaction *
kdb_transaction_new(const struct kdb_operation_class *class,
    const struct kdb_transaction_size *size, const struct kdb_call_headers *headers,
    void *context)
{
	struct kdb_transaction *transaction = kdb_alloc(sizeof *transaction
	    + size->condition_count * sizeof *transaction->conditions
	    + size->stream_count * sizeof *transaction->stream_names
	    + size->stream_count * sizeof *transaction->versions
	    + (size->message_count + 1) * sizeof *transaction->operation.message_ends
	    + size->records_len + size->checks_len);

	kdb_operation_init(&transaction->operation, class, context, headers);
	transaction->stream_count = size->stream_count;
	transaction->condition_count = 0;
	transaction->records_len = size->records_len;
	transaction->conditions = (struct kdb_condition *)(transaction + 1);
	transaction->stream_names =
	    (struct kdb_bytes *)(transaction->conditions + size->condition_count);
	transaction->versions =
	    (int64_t *)(transaction->stream_names + size->stream_count);
	transaction->operation.message_ends =
	    (size_t *)(transaction->versions + size->stream_count);
	transaction->operation.encoded =
	    (uint8_t *)(transaction->operation.message_ends + size->message_count + 1);
	return transaction;
}

void
kdb_transaction_weigh(struct kdb_transaction *transaction)
{
	size_t size = 0;

	for (size_t i = 0; i < transaction->condition_count; i++)
		size += VIOLATION_BYTES + 3 * transaction->conditions[i].stream_name.len;
	transaction->operation.needs_own_connection = size > REFUSAL_MAX_BYTES;
}

static size_t
state_check_size(struct kdb_bytes stream_name, int64_t expected_state)
{
	return kdb_wire_bytes_size(stream_name.len)
	    + kdb_wire_number_size(kdb_wire_zigzag(expected_state));
}

size_t
kdb_transaction_check_size(struct kdb_bytes stream_name, int64_t expected_state)
{
	return kdb_wire_bytes_size(
	    kdb_wire_bytes_size(state_check_size(stream_name, expected_state)));
}

uint8_t *
kdb_transaction_put_check(uint8_t *out, struct kdb_bytes stream_name,
    int64_t expected_state, struct kdb_bytes *name)
{
	size_t size = state_check_size(stream_name, expected_state);

	out = kdb_wire_put_head(out, REQUEST_CHECKS, kdb_wire_bytes_size(size));
	out = kdb_wire_put_head(out, CHECK_STREAM_STATE, size);
	out = kdb_wire_put_bytes(out, STATE_STREAM, stream_name.data, stream_name.len);
	*name = (struct kdb_bytes){ out - stream_name.len, stream_name.len };
	return kdb_wire_put_number(out, STATE_EXPECTED, kdb_wire_zigzag(expected_state));
}

bool
kdb_transaction_check_body_size(size_t len, struct kdb_error *error)
{
	if (len + FRAME_BYTES <= BODY_MAX)
		return true;
	kdb_error_set(error, KDB_APPEND_TOO_LARGE, KDB_OUTCOME_NOT_WRITTEN,
	    "All records together do not fit one message of the database.");
	error->size.limit_bytes = BODY_MAX;
	error->size.actual_bytes = (int64_t)(len + FRAME_BYTES);
	return false;
}

bool
kdb_transaction_succeed(
    struct kdb_transaction *transaction, bool has_position, int64_t position)
{
	struct kdb_append_result *result = &transaction->operation.append_result;

	if (has_position && position < -1)
		return false;
	/* -1: a replay of an event that cannot be read any more (wire-protocol 4.3). */
	result->has_position = has_position && position >= 0;
	result->commit_position = result->has_position ? (uint64_t)position : 0;
	result->current_versions = transaction->versions;
	result->stream_count = transaction->stream_count;
	return true;
}

/* Places of the streams that are answered in another order than they were written in. */
static struct kdb_name_index *
index_streams(const struct kdb_transaction *transaction)
{
	struct kdb_name_index *names = kdb_name_index_new(transaction->stream_count);

	for (size_t i = 0; i < transaction->stream_count; i++)
		kdb_name_index_add(names, transaction->stream_names[i]);
	kdb_name_index_sort(names);
	return names;
}

/* The place of the i-th revision; usually i (D.records.revisions-order). */
static size_t
find_place(const struct kdb_transaction *transaction, size_t i, struct kdb_bytes name,
    struct kdb_name_index **names)
{
	if (kdb_name_equals(transaction->stream_names[i], name))
		return i;
	if (!*names)
		*names = index_streams(transaction);
	return kdb_name_index_find(*names, name);
}

static bool
read_versions(struct kdb_transaction *transaction, const answer_message *answer)
{
	struct kdb_name_index *names = NULL;
	bool is_good = answer->n_revisions == transaction->stream_count;

	for (size_t i = 0; i < transaction->stream_count; i++)
		transaction->versions[i] = KDB_VERSION_NO_STREAM;
	for (size_t i = 0; is_good && i < answer->n_revisions; i++) {
		const Kurrentdb__Protocol__V2__Streams__StreamRevision *revision =
		    answer->revisions[i];
		struct kdb_bytes name = { revision->stream.data, revision->stream.len };
		size_t at = find_place(transaction, i, name, &names);

		is_good = at != SIZE_MAX && revision->revision >= 0
		    && transaction->versions[at] == KDB_VERSION_NO_STREAM;
		if (is_good)
			transaction->versions[at] = revision->revision;
	}
	kdb_name_index_free(names);
	return is_good;
}

enum kdb_answer
kdb_transaction_decode_answer(
    struct kdb_operation *operation, const uint8_t *bytes, size_t len)
{
	struct kdb_transaction *transaction = (struct kdb_transaction *)operation;
	size_t size =
	    ARENA_BYTES + len + transaction->stream_count * ARENA_BYTES_PER_STREAM;
	struct kdb_arena arena = { kdb_alloc(size), size, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	answer_message *answer =
	    kurrentdb__protocol__v2__streams__append_records_response__unpack(
		&allocator, len, bytes);
	bool is_good = answer && read_versions(transaction, answer)
	    && kdb_transaction_succeed(
		transaction, answer->has_position, answer->position);

	free(arena.memory);
	return is_good ? KDB_ANSWER_FINAL : KDB_ANSWER_BROKEN;
}

bool
kdb_transaction_read_violations(
    struct kdb_transaction *transaction, const struct kdb_status *status)
{
	struct kdb_operation *operation = &transaction->operation;
	const struct kdb_status_detail *detail =
	    kdb_status_find_detail(status, KDB_VIOLATION_DETAIL);
	struct kdb_failure *failures;

	if (!detail || strcmp(status->reason, "APPEND_CONSISTENCY_VIOLATION") != 0)
		return false;
	failures = kdb_alloc_zero(transaction->condition_count, sizeof *failures);
	operation->result_memory = failures;
	operation->failures.list = failures;
	operation->failures.count = kdb_violation_read(detail->bytes, detail->len,
	    transaction->conditions, transaction->condition_count, failures);
	operation->failures.is_complete = operation->failures.count > 0;
	return operation->failures.count > 0;
}

void
kdb_transaction_fail(struct kdb_transaction *transaction, enum kdb_code code)
{
	struct kdb_operation *operation = &transaction->operation;
	const struct kdb_failure *first = &operation->failures.list[0];

	if (operation->failures.is_complete)
		kdb_error_set(&operation->error, code, KDB_OUTCOME_NOT_WRITTEN,
		    "%zu of %zu streams are not as expected.",
		    operation->failures.count, transaction->condition_count);
	else
		kdb_error_set(&operation->error, code, KDB_OUTCOME_NOT_WRITTEN,
		    "At least one stream is not as expected.");
	operation->error.conflict.expected_version = first->expected_state;
	operation->error.conflict.actual_version = first->actual_state;
}

bool
kdb_transaction_read_refusal(
    struct kdb_transaction *transaction, const struct kdb_status *status)
{
	struct kdb_operation *operation = &transaction->operation;
	char record_id[KDB_REFUSAL_ID_SIZE];
	size_t at;

	if (!kdb_refusal_read(status, &operation->error, record_id))
		return false;
	if (operation->error.code != KDB_EVENT_TOO_LARGE)
		return true;
	at = kdb_record_find(operation->encoded, transaction->records_len, record_id,
	    strlen(record_id));
	operation->error.size.has_event_index = at != SIZE_MAX;
	operation->error.size.event_index = at != SIZE_MAX ? (uint32_t)at : 0;
	return true;
}
