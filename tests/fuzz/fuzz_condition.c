/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If-Match and If-None-Match. The input is the value of either, or several lines of the
 * second. A tag that is taken is printed again as it was written; what is a condition of a
 * write is a list for a read; lines are one line with commas.
 */
#include "client-core/error.h"
#include "daemon/condition.h"
#include "daemon/entity_tag.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static bool
is_filler(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* The element without what may stand around it. */
static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && is_filler(**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_filler((*text)[*len - 1]))
		(*len)--;
}

static void
check_spelling(const struct kg_condition *condition, const char *text, size_t len)
{
	char tag[2 + KG_ENTITY_TAG_SIZE] = "W/";
	const size_t prefix_len = condition->is_weak ? 2 : 0;

	if (condition->expected_version == KDB_VERSION_EXISTS) {
		require(len == 1 && *text == '*');
		return;
	}
	require(condition->expected_version >= KDB_VERSION_NO_STREAM);
	kg_entity_tag_print(condition->expected_version, tag + prefix_len);
	require(strlen(tag) == len && memcmp(tag, text, len) == 0);
}

static void
check_if_match(const char *text, size_t len)
{
	struct kg_known_versions known = {0};
	struct kg_condition condition;

	if (kg_condition_read_if_match(text, len, &condition) != NULL)
		return;
	require(kg_known_versions_add(&known, text, len));
	require(kg_known_versions_have(&known, condition.expected_version));
	kg_known_versions_dispose(&known);
	trim(&text, &len);
	check_spelling(&condition, text, len);
}

static void
check_if_none_match(const char *text, size_t len)
{
	struct kg_condition condition;

	if (kg_condition_read_if_none_match(text, len, &condition) != NULL)
		return;
	require(condition.expected_version == KDB_VERSION_NO_STREAM);
	require(!condition.is_weak);
	trim(&text, &len);
	require(len == 1 && *text == '*');
}

static bool
add_lines(struct kg_known_versions *known, const char *text, size_t len)
{
	const char *end = text + len;

	for (;;) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline == NULL ? end : newline;

		if (!kg_known_versions_add(known, text, (size_t)(stop - text)))
			return false;
		if (newline == NULL)
			return true;
		text = newline + 1;
	}
}

static void
check_equal(const struct kg_known_versions *one, const struct kg_known_versions *other)
{
	require(one->has_star == other->has_star && one->count == other->count);
	for (size_t i = 0; i < one->count; i++)
		require(kg_known_versions_have(other, one->versions[i]));
}

static void
check_lines(const char *text, size_t len)
{
	char *joined = fuzz_copy(text, len);
	struct kg_known_versions lines = {0};
	struct kg_known_versions one = {0};

	for (size_t i = 0; i < len; i++)
		if (joined[i] == '\n')
			joined[i] = ',';
	if (add_lines(&lines, text, len)) {
		require(kg_known_versions_add(&one, joined, len));
		check_equal(&lines, &one);
	}
	kg_known_versions_dispose(&lines);
	kg_known_versions_dispose(&one);
	free(joined);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;

	check_if_match(text, len);
	check_if_none_match(text, len);
	check_lines(text, len);
	return 0;
}
