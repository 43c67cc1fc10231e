/* SPDX-License-Identifier: Apache-2.0 */
/* The loop around the completion queue. Events are handled in bursts: answers wait until
 * the queue has run empty, so that those of one burst share a socket write. Owns the
 * listeners, all calls, the queue and the thread. */
#include "devdb/server.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "devdb/access.h"
#include "devdb/call.h"
#include "devdb/faults.h"
#include "devdb/listener.h"
#include "devdb/methods.h"
#include "devdb/options.h"
#include "devdb/refusals.h"
#include "devdb/store.h"

#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPTORS 32
#define MAX_BURST 128
/* Between two attempts to bind a port that has just been closed. */
#define REOPEN_INTERVAL_NS (10 * KDB_NS_PER_MS)

/* What other threads ask for. */
enum order { ORDER_STOP = 1, ORDER_RESTART = 2, ORDER_RESTART_AND_END = 4 };

struct devdb_server {
	struct devdb_node *node;
	grpc_completion_queue *queue;
	struct devdb_listener *listener; /* the one that takes calls, or NULL */
	struct kdb_list listeners;       /* that one, and those that are closing */
	char *address;                   /* with the port that was bound */
	struct kdb_list calls;
	struct kdb_list touched;
	grpc_channel *waker;
	struct devdb_tag order_tag;
	atomic_int orders;
	pthread_t thread;
	bool is_stopping;
};

/* --- calls --- */

static void
accept_next(struct devdb_server *server)
{
	struct devdb_call *call;

	if (!server->listener)
		return;
	call = kdb_alloc_zero(1, sizeof *call);
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
	if (grpc_server_request_call(server->listener->grpc, &call->grpc, &call->details,
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

/* What a path that nobody serves gets, and a call with wrong credentials. */
static const struct devdb_method no_method = {
    .label = "",
    .max_message_bytes = DEVDB_MAX_MESSAGE_BYTES,
    .message = ignore_message,
    .half_close = ignore_half_close,
};

static void
refuse_wrong_credentials(struct devdb_call *call)
{
	devdb_call_start(call, &no_method);
	devdb_call_finish(call, GRPC_STATUS_UNAUTHENTICATED, "Unauthenticated", NULL, 0);
}

static void
refuse_unknown(struct devdb_call *call, bool is_service_known)
{
	devdb_call_start(call, &no_method);
	devdb_call_finish(call, GRPC_STATUS_UNIMPLEMENTED,
	    is_service_known ? "Method is unimplemented."
			     : call->node->options->emulation->unknown_service,
	    NULL, 0);
}

static void
begin(struct devdb_call *call)
{
	struct devdb_node *node = call->node;
	struct devdb_fault fault;
	bool is_service_known;
	int index = devdb_methods_find(node->options->emulation,
	    (const char *)GRPC_SLICE_START_PTR(call->details.method),
	    GRPC_SLICE_LENGTH(call->details.method), &is_service_known);

	if (!devdb_access_identify(call)) {
		refuse_wrong_credentials(call);
		return;
	}
	if (index < 0) {
		refuse_unknown(call, is_service_known);
		return;
	}
	node->stats.calls[index]++;
	devdb_call_start(call, devdb_methods[index]);
	devdb_traces_note(&node->traces, call);
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

/* --- listeners --- */

static void
begin_to_listen(struct devdb_server *server, struct devdb_listener *listener)
{
	server->listener = listener;
	kdb_list_push_back(&server->listeners, &listener->link);
	grpc_server_start(listener->grpc);
	for (int i = 0; i < ACCEPTORS; i++)
		accept_next(server);
}

static void
reopen(struct devdb_timer *timer, bool is_due)
{
	struct devdb_server *server = timer->owner;
	struct devdb_listener *listener;
	int port;

	if (!is_due || server->is_stopping || server->listener)
		return;
	listener =
	    devdb_listener_new(server->queue, &server->node->tls, server->address, &port);
	if (listener) {
		begin_to_listen(server, listener);
		return;
	}
	timer->at_mono_ns = kdb_clock_mono_ns() + REOPEN_INTERVAL_NS;
	devdb_timers_add(&server->node->timers, timer);
}

static void
close_listener(struct devdb_server *server, bool ends_calls)
{
	if (!server->listener)
		return;
	devdb_listener_close(server->listener, server->queue, ends_calls);
	server->listener = NULL;
}

static void
carry_out(struct devdb_server *server, int orders)
{
	struct kdb_list *link;

	if (orders & ORDER_STOP) {
		server->is_stopping = true;
		server->listener = NULL;
		for (link = server->listeners.next; link != &server->listeners;
		     link = link->next)
			devdb_listener_close(
			    KDB_LIST_ITEM(link, struct devdb_listener, link),
			    server->queue, true);
	} else if (orders) {
		close_listener(server, orders & ORDER_RESTART_AND_END);
		reopen(&(struct devdb_timer){.fire = reopen, .owner = server}, true);
	}
}

static void
forget_listener(struct devdb_tag *gone_tag)
{
	devdb_listener_free(KDB_LIST_ITEM(gone_tag, struct devdb_listener, gone_tag));
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
	case DEVDB_TAG_GONE:
		forget_listener(tag);
		break;
	case DEVDB_TAG_ORDERED:
		carry_out(server, atomic_exchange(&server->orders, 0));
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

	while (!server->is_stopping || !kdb_list_is_empty(&server->listeners)) {
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

/* --- life --- */

/* The address with the port that was really bound. */
static char *
resolve(const char *address, int port)
{
	return kdb_alloc_printf(
	    "%.*s:%d", (int)(strrchr(address, ':') - address), address, port);
}

struct devdb_server *
devdb_server_new(struct devdb_node *node, const char *address, int *port)
{
	struct devdb_server *server = kdb_alloc_zero(1, sizeof *server);

	server->node = node;
	server->order_tag.kind = DEVDB_TAG_ORDERED;
	kdb_list_init(&server->listeners);
	kdb_list_init(&server->calls);
	kdb_list_init(&server->touched);
	server->queue = grpc_completion_queue_create_for_next(NULL);
	server->waker =
	    grpc_lame_client_channel_create("waker", GRPC_STATUS_UNAVAILABLE, "waker");
	server->listener = devdb_listener_new(server->queue, &node->tls, address, port);
	if (server->listener) {
		server->address = resolve(address, *port);
		return server;
	}
	grpc_channel_destroy(server->waker);
	grpc_completion_queue_shutdown(server->queue);
	grpc_completion_queue_destroy(server->queue);
	free(server);
	return NULL;
}

void
devdb_server_start(struct devdb_server *server)
{
	begin_to_listen(server, server->listener);
	pthread_create(&server->thread, NULL, run, server);
}

/* An empty batch on a call that leads nowhere completes at once: C core has no other way
 * to put something into the queue (toolchain-facts 3.3). */
static void
order(struct devdb_server *server, enum order what)
{
	grpc_call *call;

	atomic_fetch_or(&server->orders, (int)what);
	call = grpc_channel_create_call(server->waker, NULL, 0, server->queue,
	    grpc_slice_from_static_string("/wake/wake"), NULL,
	    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_call_start_batch(call, NULL, 0, &server->order_tag, NULL);
	grpc_call_unref(call);
}

void
devdb_server_restart(struct devdb_server *server, bool ends_calls)
{
	order(server, ends_calls ? ORDER_RESTART_AND_END : ORDER_RESTART);
}

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
	order(server, ORDER_STOP);
	pthread_join(server->thread, NULL);
	devdb_timers_dispose(&server->node->timers);
	drain(server);
	grpc_channel_destroy(server->waker);
	grpc_completion_queue_destroy(server->queue);
	free(server->address);
	free(server);
}
