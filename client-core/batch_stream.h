/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BATCH_STREAM_H
#define KDB_BATCH_STREAM_H

#include "client-core/call.h"
#include "client-core/channel.h"
#include "client-core/operation.h"

#include <pthread.h>

/*
 * The shared BatchAppend call: every small append of the gateway's own identity goes over it.
 * Appends wait in the cork queue until the round's flush; then each message, once out of our
 * hands, starts the next, and all but the last of a burst carry the buffer hint, so a burst is
 * one socket write (perf-traps 10, 11). Answers find their append by slot and generation.
 *
 * Locks: functions ending in _locked need the client's mutex; the others must be called
 * without it. Events come on the completion thread with the mutex held; their handlers collect
 * finished operations and complete them after it is released.
 */
struct kdb_batch_stream;

struct kdb_batch_stream_events {
	/* Messages may flow now. */
	void (*opened)(void *owner);
	/* The operation has its error or result and is in no list. */
	void (*finished)(void *owner, struct kdb_operation *operation);
	/* The database says in band that it is not ready: its leadership is in doubt. */
	void (*doubted)(void *owner);
	/* The call is over. Operations never handed over were put back: `unsent`, in order. The
	 * stream is gone afterwards. */
	void (*ended)(void *owner, struct kdb_batch_stream *stream,
	    const struct kdb_status *status, struct kdb_list *unsent);
	/* Runs what the handlers above collected; called without the mutex. */
	void (*settle)(void *owner);
};

struct kdb_batch_stream_options {
	pthread_mutex_t *mutex; /* of the client */
	struct kdb_completion *completion;
	struct kdb_channel *channel; /* its reference moves to the stream */
	const char *authorization;   /* NULL: none; copied */
	const struct kdb_batch_stream_events *events;
	void *owner;
};

/* Opens a call. */
struct kdb_batch_stream *kdb_batch_stream_new_locked(
    const struct kdb_batch_stream_options *options);

/* Queues an operation that is in no list; it is sent by the next flush. */
void kdb_batch_stream_queue_locked(
    struct kdb_batch_stream *stream, struct kdb_operation *operation);

/* Lets go of an operation, queued or sent, that its deadline or a cancel finishes. True: it was
 * handed over. */
bool kdb_batch_stream_forget_locked(struct kdb_operation *operation);

/* Notes that an append, waiting since then, timed out on the open call. True: nothing at all was
 * heard while several did, for 10 s; the call is not worth waiting for. */
bool kdb_batch_stream_is_mute_locked(struct kdb_batch_stream *stream,
    int64_t waited_since_mono_ns, int64_t now_mono_ns);

/* Starts sending what is queued, unless a chain is under way. */
void kdb_batch_stream_flush(struct kdb_batch_stream *stream);

/* Takes no more operations and ends once every one that was handed over is answered. Those
 * still queued go to `unsent`. */
void kdb_batch_stream_retire_locked(
    struct kdb_batch_stream *stream, struct kdb_list *unsent);

/* Ends the call now; `ended` comes. */
void kdb_batch_stream_cancel_locked(struct kdb_batch_stream *stream);

struct kdb_batch_stream *kdb_batch_stream_ref_locked(struct kdb_batch_stream *stream);
void kdb_batch_stream_unref_locked(struct kdb_batch_stream *stream);

/* Whether messages may flow. */
bool kdb_batch_stream_is_open_locked(const struct kdb_batch_stream *stream);

#endif
