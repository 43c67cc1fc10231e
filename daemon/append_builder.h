/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_BUILDER_H
#define KG_APPEND_BUILDER_H

#include "daemon/append_reader.h"

#include <stdbool.h>
#include <stddef.h>

/* A kg_append_body under construction, whatever form its events have: for append_body.c and
 * cloudevents_body.c. */
struct kg_append_builder {
	struct kg_append_reader reader; /* its json is to be initialised */
	struct kg_append_body *append;
	size_t capacity; /* of append->events */
	size_t seen;     /* events in the body, also those that are too many to keep */
};

/* The arguments are those of kg_append_body_read_json(). */
void kg_append_builder_start(struct kg_append_builder *builder,
    struct kdb_bytes stream_name, const struct kg_append_limits *limits,
    struct kg_append_body *append, struct kg_refusal *refusal);

/* Reads one event, which stands at index; those beyond the limit are judged and counted, and
 * not kept. */
typedef void (*kg_append_read_event_fn)(
    struct kg_append_reader *reader, struct kdb_event *event);
void kg_append_builder_read(
    struct kg_append_builder *builder, size_t index, kg_append_read_event_fn read_event);

/* Reads an array of events. When there are none, that is a finding at pointer. */
void kg_append_builder_read_array(struct kg_append_builder *builder, const char *pointer,
    kg_append_read_event_fn read_event);
void kg_append_builder_refuse_none(
    struct kg_append_builder *builder, const char *pointer);

/* Settles what was found, see kg_append_reader_settle(). True: the body is good, and *append
 * is complete. */
bool kg_append_builder_finish(struct kg_append_builder *builder, const char *place);

#endif
