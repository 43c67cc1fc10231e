/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream may be called, and which names the database would mix up. Owns nothing. */
#include "daemon/stream_name.h"

#include "client-core/base/alloc.h"
#include "daemon/equal_texts.h"
#include "daemon/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_text(struct kdb_bytes name, const char *text)
{
	return name.len == strlen(text) && memcmp(name.data, text, name.len) == 0;
}

bool
kg_stream_name_check(
    struct kdb_bytes name, size_t max_bytes, char fault[KG_STREAM_NAME_FAULT_SIZE])
{
	const char *words = NULL;

	if (name.len > max_bytes) {
		snprintf(fault, KG_STREAM_NAME_FAULT_SIZE,
		    "The stream name has %zu bytes, %zu are allowed.", name.len,
		    max_bytes);
		return false;
	}
	if (name.len == 0)
		words = "The stream name is empty.";
	else if (kg_unicode_is_blank(name.data, name.len))
		words = "The stream name is all white space.";
	else if (is_text(name, "$$") || is_text(name, "$all"))
		words = "This stream name is reserved by the database.";
	else if (memchr(name.data, '\0', name.len) != NULL)
		words = "The stream name holds U+0000.";
	if (words != NULL)
		snprintf(fault, KG_STREAM_NAME_FAULT_SIZE, "%s", words);
	return words == NULL;
}

bool
kg_stream_name_is_metadata(struct kdb_bytes name)
{
	return name.len > 2 && memcmp(name.data, "$$", 2) == 0;
}

/* Upper-case copies in one block, which is returned; those of equal names are one. */
static char *
make_upper(const struct kdb_bytes *names, size_t count, const uint32_t *same,
    struct kdb_bytes *upper)
{
	size_t room = 0;
	char *block, *at;

	for (size_t i = 0; i < count; i++)
		if (same[i] == i)
			room += KG_UNICODE_UPPER_MAX(names[i].len);
	block = at = kdb_alloc(room);
	for (size_t i = 0; i < count; i++) {
		if (same[i] != i) {
			upper[i] = upper[same[i]];
			continue;
		}
		upper[i].data = at;
		upper[i].len = kg_unicode_to_upper(names[i].data, names[i].len, at);
		at += upper[i].len;
	}
	return block;
}

void
kg_stream_name_match(
    const struct kdb_bytes *names, size_t count, uint32_t *same, uint32_t *variant)
{
	struct kdb_bytes *upper = kdb_alloc_zero(count, sizeof *upper);
	char *block;

	kg_equal_texts_find(names, sizeof *names, count, same);
	block = make_upper(names, count, same, upper);
	kg_equal_texts_find(upper, sizeof *upper, count, variant);
	free(block);
	free(upper);
}
