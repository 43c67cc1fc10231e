/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap by time. Owns the array; what a timer points at is its owner's affair. */
#include "devdb/timers.h"

#include "client-core/base/alloc.h"

#include <stdbool.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

void
devdb_timers_init(struct devdb_timers *timers)
{
	*timers = (struct devdb_timers){0};
}

void
devdb_timers_dispose(struct devdb_timers *timers)
{
	for (size_t i = 0; i < timers->count; i++)
		timers->heap[i].fire(&timers->heap[i], false);
	free(timers->heap);
	devdb_timers_init(timers);
}

void
devdb_timers_add(struct devdb_timers *timers, const struct devdb_timer *timer)
{
	size_t at = timers->count++;

	if (timers->count > timers->capacity) {
		timers->capacity =
		    timers->capacity ? timers->capacity * 2 : FIRST_CAPACITY;
		timers->heap =
		    kdb_realloc(timers->heap, timers->capacity * sizeof *timers->heap);
	}
	while (at && timers->heap[(at - 1) / 2].at_mono_ns > timer->at_mono_ns) {
		timers->heap[at] = timers->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	timers->heap[at] = *timer;
}

int64_t
devdb_timers_next_mono_ns(const struct devdb_timers *timers)
{
	return timers->count ? timers->heap[0].at_mono_ns : INT64_MAX;
}

static struct devdb_timer
pop(struct devdb_timers *timers)
{
	struct devdb_timer first = timers->heap[0];
	struct devdb_timer moved = timers->heap[--timers->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < timers->count &&
		    timers->heap[child + 1].at_mono_ns < timers->heap[child].at_mono_ns)
			child++;
		if (child >= timers->count ||
		    timers->heap[child].at_mono_ns >= moved.at_mono_ns)
			break;
		timers->heap[at] = timers->heap[child];
		at = child;
	}
	timers->heap[at] = moved;
	return first;
}

void
devdb_timers_fire(struct devdb_timers *timers, int64_t now_mono_ns)
{
	while (devdb_timers_next_mono_ns(timers) <= now_mono_ns) {
		struct devdb_timer timer = pop(timers);

		timer.fire(&timer, true);
	}
}
