/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of HTTP as expectations of the database. Owns the versions that a client
 * says it has. */
#include "daemon/condition.h"

#include "client-core/base/alloc.h"
#include "client-core/error.h"
#include "daemon/entity_tag.h"

#include <stdlib.h>

static const char form[] =
    "Neither * nor one entity tag in quotes, such as \"3\" or \"no_stream\", as the last "
    "GET gave it.";
static const char no_such_tag[] =
    "Stream metadata never has this tag: \"no_stream\", or the digits of a version from "
    "0 to 9223372036854775807, in quotes.";
static const char star_only[] =
    "A write takes * alone here, which says that the metadata was never set.";

/* Reads the only element of a list; one of several counts as broken. */
static enum kg_entity_tag_kind
read_one(const char *value, size_t len, struct kg_entity_tag *tag)
{
	struct kg_entity_tags tags = {value, value + len};
	const enum kg_entity_tag_kind kind = kg_entity_tags_next(&tags, tag);
	struct kg_entity_tag surplus;

	if (kg_entity_tags_next(&tags, &surplus) != KG_ENTITY_TAG_END)
		return KG_ENTITY_TAG_BROKEN;
	return kind;
}

const char *
kg_condition_read_if_match(const char *value, size_t len, struct kg_condition *condition)
{
	struct kg_entity_tag tag;

	switch (read_one(value, len, &tag)) {
	case KG_ENTITY_TAG_STAR:
		*condition =
		    (struct kg_condition){.expected_version = KDB_VERSION_EXISTS};
		return NULL;
	case KG_ENTITY_TAG_ONE:
		if (!tag.has_version)
			return no_such_tag;
		*condition = (struct kg_condition){
		    .expected_version = tag.version, .is_weak = tag.is_weak};
		return NULL;
	case KG_ENTITY_TAG_END:
	case KG_ENTITY_TAG_BROKEN:
		break;
	}
	return form;
}

const char *
kg_condition_read_if_none_match(
    const char *value, size_t len, struct kg_condition *condition)
{
	struct kg_entity_tag tag;

	if (read_one(value, len, &tag) != KG_ENTITY_TAG_STAR)
		return star_only;
	*condition = (struct kg_condition){.expected_version = KDB_VERSION_NO_STREAM};
	return NULL;
}

static void
add_version(struct kg_known_versions *known, int64_t version)
{
	if (known->count == known->capacity) {
		known->capacity = known->capacity == 0 ? 4 : 2 * known->capacity;
		known->versions = kdb_realloc(
		    known->versions, known->capacity * sizeof(*known->versions));
	}
	known->versions[known->count++] = version;
}

bool
kg_known_versions_add(struct kg_known_versions *known, const char *value, size_t len)
{
	struct kg_entity_tags tags = {value, value + len};
	enum kg_entity_tag_kind kind;
	struct kg_entity_tag tag;

	while ((kind = kg_entity_tags_next(&tags, &tag)) != KG_ENTITY_TAG_END) {
		if (kind == KG_ENTITY_TAG_BROKEN || known->has_star)
			return false;
		if (kind == KG_ENTITY_TAG_STAR) {
			known->has_star = true;
			if (known->has_tags)
				return false;
			continue;
		}
		known->has_tags = true;
		if (tag.has_version)
			add_version(known, tag.version);
	}
	return true;
}

bool
kg_known_versions_have(const struct kg_known_versions *known, int64_t version)
{
	if (known->has_star)
		return true;
	for (size_t i = 0; i < known->count; i++)
		if (known->versions[i] == version)
			return true;
	return false;
}

void
kg_known_versions_dispose(struct kg_known_versions *known)
{
	free(known->versions);
	*known = (struct kg_known_versions){0};
}
