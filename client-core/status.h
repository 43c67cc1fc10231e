/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_STATUS_H
#define KDB_STATUS_H

#include "client-core/error.h"
#include "client-core/topology.h"

#include <stdbool.h>
#include <stddef.h>

/* How a call ended: gRPC status, text, the trailers that a writer must read (wire-protocol 2.5,
 * 7.4) and the details of V2 (1.11), and the one place that makes errors of it. Pure. */

/* A typed detail; points into the trailer, which lives as long as `ended` of the call runs. */
struct kdb_status_detail {
	const char *type; /* full message name, without end */
	size_t type_len;
	const uint8_t *bytes;
	size_t len;
};

enum { KDB_STATUS_DETAILS_MAX = 4, KDB_STATUS_REASON_SIZE = 64 };

struct kdb_status {
	int code; /* gRPC status, see enum kdb_status_code */
	char text[KDB_ERROR_DETAIL_SIZE]; /* printable, cut */
	bool is_not_leader;		  /* the node says that it does not lead */
	struct kdb_endpoint redirect;	  /* usable when it has both host and port */
	bool is_credentials_pending; /* "Server not ready" of the authentication layer */
	bool is_stream_deleted;	     /* trailer exception = stream-deleted */
	char reason[KDB_STATUS_REASON_SIZE]; /* of V2's ErrorInfo; "": no details came */
	struct kdb_status_detail details[KDB_STATUS_DETAILS_MAX];
	size_t detail_count;
};

enum kdb_status_code {
	KDB_STATUS_OK = 0,
	KDB_STATUS_CANCELLED = 1,
	KDB_STATUS_UNKNOWN = 2,
	KDB_STATUS_DEADLINE_EXCEEDED = 4,
	KDB_STATUS_PERMISSION_DENIED = 7,
	KDB_STATUS_RESOURCE_EXHAUSTED = 8,
	KDB_STATUS_ABORTED = 10,
	KDB_STATUS_UNIMPLEMENTED = 12,
	KDB_STATUS_UNAVAILABLE = 14,
	KDB_STATUS_UNAUTHENTICATED = 16,
};

/* Starts a status from a finished call's code and text. */
void kdb_status_init(struct kdb_status *status, int code, const void *text, size_t len);

/* Takes one trailer into account; unknown ones are ignored. */
void kdb_status_add_trailer(struct kdb_status *status, const void *key, size_t key_len,
    const void *value, size_t value_len);

/* The detail of that type, such as "google.rpc.BadRequest"; NULL when there is none. */
const struct kdb_status_detail *kdb_status_find_detail(
    const struct kdb_status *status, const char *type);

/* Whether the server's refusal was larger than what our channel takes as metadata: its reasons
 * are lost (wire-protocol 1.12). */
bool kdb_status_is_oversized(const struct kdb_status *status);

/* Whether the server answered with a bare HTTP 500: no gRPC status, no trailers (2.5). */
bool kdb_status_is_http_500(const struct kdb_status *status);

/* How far an operation got on a call that ended without an answer for it. */
struct kdb_progress {
	bool is_complete; /* its last message was handed to the call; without it nothing was
			     written (wire-protocol 2.3) */
	bool is_alone;	  /* the call carried it alone: its status speaks about it */
	bool was_answered; /* the call answered other appends, so its handler had run */
	bool is_own_credentials; /* those of the connection string */
	const char *requires;	 /* the release that brought the method; a literal */
};

/* Whether the trailers name a leader to go to. */
bool kdb_status_has_redirect(const struct kdb_status *status);

/* The error of that operation. */
void kdb_status_to_error(const struct kdb_status *status, const struct kdb_progress *progress,
    struct kdb_error *error);

#endif
