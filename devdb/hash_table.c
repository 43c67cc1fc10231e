/* SPDX-License-Identifier: Apache-2.0 */
/* The one hash table, for stream names, event ids and correlation ids. Grows by doubling,
 * never shrinks. */
#include "devdb/hash_table.h"

#include "client-core/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_BUCKETS 16

void
devdb_hash_table_init(struct devdb_hash_table *table)
{
	*table = (struct devdb_hash_table){0};
	if (getrandom(&table->seed, sizeof table->seed, 0) != sizeof table->seed) {
		perror("kurrentgate-devdb: getrandom");
		abort();
	}
}

void
devdb_hash_table_dispose(struct devdb_hash_table *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->bucket_count = 0;
	table->item_count = 0;
}

__extension__ typedef unsigned __int128 wide_product;

static uint64_t
mix(uint64_t a, uint64_t b)
{
	wide_product product = (wide_product)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t
devdb_hash_table_hash(const struct devdb_hash_table *table, const void *key, size_t len)
{
	const uint8_t *bytes = key;
	uint64_t hash = table->seed ^ (len * UINT64_C(0x9e3779b97f4a7c15));
	uint64_t word;

	for (; len >= 8; bytes += 8, len -= 8) {
		memcpy(&word, bytes, 8);
		hash = mix(hash ^ word, UINT64_C(0xa0761d6478bd642f) ^ table->seed);
	}
	word = 0;
	memcpy(&word, bytes, len);
	return mix(hash ^ word, UINT64_C(0xe7037ed1a0b428db) ^ (table->seed << 1 | 1));
}

struct devdb_hash_link *
devdb_hash_table_first(const struct devdb_hash_table *table, uint64_t hash)
{
	struct devdb_hash_link *link;

	if (table->item_count == 0)
		return NULL;
	link = table->buckets[hash & (table->bucket_count - 1)];
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct devdb_hash_link *
devdb_hash_table_next(const struct devdb_hash_link *link)
{
	struct devdb_hash_link *next = link->next;

	while (next && next->hash != link->hash)
		next = next->next;
	return next;
}

static void
grow(struct devdb_hash_table *table)
{
	size_t count = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
	struct devdb_hash_link **buckets = kdb_alloc_zero(count, sizeof *buckets);

	for (size_t i = 0; i < table->bucket_count; i++) {
		struct devdb_hash_link *link = table->buckets[i];

		while (link) {
			struct devdb_hash_link *next = link->next;
			struct devdb_hash_link **bucket =
			    &buckets[link->hash & (count - 1)];

			link->next = *bucket;
			*bucket = link;
			link = next;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->bucket_count = count;
}

void
devdb_hash_table_put(
    struct devdb_hash_table *table, struct devdb_hash_link *link, uint64_t hash)
{
	struct devdb_hash_link **bucket;

	if (table->item_count >= table->bucket_count)
		grow(table);
	bucket = &table->buckets[hash & (table->bucket_count - 1)];
	link->hash = hash;
	link->next = *bucket;
	*bucket = link;
	table->item_count++;
}

void
devdb_hash_table_remove(struct devdb_hash_table *table, struct devdb_hash_link *link)
{
	struct devdb_hash_link **at =
	    &table->buckets[link->hash & (table->bucket_count - 1)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	table->item_count--;
}

struct devdb_hash_link *
devdb_hash_table_pop(struct devdb_hash_table *table, size_t *cursor)
{
	for (; *cursor < table->bucket_count; ++*cursor) {
		struct devdb_hash_link *link = table->buckets[*cursor];

		if (link) {
			table->buckets[*cursor] = link->next;
			table->item_count--;
			return link;
		}
	}
	return NULL;
}
