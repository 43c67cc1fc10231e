/* SPDX-License-Identifier: Apache-2.0 */
/* Names of streams, alone and compared, and the search for equal texts behind it. */
#include "daemon/equal_texts.h"
#include "daemon/stream_name.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define TEXT(literal) { literal, sizeof(literal) - 1 }

static const struct {
	struct kdb_bytes name;
	const char *fault; /* NULL: none */
} single[] = {
	{ TEXT("order-1"), NULL },
	{ TEXT("$x"), NULL },
	{ TEXT("$$x"), NULL },
	{ TEXT("$$$"), NULL },
	{ TEXT("$ALL"), NULL },
	{ TEXT(" x "), NULL },
	{ TEXT("\xe2\x80\x8b"), NULL }, /* U+200B is no white space */
	{ TEXT("0123456789012345"), NULL },
	{ TEXT("01234567890123456"), "The stream name has 17 bytes, 16 are allowed." },
	{ TEXT(""), "The stream name is empty." },
	{ TEXT(" "), "The stream name is all white space." },
	{ TEXT("\t\n\v\f\r\x1c"), NULL },
	{ TEXT("\t\n\v\f\r "), "The stream name is all white space." },
	{ TEXT("\xc2\xa0\xe3\x80\x80\xe2\x80\xa8"), "The stream name is all white space." },
	{ TEXT("$$"), "This stream name is reserved by the database." },
	{ TEXT("$all"), "This stream name is reserved by the database." },
	{ TEXT("a\0b"), "The stream name holds U+0000." },
};

START_TEST(names_alone)
{
	char fault[KG_STREAM_NAME_FAULT_SIZE] = "";
	bool is_good = kg_stream_name_check(single[_i].name, 16, fault);

	ck_assert_int_eq(is_good, single[_i].fault == NULL);
	if (!is_good)
		ck_assert_str_eq(fault, single[_i].fault);
}
END_TEST

/* Pairs that the database takes for one name, or not (wire-protocol 3.2). */
static const struct {
	const char *left, *right;
	bool are_variants;
} pairs[] = {
	{ "Order-1", "order-1", true },
	{ "\xc3\x89", "\xc3\xa9", true },			/* É é */
	{ "\xf0\x90\x90\x80", "\xf0\x90\x90\xa8", true },	/* 𐐀 𐐨 */
	{ "\xcf\x83", "\xcf\x82", true },			/* σ ς */
	{ "\xc7\x85", "\xc7\x84", true },			/* ǅ Ǆ */
	{ "\xe1\xbe\xb3", "\xe1\xbe\xbc", true },		/* ᾳ ᾼ */
	{ "\xc2\xb5", "\xce\xbc", true },			/* µ μ */
	{ "\xc9\x90x", "\xe2\xb1\xafX", true },			/* ɐ Ɐ, of other lengths */
	{ "\xc4\xb0", "i", false },				/* İ i */
	{ "\xe2\x84\xaa", "k", false },				/* K (U+212A) k */
	{ "\xc3\x9f", "\xe1\xba\x9e", false },			/* ß ẞ */
	{ "\xc3\x9f", "SS", false },				/* ß */
	{ "\xc3\xa9", "e\xcc\x81", false },			/* é in two forms */
	{ "a", "b", false },
	{ "a", "aa", false },
	/* The server keeps these apart, and we do not (api-design 7). */
	{ "\xc4\xb1", "i", true },				/* ı i */
	{ "\xc5\xbf", "s", true },				/* ſ s */
};

START_TEST(variants)
{
	const struct kdb_bytes names[] = { { pairs[_i].left, strlen(pairs[_i].left) },
		{ pairs[_i].right, strlen(pairs[_i].right) } };
	uint32_t same[2], variant[2];

	kg_stream_name_match(names, 2, same, variant);
	ck_assert_uint_eq(same[0], 0);
	ck_assert_uint_eq(same[1], 1);
	ck_assert_uint_eq(variant[0], 0);
	ck_assert_uint_eq(variant[1], pairs[_i].are_variants ? 0 : 1);
}
END_TEST

START_TEST(several_spellings)
{
	static const struct kdb_bytes names[] = { TEXT("b"), TEXT("A"), TEXT("a"), TEXT("A"),
		TEXT("a"), TEXT("B"), TEXT("b") };
	static const uint32_t same_names[] = { 0, 1, 2, 1, 2, 5, 0 };
	static const uint32_t variants_of[] = { 0, 1, 1, 1, 1, 0, 0 };
	uint32_t same[7], variant[7];

	kg_stream_name_match(names, 7, same, variant);
	ck_assert_mem_eq(same, same_names, sizeof same);
	ck_assert_mem_eq(variant, variants_of, sizeof variant);
}
END_TEST

/* As many as need the search by sorting, with and without the same bytes in front. */
static const struct {
	size_t count, distinct, prefix_len;
} crowds[] = { { 12, 5, 0 }, { 13, 5, 0 }, { 100, 100, 3 }, { 2000, 1, 100 },
	{ 2000, 1000, 4090 }, { 100000, 99999, 20 } };

START_TEST(crowds_of_texts)
{
	size_t count = crowds[_i].count, distinct = crowds[_i].distinct;
	size_t size = crowds[_i].prefix_len + 24;
	struct kdb_bytes *texts = calloc(count, sizeof *texts);
	uint32_t *first = calloc(count, sizeof *first);
	char *block = malloc(count * size);

	for (size_t i = 0; i < count; i++) {
		char *text = block + i * size;

		memset(text, 'x', crowds[_i].prefix_len);
		texts[i].data = text;
		texts[i].len = crowds[_i].prefix_len
		    + (size_t)snprintf(text + crowds[_i].prefix_len, 24, "%zu", i % distinct);
	}
	kg_equal_texts_find(texts, sizeof *texts, count, first);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(first[i], i % distinct);
	free(block);
	free(first);
	free(texts);
}
END_TEST

START_TEST(texts_between_others)
{
	static const struct {
		int before;
		struct kdb_bytes text;
	} entries[] = { { 1, TEXT("a") }, { 2, TEXT("") }, { 3, TEXT("a") },
		{ 4, { NULL, 0 } } };
	static const uint32_t expected[] = { 0, 1, 0, 1 };
	uint32_t first[4];

	kg_equal_texts_find(&entries[0].text, sizeof entries[0], 4, first);
	ck_assert_mem_eq(first, expected, sizeof first);
	kg_equal_texts_find(NULL, sizeof entries[0], 0, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stream_name");
	TCase *tcase = tcase_create("stream_name");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, names_alone, 0, COUNT(single));
	tcase_add_loop_test(tcase, variants, 0, COUNT(pairs));
	tcase_add_test(tcase, several_spellings);
	tcase_add_loop_test(tcase, crowds_of_texts, 0, COUNT(crowds));
	tcase_add_test(tcase, texts_between_others);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
