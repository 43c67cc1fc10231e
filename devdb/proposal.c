/* SPDX-License-Identifier: Apache-2.0 */
/* Events and ids as they come in, checked in the server's order and refused in its words.
 * Owns nothing. */
#include "devdb/proposal.h"

#include "devdb/text.h"

#include <string.h>

static ProtobufCBinaryData
optional_bytes(protobuf_c_boolean has, ProtobufCBinaryData bytes)
{
	static uint8_t nothing[1];

	/* protobuf-c unpacks empty bytes as NULL, which here means "not there". */
	return has && bytes.data ? bytes : (ProtobufCBinaryData){0, nothing};
}

static bool
is_text(const ProtobufCBinaryData *bytes, const char *text)
{
	return bytes->len == strlen(text) && memcmp(bytes->data, text, bytes->len) == 0;
}

/* Of equal keys the last counts. */
static void
see_property(
    struct devdb_wire_event *event, ProtobufCBinaryData key, ProtobufCBinaryData value)
{
	if (!devdb_text_is_utf8(key.data, key.len) ||
	    !devdb_text_is_utf8(value.data, value.len))
		event->is_decodable = false;
	if (is_text(&key, "type"))
		event->type = value;
	else if (is_text(&key, "content-type"))
		event->content_type = value;
}

struct devdb_wire_event
devdb_wire_event_from_append(
    const EventStore__Client__Streams__AppendReq__ProposedMessage *message)
{
	struct devdb_wire_event event = {
	    .id = message->id,
	    .custom_metadata =
		optional_bytes(message->has_custom_metadata, message->custom_metadata),
	    .data = optional_bytes(message->has_data, message->data),
	    .is_decodable = true,
	};

	for (size_t i = 0; i < message->n_metadata; i++)
		see_property(&event,
		    optional_bytes(
			message->metadata[i]->has_key, message->metadata[i]->key),
		    optional_bytes(
			message->metadata[i]->has_value, message->metadata[i]->value));
	return event;
}

struct devdb_wire_event
devdb_wire_event_from_batch(
    const EventStore__Client__Streams__BatchAppendReq__ProposedMessage *message)
{
	struct devdb_wire_event event = {
	    .id = message->id,
	    .custom_metadata =
		optional_bytes(message->has_custom_metadata, message->custom_metadata),
	    .data = optional_bytes(message->has_data, message->data),
	    .is_decodable = true,
	};

	for (size_t i = 0; i < message->n_metadata; i++)
		see_property(&event,
		    optional_bytes(
			message->metadata[i]->has_key, message->metadata[i]->key),
		    optional_bytes(
			message->metadata[i]->has_value, message->metadata[i]->value));
	return event;
}

bool
devdb_uuid_is_decodable(const EventStore__Client__UUID *uuid)
{
	return !uuid || uuid->value_case != EVENT_STORE__CLIENT__UUID__VALUE_STRING ||
	       devdb_text_is_utf8(uuid->string.data, uuid->string.len);
}

const char *
devdb_uuid_read(const EventStore__Client__UUID *uuid, struct devdb_guid *guid)
{
	if (!uuid)
		return "Value cannot be null. (Parameter 'dto')";
	switch (uuid->value_case) {
	case EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED:
		*guid = devdb_guid_from_halves(uuid->structured->most_significant_bits,
		    uuid->structured->least_significant_bits);
		return NULL;
	case EVENT_STORE__CLIENT__UUID__VALUE_STRING:
		if (!devdb_guid_parse(uuid->string.data, uuid->string.len, guid))
			return "Unrecognized Guid format.";
		return NULL;
	default:
		return "Invalid argument: None (Parameter 'dto')";
	}
}

enum devdb_proposal_fault
devdb_proposal_read(const struct devdb_wire_event *event, struct devdb_proposal *proposal,
    const char **text)
{
	struct devdb_guid id;

	if (!event->is_decodable || !devdb_uuid_is_decodable(event->id))
		return DEVDB_PROPOSAL_UNDECODABLE;
	if (!event->type.data || !event->content_type.data) {
		*text = event->type.data ? "content-type" : "type";
		return DEVDB_PROPOSAL_MISSING_PROPERTY;
	}
	*text = devdb_uuid_read(event->id, &id);
	if (!*text && devdb_guid_is_nil(&id))
		*text = "Empty eventId provided. (Parameter 'eventId')";
	if (!*text && event->type.len == 0)
		*text = "Empty eventType provided. (Parameter 'eventType')";
	if (*text)
		return DEVDB_PROPOSAL_BAD;
	*proposal = (struct devdb_proposal){
	    .id = id,
	    .is_json = is_text(&event->content_type, "application/json"),
	    .type = event->type.data,
	    .type_len = event->type.len,
	    .metadata = event->custom_metadata.data,
	    .metadata_len = event->custom_metadata.len,
	    .data = event->data.data,
	    .data_len = event->data.len,
	};
	return DEVDB_PROPOSAL_OK;
}
