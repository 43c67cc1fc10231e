/* SPDX-License-Identifier: Apache-2.0 */
/* Trace contexts: the forms that the Recommendation allows, and what is sent on. */
#include "daemon/trace_context.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define ZEROS "00000000000000000000000000000000"

static const struct {
	const char *value;
	bool is_good;
	bool is_sampled;
} parents[] = {
    {"00-" ID "-00f067aa0ba902b7-01", true, true},
    {"00-" ID "-00f067aa0ba902b7-00", true, false},
    {"00-" ID "-00f067aa0ba902b7-03", true, true},
    {"00-" ID "-00f067aa0ba902b7-fe", true, false},
    {"00-" ID "-00f067aa0ba902b7-ff", true, true},
    /* later versions */
    {"01-" ID "-00f067aa0ba902b7-01", true, true},
    {"cc-" ID "-00f067aa0ba902b7-01-what-the-future-will-be-like", true, true},
    {"cc-" ID "-00f067aa0ba902b7-01-", true, true},
    {"cc-" ID "-00f067aa0ba902b7-01.what", false, false},
    {"ff-" ID "-00f067aa0ba902b7-01", false, false},
    {"00-" ID "-00f067aa0ba902b7-01-more", false, false},
    {"00-" ID "-00f067aa0ba902b7-01-", false, false},
    {"00-" ID "-00f067aa0ba902b7-011", false, false},
    /* nothing but zeros, other digits */
    {"00-" ZEROS "-00f067aa0ba902b7-01", false, false},
    {"00-" ID "-0000000000000000-01", false, false},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, false},
    {"00-" ID "-00F067AA0BA902B7-01", false, false},
    {"00-" ID "-00f067aa0ba902b7-0A", false, false},
    {"0A-" ID "-00f067aa0ba902b7-01", false, false},
    {"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false, false},
    /* other lengths and separators */
    {"", false, false},
    {"00", false, false},
    {"00-" ID "-00f067aa0ba902b7-0", false, false},
    {"00-" ID "-00f067aa0ba902b7", false, false},
    {"00_" ID "-00f067aa0ba902b7-01", false, false},
    {"00-" ID "_00f067aa0ba902b7-01", false, false},
    {"00-" ID "-00f067aa0ba902b7_01", false, false},
    {" 00-" ID "-00f067aa0ba902b7-01", false, false},
    {"00-" ID "-00f067aa0ba902b7-01,00-" ID "-00f067aa0ba902b7-01", false, false},
};

START_TEST(values_of_traceparent)
{
	struct kg_trace_context trace = {.trace_id = "untouched"};
	const char *value = parents[_i].value;

	ck_assert_int_eq(
	    kg_trace_context_continue(&trace, value, strlen(value)), parents[_i].is_good);
	if (!parents[_i].is_good) {
		ck_assert_str_eq(trace.trace_id, "untouched");
		return;
	}
	ck_assert_str_eq(trace.trace_id, ID);
	ck_assert_int_eq(trace.is_sampled, parents[_i].is_sampled);
	/* What is sent on is of version 00, and has our own parent id. */
	ck_assert_uint_eq(strlen(trace.traceparent), KG_TRACEPARENT_LEN);
	ck_assert_int_eq(strncmp(trace.traceparent, "00-" ID "-", 36), 0);
	ck_assert_int_ne(strncmp(trace.traceparent + 36, "00f067aa0ba902b7", 16), 0);
	ck_assert_str_eq(trace.traceparent + 52, parents[_i].is_sampled ? "-01" : "-00");
	kg_trace_context_dispose(&trace);
}
END_TEST

START_TEST(what_is_sent_on_can_be_read)
{
	const char *value = parents[0].value;
	struct kg_trace_context one;
	struct kg_trace_context two;

	ck_assert(kg_trace_context_continue(&one, value, strlen(value)));
	ck_assert(
	    kg_trace_context_continue(&two, one.traceparent, strlen(one.traceparent)));
	ck_assert_str_eq(one.trace_id, two.trace_id);
	ck_assert_str_ne(one.traceparent, two.traceparent);
}
END_TEST

START_TEST(traces_that_begin_here)
{
	struct kg_trace_context one;
	struct kg_trace_context two;

	kg_trace_context_begin(&one);
	kg_trace_context_begin(&two);
	ck_assert_uint_eq(strlen(one.trace_id), KG_TRACE_ID_LEN);
	ck_assert_uint_eq(strspn(one.trace_id, "0123456789abcdef"), KG_TRACE_ID_LEN);
	ck_assert_str_ne(one.trace_id, two.trace_id);
	ck_assert_str_eq(one.traceparent, "");
}
END_TEST

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define LONG_VALUE SIXTY SIXTY SIXTY SIXTY TEN "012345" /* 256 */

/* Lines are split by newlines. */
static const struct {
	const char *value;
	const char *sent; /* NULL: nothing */
} states[] = {
    {"", NULL},
    {",, ,", NULL},
    {"rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7"},
    {"rojo=1,congo=2", "rojo=1,congo=2"},
    {"rojo=1\ncongo=2", "rojo=1,congo=2"},
    {" rojo=1\t, ,\tcongo=2 ", "rojo=1,congo=2"},
    {"a=b c", "a=b c"},
    {"a= b", "a= b"},
    {"a=!#$%&'()*+-./:;<>?@[]^_`{|}~\"\\", "a=!#$%&'()*+-./:;<>?@[]^_`{|}~\"\\"},
    {"a_-*/9=1", "a_-*/9=1"},
    {"fw529a3039@dt=FfffffA", "fw529a3039@dt=FfffffA"},
    {"9t@s=1", "9t@s=1"},
    {"a=" LONG_VALUE, "a=" LONG_VALUE},
    /* broken: nothing is sent on */
    {"a", NULL},
    {"a=", NULL},
    {"=1", NULL},
    {"a=1=2", NULL},
    {"A=1", NULL},
    {"9a=1", NULL},
    {"a b=1", NULL},
    {"a =1", NULL},
    {"@s=1", NULL},
    {"t@=1", NULL},
    {"t@9=1", NULL},
    {"t@s@u=1", NULL},
    {"t@sssssssssssssss=1", NULL},
    {"a=\x7f", NULL},
    {"a=\xc3\xa9", NULL},
    {"a=1,a=2", NULL},
    {"a=1\na=1", NULL},
    {"a=1,broken", NULL},
    {"a=" LONG_VALUE "x", NULL},
    /* too long for all: long ones go first, then the last ones */
    {"a=" LONG_VALUE ",b=1,c=" LONG_VALUE, "b=1"},
    {"a=" SIXTY SIXTY ",b=" SIXTY SIXTY ",c=" SIXTY SIXTY ",d=" SIXTY SIXTY ",e=1"
     ",f=" SIXTY ",g=2",
	"a=" SIXTY SIXTY ",b=" SIXTY SIXTY ",c=" SIXTY SIXTY ",d=" SIXTY SIXTY ",e=1"},
    {"a=" LONG_VALUE ",b=" LONG_VALUE, NULL},
};

START_TEST(values_of_tracestate)
{
	struct kg_tracestate state = {0};
	const char *at = states[_i].value;
	const char *newline;
	char *sent;

	for (; (newline = strchr(at, '\n')) != NULL; at = newline + 1)
		kg_tracestate_add(&state, at, (size_t)(newline - at));
	kg_tracestate_add(&state, at, strlen(at));
	sent = kg_tracestate_print(&state);
	if (states[_i].sent == NULL)
		ck_assert_ptr_null(sent);
	else
		ck_assert_str_eq(sent, states[_i].sent);
	free(sent);
}
END_TEST

START_TEST(thirty_two_entries)
{
	struct kg_tracestate state = {0};
	char text[32][4];
	char *sent;

	for (int i = 0; i < 32; i++) {
		text[i][0] = (char)('a' + i % 26);
		text[i][1] = (char)('a' + i / 26);
		memcpy(text[i] + 2, "=1", 2);
		kg_tracestate_add(&state, text[i], 4);
	}
	sent = kg_tracestate_print(&state);
	ck_assert_uint_eq(strlen(sent), 32 * 5 - 1);
	free(sent);
	kg_tracestate_add(&state, "zz=1", 4);
	ck_assert_ptr_null(kg_tracestate_print(&state));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("trace_context");
	TCase *tcase = tcase_create("trace_context");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, values_of_traceparent, 0, COUNT(parents));
	tcase_add_test(tcase, what_is_sent_on_can_be_read);
	tcase_add_test(tcase, traces_that_begin_here);
	tcase_add_loop_test(tcase, values_of_tracestate, 0, COUNT(states));
	tcase_add_test(tcase, thirty_two_entries);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
