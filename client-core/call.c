/* SPDX-License-Identifier: Apache-2.0 */
/* One gRPC call: four batches (head, answers, status, messages), each with its tag. A call lives
 * as long as its owner or one of its tags is out. */
#include "client-core/call.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Up to this size a copy costs less than a slice of its own. */
enum { COPIED_BODY_MAX = 16 * 1024, REQUEST_METADATA_MAX = 4 };

struct kdb_call {
	atomic_uint refs;
	grpc_call *grpc;
	const struct kdb_call_events *events;
	void *owner;
	bool is_ended; /* completion thread only */
	struct kdb_tag opened_tag;
	struct kdb_tag received_tag;
	struct kdb_tag ended_tag;
	struct kdb_tag sent_tag;
	grpc_metadata metadata[REQUEST_METADATA_MAX]; /* of the request */
	size_t metadata_count;
	grpc_metadata_array initial_metadata;
	grpc_byte_buffer *answer;
	grpc_metadata_array trailers;
	grpc_status_code status_code;
	grpc_slice status_text;
};

#define CALL_OF(tag_, member)                                                            \
	((struct kdb_call *)(void *)((char *)(tag_)-offsetof(struct kdb_call, member)))

struct kdb_call *
kdb_call_ref(struct kdb_call *call)
{
	atomic_fetch_add(&call->refs, 1);
	return call;
}

void
kdb_call_unref(struct kdb_call *call)
{
	if (atomic_fetch_sub(&call->refs, 1) != 1)
		return;
	grpc_call_unref(call->grpc);
	grpc_metadata_array_destroy(&call->initial_metadata);
	grpc_metadata_array_destroy(&call->trailers);
	grpc_slice_unref(call->status_text);
	for (size_t i = 0; i < call->metadata_count; i++)
		grpc_slice_unref(call->metadata[i].value);
	free(call);
}

/* A batch that C core refuses is a mistake of ours: nothing else makes it fail here. */
static void
start_batch(struct kdb_call *call, const grpc_op *ops, size_t count, struct kdb_tag *tag,
    kdb_tag_fn run)
{
	kdb_call_ref(call);
	atomic_store(&tag->run, run);
	if (grpc_call_start_batch(call->grpc, ops, count, tag, NULL) != GRPC_CALL_OK)
		abort();
}

static void run_received(struct kdb_tag *tag, bool is_ok);

static void
receive_next(struct kdb_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
		.data.recv_message.recv_message = &call->answer };

	start_batch(call, &op, 1, &call->received_tag, run_received);
}

static void
run_opened(struct kdb_tag *tag, bool is_ok)
{
	struct kdb_call *call = CALL_OF(tag, opened_tag);

	if (is_ok && !call->is_ended)
		call->events->opened(call->owner);
	kdb_call_unref(call);
}

static void
run_sent(struct kdb_tag *tag, bool is_ok)
{
	struct kdb_call *call = CALL_OF(tag, sent_tag);

	/* A failed send is not the error to report: the status is (wire-protocol, trap 43). */
	if (is_ok && !call->is_ended)
		call->events->sent(call->owner);
	kdb_call_unref(call);
}

static void
deliver(struct kdb_call *call, grpc_byte_buffer *answer)
{
	grpc_byte_buffer_reader reader;
	grpc_slice slice;

	if (!grpc_byte_buffer_reader_init(&reader, answer))
		return;
	slice = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	call->events->received(
	    call->owner, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
	grpc_slice_unref(slice);
}

static void
run_received(struct kdb_tag *tag, bool is_ok)
{
	struct kdb_call *call = CALL_OF(tag, received_tag);
	grpc_byte_buffer *answer = call->answer;

	call->answer = NULL;
	if (is_ok && answer && !call->is_ended) {
		receive_next(call);
		deliver(call, answer);
	}
	if (answer)
		grpc_byte_buffer_destroy(answer);
	kdb_call_unref(call);
}

static void
run_ended(struct kdb_tag *tag, bool is_ok)
{
	struct kdb_call *call = CALL_OF(tag, ended_tag);
	struct kdb_status status;

	(void)is_ok;
	call->is_ended = true;
	kdb_status_init(&status, (int)call->status_code,
	    GRPC_SLICE_START_PTR(call->status_text), GRPC_SLICE_LENGTH(call->status_text));
	for (size_t i = 0; i < call->trailers.count; i++) {
		const grpc_metadata *entry = &call->trailers.metadata[i];

		kdb_status_add_trailer(&status, GRPC_SLICE_START_PTR(entry->key),
		    GRPC_SLICE_LENGTH(entry->key), GRPC_SLICE_START_PTR(entry->value),
		    GRPC_SLICE_LENGTH(entry->value));
	}
	call->events->ended(call->owner, &status);
	kdb_call_unref(call);
}

static gpr_timespec
deadline_of(int64_t mono_ns)
{
	if (mono_ns == INT64_MAX)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return (gpr_timespec){ .tv_sec = mono_ns / KDB_NS_PER_SECOND,
		.tv_nsec = (int32_t)(mono_ns % KDB_NS_PER_SECOND),
		.clock_type = GPR_CLOCK_MONOTONIC };
}

static void
add_metadata(struct kdb_call *call, const char *key, const char *value)
{
	grpc_metadata *entry = &call->metadata[call->metadata_count];

	if (!value)
		return;
	entry->key = grpc_slice_from_static_string(key);
	entry->value = grpc_slice_from_copied_string(value);
	call->metadata_count++;
}

static void
fill_metadata(struct kdb_call *call, const struct kdb_call_options *options)
{
	add_metadata(call, "requires-leader", options->requires_leader ? "true" : "false");
	add_metadata(call, "authorization", options->authorization);
	add_metadata(call, "traceparent", options->traceparent);
	add_metadata(call, "tracestate", options->tracestate);
}

struct kdb_call *
kdb_call_new(struct kdb_completion *completion, const struct kdb_call_options *options)
{
	struct kdb_call *call = kdb_alloc_zero(1, sizeof *call);

	atomic_store(&call->refs, 1);
	call->events = options->events;
	call->owner = options->owner;
	grpc_metadata_array_init(&call->initial_metadata);
	grpc_metadata_array_init(&call->trailers);
	call->status_text = grpc_empty_slice();
	fill_metadata(call, options);
	call->grpc = grpc_channel_create_call(kdb_channel_grpc(options->channel), NULL, 0,
	    kdb_completion_queue(completion), grpc_slice_from_static_string(options->path),
	    NULL, deadline_of(options->deadline_mono_ns), NULL);
	return call;
}

void
kdb_call_begin(struct kdb_call *call)
{
	grpc_op end = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };
	grpc_op answers[2] = { { .op = GRPC_OP_RECV_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_MESSAGE } };
	grpc_op head = { .op = GRPC_OP_SEND_INITIAL_METADATA };

	end.data.recv_status_on_client.trailing_metadata = &call->trailers;
	end.data.recv_status_on_client.status = &call->status_code;
	end.data.recv_status_on_client.status_details = &call->status_text;
	answers[0].data.recv_initial_metadata.recv_initial_metadata =
	    &call->initial_metadata;
	answers[1].data.recv_message.recv_message = &call->answer;
	head.data.send_initial_metadata.count = call->metadata_count;
	head.data.send_initial_metadata.metadata = call->metadata;
	/* The owner may drop its reference as soon as an event comes. */
	kdb_call_ref(call);
	start_batch(call, &end, 1, &call->ended_tag, run_ended);
	start_batch(call, answers, 2, &call->received_tag, run_received);
	start_batch(call, &head, 1, &call->opened_tag, run_opened);
	kdb_call_unref(call);
}

static grpc_byte_buffer *
make_byte_buffer(const struct kdb_message *message)
{
	bool is_copied = message->body_len <= COPIED_BODY_MAX;
	size_t first_len = message->head_len + (is_copied ? message->body_len : 0);
	grpc_slice slices[2] = { grpc_slice_malloc(first_len) };
	uint8_t *out = GRPC_SLICE_START_PTR(slices[0]);
	grpc_byte_buffer *buffer;

	memcpy(out, message->head, message->head_len);
	if (is_copied) {
		if (message->body_len)
			memcpy(out + message->head_len, message->body, message->body_len);
		if (message->release)
			message->release(message->held);
	} else {
		slices[1] = grpc_slice_new_with_user_data(
		    (void *)(uintptr_t)message->body, message->body_len,
		    message->release, message->held);
	}
	buffer = grpc_raw_byte_buffer_create(slices, is_copied ? 1 : 2);
	grpc_slice_unref(slices[0]);
	if (!is_copied)
		grpc_slice_unref(slices[1]);
	return buffer;
}

void
kdb_call_send(struct kdb_call *call, const struct kdb_message *message, enum kdb_send how)
{
	grpc_byte_buffer *buffer = make_byte_buffer(message);
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_MESSAGE,
				.flags = how == KDB_SEND_MORE_FOLLOWS
				    ? GRPC_WRITE_BUFFER_HINT
				    : 0,
				.data.send_message.send_message = buffer },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT } };

	start_batch(
	    call, ops, how == KDB_SEND_LAST ? 2 : 1, &call->sent_tag, run_sent);
	grpc_byte_buffer_destroy(buffer);
}

void
kdb_call_cancel(struct kdb_call *call)
{
	grpc_call_cancel(call->grpc, NULL);
}
