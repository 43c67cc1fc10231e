/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_PROPOSAL_H
#define DEVDB_PROPOSAL_H

#include "devdb/event.h"
#include "proto/streams.pb-c.h"

#include <stdbool.h>

/* AppendReq and BatchAppendReq carry the same event message under two names. */
struct devdb_wire_event {
	const EventStore__Client__UUID *id;
	ProtobufCBinaryData type; /* data is NULL where the map has no such key */
	ProtobufCBinaryData content_type;
	ProtobufCBinaryData custom_metadata;
	ProtobufCBinaryData data;
	bool is_decodable; /* keys and values of the map are UTF-8 */
};

struct devdb_wire_event devdb_wire_event_from_append(
    const EventStore__Client__Streams__AppendReq__ProposedMessage *message);
struct devdb_wire_event devdb_wire_event_from_batch(
    const EventStore__Client__Streams__BatchAppendReq__ProposedMessage *message);

/* What is wrong with an event; the two kinds are answered differently. */
enum devdb_proposal_fault {
	DEVDB_PROPOSAL_OK,
	DEVDB_PROPOSAL_UNDECODABLE,      /* not UTF-8 where text must be */
	DEVDB_PROPOSAL_MISSING_PROPERTY, /* *text is the property's name */
	DEVDB_PROPOSAL_BAD               /* *text is the server's sentence */
};

/* Turns the message into a proposal that borrows from it. */
enum devdb_proposal_fault devdb_proposal_read(const struct devdb_wire_event *event,
    struct devdb_proposal *proposal, const char **text);

/* Reads a UUID message; NULL when it is one, else the server's sentence about it. */
const char *devdb_uuid_read(
    const EventStore__Client__UUID *uuid, struct devdb_guid *guid);

/* Whether a UUID message's text, if it has one, is UTF-8; false makes the whole request
 * undecodable for the server. */
bool devdb_uuid_is_decodable(const EventStore__Client__UUID *uuid);

#endif
