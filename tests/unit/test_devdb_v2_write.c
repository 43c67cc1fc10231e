/* SPDX-License-Identifier: Apache-2.0 */
/* Writes over several streams in the development database: all or nothing, in the order
 * of the request, checks, replays. */
#include "devdb/v2_write.h"

#include "client-core/base/alloc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES ((size_t)64 << 20)

static struct devdb_store *store;
static struct devdb_v2_write request;

static void
set_up(void)
{
	store = devdb_store_new(MEMORY_BYTES);
	devdb_v2_write_init(&request, store);
}

static void
tear_down(void)
{
	devdb_v2_write_dispose(&request);
	devdb_store_free(store);
}

static struct devdb_name
name(const char *text)
{
	return (struct devdb_name){(const uint8_t *)text, strlen(text)};
}

static struct devdb_event *
event(uint8_t id)
{
	return devdb_event_new(&(struct devdb_proposal){
	    .id.bytes = {id},
	    .type = (const uint8_t *)"T",
	    .type_len = 1,
	});
}

static uint32_t
part(const char *stream)
{
	uint32_t index = 0;
	bool is_new;

	ck_assert(devdb_v2_write_part(&request, name(stream), &index, &is_new));
	return index;
}

static void
expect(const char *stream, int64_t expected)
{
	uint32_t index = part(stream);

	request.parts[index].expected = expected;
}

static void
add(const char *stream, uint8_t id)
{
	ck_assert(devdb_v2_write_add(&request, part(stream), event(id)));
}

/* Starts the next request. */
static void
begin(void)
{
	devdb_v2_write_dispose(&request);
	devdb_v2_write_init(&request, store);
}

static void
append(const char *stream, int64_t expected, uint8_t id)
{
	ck_assert_int_eq(
	    devdb_store_append(store, name(stream), expected, event(id)).result,
	    DEVDB_WRITTEN);
}

static enum devdb_write_result
carry_out(void)
{
	return devdb_v2_write_carry_out(&request).result;
}

/* The first byte of the id of each event of a stream, in order. */
static void
expect_ids(const char *stream, const char *ids)
{
	struct devdb_read read =
	    devdb_store_read(store, name(stream), 0, false, UINT64_MAX);
	const struct devdb_event *one;
	char found[64] = "";
	size_t count = 0;

	while (count < sizeof found - 1 && (one = devdb_store_read_next(&read)))
		found[count++] = (char)one->id.bytes[0];
	ck_assert_str_eq(found, ids);
}

START_TEST(records_keep_their_order_over_streams)
{
	struct devdb_read a;
	struct devdb_read b;
	uint64_t first;
	uint64_t middle;

	add("a", '1');
	add("b", '2');
	add("a", '3');
	ck_assert_int_eq(carry_out(), DEVDB_WRITTEN);
	expect_ids("a", "13");
	expect_ids("b", "2");
	ck_assert_int_eq(request.parts[0].revision, 1);
	ck_assert_int_eq(request.parts[1].revision, 0);
	a = devdb_store_read(store, name("a"), 0, false, 2);
	b = devdb_store_read(store, name("b"), 0, false, 1);
	first = devdb_store_read_next(&a)->position;
	middle = devdb_store_read_next(&b)->position;
	ck_assert_uint_lt(first, middle);
	ck_assert_uint_lt(middle, devdb_store_read_next(&a)->position);
}
END_TEST

START_TEST(one_failure_leaves_nothing_written)
{
	append("b", DEVDB_ANY, 'x');
	add("a", '1');
	add("b", '2');
	expect("a", DEVDB_NO_STREAM);
	expect("b", 5);
	ck_assert_int_eq(carry_out(), DEVDB_WRONG_VERSION);
	ck_assert_int_eq(request.parts[0].result, DEVDB_WRITTEN);
	ck_assert_int_eq(request.parts[1].result, DEVDB_WRONG_VERSION);
	ck_assert_int_eq(request.parts[1].revision, 0);
	ck_assert_int_eq(
	    devdb_store_read(store, name("a"), 0, false, 1).state, DEVDB_READ_NOT_FOUND);
	expect_ids("b", "x");
	ck_assert_uint_eq(devdb_store_event_count(store), 1);
}
END_TEST

START_TEST(names_are_grouped_without_case)
{
	add("Order", '1');
	add("order", '2');
	ck_assert_uint_eq(request.part_count, 1);
	ck_assert_int_eq(carry_out(), DEVDB_WRITTEN);
	expect_ids("Order", "12");
}
END_TEST

START_TEST(a_whole_replay_succeeds_whatever_the_checks)
{
	struct devdb_write first;
	struct devdb_write again;

	append("c", DEVDB_ANY, 'x');
	expect("c", 0);
	add("a", '1');
	add("b", '2');
	first = devdb_v2_write_carry_out(&request);
	ck_assert_int_eq(first.result, DEVDB_WRITTEN);
	append("c", DEVDB_ANY, 'y');
	begin();
	expect("c", 0);
	add("b", '2');
	add("a", '1');
	again = devdb_v2_write_carry_out(&request);
	ck_assert_int_eq(again.result, DEVDB_WRITTEN);
	ck_assert(again.has_position);
	ck_assert_uint_eq(again.position, first.position);
	expect_ids("a", "1");
	begin();
	expect("c", 0);
	add("a", '3');
	ck_assert_int_eq(carry_out(), DEVDB_WRONG_VERSION);
	ck_assert_int_eq(request.parts[0].revision, 1);
}
END_TEST

START_TEST(a_part_of_a_replay_is_a_conflict)
{
	add("a", '1');
	ck_assert_int_eq(carry_out(), DEVDB_WRITTEN);
	begin();
	add("a", '1');
	add("b", '2');
	ck_assert_int_eq(carry_out(), DEVDB_WRONG_VERSION);
	ck_assert_int_eq(request.parts[0].result, DEVDB_WRONG_VERSION);
	ck_assert_int_eq(request.parts[0].revision, 0);
	ck_assert_int_eq(request.parts[1].result, DEVDB_WRITTEN);
	ck_assert_int_eq(
	    devdb_store_read(store, name("b"), 0, false, 1).state, DEVDB_READ_NOT_FOUND);
}
END_TEST

/* The states of a stream, and what a check on it comes to (wire-protocol 3.3). */
enum state { NEVER, EXISTS_AT_0, METADATA_ONLY, DELETED, TOMBSTONED };

static const struct {
	enum state state;
	int64_t expected;
	enum devdb_write_result written;
	enum devdb_write_result check_only;
} state_rows[] = {
    {NEVER, 0, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {NEVER, DEVDB_NO_STREAM, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {NEVER, DEVDB_EXISTS, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {NEVER, DEVDB_SOFT_DELETED, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {NEVER, DEVDB_TOMBSTONED, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {EXISTS_AT_0, 0, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {EXISTS_AT_0, 1, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {EXISTS_AT_0, DEVDB_NO_STREAM, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {EXISTS_AT_0, DEVDB_EXISTS, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {EXISTS_AT_0, DEVDB_SOFT_DELETED, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {EXISTS_AT_0, DEVDB_TOMBSTONED, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {METADATA_ONLY, DEVDB_NO_STREAM, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {METADATA_ONLY, DEVDB_EXISTS, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {DELETED, 0, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {DELETED, 1, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {DELETED, DEVDB_NO_STREAM, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {DELETED, DEVDB_EXISTS, DEVDB_STREAM_DELETED, DEVDB_STREAM_DELETED},
    {DELETED, DEVDB_SOFT_DELETED, DEVDB_WRITTEN, DEVDB_WRITTEN},
    {DELETED, DEVDB_TOMBSTONED, DEVDB_WRONG_VERSION, DEVDB_WRONG_VERSION},
    {TOMBSTONED, 0, DEVDB_STREAM_DELETED, DEVDB_STREAM_DELETED},
    {TOMBSTONED, DEVDB_NO_STREAM, DEVDB_STREAM_DELETED, DEVDB_WRITTEN},
    {TOMBSTONED, DEVDB_EXISTS, DEVDB_STREAM_DELETED, DEVDB_STREAM_DELETED},
    {TOMBSTONED, DEVDB_SOFT_DELETED, DEVDB_STREAM_DELETED, DEVDB_STREAM_DELETED},
    {TOMBSTONED, DEVDB_TOMBSTONED, DEVDB_STREAM_DELETED, DEVDB_WRITTEN},
};

static void
prepare(enum state state)
{
	if (state == METADATA_ONLY)
		append("$$s", DEVDB_ANY, 'm');
	if (state == EXISTS_AT_0 || state == DELETED || state == TOMBSTONED)
		append("s", DEVDB_ANY, 'p');
	if (state == DELETED)
		devdb_store_delete(store, name("s"), DEVDB_ANY);
	if (state == TOMBSTONED)
		devdb_store_tombstone(store, name("s"), DEVDB_ANY);
}

START_TEST(a_stream_that_is_only_looked_at)
{
	prepare(state_rows[_i].state);
	expect("s", state_rows[_i].expected);
	add("w", '1');
	ck_assert_int_eq(carry_out(), state_rows[_i].check_only);
	ck_assert_int_eq(request.parts[0].result, state_rows[_i].check_only);
	ck_assert_int_eq(request.parts[1].result, DEVDB_WRITTEN);
}
END_TEST

START_TEST(a_stream_that_is_written)
{
	prepare(state_rows[_i].state);
	expect("s", state_rows[_i].expected);
	add("s", '1');
	ck_assert_int_eq(carry_out(), state_rows[_i].written);
	ck_assert_int_eq(
	    request.parts[0].is_tombstoned, state_rows[_i].state == TOMBSTONED);
}
END_TEST

START_TEST(a_write_that_expected_deleted_can_be_repeated)
{
	prepare(DELETED);
	for (int i = 0; i < 2; i++) {
		begin();
		expect("s", DEVDB_SOFT_DELETED);
		add("s", '1');
		ck_assert_int_eq(carry_out(), DEVDB_WRITTEN);
		ck_assert_int_eq(request.parts[0].revision, 1);
	}
	expect_ids("s", "1");
}
END_TEST

START_TEST(a_full_store_takes_no_more)
{
	bool has_room = true;
	unsigned count = 0;
	char text[32];
	uint32_t index;
	bool is_new;

	devdb_v2_write_dispose(&request);
	devdb_store_free(store);
	store = devdb_store_new(100000);
	devdb_v2_write_init(&request, store);
	while (has_room) {
		ck_assert_uint_lt(count, 10000);
		snprintf(text, sizeof text, "stream-%u", count++);
		has_room = devdb_v2_write_part(&request, name(text), &index, &is_new);
		if (has_room)
			has_room = devdb_v2_write_add(&request, index, event('1'));
	}
	ck_assert_uint_le(devdb_store_memory(store), 100000);
	begin();
	ck_assert_uint_eq(devdb_store_event_count(store), 0);
	add("a", '1');
	ck_assert_int_eq(carry_out(), DEVDB_WRITTEN);
}
END_TEST

int
main(void)
{
	const int rows = (int)(sizeof state_rows / sizeof state_rows[0]);
	Suite *suite = suite_create("devdb_v2_write");
	TCase *tcase = tcase_create("write");
	SRunner *runner;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, records_keep_their_order_over_streams);
	tcase_add_test(tcase, one_failure_leaves_nothing_written);
	tcase_add_test(tcase, names_are_grouped_without_case);
	tcase_add_test(tcase, a_whole_replay_succeeds_whatever_the_checks);
	tcase_add_test(tcase, a_part_of_a_replay_is_a_conflict);
	tcase_add_loop_test(tcase, a_stream_that_is_only_looked_at, 0, rows);
	tcase_add_loop_test(tcase, a_stream_that_is_written, 0, rows);
	tcase_add_test(tcase, a_write_that_expected_deleted_can_be_repeated);
	tcase_add_test(tcase, a_full_store_takes_no_more);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
