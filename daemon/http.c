/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only user of libmicrohttpd. Owns the exchanges with their bodies and answers, and the
 * loop: accept, run the library, take what other threads finished, sleep in poll(). The
 * library has no thread and no listening socket of its own and never sleeps here, so every
 * wake-up is ours (perf-traps 1 to 4), and so is the number of connections.
 */
#include "daemon/http.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "client-core/base/clock.h"
#include "daemon/connection.h"
#include "daemon/drain.h"
#include "daemon/gzip.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/ready.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	/* Who still has work after so many turns lets the others go first. */
	RUNS_PER_ROUND = 16,
	ACCEPTS_PER_ROUND = 256,
	CHUNKED_BODY_START = 4096,
	/* Blocks that the allocator would join and split at each request are kept. */
	SPARE_BODY_BYTES = 4096,
	SPARE_BODIES = 64,
	OWN_TIMEOUT_S = 1000 * 1000,
	/* What the library adds, in the memory of a connection, to each header field and
	 * cookie; and what the head of the longest answer needs there. */
	RECORD_BYTES = 64,
	ANSWER_HEAD_BYTES = 1536,
};

/* Places in the list of polled descriptors; listeners follow. */
enum { POLL_READY, POLL_SIGNALS, POLL_RESETS, POLL_LIBRARY, POLL_LISTENERS };

/* Without descriptors or memory for a connection, the next try. */
static const int64_t accept_pause_ns = 100 * KDB_NS_PER_MS;

enum stage {
	STAGE_HEAD,
	STAGE_BODY,
	STAGE_WAITING, /* suspended */
	STAGE_ANSWERED,
};

struct exchange_body {
	bool is_announced;
	bool has_length;
	uint64_t declared_len;
	enum kg_http_body state;
	char *bytes;
	size_t len;
	size_t capacity;
	size_t max_len;
	size_t reserved_len;
	uint64_t come_len;    /* as it came: compressed, if it is */
	struct kg_gzip *gzip; /* NULL: it is kept as it comes */
};

/* An answer that is sent past the library. */
struct own_answer {
	struct kdb_buffer head;
	char *body;
	size_t len;
	bool is_sent;
};

struct kg_http_exchange {
	struct kdb_list ready_link;
	struct kg_http *http;
	struct kg_connection *connection;
	struct MHD_Connection *library;
	enum stage stage;
	void *request;
	struct kg_head *head;
	size_t head_bytes; /* memory of the connection that the head takes */
	bool is_head_method;
	bool is_cramped; /* the fields have left no memory for the library to answer */
	bool is_admitted;
	bool has_own_timeout;
	struct exchange_body body;
	unsigned status;
	bool must_close;
	struct MHD_Response *response;
	struct own_answer own;
	size_t target_len;
	char target[]; /* with a NUL behind it */
};

struct kg_http {
	const struct kg_config *config;
	struct kg_http_handler handler;
	int64_t handler_due_mono_ns;
	struct MHD_Daemon *library;
	bool must_run; /* the library has work */
	bool is_stopped;
	struct kg_listen_sockets sockets;
	/* Whose connection the library is given at the moment. */
	const struct kg_listen_socket *accepting;
	int64_t accept_from_mono_ns;
	struct kg_connections connections;
	struct kg_ready ready; /* exchanges */
	struct kg_drain drain;
	struct pollfd *polled;
	int signal_fd;
	size_t inflight_bytes;
	size_t admitted_count;
	char *spare_bodies[SPARE_BODIES];
	size_t spare_count;
};

/* Exchanges: the head. */

static struct kg_connection *
connection_of(struct MHD_Connection *library)
{
	return MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

/* The library calls this when it has the request line, before the fields. */
static void *
start_exchange(void *context, const char *target, struct MHD_Connection *library)
{
	struct kg_connection *connection = connection_of(library);
	const size_t target_len = strlen(target);
	struct kg_http_exchange *exchange =
	    kdb_alloc_zero(1, sizeof(*exchange) + target_len + 1);
	char *question = strchr(target, '?');

	kdb_list_init(&exchange->ready_link);
	exchange->http = context;
	exchange->connection = connection;
	exchange->library = library;
	exchange->target_len = target_len;
	memcpy(exchange->target, target, target_len);
	/* The library goes on to make a record of each argument, and hangs when there are
	 * more than fit. The text is in its buffer, and it writes to it next: it shall
	 * find none. */
	if (question != NULL)
		question[1] = '\0';
	connection->exchange = exchange;
	/* A new connection goes on with the time it was given when it was accepted. */
	if (connection->waiting.phase == KG_PHASE_IDLE)
		kg_connection_set_phase(connection, KG_PHASE_HEAD);
	return exchange;
}

struct field_list {
	struct kg_head_field items[KG_HEAD_FIELDS_MAX + 1];
	size_t count;
};

static enum MHD_Result
collect_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	struct field_list *list = context;

	(void)kind;
	if (list->count > KG_HEAD_FIELDS_MAX)
		return MHD_NO;
	/* The library leaves the blanks that belong to the line. */
	while (value_len > 0 &&
	       (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
		value_len--;
	list->items[list->count++] =
	    (struct kg_head_field){name, name_len, value == NULL ? "" : value, value_len};
	return MHD_YES;
}

static size_t
count_char(const char *text, size_t len, char c)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] == c;
	return count;
}

/* How much of the connection's memory a head takes (api-design 15.3). The library makes
 * records of fields, and of cookies, which it copies, too. */
static size_t
head_bytes(const struct kg_head *head, size_t header_size)
{
	size_t records = head->field_count;
	size_t copied = 0;

	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *field = &head->fields[i];

		if (!kg_head_is_equal(
			field->name, field->name_len, MHD_HTTP_HEADER_COOKIE))
			continue;
		records += 1 + count_char(field->value, field->value_len, ';');
		copied += field->value_len;
	}
	return header_size + copied + RECORD_BYTES * records;
}

static void
read_framing(struct kg_http_exchange *exchange, const struct kg_head *head)
{
	const struct kg_head_field *length = head->known[KG_FIELD_CONTENT_LENGTH];
	uint64_t len = 0;

	exchange->body.is_announced = head->known[KG_FIELD_TRANSFER_ENCODING] != NULL;
	if (length == NULL)
		return;
	/* The library has refused everything but digits that fit. */
	for (size_t i = 0; i < length->value_len; i++)
		len = len * 10 + (uint64_t)(length->value[i] - '0');
	exchange->body.has_length = true;
	exchange->body.declared_len = len;
	exchange->body.is_announced |= len > 0;
}

static enum MHD_Result send_answer(struct kg_http_exchange *exchange);

/* An answer in the first call makes the library close the connection, so where no body
 * comes it waits for the second call. */
static enum MHD_Result
after_head(struct kg_http_exchange *exchange, enum kg_http_next next)
{
	struct kg_connection *connection = exchange->connection;

	if (next == KG_HTTP_READ_BODY) {
		exchange->stage = STAGE_BODY;
		kg_connection_begin_body(connection);
		return MHD_YES;
	}
	exchange->stage = STAGE_ANSWERED;
	kg_connection_set_phase(connection, KG_PHASE_SENDING);
	if (!exchange->body.is_announced && !exchange->is_cramped)
		return MHD_YES;
	kg_http_answer_close(exchange);
	return send_answer(exchange);
}

static size_t
all_bytes(const struct kg_http_exchange *exchange)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    exchange->library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info == NULL ? 0 : info->header_size;
}

static enum MHD_Result
take_head(struct kg_http_exchange *exchange, const char *method, const char *version)
{
	static struct field_list fields; /* only while the head is looked at */
	const struct kg_http_handler *handler = &exchange->http->handler;
	struct kg_head head = {.method = method,
	    .target = exchange->target,
	    .target_len = exchange->target_len,
	    .is_http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0,
	    .fields = fields.items,
	    .is_tcp = exchange->connection->socket->unix_path == NULL};
	enum kg_http_next next;

	fields.count = 0;
	MHD_get_connection_values_n(
	    exchange->library, MHD_HEADER_KIND, collect_field, &fields);
	head.field_count = fields.count;
	exchange->head_bytes = head_bytes(&head, all_bytes(exchange));
	head.size = exchange->head_bytes + ANSWER_HEAD_BYTES;
	exchange->is_cramped = fields.count > KG_HEAD_FIELDS_MAX ||
			       head.size > exchange->http->config->max_header_bytes;
	exchange->is_head_method = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	kg_head_index(&head);
	read_framing(exchange, &head);
	exchange->head = &head;
	exchange->request = handler->new (handler->context, exchange);
	next = handler->run(exchange->request);
	exchange->head = NULL;
	return after_head(exchange, next);
}

/* Exchanges: the body. */

static bool
reserve(struct kg_http_exchange *exchange, size_t len)
{
	struct kg_http *http = exchange->http;

	if (len > http->config->max_inflight_bytes - http->inflight_bytes)
		return false;
	http->inflight_bytes += len;
	exchange->body.reserved_len += len;
	return true;
}

/* Gets at least *len bytes, and says how many; NULL: there is no memory. */
static char *
get_body(struct kg_http *http, size_t *len)
{
	if (*len <= SPARE_BODY_BYTES) {
		*len = SPARE_BODY_BYTES;
		if (http->spare_count > 0)
			return http->spare_bodies[--http->spare_count];
	}
	return malloc(*len);
}

static bool
expect_plain(struct kg_http_exchange *exchange)
{
	struct exchange_body *body = &exchange->body;
	size_t len = body->has_length ? (size_t)body->declared_len : 0;

	if (!reserve(exchange, len))
		return false;
	if (len > 0 && (body->bytes = get_body(exchange->http, &len)) == NULL)
		return false;
	body->capacity = len;
	return true;
}

/* Room for what comes out is made when it does. */
static bool
expect_gzip(struct kg_http_exchange *exchange)
{
	return reserve(exchange, KG_GZIP_STATE_BYTES) &&
	       (exchange->body.gzip = kg_gzip_new()) != NULL;
}

bool
kg_http_expect_body(struct kg_http_exchange *exchange, size_t max_len, bool is_gzip)
{
	exchange->body.max_len = max_len;
	if (!(is_gzip ? expect_gzip(exchange) : expect_plain(exchange)))
		return false;
	exchange->is_admitted = true;
	exchange->http->admitted_count++;
	return true;
}

void
kg_http_drop_body(struct kg_http_exchange *exchange)
{
	struct kg_http *http = exchange->http;
	struct exchange_body *body = &exchange->body;

	if (body->capacity == SPARE_BODY_BYTES && http->spare_count < SPARE_BODIES)
		http->spare_bodies[http->spare_count++] = body->bytes;
	else
		free(body->bytes);
	body->bytes = NULL;
	body->capacity = 0;
}

/* Grows the buffer of a body whose length is not known. */
static enum kg_http_body
make_room(struct kg_http_exchange *exchange, size_t len, size_t max_len)
{
	size_t capacity = exchange->body.capacity;
	char *bytes;

	if (len <= capacity)
		return KG_HTTP_BODY_WHOLE;
	if (len > max_len)
		return KG_HTTP_BODY_TOO_LARGE;
	if (capacity == 0)
		capacity = CHUNKED_BODY_START;
	while (capacity < len)
		capacity *= 2;
	if (capacity > max_len)
		capacity = max_len;
	if (!reserve(exchange, capacity - exchange->body.capacity))
		return KG_HTTP_BODY_NO_ROOM;
	bytes = realloc(exchange->body.bytes, capacity);
	if (bytes == NULL)
		return KG_HTTP_BODY_NO_ROOM;
	exchange->body.bytes = bytes;
	exchange->body.capacity = capacity;
	return KG_HTTP_BODY_WHOLE;
}

/* A body that is refused is still read, because the library cannot answer in the middle
 * of it; but not for ever. */
static enum MHD_Result
discard(struct kg_http_exchange *exchange)
{
	struct exchange_body *body = &exchange->body;

	kg_http_drop_body(exchange);
	kg_gzip_free(body->gzip);
	body->gzip = NULL;
	return body->come_len > 2 * (uint64_t)body->max_len ? MHD_NO : MHD_YES;
}

static enum kg_http_body
take_plain(struct kg_http_exchange *exchange, const char *bytes, size_t len)
{
	struct exchange_body *body = &exchange->body;
	enum kg_http_body state = make_room(exchange, body->len + len, body->max_len);

	if (state != KG_HTTP_BODY_WHOLE)
		return state;
	memcpy(body->bytes + body->len, bytes, len);
	body->len += len;
	return KG_HTTP_BODY_WHOLE;
}

uint64_t
kg_http_gzip_limit(const struct kg_http_exchange *exchange)
{
	const struct exchange_body *body = &exchange->body;
	uint64_t len =
	    body->declared_len > body->come_len ? body->declared_len : body->come_len;
	uint64_t limit = KG_GZIP_FREE_BYTES + KG_GZIP_MAX_RATIO * len;

	return limit < body->max_len ? limit : body->max_len;
}

/* One byte more than is allowed tells that the body is too large, and that byte is all
 * there is room for. */
static enum kg_http_body
take_gzip(struct kg_http_exchange *exchange, const char *bytes, size_t len)
{
	struct exchange_body *body = &exchange->body;
	struct kg_gzip_input input = {(const uint8_t *)bytes, len};
	const size_t limit = (size_t)kg_http_gzip_limit(exchange);

	if (body->come_len > body->max_len)
		return KG_HTTP_BODY_TOO_LARGE;
	while (input.len > 0) {
		enum kg_http_body state = make_room(exchange, body->len + 1, limit + 1);
		struct kg_gzip_output output = {(uint8_t *)body->bytes + body->len,
		    body->capacity - body->len};

		if (state != KG_HTTP_BODY_WHOLE)
			return state;
		if (!kg_gzip_decompress(body->gzip, &input, &output))
			return KG_HTTP_BODY_BROKEN_GZIP;
		body->len = body->capacity - output.room;
		if (body->len > limit)
			return KG_HTTP_BODY_TOO_LARGE;
	}
	return KG_HTTP_BODY_WHOLE;
}

static enum MHD_Result
take_body(struct kg_http_exchange *exchange, const char *bytes, size_t len)
{
	struct exchange_body *body = &exchange->body;

	body->come_len += len;
	if (body->state == KG_HTTP_BODY_WHOLE)
		body->state = body->gzip == NULL ? take_plain(exchange, bytes, len)
						 : take_gzip(exchange, bytes, len);
	/* That it is too large counts more than what is in it. */
	if (body->state == KG_HTTP_BODY_BROKEN_GZIP && body->come_len > body->max_len)
		body->state = KG_HTTP_BODY_TOO_LARGE;
	return body->state == KG_HTTP_BODY_WHOLE ? MHD_YES : discard(exchange);
}

enum kg_http_body
kg_http_body(const struct kg_http_exchange *exchange, const char **bytes, size_t *len)
{
	*bytes = exchange->body.bytes == NULL ? "" : exchange->body.bytes;
	*len = exchange->body.len;
	return exchange->body.state;
}

static enum MHD_Result
add_trailer(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	struct kg_http_exchange *exchange = context;

	(void)kind;
	(void)name;
	(void)value;
	exchange->head_bytes +=
	    name_len + value_len + sizeof(": \r\n") - 1 + RECORD_BYTES;
	return MHD_YES;
}

/* Trailers take the same memory as the head, when it has been judged already. */
static void
check_trailers(struct kg_http_exchange *exchange)
{
	if (exchange->body.has_length || !exchange->body.is_announced)
		return;
	MHD_get_connection_values_n(
	    exchange->library, MHD_FOOTER_KIND, add_trailer, exchange);
	if (exchange->head_bytes + ANSWER_HEAD_BYTES <=
	    exchange->http->config->max_header_bytes)
		return;
	exchange->is_cramped = true;
	exchange->body.state = KG_HTTP_BODY_LONG_TRAILERS;
	kg_http_answer_close(exchange);
}

static void
end_gzip(struct exchange_body *body)
{
	if (body->gzip != NULL && !kg_gzip_is_whole(body->gzip))
		body->state = KG_HTTP_BODY_BROKEN_GZIP;
	kg_gzip_free(body->gzip);
	body->gzip = NULL;
}

static enum MHD_Result
end_body(struct kg_http_exchange *exchange)
{
	end_gzip(&exchange->body);
	check_trailers(exchange);
	kg_connection_set_phase(exchange->connection, KG_PHASE_BUSY);
	if (exchange->http->handler.run(exchange->request) == KG_HTTP_WAIT)
		return MHD_YES;
	return send_answer(exchange);
}

static enum MHD_Result
handle(void *context, struct MHD_Connection *library, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_len, void **slot)
{
	struct kg_http_exchange *exchange = *slot;
	enum MHD_Result result;

	(void)context;
	(void)library;
	(void)url;
	/* Nobody is left to do what a new request would ask for. */
	if (exchange->http->is_stopped && exchange->stage <= STAGE_BODY)
		return MHD_NO;
	switch (exchange->stage) {
	case STAGE_HEAD:
		return take_head(exchange, method, version);
	case STAGE_BODY:
		if (*upload_len == 0)
			return end_body(exchange);
		kg_connection_add_body(exchange->connection, *upload_len);
		result = take_body(exchange, upload, *upload_len);
		*upload_len = 0;
		return result;
	case STAGE_ANSWERED:
		return send_answer(exchange);
	case STAGE_WAITING:
		break;
	}
	return MHD_YES;
}

/* Exchanges: the answer. */

static void
start_own_answer(struct kg_http_exchange *exchange, char *body, size_t len)
{
	exchange->own.body = body;
	exchange->own.len = len;
	kdb_buffer_init(&exchange->own.head, ANSWER_HEAD_BYTES);
	kdb_buffer_put_printf(&exchange->own.head,
	    "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", exchange->status,
	    MHD_get_reason_phrase_for(exchange->status), len);
}

/* No answer is under way on this connection, and none comes after this one, so writing
 * past the library mixes up nothing. A peer that takes nothing does without. */
static enum MHD_Result
send_own_answer(struct kg_http_exchange *exchange)
{
	struct iovec parts[3] = {
	    {exchange->own.head.data, exchange->own.head.len},
	    {(char[]){'\r', '\n'}, 2},
	    {exchange->own.body, exchange->is_head_method ? 0 : exchange->own.len},
	};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};

	exchange->own.is_sent =
	    sendmsg(exchange->connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
	return MHD_NO;
}

static void
start_answer(struct kg_http_exchange *exchange, char *body, size_t len,
    enum MHD_ResponseMemoryMode mode)
{
	exchange->response = MHD_create_response_from_buffer(len, body, mode);
	if (exchange->response == NULL)
		abort(); /* out of memory, like base/alloc */
	if (exchange->connection->is_excess)
		kg_http_answer_close(exchange);
}

void
kg_http_answer(struct kg_http_exchange *exchange, unsigned status, char *body, size_t len)
{
	exchange->status = status;
	if (exchange->is_cramped)
		start_own_answer(exchange, body, len);
	else
		start_answer(exchange, body, len,
		    body == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
}

void
kg_http_answer_constant(struct kg_http_exchange *exchange, unsigned status,
    const char *body, size_t len)
{
	/* Heads that cramp the library are refused. */
	assert(!exchange->is_cramped);
	exchange->status = status;
	/* The library only reads what it does not own. */
	start_answer(exchange, (char *)(uintptr_t)body, len, MHD_RESPMEM_PERSISTENT);
}

void
kg_http_answer_field(
    struct kg_http_exchange *exchange, const char *name, const char *value)
{
	if (exchange->is_cramped)
		kdb_buffer_put_printf(&exchange->own.head, "%s: %s\r\n", name, value);
	else
		MHD_add_response_header(exchange->response, name, value);
}

void
kg_http_answer_close(struct kg_http_exchange *exchange)
{
	exchange->must_close = true;
}

static enum MHD_Result
send_answer(struct kg_http_exchange *exchange)
{
	enum MHD_Result result;

	exchange->stage = STAGE_ANSWERED;
	kg_connection_set_phase(exchange->connection, KG_PHASE_SENDING);
	if (exchange->must_close)
		kg_http_answer_field(exchange, MHD_HTTP_HEADER_CONNECTION, "close");
	if (exchange->is_cramped)
		return send_own_answer(exchange);
	result =
	    MHD_queue_response(exchange->library, exchange->status, exchange->response);
	MHD_destroy_response(exchange->response);
	exchange->response = NULL;
	return result;
}

static enum kg_http_end
how_ended(const struct kg_http_exchange *exchange, enum MHD_RequestTerminationCode code)
{
	if (exchange->connection->waiting.phase == KG_PHASE_CLOSING)
		return KG_HTTP_TOO_SLOW;
	if (exchange->own.is_sent)
		return KG_HTTP_SENT;
	/* A suspended connection does not notice that its peer went away. */
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK || exchange->connection->is_reset)
		return KG_HTTP_CLOSED;
	return KG_HTTP_SENT;
}

static void
end_exchange(void *context, struct MHD_Connection *library, void **slot,
    enum MHD_RequestTerminationCode code)
{
	struct kg_http_exchange *exchange = *slot;
	struct kg_http *http;

	(void)context;
	if (exchange == NULL)
		return;
	*slot = NULL;
	http = exchange->http;
	if (exchange->has_own_timeout)
		MHD_set_connection_option(library, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
	if (exchange->request != NULL)
		http->handler.free(exchange->request, how_ended(exchange, code));
	exchange->connection->exchange = NULL;
	kg_connection_set_phase(exchange->connection, KG_PHASE_IDLE);
	http->inflight_bytes -= exchange->body.reserved_len;
	http->admitted_count -= exchange->is_admitted;
	if (exchange->response != NULL)
		MHD_destroy_response(exchange->response);
	kg_http_drop_body(exchange);
	kg_gzip_free(exchange->body.gzip);
	kdb_buffer_dispose(&exchange->own.head);
	free(exchange->own.body);
	free(exchange);
}

/* Waiting for other threads. */

/* Of a resumed connection the library reads first, and where the peer has ended its side
 * it closes instead of sending the answer: unless the connection has a timeout of its
 * own, then it turns to the answer before (0.9.75, MHD_epoll). The time itself is never
 * reached. */
void
kg_http_suspend(struct kg_http_exchange *exchange)
{
	/* The library would take it out of a list that it is not in. */
	if (exchange->stage == STAGE_WAITING)
		return;
	exchange->stage = STAGE_WAITING;
	exchange->has_own_timeout = true;
	MHD_suspend_connection(exchange->library);
	MHD_set_connection_option(
	    exchange->library, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)OWN_TIMEOUT_S);
}

void
kg_http_ready(struct kg_http_exchange *exchange)
{
	kg_ready_push(&exchange->http->ready, &exchange->ready_link);
}

void
kg_http_wake(struct kg_http *http)
{
	kg_ready_wake(&http->ready);
}

/* Answering a suspended connection and resuming it spares a call of handle(). False: there
 * was nothing to do. */
static bool
run_ready(struct kg_http *http)
{
	struct kdb_list taken;
	struct kdb_list *link;
	bool has_run = false;

	kdb_list_init(&taken);
	kg_ready_take(&http->ready, &taken);
	while ((link = kdb_list_pop_front(&taken)) != NULL) {
		struct kg_http_exchange *exchange =
		    KDB_LIST_ITEM(link, struct kg_http_exchange, ready_link);

		has_run = true;
		if (http->handler.run(exchange->request) == KG_HTTP_WAIT)
			continue;
		send_answer(exchange);
		MHD_resume_connection(exchange->library);
		http->must_run = true;
	}
	return has_run;
}

/* Connections. */

static void
notify_connection(void *context, struct MHD_Connection *library, void **slot,
    enum MHD_ConnectionNotificationCode code)
{
	struct kg_http *http = context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		assert(http->accepting != NULL);
		*slot = kg_connection_open(&http->connections, http->accepting,
		    MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd);
	} else if (*slot != NULL) {
		kg_connection_close(*slot);
	}
}

static bool
can_accept(const struct kg_http *http)
{
	const struct kg_connections *all = &http->connections;

	return all->count < all->max_count + KG_HTTP_EXCESS_CONNECTIONS &&
	       all->now_mono_ns >= http->accept_from_mono_ns;
}

/* Gives the library the next connection of a listener. False: there is none, or no
 * room. */
static bool
accept_one(struct kg_http *http, const struct kg_listen_socket *socket)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd = accept4(
	    socket->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
		return true;
	if (fd < 0) {
		if (errno != EAGAIN) {
			kg_log(KG_LOG_WARNING, "%s: accept: %s", socket->name,
			    strerror(errno));
			http->accept_from_mono_ns =
			    http->connections.now_mono_ns + accept_pause_ns;
		}
		return false;
	}
	http->accepting = socket;
	MHD_add_connection(http->library, fd, (struct sockaddr *)&address, len);
	http->accepting = NULL;
	http->must_run = true;
	return true;
}

static void
accept_connections(struct kg_http *http)
{
	for (size_t i = 0; i < http->sockets.count; i++) {
		const struct kg_listen_socket *socket = &http->sockets.items[i];
		int left = ACCEPTS_PER_ROUND;

		if (http->polled[POLL_LISTENERS + i].revents == 0)
			continue;
		while (left-- > 0 && can_accept(http) && accept_one(http, socket))
			continue;
	}
}

/* A client that has reset its connection will not read an answer. */
static void
lose_client(struct kg_http_exchange *exchange)
{
	if (exchange->stage == STAGE_WAITING)
		exchange->http->handler.gone(exchange->request);
}

/* The loop. */

/* Lets the library work until it has nothing to do, but not for ever. */
static void
run_library(struct kg_http *http, int max_runs)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;

	http->must_run |= http->connections.was_cut;
	http->connections.was_cut = false;
	for (int i = 0; i < max_runs && http->must_run; i++) {
		MHD_run(http->library);
		http->must_run = MHD_get_timeout(http->library, &timeout_ms) == MHD_YES &&
				 timeout_ms == 0;
	}
}

static int64_t
min_time(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the loop must look again although nothing happens. */
static int64_t
next_due(const struct kg_http *http)
{
	const struct kg_connections *all = &http->connections;
	int64_t due = min_time(kg_phases_next_due(&all->phases),
	    kg_drain_next_due(&http->drain, kg_connections_are_sending(all)));

	if (http->accept_from_mono_ns > all->now_mono_ns)
		due = min_time(due, http->accept_from_mono_ns);
	return min_time(due, http->handler_due_mono_ns);
}

static int
sleep_ms(const struct kg_http *http)
{
	int64_t due = next_due(http);
	int64_t wait_ns = due - http->connections.now_mono_ns;

	if (due == INT64_MAX)
		return -1;
	if (wait_ns <= 0)
		return 0;
	wait_ns = (wait_ns + KDB_NS_PER_MS - 1) / KDB_NS_PER_MS;
	return wait_ns > INT_MAX ? INT_MAX : (int)wait_ns;
}

/* Sleeps until something happens. */
static void
wait_for_events(struct kg_http *http)
{
	const nfds_t count =
	    POLL_LISTENERS + (can_accept(http) ? http->sockets.count : 0);
	bool has_work = http->must_run || http->connections.was_cut;
	bool may_sleep = kg_ready_fall_asleep(&http->ready) && !has_work;
	int happened;

	for (size_t i = 0; i < POLL_LISTENERS + http->sockets.count; i++)
		http->polled[i].revents = 0;
	happened = poll(http->polled, count, may_sleep ? sleep_ms(http) : 0);
	kg_ready_awake(&http->ready, http->polled[POLL_READY].revents != 0);
	http->connections.now_mono_ns = kdb_clock_mono_ns();
	if (happened > 0)
		http->drain.last_mono_ns = http->connections.now_mono_ns;
	if (http->polled[POLL_LIBRARY].revents != 0)
		http->must_run = true;
}

static void
take_signals(struct kg_http *http)
{
	struct signalfd_siginfo signal;

	while (
	    read(http->signal_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP) {
			kg_log(KG_LOG_INFO,
			    "SIGHUP: the configuration is read at start only");
			continue;
		}
		kg_log(KG_LOG_INFO, http->drain.stage == KG_DRAIN_NO
					? "stopping: requests in progress are finished"
					: "stopping at once");
		kg_drain_begin(&http->drain, http->connections.now_mono_ns,
		    http->config->drain_timeout_ns);
	}
}

/* Closes the listening sockets, after everybody who could already send was let in. */
static void
close_listeners(struct kg_http *http)
{
	for (size_t i = 0; i < http->sockets.count; i++) {
		struct kg_listen_socket *socket = &http->sockets.items[i];

		kg_listen_stop_new(socket);
		while (can_accept(http) && accept_one(http, socket))
			continue;
		kg_listen_close(socket);
		http->polled[POLL_LISTENERS + i].fd = -1;
	}
}

static void
advance_drain(struct kg_http *http)
{
	const struct kg_drain_view view = {.request_count = http->admitted_count,
	    .connection_count = http->connections.count,
	    .is_sending = kg_connections_are_sending(&http->connections),
	    .now_mono_ns = http->connections.now_mono_ns};

	if (!kg_drain_advance(&http->drain, &view))
		return;
	if (http->admitted_count > 0)
		kg_log(KG_LOG_WARNING, "%zu requests are cut off: the drain time is over",
		    http->admitted_count);
	close_listeners(http);
}

void
kg_http_run(struct kg_http *http, const struct kg_http_handler *handler)
{
	http->handler = *handler;
	http->handler_due_mono_ns = INT64_MAX;
	while (http->drain.stage != KG_DRAIN_DONE) {
		wait_for_events(http);
		if (http->polled[POLL_SIGNALS].revents != 0)
			take_signals(http);
		if (http->polled[POLL_RESETS].revents != 0)
			kg_connections_take_resets(&http->connections, lose_client);
		accept_connections(http);
		/* What is left over after one turn is joined with the answers that are
		 * ready. */
		run_library(http, 1);
		run_ready(http);
		run_library(http, RUNS_PER_ROUND);
		http->handler_due_mono_ns =
		    http->handler.round(http->handler.context);
		kg_connections_expire(&http->connections);
		advance_drain(http);
		kg_log_flush();
	}
}

/* Start and stop. */

static size_t
keep_escapes(void *context, struct MHD_Connection *library, char *text)
{
	(void)context;
	(void)library;
	return strlen(text);
}

static void __attribute__((format(printf, 2, 0)))
log_line(void *context, const char *format, va_list arguments)
{
	char text[512];
	int len;

	(void)context;
	if (!kg_log_is_on(KG_LOG_DEBUG))
		return;
	len = vsnprintf(text, sizeof(text), format, arguments);
	if (len > 0 && len < (int)sizeof(text) && text[len - 1] == '\n')
		text[len - 1] = '\0';
	kg_log(KG_LOG_DEBUG, "http: %s", text);
}

static bool
start_library(struct kg_http *http)
{
	const struct kg_config *config = http->config;

	http->library = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
					     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, -1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_URI_LOG_CALLBACK,
	    start_exchange, http, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, notify_connection, http,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->max_header_bytes,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(http->connections.max_count + KG_HTTP_EXCESS_CONNECTIONS),
	    MHD_OPTION_END);
	return http->library != NULL;
}

static void
set_polled(struct kg_http *http)
{
	const int library_fd =
	    MHD_get_daemon_info(http->library, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

	http->polled =
	    kdb_alloc_zero(POLL_LISTENERS + http->sockets.count, sizeof(*http->polled));
	http->polled[POLL_READY] = (struct pollfd){http->ready.fd, POLLIN, 0};
	http->polled[POLL_SIGNALS] = (struct pollfd){http->signal_fd, POLLIN, 0};
	http->polled[POLL_RESETS] =
	    (struct pollfd){http->connections.reset_fd, POLLIN, 0};
	http->polled[POLL_LIBRARY] = (struct pollfd){library_fd, POLLIN, 0};
	for (size_t i = 0; i < http->sockets.count; i++)
		http->polled[POLL_LISTENERS + i] =
		    (struct pollfd){http->sockets.items[i].fd, POLLIN, 0};
}

static int
open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

struct kg_http *
kg_http_new(const struct kg_config *config, size_t max_connections, char **error_text)
{
	struct kg_http *http = kdb_alloc_zero(1, sizeof(*http));

	http->config = config;
	http->signal_fd = open_signals();
	if (http->signal_fd < 0 || !kg_ready_init(&http->ready) ||
	    !kg_connections_init(&http->connections, config, max_connections)) {
		*error_text = kdb_alloc_printf("event descriptors: %s", strerror(errno));
		free(http);
		return NULL;
	}
	if (kg_listen_open(config, &http->sockets, error_text)) {
		if (start_library(http)) {
			set_polled(http);
			return http;
		}
		*error_text = kdb_alloc_printf("the HTTP library does not start");
	}
	kg_http_free(http);
	return NULL;
}

void
kg_http_stop(struct kg_http *http)
{
	http->is_stopped = true;
	/* The library aborts when it is stopped with a suspended connection. A request that
	 * is run now may be the one that others have waited for. */
	while (run_ready(http))
		continue;
	run_library(http, RUNS_PER_ROUND);
	MHD_stop_daemon(http->library);
	http->library = NULL;
	kg_log_flush();
}

void
kg_http_free(struct kg_http *http)
{
	if (http->library != NULL)
		MHD_stop_daemon(http->library);
	kg_listen_dispose(&http->sockets);
	kg_connections_dispose(&http->connections);
	kg_ready_dispose(&http->ready);
	close(http->signal_fd);
	while (http->spare_count > 0)
		free(http->spare_bodies[--http->spare_count]);
	free(http->polled);
	free(http);
}

/* What a request asks. */

bool
kg_http_is_stopped(const struct kg_http *http)
{
	return http->is_stopped;
}

bool
kg_http_is_draining(const struct kg_http *http)
{
	return http->drain.stage != KG_DRAIN_NO;
}

struct kg_http *
kg_http_of(const struct kg_http_exchange *exchange)
{
	return exchange->http;
}

struct kg_head *
kg_http_head(struct kg_http_exchange *exchange)
{
	return exchange->head;
}

bool
kg_http_is_local(const struct kg_http_exchange *exchange)
{
	const struct kg_listen_socket *socket = exchange->connection->socket;

	return socket->is_loopback || socket->unix_path != NULL;
}

bool
kg_http_is_excess(const struct kg_http_exchange *exchange)
{
	return exchange->connection->is_excess;
}

bool
kg_http_has_body(const struct kg_http_exchange *exchange)
{
	return exchange->body.is_announced;
}

bool
kg_http_body_length(const struct kg_http_exchange *exchange, uint64_t *len)
{
	*len = exchange->body.declared_len;
	return exchange->body.has_length || !exchange->body.is_announced;
}
