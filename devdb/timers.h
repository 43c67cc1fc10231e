/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_TIMERS_H
#define DEVDB_TIMERS_H

#include "devdb/guid.h"

#include <stddef.h>
#include <stdint.h>

/* What happens at a time. fire() runs on the thread that calls devdb_timers_fire();
 * is_due is false when the timers are disposed of and it is only to give up what it
 * holds. */
struct devdb_timer {
	int64_t at_mono_ns;
	void (*fire)(struct devdb_timer *timer, _Bool is_due);
	void *owner;
	void *argument;
	struct devdb_guid id;
};

/* A heap of timers, held by value; they cannot be taken back. One thread at a time. */
struct devdb_timers {
	struct devdb_timer *heap;
	size_t count;
	size_t capacity;
};

void devdb_timers_init(struct devdb_timers *timers);

/* Calls every fire() with is_due = false, then frees the heap. */
void devdb_timers_dispose(struct devdb_timers *timers);

/* Copies the timer in. */
void devdb_timers_add(struct devdb_timers *timers, const struct devdb_timer *timer);

/* When the next one is due, or INT64_MAX. */
int64_t devdb_timers_next_mono_ns(const struct devdb_timers *timers);

/* Fires all that are due at now_mono_ns; fire() may add timers. */
void devdb_timers_fire(struct devdb_timers *timers, int64_t now_mono_ns);

#endif
