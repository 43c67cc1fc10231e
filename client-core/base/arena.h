/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_ARENA_H
#define KDB_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Memory for one decoded message, given back as a whole. Its size is also the hard limit on
 * what a peer can make us allocate: beyond it allocation fails and the decoder gives up
 * (toolchain-facts 2.3). */
struct kdb_arena {
	uint8_t *memory; /* borrowed, aligned to 16 */
	size_t size;
	size_t used;
};

/* NULL when the arena is full. */
static inline void *
kdb_arena_alloc(void *arena_, size_t size)
{
	struct kdb_arena *arena = arena_;
	size_t rounded = (size + 15) & ~(size_t)15;
	void *memory = arena->memory + arena->used;

	if (rounded < size || rounded > arena->size - arena->used)
		return NULL;
	arena->used += rounded;
	return memory;
}

static inline void
kdb_arena_free(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

#endif
