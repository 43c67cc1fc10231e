/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_REQUEST_H
#define KG_REQUEST_H

#include "client-core/client.h"
#include "daemon/append_body.h"
#include "daemon/auth.h"
#include "daemon/claim.h"
#include "daemon/http.h"
#include "daemon/parameters.h"
#include "daemon/router.h"
#include "daemon/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One request from its head to its answer (architecture 3). It has one owner at a time:
 * the HTTP loop, or from submit to completion the client. Everything here runs on the
 * HTTP loop, but kg_request_completed() and kg_request_wake().
 */

/* What all requests share. */
struct kg_gateway {
	const struct kg_config *config;
	struct kdb_client *client;
	struct kg_http *http;
	int64_t started_wall_ns;
	struct kdb_client_status status; /* as of status_mono_ns */
	int64_t status_mono_ns;
	struct kg_key_table keys;
	uint8_t key_seed[16];
};

struct kg_request;

/* What distinguishes the routes from each other; const data, one in each file of
 * endpoints/. */
struct kg_endpoint {
	const char *operation; /* operationId of the contract */
	unsigned takes;        /* bits of enum kg_takes */
	bool is_probe;         /* answers while draining; logged at debug level */
	/* Of a GET: answers, or sets the refusal. NULL: this is a write, which has the
	 * rest. */
	void (*answer)(struct kg_request *request);
	const char *requires; /* the server's version that has the operation */
	bool (*is_supported)(const struct kdb_client_status *status);
	/* Reads the body; false: the refusal is set. */
	bool (*decode)(struct kg_request *request);
	/* Makes the operation; NULL: the refusal is set. */
	struct kdb_operation *(*prepare)(struct kg_request *request);
	/* When an operation has finished: the next one that the request needs, or NULL when
	 * that was the last, or when the refusal is set. The finished one is freed by the
	 * caller. NULL: one operation does. */
	struct kdb_operation *(*proceed)(struct kg_request *request);
	/* Answers a success, or sets the refusal for an error. */
	void (*encode)(struct kg_request *request);
	/* Frees what `own` holds; called once at the end, also when `own` is NULL. NULL:
	 * nothing to do. */
	void (*dispose)(struct kg_request *request);
};

#define KG_ROUTE(name, method, template, endpoint)                                       \
	extern const struct kg_endpoint endpoint;
#include "daemon/routes.def"
#undef KG_ROUTE

/* What an append to one stream adds to a request. */
struct kg_request_append {
	struct kg_append_body body; /* until it is packed into the operation */
	int64_t expected_version;
};

struct kg_request_times {
	int64_t start_mono_ns;    /* the head was there */
	int64_t whole_mono_ns;    /* the body was there */
	int64_t submit_mono_ns;   /* 0: never */
	int64_t timeout_ns;       /* the effective one */
	int64_t asked_timeout_ns; /* of the request whose question was answered */
	int64_t queued_ns;
	int64_t database_ns;
};

/* For the line in the log. */
struct kg_request_log {
	unsigned status;
	const char *code;
	const char *outcome;
	size_t body_len;
};

enum { KG_REQUEST_ID_MAX = 128, KG_REQUEST_METHOD_SIZE = 16 };

struct kg_request {
	struct kg_gateway *gateway;
	struct kg_http_exchange *exchange;
	int step;
	char id[KG_REQUEST_ID_MAX + 1];
	char method[KG_REQUEST_METHOD_SIZE];
	struct kg_target target;
	struct kg_router_match match;
	const struct kg_endpoint *endpoint;
	struct kg_credentials credentials;
	struct kg_parameters parameters;
	struct kg_write write;
	struct kg_claim claim;
	struct kg_request_append append;
	void *own; /* what only this endpoint has; see kg_endpoint.dispose */
	struct kdb_operation *operation;
	bool is_submitted;
	bool is_gone;               /* the client went away while it waited */
	struct kg_refusal *refusal; /* only while the steps run */
	bool must_close;
	struct kg_request_times times;
	struct kg_request_log log;
};

/* Begins to serve: the functions of the handler that kg_http_run() wants; context is a
 * kg_gateway. */
void kg_request_handler(struct kg_gateway *gateway, struct kg_http_handler *handler);

/* When kg_http_stop() has returned: frees what the requests shared. */
void kg_request_stop(struct kg_gateway *gateway);

/* For kdb_client_config: completion, and wake with a kg_gateway. Any thread. */
void kg_request_completed(struct kdb_operation *operation, void *context);
void kg_request_wake(void *context);

/* What is known of the database, not older than a quarter of a second. */
const struct kdb_client_status *kg_request_status(struct kg_request *request);

/* Adds to a refusal as operation-not-supported which version the database says it has. */
void kg_request_name_server(struct kg_request *request);

/* Answers with a body that was written, whose content is taken. */
void kg_request_answer(struct kg_request *request, unsigned status,
    const char *media_type, struct kdb_buffer *body);

/* Answers 200 with bytes that are never freed. */
void kg_request_answer_constant(
    struct kg_request *request, const char *media_type, const char *bytes, size_t len);

/* Writes a time as RFC 3339 in UTC, to the second; "" when it cannot be written. */
enum { KG_REQUEST_TIME_SIZE = 32 };
void kg_request_print_time(int64_t wall_ns, char text[KG_REQUEST_TIME_SIZE]);

/* Adds a field to the answer. */
void kg_request_answer_field(
    struct kg_request *request, const char *name, const char *value);

#endif
