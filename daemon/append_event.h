/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_EVENT_H
#define KG_APPEND_EVENT_H

#include "daemon/append_reader.h"

/* One event object of an envelope, of NDJSON, of a group or of append-records (api-design 3):
 * for the readers of those bodies alone. */

/*
 * Reads the value that begins at reader->json, which should be an event object. Fills *event
 * when there is no finding, and no syntax error, up to its end; else its content is
 * undefined. Where reader->rules is set, metadata becomes properties, which are counted in
 * the event, but not yet pointed at.
 */
void kg_append_event_read(struct kg_append_reader *reader, struct kdb_event *event);

/* The same for a record, which names its stream; *name_at is where. */
void kg_append_event_read_record(struct kg_append_reader *reader, struct kdb_event *event,
    struct kdb_bytes *stream_name, const char **name_at);

#endif
