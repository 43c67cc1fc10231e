/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about characters, answered by libunistring's tables; this file is its home in
 * the daemon. Owns nothing.
 */
#include "daemon/unicode.h"

#include "client-core/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define LAST_ASCII 0x7f
#define LAST_BASIC 0xffff
/* No character below is changed by NFC, nor does one combine with what is in front of it. */
#define FIRST_COMBINING 0x300

/* The character at text, and its length. */
static ucs4_t
read_character(const char *text, size_t len, size_t *char_len)
{
	ucs4_t character = (unsigned char)*text;

	*char_len = 1;
	if (character > LAST_ASCII)
		*char_len = (size_t)u8_mbtouc(&character, (const uint8_t *)text, len);
	return character;
}

bool
kg_unicode_is_blank(const char *text, size_t len)
{
	while (len > 0) {
		size_t char_len;

		if (!uc_is_property_white_space(read_character(text, len, &char_len)))
			return false;
		text += char_len;
		len -= char_len;
	}
	return true;
}

static char
ascii_to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

size_t
kg_unicode_to_upper(const char *text, size_t len, char *out)
{
	char *at = out;

	while (len > 0) {
		size_t char_len;
		ucs4_t character = read_character(text, len, &char_len);

		if (character <= LAST_ASCII)
			*at++ = ascii_to_upper(*text);
		else
			at += u8_uctomb((uint8_t *)at, uc_toupper(character), 6);
		text += char_len;
		len -= char_len;
	}
	return (size_t)(at - out);
}

bool
kg_unicode_is_basic_alphanumeric(const char *text, size_t len, size_t *char_len)
{
	ucs4_t character = read_character(text, len, char_len);

	return character <= LAST_BASIC && uc_is_general_category_withtable(character,
					      UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
}

static bool
has_combining(const char *text, size_t len)
{
	while (len > 0) {
		size_t char_len;

		if (read_character(text, len, &char_len) >= FIRST_COMBINING)
			return true;
		text += char_len;
		len -= char_len;
	}
	return false;
}

/* What could not be normalised for lack of memory stops the process like any allocation. */
static bool
is_normalised_same(const char *text, size_t len)
{
	uint8_t room[512];
	size_t normal_len = sizeof room;
	uint8_t *normal =
	    u8_normalize(UNINORM_NFC, (const uint8_t *)text, len, room, &normal_len);
	bool is_same;

	if (normal == NULL)
		abort();
	is_same = normal_len == len && memcmp(normal, text, len) == 0;
	if (normal != room)
		free(normal);
	return is_same;
}

bool
kg_unicode_is_nfc(const char *text, size_t len)
{
	return !has_combining(text, len) || is_normalised_same(text, len);
}
