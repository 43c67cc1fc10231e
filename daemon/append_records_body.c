/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the records and checks of append-records in one pass. What it collects belongs to the
 * kg_append_records_body.
 */
#include "daemon/append_records_body.h"

#include "client-core/base/alloc.h"
#include "daemon/append_event.h"
#include "daemon/append_properties.h"
#include "daemon/json_text.h"
#include "daemon/stream_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum body_member { RECORDS, CHECKS, BODY_MEMBERS };
enum check_member { STREAM_NAME, EXPECTED_STATE, CHECK_MEMBERS };

static const char *const body_members[] = {"records", "checks", NULL};
static const char *const check_members[] = {"stream_name", "expected_state", NULL};

static const char state_advice[] =
    "A state is an integer from 0 to 9223372036854775807, or one of no_stream, exists, "
    "deleted and tombstoned.";
static const char any_advice[] = "A stream that may be in any state needs no check.";

/* Where a name of a stream stands, in the order of the document. */
struct place {
	bool is_check;
	size_t index; /* in records or checks */
	const char *at;
};

/* The body under construction. Records and checks that are too many are judged and counted,
 * and not kept. */
struct builder {
	struct kg_append_reader reader;
	struct kg_rule_findings rules;
	struct kg_append_records_body *append;
	size_t record_capacity;
	size_t check_capacity;
	size_t seen_records;
	size_t seen_checks;
	struct kdb_bytes *names; /* of records and checks that are kept */
	struct place *places;
	size_t name_count;
	size_t name_capacity;
};

static void
keep_name(struct builder *builder, struct kdb_bytes name, struct place place)
{
	if (builder->name_count == builder->name_capacity) {
		size_t capacity =
		    builder->name_capacity == 0 ? 8 : builder->name_capacity * 2;

		builder->names =
		    kdb_realloc(builder->names, capacity * sizeof *builder->names);
		builder->places =
		    kdb_realloc(builder->places, capacity * sizeof *builder->places);
		builder->name_capacity = capacity;
	}
	builder->names[builder->name_count] = name;
	builder->places[builder->name_count++] = place;
}

/* Records. */

static struct kdb_record *
next_record(struct builder *builder)
{
	struct kg_append_records_body *append = builder->append;

	if (append->record_count == builder->record_capacity) {
		builder->record_capacity =
		    builder->record_capacity == 0 ? 8 : builder->record_capacity * 2;
		append->records = kdb_realloc(
		    append->records, builder->record_capacity * sizeof *append->records);
	}
	return &append->records[append->record_count];
}

static void
read_record(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_append_records_body *append = builder->append;
	bool is_kept = append->record_count < reader->limits->max_events;
	struct kdb_bytes name = {NULL, 0};
	struct kdb_record surplus;
	const char *at = NULL;

	reader->index = builder->seen_records++;
	kg_append_event_read_record(
	    reader, is_kept ? &next_record(builder)->event : &surplus.event, &name, &at);
	if (is_kept)
		keep_name(builder, name,
		    (struct place){.index = append->record_count++, .at = at});
	else
		reader->property_count = 0;
}

/* Checks. */

/* One check while it is read. */
struct check {
	bool has[CHECK_MEMBERS];
	struct kdb_check check;
	const char *name_at;
};

bool
kg_expected_state_read(const char *text, size_t len, int64_t *expected_state)
{
	int64_t state;

	if (len == 7 && memcmp(text, "deleted", len) == 0)
		state = KDB_VERSION_DELETED;
	else if (len == 10 && memcmp(text, "tombstoned", len) == 0)
		state = KDB_VERSION_TOMBSTONED;
	else if (!kg_expectation_read(text, len, &state) || state == KDB_VERSION_ANY)
		return false;
	*expected_state = state;
	return true;
}

static void
judge_state(
    struct builder *builder, struct check *check, const struct kg_json_value *value)
{
	struct kdb_bytes text = {value->start, value->len};
	int64_t version;

	if (value->kind == KG_JSON_STRING)
		kg_append_reader_text(&builder->reader, value, &text);
	if (kg_expected_state_read(text.data, text.len, &check->check.expected_state))
		return;
	kg_append_reader_refuse_member(&builder->reader, check_members[EXPECTED_STATE],
	    NULL,
	    kg_expectation_read(text.data, text.len, &version) ? any_advice
							       : state_advice);
}

static void
read_expected_state(struct builder *builder, struct check *check)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value value;

	if (!kg_json_read_value(&reader->json, &value))
		return;
	if (value.kind != KG_JSON_NUMBER && value.kind != KG_JSON_STRING)
		kg_append_reader_refuse_member_kind(reader, check_members[EXPECTED_STATE],
		    "expected_state must be a number or a string", value.kind);
	else
		judge_state(builder, check, &value);
}

static void
check_missing(struct builder *builder, const struct check *check)
{
	static const char *const details[] = {
	    [STREAM_NAME] = "A check must have a stream_name.",
	    [EXPECTED_STATE] = "A check must have an expected_state."};

	for (int member = 0; member < CHECK_MEMBERS; member++)
		if (!check->has[member])
			kg_append_reader_refuse_missing(&builder->reader,
			    check_members[member], NULL, details[member]);
}

static void
read_check_members(struct builder *builder, struct check *check)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value name;
	bool is_first = true;

	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &name)) {
		int member = kg_json_text_find(&name, check_members);

		if (member < 0 || check->has[member]) {
			kg_append_reader_skip_own_member(
			    reader, &name, check_members, member >= 0);
			continue;
		}
		check->has[member] = true;
		if (member == STREAM_NAME)
			kg_append_reader_read_stream_name(
			    reader, &check->check.stream_name, &check->name_at);
		else
			read_expected_state(builder, check);
	}
	check_missing(builder, check);
}

static void
keep_check(struct builder *builder, const struct check *check)
{
	struct kg_append_records_body *append = builder->append;

	if (append->check_count == KG_CHECKS_MAX)
		return;
	if (append->check_count == builder->check_capacity) {
		builder->check_capacity =
		    builder->check_capacity == 0 ? 4 : builder->check_capacity * 2;
		append->checks = kdb_realloc(
		    append->checks, builder->check_capacity * sizeof *append->checks);
	}
	keep_name(builder, check->check.stream_name,
	    (struct place){
		.is_check = true, .index = append->check_count, .at = check->name_at});
	append->checks[append->check_count++] = check->check;
}

static void
read_check(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct check check = {.name_at = NULL};

	reader->prefix = "/checks";
	reader->index = builder->seen_checks++;
	if (kg_json_peek(&reader->json) == KG_JSON_OBJECT)
		read_check_members(builder, &check);
	else
		kg_append_reader_refuse_element(reader, "A check must be an object");
	keep_check(builder, &check);
}

/* The body. */

static void
read_array(struct builder *builder, const char *pointer, const char *wanted,
    void (*read_element)(struct builder *builder))
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value value;
	bool is_first = true;

	if (kg_json_peek(&reader->json) != KG_JSON_ARRAY) {
		if (kg_json_read_value(&reader->json, &value))
			kg_append_reader_refuse_kind(reader, pointer, wanted, value.kind);
		return;
	}
	kg_json_enter(&reader->json);
	while (kg_json_next_element(&reader->json, &is_first))
		read_element(builder);
}

static void
read_records(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	bool is_array = kg_json_peek(&reader->json) == KG_JSON_ARRAY;

	reader->prefix = "/records";
	read_array(builder, "/records", "records must be an array", read_record);
	if (is_array && builder->seen_records == 0)
		kg_append_reader_refuse_value(
		    reader, "/records", "There must be at least one record.");
}

static void
read_body_members(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	struct kg_json_value name;
	bool has[BODY_MEMBERS] = {false};
	bool is_first = true;

	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &name)) {
		int member = kg_json_text_find(&name, body_members);

		if (member < 0 || has[member]) {
			kg_append_reader_skip_member(
			    reader, "", &name, body_members, member >= 0);
			continue;
		}
		has[member] = true;
		if (member == RECORDS)
			read_records(builder);
		else
			read_array(
			    builder, "/checks", "checks must be an array", read_check);
	}
	if (!has[RECORDS])
		kg_append_reader_refuse_shape(reader, KG_PROBLEM_INVALID_REQUEST,
		    "/records", NULL, "Append-records must have records.");
}

/* Names. */

static const char *
array_of(const struct place *place)
{
	return place->is_check ? "checks" : "records";
}

static void
refuse_name(struct builder *builder, size_t name, size_t other, bool is_same)
{
	const struct place *place = &builder->places[name];
	const struct place *earlier = &builder->places[other];
	char detail[KG_FINDING_TEXT_SIZE];

	if (!kg_rule_findings_wants(&builder->rules, place->at))
		return;
	if (is_same)
		snprintf(detail, sizeof detail,
		    "The stream of /%s/%zu stands here again: one check is enough.",
		    array_of(earlier), earlier->index);
	else
		snprintf(detail, sizeof detail,
		    "The name differs from that of /%s/%zu by letter case only: the "
		    "database would take both for one stream.",
		    array_of(earlier), earlier->index);
	kg_rule_findings_add(&builder->rules, place->at,
	    is_same ? KG_PROBLEM_DUPLICATE_STREAM : KG_PROBLEM_CASE_VARIANT_STREAMS,
	    kdb_alloc_printf("/%s/%zu/stream_name", array_of(place), place->index),
	    detail);
}

/* What is known of the stream that a name stands for; kept at the first of equal names. */
struct stream {
	size_t index; /* in append->streams; NONE: not written, so far */
	size_t check; /* the name of its check; NONE: none, so far */
};

#define NONE SIZE_MAX

/* Judges the names in the order of the document. A spelling is told once, a check each time.
 */
static void
judge_names(struct builder *builder, const uint32_t *same, const uint32_t *variant,
    struct stream *streams)
{
	for (size_t i = 0; i < builder->name_count; i++) {
		struct stream *stream = &streams[same[i]];

		if (i == same[i] && variant[i] != i)
			refuse_name(builder, i, variant[i], false);
		if (!builder->places[i].is_check)
			continue;
		if (stream->check == NONE)
			stream->check = i;
		else
			refuse_name(builder, i, stream->check, true);
	}
}

/* Lists the streams that are written. */
static void
list_streams(struct builder *builder, const uint32_t *same, struct stream *streams)
{
	struct kg_append_records_body *append = builder->append;

	append->stream_names =
	    kdb_alloc_zero(append->record_count, sizeof *append->stream_names);
	append->streams = kdb_alloc_zero(append->record_count, sizeof *append->streams);
	for (size_t i = 0; i < builder->name_count; i++) {
		struct stream *stream = &streams[same[i]];
		size_t record = builder->places[i].index;

		if (builder->places[i].is_check)
			continue;
		if (stream->index == NONE) {
			stream->index = append->stream_count++;
			append->stream_names[stream->index] = builder->names[i];
			append->streams[stream->index] =
			    (struct kg_record_stream){record, KDB_VERSION_ANY};
		}
		append->records[record].stream_index = stream->index;
	}
}

static void
join_checks(struct builder *builder, const uint32_t *same, const struct stream *streams)
{
	struct kg_append_records_body *append = builder->append;

	for (size_t i = 0; i < builder->name_count; i++) {
		const size_t stream = streams[same[i]].index;

		if (builder->places[i].is_check && stream != NONE)
			append->streams[stream].expected_state =
			    append->checks[builder->places[i].index].expected_state;
	}
}

static void
match_names(struct builder *builder)
{
	const size_t count = builder->name_count;
	struct stream *streams = kdb_alloc_zero(count, sizeof *streams);
	uint32_t *same = kdb_alloc_zero(count, sizeof *same);
	uint32_t *variant = kdb_alloc_zero(count, sizeof *variant);

	for (size_t i = 0; i < count; i++)
		streams[i] = (struct stream){NONE, NONE};
	kg_stream_name_match(builder->names, count, same, variant);
	judge_names(builder, same, variant, streams);
	list_streams(builder, same, streams);
	join_checks(builder, same, streams);
	free(streams);
	free(same);
	free(variant);
}

static void
place_properties(struct builder *builder)
{
	struct kg_append_records_body *append = builder->append;
	const struct kdb_property *next = append->properties;

	for (size_t i = 0; i < append->record_count; i++)
		next = kg_append_properties_place(&append->records[i].event, next);
}

static bool
is_too_many(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;
	size_t max_events = reader->limits->max_events;

	if (builder->seen_records > max_events)
		kg_append_reader_refuse_too_many(
		    reader, "events", max_events, builder->seen_records);
	else if (builder->seen_checks > KG_CHECKS_MAX)
		kg_append_reader_refuse_too_many(
		    reader, "checks", KG_CHECKS_MAX, builder->seen_checks);
	return reader->refusal->is_set;
}

static void
finish(struct builder *builder)
{
	struct kg_append_reader *reader = &builder->reader;

	if (!kg_append_reader_settle(reader, "At ") || is_too_many(builder))
		return;
	match_names(builder);
	kg_rule_findings_report(&builder->rules, reader->refusal);
	place_properties(builder);
}

bool
kg_append_records_body_read(const char *body, size_t len,
    const struct kg_append_limits *limits, struct kg_append_records_body *append,
    struct kg_refusal *refusal)
{
	struct builder builder = {
	    .append = append, .reader = {.limits = limits, .refusal = refusal}};
	struct kg_append_reader *reader = &builder.reader;
	struct kg_json_value value;

	*append = (struct kg_append_records_body){0};
	reader->rules = &builder.rules;
	kg_json_init(&reader->json, body, len, limits->max_depth);
	if (kg_json_peek(&reader->json) == KG_JSON_OBJECT)
		read_body_members(&builder);
	else if (kg_json_read_value(&reader->json, &value))
		kg_append_reader_refuse_kind(
		    reader, "", "The body must be an object", value.kind);
	kg_json_finish(&reader->json);
	append->properties = reader->properties;
	append->storage = reader->storage;
	finish(&builder);
	kg_rule_findings_dispose(&builder.rules);
	free(builder.names);
	free(builder.places);
	if (refusal->is_set)
		kg_append_records_body_dispose(append);
	return !refusal->is_set;
}

void
kg_append_records_body_dispose(struct kg_append_records_body *append)
{
	free(append->records);
	free(append->checks);
	free(append->stream_names);
	free(append->streams);
	free(append->properties);
	kg_append_storage_free(append->storage);
	*append = (struct kg_append_records_body){0};
}
