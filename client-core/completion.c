/* SPDX-License-Identifier: Apache-2.0 */
/* The thread in which C core does its work and in which every call goes on. C core does I/O only
 * while somebody sits in grpc_completion_queue_next() (toolchain-facts 3.3), so it never leaves
 * for long. */
#include "client-core/completion.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define LONGEST_SLEEP_NS KDB_NS_PER_SECOND

struct kdb_completion {
	struct kdb_tag wake_tag;
	struct kdb_completion_hooks hooks;
	grpc_completion_queue *queue;
	grpc_channel *lame; /* only to post wake_tag: C has no alarm (toolchain-facts 3.3) */
	grpc_call *wake_call;
	atomic_bool is_wake_posted;
	atomic_llong sleeps_until_mono_ns;
	atomic_llong last_tick_mono_ns;
	pthread_t thread;
};

/* gRPC's log function has no context. */
static _Atomic(struct kdb_completion *) logging_completion;

static void
log_grpc(gpr_log_func_args *line)
{
	struct kdb_completion *completion = atomic_load(&logging_completion);

	if (completion)
		completion->hooks.log(completion->hooks.context, line->message);
}

static void
run_wake(struct kdb_tag *tag, bool is_ok)
{
	struct kdb_completion *completion = (struct kdb_completion *)(void *)tag;

	(void)is_ok;
	atomic_store(&completion->is_wake_posted, false);
}

static gpr_timespec
timespec_of(int64_t mono_ns)
{
	return (gpr_timespec){ .tv_sec = mono_ns / KDB_NS_PER_SECOND,
		.tv_nsec = (int32_t)(mono_ns % KDB_NS_PER_SECOND),
		.clock_type = GPR_CLOCK_MONOTONIC };
}

static int64_t
tick(struct kdb_completion *completion)
{
	int64_t now = kdb_clock_mono_ns();
	int64_t next;

	/* A deadline that is added while the tick computes is either seen by it or wakes us. */
	atomic_store(&completion->sleeps_until_mono_ns, INT64_MAX);
	next = completion->hooks.tick(completion->hooks.context, now);

	if (next > now + LONGEST_SLEEP_NS)
		next = now + LONGEST_SLEEP_NS;
	atomic_store(&completion->last_tick_mono_ns, now);
	atomic_store(&completion->sleeps_until_mono_ns, next);
	return next;
}

/*
 * Events that are there already are taken before the thread sleeps, so that the idle hook runs
 * once for a burst. A tick happens when it is due, however busy the queue is.
 */
static void *
run_thread(void *argument)
{
	struct kdb_completion *completion = argument;
	int64_t next_tick = tick(completion);
	bool is_idle = true;

	for (;;) {
		grpc_event event = grpc_completion_queue_next(completion->queue,
		    timespec_of(is_idle ? next_tick : 0), NULL);

		if (event.type == GRPC_QUEUE_SHUTDOWN)
			break;
		if (event.type == GRPC_OP_COMPLETE) {
			struct kdb_tag *tag = event.tag;
			bool is_wake = tag == &completion->wake_tag;

			kdb_tag_fn run = atomic_load(&tag->run);

			run(tag, event.success);
			is_idle = false;
			if (is_wake || kdb_clock_mono_ns() >= next_tick)
				next_tick = tick(completion);
			continue;
		}
		if (is_idle)
			next_tick = tick(completion);
		completion->hooks.idle(completion->hooks.context);
		is_idle = true;
	}
	completion->hooks.idle(completion->hooks.context);
	return NULL;
}

/*
 * C core's header parser copies what it has of an unfinished header into a fresh block for every
 * frame of it. As mappings of their own, these blocks cost a page fault for each page: seconds
 * for the details of a thousand failing checks (wire-protocol 1.12). These are the values that
 * glibc reaches by itself in the course of time.
 */
static void
keep_large_blocks(void)
{
	enum { MAPPED_FROM_BYTES = 32 * 1024 * 1024 };

	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
	mallopt(M_TRIM_THRESHOLD, 2 * MAPPED_FROM_BYTES);
}

struct kdb_completion *
kdb_completion_new(const struct kdb_completion_hooks *hooks)
{
	struct kdb_completion *completion = kdb_alloc_zero(1, sizeof *completion);

	completion->hooks = *hooks;
	atomic_store(&logging_completion, completion);
	gpr_set_log_function(log_grpc);
	keep_large_blocks();
	grpc_init();
	completion->queue = grpc_completion_queue_create_for_next(NULL);
	completion->lame = grpc_lame_client_channel_create(
	    "wake", GRPC_STATUS_UNAVAILABLE, "wake");
	completion->wake_call = grpc_channel_create_call(completion->lame, NULL, 0,
	    completion->queue, grpc_slice_from_static_string("/wake/wake"), NULL,
	    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	atomic_store(&completion->last_tick_mono_ns, kdb_clock_mono_ns());
	if (pthread_create(&completion->thread, NULL, run_thread, completion) != 0) {
		fputs("kurrentgate: cannot make the completion thread\n", stderr);
		abort();
	}
	return completion;
}

grpc_completion_queue *
kdb_completion_queue(struct kdb_completion *completion)
{
	return completion->queue;
}

void
kdb_completion_wake(struct kdb_completion *completion)
{
	grpc_call_error error;

	if (atomic_exchange(&completion->is_wake_posted, true))
		return;
	atomic_store(&completion->wake_tag.run, run_wake);
	error = grpc_call_start_batch(
	    completion->wake_call, NULL, 0, &completion->wake_tag, NULL);
	if (error != GRPC_CALL_OK)
		abort();
}

void
kdb_completion_wake_before(struct kdb_completion *completion, int64_t at_mono_ns)
{
	if (at_mono_ns < atomic_load(&completion->sleeps_until_mono_ns))
		kdb_completion_wake(completion);
}

void
kdb_completion_stop(struct kdb_completion *completion)
{
	grpc_call_unref(completion->wake_call);
	grpc_completion_queue_shutdown(completion->queue);
	pthread_join(completion->thread, NULL);
}

void
kdb_completion_free(struct kdb_completion *completion)
{
	grpc_completion_queue_destroy(completion->queue);
	grpc_channel_destroy(completion->lame);
	grpc_shutdown();
	atomic_store(&logging_completion, NULL);
	free(completion);
}

int64_t
kdb_completion_last_tick_ns(const struct kdb_completion *completion)
{
	return atomic_load(&completion->last_tick_mono_ns);
}
