/* SPDX-License-Identifier: Apache-2.0 */
/* Phases of connections: order of deadlines, moving, and the end. */
#include "client-core/base/clock.h"
#include "daemon/phase.h"

#include <check.h>
#include <stdint.h>

#define SECONDS KDB_NS_PER_SECOND

static const struct kg_config config = {
    .header_timeout_ns = 5 * SECONDS,
    .body_grace_ns = 4 * SECONDS,
    .idle_timeout_ns = 30 * SECONDS,
};

START_TEST(test_deadlines)
{
	struct kg_phases phases;
	struct kg_phase_entry a, b;

	kg_phases_init(&phases, &config);
	ck_assert_int_eq(kg_phases_next_due(&phases), INT64_MAX);
	kg_phase_enter(&phases, &a, KG_PHASE_IDLE, 0);
	kg_phase_enter(&phases, &b, KG_PHASE_HEAD, 10 * SECONDS);
	ck_assert_int_eq(kg_phases_next_due(&phases), 15 * SECONDS);
	ck_assert_ptr_null(kg_phases_expired(&phases, 15 * SECONDS - 1));
	ck_assert_ptr_eq(kg_phases_expired(&phases, 15 * SECONDS), &b);
	/* It is told again until it is moved. */
	ck_assert_ptr_eq(kg_phases_expired(&phases, 15 * SECONDS), &b);
	kg_phase_set(&phases, &b, KG_PHASE_BODY_GRACE, 15 * SECONDS);
	ck_assert_int_eq(kg_phases_next_due(&phases), 19 * SECONDS);
	kg_phase_set(&phases, &b, KG_PHASE_BUSY, 16 * SECONDS);
	ck_assert_int_eq(kg_phases_next_due(&phases), 30 * SECONDS);
	ck_assert_ptr_null(kg_phase_first(&phases, KG_PHASE_BODY_GRACE));
	kg_phase_leave(&a);
	kg_phase_leave(&b);
	ck_assert_int_eq(kg_phases_next_due(&phases), INT64_MAX);
}
END_TEST

START_TEST(test_longest_comes_first)
{
	struct kg_phases phases;
	struct kg_phase_entry a, b, c;

	kg_phases_init(&phases, &config);
	kg_phase_enter(&phases, &a, KG_PHASE_IDLE, 1);
	kg_phase_enter(&phases, &b, KG_PHASE_IDLE, 2);
	kg_phase_enter(&phases, &c, KG_PHASE_IDLE, 3);
	ck_assert_ptr_eq(kg_phase_first(&phases, KG_PHASE_IDLE), &a);
	kg_phase_set(&phases, &a, KG_PHASE_IDLE, 4);
	ck_assert_ptr_eq(kg_phase_first(&phases, KG_PHASE_IDLE), &b);
	kg_phase_leave(&b);
	ck_assert_ptr_eq(kg_phase_first(&phases, KG_PHASE_IDLE), &c);
	kg_phase_leave(&c);
	ck_assert_ptr_eq(kg_phase_first(&phases, KG_PHASE_IDLE), &a);
	kg_phase_leave(&a);
	ck_assert_ptr_null(kg_phase_first(&phases, KG_PHASE_IDLE));
}
END_TEST

START_TEST(test_closing_is_for_ever)
{
	struct kg_phases phases;
	struct kg_phase_entry entry;

	kg_phases_init(&phases, &config);
	kg_phase_enter(&phases, &entry, KG_PHASE_SENDING, 0);
	kg_phase_set(&phases, &entry, KG_PHASE_CLOSING, 0);
	kg_phase_set(&phases, &entry, KG_PHASE_IDLE, 0);
	ck_assert_int_eq(entry.phase, KG_PHASE_CLOSING);
	ck_assert_int_eq(kg_phases_next_due(&phases), INT64_MAX);
	kg_phase_leave(&entry);
}
END_TEST

START_TEST(test_pace_is_judged_at_most_once_a_second)
{
	const struct kg_config without_grace = {.body_grace_ns = 0};
	struct kg_phases phases;
	struct kg_phase_entry entry;

	kg_phases_init(&phases, &without_grace);
	kg_phase_enter(&phases, &entry, KG_PHASE_BODY_GRACE, 0);
	ck_assert_ptr_eq(kg_phases_expired(&phases, 0), &entry);
	kg_phase_set(&phases, &entry, KG_PHASE_BODY_PACE, 0);
	ck_assert_ptr_null(kg_phases_expired(&phases, SECONDS - 1));
	ck_assert_ptr_eq(kg_phases_expired(&phases, SECONDS), &entry);
	kg_phase_leave(&entry);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("phase");
	TCase *tcase = tcase_create("phase");
	SRunner *runner;

	tcase_add_test(tcase, test_deadlines);
	tcase_add_test(tcase, test_longest_comes_first);
	tcase_add_test(tcase, test_closing_is_for_ever);
	tcase_add_test(tcase, test_pace_is_judged_at_most_once_a_second);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
