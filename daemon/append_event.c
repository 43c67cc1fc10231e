/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event object: its members are collected as spans while the syntax is checked, and
 * then judged in document order, shape before values. Owns the chain of decoded bytes.
 */
#include "daemon/append_event.h"

#include "client-core/base/alloc.h"
#include "daemon/base64.h"
#include "daemon/json_text.h"
#include "daemon/stream_metadata.h"
#include "daemon/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum member {
	TYPE,
	DATA,
	DATA_BASE64,
	METADATA,
	METADATA_BASE64,
	CONTENT_TYPE,
	ID,
	MEMBERS
};

static const char *const member_names[] = {"type", "data", "data_base64", "metadata",
    "metadata_base64", "content_type", "id", NULL};
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
	struct found found[MEMBERS + KG_FINDINGS_MAX];
	size_t count;
	size_t refused_count;
	const struct found *of[MEMBERS]; /* NULL: the member is missing */
};

struct kg_append_storage {
	struct kg_append_storage *next;
	char bytes[];
};

void
kg_append_storage_free(struct kg_append_storage *storage)
{
	while (storage != NULL) {
		struct kg_append_storage *next = storage->next;

		free(storage);
		storage = next;
	}
}

static char *
store(struct kg_append_reader *reader, size_t size)
{
	struct kg_append_storage *storage = kdb_alloc(sizeof *storage + size);

	storage->next = reader->storage;
	reader->storage = storage;
	return storage->bytes;
}

struct kg_refusal *
kg_append_reader_shape(struct kg_append_reader *reader)
{
	if (!reader->has_shape_finding)
		kg_refusal_dispose(reader->refusal);
	reader->has_shape_finding = true;
	if (reader->refusal->finding_count == KG_FINDINGS_MAX)
		return NULL;
	return reader->refusal;
}

/* Whether all findings that can be reported are there: then only the syntax matters. */
static bool
is_full(const struct kg_append_reader *reader)
{
	return reader->has_shape_finding &&
	       reader->refusal->finding_count == KG_FINDINGS_MAX;
}

struct kg_refusal *
kg_append_reader_values(struct kg_append_reader *reader)
{
	if (reader->has_shape_finding ||
	    reader->refusal->finding_count == KG_FINDINGS_MAX)
		return NULL;
	return reader->refusal;
}

void
kg_append_reader_print_pointer(
    const struct kg_append_reader *reader, char pointer[KG_EVENT_POINTER_SIZE])
{
	snprintf(pointer, KG_EVENT_POINTER_SIZE, "%s/%zu", reader->prefix, reader->index);
}

enum { MEMBER_POINTER_SIZE = KG_EVENT_POINTER_SIZE + 16 };

/* Writes the JSON Pointer to a known member of the event. */
static void
print_member_pointer(
    const struct kg_append_reader *reader, int member, char pointer[MEMBER_POINTER_SIZE])
{
	snprintf(pointer, MEMBER_POINTER_SIZE, "%s/%zu/%s", reader->prefix, reader->index,
	    member_names[member]);
}

bool
kg_append_reader_text(struct kg_append_reader *reader, const struct kg_json_value *value,
    struct kdb_bytes *text)
{
	bool is_whole = true;
	char *decoded;

	text->data = value->start + 1;
	text->len = value->len - 2;
	if (value->has_escapes) {
		decoded = store(reader, value->len);
		is_whole = kg_json_text_decode(value, decoded, &text->len);
		text->data = decoded;
	}
	return is_whole;
}

static bool
is_payload(int member)
{
	return member == DATA || member == METADATA;
}

static void
collect_member(
    struct kg_append_reader *reader, struct source *source, struct found *found)
{
	bool is_known;

	found->member = kg_json_text_find(&found->name, member_names);
	is_known = found->member >= 0;
	found->is_duplicate = is_known && source->of[found->member] != NULL;
	if (is_payload(found->member) && !reader->limits->validate_payloads &&
	    !reader->is_metadata_stream)
		kg_json_find_value_end(&reader->json, &found->value);
	else
		kg_json_read_value(&reader->json, &found->value);
	if (is_known && !found->is_duplicate)
		source->of[found->member] = found;
	else if (source->refused_count++ >= KG_FINDINGS_MAX)
		return;
	source->count++;
}

/* Reads an object up to its end, or to a syntax error. */
static void
collect(struct kg_append_reader *reader, struct source *source)
{
	/* One more place than is kept, to read into. */
	bool is_first = true;
	struct found spare;
	struct found *next = &source->found[0];

	memset(source->of, 0, sizeof source->of);
	source->count = 0;
	source->refused_count = 0;
	kg_json_enter(&reader->json);
	while (kg_json_next_member(&reader->json, &is_first, &next->name)) {
		collect_member(reader, source, next);
		next = source->count < sizeof source->found / sizeof source->found[0]
			   ? &source->found[source->count]
			   : &spare;
	}
}

static void
report_unknown(
    struct kg_refusal *refusal, const char *pointer, const struct kg_json_value *name)
{
	const char *nearest = kg_json_text_find_nearest(name, member_names);
	char hint[KG_FINDING_TEXT_SIZE] = "Known are type, data, data_base64, metadata, "
					  "metadata_base64, content_type and id.";

	if (nearest != NULL)
		snprintf(hint, sizeof hint, "Did you mean \"%s\"?", nearest);
	kg_refusal_add(
	    refusal, KG_PROBLEM_UNKNOWN_MEMBER, pointer, hint, "Unknown member.");
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
judge_member_shape(struct kg_append_reader *reader, const struct source *source,
    const struct found *found)
{
	bool is_known = found->member >= 0 && !found->is_duplicate;
	struct kg_refusal *refusal;
	char event_pointer[KG_EVENT_POINTER_SIZE];
	char *pointer;

	if (is_known && has_right_kind(found) && !is_excluded(source, found->member))
		return;
	refusal = kg_append_reader_shape(reader);
	if (refusal == NULL)
		return;
	kg_append_reader_print_pointer(reader, event_pointer);
	pointer = kg_json_text_make_pointer(event_pointer, &found->name);
	if (found->member < 0)
		report_unknown(refusal, pointer, &found->name);
	else if (found->is_duplicate)
		kg_refusal_add(refusal, KG_PROBLEM_DUPLICATE_MEMBER, pointer, NULL,
		    "Duplicate member.");
	else if (is_excluded(source, found->member))
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
		    "An event has %s or %s, not both.", member_names[found->member - 1],
		    member_names[found->member]);
	else
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
		    "%s must be a string, not %s.", member_names[found->member],
		    kg_json_kind_name(found->value.kind));
	free(pointer);
}

static void
report_missing(struct kg_append_reader *reader, enum member member, const char *detail)
{
	struct kg_refusal *refusal = kg_append_reader_shape(reader);
	char pointer[MEMBER_POINTER_SIZE];

	if (refusal == NULL)
		return;
	print_member_pointer(reader, member, pointer);
	kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL, "%s", detail);
}

static void
judge_shape(struct kg_append_reader *reader, const struct source *source)
{
	for (size_t i = 0; i < source->count; i++)
		judge_member_shape(reader, source, &source->found[i]);
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
};

static void
refuse(const struct judge *judge, int member, const char *hint, const char *detail)
{
	struct kg_refusal *refusal = kg_append_reader_values(judge->reader);
	char pointer[MEMBER_POINTER_SIZE];

	if (refusal == NULL)
		return;
	print_member_pointer(judge->reader, member, pointer);
	kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer, hint, "%s", detail);
}

static void
judge_type(const struct judge *judge, const struct found *found)
{
	struct kdb_bytes *type = &judge->event->type;
	size_t max_len = judge->reader->limits->max_name_bytes;
	char detail[80];

	if (!kg_append_reader_text(judge->reader, &found->value, type)) {
		refuse(judge, TYPE, NULL, "The event type has half of a surrogate pair.");
	} else if (type->len == 0) {
		refuse(judge, TYPE, NULL, "The event type is empty.");
	} else if (type->len > max_len) {
		snprintf(detail, sizeof detail, "The event type has more than %zu bytes.",
		    max_len);
		refuse(judge, TYPE, NULL, detail);
	} else if (memchr(type->data, '\0', type->len) != NULL) {
		refuse(judge, TYPE, NULL, "The event type holds U+0000.");
	} else if (judge->reader->is_metadata_stream &&
		   (type->len != 9 || memcmp(type->data, "$metadata", 9) != 0)) {
		refuse(judge, TYPE, NULL,
		    "Events of a stream whose name starts with $$ must have the type "
		    "$metadata.");
	}
}

static const char *
describe_base64(enum kg_base64_result result)
{
	switch (result) {
	case KG_BASE64_WRONG_LENGTH:
		return "The length of the base64 text is no multiple of four.";
	case KG_BASE64_WRONG_PADDING:
		return "The last character of the base64 text has bits that stand for "
		       "nothing.";
	default:
		return "The text has a character that is not of base64.";
	}
}

static bool
read_base64(const struct judge *judge, const struct found *found, struct kdb_bytes *bytes)
{
	enum kg_base64_result result;
	struct kdb_bytes text;
	const char *hint = NULL;
	char *decoded;

	/* A lone surrogate becomes a character that base64 does not have. */
	kg_append_reader_text(judge->reader, &found->value, &text);
	decoded = store(judge->reader, kg_base64_decoded_max(text.len));
	result = kg_base64_decode(text.data, text.len, decoded, &bytes->len);
	bytes->data = decoded;
	if (result == KG_BASE64_OK)
		return true;
	if (result == KG_BASE64_URL_ALPHABET)
		hint = "Use + and / where the URL alphabet has - and _.";
	refuse(judge, found->member, hint, describe_base64(result));
	return false;
}

/* A JSON pointer cannot lead into a base64 text, so what is found there is told in words.
 */
static void
judge_decoded_metadata(const struct judge *judge)
{
	const struct kdb_bytes *data = &judge->event->data;
	struct kg_refusal inner;
	char detail[2 * KG_FINDING_TEXT_SIZE];

	kg_refusal_init(&inner);
	kg_stream_metadata_check(data->data, data->len, "", &inner);
	for (size_t i = 0; i < inner.finding_count; i++) {
		snprintf(detail, sizeof detail, "At \"%.100s\" of the decoded JSON: %s",
		    inner.findings[i].pointer, inner.findings[i].detail);
		refuse(judge, DATA_BASE64, NULL, detail);
	}
	kg_refusal_dispose(&inner);
}

static void
judge_data_base64(const struct judge *judge, const struct found *found)
{
	const struct kg_append_reader *reader = judge->reader;
	struct kdb_event *event = judge->event;
	bool must_be_valid;

	if (!read_base64(judge, found, &event->data))
		return;
	if (!event->is_json) {
		if (reader->is_metadata_stream && judge->source->of[CONTENT_TYPE] == NULL)
			refuse(judge, DATA_BASE64, NULL,
			    "Stream metadata must be JSON: content_type is missing.");
		return;
	}
	must_be_valid = reader->limits->validate_payloads || reader->is_metadata_stream;
	if (event->data.len == 0 ||
	    (must_be_valid && !kg_json_is_valid(event->data.data, event->data.len,
				  reader->limits->max_depth)))
		refuse(judge, DATA_BASE64, NULL, "The decoded bytes are not JSON.");
	else if (reader->is_metadata_stream)
		judge_decoded_metadata(judge);
}

static void
judge_data(const struct judge *judge, const struct found *found)
{
	struct kg_refusal *refusal = kg_append_reader_values(judge->reader);
	char pointer[MEMBER_POINTER_SIZE];

	judge->event->data = (struct kdb_bytes){found->value.start, found->value.len};
	if (!judge->reader->is_metadata_stream || refusal == NULL)
		return;
	print_member_pointer(judge->reader, DATA, pointer);
	kg_stream_metadata_check(found->value.start, found->value.len, pointer, refusal);
}

static void
judge_content_type(const struct judge *judge, const struct found *found)
{
	if (kg_json_text_find(&found->value, content_types) < 0)
		refuse(judge, CONTENT_TYPE, NULL,
		    "content_type must be application/json or application/octet-stream.");
	else if (judge->reader->is_metadata_stream && !judge->event->is_json)
		refuse(judge, CONTENT_TYPE, NULL,
		    "Events of a stream whose name starts with $$ must be JSON.");
}

static void
judge_id(const struct judge *judge, const struct found *found)
{
	struct kdb_bytes text;

	kg_append_reader_text(judge->reader, &found->value, &text);
	if (!kg_uuid_read(text.data, text.len, judge->event->id))
		refuse(judge, ID, NULL,
		    "id must be a UUID of 36 characters with hyphens, and not the nil "
		    "UUID.");
}

static void
judge_value(const struct judge *judge, const struct found *found)
{
	switch ((enum member)found->member) {
	case TYPE:
		judge_type(judge, found);
		break;
	case DATA:
		judge_data(judge, found);
		break;
	case DATA_BASE64:
		judge_data_base64(judge, found);
		break;
	case METADATA:
		judge->event->metadata =
		    (struct kdb_bytes){found->value.start, found->value.len};
		break;
	case METADATA_BASE64:
		read_base64(judge, found, &judge->event->metadata);
		break;
	case CONTENT_TYPE:
		judge_content_type(judge, found);
		break;
	case ID:
		judge_id(judge, found);
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

static void
judge_values(const struct judge *judge)
{
	*judge->event = (struct kdb_event){.is_json = is_json_event(judge->source)};
	for (size_t i = 0; i < judge->source->count; i++)
		judge_value(judge, &judge->source->found[i]);
}

/* Something stands where an event should be. */
static void
read_no_event(struct kg_append_reader *reader)
{
	char pointer[KG_EVENT_POINTER_SIZE];
	struct kg_refusal *refusal;
	struct kg_json_value value;

	if (!kg_json_read_value(&reader->json, &value))
		return;
	refusal = kg_append_reader_shape(reader);
	if (refusal == NULL)
		return;
	kg_append_reader_print_pointer(reader, pointer);
	kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
	    "An event must be an object, not %s.", kg_json_kind_name(value.kind));
}

void
kg_append_event_read(struct kg_append_reader *reader, struct kdb_event *event)
{
	struct source source;
	struct judge judge = {.reader = reader, .source = &source, .event = event};

	if (kg_json_peek(&reader->json) != KG_JSON_OBJECT) {
		read_no_event(reader);
		return;
	}
	collect(reader, &source);
	if (kg_json_has_failed(&reader->json) || is_full(reader))
		return;
	judge_shape(reader, &source);
	if (kg_append_reader_values(reader) != NULL)
		judge_values(&judge);
}
