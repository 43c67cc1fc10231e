/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_CALL_H
#define KDB_CALL_H

#include "client-core/channel.h"
#include "client-core/completion.h"
#include "client-core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One RPC of any kind: the engine under the shared append call, an append of its own, gossip
 * and features. The owner gets events, all on the completion thread and never under a lock of
 * the call; `ended` comes exactly once and is the last.
 */
struct kdb_call;

struct kdb_call_events {
	/* The head of the call is on a live connection: messages may be sent. Until then
	 * nothing of the request can have reached the server. */
	void (*opened)(void *owner);
	/* The message is out of our hands: the next one may be sent. */
	void (*sent)(void *owner);
	/* One answer message; the bytes are valid during the call. */
	void (*received)(void *owner, const uint8_t *bytes, size_t len);
	void (*ended)(void *owner, const struct kdb_status *status);
};

struct kdb_call_options {
	struct kdb_channel *channel; /* borrowed while kdb_call_new() runs */
	const char *path;      /* a literal: "/package.Service/Method" */
	/* Values of metadata entries, printable ASCII; NULL: none; copied. */
	const char *authorization;
	const char *traceparent;
	const char *tracestate;
	bool requires_leader;
	int64_t deadline_mono_ns; /* INT64_MAX: none */
	const struct kdb_call_events *events;
	void *owner; /* must live until `ended` */
};

/* Makes a call, with one reference for the caller; one that ended needs it given back too. Any
 * thread. */
struct kdb_call *kdb_call_new(
    struct kdb_completion *completion, const struct kdb_call_options *options);

/* Starts it, once. Events may come, and the call may end, before this returns. One that was
 * cancelled before ends at once. */
void kdb_call_begin(struct kdb_call *call);

/* One message: `head` is copied; `body` is used in place until release(held) is called, on any
 * thread, or copied at once when it is small. */
struct kdb_message {
	const uint8_t *head;
	size_t head_len;
	const uint8_t *body;
	size_t body_len;
	void (*release)(void *held); /* NULL: nothing is held; body_len is 0 */
	void *held;
};

enum kdb_send {
	KDB_SEND_NOW,
	KDB_SEND_MORE_FOLLOWS, /* may wait for the next message in a buffer: one must follow */
	KDB_SEND_LAST,	       /* and the request ends with it */
};

/* Sends a message; only after `opened`, and only one between two `sent` events. Any thread that
 * holds a reference. release(held) is called in any case. */
void kdb_call_send(
    struct kdb_call *call, const struct kdb_message *message, enum kdb_send how);

/* Asks for the end; `ended` still comes. Any thread that holds a reference. */
void kdb_call_cancel(struct kdb_call *call);

struct kdb_call *kdb_call_ref(struct kdb_call *call);
void kdb_call_unref(struct kdb_call *call);

#endif
