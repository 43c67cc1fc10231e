/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preferences. The input is Prefer headers, one a line. Lines are one line with commas,
 * as long as no quote is left open; what is said to be unknown lies in the input.
 */
#include "daemon/preference.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
read_lines(struct kg_preferences *preferences, const char *text, size_t len)
{
	const char *end = text + len;
	const char *newline;

	while ((newline = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		kg_preferences_add(preferences, text, (size_t)(newline - text));
		text = newline + 1;
	}
	kg_preferences_add(preferences, text, (size_t)(end - text));
}

static void
check_spans(const struct kg_preferences *preferences, const char *text, size_t len)
{
	require(preferences->unknown_count <= KG_PREFERENCES_UNKNOWN_MAX);
	for (size_t i = 0; i < preferences->unknown_count; i++) {
		const char *at = preferences->unknown[i].data;

		require(preferences->unknown[i].len > 0);
		require(at >= text && at + preferences->unknown[i].len <= text + len);
		require(memchr(at, '\n', preferences->unknown[i].len) == NULL);
	}
	require(!preferences->is_strict || !preferences->is_lenient);
	require(preferences->int64_form == KG_INT64_NUMBER || preferences->has_int64);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = fuzz_copy(bytes, len);
	struct kg_preferences lines = {0};
	struct kg_preferences joined = {0};

	read_lines(&lines, text, len);
	check_spans(&lines, text, len);
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			text[i] = ',';
	kg_preferences_add(&joined, text, len);
	if (memchr(text, '"', len) == NULL) {
		require(joined.int64_form == lines.int64_form);
		require(joined.is_strict == lines.is_strict);
		require(joined.is_lenient == lines.is_lenient);
		require(joined.unknown_count == lines.unknown_count);
		require(
		    kg_preferences_applied(&joined) == kg_preferences_applied(&lines));
	}
	free(text);
	return 0;
}
