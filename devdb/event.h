/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_EVENT_H
#define DEVDB_EVENT_H

#include "devdb/guid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a writer proposed; the pointers are borrowed from its message. */
struct devdb_proposal {
	struct devdb_guid id;
	bool is_json;
	bool is_unreadable; /* every read that meets the event fails */
	const uint8_t *type;
	size_t type_len;
	const uint8_t *metadata;
	size_t metadata_len;
	const uint8_t *data;
	size_t data_len;
};

/* One event, in one piece of memory. Immutable once it is stored. */
struct devdb_event {
	struct devdb_guid id;
	bool is_json;
	bool is_unreadable;
	uint32_t type_len;
	uint32_t metadata_len;
	uint32_t data_len;
	int64_t revision;         /* of its stream; set when stored */
	uint64_t position;        /* in the log; set when stored */
	int64_t created_ticks;    /* 100 ns since the Unix epoch; set when stored */
	struct devdb_event *next; /* of the same write, or NULL */
	uint8_t bytes[];          /* type, metadata, data */
};

/* A copy of the proposal. The caller owns it until it is stored, and frees it with
 * free(). */
struct devdb_event *devdb_event_new(const struct devdb_proposal *proposal);

/* Bytes of memory that the event takes. */
size_t devdb_event_footprint(const struct devdb_event *event);

/* What the server counts against its limits: data, metadata, and two bytes for each
 * UTF-16 unit of the type. */
size_t devdb_proposal_size(const struct devdb_proposal *proposal);

static inline const uint8_t *
devdb_event_type(const struct devdb_event *event)
{
	return event->bytes;
}

static inline const uint8_t *
devdb_event_metadata(const struct devdb_event *event)
{
	return event->bytes + event->type_len;
}

static inline const uint8_t *
devdb_event_data(const struct devdb_event *event)
{
	return event->bytes + event->type_len + event->metadata_len;
}

#endif
