/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATION_H
#define KDB_OPERATION_H

#include "client-core/base/deadline_heap.h"
#include "client-core/base/list.h"
#include "client-core/call.h"
#include "client-core/client.h"
#include "client-core/features.h"

#include <stdatomic.h>

/*
 * The inside of an operation, for client-core alone. Each kind keeps what only it needs behind
 * this struct, in the same block of memory. What was encoded changes at most when it is adapted
 * to a server; the rest belongs to the client's lock until the operation is finished, and to the
 * caller afterwards.
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

enum kdb_answer {
	KDB_ANSWER_FINAL,  /* result and error of the operation are filled */
	KDB_ANSWER_MORE,   /* nothing of interest: another message, or the status, follows */
	KDB_ANSWER_BROKEN, /* the bytes are none */
};

/* How one kind of operation looks on the wire; one constant struct per form of it, in
 * operations/. */
struct kdb_operation_class {
	const char *path;
	const char *requires; /* the release that brought the method, such as "25.1" */
	bool is_write;	   /* else nothing is ever written, whatever happens to the call */
	bool half_closes;  /* the request ends with the last message, and the server ends the
			      call after its answer */
	bool is_shareable; /* small ones without headers go on the shared call */
	/* Takes the form that the server knows; features is NULL while that is not known. False:
	 * it cannot be sent to this server, and error says why. Called, perhaps again for another
	 * server, before anything was handed over. */
	bool (*adapt)(
	    struct kdb_operation *operation, const struct kdb_features *features);
	/* Writes what goes in front of message `index`, at most kdb_operation.head_size bytes.
	 * NULL: nothing. */
	size_t (*encode_head)(const struct kdb_operation *operation, size_t index,
	    const struct kdb_attempt *attempt, uint8_t *out);
	/* Reads one answer of a call of its own. */
	enum kdb_answer (*decode_answer)(
	    struct kdb_operation *operation, const uint8_t *bytes, size_t len);
	/* Makes result and error of the status of a call that ended without a final answer. False:
	 * it says nothing special to this kind (kdb_status_to_error() does the rest). NULL: never.
	 */
	bool (*decode_end)(
	    struct kdb_operation *operation, const struct kdb_status *status);
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
	bool is_fresh;		       /* kdb_operation_mark_fresh() */

	int64_t submitted_mono_ns;
	int64_t handed_mono_ns; /* 0: never */
	int64_t finished_mono_ns;

	struct kdb_error error;
	union {
		struct kdb_append_result append_result; /* of a write */
		struct kdb_stream_metadata_result stream_metadata;
	};
	struct {
		const struct kdb_failure *list;
		size_t count;
		bool is_complete;
	} failures;
	void *result_memory; /* what result and failures point to, if not into this block */

	struct {
		char *authorization; /* NULL: that of the connection string */
		char *traceparent;
		char *tracestate;
	} headers;
	size_t head_size; /* upper bound of any head */
	/* The refusal may be so long that reading it holds up all calls of the connection. */
	bool needs_own_connection;

	/* Messages: body i is encoded[message_ends[i - 1] .. message_ends[i]). */
	size_t message_count;
	size_t *message_ends;
	uint8_t *encoded;
};

/* Makes *operation, which begins a block of memory, a new one without messages. */
void kdb_operation_init(struct kdb_operation *operation,
    const struct kdb_operation_class *class, void *context,
    const struct kdb_call_headers *headers);

/* Whether its call must carry something else than all others do. */
bool kdb_operation_has_headers(const struct kdb_operation *operation);

/* Fills error with KDB_NOT_SUPPORTED, and what its class requires. Returns false. */
bool kdb_operation_refuse_unsupported(struct kdb_operation *operation);

/* Notes on the channel which position the operation, a write that succeeded there, has told. */
void kdb_operation_note_position(
    const struct kdb_operation *operation, struct kdb_channel *channel);

/* Bytes of all messages, to tell small from large. */
size_t kdb_operation_encoded_len(const struct kdb_operation *operation);

/* Sends message `index` of the operation on a call that is open; the operation's bytes are held
 * until C core has let go of them. Without the client's lock. */
void kdb_operation_send(struct kdb_operation *operation, size_t index,
    const struct kdb_attempt *attempt, struct kdb_call *call, enum kdb_send how);

#endif
