/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database's answer to a write of three streams. The first byte of the input says in
 * which form it was sent, the rest is an AppendRecordsResponse or an AppendSessionResponse.
 * Whatever it says, a success has a version for each stream, and a position that can be.
 */
#include "client-core/operation.h"
#include "tests/fuzz/fuzz.h"

static const struct kdb_features of_25_1 = {.has_multi_append = true};
static const struct kdb_features of_26_1 = {.has_append_records = true};

static struct kdb_operation *
make_operation(const struct kdb_features *features)
{
	struct kdb_event event = {.id = {1}, .type = {"T", 1}};
	struct kdb_stream_append streams[] = {
	    {{"a", 1}, KDB_VERSION_NO_STREAM, &event, 1},
	    {{"bb", 2}, KDB_VERSION_ANY, &event, 1},
	    {{"c", 1}, 7, &event, 1},
	};
	struct kdb_multi_append_request request = {.streams = streams, .stream_count = 3};
	struct kdb_error error;
	struct kdb_operation *operation = kdb_multi_append_new(&request, NULL, &error);

	require(operation != NULL);
	require(operation->class->adapt(operation, features));
	return operation;
}

static void
check_success(const struct kdb_operation *operation)
{
	const struct kdb_append_result *result = kdb_operation_append_result(operation);

	require(operation->error.code == KDB_OK);
	require(result->stream_count == 3);
	for (size_t i = 0; i < 3; i++)
		require(result->current_versions[i] >= 0);
	require(result->has_position ? result->commit_position <= INT64_MAX
				     : result->commit_position == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_operation *operation;
	enum kdb_answer answer;

	if (len == 0)
		return 0;
	operation = make_operation(bytes[0] & 1 ? &of_25_1 : &of_26_1);
	answer = operation->class->decode_answer(operation, bytes + 1, len - 1);
	require(answer == KDB_ANSWER_FINAL || answer == KDB_ANSWER_BROKEN);
	if (answer == KDB_ANSWER_FINAL)
		check_success(operation);
	kdb_operation_free(operation);
	return 0;
}
