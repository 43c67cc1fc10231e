/* SPDX-License-Identifier: Apache-2.0 */
/* Problems: the table of codes, refusals, bodies as the contract shows them, and what
 * every error of the database becomes. */
#include "daemon/json_scan.h"
#include "daemon/problem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* api-design 10, typed in from there. */
static const struct {
	unsigned status;
	const char *code;
} contract[] = {
	{ 400, "malformed-request" },
	{ 400, "malformed-json" },
	{ 400, "conflicting-parameters" },
	{ 400, "bad-idempotency-key" },
	{ 400, "unknown-preference" },
	{ 401, "unauthenticated" },
	{ 403, "forbidden" },
	{ 403, "host-not-allowed" },
	{ 403, "origin-not-allowed" },
	{ 404, "not-found" },
	{ 405, "method-not-allowed" },
	{ 406, "not-acceptable" },
	{ 408, "request-read-timeout" },
	{ 409, "wrong-current-version" },
	{ 409, "consistency-checks-failed" },
	{ 410, "stream-tombstoned" },
	{ 410, "stream-deleted" },
	{ 412, "precondition-failed" },
	{ 413, "body-too-large" },
	{ 413, "event-too-large" },
	{ 413, "append-too-large" },
	{ 415, "unsupported-media-type" },
	{ 421, "misdirected-request" },
	{ 422, "invalid-request" },
	{ 422, "unknown-member" },
	{ 422, "duplicate-member" },
	{ 422, "duplicate-stream" },
	{ 422, "case-variant-streams" },
	{ 422, "invalid-event-type" },
	{ 422, "metadata-not-strings" },
	{ 422, "reserved-metadata-key" },
	{ 422, "idempotency-key-reused" },
	{ 428, "precondition-required" },
	{ 429, "rate-limited" },
	{ 431, "headers-too-large" },
	{ 499, "client-closed" },
	{ 501, "operation-not-supported" },
	{ 501, "unsupported-transfer-coding" },
	{ 502, "database-error" },
	{ 502, "upstream-credentials" },
	{ 503, "leader-unavailable" },
	{ 503, "database-unreachable" },
	{ 503, "database-busy" },
	{ 503, "overloaded" },
	{ 503, "draining" },
	{ 503, "connection-lost" },
	{ 504, "deadline-exceeded" },
};

START_TEST(every_code_of_the_contract)
{
	enum kg_problem problem;
	const struct kg_problem_row *row;

	ck_assert(kg_problem_find(contract[_i].code, &problem));
	row = kg_problem_row(problem);
	ck_assert_str_eq(row->code, contract[_i].code);
	ck_assert_uint_eq(row->status, contract[_i].status);
	ck_assert_uint_gt(strlen(row->title), 5);
	ck_assert_uint_gt(strlen(row->description), 40);
}
END_TEST

START_TEST(no_code_beyond_the_contract)
{
	enum kg_problem problem;

	ck_assert_int_eq(KG_PROBLEM_COUNT, COUNT(contract));
	ck_assert(!kg_problem_find("", &problem));
	ck_assert(!kg_problem_find("not-found ", &problem));
	ck_assert(!kg_problem_find("Not-Found", &problem));
}
END_TEST

static char *
take_text(struct kdb_buffer *out)
{
	size_t len;

	ck_assert(kg_json_is_valid(out->data, out->len, 8));
	kdb_buffer_put_char(out, '\0');
	return kdb_buffer_take(out, &len);
}

START_TEST(page_of_a_code)
{
	struct kdb_buffer out;
	char *text;

	kdb_buffer_init(&out, 1 << 16);
	kg_problem_print_row(KG_PROBLEM_STREAM_TOMBSTONED, &out);
	text = take_text(&out);
	ck_assert_str_eq(text,
	    "{\"type\":\"/problems/stream-tombstoned\",\"code\":\"stream-tombstoned\","
	    "\"title\":\"Stream tombstoned\",\"status\":410,\"description\":\"The stream was "
	    "hard-deleted. Its name can never be written again. Nothing was written.\"}");
	free(text);
}
END_TEST

START_TEST(page_of_all_codes)
{
	struct kdb_buffer out;
	char wanted[80];
	const char *at;
	char *text;

	kdb_buffer_init(&out, 1 << 20);
	kg_problem_print_all(&out);
	text = take_text(&out);
	ck_assert(strncmp(text, "{\"problems\":[{\"type\":", 21) == 0);
	at = text;
	for (int i = 0; i < COUNT(contract); i++) {
		snprintf(wanted, sizeof wanted, "{\"type\":\"/problems/%s\",", contract[i].code);
		at = strstr(at, wanted);
		ck_assert_msg(at != NULL, "%s", wanted);
	}
	free(text);
}
END_TEST

static char *
print(const struct kg_refusal *refusal)
{
	struct kdb_buffer out;

	kdb_buffer_init(&out, 1 << 16);
	kg_problem_print(refusal, "01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1",
	    KG_INT64_NUMBER, &out);
	return take_text(&out);
}

static void
assert_printed(struct kg_refusal *refusal, const char *wanted)
{
	char *text = print(refusal);

	ck_assert_str_eq(text, wanted);
	free(text);
	kg_refusal_dispose(refusal);
}

/* Turns an error into the refusal of an append to "student-1". */
static void
refuse(struct kg_refusal *refusal, const struct kdb_error *error, int64_t expected_version)
{
	kg_refusal_init(refusal);
	kg_refusal_from_error(refusal, error, "student-1", 9, expected_version,
	    expected_version >= 0 || expected_version == KDB_VERSION_NO_STREAM, false);
}

START_TEST(body_of_a_conflict)
{
	struct kdb_error error = { .code = KDB_WRONG_EXPECTED_VERSION,
		.conflict = { .expected_version = -1, .actual_version = 1 } };
	struct kg_refusal refusal;

	refuse(&refusal, &error, KDB_VERSION_NO_STREAM);
	assert_printed(&refusal,
	    "{\"type\":\"/problems/wrong-current-version\",\"title\":\"Wrong current version\","
	    "\"status\":409,"
	    "\"detail\":\"Stream \\\"student-1\\\" is at version 1, the request expected "
	    "no_stream.\","
	    "\"code\":\"wrong-current-version\",\"stream_name\":\"student-1\","
	    "\"expected_version\":\"no_stream\",\"actual_version\":1,"
	    "\"outcome\":\"not_written\",\"retryable\":false,"
	    "\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
}
END_TEST

static const uint8_t ids[2][16] = {
	{ 0x04, 0xf3, 0xd9, 0xee, 0xd3, 0x3b, 0x8c, 0x2d, 0x86, 0xa1, 0x29, 0xc1, 0x46, 0x57,
	    0x9c, 0x65 },
	{ 0x17, 0xb3, 0x7e, 0x2e, 0xe3, 0x9d, 0x86, 0xd0, 0xb6, 0xe4, 0x97, 0x5e, 0x41, 0xb1,
	    0x75, 0xb4 },
};

START_TEST(body_of_a_lost_answer)
{
	struct kdb_error error = { .code = KDB_DEADLINE_EXCEEDED,
		.outcome = KDB_OUTCOME_UNKNOWN,
		.detail = "No answer in time." };
	struct kg_refusal refusal;

	refuse(&refusal, &error, 3);
	kg_refusal_set_detail(&refusal,
	    "No answer within %s s. The append may or may not have been stored.", "2.5");
	refusal.retry_hint = "Send the same request again.";
	refusal.event_ids = (struct kg_event_ids){ .ids = ids, .count = 2 };
	assert_printed(&refusal,
	    "{\"type\":\"/problems/deadline-exceeded\",\"title\":\"Deadline exceeded\","
	    "\"status\":504,"
	    "\"detail\":\"No answer within 2.5 s. The append may or may not have been stored.\","
	    "\"code\":\"deadline-exceeded\",\"outcome\":\"unknown\",\"retryable\":true,"
	    "\"retry_hint\":\"Send the same request again.\","
	    "\"event_ids\":[\"04f3d9ee-d33b-8c2d-86a1-29c146579c65\","
	    "\"17b37e2e-e39d-86d0-b6e4-975e41b175b4\"],"
	    "\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
}
END_TEST

START_TEST(body_of_findings)
{
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	kg_refusal_add(&refusal, KG_PROBLEM_UNKNOWN_MEMBER, "/events/0/dat",
	    "Did you mean \"data\"?", "Unknown member.");
	kg_refusal_add(&refusal, KG_PROBLEM_INVALID_REQUEST, "/events/0/type", NULL,
	    "%s has %d faults.", "It", 2);
	assert_printed(&refusal,
	    "{\"type\":\"/problems/unknown-member\",\"title\":\"Unknown member\",\"status\":422,"
	    "\"detail\":\"The request has a member that this operation does not know.\","
	    "\"code\":\"unknown-member\","
	    "\"errors\":[{\"pointer\":\"/events/0/dat\",\"detail\":\"Unknown member.\","
	    "\"hint\":\"Did you mean \\\"data\\\"?\"},"
	    "{\"pointer\":\"/events/0/type\",\"detail\":\"It has 2 faults.\"}],"
	    "\"outcome\":\"not_written\",\"retryable\":false,"
	    "\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
}
END_TEST

START_TEST(members_of_codes)
{
	static const char *const types[] = { "application/json", "application/x-ndjson", NULL };
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	kg_refusal_set(&refusal, KG_PROBLEM_BODY_TOO_LARGE, "d");
	refusal.limit_unit = "bytes";
	refusal.limit = 16777216;
	refusal.enforced_by = "gateway";
	refusal.byte_offset = 0;
	refusal.requires = "21.10";
	refusal.accepted_types = types;
	/* Of a known outcome, no ids and no advice are told. */
	refusal.retry_hint = "no";
	refusal.event_ids = (struct kg_event_ids){ .ids = ids, .count = 2 };
	assert_printed(&refusal,
	    "{\"type\":\"/problems/body-too-large\",\"title\":\"Body too large\",\"status\":413,"
	    "\"detail\":\"d\",\"code\":\"body-too-large\",\"limit_bytes\":16777216,"
	    "\"actual_bytes\":null,\"enforced_by\":\"gateway\",\"byte_offset\":0,"
	    "\"requires\":\"21.10\",\"server_version\":null,"
	    "\"accepted_types\":[\"application/json\",\"application/x-ndjson\"],"
	    "\"outcome\":\"not_written\",\"retryable\":false,"
	    "\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
	kg_refusal_set(&refusal, KG_PROBLEM_APPEND_TOO_LARGE, "d");
	refusal.limit_unit = "checks";
	refusal.limit = 1000;
	refusal.actual = 1001;
	assert_printed(&refusal,
	    "{\"type\":\"/problems/append-too-large\",\"title\":\"Append too large\","
	    "\"status\":413,\"detail\":\"d\",\"code\":\"append-too-large\","
	    "\"limit_checks\":1000,\"actual_checks\":1001,"
	    "\"outcome\":\"not_written\",\"retryable\":false,"
	    "\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
}
END_TEST

START_TEST(the_first_problem_decides)
{
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	ck_assert(!refusal.is_set);
	kg_refusal_set(&refusal, KG_PROBLEM_NOT_FOUND, "First %d.", 1);
	kg_refusal_set(&refusal, KG_PROBLEM_FORBIDDEN, "Second.");
	kg_refusal_add(&refusal, KG_PROBLEM_INVALID_REQUEST, "/x", NULL, "Third.");
	ck_assert(refusal.is_set);
	ck_assert_int_eq(refusal.problem, KG_PROBLEM_NOT_FOUND);
	ck_assert_str_eq(refusal.detail, "First 1.");
	ck_assert_uint_eq(refusal.finding_count, 1);
	kg_refusal_dispose(&refusal);
	ck_assert(!refusal.is_set);
	ck_assert_uint_eq(refusal.finding_count, 0);
}
END_TEST

START_TEST(findings_end_at_sixteen)
{
	struct kg_refusal refusal;
	char pointer[16];

	kg_refusal_init(&refusal);
	for (int i = 0; i < 40; i++) {
		snprintf(pointer, sizeof pointer, "/%d", i);
		kg_refusal_add(&refusal, KG_PROBLEM_INVALID_REQUEST, pointer, "h", "d");
	}
	ck_assert_uint_eq(refusal.finding_count, 16);
	ck_assert_str_eq(refusal.findings[15].pointer, "/15");
	kg_refusal_dispose(&refusal);
}
END_TEST

/* Texts of every length around the limit, ending in characters of 1 to 4 bytes. */
START_TEST(long_texts_are_cut_between_characters)
{
	static const char *const characters[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };
	const char *character = characters[_i];
	struct kg_refusal refusal;
	char text[1024];

	for (size_t lead = 0; lead < 8; lead++) {
		size_t len = lead;

		memset(text, 'a', lead);
		while (len < 600) {
			memcpy(text + len, character, strlen(character) + 1);
			len += strlen(character);
		}
		kg_refusal_init(&refusal);
		kg_refusal_add(&refusal, KG_PROBLEM_INVALID_REQUEST, "/x", text, "%s", text);
		kg_refusal_set_detail(&refusal, "%s", text);
		for (int i = 0; i < 3; i++) {
			const char *cut = i == 0 ? refusal.detail
			    : i == 1		 ? refusal.findings[0].detail
						 : refusal.findings[0].hint;
			size_t size = i == 0 ? KG_REFUSAL_DETAIL_SIZE : KG_FINDING_TEXT_SIZE;

			ck_assert_uint_lt(strlen(cut), size);
			ck_assert_uint_ge(strlen(cut) + strlen(character), size - 1);
			ck_assert_uint_eq((strlen(cut) - lead) % strlen(character), 0);
			ck_assert_int_eq(strncmp(cut, text, strlen(cut)), 0);
		}
		kg_refusal_dispose(&refusal);
	}
}
END_TEST

enum { NO = 0, YES = 1, EXACT_ONLY = 2 };

static const struct {
	enum kdb_code code;
	enum kdb_outcome outcome;
	enum kg_problem problem;
	int retryable;
	unsigned retry_after; /* where retryable */
} mapping[] = {
	{ KDB_WRONG_EXPECTED_VERSION, 0, KG_PROBLEM_WRONG_CURRENT_VERSION, NO, 0 },
	{ KDB_STREAM_TOMBSTONED, 0, KG_PROBLEM_STREAM_TOMBSTONED, NO, 0 },
	{ KDB_STREAM_DELETED, 0, KG_PROBLEM_STREAM_DELETED, NO, 0 },
	{ KDB_ACCESS_DENIED, 0, KG_PROBLEM_FORBIDDEN, NO, 0 },
	{ KDB_UNAUTHENTICATED, 0, KG_PROBLEM_UPSTREAM_CREDENTIALS, NO, 0 },
	{ KDB_CREDENTIALS_WITHHELD, 0, KG_PROBLEM_FORBIDDEN, NO, 0 },
	{ KDB_APPEND_TOO_LARGE, 0, KG_PROBLEM_APPEND_TOO_LARGE, NO, 0 },
	{ KDB_EVENT_TOO_LARGE, 0, KG_PROBLEM_EVENT_TOO_LARGE, NO, 0 },
	{ KDB_REFUSED_AS_INVALID, 0, KG_PROBLEM_INVALID_REQUEST, NO, 0 },
	{ KDB_NOT_SUPPORTED, 0, KG_PROBLEM_OPERATION_NOT_SUPPORTED, NO, 0 },
	{ KDB_LEADER_UNAVAILABLE, 0, KG_PROBLEM_LEADER_UNAVAILABLE, YES, 1 },
	{ KDB_DATABASE_UNREACHABLE, 0, KG_PROBLEM_DATABASE_UNREACHABLE, YES, 1 },
	{ KDB_DATABASE_BUSY, 0, KG_PROBLEM_DATABASE_BUSY, YES, 1 },
	{ KDB_CONNECTION_LOST, 0, KG_PROBLEM_CONNECTION_LOST, YES, 1 },
	{ KDB_DEADLINE_EXCEEDED, 0, KG_PROBLEM_DEADLINE_EXCEEDED, YES, 0 },
	{ KDB_DATABASE_ERROR, 0, KG_PROBLEM_DATABASE_ERROR, NO, 0 },
	{ KDB_CANCELLED, 0, KG_PROBLEM_DRAINING, YES, 1 },
	{ KDB_CONNECTION_LOST, 1, KG_PROBLEM_CONNECTION_LOST, EXACT_ONLY, 1 },
	{ KDB_DEADLINE_EXCEEDED, 1, KG_PROBLEM_DEADLINE_EXCEEDED, EXACT_ONLY, 0 },
	{ KDB_DATABASE_ERROR, 1, KG_PROBLEM_DATABASE_ERROR, EXACT_ONLY, 0 },
	{ KDB_CANCELLED, 1, KG_PROBLEM_CONNECTION_LOST, EXACT_ONLY, 1 },
	{ KDB_LEADER_UNAVAILABLE, 1, KG_PROBLEM_CONNECTION_LOST, EXACT_ONLY, 1 },
	{ KDB_DATABASE_UNREACHABLE, 1, KG_PROBLEM_CONNECTION_LOST, EXACT_ONLY, 1 },
	{ KDB_DATABASE_BUSY, 1, KG_PROBLEM_CONNECTION_LOST, EXACT_ONLY, 1 },
	/* A refusal behind an attempt without an answer proves nothing. */
	{ KDB_WRONG_EXPECTED_VERSION, 1, KG_PROBLEM_DATABASE_ERROR, EXACT_ONLY, 0 },
	{ KDB_STREAM_TOMBSTONED, 1, KG_PROBLEM_DATABASE_ERROR, EXACT_ONLY, 0 },
	{ KDB_ACCESS_DENIED, 1, KG_PROBLEM_DATABASE_ERROR, EXACT_ONLY, 0 },
	{ KDB_APPEND_TOO_LARGE, 1, KG_PROBLEM_DATABASE_ERROR, EXACT_ONLY, 0 },
};

static void
check_mapping(int row, int64_t expected_version, bool is_exact)
{
	bool is_retryable = mapping[row].retryable == YES ||
	    (mapping[row].retryable == EXACT_ONLY && is_exact);
	struct kdb_error error = { .code = mapping[row].code, .outcome = mapping[row].outcome };
	struct kg_refusal refusal;
	char *text;

	refuse(&refusal, &error, expected_version);
	ck_assert(refusal.is_set);
	ck_assert_int_eq(refusal.problem, mapping[row].problem);
	ck_assert_int_eq(refusal.outcome, mapping[row].outcome);
	ck_assert_int_eq(refusal.is_retryable, is_retryable);
	ck_assert_uint_eq(
	    refusal.retry_after_seconds, is_retryable ? mapping[row].retry_after : 0);
	ck_assert_uint_gt(strlen(refusal.detail), 10);
	text = print(&refusal);
	ck_assert_ptr_nonnull(strstr(text,
	    mapping[row].outcome == KDB_OUTCOME_UNKNOWN ? "\"outcome\":\"unknown\""
							: "\"outcome\":\"not_written\""));
	free(text);
	kg_refusal_dispose(&refusal);
}

START_TEST(errors_become_problems)
{
	check_mapping(_i, 7, true);
	check_mapping(_i, KDB_VERSION_NO_STREAM, true);
	check_mapping(_i, KDB_VERSION_ANY, false);
	check_mapping(_i, KDB_VERSION_EXISTS, false);
}
END_TEST

static const struct {
	int64_t expected;
	int64_t actual;
	const char *detail;
} conflicts[] = {
	{ KDB_VERSION_NO_STREAM, 1,
	    "Stream \"student-1\" is at version 1, the request expected no_stream." },
	{ 3, KDB_VERSION_NO_STREAM,
	    "Stream \"student-1\" does not exist, the request expected version 3." },
	{ INT64_MAX, 0,
	    "Stream \"student-1\" is at version 0, the request expected version "
	    "9223372036854775807." },
	{ KDB_VERSION_EXISTS, KDB_VERSION_NO_STREAM,
	    "Stream \"student-1\" does not exist, the request expected exists." },
	{ 5, KDB_VERSION_DELETED,
	    "Stream \"student-1\" is deleted, the request expected version 5." },
};

START_TEST(conflicts_in_words)
{
	struct kdb_error error = { .code = KDB_WRONG_EXPECTED_VERSION,
		.conflict = { .actual_version = conflicts[_i].actual } };
	struct kg_refusal refusal;

	refuse(&refusal, &error, conflicts[_i].expected);
	ck_assert_str_eq(refusal.detail, conflicts[_i].detail);
	ck_assert_int_eq(refusal.actual_version, conflicts[_i].actual);
	ck_assert_int_eq(refusal.expected_version, conflicts[_i].expected);
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(long_stream_names_do_not_push_the_text_out)
{
	struct kdb_error error = { .code = KDB_WRONG_EXPECTED_VERSION,
		.conflict = { .actual_version = 1 } };
	struct kg_refusal refusal;
	char name[4096];
	char *text;

	for (size_t i = 0; i < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xa9", 2);
	kg_refusal_init(&refusal);
	kg_refusal_from_error(&refusal, &error, name, sizeof name, 3, true, false);
	ck_assert_ptr_nonnull(
	    strstr(refusal.detail, "\xc3\xa9\xe2\x80\xa6\" is at version 1, the request"));
	text = print(&refusal);
	ck_assert_ptr_nonnull(strstr(text, "\"expected_version\":3"));
	ck_assert_uint_gt(strlen(text), sizeof name);
	free(text);
	kg_refusal_dispose(&refusal);
}
END_TEST

static const struct {
	bool has_own_credentials; /* the request */
	bool is_own_credentials;  /* the error: those of the gateway */
	enum kg_problem problem;
} credentials[] = {
	{ false, false, KG_PROBLEM_UPSTREAM_CREDENTIALS },
	{ false, true, KG_PROBLEM_UPSTREAM_CREDENTIALS },
	{ true, false, KG_PROBLEM_UNAUTHENTICATED },
	{ true, true, KG_PROBLEM_UPSTREAM_CREDENTIALS },
};

START_TEST(whose_credentials_were_refused)
{
	struct kdb_error error = { .code = KDB_UNAUTHENTICATED,
		.is_own_credentials = credentials[_i].is_own_credentials };
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	kg_refusal_from_error(
	    &refusal, &error, "s", 1, 0, true, credentials[_i].has_own_credentials);
	ck_assert_int_eq(refusal.problem, credentials[_i].problem);
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(sizes_and_their_source)
{
	struct kdb_error error = { .code = KDB_EVENT_TOO_LARGE,
		.size = { .limit_bytes = 1048576,
		    .actual_bytes = -1,
		    .is_enforced_by_database = true,
		    .event_index = 2,
		    .has_event_index = true } };
	struct kg_refusal refusal;

	refuse(&refusal, &error, 0);
	assert_printed(&refusal,
	    "{\"type\":\"/problems/event-too-large\",\"title\":\"Event too large\","
	    "\"status\":413,\"detail\":\"Event 2, counted from 0, is larger than the database "
	    "accepts.\",\"code\":\"event-too-large\",\"limit_bytes\":1048576,"
	    "\"actual_bytes\":null,\"enforced_by\":\"database\",\"outcome\":\"not_written\","
	    "\"retryable\":false,\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
	error.code = KDB_APPEND_TOO_LARGE;
	error.size.is_enforced_by_database = false;
	error.size.actual_bytes = 2097152;
	refuse(&refusal, &error, 0);
	ck_assert_str_eq(refusal.limit_unit, "bytes");
	ck_assert_int_eq(refusal.limit, 1048576);
	ck_assert_int_eq(refusal.actual, 2097152);
	ck_assert_str_eq(refusal.enforced_by, "gateway");
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(words_of_the_database_are_passed_on)
{
	struct kdb_error error = { .code = KDB_REFUSED_AS_INVALID,
		.detail = "The database refused the request: no \xff good" };
	struct kg_refusal refusal;
	char *text;

	refuse(&refusal, &error, 0);
	text = print(&refusal);
	ck_assert_ptr_nonnull(strstr(text,
	    "\"detail\":\"The database refused the request: no \xef\xbf\xbd good.\""));
	free(text);
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(gone_streams_are_named)
{
	struct kdb_error error = { .code = KDB_STREAM_TOMBSTONED };
	struct kg_refusal refusal;

	refuse(&refusal, &error, 0);
	assert_printed(&refusal,
	    "{\"type\":\"/problems/stream-tombstoned\",\"title\":\"Stream tombstoned\","
	    "\"status\":410,\"detail\":\"Stream \\\"student-1\\\" was hard-deleted, and its "
	    "name cannot be written again.\",\"code\":\"stream-tombstoned\","
	    "\"stream_name\":\"student-1\",\"outcome\":\"not_written\",\"retryable\":false,"
	    "\"request_id\":\"01981c5e-6b0e-7c1a-9d6f-0a7c2f4be6d1\"}");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("problem");
	TCase *tcase = tcase_create("problem");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, every_code_of_the_contract, 0, COUNT(contract));
	tcase_add_test(tcase, no_code_beyond_the_contract);
	tcase_add_test(tcase, page_of_a_code);
	tcase_add_test(tcase, page_of_all_codes);
	tcase_add_test(tcase, body_of_a_conflict);
	tcase_add_test(tcase, body_of_a_lost_answer);
	tcase_add_test(tcase, body_of_findings);
	tcase_add_test(tcase, members_of_codes);
	tcase_add_test(tcase, the_first_problem_decides);
	tcase_add_test(tcase, findings_end_at_sixteen);
	tcase_add_loop_test(tcase, long_texts_are_cut_between_characters, 0, 4);
	tcase_add_loop_test(tcase, errors_become_problems, 0, COUNT(mapping));
	tcase_add_loop_test(tcase, conflicts_in_words, 0, COUNT(conflicts));
	tcase_add_test(tcase, long_stream_names_do_not_push_the_text_out);
	tcase_add_loop_test(tcase, whose_credentials_were_refused, 0, COUNT(credentials));
	tcase_add_test(tcase, sizes_and_their_source);
	tcase_add_test(tcase, words_of_the_database_are_passed_on);
	tcase_add_test(tcase, gone_streams_are_named);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
