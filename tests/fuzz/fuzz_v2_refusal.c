/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a call of the second generation ended. The input is the status code as a byte, a line
 * with its text, and the google.rpc.Status of the trailer grpc-status-details-bin. A write
 * of several streams, in both forms, and one with checks take it: what is told of streams
 * and checks is of those that were asked for, each at most once and in their order, and
 * only what the database refused for sure was not written.
 */
#include "client-core/operation.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { STREAMS = 3, CHECKS = 2 };

static const struct kdb_features of_25_1 = {.has_multi_append = true};
static const struct kdb_features of_26_1 = {.has_append_records = true};

static const struct kdb_event event = {
    .id = {0x46, 0x2e, 0xdf, 0xc4, 0xa2, 0x23, 0x43, 0x1f, 0x87, 0x15, 0x6e, 0xd6, 0x6d,
	0x5c, 0x15, 0xfa},
    .type = {"T", 1}};

static struct kdb_operation *
make_multi_append(const struct kdb_features *features)
{
	struct kdb_stream_append streams[STREAMS] = {
	    {{"a", 1}, KDB_VERSION_EXISTS, &event, 1},
	    {{"bb", 2}, KDB_VERSION_ANY, &event, 1},
	    {{"c", 1}, 7, &event, 1},
	};
	struct kdb_multi_append_request request = {
	    .streams = streams, .stream_count = STREAMS};
	struct kdb_error error;
	struct kdb_operation *operation = kdb_multi_append_new(&request, NULL, &error);

	require(operation != NULL);
	require(operation->class->adapt(operation, features));
	return operation;
}

static struct kdb_operation *
make_append_records(void)
{
	struct kdb_bytes streams[STREAMS] = {{"a", 1}, {"bb", 2}, {"c", 1}};
	struct kdb_record records[] = {{0, event}, {1, event}, {2, event}};
	struct kdb_check checks[CHECKS] = {
	    {{"d", 1}, KDB_VERSION_DELETED}, {{"bb", 2}, KDB_VERSION_NO_STREAM}};
	struct kdb_append_records_request request = {.stream_names = streams,
	    .stream_count = STREAMS,
	    .records = records,
	    .record_count = STREAMS,
	    .checks = checks,
	    .check_count = CHECKS};
	struct kdb_error error;
	struct kdb_operation *operation = kdb_append_records_new(&request, NULL, &error);

	require(operation != NULL);
	return operation;
}

static bool
is_after(const struct kdb_failure *a, const struct kdb_failure *b)
{
	return a->is_check == b->is_check ? a->index > b->index : !a->is_check;
}

static void
check_failures(const struct kdb_operation *operation, bool has_checks)
{
	bool is_complete;
	size_t count;
	const struct kdb_failure *failures =
	    kdb_operation_failures(operation, &count, &is_complete);

	require(count <= STREAMS + (has_checks ? CHECKS : 0));
	require(!is_complete || count > 0);
	for (size_t i = 0; i < count; i++) {
		require(failures[i].index < (failures[i].is_check ? CHECKS : STREAMS));
		require(!failures[i].is_check || has_checks);
		require(failures[i].actual_state >= KDB_VERSION_NO_STREAM ||
			failures[i].actual_state == KDB_VERSION_DELETED ||
			failures[i].actual_state == KDB_VERSION_TOMBSTONED);
		require(i == 0 || is_after(&failures[i], &failures[i - 1]));
	}
	require(count == 0 ||
		operation->error.conflict.actual_version == failures[0].actual_state);
}

static bool
names_a_stream(enum kdb_code code)
{
	return code == KDB_WRONG_EXPECTED_VERSION || code == KDB_STREAM_TOMBSTONED ||
	       code == KDB_STREAM_DELETED;
}

static void
check_end(struct kdb_operation *operation, const struct kdb_status *status)
{
	struct kdb_progress progress = {
	    .is_complete = true, .is_alone = true, .requires = "25.1"};
	struct kdb_error *error = &operation->error;
	bool has_checks = strcmp(operation->class->requires, "26.1") == 0;
	bool is_told = operation->class->decode_end(operation, status);
	bool is_complete;
	size_t count;

	if (!is_told)
		kdb_status_to_error(status, &progress, error);
	require(error->code != KDB_OK);
	require(!is_told || error->outcome == KDB_OUTCOME_NOT_WRITTEN);
	require(error->detail[0] != '\0');
	require(fuzz_is_printable(error->detail, sizeof error->detail));
	check_failures(operation, has_checks);
	kdb_operation_failures(operation, &count, &is_complete);
	require(!names_a_stream(error->code) || (!has_checks && count > 0));
	require(error->code != KDB_CONSISTENCY_CHECKS_FAILED || has_checks);
	if (error->code == KDB_APPEND_TOO_LARGE || error->code == KDB_EVENT_TOO_LARGE)
		require(error->size.is_enforced_by_database &&
			(error->size.limit_bytes == -1 || error->size.limit_bytes > 0) &&
			(error->size.actual_bytes == -1 || error->size.actual_bytes > 0));
	require(!error->size.has_event_index || error->size.event_index < STREAMS);
	kdb_operation_free(operation);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char key[] = "grpc-status-details-bin";
	const uint8_t *newline = len > 1 ? memchr(bytes + 1, '\n', len - 1) : NULL;
	struct kdb_status status;
	size_t details_len;
	char *details;

	if (newline == NULL)
		return 0;
	details_len = (size_t)(bytes + len - newline - 1);
	details = fuzz_copy(newline + 1, details_len);
	kdb_status_init(&status, bytes[0], bytes + 1, (size_t)(newline - bytes - 1));
	kdb_status_add_trailer(&status, key, sizeof key - 1, details, details_len);
	require(fuzz_is_printable(status.reason, sizeof status.reason));
	require(fuzz_is_printable(status.redirect.host, sizeof status.redirect.host));
	check_end(make_multi_append(&of_25_1), &status);
	check_end(make_multi_append(&of_26_1), &status);
	check_end(make_append_records(), &status);
	free(details);
	return 0;
}
