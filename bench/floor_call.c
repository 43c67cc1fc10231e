/* SPDX-License-Identifier: Apache-2.0 */
/* AppendRecords over C core with nothing around it: one unary call for each request, whose message
 * is encoded by hand in front of the payload. Owns the channel, the calls and their queue. */
#include "bench/floor_call.h"

#include "bench/floor_append.h"
#include "bench/floor_channel.h"
#include "bench/protobuf_walk.h"

#include "client-core/base/alloc.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <stdlib.h>
#include <string.h>

struct floor_calls {
	floor_call_answered *answered;
	grpc_completion_queue *queue;
	grpc_channel *channel;
	int poll_fd;
};

struct call {
	void *owner;
	grpc_call *grpc;
	grpc_metadata_array initial_metadata;
	grpc_metadata_array trailers;
	grpc_status_code status;
	grpc_slice status_text;
	grpc_byte_buffer *answer;
};

/* schema = 3{format = 1: JSON, name = 2}, stream = 5. */
static const uint8_t fixed_fields[] = "\x1a\x12\x08\x01\x12\x0e"
				      "bench-happened"
				      "\x2a\x05"
				      "bench";

enum { FIXED_BYTES = sizeof(fixed_fields) - 1 };

/* AppendRecordsRequest{records = 1{.., data = 4}}; the head goes into the room in front of the
 * payload. */
static grpc_slice
encode(grpc_slice slice, size_t payload_len)
{
	uint8_t head[FLOOR_APPEND_HEAD_ROOM];
	uint8_t *at = head;
	size_t len = FIXED_BYTES + 1 + protobuf_varint_len(payload_len) + payload_len;
	size_t from;

	*at++ = 1 << 3 | 2;
	at = protobuf_put_varint(at, len);
	memcpy(at, fixed_fields, FIXED_BYTES);
	at += FIXED_BYTES;
	*at++ = 4 << 3 | 2;
	at = protobuf_put_varint(at, payload_len);
	from = FLOOR_APPEND_HEAD_ROOM - (size_t)(at - head);
	memcpy(GRPC_SLICE_START_PTR(slice) + from, head, (size_t)(at - head));
	return grpc_slice_sub_no_ref(slice, from, FLOOR_APPEND_HEAD_ROOM + payload_len);
}

static void
start(struct call *call, grpc_byte_buffer *message)
{
	grpc_op ops[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA,
		    .data.recv_initial_metadata.recv_initial_metadata =
			&call->initial_metadata },
		{ .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->answer },
		{ .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
		    .data.recv_status_on_client = { .trailing_metadata = &call->trailers,
			.status = &call->status,
			.status_details = &call->status_text } } };

	if (grpc_call_start_batch(call->grpc, ops, sizeof(ops) / sizeof(ops[0]), call, NULL) !=
	    GRPC_CALL_OK)
		floor_channel_die("C core refuses a batch");
}

void
floor_calls_submit(
    struct floor_calls *calls, void *owner, grpc_slice slice, size_t payload_len)
{
	struct call *call = kdb_alloc_zero(1, sizeof(*call));
	grpc_slice bytes = encode(slice, payload_len);
	grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&bytes, 1);

	grpc_slice_unref(bytes);
	call->owner = owner;
	call->grpc = grpc_channel_create_call(calls->channel, NULL, 0, calls->queue,
	    grpc_slice_from_static_string(
		"/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords"),
	    NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	start(call, message);
	grpc_byte_buffer_destroy(message);
}

static void
finish(struct floor_calls *calls, struct call *call)
{
	if (call->status != GRPC_STATUS_OK || call->answer == NULL)
		floor_channel_die("an answer that is not a success");
	calls->answered(call->owner);
	grpc_byte_buffer_destroy(call->answer);
	grpc_slice_unref(call->status_text);
	grpc_metadata_array_destroy(&call->initial_metadata);
	grpc_metadata_array_destroy(&call->trailers);
	grpc_call_unref(call->grpc);
	free(call);
}

bool
floor_calls_advance(struct floor_calls *calls)
{
	grpc_event event;
	bool is_answered = false;

	while ((event = grpc_completion_queue_next(calls->queue,
		    gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL))
		   .type == GRPC_OP_COMPLETE) {
		finish(calls, event.tag);
		is_answered = true;
	}
	return is_answered;
}

int
floor_calls_poll_fd(const struct floor_calls *calls)
{
	return calls->poll_fd;
}

struct floor_calls *
floor_calls_open(const char *target, const char *ca_file, floor_call_answered *answered)
{
	struct floor_calls *calls = kdb_alloc_zero(1, sizeof(*calls));

	calls->answered = answered;
	grpc_init();
	calls->queue = grpc_completion_queue_create_for_next(NULL);
	calls->channel = floor_channel_open(target, ca_file);
	calls->poll_fd = floor_channel_find_epoll_fd();
	return calls;
}
