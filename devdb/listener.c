/* SPDX-License-Identifier: Apache-2.0 */
/* A listening C-core server with the settings of the real one. Owns the grpc_server. */
#include "devdb/listener.h"

#include "client-core/base/alloc.h"

#include <grpc/grpc_security.h>
#include <stdlib.h>

#define MAX_GRPC_MESSAGE_BYTES (64 << 20)
/* Kestrel's numbers, as recorded in its SETTINGS. */
#define MAX_STREAMS 100
#define STREAM_WINDOW_BYTES 786432
#define MAX_HEADER_BYTES 32768

static grpc_arg
integer(const char *key, int value)
{
	return (grpc_arg){
	    .type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

/* Clients may ping as often as they like, with calls or without. Deadlines are their
 * affair, too: they cancel, and their clock is the one that counts (wire-protocol 6.7). */
static grpc_server *
new_grpc_server(void)
{
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
	    integer(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0),
	};
	grpc_channel_args args = {sizeof list / sizeof list[0], list};

	return grpc_server_create(&args, NULL);
}

struct devdb_listener *
devdb_listener_new(grpc_completion_queue *queue, const struct devdb_tls *tls,
    const char *address, int *port)
{
	grpc_server_credentials *credentials = devdb_tls_credentials(tls);
	struct devdb_listener *listener = kdb_alloc_zero(1, sizeof *listener);

	kdb_list_init(&listener->link);
	listener->gone_tag.kind = DEVDB_TAG_GONE;
	listener->grpc = new_grpc_server();
	grpc_server_register_completion_queue(listener->grpc, queue, NULL);
	*port = grpc_server_add_http2_port(listener->grpc, address, credentials);
	grpc_server_credentials_release(credentials);
	if (*port)
		return listener;
	devdb_listener_free(listener);
	return NULL;
}

void
devdb_listener_close(
    struct devdb_listener *listener, grpc_completion_queue *queue, bool ends_calls)
{
	if (!listener->is_closing)
		grpc_server_shutdown_and_notify(
		    listener->grpc, queue, &listener->gone_tag);
	listener->is_closing = true;
	if (ends_calls)
		grpc_server_cancel_all_calls(listener->grpc);
}

void
devdb_listener_free(struct devdb_listener *listener)
{
	kdb_list_remove(&listener->link);
	grpc_server_destroy(listener->grpc);
	free(listener);
}
