/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_ENTITY_TAG_H
#define KG_ENTITY_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Entity tags of stream metadata: a version in quotes, "3" or "no_stream" (api-design 8),
 * and the lists of tags that conditions carry (RFC 9110, 8.8.3 and 13.1). Pure.
 */

/* 19 digits, two quotes and the NUL. */
enum { KG_ENTITY_TAG_SIZE = 22 };

/* Prints the tag of a version: 0 and above, or KDB_VERSION_NO_STREAM. */
void kg_entity_tag_print(int64_t version, char text[KG_ENTITY_TAG_SIZE]);

struct kg_entity_tag {
	bool is_weak;
	bool has_version; /* else it is a tag that stream metadata never has */
	int64_t version;
};

enum kg_entity_tag_kind {
	KG_ENTITY_TAG_END,
	KG_ENTITY_TAG_ONE,
	KG_ENTITY_TAG_STAR,
	KG_ENTITY_TAG_BROKEN, /* here begins what is no tag; the walk is over */
};

/* What is left of the value of an If-Match or If-None-Match field. */
struct kg_entity_tags {
	const char *at;
	const char *end;
};

/* Reads the next element of the list, past commas and white space. *tag is set only with
 * KG_ENTITY_TAG_ONE. Whether a "*" stands alone is for the caller to see. */
enum kg_entity_tag_kind kg_entity_tags_next(
    struct kg_entity_tags *tags, struct kg_entity_tag *tag);

#endif
