/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a call says about an operation that it did not answer. */
#include "client-core/status.h"
#include "tests/unit/recorded_refusals.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *name;
	int status;
	const char *exception; /* trailer, or NULL */
	const char *pushback;  /* trailer, or NULL */
	const char *text;
	struct kdb_progress progress;
	enum kdb_code code;
	enum kdb_outcome outcome;
};

#define COMPLETE .is_complete = true
#define ALONE .is_alone = true
#define NOT_WRITTEN KDB_OUTCOME_NOT_WRITTEN
#define UNKNOWN KDB_OUTCOME_UNKNOWN

static const struct row rows[] = {
	{ "lost after sending", 14, NULL, NULL, "", { COMPLETE }, KDB_CONNECTION_LOST, UNKNOWN },
	{ "lost before the final message", 14, NULL, NULL, "", { ALONE }, KDB_CONNECTION_LOST,
	    NOT_WRITTEN },
	{ "not leader, alone", 5, "not-leader", NULL, "", { COMPLETE, ALONE },
	    KDB_LEADER_UNAVAILABLE, NOT_WRITTEN },
	{ "not leader, with others", 5, "not-leader", NULL, "", { COMPLETE },
	    KDB_CONNECTION_LOST, UNKNOWN },
	{ "not found without the trailer", 5, NULL, NULL, "", { COMPLETE, ALONE },
	    KDB_DATABASE_ERROR, UNKNOWN },
	{ "wrong password", 16, NULL, NULL, "", { COMPLETE }, KDB_UNAUTHENTICATED, NOT_WRITTEN },
	{ "wrong password after answers", 16, NULL, NULL, "",
	    { COMPLETE, .was_answered = true }, KDB_CONNECTION_LOST, UNKNOWN },
	{ "old server", 12, NULL, NULL, "", { COMPLETE }, KDB_NOT_SUPPORTED, NOT_WRITTEN },
	{ "credentials cannot be checked", 14, NULL, "-1", "Server not ready", { COMPLETE },
	    KDB_LEADER_UNAVAILABLE, NOT_WRITTEN },
	{ "a proxy's pushback", 14, NULL, "500", "Server not ready", { COMPLETE },
	    KDB_CONNECTION_LOST, UNKNOWN },
	{ "a proxy's pushback for ever", 14, NULL, "-1", "upstream reset", { COMPLETE },
	    KDB_CONNECTION_LOST, UNKNOWN },
	{ "permission denied, alone", 7, "access-denied", NULL, "", { COMPLETE, ALONE },
	    KDB_ACCESS_DENIED, NOT_WRITTEN },
	{ "permission denied, with others", 7, "access-denied", NULL, "", { COMPLETE },
	    KDB_CONNECTION_LOST, UNKNOWN },
	{ "handler exception, alone", 2, NULL, NULL, "", { COMPLETE, ALONE }, KDB_DATABASE_ERROR,
	    UNKNOWN },
	{ "handler exception, with others", 2, NULL, NULL, "", { COMPLETE }, KDB_CONNECTION_LOST,
	    UNKNOWN },
	{ "deadline of the call", 4, NULL, NULL, "", { COMPLETE, ALONE }, KDB_DEADLINE_EXCEEDED,
	    UNKNOWN },
	{ "aborted", 10, NULL, NULL, "", { COMPLETE, ALONE }, KDB_CONNECTION_LOST, UNKNOWN },
	{ "ended with OK", 0, NULL, NULL, "", { COMPLETE, ALONE }, KDB_CONNECTION_LOST, UNKNOWN },
	{ "a status nobody knows", 99, NULL, NULL, "", { COMPLETE, ALONE }, KDB_DATABASE_ERROR,
	    UNKNOWN },
};

static void
add(struct kdb_status *status, const char *key, const char *value)
{
	if (value)
		kdb_status_add_trailer(status, key, strlen(key), value, strlen(value));
}

START_TEST(end_of_call)
{
	const struct row *row = &rows[_i];
	struct kdb_status status;
	struct kdb_error error;

	kdb_status_init(&status, row->status, row->text, strlen(row->text));
	add(&status, "exception", row->exception);
	add(&status, "grpc-retry-pushback-ms", row->pushback);
	kdb_status_to_error(&status, &row->progress, &error);
	ck_assert_msg(error.code == row->code && error.outcome == row->outcome,
	    "%s: %s, outcome %d", row->name, kdb_code_name(error.code), error.outcome);
	ck_assert_int_eq(error.grpc_status, row->status);
	ck_assert(error.detail[0] != 0);
}
END_TEST

START_TEST(redirect_needs_host_and_port)
{
	static const struct {
		const char *exception, *host, *port;
		bool is_redirect;
	} cases[] = {
		{ "not-leader", "n2", "2113", true },
		{ "not-leader", "n2", NULL, false },
		{ "not-leader", "", "2113", false },
		{ "not-leader", "n2", "0", false },
		{ "not-leader", "n2", "65536", false },
		{ "not-leader", "n2", "21x", false },
		{ "not-leader", "n2", "", false },
		{ "not-leader", "n2", "123456789", false },
		{ "access-denied", "n2", "2113", false },
		{ NULL, "n2", "2113", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_status status;

		kdb_status_init(&status, 5, "", 0);
		add(&status, "exception", cases[i].exception);
		add(&status, "leader-endpoint-host", cases[i].host);
		add(&status, "leader-endpoint-port", cases[i].port);
		ck_assert_msg(kdb_status_has_redirect(&status) == cases[i].is_redirect,
		    "case %zu", i);
	}
}
END_TEST

START_TEST(text_is_cut_and_made_printable)
{
	struct kdb_status status;
	char text[1000];

	memset(text, 'x', sizeof text);
	text[0] = '\n';
	text[1] = '\0';
	text[2] = (char)0xff;
	kdb_status_init(&status, 2, text, sizeof text);
	ck_assert_int_eq(strlen(status.text), sizeof status.text - 1);
	ck_assert(memcmp(status.text, "   x", 4) == 0);
}
END_TEST

/* ---- the details of V2 ---- */

static const struct v2_row {
	const char *probe;
	const char *reason;
	enum kdb_code code;
	enum kdb_outcome outcome;
} v2_rows[] = {
	{ "D.session.matrix.one.no_stream", "STREAM_REVISION_CONFLICT", KDB_DATABASE_ERROR,
	    NOT_WRITTEN },
	{ "D.session.matrix.tombstoned.no_stream", "STREAM_TOMBSTONED", KDB_DATABASE_ERROR,
	    NOT_WRITTEN },
	{ "D.records.written.one.2", "APPEND_CONSISTENCY_VIOLATION", KDB_DATABASE_ERROR,
	    NOT_WRITTEN },
	{ "D.session.same-stream-twice", "STREAM_ALREADY_IN_APPEND_SESSION",
	    KDB_REFUSED_AS_INVALID, NOT_WRITTEN },
	{ "D.session.stream.empty", "BAD_REQUEST", KDB_REFUSED_AS_INVALID, NOT_WRITTEN },
	{ "D.records.size.record.above", "APPEND_RECORD_SIZE_EXCEEDED", KDB_EVENT_TOO_LARGE,
	    NOT_WRITTEN },
	{ "D.records.size.transaction", "APPEND_TRANSACTION_SIZE_EXCEEDED",
	    KDB_APPEND_TOO_LARGE, NOT_WRITTEN },
	{ "H.follower.session.true", "NOT_LEADER_NODE", KDB_LEADER_UNAVAILABLE, NOT_WRITTEN },
	{ "H.no-quorum.paused", "OPERATION_TIMEOUT", KDB_DEADLINE_EXCEEDED, UNKNOWN },
	{ "D.records.stream.all", "ACCESS_DENIED", KDB_ACCESS_DENIED, NOT_WRITTEN },
};

START_TEST(reason_decides)
{
	const struct v2_row *row = &v2_rows[_i];
	struct kdb_status status = recorded_refusal("26.1.0", row->probe);
	struct kdb_progress progress = { COMPLETE, ALONE };
	struct kdb_error error;

	ck_assert_str_eq(status.reason, row->reason);
	kdb_status_to_error(&status, &progress, &error);
	ck_assert_int_eq(error.code, row->code);
	ck_assert_int_eq(error.outcome, row->outcome);
	ck_assert_int_eq(error.grpc_status, status.code);
	progress.is_complete = false;
	kdb_status_to_error(&status, &progress, &error);
	ck_assert_int_eq(error.outcome, NOT_WRITTEN);
}
END_TEST

/* The call of others may end with any details: they are about one of them. */
START_TEST(reason_says_nothing_about_others)
{
	struct kdb_status status = recorded_refusal("26.1.0", "D.records.stream.all");
	struct kdb_progress progress = { COMPLETE };
	struct kdb_error error;

	kdb_status_to_error(&status, &progress, &error);
	ck_assert_int_eq(error.code, KDB_CONNECTION_LOST);
	ck_assert_int_eq(error.outcome, UNKNOWN);
}
END_TEST

START_TEST(v2_names_the_leader)
{
	struct kdb_status status = recorded_refusal("26.1.0", "H.follower.session.true");

	ck_assert(status.is_not_leader);
	ck_assert(kdb_status_has_redirect(&status));
	ck_assert_str_eq(status.redirect.host, "127.0.0.1");
	ck_assert_uint_eq(status.redirect.port, 2143);
}
END_TEST

static void
add_details(struct kdb_status *status, const char *bytes, size_t len)
{
	static const char key[] = "grpc-status-details-bin";

	kdb_status_add_trailer(status, key, sizeof key - 1, bytes, len);
}

START_TEST(details_are_found_by_type)
{
	/* code 9, then four Any: a/b.C = "x"; no slash D; no type; value twice */
	static const char bytes[] = "\x08\x09"
				    "\x1a\x0a\x0a\x05"
				    "a/b.C\x12\x01x"
				    "\x1a\x03\x0a\x01"
				    "D"
				    "\x1a\x03\x12\x01y"
				    "\x1a\x09\x0a\x01"
				    "E\x12\x01p\x12\x01q";
	const struct kdb_status_detail *detail;
	struct kdb_status status;

	kdb_status_init(&status, 9, "", 0);
	add_details(&status, bytes, sizeof bytes - 1);
	ck_assert_uint_eq(status.detail_count, 4);
	detail = kdb_status_find_detail(&status, "b.C");
	ck_assert(detail && detail->len == 1 && detail->bytes[0] == 'x');
	detail = kdb_status_find_detail(&status, "D");
	ck_assert(detail && detail->len == 0);
	detail = kdb_status_find_detail(&status, "E");
	ck_assert(detail && detail->len == 1 && detail->bytes[0] == 'q');
	ck_assert_ptr_null(kdb_status_find_detail(&status, "a/b.C"));
	ck_assert_ptr_null(kdb_status_find_detail(&status, "C"));
}
END_TEST

/* A detail that is cut anywhere names no leader, and none is read beyond its end. */
START_TEST(broken_details_are_none)
{
	struct kdb_status whole = recorded_refusal("26.1.0", "H.follower.session.true");
	/* ErrorInfo comes first, and what names the leader last. */
	const char *end =
	    (const char *)whole.details[1].bytes + whole.details[1].len;
	const char *begin = whole.details[0].type - strlen("type.googleapis.com/") - 4;
	size_t whole_len = (size_t)(end - begin);

	ck_assert_uint_eq(whole.detail_count, 2);
	for (size_t len = 0; len <= whole_len; len++) {
		char *bytes = malloc(len + 1);
		struct kdb_status status;

		memcpy(bytes, begin, len);
		kdb_status_init(&status, 9, "", 0);
		add_details(&status, bytes, len);
		ck_assert_int_eq(kdb_status_has_redirect(&status), len == whole_len);
		free(bytes);
	}
}
END_TEST

START_TEST(only_so_many_details_are_kept)
{
	char bytes[400];
	struct kdb_status status;

	for (size_t i = 0; i < sizeof bytes; i += 2)
		memcpy(bytes + i, "\x1a\0", 2);
	kdb_status_init(&status, 9, "", 0);
	add_details(&status, bytes, sizeof bytes);
	ck_assert_uint_eq(status.detail_count, KDB_STATUS_DETAILS_MAX);
}
END_TEST

START_TEST(texts_of_our_own_library)
{
	static const struct {
		int code;
		const char *text;
		bool is_oversized, is_http_500;
	} cases[] = {
		{ 8, "received initial metadata size exceeds limit", true, false },
		{ 8, "received trailing metadata size exceeds limit", true, false },
		{ 8, "Received message exceeds the maximum configured message size.", false,
		    false },
		{ 2, "received initial metadata size exceeds limit", false, false },
		{ 2, "Received http2 header with status: 500", false, true },
		{ 2, "Received http2 header with status: 5000", false, false },
		{ 13, "Received http2 header with status: 500", false, false },
		{ 2, "", false, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_status status;

		kdb_status_init(
		    &status, cases[i].code, cases[i].text, strlen(cases[i].text));
		ck_assert_int_eq(kdb_status_is_oversized(&status), cases[i].is_oversized);
		ck_assert_int_eq(kdb_status_is_http_500(&status), cases[i].is_http_500);
	}
}
END_TEST

START_TEST(old_server_says_what_it_lacks)
{
	struct kdb_progress progress = { COMPLETE, ALONE, .requires = "26.1" };
	struct kdb_status status;
	struct kdb_error error;

	kdb_status_init(&status, 12, "Method is unimplemented.", 24);
	kdb_status_to_error(&status, &progress, &error);
	ck_assert_int_eq(error.code, KDB_NOT_SUPPORTED);
	ck_assert_str_eq(error.requires, "26.1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("status");
	TCase *tcase = tcase_create("status");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, end_of_call, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(tcase, redirect_needs_host_and_port);
	tcase_add_test(tcase, text_is_cut_and_made_printable);
	tcase_add_loop_test(
	    tcase, reason_decides, 0, sizeof v2_rows / sizeof v2_rows[0]);
	tcase_add_test(tcase, reason_says_nothing_about_others);
	tcase_add_test(tcase, v2_names_the_leader);
	tcase_add_test(tcase, details_are_found_by_type);
	tcase_add_test(tcase, broken_details_are_none);
	tcase_add_test(tcase, only_so_many_details_are_kept);
	tcase_add_test(tcase, texts_of_our_own_library);
	tcase_add_test(tcase, old_server_says_what_it_lacks);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
