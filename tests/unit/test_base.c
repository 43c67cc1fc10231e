/* SPDX-License-Identifier: Apache-2.0 */
/* The base types: bounded buffer, intrusive list, texts, distance of names. */
#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "client-core/base/list.h"
#include "client-core/base/name_distance.h"

#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* --- buffer ------------------------------------------------------------------------- */

static void
expect_content(const struct kdb_buffer *buffer, const char *text)
{
	ck_assert_uint_eq(buffer->len, strlen(text));
	ck_assert_mem_eq(buffer->data, text, buffer->len);
	ck_assert_uint_le(buffer->len, buffer->capacity);
	ck_assert_uint_le(buffer->capacity, buffer->max_len);
}

START_TEST(buffer_collects)
{
	struct kdb_buffer buffer;

	kdb_buffer_init(&buffer, 1000);
	ck_assert_ptr_null(buffer.data);
	kdb_buffer_put(&buffer, "ab", 2);
	kdb_buffer_put(&buffer, "", 0);
	kdb_buffer_put(&buffer, NULL, 0);
	kdb_buffer_put_text(&buffer, "cd");
	kdb_buffer_put_char(&buffer, 'e');
	kdb_buffer_put_printf(&buffer, "%d-%s", 7, "f");
	expect_content(&buffer, "abcde7-f");
	ck_assert(!buffer.is_overflowed);
	kdb_buffer_dispose(&buffer);
	ck_assert_ptr_null(buffer.data);
	ck_assert_uint_eq(buffer.len, 0);
	ck_assert_uint_eq(buffer.max_len, 1000);
}
END_TEST

START_TEST(buffer_keeps_every_byte_value)
{
	struct kdb_buffer buffer;

	kdb_buffer_init(&buffer, 256);
	for (int i = 0; i < 256; i++)
		kdb_buffer_put_char(&buffer, (char)i);
	ck_assert_uint_eq(buffer.len, 256);
	for (int i = 0; i < 256; i++)
		ck_assert_int_eq((unsigned char)buffer.data[i], i);
	kdb_buffer_dispose(&buffer);
}
END_TEST

START_TEST(buffer_grows_over_many_writes)
{
	struct kdb_buffer buffer;
	char line[16];

	kdb_buffer_init(&buffer, 1 << 20);
	for (int i = 0; i < 10000; i++)
		kdb_buffer_put_printf(&buffer, "%05d\n", i);
	ck_assert_uint_eq(buffer.len, 60000);
	for (int i = 0; i < 10000; i += 777) {
		snprintf(line, sizeof line, "%05d\n", i);
		ck_assert_mem_eq(buffer.data + i * 6, line, 6);
	}
	kdb_buffer_dispose(&buffer);
}
END_TEST

/* How much fits in front of a piece of 5 bytes, with a maximum of 10. */
START_TEST(buffer_ends_at_its_maximum)
{
	struct kdb_buffer buffer;
	bool fits = _i <= 5;
	char expected[16] = "0123456789";

	kdb_buffer_init(&buffer, 10);
	kdb_buffer_put(&buffer, "0123456789", (size_t)_i);
	kdb_buffer_put(&buffer, "vwxyz", 5);
	ck_assert_int_eq(buffer.is_overflowed, !fits);
	expected[_i] = 0;
	if (fits)
		memcpy(expected + _i, "vwxyz", 6);
	expect_content(&buffer, expected);
	/* What comes behind is left out, even where it would fit. */
	kdb_buffer_put_text(&buffer, "");
	kdb_buffer_put_printf(&buffer, "%s", "");
	if (!fits) {
		kdb_buffer_put_char(&buffer, '!');
		expect_content(&buffer, expected);
	}
	kdb_buffer_dispose(&buffer);
	ck_assert(!buffer.is_overflowed);
}
END_TEST

START_TEST(buffer_of_nothing)
{
	struct kdb_buffer buffer;

	kdb_buffer_init(&buffer, 0);
	kdb_buffer_put(&buffer, "", 0);
	ck_assert(!buffer.is_overflowed);
	kdb_buffer_put_char(&buffer, 'a');
	ck_assert(buffer.is_overflowed);
	ck_assert_ptr_null(buffer.data);
	kdb_buffer_dispose(&buffer);
}
END_TEST

START_TEST(buffer_refuses_a_length_that_wraps)
{
	struct kdb_buffer buffer;

	kdb_buffer_init(&buffer, 100);
	kdb_buffer_put_text(&buffer, "abc");
	kdb_buffer_put(&buffer, "x", SIZE_MAX);
	ck_assert(buffer.is_overflowed);
	expect_content(&buffer, "abc");
	kdb_buffer_dispose(&buffer);
}
END_TEST

START_TEST(buffer_cleared_keeps_its_memory)
{
	struct kdb_buffer buffer;
	const char *memory;

	kdb_buffer_init(&buffer, 10);
	kdb_buffer_put_text(&buffer, "0123456789");
	kdb_buffer_put_char(&buffer, '!');
	memory = buffer.data;
	kdb_buffer_clear(&buffer);
	ck_assert(!buffer.is_overflowed);
	ck_assert_uint_eq(buffer.len, 0);
	kdb_buffer_put_text(&buffer, "ab");
	ck_assert_ptr_eq(buffer.data, memory);
	expect_content(&buffer, "ab");
	kdb_buffer_dispose(&buffer);
}
END_TEST

START_TEST(buffer_taken_is_empty)
{
	struct kdb_buffer buffer;
	size_t len = 99;
	char *data;

	kdb_buffer_init(&buffer, 10);
	ck_assert_ptr_null(kdb_buffer_take(&buffer, &len));
	ck_assert_uint_eq(len, 0);
	kdb_buffer_put_text(&buffer, "abc");
	data = kdb_buffer_take(&buffer, &len);
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(data, "abc", 3);
	ck_assert_ptr_null(buffer.data);
	ck_assert_uint_eq(buffer.max_len, 10);
	kdb_buffer_put_text(&buffer, "de");
	expect_content(&buffer, "de");
	kdb_buffer_dispose(&buffer);
	free(data);
}
END_TEST

/* --- list --------------------------------------------------------------------------- */

struct item {
	int number;
	struct kdb_list link;
};

/* Compares a list with the digits of a text, in both directions. */
static void
expect_items(const struct kdb_list *list, const char *digits)
{
	const struct kdb_list *link = list->next;
	size_t len = strlen(digits);

	for (size_t i = 0; i < len; i++, link = link->next) {
		ck_assert_ptr_ne(link, list);
		ck_assert_int_eq(
		    KDB_LIST_ITEM(link, struct item, link)->number, digits[i] - '0');
		ck_assert_ptr_eq(link->prev->next, link);
		ck_assert_ptr_eq(link->next->prev, link);
	}
	ck_assert_ptr_eq(link, list);
	ck_assert_int_eq(kdb_list_is_empty(list), len == 0);
}

static void
fill(struct kdb_list *list, struct item *items, int first, int count)
{
	kdb_list_init(list);
	for (int i = 0; i < count; i++) {
		items[i].number = first + i;
		kdb_list_init(&items[i].link);
		kdb_list_push_back(list, &items[i].link);
	}
}

START_TEST(list_keeps_order)
{
	struct item items[4];
	struct item front = { .number = 0 };
	struct kdb_list list;

	fill(&list, items, 1, 0);
	expect_items(&list, "");
	fill(&list, items, 1, 4);
	expect_items(&list, "1234");
	kdb_list_push_front(&list, &front.link);
	expect_items(&list, "01234");
}
END_TEST

START_TEST(list_removes_anywhere)
{
	static const char *const left[] = { "234", "134", "124", "123" };
	struct item items[4];
	struct kdb_list list;

	fill(&list, items, 1, 4);
	kdb_list_remove(&items[_i].link);
	expect_items(&list, left[_i]);
	ck_assert(kdb_list_is_empty(&items[_i].link));
	/* A second time is harmless. */
	kdb_list_remove(&items[_i].link);
	expect_items(&list, left[_i]);
	kdb_list_push_back(&list, &items[_i].link);
	ck_assert_ptr_eq(list.prev, &items[_i].link);
}
END_TEST

START_TEST(list_pops_from_the_front)
{
	struct item items[3];
	struct kdb_list list;

	fill(&list, items, 1, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_eq(kdb_list_pop_front(&list), &items[i].link);
		ck_assert(kdb_list_is_empty(&items[i].link));
	}
	ck_assert_ptr_null(kdb_list_pop_front(&list));
	expect_items(&list, "");
}
END_TEST

struct splice_case {
	int to_count, from_count;
	const char *result;
};

static const struct splice_case splice_cases[] = {
	{ 0, 0, "" },
	{ 0, 1, "5" },
	{ 0, 3, "567" },
	{ 1, 0, "1" },
	{ 2, 2, "1256" },
	{ 3, 1, "1235" },
};

START_TEST(list_splices)
{
	const struct splice_case *each = &splice_cases[_i];
	struct item a[4], b[4];
	struct kdb_list to, from;

	fill(&to, a, 1, each->to_count);
	fill(&from, b, 5, each->from_count);
	kdb_list_splice_back(&to, &from);
	expect_items(&to, each->result);
	expect_items(&from, "");
}
END_TEST

/* --- alloc -------------------------------------------------------------------------- */

START_TEST(text_is_copied_with_its_nul)
{
	char *text = kdb_alloc_text("abc", 2);

	ck_assert_str_eq(text, "ab");
	free(text);
	text = kdb_alloc_text(NULL, 0);
	ck_assert_str_eq(text, "");
	free(text);
	text = kdb_alloc_text("a\0b", 3);
	ck_assert_mem_eq(text, "a\0b", 4);
	free(text);
}
END_TEST

START_TEST(text_is_printed)
{
	char *text = kdb_alloc_printf("%s %d", "a", 7);

	ck_assert_str_eq(text, "a 7");
	free(text);
}
END_TEST

START_TEST(zeroed_memory_is_zero)
{
	unsigned char *memory = kdb_alloc_zero(1000, 3);

	for (int i = 0; i < 3000; i++)
		ck_assert_uint_eq(memory[i], 0);
	free(memory);
	free(kdb_alloc_zero(0, 8));
	free(kdb_alloc(0));
}
END_TEST

START_TEST(realloc_keeps_content)
{
	char *memory = kdb_realloc(NULL, 3);

	memcpy(memory, "abc", 3);
	memory = kdb_realloc(memory, 100000);
	ck_assert_mem_eq(memory, "abc", 3);
	memory = kdb_realloc(memory, 0);
	ck_assert_ptr_nonnull(memory);
	free(memory);
}
END_TEST

/* AddressSanitizer would end the process in its own way. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* The product does not fit size_t, which calloc() must notice; the process stops then. */
START_TEST(product_that_overflows_stops_the_process)
{
	free(kdb_alloc_zero(SIZE_MAX / 2, 4));
}
END_TEST

/* --- names -------------------------------------------------------------------------- */

struct distance_case {
	const char *word;
	const char *name;
	size_t distance;
};

static const struct distance_case distance_cases[] = {
	{ "listen", "listen", 0 },
	{ "LISTEN", "listen", 0 },
	{ "listn", "listen", 1 },
	{ "lissten", "listen", 1 },
	{ "kisten", "listen", 1 },
	{ "max_events", "max-events", 1 },
	{ "lsiten", "listen", 2 },
	{ "tlss", "tls", 1 },
	{ "tl", "tls", 1 },
	{ "t", "tls", SIZE_MAX },
	{ "", "tls", SIZE_MAX },
	{ "tls", "", SIZE_MAX },
	{ "", "", 0 },
	{ "colour", "listen", SIZE_MAX },
	{ "default-timeout", "default-timeout-seconds", SIZE_MAX },
	{ "max-timeout-secs", "max-timeout-seconds", 3 },
};

START_TEST(distance_of_names)
{
	const struct distance_case *each = &distance_cases[_i];

	ck_assert_msg(kdb_name_distance(each->word, strlen(each->word), each->name) ==
		each->distance,
	    "%s and %s: %zu", each->word, each->name,
	    kdb_name_distance(each->word, strlen(each->word), each->name));
}
END_TEST

START_TEST(distance_of_long_words_is_not_computed)
{
	char word[KDB_NAME_DISTANCE_MAX_LEN + 2];

	memset(word, 'a', sizeof word);
	word[sizeof word - 1] = 0;
	ck_assert_uint_eq(
	    kdb_name_distance(word, KDB_NAME_DISTANCE_MAX_LEN + 1, word), SIZE_MAX);
	word[KDB_NAME_DISTANCE_MAX_LEN] = 0;
	ck_assert_uint_eq(kdb_name_distance(word, KDB_NAME_DISTANCE_MAX_LEN, word), 0);
}
END_TEST

static void
add_buffer(Suite *s)
{
	TCase *c = tcase_create("buffer");

	tcase_add_test(c, buffer_collects);
	tcase_add_test(c, buffer_keeps_every_byte_value);
	tcase_add_test(c, buffer_grows_over_many_writes);
	tcase_add_loop_test(c, buffer_ends_at_its_maximum, 0, 11);
	tcase_add_test(c, buffer_of_nothing);
	tcase_add_test(c, buffer_refuses_a_length_that_wraps);
	tcase_add_test(c, buffer_cleared_keeps_its_memory);
	tcase_add_test(c, buffer_taken_is_empty);
	suite_add_tcase(s, c);
}

static void
add_list(Suite *s)
{
	TCase *c = tcase_create("list");

	tcase_add_test(c, list_keeps_order);
	tcase_add_loop_test(c, list_removes_anywhere, 0, 4);
	tcase_add_test(c, list_pops_from_the_front);
	tcase_add_loop_test(c, list_splices, 0, COUNT(splice_cases));
	suite_add_tcase(s, c);
}

static void
add_rest(Suite *s)
{
	TCase *c = tcase_create("alloc and names");

	tcase_add_test(c, text_is_copied_with_its_nul);
	tcase_add_test(c, text_is_printed);
	tcase_add_test(c, zeroed_memory_is_zero);
	tcase_add_test(c, realloc_keeps_content);
	tcase_add_test_raise_signal(c, product_that_overflows_stops_the_process, SIGABRT);
	tcase_add_loop_test(c, distance_of_names, 0, COUNT(distance_cases));
	tcase_add_test(c, distance_of_long_words_is_not_computed);
	suite_add_tcase(s, c);
}

int
main(void)
{
	Suite *s = suite_create("base");
	SRunner *r = srunner_create(s);

	add_buffer(s);
	add_list(s);
	add_rest(s);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	srunner_free(r);
	return 0;
}
