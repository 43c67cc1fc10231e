/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in buckets, those at rest in the order of their age. Owns the keys; waiters belong
 * to the requests. */
#include "daemon/key_table.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_COUNT = 1 << 14 };

/* So long after its request ended without an answer, what it had sent may still reach the
 * database. */
static const int64_t late_ns = 60 * KDB_NS_PER_SECOND;

void
kg_key_table_init(struct kg_key_table *table, size_t max_count, int64_t keep_ns)
{
	*table = (struct kg_key_table){
	    .max_count = max_count, .keep_ns = keep_ns, .forgotten_mono_ns = INT64_MIN};
	kdb_list_init(&table->resting);
	kdb_deadline_heap_init(&table->deadlines);
}

static struct kg_key **
bucket_of(const struct kg_key_table *table, const uint8_t name[KG_KEY_NAME_SIZE])
{
	uint64_t hash;

	memcpy(&hash, name, sizeof(hash));
	return &table->buckets[hash & (BUCKET_COUNT - 1)];
}

static void
remove_key(struct kg_key_table *table, struct kg_key *key)
{
	struct kg_key **at = bucket_of(table, key->name);

	while (*at != key)
		at = &(*at)->next;
	*at = key->next;
	kdb_list_remove(&key->resting);
	table->count--;
	free(key);
}

void
kg_key_table_dispose(struct kg_key_table *table)
{
	for (size_t i = 0; table->buckets != NULL && i < BUCKET_COUNT; i++)
		while (table->buckets[i] != NULL)
			remove_key(table, table->buckets[i]);
	free(table->buckets);
	kdb_deadline_heap_dispose(&table->deadlines);
}

/* Makes room for one more key. */
static void
forget_old(struct kg_key_table *table, int64_t now_mono_ns)
{
	while (!kdb_list_is_empty(&table->resting)) {
		struct kg_key *oldest =
		    KDB_LIST_ITEM(table->resting.next, struct kg_key, resting);

		if (table->count < table->max_count &&
		    now_mono_ns - oldest->rested_mono_ns < table->keep_ns)
			break;
		table->forgotten_mono_ns = oldest->rested_mono_ns + late_ns;
		remove_key(table, oldest);
	}
}

static struct kg_key *
find(const struct kg_key_table *table, const uint8_t name[KG_KEY_NAME_SIZE])
{
	struct kg_key *key = *bucket_of(table, name);

	while (key != NULL && memcmp(key->name, name, KG_KEY_NAME_SIZE) != 0)
		key = key->next;
	return key;
}

static struct kg_key *
add(struct kg_key_table *table, const uint8_t name[KG_KEY_NAME_SIZE],
    const uint8_t digest[KG_KEY_DIGEST_SIZE])
{
	struct kg_key *key = kdb_alloc_zero(1, sizeof(*key));
	struct kg_key **bucket = bucket_of(table, name);

	memcpy(key->name, name, KG_KEY_NAME_SIZE);
	memcpy(key->digest, digest, KG_KEY_DIGEST_SIZE);
	kdb_list_init(&key->resting);
	kdb_list_init(&key->waiters);
	key->next = *bucket;
	*bucket = key;
	table->count++;
	return key;
}

static bool
is_in_progress(const struct kg_key *key)
{
	return kdb_list_is_empty(&key->resting);
}

enum kg_key_state
kg_key_table_claim(struct kg_key_table *table, const uint8_t name[KG_KEY_NAME_SIZE],
    const uint8_t digest[KG_KEY_DIGEST_SIZE], int64_t now_mono_ns, struct kg_key **key)
{
	struct kg_key *found;

	if (table->buckets == NULL)
		table->buckets = kdb_alloc_zero(BUCKET_COUNT, sizeof(*table->buckets));
	found = find(table, name);
	/* One whose time is over is not known any more. */
	if (found == NULL || (!is_in_progress(found) &&
				 now_mono_ns - found->rested_mono_ns >= table->keep_ns)) {
		forget_old(table, now_mono_ns);
		*key = add(table, name, digest);
		return KG_KEY_NEW;
	}
	if (memcmp(found->digest, digest, KG_KEY_DIGEST_SIZE) != 0)
		return KG_KEY_REUSED;
	*key = found;
	if (is_in_progress(found))
		return KG_KEY_BUSY;
	kdb_list_remove(&found->resting);
	return KG_KEY_KNOWN;
}

void
kg_key_table_rest(struct kg_key_table *table, struct kg_key *key, int64_t now_mono_ns)
{
	assert(is_in_progress(key) && kdb_list_is_empty(&key->waiters));
	key->may_be_stored = true;
	key->rested_mono_ns = now_mono_ns;
	kdb_list_push_back(&table->resting, &key->resting);
}

void
kg_key_table_drop(struct kg_key_table *table, struct kg_key *key)
{
	assert(is_in_progress(key) && kdb_list_is_empty(&key->waiters));
	remove_key(table, key);
}

void
kg_key_table_wait(struct kg_key_table *table, struct kg_key *key,
    struct kg_key_waiter *waiter, int64_t deadline_mono_ns)
{
	kdb_list_init(&waiter->link);
	kdb_list_push_back(&key->waiters, &waiter->link);
	waiter->deadline = (struct kdb_deadline){.at_mono_ns = deadline_mono_ns};
	kdb_deadline_heap_add(&table->deadlines, &waiter->deadline);
}

void
kg_key_table_stop_waiting(struct kg_key_table *table, struct kg_key_waiter *waiter)
{
	kdb_list_remove(&waiter->link);
	kdb_deadline_heap_remove(&table->deadlines, &waiter->deadline);
}

struct kg_key_waiter *
kg_key_table_first_waiter(const struct kg_key *key)
{
	if (kdb_list_is_empty(&key->waiters))
		return NULL;
	return KDB_LIST_ITEM(key->waiters.next, struct kg_key_waiter, link);
}

struct kg_key_waiter *
kg_key_table_expired(const struct kg_key_table *table, int64_t now_mono_ns)
{
	struct kdb_deadline *first = kdb_deadline_heap_first(&table->deadlines);

	if (first == NULL || first->at_mono_ns > now_mono_ns)
		return NULL;
	return KDB_DEADLINE_ITEM(first, struct kg_key_waiter, deadline);
}

int64_t
kg_key_table_next_due(const struct kg_key_table *table)
{
	const struct kdb_deadline *first = kdb_deadline_heap_first(&table->deadlines);

	return first == NULL ? INT64_MAX : first->at_mono_ns;
}
