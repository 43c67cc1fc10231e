/* SPDX-License-Identifier: Apache-2.0 */
/* Collects a write over several streams; see v2_write.h. Owns names, events and order. */
#include "devdb/v2_write.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "devdb/v2_text.h"

#include <stdlib.h>
#include <string.h>

/* A character may become longer in upper case. */
#define MAX_FOLD_FACTOR 3

struct devdb_v2_target {
	struct devdb_hash_link link;
	uint32_t part;
	struct devdb_event *last; /* of the part's events */
	char *folded;
	size_t folded_len;
};

void
devdb_v2_write_init(struct devdb_v2_write *write, struct devdb_store *store)
{
	*write = (struct devdb_v2_write){.store = store};
	devdb_hash_table_init(&write->by_name);
}

static void
free_events(struct devdb_event *event)
{
	while (event) {
		struct devdb_event *next = event->next;

		free(event);
		event = next;
	}
}

static void
release(struct devdb_v2_write *write)
{
	devdb_store_release(write->store, write->reserved_bytes);
	write->reserved_bytes = 0;
}

void
devdb_v2_write_dispose(struct devdb_v2_write *write)
{
	for (size_t i = 0; i < write->part_count; i++) {
		free_events(write->parts[i].events);
		free((void *)write->parts[i].stream.bytes);
		free(write->targets[i]->folded);
		free(write->targets[i]);
	}
	free(write->parts);
	free(write->targets);
	free(write->order);
	devdb_hash_table_dispose(&write->by_name);
	release(write);
}

static bool
reserve(struct devdb_v2_write *write, size_t bytes)
{
	if (!devdb_store_reserve(write->store, bytes))
		return false;
	write->reserved_bytes += bytes;
	return true;
}

/* An empty text has no bytes to compare. */
static bool
is_named(const struct devdb_v2_target *target, const struct kdb_buffer *folded)
{
	if (target->folded_len != folded->len)
		return false;
	return !folded->data || !target->folded ||
	       memcmp(target->folded, folded->data, folded->len) == 0;
}

static struct devdb_v2_target *
find(const struct devdb_v2_write *write, const struct kdb_buffer *folded, uint64_t hash)
{
	struct devdb_hash_link *link = devdb_hash_table_first(&write->by_name, hash);

	for (; link; link = devdb_hash_table_next(link)) {
		struct devdb_v2_target *target =
		    DEVDB_HASH_ITEM(link, struct devdb_v2_target, link);

		if (is_named(target, folded))
			return target;
	}
	return NULL;
}

static void
make_room(struct devdb_v2_write *write)
{
	if (write->part_count < write->part_capacity)
		return;
	write->part_capacity = write->part_capacity ? 2 * write->part_capacity : 4;
	write->parts =
	    kdb_realloc(write->parts, write->part_capacity * sizeof *write->parts);
	write->targets =
	    kdb_realloc(write->targets, write->part_capacity * sizeof *write->targets);
}

/* Takes the folded name. */
static uint32_t
add_part(struct devdb_v2_write *write, struct devdb_name name, struct kdb_buffer *folded,
    uint64_t hash)
{
	struct devdb_v2_target *target = kdb_alloc_zero(1, sizeof *target);

	make_room(write);
	target->part = (uint32_t)write->part_count;
	target->folded = kdb_buffer_take(folded, &target->folded_len);
	devdb_hash_table_put(&write->by_name, &target->link, hash);
	write->targets[write->part_count] = target;
	write->parts[write->part_count] = (struct devdb_part){
	    .stream = {(uint8_t *)kdb_alloc_text(name.bytes, name.len), name.len},
	    .expected = DEVDB_ANY,
	    .is_check_only = true,
	};
	write->part_count++;
	return target->part;
}

bool
devdb_v2_write_part(
    struct devdb_v2_write *write, struct devdb_name name, uint32_t *part, bool *is_new)
{
	const struct devdb_v2_target *target;
	struct kdb_buffer folded;
	uint64_t hash;
	bool has_room = true;

	kdb_buffer_init(&folded, MAX_FOLD_FACTOR * name.len);
	devdb_v2_text_fold(&folded, name.bytes, name.len);
	hash = devdb_hash_table_hash(
	    &write->by_name, folded.data ? folded.data : "", folded.len);
	target = find(write, &folded, hash);
	*is_new = !target;
	if (target)
		*part = target->part;
	else if (reserve(write, sizeof *target + sizeof *write->parts + 2 * name.len))
		*part = add_part(write, name, &folded, hash);
	else
		has_room = false;
	kdb_buffer_dispose(&folded);
	return has_room;
}

static void
note_order(struct devdb_v2_write *write, uint32_t part)
{
	if (write->event_count == write->event_capacity) {
		write->event_capacity =
		    write->event_capacity ? 2 * write->event_capacity : 16;
		write->order = kdb_realloc(
		    write->order, write->event_capacity * sizeof *write->order);
	}
	write->order[write->event_count++] = part;
}

bool
devdb_v2_write_add(struct devdb_v2_write *write, uint32_t part, struct devdb_event *event)
{
	struct devdb_v2_target *target = write->targets[part];

	if (!reserve(write, devdb_event_footprint(event) + sizeof *write->order)) {
		free(event);
		return false;
	}
	event->next = NULL;
	if (target->last)
		target->last->next = event;
	else
		write->parts[part].events = event;
	target->last = event;
	write->parts[part].is_check_only = false;
	note_order(write, part);
	return true;
}

struct devdb_write
devdb_v2_write_carry_out(struct devdb_v2_write *write)
{
	/* The store counts what it keeps by itself. */
	release(write);
	return devdb_store_write(write->store, write->parts, write->part_count,
	    write->order, write->event_count);
}
