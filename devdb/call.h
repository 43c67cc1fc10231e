/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_CALL_H
#define DEVDB_CALL_H

#include "client-core/base/list.h"
#include "devdb/identity.h"

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct devdb_call;
struct devdb_node;

/*
 * One gRPC method. The functions run on the server's thread, never for a call that is
 * over. A method answers with devdb_call_send() and devdb_call_finish().
 */
struct devdb_method {
	const char *service;
	const char *name;
	const char *label; /* how faults and statistics call it */
	size_t max_message_bytes;
	bool is_bidirectional; /* answers are not the end of the call */
	/* Sets call->state; may be NULL. */
	void (*start)(struct devdb_call *call);
	/* One request message; bytes are borrowed. */
	void (*message)(struct devdb_call *call, const uint8_t *bytes, size_t len);
	/* The client has sent its last message, and did not cancel. */
	void (*half_close)(struct devdb_call *call);
	/* End of a burst of messages; may be NULL. */
	void (*flush)(struct devdb_call *call);
	/* Nothing is queued for sending; may be NULL. */
	void (*drained)(struct devdb_call *call);
	/* The call is over: frees what the method keeps in call->state; may be NULL. */
	void (*end)(struct devdb_call *call);
};

enum devdb_tag_kind {
	DEVDB_TAG_NEW,
	DEVDB_TAG_RECEIVED,
	DEVDB_TAG_SENT,
	DEVDB_TAG_CLOSED,
	DEVDB_TAG_GONE,
	DEVDB_TAG_ORDERED
};

struct devdb_tag {
	struct devdb_call *call;
	enum devdb_tag_kind kind;
};

struct devdb_trailer {
	const char *key;
	const void *value;
	size_t len;
};

#define DEVDB_MAX_TRAILERS 4

struct devdb_outgoing {
	struct kdb_list link;
	grpc_byte_buffer *message;
	size_t len;
};

/* A call; methods use node, method, state and identity, the rest belongs to call.c and server.c. */
struct devdb_call {
	struct devdb_node *node;
	const struct devdb_method *method;
	void *state;
	struct devdb_identity identity; /* set before the method starts */

	grpc_call *grpc;
	grpc_call_details details;
	grpc_metadata_array metadata;
	struct devdb_tag new_tag, received_tag, sent_tag, closed_tag;
	struct kdb_list by_server; /* in the server's list of calls */
	struct kdb_list by_touch;  /* in the list of calls to flush */
	struct kdb_list *touched;  /* head of that list */
	unsigned refs;

	grpc_byte_buffer *received;
	struct kdb_list outgoing;
	size_t outgoing_bytes;
	grpc_status_code status;
	grpc_slice status_text;
	grpc_metadata trailers[DEVDB_MAX_TRAILERS];
	size_t trailer_count;
	int was_cancelled;
	int64_t muted_until_mono_ns;
	bool is_receiving, is_sending;
	bool has_sent_headers, has_status, has_sent_status;
	bool is_half_closed, is_half_close_handled;
	bool is_over;   /* closed by either side; nothing may be sent */
	bool is_frozen; /* a fault: neither reads nor answers any more */
};

/* Starts the call that `grpc` has just delivered: it is read from then on. */
void devdb_call_start(struct devdb_call *call, const struct devdb_method *method);

/* Handles a completed operation. */
void devdb_call_received(struct devdb_call *call, bool is_ok);
void devdb_call_sent(struct devdb_call *call, bool is_ok);
void devdb_call_closed(struct devdb_call *call);

/* What is due at the end of a burst: half-close, flush, sending. */
void devdb_call_flush(struct devdb_call *call);

/* Asks for a flush at the end of the burst. */
void devdb_call_touch(struct devdb_call *call);

/* Queues a message; takes it. Dropped when the call is over or has its status. */
void devdb_call_send(struct devdb_call *call, grpc_byte_buffer *message);

/* Ends the call once everything queued is sent; copies all it is given. Only the first
 * finish counts. */
void devdb_call_finish(struct devdb_call *call, grpc_status_code status, const char *text,
    const struct devdb_trailer *trailers, size_t trailer_count);

/* The same with a text that may hold any bytes. */
void devdb_call_finish_bytes(struct devdb_call *call, grpc_status_code status,
    const void *text, size_t text_len, const struct devdb_trailer *trailers,
    size_t trailer_count);

/* Whether the method may still answer. */
bool devdb_call_is_open(const struct devdb_call *call);

/* Faults: never answers again; answers only after a while; ends by a reset. */
void devdb_call_freeze(struct devdb_call *call);
void devdb_call_delay(struct devdb_call *call, int64_t delay_ms);
void devdb_call_reset(struct devdb_call *call);

/* Keeps the struct alive over an event that is still to come. */
void devdb_call_ref(struct devdb_call *call);
void devdb_call_unref(struct devdb_call *call);

/* The first value of a request header, borrowed; false when absent. */
bool devdb_call_header(
    const struct devdb_call *call, const char *key, const char **value, size_t *len);

#endif
