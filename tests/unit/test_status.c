/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a call says about an append that it did not answer. */
#include "client-core/status.h"

#include <check.h>
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

int
main(void)
{
	Suite *suite = suite_create("status");
	TCase *tcase = tcase_create("status");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, end_of_call, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(tcase, redirect_needs_host_and_port);
	tcase_add_test(tcase, text_is_cut_and_made_printable);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
