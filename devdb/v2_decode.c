/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the bytes of a request before they are unpacked: protobuf-c follows nested
 * values by recursion as deep as they go, and takes any bytes for text. Owns nothing. */
#include "devdb/v2_decode.h"

#include "devdb/text.h"
#include "proto/streams_v2.pb-c.h"

#include <stdbool.h>

/* Google's C# runtime reads no deeper. */
#define MAX_DEPTH 100

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

enum wire_type { WIRE_VARINT = 0, WIRE_64_BIT = 1, WIRE_BYTES = 2, WIRE_32_BIT = 5 };

static bool
read_varint(struct input *input, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64 && input->at < input->end; shift += 7) {
		uint8_t byte = *input->at++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* Sets content to the value's bytes. */
static bool
read_value(struct input *input, unsigned wire_type, struct input *content)
{
	uint64_t len = 0;

	content->at = input->at;
	switch (wire_type) {
	case WIRE_VARINT:
		if (!read_varint(input, &len))
			return false;
		content->end = input->at;
		return true;
	case WIRE_BYTES:
		if (!read_varint(input, &len))
			return false;
		content->at = input->at;
		break;
	case WIRE_64_BIT:
		len = 8;
		break;
	case WIRE_32_BIT:
		len = 4;
		break;
	default:
		return false;
	}
	if (len > (size_t)(input->end - input->at))
		return false;
	content->end = input->at += len;
	return true;
}

/* Texts are declared as bytes, so that a NUL does not cut them. */
static bool
is_text(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_BYTES &&
	       !(type == &kurrentdb__protocol__v2__streams__append_record__descriptor &&
		   field->id == 4);
}

static bool
is_message_readable(
    const ProtobufCMessageDescriptor *type, struct input input, unsigned depth)
{
	while (input.at < input.end) {
		const ProtobufCFieldDescriptor *field;
		struct input content;
		uint64_t tag;

		if (!read_varint(&input, &tag) || tag > UINT32_MAX ||
		    !read_value(&input, tag & 7, &content))
			return false;
		field =
		    protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
		if (!field || (tag & 7) != WIRE_BYTES)
			continue;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
		    (depth == MAX_DEPTH ||
			!is_message_readable(field->descriptor, content, depth + 1)))
			return false;
		if (is_text(type, field) &&
		    !devdb_text_is_utf8(content.at, (size_t)(content.end - content.at)))
			return false;
	}
	return true;
}

void *
devdb_v2_decode(struct devdb_wire_arena *arena, const ProtobufCMessageDescriptor *type,
    const uint8_t *bytes, size_t len)
{
	if (!is_message_readable(type, (struct input){bytes, bytes + len}, 0))
		return NULL;
	return devdb_wire_unpack(arena, type, bytes, len);
}
