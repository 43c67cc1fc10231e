/* SPDX-License-Identifier: Apache-2.0 */
/* What every operation has, whatever it does: life, accessors, and its messages on the way to a
 * call. */
#include "client-core/operation.h"

#include "client-core/authorization.h"
#include "client-core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

static char *
copy_header(const char *text)
{
	return text ? kdb_alloc_text(text, strlen(text)) : NULL;
}

void
kdb_operation_init(struct kdb_operation *operation,
    const struct kdb_operation_class *class, void *context,
    const struct kdb_call_headers *headers)
{
	*operation = (struct kdb_operation){ .class = class,
		.context = context,
		.error.grpc_status = -1 };
	atomic_store(&operation->refs, 1);
	kdb_list_init(&operation->link);
	operation->headers.authorization = copy_header(headers->authorization);
	operation->headers.traceparent = copy_header(headers->traceparent);
	operation->headers.tracestate = copy_header(headers->tracestate);
}

struct kdb_operation *
kdb_operation_ref(struct kdb_operation *operation)
{
	atomic_fetch_add(&operation->refs, 1);
	return operation;
}

void
kdb_operation_free(struct kdb_operation *operation)
{
	if (!operation || atomic_fetch_sub(&operation->refs, 1) != 1)
		return;
	kdb_authorization_free(operation->headers.authorization);
	free(operation->headers.traceparent);
	free(operation->headers.tracestate);
	free(operation->result_memory);
	free(operation); /* and what its kind keeps in the same block */
}

bool
kdb_operation_has_headers(const struct kdb_operation *operation)
{
	return operation->headers.authorization || operation->headers.traceparent
	    || operation->headers.tracestate;
}

bool
kdb_operation_refuse_unsupported(struct kdb_operation *operation)
{
	kdb_error_set(&operation->error, KDB_NOT_SUPPORTED, KDB_OUTCOME_NOT_WRITTEN,
	    "The database does not know this operation.");
	operation->error.requires = operation->class->requires;
	return false;
}

void
kdb_operation_mark_fresh(struct kdb_operation *operation)
{
	operation->is_fresh = true;
}

void
kdb_operation_note_position(
    const struct kdb_operation *operation, struct kdb_channel *channel)
{
	const struct kdb_append_result *result = &operation->append_result;

	if (!operation->class->is_write || operation->error.code != KDB_OK
	    || !result->has_position)
		return;
	kdb_channel_saw_position(channel, result->commit_position);
	if (operation->is_fresh)
		kdb_channel_saw_fresh_position(
		    channel, result->commit_position, operation->handed_mono_ns);
}

void *
kdb_operation_context(const struct kdb_operation *operation)
{
	return operation->context;
}

const struct kdb_error *
kdb_operation_error(const struct kdb_operation *operation)
{
	return &operation->error;
}

const struct kdb_append_result *
kdb_operation_append_result(const struct kdb_operation *operation)
{
	return &operation->append_result;
}

const struct kdb_stream_metadata_result *
kdb_operation_stream_metadata(const struct kdb_operation *operation)
{
	return &operation->stream_metadata;
}

const struct kdb_failure *
kdb_operation_failures(
    const struct kdb_operation *operation, size_t *count, bool *is_complete)
{
	*count = operation->failures.count;
	*is_complete = operation->failures.is_complete;
	return operation->failures.list;
}

int64_t
kdb_operation_queued_ns(const struct kdb_operation *operation)
{
	int64_t end = operation->handed_mono_ns ? operation->handed_mono_ns
						: operation->finished_mono_ns;

	return end - operation->submitted_mono_ns;
}

int64_t
kdb_operation_database_ns(const struct kdb_operation *operation)
{
	if (!operation->handed_mono_ns)
		return 0;
	return operation->finished_mono_ns - operation->handed_mono_ns;
}

size_t
kdb_operation_encoded_len(const struct kdb_operation *operation)
{
	return operation->message_ends[operation->message_count - 1];
}

static void
release_operation(void *held)
{
	kdb_operation_free(held);
}

void
kdb_operation_send(struct kdb_operation *operation, size_t index,
    const struct kdb_attempt *attempt, struct kdb_call *call, enum kdb_send how)
{
	uint8_t few[1024];
	uint8_t *head =
	    operation->head_size <= sizeof few ? few : kdb_alloc(operation->head_size);
	size_t begin = index > 0 ? operation->message_ends[index - 1] : 0;
	struct kdb_message message = { .head = head,
		.head_len = operation->class->encode_head
		    ? operation->class->encode_head(operation, index, attempt, head)
		    : 0,
		.body = operation->encoded + begin,
		.body_len = operation->message_ends[index] - begin,
		.release = release_operation,
		.held = kdb_operation_ref(operation) };

	kdb_call_send(call, &message, how);
	if (head != few)
		free(head);
}
