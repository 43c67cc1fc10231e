/* SPDX-License-Identifier: Apache-2.0 */
/* BatchAppend over C core with nothing around it: a message is encoded by hand, in front of the
 * payload and without copying it, and an answer is read as far as its correlation id. Owns the
 * call, the slots and the cork queue. */
#include "bench/floor_append.h"

#include "bench/floor_channel.h"
#include "bench/protobuf_walk.h"

#include "client-core/base/alloc.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8192, EVENT_HEAD_MAX_BYTES = 128, OPEN_SECONDS = 10 };

struct floor_append {
	floor_append_answered *answered;
	grpc_completion_queue *queue;
	grpc_channel *channel;
	grpc_call *call;
	grpc_metadata_array initial_metadata;
	grpc_metadata_array trailers;
	grpc_status_code status;
	grpc_slice status_text;
	grpc_byte_buffer *answer;
	bool is_sending;
	bool is_answered;
	int poll_fd;
	uint64_t last_id;
	grpc_byte_buffer *unsent[SLOTS]; /* a ring */
	unsigned first_unsent;
	unsigned unsent_count;
	void *owners[SLOTS];
	unsigned free_slots[SLOTS];
	unsigned free_count;
};

enum tag { TAG_HEAD_SENT = 1, TAG_OPENED, TAG_SENT, TAG_RECEIVED, TAG_ENDED };

static void
start(struct floor_append *append, const grpc_op *ops, size_t count, enum tag tag)
{
	if (grpc_call_start_batch(append->call, ops, count, (void *)(uintptr_t)tag, NULL) !=
	    GRPC_CALL_OK)
		floor_channel_die("C core refuses a batch");
}

/* Options{stream_identifier = 1{stream_name = 3}, any = 4{}, deadline = 7{seconds = 1}} and
 * is_final = 4, which are the same in every message. */
static const uint8_t fixed_fields[] = { 2 << 3 | 2, 15, 1 << 3 | 2, 7, 3 << 3 | 2, 5, 'b', 'e',
	'n', 'c', 'h', 4 << 3 | 2, 0, 7 << 3 | 2, 2, 1 << 3, 5, 4 << 3, 1 };

/* metadata = 2{key = 1, value = 2}, twice: "type" and "content-type". */
static const uint8_t event_metadata[] = "\x12\x16\x0a\x04type\x12\x0e"
					"bench-happened"
					"\x12\x20\x0a\x0c"
					"content-type\x12\x10"
					"application/json";

enum { EVENT_METADATA_BYTES = sizeof(event_metadata) - 1 };

/* UUID{structured = 1{most_significant_bits = 1, least_significant_bits = 2}} as field 1. */
static uint8_t *
put_id(uint8_t *at, uint64_t high, uint64_t low)
{
	size_t len = 2 + protobuf_varint_len(high) + protobuf_varint_len(low);

	*at++ = 1 << 3 | 2;
	*at++ = (uint8_t)(len + 2);
	*at++ = 1 << 3 | 2;
	*at++ = (uint8_t)len;
	*at++ = 1 << 3;
	at = protobuf_put_varint(at, high);
	*at++ = 2 << 3;
	return protobuf_put_varint(at, low);
}

/* proposed_messages = 3{id = 1, metadata = 2, data = 4} up to where the data begin. */
static uint8_t *
put_event_head(struct floor_append *append, uint8_t *at, size_t data_len)
{
	uint8_t id[32];
	size_t id_len =
	    (size_t)(put_id(id, UINT64_C(0x4b47424e43480000), ++append->last_id) - id);
	size_t len = id_len + EVENT_METADATA_BYTES + 1 + protobuf_varint_len(data_len) +
	    data_len;

	*at++ = 3 << 3 | 2;
	at = protobuf_put_varint(at, len);
	memcpy(at, id, id_len);
	at += id_len;
	memcpy(at, event_metadata, EVENT_METADATA_BYTES);
	at += EVENT_METADATA_BYTES;
	*at++ = 4 << 3 | 2;
	return protobuf_put_varint(at, data_len);
}

static uint8_t *
put_request_head(uint8_t *at, unsigned slot)
{
	at = put_id(at, 1, (uint64_t)slot + 1);
	memcpy(at, fixed_fields, sizeof(fixed_fields));
	return at + sizeof(fixed_fields);
}

/* The head goes into the room in front of the payload. */
static grpc_slice
encode_single(struct floor_append *append, unsigned slot, grpc_slice slice, size_t payload_len)
{
	uint8_t head[FLOOR_APPEND_HEAD_ROOM];
	uint8_t *end = put_event_head(append, put_request_head(head, slot), payload_len);
	size_t head_len = (size_t)(end - head), from = FLOOR_APPEND_HEAD_ROOM - head_len;

	memcpy(GRPC_SLICE_START_PTR(slice) + from, head, head_len);
	return grpc_slice_sub_no_ref(slice, from, FLOOR_APPEND_HEAD_ROOM + payload_len);
}

static grpc_slice
encode_several(struct floor_append *append, unsigned slot, grpc_slice slice,
    size_t payload_len, size_t event_count)
{
	const uint8_t *data = GRPC_SLICE_START_PTR(slice) + FLOOR_APPEND_HEAD_ROOM;
	size_t data_len = payload_len / event_count;
	grpc_slice message = grpc_slice_malloc(
	    FLOOR_APPEND_HEAD_ROOM + event_count * (EVENT_HEAD_MAX_BYTES + data_len));
	uint8_t *at = put_request_head(GRPC_SLICE_START_PTR(message), slot);

	for (size_t i = 0; i < event_count; i++, data += data_len) {
		at = put_event_head(append, at, data_len);
		memcpy(at, data, data_len);
		at += data_len;
	}
	GRPC_SLICE_SET_LENGTH(message, (size_t)(at - GRPC_SLICE_START_PTR(message)));
	grpc_slice_unref(slice);
	return message;
}

void
floor_append_submit(struct floor_append *append, void *owner, grpc_slice slice,
    size_t payload_len, size_t event_count)
{
	unsigned slot;
	grpc_slice message;

	if (append->free_count == 0)
		floor_channel_die("more appends in flight than slots");
	slot = append->free_slots[--append->free_count];
	append->owners[slot] = owner;
	message = event_count == 1
	    ? encode_single(append, slot, slice, payload_len)
	    : encode_several(append, slot, slice, payload_len, event_count);
	append->unsent[(append->first_unsent + append->unsent_count++) % SLOTS] =
	    grpc_raw_byte_buffer_create(&message, 1);
	grpc_slice_unref(message);
}

static void
send_next(struct floor_append *append)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	if (append->is_sending || append->unsent_count == 0)
		return;
	op.data.send_message.send_message = append->unsent[append->first_unsent];
	append->first_unsent = (append->first_unsent + 1) % SLOTS;
	op.flags = --append->unsent_count > 0 ? GRPC_WRITE_BUFFER_HINT : 0;
	append->is_sending = true;
	start(append, &op, 1, TAG_SENT);
	grpc_byte_buffer_destroy(op.data.send_message.send_message);
}

static void
receive_next(struct floor_append *append)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
		.data.recv_message.recv_message = &append->answer };

	start(append, &op, 1, TAG_RECEIVED);
}

/* BatchAppendResp{correlation_id = 1{structured = 1{.., least_significant_bits = 2}},
 * success = 3} to the slot; SLOTS when it is anything else. */
static unsigned
answered_slot(struct protobuf_walk walk)
{
	struct protobuf_field field, structured, bits;
	uint64_t slot = 0;
	bool is_success = false;

	while (protobuf_walk_next(&walk, &field)) {
		if (field.number == 3)
			is_success = true;
		if (field.number != 1 || !protobuf_walk_next(&field.bytes, &structured))
			continue;
		while (protobuf_walk_next(&structured.bytes, &bits))
			if (bits.number == 2)
				slot = bits.value;
	}
	return is_success && slot - 1 < SLOTS ? (unsigned)(slot - 1) : SLOTS;
}

static void
take_answer(struct floor_append *append, grpc_byte_buffer *answer)
{
	grpc_byte_buffer_reader reader;
	grpc_slice bytes;
	unsigned slot;

	if (!grpc_byte_buffer_reader_init(&reader, answer))
		floor_channel_die("an answer that cannot be read");
	bytes = grpc_byte_buffer_reader_readall(&reader);
	slot = answered_slot((struct protobuf_walk){
	    GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_END_PTR(bytes) });
	grpc_slice_unref(bytes);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(answer);
	if (slot == SLOTS || append->owners[slot] == NULL)
		floor_channel_die("an answer that is not a success");
	append->is_answered = true;
	append->answered(append->owners[slot]);
	append->owners[slot] = NULL;
	append->free_slots[append->free_count++] = slot;
}

static void
handle(struct floor_append *append, const grpc_event *event)
{
	grpc_byte_buffer *answer = append->answer;

	switch ((enum tag)(uintptr_t)event->tag) {
	case TAG_HEAD_SENT:
	case TAG_OPENED:
		break;
	case TAG_SENT:
		append->is_sending = false;
		send_next(append);
		break;
	case TAG_RECEIVED:
		append->answer = NULL;
		if (answer == NULL)
			break;
		receive_next(append);
		take_answer(append, answer);
		break;
	case TAG_ENDED:
		floor_channel_die("the database ended the call");
	}
}

bool
floor_append_advance(struct floor_append *append, bool wait)
{
	gpr_timespec until =
	    wait ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : gpr_inf_past(GPR_CLOCK_MONOTONIC);
	grpc_event event;

	append->is_answered = false;
	send_next(append);
	while ((event = grpc_completion_queue_next(append->queue, until, NULL)).type ==
	    GRPC_OP_COMPLETE) {
		handle(append, &event);
		until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
	}
	return append->is_answered;
}

int
floor_append_poll_fd(const struct floor_append *append)
{
	return append->poll_fd;
}

static void
open_call(struct floor_append *append)
{
	grpc_op head = { .op = GRPC_OP_SEND_INITIAL_METADATA,
		.flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY };
	grpc_op answered_head = { .op = GRPC_OP_RECV_INITIAL_METADATA,
		.data.recv_initial_metadata.recv_initial_metadata =
		    &append->initial_metadata };
	grpc_op status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
		.data.recv_status_on_client = { .trailing_metadata = &append->trailers,
		    .status = &append->status,
		    .status_details = &append->status_text } };

	append->call = grpc_channel_create_call(append->channel, NULL, 0, append->queue,
	    grpc_slice_from_static_string("/event_store.client.streams.Streams/BatchAppend"),
	    NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	start(append, &status, 1, TAG_ENDED);
	start(append, &head, 1, TAG_HEAD_SENT);
	start(append, &answered_head, 1, TAG_OPENED);
	receive_next(append);
}

/* For the connection, not for the server's head: that may come with its first answer. */
static void
wait_for_head_sent(struct floor_append *append)
{
	gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_seconds(OPEN_SECONDS, GPR_TIMESPAN));
	grpc_event event;

	do {
		event = grpc_completion_queue_next(append->queue, until, NULL);
		if (event.type != GRPC_OP_COMPLETE)
			floor_channel_die("the database does not open the call");
		handle(append, &event);
	} while (event.tag != (void *)(uintptr_t)TAG_HEAD_SENT);
}

struct floor_append *
floor_append_open(
    const char *target, const char *ca_file, floor_append_answered *answered)
{
	struct floor_append *append = kdb_alloc_zero(1, sizeof(*append));

	append->answered = answered;
	append->free_count = SLOTS;
	for (unsigned i = 0; i < SLOTS; i++)
		append->free_slots[i] = SLOTS - 1 - i;
	grpc_init();
	append->queue = grpc_completion_queue_create_for_next(NULL);
	append->channel = floor_channel_open(target, ca_file);
	append->poll_fd = floor_channel_find_epoll_fd();
	open_call(append);
	wait_for_head_sent(append);
	return append;
}
