/* SPDX-License-Identifier: Apache-2.0 */
/* Orders from tests and people, over HTTP. Owns the HTTP daemon; touches only what the
 * node lends to any thread. */
#include "devdb/admin.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "devdb/faults.h"
#include "devdb/methods.h"
#include "devdb/options.h"
#include "devdb/server.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BODY_BYTES (16 << 10)
#define MAX_CONNECTIONS 64
#define IDLE_TIMEOUT_S 30
#define DEFAULT_TRAILER_BYTES (1 << 20)
#define MAX_TRAILER_BYTES (64 << 20)

struct devdb_admin {
	struct devdb_node *node;
	struct devdb_server *server;
	struct MHD_Daemon *http;
};

/* --- faults --- */

static bool
take_text(const cJSON *object, const char *name, char *out, size_t size, bool *is_there)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	*is_there = item != NULL;
	if (!item)
		return true;
	if (!cJSON_IsString(item) || strlen(item->valuestring) >= size)
		return false;
	memcpy(out, item->valuestring, strlen(item->valuestring) + 1);
	return true;
}

static bool
take_number(const cJSON *object, const char *name, int64_t max, int64_t *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!item)
		return true;
	if (!cJSON_IsNumber(item) || item->valuedouble < 0 ||
	    item->valuedouble > (double)max ||
	    item->valuedouble != (int64_t)item->valuedouble)
		return false;
	*out = (int64_t)item->valuedouble;
	return true;
}

static bool
is_method(const char *name)
{
	for (size_t i = 0; i < devdb_method_count; i++) {
		if (strcmp(devdb_methods[i]->label, name) == 0)
			return true;
	}
	return strcmp(name, "*") == 0;
}

/* NULL, or what is wrong with the order. */
static const char *
read_fault(const cJSON *order, struct devdb_fault *fault)
{
	char action[32] = "";
	int64_t status = GRPC_STATUS_UNAVAILABLE;
	int64_t port = 0;
	bool is_there;

	*fault = (struct devdb_fault){.left = -1, .method = "*"};
	if (!take_text(order, "method", fault->method, sizeof fault->method, &is_there) ||
	    !is_method(fault->method))
		return "method: no such method; see --help";
	if (!take_text(
		order, "stream", fault->stream, sizeof fault->stream, &fault->has_stream))
		return "stream: a text of at most 255 bytes";
	if (!take_text(order, "action", action, sizeof action, &is_there) || !is_there)
		return "action: required, a text";
	fault->action = devdb_fault_action_from_name(action);
	if (fault->action == DEVDB_FAULT_ACTIONS)
		return "action: no such action; see --help";
	if (!take_number(order, "delay_ms", 3600000, &fault->delay_ms))
		return "delay_ms: a number from 0 to 3600000";
	fault->trailer_bytes = DEFAULT_TRAILER_BYTES;
	if (!take_number(
		order, "trailer_bytes", MAX_TRAILER_BYTES, &fault->trailer_bytes) ||
	    fault->trailer_bytes == 0)
		return "trailer_bytes: a number from 1 to 67108864";
	if (fault->action == DEVDB_FAULT_DELAY &&
	    !cJSON_GetObjectItemCaseSensitive(order, "delay_ms"))
		return "delay_ms: required for delay";
	if (!take_number(order, "status", 16, &status))
		return "status: a gRPC status code from 0 to 16";
	if (!take_text(
		order, "message", fault->message, sizeof fault->message, &is_there))
		return "message: a text of at most 255 bytes";
	if (!take_text(order, "leader_host", fault->leader_host,
		sizeof fault->leader_host, &is_there))
		return "leader_host: a text of at most 255 bytes";
	if (fault->action == DEVDB_FAULT_NOT_LEADER && !is_there)
		return "leader_host: required for not-leader";
	if (!take_number(order, "leader_port", 65535, &port))
		return "leader_port: a number from 0 to 65535";
	if (!take_number(order, "count", INT32_MAX, &fault->left) || fault->left == 0)
		return "count: a number from 1 on";
	fault->status = (int)status;
	fault->leader_port = (int)port;
	return NULL;
}

static void
add_fault(void *context, const struct devdb_fault *fault)
{
	cJSON *list = context;
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "method", fault->method);
	if (fault->has_stream)
		cJSON_AddStringToObject(item, "stream", fault->stream);
	cJSON_AddStringToObject(item, "action", devdb_fault_action_name(fault->action));
	if (fault->left >= 0)
		cJSON_AddNumberToObject(item, "left", (double)fault->left);
	cJSON_AddNumberToObject(item, "struck", (double)fault->struck);
	cJSON_AddItemToArray(list, item);
}

/* --- replies --- */

static enum MHD_Result
reply_json(struct MHD_Connection *connection, unsigned status, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	struct MHD_Response *response;
	enum MHD_Result result;

	cJSON_Delete(json);
	if (!text)
		return MHD_NO;
	response =
	    MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
	cJSON_free(text);
	MHD_add_response_header(response, "Content-Type", "application/json");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
reply_error(struct MHD_Connection *connection, unsigned status, const char *text)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "error", text);
	return reply_json(connection, status, json);
}

static enum MHD_Result
reply_ok(struct MHD_Connection *connection)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddBoolToObject(json, "ok", true);
	return reply_json(connection, MHD_HTTP_OK, json);
}

static enum MHD_Result
reply_stats(struct MHD_Connection *connection, struct devdb_node *node)
{
	struct devdb_stats *stats = &node->stats;
	cJSON *json = cJSON_CreateObject();
	cJSON *calls = cJSON_AddObjectToObject(json, "calls");

	for (size_t i = 0; i < devdb_method_count; i++)
		cJSON_AddNumberToObject(
		    calls, devdb_methods[i]->label, (double)stats->calls[i]);
	cJSON_AddNumberToObject(json, "appends_stored", (double)stats->appends_stored);
	cJSON_AddNumberToObject(json, "events_stored", (double)stats->events_stored);
	cJSON_AddNumberToObject(
	    json, "batches_received", (double)stats->batches_received);
	cJSON_AddNumberToObject(
	    json, "open_batch_calls", (double)stats->open_batch_calls);
	cJSON_AddNumberToObject(json, "memory_bytes", (double)stats->memory_bytes);
	return reply_json(connection, MHD_HTTP_OK, json);
}

static enum MHD_Result
reply_faults(struct MHD_Connection *connection, struct devdb_node *node)
{
	cJSON *json = cJSON_CreateObject();

	devdb_faults_each(
	    node->faults, add_fault, cJSON_AddArrayToObject(json, "faults"));
	return reply_json(connection, MHD_HTTP_OK, json);
}

static void
add_trace(void *context, const struct devdb_trace *trace)
{
	cJSON *entry = cJSON_CreateObject();

	cJSON_AddStringToObject(entry, "method", trace->method);
	cJSON_AddStringToObject(entry, "traceparent", trace->traceparent);
	if (trace->tracestate[0] != '\0')
		cJSON_AddStringToObject(entry, "tracestate", trace->tracestate);
	cJSON_AddItemToArray(context, entry);
}

static enum MHD_Result
reply_traces(struct MHD_Connection *connection, struct devdb_node *node)
{
	cJSON *json = cJSON_CreateObject();

	devdb_traces_each(
	    &node->traces, add_trace, cJSON_AddArrayToObject(json, "traces"));
	return reply_json(connection, MHD_HTTP_OK, json);
}

static enum MHD_Result
order_fault(
    struct MHD_Connection *connection, struct devdb_node *node, const cJSON *order)
{
	struct devdb_fault fault;
	const char *wrong = read_fault(order, &fault);

	if (wrong)
		return reply_error(connection, MHD_HTTP_BAD_REQUEST, wrong);
	if (!devdb_faults_add(node->faults, &fault))
		return reply_error(
		    connection, MHD_HTTP_CONFLICT, "too many faults in force");
	return reply_ok(connection);
}

static enum MHD_Result
set_role(struct MHD_Connection *connection, struct devdb_node *node, const cJSON *order)
{
	struct devdb_role_view view = {0};
	char state[32] = "";
	int64_t port = 0;
	bool is_there;

	if (!take_text(order, "state", state, sizeof state, &is_there) || !is_there ||
	    (view.state = devdb_role_state_from_name(state)) < 0)
		return reply_error(connection, MHD_HTTP_BAD_REQUEST,
		    "state: required, a state's name as in gossip");
	if (!take_text(order, "leader_host", view.leader_host, sizeof view.leader_host,
		&is_there))
		return reply_error(connection, MHD_HTTP_BAD_REQUEST,
		    "leader_host: a text of at most 255 bytes");
	if (!take_number(order, "leader_port", 65535, &port))
		return reply_error(connection, MHD_HTTP_BAD_REQUEST,
		    "leader_port: a number from 0 to 65535");
	view.leader_port = (int)port;
	devdb_role_set(&node->role, &view);
	return reply_ok(connection);
}

static enum MHD_Result
order_restart(
    struct MHD_Connection *connection, struct devdb_server *server, const cJSON *order)
{
	char calls[16] = "";
	bool is_there;
	bool ends_calls;

	if (!take_text(order, "calls", calls, sizeof calls, &is_there))
		calls[0] = 0;
	ends_calls = strcmp(calls, "end") == 0;
	if (!ends_calls && strcmp(calls, "finish") != 0)
		return reply_error(connection, MHD_HTTP_BAD_REQUEST,
		    "calls: required, \"end\" or \"finish\"");
	devdb_server_restart(server, ends_calls);
	return reply_ok(connection);
}

/* --- requests --- */

static enum MHD_Result
post(struct MHD_Connection *connection, struct devdb_admin *admin, const char *path,
    const struct kdb_buffer *body)
{
	cJSON *order;
	enum MHD_Result result;

	if (body->is_overflowed)
		return reply_error(
		    connection, MHD_HTTP_CONTENT_TOO_LARGE, "at most 16 KiB");
	order = cJSON_ParseWithLength(body->data ? body->data : "", body->len);
	if (!cJSON_IsObject(order))
		result = reply_error(
		    connection, MHD_HTTP_BAD_REQUEST, "the body is not a JSON object");
	else if (strcmp(path, "/faults") == 0)
		result = order_fault(connection, admin->node, order);
	else if (strcmp(path, "/role") == 0)
		result = set_role(connection, admin->node, order);
	else
		result = order_restart(connection, admin->server, order);
	cJSON_Delete(order);
	return result;
}

static enum MHD_Result
route(struct MHD_Connection *connection, struct devdb_admin *admin, const char *path,
    const char *method, const struct kdb_buffer *body)
{
	bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
	bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;

	if (is_get && strcmp(path, "/readyz") == 0)
		return reply_ok(connection);
	if (is_get && strcmp(path, "/stats") == 0)
		return reply_stats(connection, admin->node);
	if (is_get && strcmp(path, "/traces") == 0)
		return reply_traces(connection, admin->node);
	if (is_get && strcmp(path, "/faults") == 0)
		return reply_faults(connection, admin->node);
	if (is_post && (strcmp(path, "/faults") == 0 || strcmp(path, "/role") == 0 ||
			   strcmp(path, "/restart") == 0))
		return post(connection, admin, path, body);
	if (strcmp(method, MHD_HTTP_METHOD_DELETE) == 0 && strcmp(path, "/faults") == 0) {
		devdb_faults_clear(admin->node->faults);
		return reply_ok(connection);
	}
	return reply_error(
	    connection, MHD_HTTP_NOT_FOUND, "see kurrentgate-devdb --help");
}

static enum MHD_Result
handle(void *context, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *data, size_t *data_len,
    void **request)
{
	struct devdb_admin *admin = context;
	struct kdb_buffer *body = *request;

	(void)version;
	if (!body) {
		body = kdb_alloc(sizeof *body);
		kdb_buffer_init(body, MAX_BODY_BYTES);
		*request = body;
		return MHD_YES;
	}
	if (*data_len) {
		kdb_buffer_put(body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	return route(connection, admin, path, method, body);
}

static void
complete(void *context, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode code)
{
	(void)context;
	(void)connection;
	(void)code;
	if (!*request)
		return;
	kdb_buffer_dispose(*request);
	free(*request);
}

/* --- life --- */

static int
bound_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} address = {0};
	socklen_t len = sizeof address;

	if (getsockname(fd, &address.any, &len) < 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.ipv6.sin6_port
						       : address.ipv4.sin_port);
}

static int
open_socket(const char *address, int *port)
{
	struct addrinfo hints = {
	    .ai_flags = AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char host[DEVDB_MAX_HOST];
	char service[16];
	int one = 1;
	int fd;

	devdb_options_split_address(address, host, sizeof host, port);
	snprintf(service, sizeof service, "%d", *port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
		    listen(fd, SOMAXCONN) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd >= 0)
		*port = bound_port(fd);
	return fd;
}

struct devdb_admin *
devdb_admin_start(
    struct devdb_node *node, struct devdb_server *server, const char *address, int *port)
{
	struct devdb_admin *admin;
	int fd = open_socket(address, port);

	if (fd < 0)
		return NULL;
	admin = kdb_alloc_zero(1, sizeof *admin);
	admin->node = node;
	admin->server = server;
	admin->http = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
	    handle, admin, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
	    complete, NULL, MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_END);
	if (admin->http)
		return admin;
	close(fd);
	free(admin);
	return NULL;
}

void
devdb_admin_stop(struct devdb_admin *admin)
{
	if (!admin)
		return;
	MHD_stop_daemon(admin->http);
	free(admin);
}
