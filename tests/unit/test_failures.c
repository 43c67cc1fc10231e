/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of writes to several streams: what failed, whose ids, and room for all of it. */
#include "daemon/json_scan.h"
#include "daemon/problem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define NAME(literal) { literal, sizeof(literal) - 1 }

static char *
print(const struct kg_refusal *refusal, enum kg_int64_form form)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, kg_problem_body_max(refusal));
	kg_problem_print(refusal, "r-1", form, &out);
	ck_assert(!out.is_overflowed);
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

static struct kg_failure *
copy(const struct kg_failure *failures, size_t count)
{
	struct kg_failure *copied = malloc(count * sizeof *failures);

	memcpy(copied, failures, count * sizeof *failures);
	return copied;
}

/* The problem from its code to its outcome. */
static void
assert_members(struct kg_refusal *refusal, enum kg_int64_form form, const char *wanted)
{
	char *text = print(refusal, form);
	char *start = strstr(text, "\"detail\":");
	char *end = strstr(text, ",\"outcome\"");

	ck_assert_ptr_nonnull(start);
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	ck_assert_str_eq(start, wanted);
	free(text);
	kg_refusal_dispose(refusal);
}

static void
refuse(struct kg_refusal *refusal, enum kdb_code code, const struct kg_failure *first)
{
	const struct kdb_error error = { .code = code,
		.conflict = { first->expected_state, first->actual_state } };

	kg_refusal_init(refusal);
	kg_refusal_from_error(refusal, &error, first->stream_name.data,
	    first->stream_name.len, first->expected_state, true, false);
}

static const struct kg_failure groups[] = {
	{ KG_FAILURE_GROUP, 1, NAME("b"), 7, 12 },
	{ KG_FAILURE_GROUP, 2, NAME("c\n"), KDB_VERSION_ANY, KDB_VERSION_TOMBSTONED },
	{ KG_FAILURE_GROUP, 4, NAME("d"), KDB_VERSION_EXISTS, KDB_VERSION_DELETED },
	{ KG_FAILURE_GROUP, 5, NAME("e"), KDB_VERSION_EXISTS, KDB_VERSION_NO_STREAM },
};

START_TEST(groups_in_full)
{
	struct kg_refusal refusal;

	refuse(&refusal, KDB_WRONG_EXPECTED_VERSION, &groups[0]);
	kg_refusal_add_groups(&refusal, copy(groups, 4), 4, true);
	assert_members(&refusal, KG_INT64_STRING,
	    "\"detail\":\"Stream \\\"b\\\" is at version 12, the request expected version 7.\","
	    "\"code\":\"wrong-current-version\",\"stream_name\":\"b\","
	    "\"expected_version\":\"7\",\"actual_version\":\"12\",\"pointer\":\"/streams/1\","
	    "\"failures\":["
	    "{\"pointer\":\"/streams/1\",\"stream_name\":\"b\","
	    "\"code\":\"wrong-current-version\",\"expected_version\":\"7\","
	    "\"actual_version\":\"12\"},"
	    "{\"pointer\":\"/streams/2\",\"stream_name\":\"c\\u000a\","
	    "\"code\":\"stream-tombstoned\",\"expected_version\":\"any\","
	    "\"actual_version\":\"tombstoned\"},"
	    "{\"pointer\":\"/streams/4\",\"stream_name\":\"d\","
	    "\"code\":\"stream-deleted\",\"expected_version\":\"exists\","
	    "\"actual_version\":\"deleted\"},"
	    "{\"pointer\":\"/streams/5\",\"stream_name\":\"e\","
	    "\"code\":\"wrong-current-version\",\"expected_version\":\"exists\","
	    "\"actual_version\":\"no_stream\"}],\"failures_complete\":true");
}
END_TEST

START_TEST(a_group_that_is_gone)
{
	struct kg_refusal refusal;

	refuse(&refusal, KDB_STREAM_DELETED, &groups[2]);
	kg_refusal_add_groups(&refusal, copy(&groups[2], 1), 1, true);
	assert_members(&refusal, KG_INT64_NUMBER,
	    "\"detail\":\"Stream \\\"d\\\" is deleted, the request expected that it exists.\","
	    "\"code\":\"stream-deleted\",\"stream_name\":\"d\",\"pointer\":\"/streams/4\","
	    "\"failures\":[{\"pointer\":\"/streams/4\",\"stream_name\":\"d\","
	    "\"code\":\"stream-deleted\",\"expected_version\":\"exists\","
	    "\"actual_version\":\"deleted\"}],\"failures_complete\":true");
}
END_TEST

START_TEST(one_group_of_perhaps_more)
{
	struct kg_refusal refusal;

	refuse(&refusal, KDB_STREAM_TOMBSTONED, &groups[1]);
	kg_refusal_add_groups(&refusal, copy(&groups[1], 1), 1, false);
	assert_members(&refusal, KG_INT64_NUMBER,
	    "\"detail\":\"Stream \\\"c\\u000a\\\" was hard-deleted, and its name cannot be "
	    "written again.\",\"code\":\"stream-tombstoned\",\"stream_name\":\"c\\u000a\","
	    "\"pointer\":\"/streams/2\",\"failures_complete\":false");
}
END_TEST

static const struct kg_failure checks[] = {
	{ KG_FAILURE_CHECK, 0, NAME("student-2"), KDB_VERSION_NO_STREAM, 1 },
	{ KG_FAILURE_CHECK, 2, NAME("term-2026"), KDB_VERSION_EXISTS, KDB_VERSION_DELETED },
	{ KG_FAILURE_TARGET, 2, NAME("audit-9"), KDB_VERSION_ANY, KDB_VERSION_TOMBSTONED },
	{ KG_FAILURE_TARGET, 7, NAME("z"), KDB_VERSION_ANY, KDB_VERSION_TOMBSTONED },
};

/* The example of api-design 10. */
START_TEST(checks_in_full)
{
	struct kg_refusal refusal;

	refuse(&refusal, KDB_CONSISTENCY_CHECKS_FAILED, &checks[0]);
	kg_refusal_add_checks(&refusal, copy(checks, 3), 3, true, 3);
	assert_members(&refusal, KG_INT64_NUMBER,
	    "\"detail\":\"2 of 3 checks failed and 1 target stream cannot be written.\","
	    "\"code\":\"consistency-checks-failed\",\"failures\":["
	    "{\"kind\":\"check\",\"check_index\":0,\"pointer\":\"/checks/0\","
	    "\"stream_name\":\"student-2\",\"expected_state\":\"no_stream\","
	    "\"actual_state\":1},"
	    "{\"kind\":\"check\",\"check_index\":2,\"pointer\":\"/checks/2\","
	    "\"stream_name\":\"term-2026\",\"expected_state\":\"exists\","
	    "\"actual_state\":\"deleted\"},"
	    "{\"kind\":\"target\",\"check_index\":null,\"pointer\":\"/records/2\","
	    "\"stream_name\":\"audit-9\",\"expected_state\":\"any\","
	    "\"actual_state\":\"tombstoned\"}],\"failures_complete\":true");
}
END_TEST

static const struct {
	size_t from, count, check_count;
	const char *detail;
} details[] = {
	{ 0, 1, 1, "1 of 1 check failed." },
	{ 0, 2, 2, "2 of 2 checks failed." },
	{ 2, 1, 0, "1 target stream cannot be written." },
	{ 2, 2, 5, "2 target streams cannot be written." },
	{ 1, 3, 3, "1 of 3 checks failed and 2 target streams cannot be written." },
};

START_TEST(checks_in_words)
{
	struct kg_refusal refusal;

	refuse(&refusal, KDB_CONSISTENCY_CHECKS_FAILED, &checks[0]);
	kg_refusal_add_checks(&refusal, copy(&checks[details[_i].from], details[_i].count),
	    details[_i].count, true, details[_i].check_count);
	ck_assert_str_eq(refusal.detail, details[_i].detail);
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(checks_that_did_not_arrive)
{
	struct kg_refusal refusal;

	refuse(&refusal, KDB_CONSISTENCY_CHECKS_FAILED, &checks[0]);
	kg_refusal_add_checks(&refusal, NULL, 0, false, 3);
	assert_members(&refusal, KG_INT64_NUMBER,
	    "\"detail\":\"Consistency checks failed: the database's list of them was too large "
	    "to arrive.\",\"code\":\"consistency-checks-failed\",\"failures\":[],"
	    "\"failures_complete\":false");
}
END_TEST

/* As many as there can be, with names whose every byte takes six, fit into the bound. */
START_TEST(a_thousand_long_names)
{
	enum { FAILURES = 2000, NAME_LEN = 4096 };
	struct kg_failure *failures = calloc(FAILURES, sizeof *failures);
	char *name = malloc(NAME_LEN);
	struct kg_refusal refusal;
	char *text;

	memset(name, 1, NAME_LEN);
	for (size_t i = 0; i < FAILURES; i++)
		failures[i] = (struct kg_failure){ i < 1000 ? KG_FAILURE_CHECK
							    : KG_FAILURE_TARGET,
			i % 1000, { name, NAME_LEN }, INT64_MAX, INT64_MAX };
	refuse(&refusal, KDB_CONSISTENCY_CHECKS_FAILED, &checks[0]);
	kg_refusal_add_checks(&refusal, failures, FAILURES, true, 1000);
	text = print(&refusal, KG_INT64_STRING);
	ck_assert_uint_gt(strlen(text), (size_t)FAILURES * NAME_LEN * 6);
	ck_assert(kg_json_is_valid(text, strlen(text), 4));
	ck_assert_ptr_nonnull(strstr(text, "\"failures_complete\":true"));
	free(text);
	free(name);
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(ids_of_groups)
{
	static const uint8_t ids[3][16] = { { 1 }, { 2 }, { 3 } };
	static const size_t counts[] = { 1, 2 };
	const struct kdb_error error = { .code = KDB_CONNECTION_LOST,
		.outcome = KDB_OUTCOME_UNKNOWN };
	struct kg_refusal refusal;
	char *text;

	kg_refusal_init(&refusal);
	kg_refusal_from_error(&refusal, &error, "", 0, 0, true, false);
	refusal.event_ids = (struct kg_event_ids){
		.ids = ids, .count = 3, .group_counts = counts, .group_count = 2 };
	text = print(&refusal, KG_INT64_NUMBER);
	ck_assert_ptr_nonnull(strstr(text,
	    "\"event_ids\":[[\"01000000-0000-0000-0000-000000000000\"],"
	    "[\"02000000-0000-0000-0000-000000000000\","
	    "\"03000000-0000-0000-0000-000000000000\"]]"));
	free(text);
	kg_refusal_dispose(&refusal);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("failures");
	TCase *tcase = tcase_create("failures");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, groups_in_full);
	tcase_add_test(tcase, a_group_that_is_gone);
	tcase_add_test(tcase, one_group_of_perhaps_more);
	tcase_add_test(tcase, checks_in_full);
	tcase_add_loop_test(tcase, checks_in_words, 0, COUNT(details));
	tcase_add_test(tcase, checks_that_did_not_arrive);
	tcase_add_test(tcase, a_thousand_long_names);
	tcase_add_test(tcase, ids_of_groups);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
