/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database's answer to an append. The input is one BatchAppendResp. Whatever it says,
 * a success has a version that can be, an error has a code, words and an outcome, and
 * becomes a problem that goes out as JSON. What is read by hand is what the generated decoder
 * reads, where that takes the bytes: it packs them anew, each field once.
 */
#include "client-core/base/alloc.h"
#include "client-core/operations/append.h"
#include "proto/streams.pb-c.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Streams__BatchAppendResp answer_message;
typedef EventStore__Client__Streams__BatchAppendResp__Success success_message;

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

static bool
is_success_of_ours(const answer_message *message)
{
	return message->result_case ==
		   EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_SUCCESS &&
	       message->correlation_id != NULL &&
	       message->correlation_id->value_case ==
		   EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
}

static void
check_same_success(const answer_message *message, const struct kdb_append_answer *answer)
{
	const success_message *success = message->success;
	const EventStore__Client__UUID__Structured *id =
	    message->correlation_id->structured;
	bool has_position =
	    success->position_option_case ==
		EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__POSITION_OPTION_POSITION &&
	    success->position->has_commit_position &&
	    success->position->commit_position != UINT64_MAX;
	bool has_revision =
	    success->current_revision_option_case ==
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__CURRENT_REVISION_OPTION_CURRENT_REVISION;

	require(answer->error.code == KDB_OK);
	require(answer->correlation[0] == (uint64_t)id->most_significant_bits &&
		answer->correlation[1] == (uint64_t)id->least_significant_bits);
	require(
	    answer->result.current_version ==
	    (has_revision ? (int64_t)success->current_revision : KDB_VERSION_NO_STREAM));
	require(answer->result.has_position == has_position);
	require(!has_position ||
		answer->result.commit_position == success->position->commit_position);
}

/* Fields of numbers that are not in the schema; the generated decoder keeps them, even that of
 * number 0, which no message can have. */
static bool
has_unknown_fields(const answer_message *message)
{
	const EventStore__Client__UUID *id = message->correlation_id;
	const success_message *success = message->success;

	return message->base.n_unknown_fields > 0 || id->base.n_unknown_fields > 0 ||
	       id->structured->base.n_unknown_fields > 0 ||
	       success->base.n_unknown_fields > 0 ||
	       (success->position_option_case ==
		       EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__POSITION_OPTION_POSITION &&
		   success->position->base.n_unknown_fields > 0);
}

/* The second opinion, on what it has packed itself. */
static void
check_repacked(const uint8_t *bytes, size_t len)
{
	answer_message *message =
	    event_store__client__streams__batch_append_resp__unpack(NULL, len, bytes);
	struct kdb_append_answer answer;
	uint8_t *packed;
	size_t packed_len;
	bool is_read;

	if (message == NULL)
		return;
	packed = kdb_alloc(protobuf_c_message_get_packed_size(&message->base));
	packed_len = protobuf_c_message_pack(&message->base, packed);
	is_read = kdb_append_answer_read(packed, packed_len, &answer);
	if (is_success_of_ours(message)) {
		bool is_possible = message->success->current_revision <= INT64_MAX;

		require(
		    is_read == is_possible || (!is_read && has_unknown_fields(message)));
		if (is_read)
			check_same_success(message, &answer);
	} else {
		require(!is_read || answer.error.code != KDB_OK);
	}
	free(packed);
	event_store__client__streams__batch_append_resp__free_unpacked(message, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_append_answer answer;
	struct kdb_append append = {.expected_version = KDB_VERSION_EXISTS};
	const struct kdb_error *error = &append.operation.error;

	check_repacked(bytes, len);
	if (!kdb_append_answer_read(bytes, len, &answer))
		return 0;
	if (answer.error.code == KDB_OK) {
		check_success(&answer.result);
		return 0;
	}
	check_error(&answer.error);
	kdb_append_answer_apply(&answer, &append.operation);
	require(!answer.is_stream_deleted || error->code == KDB_STREAM_DELETED);
	check_problem(error, false, false);
	check_problem(&answer.error, true, true);
	return 0;
}
