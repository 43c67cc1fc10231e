/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents in JSON: the members of an event are collected as spans while the syntax is
 * checked, then judged in document order, shape before values; what is no data becomes
 * metadata. Owns nothing: metadata and decoded bytes are the reader's.
 */
#include "daemon/cloudevents_body.h"

#include "daemon/append_builder.h"
#include "daemon/append_value.h"
#include "daemon/cloudevent.h"
#include "daemon/equal_texts.h"
#include "daemon/idempotency.h"
#include "daemon/json_scan.h"
#include "daemon/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Members with a meaning of their own; all others are attributes to be kept. */
enum known {
	SPECVERSION,
	TYPE,
	SOURCE,
	ID,
	DATACONTENTTYPE,
	DATA,
	DATA_BASE64,
	KNOWN_COUNT,
	REQUIRED_COUNT = DATACONTENTTYPE
};

static const char *const known_names[] = {"specversion", "type", "source", "id",
    "datacontenttype", "data", "data_base64", NULL};

/* What a name that is none was most likely meant to be. */
static const char *const usual_names[] = {"specversion", "type", "source", "id", "time",
    "subject", "dataschema", "datacontenttype", "data", "data_base64", NULL};

enum { PREFIX_LEN = sizeof KG_CLOUDEVENT_PREFIX - 1 };

/* A member as it stands in the source. */
struct member {
	struct kg_json_value name;
	struct kg_json_value value;
	struct kdb_bytes text; /* the name, decoded */
	int known;             /* enum known; -1: an attribute, or no good name */
	bool is_duplicate;
};

enum { MEMBERS_MAX = KG_CLOUDEVENT_ATTRIBUTES_MAX + 2 };

/* An event as it stands in the source, in document order. */
struct source {
	struct member members[MEMBERS_MAX];
	size_t count;
	bool is_overfull;
	/* The first of each; NULL: missing, or null where that means missing. */
	const struct member *of[KNOWN_COUNT];
	bool is_json; /* the event is to be stored as JSON */
};

/* An event that is judged. */
struct judge {
	struct kg_append_reader *reader;
	const struct source *source;
	struct kdb_event *event;
	struct kdb_bytes cloudevent_source;
	struct kdb_bytes cloudevent_id;
};

/* A string is read in full: it may have to be decoded. */
static void
read_value(struct kg_append_reader *reader, struct member *member)
{
	bool must_be_valid =
	    reader->limits->validate_payloads || reader->is_metadata_stream;

	if (member->known != DATA || must_be_valid ||
	    kg_json_peek(&reader->json) == KG_JSON_STRING)
		kg_json_read_value(&reader->json, &member->value);
	else
		kg_json_find_value_end(&reader->json, &member->value);
}

/* Reads an object up to its end, or to a syntax error. Members that are too many are read
 * and not kept. */
static void
collect(struct kg_append_reader *reader, struct source *source)
{
	struct member spare;
	struct member *next = &source->members[0];
	bool is_first = true;

	source->count = 0;
	source->is_overfull = false;
	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &next->name)) {
		next->known = kg_json_text_find(&next->name, known_names);
		next->is_duplicate = false;
		read_value(reader, next);
		if (next == &spare)
			source->is_overfull = true;
		else
			source->count++;
		next = source->count < MEMBERS_MAX ? &source->members[source->count]
						   : &spare;
	}
}

static void
mark_duplicates(struct source *source)
{
	uint32_t first[MEMBERS_MAX];

	kg_equal_texts_find(
	    &source->members[0].text, sizeof(struct member), source->count, first);
	for (size_t i = 0; i < source->count; i++)
		source->members[i].is_duplicate = first[i] < i;
}

/* null is as good as nothing, but data may be null. */
static bool
is_absent(const struct member *member)
{
	return member->value.kind == KG_JSON_NULL && member->known != DATA;
}

/* Whether the event is stored as JSON, wherever datacontenttype stands in the object. */
static bool
is_json_event(struct kg_append_reader *reader, const struct source *source)
{
	const struct member *type = source->of[DATACONTENTTYPE];
	struct kdb_bytes text;

	if (source->of[DATA] == NULL && source->of[DATA_BASE64] == NULL)
		return false;
	if (type == NULL || type->value.kind != KG_JSON_STRING)
		return source->of[DATA] != NULL;
	kg_append_reader_text(reader, &type->value, &text);
	return kg_cloudevent_is_json_type(text);
}

/* Finds out what is where. */
static void
sort_out(struct kg_append_reader *reader, struct source *source)
{
	memset(source->of, 0, sizeof source->of);
	for (size_t i = 0; i < source->count; i++) {
		struct member *member = &source->members[i];

		kg_append_reader_text(reader, &member->name, &member->text);
	}
	mark_duplicates(source);
	for (size_t i = 0; i < source->count; i++) {
		const struct member *member = &source->members[i];

		if (member->known >= 0 && !member->is_duplicate && !is_absent(member))
			source->of[member->known] = member;
	}
	source->is_json = is_json_event(reader, source);
}

/* Shape. */

static void
refuse_member(struct kg_append_reader *reader, const struct member *member,
    enum kg_problem problem, const char *hint, const char *detail)
{
	char event_pointer[KG_EVENT_POINTER_SIZE];
	char *pointer;

	kg_append_reader_print_pointer(reader, event_pointer);
	pointer = kg_json_text_make_pointer(event_pointer, &member->name);
	kg_append_reader_refuse_shape(reader, problem, pointer, hint, detail);
	free(pointer);
}

static void
refuse_name(struct kg_append_reader *reader, const struct member *member)
{
	const char *nearest = kg_json_text_find_nearest(&member->name, usual_names);
	char hint[64];

	if (nearest != NULL)
		snprintf(hint, sizeof hint, "Did you mean \"%s\"?", nearest);
	refuse_member(reader, member, KG_PROBLEM_INVALID_REQUEST,
	    nearest == NULL ? NULL : hint,
	    "The name of an attribute has the letters a to z and digits only.");
}

static bool
is_container(enum kg_json_kind kind)
{
	return kind == KG_JSON_OBJECT || kind == KG_JSON_ARRAY;
}

/* What is wrong with the kind of a value; NULL: nothing. */
static const char *
find_kind_fault(const struct source *source, const struct member *member)
{
	enum kg_json_kind kind = member->value.kind;
	bool is_text = kind == KG_JSON_STRING || is_absent(member);

	if (member->known == DATA_BASE64 && !is_absent(member) &&
	    source->of[DATA] != NULL)
		return "An event has data or data_base64, not both.";
	if (member->known == DATA && !source->is_json && !is_text)
		return "The datacontenttype is not that of JSON: data must be a string.";
	if (member->known >= 0 && member->known != DATA && !is_text)
		return "The value must be a string.";
	if (member->known < 0 && is_container(kind))
		return "The value must be a string, a boolean or an integer.";
	return NULL;
}

static void
judge_member_shape(struct kg_append_reader *reader, const struct source *source,
    const struct member *member)
{
	const char *fault;

	if (member->is_duplicate) {
		refuse_member(reader, member, KG_PROBLEM_DUPLICATE_MEMBER, NULL,
		    "Duplicate member.");
	} else if (member->known < 0 &&
		   !kg_cloudevent_is_name(member->text.data, member->text.len)) {
		refuse_name(reader, member);
	} else {
		fault = find_kind_fault(source, member);
		if (fault != NULL)
			refuse_member(
			    reader, member, KG_PROBLEM_INVALID_REQUEST, NULL, fault);
	}
}

static void
refuse_missing(struct kg_append_reader *reader, const char *name)
{
	char event_pointer[KG_EVENT_POINTER_SIZE];
	char pointer[KG_EVENT_POINTER_SIZE + 16];

	kg_append_reader_print_pointer(reader, event_pointer);
	snprintf(pointer, sizeof pointer, "%s/%s", event_pointer, name);
	kg_append_reader_refuse_shape(reader, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
	    "A CloudEvent must have this attribute.");
}

static void
refuse_overfull(struct kg_append_reader *reader)
{
	char pointer[KG_EVENT_POINTER_SIZE];
	char detail[80];

	kg_append_reader_print_pointer(reader, pointer);
	snprintf(detail, sizeof detail, "A CloudEvent may have %d attributes.",
	    KG_CLOUDEVENT_ATTRIBUTES_MAX);
	kg_append_reader_refuse_shape(
	    reader, KG_PROBLEM_INVALID_REQUEST, pointer, NULL, detail);
}

static void
judge_shape(struct kg_append_reader *reader, const struct source *source)
{
	for (size_t i = 0; i < source->count; i++)
		judge_member_shape(reader, source, &source->members[i]);
	if (source->is_overfull)
		refuse_overfull(reader);
	for (int i = 0; i < REQUIRED_COUNT && !source->is_overfull; i++)
		if (source->of[i] == NULL)
			refuse_missing(reader, known_names[i]);
}

/* Values. */

static void
refuse(const struct judge *judge, enum known member, const char *detail)
{
	kg_append_reader_refuse_member(judge->reader, known_names[member], NULL, detail);
}

static void
judge_specversion(const struct judge *judge, const struct member *member)
{
	struct kdb_bytes text;

	kg_append_reader_text(judge->reader, &member->value, &text);
	if (!kg_cloudevent_is_version(text))
		refuse(judge, SPECVERSION, "The specversion must be 1.0.");
}

/* An attribute that the event's id is made of. */
static void
judge_identity(
    const struct judge *judge, const struct member *member, struct kdb_bytes *text)
{
	enum known known = (enum known)member->known;

	if (!kg_append_reader_text(judge->reader, &member->value, text))
		refuse(judge, known, "The text has half of a surrogate pair.");
	else if (text->len == 0)
		refuse(judge, known, "The attribute must not be empty.");
}

static const char not_json[] =
    "Events of a stream whose name starts with $$ must be JSON.";

static void
judge_data(const struct judge *judge, const struct member *member)
{
	struct kdb_bytes *data = &judge->event->data;

	if (judge->source->is_json)
		kg_append_value_data(judge->reader, &member->value, data);
	else if (!kg_append_reader_text(judge->reader, &member->value, data))
		refuse(judge, DATA, "The text has half of a surrogate pair.");
	else if (judge->reader->is_metadata_stream)
		refuse(judge, DATACONTENTTYPE, not_json);
}

static void
judge_data_base64(const struct judge *judge, const struct member *member)
{
	struct kdb_bytes *data = &judge->event->data;

	if (!kg_append_value_base64(judge->reader, "data_base64", &member->value, data))
		return;
	if (judge->source->is_json)
		kg_append_value_check_decoded(judge->reader, data);
	else if (judge->reader->is_metadata_stream)
		refuse(judge, DATACONTENTTYPE, not_json);
}

/* The integers of CloudEvents have 32 bits. */
static void
judge_number(const struct judge *judge, const struct member *member)
{
	const struct kg_json_value *value = &member->value;
	struct kg_refusal *refusal = kg_append_reader_values(judge->reader);
	char event_pointer[KG_EVENT_POINTER_SIZE];
	int64_t number = 0;
	char *pointer;

	if (refusal == NULL || (kg_json_text_read_int64(value->start, value->len,
				    &number) == KG_JSON_INT_OK &&
				   number >= INT32_MIN && number <= INT32_MAX))
		return;
	kg_append_reader_print_pointer(judge->reader, event_pointer);
	pointer = kg_json_text_make_pointer(event_pointer, &member->name);
	kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer,
	    "Send other numbers as strings.",
	    "A number must be an integer from %" PRId32 " to %" PRId32
	    ", without fraction and exponent.",
	    INT32_MIN, INT32_MAX);
	free(pointer);
}

static void
judge_value(struct judge *judge, const struct member *member)
{
	if (is_absent(member))
		return;
	switch (member->known) {
	case SPECVERSION:
		judge_specversion(judge, member);
		break;
	case TYPE:
		kg_append_value_type(judge->reader, &member->value, &judge->event->type);
		break;
	case SOURCE:
		judge_identity(judge, member, &judge->cloudevent_source);
		break;
	case ID:
		judge_identity(judge, member, &judge->cloudevent_id);
		break;
	case DATA:
		judge_data(judge, member);
		break;
	case DATA_BASE64:
		judge_data_base64(judge, member);
		break;
	default:
		if (member->value.kind == KG_JSON_NUMBER)
			judge_number(judge, member);
		break;
	}
}

/* Metadata. */

static bool
is_attribute(const struct member *member)
{
	return member->known != DATA && member->known != DATA_BASE64 &&
	       !is_absent(member);
}

static size_t
metadata_size(const struct source *source)
{
	size_t size = 2;

	for (size_t i = 0; i < source->count; i++) {
		const struct member *member = &source->members[i];

		if (is_attribute(member))
			size += sizeof ",\"" KG_CLOUDEVENT_PREFIX "\":" - 1 +
				member->text.len + member->value.len;
	}
	return size;
}

/* All attributes in document order, their values as they stand in the source. */
static struct kdb_bytes
write_metadata(struct kg_append_reader *reader, const struct source *source)
{
	char *start = kg_append_reader_store(reader, metadata_size(source));
	char *out = start;

	for (size_t i = 0; i < source->count; i++) {
		const struct member *member = &source->members[i];

		if (!is_attribute(member))
			continue;
		out = mempcpy(out, out == start ? "{\"" : ",\"", 2);
		out = mempcpy(out, KG_CLOUDEVENT_PREFIX, PREFIX_LEN);
		out = mempcpy(out, member->text.data, member->text.len);
		out = mempcpy(out, "\":", 2);
		out = mempcpy(out, member->value.start, member->value.len);
	}
	*out++ = '}';
	return (struct kdb_bytes){start, (size_t)(out - start)};
}

static void
judge_values(struct judge *judge)
{
	const struct source *source = judge->source;
	struct kg_append_reader *reader = judge->reader;

	*judge->event = (struct kdb_event){.is_json = source->is_json};
	for (size_t i = 0; i < source->count; i++)
		judge_value(judge, &source->members[i]);
	if (reader->is_metadata_stream && source->of[DATA] == NULL &&
	    source->of[DATA_BASE64] == NULL)
		refuse(judge, DATA, not_json);
	/* What is refused, and what is one too many, is not kept. */
	if (reader->refusal->is_set || reader->index >= reader->limits->max_events)
		return;
	judge->event->metadata = write_metadata(reader, source);
	kg_idempotency_cloudevent_id(reader->stream_name, judge->cloudevent_source,
	    judge->cloudevent_id, judge->event->id);
}

static void
read_event(struct kg_append_reader *reader, struct kdb_event *event)
{
	struct source source;
	struct judge judge = {.reader = reader, .source = &source, .event = event};

	if (kg_json_peek(&reader->json) != KG_JSON_OBJECT) {
		kg_append_reader_refuse_element(reader, "A CloudEvent must be an object");
		return;
	}
	collect(reader, &source);
	if (kg_json_has_failed(&reader->json) || kg_append_reader_is_full(reader))
		return;
	sort_out(reader, &source);
	judge_shape(reader, &source);
	if (kg_append_reader_values(reader) != NULL)
		judge_values(&judge);
}

bool
kg_cloudevents_body_read(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	struct kg_append_builder builder;

	kg_append_builder_start(&builder, stream_name, limits, append, refusal);
	builder.reader.prefix = NULL;
	kg_json_init(&builder.reader.json, body, len, limits->max_depth);
	kg_append_builder_read(&builder, 0, read_event);
	kg_json_finish(&builder.reader.json);
	return kg_append_builder_finish(&builder, "At ");
}

bool
kg_cloudevents_body_read_batch(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	struct kg_append_builder builder;
	struct kg_append_reader *reader = &builder.reader;
	struct kg_json_value value;

	kg_append_builder_start(&builder, stream_name, limits, append, refusal);
	reader->prefix = "";
	kg_json_init(&reader->json, body, len, limits->max_depth);
	if (kg_json_peek(&reader->json) == KG_JSON_ARRAY)
		kg_append_builder_read_array(&builder, "", read_event);
	else if (kg_json_read_value(&reader->json, &value))
		kg_append_reader_refuse_kind(
		    reader, "", "A batch must be an array", value.kind);
	kg_json_finish(&reader->json);
	return kg_append_builder_finish(&builder, "At ");
}
