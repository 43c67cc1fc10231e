/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags as versions, and back. Owns nothing. */
#include "daemon/entity_tag.h"

#include "client-core/error.h"
#include "daemon/json_text.h"
#include "daemon/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
kg_entity_tag_print(int64_t version, char text[KG_ENTITY_TAG_SIZE])
{
	const char *word = kg_version_word(version);

	if (word != NULL)
		snprintf(text, KG_ENTITY_TAG_SIZE, "\"%s\"", word);
	else
		snprintf(text, KG_ENTITY_TAG_SIZE, "\"%" PRId64 "\"", version);
}

/* One spelling for each version, so that a tag can be compared byte by byte. */
static bool
read_version(const char *text, size_t len, int64_t *version)
{
	static const char no_stream[] = "no_stream";

	if (len == sizeof(no_stream) - 1 && memcmp(text, no_stream, len) == 0) {
		*version = KDB_VERSION_NO_STREAM;
		return true;
	}
	return kg_json_text_read_int64(text, len, version) == KG_JSON_INT_OK &&
	       *version >= 0;
}

static bool
is_tag_char(char c)
{
	const unsigned char byte = (unsigned char)c;

	return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* After an element comes a comma, or the end. */
static bool
end_element(struct kg_entity_tags *tags)
{
	while (tags->at < tags->end && is_blank(*tags->at))
		tags->at++;
	return tags->at == tags->end || *tags->at == ',';
}

static bool
read_tag(struct kg_entity_tags *tags, struct kg_entity_tag *tag)
{
	const char *opaque;

	*tag = (struct kg_entity_tag){0};
	if (tags->end - tags->at >= 2 && memcmp(tags->at, "W/", 2) == 0) {
		tag->is_weak = true;
		tags->at += 2;
	}
	if (tags->at == tags->end || *tags->at != '"')
		return false;
	opaque = ++tags->at;
	while (tags->at < tags->end && is_tag_char(*tags->at))
		tags->at++;
	if (tags->at == tags->end || *tags->at != '"')
		return false;
	tag->has_version =
	    read_version(opaque, (size_t)(tags->at - opaque), &tag->version);
	tags->at++;
	return end_element(tags);
}

enum kg_entity_tag_kind
kg_entity_tags_next(struct kg_entity_tags *tags, struct kg_entity_tag *tag)
{
	while (tags->at < tags->end && (is_blank(*tags->at) || *tags->at == ','))
		tags->at++;
	if (tags->at == tags->end)
		return KG_ENTITY_TAG_END;
	if (*tags->at == '*') {
		tags->at++;
		return end_element(tags) ? KG_ENTITY_TAG_STAR : KG_ENTITY_TAG_BROKEN;
	}
	return read_tag(tags, tag) ? KG_ENTITY_TAG_ONE : KG_ENTITY_TAG_BROKEN;
}
