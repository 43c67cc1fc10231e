/* SPDX-License-Identifier: Apache-2.0 */
/* AppendRecords (wire-protocol 3.3): records and checks in one message, and every condition that
 * does not hold in one answer. */
#include "client-core/operations/name_index.h"
#include "client-core/operations/record.h"
#include "client-core/operations/transaction.h"

#include <stdlib.h>

static bool
adapt(struct kdb_operation *operation, const struct kdb_features *features)
{
	return !features || features->has_append_records
	    || kdb_operation_refuse_unsupported(operation);
}

static bool
decode_end(struct kdb_operation *operation, const struct kdb_status *status)
{
	struct kdb_transaction *transaction = (struct kdb_transaction *)operation;

	if (kdb_transaction_read_violations(transaction, status)) {
		kdb_transaction_fail(transaction, KDB_CONSISTENCY_CHECKS_FAILED);
		return true;
	}
	/* Nothing else that the server says can be that large. */
	if (kdb_status_is_oversized(status)) {
		kdb_error_set(&operation->error, KDB_CONSISTENCY_CHECKS_FAILED,
		    KDB_OUTCOME_NOT_WRITTEN,
		    "Checks failed; the list of them was too large to arrive.");
		return true;
	}
	return kdb_transaction_read_refusal(transaction, status);
}

static const struct kdb_operation_class append_records_class = {
	.path = KDB_APPEND_RECORDS_PATH,
	.requires = "26.1",
	.is_write = true,
	.half_closes = true,
	.adapt = adapt,
	.decode_answer = kdb_transaction_decode_answer,
	.decode_end = decode_end,
};

static bool
measure(const struct kdb_append_records_request *request,
    struct kdb_transaction_size *size, struct kdb_error *error)
{
	*size = (struct kdb_transaction_size){ .stream_count = request->stream_count,
		.condition_count = request->check_count + request->stream_count,
		.message_count = 1 };
	for (size_t i = 0; i < request->record_count; i++) {
		const struct kdb_record *record = &request->records[i];

		if (!kdb_record_check_size(&record->event, i, error))
			return false;
		size->records_len += kdb_record_size(
		    &record->event, request->stream_names[record->stream_index]);
	}
	for (size_t i = 0; i < request->check_count; i++)
		size->checks_len += kdb_transaction_check_size(
		    request->checks[i].stream_name, request->checks[i].expected_state);
	return kdb_transaction_check_body_size(
	    size->records_len + size->checks_len, error);
}

static uint8_t *
put_records(struct kdb_transaction *transaction,
    const struct kdb_append_records_request *request, uint8_t *out)
{
	for (size_t i = 0; i < request->record_count; i++) {
		const struct kdb_record *record = &request->records[i];
		struct kdb_bytes *name = &transaction->stream_names[record->stream_index];

		out = kdb_record_put(out, KDB_RECORD_OF_RECORDS, &record->event,
		    request->stream_names[record->stream_index], name);
	}
	return out;
}

static uint8_t *
put_checks(struct kdb_transaction *transaction,
    const struct kdb_append_records_request *request, uint8_t *out)
{
	for (size_t i = 0; i < request->check_count; i++) {
		const struct kdb_check *check = &request->checks[i];
		struct kdb_condition *condition = &transaction->conditions[i];

		*condition = (struct kdb_condition){ .is_check = true,
			.index = i,
			.expected_state = check->expected_state };
		out = kdb_transaction_put_check(out, check->stream_name,
		    check->expected_state, &condition->stream_name);
	}
	transaction->condition_count = request->check_count;
	return out;
}

/* A written stream without a check is a condition, too: it must not be tombstoned. */
static void
add_unchecked_streams(struct kdb_transaction *transaction)
{
	size_t check_count = transaction->condition_count;
	struct kdb_name_index *checked = kdb_name_index_new(check_count);

	for (size_t i = 0; i < check_count; i++)
		kdb_name_index_add(checked, transaction->conditions[i].stream_name);
	kdb_name_index_sort(checked);
	for (size_t i = 0; i < transaction->stream_count; i++) {
		struct kdb_bytes name = transaction->stream_names[i];

		if (kdb_name_index_find(checked, name) == SIZE_MAX)
			transaction->conditions[transaction->condition_count++] =
			    (struct kdb_condition){ .stream_name = name,
				    .index = i,
				    .expected_state = KDB_VERSION_ANY };
	}
	kdb_name_index_free(checked);
}

struct kdb_operation *
kdb_append_records_new(const struct kdb_append_records_request *request, void *context,
    struct kdb_error *error)
{
	struct kdb_transaction_size size;
	struct kdb_transaction *transaction;
	struct kdb_operation *operation;
	uint8_t *out;

	if (!measure(request, &size, error))
		return NULL;
	transaction = kdb_transaction_new(
	    &append_records_class, &size, &request->headers, context);
	operation = &transaction->operation;
	out = put_records(transaction, request, operation->encoded);
	out = put_checks(transaction, request, out);
	add_unchecked_streams(transaction);
	kdb_transaction_weigh(transaction);
	operation->message_count = 1;
	operation->message_ends[0] = (size_t)(out - operation->encoded);
	return operation;
}
