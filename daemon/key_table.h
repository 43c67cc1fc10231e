/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_KEY_TABLE_H
#define KG_KEY_TABLE_H

#include "client-core/base/deadline_heap.h"
#include "client-core/base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The idempotency keys that were met lately, what came with each of them, and who waits
 * for the request that is in progress under one (api-design 11). Bounded: beyond
 * max_count the oldest goes first, and each goes after keep_ns; those in progress never,
 * which is bounded by the number of connections. Pure: the time is given, and a key is
 * known by a name of 32 bytes, which must be spread like the output of a hash that
 * strangers cannot predict. One thread.
 */

enum { KG_KEY_NAME_SIZE = 32, KG_KEY_DIGEST_SIZE = 32 };

struct kg_key {
	struct kg_key *next;     /* in its bucket */
	struct kdb_list resting; /* oldest first; in no list while in progress */
	int64_t rested_mono_ns;  /* when the last request under it ended */
	struct kdb_list waiters; /* in the order in which they came */
	bool may_be_stored;      /* a request under it was not plainly refused */
	uint8_t name[KG_KEY_NAME_SIZE];
	uint8_t digest[KG_KEY_DIGEST_SIZE];
};

/* Somebody who waits for the request in progress; part of the caller's own object. */
struct kg_key_waiter {
	struct kdb_list link;
	struct kdb_deadline deadline;
};

struct kg_key_table {
	struct kg_key **buckets; /* NULL until the first key comes */
	size_t count;
	size_t max_count;
	int64_t keep_ns;
	struct kdb_list resting;
	struct kdb_deadline_heap deadlines; /* of all waiters */
	/* A key that is not here may have been met up to this time, and may have stored
	 * something until then; INT64_MIN: none was forgotten. */
	int64_t forgotten_mono_ns;
};

/* Nothing is allocated until the first key comes. */
void kg_key_table_init(struct kg_key_table *table, size_t max_count, int64_t keep_ns);

/* Nobody may wait any more. */
void kg_key_table_dispose(struct kg_key_table *table);

enum kg_key_state {
	KG_KEY_NEW,    /* not known: it is the caller's now */
	KG_KEY_KNOWN,  /* met before with the same digest: it is the caller's now */
	KG_KEY_BUSY,   /* another request with the same digest is in progress */
	KG_KEY_REUSED, /* met before with another digest */
};

/* Looks a key up, and puts one that is not known into the table. *key is set unless it is
 * KG_KEY_REUSED. A key that is the caller's is in progress until the caller ends it with
 * kg_key_table_rest() or kg_key_table_drop(). */
enum kg_key_state kg_key_table_claim(struct kg_key_table *table,
    const uint8_t name[KG_KEY_NAME_SIZE], const uint8_t digest[KG_KEY_DIGEST_SIZE],
    int64_t now_mono_ns, struct kg_key **key);

/* The request ended and may have stored something. Nobody waits any more. */
void kg_key_table_rest(
    struct kg_key_table *table, struct kg_key *key, int64_t now_mono_ns);

/* The request ended and has stored nothing: the key is free for another use, and its
 * object is gone. Nobody waits any more. */
void kg_key_table_drop(struct kg_key_table *table, struct kg_key *key);

/* Adds a waiter to a key in progress. */
void kg_key_table_wait(struct kg_key_table *table, struct kg_key *key,
    struct kg_key_waiter *waiter, int64_t deadline_mono_ns);

/* Takes a waiter out. */
void kg_key_table_stop_waiting(struct kg_key_table *table, struct kg_key_waiter *waiter);

/* Who has waited longest for a key; NULL: nobody. */
struct kg_key_waiter *kg_key_table_first_waiter(const struct kg_key *key);

/* A waiter whose deadline is over, of any key; NULL: none. The caller takes it out, or
 * gets it again. */
struct kg_key_waiter *kg_key_table_expired(
    const struct kg_key_table *table, int64_t now_mono_ns);

/* The earliest deadline of a waiter; INT64_MAX: there is none. */
int64_t kg_key_table_next_due(const struct kg_key_table *table);

#endif
