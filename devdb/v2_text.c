/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of .NET about texts, by libunistring's tables of characters. Owns nothing. */
#include "devdb/v2_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define MAX_ASCII 0x7f
#define MAX_BASIC 0xffff

/* The next character; *len bytes of text are left behind it. */
static ucs4_t
next_character(const uint8_t **text, size_t *len)
{
	ucs4_t character;
	int used = u8_mbtouc(&character, *text, *len);

	*text += used;
	*len -= (size_t)used;
	return character;
}

bool
devdb_v2_text_is_blank(const uint8_t *text, size_t len)
{
	while (len > 0) {
		if (!uc_is_property_white_space(next_character(&text, &len)))
			return false;
	}
	return true;
}

bool
devdb_v2_text_is_ascii(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] > MAX_ASCII)
			return false;
	}
	return true;
}

bool
devdb_v2_text_is_nfc(const uint8_t *text, size_t len)
{
	size_t normal_len = 0;
	uint8_t *normal;
	bool is_same;

	if (devdb_v2_text_is_ascii(text, len))
		return true;
	normal = u8_normalize(UNINORM_NFC, text, len, NULL, &normal_len);
	if (!normal) {
		perror("kurrentgate-devdb: u8_normalize");
		abort();
	}
	is_same = normal_len == len && memcmp(normal, text, len) == 0;
	free(normal);
	return is_same;
}

/* .NET's regular expressions look at UTF-16 units, and halves of pairs are no letters. */
static bool
is_name_character(ucs4_t character)
{
	if (character == '_' || character == '.' || character == '$' ||
	    character == ':' || character == '-')
		return true;
	return character <= MAX_BASIC && uc_is_general_category_withtable(character,
					     UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
}

bool
devdb_v2_text_is_schema_name(const uint8_t *text, size_t len)
{
	/* "$" of a regular expression matches before a line feed at the end, too. */
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len == 0)
		return false;
	while (len > 0) {
		if (!is_name_character(next_character(&text, &len)))
			return false;
	}
	return true;
}

/* .NET's simple upper case, which never leads into ASCII from outside (dotless i, long
 * s). */
static ucs4_t
to_upper(ucs4_t character)
{
	ucs4_t upper = uc_toupper(character);

	return upper <= MAX_ASCII && character > MAX_ASCII ? character : upper;
}

void
devdb_v2_text_fold(struct kdb_buffer *out, const uint8_t *text, size_t len)
{
	while (len > 0) {
		uint8_t bytes[6];
		int bytes_len =
		    u8_uctomb(bytes, to_upper(next_character(&text, &len)), sizeof bytes);

		kdb_buffer_put(out, bytes, (size_t)bytes_len);
	}
}

void
devdb_v2_text_put_size(struct kdb_buffer *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
		size /= 1024;
		unit++;
	}
	kdb_buffer_put_printf(out, "%.3f %s", size, units[unit]);
}
