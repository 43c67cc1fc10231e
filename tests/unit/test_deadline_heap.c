/* SPDX-License-Identifier: Apache-2.0 */
/* The heap gives deadlines back in order, whatever is added and removed in between. */
#include "client-core/base/deadline_heap.h"

#include <check.h>
#include <stdlib.h>

enum { COUNT = 1000 };

START_TEST(comes_out_in_order)
{
	struct kdb_deadline_heap heap;
	struct kdb_deadline deadlines[COUNT] = { 0 };
	int64_t last = -1;
	size_t seen = 0;

	kdb_deadline_heap_init(&heap);
	srand(1);
	for (int i = 0; i < COUNT; i++) {
		deadlines[i].at_mono_ns = rand() % 500;
		kdb_deadline_heap_add(&heap, &deadlines[i]);
	}
	for (int i = 0; i < COUNT; i += 3)
		kdb_deadline_heap_remove(&heap, &deadlines[i]);
	for (int i = 0; i < COUNT; i += 6)
		kdb_deadline_heap_add(&heap, &deadlines[i]);
	for (struct kdb_deadline *first; (first = kdb_deadline_heap_first(&heap)); seen++) {
		ck_assert_int_ge(first->at_mono_ns, last);
		last = first->at_mono_ns;
		kdb_deadline_heap_remove(&heap, first);
		ck_assert_uint_eq(first->index, 0);
	}
	ck_assert_uint_eq(seen, COUNT - (COUNT + 2) / 3 + (COUNT + 5) / 6);
	kdb_deadline_heap_dispose(&heap);
}
END_TEST

START_TEST(removing_twice_is_harmless)
{
	struct kdb_deadline_heap heap;
	struct kdb_deadline a = { .at_mono_ns = 1 };

	kdb_deadline_heap_init(&heap);
	ck_assert_ptr_null(kdb_deadline_heap_first(&heap));
	kdb_deadline_heap_remove(&heap, &a);
	kdb_deadline_heap_add(&heap, &a);
	ck_assert_ptr_eq(kdb_deadline_heap_first(&heap), &a);
	kdb_deadline_heap_remove(&heap, &a);
	kdb_deadline_heap_remove(&heap, &a);
	ck_assert_ptr_null(kdb_deadline_heap_first(&heap));
	kdb_deadline_heap_dispose(&heap);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deadline_heap");
	TCase *tcase = tcase_create("deadline_heap");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, comes_out_in_order);
	tcase_add_test(tcase, removing_twice_is_harmless);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
