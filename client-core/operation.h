/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATION_H
#define KDB_OPERATION_H

#include "client-core/base/deadline_heap.h"
#include "client-core/base/list.h"
#include "client-core/call.h"
#include "client-core/client.h"

#include <stdatomic.h>

/*
 * The inside of an operation, for client-core alone. What was encoded never changes after
 * kdb_..._new(); the rest belongs to the client's lock until the operation is finished, and to
 * the caller afterwards.
 */

enum kdb_operation_state {
	KDB_OPERATION_NEW,
	KDB_OPERATION_WAITING, /* for a leader */
	KDB_OPERATION_QUEUED,  /* in the cork queue of the shared call, not handed over */
	KDB_OPERATION_SENT,    /* handed to the shared call, in a slot */
	KDB_OPERATION_CALLING, /* on a call of its own */
	KDB_OPERATION_FINISHED,
};

/* What is fresh in front of a message for each attempt. */
struct kdb_attempt {
	uint64_t correlation[2]; /* never both 0 */
	int64_t time_left_ns;	 /* > 0 */
};

/* How one kind of operation looks on the wire; one constant struct per file of operations/. */
struct kdb_operation_class {
	const char *path;
	bool half_closes;  /* the request ends with the last message */
	bool is_shareable; /* small ones with the gateway's credentials go on the shared call */
	/* Writes what goes in front of message `index`, at most kdb_operation.head_size bytes. */
	size_t (*encode_head)(const struct kdb_operation *operation, size_t index,
	    const struct kdb_attempt *attempt, uint8_t *out);
	/* Reads the answer of a call of its own into result and error; false: it is none. */
	bool (*decode_answer)(
	    struct kdb_operation *operation, const uint8_t *bytes, size_t len);
};

struct kdb_operation {
	atomic_uint refs;
	const struct kdb_operation_class *class;
	void *context;

	enum kdb_operation_state state;
	struct kdb_list link; /* in the waiting list, the cork queue or a local list */
	struct kdb_deadline deadline;
	struct kdb_batch_stream *stream; /* QUEUED, SENT; it outlives these states */
	uint32_t slot;			 /* SENT */
	struct kdb_own_call *own_call; /* CALLING */

	int64_t submitted_mono_ns;
	int64_t handed_mono_ns; /* 0: never */
	int64_t finished_mono_ns;

	struct kdb_error error;
	struct kdb_append_result append_result;

	char *authorization; /* NULL: that of the connection string */
	uint8_t *stream_name; /* in this block of memory, as message_ends and encoded */
	size_t stream_name_len;
	int64_t expected_version;
	size_t head_size; /* upper bound of any head */

	/* Messages: body i is encoded[message_ends[i - 1] .. message_ends[i]). */
	size_t message_count;
	size_t *message_ends;
	uint8_t *encoded;
};

/* Bytes of all messages, to tell small from large. */
size_t kdb_operation_encoded_len(const struct kdb_operation *operation);

/* Sends message `index` of the operation on a call that is open; the operation's bytes are held
 * until C core has let go of them. Without the client's lock. */
void kdb_operation_send(struct kdb_operation *operation, size_t index,
    const struct kdb_attempt *attempt, struct kdb_call *call, enum kdb_send how);

/* The answers of BatchAppend (operations/append.c). */
struct kdb_append_answer {
	uint64_t correlation[2];
	struct kdb_error error; /* code KDB_OK: success */
	struct kdb_append_result result;
	bool is_stream_deleted; /* error is KDB_STREAM_TOMBSTONED; may mean soft-deleted */
};

/* Reads one BatchAppendResp. False: the bytes are none, and the call cannot be trusted. */
bool kdb_append_answer_read(
    const uint8_t *bytes, size_t len, struct kdb_append_answer *answer);

/* Gives the answer to its operation. */
void kdb_append_answer_apply(
    const struct kdb_append_answer *answer, struct kdb_operation *operation);

#endif
