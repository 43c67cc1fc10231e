/* SPDX-License-Identifier: Apache-2.0 */
/* Streams in memory. Owns streams and events; nothing is ever removed, so whatever a read
 * or the table of recent ids points at stays valid until the store is freed. */
#include "devdb/store.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "devdb/hash_table.h"
#include "devdb/log.h"
#include "devdb/recent_ids.h"
#include "devdb/stream_metadata.h"
#include "devdb/text.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 4
/* Framing and header of a record in the server's log, without its texts. */
#define RECORD_BYTES 90
/* A server writes records of its own before it takes the first write. */
#define FIRST_POSITION 4096
/* Longest metadata that a soft delete or an undelete rewrites. */
#define MAX_METADATA_BYTES (32 << 20)

struct devdb_stream {
	struct devdb_hash_link link;
	struct devdb_event **events; /* index = revision */
	int64_t count;
	int64_t capacity;
	struct devdb_stream_metadata metadata;
	bool has_metadata; /* its $$ stream was written */
	bool is_tombstoned;
	size_t name_units;
	size_t name_len;
	uint8_t name[];
};

struct devdb_store {
	struct devdb_hash_table streams;
	struct devdb_recent_ids recent_ids;
	uint64_t next_position;
	int64_t last_ticks;
	struct devdb_log log;
	size_t memory_bytes;
	size_t max_memory_bytes;
	bool checks_empty_writes;
};

enum decision { DECISION_WRITE, DECISION_REPLAY, DECISION_CONFLICT, DECISION_DELETED };

static const char metadata_type[] = "$metadata";
static const char deleted_json[] = "{\"$tb\":9223372036854775807}";

struct devdb_store *
devdb_store_new(size_t max_memory_bytes)
{
	struct devdb_store *store = kdb_alloc_zero(1, sizeof *store);

	devdb_hash_table_init(&store->streams);
	devdb_recent_ids_init(&store->recent_ids);
	store->next_position = FIRST_POSITION;
	store->max_memory_bytes = max_memory_bytes;
	return store;
}

void
devdb_store_check_empty_writes(struct devdb_store *store)
{
	store->checks_empty_writes = true;
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
free_stream(struct devdb_stream *stream)
{
	for (int64_t i = 0; i < stream->count; i++)
		free(stream->events[i]);
	free(stream->events);
	free(stream);
}

void
devdb_store_free(struct devdb_store *store)
{
	struct devdb_hash_link *link;
	size_t cursor = 0;

	if (!store)
		return;
	while ((link = devdb_hash_table_pop(&store->streams, &cursor)))
		free_stream(DEVDB_HASH_ITEM(link, struct devdb_stream, link));
	devdb_hash_table_dispose(&store->streams);
	devdb_log_dispose(&store->log);
	devdb_recent_ids_dispose(&store->recent_ids);
	free(store);
}

size_t
devdb_store_memory(const struct devdb_store *store)
{
	return store->memory_bytes;
}

uint64_t
devdb_store_event_count(const struct devdb_store *store)
{
	return store->log.count;
}

bool
devdb_store_reserve(struct devdb_store *store, size_t bytes)
{
	if (store->memory_bytes >= store->max_memory_bytes ||
	    bytes > store->max_memory_bytes - store->memory_bytes)
		return false;
	store->memory_bytes += bytes;
	return true;
}

void
devdb_store_release(struct devdb_store *store, size_t bytes)
{
	store->memory_bytes -= bytes;
}

/* --- streams --- */

static struct devdb_stream *
find_stream(const struct devdb_store *store, struct devdb_name name)
{
	uint64_t hash = devdb_hash_table_hash(&store->streams, name.bytes, name.len);
	struct devdb_hash_link *link = devdb_hash_table_first(&store->streams, hash);

	for (; link; link = devdb_hash_table_next(link)) {
		struct devdb_stream *stream =
		    DEVDB_HASH_ITEM(link, struct devdb_stream, link);

		if (stream->name_len == name.len &&
		    memcmp(stream->name, name.bytes, name.len) == 0)
			return stream;
	}
	return NULL;
}

static struct devdb_stream *
get_stream(struct devdb_store *store, struct devdb_name name)
{
	struct devdb_stream *stream = find_stream(store, name);

	if (stream)
		return stream;
	stream = kdb_alloc_zero(1, sizeof *stream + name.len);
	memcpy(stream->name, name.bytes, name.len);
	stream->name_len = name.len;
	stream->name_units = devdb_text_utf16_units(name.bytes, name.len);
	devdb_hash_table_put(&store->streams, &stream->link,
	    devdb_hash_table_hash(&store->streams, name.bytes, name.len));
	store->memory_bytes += sizeof *stream + name.len;
	return stream;
}

static bool
is_metastream(struct devdb_name name)
{
	return name.len >= 2 && name.bytes[0] == '$' && name.bytes[1] == '$';
}

static struct devdb_name
original_of(struct devdb_name metastream)
{
	return (struct devdb_name){metastream.bytes + 2, metastream.len - 2};
}

/* The name of the metadata stream; the caller frees its bytes. */
static struct devdb_name
metastream_of(struct devdb_name name)
{
	uint8_t *bytes = kdb_alloc(name.len + 2);

	memcpy(bytes, "$$", 2);
	memcpy(bytes + 2, name.bytes, name.len);
	return (struct devdb_name){bytes, name.len + 2};
}

static bool
is_tombstoned(const struct devdb_store *store, struct devdb_name name,
    const struct devdb_stream *stream)
{
	const struct devdb_stream *original;

	if (stream && stream->is_tombstoned)
		return true;
	if (!is_metastream(name))
		return false;
	original = find_stream(store, original_of(name));
	return original && original->is_tombstoned;
}

static bool
is_soft_deleted(const struct devdb_stream *stream)
{
	return stream && stream->metadata.truncate_before == DEVDB_DELETED;
}

static int64_t
last_revision(const struct devdb_stream *stream)
{
	return stream ? stream->count - 1 : -1;
}

/* The metadata that a read obeys: a metadata stream shows its newest event only. */
static struct devdb_stream_metadata
effective_metadata(struct devdb_name name, const struct devdb_stream *stream)
{
	if (is_metastream(name))
		return (struct devdb_stream_metadata){.max_count = 1};
	return stream->metadata;
}

static int64_t
first_visible(const struct devdb_stream_metadata *metadata, int64_t last)
{
	int64_t first = metadata->truncate_before;

	if (metadata->max_count && last + 1 - metadata->max_count > first)
		first = last + 1 - metadata->max_count;
	return first;
}

static int64_t
oldest_visible_ticks(const struct devdb_stream_metadata *metadata)
{
	int64_t now_ticks = kdb_clock_wall_ns() / 100;
	int64_t age_ticks;

	if (!metadata->max_age_s ||
	    __builtin_mul_overflow(metadata->max_age_s, INT64_C(10000000), &age_ticks))
		return INT64_MIN;
	return now_ticks - age_ticks;
}

static bool
is_readable(struct devdb_name name, const struct devdb_stream *stream, int64_t revision)
{
	struct devdb_stream_metadata metadata = effective_metadata(name, stream);

	return revision >= first_visible(&metadata, last_revision(stream)) &&
	       stream->events[revision]->created_ticks >= oldest_visible_ticks(&metadata);
}

bool
devdb_store_metadata(const struct devdb_store *store, struct devdb_name name,
    const uint8_t **json, size_t *len)
{
	const struct devdb_stream *metastream;
	const struct devdb_event *event;
	struct devdb_name meta_name;

	if (is_metastream(name))
		return false;
	meta_name = metastream_of(name);
	metastream = find_stream(store, meta_name);
	free((void *)meta_name.bytes);
	if (!metastream || metastream->count == 0)
		return false;
	event = metastream->events[metastream->count - 1];
	if (!event->is_json)
		return false;
	*json = devdb_event_data(event);
	*len = event->data_len;
	return true;
}

/* --- the decision about a write (wire-protocol 4.2) --- */

struct check {
	enum decision decision;
	int64_t replayed_revision;
};

static struct check
check_ids_anywhere(const struct devdb_store *store, const struct devdb_stream *stream,
    const struct devdb_event *events)
{
	struct check check = {DECISION_WRITE, -1};

	for (const struct devdb_event *event = events; event; event = event->next) {
		const struct devdb_recent_id *known =
		    devdb_recent_ids_get(&store->recent_ids, &event->id);

		if (!known || known->stream != stream) {
			check.decision =
			    event == events ? DECISION_WRITE : DECISION_CONFLICT;
			return check;
		}
		check.replayed_revision = known->revision;
	}
	if (events)
		check.decision = DECISION_REPLAY;
	return check;
}

static struct check
check_ids_after(const struct devdb_store *store, const struct devdb_stream *stream,
    int64_t expected, const struct devdb_event *events)
{
	struct check check = {DECISION_REPLAY, expected};

	for (const struct devdb_event *event = events; event; event = event->next) {
		int64_t revision = ++check.replayed_revision;

		if (revision < stream->count &&
		    devdb_guid_is_equal(&stream->events[revision]->id, &event->id))
			continue;
		check.decision = DECISION_CONFLICT;
		if (event == events && expected == DEVDB_NO_STREAM &&
		    is_soft_deleted(stream))
			check.decision = DECISION_WRITE;
		return check;
	}
	if (!events)
		check.decision = expected == DEVDB_NO_STREAM && is_soft_deleted(stream) &&
					 !store->checks_empty_writes
				     ? DECISION_WRITE
				     : DECISION_CONFLICT;
	return check;
}

static bool
can_exist(const struct devdb_stream *stream)
{
	return stream && (stream->count > 0 || stream->has_metadata);
}

static struct check
check_tombstoned(
    const struct devdb_store *store, int64_t expected, const struct devdb_event *events)
{
	bool passes = !events && !store->checks_empty_writes &&
		      (expected == DEVDB_ANY || expected == DEVDB_NO_STREAM);

	return (struct check){passes ? DECISION_WRITE : DECISION_DELETED, -1};
}

/* Soft-deleted is expected: only a replay may find the stream written again. */
static struct check
check_deleted(const struct devdb_store *store, const struct devdb_stream *stream,
    const struct devdb_event *events)
{
	struct check check = check_ids_anywhere(store, stream, events);

	if (check.decision == DECISION_WRITE && !is_soft_deleted(stream))
		check.decision = DECISION_CONFLICT;
	return check;
}

static struct check
check_write(const struct devdb_store *store, struct devdb_name name,
    const struct devdb_stream *stream, int64_t expected, const struct devdb_event *events)
{
	int64_t last = last_revision(stream);
	/* The server remembers the version of a metadata stream that was written lately,
	 * and then does not notice that the stream itself is gone (recorded:
	 * E.tombstone.warm, E.tombstone.cold). What is written so cannot be read. */
	bool is_remembered = is_metastream(name) && last >= 0 && !stream->is_tombstoned;

	if (!is_remembered && is_tombstoned(store, name, stream))
		return check_tombstoned(store, expected, events);
	if (expected == DEVDB_EXISTS && is_soft_deleted(stream))
		return (struct check){DECISION_DELETED, -1};
	if ((expected == DEVDB_EXISTS && !can_exist(stream)) ||
	    expected == DEVDB_TOMBSTONED)
		return (struct check){DECISION_CONFLICT, -1};
	if (expected == DEVDB_SOFT_DELETED)
		return check_deleted(store, stream, events);
	if (expected == DEVDB_EXISTS || expected == DEVDB_ANY)
		return check_ids_anywhere(store, stream, events);
	if (expected < last)
		return check_ids_after(store, stream, expected, events);
	return (struct check){expected > last ? DECISION_CONFLICT : DECISION_WRITE, -1};
}

/* A stream that is looked at and not written. */
static struct check
check_only(const struct devdb_store *store, struct devdb_name name,
    const struct devdb_stream *stream, int64_t expected)
{
	bool was_tombstoned = is_tombstoned(store, name, stream);
	bool was_deleted = is_soft_deleted(stream);
	int64_t last = last_revision(stream);
	bool is_met;

	if (expected == DEVDB_NO_STREAM)
		is_met = last < 0 || was_deleted || was_tombstoned;
	else if (expected == DEVDB_TOMBSTONED)
		is_met = was_tombstoned;
	else if (expected == DEVDB_SOFT_DELETED)
		is_met = was_deleted && !was_tombstoned;
	else if (expected == DEVDB_EXISTS)
		is_met = can_exist(stream) && !was_deleted && !was_tombstoned;
	else
		is_met = expected == last && !was_tombstoned;
	if (is_met)
		return (struct check){DECISION_WRITE, -1};
	if (was_tombstoned || (expected == DEVDB_EXISTS && was_deleted))
		return (struct check){DECISION_DELETED, -1};
	return (struct check){DECISION_CONFLICT, -1};
}

/* --- writing --- */

static uint64_t
take_position(struct devdb_store *store, size_t texts_len)
{
	uint64_t position = store->next_position;

	store->next_position += RECORD_BYTES + texts_len;
	return position;
}

static int64_t
take_ticks(struct devdb_store *store)
{
	int64_t ticks = kdb_clock_wall_ns() / 100;

	if (ticks < store->last_ticks)
		ticks = store->last_ticks;
	store->last_ticks = ticks;
	return ticks;
}

static void
make_room(struct devdb_store *store, struct devdb_stream *stream)
{
	int64_t capacity = stream->capacity ? stream->capacity * 2 : FIRST_CAPACITY;

	if (stream->count < stream->capacity)
		return;
	stream->events =
	    kdb_realloc(stream->events, (size_t)capacity * sizeof *stream->events);
	store->memory_bytes +=
	    (size_t)(capacity - stream->capacity) * sizeof *stream->events;
	stream->capacity = capacity;
}

static void
store_event(
    struct devdb_store *store, struct devdb_stream *stream, struct devdb_event *event)
{
	make_room(store, stream);
	event->next = NULL;
	event->revision = stream->count;
	event->created_ticks = take_ticks(store);
	event->position = take_position(store,
	    stream->name_len + event->type_len + event->metadata_len + event->data_len);
	stream->events[stream->count++] = event;
	store->memory_bytes +=
	    devdb_log_put(&store->log, (struct devdb_log_entry){event, stream});
	devdb_recent_ids_put(
	    &store->recent_ids, &event->id, stream, stream->name_units, event->revision);
}

/* Lets the newest event of a $$ stream take effect on its stream. Its type does not
 * matter, only that it is flagged JSON (recorded: E.other-type, E.octet-stream). */
static void
apply_metadata(struct devdb_store *store, struct devdb_name name,
    const struct devdb_stream *metastream)
{
	const struct devdb_event *event = metastream->events[metastream->count - 1];
	struct devdb_stream *original = get_stream(store, original_of(name));

	original->has_metadata = true;
	original->metadata = (struct devdb_stream_metadata){0};
	if (event->is_json && !is_metastream(original_of(name)))
		original->metadata =
		    devdb_stream_metadata_parse(devdb_event_data(event), event->data_len);
}

/* A $metadata event that the server itself writes; *position is where it went. */
static uint64_t
write_metadata(struct devdb_store *store, struct devdb_name stream, const char *json,
    size_t json_len)
{
	struct devdb_name name = metastream_of(stream);
	struct devdb_stream *metastream = get_stream(store, name);
	struct devdb_event *event = devdb_event_new(&(struct devdb_proposal){
	    .id = devdb_guid_new(),
	    .is_json = true,
	    .type = (const uint8_t *)metadata_type,
	    .type_len = sizeof metadata_type - 1,
	    .data = (const uint8_t *)json,
	    .data_len = json_len,
	});

	store->memory_bytes += devdb_event_footprint(event);
	store_event(store, metastream, event);
	apply_metadata(store, name, metastream);
	free((void *)name.bytes);
	return event->position;
}

/* A write to a soft-deleted stream makes its new events, and only those, visible. */
static void
undelete(struct devdb_store *store, struct devdb_name name, int64_t first_new)
{
	struct devdb_name meta_name = metastream_of(name);
	const struct devdb_stream *metastream = find_stream(store, meta_name);
	const struct devdb_event *event = metastream->events[metastream->count - 1];
	struct kdb_buffer json;

	kdb_buffer_init(&json, MAX_METADATA_BYTES);
	devdb_stream_metadata_set_truncate_before(
	    &json, devdb_event_data(event), event->data_len, first_new);
	write_metadata(store, name, json.data, json.len);
	kdb_buffer_dispose(&json);
	free((void *)meta_name.bytes);
}

/* Metadata written by hand undeletes, too: one more event follows it. */
static void
undelete_original(struct devdb_store *store, struct devdb_name metastream)
{
	struct devdb_name name = original_of(metastream);

	undelete(store, name, last_revision(find_stream(store, name)) + 1);
}

/* What a write knows about one of its streams. */
struct plan {
	struct devdb_part *part;
	struct devdb_stream *stream; /* NULL while there is none */
	struct check check;
	bool was_tombstoned;
	bool was_deleted;
	bool was_original_deleted;
	int64_t first_new;
};

/* Looks at the stream before anything of the write is stored. */
static void
open_stream(struct devdb_store *store, struct plan *plan)
{
	struct devdb_name name = plan->part->stream;
	const struct devdb_stream *stream = plan->stream = get_stream(store, name);

	plan->was_tombstoned = is_tombstoned(store, name, stream);
	plan->was_deleted = is_soft_deleted(stream);
	plan->was_original_deleted =
	    is_metastream(name) && is_soft_deleted(find_stream(store, original_of(name)));
	plan->first_new = stream->count;
}

static void
store_next(struct devdb_store *store, struct plan *plan, uint64_t *position)
{
	struct devdb_event *event = plan->part->events;

	plan->part->events = event->next;
	store_event(store, plan->stream, event);
	*position = event->position;
}

/* An empty write leaves a mark in the log, too. */
static void
store_all(struct devdb_store *store, struct plan *plan, uint64_t *position)
{
	if (!plan->part->events)
		*position = take_position(store, plan->part->stream.len);
	while (plan->part->events)
		store_next(store, plan, position);
}

/* What follows from new events: metadata counts, a deleted stream comes back. */
static void
close_stream(struct devdb_store *store, const struct plan *plan)
{
	struct devdb_name name = plan->part->stream;
	bool has_new = plan->stream->count > plan->first_new;

	plan->part->revision = plan->was_tombstoned && !has_new ? DEVDB_TOMBSTONE_REVISION
								: plan->stream->count - 1;
	if (has_new && is_metastream(name)) {
		apply_metadata(store, name, plan->stream);
		if (plan->was_original_deleted && !plan->was_tombstoned)
			undelete_original(store, name);
	}
	if (plan->was_deleted && !plan->was_tombstoned)
		undelete(store, name, plan->first_new);
}

static struct devdb_write
write_parts(struct devdb_store *store, struct plan *plans, size_t count,
    const uint32_t *order, size_t order_len)
{
	struct devdb_write write = {.result = DEVDB_WRITTEN, .has_position = true};

	for (size_t i = 0; i < count; i++) {
		if (!plans[i].part->is_check_only)
			open_stream(store, &plans[i]);
	}
	for (size_t i = 0; i < order_len; i++)
		store_next(store, &plans[order[i]], &write.position);
	for (size_t i = 0; i < count && !order; i++) {
		if (!plans[i].part->is_check_only)
			store_all(store, &plans[i], &write.position);
	}
	for (size_t i = 0; i < count; i++) {
		if (!plans[i].part->is_check_only)
			close_stream(store, &plans[i]);
	}
	return write;
}

/* The position is that of the event written last, if it can still be read. */
static struct devdb_write
replay(struct plan *plans, size_t count)
{
	struct devdb_write write = {.result = DEVDB_WRITTEN};

	for (size_t i = 0; i < count; i++) {
		const struct devdb_stream *stream = plans[i].stream;
		struct devdb_part *part = plans[i].part;
		int64_t revision = plans[i].check.replayed_revision;

		if (part->is_check_only)
			continue;
		part->revision = revision;
		if (!is_readable(part->stream, stream, revision))
			continue;
		write.has_position = true;
		if (stream->events[revision]->position > write.position)
			write.position = stream->events[revision]->position;
	}
	return write;
}

static size_t
footprint(const struct devdb_part *part)
{
	size_t bytes = part->is_check_only ? 0 : part->stream.len;

	for (const struct devdb_event *event = part->events; event; event = event->next)
		bytes += devdb_event_footprint(event) + sizeof event;
	return bytes;
}

static enum devdb_write_result
result_of(enum decision decision)
{
	switch (decision) {
	case DECISION_WRITE:
		return DEVDB_WRITTEN;
	case DECISION_DELETED:
		return DEVDB_STREAM_DELETED;
	default:
		return DEVDB_WRONG_VERSION;
	}
}

/* Where not all streams are replays, those that are fail with the others. */
static struct devdb_write
refuse_parts(const struct devdb_store *store, struct plan *plans, size_t count)
{
	struct devdb_write write = {.result = DEVDB_WRONG_VERSION};

	for (size_t i = 0; i < count; i++) {
		struct devdb_part *part = plans[i].part;

		part->result = result_of(plans[i].check.decision);
		part->is_replay = plans[i].check.decision == DECISION_REPLAY;
		part->revision = last_revision(plans[i].stream);
		part->is_tombstoned = is_tombstoned(store, part->stream, plans[i].stream);
		if (part->result == DEVDB_STREAM_DELETED)
			write.result = DEVDB_STREAM_DELETED;
	}
	return write;
}

static void
check_part(const struct devdb_store *store, struct plan *plan)
{
	struct devdb_part *part = plan->part;

	plan->stream = find_stream(store, part->stream);
	plan->check = part->is_check_only
			  ? check_only(store, part->stream, plan->stream, part->expected)
			  : check_write(store, part->stream, plan->stream, part->expected,
				part->events);
}

static struct devdb_write
carry_out(struct devdb_store *store, struct plan *plans, size_t count,
    const uint32_t *order, size_t order_len)
{
	bool is_replay = true;
	bool is_met = true;
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		enum decision decision = plans[i].check.decision;

		is_met = is_met && decision == DECISION_WRITE;
		is_replay = is_replay &&
			    (plans[i].part->is_check_only || decision == DECISION_REPLAY);
		bytes += footprint(plans[i].part);
	}
	if (is_replay)
		return replay(plans, count);
	if (!is_met)
		return refuse_parts(store, plans, count);
	if (!devdb_store_reserve(store, bytes))
		return (struct devdb_write){.result = DEVDB_FULL};
	return write_parts(store, plans, count, order, order_len);
}

struct devdb_write
devdb_store_write(struct devdb_store *store, struct devdb_part *parts, size_t count,
    const uint32_t *order, size_t order_len)
{
	struct plan *plans = kdb_alloc_zero(count, sizeof *plans);
	struct devdb_write write;

	for (size_t i = 0; i < count; i++) {
		plans[i].part = &parts[i];
		parts[i].result = DEVDB_WRITTEN;
		check_part(store, &plans[i]);
	}
	write = carry_out(store, plans, count, order, order_len);
	for (size_t i = 0; i < count; i++) {
		free_events(parts[i].events);
		parts[i].events = NULL;
	}
	free(plans);
	return write;
}

struct devdb_write
devdb_store_append(struct devdb_store *store, struct devdb_name name, int64_t expected,
    struct devdb_event *events)
{
	struct devdb_part part = {.stream = name, .expected = expected, .events = events};
	struct devdb_write write = devdb_store_write(store, &part, 1, NULL, 0);

	write.revision = part.revision;
	return write;
}

static struct devdb_write
refuse(const struct devdb_stream *stream, enum devdb_write_result result)
{
	return (struct devdb_write){.result = result, .revision = last_revision(stream)};
}

/* A delete is checked like the write of one event with an id that nobody has used. */
static enum decision
check_delete(const struct devdb_store *store, struct devdb_name name,
    const struct devdb_stream *stream, int64_t expected)
{
	struct devdb_event probe = {.id = devdb_guid_new()};

	return check_write(store, name, stream, expected, &probe).decision;
}

struct devdb_write
devdb_store_delete(struct devdb_store *store, struct devdb_name name, int64_t expected)
{
	const struct devdb_stream *stream = find_stream(store, name);
	enum decision decision = check_delete(store, name, stream, expected);

	if (decision == DECISION_DELETED)
		return refuse(stream, DEVDB_STREAM_DELETED);
	if (decision != DECISION_WRITE || !can_exist(stream))
		return refuse(stream, DEVDB_WRONG_VERSION);
	return (struct devdb_write){
	    .result = DEVDB_WRITTEN,
	    .revision = last_revision(stream),
	    .has_position = true,
	    .position =
		write_metadata(store, name, deleted_json, sizeof deleted_json - 1),
	};
}

struct devdb_write
devdb_store_tombstone(struct devdb_store *store, struct devdb_name name, int64_t expected)
{
	struct devdb_stream *stream = find_stream(store, name);
	enum decision decision = check_delete(store, name, stream, expected);

	if (decision == DECISION_DELETED)
		return refuse(stream, DEVDB_STREAM_DELETED);
	if (decision != DECISION_WRITE)
		return refuse(stream, DEVDB_WRONG_VERSION);
	stream = get_stream(store, name);
	stream->is_tombstoned = true;
	return (struct devdb_write){
	    .result = DEVDB_WRITTEN,
	    .revision = DEVDB_TOMBSTONE_REVISION,
	    .has_position = true,
	    .position = take_position(store, name.len + sizeof "$streamDeleted" - 1),
	};
}

/* --- reading --- */

struct devdb_read
devdb_store_read(const struct devdb_store *store, struct devdb_name name, int64_t from,
    bool is_backwards, uint64_t count)
{
	const struct devdb_stream *stream = find_stream(store, name);
	struct devdb_read read = {.state = DEVDB_READ_NOT_FOUND,
	    .stream = stream,
	    .is_backwards = is_backwards,
	    .left = count,
	    .last = last_revision(stream)};
	struct devdb_stream_metadata metadata;

	if (is_tombstoned(store, name, stream))
		read.state = DEVDB_READ_DELETED;
	if (read.state == DEVDB_READ_DELETED || read.last < 0 || is_soft_deleted(stream))
		return read;
	metadata = effective_metadata(name, stream);
	read.state = DEVDB_READ_FOUND;
	read.first = first_visible(&metadata, read.last);
	read.oldest_ticks = oldest_visible_ticks(&metadata);
	if (is_backwards)
		read.next = from < 0 || from > read.last ? read.last : from;
	else
		read.next = from < read.first ? read.first : from;
	return read;
}

const struct devdb_event *
devdb_store_read_next(struct devdb_read *read)
{
	const struct devdb_event *event;

	if (read->state != DEVDB_READ_FOUND || read->left == 0)
		return NULL;
	while (read->next <= read->last && read->next >= read->first) {
		event = read->stream->events[read->next];
		read->next += read->is_backwards ? -1 : 1;
		if (event->created_ticks < read->oldest_ticks)
			continue;
		read->left--;
		return event;
	}
	return NULL;
}

struct devdb_log_read
devdb_store_read_log(
    const struct devdb_store *store, uint64_t from, bool is_backwards, uint64_t count)
{
	size_t at = devdb_log_find(&store->log, from);

	return (struct devdb_log_read){
	    .store = store,
	    .next = at,
	    .end = is_backwards ? 0 : store->log.count,
	    .left = count,
	    .is_backwards = is_backwards,
	};
}

const struct devdb_event *
devdb_store_read_log_next(struct devdb_log_read *read, struct devdb_name *stream)
{
	const struct devdb_log_entry *entry;

	if (read->left == 0 || read->next == read->end)
		return NULL;
	read->left--;
	entry =
	    &read->store->log.entries[read->is_backwards ? --read->next : read->next++];
	*stream = (struct devdb_name){entry->stream->name, entry->stream->name_len};
	return entry->event;
}
