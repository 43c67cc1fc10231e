/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database's answer to an append. The input is one BatchAppendResp. Whatever it says,
 * a success has a version that can be, an error has a code, words and an outcome, and
 * becomes a problem that goes out as JSON.
 */
#include "client-core/operation.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
check_success(const struct kdb_append_result *result)
{
	require(result->current_version >= KDB_VERSION_NO_STREAM);
	require(!result->has_position || result->commit_position != UINT64_MAX);
}

static bool
is_known_state(int64_t version)
{
	return version >= KDB_VERSION_NO_STREAM;
}

static void
check_error(const struct kdb_error *error)
{
	require(strcmp(kdb_code_name(error->code), "") != 0);
	require(fuzz_is_printable(error->detail, sizeof error->detail));
	require(error->detail[0] != '\0');
	require(error->outcome == KDB_OUTCOME_NOT_WRITTEN ||
		error->outcome == KDB_OUTCOME_UNKNOWN);
	if (error->code == KDB_WRONG_EXPECTED_VERSION)
		require(is_known_state(error->conflict.actual_version));
	if (error->code == KDB_APPEND_TOO_LARGE || error->code == KDB_EVENT_TOO_LARGE)
		require(error->size.is_enforced_by_database &&
			error->size.limit_bytes >= -1 && error->size.actual_bytes >= -1);
	/* Only an answer that explains itself says that nothing was written. */
	if (error->code == KDB_DATABASE_ERROR || error->code == KDB_DEADLINE_EXCEEDED)
		require(error->outcome == KDB_OUTCOME_UNKNOWN);
}

static void
check_problem(const struct kdb_error *error, bool is_exact, bool has_own_credentials)
{
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	kg_refusal_from_error(&refusal, error, "stream", 6,
	    is_exact ? 7 : KDB_VERSION_ANY, is_exact, has_own_credentials);
	fuzz_check_refusal(&refusal);
	require(refusal.outcome == error->outcome);
	kg_refusal_dispose(&refusal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_append_answer answer;
	struct kdb_operation operation = {.expected_version = KDB_VERSION_EXISTS};

	if (!kdb_append_answer_read(bytes, len, &answer))
		return 0;
	if (answer.error.code == KDB_OK) {
		check_success(&answer.result);
		return 0;
	}
	check_error(&answer.error);
	kdb_append_answer_apply(&answer, &operation);
	require(!answer.is_stream_deleted || operation.error.code == KDB_STREAM_DELETED);
	check_problem(&operation.error, false, false);
	check_problem(&answer.error, true, true);
	return 0;
}
