/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs in all the forms that the server takes. Owns nothing. */
#include "devdb/guid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HEX_STRUCT_MAX 128

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
parse_digits(const uint8_t *text, struct devdb_guid *guid)
{
	for (size_t i = 0; i < sizeof guid->bytes; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		guid->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
parse_dashed(const uint8_t *text, size_t len, struct devdb_guid *guid)
{
	uint8_t digits[32];
	size_t used = 0;

	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash_place != (text[i] == '-'))
			return false;
		if (!is_dash_place)
			digits[used++] = text[i];
	}
	return parse_digits(digits, guid);
}

/* One "0x..." of at most `bytes` bytes at *at, big-endian into out. */
static bool
parse_hex_number(const uint8_t **at, const uint8_t *end, uint8_t *out, size_t bytes)
{
	uint64_t value = 0;
	size_t digits = 0;

	if (end - *at < 3 || (*at)[0] != '0' || ((*at)[1] | 0x20) != 'x')
		return false;
	for (*at += 2; *at < end && hex_value(**at) >= 0; (*at)++, digits++) {
		value = value << 4 | (uint64_t)hex_value(**at);
		if (value >> (8 * bytes))
			return false;
	}
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return digits > 0;
}

static bool
parse_mark(const uint8_t **at, const uint8_t *end, const char *mark)
{
	size_t len = strlen(mark);

	if ((size_t)(end - *at) < len || memcmp(*at, mark, len) != 0)
		return false;
	*at += len;
	return true;
}

/* {0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}, with blanks. */
static bool
parse_hex_struct(const uint8_t *text, size_t len, struct devdb_guid *guid)
{
	static const size_t widths[] = {4, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1};
	uint8_t dense[HEX_STRUCT_MAX];
	const uint8_t *at = dense;
	const uint8_t *end;
	uint8_t *out = guid->bytes;
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_blank(text[i]))
			continue;
		if (used == sizeof dense)
			return false;
		dense[used++] = text[i];
	}
	end = dense + used;
	for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
		const char *mark = i == 0 ? "{" : i == 3 ? ",{" : ",";

		if (!parse_mark(&at, end, mark) ||
		    !parse_hex_number(&at, end, out, widths[i]))
			return false;
		out += widths[i];
	}
	return parse_mark(&at, end, "}}") && at == end;
}

bool
devdb_guid_parse(const uint8_t *text, size_t len, struct devdb_guid *guid)
{
	while (len && is_blank(text[0])) {
		text++;
		len--;
	}
	while (len && is_blank(text[len - 1]))
		len--;
	if (len == 32)
		return parse_digits(text, guid);
	if (len == 38 &&
	    ((text[0] == '{' && text[37] == '}') || (text[0] == '(' && text[37] == ')')))
		return parse_dashed(text + 1, 36, guid);
	if (len && text[0] == '{')
		return parse_hex_struct(text, len, guid);
	return parse_dashed(text, len, guid);
}

void
devdb_guid_format(const struct devdb_guid *guid, char text[DEVDB_GUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *out = text;

	for (size_t i = 0; i < sizeof guid->bytes; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[guid->bytes[i] >> 4];
		*out++ = digits[guid->bytes[i] & 15];
	}
	*out = 0;
}

static uint64_t
get_half(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void
put_half(uint8_t *bytes, uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

struct devdb_guid
devdb_guid_from_halves(int64_t most, int64_t least)
{
	struct devdb_guid guid;

	put_half(guid.bytes, (uint64_t)most);
	put_half(guid.bytes + 8, (uint64_t)least);
	return guid;
}

void
devdb_guid_to_halves(const struct devdb_guid *guid, int64_t *most, int64_t *least)
{
	*most = (int64_t)get_half(guid->bytes);
	*least = (int64_t)get_half(guid->bytes + 8);
}

bool
devdb_guid_is_nil(const struct devdb_guid *guid)
{
	static const struct devdb_guid nil;

	return devdb_guid_is_equal(guid, &nil);
}

bool
devdb_guid_is_equal(const struct devdb_guid *a, const struct devdb_guid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct devdb_guid
devdb_guid_new(void)
{
	struct devdb_guid guid;

	if (getrandom(guid.bytes, sizeof guid.bytes, 0) != (ssize_t)sizeof guid.bytes) {
		perror("kurrentgate-devdb: getrandom");
		abort();
	}
	guid.bytes[6] = (guid.bytes[6] & 0x0f) | 0x40;
	guid.bytes[8] = (guid.bytes[8] & 0x3f) | 0x80;
	return guid;
}
