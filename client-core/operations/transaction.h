/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_TRANSACTION_H
#define KDB_OPERATIONS_TRANSACTION_H

#include "client-core/operation.h"
#include "client-core/operations/violation.h"

/*
 * A write of V2 to several streams, all or nothing: what multi-append and append-records have in
 * common. Its bytes are the records, in order, and behind them the checks of AppendRecords.
 */
struct kdb_transaction {
	struct kdb_operation operation;
	/* In this block of memory; the names point into the encoded bytes. */
	struct kdb_bytes *stream_names; /* written ones */
	size_t stream_count;
	int64_t *versions; /* of the answer, one for each of these */
	struct kdb_condition *conditions;
	size_t condition_count;
	size_t records_len; /* of the encoded bytes */
};

#define KDB_APPEND_RECORDS_PATH                                                          \
	"/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords"

/* How much room a transaction needs. */
struct kdb_transaction_size {
	size_t stream_count;
	size_t condition_count; /* at most */
	size_t message_count;	/* at most; message_ends has room for one more */
	size_t records_len;
	size_t checks_len;
};

/* One block with room for all of it. Its bytes, names, conditions and messages are the caller's
 * to fill. */
struct kdb_transaction *kdb_transaction_new(const struct kdb_operation_class *class,
    const struct kdb_transaction_size *size, const struct kdb_call_headers *headers,
    void *context);

/* To be called when the conditions are there: tells whether the answer, should they all fail,
 * needs a connection of its own. */
void kdb_transaction_weigh(struct kdb_transaction *transaction);

/* One check of AppendRecords; *name becomes the stream's name in the bytes. */
size_t kdb_transaction_check_size(struct kdb_bytes stream_name, int64_t expected_state);
uint8_t *kdb_transaction_put_check(uint8_t *out, struct kdb_bytes stream_name,
    int64_t expected_state, struct kdb_bytes *name);

/* Whether AppendRecords takes a message of that many bytes (wire-protocol 3.5); else fills
 * *error with KDB_APPEND_TOO_LARGE. */
bool kdb_transaction_check_body_size(size_t len, struct kdb_error *error);

/* Fills the result, position -1 being none; the versions are there already. False: it is no
 * position. */
bool kdb_transaction_succeed(
    struct kdb_transaction *transaction, bool has_position, int64_t position);

/* Reads an AppendRecordsResponse: decode_answer of every form that is sent as AppendRecords. */
enum kdb_answer kdb_transaction_decode_answer(
    struct kdb_operation *operation, const uint8_t *bytes, size_t len);

/* Reads the violations of a refused AppendRecords into the failures. False: the status has none,
 * or none that can be. */
bool kdb_transaction_read_violations(
    struct kdb_transaction *transaction, const struct kdb_status *status);

/* Makes an error, with that code, of the failures that are there. */
void kdb_transaction_fail(struct kdb_transaction *transaction, enum kdb_code code);

/* Reads what V2 refuses whatever the streams are like: sizes, the alphabet of types. False:
 * it is nothing of that. */
bool kdb_transaction_read_refusal(
    struct kdb_transaction *transaction, const struct kdb_status *status);

#endif
