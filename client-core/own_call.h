/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OWN_CALL_H
#define KDB_OWN_CALL_H

#include "client-core/call.h"
#include "client-core/channel.h"
#include "client-core/operation.h"

#include <pthread.h>

/*
 * An operation on a call of its own: with headers of the request, too large for the shared
 * call, or of a kind that is not shared. Locks and events as for the shared call
 * (batch_stream.h).
 */
struct kdb_own_call;

struct kdb_own_call_events {
	/* The operation has its error or result. */
	void (*finished)(void *owner, struct kdb_operation *operation);
	/* Nothing of the operation was handed over: it may go another way. */
	void (*unsent)(void *owner, struct kdb_operation *operation,
	    const struct kdb_status *status);
	/* The call is over, its place on the channel given back. leader_epoch is that of the
	 * options; is_connected tells whether the call ever got onto a connection. */
	void (*ended)(void *owner, const struct kdb_operation *operation,
	    uint64_t leader_epoch, bool is_connected, const struct kdb_status *status);
	/* Runs what the handlers above collected; called without the mutex. */
	void (*settle)(void *owner);
};

struct kdb_own_call_options {
	pthread_mutex_t *mutex;
	struct kdb_completion *completion;
	struct kdb_channel *channel; /* of the pool; kdb_channel_put() comes at the end */
	const char *authorization;   /* NULL: none */
	uint64_t leader_epoch;	     /* which leader it goes to; the owner's number */
	struct kdb_list *calls;	     /* where it is from its start to its end */
	const struct kdb_own_call_events *events;
	void *owner;
};

/* Makes the call and puts it at the end of `starting`; operation->own_call is set until the
 * operation is finished. */
void kdb_own_call_new_locked(const struct kdb_own_call_options *options,
    struct kdb_operation *operation, struct kdb_list *starting);

/* Starts a call that was taken from the list of those to start. Without the mutex. */
void kdb_own_call_start(struct kdb_list *link);

/* Ends every call of that list now; `ended` comes for each. */
void kdb_own_call_cancel_all_locked(struct kdb_list *calls);

/* Whether nothing of the operation was handed over yet. */
bool kdb_own_call_is_unsent_locked(const struct kdb_operation *operation);

/* Lets go of an operation that its deadline, a stop or its owner finishes, and ends the call.
 * True: all of it was handed over. */
bool kdb_own_call_forget_locked(struct kdb_operation *operation);

#endif
