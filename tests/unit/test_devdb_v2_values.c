/* SPDX-License-Identifier: Apache-2.0 */
/* What the development database makes of names, properties and bytes of the second
 * generation: letter case, alphabets, normal form, JSON, sizes, depth. */
#include "client-core/base/alloc.h"
#include "devdb/v2_decode.h"
#include "devdb/v2_json.h"
#include "devdb/v2_properties.h"
#include "devdb/v2_text.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))
#define MAX_BYTES ((size_t)1 << 20)

#define VALUE Google__Protobuf__Value
#define RECORD Kurrentdb__Protocol__V2__Streams__AppendRecord
#define PROPERTY Kurrentdb__Protocol__V2__Streams__AppendRecord__PropertiesEntry
#define REQUEST_TYPE (&kurrentdb__protocol__v2__streams__append_request__descriptor)

static const uint8_t *
bytes(const char *text)
{
	return (const uint8_t *)text;
}

static void
expect_text(struct kdb_buffer *buffer, const char *expected)
{
	ck_assert(!buffer->is_overflowed);
	kdb_buffer_put_char(buffer, '\0');
	ck_assert_str_eq(buffer->data, expected);
	kdb_buffer_dispose(buffer);
}

/* --- names --- */

static const struct {
	const char *a;
	const char *b;
	bool is_same;
} case_rows[] = {
    {"order-1", "Order-1", true},
    {"\xc3\xa9", "\xc3\x89", true},                 /* e acute */
    {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80", true}, /* Deseret, beyond the BMP */
    {"\xcf\x83", "\xcf\x82", true},                 /* both sigmas */
    {"\xc7\x85", "\xc7\x84", true},                 /* title case */
    {"\xe1\xbe\xb3", "\xe1\xbe\xbc", true},         /* alpha with iota */
    {"\xc2\xb5", "\xce\xbc", true},                 /* micro and mu */
    {"\xc4\xb1", "i", false},                       /* dotless i */
    {"\xc4\xb0", "i", false},                       /* dotted capital i */
    {"\xc5\xbf", "s", false},                       /* long s */
    {"\xe2\x84\xaa", "k", false},                   /* kelvin sign */
    {"\xc3\x9f", "\xe1\xba\x9e", false},            /* sharp s */
    {"\xc3\xa9", "e\xcc\x81", false},               /* composed, decomposed */
    {"a", "b", false},
};

START_TEST(names_that_differ_by_case_only)
{
	struct kdb_buffer a;
	struct kdb_buffer b;

	kdb_buffer_init(&a, MAX_BYTES);
	kdb_buffer_init(&b, MAX_BYTES);
	devdb_v2_text_fold(&a, bytes(case_rows[_i].a), strlen(case_rows[_i].a));
	devdb_v2_text_fold(&b, bytes(case_rows[_i].b), strlen(case_rows[_i].b));
	ck_assert_int_eq(
	    a.len == b.len && memcmp(a.data, b.data, a.len) == 0, case_rows[_i].is_same);
	kdb_buffer_dispose(&a);
	kdb_buffer_dispose(&b);
}
END_TEST

static const struct {
	const char *name;
	bool is_schema_name;
	bool is_nfc;
} name_rows[] = {
    {"OrderPlaced", true, true}, {"My.Name_Space:Type-1$", true, true},
    {"Caf\xc3\xa9", true, true}, {"Cafe\xcc\x81", false, false}, /* decomposed */
    {"\xe2\x84\xab", true, false},                               /* angstrom sign */
    {"\xef\xac\x81", true, true}, /* a ligature is not NFKC's business */
    {"\xd9\xa3\xe2\x85\xa7\xc2\xbd", true, true}, {"Event\n", true, true},
    {"Event\n\n", false, true}, {"\n", false, true}, {"", false, true},
    {"Order Created", false, true}, {"a/b", false, true}, {"\xc2\xb7", false, true},
    {"\xf0\x9d\x92\x9c", false, true}, /* a letter beyond the BMP */
    {"\xe0\xa5\x8d", false, true},     /* a mark without a composed form */
};

START_TEST(schema_names)
{
	const char *name = name_rows[_i].name;

	ck_assert_int_eq(devdb_v2_text_is_schema_name(bytes(name), strlen(name)),
	    name_rows[_i].is_schema_name);
	ck_assert_int_eq(
	    devdb_v2_text_is_nfc(bytes(name), strlen(name)), name_rows[_i].is_nfc);
}
END_TEST

START_TEST(blank_texts)
{
	ck_assert(devdb_v2_text_is_blank(NULL, 0));
	ck_assert(devdb_v2_text_is_blank(bytes(" \t\n"), 3));
	ck_assert(devdb_v2_text_is_blank(bytes("\xc2\xa0\xe3\x80\x80"), 5));
	ck_assert(!devdb_v2_text_is_blank(bytes(" a "), 3));
	ck_assert(!devdb_v2_text_is_blank(bytes("\xe2\x80\x8b"), 3));
	ck_assert(!devdb_v2_text_is_blank(bytes("\0"), 1));
}
END_TEST

static const struct {
	uint64_t size;
	const char *text;
} size_rows[] = {
    {1, "1.000 B"},
    {1023, "1023.000 B"},
    {6116, "5.973 KB"},
    {16777218, "16.000 MB"},
    {4200420, "4.006 MB"},
    {(uint64_t)3 << 40, "3.000 TB"},
    {(uint64_t)3 << 50, "3072.000 TB"},
};

START_TEST(sizes_for_people)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_BYTES);
	devdb_v2_text_put_size(&text, size_rows[_i].size);
	expect_text(&text, size_rows[_i].text);
}
END_TEST

/* --- JSON --- */

static const struct {
	double number;
	const char *text;
} number_rows[] = {
    {0, "0"},
    {-0.0, "-0"},
    {3, "3"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {1e-4, "0.0001"},
    {1.5e-5, "1.5e-05"},
    {1e-7, "1e-07"},
    {100000000000000, "100000000000000"},
    {1e15, "1e+15"},
    {9007199254740992, "9007199254740992"},
    {1700000000000, "1700000000000"},
    {123456.789, "123456.789"},
    {12345678901234567, "12345678901234568"},
    {123456789012345678, "1.2345678901234568e+17"},
    {9223372036854775807.0, "9.223372036854776e+18"},
    {1e21, "1e+21"},
    {1e300, "1e+300"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {5e-324, "5e-324"},
    {NAN, "\"NaN\""},
    {INFINITY, "\"Infinity\""},
    {-INFINITY, "\"-Infinity\""},
};

START_TEST(numbers_in_their_shortest_form)
{
	struct kdb_buffer json;

	kdb_buffer_init(&json, MAX_BYTES);
	devdb_v2_json_put_number(&json, number_rows[_i].number);
	expect_text(&json, number_rows[_i].text);
}
END_TEST

static const struct {
	const char *text;
	const char *json;
} text_rows[] = {
    {"", "\"\""},
    {"\xc3\xa9 \xe6\x97\xa5 / \"q\" \\", "\"\xc3\xa9 \xe6\x97\xa5 / \\\"q\\\" \\\\\""},
    {"\b\f\n\r\t\x01\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u007f\""},
    {"<a>&'", "\"\\u003ca\\u003e&'\""},
    {"\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\""},
    {"\xc2\x85\xe2\x80\xa8\xef\xbb\xbf", "\"\\u0085\\u2028\\ufeff\""},
};

START_TEST(texts_with_their_escapes)
{
	struct kdb_buffer json;

	kdb_buffer_init(&json, MAX_BYTES);
	devdb_v2_json_put_text(
	    &json, bytes(text_rows[_i].text), strlen(text_rows[_i].text));
	expect_text(&json, text_rows[_i].json);
}
END_TEST

/* --- properties --- */

static PROPERTY
property(const char *key, VALUE *value)
{
	PROPERTY entry =
	    KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_RECORD__PROPERTIES_ENTRY__INIT;

	entry.has_key = true;
	entry.key = devdb_wire_bytes(key, strlen(key));
	entry.value = value;
	return entry;
}

START_TEST(of_equal_keys_the_last_counts_in_the_place_of_the_first)
{
	VALUE one = devdb_v2_properties_text("1", 1);
	VALUE two = devdb_v2_properties_text("2", 1);
	VALUE three = devdb_v2_properties_text("3", 1);
	PROPERTY entries[] = {property("b", &one), property("a", &two),
	    property("b", &three), property("a", &one), property("c", &two)};
	PROPERTY *list[] = {
	    &entries[0], &entries[1], &entries[2], &entries[3], &entries[4]};
	RECORD record = KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_RECORD__INIT;
	struct devdb_v2_properties properties;
	struct kdb_buffer json;

	record.n_properties = 5;
	record.properties = list;
	devdb_v2_properties_init(&properties, &record);
	ck_assert(!devdb_v2_properties_add(&properties, "a", &two));
	ck_assert(devdb_v2_properties_add(&properties, "d", &two));
	/* Four entries of 2 bytes of frame, 3 of the key, 2 + 3 of the value. */
	ck_assert_uint_eq(devdb_v2_properties_size(&properties), 40);
	devdb_v2_properties_set(&properties, "a", &two);
	devdb_v2_properties_set(&properties, "e", &one);
	kdb_buffer_init(&json, MAX_BYTES);
	ck_assert(devdb_v2_properties_print(&properties, &json));
	expect_text(&json, "{ \"b\": \"3\", \"a\": \"2\", \"c\": \"2\", \"d\": \"2\", "
			   "\"e\": \"1\" }");
	devdb_v2_properties_dispose(&properties);
}
END_TEST

START_TEST(a_value_without_a_kind_cannot_be_printed)
{
	VALUE kindless = GOOGLE__PROTOBUF__VALUE__INIT;
	PROPERTY entries[] = {property("p", NULL)};
	PROPERTY *list[] = {&entries[0]};
	RECORD record = KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_RECORD__INIT;
	struct devdb_v2_properties properties;
	struct kdb_buffer json;

	kdb_buffer_init(&json, MAX_BYTES);
	record.n_properties = 1;
	record.properties = list;
	devdb_v2_properties_init(&properties, &record);
	ck_assert(!devdb_v2_properties_print(&properties, &json));
	devdb_v2_properties_dispose(&properties);
	entries[0].value = &kindless;
	devdb_v2_properties_init(&properties, &record);
	ck_assert(!devdb_v2_properties_print(&properties, &json));
	devdb_v2_properties_dispose(&properties);
	kdb_buffer_dispose(&json);
}
END_TEST

/* --- bytes --- */

static struct devdb_wire_arena arena;

/* Puts field `number` with the content around it. */
static void
wrap(struct kdb_buffer *message, unsigned number)
{
	struct kdb_buffer outer;
	size_t len = message->len;

	kdb_buffer_init(&outer, MAX_BYTES);
	kdb_buffer_put_char(&outer, (char)(number << 3 | 2));
	for (; len >= 0x80; len >>= 7)
		kdb_buffer_put_char(&outer, (char)(len | 0x80));
	kdb_buffer_put_char(&outer, (char)len);
	kdb_buffer_put(&outer, message->data, message->len);
	kdb_buffer_dispose(message);
	*message = outer;
}

static bool
is_decodable(const struct kdb_buffer *message)
{
	return devdb_v2_decode(&arena, REQUEST_TYPE, (const uint8_t *)message->data,
		   message->len) != NULL;
}

/* A request with one record with one property nested so many maps deep. */
static struct kdb_buffer
nested(unsigned maps)
{
	struct kdb_buffer message;

	kdb_buffer_init(&message, MAX_BYTES);
	kdb_buffer_put(&message, "\x20\x01", 2);
	while (maps-- > 0) {
		wrap(&message, 2); /* value of an entry */
		wrap(&message, 1); /* entry of a map */
		wrap(&message, 5); /* map of a value */
	}
	wrap(&message, 2); /* value of the property */
	wrap(&message, 2); /* property of the record */
	wrap(&message, 2); /* record of the request */
	return message;
}

START_TEST(nesting_has_an_end)
{
	static const struct {
		unsigned maps;
		bool is_read;
	} rows[] = {
	    {0, true}, {20, true}, {32, true}, {33, false}, {60, false}, {5000, false}};

	devdb_wire_arena_init(&arena);
	for (int i = 0; i < ROWS(rows); i++) {
		struct kdb_buffer message = nested(rows[i].maps);

		ck_assert(!message.is_overflowed);
		ck_assert_int_eq(is_decodable(&message), rows[i].is_read);
		kdb_buffer_dispose(&message);
	}
	devdb_wire_arena_dispose(&arena);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	bool is_read;
} message_rows[] = {
    {"", 0, true},
    {"\x0a\x01s", 3, true},
    {"\x0a\x01\xff", 3, false},             /* a stream that is not UTF-8 */
    {"\x12\x04\x22\x02\xff\xfe", 6, true},  /* data may be anything */
    {"\x12\x04\x0a\x02\xff\xfe", 6, false}, /* a record id may not */
    {"\x12\x06\x12\x04\x0a\x02\xff\xfe", 8, false},
    {"\x12\x08\x12\x06\x12\x04\x1a\x02\xff\xfe", 10, false}, /* nor a text value */
    {"\x0a\x05s", 3, false},
    {"\xff\xff\xff\xff", 4, false},
    {"\x0b\x0c", 2, false},
    {"\x7a\x01\xff", 3, true}, /* an unknown field */
    {"\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 12, false},
};

START_TEST(bytes_that_are_read_or_not)
{
	devdb_wire_arena_init(&arena);
	ck_assert_int_eq(devdb_v2_decode(&arena, REQUEST_TYPE,
			     bytes(message_rows[_i].bytes), message_rows[_i].len) != NULL,
	    message_rows[_i].is_read);
	devdb_wire_arena_dispose(&arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("devdb_v2_values");
	TCase *tcase = tcase_create("values");
	SRunner *runner;

	tcase_add_loop_test(tcase, names_that_differ_by_case_only, 0, ROWS(case_rows));
	tcase_add_loop_test(tcase, schema_names, 0, ROWS(name_rows));
	tcase_add_test(tcase, blank_texts);
	tcase_add_loop_test(tcase, sizes_for_people, 0, ROWS(size_rows));
	tcase_add_loop_test(tcase, numbers_in_their_shortest_form, 0, ROWS(number_rows));
	tcase_add_loop_test(tcase, texts_with_their_escapes, 0, ROWS(text_rows));
	tcase_add_test(tcase, of_equal_keys_the_last_counts_in_the_place_of_the_first);
	tcase_add_test(tcase, a_value_without_a_kind_cannot_be_printed);
	tcase_add_test(tcase, nesting_has_an_end);
	tcase_add_loop_test(tcase, bytes_that_are_read_or_not, 0, ROWS(message_rows));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
