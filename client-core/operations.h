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

/* One entry of the metadata of an event that is written with others to several streams: the
 * protocol keeps it as a map there (wire-protocol 3.6). */
struct kdb_property {
	struct kdb_bytes key;	/* UTF-8, not blank */
	struct kdb_bytes value; /* UTF-8; may be empty */
};

/* One event to be stored (wire-protocol 2.1). */
struct kdb_event {
	uint8_t id[16];		/* RFC 4122 order; never all zero */
	struct kdb_bytes type;	/* UTF-8, at least one byte */
	struct kdb_bytes data;	/* stored as it is; may be empty */
	struct kdb_bytes metadata; /* append only: stored as it is; may be empty */
	/* Multi-append and append-records only: the metadata, in this order. */
	const struct kdb_property *properties;
	size_t property_count;
	bool is_json;		/* content type application/json, else application/octet-stream */
};

/*
 * What goes with the call of this one operation. An append that has any of it needs a call of
 * its own, which costs about three times as much as a place on the shared one. Texts are
 * copied; NULL: none.
 */
struct kdb_call_headers {
	/* Value for the `authorization` entry, such as "Basic dTpw", which replaces the
	 * credentials of the connection string completely. Its copy is wiped when the
	 * operation is freed. */
	const char *authorization;
	const char *traceparent; /* W3C Trace Context, already checked */
	const char *tracestate;
};

/* Append to one stream, atomically and in order. */
struct kdb_append_request {
	struct kdb_bytes stream_name; /* UTF-8, at least one byte, not "$$" */
	int64_t expected_version;     /* >= 0, or KDB_VERSION_NO_STREAM, _ANY or _EXISTS */
	const struct kdb_event *events;
	size_t event_count; /* at least 1: an empty append would undelete (wire-protocol 2.1) */
	struct kdb_call_headers headers;
};

/* The events for one of the streams of a multi-append. */
struct kdb_stream_append {
	struct kdb_bytes stream_name;
	int64_t expected_version; /* as in kdb_append_request */
	const struct kdb_event *events;
	size_t event_count; /* at least 1 */
};

/*
 * Append to several streams, all or nothing. Sent as AppendRecords to a server that has it,
 * else as AppendSession (wire-protocol 3.2, 3.3). No two names may be equal, nor differ by
 * letter case only: the server would mix them up.
 */
struct kdb_multi_append_request {
	const struct kdb_stream_append *streams;
	size_t stream_count; /* at least 1 */
	struct kdb_call_headers headers;
};

/* One event of append-records. */
struct kdb_record {
	size_t stream_index; /* into streams of the request */
	struct kdb_event event;
};

/* A condition on a stream, whether it is written or not. */
struct kdb_check {
	struct kdb_bytes stream_name;
	int64_t expected_state; /* >= 0, or KDB_VERSION_..., but not _ANY */
};

/* Append records in any order to several streams when all checks hold, all or nothing
 * (wire-protocol 3.3). The same rule for names. */
struct kdb_append_records_request {
	const struct kdb_bytes *stream_names; /* written ones, in order of first appearance */
	size_t stream_count;
	const struct kdb_record *records;
	size_t record_count; /* at least 1 */
	const struct kdb_check *checks;
	size_t check_count;
	struct kdb_call_headers headers;
};

/* Read the metadata of a stream: the newest event of its "$$" stream (wire-protocol 5). It is
 * written with kdb_append_new() to that stream. */
struct kdb_get_stream_metadata_request {
	struct kdb_bytes stream_name; /* without "$$" */
	struct kdb_call_headers headers;
};

struct kdb_append_result {
	bool has_position;	  /* false: a replay whose event cannot be read any more */
	uint64_t commit_position; /* of the last event */
	int64_t current_version;  /* of the last event; of an append to one stream */
	/* Of a multi-append or append-records: of the last event of each stream, in the order
	 * of `streams` or `stream_names`. Belongs to the operation. */
	const int64_t *current_versions;
	size_t stream_count;
	/* The highest position that this connection had told before the append was sent
	 * (api-design 11, `replayed`); valid when has_earlier_position. */
	bool has_earlier_position;
	uint64_t earlier_position;
	/* The same of writes that kdb_operation_mark_fresh() was called for; and when the one
	 * with that position was handed over. */
	bool has_fresh_position;
	uint64_t fresh_position;
	int64_t fresh_mono_ns;
};

struct kdb_stream_metadata_result {
	int64_t version; /* KDB_VERSION_NO_STREAM: never set; then data is empty */
	bool is_json;	 /* as it was stored; the server obeys nothing else */
	struct kdb_bytes data; /* belongs to the operation */
};

/* One of the reasons why a multi-append or append-records was refused. */
struct kdb_failure {
	bool is_check; /* index counts the checks of append-records; else the streams */
	size_t index;
	int64_t expected_state; /* KDB_VERSION_ANY: a stream without expectation or check */
	int64_t actual_state;	/* >= 0, or KDB_VERSION_NO_STREAM, _DELETED, _TOMBSTONED */
};

#endif
