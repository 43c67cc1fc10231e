/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event object: its members are collected as spans while the syntax is checked, and
 * then judged in document order, shape before values. Owns nothing.
 */
#include "daemon/append_event.h"

#include "client-core/base/alloc.h"
#include "daemon/append_properties.h"
#include "daemon/append_value.h"
#include "daemon/event_type.h"
#include "daemon/json_text.h"
#include "daemon/uuid.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum member {
	TYPE,
	DATA,
	DATA_BASE64,
	METADATA,
	METADATA_BASE64,
	CONTENT_TYPE,
	ID,
	STREAM_NAME, /* of a record */
	MEMBERS
};

#define EVENT_MEMBERS                                                                    \
	"type", "data", "data_base64", "metadata", "metadata_base64", "content_type", "id"

static const char *const event_members[] = {EVENT_MEMBERS, NULL};
static const char *const record_members[] = {EVENT_MEMBERS, "stream_name", NULL};
static const char *const content_types[] = {
    "application/json", "application/octet-stream", NULL};

/* A member as it stands in the source. */
struct found {
	int member; /* enum member; -1: unknown */
	bool is_duplicate;
	struct kg_json_value name;
	struct kg_json_value value;
};

/* An event as it stands in the source, in document order. Of what is refused anyway, no
 * more is kept than can be reported. */
struct source {
	const char *const *names;
	struct found found[MEMBERS + KG_FINDINGS_MAX];
	size_t count;
	size_t refused_count;
	const struct found *of[MEMBERS]; /* NULL: the member is missing */
	struct kg_append_properties properties;
};

enum { MEMBER_POINTER_SIZE = KG_EVENT_POINTER_SIZE + 16 };

/* Writes the JSON Pointer to a known member of the event. */
static void
print_member_pointer(
    const struct kg_append_reader *reader, int member, char pointer[MEMBER_POINTER_SIZE])
{
	snprintf(pointer, MEMBER_POINTER_SIZE, "%s/%zu/%s", reader->prefix, reader->index,
	    record_members[member]);
}

static bool
is_payload(int member)
{
	return member == DATA || member == METADATA;
}

/* Whether only the end of the member's value is looked for. Metadata that becomes properties
 * must be JSON in any case. */
static bool
is_left_unread(const struct kg_append_reader *reader, int member)
{
	if (reader->limits->validate_payloads || reader->is_metadata_stream)
		return false;
	return member == DATA || (member == METADATA && reader->rules == NULL);
}

static void
collect_member(
    struct kg_append_reader *reader, struct source *source, struct found *found)
{
	bool is_known;

	found->member = kg_json_text_find(&found->name, source->names);
	is_known = found->member >= 0;
	found->is_duplicate = is_known && source->of[found->member] != NULL;
	if (is_left_unread(reader, found->member))
		kg_json_find_value_end(&reader->json, &found->value);
	else
		kg_json_read_value(&reader->json, &found->value);
	if (is_known && !found->is_duplicate)
		source->of[found->member] = found;
	else if (source->refused_count++ >= KG_FINDINGS_MAX)
		return;
	source->count++;
}

/* Reads an object up to its end, or to a syntax error. The places that found members do not
 * fill are not touched. */
static void
collect(struct kg_append_reader *reader, struct source *source, const char *const *names)
{
	/* One more place than is kept, to read into. */
	bool is_first = true;
	struct found spare;
	struct found *next = &source->found[0];

	memset(source->of, 0, sizeof source->of);
	source->names = names;
	source->count = 0;
	source->refused_count = 0;
	source->properties = (struct kg_append_properties){0};
	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &next->name)) {
		collect_member(reader, source, next);
		next = source->count < sizeof source->found / sizeof source->found[0]
			   ? &source->found[source->count]
			   : &spare;
	}
}

/* Whether a member's value is of the kind it must be. */
static bool
has_right_kind(const struct found *found)
{
	return is_payload(found->member) || found->value.kind == KG_JSON_STRING;
}

/* The other member of a pair that excludes each other, for its _base64 member. */
static bool
is_excluded(const struct source *source, int member)
{
	return (member == DATA_BASE64 && source->of[DATA] != NULL) ||
	       (member == METADATA_BASE64 && source->of[METADATA] != NULL);
}

static void
report_member_shape(struct kg_append_reader *reader, const struct source *source,
    const struct found *found)
{
	const char *name = record_members[found->member];
	char pointer[MEMBER_POINTER_SIZE];
	char detail[80];

	print_member_pointer(reader, found->member, pointer);
	if (is_excluded(source, found->member))
		snprintf(detail, sizeof detail, "An event has %s or %s, not both.",
		    record_members[found->member - 1], name);
	else
		snprintf(detail, sizeof detail, "%s must be a string, not %s.", name,
		    kg_json_kind_name(found->value.kind));
	kg_append_reader_refuse_shape(
	    reader, KG_PROBLEM_INVALID_REQUEST, pointer, NULL, detail);
}

static void
judge_properties_shape(struct kg_append_reader *reader, struct source *source)
{
	const struct kg_json_value *metadata = &source->of[METADATA]->value;
	char pointer[MEMBER_POINTER_SIZE];

	if (metadata->kind != KG_JSON_OBJECT)
		return;
	print_member_pointer(reader, METADATA, pointer);
	kg_append_properties_read(reader, metadata, &source->properties);
	kg_append_properties_judge_shape(reader, metadata, pointer, &source->properties);
}

static void
judge_member_shape(
    struct kg_append_reader *reader, struct source *source, const struct found *found)
{
	char pointer[KG_EVENT_POINTER_SIZE];

	if (found->member < 0 || found->is_duplicate) {
		kg_append_reader_print_pointer(reader, pointer);
		kg_append_reader_report_member(
		    reader, pointer, &found->name, source->names, found->is_duplicate);
	} else if (!has_right_kind(found) || is_excluded(source, found->member)) {
		report_member_shape(reader, source, found);
	} else if (found->member == METADATA && reader->rules != NULL) {
		judge_properties_shape(reader, source);
	}
}

static void
report_missing(struct kg_append_reader *reader, enum member member, const char *detail)
{
	char pointer[MEMBER_POINTER_SIZE];

	print_member_pointer(reader, member, pointer);
	kg_append_reader_refuse_shape(
	    reader, KG_PROBLEM_INVALID_REQUEST, pointer, NULL, detail);
}

static void
judge_shape(struct kg_append_reader *reader, struct source *source)
{
	for (size_t i = 0; i < source->count; i++)
		judge_member_shape(reader, source, &source->found[i]);
	if (source->names == record_members && source->of[STREAM_NAME] == NULL)
		report_missing(reader, STREAM_NAME, "A record must have a stream_name.");
	if (source->of[TYPE] == NULL)
		report_missing(reader, TYPE, "An event must have a type.");
	if (source->of[DATA] == NULL && source->of[DATA_BASE64] == NULL)
		report_missing(reader, DATA, "An event must have data or data_base64.");
}

/* What an event is judged with: one at a time. */
struct judge {
	struct kg_append_reader *reader;
	const struct source *source;
	struct kdb_event *event;
	struct kdb_bytes *stream_name; /* of a record; else NULL */
	const char **name_at;
};

static void
refuse(const struct judge *judge, enum member member, const char *detail)
{
	kg_append_reader_refuse_member(
	    judge->reader, record_members[member], NULL, detail);
}

/* Adds the finding that a member breaks a rule of M and K. Nobody wants it when there is
 * anything else. */
static void
break_rule(const struct judge *judge, const struct found *found, enum kg_problem problem,
    const char *detail)
{
	struct kg_append_reader *reader = judge->reader;
	const char *at = found->name.start;
	char pointer[MEMBER_POINTER_SIZE];

	if (reader->refusal->is_set || !kg_rule_findings_wants(reader->rules, at))
		return;
	print_member_pointer(reader, found->member, pointer);
	kg_rule_findings_add(
	    reader->rules, at, problem, kdb_alloc_text(pointer, strlen(pointer)), detail);
}

static void
judge_alphabet(const struct judge *judge, const struct found *found)
{
	const char *fault;

	if (judge->reader->rules == NULL)
		return;
	fault = kg_event_type_find_fault(
	    judge->event->type, judge->reader->limits->is_type_ascii_only);
	if (fault != NULL)
		break_rule(judge, found, KG_PROBLEM_INVALID_EVENT_TYPE, fault);
}

static void
judge_type(const struct judge *judge, const struct found *found)
{
	if (kg_append_value_type(judge->reader, &found->value, &judge->event->type))
		judge_alphabet(judge, found);
}

static void
judge_data_base64(const struct judge *judge, const struct found *found)
{
	struct kdb_bytes *data = &judge->event->data;

	if (!kg_append_value_base64(judge->reader, "data_base64", &found->value, data))
		return;
	if (judge->event->is_json)
		kg_append_value_check_decoded(judge->reader, data);
	else if (judge->reader->is_metadata_stream &&
		 judge->source->of[CONTENT_TYPE] == NULL)
		refuse(judge, DATA_BASE64,
		    "Stream metadata must be JSON: content_type is missing.");
}

static void
judge_content_type(const struct judge *judge, const struct found *found)
{
	if (kg_json_text_find(&found->value, content_types) < 0)
		refuse(judge, CONTENT_TYPE,
		    "content_type must be application/json or application/octet-stream.");
	else if (judge->reader->is_metadata_stream && !judge->event->is_json)
		refuse(judge, CONTENT_TYPE,
		    "Events of a stream whose name starts with $$ must be JSON.");
}

static void
judge_id(const struct judge *judge, const struct found *found)
{
	struct kdb_bytes text;

	kg_append_reader_text(judge->reader, &found->value, &text);
	if (!kg_uuid_read(text.data, text.len, judge->event->id))
		refuse(judge, ID,
		    "id must be a UUID of 36 characters with hyphens, and not the nil "
		    "UUID.");
}

static void
judge_metadata(const struct judge *judge, const struct found *found)
{
	const struct source *source = judge->source;
	const struct kg_json_value *value = &found->value;
	char pointer[MEMBER_POINTER_SIZE];

	if (judge->reader->rules == NULL) {
		judge->event->metadata = (struct kdb_bytes){value->start, value->len};
	} else if (value->kind != KG_JSON_OBJECT) {
		break_rule(judge, found, KG_PROBLEM_METADATA_NOT_STRINGS,
		    "Metadata must be an object here, whose values are all strings.");
	} else if (source->properties.has_faults) {
		print_member_pointer(judge->reader, METADATA, pointer);
		kg_append_properties_judge_values(judge->reader, value, pointer);
	}
}

static void
judge_metadata_base64(const struct judge *judge, const struct found *found)
{
	if (judge->reader->rules == NULL)
		kg_append_value_base64(judge->reader, "metadata_base64", &found->value,
		    &judge->event->metadata);
	else
		break_rule(judge, found, KG_PROBLEM_METADATA_NOT_STRINGS,
		    "Metadata must be an object here, in metadata, whose values are all "
		    "strings.");
}

static void
judge_stream_name(const struct judge *judge, const struct found *found)
{
	char fault[KG_STREAM_NAME_FAULT_SIZE];

	assert(judge->name_at != NULL && judge->stream_name != NULL);
	*judge->name_at = found->name.start;
	if (!kg_append_reader_name(
		judge->reader, &found->value, judge->stream_name, fault))
		refuse(judge, STREAM_NAME, fault);
}

static void
judge_value(const struct judge *judge, const struct found *found)
{
	switch ((enum member)found->member) {
	case TYPE:
		judge_type(judge, found);
		break;
	case DATA:
		kg_append_value_data(judge->reader, &found->value, &judge->event->data);
		break;
	case DATA_BASE64:
		judge_data_base64(judge, found);
		break;
	case METADATA:
		judge_metadata(judge, found);
		break;
	case METADATA_BASE64:
		judge_metadata_base64(judge, found);
		break;
	case CONTENT_TYPE:
		judge_content_type(judge, found);
		break;
	case ID:
		judge_id(judge, found);
		break;
	case STREAM_NAME:
		judge_stream_name(judge, found);
		break;
	case MEMBERS:
		break;
	}
}

/* The content type decides what data_base64 must be, wherever it stands in the object. */
static bool
is_json_event(const struct source *source)
{
	const struct found *content_type = source->of[CONTENT_TYPE];

	if (content_type == NULL)
		return source->of[DATA] != NULL;
	return kg_json_text_is(&content_type->value, "application/json");
}

/* What a record's event must be depends on its stream, wherever that is named. */
static bool
is_for_metadata(const struct judge *judge)
{
	struct kdb_bytes name;

	kg_append_reader_text(
	    judge->reader, &judge->source->of[STREAM_NAME]->value, &name);
	return kg_stream_name_is_metadata(name);
}

static void
judge_values(const struct judge *judge)
{
	*judge->event = (struct kdb_event){.is_json = is_json_event(judge->source),
	    .property_count = judge->source->properties.count};
	if (judge->stream_name != NULL)
		judge->reader->is_metadata_stream = is_for_metadata(judge);
	for (size_t i = 0; i < judge->source->count; i++)
		judge_value(judge, &judge->source->found[i]);
}

static void
read_object(const struct judge *judge, struct source *source, const char *const *names)
{
	struct kg_append_reader *reader = judge->reader;

	collect(reader, source, names);
	if (kg_json_has_failed(&reader->json) || kg_append_reader_is_full(reader))
		return;
	judge_shape(reader, source);
	if (kg_append_reader_values(reader) != NULL)
		judge_values(judge);
}

void
kg_append_event_read(struct kg_append_reader *reader, struct kdb_event *event)
{
	struct source source;
	const struct judge judge = {.reader = reader, .source = &source, .event = event};

	if (kg_json_peek(&reader->json) == KG_JSON_OBJECT)
		read_object(&judge, &source, event_members);
	else
		kg_append_reader_refuse_element(reader, "An event must be an object");
}

void
kg_append_event_read_record(struct kg_append_reader *reader, struct kdb_event *event,
    struct kdb_bytes *stream_name, const char **name_at)
{
	struct source source;
	const struct judge judge = {.reader = reader,
	    .source = &source,
	    .event = event,
	    .stream_name = stream_name,
	    .name_at = name_at};

	reader->is_metadata_stream = false;
	if (kg_json_peek(&reader->json) == KG_JSON_OBJECT)
		read_object(&judge, &source, record_members);
	else
		kg_append_reader_refuse_element(reader, "A record must be an object");
}
