/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_H
#define KDB_OPERATIONS_H

#include "client-core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Operations as plain C. Requests borrow: every pointer in them stays the caller's and is
 * read only inside the kdb_..._new() call that takes the request.
 */

struct kdb_bytes {
	const void *data;
	size_t len;
};

/* One event to be stored (wire-protocol 2.1). */
struct kdb_event {
	uint8_t id[16];		/* RFC 4122 order; never all zero */
	struct kdb_bytes type;	/* UTF-8, at least one byte */
	struct kdb_bytes data;	/* stored as it is; may be empty */
	struct kdb_bytes metadata; /* stored as it is; may be empty */
	bool is_json;		/* content type application/json, else application/octet-stream */
};

/* Append to one stream, atomically and in order. */
struct kdb_append_request {
	struct kdb_bytes stream_name; /* UTF-8, at least one byte, not "$$" */
	int64_t expected_version;     /* >= 0, or KDB_VERSION_NO_STREAM, _ANY or _EXISTS */
	const struct kdb_event *events;
	size_t event_count; /* at least 1: an empty append would undelete (wire-protocol 2.1) */
	/* Value for the `authorization` entry, such as "Basic dTpw", which replaces the
	 * credentials of the connection string completely; NULL: use those. It is copied,
	 * and wiped when the operation is freed. */
	const char *authorization;
};

struct kdb_append_result {
	bool has_position;	  /* false: a replay whose event cannot be read any more */
	uint64_t commit_position; /* of the last event */
	int64_t current_version;  /* of the last event */
	/* The highest position that this connection had told before the append was sent
	 * (api-design 11, `replayed`); valid when has_earlier_position. */
	bool has_earlier_position;
	uint64_t earlier_position;
};

#endif
