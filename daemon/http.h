/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_HTTP_H
#define KG_HTTP_H

#include "client-core/base/list.h"
#include "daemon/config.h"
#include "daemon/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * HTTP connections: listeners, the loop, bounded bodies, deadlines of slow and idle
 * peers, suspend and resume, and the drain at the end (api-design 15.3, 15.4, 16). Knows
 * nothing of routes and databases: it hands each request to a handler and sends what the
 * handler answers.
 *
 * Threads. One thread, which calls kg_http_run(), calls everything here and all of the
 * handler's functions, except where a comment says "any thread".
 */
struct kg_http;

/* One request and its answer on a connection; from its head until the answer is sent. */
struct kg_http_exchange;

enum kg_http_next {
	KG_HTTP_READ_BODY, /* after the head: kg_http_expect_body() was called */
	KG_HTTP_WAIT, /* kg_http_suspend() was called: run again after kg_http_ready() */
	KG_HTTP_ANSWER, /* kg_http_answer() was called */
};

/* How an exchange ended. */
enum kg_http_end {
	KG_HTTP_SENT,     /* the answer was handed to the system */
	KG_HTTP_CLOSED,   /* the client went away */
	KG_HTTP_TOO_SLOW, /* closed by a deadline */
};

/* What the request side does. Functions get `context`, or what new() returned. */
struct kg_http_handler {
	void *context;
	/* A head has arrived: makes the object of a request. run() follows at once. */
	void *(*new)(void *context, struct kg_http_exchange *exchange);
	/* Works until the request must wait or has its answer: called with the head, with
	 * the body, and after kg_http_ready(). */
	enum kg_http_next (*run)(void *request);
	/* The client reset its connection while the request waits. It is run again as
	 * usual. */
	void (*gone)(void *request);
	/* The last call for a request. */
	void (*free)(void *request, enum kg_http_end end);
	/* Once per round of the loop, after all requests were run. Returns when to come back
	 * at the latest, on the monotonic clock; INT64_MAX: no matter. */
	int64_t (*round)(void *context);
};

/* Beyond max_connections, so many more connections are opened to be told so. */
enum { KG_HTTP_EXCESS_CONNECTIONS = 64 };

/* Opens the listeners. NULL: *error_text says why, and the caller frees it. The
 * configuration is borrowed until kg_http_free(); max_connections is its number, or less
 * where the system allows less. Blocks SIGTERM, SIGINT and SIGHUP for the calling thread
 * and those it makes later. */
struct kg_http *kg_http_new(
    const struct kg_config *config, size_t max_connections, char **error_text);

/* Serves until SIGTERM or SIGINT has drained it, or the drain time is over, or a second
 * signal came. Requests may still wait then. */
void kg_http_run(struct kg_http *http, const struct kg_http_handler *handler);

/* Runs requests that became ready since kg_http_run() returned, sends their answers, and
 * closes every connection. No request may wait any longer: stop what calls
 * kg_http_ready() first. */
void kg_http_stop(struct kg_http *http);

/* Frees a stopped one, or one that was never run. */
void kg_http_free(struct kg_http *http);

/* Whether new requests are to be refused, because the daemon stops. */
bool kg_http_is_draining(const struct kg_http *http);

/* Whether kg_http_stop() was called: requests that are run now must not wait any more. */
bool kg_http_is_stopped(const struct kg_http *http);

/* Tells the loop that calls of kg_http_ready() are over for now. Any thread. */
void kg_http_wake(struct kg_http *http);

struct kg_http *kg_http_of(const struct kg_http_exchange *exchange);

/* The head; only while run() is called for the first time, else NULL. Texts of it stay
 * valid until free(). */
struct kg_head *kg_http_head(struct kg_http_exchange *exchange);

/* The connection came in over TCP loopback or a unix socket. */
bool kg_http_is_local(const struct kg_http_exchange *exchange);

/* The connection is one more than are allowed: answer 503, it is closed then. */
bool kg_http_is_excess(const struct kg_http_exchange *exchange);

/* Whether the head announced a body, and its declared length; false for a chunked one. */
bool kg_http_has_body(const struct kg_http_exchange *exchange);
bool kg_http_body_length(const struct kg_http_exchange *exchange, uint64_t *len);

/* Counts the request as one in progress, which a drain waits for, and reserves room for
 * its body of at most max_len bytes; of one in gzip form that is what comes out, which is
 * all that is kept. False: the bytes in flight would be too many. */
bool kg_http_expect_body(
    struct kg_http_exchange *exchange, size_t max_len, bool is_gzip);

enum kg_http_body {
	KG_HTTP_BODY_WHOLE,
	KG_HTTP_BODY_TOO_LARGE,
	KG_HTTP_BODY_NO_ROOM,
	KG_HTTP_BODY_BROKEN_GZIP,
	KG_HTTP_BODY_LONG_TRAILERS, /* they and the head leave no memory for the answer */
};

/* The body after it was read; it stays the exchange's. *len means nothing unless it is
 * whole. */
enum kg_http_body kg_http_body(
    const struct kg_http_exchange *exchange, const char **bytes, size_t *len);

/* What a body in gzip form could grow to, by its compressed length and max_len. */
uint64_t kg_http_gzip_limit(const struct kg_http_exchange *exchange);

/* Frees the bytes of the body early; the room stays reserved until the request ends. */
void kg_http_drop_body(struct kg_http_exchange *exchange);

/* The request waits from now on, or goes on waiting. Before the work is handed to another
 * thread. */
void kg_http_suspend(struct kg_http_exchange *exchange);

/* A suspended request is to be run again, in the loop. Exactly once per suspension. Any
 * thread; call kg_http_wake() afterwards. */
void kg_http_ready(struct kg_http_exchange *exchange);

/* Sets the answer. body (malloc, or NULL) is owned by the exchange from now on. */
void kg_http_answer(
    struct kg_http_exchange *exchange, unsigned status, char *body, size_t len);

/* The same with bytes that are never freed, so that many answers share them. */
void kg_http_answer_constant(struct kg_http_exchange *exchange, unsigned status,
    const char *body, size_t len);

/* Adds a field to the answer; texts are copied. Only after kg_http_answer(). */
void kg_http_answer_field(
    struct kg_http_exchange *exchange, const char *name, const char *value);

/* Closes the connection after the answer. Only after kg_http_answer(). */
void kg_http_answer_close(struct kg_http_exchange *exchange);

#endif
