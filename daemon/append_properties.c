/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata as a map of texts. What is good is read once; for what is not, a second walk says
 * where. The properties belong to the reader.
 */
#include "daemon/append_properties.h"

#include "client-core/base/alloc.h"
#include "daemon/equal_texts.h"
#include "daemon/json_text.h"
#include "daemon/unicode.h"

#include <stdlib.h>
#include <string.h>

/* Added by the database itself (wire-protocol 3.6). */
static const char reserved_prefix[] = "$schema.";

static struct kdb_property *
next_property(struct kg_append_reader *reader)
{
	if (reader->property_count == reader->property_capacity) {
		reader->property_capacity =
		    reader->property_capacity == 0 ? 8 : reader->property_capacity * 2;
		reader->properties = kdb_realloc(reader->properties,
		    reader->property_capacity * sizeof *reader->properties);
	}
	return &reader->properties[reader->property_count++];
}

static bool
is_reserved(struct kdb_bytes key)
{
	return key.len >= sizeof reserved_prefix - 1 &&
	       memcmp(key.data, reserved_prefix, sizeof reserved_prefix - 1) == 0;
}

static bool
is_good_key(struct kg_append_reader *reader, const struct kg_json_value *name,
    struct kdb_bytes *key)
{
	return kg_append_reader_text(reader, name, key) && !is_reserved(*key) &&
	       !kg_unicode_is_blank(key->data, key->len);
}

static bool
is_good_value(struct kg_append_reader *reader, const struct kg_json_value *value,
    struct kdb_bytes *text)
{
	*text = (struct kdb_bytes){NULL, 0};
	return value->kind == KG_JSON_STRING &&
	       kg_append_reader_text(reader, value, text);
}

/* A walk through metadata. */
struct walk {
	struct kg_json json;
	bool is_first;
	struct kg_json_value name;
	struct kg_json_value value;
};

static void
start_walk(struct walk *walk, const struct kg_json_value *metadata)
{
	kg_json_init(&walk->json, metadata->start, metadata->len, KG_JSON_DEPTH_MAX);
	walk->is_first = true;
	kg_json_peek(&walk->json);
	kg_json_enter(&walk->json);
}

static bool
step(struct walk *walk)
{
	return kg_json_next_member(&walk->json, &walk->is_first, &walk->name) &&
	       kg_json_read_value(&walk->json, &walk->value);
}

/* Where the properties of one event begin, which are the reader's last. */
static const struct kdb_property *
first_of(const struct kg_append_reader *reader, size_t count)
{
	return reader->properties + reader->property_count - count;
}

/* The answer is to be freed. */
static uint32_t *
find_equal_keys(const struct kg_append_reader *reader, size_t count)
{
	uint32_t *first = kdb_alloc_zero(count, sizeof *first);

	kg_equal_texts_find(
	    &first_of(reader, count)->key, sizeof(struct kdb_property), count, first);
	return first;
}

static bool
has_equal_keys(const struct kg_append_reader *reader, size_t count)
{
	uint32_t *first;
	size_t i = 0;

	if (count < 2)
		return false;
	first = find_equal_keys(reader, count);
	while (i < count && first[i] == i)
		i++;
	free(first);
	return i < count;
}

void
kg_append_properties_read(struct kg_append_reader *reader,
    const struct kg_json_value *metadata, struct kg_append_properties *properties)
{
	struct walk walk;

	*properties = (struct kg_append_properties){0};
	start_walk(&walk, metadata);
	while (step(&walk)) {
		struct kdb_property *property = next_property(reader);
		bool is_good = is_good_key(reader, &walk.name, &property->key);

		is_good &= is_good_value(reader, &walk.value, &property->value);
		properties->has_faults |= !is_good;
		properties->count++;
	}
	properties->has_equal_keys = has_equal_keys(reader, properties->count);
}

static void
report_duplicate(struct kg_append_reader *reader, const char *pointer,
    const struct kg_json_value *name)
{
	struct kg_refusal *refusal = kg_append_reader_shape(reader);
	char *key_pointer;

	if (refusal == NULL)
		return;
	key_pointer = kg_json_text_make_pointer(pointer, name);
	kg_refusal_add(
	    refusal, KG_PROBLEM_DUPLICATE_MEMBER, key_pointer, NULL, "Duplicate member.");
	free(key_pointer);
}

void
kg_append_properties_judge_shape(struct kg_append_reader *reader,
    const struct kg_json_value *metadata, const char *pointer,
    const struct kg_append_properties *properties)
{
	struct walk walk;
	uint32_t *first;

	if (!properties->has_equal_keys)
		return;
	first = find_equal_keys(reader, properties->count);
	start_walk(&walk, metadata);
	for (size_t i = 0; step(&walk) && !kg_append_reader_is_full(reader); i++)
		if (first[i] != i)
			report_duplicate(reader, pointer, &walk.name);
	free(first);
}

static void
break_rule(struct kg_append_reader *reader, const struct walk *walk, const char *pointer,
    enum kg_problem problem, const char *detail)
{
	const char *at = walk->name.start;

	if (kg_rule_findings_wants(reader->rules, at))
		kg_rule_findings_add(reader->rules, at, problem,
		    kg_json_text_make_pointer(pointer, &walk->name), detail);
}

static void
refuse(struct kg_append_reader *reader, const struct walk *walk, const char *pointer,
    const char *detail)
{
	char *key_pointer;

	if (kg_append_reader_values(reader) == NULL)
		return;
	key_pointer = kg_json_text_make_pointer(pointer, &walk->name);
	kg_append_reader_refuse_value(reader, key_pointer, detail);
	free(key_pointer);
}

static void
judge_key(struct kg_append_reader *reader, const struct walk *walk, const char *pointer)
{
	struct kdb_bytes key;

	if (!kg_append_reader_text(reader, &walk->name, &key))
		refuse(reader, walk, pointer,
		    "The key of the metadata has half of a surrogate pair.");
	else if (kg_unicode_is_blank(key.data, key.len))
		refuse(reader, walk, pointer,
		    "The key of the metadata is empty or all white space.");
	else if (is_reserved(key))
		break_rule(reader, walk, pointer, KG_PROBLEM_RESERVED_METADATA_KEY,
		    "Keys that begin with $schema. are added by the database itself.");
}

static void
judge_value(struct kg_append_reader *reader, const struct walk *walk, const char *pointer)
{
	struct kdb_bytes text;

	if (walk->value.kind != KG_JSON_STRING)
		break_rule(reader, walk, pointer, KG_PROBLEM_METADATA_NOT_STRINGS,
		    "The values of metadata must be strings here.");
	else if (!kg_append_reader_text(reader, &walk->value, &text))
		refuse(reader, walk, pointer,
		    "The value in the metadata has half of a surrogate pair.");
}

void
kg_append_properties_judge_values(struct kg_append_reader *reader,
    const struct kg_json_value *metadata, const char *pointer)
{
	struct walk walk;

	start_walk(&walk, metadata);
	while (step(&walk)) {
		judge_key(reader, &walk, pointer);
		judge_value(reader, &walk, pointer);
	}
}

const struct kdb_property *
kg_append_properties_place(struct kdb_event *event, const struct kdb_property *properties)
{
	event->properties = properties;
	return event->property_count == 0 ? properties
					  : properties + event->property_count;
}
