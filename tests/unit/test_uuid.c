/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs: forms that are read and refused, printing, what is random and what is not. */
#include "client-core/base/clock.h"
#include "daemon/uuid.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const char *const good[] = {
	"4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11",
	"4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11",
	"4c7C0f0A-8a39-4C59-9a3A-9d1C8a6F5d11",
	"00000000-0000-0000-0000-000000000001",
	"80000000-0000-0000-0000-000000000000",
	"ffffffff-ffff-ffff-ffff-ffffffffffff",
	"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1",
};

START_TEST(every_case_is_read_and_printed_lower)
{
	uint8_t id[16], again[16];
	char text[KG_UUID_TEXT_LEN + 1];

	ck_assert(kg_uuid_read(good[_i], KG_UUID_TEXT_LEN, id));
	kg_uuid_print(id, text);
	ck_assert_uint_eq(strlen(text), KG_UUID_TEXT_LEN);
	for (int i = 0; i < KG_UUID_TEXT_LEN; i++)
		ck_assert_int_eq(text[i], good[_i][i] >= 'A' && good[_i][i] <= 'F'
			? good[_i][i] - 'A' + 'a'
			: good[_i][i]);
	ck_assert(kg_uuid_read(text, KG_UUID_TEXT_LEN, again));
	ck_assert_mem_eq(id, again, 16);
}
END_TEST

START_TEST(bytes_stand_in_the_order_of_the_text)
{
	uint8_t id[16];

	ck_assert(kg_uuid_read("00010203-0405-0607-0809-0a0b0c0d0e0f", 36, id));
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(id[i], i);
}
END_TEST

static const char *const bad[] = {
	"",
	"00000000-0000-0000-0000-000000000000",
	"4c7c0f0a8a394c599a3a9d1c8a6f5d11",
	"4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1",
	"4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d111",
	"{4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11}",
	"{c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1}",
	"urn:uuid:4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11",
	"4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1g",
	"4c7c0f0a-8a39-4c59-9a3a_9d1c8a6f5d11",
	"4c7c0f0a08a39-4c59-9a3a-9d1c8a6f5d11",
	"4c7c0f0-a8a39-4c59-9a3a-9d1c8a6f5d11",
	" c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11",
	"4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1 ",
	"4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d\xc3\xa9",
	"-c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11",
};

START_TEST(other_forms_are_refused)
{
	uint8_t id[16];

	ck_assert(!kg_uuid_read(bad[_i], strlen(bad[_i]), id));
}
END_TEST

START_TEST(a_nul_is_no_digit)
{
	uint8_t id[16];

	ck_assert(!kg_uuid_read("4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1\0", 36, id));
}
END_TEST

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* More ids than the store of random bytes serves at once. */
START_TEST(random_ids_differ)
{
	static uint8_t ids[4096][16];
	unsigned seen_bits[16] = { 0 };

	for (int i = 0; i < COUNT(ids); i++) {
		kg_uuid_make_v4(ids[i]);
		ck_assert_int_eq(ids[i][6] >> 4, 4);
		ck_assert_int_eq(ids[i][8] >> 6, 2);
		for (int byte = 0; byte < 16; byte++)
			seen_bits[byte] |= ids[i][byte];
	}
	qsort(ids, COUNT(ids), sizeof ids[0], compare_ids);
	for (int i = 1; i < COUNT(ids); i++)
		ck_assert_int_ne(memcmp(ids[i - 1], ids[i], 16), 0);
	/* Every bit that may be random was set at least once. */
	for (int byte = 0; byte < 16; byte++)
		ck_assert_uint_eq(
		    seen_bits[byte], byte == 6 ? 0x4fU : byte == 8 ? 0xbfU : 0xffU);
}
END_TEST

static int64_t
time_of_v7(const uint8_t id[16])
{
	int64_t time_ms = 0;

	for (int i = 0; i < 6; i++)
		time_ms = time_ms << 8 | id[i];
	return time_ms;
}

START_TEST(v7_ids_begin_with_the_time)
{
	uint8_t id[16], next[16];
	int64_t before_ms = kdb_clock_wall_ns() / KDB_NS_PER_MS;
	int64_t after_ms;

	kg_uuid_make_v7(id);
	kg_uuid_make_v7(next);
	after_ms = kdb_clock_wall_ns() / KDB_NS_PER_MS;
	ck_assert_int_ge(time_of_v7(id), before_ms);
	ck_assert_int_le(time_of_v7(id), after_ms);
	ck_assert_int_eq(id[6] >> 4, 7);
	ck_assert_int_eq(id[8] >> 6, 2);
	ck_assert_int_ne(memcmp(id + 6, next + 6, 10), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("uuid");
	TCase *tcase = tcase_create("uuid");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, every_case_is_read_and_printed_lower, 0, COUNT(good));
	tcase_add_test(tcase, bytes_stand_in_the_order_of_the_text);
	tcase_add_loop_test(tcase, other_forms_are_refused, 0, COUNT(bad));
	tcase_add_test(tcase, a_nul_is_no_digit);
	tcase_add_test(tcase, random_ids_differ);
	tcase_add_test(tcase, v7_ids_begin_with_the_time);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
