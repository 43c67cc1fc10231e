/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as the server's runtime sees it: names arrive as bytes, and what is not UTF-8 in
 * them is stored with replacement characters. Owns nothing. */
#include "devdb/text.h"

static const char replacement[] = "\xef\xbf\xbd";

static bool
is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The second byte decides about overlong forms, surrogates and the end of Unicode. */
static bool
is_second_byte(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return is_continuation(second);
	}
}

static size_t
sequence_len(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* Length of the character at the start, or 0 with *bad_len = the bytes that one
 * replacement character stands for. */
static size_t
next_char(const uint8_t *bytes, size_t len, size_t *bad_len)
{
	size_t want = sequence_len(bytes[0]);
	size_t have = 1;

	*bad_len = 1;
	if (want < 2)
		return want;
	if (len < 2 || !is_second_byte(bytes[0], bytes[1]))
		return 0;
	for (have = 2; have < want; have++) {
		if (have == len || !is_continuation(bytes[have])) {
			*bad_len = have;
			return 0;
		}
	}
	return want;
}

bool
devdb_text_is_utf8(const uint8_t *bytes, size_t len)
{
	size_t bad_len;

	for (size_t at = 0; at < len;) {
		size_t step = next_char(bytes + at, len - at, &bad_len);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

void
devdb_text_repair(struct kdb_buffer *out, const uint8_t *bytes, size_t len)
{
	size_t bad_len;

	for (size_t at = 0; at < len;) {
		size_t step = next_char(bytes + at, len - at, &bad_len);

		if (step == 0)
			kdb_buffer_put(out, replacement, sizeof replacement - 1);
		else
			kdb_buffer_put(out, bytes + at, step);
		at += step ? step : bad_len;
	}
}

size_t
devdb_text_utf16_units(const uint8_t *bytes, size_t len)
{
	size_t units = 0;

	for (size_t at = 0; at < len; at++) {
		if (!is_continuation(bytes[at]))
			units += bytes[at] >= 0xf0 ? 2 : 1;
	}
	return units;
}
