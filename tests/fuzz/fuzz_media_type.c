/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media types. The input is the value of a Content-Type and, line by line, of Accept
 * headers. Letter case changes nothing; two lines of Accept are one line with a comma.
 */
#include "daemon/media_type.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *
copy_in_upper_case(const char *text, size_t len)
{
	char *copy = fuzz_copy(text, len);

	for (size_t i = 0; i < len; i++)
		if (copy[i] >= 'a' && copy[i] <= 'z')
			copy[i] = (char)(copy[i] - 'a' + 'A');
	return copy;
}

static void
check_essence(const struct kg_media_type *type, const char *text, size_t len)
{
	const char *slash = memchr(type->essence, '/', type->essence_len);

	require(type->essence >= text && type->essence + type->essence_len <= text + len);
	require(slash != NULL && slash > type->essence);
	require(slash + 1 < type->essence + type->essence_len);
	require(memchr(slash + 1, '/',
		    (size_t)(type->essence + type->essence_len - slash - 1)) == NULL);
	for (size_t i = 0; i < type->essence_len; i++)
		require(isgraph((unsigned char)type->essence[i]));
}

static void
check_type(const char *text, size_t len)
{
	char *upper = copy_in_upper_case(text, len);
	struct kg_media_type type;
	struct kg_media_type again;
	bool is_type = kg_media_type_read(text, len, &type);

	require(kg_media_type_read(upper, len, &again) == is_type);
	if (is_type) {
		check_essence(&type, text, len);
		require(again.essence - upper == type.essence - text);
		require(again.essence_len == type.essence_len);
		require(again.charset == type.charset);
		require(kg_media_type_is(&type, "application/json") ==
			kg_media_type_is(&again, "application/json"));
		require(kg_media_type_has_suffix(&type, "+json") ==
			kg_media_type_has_suffix(&again, "+json"));
	}
	free(upper);
}

/* Adds every line as a header of its own. */
static void
add_lines(struct kg_accept *accept, const char *text, size_t len)
{
	const char *end = text + len;

	for (;;) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline == NULL ? end : newline;

		kg_accept_add(accept, text, (size_t)(stop - text));
		if (newline == NULL)
			return;
		text = newline + 1;
	}
}

static void
check_accept(const char *text, size_t len)
{
	char *joined = fuzz_copy(text, len);
	struct kg_accept lines = {0};
	struct kg_accept one = {0};

	add_lines(&lines, text, len);
	for (size_t i = 0; i < len; i++)
		if (joined[i] == '\n')
			joined[i] = ',';
	kg_accept_add(&one, joined, len);
	/* A quote that one line leaves open would hide the comma; and an empty line is no
	 * header, while a comma alone is one. */
	if (memchr(text, '"', len) == NULL && lines.is_given == one.is_given)
		require(kg_accept_admits_json(&lines) == kg_accept_admits_json(&one));
	kg_accept_add(&one, "application/json", 16);
	if (memchr(text, '"', len) == NULL)
		require(kg_accept_admits_json(&one));
	free(joined);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;

	check_type(text, len);
	check_accept(text, len);
	return 0;
}
