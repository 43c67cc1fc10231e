/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the log. Owns the array of entries, not what they point at. */
#include "devdb/log.h"

#include "client-core/base/alloc.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

void
devdb_log_dispose(struct devdb_log *log)
{
	free(log->entries);
	*log = (struct devdb_log){0};
}

size_t
devdb_log_put(struct devdb_log *log, struct devdb_log_entry entry)
{
	size_t before = log->capacity;

	if (log->count == log->capacity) {
		log->capacity = before ? before * 2 : FIRST_CAPACITY;
		log->entries =
		    kdb_realloc(log->entries, log->capacity * sizeof *log->entries);
	}
	log->entries[log->count++] = entry;
	return (log->capacity - before) * sizeof *log->entries;
}

size_t
devdb_log_find(const struct devdb_log *log, uint64_t position)
{
	size_t low = 0;
	size_t high = log->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (log->entries[middle].event->position < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
