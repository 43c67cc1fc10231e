/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scanner's spans say: integers, strings with escapes, names of members. Owns
 * nothing.
 */
#include "daemon/json_text.h"

#include "client-core/base/alloc.h"
#include "client-core/base/name_distance.h"

#include <stdlib.h>
#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum kg_json_int
kg_json_text_read_int64(const char *text, size_t len, int64_t *value)
{
	bool is_negative = len > 0 && text[0] == '-';
	size_t i = is_negative ? 1 : 0;
	int64_t sum = 0; /* kept negative: that side is longer by one */
	bool is_too_large = false;

	if (i == len || (text[i] == '0' && (is_negative || len > 1)))
		return KG_JSON_INT_MALFORMED;
	for (; i < len; i++) {
		if (!is_digit(text[i]))
			return KG_JSON_INT_MALFORMED;
		if (is_too_large || __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_sub_overflow(sum, text[i] - '0', &sum))
			is_too_large = true;
	}
	if (is_too_large || (!is_negative && sum == INT64_MIN))
		return KG_JSON_INT_OUT_OF_RANGE;
	*value = is_negative ? sum : -sum;
	return KG_JSON_INT_OK;
}

/* The value of a hexadecimal digit. */
static uint32_t
hex_value(char c)
{
	return (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The four digits of an escape, which the scanner has checked. */
static uint32_t
read_hex4(const char *at)
{
	return hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 |
	       hex_value(at[3]);
}

static size_t
put_utf8(uint32_t character, char *out)
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (char)(0xc0 | character >> 6);
		out[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (char)(0xe0 | character >> 12);
		out[1] = (char)(0x80 | (character >> 6 & 0x3f));
		out[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | character >> 18);
	out[1] = (char)(0x80 | (character >> 12 & 0x3f));
	out[2] = (char)(0x80 | (character >> 6 & 0x3f));
	out[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

static bool
is_high_surrogate(uint32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low_surrogate(uint32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Decodes the \u escape at `at`, or the pair of them that makes one character. *is_lone:
 * half a pair. Returns the place behind it. */
static const char *
decode_unicode_escape(const char *at, const char *end, uint32_t *character, bool *is_lone)
{
	uint32_t unit = read_hex4(at + 2);
	uint32_t low;

	at += 6;
	*is_lone = false;
	*character = unit;
	if (is_high_surrogate(unit) && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
		low = read_hex4(at + 2);
		if (is_low_surrogate(low)) {
			*character = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
			return at + 6;
		}
	}
	if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
		*is_lone = true;
		*character = 0xfffd;
	}
	return at;
}

static char
decode_short_escape(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return c;
	}
}

bool
kg_json_text_decode(const struct kg_json_value *value, char *out, size_t *out_len)
{
	const char *at = value->start + 1;
	const char *end = value->start + value->len - 1;
	char *start = out;
	bool is_whole = true;

	while (at < end) {
		const char *backslash = memchr(at, '\\', (size_t)(end - at));
		size_t run = (size_t)((backslash == NULL ? end : backslash) - at);
		uint32_t character;
		bool is_lone;

		memcpy(out, at, run);
		out += run;
		at += run;
		if (at == end)
			break;
		if (at[1] == 'u') {
			at = decode_unicode_escape(at, end, &character, &is_lone);
			out += put_utf8(character, out);
			is_whole = is_whole && !is_lone;
		} else {
			*out++ = decode_short_escape(at[1]);
			at += 2;
		}
	}
	*out_len = (size_t)(out - start);
	return is_whole;
}

/* Texts that are compared with names of ours; longer ones match none of them. */
enum { NAME_SOURCE_MAX = 6 * 64 };

/* Decodes a name for comparing, into out[NAME_SOURCE_MAX]. False: too long to be one of
 * ours, or no text. */
static bool
decode_name(const struct kg_json_value *name, char *out, size_t *len)
{
	return name->len <= NAME_SOURCE_MAX && kg_json_text_decode(name, out, len);
}

bool
kg_json_text_is(const struct kg_json_value *value, const char *text)
{
	const char *const names[] = {text, NULL};

	return kg_json_text_find(value, names) == 0;
}

int
kg_json_text_find(const struct kg_json_value *name, const char *const *names)
{
	char decoded[NAME_SOURCE_MAX];
	const char *text = name->start + 1;
	size_t len = name->len - 2;
	char first;

	if (name->has_escapes) {
		if (!decode_name(name, decoded, &len))
			return -1;
		text = decoded;
	}
	first = len > 0 ? text[0] : '\0';
	for (int i = 0; names[i] != NULL; i++)
		/* The first letter spares most of the calls. */
		if (names[i][0] == first && strlen(names[i]) == len &&
		    memcmp(names[i], text, len) == 0)
			return i;
	return -1;
}

const char *
kg_json_text_find_nearest(const struct kg_json_value *name, const char *const *names)
{
	char decoded[NAME_SOURCE_MAX];
	size_t len, best = SIZE_MAX;
	const char *nearest = NULL;

	if (!decode_name(name, decoded, &len))
		return NULL;
	for (; *names != NULL; names++) {
		size_t distance = kdb_name_distance(decoded, len, *names);

		if (distance < best) {
			best = distance;
			nearest = *names;
		}
	}
	return nearest;
}

/* A pointer says where; a name of any length would make the answer as long as the
 * request. */
enum { POINTER_NAME_MAX = 256 };

char *
kg_json_text_make_pointer(const char *prefix, const struct kg_json_value *name)
{
	size_t prefix_len = strlen(prefix);
	char *decoded = kdb_alloc(name->len);
	char *pointer, *out;
	size_t len, at = 0;

	kg_json_text_decode(name, decoded, &len);
	pointer = kdb_alloc(prefix_len + 1 + 3 * (size_t)POINTER_NAME_MAX + sizeof "…");
	memcpy(pointer, prefix, prefix_len);
	out = pointer + prefix_len;
	*out++ = '/';
	while (at < len) {
		size_t step = kg_json_utf8_len(decoded + at, decoded + len);

		if (at + step > POINTER_NAME_MAX) {
			out = stpcpy(out, "…");
			break;
		}
		if (decoded[at] == '~')
			out = stpcpy(out, "~0");
		else if (decoded[at] == '/')
			out = stpcpy(out, "~1");
		else if (decoded[at] == '\0')
			out = stpcpy(out, "\xef\xbf\xbd");
		else
			out = mempcpy(out, decoded + at, step);
		at += step;
	}
	*out = '\0';
	free(decoded);
	return pointer;
}
