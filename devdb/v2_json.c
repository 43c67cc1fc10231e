/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of values as JSON text, with the blanks, escapes and numbers of Google.Protobuf's
 * JsonFormatter. Owns nothing. */
#include "devdb/v2_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* Digits that always tell a double from all others. */
#define MAX_DIGITS 17
/* .NET writes numbers of up to so many digits without an exponent. */
#define PLAIN_DIGITS 15
/* 0.0001 */
#define MIN_PLAIN_POINT (-3)

struct range {
	ucs4_t first;
	ucs4_t last;
};

/* Escaped although JSON does not ask for it: controls, what HTML reads as a tag, and what
 * JavaScript stumbles over (JsonFormatter.WriteString). */
static const struct range escaped[] = {
    {0x00, 0x1f},
    {'<', '<'},
    {'>', '>'},
    {0x7f, 0x9f},
    {0xad, 0xad},
    {0x600, 0x603},
    {0x6dd, 0x6dd},
    {0x70f, 0x70f},
    {0x17b4, 0x17b5},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x2064},
    {0x206a, 0x206f},
    {0xfeff, 0xfeff},
    {0xfff9, 0xfffb},
};

static bool
is_escaped(ucs4_t character)
{
	for (size_t i = 0; i < sizeof escaped / sizeof escaped[0]; i++) {
		if (character >= escaped[i].first && character <= escaped[i].last)
			return true;
	}
	return false;
}

static char
short_escape(ucs4_t character)
{
	switch (character) {
	case '"':
	case '\\':
		return (char)character;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return '\0';
	}
}

static void
put_character(
    struct kdb_buffer *out, ucs4_t character, const uint8_t *bytes, size_t bytes_len)
{
	char letter = short_escape(character);

	if (letter) {
		kdb_buffer_put_char(out, '\\');
		kdb_buffer_put_char(out, letter);
	} else if (character > 0xffff) {
		kdb_buffer_put_printf(out, "\\u%04x\\u%04x",
		    (unsigned)(0xd7c0 + (character >> 10)),
		    (unsigned)(0xdc00 + (character & 0x3ff)));
	} else if (is_escaped(character)) {
		kdb_buffer_put_printf(out, "\\u%04x", (unsigned)character);
	} else {
		kdb_buffer_put(out, bytes, bytes_len);
	}
}

void
devdb_v2_json_put_text(struct kdb_buffer *out, const uint8_t *text, size_t len)
{
	kdb_buffer_put_char(out, '"');
	while (len > 0) {
		ucs4_t character;
		size_t used = (size_t)u8_mbtouc(&character, text, len);

		put_character(out, character, text, used);
		text += used;
		len -= used;
	}
	kdb_buffer_put_char(out, '"');
}

/* --- numbers --- */

/* The shortest digits that read back as the number, and its decimal exponent: the value
 * is 0.DIGITS times ten to *point. */
static int
shortest_digits(double number, char digits[MAX_DIGITS + 1], int *point)
{
	char text[MAX_DIGITS + 16];
	int count = 0;

	for (int precision = 0; precision < MAX_DIGITS; precision++) {
		snprintf(text, sizeof text, "%.*e", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	for (const char *at = text; *at != 'e'; at++) {
		if (*at != '.')
			digits[count++] = *at;
	}
	digits[count] = '\0';
	*point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	return count;
}

static void
put_zeros(struct kdb_buffer *out, int count)
{
	while (count-- > 0)
		kdb_buffer_put_char(out, '0');
}

static void
put_plain(struct kdb_buffer *out, const char *digits, int count, int point)
{
	int whole = point < count ? point : count;

	if (point <= 0) {
		kdb_buffer_put_text(out, "0.");
		put_zeros(out, -point);
		kdb_buffer_put_text(out, digits);
		return;
	}
	kdb_buffer_put(out, digits, (size_t)whole);
	put_zeros(out, point - count);
	if (whole < count) {
		kdb_buffer_put_char(out, '.');
		kdb_buffer_put_text(out, digits + whole);
	}
}

static void
put_scientific(struct kdb_buffer *out, const char *digits, int count, int point)
{
	kdb_buffer_put_char(out, digits[0]);
	if (count > 1) {
		kdb_buffer_put_char(out, '.');
		kdb_buffer_put_text(out, digits + 1);
	}
	kdb_buffer_put_printf(out, "e%c%02d", point > 0 ? '+' : '-', abs(point - 1));
}

void
devdb_v2_json_put_number(struct kdb_buffer *out, double number)
{
	char digits[MAX_DIGITS + 1];
	int point;
	int count;

	if (isnan(number)) {
		kdb_buffer_put_text(out, "\"NaN\"");
		return;
	}
	if (isinf(number)) {
		kdb_buffer_put_text(out, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
		return;
	}
	if (signbit(number))
		kdb_buffer_put_char(out, '-');
	if (fpclassify(number) == FP_ZERO) {
		kdb_buffer_put_char(out, '0');
		return;
	}
	count = shortest_digits(fabs(number), digits, &point);
	if (point > (count > PLAIN_DIGITS ? count : PLAIN_DIGITS) ||
	    point < MIN_PLAIN_POINT)
		put_scientific(out, digits, count, point);
	else
		put_plain(out, digits, count, point);
}

/* --- values --- */

static bool put_value(struct kdb_buffer *out, const Google__Protobuf__Value *value);

static bool
put_list(struct kdb_buffer *out, const Google__Protobuf__ListValue *list)
{
	kdb_buffer_put_text(out, "[ ");
	for (size_t i = 0; i < list->n_values; i++) {
		if (i > 0)
			kdb_buffer_put_text(out, ", ");
		if (!put_value(out, list->values[i]))
			return false;
	}
	kdb_buffer_put_text(out, list->n_values > 0 ? " ]" : "]");
	return true;
}

static bool
put_value(struct kdb_buffer *out, const Google__Protobuf__Value *value)
{
	switch (value->kind_case) {
	case GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE:
		kdb_buffer_put_text(out, "null");
		return true;
	case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
		devdb_v2_json_put_number(out, value->number_value);
		return true;
	case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
		devdb_v2_json_put_text(
		    out, value->string_value.data, value->string_value.len);
		return true;
	case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
		kdb_buffer_put_text(out, value->bool_value ? "true" : "false");
		return true;
	case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
		return devdb_v2_json_put_struct(out, value->struct_value);
	case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
		return put_list(out, value->list_value);
	default:
		return false;
	}
}

bool
devdb_v2_json_put_struct(struct kdb_buffer *out, const Google__Protobuf__Struct *map)
{
	kdb_buffer_put_text(out, "{ ");
	for (size_t i = 0; i < map->n_fields; i++) {
		if (i > 0)
			kdb_buffer_put_text(out, ", ");
		devdb_v2_json_put_text(
		    out, map->fields[i]->key.data, map->fields[i]->key.len);
		kdb_buffer_put_text(out, ": ");
		if (!put_value(out, map->fields[i]->value))
			return false;
	}
	kdb_buffer_put_text(out, map->n_fields > 0 ? " }" : "}");
	return true;
}
