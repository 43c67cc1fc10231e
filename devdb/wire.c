/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to and from bytes. Owns the memory of the message unpacked last. */
#include "devdb/wire.h"

#include "client-core/base/alloc.h"

#include <grpc/slice.h>
#include <stdlib.h>

#define BLOCK_BYTES (64 << 10)
#define ALIGNMENT 16
/* A real message needs some 8 bytes for each of its bytes in the worst case. */
#define LIMIT_FACTOR 16
#define LIMIT_BYTES (1 << 20)

struct devdb_wire_block {
	struct devdb_wire_block *next;
	size_t used;
	size_t size;
	_Alignas(ALIGNMENT) uint8_t bytes[];
};

static struct devdb_wire_block *
new_block(size_t size)
{
	struct devdb_wire_block *block;

	if (size < BLOCK_BYTES)
		size = BLOCK_BYTES;
	block = kdb_alloc(sizeof *block + size);
	block->next = NULL;
	block->used = 0;
	block->size = size;
	return block;
}

void
devdb_wire_arena_init(struct devdb_wire_arena *arena)
{
	arena->first = new_block(BLOCK_BYTES);
	arena->last = arena->first;
	arena->left_bytes = 0;
}

static void
clear(struct devdb_wire_arena *arena)
{
	struct devdb_wire_block *block = arena->first->next;

	while (block) {
		struct devdb_wire_block *next = block->next;

		free(block);
		block = next;
	}
	arena->first->next = NULL;
	arena->first->used = 0;
	arena->last = arena->first;
}

void
devdb_wire_arena_dispose(struct devdb_wire_arena *arena)
{
	clear(arena);
	free(arena->first);
}

static void *
arena_alloc(void *context, size_t size)
{
	struct devdb_wire_arena *arena = context;
	void *memory;

	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size > arena->left_bytes)
		return NULL;
	arena->left_bytes -= size;
	if (size > arena->last->size - arena->last->used) {
		arena->last->next = new_block(size);
		arena->last = arena->last->next;
	}
	memory = arena->last->bytes + arena->last->used;
	arena->last->used += size;
	return memory;
}

static void
arena_free(void *context, void *memory)
{
	(void)context;
	(void)memory;
}

void *
devdb_wire_unpack(struct devdb_wire_arena *arena, const ProtobufCMessageDescriptor *type,
    const uint8_t *bytes, size_t len)
{
	ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};

	clear(arena);
	arena->left_bytes = len * LIMIT_FACTOR + LIMIT_BYTES;
	return protobuf_c_message_unpack(type, &allocator, len, bytes);
}

grpc_byte_buffer *
devdb_wire_pack(const ProtobufCMessage *message)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
	grpc_byte_buffer *buffer;

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}
