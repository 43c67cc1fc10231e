/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_RECENT_IDS_H
#define DEVDB_RECENT_IDS_H

#include "client-core/base/list.h"
#include "devdb/guid.h"
#include "devdb/hash_table.h"

#include <stdint.h>

struct devdb_stream;

/*
 * The weak table of idempotency: where recently written event ids went, first in first
 * out, 8 MiB as the server counts them (wire-protocol 4.1). It keeps one entry for an id,
 * the first. One thread at a time.
 */
struct devdb_recent_ids {
	struct devdb_hash_table table;
	struct kdb_list oldest_first;
	size_t cost_bytes;
};

struct devdb_recent_id {
	struct devdb_hash_link link;
	struct kdb_list by_age;
	struct devdb_guid id;
	const struct devdb_stream *stream;
	int64_t revision;
	size_t cost_bytes;
};

void devdb_recent_ids_init(struct devdb_recent_ids *ids);
void devdb_recent_ids_dispose(struct devdb_recent_ids *ids);

/* Where the id went, or NULL when it is not known (any more). Valid until the next
 * put. */
const struct devdb_recent_id *devdb_recent_ids_get(
    const struct devdb_recent_ids *ids, const struct devdb_guid *id);

/* Remembers an id unless it is known. name_units is the length of the stream's name in
 * UTF-16 units, which the server counts. */
void devdb_recent_ids_put(struct devdb_recent_ids *ids, const struct devdb_guid *id,
    const struct devdb_stream *stream, size_t name_units, int64_t revision);

#endif
