/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only user of libmicrohttpd. Owns the listeners, the connections with their deadlines, the
 * exchanges with their bodies, and the loop: run the library's daemons, take what other threads
 * finished, sleep in poll(). The library has no thread of its own and never sleeps here, so
 * every wake-up is ours (perf-traps 1 to 4).
 */
#include "daemon/http.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "client-core/base/clock.h"
#include "daemon/listen.h"
#include "daemon/log.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	/* Connections above max-connections that are told so (api-design 15.3). */
	EXCESS_CONNECTIONS = 64,
	/* A daemon that still has work after so many turns lets the others go first. */
	RUNS_PER_ROUND = 16,
	CHUNKED_BODY_START = 4096,
	/* What the library adds, in the memory of a connection, to each header field and cookie;
	 * and what the head of the longest answer needs there. */
	RECORD_BYTES = 64,
	ANSWER_HEAD_BYTES = 1536,
	RESETS_PER_WAIT = 64,
	POLL_FIXED = 3,
};

/* A body's pace is judged once a second when its grace is over. */
static const int64_t pace_check_ns = KDB_NS_PER_SECOND;
/* A drained daemon closes its connections when nothing came in for so long. */
static const int64_t quiet_ns = 100 * KDB_NS_PER_MS;

/* What a connection waits for. Each phase has one length, so that the list of its connections
 * is in order of their deadlines. */
enum phase {
	PHASE_HEAD,	  /* from accept, or from the request line, to the end of the head */
	PHASE_BODY_GRACE, /* a body that may still be slow */
	PHASE_BODY_PACE,
	PHASE_SENDING, /* the peer takes its answer */
	PHASE_IDLE,    /* between two requests */
	PHASE_COUNT,
	PHASE_BUSY,   /* we are at work: no deadline of ours */
	PHASE_CLOSING /* shut down, the library has not noticed yet */
};

struct listener {
	struct kg_http *http;
	struct kg_listen_socket *socket;
	struct MHD_Daemon *daemon;
	int epoll_fd;
	bool must_run;
};

struct connection {
	struct kdb_list link;
	enum phase phase;
	int64_t due_mono_ns;
	struct listener *listener;
	int fd;
	bool is_excess;
	bool is_reset;
	struct kg_http_exchange *exchange;
};

enum stage {
	STAGE_HEAD,
	STAGE_BODY,
	STAGE_WAITING, /* suspended */
	STAGE_ANSWERED,
};

struct kg_http_exchange {
	struct kdb_list ready_link;
	struct kg_http *http;
	struct connection *connection;
	struct MHD_Connection *library;
	enum stage stage;
	void *request;
	struct kg_head *head;
	char *target;
	size_t target_len;
	struct MHD_Response *response;
	unsigned status;
	bool must_close;
	bool is_admitted;
	/* The fields have left no memory for the library to answer: the answer is written
	 * here, and sent without it. */
	bool is_cramped;
	bool is_head_method;
	bool is_own_sent;
	struct kdb_buffer own_head;
	char *own_body;
	size_t own_body_len;
	struct {
		bool is_announced;
		bool has_length;
		uint64_t declared_len;
		enum kg_http_body state;
		char *bytes;
		size_t len;
		size_t capacity;
		size_t max_len;
		size_t reserved_len;
		int64_t start_mono_ns;
	} body;
};

enum drain {
	DRAIN_NO,
	DRAIN_REQUESTS, /* refuse new requests, wait for those in progress */
	DRAIN_QUIET,	/* no listener any more; wait until nobody is sending */
	DRAIN_DONE,
};

struct kg_http {
	const struct kg_config *config;
	const struct kg_http_handler *handler;
	struct kg_listen_sockets sockets;
	struct listener *listeners;
	struct pollfd *polled; /* wake, signals, resets, then one for each listener */
	int wake_fd;
	int signal_fd;
	int reset_fd;
	atomic_bool is_asleep;
	pthread_mutex_t ready_mutex;
	struct kdb_list ready; /* exchanges, under ready_mutex */
	struct kdb_list phases[PHASE_COUNT];
	size_t connection_count;
	size_t inflight_bytes;
	size_t admitted_count;
	enum drain drain;
	int64_t drain_due_mono_ns;
	int64_t last_event_mono_ns;
	int64_t now_mono_ns; /* of this round */
};

/* Connections and their deadlines. */

static int64_t
phase_length_ns(const struct kg_config *config, enum phase phase)
{
	switch (phase) {
	case PHASE_HEAD:
		return config->header_timeout_ns;
	case PHASE_BODY_GRACE:
		return config->body_grace_ns;
	case PHASE_BODY_PACE:
		return pace_check_ns;
	default:
		return config->idle_timeout_ns;
	}
}

static void
set_phase(struct connection *connection, enum phase phase)
{
	struct kg_http *http = connection->listener->http;

	if (connection->phase == PHASE_CLOSING)
		return;
	kdb_list_remove(&connection->link);
	connection->phase = phase;
	if (phase >= PHASE_COUNT)
		return;
	connection->due_mono_ns = http->now_mono_ns + phase_length_ns(http->config, phase);
	kdb_list_push_back(&http->phases[phase], &connection->link);
}

/* Closes without an answer: the library finds the end of the stream and cleans up. */
static void
cut(struct connection *connection)
{
	set_phase(connection, PHASE_CLOSING);
	shutdown(connection->fd, SHUT_RDWR);
	connection->listener->must_run = true;
}

static bool
is_too_slow(const struct connection *connection, int64_t now)
{
	const struct kg_config *config = connection->listener->http->config;
	const struct kg_http_exchange *exchange = connection->exchange;
	double elapsed_s =
	    (double)(now - exchange->body.start_mono_ns) / (double)KDB_NS_PER_SECOND;

	return (double)exchange->body.len < (double)config->min_body_rate * elapsed_s;
}

static void
expire_one(struct connection *connection, int64_t now)
{
	if (connection->phase != PHASE_BODY_GRACE && connection->phase != PHASE_BODY_PACE)
		cut(connection);
	else if (is_too_slow(connection, now))
		cut(connection);
	else
		set_phase(connection, PHASE_BODY_PACE);
}

static struct connection *
first_of(struct kg_http *http, enum phase phase)
{
	struct kdb_list *list = &http->phases[phase];

	return kdb_list_is_empty(list) ? NULL
				       : KDB_LIST_ITEM(list->next, struct connection, link);
}

static void
expire(struct kg_http *http)
{
	for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
		struct connection *first;

		while ((first = first_of(http, phase)) != NULL &&
		    first->due_mono_ns <= http->now_mono_ns)
			expire_one(first, http->now_mono_ns);
	}
}

static int64_t
next_due(struct kg_http *http)
{
	int64_t due = INT64_MAX;

	for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
		const struct connection *first = first_of(http, phase);

		if (first != NULL && first->due_mono_ns < due)
			due = first->due_mono_ns;
	}
	return due;
}

static void
open_connection(struct listener *listener, struct MHD_Connection *library, void **slot)
{
	struct kg_http *http = listener->http;
	struct connection *connection = kdb_alloc_zero(1, sizeof(*connection));
	struct epoll_event event = { .events = EPOLLET, .data.ptr = connection };

	kdb_list_init(&connection->link);
	connection->listener = listener;
	connection->fd =
	    MHD_get_connection_info(library, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	*slot = connection;
	/* Asks for nothing, so only errors and the end of both directions are told: a reset. */
	epoll_ctl(http->reset_fd, EPOLL_CTL_ADD, connection->fd, &event);
	set_phase(connection, PHASE_HEAD);
	if (http->connection_count++ < http->config->max_connections)
		return;
	if (first_of(http, PHASE_IDLE) != NULL)
		cut(first_of(http, PHASE_IDLE));
	else
		connection->is_excess = true;
}

static void
close_connection(struct connection *connection)
{
	connection->listener->http->connection_count--;
	kdb_list_remove(&connection->link);
	free(connection);
}

static void
notify_connection(void *context, struct MHD_Connection *library, void **slot,
    enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		open_connection(context, library, slot);
	else if (*slot != NULL)
		close_connection(*slot);
}

/* A client that has reset its connection will not read an answer. */
static void
take_resets(struct kg_http *http)
{
	struct epoll_event events[RESETS_PER_WAIT];
	int count = epoll_wait(http->reset_fd, events, RESETS_PER_WAIT, 0);

	for (int i = 0; i < count; i++) {
		struct connection *connection = events[i].data.ptr;

		connection->is_reset = true;
		if (connection->phase == PHASE_BUSY && connection->exchange != NULL &&
		    connection->exchange->stage == STAGE_WAITING)
			http->handler->gone(connection->exchange->request);
	}
}

/* Exchanges: the head. */

static struct connection *
connection_of(struct MHD_Connection *library)
{
	return MHD_get_connection_info(library, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

/* The library calls this when it has the request line, before the fields. */
static void *
start_exchange(void *context, const char *target, struct MHD_Connection *library)
{
	struct connection *connection = connection_of(library);
	struct kg_http_exchange *exchange = kdb_alloc_zero(1, sizeof(*exchange));
	char *question = strchr(target, '?');

	(void)context;
	kdb_list_init(&exchange->ready_link);
	exchange->http = connection->listener->http;
	exchange->connection = connection;
	exchange->library = library;
	exchange->target_len = strlen(target);
	exchange->target = kdb_alloc_text(target, exchange->target_len);
	/* The library goes on to make a record of each argument, and hangs when there are more
	 * than fit. The text is in its buffer, and it writes to it next: it shall find none. */
	if (question != NULL)
		question[1] = '\0';
	connection->exchange = exchange;
	set_phase(connection, PHASE_HEAD);
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
	list->items[list->count++] =
	    (struct kg_head_field){ name, name_len, value == NULL ? "" : value, value_len };
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

/* How much of the connection's memory a head takes (api-design 15.3). The library makes records
 * of fields, and of cookies, which it copies, too. */
static size_t
head_bytes(const struct kg_head *head, size_t header_size)
{
	size_t records = head->field_count;
	size_t copied = 0;

	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *field = &head->fields[i];

		if (!kg_head_is_equal(field->name, field->name_len, MHD_HTTP_HEADER_COOKIE))
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

/* An answer in the first call makes the library close the connection, so where no body comes
 * it waits for the second call. */
static enum MHD_Result
after_head(struct kg_http_exchange *exchange, enum kg_http_next next)
{
	struct connection *connection = exchange->connection;

	if (next == KG_HTTP_READ_BODY) {
		exchange->stage = STAGE_BODY;
		exchange->body.start_mono_ns = exchange->http->now_mono_ns;
		set_phase(connection, PHASE_BODY_GRACE);
		return MHD_YES;
	}
	exchange->stage = STAGE_ANSWERED;
	set_phase(connection, PHASE_SENDING);
	if (!exchange->body.is_announced && !exchange->is_cramped)
		return MHD_YES;
	kg_http_answer_close(exchange);
	return send_answer(exchange);
}

static size_t
all_bytes(const struct kg_http_exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(exchange->library, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info == NULL ? 0 : info->header_size;
}

static enum MHD_Result
take_head(struct kg_http_exchange *exchange, const char *method, const char *version)
{
	static struct field_list fields; /* only while the head is looked at */
	const struct kg_http_handler *handler = exchange->http->handler;
	struct kg_head head = { .method = method,
		.target = exchange->target,
		.target_len = exchange->target_len,
		.is_http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0,
		.fields = fields.items,
		.is_tcp = exchange->connection->listener->socket->unix_path == NULL };
	enum kg_http_next next;

	fields.count = 0;
	MHD_get_connection_values_n(
	    exchange->library, MHD_HEADER_KIND, collect_field, &fields);
	head.field_count = fields.count;
	head.size = head_bytes(&head, all_bytes(exchange)) + ANSWER_HEAD_BYTES;
	exchange->is_cramped = fields.count > KG_HEAD_FIELDS_MAX ||
	    head.size > exchange->http->config->max_header_bytes;
	exchange->is_head_method = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	kg_head_index(&head);
	read_framing(exchange, &head);
	exchange->head = &head;
	exchange->request = handler->new(handler->context, exchange);
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

bool
kg_http_expect_body(struct kg_http_exchange *exchange, size_t max_len)
{
	size_t len =
	    exchange->body.has_length ? (size_t)exchange->body.declared_len : 0;

	exchange->body.max_len = max_len;
	if (!reserve(exchange, len))
		return false;
	if (len > 0 && (exchange->body.bytes = malloc(len)) == NULL)
		return false;
	exchange->body.capacity = len;
	exchange->is_admitted = true;
	exchange->http->admitted_count++;
	return true;
}

void
kg_http_drop_body(struct kg_http_exchange *exchange)
{
	free(exchange->body.bytes);
	exchange->body.bytes = NULL;
	exchange->body.capacity = 0;
}

/* Grows the buffer of a chunked body. */
static enum kg_http_body
make_room(struct kg_http_exchange *exchange, size_t len)
{
	size_t max_len = exchange->body.max_len;
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

/* A body that is refused is still read, because the library cannot answer in the middle of it;
 * but not for ever. */
static enum MHD_Result
discard(struct kg_http_exchange *exchange, size_t len)
{
	exchange->body.len += len;
	return exchange->body.len > 2 * exchange->body.max_len ? MHD_NO : MHD_YES;
}

static enum MHD_Result
take_body(struct kg_http_exchange *exchange, const char *bytes, size_t len)
{
	if (exchange->body.state == KG_HTTP_BODY_WHOLE)
		exchange->body.state = make_room(exchange, exchange->body.len + len);
	if (exchange->body.state != KG_HTTP_BODY_WHOLE) {
		kg_http_drop_body(exchange);
		return discard(exchange, len);
	}
	memcpy(exchange->body.bytes + exchange->body.len, bytes, len);
	exchange->body.len += len;
	return MHD_YES;
}

enum kg_http_body
kg_http_body(const struct kg_http_exchange *exchange, const char **bytes, size_t *len)
{
	*bytes = exchange->body.bytes == NULL ? "" : exchange->body.bytes;
	*len = exchange->body.len;
	return exchange->body.state;
}

static enum MHD_Result
end_body(struct kg_http_exchange *exchange)
{
	set_phase(exchange->connection, PHASE_BUSY);
	if (exchange->http->handler->run(exchange->request) == KG_HTTP_WAIT)
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
	switch (exchange->stage) {
	case STAGE_HEAD:
		return take_head(exchange, method, version);
	case STAGE_BODY:
		if (*upload_len == 0)
			return end_body(exchange);
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
	exchange->own_body = body;
	exchange->own_body_len = len;
	kdb_buffer_init(&exchange->own_head, ANSWER_HEAD_BYTES);
	kdb_buffer_put_printf(&exchange->own_head, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n",
	    exchange->status, MHD_get_reason_phrase_for(exchange->status), len);
}

/* No answer is under way on this connection, and none comes after this one, so writing past the
 * library mixes up nothing. A peer that takes nothing does without. */
static enum MHD_Result
send_own_answer(struct kg_http_exchange *exchange)
{
	struct iovec parts[3] = {
		{ exchange->own_head.data, exchange->own_head.len },
		{ (char[]){ '\r', '\n' }, 2 },
		{ exchange->own_body, exchange->is_head_method ? 0 : exchange->own_body_len },
	};
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };

	exchange->is_own_sent =
	    sendmsg(exchange->connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
	return MHD_NO;
}

void
kg_http_answer(struct kg_http_exchange *exchange, unsigned status, char *body, size_t len)
{
	exchange->status = status;
	if (exchange->is_cramped) {
		start_own_answer(exchange, body, len);
		return;
	}
	exchange->response = MHD_create_response_from_buffer(
	    len, body, body == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
	if (exchange->response == NULL)
		abort(); /* out of memory, like base/alloc */
	if (exchange->connection->is_excess)
		kg_http_answer_close(exchange);
}

void
kg_http_answer_field(struct kg_http_exchange *exchange, const char *name, const char *value)
{
	if (exchange->is_cramped)
		kdb_buffer_put_printf(&exchange->own_head, "%s: %s\r\n", name, value);
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
	set_phase(exchange->connection, PHASE_SENDING);
	if (exchange->must_close)
		kg_http_answer_field(exchange, MHD_HTTP_HEADER_CONNECTION, "close");
	if (exchange->is_cramped)
		return send_own_answer(exchange);
	result = MHD_queue_response(exchange->library, exchange->status, exchange->response);
	MHD_destroy_response(exchange->response);
	exchange->response = NULL;
	return result;
}

static enum kg_http_end
how_ended(const struct kg_http_exchange *exchange, enum MHD_RequestTerminationCode code)
{
	if (exchange->connection->phase == PHASE_CLOSING)
		return KG_HTTP_TOO_SLOW;
	if (exchange->is_own_sent)
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
	(void)library;
	if (exchange == NULL)
		return;
	*slot = NULL;
	http = exchange->http;
	if (exchange->request != NULL)
		http->handler->free(exchange->request, how_ended(exchange, code));
	exchange->connection->exchange = NULL;
	set_phase(exchange->connection, PHASE_IDLE);
	http->inflight_bytes -= exchange->body.reserved_len;
	http->admitted_count -= exchange->is_admitted;
	if (exchange->response != NULL)
		MHD_destroy_response(exchange->response);
	kg_http_drop_body(exchange);
	kdb_buffer_dispose(&exchange->own_head);
	free(exchange->own_body);
	free(exchange->target);
	free(exchange);
}

/* Waiting for other threads. */

void
kg_http_suspend(struct kg_http_exchange *exchange)
{
	exchange->stage = STAGE_WAITING;
	MHD_suspend_connection(exchange->library);
}

void
kg_http_ready(struct kg_http_exchange *exchange)
{
	struct kg_http *http = exchange->http;

	pthread_mutex_lock(&http->ready_mutex);
	kdb_list_push_back(&http->ready, &exchange->ready_link);
	pthread_mutex_unlock(&http->ready_mutex);
}

void
kg_http_wake(struct kg_http *http)
{
	const uint64_t one = 1;
	ssize_t written;

	/* A loop that is awake looks at the list before it sleeps. */
	if (!atomic_exchange(&http->is_asleep, false))
		return;
	do
		written = write(http->wake_fd, &one, sizeof(one));
	while (written < 0 && errno == EINTR);
}

static bool
has_ready(struct kg_http *http)
{
	bool result;

	pthread_mutex_lock(&http->ready_mutex);
	result = !kdb_list_is_empty(&http->ready);
	pthread_mutex_unlock(&http->ready_mutex);
	return result;
}

static void
run_ready(struct kg_http *http)
{
	struct kdb_list taken;
	struct kdb_list *link;

	kdb_list_init(&taken);
	pthread_mutex_lock(&http->ready_mutex);
	kdb_list_splice_back(&taken, &http->ready);
	pthread_mutex_unlock(&http->ready_mutex);
	while ((link = kdb_list_pop_front(&taken)) != NULL) {
		struct kg_http_exchange *exchange =
		    KDB_LIST_ITEM(link, struct kg_http_exchange, ready_link);

		if (http->handler->run(exchange->request) == KG_HTTP_WAIT)
			continue;
		send_answer(exchange);
		MHD_resume_connection(exchange->library);
		exchange->connection->listener->must_run = true;
	}
}

/* The loop. */

/* Lets the library work until it has nothing to do, but not for ever. */
static void
run_listener(struct listener *listener, int max_runs)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;

	for (int i = 0; i < max_runs && listener->must_run; i++) {
		MHD_run(listener->daemon);
		listener->must_run =
		    MHD_get_timeout(listener->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0;
	}
}

static bool
run_listeners(struct kg_http *http, int max_runs)
{
	bool must_run = false;

	for (size_t i = 0; i < http->sockets.count; i++) {
		run_listener(&http->listeners[i], max_runs);
		must_run |= http->listeners[i].must_run;
	}
	return must_run;
}

static int
sleep_ms(struct kg_http *http, bool must_run)
{
	int64_t due = next_due(http);
	int64_t wait_ns;

	if (must_run || has_ready(http))
		return 0;
	if (http->drain == DRAIN_REQUESTS && http->drain_due_mono_ns < due)
		due = http->drain_due_mono_ns;
	if (http->drain == DRAIN_QUIET && http->last_event_mono_ns + quiet_ns < due)
		due = http->last_event_mono_ns + quiet_ns;
	if (due == INT64_MAX)
		return -1;
	wait_ns = due - http->now_mono_ns;
	if (wait_ns <= 0)
		return 0;
	wait_ns = (wait_ns + KDB_NS_PER_MS - 1) / KDB_NS_PER_MS;
	return wait_ns > INT_MAX ? INT_MAX : (int)wait_ns;
}

/* Sleeps until something happens, and marks the listeners that have work. */
static void
wait_for_events(struct kg_http *http, bool must_run)
{
	int count;

	atomic_store(&http->is_asleep, true);
	count = poll(http->polled, POLL_FIXED + http->sockets.count, sleep_ms(http, must_run));
	atomic_store(&http->is_asleep, false);
	http->now_mono_ns = kdb_clock_mono_ns();
	if (count <= 0) {
		for (size_t i = 0; i < POLL_FIXED + http->sockets.count; i++)
			http->polled[i].revents = 0;
		return;
	}
	http->last_event_mono_ns = http->now_mono_ns;
	for (size_t i = 0; i < http->sockets.count; i++)
		if (http->polled[POLL_FIXED + i].revents != 0)
			http->listeners[i].must_run = true;
}

static void
take_wake(struct kg_http *http)
{
	uint64_t count;

	if (read(http->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		kg_log(KG_LOG_ERROR, "wake-up: %s", strerror(errno));
}

static void
take_signals(struct kg_http *http)
{
	struct signalfd_siginfo signal;

	while (read(http->signal_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
		if (signal.ssi_signo == SIGHUP) {
			kg_log(KG_LOG_INFO, "SIGHUP: the configuration is read at start only");
		} else if (http->drain == DRAIN_NO) {
			kg_log(KG_LOG_INFO, "stopping: requests in progress are finished");
			http->drain = DRAIN_REQUESTS;
			http->drain_due_mono_ns =
			    http->now_mono_ns + http->config->drain_timeout_ns;
		} else {
			kg_log(KG_LOG_WARNING, "stopping at once");
			http->drain = DRAIN_DONE;
		}
	}
}

/* Closes the listening sockets, after everybody who could already send was let in. */
static void
close_listeners(struct kg_http *http)
{
	for (size_t i = 0; i < http->sockets.count; i++) {
		struct listener *listener = &http->listeners[i];
		struct pollfd waiting = { .fd = listener->socket->fd, .events = POLLIN };

		kg_listen_stop_new(listener->socket);
		while (poll(&waiting, 1, 0) > 0 &&
		    http->connection_count <
			http->config->max_connections + EXCESS_CONNECTIONS) {
			listener->must_run = true;
			run_listener(listener, 1);
		}
		MHD_quiesce_daemon(listener->daemon);
		close(listener->socket->fd);
		listener->socket->fd = -1;
		listener->must_run = true;
	}
}

static bool
is_quiet(struct kg_http *http)
{
	return http->now_mono_ns - http->last_event_mono_ns >= quiet_ns &&
	    first_of(http, PHASE_SENDING) == NULL;
}

static void
advance_drain(struct kg_http *http)
{
	bool is_over = http->now_mono_ns >= http->drain_due_mono_ns;

	if (http->drain == DRAIN_REQUESTS && (http->admitted_count == 0 || is_over)) {
		if (http->admitted_count > 0)
			kg_log(KG_LOG_WARNING, "%zu requests are cut off: the drain time is over",
			    http->admitted_count);
		close_listeners(http);
		http->drain = DRAIN_QUIET;
		http->last_event_mono_ns = http->now_mono_ns;
	} else if (http->drain == DRAIN_QUIET &&
	    (http->connection_count == 0 || is_over || is_quiet(http))) {
		http->drain = DRAIN_DONE;
	}
}

void
kg_http_run(struct kg_http *http, const struct kg_http_handler *handler)
{
	bool must_run = true;

	http->handler = handler;
	while (http->drain != DRAIN_DONE) {
		wait_for_events(http, must_run);
		if (http->polled[0].revents != 0)
			take_wake(http);
		if (http->polled[1].revents != 0)
			take_signals(http);
		if (http->polled[2].revents != 0)
			take_resets(http);
		/* What is left over after one turn is joined with the answers that are ready. */
		run_listeners(http, 1);
		run_ready(http);
		must_run = run_listeners(http, RUNS_PER_ROUND);
		handler->round(handler->context);
		expire(http);
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
	int len = vsnprintf(text, sizeof(text), format, arguments);

	(void)context;
	if (len > 0 && len < (int)sizeof(text) && text[len - 1] == '\n')
		text[len - 1] = '\0';
	kg_log(KG_LOG_DEBUG, "http: %s", text);
}

static bool
start_listener(struct kg_http *http, size_t index)
{
	struct listener *listener = &http->listeners[index];
	const struct kg_config *config = http->config;

	listener->http = http;
	listener->socket = &http->sockets.items[index];
	listener->must_run = true;
	listener->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
	    listener, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL, MHD_OPTION_LISTEN_SOCKET,
	    listener->socket->fd, MHD_OPTION_STRICT_FOR_CLIENT, -1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	    MHD_OPTION_URI_LOG_CALLBACK, start_exchange, NULL, MHD_OPTION_NOTIFY_COMPLETED,
	    end_exchange, NULL, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, listener,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->max_header_bytes,
	    MHD_OPTION_CONNECTION_LIMIT, config->max_connections + EXCESS_CONNECTIONS,
	    MHD_OPTION_END);
	if (listener->daemon == NULL)
		return false;
	listener->epoll_fd =
	    MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	http->polled[POLL_FIXED + index] =
	    (struct pollfd){ .fd = listener->epoll_fd, .events = POLLIN };
	return true;
}

static bool
start_listeners(struct kg_http *http, char **error_text)
{
	size_t count = http->sockets.count;

	http->listeners = kdb_alloc_zero(count, sizeof(*http->listeners));
	http->polled = kdb_alloc_zero(POLL_FIXED + count, sizeof(*http->polled));
	http->polled[0] = (struct pollfd){ .fd = http->wake_fd, .events = POLLIN };
	http->polled[1] = (struct pollfd){ .fd = http->signal_fd, .events = POLLIN };
	http->polled[2] = (struct pollfd){ .fd = http->reset_fd, .events = POLLIN };
	for (size_t i = 0; i < count; i++) {
		if (start_listener(http, i))
			continue;
		*error_text = kdb_alloc_printf(
		    "listen: %s: the HTTP library does not start", http->sockets.items[i].name);
		return false;
	}
	return true;
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
kg_http_new(const struct kg_config *config, char **error_text)
{
	struct kg_http *http = kdb_alloc_zero(1, sizeof(*http));

	http->config = config;
	http->now_mono_ns = kdb_clock_mono_ns();
	kdb_list_init(&http->ready);
	for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
		kdb_list_init(&http->phases[phase]);
	pthread_mutex_init(&http->ready_mutex, NULL);
	http->signal_fd = open_signals();
	http->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	http->reset_fd = epoll_create1(EPOLL_CLOEXEC);
	if (http->signal_fd < 0 || http->wake_fd < 0 || http->reset_fd < 0)
		*error_text = kdb_alloc_printf("event descriptors: %s", strerror(errno));
	else if (kg_listen_open(config, &http->sockets, error_text) &&
	    start_listeners(http, error_text))
		return http;
	kg_http_free(http);
	return NULL;
}

void
kg_http_stop(struct kg_http *http)
{
	/* The library aborts when it is stopped with a suspended connection. */
	while (has_ready(http))
		run_ready(http);
	run_listeners(http, RUNS_PER_ROUND);
}

void
kg_http_free(struct kg_http *http)
{
	for (size_t i = 0; http->listeners != NULL && i < http->sockets.count; i++) {
		struct listener *listener = &http->listeners[i];

		/* The library closes its listening socket unless it was quiesced. */
		if (listener->daemon == NULL)
			continue;
		if (listener->socket->fd >= 0)
			kg_listen_stop_new(listener->socket);
		MHD_stop_daemon(listener->daemon);
		listener->socket->fd = -1;
	}
	kg_listen_dispose(&http->sockets);
	close(http->wake_fd);
	close(http->signal_fd);
	close(http->reset_fd);
	pthread_mutex_destroy(&http->ready_mutex);
	free(http->listeners);
	free(http->polled);
	free(http);
}

/* What a request asks. */

bool
kg_http_is_draining(const struct kg_http *http)
{
	return http->drain != DRAIN_NO;
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
	const struct kg_listen_socket *socket = exchange->connection->listener->socket;

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
