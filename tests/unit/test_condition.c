/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags, and what If-Match and If-None-Match ask with them. */
#include "client-core/error.h"
#include "daemon/condition.h"
#include "daemon/entity_tag.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define MAX_TEXT "9223372036854775807"

enum {
	NO_STREAM = KDB_VERSION_NO_STREAM,
	EXISTS = KDB_VERSION_EXISTS,
};

START_TEST(test_print)
{
	static const struct {
		int64_t version;
		const char *text;
	} tags[] = {{0, "\"0\""}, {3, "\"3\""}, {INT64_MAX, "\"" MAX_TEXT "\""},
	    {NO_STREAM, "\"no_stream\""}};

	for (int i = 0; i < COUNT(tags); i++) {
		char text[KG_ENTITY_TAG_SIZE];

		kg_entity_tag_print(tags[i].version, text);
		ck_assert_str_eq(text, tags[i].text);
	}
}
END_TEST

/* What a printed tag says is read again. */
START_TEST(test_print_and_read)
{
	static const int64_t versions[] = {0, 1, 9, 10, INT64_MAX, NO_STREAM};

	for (int i = 0; i < COUNT(versions); i++) {
		struct kg_condition condition = {0};
		char text[KG_ENTITY_TAG_SIZE];

		kg_entity_tag_print(versions[i], text);
		ck_assert_ptr_null(
		    kg_condition_read_if_match(text, strlen(text), &condition));
		ck_assert_int_eq(condition.expected_version, versions[i]);
		ck_assert(!condition.is_weak);
	}
}
END_TEST

enum { REFUSED = -100 };

static const struct {
	const char *value;
	int64_t expected_version;
	bool is_weak;
} matches[] = {
    {"\"3\"", 3, false},
    {" \t\"3\"\t ", 3, false},
    {"\"3\",", 3, false},
    {",\"3\"", 3, false},
    {"\"" MAX_TEXT "\"", INT64_MAX, false},
    {"\"no_stream\"", NO_STREAM, false},
    {"*", EXISTS, false},
    {" * ", EXISTS, false},
    {"W/\"3\"", 3, true},
    {"W/\"no_stream\"", NO_STREAM, true},
    /* no version */
    {"\"9223372036854775808\"", REFUSED, false},
    {"\"01\"", REFUSED, false},
    {"\"-1\"", REFUSED, false},
    {"\"-0\"", REFUSED, false},
    {"\"+1\"", REFUSED, false},
    {"\"1.0\"", REFUSED, false},
    {"\"1e0\"", REFUSED, false},
    {"\"any\"", REFUSED, false},
    {"\"exists\"", REFUSED, false},
    {"\"deleted\"", REFUSED, false},
    {"\"NO_STREAM\"", REFUSED, false},
    {"\"\"", REFUSED, false},
    {"\"*\"", REFUSED, false},
    {"\"3,4\"", REFUSED, false},
    {"W/\"any\"", REFUSED, false},
    {"W/\"01\"", REFUSED, false},
    {"\"\xc3\xa9\"", REFUSED, false},
    /* not one tag */
    {"", REFUSED, false},
    {" ", REFUSED, false},
    {",", REFUSED, false},
    {"3", REFUSED, false},
    {"no_stream", REFUSED, false},
    {"\"3", REFUSED, false},
    {"3\"", REFUSED, false},
    {"\"3\"x", REFUSED, false},
    {"\"3\" \"3\"", REFUSED, false},
    {"\"3\",\"4\"", REFUSED, false},
    {"\"3\", \"3\"", REFUSED, false},
    {"*,\"3\"", REFUSED, false},
    {"\"3\", *", REFUSED, false},
    {"**", REFUSED, false},
    {"*,*", REFUSED, false},
    {"w/\"3\"", REFUSED, false},
    {"W/3", REFUSED, false},
    {"W/", REFUSED, false},
    {"W", REFUSED, false},
    {"W/*", REFUSED, false},
    {"W /\"3\"", REFUSED, false},
    {"'3'", REFUSED, false},
    {"\"3 \"", REFUSED, false},
    {"\"3\x7f\"", REFUSED, false},
    {"\"3\t\"", REFUSED, false},
};

START_TEST(test_if_match)
{
	struct kg_condition condition = {0};
	const char *value = matches[_i].value;
	const char *wrong = kg_condition_read_if_match(value, strlen(value), &condition);

	ck_assert_msg((wrong != NULL) == (matches[_i].expected_version == REFUSED),
	    "of %s: %s", value, wrong == NULL ? "taken" : wrong);
	if (wrong != NULL)
		return;
	ck_assert_int_eq(condition.expected_version, matches[_i].expected_version);
	ck_assert_int_eq(condition.is_weak, matches[_i].is_weak);
}
END_TEST

START_TEST(test_if_none_match_of_a_write)
{
	static const char *const others[] = {"", ",", "\"3\"", "W/\"3\"", "\"no_stream\"",
	    "**", "*, *", "*,\"3\"", "\"*\""};
	struct kg_condition condition = {0};

	ck_assert_ptr_null(kg_condition_read_if_none_match(" *", 2, &condition));
	ck_assert_int_eq(condition.expected_version, NO_STREAM);
	ck_assert(!condition.is_weak);
	for (int i = 0; i < COUNT(others); i++)
		ck_assert_msg(kg_condition_read_if_none_match(
				  others[i], strlen(others[i]), &condition) != NULL,
		    "taken: %s", others[i]);
}
END_TEST

static const struct {
	const char *lines[2];
	bool is_good;
	bool has_three;
	bool has_no_stream;
} lists[] = {
    {{"\"3\""}, true, true, false},
    {{"W/\"3\""}, true, true, false},
    {{"\"2\", W/\"no_stream\" ,\"4\""}, true, false, true},
    {{"\"2\",\"3\",\"no_stream\""}, true, true, true},
    {{"\"2\"", "\"3\""}, true, true, false},
    {{",, \"3\" ,"}, true, true, false},
    {{""}, true, false, false},
    {{"", "\"no_stream\""}, true, false, true},
    {{"*"}, true, true, true},
    {{"*", ""}, true, true, true},
    /* tags of others */
    {{"\"abc\", W/\"\", \"03\", \"3 \""}, false, false, false},
    {{"\"abc\", W/\"\", \"03\", \"3,3\", \"\xe9\""}, true, false, false},
    {{"\"any\", \"exists\", \"-1\""}, true, false, false},
    {{"\"9223372036854775808\""}, true, false, false},
    /* no list of tags */
    {{"3"}, false, false, false},
    {{"\"3\" \"4\""}, false, false, false},
    {{"\"3\", 4"}, false, false, false},
    {{"\"3"}, false, false, false},
    {{"*, \"3\""}, false, false, false},
    {{"\"abc\", *"}, false, false, false},
    {{"*", "*"}, false, false, false},
    {{"\"3\"", "*"}, false, false, false},
    {{"*", "\"3\""}, false, false, false},
};

START_TEST(test_if_none_match_of_a_read)
{
	struct kg_known_versions known = {0};
	bool is_good = true;

	for (int i = 0; i < 2 && lists[_i].lines[i] != NULL; i++)
		is_good = is_good && kg_known_versions_add(&known, lists[_i].lines[i],
					 strlen(lists[_i].lines[i]));
	ck_assert_msg(is_good == lists[_i].is_good, "of %s", lists[_i].lines[0]);
	if (is_good) {
		ck_assert_int_eq(kg_known_versions_have(&known, 3), lists[_i].has_three);
		ck_assert_int_eq(
		    kg_known_versions_have(&known, NO_STREAM), lists[_i].has_no_stream);
	}
	kg_known_versions_dispose(&known);
}
END_TEST

START_TEST(test_long_list)
{
	struct kg_known_versions known = {0};
	char list[8 * 1000 + 1] = "";
	char *at = list;

	for (int i = 0; i < 1000; i++) {
		char tag[KG_ENTITY_TAG_SIZE];

		kg_entity_tag_print(1000 + i, tag);
		at = stpcpy(stpcpy(at, tag), ", ");
	}
	ck_assert(kg_known_versions_add(&known, list, strlen(list)));
	ck_assert(kg_known_versions_have(&known, 1000));
	ck_assert(kg_known_versions_have(&known, 1999));
	ck_assert(!kg_known_versions_have(&known, 2000));
	kg_known_versions_dispose(&known);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("condition");
	TCase *tcase = tcase_create("condition");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, test_print);
	tcase_add_test(tcase, test_print_and_read);
	tcase_add_loop_test(tcase, test_if_match, 0, COUNT(matches));
	tcase_add_test(tcase, test_if_none_match_of_a_write);
	tcase_add_loop_test(tcase, test_if_none_match_of_a_read, 0, COUNT(lists));
	tcase_add_test(tcase, test_long_list);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
