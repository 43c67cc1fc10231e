/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents in JSON. The input is a body in structured mode. What is taken is, as a plain
 * walk sees it, data byte for byte and all attributes as metadata, and it is the same event
 * alone and in a batch. A body that is a batch is read as one, too.
 */
#include "client-core/base/alloc.h"
#include "daemon/cloudevents_body.h"
#include "daemon/idempotency.h"
#include "daemon/json_scan.h"
#include "daemon/json_text.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* What append_check_body() appends to when it hands something out. */
static const struct kdb_bytes stream_name = {"plain", 5};

/* The walk through an event that was taken. */
struct walk {
	const struct kdb_event *event;
	struct kg_json metadata;
	bool is_first;
	bool has_data;
	char *source, *id;
	size_t source_len, id_len;
};

static bool
is_span(struct kdb_bytes bytes, const struct kg_json_value *value)
{
	return bytes.data == value->start && bytes.len == value->len;
}

static char *
decode(const struct kg_json_value *value, size_t *len)
{
	char *text = kdb_alloc(value->len);

	require(kg_json_text_decode(value, text, len));
	return text;
}

static void
check_data(struct walk *walk, const struct kg_json_value *value)
{
	char *text;
	size_t len;

	walk->has_data = true;
	if (walk->event->is_json) {
		require(is_span(walk->event->data, value));
		return;
	}
	text = decode(value, &len);
	require(walk->event->data.len == len);
	require(len == 0 || memcmp(walk->event->data.data, text, len) == 0);
	free(text);
}

/* The next member of the metadata is this attribute. */
static void
check_attribute(struct walk *walk, const struct kg_json_value *name,
    const struct kg_json_value *value)
{
	struct kg_json_value kept_name, kept;
	size_t len;
	char *text = decode(name, &len);

	require(kg_json_next_member(&walk->metadata, &walk->is_first, &kept_name));
	require(kg_json_read_value(&walk->metadata, &kept));
	require(kept_name.len == len + strlen("\"ce-\""));
	require(memcmp(kept_name.start, "\"ce-", 4) == 0);
	require(memcmp(kept_name.start + 4, text, len) == 0);
	require(
	    kept.len == value->len && memcmp(kept.start, value->start, value->len) == 0);
	free(text);
}

static void
check_member(struct walk *walk, const struct kg_json_value *name,
    const struct kg_json_value *value)
{
	if (kg_json_text_is(name, "data")) {
		check_data(walk, value);
	} else if (kg_json_text_is(name, "data_base64")) {
		walk->has_data |= value->kind != KG_JSON_NULL;
	} else if (value->kind != KG_JSON_NULL) {
		check_attribute(walk, name, value);
		if (kg_json_text_is(name, "source"))
			walk->source = decode(value, &walk->source_len);
		if (kg_json_text_is(name, "id"))
			walk->id = decode(value, &walk->id_len);
	}
}

static void
check_end(struct walk *walk)
{
	struct kg_json_value name;
	uint8_t id[16];

	require(!kg_json_next_member(&walk->metadata, &walk->is_first, &name));
	require(walk->metadata.at == walk->metadata.end);
	require(walk->has_data || (walk->event->data.len == 0 && !walk->event->is_json));
	require(walk->source_len > 0 && walk->id_len > 0);
	kg_idempotency_cloudevent_id(stream_name,
	    (struct kdb_bytes){walk->source, walk->source_len},
	    (struct kdb_bytes){walk->id, walk->id_len}, id);
	require(memcmp(id, walk->event->id, sizeof id) == 0);
	free(walk->source);
	free(walk->id);
}

static void
check_event(const char *json, size_t len, const struct kdb_event *event)
{
	struct walk walk = {.event = event, .is_first = true};
	struct kg_json object;
	struct kg_json_value name, value;
	bool is_first = true;

	kg_json_init(&object, json, len, append_limits.max_depth);
	kg_json_init(&walk.metadata, event->metadata.data, event->metadata.len, 1);
	require(kg_json_peek(&walk.metadata) == KG_JSON_OBJECT);
	kg_json_enter(&walk.metadata);
	require(kg_json_peek(&object) == KG_JSON_OBJECT);
	kg_json_enter(&object);
	while (kg_json_next_member(&object, &is_first, &name)) {
		require(kg_json_read_value(&object, &value));
		check_member(&walk, &name, &value);
	}
	require(kg_json_finish(&object));
	check_end(&walk);
}

/* A batch with the event twice holds what the event alone is, twice. */
static void
check_batch_of(const char *body, size_t len, const struct kg_append_body *alone)
{
	char *batch = kdb_alloc(2 * len + 3);
	struct kg_append_body append, part;
	char *end = batch;

	*end++ = '[';
	end = mempcpy(end, body, len);
	*end++ = ',';
	end = mempcpy(end, body, len);
	*end++ = ']';
	require(append_check_body(
	    kg_cloudevents_body_read_batch, batch, (size_t)(end - batch), &append));
	require(append.event_count == 2);
	for (size_t i = 0; i < 2; i++) {
		part = append;
		part.events = &append.events[i];
		part.event_count = 1;
		require(append_is_equal(&part, alone));
	}
	kg_append_body_dispose(&append);
	free(batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *body = (const char *)bytes;
	struct kg_append_body append;

	if (append_check_body(kg_cloudevents_body_read_batch, body, len, &append))
		kg_append_body_dispose(&append);
	if (!append_check_body(kg_cloudevents_body_read, body, len, &append))
		return 0;
	require(append.event_count == 1 && !append.has_expected_version);
	check_event(body, len, &append.events[0]);
	check_batch_of(body, len, &append);
	kg_append_body_dispose(&append);
	return 0;
}
