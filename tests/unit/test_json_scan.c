/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON scanner: syntax with exact offsets, spans, numbers, texts, names. */
#include "client-core/base/buffer.h"
#include "daemon/json_scan.h"
#include "daemon/json_text.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1

enum { GOOD = -1 };

/* The offset of the first byte that cannot go on, or GOOD. The text is put at the very
 * end of a block of its own, so that a sanitizer sees every byte read too far. */
static int64_t
scan(const char *text, size_t len, unsigned max_depth)
{
	char *block = malloc(len + 1);
	char *copy = block + 1;
	struct kg_json json;
	struct kg_json_value value;
	int64_t offset = GOOD;

	memcpy(copy, text, len);
	kg_json_init(&json, copy, len, max_depth);
	if (!kg_json_read_value(&json, &value) || !kg_json_finish(&json)) {
		ck_assert(kg_json_has_failed(&json));
		ck_assert_ptr_nonnull(json.error);
		offset = (int64_t)kg_json_error_offset(&json);
	} else {
		ck_assert(!kg_json_has_failed(&json));
	}
	ck_assert_int_eq(kg_json_is_valid(copy, len, max_depth), offset == GOOD);
	free(block);
	return offset;
}

static const struct {
	const char *text;
	size_t len;
	int64_t offset;
} syntax[] = {
	{ TEXT("null"), GOOD },
	{ TEXT("true"), GOOD },
	{ TEXT("false"), GOOD },
	{ TEXT(" \t\r\n1 \t\r\n"), GOOD },
	{ TEXT("\"\""), GOOD },
	{ TEXT("[]"), GOOD },
	{ TEXT("{}"), GOOD },
	{ TEXT("[ ]"), GOOD },
	{ TEXT("{ }"), GOOD },
	{ TEXT("[[],{},[[]],{\"\":{}}]"), GOOD },
	{ TEXT("{\"a\":1,\"a\":2}"), GOOD },
	{ TEXT("{ \"a\" : [ 1 , 2 ] , \"b\" : { } }"), GOOD },
	/* words */
	{ TEXT("nul"), 3 },
	{ TEXT("nulL"), 3 },
	{ TEXT("True"), 0 },
	{ TEXT("nullx"), 4 },
	{ TEXT("falsy"), 4 },
	{ TEXT("NaN"), 0 },
	{ TEXT("Infinity"), 0 },
	{ TEXT("undefined"), 0 },
	{ TEXT("[tru]"), 4 },
	/* nothing, or more than one thing */
	{ TEXT(""), 0 },
	{ TEXT("  \n"), 3 },
	{ TEXT("1 2"), 2 },
	{ TEXT("{}{}"), 2 },
	{ TEXT("[] x"), 3 },
	{ TEXT("\xef\xbb\xbf{}"), 0 },
	{ TEXT("\xff\xfe{\0}\0"), 0 },
	{ TEXT("{}\0"), 2 },
	{ TEXT("\0"), 0 },
	{ TEXT("\f1"), 0 },
	{ TEXT("\v1"), 0 },
	{ TEXT("\xc2\xa0"
	       "1"),
	    0 },
	{ TEXT("/* */1"), 0 },
	{ TEXT("1//"), 1 },
	{ TEXT("#"), 0 },
	/* numbers */
	{ TEXT("0"), GOOD },
	{ TEXT("-0"), GOOD },
	{ TEXT("-1"), GOOD },
	{ TEXT("10"), GOOD },
	{ TEXT("0.5"), GOOD },
	{ TEXT("1e5"), GOOD },
	{ TEXT("1E+5"), GOOD },
	{ TEXT("1e-05"), GOOD },
	{ TEXT("0e0"), GOOD },
	{ TEXT("0.0e-0"), GOOD },
	{ TEXT("123456789012345678901234567890.123456789e999"), GOOD },
	{ TEXT("01"), 1 },
	{ TEXT("-01"), 2 },
	{ TEXT("00"), 1 },
	{ TEXT("-"), 1 },
	{ TEXT("-a"), 1 },
	{ TEXT("--1"), 1 },
	{ TEXT("+1"), 0 },
	{ TEXT(".5"), 0 },
	{ TEXT("1."), 2 },
	{ TEXT("1.e5"), 2 },
	{ TEXT("1.5."), 3 },
	{ TEXT("1e"), 2 },
	{ TEXT("1e+"), 3 },
	{ TEXT("1e+-1"), 3 },
	{ TEXT("1e5.5"), 3 },
	{ TEXT("1e5e5"), 3 },
	{ TEXT("0x10"), 1 },
	{ TEXT("1_000"), 1 },
	{ TEXT("[1.]"), 3 },
	{ TEXT("[-]"), 2 },
	{ TEXT("1a"), 1 },
	/* strings */
	{ TEXT("\"a"), 2 },
	{ TEXT("\""), 1 },
	{ TEXT("'a'"), 0 },
	{ TEXT("\"a\nb\""), 2 },
	{ TEXT("\"a\tb\""), 2 },
	{ TEXT("\"a\0b\""), 2 },
	{ TEXT("\"\x1f\""), 1 },
	{ TEXT("\"\x7f\""), GOOD },
	{ TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""), GOOD },
	{ TEXT("\"\\a\""), 2 },
	{ TEXT("\"\\'\""), 2 },
	{ TEXT("\"\\U0041\""), 2 },
	{ TEXT("\"\\x41\""), 2 },
	{ TEXT("\"\\0\""), 2 },
	{ TEXT("\"\\"), 2 },
	{ TEXT("\"\\\""), 3 },
	{ TEXT("\"\\\xc3\xa9\""), 2 },
	{ TEXT("\"\\u\""), 3 },
	{ TEXT("\"\\u0\""), 4 },
	{ TEXT("\"\\u00\""), 5 },
	{ TEXT("\"\\u004\""), 6 },
	{ TEXT("\"\\u004g\""), 6 },
	{ TEXT("\"\\u004"), 6 },
	{ TEXT("\"\\uD83D\\uDE00\""), GOOD },
	{ TEXT("\"\\uD83D\""), GOOD },
	{ TEXT("\"\\uDE00\\uD83D\""), GOOD },
	/* containers */
	{ TEXT("["), 1 },
	{ TEXT("{"), 1 },
	{ TEXT("]"), 0 },
	{ TEXT("}"), 0 },
	{ TEXT("[}"), 1 },
	{ TEXT("{]"), 1 },
	{ TEXT("[1}"), 2 },
	{ TEXT("{\"a\":1]"), 6 },
	{ TEXT("[1,]"), 3 },
	{ TEXT("[,1]"), 1 },
	{ TEXT("[1,,2]"), 3 },
	{ TEXT("[1 2]"), 3 },
	{ TEXT("[1:2]"), 2 },
	{ TEXT("[1"), 2 },
	{ TEXT("[1,"), 3 },
	{ TEXT("[[]"), 3 },
	{ TEXT("[]]"), 2 },
	{ TEXT("{,}"), 1 },
	{ TEXT("{\"a\"}"), 4 },
	{ TEXT("{\"a\":}"), 5 },
	{ TEXT("{\"a\""), 4 },
	{ TEXT("{\"a\":"), 5 },
	{ TEXT("{\"a\":1"), 6 },
	{ TEXT("{\"a\":1,}"), 7 },
	{ TEXT("{\"a\":1,"), 7 },
	{ TEXT("{\"a\":1 \"b\":2}"), 7 },
	{ TEXT("{\"a\":1,,\"b\":2}"), 7 },
	{ TEXT("{\"a\" 1}"), 5 },
	{ TEXT("{\"a\"::1}"), 5 },
	{ TEXT("{a:1}"), 1 },
	{ TEXT("{1:1}"), 1 },
	{ TEXT("{null:1}"), 1 },
	{ TEXT("{\"a\nb\":1}"), 3 },
	{ TEXT("{\"a\":1}x"), 7 },
	/* encoding: the first byte that cannot follow */
	{ TEXT("\"\xc3\xa9\""), GOOD },
	{ TEXT("\"\xe2\x82\xac\""), GOOD },
	{ TEXT("\"\xf0\x9f\x98\x80\""), GOOD },
	{ TEXT("\"\xf4\x8f\xbf\xbf\""), GOOD },
	{ TEXT("\"\xef\xbb\xbf\""), GOOD },
	{ TEXT("\"\xef\xbf\xbf\""), GOOD },
	{ TEXT("\"\x80\""), 1 },
	{ TEXT("\"\xbf\""), 1 },
	{ TEXT("\"\xc0\xaf\""), 1 },
	{ TEXT("\"\xc1\xbf\""), 1 },
	{ TEXT("\"\xe0\x9f\xbf\""), 2 },
	{ TEXT("\"\xe0\xa0\x7f\""), 3 },
	{ TEXT("\"\xed\xa0\x80\""), 2 },
	{ TEXT("\"\xed\x9f\xbf\""), GOOD },
	{ TEXT("\"\xf0\x8f\xbf\xbf\""), 2 },
	{ TEXT("\"\xf4\x90\x80\x80\""), 2 },
	{ TEXT("\"\xf5\x80\x80\x80\""), 1 },
	{ TEXT("\"\xfe\""), 1 },
	{ TEXT("\"\xff\""), 1 },
	{ TEXT("\"\xc3(\""), 2 },
	{ TEXT("\"\xe2\x82(\""), 3 },
	{ TEXT("\"\xf0\x9f\x98(\""), 4 },
	{ TEXT("\"\xc3"), 2 },
	{ TEXT("\"\xe2\x82"), 3 },
	{ TEXT("\"\xf0\x9f\x98"), 4 },
	{ TEXT("\"ab\xe2\x82\xac\xe2\x82\xac\xe2\x82\""), 11 },
	{ TEXT("{\"\xff\":1}"), 2 },
	{ TEXT("[\xe9]"), 1 },
	/* depth, with a limit of 4 */
	{ TEXT("[[[[]]]]"), GOOD },
	{ TEXT("[[[[[]]]]]"), 4 },
	{ TEXT("[[[[ {}]]]]"), 5 },
	{ TEXT("{\"a\":{\"a\":{\"a\":{\"a\":[1]}}}}"), 20 },
	{ TEXT("[[[[],[],[]]],[[[]]]]"), GOOD },
};

START_TEST(syntax_is_strict)
{
	int64_t offset = scan(syntax[_i].text, syntax[_i].len, 4);

	ck_assert_msg(offset == syntax[_i].offset,
	    "%s: offset %" PRId64 ", expected %" PRId64, syntax[_i].text, offset,
	    syntax[_i].offset);
}
END_TEST

START_TEST(no_bytes_are_an_empty_text)
{
	struct kg_json json;
	struct kg_json_value value;

	kg_json_init(&json, NULL, 0, 4);
	ck_assert(!kg_json_read_value(&json, &value));
	ck_assert(kg_json_has_failed(&json));
	ck_assert_uint_eq(kg_json_error_offset(&json), 0);
	ck_assert(!kg_json_is_valid(NULL, 0, 4));
}
END_TEST

/* Every prefix of a valid document that is not one itself fails at its end. */
START_TEST(prefixes_fail_at_their_end)
{
	static const char text[] =
	    " { \"a\\u00e9\xc3\xa9\" : [ -1.5e+3 , true , null , \"\xf0\x9f\x98\x80\\n\" ] , "
	    "\"b\":{\"c\":[[],{}]}}";

	ck_assert_int_eq(scan(text, sizeof text - 1, 8), GOOD);
	for (size_t len = 0; len < sizeof text - 1; len++)
		ck_assert_int_eq(scan(text, len, 8), (int64_t)len);
}
END_TEST

/* Text is skipped eight bytes at a time: each byte value at each place of a word. */
START_TEST(every_byte_value_in_a_string)
{
	char text[64];

	for (size_t place = 1; place < 26; place++) {
		for (int byte = 0; byte < 256; byte++) {
			bool is_good = byte >= 0x20 && byte < 0x80 && byte != '\\';
			size_t len = 30;
			int64_t offset;

			memset(text, 'x', sizeof text);
			text[0] = '"';
			text[len - 1] = '"';
			text[place] = (char)byte;
			if (byte == '"')
				len = place + 1;
			offset = scan(text, len, 1);
			if (is_good)
				ck_assert_int_eq(offset, GOOD);
			else if (byte == '\\' || (byte >= 0xc2 && byte <= 0xf4))
				ck_assert_int_eq(offset, (int64_t)place + 1);
			else
				ck_assert_int_eq(offset, (int64_t)place);
		}
	}
}
END_TEST

/* An oracle of its own: reads the bits, and asks whether the shortest form was used. */
static bool
is_one_character(const unsigned char *at, size_t len)
{
	static const unsigned char lead_bits[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	static const unsigned long smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned long character;

	if ((at[0] & (0xff00 >> len >> 1 & 0xff)) != lead_bits[len] ||
	    (at[0] & 0x80 >> len) != 0)
		return false;
	character = at[0] & 0x7f >> len;
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return false;
		character = character << 6 | (at[i] & 0x3f);
	}
	return character >= smallest[len] && character <= 0x10ffff &&
	    !(character >= 0xd800 && character <= 0xdfff);
}

static size_t
character_len(const unsigned char *at)
{
	if (at[0] < 0x80)
		return 1;
	for (size_t len = 2; len <= 4; len++)
		if (is_one_character(at, len))
			return len;
	return 0;
}

START_TEST(utf8_is_strict)
{
	static const unsigned char tails[] = { 0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
		0xbf, 0xc0, 0xff };
	unsigned char bytes[4];
	const char *at = (const char *)bytes;

	for (unsigned first = 0; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			for (int i = 0; i < COUNT(tails) * COUNT(tails); i++) {
				size_t wanted;

				bytes[0] = (unsigned char)first;
				bytes[1] = (unsigned char)second;
				bytes[2] = tails[i % COUNT(tails)];
				bytes[3] = tails[i / COUNT(tails)];
				wanted = character_len(bytes);
				/* An assertion of its own for each would take minutes. */
				if (kg_json_utf8_len(at, at + 4) != wanted ||
				    (wanted > 1 &&
					kg_json_utf8_len(at, at + wanted - 1) != 0))
					ck_abort_msg("%02x %02x %02x %02x", bytes[0],
					    bytes[1], bytes[2], bytes[3]);
			}
		}
	}
	ck_assert_uint_eq(kg_json_utf8_len(at, at), 0);
}
END_TEST

/* The same through the scanner, whose way is a faster one. */
START_TEST(utf8_is_strict_in_strings)
{
	static const unsigned char tails[] = { 0x41, 0x7f, 0x80, 0x8f, 0x90, 0xa0, 0xbf, 0xc2 };
	char text[8] = "\"----\"";

	for (unsigned first = 0x80; first < 256; first++) {
		for (unsigned second = 0x23; second < 256; second++) {
			for (int i = 0; i < COUNT(tails) * COUNT(tails); i++) {
				const unsigned char *at = (unsigned char *)text + 1;
				bool is_good = true;

				if (second == '\\')
					continue;
				text[1] = (char)first;
				text[2] = (char)second;
				text[3] = (char)tails[i % COUNT(tails)];
				text[4] = (char)tails[i / COUNT(tails)];
				while (is_good && *at != '"') {
					size_t len = character_len(at);

					is_good = len > 0;
					at += len;
				}
				if (kg_json_is_valid(text, 6, 1) != is_good)
					ck_abort_msg("%02x %02x", first, second);
			}
		}
	}
}
END_TEST

/* count containers inside each other, objects at the places whose number has a set bit.
 */
static void
put_nested(struct kdb_buffer *text, int count, bool with_objects)
{
	for (int i = 0; i < count; i++)
		kdb_buffer_put_text(text, with_objects && i % 3 == 0 ? "{\"k\":" : "[");
	kdb_buffer_put_char(text, '1');
	for (int i = count - 1; i >= 0; i--)
		kdb_buffer_put_char(text, with_objects && i % 3 == 0 ? '}' : ']');
}

START_TEST(depth_is_limited)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, 1 << 20);
	put_nested(&text, 512, false);
	ck_assert_int_eq(scan(text.data, text.len, 512), GOOD);
	kdb_buffer_clear(&text);
	put_nested(&text, 513, false);
	ck_assert_int_eq(scan(text.data, text.len, 512), 512);
	kdb_buffer_clear(&text);
	put_nested(&text, 512, true);
	ck_assert_int_eq(scan(text.data, text.len, 512), GOOD);
	kdb_buffer_clear(&text);
	put_nested(&text, KG_JSON_DEPTH_MAX, true);
	ck_assert_int_eq(scan(text.data, text.len, KG_JSON_DEPTH_MAX), GOOD);
	kdb_buffer_clear(&text);
	put_nested(&text, KG_JSON_DEPTH_MAX + 1, false);
	ck_assert_int_eq(scan(text.data, text.len, KG_JSON_DEPTH_MAX), KG_JSON_DEPTH_MAX);
	kdb_buffer_dispose(&text);
}
END_TEST

/* A wrong closer is found at every depth: the kinds are remembered across words of bits.
 */
START_TEST(wrong_closers_are_found_at_every_depth)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, 1 << 20);
	put_nested(&text, 200, true);
	for (size_t i = 0; i < 200; i++) {
		size_t place = text.len - 1 - i;
		char right = text.data[place];

		text.data[place] = right == '}' ? ']' : '}';
		ck_assert_int_eq(scan(text.data, text.len, 512), (int64_t)place);
		text.data[place] = right;
	}
	kdb_buffer_dispose(&text);
}
END_TEST

static const struct {
	const char *text;
	enum kg_json_kind kind;
	const char *span;
	bool has_escapes;
} spans[] = {
	{ "  {\"a\": [1, 2]} ", KG_JSON_OBJECT, "{\"a\": [1, 2]}", false },
	{ "[ ]", KG_JSON_ARRAY, "[ ]", false },
	{ "\n\"x\\ny\"\n", KG_JSON_STRING, "\"x\\ny\"", true },
	{ "\"xy\"", KG_JSON_STRING, "\"xy\"", false },
	{ " -0.50e+07 ", KG_JSON_NUMBER, "-0.50e+07", false },
	{ "true ", KG_JSON_TRUE, "true", false },
	{ "false", KG_JSON_FALSE, "false", false },
	{ "null", KG_JSON_NULL, "null", false },
};

START_TEST(values_are_spans_of_the_source)
{
	const char *text = spans[_i].text;
	struct kg_json json;
	struct kg_json_value value;

	kg_json_init(&json, text, strlen(text), 8);
	ck_assert_int_eq(kg_json_peek(&json), spans[_i].kind);
	ck_assert(kg_json_read_value(&json, &value));
	ck_assert(kg_json_finish(&json));
	ck_assert_int_eq(value.kind, spans[_i].kind);
	ck_assert_uint_eq(value.len, strlen(spans[_i].span));
	ck_assert_mem_eq(value.start, spans[_i].span, value.len);
	ck_assert(value.start >= text && value.start < text + strlen(text));
	if (value.kind == KG_JSON_STRING)
		ck_assert_int_eq(value.has_escapes, spans[_i].has_escapes);
}
END_TEST

/* Walks two levels by hand and returns what was seen, "name=value;" each; the offset on
 * failure. */
static char *
walk(const char *text, int64_t *offset)
{
	struct kdb_buffer seen;
	struct kg_json json;
	struct kg_json_value name, value;
	bool is_first = true;
	size_t len;

	kdb_buffer_init(&seen, 4096);
	kg_json_init(&json, text, strlen(text), 1);
	*offset = GOOD;
	if (kg_json_peek(&json) == KG_JSON_OBJECT) {
		kg_json_enter(&json);
		while (kg_json_next_member(&json, &is_first, &name)) {
			bool is_first_element = true;

			kdb_buffer_put(&seen, name.start + 1, name.len - 2);
			kdb_buffer_put_char(&seen, '=');
			if (kg_json_peek(&json) != KG_JSON_ARRAY) {
				if (kg_json_read_value(&json, &value))
					kdb_buffer_put(&seen, value.start, value.len);
				kdb_buffer_put_char(&seen, ';');
				continue;
			}
			kg_json_enter(&json);
			while (kg_json_next_element(&json, &is_first_element)) {
				if (kg_json_read_value(&json, &value))
					kdb_buffer_put(&seen, value.start, value.len);
				kdb_buffer_put_char(&seen, '|');
			}
			kdb_buffer_put_char(&seen, ';');
		}
	}
	if (!kg_json_finish(&json))
		*offset = (int64_t)kg_json_error_offset(&json);
	kdb_buffer_put_char(&seen, '\0');
	return kdb_buffer_take(&seen, &len);
}

static const struct {
	const char *text;
	const char *seen;
	int64_t offset;
} walks[] = {
	{ "{}", "", GOOD },
	{ " { } ", "", GOOD },
	{ "{\"a\":1}", "a=1;", GOOD },
	{ "{ \"a\" : 1 , \"b\" : \"x\" }", "a=1;b=\"x\";", GOOD },
	{ "{\"a\":[],\"b\":[ 1 , [2] ,{\"c\":3}]}", "a=;b=1|[2]|{\"c\":3}|;", GOOD },
	{ "{\"a\":1,}", "a=1;", 7 },
	{ "{\"a\":1 \"b\":2}", "a=1;", 7 },
	{ "{\"a\":[1,]}", "a=1|;", 8 },
	{ "{\"a\":[1 2]}", "a=1|;", 8 },
	{ "{\"a\":[,]}", "a=;", 6 },
	{ "{\"a\":[1}", "a=1|;", 7 },
	{ "{\"a\":[1", "a=1|;", 7 },
	{ "{\"a\":[[[]]]}", "a=|;", 7 },
	{ "{\"a\":", "a=;", 5 },
	{ "{\"a\":01}", "a=0;", 6 },
	{ "{\"a\"", "", 4 },
	{ "{", "", 1 },
	{ "{,}", "", 1 },
	{ "{} {}", "", 3 },
	{ "{\"a\":1}]", "a=1;", 7 },
	{ "[", "", 0 },
};

START_TEST(containers_are_walked)
{
	int64_t offset;
	char *seen = walk(walks[_i].text, &offset);

	/* Where the walk does not enter, nothing was read, and the rest is one thing too
	 * many. */
	ck_assert_str_eq(seen, walks[_i].seen);
	ck_assert_int_eq(offset, walks[_i].offset);
	free(seen);
}
END_TEST

static const struct {
	const char *text;
	const char *span; /* NULL: the offset tells */
	int64_t offset;
} unchecked[] = {
	{ "{\"a\":[}", NULL, 7 },
	{ "{\"a\" nonsense ]}", "{\"a\" nonsense ]", GOOD },
	{ "[1,,\"]\",\"\\\"]\",}] ,", "[1,,\"]\",\"\\\"]\",}", GOOD },
	{ "\"a\x01\xff\\q\" ,", "\"a\x01\xff\\q\"", GOOD },
	{ "01x,", "01x", GOOD },
	{ "nul}", "nul", GOOD },
	{ "truth\t", "truth", GOOD },
	{ "-]", "-", GOOD },
	{ "\"a", NULL, 2 },
	{ "\"a\\", NULL, 3 },
	{ "\"a\\\"", NULL, 4 },
	{ "[\"a]", NULL, 4 },
	{ "[", NULL, 1 },
	{ "[[[[[", NULL, 4 },
	{ "@", NULL, 0 },
	{ "", NULL, 0 },
};

START_TEST(ends_are_found_without_checks)
{
	const char *text = unchecked[_i].text;
	struct kg_json json;
	struct kg_json_value value;
	bool is_found;

	kg_json_init(&json, text, strlen(text), 4);
	is_found = kg_json_find_value_end(&json, &value);
	ck_assert_int_eq(is_found, unchecked[_i].span != NULL);
	ck_assert_int_eq(kg_json_has_failed(&json), !is_found);
	if (is_found) {
		ck_assert_uint_eq(value.len, strlen(unchecked[_i].span));
		ck_assert_mem_eq(value.start, unchecked[_i].span, value.len);
		ck_assert_ptr_eq(json.at, value.start + value.len);
	} else {
		ck_assert_int_eq(
		    (int64_t)kg_json_error_offset(&json), unchecked[_i].offset);
	}
}
END_TEST

static const struct {
	const char *text;
	enum kg_json_int result;
	int64_t value;
} integers[] = {
	{ "0", KG_JSON_INT_OK, 0 },
	{ "7", KG_JSON_INT_OK, 7 },
	{ "-1", KG_JSON_INT_OK, -1 },
	{ "9007199254740993", KG_JSON_INT_OK, INT64_C(9007199254740993) },
	{ "9223372036854775807", KG_JSON_INT_OK, INT64_MAX },
	{ "-9223372036854775808", KG_JSON_INT_OK, INT64_MIN },
	{ "-9223372036854775807", KG_JSON_INT_OK, -INT64_MAX },
	{ "9223372036854775808", KG_JSON_INT_OUT_OF_RANGE, 0 },
	{ "9223372036854775810", KG_JSON_INT_OUT_OF_RANGE, 0 },
	{ "-9223372036854775809", KG_JSON_INT_OUT_OF_RANGE, 0 },
	{ "18446744073709551615", KG_JSON_INT_OUT_OF_RANGE, 0 },
	{ "18446744073709551616", KG_JSON_INT_OUT_OF_RANGE, 0 },
	{ "99999999999999999999999999999999", KG_JSON_INT_OUT_OF_RANGE, 0 },
	{ "99999999999999999999999999999999x", KG_JSON_INT_MALFORMED, 0 },
	{ "", KG_JSON_INT_MALFORMED, 0 },
	{ "-", KG_JSON_INT_MALFORMED, 0 },
	{ "-0", KG_JSON_INT_MALFORMED, 0 },
	{ "00", KG_JSON_INT_MALFORMED, 0 },
	{ "01", KG_JSON_INT_MALFORMED, 0 },
	{ "-01", KG_JSON_INT_MALFORMED, 0 },
	{ "+1", KG_JSON_INT_MALFORMED, 0 },
	{ " 1", KG_JSON_INT_MALFORMED, 0 },
	{ "1 ", KG_JSON_INT_MALFORMED, 0 },
	{ "1.0", KG_JSON_INT_MALFORMED, 0 },
	{ "1e3", KG_JSON_INT_MALFORMED, 0 },
	{ "0x1", KG_JSON_INT_MALFORMED, 0 },
	{ "--1", KG_JSON_INT_MALFORMED, 0 },
	{ "1-", KG_JSON_INT_MALFORMED, 0 },
};

START_TEST(integers_are_exact)
{
	const int64_t untouched = 4711;
	int64_t value = untouched;
	enum kg_json_int result =
	    kg_json_text_read_int64(integers[_i].text, strlen(integers[_i].text), &value);

	ck_assert_int_eq(result, integers[_i].result);
	ck_assert_int_eq(value, result == KG_JSON_INT_OK ? integers[_i].value : untouched);
}
END_TEST

static struct kg_json_value
read_string(const char *text, size_t len)
{
	struct kg_json json;
	struct kg_json_value value;

	kg_json_init(&json, text, len, 1);
	ck_assert(kg_json_read_value(&json, &value));
	ck_assert_int_eq(value.kind, KG_JSON_STRING);
	return value;
}

static const struct {
	const char *source;
	const char *text;
	size_t len;
	bool is_whole;
} strings[] = {
	{ "\"\"", TEXT(""), true },
	{ "\"abc\"", TEXT("abc"), true },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t"), true },
	{ "\"\\u0000\"", TEXT("\0"), true },
	{ "\"a\\u0041b\\u00e9c\\u20acd\"", TEXT("aAb\xc3\xa9"
						 "c\xe2\x82\xac"
						 "d"),
	    true },
	{ "\"\\u007f\\u0080\\u07FF\\u0800\\uffff\"",
	    TEXT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"), true },
	{ "\"\\ud83d\\ude00\"", TEXT("\xf0\x9f\x98\x80"), true },
	{ "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true },
	{ "\"\\ud83d\"", TEXT("\xef\xbf\xbd"), false },
	{ "\"\\ud83dx\"", TEXT("\xef\xbf\xbdx"), false },
	{ "\"\\ud83d\\n\"", TEXT("\xef\xbf\xbd\n"), false },
	{ "\"\\ud83d\\u0041\"", TEXT("\xef\xbf\xbd"
				      "A"),
	    false },
	{ "\"\\ude00\"", TEXT("\xef\xbf\xbd"), false },
	{ "\"\\ude00\\ud83d\"", TEXT("\xef\xbf\xbd\xef\xbf\xbd"), false },
	{ "\"\\ud83d\\ud83d\\ude00\"", TEXT("\xef\xbf\xbd\xf0\x9f\x98\x80"), false },
};

START_TEST(strings_are_decoded)
{
	struct kg_json_value value = read_string(strings[_i].source, strlen(strings[_i].source));
	char out[64];
	size_t len;

	ck_assert_int_eq(kg_json_text_decode(&value, out, &len), strings[_i].is_whole);
	ck_assert_uint_le(len, value.len);
	ck_assert_uint_eq(len, strings[_i].len);
	ck_assert_mem_eq(out, strings[_i].text, len);
}
END_TEST

static const char *const names[] = { "type", "data", "data_base64", "metadata",
	"metadata_base64", "content_type", "id", NULL };

static const struct {
	const char *source;
	int index;
} found_names[] = {
	{ "\"type\"", 0 },
	{ "\"id\"", 6 },
	{ "\"data_base64\"", 2 },
	{ "\"\\u0074ype\"", 0 },
	{ "\"\\u0064\\u0061\\u0074\\u0061\"", 1 },
	{ "\"Type\"", -1 },
	{ "\"typ\"", -1 },
	{ "\"types\"", -1 },
	{ "\"\"", -1 },
	{ "\"type\\u0000\"", -1 },
	{ "\"\\ud800\"", -1 },
};

START_TEST(names_are_compared_decoded)
{
	struct kg_json_value name =
	    read_string(found_names[_i].source, strlen(found_names[_i].source));

	ck_assert_int_eq(kg_json_text_find(&name, names), found_names[_i].index);
	for (int i = 0; names[i] != NULL; i++)
		ck_assert_int_eq(
		    kg_json_text_is(&name, names[i]), found_names[_i].index == i);
}
END_TEST

START_TEST(long_names_match_nothing)
{
	char text[2048];
	struct kg_json_value name;

	memset(text, 'a', sizeof text);
	memcpy(text, "\"\\u0061", 7);
	text[sizeof text - 1] = '"';
	name = read_string(text, sizeof text);
	ck_assert_int_eq(kg_json_text_find(&name, names), -1);
	ck_assert_ptr_null(kg_json_text_find_nearest(&name, names));
}
END_TEST

static const struct {
	const char *source;
	const char *nearest;
} near_names[] = {
	{ "\"dat\"", "data" },
	{ "\"typ\"", "type" },
	{ "\"Type\"", "type" },
	{ "\"ID\"", "id" },
	{ "\"contentType\"", "content_type" },
	{ "\"Content-Type\"", "content_type" },
	{ "\"dataBase64\"", "data_base64" },
	{ "\"metaData\"", "metadata" },
	{ "\"metdata\"", "metadata" },
	{ "\"d\\u0061tas\"", "data" },
	{ "\"payload\"", NULL },
	{ "\"\"", NULL },
	{ "\"x\"", NULL },
	{ "\"a_name_that_is_longer_than_any_known_name\"", NULL },
};

START_TEST(near_names_are_found)
{
	struct kg_json_value name =
	    read_string(near_names[_i].source, strlen(near_names[_i].source));
	const char *nearest = kg_json_text_find_nearest(&name, names);

	if (near_names[_i].nearest == NULL)
		ck_assert_ptr_null(nearest);
	else
		ck_assert_pstr_eq(nearest, near_names[_i].nearest);
}
END_TEST

static const struct {
	const char *prefix;
	const char *source;
	const char *pointer;
} pointers[] = {
	{ "", "\"dat\"", "/dat" },
	{ "/events/0", "\"dat\"", "/events/0/dat" },
	{ "", "\"\"", "/" },
	{ "", "\"a/b~c\"", "/a~1b~0c" },
	{ "", "\"~1\"", "/~01" },
	{ "", "\"\\u002f\\u007E\"", "/~1~0" },
	{ "", "\"\\u0000\"", "/\xef\xbf\xbd" },
	{ "", "\"\\ud800\"", "/\xef\xbf\xbd" },
	{ "", "\"\xc3\xa9 \\\"\"", "/\xc3\xa9 \"" },
};

START_TEST(pointers_are_escaped)
{
	struct kg_json_value name =
	    read_string(pointers[_i].source, strlen(pointers[_i].source));
	char *pointer = kg_json_text_make_pointer(pointers[_i].prefix, &name);

	ck_assert_str_eq(pointer, pointers[_i].pointer);
	free(pointer);
}
END_TEST

START_TEST(long_names_are_cut_in_pointers)
{
	char text[4096];
	struct kg_json_value name;
	char *pointer;
	size_t len;

	text[0] = '"';
	for (size_t i = 1; i < sizeof text - 1; i++)
		text[i] = i % 2 == 1 ? '~' : '/';
	text[sizeof text - 1] = '"';
	name = read_string(text, sizeof text);
	pointer = kg_json_text_make_pointer("/events/0", &name);
	len = strlen(pointer);
	ck_assert_uint_lt(len, 600);
	ck_assert_str_eq(pointer + len - 3, "\xe2\x80\xa6");
	ck_assert(strncmp(pointer, "/events/0/~0~1~0~1", 18) == 0);
	free(pointer);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json_scan");
	TCase *tcase = tcase_create("json_scan");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, syntax_is_strict, 0, COUNT(syntax));
	tcase_add_test(tcase, no_bytes_are_an_empty_text);
	tcase_add_test(tcase, prefixes_fail_at_their_end);
	tcase_add_test(tcase, every_byte_value_in_a_string);
	tcase_add_test(tcase, utf8_is_strict);
	tcase_add_test(tcase, utf8_is_strict_in_strings);
	tcase_add_test(tcase, depth_is_limited);
	tcase_add_test(tcase, wrong_closers_are_found_at_every_depth);
	tcase_add_loop_test(tcase, values_are_spans_of_the_source, 0, COUNT(spans));
	tcase_add_loop_test(tcase, containers_are_walked, 0, COUNT(walks));
	tcase_add_loop_test(tcase, ends_are_found_without_checks, 0, COUNT(unchecked));
	tcase_add_loop_test(tcase, integers_are_exact, 0, COUNT(integers));
	tcase_add_loop_test(tcase, strings_are_decoded, 0, COUNT(strings));
	tcase_add_loop_test(tcase, names_are_compared_decoded, 0, COUNT(found_names));
	tcase_add_test(tcase, long_names_match_nothing);
	tcase_add_loop_test(tcase, near_names_are_found, 0, COUNT(near_names));
	tcase_add_loop_test(tcase, pointers_are_escaped, 0, COUNT(pointers));
	tcase_add_test(tcase, long_names_are_cut_in_pointers);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
