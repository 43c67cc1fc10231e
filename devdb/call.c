/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one gRPC call on the server's side: one receive and one send under way at
 * a time, answers queued behind them, the status last. Owns the call's queue and
 * metadata. */
#include "devdb/call.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "devdb/node.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <stdlib.h>
#include <string.h>

/* A client that does not read stops being read itself. */
#define MAX_OUTGOING_BYTES (4 << 20)

static void pump_receive(struct devdb_call *call);

void
devdb_call_ref(struct devdb_call *call)
{
	call->refs++;
}

static void
drop_outgoing(struct devdb_call *call)
{
	struct kdb_list *link;

	while ((link = kdb_list_pop_front(&call->outgoing))) {
		struct devdb_outgoing *outgoing =
		    KDB_LIST_ITEM(link, struct devdb_outgoing, link);

		grpc_byte_buffer_destroy(outgoing->message);
		free(outgoing);
	}
	call->outgoing_bytes = 0;
}

void
devdb_call_unref(struct devdb_call *call)
{
	if (--call->refs)
		return;
	kdb_list_remove(&call->by_touch);
	kdb_list_remove(&call->by_server);
	drop_outgoing(call);
	if (call->received)
		grpc_byte_buffer_destroy(call->received);
	for (size_t i = 0; i < call->trailer_count; i++) {
		grpc_slice_unref(call->trailers[i].key);
		grpc_slice_unref(call->trailers[i].value);
	}
	if (call->has_status)
		grpc_slice_unref(call->status_text);
	grpc_call_details_destroy(&call->details);
	grpc_metadata_array_destroy(&call->metadata);
	if (call->grpc)
		grpc_call_unref(call->grpc);
	free(call);
}

void
devdb_call_touch(struct devdb_call *call)
{
	if (kdb_list_is_empty(&call->by_touch))
		kdb_list_push_back(call->touched, &call->by_touch);
}

bool
devdb_call_is_open(const struct devdb_call *call)
{
	return !call->is_over && !call->has_status && !call->is_frozen;
}

static void
start_batch(
    struct devdb_call *call, const grpc_op *ops, size_t count, struct devdb_tag *tag)
{
	grpc_call_error error = grpc_call_start_batch(call->grpc, ops, count, tag, NULL);

	/* Only a wrong order of operations can fail here, which is our own mistake. */
	assert(error == GRPC_CALL_OK);
	(void)error;
	devdb_call_ref(call);
}

void
devdb_call_start(struct devdb_call *call, const struct devdb_method *method)
{
	grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

	call->method = method;
	op.data.recv_close_on_server.cancelled = &call->was_cancelled;
	start_batch(call, &op, 1, &call->closed_tag);
	if (method->start)
		method->start(call);
	pump_receive(call);
}

static void
pump_receive(struct devdb_call *call)
{
	grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

	if (call->is_receiving || call->is_half_closed || !devdb_call_is_open(call) ||
	    call->outgoing_bytes > MAX_OUTGOING_BYTES)
		return;
	op.data.recv_message.recv_message = &call->received;
	call->is_receiving = true;
	start_batch(call, &op, 1, &call->received_tag);
}

static void
deliver(struct devdb_call *call)
{
	grpc_byte_buffer *message = call->received;
	grpc_byte_buffer_reader reader;
	grpc_slice slice;

	call->received = NULL;
	if (!devdb_call_is_open(call)) {
		grpc_byte_buffer_destroy(message);
		return;
	}
	if (!grpc_byte_buffer_reader_init(&reader, message)) {
		grpc_byte_buffer_destroy(message);
		devdb_call_finish(call, GRPC_STATUS_INTERNAL,
		    "Cannot decompress the message.", NULL, 0);
		return;
	}
	slice = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(message);
	if (GRPC_SLICE_LENGTH(slice) > call->method->max_message_bytes)
		devdb_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
		    "Received message exceeds the maximum configured message size.", NULL,
		    0);
	else
		call->method->message(
		    call, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
	grpc_slice_unref(slice);
}

void
devdb_call_received(struct devdb_call *call, bool is_ok)
{
	call->is_receiving = false;
	if (call->received) {
		deliver(call);
		pump_receive(call);
	} else if (is_ok) {
		/* Half-close or cancel: known once the burst is over. */
		call->is_half_closed = true;
		devdb_call_touch(call);
	}
	devdb_call_unref(call);
}

static bool
is_muted(const struct devdb_call *call)
{
	return call->muted_until_mono_ns &&
	       kdb_clock_mono_ns() < call->muted_until_mono_ns;
}

static void
pump_send(struct devdb_call *call)
{
	grpc_op ops[3] = {0};
	size_t count = 0;
	struct devdb_outgoing *outgoing = NULL;
	struct kdb_list *link;
	bool may_buffer;

	if (call->is_sending || call->is_over || call->has_sent_status ||
	    call->is_frozen || is_muted(call))
		return;
	link = kdb_list_pop_front(&call->outgoing);
	if (!link && !call->has_status)
		return;
	/* C core holds headers back that come with a buffered message, and then never
	 * completes the operation that the next message waits for. */
	may_buffer = call->has_sent_headers && !kdb_list_is_empty(&call->outgoing);
	if (!call->has_sent_headers)
		ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
	call->has_sent_headers = true;
	if (link) {
		outgoing = KDB_LIST_ITEM(link, struct devdb_outgoing, link);
		call->outgoing_bytes -= outgoing->len;
		ops[count].op = GRPC_OP_SEND_MESSAGE;
		ops[count].data.send_message.send_message = outgoing->message;
		if (may_buffer)
			ops[count].flags = GRPC_WRITE_BUFFER_HINT;
		count++;
	}
	if (call->has_status && kdb_list_is_empty(&call->outgoing)) {
		ops[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
		ops[count].data.send_status_from_server.status = call->status;
		ops[count].data.send_status_from_server.status_details =
		    &call->status_text;
		ops[count].data.send_status_from_server.trailing_metadata =
		    call->trailers;
		ops[count].data.send_status_from_server.trailing_metadata_count =
		    call->trailer_count;
		call->has_sent_status = true;
		count++;
	}
	call->is_sending = true;
	start_batch(call, ops, count, &call->sent_tag);
	if (outgoing) {
		grpc_byte_buffer_destroy(outgoing->message);
		free(outgoing);
	}
}

static void
pump_out(struct devdb_call *call)
{
	if (kdb_list_is_empty(&call->outgoing) && !call->is_sending &&
	    devdb_call_is_open(call) && call->method->drained)
		call->method->drained(call);
	pump_send(call);
}

void
devdb_call_sent(struct devdb_call *call, bool is_ok)
{
	call->is_sending = false;
	if (!is_ok)
		call->is_over = true;
	if (call->is_over)
		drop_outgoing(call);
	pump_out(call);
	pump_receive(call);
	devdb_call_unref(call);
}

void
devdb_call_closed(struct devdb_call *call)
{
	call->is_over = true;
	drop_outgoing(call);
	if (call->method->end)
		call->method->end(call);
	call->state = NULL;
	devdb_call_unref(call);
	/* The reference that the call was born with. */
	devdb_call_unref(call);
}

void
devdb_call_flush(struct devdb_call *call)
{
	devdb_call_ref(call);
	if (call->is_half_closed && !call->is_half_close_handled &&
	    devdb_call_is_open(call)) {
		call->is_half_close_handled = true;
		call->method->half_close(call);
	}
	if (devdb_call_is_open(call) && call->method->flush)
		call->method->flush(call);
	pump_out(call);
	devdb_call_unref(call);
}

void
devdb_call_send(struct devdb_call *call, grpc_byte_buffer *message)
{
	struct devdb_outgoing *outgoing;

	if (!devdb_call_is_open(call)) {
		grpc_byte_buffer_destroy(message);
		return;
	}
	outgoing = kdb_alloc(sizeof *outgoing);
	outgoing->message = message;
	outgoing->len = grpc_byte_buffer_length(message);
	call->outgoing_bytes += outgoing->len;
	kdb_list_push_back(&call->outgoing, &outgoing->link);
	devdb_call_touch(call);
}

void
devdb_call_finish_bytes(struct devdb_call *call, grpc_status_code status,
    const void *text, size_t text_len, const struct devdb_trailer *trailers,
    size_t trailer_count)
{
	if (!devdb_call_is_open(call))
		return;
	assert(trailer_count <= DEVDB_MAX_TRAILERS);
	call->has_status = true;
	call->status = status;
	call->status_text = grpc_slice_from_copied_buffer(text, text_len);
	call->trailer_count = trailer_count;
	for (size_t i = 0; i < trailer_count; i++) {
		call->trailers[i].key = grpc_slice_from_copied_string(trailers[i].key);
		call->trailers[i].value =
		    grpc_slice_from_copied_buffer(trailers[i].value, trailers[i].len);
	}
	devdb_call_touch(call);
}

void
devdb_call_finish(struct devdb_call *call, grpc_status_code status, const char *text,
    const struct devdb_trailer *trailers, size_t trailer_count)
{
	devdb_call_finish_bytes(
	    call, status, text, strlen(text), trailers, trailer_count);
}

void
devdb_call_freeze(struct devdb_call *call)
{
	call->is_frozen = true;
	drop_outgoing(call);
}

static void
end_delay(struct devdb_timer *timer, bool is_due)
{
	struct devdb_call *call = timer->owner;

	if (is_due && !call->is_over)
		devdb_call_touch(call);
	devdb_call_unref(call);
}

void
devdb_call_delay(struct devdb_call *call, int64_t delay_ms)
{
	call->muted_until_mono_ns = kdb_clock_mono_ns() + delay_ms * KDB_NS_PER_MS;
	devdb_call_ref(call);
	devdb_timers_add(&call->node->timers,
	    &(struct devdb_timer){.at_mono_ns = call->muted_until_mono_ns,
		.fire = end_delay,
		.owner = call});
}

void
devdb_call_reset(struct devdb_call *call)
{
	devdb_call_freeze(call);
	grpc_call_cancel(call->grpc, NULL);
}

bool
devdb_call_header(
    const struct devdb_call *call, const char *key, const char **value, size_t *len)
{
	for (size_t i = 0; i < call->metadata.count; i++) {
		const grpc_metadata *entry = &call->metadata.metadata[i];

		if (grpc_slice_str_cmp(entry->key, key) != 0)
			continue;
		*value = (const char *)GRPC_SLICE_START_PTR(entry->value);
		*len = GRPC_SLICE_LENGTH(entry->value);
		return true;
	}
	return false;
}
