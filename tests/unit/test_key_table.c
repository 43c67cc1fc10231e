/* SPDX-License-Identifier: Apache-2.0 */
/* The table of idempotency keys: who gets a key, what is forgotten first and what never,
 * who waits how long, and a table that is full. */
#include "client-core/base/clock.h"
#include "daemon/key_table.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

#define SECONDS KDB_NS_PER_SECOND

static struct kg_key_table table;

static void
setup(void)
{
	kg_key_table_init(&table, 4, 600 * SECONDS);
}

static void
teardown(void)
{
	kg_key_table_dispose(&table);
}

/* Claims the key with this number for a request that is told by another one. */
static enum kg_key_state
claim(uint32_t name_number, uint8_t request, int64_t now, struct kg_key **key)
{
	uint8_t name[KG_KEY_NAME_SIZE] = {0};
	uint8_t digest[KG_KEY_DIGEST_SIZE] = {0};

	memcpy(name, &name_number, sizeof(name_number));
	name[KG_KEY_NAME_SIZE - 1] = (uint8_t)name_number;
	digest[KG_KEY_DIGEST_SIZE - 1] = request;
	return kg_key_table_claim(&table, name, digest, now, key);
}

/* A request that comes and ends at once. */
static enum kg_key_state
pass(uint32_t name_number, int64_t now)
{
	struct kg_key *key;
	enum kg_key_state state = claim(name_number, 1, now, &key);

	ck_assert(state == KG_KEY_NEW || state == KG_KEY_KNOWN);
	kg_key_table_rest(&table, key, now);
	return state;
}

START_TEST(a_key_from_claim_to_rest)
{
	struct kg_key *key;
	struct kg_key *again;

	ck_assert_int_eq(claim(1, 1, 0, &key), KG_KEY_NEW);
	ck_assert(!key->may_be_stored);
	ck_assert_int_eq(claim(1, 1, 0, &again), KG_KEY_BUSY);
	ck_assert_ptr_eq(key, again);
	ck_assert_int_eq(claim(1, 2, 0, &again), KG_KEY_REUSED);
	kg_key_table_rest(&table, key, 0);
	ck_assert_int_eq(claim(1, 2, 1, &again), KG_KEY_REUSED);
	ck_assert_int_eq(claim(1, 1, 1, &again), KG_KEY_KNOWN);
	ck_assert(again->may_be_stored);
	ck_assert_int_eq(claim(1, 1, 1, &key), KG_KEY_BUSY);
	kg_key_table_drop(&table, key);
	ck_assert_int_eq(claim(1, 2, 2, &key), KG_KEY_NEW);
	kg_key_table_drop(&table, key);
	ck_assert_uint_eq(table.count, 0);
	ck_assert_int_eq(table.forgotten_mono_ns, INT64_MIN);
}
END_TEST

/* Names that lie in one bucket are told apart by all their bytes. */
START_TEST(names_in_one_bucket)
{
	struct kg_key *keys[3];

	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(claim(i << 20, 1, 0, &keys[i]), KG_KEY_NEW);
	kg_key_table_drop(&table, keys[1]);
	for (uint32_t i = 0; i < 3; i += 2)
		ck_assert_int_eq(claim(i << 20, 1, 0, &keys[1]), KG_KEY_BUSY);
	kg_key_table_drop(&table, keys[0]);
	ck_assert_int_eq(claim(2 << 20, 1, 0, &keys[1]), KG_KEY_BUSY);
	kg_key_table_rest(&table, keys[2], 0);
}
END_TEST

START_TEST(the_oldest_goes_first)
{
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(pass(i, i), KG_KEY_NEW);
	/* Meeting a key again makes it young. */
	ck_assert_int_eq(pass(0, 10), KG_KEY_KNOWN);
	ck_assert_int_eq(pass(4, 11), KG_KEY_NEW);
	ck_assert_uint_eq(table.count, 4);
	ck_assert_int_eq(pass(0, 12), KG_KEY_KNOWN);
	ck_assert_int_eq(pass(1, 13), KG_KEY_NEW);
	ck_assert_int_eq(pass(2, 14), KG_KEY_NEW);
}
END_TEST

START_TEST(what_is_in_progress_is_never_forgotten)
{
	struct kg_key *keys[6];
	struct kg_key *again;

	for (uint32_t i = 0; i < 6; i++)
		ck_assert_int_eq(claim(i, 1, 0, &keys[i]), KG_KEY_NEW);
	ck_assert_int_eq(pass(6, 0), KG_KEY_NEW);
	ck_assert_int_eq(pass(7, 10000 * SECONDS), KG_KEY_NEW);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_int_eq(claim(i, 1, 10000 * SECONDS, &again), KG_KEY_BUSY);
		kg_key_table_rest(&table, keys[i], 10000 * SECONDS);
	}
	ck_assert_int_eq(pass(8, 10000 * SECONDS), KG_KEY_NEW);
	ck_assert_uint_eq(table.count, 4);
}
END_TEST

START_TEST(a_key_is_kept_for_ten_minutes)
{
	ck_assert_int_eq(pass(1, 0), KG_KEY_NEW);
	ck_assert_int_eq(pass(2, SECONDS), KG_KEY_NEW);
	ck_assert_int_eq(pass(1, 600 * SECONDS - 1), KG_KEY_KNOWN);
	ck_assert_int_eq(pass(1, 1200 * SECONDS - 1), KG_KEY_NEW);
	/* The other one went with it. */
	ck_assert_uint_eq(table.count, 1);
	ck_assert_int_gt(table.forgotten_mono_ns, 600 * SECONDS - 1);
	ck_assert_int_lt(table.forgotten_mono_ns, 1200 * SECONDS);
}
END_TEST

START_TEST(a_changed_request_is_known_only_as_long)
{
	struct kg_key *key;

	pass(1, 0);
	ck_assert_int_eq(claim(1, 2, 600 * SECONDS, &key), KG_KEY_NEW);
	kg_key_table_drop(&table, key);
}
END_TEST

START_TEST(waiters_in_order)
{
	struct kg_key_waiter waiters[3];
	struct kg_key *key;

	claim(1, 1, 0, &key);
	ck_assert_ptr_null(kg_key_table_first_waiter(key));
	ck_assert_int_eq(kg_key_table_next_due(&table), INT64_MAX);
	kg_key_table_wait(&table, key, &waiters[0], 30);
	kg_key_table_wait(&table, key, &waiters[1], 10);
	kg_key_table_wait(&table, key, &waiters[2], 20);
	ck_assert_ptr_eq(kg_key_table_first_waiter(key), &waiters[0]);
	ck_assert_int_eq(kg_key_table_next_due(&table), 10);
	ck_assert_ptr_null(kg_key_table_expired(&table, 9));
	ck_assert_ptr_eq(kg_key_table_expired(&table, 20), &waiters[1]);
	kg_key_table_stop_waiting(&table, &waiters[1]);
	ck_assert_ptr_eq(kg_key_table_expired(&table, 20), &waiters[2]);
	kg_key_table_stop_waiting(&table, &waiters[2]);
	ck_assert_ptr_null(kg_key_table_expired(&table, 20));
	kg_key_table_stop_waiting(&table, &waiters[0]);
	ck_assert_ptr_null(kg_key_table_first_waiter(key));
	ck_assert_int_eq(kg_key_table_next_due(&table), INT64_MAX);
	kg_key_table_rest(&table, key, 40);
}
END_TEST

START_TEST(many_keys_cost_no_more_than_few)
{
	kg_key_table_dispose(&table);
	kg_key_table_init(&table, 10000, 600 * SECONDS);
	for (uint32_t i = 0; i < 50000; i++)
		ck_assert_int_eq(pass(i, i), KG_KEY_NEW);
	ck_assert_uint_eq(table.count, 10000);
	for (uint32_t i = 40000; i < 50000; i++)
		ck_assert_int_eq(pass(i, 50000 + i), KG_KEY_KNOWN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("key_table");
	TCase *tcase = tcase_create("key_table");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_key_from_claim_to_rest);
	tcase_add_test(tcase, names_in_one_bucket);
	tcase_add_test(tcase, the_oldest_goes_first);
	tcase_add_test(tcase, what_is_in_progress_is_never_forgotten);
	tcase_add_test(tcase, a_key_is_kept_for_ten_minutes);
	tcase_add_test(tcase, a_changed_request_is_known_only_as_long);
	tcase_add_test(tcase, waiters_in_order);
	tcase_add_test(tcase, many_keys_cost_no_more_than_few);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
