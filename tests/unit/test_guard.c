/* SPDX-License-Identifier: Apache-2.0 */
/* The guard: message borders, sizes, Host and Origin, and in which order they are
 * judged. */
#include "daemon/guard.h"
#include "tests/unit/head_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define HOST "\nHost: localhost"

enum { PASSES = KG_PROBLEM_COUNT, HEADER_MAX = 16384 };

static char *hosts[] = {(char[]){"gate.example"}, (char[]){"[fd00::1]"}};
static char *origins[] = {(char[]){"https://app.example"}};

static const struct kg_config config = {.allowed_hosts = {hosts, 2},
    .allowed_origins = {origins, 1},
    .max_header_bytes = HEADER_MAX};

/* The problem of a head, or PASSES. */
static int
judge(struct head_text *made, bool *must_close, struct kg_target *target)
{
	struct kg_refusal refusal;
	int problem = PASSES;
	bool is_good;

	kg_refusal_init(&refusal);
	is_good = kg_guard_check(&made->head, &config, target, &refusal, must_close);
	ck_assert_int_eq(is_good, !refusal.is_set);
	if (!is_good)
		problem = (int)refusal.problem;
	kg_refusal_dispose(&refusal);
	return problem;
}

static const struct {
	const char *text;
	int problem;
	bool must_close;
} cases[] = {
    {"GET /v1/info" HOST, PASSES, false},
    /* borders */
    {"POST /a" HOST "\nContent-Length: 2\nContent-Length: 2",
	KG_PROBLEM_MALFORMED_REQUEST, true},
    {"POST /a" HOST "\nContent-Length: 2\nTransfer-Encoding: chunked",
	KG_PROBLEM_MALFORMED_REQUEST, true},
    {"POST /a" HOST "\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
	KG_PROBLEM_MALFORMED_REQUEST, true},
    {"POST /a" HOST "\nTransfer-Encoding: chunked", PASSES, false},
    {"POST /a" HOST "\nTransfer-Encoding: Chunked", PASSES, false},
    {"POST /a" HOST "\nTransfer-Encoding: gzip, chunked",
	KG_PROBLEM_UNSUPPORTED_TRANSFER_CODING, true},
    {"POST /a" HOST "\nTransfer-Encoding: chunked ",
	KG_PROBLEM_UNSUPPORTED_TRANSFER_CODING, true},
    {"POST /a" HOST "\nTransfer-Encoding:", KG_PROBLEM_UNSUPPORTED_TRANSFER_CODING, true},
    {"GET /a" HOST "\nHost: localhost", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nAuthorization: a\nauthorization: a", KG_PROBLEM_MALFORMED_REQUEST,
	true},
    {"GET /a" HOST "\nidempotency-KEY: a\nIdempotency-Key: b",
	KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nAccept: a/b\nAccept: c/d", PASSES, false},
    {"GET /a" HOST "\nX-Request-Id: a\nX-Request-Id: b", PASSES, false},
    {"GET /a" HOST "\nX-Other: a\nX-Other: b", PASSES, false},
    {"GET /a" HOST "\nX (y): 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nContent-Length : 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nX\xc3\xa9: 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nContent-Lengthy: 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\ntransfer-encoding-x: 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nIdempotency-Keys: 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nX: a\rb", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nX: a\x01"
     "b",
	KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nX: a\x7f", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nX: a\tb \xff", PASSES, false},
    {"OPTIONS *" HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"CONNECT localhost:80" HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET " HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET ftp://localhost/" HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /\xc3\xa9" HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a b" HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a\x7f" HOST, KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nContent-Length: 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"HEAD /a" HOST "\nTransfer-Encoding: chunked", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a" HOST "\nContent-Length: 0", PASSES, false},
    {"OPTIONS /a" HOST "\nContent-Length: 1", PASSES, false},
    /* Host */
    {"GET /a", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost:", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: localhost:x", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: localhost:65536", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: localhost:80:80", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: local host", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: user@localhost", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: localhost/", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: [::1", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: []", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: [::1]x", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: [localhost]", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: :80", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET /a\nHost: LocalHost:65535", PASSES, false},
    {"GET /a\nHost: 127.0.0.1", PASSES, false},
    {"GET /a\nHost: [::1]:2114", PASSES, false},
    {"GET /a\nHost: GATE.example:1", PASSES, false},
    {"GET /a\nHost: [fd00::1]", PASSES, false},
    {"GET /a\nHost: evil.example", KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET /a\nHost: localhost.evil.example", KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET /a\nHost: 127.0.0.2", KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET /livez\nHost: 10.0.0.1:2114", PASSES, false},
    {"GET /livez?x=1\nHost: 10.0.0.1:2114", PASSES, false},
    {"GET /readyz\nHost: pod", PASSES, false},
    {"GET /readyz/leader\nHost: pod", PASSES, false},
    {"GET /readyzz\nHost: pod", KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET /livez/\nHost: pod", KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET /%6civez\nHost: pod", KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET /livez", KG_PROBLEM_MALFORMED_REQUEST, false},
    {"GET http://localhost/v1/info" HOST, PASSES, false},
    {"GET HTTP://LOCALHOST/v1/info" HOST, PASSES, false},
    {"GET http://localhost:1/v1/info" HOST, KG_PROBLEM_MISDIRECTED_REQUEST, false},
    {"GET http://other/v1/info" HOST, KG_PROBLEM_MISDIRECTED_REQUEST, false},
    /* Origin */
    {"GET /a" HOST "\nOrigin: http://localhost", PASSES, false},
    {"GET /a\nHost: localhost:2114\nOrigin: http://LOCALHOST:2114", PASSES, false},
    {"GET /a\nHost: localhost:2114\nOrigin: http://localhost",
	KG_PROBLEM_ORIGIN_NOT_ALLOWED, false},
    {"GET /a" HOST "\nOrigin: https://localhost", KG_PROBLEM_ORIGIN_NOT_ALLOWED, false},
    {"GET /a" HOST "\nOrigin: null", KG_PROBLEM_ORIGIN_NOT_ALLOWED, false},
    {"GET /a" HOST "\nOrigin:", KG_PROBLEM_ORIGIN_NOT_ALLOWED, false},
    {"OPTIONS /a" HOST "\nOrigin: http://evil.example", KG_PROBLEM_ORIGIN_NOT_ALLOWED,
	false},
    {"GET /livez" HOST "\nOrigin: http://evil.example", KG_PROBLEM_ORIGIN_NOT_ALLOWED,
	false},
    {"GET /a" HOST "\nOrigin: https://app.example", PASSES, false},
    {"GET /a" HOST "\nOrigin: https://app.example\nSec-Fetch-Site: cross-site", PASSES,
	false},
    {"GET /a" HOST "\nSec-Fetch-Site: none", PASSES, false},
    {"GET /a" HOST "\nSec-Fetch-Site: same-origin", PASSES, false},
    {"GET /a" HOST "\nSec-Fetch-Site: same-site", KG_PROBLEM_ORIGIN_NOT_ALLOWED, false},
    {"GET /a" HOST "\nOrigin: http://localhost\nSec-Fetch-Site: cross-site",
	KG_PROBLEM_ORIGIN_NOT_ALLOWED, false},
    /* order: borders, Host, Origin */
    {"GET /a\nHost: evil.example\nContent-Length: 1", KG_PROBLEM_MALFORMED_REQUEST, true},
    {"GET /a\nHost: evil.example\nOrigin: http://evil.example",
	KG_PROBLEM_HOST_NOT_ALLOWED, false},
    {"GET http://other/\nHost: evil.example", KG_PROBLEM_HOST_NOT_ALLOWED, false},
};

START_TEST(test_head)
{
	struct head_text made;
	struct kg_target target;
	bool must_close;
	int problem;

	head_text_init(&made, cases[_i].text);
	problem = judge(&made, &must_close, &target);
	ck_assert_msg(problem == cases[_i].problem, "problem %d, not %d, of: %s", problem,
	    cases[_i].problem, cases[_i].text);
	ck_assert_msg(
	    must_close == cases[_i].must_close, "must_close of: %s", cases[_i].text);
	head_text_dispose(&made);
}
END_TEST

START_TEST(test_http_1_0)
{
	struct head_text made;
	struct kg_target target;
	bool must_close;

	head_text_init(&made, "POST /a" HOST "\nTransfer-Encoding: gzip");
	made.head.is_http_1_0 = true;
	ck_assert_int_eq(
	    judge(&made, &must_close, &target), KG_PROBLEM_MALFORMED_REQUEST);
	head_text_dispose(&made);
	head_text_init(&made, "GET /a");
	made.head.is_http_1_0 = true;
	ck_assert_int_eq(
	    judge(&made, &must_close, &target), KG_PROBLEM_MALFORMED_REQUEST);
	head_text_dispose(&made);
}
END_TEST

START_TEST(test_unix_socket_takes_any_host)
{
	struct head_text made;
	struct kg_target target;
	bool must_close;

	head_text_init(&made, "GET /a\nHost: whatever.example:1");
	made.head.is_tcp = false;
	ck_assert_int_eq(judge(&made, &must_close, &target), PASSES);
	head_text_dispose(&made);
	head_text_init(&made, "GET /a\nHost: what ever");
	made.head.is_tcp = false;
	ck_assert_int_eq(
	    judge(&made, &must_close, &target), KG_PROBLEM_MALFORMED_REQUEST);
	head_text_dispose(&made);
}
END_TEST

static int
judge_size(size_t field_count, size_t size)
{
	struct head_text made;
	struct kg_target target;
	bool must_close;
	int problem;

	head_text_init(&made, "GET /a" HOST);
	while (made.head.field_count < field_count)
		made.fields[made.head.field_count++] =
		    (struct kg_head_field){"X", 1, "y", 1};
	made.head.size = size;
	problem = judge(&made, &must_close, &target);
	ck_assert_int_eq(must_close, problem != PASSES);
	head_text_dispose(&made);
	return problem;
}

START_TEST(test_size)
{
	ck_assert_int_eq(judge_size(KG_HEAD_FIELDS_MAX, HEADER_MAX), PASSES);
	ck_assert_int_eq(
	    judge_size(KG_HEAD_FIELDS_MAX + 1, HEADER_MAX), KG_PROBLEM_HEADERS_TOO_LARGE);
	ck_assert_int_eq(
	    judge_size(KG_HEAD_FIELDS_MAX, HEADER_MAX + 1), KG_PROBLEM_HEADERS_TOO_LARGE);
}
END_TEST

static const struct {
	const char *target;
	const char *authority; /* NULL: origin-form */
	const char *path;
	const char *query;
} targets[] = {
    {"/", NULL, "/", ""},
    {"/a/b?c=d?e", NULL, "/a/b", "c=d?e"},
    {"/?", NULL, "/", ""},
    {"//localhost/x", NULL, "//localhost/x", ""},
    {"http://localhost", "localhost", "", ""},
    {"http://localhost?a", "localhost", "", "a"},
    {"https://localhost/a?b", "localhost", "/a", "b"},
};

START_TEST(test_target)
{
	struct head_text made;
	struct kg_target target;
	char text[128];
	bool must_close;

	snprintf(text, sizeof text, "GET %s" HOST, targets[_i].target);
	head_text_init(&made, text);
	ck_assert_int_eq(judge(&made, &must_close, &target), PASSES);
	ck_assert_int_eq(target.path_len, strlen(targets[_i].path));
	ck_assert_mem_eq(target.path, targets[_i].path, target.path_len);
	ck_assert_int_eq(target.query_len, strlen(targets[_i].query));
	ck_assert_mem_eq(target.query, targets[_i].query, target.query_len);
	ck_assert_int_eq(target.authority == NULL, targets[_i].authority == NULL);
	if (target.authority != NULL) {
		ck_assert_int_eq(target.authority_len, strlen(targets[_i].authority));
		ck_assert_mem_eq(
		    target.authority, targets[_i].authority, target.authority_len);
	}
	head_text_dispose(&made);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tcase = tcase_create("guard");
	SRunner *runner;

	tcase_add_loop_test(tcase, test_head, 0, COUNT(cases));
	tcase_add_test(tcase, test_http_1_0);
	tcase_add_test(tcase, test_unix_socket_takes_any_host);
	tcase_add_test(tcase, test_size);
	tcase_add_loop_test(tcase, test_target, 0, COUNT(targets));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
