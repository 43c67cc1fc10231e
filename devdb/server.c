/* SPDX-License-Identifier: Apache-2.0 */
/* The loop around the completion queue. Events are handled in bursts: answers wait until
 * the queue has run empty, so that those of one burst share a socket write. Owns all
 * calls, the queue and the thread. */
#include "devdb/server.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "devdb/call.h"
#include "devdb/faults.h"
#include "devdb/methods.h"
#include "devdb/refusals.h"
#include "devdb/store.h"

#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPTORS 32
#define MAX_BURST 128
#define MAX_GRPC_MESSAGE_BYTES (64 << 20)
/* Kestrel's numbers, as recorded in its SETTINGS. */
#define MAX_STREAMS 100
#define STREAM_WINDOW_BYTES 786432
#define MAX_HEADER_BYTES 32768

struct devdb_server {
	struct devdb_node *node;
	grpc_server *grpc;
	grpc_completion_queue *queue;
	pthread_t thread;
	struct kdb_list calls;
	struct kdb_list touched;
	struct devdb_tag stop_tag;
	atomic_bool is_stopping; /* set by the thread that stops the server */
	bool is_stopped;
};

static grpc_arg
integer(const char *key, int value)
{
	return (grpc_arg){
	    .type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static grpc_server *
new_grpc_server(void)
{
	/* Clients may ping as often as they like, with calls or without. */
	grpc_arg list[] = {
	    integer(GRPC_ARG_ALLOW_REUSEPORT, 0),
	    integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MAX_GRPC_MESSAGE_BYTES),
	    integer(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),
	    integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, MAX_STREAMS),
	    integer(GRPC_ARG_MAX_METADATA_SIZE, MAX_HEADER_BYTES),
	    integer(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, STREAM_WINDOW_BYTES),
	    integer(GRPC_ARG_HTTP2_BDP_PROBE, 0),
	    integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
	    integer(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 0),
	    integer(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0),
	    /* Deadlines are the client's affair: it cancels, and its clock is the one
		 * that counts (wire-protocol 6.7). */
	    integer(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0),
	};
	grpc_channel_args args = {sizeof list / sizeof list[0], list};

	return grpc_server_create(&args, NULL);
}

/* --- calls --- */

static void
accept_next(struct devdb_server *server)
{
	struct devdb_call *call = kdb_alloc_zero(1, sizeof *call);

	call->node = server->node;
	call->refs = 1;
	call->touched = &server->touched;
	call->new_tag = (struct devdb_tag){call, DEVDB_TAG_NEW};
	call->received_tag = (struct devdb_tag){call, DEVDB_TAG_RECEIVED};
	call->sent_tag = (struct devdb_tag){call, DEVDB_TAG_SENT};
	call->closed_tag = (struct devdb_tag){call, DEVDB_TAG_CLOSED};
	kdb_list_init(&call->by_touch);
	kdb_list_init(&call->outgoing);
	kdb_list_push_back(&server->calls, &call->by_server);
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	if (grpc_server_request_call(server->grpc, &call->grpc, &call->details,
		&call->metadata, server->queue, server->queue,
		&call->new_tag) != GRPC_CALL_OK)
		devdb_call_unref(call);
}

static void
ignore_message(struct devdb_call *call, const uint8_t *bytes, size_t len)
{
	(void)call;
	(void)bytes;
	(void)len;
}

static void
ignore_half_close(struct devdb_call *call)
{
	(void)call;
}

/* What a path that nobody serves gets. */
static const struct devdb_method no_method = {
    .label = "",
    .max_message_bytes = DEVDB_MAX_MESSAGE_BYTES,
    .message = ignore_message,
    .half_close = ignore_half_close,
};

static void
refuse_unknown(struct devdb_call *call, bool is_service_known)
{
	devdb_call_start(call, &no_method);
	devdb_call_finish(call, GRPC_STATUS_UNIMPLEMENTED,
	    is_service_known ? "Method is unimplemented." : "Service is unimplemented.",
	    NULL, 0);
}

static void
begin(struct devdb_call *call)
{
	struct devdb_node *node = call->node;
	struct devdb_fault fault;
	bool is_service_known;
	int index =
	    devdb_methods_find((const char *)GRPC_SLICE_START_PTR(call->details.method),
		GRPC_SLICE_LENGTH(call->details.method), &is_service_known);

	if (index < 0) {
		refuse_unknown(call, is_service_known);
		return;
	}
	node->stats.calls[index]++;
	devdb_call_start(call, devdb_methods[index]);
	if (devdb_faults_strike_start(node->faults, call->method->label, &fault))
		devdb_refuse_fault(call, &fault);
}

static void
begin_or_drop(struct devdb_server *server, struct devdb_call *call, bool is_ok)
{
	if (!is_ok || server->is_stopping) {
		devdb_call_unref(call);
		return;
	}
	accept_next(server);
	begin(call);
}

/* --- the loop --- */

static void
handle(struct devdb_server *server, const grpc_event *event)
{
	struct devdb_tag *tag = event->tag;

	switch (tag->kind) {
	case DEVDB_TAG_NEW:
		begin_or_drop(server, tag->call, event->success);
		break;
	case DEVDB_TAG_RECEIVED:
		devdb_call_received(tag->call, event->success);
		break;
	case DEVDB_TAG_SENT:
		devdb_call_sent(tag->call, event->success);
		break;
	case DEVDB_TAG_CLOSED:
		devdb_call_closed(tag->call);
		break;
	case DEVDB_TAG_STOPPED:
		server->is_stopped = true;
		break;
	}
}

static void
end_burst(struct devdb_server *server)
{
	struct kdb_list *link;

	devdb_timers_fire(&server->node->timers, kdb_clock_mono_ns());
	while ((link = kdb_list_pop_front(&server->touched)))
		devdb_call_flush(KDB_LIST_ITEM(link, struct devdb_call, by_touch));
	server->node->stats.memory_bytes = devdb_store_memory(server->node->store);
}

static gpr_timespec
next_wake(const struct devdb_server *server)
{
	int64_t at_ns = devdb_timers_next_mono_ns(&server->node->timers);
	int64_t wait_ns;

	if (!kdb_list_is_empty(&server->touched))
		return gpr_inf_past(GPR_CLOCK_MONOTONIC);
	if (at_ns == INT64_MAX)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	wait_ns = at_ns - kdb_clock_mono_ns();
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_nanos(wait_ns > 0 ? wait_ns : 0, GPR_TIMESPAN));
}

static void *
run(void *argument)
{
	struct devdb_server *server = argument;
	unsigned burst = 0;

	while (!server->is_stopped) {
		grpc_event event =
		    grpc_completion_queue_next(server->queue, next_wake(server), NULL);

		if (event.type == GRPC_OP_COMPLETE)
			handle(server, &event);
		if (event.type == GRPC_OP_COMPLETE && ++burst < MAX_BURST)
			continue;
		burst = 0;
		end_burst(server);
	}
	return NULL;
}

struct devdb_server *
devdb_server_new(struct devdb_node *node, const char *address, int *port)
{
	grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
	struct devdb_server *server = kdb_alloc_zero(1, sizeof *server);

	server->node = node;
	server->stop_tag.kind = DEVDB_TAG_STOPPED;
	kdb_list_init(&server->calls);
	kdb_list_init(&server->touched);
	server->grpc = new_grpc_server();
	server->queue = grpc_completion_queue_create_for_next(NULL);
	grpc_server_register_completion_queue(server->grpc, server->queue, NULL);
	*port = grpc_server_add_http2_port(server->grpc, address, credentials);
	grpc_server_credentials_release(credentials);
	if (!*port) {
		grpc_server_destroy(server->grpc);
		grpc_completion_queue_shutdown(server->queue);
		grpc_completion_queue_destroy(server->queue);
		free(server);
		return NULL;
	}
	return server;
}

void
devdb_server_start(struct devdb_server *server)
{
	grpc_server_start(server->grpc);
	for (int i = 0; i < ACCEPTORS; i++)
		accept_next(server);
	pthread_create(&server->thread, NULL, run, server);
}

/* --- stopping --- */

static void
drain(struct devdb_server *server)
{
	grpc_event event;

	grpc_completion_queue_shutdown(server->queue);
	do {
		event = grpc_completion_queue_next(
		    server->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_OP_COMPLETE)
			handle(server, &event);
	} while (event.type != GRPC_QUEUE_SHUTDOWN);
}

void
devdb_server_stop(struct devdb_server *server)
{
	server->is_stopping = true;
	grpc_server_shutdown_and_notify(server->grpc, server->queue, &server->stop_tag);
	grpc_server_cancel_all_calls(server->grpc);
	pthread_join(server->thread, NULL);
	devdb_timers_dispose(&server->node->timers);
	drain(server);
	grpc_server_destroy(server->grpc);
	grpc_completion_queue_destroy(server->queue);
	free(server);
}
