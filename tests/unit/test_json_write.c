/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in JSON: exact integers, any text, order of members, the append's answer. */
#include "client-core/error.h"
#include "daemon/json_scan.h"
#include "daemon/json_write.h"
#include "daemon/uuid.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1

static void
assert_printed(struct kg_json_node *root, const char *wanted)
{
	struct kdb_buffer out;

	kdb_buffer_init(&out, 1 << 20);
	kg_json_print(root, &out);
	ck_assert(kg_json_is_valid(out.data, out.len, 64));
	kdb_buffer_put_char(&out, '\0');
	ck_assert_str_eq(out.data, wanted);
	kdb_buffer_dispose(&out);
	kg_json_free(root);
}

START_TEST(members_keep_their_order)
{
	struct kg_json_node *root = kg_json_object_new();
	struct kg_json_node *inner = kg_json_put_object(root, "z");
	struct kg_json_node *list = kg_json_put_array(root, "a");

	kg_json_put_bool(inner, "yes", true);
	kg_json_put_bool(inner, "no", false);
	kg_json_put_null(inner, "none");
	kg_json_put_string(list, NULL, "text");
	kg_json_put_int64(list, NULL, 1);
	kg_json_put_null(list, NULL);
	kg_json_put_string(kg_json_put_object(list, NULL), "k", "v");
	kg_json_put_array(list, NULL);
	assert_printed(root, "{\"z\":{\"yes\":true,\"no\":false,\"none\":null},"
			     "\"a\":[\"text\",1,null,{\"k\":\"v\"},[]]}");
}
END_TEST

START_TEST(integers_are_exact)
{
	struct kg_json_node *root = kg_json_object_new();

	kg_json_put_int64(root, "a", INT64_MAX);
	kg_json_put_int64(root, "b", INT64_MIN);
	kg_json_put_int64(root, "c", INT64_C(9007199254740993));
	kg_json_put_uint64(root, "d", UINT64_MAX);
	kg_json_put_int64(root, "e", 0);
	assert_printed(root,
	    "{\"a\":9223372036854775807,\"b\":-9223372036854775808,"
	    "\"c\":9007199254740993,\"d\":18446744073709551615,\"e\":0}");
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	const char *json;
} texts[] = {
	{ TEXT(""), "\"\"" },
	{ TEXT("student-1"), "\"student-1\"" },
	{ TEXT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
	{ TEXT("a\nb\x01\x7f"), "\"a\\u000ab\\u0001\x7f\"" },
	{ TEXT("a\0b"), "\"a\\u0000b\"" },
	{ TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ TEXT("a\xff"
	       "b"),
	    "\"a\xef\xbf\xbd"
	    "b\"" },
	{ TEXT("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ TEXT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

START_TEST(any_text_is_printed)
{
	struct kg_json_node *root = kg_json_object_new();
	char wanted[100];

	kg_json_put_text(root, "t", texts[_i].text, texts[_i].len);
	snprintf(wanted, sizeof wanted, "{\"t\":%s}", texts[_i].json);
	assert_printed(root, wanted);
}
END_TEST

START_TEST(versions_are_words_or_integers)
{
	struct kg_json_node *root = kg_json_object_new();
	struct kg_json_node *list = kg_json_put_array(root, "v");
	static const int64_t versions[] = { 0, INT64_MAX, KDB_VERSION_NO_STREAM,
		KDB_VERSION_ANY, KDB_VERSION_EXISTS, KDB_VERSION_DELETED,
		KDB_VERSION_TOMBSTONED };

	for (int i = 0; i < COUNT(versions); i++)
		kg_json_put_version(list, NULL, versions[i], KG_INT64_NUMBER);
	assert_printed(root, "{\"v\":[0,9223372036854775807,\"no_stream\",\"any\",\"exists\","
			     "\"deleted\",\"tombstoned\"]}");
}
END_TEST

static const uint8_t ids[2][16] = {
	{ 0x04, 0xf3, 0xd9, 0xee, 0xd3, 0x3b, 0x8c, 0x2d, 0x86, 0xa1, 0x29, 0xc1, 0x46, 0x57,
	    0x9c, 0x65 },
	{ 0x17, 0xb3, 0x7e, 0x2e, 0xe3, 0x9d, 0x86, 0xd0, 0xb6, 0xe4, 0x97, 0x5e, 0x41, 0xb1,
	    0x75, 0xb4 },
};

START_TEST(ids_are_an_array_of_texts)
{
	struct kg_json_node *root = kg_json_object_new();

	kg_json_put_uuids(root, "none", ids, 0);
	kg_json_put_uuids(root, "one", ids, 1);
	kg_json_put_uuids(root, "two", ids, 2);
	assert_printed(root,
	    "{\"none\":[],\"one\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\"],"
	    "\"two\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\","
	    "\"17b37e2e-e39d-86d0-b6e4-975e41b175b4\"]}");
}
END_TEST

static const struct {
	struct kg_append_answer answer;
	const char *json;
} answers[] = {
	{ { "student-1", 9, true, 4731, 1, ids, 2, KG_REPLAYED_FALSE,
	      KG_INT64_NUMBER },
	    "{\"stream_name\":\"student-1\",\"commit_position\":4731,\"current_version\":1,"
	    "\"event_ids\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\","
	    "\"17b37e2e-e39d-86d0-b6e4-975e41b175b4\"],\"replayed\":false}" },
	{ { "a\"\xc3\xa9", 4, false, 99, 0, ids, 1, KG_REPLAYED_TRUE,
	      KG_INT64_NUMBER },
	    "{\"stream_name\":\"a\\\"\xc3\xa9\",\"commit_position\":null,\"current_version\":0,"
	    "\"event_ids\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\"],\"replayed\":true}" },
	{ { "s", 1, true, 9223372036854775807U, INT64_MAX, ids, 1, KG_REPLAYED_UNKNOWN,
	      KG_INT64_NUMBER },
	    "{\"stream_name\":\"s\",\"commit_position\":9223372036854775807,"
	    "\"current_version\":9223372036854775807,"
	    "\"event_ids\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\"],\"replayed\":null}" },
	{ { "s", 1, true, 18446744073709551615U, 7, ids, 1, KG_REPLAYED_FALSE,
	      KG_INT64_STRING },
	    "{\"stream_name\":\"s\",\"commit_position\":\"18446744073709551615\","
	    "\"current_version\":\"7\","
	    "\"event_ids\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\"],\"replayed\":false}" },
};

START_TEST(answers_of_appends)
{
	struct kdb_buffer out;

	kdb_buffer_init(&out, 4096);
	kg_append_answer_print(&answers[_i].answer, &out);
	ck_assert_uint_eq(out.len, strlen(answers[_i].json));
	ck_assert_mem_eq(out.data, answers[_i].json, out.len);
	ck_assert(kg_json_is_valid(out.data, out.len, 2));
	kdb_buffer_dispose(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("json_write");
	TCase *tcase = tcase_create("json_write");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, members_keep_their_order);
	tcase_add_test(tcase, integers_are_exact);
	tcase_add_loop_test(tcase, any_text_is_printed, 0, COUNT(texts));
	tcase_add_test(tcase, versions_are_words_or_integers);
	tcase_add_test(tcase, ids_are_an_array_of_texts);
	tcase_add_loop_test(tcase, answers_of_appends, 0, COUNT(answers));
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
