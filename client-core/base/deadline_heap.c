/* SPDX-License-Identifier: Apache-2.0 */
/* The heap that tells which operation's time is over first; see deadline_heap.h. */
#include "client-core/base/deadline_heap.h"

#include "client-core/base/alloc.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

void
kdb_deadline_heap_init(struct kdb_deadline_heap *heap)
{
	*heap = (struct kdb_deadline_heap){ 0 };
}

void
kdb_deadline_heap_dispose(struct kdb_deadline_heap *heap)
{
	free(heap->items);
	kdb_deadline_heap_init(heap);
}

static void
place(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline, size_t index)
{
	heap->items[index] = deadline;
	deadline->index = index;
}

static void
sift_up(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline, size_t index)
{
	while (index > 1 && heap->items[index / 2]->at_mono_ns > deadline->at_mono_ns) {
		place(heap, heap->items[index / 2], index);
		index /= 2;
	}
	place(heap, deadline, index);
}

static void
sift_down(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline, size_t index)
{
	for (size_t child; (child = index * 2) <= heap->count; index = child) {
		if (child < heap->count
		    && heap->items[child + 1]->at_mono_ns < heap->items[child]->at_mono_ns)
			child++;
		if (heap->items[child]->at_mono_ns >= deadline->at_mono_ns)
			break;
		place(heap, heap->items[child], index);
	}
	place(heap, deadline, index);
}

void
kdb_deadline_heap_add(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline)
{
	if (heap->count + 1 >= heap->capacity) {
		heap->capacity = heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY;
		heap->items =
		    kdb_realloc(heap->items, heap->capacity * sizeof *heap->items);
	}
	heap->count++;
	sift_up(heap, deadline, heap->count);
}

void
kdb_deadline_heap_remove(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline)
{
	size_t index = deadline->index;
	struct kdb_deadline *last;

	if (index == 0)
		return;
	deadline->index = 0;
	last = heap->items[heap->count--];
	if (last == deadline)
		return;
	if (index > 1 && heap->items[index / 2]->at_mono_ns > last->at_mono_ns)
		sift_up(heap, last, index);
	else
		sift_down(heap, last, index);
}

struct kdb_deadline *
kdb_deadline_heap_first(const struct kdb_deadline_heap *heap)
{
	return heap->count ? heap->items[1] : NULL;
}
