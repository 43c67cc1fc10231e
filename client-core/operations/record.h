/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_RECORD_H
#define KDB_OPERATIONS_RECORD_H

#include "client-core/operations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One event as an AppendRecord of V2 (wire-protocol 1.8), in a field of the request. The bytes
 * are the same in both requests but for the number of that field. The record always names its
 * stream; AppendSession ignores that (D.session.record-stream-other).
 */

enum kdb_record_field {
	KDB_RECORD_OF_RECORDS = 1, /* AppendRecordsRequest.records */
	KDB_RECORD_OF_SESSION = 2, /* AppendRequest.records */
};

/* One event must fit into the server's log (wire-protocol 3.5). */
enum { KDB_RECORD_EVENT_MAX = 16767216 };

/* Bytes of the record with the field's tag and length. */
size_t kdb_record_size(const struct kdb_event *event, struct kdb_bytes stream_name);

/* Writes that many bytes; returns where they end. *name becomes the stream's name in them. */
uint8_t *kdb_record_put(uint8_t *out, enum kdb_record_field field,
    const struct kdb_event *event, struct kdb_bytes stream_name, struct kdb_bytes *name);

/* Whether the server's log takes the event; else fills *error with KDB_EVENT_TOO_LARGE. */
bool kdb_record_check_size(
    const struct kdb_event *event, size_t event_index, struct kdb_error *error);

/* Moves len bytes of records, which kdb_record_put() wrote, to another field. */
void kdb_record_move(uint8_t *records, size_t len, enum kdb_record_field field);

/* Index of the record with that id, in text form, among the records; SIZE_MAX: there is none.
 */
size_t kdb_record_find(
    const uint8_t *records, size_t len, const char *id, size_t id_len);

#endif
