/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_HASH_TABLE_H
#define DEVDB_HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Intrusive hash table with chains: the item embeds a link, the caller compares keys.
 * The seed is random per table, so a peer cannot choose names that collide. It owns its
 * bucket array only. One thread at a time.
 */
struct devdb_hash_link {
	struct devdb_hash_link *next;
	uint64_t hash;
};

struct devdb_hash_table {
	struct devdb_hash_link **buckets;
	size_t bucket_count; /* a power of two, 0 before the first put */
	size_t item_count;
	uint64_t seed;
};

#define DEVDB_HASH_ITEM(link, type, member)                                              \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

void devdb_hash_table_init(struct devdb_hash_table *table);

/* Frees the buckets; what hangs in them is the caller's. */
void devdb_hash_table_dispose(struct devdb_hash_table *table);

uint64_t devdb_hash_table_hash(
    const struct devdb_hash_table *table, const void *key, size_t len);

/* The first link with this hash, or NULL; devdb_hash_table_next() gives the others. */
struct devdb_hash_link *devdb_hash_table_first(
    const struct devdb_hash_table *table, uint64_t hash);
struct devdb_hash_link *devdb_hash_table_next(const struct devdb_hash_link *link);

/* Adds a link that is in no table. */
void devdb_hash_table_put(
    struct devdb_hash_table *table, struct devdb_hash_link *link, uint64_t hash);

/* Takes out a link that is in the table. */
void devdb_hash_table_remove(
    struct devdb_hash_table *table, struct devdb_hash_link *link);

/* Takes out one link after the other; NULL when the table is empty. For clearing: *cursor
 * is 0 at the first call, and nothing is put in between. */
struct devdb_hash_link *devdb_hash_table_pop(
    struct devdb_hash_table *table, size_t *cursor);

#endif
