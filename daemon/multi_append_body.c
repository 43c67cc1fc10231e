/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the groups of a multi-append in one pass. What it collects belongs to the
 * kg_multi_append_body.
 */
#include "daemon/multi_append_body.h"

#include "client-core/base/alloc.h"
#include "daemon/append_event.h"
#include "daemon/append_properties.h"
#include "daemon/json_text.h"
#include "daemon/stream_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum group_member { STREAM_NAME, CURRENT_VERSION, EVENTS, GROUP_MEMBERS };

static const char *const group_members[] = {
    "stream_name", "current_version", "events", NULL};
static const char *const body_members[] = {"streams", NULL};

/* The body under construction. Groups and events that are too many are judged and counted,
 * and not kept: as each group needs an event, both have the same limit. */
struct builder {
	struct kg_append_reader reader;
	struct kg_rule_findings rules;
	struct kg_multi_append_body *multi;
	const int64_t *default_version;
	size_t stream_capacity;
	size_t event_capacity;
	size_t seen_streams;
	size_t seen_events;
	const char **names_at; /* where the name of each group stands, for the order */
};

static const char streams_at[] = "/streams";

/* One group while it is read. */
struct group {
	size_t index;
	bool has[GROUP_MEMBERS];
	struct kdb_stream_append stream;
	const char *name_at;
};

static struct kdb_event *
next_event(struct builder *builder)
{
	struct kg_multi_append_body *multi = builder->multi;

	if (multi->event_count == builder->event_capacity) {
		builder->event_capacity =
		    builder->event_capacity == 0 ? 8 : builder->event_capacity * 2;
		multi->events = kdb_realloc(
		    multi->events, builder->event_capacity * sizeof *multi->events);
	}
	return &multi->events[multi->event_count];
}

static void
read_event(struct builder *builder, struct group *group)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kdb_event surplus;
	bool is_kept = builder->multi->event_count < reader->limits->max_events;

	reader->index = group->stream.event_count++;
	builder->seen_events++;
	kg_append_event_read(reader, is_kept ? next_event(builder) : &surplus);
	if (is_kept)
		builder->multi->event_count++;
	else
		reader->property_count = 0;
}

/* Skips what stands where events should be; containers are counted as when they are read. */
static void
skip_events(struct kg_json *json)
{
	struct kg_json_value value;
	bool is_first_event = true;

	if (kg_json_peek(json) != KG_JSON_ARRAY) {
		kg_json_find_value_end(json, &value);
		return;
	}
	kg_json_enter(json);
	while (kg_json_next_element(json, &is_first_event)) {
		bool is_first = true;

		if (kg_json_peek(json) != KG_JSON_OBJECT) {
			kg_json_find_value_end(json, &value);
			continue;
		}
		kg_json_enter(json);
		while (kg_json_next_member(json, &is_first, &value))
			kg_json_find_value_end(json, &value);
	}
}

/* Finds the name of a group, which stands behind its events, by looking ahead from them. What
 * is wrong there is told when it is read. */
static bool
is_metadata_ahead(struct builder *builder)
{
	struct kg_json ahead = builder->reader.json;
	struct kg_json_value value;
	bool is_first = false; /* the events' own member is being read */
	struct kdb_bytes name;

	skip_events(&ahead);
	while (kg_json_next_member(&ahead, &is_first, &value)) {
		if (kg_json_text_find(&value, group_members) != STREAM_NAME) {
			kg_json_find_value_end(&ahead, &value);
			continue;
		}
		if (!kg_json_read_value(&ahead, &value) || value.kind != KG_JSON_STRING)
			return false;
		kg_append_reader_text(&builder->reader, &value, &name);
		return kg_stream_name_is_metadata(name);
	}
	return false;
}

/* Findings point at the group, or at what is in it. */
static void
stand_at_group(struct kg_append_reader *reader, const struct group *group)
{
	reader->prefix = streams_at;
	reader->index = group->index;
}

/* For findings alone: there can be millions of groups. */
static void
print_events_pointer(
    const struct kg_append_reader *reader, char pointer[KG_EVENT_POINTER_SIZE + 8])
{
	pointer[0] = '\0';
	if (kg_append_reader_is_full(reader))
		return;
	kg_append_reader_print_pointer(reader, pointer);
	memcpy(pointer + strlen(pointer), "/events", sizeof "/events");
}

static void
read_events(struct builder *builder, struct group *group)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value value;
	char prefix[KG_EVENT_POINTER_SIZE + 8];
	bool is_first = true;

	if (kg_json_peek(&reader->json) != KG_JSON_ARRAY) {
		if (kg_json_read_value(&reader->json, &value))
			kg_append_reader_refuse_member_kind(reader,
			    group_members[EVENTS], "events must be an array", value.kind);
		return;
	}
	print_events_pointer(reader, prefix);
	reader->prefix = prefix;
	reader->is_metadata_stream =
	    group->has[STREAM_NAME]
		? kg_stream_name_is_metadata(group->stream.stream_name)
		: is_metadata_ahead(builder);
	kg_json_enter(&reader->json);
	while (kg_json_next_element(&reader->json, &is_first))
		read_event(builder, group);
	stand_at_group(reader, group);
	if (group->stream.event_count == 0)
		kg_append_reader_refuse_member(reader, group_members[EVENTS], NULL,
		    "There must be at least one event.");
}

static void
read_current_version(struct builder *builder, struct group *group)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value value;

	if (!kg_json_read_value(&reader->json, &value))
		return;
	if (value.kind != KG_JSON_NUMBER && value.kind != KG_JSON_STRING)
		kg_append_reader_refuse_member_kind(reader, group_members[CURRENT_VERSION],
		    "current_version must be a number or a string", value.kind);
	else if (!kg_append_reader_expectation(
		     reader, &value, &group->stream.expected_version))
		kg_append_reader_refuse_member(reader, group_members[CURRENT_VERSION],
		    NULL, KG_EXPECTATION_ADVICE);
}

static void
check_missing(struct builder *builder, struct group *group)
{
	struct kg_append_reader *reader = &builder->reader;

	if (!group->has[STREAM_NAME])
		kg_append_reader_refuse_missing(reader, group_members[STREAM_NAME], NULL,
		    "A group must have a stream_name.");
	if (!group->has[CURRENT_VERSION] && builder->default_version != NULL)
		group->stream.expected_version = *builder->default_version;
	else if (!group->has[CURRENT_VERSION])
		kg_append_reader_refuse_missing(reader, group_members[CURRENT_VERSION],
		    "no_stream for a new stream, or the version that you read last",
		    "The expectation is missing.");
	if (!group->has[EVENTS])
		kg_append_reader_refuse_missing(
		    reader, group_members[EVENTS], NULL, "A group must have events.");
}

static void
read_member(struct builder *builder, struct group *group, enum group_member member)
{
	if (member == STREAM_NAME)
		kg_append_reader_read_stream_name(
		    &builder->reader, &group->stream.stream_name, &group->name_at);
	else if (member == CURRENT_VERSION)
		read_current_version(builder, group);
	else
		read_events(builder, group);
	group->has[member] = true;
}

static void
read_members(struct builder *builder, struct group *group)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value name;
	bool is_first = true;

	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &name)) {
		int member = kg_json_text_find(&name, group_members);

		if (member < 0 || group->has[member])
			kg_append_reader_skip_own_member(
			    reader, &name, group_members, member >= 0);
		else
			read_member(builder, group, (enum group_member)member);
	}
	check_missing(builder, group);
}

static void
keep_group(struct builder *builder, const struct group *group)
{
	struct kg_multi_append_body *multi = builder->multi;
	size_t capacity = builder->stream_capacity;

	if (multi->stream_count == builder->reader.limits->max_events)
		return;
	if (multi->stream_count == capacity) {
		capacity = capacity == 0 ? 4 : capacity * 2;
		multi->streams =
		    kdb_realloc(multi->streams, capacity * sizeof *multi->streams);
		builder->names_at =
		    kdb_realloc(builder->names_at, capacity * sizeof *builder->names_at);
		builder->stream_capacity = capacity;
	}
	builder->names_at[multi->stream_count] = group->name_at;
	multi->streams[multi->stream_count++] = group->stream;
}

static void
read_group(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct group group = {.index = builder->seen_streams++};

	stand_at_group(reader, &group);
	if (kg_json_peek(&reader->json) == KG_JSON_OBJECT)
		read_members(builder, &group);
	else
		kg_append_reader_refuse_element(reader, "A group must be an object");
	keep_group(builder, &group);
}

static void
read_streams(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value value;
	bool is_first = true;

	if (kg_json_peek(&reader->json) != KG_JSON_ARRAY) {
		if (kg_json_read_value(&reader->json, &value))
			kg_append_reader_refuse_kind(
			    reader, "/streams", "streams must be an array", value.kind);
		return;
	}
	kg_json_enter(&reader->json);
	while (kg_json_next_element(&reader->json, &is_first))
		read_group(builder);
	if (builder->seen_streams == 0)
		kg_append_reader_refuse_value(
		    reader, "/streams", "There must be at least one stream.");
}

static void
read_body_members(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value name;
	bool is_first = true;
	bool has_streams = false;

	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &name)) {
		bool is_known = kg_json_text_find(&name, body_members) == 0;

		if (!is_known || has_streams) {
			kg_append_reader_skip_member(
			    reader, "", &name, body_members, is_known);
			continue;
		}
		has_streams = true;
		read_streams(builder);
	}
	if (!has_streams)
		kg_append_reader_refuse_shape(reader, KG_PROBLEM_INVALID_REQUEST,
		    "/streams", NULL, "A multi-append must have streams.");
}

static void
refuse_name(struct builder *builder, size_t index, size_t other, bool is_same)
{
	const char *at = builder->names_at[index];
	char detail[KG_FINDING_TEXT_SIZE];

	if (!kg_rule_findings_wants(&builder->rules, at))
		return;
	if (is_same)
		snprintf(detail, sizeof detail,
		    "The stream of /streams/%zu stands here again.", other);
	else
		snprintf(detail, sizeof detail,
		    "The name differs from that of /streams/%zu by letter case only: "
		    "the database would take both for one stream.",
		    other);
	kg_rule_findings_add(&builder->rules, at,
	    is_same ? KG_PROBLEM_DUPLICATE_STREAM : KG_PROBLEM_CASE_VARIANT_STREAMS,
	    kdb_alloc_printf("/streams/%zu/stream_name", index), detail);
}

/* No stream may stand there twice, nor may the database think so. */
static void
compare_names(struct builder *builder)
{
	const size_t count = builder->multi->stream_count;
	struct kdb_bytes *names = kdb_alloc_zero(count, sizeof *names);
	uint32_t *same = kdb_alloc_zero(count, sizeof *same);
	uint32_t *variant = kdb_alloc_zero(count, sizeof *variant);

	for (size_t i = 0; i < count; i++)
		names[i] = builder->multi->streams[i].stream_name;
	kg_stream_name_match(names, count, same, variant);
	for (size_t i = 0; i < count; i++)
		if (variant[i] != i)
			refuse_name(builder, i, same[i] != i ? same[i] : variant[i],
			    same[i] != i);
	free(names);
	free(same);
	free(variant);
}

static void
place_events(struct builder *builder)
{
	struct kg_multi_append_body *multi = builder->multi;
	const struct kdb_property *properties = builder->reader.properties;
	const struct kdb_event *next = multi->events;

	for (size_t i = 0; i < multi->event_count; i++)
		properties = kg_append_properties_place(&multi->events[i], properties);
	for (size_t i = 0; i < multi->stream_count; i++) {
		multi->streams[i].events = next;
		next += multi->streams[i].event_count;
	}
}

static void
finish(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	size_t max_events = reader->limits->max_events;

	if (!kg_append_reader_settle(reader, "At "))
		return;
	if (builder->seen_events > max_events) {
		kg_append_reader_refuse_too_many(
		    reader, "events", max_events, builder->seen_events);
		return;
	}
	compare_names(builder);
	kg_rule_findings_report(&builder->rules, reader->refusal);
	place_events(builder);
}

bool
kg_multi_append_body_read(const char *body, size_t len,
    const struct kg_append_limits *limits, const int64_t *default_version,
    struct kg_multi_append_body *multi, struct kg_refusal *refusal)
{
	struct builder builder = {.multi = multi,
	    .default_version = default_version,
	    .reader = {.limits = limits, .refusal = refusal}};
	struct kg_append_reader *reader = &builder.reader;
	struct kg_json_value value;

	*multi = (struct kg_multi_append_body){0};
	reader->rules = &builder.rules;
	kg_json_init(&reader->json, body, len, limits->max_depth);
	if (kg_json_peek(&reader->json) == KG_JSON_OBJECT)
		read_body_members(&builder);
	else if (kg_json_read_value(&reader->json, &value))
		kg_append_reader_refuse_kind(
		    reader, "", "The body must be an object", value.kind);
	kg_json_finish(&reader->json);
	finish(&builder);
	kg_rule_findings_dispose(&builder.rules);
	free(builder.names_at);
	multi->properties = reader->properties;
	multi->storage = reader->storage;
	if (refusal->is_set)
		kg_multi_append_body_dispose(multi);
	return !refusal->is_set;
}

void
kg_multi_append_body_dispose(struct kg_multi_append_body *multi)
{
	free(multi->streams);
	free(multi->events);
	free(multi->properties);
	kg_append_storage_free(multi->storage);
	*multi = (struct kg_multi_append_body){0};
}
