/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_LOG_H
#define DEVDB_LOG_H

#include "devdb/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct devdb_stream;

/* One stored event and its stream, both borrowed from the store. */
struct devdb_log_entry {
	const struct devdb_event *event;
	const struct devdb_stream *stream;
};

/* All events of all streams in the order of their positions. One thread at a time. */
struct devdb_log {
	struct devdb_log_entry *entries;
	size_t count;
	size_t capacity;
};

void devdb_log_dispose(struct devdb_log *log);

/* Adds an event whose position is beyond all others; returns by how many bytes the log
 * grew. */
size_t devdb_log_put(struct devdb_log *log, struct devdb_log_entry entry);

/* The index of the first entry at or behind the position; count when there is none. */
size_t devdb_log_find(const struct devdb_log *log, uint64_t position);

#endif
