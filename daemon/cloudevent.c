/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents in binary mode: header fields become attributes, their metadata and the
 * texts that the event is known by. Owns these texts and the metadata.
 */
#include "daemon/cloudevent.h"

#include "client-core/base/alloc.h"
#include "daemon/json_scan.h"
#include "daemon/json_write.h"
#include "daemon/media_type.h"
#include "daemon/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PREFIX_LEN = sizeof KG_CLOUDEVENT_PREFIX - 1 };

/* Names in pointers are cut at this length. */
enum { POINTER_NAME_MAX = 100, POINTER_SIZE = 128 };

/* Attributes that every event has. */
enum required { SPECVERSION, TYPE, SOURCE, ID, REQUIRED_COUNT };

static const char *const required_names[REQUIRED_COUNT] = {
    "specversion", "type", "source", "id"};

struct reader {
	const struct kg_head *head;
	size_t max_name_bytes;
	struct kg_cloudevent *cloudevent;
	struct kg_refusal *refusal;
	char *next_text; /* in cloudevent->texts */
	bool has[REQUIRED_COUNT];
	char pointer[POINTER_SIZE]; /* of the field that is read */
};

bool
kg_cloudevent_is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= '0' && name[i] <= '9'))
			return false;
	return len > 0;
}

bool
kg_cloudevent_is_version(struct kdb_bytes value)
{
	return value.len == 3 && memcmp(value.data, "1.0", 3) == 0;
}

bool
kg_cloudevent_is_json_type(struct kdb_bytes value)
{
	struct kg_media_type type;

	return kg_media_type_read(value.data, value.len, &type) &&
	       (kg_media_type_has_suffix(&type, "/json") ||
		   kg_media_type_has_suffix(&type, "+json"));
}

static bool
is_attribute(const struct kg_head_field *field)
{
	return kg_head_has_prefix(field->name, field->name_len, KG_CLOUDEVENT_PREFIX);
}

bool
kg_cloudevent_is_marked(const struct kg_head *head)
{
	for (size_t i = 0; i < head->field_count; i++)
		if (kg_head_is_equal(head->fields[i].name, head->fields[i].name_len,
			KG_CLOUDEVENT_MARK))
			return true;
	return false;
}

/* Names of fields have no letter case, those of attributes are written in small letters. */
static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* A head has few fields, see KG_HEAD_FIELDS_MAX. */
static bool
is_repeated(const struct kg_head *head, const struct kg_head_field *field)
{
	for (const struct kg_head_field *other = head->fields; other < field; other++)
		if (other->name_len == field->name_len &&
		    strncasecmp(other->name, field->name, field->name_len) == 0)
			return true;
	return false;
}

/* Copies the text inside of quotes, without the backslashes of escapes. False: the value
 * is not one quoted string. */
static bool
unquote(const char *value, size_t len, char *text, size_t *text_len)
{
	size_t out = 0;

	if (len < 2 || value[0] != '"' || value[len - 1] != '"')
		return false;
	for (size_t i = 1; i < len - 1; i++) {
		if (value[i] == '"')
			return false;
		if (value[i] == '\\' && ++i == len - 1)
			return false;
		text[out++] = value[i];
	}
	*text_len = out;
	return true;
}

/* Copies a value without quotes, which older senders have; text has room for it. What comes
 * out may still have percent escapes. */
static size_t
copy_value(const struct kg_head_field *field, char *text)
{
	size_t len = field->value_len;

	if (!unquote(field->value, field->value_len, text, &len) && len > 0)
		memcpy(text, field->value, len);
	return len;
}

static bool
is_decodable(const struct kg_head_field *field)
{
	char *text = kdb_alloc(field->value_len + 1);
	bool is_good = kg_router_is_decodable(text, copy_value(field, text));

	free(text);
	return is_good;
}

/* Content-Type has no escapes. */
static bool
is_utf8(const struct kg_head_field *field)
{
	const char *at = field->value;
	const char *end = at + field->value_len;
	size_t step;

	for (; at < end; at += step) {
		step = kg_json_utf8_len(at, end);
		if (step == 0)
			return false;
	}
	return true;
}

static void
refuse_form(struct kg_refusal *refusal, const struct kg_head_field *field,
    const char *what_is_wrong)
{
	int len = (int)(field->name_len < POINTER_NAME_MAX ? field->name_len
							   : POINTER_NAME_MAX);

	kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST, "The header %.*s %s.", len,
	    field->name, what_is_wrong);
}

bool
kg_cloudevent_check_form(const struct kg_head *head, struct kg_refusal *refusal)
{
	const struct kg_head_field *type = head->known[KG_FIELD_CONTENT_TYPE];

	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *field = &head->fields[i];

		if (!is_attribute(field))
			continue;
		if (is_repeated(head, field))
			refuse_form(refusal, field, "is given twice");
		else if (!is_decodable(field))
			refuse_form(refusal, field,
			    "has a broken percent escape, a NUL, or is not UTF-8");
	}
	if (type != NULL && !is_utf8(type))
		refuse_form(refusal, type, "is not UTF-8");
	return !refusal->is_set;
}

static void
refuse(struct reader *reader, const char *detail)
{
	kg_refusal_add(reader->refusal, KG_PROBLEM_INVALID_REQUEST, reader->pointer, NULL,
	    "%s", detail);
}

static void
set_pointer(struct reader *reader, const struct kg_head_field *field)
{
	size_t len =
	    field->name_len < POINTER_NAME_MAX ? field->name_len : POINTER_NAME_MAX;
	char *out = stpcpy(reader->pointer, "header:");

	for (size_t i = 0; i < len; i++)
		*out++ = lower(field->name[i]);
	*out = '\0';
}

/* Copies the name of the attribute in small letters. False: it is none. */
static bool
take_name(struct reader *reader, const struct kg_head_field *field, char *name)
{
	size_t len = field->name_len - PREFIX_LEN;

	for (size_t i = 0; i < len; i++)
		name[i] = lower(field->name[PREFIX_LEN + i]);
	name[len] = '\0';
	if (!kg_cloudevent_is_name(name, len))
		refuse(reader,
		    "The name of an attribute has the letters a to z and digits only.");
	else if (strcmp(name, "data") == 0)
		refuse(reader, "The data is the body, and no header.");
	else if (strcmp(name, "datacontenttype") == 0)
		refuse(reader, "The type of the data is told by Content-Type.");
	else
		return true;
	return false;
}

/* Decodes a value into the texts. */
static struct kdb_bytes
take_value(struct reader *reader, const struct kg_head_field *field)
{
	char *text = reader->next_text;
	size_t len = kg_router_decode(text, copy_value(field, text));

	reader->next_text = text + len;
	return (struct kdb_bytes){text, len};
}

static void
take_type(struct reader *reader, struct kdb_bytes value)
{
	char detail[80];

	reader->cloudevent->type = value;
	if (value.len <= reader->max_name_bytes)
		return;
	snprintf(detail, sizeof detail, "The event type has more than %zu bytes.",
	    reader->max_name_bytes);
	refuse(reader, detail);
}

static void
take_required(struct reader *reader, enum required attribute, struct kdb_bytes value)
{
	if (attribute == SPECVERSION && !kg_cloudevent_is_version(value))
		refuse(reader, "The specversion must be 1.0.");
	else if (value.len == 0)
		refuse(reader, "The attribute must not be empty.");
	else if (attribute == TYPE)
		take_type(reader, value);
	else if (attribute == SOURCE)
		reader->cloudevent->source = value;
	else if (attribute == ID)
		reader->cloudevent->id = value;
}

static void
put_metadata(struct reader *reader, const char *name, struct kdb_bytes value)
{
	struct kdb_buffer *metadata = &reader->cloudevent->metadata;

	kdb_buffer_put_text(metadata,
	    metadata->len == 0 ? "{\"" KG_CLOUDEVENT_PREFIX : ",\"" KG_CLOUDEVENT_PREFIX);
	kdb_buffer_put_text(metadata, name);
	kdb_buffer_put_text(metadata, "\":");
	kg_json_quote(metadata, value.data, value.len);
}

static void
take_attribute(struct reader *reader, const struct kg_head_field *field, const char *name)
{
	struct kdb_bytes value = take_value(reader, field);

	for (int i = 0; i < REQUIRED_COUNT; i++) {
		if (strcmp(name, required_names[i]) != 0)
			continue;
		reader->has[i] = true;
		take_required(reader, (enum required)i, value);
	}
	put_metadata(reader, name, value);
}

static void
read_field(struct reader *reader, const struct kg_head_field *field)
{
	char *name = kdb_alloc(field->name_len + 1);

	set_pointer(reader, field);
	if (take_name(reader, field, name))
		take_attribute(reader, field, name);
	free(name);
}

static void
check_missing(struct reader *reader)
{
	for (int i = 0; i < REQUIRED_COUNT; i++) {
		if (reader->has[i])
			continue;
		snprintf(reader->pointer, sizeof reader->pointer,
		    "header:" KG_CLOUDEVENT_PREFIX "%s", required_names[i]);
		refuse(reader, "A CloudEvent must have this attribute.");
	}
}

/* Content-Type stands for an attribute, and is the last. */
static void
read_content_type(struct reader *reader)
{
	const struct kg_head_field *field = reader->head->known[KG_FIELD_CONTENT_TYPE];

	if (field != NULL && field->value_len > 0)
		put_metadata(reader, "datacontenttype",
		    (struct kdb_bytes){field->value, field->value_len});
}

static size_t
count_value_bytes(const struct kg_head *head)
{
	size_t len = 0;

	for (size_t i = 0; i < head->field_count; i++)
		if (is_attribute(&head->fields[i]))
			len += head->fields[i].value_len;
	return len;
}

void
kg_cloudevent_read(const struct kg_head *head, size_t max_name_bytes,
    struct kg_cloudevent *cloudevent, struct kg_refusal *refusal)
{
	struct reader reader = {.head = head,
	    .max_name_bytes = max_name_bytes,
	    .cloudevent = cloudevent,
	    .refusal = refusal};

	*cloudevent = (struct kg_cloudevent){0};
	/* As large as a head can make it: it is bounded by max-header-bytes. */
	kdb_buffer_init(&cloudevent->metadata, SIZE_MAX);
	cloudevent->texts = kdb_alloc(count_value_bytes(head) + 1);
	reader.next_text = cloudevent->texts;
	for (size_t i = 0; i < head->field_count; i++)
		if (is_attribute(&head->fields[i]))
			read_field(&reader, &head->fields[i]);
	read_content_type(&reader);
	kdb_buffer_put_char(&cloudevent->metadata, '}');
	check_missing(&reader);
}

void
kg_cloudevent_dispose(struct kg_cloudevent *cloudevent)
{
	kdb_buffer_dispose(&cloudevent->metadata);
	free(cloudevent->texts);
	*cloudevent = (struct kg_cloudevent){0};
}
