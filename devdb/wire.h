/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_WIRE_H
#define DEVDB_WIRE_H

#include <grpc/byte_buffer.h>
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct devdb_wire_block;

/*
 * Memory for one unpacked message at a time, with a hard limit that grows with the
 * message: a peer cannot make a small message cost much (toolchain-facts 2.4).
 * One thread at a time.
 */
struct devdb_wire_arena {
	struct devdb_wire_block *first; /* kept from message to message */
	struct devdb_wire_block *last;
	size_t left_bytes; /* that this message may still take */
};

void devdb_wire_arena_init(struct devdb_wire_arena *arena);
void devdb_wire_arena_dispose(struct devdb_wire_arena *arena);

/* Unpacks bytes into the arena. The result lives until the next unpack and is never
 * freed by itself; NULL when the bytes are no such message or it needs too much. */
void *devdb_wire_unpack(struct devdb_wire_arena *arena,
    const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t len);

/* A byte buffer with the message packed; the caller owns it. */
grpc_byte_buffer *devdb_wire_pack(const ProtobufCMessage *message);

/* Bytes as protobuf-c wants them, borrowed. */
static inline ProtobufCBinaryData
devdb_wire_bytes(const void *bytes, size_t len)
{
	return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)bytes};
}

#endif
