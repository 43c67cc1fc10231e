/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of Read. Owns nothing. */
#include "devdb/read_answer.h"

#include "devdb/wire.h"

#include "proto/streams.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONTENT(name) EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_##name

static void
set_id(EventStore__Client__UUID *uuid, EventStore__Client__UUID__Structured *halves,
    char text[DEVDB_GUID_TEXT_SIZE], const struct devdb_guid *id, bool is_structured)
{
	if (is_structured) {
		halves->has_most_significant_bits = halves->has_least_significant_bits =
		    true;
		devdb_guid_to_halves(
		    id, &halves->most_significant_bits, &halves->least_significant_bits);
		uuid->value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
		uuid->structured = halves;
		return;
	}
	devdb_guid_format(id, text);
	uuid->value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRING;
	uuid->string = devdb_wire_bytes(text, DEVDB_GUID_TEXT_SIZE - 1);
}

#define ENTRY EventStore__Client__Streams__ReadResp__RecordedEvent__MetadataEntry

static void
set_entry(ENTRY *out, const char *key, const void *value, size_t len)
{
	*out = (ENTRY)
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__METADATA_ENTRY__INIT;
	out->has_key = out->has_value = true;
	out->key = devdb_wire_bytes(key, strlen(key));
	out->value = devdb_wire_bytes(value, len);
}

grpc_byte_buffer *
devdb_read_answer_event(
    const struct devdb_event *event, struct devdb_name name, bool is_structured)
{
	EventStore__Client__Streams__ReadResp resp =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	EventStore__Client__Streams__ReadResp__ReadEvent outer =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__READ_EVENT__INIT;
	EventStore__Client__Streams__ReadResp__RecordedEvent inner =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__INIT;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	EventStore__Client__UUID uuid = EVENT_STORE__CLIENT__UUID__INIT;
	EventStore__Client__UUID__Structured halves =
	    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
	const char *content_type =
	    event->is_json ? "application/json" : "application/octet-stream";
	char id_text[DEVDB_GUID_TEXT_SIZE];
	char created[24];
	int created_len =
	    snprintf(created, sizeof created, "%" PRId64, event->created_ticks);
	ENTRY entries[3];
	ENTRY *entry_list[] = {&entries[0], &entries[1], &entries[2]};

	set_id(&uuid, &halves, id_text, &event->id, is_structured);
	set_entry(&entries[0], "type", devdb_event_type(event), event->type_len);
	set_entry(&entries[1], "created", created, (size_t)created_len);
	set_entry(&entries[2], "content-type", content_type, strlen(content_type));
	stream.has_stream_name = true;
	stream.stream_name = devdb_wire_bytes(name.bytes, name.len);
	inner.id = &uuid;
	inner.stream_identifier = &stream;
	inner.has_stream_revision = event->revision != 0;
	inner.stream_revision = (uint64_t)event->revision;
	inner.has_prepare_position = inner.has_commit_position = true;
	inner.prepare_position = inner.commit_position = event->position;
	inner.n_metadata = 3;
	inner.metadata = entry_list;
	inner.has_custom_metadata = event->metadata_len != 0;
	inner.custom_metadata =
	    devdb_wire_bytes(devdb_event_metadata(event), event->metadata_len);
	inner.has_data = event->data_len != 0;
	inner.data = devdb_wire_bytes(devdb_event_data(event), event->data_len);
	outer.event = &inner;
	outer.position_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__READ_EVENT__POSITION_COMMIT_POSITION;
	outer.commit_position = event->position;
	resp.content_case = CONTENT(EVENT);
	resp.event = &outer;
	return devdb_wire_pack(&resp.base);
}

grpc_byte_buffer *
devdb_read_answer_not_found(struct devdb_name name)
{
	EventStore__Client__Streams__ReadResp resp =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	EventStore__Client__Streams__ReadResp__StreamNotFound not_found =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__STREAM_NOT_FOUND__INIT;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;

	stream.has_stream_name = true;
	stream.stream_name = devdb_wire_bytes(name.bytes, name.len);
	not_found.stream_identifier = &stream;
	resp.content_case = CONTENT(STREAM_NOT_FOUND);
	resp.stream_not_found = &not_found;
	return devdb_wire_pack(&resp.base);
}

grpc_byte_buffer *
devdb_read_answer_position(bool is_first, int64_t revision)
{
	EventStore__Client__Streams__ReadResp resp =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;

	resp.content_case =
	    is_first ? CONTENT(FIRST_STREAM_POSITION) : CONTENT(LAST_STREAM_POSITION);
	if (is_first)
		resp.first_stream_position = (uint64_t)revision;
	else
		resp.last_stream_position = (uint64_t)revision;
	return devdb_wire_pack(&resp.base);
}
