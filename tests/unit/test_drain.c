/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a stop, and when each ends. */
#include "client-core/base/clock.h"
#include "daemon/drain.h"

#include <check.h>

#define SECONDS KDB_NS_PER_SECOND
#define QUIET (100 * KDB_NS_PER_MS)

static bool
advance(struct kg_drain *drain, size_t request_count, size_t connection_count,
    bool is_sending, int64_t now)
{
	const struct kg_drain_view view = {
	    request_count, connection_count, is_sending, now};

	return kg_drain_advance(drain, &view);
}

START_TEST(test_nothing_before_a_stop)
{
	struct kg_drain drain = {0};

	ck_assert(!advance(&drain, 0, 0, false, 100 * SECONDS));
	ck_assert_int_eq(drain.stage, KG_DRAIN_NO);
	ck_assert_int_eq(kg_drain_next_due(&drain, false), INT64_MAX);
}
END_TEST

START_TEST(test_requests_finish_first)
{
	struct kg_drain drain = {0};

	kg_drain_begin(&drain, 0, 30 * SECONDS);
	ck_assert(!advance(&drain, 1, 5, false, 10 * SECONDS));
	ck_assert_int_eq(drain.stage, KG_DRAIN_REQUESTS);
	ck_assert_int_eq(kg_drain_next_due(&drain, false), 30 * SECONDS);
	ck_assert(advance(&drain, 0, 5, false, 11 * SECONDS));
	ck_assert_int_eq(drain.stage, KG_DRAIN_QUIET);
	/* The listeners are closed once. */
	ck_assert(!advance(&drain, 0, 5, false, 11 * SECONDS));
}
END_TEST

START_TEST(test_time_is_over)
{
	struct kg_drain drain = {0};

	kg_drain_begin(&drain, 0, 30 * SECONDS);
	ck_assert(!advance(&drain, 1, 5, true, 30 * SECONDS - 1));
	ck_assert(advance(&drain, 1, 5, true, 30 * SECONDS));
	ck_assert(!advance(&drain, 1, 5, true, 30 * SECONDS));
	ck_assert_int_eq(drain.stage, KG_DRAIN_DONE);
}
END_TEST

START_TEST(test_quiet)
{
	struct kg_drain drain = {0};

	kg_drain_begin(&drain, 0, 30 * SECONDS);
	ck_assert(advance(&drain, 0, 2, false, 0));
	ck_assert_int_eq(kg_drain_next_due(&drain, false), QUIET);
	ck_assert_int_eq(kg_drain_next_due(&drain, true), 30 * SECONDS);
	ck_assert(!advance(&drain, 0, 2, false, QUIET - 1));
	ck_assert_int_eq(drain.stage, KG_DRAIN_QUIET);
	drain.last_mono_ns = QUIET - 1;
	ck_assert(!advance(&drain, 0, 2, false, QUIET));
	ck_assert(!advance(&drain, 0, 2, true, 2 * QUIET));
	ck_assert_int_eq(drain.stage, KG_DRAIN_QUIET);
	ck_assert(!advance(&drain, 0, 2, false, 2 * QUIET));
	ck_assert_int_eq(drain.stage, KG_DRAIN_DONE);
}
END_TEST

START_TEST(test_nobody_is_connected)
{
	struct kg_drain drain = {0};

	kg_drain_begin(&drain, 0, 30 * SECONDS);
	ck_assert(advance(&drain, 0, 0, false, 1));
	ck_assert(!advance(&drain, 0, 0, false, 1));
	ck_assert_int_eq(drain.stage, KG_DRAIN_DONE);
}
END_TEST

START_TEST(test_second_signal)
{
	struct kg_drain drain = {0};

	kg_drain_begin(&drain, 0, 30 * SECONDS);
	kg_drain_begin(&drain, 1, 30 * SECONDS);
	ck_assert_int_eq(drain.stage, KG_DRAIN_DONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("drain");
	TCase *tcase = tcase_create("drain");
	SRunner *runner;

	tcase_add_test(tcase, test_nothing_before_a_stop);
	tcase_add_test(tcase, test_requests_finish_first);
	tcase_add_test(tcase, test_time_is_over);
	tcase_add_test(tcase, test_quiet);
	tcase_add_test(tcase, test_nobody_is_connected);
	tcase_add_test(tcase, test_second_signal);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
