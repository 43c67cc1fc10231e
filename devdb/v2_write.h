/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_WRITE_H
#define DEVDB_V2_WRITE_H

#include "devdb/hash_table.h"
#include "devdb/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct devdb_v2_target;

/*
 * What a request over several streams collects before it is carried out. Streams whose
 * names differ by case only are one part, with the spelling that came first. It owns
 * names and events, and counts them with the store. One thread at a time.
 */
struct devdb_v2_write {
	struct devdb_store *store;
	struct devdb_part *parts;
	struct devdb_v2_target **targets; /* one for each part */
	size_t part_count;
	size_t part_capacity;
	struct devdb_hash_table by_name;
	uint32_t *order; /* the part of each event */
	size_t event_count;
	size_t event_capacity;
	uint64_t size_bytes; /* as the server counts it; kept by v2_record.c */
	size_t reserved_bytes;
};

void devdb_v2_write_init(struct devdb_v2_write *write, struct devdb_store *store);
void devdb_v2_write_dispose(struct devdb_v2_write *write);

/* The index of the stream's part; is_new tells whether it has just been made: with ANY
 * expected, and looked at only until an event is added. False when the store is full. */
bool devdb_v2_write_part(
    struct devdb_v2_write *write, struct devdb_name name, uint32_t *part, bool *is_new);

/* Adds an event; takes it in any case. False when the store is full. */
bool devdb_v2_write_add(
    struct devdb_v2_write *write, uint32_t part, struct devdb_event *event);

/* Hands everything to the store; parts and names stay for the answer. */
struct devdb_write devdb_v2_write_carry_out(struct devdb_v2_write *write);

#endif
