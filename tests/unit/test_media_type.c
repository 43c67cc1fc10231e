/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of Content-Type and media ranges of Accept. */
#include "daemon/media_type.h"

#include <check.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const struct {
	const char *text;
	const char *essence; /* NULL: no media type */
	enum kg_charset charset;
} types[] = {
    {"application/json", "application/json", KG_CHARSET_NONE},
    {" \tapplication/json\t ", "application/json", KG_CHARSET_NONE},
    {"a/b;charset=utf-8", "a/b", KG_CHARSET_UTF8},
    {"a/b ; CHARSET=\"UTF-8\" ; x=y", "a/b", KG_CHARSET_UTF8},
    {"a/b;charset=utf-16", "a/b", KG_CHARSET_OTHER},
    {"a/b;charset=utf-16;charset=utf-8", "a/b", KG_CHARSET_OTHER},
    {"a/b;charset=utf-8;charset=utf-16", "a/b", KG_CHARSET_OTHER},
    {"a/b;x=\"a;charset=utf-16\"", "a/b", KG_CHARSET_NONE},
    {"a/b;x=\"a\\\";charset=utf-16\"", "a/b", KG_CHARSET_NONE},
    {"a/b;", "a/b", KG_CHARSET_NONE},
    {"a/b;;x=1;", "a/b", KG_CHARSET_NONE},
    {"a/b+json", "a/b+json", KG_CHARSET_NONE},
    {"", NULL, KG_CHARSET_NONE},
    {"a", NULL, KG_CHARSET_NONE},
    {"a/", NULL, KG_CHARSET_NONE},
    {"/b", NULL, KG_CHARSET_NONE},
    {"a /b", NULL, KG_CHARSET_NONE},
    {"a/b c", NULL, KG_CHARSET_NONE},
    {"a/b, c/d", NULL, KG_CHARSET_NONE},
    {"a/b;x", NULL, KG_CHARSET_NONE},
    {"a/b;x=", NULL, KG_CHARSET_NONE},
    {"a/b;x =y", NULL, KG_CHARSET_NONE},
    {"a/b;x=\"y", NULL, KG_CHARSET_NONE},
    {"a/b;x=\"y\\", NULL, KG_CHARSET_NONE},
    {"a/b;x=\"y\\\"", NULL, KG_CHARSET_NONE},
    {"a/b;\xc3\xa9=1", NULL, KG_CHARSET_NONE},
};

START_TEST(test_type)
{
	struct kg_media_type type;
	bool is_good = kg_media_type_read(types[_i].text, strlen(types[_i].text), &type);

	ck_assert_msg(
	    is_good == (types[_i].essence != NULL), "form of: %s", types[_i].text);
	if (!is_good)
		return;
	ck_assert(kg_media_type_is(&type, types[_i].essence));
	ck_assert_int_eq(type.charset, types[_i].charset);
}
END_TEST

START_TEST(test_suffix)
{
	struct kg_media_type type;

	ck_assert(kg_media_type_read("a/b+JSON", 8, &type));
	ck_assert(kg_media_type_has_suffix(&type, "+json"));
	ck_assert(!kg_media_type_is(&type, "a/b"));
	ck_assert(kg_media_type_read("a/json", 6, &type));
	ck_assert(!kg_media_type_has_suffix(&type, "+json"));
	ck_assert(!kg_media_type_has_suffix(&type, "a/json"));
}
END_TEST

static const struct {
	const char *lines[2];
	bool admits;
} accepts[] = {
    {{NULL}, true},
    {{""}, true},
    {{","}, true},
    {{"*/*"}, true},
    {{"application/*"}, true},
    {{"application/json"}, true},
    {{"application/problem+json"}, true},
    {{"application/json;q=0.001"}, true},
    {{"application/json;v=1"}, true},
    {{"text/html,application/xhtml+xml,*/*;q=0.8"}, true},
    {{"text/html", "application/json"}, true},
    {{"*/*;q=0, application/json"}, true},
    {{"application/json, */*;q=0"}, true},
    {{"application/json;q=0, application/json"}, true},
    {{"text/html"}, false},
    {{"text/*"}, false},
    {{"application/xml"}, false},
    {{"*/*;q=0"}, false},
    {{"application/*;q=0.0, */*"}, false},
    {{"application/json;q=0, application/problem+json;q=0, */*"}, false},
    {{"nonsense"}, false},
    {{"text/html;x=\", */*\""}, false},
};

START_TEST(test_accept)
{
	struct kg_accept accept = {0};

	for (int i = 0; i < 2 && accepts[_i].lines[i] != NULL; i++)
		kg_accept_add(
		    &accept, accepts[_i].lines[i], strlen(accepts[_i].lines[i]));
	ck_assert_msg(kg_accept_admits_json(&accept) == accepts[_i].admits, "Accept: %s",
	    accepts[_i].lines[0]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("media_type");
	TCase *tcase = tcase_create("media_type");
	SRunner *runner;

	tcase_add_loop_test(tcase, test_type, 0, COUNT(types));
	tcase_add_test(tcase, test_suffix);
	tcase_add_loop_test(tcase, test_accept, 0, COUNT(accepts));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
