/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the events of a body. What it has collected belongs to the kg_append_body, once
 * that is complete. */
#include "daemon/append_builder.h"

#include "client-core/base/alloc.h"
#include "daemon/stream_name.h"

#include <stdlib.h>

void
kg_append_builder_start(struct kg_append_builder *builder, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	*append = (struct kg_append_body){0};
	*builder = (struct kg_append_builder){.append = append,
	    .reader = {.limits = limits,
		.stream_name = stream_name,
		.is_metadata_stream = kg_stream_name_is_metadata(stream_name),
		.refusal = refusal}};
}

static struct kdb_event *
next_event(struct kg_append_builder *builder)
{
	struct kg_append_body *append = builder->append;

	if (append->event_count == builder->capacity) {
		builder->capacity = builder->capacity == 0 ? 4 : builder->capacity * 2;
		append->events = kdb_realloc(
		    append->events, builder->capacity * sizeof *append->events);
	}
	return &append->events[append->event_count];
}

void
kg_append_builder_read(
    struct kg_append_builder *builder, size_t index, kg_append_read_event_fn read_event)
{
	struct kdb_event surplus;
	bool is_kept = builder->append->event_count < builder->reader.limits->max_events;

	builder->seen++;
	builder->reader.index = index;
	read_event(&builder->reader, is_kept ? next_event(builder) : &surplus);
	if (is_kept)
		builder->append->event_count++;
}

void
kg_append_builder_read_array(struct kg_append_builder *builder, const char *pointer,
    kg_append_read_event_fn read_event)
{
	bool is_first = true;

	kg_json_enter(&builder->reader.json);
	while (kg_json_next_element(&builder->reader.json, &is_first))
		kg_append_builder_read(builder, builder->seen, read_event);
	if (builder->seen == 0)
		kg_append_builder_refuse_none(builder, pointer);
}

void
kg_append_builder_refuse_none(struct kg_append_builder *builder, const char *pointer)
{
	kg_append_reader_refuse_value(
	    &builder->reader, pointer, "There must be at least one event.");
}

bool
kg_append_builder_finish(struct kg_append_builder *builder, const char *place)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_append_body *append = builder->append;
	size_t max_events = reader->limits->max_events;

	append->storage = reader->storage;
	if (kg_append_reader_settle(reader, place) && builder->seen > max_events)
		kg_append_reader_refuse_too_many(
		    reader, "events", max_events, builder->seen);
	if (!reader->refusal->is_set)
		return true;
	free(append->events);
	kg_append_storage_free(reader->storage);
	append->events = NULL;
	append->event_count = 0;
	append->storage = NULL;
	return false;
}
