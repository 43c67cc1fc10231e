/* SPDX-License-Identifier: Apache-2.0 */
/* Events to V2 records by hand: they are the bulk of the request, written once into their place.
 * The unit tests hold them against protobuf-c. */
#include "client-core/operations/record.h"

#include "client-core/base/wire.h"

#include <stdlib.h>
#include <strings.h>

/* Field numbers of proto/streams_v2.proto and proto/well_known.proto. */
enum {
	RECORD_ID = 1,
	RECORD_PROPERTIES = 2,
	RECORD_SCHEMA = 3,
	RECORD_DATA = 4,
	RECORD_STREAM = 5,
	SCHEMA_FORMAT = 1,
	SCHEMA_NAME = 2,
	FORMAT_JSON = 1,
	FORMAT_BYTES = 4,
	ENTRY_KEY = 1,
	ENTRY_VALUE = 2,
	VALUE_STRING = 3,
};

enum {
	ID_TEXT_LEN = 36,
	/* The server adds the property $schema.format = Bytes (wire-protocol 3.5). */
	ADDED_PROPERTY_BYTES = 27,
};

static size_t
value_size(const struct kdb_property *property)
{
	return kdb_wire_bytes_size(property->value.len);
}

/* An entry of the map, without its own tag and length. */
static size_t
entry_size(const struct kdb_property *property)
{
	return kdb_wire_bytes_size(property->key.len)
	    + kdb_wire_bytes_size(value_size(property));
}

/* As fields of the record; as a Struct the server counts the same. */
static size_t
properties_size(const struct kdb_event *event)
{
	size_t size = 0;

	for (size_t i = 0; i < event->property_count; i++)
		size += kdb_wire_bytes_size(entry_size(&event->properties[i]));
	return size;
}

static size_t
schema_size(const struct kdb_event *event)
{
	return kdb_wire_number_size(FORMAT_BYTES) + kdb_wire_bytes_size(event->type.len);
}

static size_t
inner_size(const struct kdb_event *event, struct kdb_bytes stream_name)
{
	return kdb_wire_bytes_size(ID_TEXT_LEN) + properties_size(event)
	    + kdb_wire_bytes_size(schema_size(event))
	    + kdb_wire_bytes_size(event->data.len) + kdb_wire_bytes_size(stream_name.len);
}

size_t
kdb_record_size(const struct kdb_event *event, struct kdb_bytes stream_name)
{
	return kdb_wire_bytes_size(inner_size(event, stream_name));
}

static uint8_t *
put_id(uint8_t *out, const uint8_t id[16])
{
	static const char digits[] = "0123456789abcdef";

	out = kdb_wire_put_head(out, RECORD_ID, ID_TEXT_LEN);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = (uint8_t)digits[id[i] >> 4];
		*out++ = (uint8_t)digits[id[i] & 15];
	}
	return out;
}

static uint8_t *
put_property(uint8_t *out, const struct kdb_property *property)
{
	out = kdb_wire_put_head(out, RECORD_PROPERTIES, entry_size(property));
	out = kdb_wire_put_bytes(out, ENTRY_KEY, property->key.data, property->key.len);
	out = kdb_wire_put_head(out, ENTRY_VALUE, value_size(property));
	return kdb_wire_put_bytes(
	    out, VALUE_STRING, property->value.data, property->value.len);
}

uint8_t *
kdb_record_put(uint8_t *out, enum kdb_record_field field, const struct kdb_event *event,
    struct kdb_bytes stream_name, struct kdb_bytes *name)
{
	out = kdb_wire_put_head(out, field, inner_size(event, stream_name));
	out = put_id(out, event->id);
	for (size_t i = 0; i < event->property_count; i++)
		out = put_property(out, &event->properties[i]);
	out = kdb_wire_put_head(out, RECORD_SCHEMA, schema_size(event));
	out = kdb_wire_put_number(
	    out, SCHEMA_FORMAT, event->is_json ? FORMAT_JSON : FORMAT_BYTES);
	out = kdb_wire_put_bytes(out, SCHEMA_NAME, event->type.data, event->type.len);
	out = kdb_wire_put_bytes(out, RECORD_DATA, event->data.data, event->data.len);
	out = kdb_wire_put_bytes(out, RECORD_STREAM, stream_name.data, stream_name.len);
	*name = (struct kdb_bytes){ out - stream_name.len, stream_name.len };
	return out;
}

/* UTF-16 units of UTF-8: one for each character, two beyond U+FFFF. */
static size_t
count_utf16_units(struct kdb_bytes text)
{
	const uint8_t *bytes = text.data;
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += (size_t)((bytes[i] & 0xc0) != 0x80) + (size_t)(bytes[i] >= 0xf0);
	return count;
}

bool
kdb_record_check_size(
    const struct kdb_event *event, size_t event_index, struct kdb_error *error)
{
	size_t size = event->data.len + properties_size(event)
	    + (event->is_json ? 0 : ADDED_PROPERTY_BYTES)
	    + 2 * count_utf16_units(event->type);

	if (size <= KDB_RECORD_EVENT_MAX)
		return true;
	kdb_error_set(error, KDB_EVENT_TOO_LARGE, KDB_OUTCOME_NOT_WRITTEN,
	    "Event %zu is larger than what the database can store.", event_index);
	error->size.limit_bytes = KDB_RECORD_EVENT_MAX;
	error->size.actual_bytes = (int64_t)size;
	error->size.event_index = (uint32_t)event_index;
	error->size.has_event_index = true;
	return false;
}

void
kdb_record_move(uint8_t *records, size_t len, enum kdb_record_field field)
{
	struct kdb_wire_reader reader = kdb_wire_read(records, len);
	struct kdb_wire_field record;
	uint8_t *tag = records;

	while (kdb_wire_next(&reader, &record)) {
		*tag = (uint8_t)(field << 3 | KDB_WIRE_BYTES);
		tag = records + (reader.at - records);
	}
}

size_t
kdb_record_find(const uint8_t *records, size_t len, const char *id, size_t id_len)
{
	struct kdb_wire_reader reader = kdb_wire_read(records, len);
	struct kdb_wire_field record;
	size_t index = 0;

	if (id_len != ID_TEXT_LEN)
		return SIZE_MAX;
	/* The id is the first field of a record. */
	for (; kdb_wire_next(&reader, &record); index++)
		if (record.len > 2 + ID_TEXT_LEN
		    && strncasecmp((const char *)record.bytes + 2, id, ID_TEXT_LEN) == 0)
			return index;
	return SIZE_MAX;
}
