/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_STORE_H
#define DEVDB_STORE_H

#include "devdb/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Expectations below 0, with the server's numbers. */
#define DEVDB_NO_STREAM INT64_C(-1)
#define DEVDB_ANY INT64_C(-2)
#define DEVDB_EXISTS INT64_C(-4)
#define DEVDB_SOFT_DELETED INT64_C(-5)
#define DEVDB_TOMBSTONED INT64_C(-6)

/* The revision that an empty write reports for a tombstoned stream. */
#define DEVDB_TOMBSTONE_REVISION INT64_MAX

struct devdb_store;

/* Stream names are bytes, compared as they are; the caller has made them UTF-8. */
struct devdb_name {
	const uint8_t *bytes;
	size_t len;
};

enum devdb_write_result {
	DEVDB_WRITTEN,
	DEVDB_WRONG_VERSION,
	DEVDB_STREAM_DELETED, /* tombstoned, or soft-deleted and EXISTS expected */
	DEVDB_FULL            /* max_memory reached; nothing was written */
};

struct devdb_write {
	enum devdb_write_result result;
	int64_t
	    revision; /* last one written or replayed, -1 = none; after WRONG_VERSION the
	                      stream's last revision, -1 = no stream */
	bool has_position; /* false: a replay whose event cannot be read any more */
	uint64_t position; /* of the last event */
};

/*
 * The database itself: streams in memory, with the server's rules about expectations,
 * idempotency (wire-protocol 4), soft delete, tombstone and stream metadata (5). It knows
 * nothing of the network. One thread at a time; it owns all events that it stored.
 */

/* max_memory_bytes bounds events, names and the index over them. */
struct devdb_store *devdb_store_new(size_t max_memory_bytes);
void devdb_store_free(struct devdb_store *store);

/* Older servers check a write of no events like any other: a deleted stream refuses it. */
void devdb_store_check_empty_writes(struct devdb_store *store);

/* Bytes used, and events stored so far. */
size_t devdb_store_memory(const struct devdb_store *store);
uint64_t devdb_store_event_count(const struct devdb_store *store);

/* Counts memory that a caller holds for a write to come; false when that passes the
 * maximum, and then nothing is counted. */
bool devdb_store_reserve(struct devdb_store *store, size_t bytes);
void devdb_store_release(struct devdb_store *store, size_t bytes);

/* Appends the list of events (possibly empty) as one transaction. Takes the events in any
 * case: stored, or freed when nothing was written. */
struct devdb_write devdb_store_append(struct devdb_store *store, struct devdb_name stream,
    int64_t expected, struct devdb_event *events);

/* One stream's part in a write over several. */
struct devdb_part {
	struct devdb_name stream;
	int64_t expected;
	bool is_check_only;         /* looked at, not written; no events */
	struct devdb_event *events; /* of this stream, in order */

	/* Set by the write. After a failure a part has DEVDB_WRITTEN when nothing speaks
	 * against it, and revision is its stream's last one, -1 = no stream. */
	enum devdb_write_result result;
	int64_t revision;
	bool is_tombstoned;
	bool is_replay; /* of a write that failed as a whole */
};

/* Writes to all the streams or to none. `order` holds, for each event in the order of the
 * log, the index of its part; NULL: one part after the other. No two parts have the same
 * stream. Takes all events in any case. The revision is in the parts, not in the result. */
struct devdb_write devdb_store_write(struct devdb_store *store, struct devdb_part *parts,
    size_t count, const uint32_t *order, size_t order_len);

/* Soft delete and tombstone. */
struct devdb_write devdb_store_delete(
    struct devdb_store *store, struct devdb_name stream, int64_t expected);
struct devdb_write devdb_store_tombstone(
    struct devdb_store *store, struct devdb_name stream, int64_t expected);

/* The data of the metadata that the stream obeys, borrowed until the next write; false
 * when it has none. */
bool devdb_store_metadata(const struct devdb_store *store, struct devdb_name name,
    const uint8_t **json, size_t *len);

enum devdb_read_state { DEVDB_READ_FOUND, DEVDB_READ_NOT_FOUND, DEVDB_READ_DELETED };

/* A read in progress. Events stay valid as long as the store; a read sees what was there
 * when it began. */
struct devdb_read {
	enum devdb_read_state state;
	const struct devdb_stream *stream;
	int64_t next;         /* revision */
	int64_t last;         /* of the stream when the read began */
	int64_t first;        /* oldest revision that the metadata lets through */
	int64_t oldest_ticks; /* created before: hidden by $maxAge */
	uint64_t left;        /* events still wanted */
	bool is_backwards;
};

/* from: a revision, or -1 for the end of a backward read. */
struct devdb_read devdb_store_read(const struct devdb_store *store,
    struct devdb_name stream, int64_t from, bool is_backwards, uint64_t count);

/* The next event, or NULL at the end. */
const struct devdb_event *devdb_store_read_next(struct devdb_read *read);

/* A read of all streams in the order of the log, of what was there when it began. */
struct devdb_log_read {
	const struct devdb_store *store;
	size_t next;
	size_t end;
	uint64_t left; /* events still wanted */
	bool is_backwards;
};

/* Forwards from the event at `from` or behind it; backwards from the one before it. */
struct devdb_log_read devdb_store_read_log(
    const struct devdb_store *store, uint64_t from, bool is_backwards, uint64_t count);

/* The next event and the name of its stream, or NULL at the end. */
const struct devdb_event *devdb_store_read_log_next(
    struct devdb_log_read *read, struct devdb_name *stream);

#endif
