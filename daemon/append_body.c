/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three forms of an append's body: envelope, NDJSON, raw. Collects the events, whose
 * storage belongs to the kg_append_body.
 */
#include "daemon/append_body.h"

#include "client-core/base/alloc.h"
#include "daemon/append_builder.h"
#include "daemon/append_event.h"
#include "daemon/json_scan.h"
#include "daemon/json_text.h"
#include "daemon/stream_metadata.h"
#include "daemon/stream_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum envelope_member { CURRENT_VERSION, EVENTS };

static const char *const envelope_members[] = {"current_version", "events", NULL};

static void
read_current_version(struct kg_append_builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_append_body *append = builder->append;
	struct kg_json_value value;

	if (!kg_json_read_value(&reader->json, &value))
		return;
	if (value.kind != KG_JSON_NUMBER && value.kind != KG_JSON_STRING) {
		kg_append_reader_refuse_kind(reader, "/current_version",
		    "current_version must be a number or a string", value.kind);
		return;
	}
	append->has_expected_version =
	    kg_append_reader_expectation(reader, &value, &append->expected_version);
	if (!append->has_expected_version)
		kg_append_reader_refuse_value(
		    reader, "/current_version", KG_EXPECTATION_ADVICE);
}

static void
read_events(struct kg_append_builder *builder)
{
	struct kg_json *json = &builder->reader.json;
	struct kg_json_value value;

	if (kg_json_peek(json) != KG_JSON_ARRAY) {
		if (kg_json_read_value(json, &value))
			kg_append_reader_refuse_kind(&builder->reader, "/events",
			    "events must be an array", value.kind);
		return;
	}
	kg_append_builder_read_array(builder, "/events", kg_append_event_read);
}

static void
read_envelope_members(struct kg_append_builder *builder)
{
	struct kg_json *json = &builder->reader.json;
	bool has[2] = {false, false};
	bool is_first = true;
	struct kg_json_value name;

	kg_json_enter(json);
	while (kg_json_next_member(json, &is_first, &name)) {
		int member = kg_json_text_find(&name, envelope_members);

		if (member < 0 || has[member]) {
			kg_append_reader_skip_member(
			    &builder->reader, "", &name, envelope_members, member >= 0);
			continue;
		}
		has[member] = true;
		if (member == CURRENT_VERSION)
			read_current_version(builder);
		else
			read_events(builder);
	}
	if (!has[EVENTS])
		kg_append_reader_refuse_shape(&builder->reader,
		    KG_PROBLEM_INVALID_REQUEST, "/events", NULL,
		    "An append must have events.");
}

bool
kg_append_body_read_json(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	struct kg_append_builder builder;
	struct kg_json *json = &builder.reader.json;
	struct kg_json_value value;

	kg_append_builder_start(&builder, stream_name, limits, append, refusal);
	builder.reader.prefix = "/events";
	kg_json_init(json, body, len, limits->max_depth);
	if (kg_json_peek(json) == KG_JSON_OBJECT)
		read_envelope_members(&builder);
	else if (kg_json_read_value(json, &value))
		kg_append_reader_refuse_kind(
		    &builder.reader, "", "The body must be an object", value.kind);
	kg_json_finish(json);
	return kg_append_builder_finish(&builder, "At ");
}

/* Reads one line, which ends at reader.json.end. */
static void
read_line(struct kg_append_builder *builder, size_t line)
{
	kg_append_builder_read(builder, line, kg_append_event_read);
	kg_json_finish(&builder->reader.json);
}

static bool
is_blank(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at == end;
}

static void
refuse_blank_line(struct kg_append_builder *builder, size_t line)
{
	char pointer[KG_EVENT_POINTER_SIZE];

	builder->reader.index = line;
	kg_append_reader_print_pointer(&builder->reader, pointer);
	kg_append_reader_refuse_shape(&builder->reader, KG_PROBLEM_INVALID_REQUEST,
	    pointer, NULL, "A blank line stands where an event was expected.");
}

bool
kg_append_body_read_ndjson(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	struct kg_append_builder builder;
	struct kg_json *json = &builder.reader.json;
	const char *end;
	char place[40] = "";

	kg_append_builder_start(&builder, stream_name, limits, append, refusal);
	builder.reader.prefix = "";
	kg_json_init(json, body, len, limits->max_depth);
	end = json->end;
	for (size_t line = 0; json->at < end && !kg_json_has_failed(json); line++) {
		const char *newline = memchr(json->at, '\n', (size_t)(end - json->at));

		json->end = newline == NULL ? end : newline;
		if (!is_blank(json->at, json->end))
			read_line(&builder, line);
		else if (newline != NULL)
			refuse_blank_line(&builder, line);
		if (kg_json_has_failed(json))
			snprintf(place, sizeof place, "Line %zu, at ", line + 1);
		else
			json->at = newline == NULL ? end : newline + 1;
	}
	if (builder.seen == 0)
		kg_append_builder_refuse_none(&builder, "");
	return kg_append_builder_finish(&builder, place);
}

static void
check_raw_metadata_event(const char *body, size_t len, const struct kdb_event *event,
    const char *type_at, struct kg_refusal *refusal)
{
	if (event->type.len != 9 || memcmp(event->type.data, "$metadata", 9) != 0)
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, type_at, NULL,
		    "Events of a stream whose name starts with $$ must have the type "
		    "$metadata.");
	if (!event->is_json)
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, "header:Content-Type",
		    NULL, "Events of a stream whose name starts with $$ must be JSON.");
	else
		kg_stream_metadata_check(body, len, "", refusal);
}

/* The syntax of a raw JSON body: all of it, or as much as finding its end needs, which is
 * nothing. */
static bool
check_raw_syntax(
    const char *body, size_t len, unsigned max_depth, struct kg_refusal *refusal)
{
	struct kg_json json;
	struct kg_json_value value;

	kg_json_init(&json, body, len, max_depth);
	if (kg_json_read_value(&json, &value) && kg_json_finish(&json))
		return true;
	kg_append_reader_refuse_syntax(refusal, &json, "At ");
	return false;
}

static bool
check_raw(const char *body, size_t len, bool must_be_valid, unsigned max_depth,
    struct kg_refusal *refusal)
{
	if (len > 0)
		return !must_be_valid || check_raw_syntax(body, len, max_depth, refusal);
	kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, "",
	    "Send it as application/octet-stream to store an event without data.",
	    "An empty body is not JSON.");
	return false;
}

bool
kg_append_body_read_raw(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, const struct kdb_event *from_parameters,
    const char *type_at, struct kg_append_body *append, struct kg_refusal *refusal)
{
	bool is_for_metadata = kg_stream_name_is_metadata(stream_name);

	*append = (struct kg_append_body){0};
	if (from_parameters->is_json &&
	    !check_raw(body, len, limits->validate_payloads || is_for_metadata,
		limits->max_depth, refusal))
		return false;
	if (is_for_metadata)
		check_raw_metadata_event(body, len, from_parameters, type_at, refusal);
	if (refusal->is_set)
		return false;
	append->events = kdb_alloc(sizeof *append->events);
	append->events[0] = *from_parameters;
	append->events[0].data = (struct kdb_bytes){body, len};
	append->event_count = 1;
	return true;
}

void
kg_append_body_dispose(struct kg_append_body *append)
{
	free(append->events);
	kg_append_storage_free(append->storage);
	*append = (struct kg_append_body){0};
}

bool
kg_expectation_read(const char *text, size_t len, int64_t *expected_version)
{
	static const struct {
		const char *word;
		int64_t version;
	} words[] = {
	    {"no_stream", KDB_VERSION_NO_STREAM},
	    {"exists", KDB_VERSION_EXISTS},
	    {"any", KDB_VERSION_ANY},
	};
	int64_t number;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strlen(words[i].word) == len &&
		    memcmp(words[i].word, text, len) == 0) {
			*expected_version = words[i].version;
			return true;
		}
	}
	if (kg_json_text_read_int64(text, len, &number) != KG_JSON_INT_OK)
		return false;
	if (number < 0 && number != KDB_VERSION_NO_STREAM && number != KDB_VERSION_ANY &&
	    number != KDB_VERSION_EXISTS)
		return false;
	*expected_version = number;
	return true;
}

bool
kg_expectation_is_exact(int64_t expected_version)
{
	return expected_version >= 0 || expected_version == KDB_VERSION_NO_STREAM;
}
