/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_DEADLINE_HEAP_H
#define KDB_BASE_DEADLINE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Binary min-heap of deadlines, intrusive: O(log n) to add and to remove from anywhere, O(1)
 * to look at the earliest. No locks.
 */
struct kdb_deadline {
	int64_t at_mono_ns;
	size_t index; /* 1-based place in the heap; 0: in none */
};

struct kdb_deadline_heap {
	struct kdb_deadline **items; /* items[0] is unused */
	size_t count;
	size_t capacity;
};

#define KDB_DEADLINE_ITEM(deadline, type, member)                                        \
	((type *)(void *)((char *)(deadline)-offsetof(type, member)))

void kdb_deadline_heap_init(struct kdb_deadline_heap *heap);
void kdb_deadline_heap_dispose(struct kdb_deadline_heap *heap);

/* Adds a deadline that is in no heap; at_mono_ns must not change while it is in. */
void kdb_deadline_heap_add(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline);

/* Takes a deadline out, if it is in. */
void kdb_deadline_heap_remove(struct kdb_deadline_heap *heap, struct kdb_deadline *deadline);

/* The earliest, or NULL. It stays in the heap. */
struct kdb_deadline *kdb_deadline_heap_first(const struct kdb_deadline_heap *heap);

#endif
