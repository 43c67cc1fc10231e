/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of bodies with events share: findings by step, decoded bytes, members
 * that are refused. Owns the chain of decoded bytes.
 */
#include "daemon/append_reader.h"

#include "client-core/base/alloc.h"
#include "daemon/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kg_append_storage {
	struct kg_append_storage *next;
	size_t used, size;
	char bytes[];
};

/* Small texts share a block of this size, which malloc() has at hand for each thread. */
enum { BLOCK_SIZE = 1024 - sizeof(struct kg_append_storage) };

void
kg_append_storage_free(struct kg_append_storage *storage)
{
	while (storage != NULL) {
		struct kg_append_storage *next = storage->next;

		free(storage);
		storage = next;
	}
}

static void
add_block(struct kg_append_reader *reader, size_t wanted)
{
	size_t size = wanted > BLOCK_SIZE ? wanted : BLOCK_SIZE;
	struct kg_append_storage *block = kdb_alloc(sizeof *block + size);

	block->next = reader->storage;
	block->used = 0;
	block->size = size;
	reader->storage = block;
}

char *
kg_append_reader_store(struct kg_append_reader *reader, size_t size)
{
	struct kg_append_storage *block = reader->storage;
	char *bytes;

	if (block == NULL || block->size - block->used < size) {
		add_block(reader, size);
		block = reader->storage;
	}
	bytes = block->bytes + block->used;
	block->used += size;
	return bytes;
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

struct kg_refusal *
kg_append_reader_values(struct kg_append_reader *reader)
{
	if (reader->has_shape_finding ||
	    reader->refusal->finding_count == KG_FINDINGS_MAX)
		return NULL;
	return reader->refusal;
}

bool
kg_append_reader_is_full(const struct kg_append_reader *reader)
{
	return reader->has_shape_finding &&
	       reader->refusal->finding_count == KG_FINDINGS_MAX;
}

void
kg_append_reader_refuse_shape(struct kg_append_reader *reader, enum kg_problem problem,
    const char *pointer, const char *hint, const char *detail)
{
	struct kg_refusal *refusal = kg_append_reader_shape(reader);

	if (refusal != NULL)
		kg_refusal_add(refusal, problem, pointer, hint, "%s", detail);
}

void
kg_append_reader_refuse_value(
    struct kg_append_reader *reader, const char *pointer, const char *detail)
{
	struct kg_refusal *refusal = kg_append_reader_values(reader);

	if (refusal != NULL)
		kg_refusal_add(
		    refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL, "%s", detail);
}

void
kg_append_reader_refuse_kind(struct kg_append_reader *reader, const char *pointer,
    const char *wanted, enum kg_json_kind kind)
{
	char detail[80];

	snprintf(detail, sizeof detail, "%s, not %s.", wanted, kg_json_kind_name(kind));
	kg_append_reader_refuse_shape(
	    reader, KG_PROBLEM_INVALID_REQUEST, pointer, NULL, detail);
}

/* "Known are a, b and c." */
static void
print_known(char hint[KG_FINDING_TEXT_SIZE], const char *const *names)
{
	size_t len = (size_t)snprintf(hint, KG_FINDING_TEXT_SIZE, "Known are ");

	for (size_t i = 0; names[i] != NULL && len < KG_FINDING_TEXT_SIZE; i++)
		len += (size_t)snprintf(hint + len, KG_FINDING_TEXT_SIZE - len, "%s%s",
		    i == 0                 ? ""
		    : names[i + 1] == NULL ? " and "
					   : ", ",
		    names[i]);
	if (len < KG_FINDING_TEXT_SIZE)
		snprintf(hint + len, KG_FINDING_TEXT_SIZE - len, ".");
}

static void
report_unknown(struct kg_refusal *refusal, const char *pointer,
    const struct kg_json_value *name, const char *const *names)
{
	const char *nearest = kg_json_text_find_nearest(name, names);
	char hint[KG_FINDING_TEXT_SIZE];

	if (nearest != NULL)
		snprintf(hint, sizeof hint, "Did you mean \"%s\"?", nearest);
	else
		print_known(hint, names);
	kg_refusal_add(
	    refusal, KG_PROBLEM_UNKNOWN_MEMBER, pointer, hint, "Unknown member.");
}

void
kg_append_reader_report_member(struct kg_append_reader *reader, const char *prefix,
    const struct kg_json_value *name, const char *const *names, bool is_duplicate)
{
	struct kg_refusal *refusal = kg_append_reader_shape(reader);
	char *pointer;

	if (refusal == NULL)
		return;
	pointer = kg_json_text_make_pointer(prefix, name);
	if (is_duplicate)
		kg_refusal_add(refusal, KG_PROBLEM_DUPLICATE_MEMBER, pointer, NULL,
		    "Duplicate member.");
	else
		report_unknown(refusal, pointer, name, names);
	free(pointer);
}

void
kg_append_reader_skip_member(struct kg_append_reader *reader, const char *prefix,
    const struct kg_json_value *name, const char *const *names, bool is_duplicate)
{
	struct kg_json_value value;

	if (kg_json_read_value(&reader->json, &value))
		kg_append_reader_report_member(reader, prefix, name, names, is_duplicate);
}

void
kg_append_reader_print_pointer(
    const struct kg_append_reader *reader, char pointer[KG_EVENT_POINTER_SIZE])
{
	if (reader->prefix == NULL)
		pointer[0] = '\0';
	else
		snprintf(pointer, KG_EVENT_POINTER_SIZE, "%s/%zu", reader->prefix,
		    reader->index);
}

enum { MEMBER_POINTER_SIZE = KG_EVENT_POINTER_SIZE + 32 };

static void
print_member_pointer(const struct kg_append_reader *reader, const char *name,
    char pointer[MEMBER_POINTER_SIZE])
{
	char own_pointer[KG_EVENT_POINTER_SIZE];

	kg_append_reader_print_pointer(reader, own_pointer);
	snprintf(pointer, MEMBER_POINTER_SIZE, "%s/%s", own_pointer, name);
}

void
kg_append_reader_refuse_member(struct kg_append_reader *reader, const char *name,
    const char *hint, const char *detail)
{
	struct kg_refusal *refusal = kg_append_reader_values(reader);
	char pointer[MEMBER_POINTER_SIZE];

	if (refusal == NULL)
		return;
	print_member_pointer(reader, name, pointer);
	kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, pointer, hint, "%s", detail);
}

void
kg_append_reader_refuse_member_kind(struct kg_append_reader *reader, const char *name,
    const char *wanted, enum kg_json_kind kind)
{
	char pointer[MEMBER_POINTER_SIZE];

	if (kg_append_reader_is_full(reader))
		return;
	print_member_pointer(reader, name, pointer);
	kg_append_reader_refuse_kind(reader, pointer, wanted, kind);
}

void
kg_append_reader_refuse_missing(struct kg_append_reader *reader, const char *name,
    const char *hint, const char *detail)
{
	char pointer[MEMBER_POINTER_SIZE];

	if (kg_append_reader_is_full(reader))
		return;
	print_member_pointer(reader, name, pointer);
	kg_append_reader_refuse_shape(
	    reader, KG_PROBLEM_INVALID_REQUEST, pointer, hint, detail);
}

void
kg_append_reader_skip_own_member(struct kg_append_reader *reader,
    const struct kg_json_value *name, const char *const *names, bool is_duplicate)
{
	char pointer[KG_EVENT_POINTER_SIZE] = "";

	if (!kg_append_reader_is_full(reader))
		kg_append_reader_print_pointer(reader, pointer);
	kg_append_reader_skip_member(reader, pointer, name, names, is_duplicate);
}

void
kg_append_reader_refuse_element(struct kg_append_reader *reader, const char *wanted)
{
	char pointer[KG_EVENT_POINTER_SIZE];
	struct kg_json_value value;

	if (!kg_json_read_value(&reader->json, &value) ||
	    kg_append_reader_is_full(reader))
		return;
	kg_append_reader_print_pointer(reader, pointer);
	kg_append_reader_refuse_kind(reader, pointer, wanted, value.kind);
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
		decoded = kg_append_reader_store(reader, value->len);
		is_whole = kg_json_text_decode(value, decoded, &text->len);
		text->data = decoded;
	}
	return is_whole;
}

bool
kg_append_reader_name(struct kg_append_reader *reader, const struct kg_json_value *value,
    struct kdb_bytes *name, char fault[KG_STREAM_NAME_FAULT_SIZE])
{
	if (kg_append_reader_text(reader, value, name))
		return kg_stream_name_check(*name, reader->limits->max_name_bytes, fault);
	snprintf(fault, KG_STREAM_NAME_FAULT_SIZE,
	    "The stream name has half of a surrogate pair.");
	return false;
}

void
kg_append_reader_read_stream_name(
    struct kg_append_reader *reader, struct kdb_bytes *name, const char **at)
{
	struct kg_json_value value;
	char fault[KG_STREAM_NAME_FAULT_SIZE];

	if (!kg_json_read_value(&reader->json, &value))
		return;
	*at = value.start;
	if (value.kind != KG_JSON_STRING)
		kg_append_reader_refuse_member_kind(reader, "stream_name",
		    "stream_name must be a string", value.kind);
	else if (!kg_append_reader_name(reader, &value, name, fault))
		kg_append_reader_refuse_member(reader, "stream_name", NULL, fault);
}

bool
kg_append_reader_expectation(
    struct kg_append_reader *reader, const struct kg_json_value *value, int64_t *version)
{
	struct kdb_bytes text = {value->start, value->len};

	if (value->kind == KG_JSON_STRING)
		kg_append_reader_text(reader, value, &text);
	return kg_expectation_read(text.data, text.len, version);
}

void
kg_append_reader_refuse_syntax(
    struct kg_refusal *refusal, const struct kg_json *json, const char *place)
{
	size_t offset = kg_json_error_offset(json);

	kg_refusal_dispose(refusal);
	kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_JSON, "%sbyte %zu: %s", place,
	    offset, json->error);
	refusal->byte_offset = (int64_t)offset;
}

bool
kg_append_reader_settle(struct kg_append_reader *reader, const char *place)
{
	if (kg_json_has_failed(&reader->json))
		kg_append_reader_refuse_syntax(reader->refusal, &reader->json, place);
	return !reader->refusal->is_set;
}

void
kg_append_reader_refuse_too_many(
    struct kg_append_reader *reader, const char *unit, size_t limit, size_t actual)
{
	struct kg_refusal *refusal = reader->refusal;

	kg_refusal_set(refusal, KG_PROBLEM_APPEND_TOO_LARGE,
	    "The request has %zu %s, the gateway takes %zu in one append.", actual, unit,
	    limit);
	refusal->limit_unit = unit;
	refusal->limit = (int64_t)limit;
	refusal->actual = (int64_t)actual;
	refusal->enforced_by = "gateway";
}
