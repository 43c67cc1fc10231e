/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PROTOBUF_WALK_H
#define BENCH_PROTOBUF_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a protobuf message that are still to be read. Owns nothing. */
struct protobuf_walk {
	const uint8_t *at;
	const uint8_t *end;
};

/* One field: a number in `value`, or bytes (wire type 2) in `bytes`. */
struct protobuf_field {
	uint32_t number;
	uint64_t value;
	struct protobuf_walk bytes; /* at is NULL for a number */
};

static inline bool
protobuf_walk_varint(struct protobuf_walk *walk, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64 && walk->at < walk->end; shift += 7) {
		uint8_t byte = *walk->at++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* The next field; false at the end and where the bytes are not a message. */
static inline bool
protobuf_walk_next(struct protobuf_walk *walk, struct protobuf_field *field)
{
	uint64_t tag, len;

	if (walk->at == walk->end || !protobuf_walk_varint(walk, &tag))
		return false;
	field->number = (uint32_t)(tag >> 3);
	field->value = 0;
	field->bytes = (struct protobuf_walk){ NULL, NULL };
	if ((tag & 7) == 0)
		return protobuf_walk_varint(walk, &field->value);
	if ((tag & 7) != 2 || !protobuf_walk_varint(walk, &len) ||
	    len > (size_t)(walk->end - walk->at))
		return false;
	field->bytes = (struct protobuf_walk){ walk->at, walk->at + len };
	walk->at += len;
	return true;
}

static inline uint8_t *
protobuf_put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static inline size_t
protobuf_varint_len(uint64_t value)
{
	return (size_t)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

#endif
