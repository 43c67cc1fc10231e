/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_APPEND_H
#define KDB_OPERATIONS_APPEND_H

#include "client-core/operation.h"

/* Append to one stream, for itself and for the shared call. */

#define KDB_APPEND_PATH "/event_store.client.streams.Streams/BatchAppend"
#define KDB_APPEND_REQUIRES "21.10"

struct kdb_append {
	struct kdb_operation operation;
	uint8_t *stream_name; /* in this block of memory, as the messages */
	size_t stream_name_len;
	int64_t expected_version;
};

/* One answer of BatchAppend. */
struct kdb_append_answer {
	uint64_t correlation[2];
	struct kdb_error error; /* code KDB_OK: success */
	struct kdb_append_result result;
	bool is_stream_deleted; /* error is KDB_STREAM_TOMBSTONED; may mean soft-deleted */
};

/* Reads one BatchAppendResp. False: the bytes are none, and the call cannot be trusted. */
bool kdb_append_answer_read(
    const uint8_t *bytes, size_t len, struct kdb_append_answer *answer);

/* Gives the answer to its operation, a kdb_append. */
void kdb_append_answer_apply(
    const struct kdb_append_answer *answer, struct kdb_operation *operation);

#endif
