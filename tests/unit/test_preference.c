/* SPDX-License-Identifier: Apache-2.0 */
/* Preferences: what is understood, in all spellings of RFC 7240, and what is not. */
#include "daemon/preference.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* Values; lines of one request are split by newlines. */
static const struct {
	const char *value;
	const char *applied; /* NULL: nothing */
	const char *unknown; /* those that are not known, joined with '|' */
} cases[] = {
    {"", NULL, ""},
    {" , ,", NULL, ""},
    {"int64=string", "int64=string", ""},
    {"INT64=string", "int64=string", ""},
    {"int64=\"string\"", "int64=string", ""},
    {"int64=\"st\\ring\"", "int64=string", ""},
    {"int64 = string", "int64=string", ""},
    {"\tint64\t=\tstring\t", "int64=string", ""},
    {"int64=string;a=b", "int64=string", ""},
    {"int64=string ; a=\"b,c\" ; d", "int64=string", ""},
    {"int64=string;", "int64=string", ""},
    {"handling=strict", "handling=strict", ""},
    {"handling=lenient", "handling=lenient", ""},
    {"int64=string, handling=strict", "int64=string, handling=strict", ""},
    {"handling=lenient,int64=string", "int64=string, handling=lenient", ""},
    {"handling=strict\nint64=string", "int64=string, handling=strict", ""},
    /* The first of a name counts. */
    {"handling=strict, handling=lenient", "handling=strict", ""},
    {"handling=lenient, handling=strict", "handling=lenient", ""},
    {"handling=lenient\nHandling=strict", "handling=lenient", ""},
    {"int64=string, int64=number", "int64=string", ""},
    {"int64=number, int64=string", NULL, "int64=number"},
    {"handling=other, handling=strict", NULL, "handling=other"},
    {"int64=\"\", int64=string", NULL, "int64=\"\""},
    /* What is not known. */
    {"int64", NULL, "int64"},
    {"int64=String", NULL, "int64=String"},
    {"int64=strings", NULL, "int64=strings"},
    {"int64=stringstringstringstring", NULL, "int64=stringstringstringstring"},
    {"int64=\"stringstringstring\"", NULL, "int64=\"stringstringstring\""},
    {"respond-async, wait=10", NULL, "respond-async|wait=10"},
    {"return=minimal; foo=\"some, thing; else\", handling=strict", "handling=strict",
	"return=minimal"},
    {"foo; bar", NULL, "foo"},
    {"a,b\nc", NULL, "a|b|c"},
    {"dry-run", NULL, "dry-run"},
    /* What cannot be read spoils nothing but itself. */
    {"=string, int64=string", "int64=string", "=string"},
    {"int64=, handling=strict", "handling=strict", "int64="},
    {"int64=string x", NULL, "int64=string x"},
    {"int64==string", NULL, "int64==string"},
    {"int64=\"string, handling=strict", NULL, "int64=\"string, handling=strict"},
    {"int64=\"string\\", NULL, "int64=\"string\\"},
    {"int64 string", NULL, "int64 string"},
    {"(int64)=string", NULL, "(int64)=string"},
    {"\"int64\"=string", NULL, "\"int64\"=string"},
};

static void
read_lines(struct kg_preferences *preferences, const char *text)
{
	const char *newline;

	for (; (newline = strchr(text, '\n')) != NULL; text = newline + 1)
		kg_preferences_add(preferences, text, (size_t)(newline - text));
	kg_preferences_add(preferences, text, strlen(text));
}

START_TEST(preferences)
{
	struct kg_preferences read = {0};
	char unknown[200] = "";
	const char *applied;

	read_lines(&read, cases[_i].value);
	applied = kg_preferences_applied(&read);
	ck_assert_str_eq(applied == NULL ? "" : applied,
	    cases[_i].applied == NULL ? "" : cases[_i].applied);
	for (size_t i = 0; i < read.unknown_count; i++)
		snprintf(unknown + strlen(unknown), sizeof(unknown) - strlen(unknown),
		    "%s%.*s", i > 0 ? "|" : "", (int)read.unknown[i].len,
		    (const char *)read.unknown[i].data);
	ck_assert_str_eq(unknown, cases[_i].unknown);
}
END_TEST

START_TEST(many_unknown_ones)
{
	struct kg_preferences read = {0};

	for (int i = 0; i < 100; i++)
		kg_preferences_add(&read, "x", 1);
	kg_preferences_add(&read, "int64=string", 12);
	ck_assert_uint_eq(read.unknown_count, KG_PREFERENCES_UNKNOWN_MAX);
	ck_assert_int_eq(read.int64_form, KG_INT64_STRING);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("preference");
	TCase *tcase = tcase_create("preference");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, preferences, 0, COUNT(cases));
	tcase_add_test(tcase, many_unknown_ones);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
