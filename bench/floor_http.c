/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd with nothing around it: no checks, no log, one answer for all. Owns the daemon
 * and the requests; a request lives from its first line to its answer. */
#include "bench/floor_http.h"

#include "client-core/base/alloc.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	POOL_BYTES = 16 * 1024,
	CONNECTIONS_MAX = 4096,
	BODY_MAX_BYTES = 64 * 1024 * 1024,
	NEVER_S = 1000 * 1000
};

struct floor_http {
	struct MHD_Daemon *daemon;
	struct MHD_Response *answer;
	floor_http_ready *ready;
	void *context;
	size_t head_room;
	bool answers_first;
};

struct floor_request {
	struct floor_http *http;
	struct MHD_Connection *connection;
	grpc_slice slice;
	size_t size;
	size_t len;
	bool has_slice;
};

static char answer_body[] =
    "{\"stream\":\"bench\",\"current_version\":0,\"commit_position\":\"1000\"}";

static size_t
number_of(const char *text, size_t otherwise, size_t max)
{
	size_t number = text == NULL ? otherwise : strtoul(text, NULL, 10);

	return number == 0 || number > max ? otherwise : number;
}

/* The body goes straight to where the message will be sent from. */
static enum MHD_Result
begin(struct floor_http *http, struct MHD_Connection *connection, void **request_cls)
{
	struct floor_request *request = kdb_alloc_zero(1, sizeof(*request));
	const char *length = MHD_lookup_connection_value(
	    connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	request->http = http;
	request->connection = connection;
	request->size = number_of(length, 0, BODY_MAX_BYTES);
	request->slice = grpc_slice_malloc(http->head_room + request->size);
	request->has_slice = true;
	*request_cls = request;
	return MHD_YES;
}

static enum MHD_Result
take_body(struct floor_request *request, const char *bytes, size_t *len)
{
	if (*len > request->size - request->len)
		return MHD_NO;
	memcpy(GRPC_SLICE_START_PTR(request->slice) + request->http->head_room + request->len,
	    bytes, *len);
	request->len += *len;
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_len, void **request_cls)
{
	struct floor_http *http = cls;
	struct floor_request *request = *request_cls;

	(void)url;
	(void)method;
	(void)version;
	if (request == NULL)
		return begin(http, connection, request_cls);
	if (*upload_len > 0)
		return take_body(request, upload, upload_len);
	MHD_suspend_connection(connection);
	if (http->answers_first)
		MHD_set_connection_option(
		    connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)NEVER_S);
	request->has_slice = false;
	http->ready(http->context, request, request->slice, request->len,
	    number_of(MHD_lookup_connection_value(
			  connection, MHD_HEADER_KIND, "Bench-Events"),
		1, 1000));
	return MHD_YES;
}

static void
completed(void *cls, struct MHD_Connection *connection, void **request_cls,
    enum MHD_RequestTerminationCode code)
{
	struct floor_request *request = *request_cls;

	(void)cls;
	(void)code;
	if (request != NULL && request->http->answers_first)
		MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
	if (request != NULL && request->has_slice)
		grpc_slice_unref(request->slice);
	free(request);
}

void
floor_http_answer(struct floor_request *request)
{
	MHD_queue_response(request->connection, MHD_HTTP_OK, request->http->answer);
	MHD_resume_connection(request->connection);
}

void
floor_http_run(struct floor_http *http)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	do
		MHD_run(http->daemon);
	while (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0);
}

int
floor_http_poll_fd(const struct floor_http *http)
{
	return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

uint16_t
floor_http_port(const struct floor_http *http)
{
	return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

struct floor_http *
floor_http_open(uint16_t port, size_t head_room, bool answers_first, floor_http_ready *ready,
    void *context)
{
	struct floor_http *http = kdb_alloc_zero(1, sizeof(*http));
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	http->ready = ready;
	http->context = context;
	http->head_room = head_room;
	http->answers_first = answers_first;
	http->answer = MHD_create_response_from_buffer(
	    sizeof(answer_body) - 1, answer_body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(http->answer, "Content-Type", "application/json");
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, port, NULL,
	    NULL, handle, http, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
	    completed, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024U, MHD_OPTION_END);
	if (http->daemon != NULL)
		return http;
	fputs("floor: libmicrohttpd does not start\n", stderr);
	exit(1);
}
