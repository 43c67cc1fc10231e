/* SPDX-License-Identifier: Apache-2.0 */
/* A record's properties as one map. Owns the list of its entries. */
#include "devdb/v2_properties.h"

#include "client-core/base/alloc.h"
#include "devdb/v2_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAP Google__Protobuf__Struct
#define ENTRY Google__Protobuf__Struct__FieldsEntry
#define VALUE Google__Protobuf__Value

/* What the server and its reader add: format, schema id and name. */
#define MAX_ADDED 4

/* An entry without a value has one without a kind. */
static VALUE kindless = GOOGLE__PROTOBUF__VALUE__INIT;

struct ranked {
	ENTRY *entry;
	size_t index;
};

static int
compare_keys(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left;
	const struct ranked *b = right;
	int order = compare_keys(a->entry->key, b->entry->key);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void
drop_gaps(MAP *map)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->n_fields; i++) {
		if (map->fields[i])
			map->fields[kept++] = map->fields[i];
	}
	map->n_fields = kept;
}

static void
drop_equal_keys(MAP *map)
{
	struct ranked *ranked;
	size_t first = 0;

	if (map->n_fields < 2)
		return;
	ranked = kdb_alloc_zero(map->n_fields, sizeof *ranked);
	for (size_t i = 0; i < map->n_fields; i++)
		ranked[i] = (struct ranked){map->fields[i], i};
	qsort(ranked, map->n_fields, sizeof *ranked, compare_ranked);
	for (size_t i = 1; i < map->n_fields; i++) {
		if (compare_keys(ranked[i].entry->key, ranked[first].entry->key) != 0) {
			first = i;
			continue;
		}
		ranked[first].entry->value = ranked[i].entry->value;
		map->fields[ranked[i].index] = NULL;
	}
	drop_gaps(map);
	free(ranked);
}

static void clean_map(MAP *map);

static void
clean_value(const VALUE *value)
{
	if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE)
		clean_map(value->struct_value);
	if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE) {
		for (size_t i = 0; i < value->list_value->n_values; i++)
			clean_value(value->list_value->values[i]);
	}
}

/* Makes the map, at every depth, what the server's is. */
static void
clean_map(MAP *map)
{
	drop_equal_keys(map);
	for (size_t i = 0; i < map->n_fields; i++) {
		/* The server does not count an empty key. */
		map->fields[i]->has_key = map->fields[i]->key.len > 0;
		if (!map->fields[i]->value)
			map->fields[i]->value = &kindless;
		clean_value(map->fields[i]->value);
	}
}

void
devdb_v2_properties_init(struct devdb_v2_properties *properties,
    const Kurrentdb__Protocol__V2__Streams__AppendRecord *record)
{
	size_t count = record->n_properties;

	properties->map = (MAP)GOOGLE__PROTOBUF__STRUCT__INIT;
	properties->entries =
	    kdb_alloc_zero(count + MAX_ADDED, sizeof *properties->entries);
	properties->map.fields =
	    kdb_alloc_zero(count + MAX_ADDED, sizeof *properties->map.fields);
	properties->map.n_fields = properties->entries_used = count;
	for (size_t i = 0; i < count; i++) {
		ENTRY *entry = properties->map.fields[i] = &properties->entries[i];

		*entry = (ENTRY)GOOGLE__PROTOBUF__STRUCT__FIELDS_ENTRY__INIT;
		if (record->properties[i]->has_key)
			entry->key = record->properties[i]->key;
		entry->value = record->properties[i]->value;
	}
	clean_map(&properties->map);
}

void
devdb_v2_properties_dispose(struct devdb_v2_properties *properties)
{
	free(properties->map.fields);
	free(properties->entries);
}

static ENTRY *
find(const struct devdb_v2_properties *properties, const char *key)
{
	for (size_t i = 0; i < properties->map.n_fields; i++) {
		ENTRY *entry = properties->map.fields[i];

		if (entry->key.len == strlen(key) &&
		    memcmp(entry->key.data, key, entry->key.len) == 0)
			return entry;
	}
	return NULL;
}

bool
devdb_v2_properties_add(
    struct devdb_v2_properties *properties, const char *key, VALUE *value)
{
	ENTRY *entry = find(properties, key);

	if (entry)
		return false;
	entry = &properties->entries[properties->entries_used++];
	*entry = (ENTRY)GOOGLE__PROTOBUF__STRUCT__FIELDS_ENTRY__INIT;
	entry->has_key = true;
	entry->key.data = (uint8_t *)key;
	entry->key.len = strlen(key);
	entry->value = value;
	properties->map.fields[properties->map.n_fields++] = entry;
	return true;
}

void
devdb_v2_properties_set(
    struct devdb_v2_properties *properties, const char *key, VALUE *value)
{
	ENTRY *entry = find(properties, key);

	if (entry)
		entry->value = value;
	else
		devdb_v2_properties_add(properties, key, value);
}

size_t
devdb_v2_properties_size(const struct devdb_v2_properties *properties)
{
	return protobuf_c_message_get_packed_size(&properties->map.base);
}

bool
devdb_v2_properties_print(
    const struct devdb_v2_properties *properties, struct kdb_buffer *out)
{
	return devdb_v2_json_put_struct(out, &properties->map);
}

VALUE
devdb_v2_properties_text(const void *text, size_t len)
{
	VALUE value = GOOGLE__PROTOBUF__VALUE__INIT;

	value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
	value.string_value.data = (uint8_t *)text;
	value.string_value.len = len;
	return value;
}
