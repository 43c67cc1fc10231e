/* SPDX-License-Identifier: Apache-2.0 */
/* Which event ids were written lately. Owns its entries; the streams they point at live
 * as long as the store. */
#include "devdb/recent_ids.h"

#include "client-core/base/alloc.h"

#include <stdlib.h>

#define MAX_COST_BYTES (8 << 20)
/* About 90,000 names of 20 characters and 60,000 of 40 fit (recorded). */
#define ENTRY_COST_BYTES 53

void
devdb_recent_ids_init(struct devdb_recent_ids *ids)
{
	*ids = (struct devdb_recent_ids){0};
	devdb_hash_table_init(&ids->table);
	kdb_list_init(&ids->oldest_first);
}

static void
drop_oldest(struct devdb_recent_ids *ids)
{
	struct kdb_list *link = kdb_list_pop_front(&ids->oldest_first);
	struct devdb_recent_id *entry =
	    KDB_LIST_ITEM(link, struct devdb_recent_id, by_age);

	devdb_hash_table_remove(&ids->table, &entry->link);
	ids->cost_bytes -= entry->cost_bytes;
	free(entry);
}

void
devdb_recent_ids_dispose(struct devdb_recent_ids *ids)
{
	while (!kdb_list_is_empty(&ids->oldest_first))
		drop_oldest(ids);
	devdb_hash_table_dispose(&ids->table);
}

static struct devdb_recent_id *
find(const struct devdb_recent_ids *ids, const struct devdb_guid *id, uint64_t hash)
{
	struct devdb_hash_link *link = devdb_hash_table_first(&ids->table, hash);

	for (; link; link = devdb_hash_table_next(link)) {
		struct devdb_recent_id *entry =
		    DEVDB_HASH_ITEM(link, struct devdb_recent_id, link);

		if (devdb_guid_is_equal(&entry->id, id))
			return entry;
	}
	return NULL;
}

const struct devdb_recent_id *
devdb_recent_ids_get(const struct devdb_recent_ids *ids, const struct devdb_guid *id)
{
	return find(ids, id, devdb_hash_table_hash(&ids->table, id, sizeof *id));
}

void
devdb_recent_ids_put(struct devdb_recent_ids *ids, const struct devdb_guid *id,
    const struct devdb_stream *stream, size_t name_units, int64_t revision)
{
	uint64_t hash = devdb_hash_table_hash(&ids->table, id, sizeof *id);
	struct devdb_recent_id *entry;

	if (find(ids, id, hash))
		return;
	entry = kdb_alloc(sizeof *entry);
	*entry = (struct devdb_recent_id){
	    .id = *id,
	    .stream = stream,
	    .revision = revision,
	    .cost_bytes = 2 * name_units + ENTRY_COST_BYTES,
	};
	devdb_hash_table_put(&ids->table, &entry->link, hash);
	kdb_list_push_back(&ids->oldest_first, &entry->by_age);
	ids->cost_bytes += entry->cost_bytes;
	while (ids->cost_bytes > MAX_COST_BYTES)
		drop_oldest(ids);
}
