/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_COMPLETION_H
#define KDB_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The completion queue and its one thread: takes events, runs their tags, and ticks. Tags, the
 * tick and the idle hook run on that thread alone.
 */

/* What a batch is started with. run is called exactly once per batch, is_ok as C core says. It is
 * stored last before the batch starts and loaded first when it comes back, so that all that was
 * written before is seen there, which the queue itself does not promise to the compiler. */
struct kdb_tag;
typedef void (*kdb_tag_fn)(struct kdb_tag *tag, bool is_ok);
struct kdb_tag {
	_Atomic(kdb_tag_fn) run;
};

struct kdb_completion_hooks {
	/* Does what is due; returns when it wants to be called again, on the monotonic clock.
	 * Called at least once a second. */
	int64_t (*tick)(void *context, int64_t now_mono_ns);
	/* Called when the events at hand are done, before the thread sleeps. */
	void (*idle)(void *context);
	/* What gRPC itself wants logged; any thread. */
	void (*log)(void *context, const char *text);
	void *context;
};

struct kdb_completion;
struct grpc_completion_queue;

/* Initialises gRPC, makes queue and thread. Stops the process if that fails. One at a time in a
 * process, because gRPC has one log. */
struct kdb_completion *kdb_completion_new(const struct kdb_completion_hooks *hooks);

/* The queue that calls are made with. */
struct grpc_completion_queue *kdb_completion_queue(struct kdb_completion *completion);

/* Makes the thread tick soon. Any thread; not after kdb_completion_stop(). */
void kdb_completion_wake(struct kdb_completion *completion);

/* Wakes the thread if it would sleep beyond at_mono_ns. Any thread. */
void kdb_completion_wake_before(struct kdb_completion *completion, int64_t at_mono_ns);

/* Lets the thread end once every tag has come back, and waits for it. No batch may be started
 * afterwards. */
void kdb_completion_stop(struct kdb_completion *completion);

/* After kdb_completion_stop(), when every channel is gone. */
void kdb_completion_free(struct kdb_completion *completion);

/* When the thread last came round. Any thread. */
int64_t kdb_completion_last_tick_ns(const struct kdb_completion *completion);

#endif
