/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_WIRE_H
#define KDB_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The protobuf wire format, where unpacking or packing would cost a copy of the bulk: writing
 * events into room that was measured, and walking over the fields of append answers and of error
 * details. All other messages go through protobuf-c. Field numbers are below 16 here, so a tag is
 * one byte.
 */
enum kdb_wire_type {
	KDB_WIRE_VARINT = 0,
	KDB_WIRE_FIXED64 = 1,
	KDB_WIRE_BYTES = 2,
	KDB_WIRE_FIXED32 = 5,
};

static inline size_t
kdb_wire_varint_len(uint64_t value)
{
	size_t len = 1;

	while (value >>= 7)
		len++;
	return len;
}

static inline uint8_t *
kdb_wire_put_varint(uint8_t *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = (uint8_t)(value | 0x80);
	*out++ = (uint8_t)value;
	return out;
}

/* Bytes that a number, or bytes of that length, take as a field. */
static inline size_t
kdb_wire_number_size(uint64_t value)
{
	return 1 + kdb_wire_varint_len(value);
}

static inline size_t
kdb_wire_bytes_size(size_t len)
{
	return 1 + kdb_wire_varint_len(len) + len;
}

static inline uint8_t *
kdb_wire_put_number(uint8_t *out, unsigned field, uint64_t value)
{
	*out++ = (uint8_t)(field << 3 | KDB_WIRE_VARINT);
	return kdb_wire_put_varint(out, value);
}

/* A sint64: small numbers of either sign are short. */
static inline uint64_t
kdb_wire_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

/* The head of a field of len bytes, which the caller writes next. */
static inline uint8_t *
kdb_wire_put_head(uint8_t *out, unsigned field, size_t len)
{
	*out++ = (uint8_t)(field << 3 | KDB_WIRE_BYTES);
	return kdb_wire_put_varint(out, len);
}

static inline uint8_t *
kdb_wire_put_bytes(uint8_t *out, unsigned field, const void *bytes, size_t len)
{
	out = kdb_wire_put_head(out, field, len);
	if (len)
		memcpy(out, bytes, len);
	return out + len;
}

/* One field of a message that is walked over. */
struct kdb_wire_field {
	uint64_t number;
	enum kdb_wire_type type;
	uint64_t value;	      /* VARINT */
	const uint8_t *bytes; /* BYTES */
	size_t len;
};

/* What is left of a message. */
struct kdb_wire_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool is_broken;
};

static inline struct kdb_wire_reader
kdb_wire_read(const uint8_t *bytes, size_t len)
{
	return (struct kdb_wire_reader){ .at = bytes, .end = bytes + len };
}

static inline uint64_t
kdb_wire_take_varint(struct kdb_wire_reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70 && reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	reader->is_broken = true;
	return 0;
}

/* Takes the next field; false at the end, and when the bytes are none, which is_broken tells. */
static inline bool
kdb_wire_next(struct kdb_wire_reader *reader, struct kdb_wire_field *field)
{
	uint64_t tag;
	uint64_t skip = 0;

	if (reader->is_broken || reader->at == reader->end)
		return false;
	tag = kdb_wire_take_varint(reader);
	*field = (struct kdb_wire_field){ .number = tag >> 3,
		.type = (enum kdb_wire_type)(tag & 7) };
	switch (field->type) {
	case KDB_WIRE_VARINT:
		field->value = kdb_wire_take_varint(reader);
		break;
	case KDB_WIRE_BYTES:
		skip = kdb_wire_take_varint(reader);
		break;
	case KDB_WIRE_FIXED64:
		skip = 8;
		break;
	case KDB_WIRE_FIXED32:
		skip = 4;
		break;
	default:
		reader->is_broken = true;
	}
	if (field->number == 0 || skip > (uint64_t)(reader->end - reader->at))
		reader->is_broken = true;
	if (reader->is_broken)
		return false;
	field->bytes = reader->at;
	field->len = (size_t)skip;
	reader->at += skip;
	return true;
}

#endif
