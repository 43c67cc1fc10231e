/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict decoder. GnuTLS has one that skips white space and takes 5 to 10 ns a byte,
 * which for a body of 16 MiB would hold up the HTTP loop for 0.1 s; checking what it must
 * not see is nearly all of this file, so the decoding is done here too. Tests compare the
 * two. Owns nothing.
 */
#include "daemon/base64.h"

#include <stdint.h>

/* Above all values of six bits. */
enum { URL = 0x40, BAD = 0x80, NOT_STANDARD = URL | BAD };

/* clang-format off */
#define B BAD
#define U URL
static const uint8_t values[256] = {
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, 62, B, U, B, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, B, B, B, B, B, B, B, 0, 1, 2, 3, 4, 5, 6,
	7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, B, B, B, B, U,
	B, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
	47, 48, 49, 50, 51, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B,
};
#undef B
#undef U
/* clang-format on */

static uint8_t
value_of(char c)
{
	return values[(unsigned char)c];
}

/* What is wrong with digits of which something is. */
static enum kg_base64_result
explain(const char *text, size_t digits, enum kg_base64_result otherwise)
{
	enum kg_base64_result result = otherwise;

	for (size_t i = 0; i < digits; i++) {
		if (value_of(text[i]) & BAD)
			return KG_BASE64_WRONG_CHARACTER;
		if (value_of(text[i]) & URL)
			result = KG_BASE64_URL_ALPHABET;
	}
	return result;
}

static size_t
count_padding(const char *text, size_t len)
{
	if (len == 0 || text[len - 1] != '=')
		return 0;
	return len > 1 && text[len - 2] == '=' ? 2 : 1;
}

/* Decodes groups of four digits; the result has a bit of NOT_STANDARD if one is none. */
static uint8_t
decode_groups(const char *text, size_t count, uint8_t *out)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < count; i++, text += 4, out += 3) {
		uint8_t a = value_of(text[0]), b = value_of(text[1]);
		uint8_t c = value_of(text[2]), d = value_of(text[3]);

		seen |= a | b | c | d;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	return seen;
}

/* Decodes the two or three digits in front of the padding. */
static uint8_t
decode_tail(const char *text, size_t digits, uint8_t *out, bool *is_canonical)
{
	uint8_t a = value_of(text[0]), b = value_of(text[1]);
	uint8_t c = digits == 3 ? value_of(text[2]) : 0;

	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (digits == 3)
		out[1] = (uint8_t)(b << 4 | c >> 2);
	*is_canonical = digits == 3 ? (c & 0x03) == 0 : (b & 0x0f) == 0;
	return a | b | c;
}

size_t
kg_base64_decoded_max(size_t len)
{
	return len / 4 * 3;
}

enum kg_base64_result
kg_base64_decode(const char *text, size_t len, void *out, size_t *out_len)
{
	size_t padding = count_padding(text, len);
	size_t digits = len - padding;
	size_t groups = digits / 4;
	size_t tail = digits % 4;
	uint8_t *bytes = out;
	bool is_canonical = true;
	uint8_t seen;

	if (len % 4 != 0)
		return explain(text, digits, KG_BASE64_WRONG_LENGTH);
	seen = decode_groups(text, groups, bytes);
	if (tail != 0)
		seen |= decode_tail(
		    text + 4 * groups, tail, bytes + 3 * groups, &is_canonical);
	if (seen & NOT_STANDARD)
		return explain(text, digits, KG_BASE64_WRONG_CHARACTER);
	if (!is_canonical)
		return KG_BASE64_WRONG_PADDING;
	*out_len = 3 * groups + (tail == 0 ? 0 : tail - 1);
	return KG_BASE64_OK;
}
