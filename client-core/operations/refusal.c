/* SPDX-License-Identifier: Apache-2.0 */
/* Typed details of V2 refusals. The server's limits are whatever the operator set: they are known
 * from these alone. */
#include "client-core/operations/refusal.h"

#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"

#include "proto/rpc_status.pb-c.h"
#include "proto/streams_v2_errors.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE                                                                      \
	"kurrentdb.protocol.v2.streams.errors.AppendRecordSizeExceededErrorDetails"
#define TRANSACTION_SIZE                                                                 \
	"kurrentdb.protocol.v2.streams.errors.AppendTransactionSizeExceededErrorDetails"

typedef Kurrentdb__Protocol__V2__Streams__Errors__AppendRecordSizeExceededErrorDetails
    record_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__AppendTransactionSizeExceededErrorDetails
    transaction_message;

/* Room for the decoder besides the bytes; one that needs more is read as if it were not there. */
enum { ARENA_BYTES = 16 * 1024 };

static void
set_too_large(struct kdb_error *error, enum kdb_code code, const char *detail)
{
	kdb_error_set(error, code, KDB_OUTCOME_NOT_WRITTEN, "%s", detail);
	error->size.limit_bytes = error->size.actual_bytes = -1;
	error->size.is_enforced_by_database = true;
}

static bool
read_record_size(const struct kdb_status_detail *detail, ProtobufCAllocator *allocator,
    struct kdb_error *error, char record_id[KDB_REFUSAL_ID_SIZE])
{
	record_message *record =
	    kurrentdb__protocol__v2__streams__errors__append_record_size_exceeded_error_details__unpack(
		allocator, detail->len, detail->bytes);

	if (!record)
		return false;
	set_too_large(
	    error, KDB_EVENT_TOO_LARGE, "One event exceeds the database's limit.");
	if (record->has_size && record->size > 0)
		error->size.actual_bytes = record->size;
	if (record->has_max_size && record->max_size > 0)
		error->size.limit_bytes = record->max_size;
	if (record->record_id)
		snprintf(record_id, KDB_REFUSAL_ID_SIZE, "%s", record->record_id);
	return true;
}

/* The size that comes with it is where the server stopped to count. */
static bool
read_transaction_size(const struct kdb_status_detail *detail,
    ProtobufCAllocator *allocator, struct kdb_error *error)
{
	transaction_message *transaction =
	    kurrentdb__protocol__v2__streams__errors__append_transaction_size_exceeded_error_details__unpack(
		allocator, detail->len, detail->bytes);

	if (!transaction)
		return false;
	set_too_large(error, KDB_APPEND_TOO_LARGE,
	    "The events together exceed the database's limit.");
	if (transaction->has_max_size && transaction->max_size > 0)
		error->size.limit_bytes = transaction->max_size;
	return true;
}

/* "Schema.Name" from 26.1 on, "Schema.Name.Schema name" before (wire-protocol 8.1). */
static bool
is_type_field(ProtobufCBinaryData field)
{
	static const char name[] = "Schema.Name";
	size_t len = sizeof name - 1;

	return field.len >= len && memcmp(field.data, name, len) == 0
	    && (field.len == len || field.data[len] == '.');
}

static bool
read_bad_request(const struct kdb_status *status, const struct kdb_status_detail *detail,
    ProtobufCAllocator *allocator, struct kdb_error *error)
{
	Google__Rpc__BadRequest *bad = google__rpc__bad_request__unpack(
	    allocator, detail->len, detail->bytes);

	for (size_t i = 0; bad && i < bad->n_field_violations; i++) {
		if (!is_type_field(bad->field_violations[i]->field))
			continue;
		kdb_error_set(error, KDB_EVENT_TYPE_REFUSED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database refused an event type: %.200s", status->text);
		return true;
	}
	return false;
}

static bool
read_detail(const struct kdb_status *status, const struct kdb_status_detail *detail,
    struct kdb_error *error, char record_id[KDB_REFUSAL_ID_SIZE])
{
	size_t size = ARENA_BYTES + detail->len;
	struct kdb_arena arena = { kdb_alloc(size), size, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	bool is_read = false;

	if (strcmp(status->reason, "APPEND_RECORD_SIZE_EXCEEDED") == 0)
		is_read = read_record_size(detail, &allocator, error, record_id);
	else if (strcmp(status->reason, "APPEND_TRANSACTION_SIZE_EXCEEDED") == 0)
		is_read = read_transaction_size(detail, &allocator, error);
	else if (strcmp(status->reason, "BAD_REQUEST") == 0)
		is_read = read_bad_request(status, detail, &allocator, error);
	free(arena.memory);
	return is_read;
}

static const struct kdb_status_detail *
find_detail(const struct kdb_status *status)
{
	static const char *const types[] = { RECORD_SIZE, TRANSACTION_SIZE,
		"google.rpc.BadRequest" };
	const struct kdb_status_detail *detail = NULL;

	for (size_t i = 0; i < sizeof types / sizeof types[0] && !detail; i++)
		detail = kdb_status_find_detail(status, types[i]);
	return detail;
}

/* Comes from the framework below the service, with a text alone; the message was not taken
 * (wire-protocol 3.9). */
static bool
is_message_refused(const struct kdb_status *status)
{
	static const char text[] =
	    "Received message exceeds the maximum configured message size";

	return status->code == KDB_STATUS_RESOURCE_EXHAUSTED
	    && strncmp(status->text, text, sizeof text - 1) == 0;
}

bool
kdb_refusal_read(const struct kdb_status *status, struct kdb_error *error,
    char record_id[KDB_REFUSAL_ID_SIZE])
{
	const struct kdb_status_detail *detail = find_detail(status);

	record_id[0] = 0;
	if (detail)
		return read_detail(status, detail, error, record_id);
	if (!is_message_refused(status))
		return false;
	set_too_large(error, KDB_APPEND_TOO_LARGE,
	    "A message of the append exceeds the database's limit.");
	return true;
}
