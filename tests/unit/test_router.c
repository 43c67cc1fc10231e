/* SPDX-License-Identifier: Apache-2.0 */
/* The router: paths, percent escapes, names, methods, and in which order they are
 * judged. */
#include "daemon/router.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

enum { FOUND = KG_PROBLEM_COUNT, NAME_MAX_BYTES = 8 };

static const struct {
	const char *method;
	const char *path;
	const char *query;
	int problem;
	int route;
	const char *values[2];
} cases[] = {
    {"POST", "/v1/streams/a/events", "", FOUND, KG_ROUTE_APPEND, {"a"}},
    {"POST", "/v1/streams/a/events/T", "", FOUND, KG_ROUTE_APPEND_RAW, {"a", "T"}},
    {"POST", "/v1/streams/events/events/events", "", FOUND, KG_ROUTE_APPEND_RAW,
	{"events", "events"}},
    {"GET", "/v1/info", "a=b", FOUND, KG_ROUTE_INFO, {NULL}},
    {"HEAD", "/v1/info", "", FOUND, KG_ROUTE_INFO, {NULL}},
    {"GET", "/livez", "", FOUND, KG_ROUTE_LIVEZ, {NULL}},
    {"GET", "/readyz", "", FOUND, KG_ROUTE_READYZ, {NULL}},
    {"GET", "/readyz/leader", "", FOUND, KG_ROUTE_READYZ_CHECK, {"leader"}},
    {"GET", "/problems", "", FOUND, KG_ROUTE_PROBLEMS, {NULL}},
    {"GET", "/problems/draining", "", FOUND, KG_ROUTE_PROBLEM, {"draining"}},
    {"POST", "/v1/multi-append", "", FOUND, KG_ROUTE_MULTI_APPEND, {NULL}},
    {"POST", "/v1/append-records", "", FOUND, KG_ROUTE_APPEND_RECORDS, {NULL}},
    {"GET", "/v1/streams/a/metadata", "", FOUND, KG_ROUTE_GET_METADATA, {"a"}},
    {"HEAD", "/v1/streams/a/metadata", "", FOUND, KG_ROUTE_GET_METADATA, {"a"}},
    {"PUT", "/v1/streams/a/metadata", "", FOUND, KG_ROUTE_PUT_METADATA, {"a"}},
    {"PUT", "/v1/streams/metadata/metadata", "", FOUND, KG_ROUTE_PUT_METADATA,
	{"metadata"}},
    {"GET", "/v1/streams/$x/metadata", "", FOUND, KG_ROUTE_GET_METADATA, {"$x"}},
    {"GET", "/v1/streams/x$$/metadata", "", FOUND, KG_ROUTE_GET_METADATA, {"x$$"}},
    /* escapes are data, decoded once */
    {"POST", "/v1/streams/a%2Fb/events", "", FOUND, KG_ROUTE_APPEND, {"a/b"}},
    {"POST", "/v1/streams/%2e%2E/events/..", "", FOUND, KG_ROUTE_APPEND_RAW,
	{"..", ".."}},
    {"POST", "/v1/streams/%2541/events", "", FOUND, KG_ROUTE_APPEND, {"%41"}},
    {"POST", "/v1/streams/a+b/events", "", FOUND, KG_ROUTE_APPEND, {"a+b"}},
    {"POST", "/v1/streams/%C3%A9%e2%82%ac/events", "", FOUND, KG_ROUTE_APPEND,
	{"\xc3\xa9\xe2\x82\xac"}},
    {"POST", "/v1/streams/%F0%9F%98%80/events", "", FOUND, KG_ROUTE_APPEND,
	{"\xf0\x9f\x98\x80"}},
    {"POST", "/v1/streams/%23%3f/events", "", FOUND, KG_ROUTE_APPEND, {"#?"}},
    {"POST", "/v1/streams/$$x/events", "", FOUND, KG_ROUTE_APPEND, {"$$x"}},
    {"POST", "/v1/streams/%20x/events", "", FOUND, KG_ROUTE_APPEND, {" x"}},
    {"POST", "/v1/streams/12345678/events", "", FOUND, KG_ROUTE_APPEND, {"12345678"}},
    {"POST", "/v1/streams/a/events/%20", "", FOUND, KG_ROUTE_APPEND_RAW, {"a", " "}},
    /* malformed, also where no route would be found */
    {"GET", "/v1/%", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%4", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%4/x", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%zz", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%00", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%ff", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%C3", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%C3/%A9", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%C0%80", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/%ED%A0%80", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"POST", "/v1/streams/n\xc1n/events", "", KG_PROBLEM_MALFORMED_REQUEST,
	KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/#a", "", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/info", "a=%", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/info", "%zz", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/info", "a=%00", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/v1/info", "a=%C3&b=%A9", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT,
	{NULL}},
    {"GET", "/v1/info", "a=%C3=%A9", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT,
	{NULL}},
    {"GET", "/v1/info", "a#b", KG_PROBLEM_MALFORMED_REQUEST, KG_ROUTE_COUNT, {NULL}},
    /* not found: nothing is normalised */
    {"GET", "", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/livez/", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"GET", "//livez", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/Livez", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/%6civez", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"GET", "/x/../livez", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"POST", "/v1/streams//events", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"POST", "/v1/streams/a/events/", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"POST", "/v1/streams/a/b/events", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"POST", "/v1/multi-append/", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"POST", "/v1/streams/a/cloudevents/T", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT,
	{NULL}},
    {"BREW", "/nowhere", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    {"OPTIONS", "/nowhere", "", KG_PROBLEM_NOT_FOUND, KG_ROUTE_COUNT, {NULL}},
    /* names, judged before the method */
    {"POST", "/v1/streams/123456789/events", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_APPEND, {NULL}},
    {"POST", "/v1/streams/a/events/123456789", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_APPEND_RAW, {NULL}},
    {"POST", "/v1/streams/$$/events", "", KG_PROBLEM_INVALID_REQUEST, KG_ROUTE_APPEND,
	{NULL}},
    {"POST", "/v1/streams/%24all/events", "", KG_PROBLEM_INVALID_REQUEST, KG_ROUTE_APPEND,
	{NULL}},
    {"POST", "/v1/streams/%20%09/events", "", KG_PROBLEM_INVALID_REQUEST, KG_ROUTE_APPEND,
	{NULL}},
    {"POST", "/v1/streams/%E3%80%80%C2%A0/events", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_APPEND, {NULL}},
    {"BREW", "/v1/streams/$$/events", "", KG_PROBLEM_INVALID_REQUEST, KG_ROUTE_APPEND,
	{NULL}},
    {"GET", "/v1/streams/$$x/metadata", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_GET_METADATA, {NULL}},
    {"PUT", "/v1/streams/%24%24x/metadata", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_GET_METADATA, {NULL}},
    {"PUT", "/v1/streams/$$$$x/metadata", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_GET_METADATA, {NULL}},
    {"PUT", "/v1/streams/$$/metadata", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_GET_METADATA, {NULL}},
    {"GET", "/v1/streams/$all/metadata", "", KG_PROBLEM_INVALID_REQUEST,
	KG_ROUTE_GET_METADATA, {NULL}},
    /* methods */
    {"POST", "/v1/streams/a/metadata", "", KG_PROBLEM_METHOD_NOT_ALLOWED,
	KG_ROUTE_GET_METADATA, {NULL}},
    {"put", "/v1/streams/a/metadata", "", KG_PROBLEM_METHOD_NOT_ALLOWED,
	KG_ROUTE_GET_METADATA, {NULL}},
    {"PUT", "/v1/streams/a/events", "", KG_PROBLEM_METHOD_NOT_ALLOWED, KG_ROUTE_APPEND,
	{NULL}},
    {"GET", "/v1/streams/a/events", "", KG_PROBLEM_METHOD_NOT_ALLOWED, KG_ROUTE_APPEND,
	{NULL}},
    {"HEAD", "/v1/streams/a/events", "", KG_PROBLEM_METHOD_NOT_ALLOWED, KG_ROUTE_APPEND,
	{NULL}},
    {"post", "/v1/streams/a/events", "", KG_PROBLEM_METHOD_NOT_ALLOWED, KG_ROUTE_APPEND,
	{NULL}},
    {"POST", "/livez", "", KG_PROBLEM_METHOD_NOT_ALLOWED, KG_ROUTE_LIVEZ, {NULL}},
    {"TRACE", "/livez", "", KG_PROBLEM_METHOD_NOT_ALLOWED, KG_ROUTE_LIVEZ, {NULL}},
};

static int
find(const char *method, char *path, char *query, struct kg_router_match *match)
{
	struct kg_target target = {.path = path,
	    .path_len = strlen(path),
	    .query = query,
	    .query_len = strlen(query)};
	struct kg_refusal refusal;
	int problem = FOUND;
	bool is_good;

	kg_refusal_init(&refusal);
	is_good = kg_router_find(method, &target, NAME_MAX_BYTES, match, &refusal);
	ck_assert_int_eq(is_good, !refusal.is_set);
	if (!is_good)
		problem = (int)refusal.problem;
	kg_refusal_dispose(&refusal);
	return problem;
}

START_TEST(test_find)
{
	char *path = strdup(cases[_i].path);
	char *query = strdup(cases[_i].query);
	struct kg_router_match match;
	int problem = find(cases[_i].method, path, query, &match);

	ck_assert_msg(problem == cases[_i].problem, "problem %d, not %d, of %s %s?%s",
	    problem, cases[_i].problem, cases[_i].method, cases[_i].path,
	    cases[_i].query);
	ck_assert_int_eq(match.route, cases[_i].route);
	for (size_t i = 0; problem == FOUND && i < 2; i++) {
		const char *value = cases[_i].values[i];

		ck_assert_int_eq(i < match.value_count, value != NULL);
		if (value == NULL)
			continue;
		ck_assert_int_eq(match.values[i].len, strlen(value));
		ck_assert_mem_eq(match.values[i].data, value, match.values[i].len);
	}
	free(path);
	free(query);
}
END_TEST

START_TEST(test_allow)
{
	static const struct {
		const char *method;
		const char *path;
		const char *allow;
	} paths[] = {
	    {"PUT", "/v1/streams/a/events", "POST, OPTIONS"},
	    {"OPTIONS", "/v1/streams/a/events", "POST, OPTIONS"},
	    {"OPTIONS", "/livez", "GET, HEAD, OPTIONS"},
	    {"POST", "/readyz/x", "GET, HEAD, OPTIONS"},
	    {"POST", "/v1/streams/a/metadata", "GET, HEAD, PUT, OPTIONS"},
	    {"OPTIONS", "/v1/streams/a/metadata", "GET, HEAD, PUT, OPTIONS"},
	};

	for (int i = 0; i < COUNT(paths); i++) {
		char *path = strdup(paths[i].path);
		char query[] = "";
		struct kg_router_match match;

		find(paths[i].method, path, query, &match);
		ck_assert_str_eq(match.allow, paths[i].allow);
		ck_assert_int_eq(
		    match.is_options, strcmp(paths[i].method, "OPTIONS") == 0);
		free(path);
	}
}
END_TEST

START_TEST(test_template)
{
	ck_assert_str_eq(kg_router_template(KG_ROUTE_APPEND_RAW),
	    "/v1/streams/{stream}/events/{type}");
	ck_assert_str_eq(kg_router_template(KG_ROUTE_COUNT), "other");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("router");
	TCase *tcase = tcase_create("router");
	SRunner *runner;

	tcase_add_loop_test(tcase, test_find, 0, COUNT(cases));
	tcase_add_test(tcase, test_allow);
	tcase_add_test(tcase, test_template);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
