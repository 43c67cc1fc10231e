/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, corking, and what becomes of pending appends when the shared call dies. Owns the call,
 * its channel, the cork queue and the slots. */
#include "client-core/batch_stream.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/operations/append.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64, NO_SLOT = UINT32_MAX };

/* The server answers each append, or says Timeout, within 3.4 s (wire-protocol 2.6). */
#define MUTE_NS (10 * KDB_NS_PER_SECOND)

enum stream_state {
	STREAM_OPENING,
	STREAM_OPEN,
	STREAM_RETIRED,
	STREAM_ENDED,
};

/* An append that was handed over. The generation makes late answers to an earlier use of the
 * slot miss: correlation ids are never used twice (wire-protocol 2.3). */
struct slot {
	struct kdb_operation *operation; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

/* A message claimed for sending; the reference keeps the bytes. */
struct claim {
	struct kdb_operation *operation;
	struct kdb_attempt attempt;
};

struct kdb_batch_stream {
	unsigned refs;
	enum stream_state state;
	struct kdb_batch_stream_options options;
	struct kdb_call *call;
	struct kdb_list queue;
	bool is_sending;
	/* Follows the message that carries the buffer hint, whatever happens to it: without a
	 * successor that message would stay in C core's buffer. */
	struct claim next;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t first_free;
	size_t pending_count;
	/* Some append was given up unanswered: the end of the call may be about that one. */
	bool has_forgotten;
	bool was_answered;
	/* Appends that timed out since the last answer of any kind, and since when. */
	unsigned unanswered_count;
	int64_t unanswered_since_mono_ns;
};

static void
grow_slots(struct kdb_batch_stream *stream)
{
	uint32_t count = stream->slot_count ? stream->slot_count * 2 : FIRST_SLOTS;

	stream->slots = kdb_realloc(stream->slots, count * sizeof *stream->slots);
	for (uint32_t i = stream->slot_count; i < count; i++)
		stream->slots[i] = (struct slot){ .generation = 1,
			.next_free = i + 1 < count ? i + 1 : NO_SLOT };
	stream->first_free = stream->slot_count;
	stream->slot_count = count;
}

static uint32_t
take_slot(struct kdb_batch_stream *stream, struct kdb_operation *operation)
{
	uint32_t index;

	if (stream->first_free == NO_SLOT)
		grow_slots(stream);
	index = stream->first_free;
	stream->first_free = stream->slots[index].next_free;
	stream->slots[index].operation = operation;
	stream->pending_count++;
	return index;
}

static void
give_slot(struct kdb_batch_stream *stream, uint32_t index)
{
	stream->slots[index].operation = NULL;
	stream->slots[index].generation++;
	stream->slots[index].next_free = stream->first_free;
	stream->first_free = index;
	stream->pending_count--;
}

struct kdb_batch_stream *
kdb_batch_stream_ref_locked(struct kdb_batch_stream *stream)
{
	stream->refs++;
	return stream;
}

void
kdb_batch_stream_unref_locked(struct kdb_batch_stream *stream)
{
	if (--stream->refs > 0)
		return;
	kdb_call_unref(stream->call);
	kdb_channel_unref(stream->options.channel);
	free(stream->slots);
	free(stream);
}

/* From here on the append counts as sent: its outcome is unknown until it is answered. */
static struct claim
hand_over(struct kdb_batch_stream *stream, struct kdb_list *link)
{
	struct kdb_operation *operation = KDB_LIST_ITEM(link, struct kdb_operation, link);
	int64_t now = kdb_clock_mono_ns();
	int64_t time_left_ns = operation->deadline.at_mono_ns - now;

	operation->state = KDB_OPERATION_SENT;
	operation->slot = take_slot(stream, operation);
	operation->handed_mono_ns = now;
	kdb_channel_get_positions(stream->options.channel, &operation->append_result);
	return (struct claim){ .operation = kdb_operation_ref(operation),
		.attempt = { .correlation = { stream->slots[operation->slot].generation,
				 (uint64_t)operation->slot + 1 },
		    .time_left_ns =
			time_left_ns > KDB_NS_PER_MS ? time_left_ns : KDB_NS_PER_MS } };
}

/* The next message of the chain, and whether another one follows it for sure. */
static bool
claim_next(struct kdb_batch_stream *stream, struct claim *claim, bool *has_more)
{
	struct kdb_list *link;

	if (stream->is_sending
	    || (stream->state != STREAM_OPEN && !stream->next.operation))
		return false;
	*claim = stream->next;
	stream->next.operation = NULL;
	if (!claim->operation) {
		link = kdb_list_pop_front(&stream->queue);
		if (!link)
			return false;
		*claim = hand_over(stream, link);
	}
	link = stream->state == STREAM_OPEN ? kdb_list_pop_front(&stream->queue) : NULL;
	if (link)
		stream->next = hand_over(stream, link);
	*has_more = link != NULL;
	stream->is_sending = true;
	return true;
}

void
kdb_batch_stream_flush(struct kdb_batch_stream *stream)
{
	pthread_mutex_t *mutex = stream->options.mutex;
	struct claim claim;
	bool has_more;

	pthread_mutex_lock(mutex);
	if (!claim_next(stream, &claim, &has_more)) {
		pthread_mutex_unlock(mutex);
		return;
	}
	stream->refs++;
	pthread_mutex_unlock(mutex);
	kdb_operation_send(claim.operation, 0, &claim.attempt, stream->call,
	    has_more ? KDB_SEND_MORE_FOLLOWS : KDB_SEND_NOW);
	kdb_operation_free(claim.operation);
	pthread_mutex_lock(mutex);
	kdb_batch_stream_unref_locked(stream);
	pthread_mutex_unlock(mutex);
}

static void
opened(void *owner)
{
	struct kdb_batch_stream *stream = owner;

	pthread_mutex_lock(stream->options.mutex);
	if (stream->state == STREAM_OPENING) {
		stream->state = STREAM_OPEN;
		stream->options.events->opened(stream->options.owner);
	}
	pthread_mutex_unlock(stream->options.mutex);
	kdb_batch_stream_flush(stream);
}

static void
sent(void *owner)
{
	struct kdb_batch_stream *stream = owner;

	pthread_mutex_lock(stream->options.mutex);
	stream->is_sending = false;
	pthread_mutex_unlock(stream->options.mutex);
	kdb_batch_stream_flush(stream);
}

static struct kdb_operation *
find_operation(struct kdb_batch_stream *stream, const uint64_t correlation[2])
{
	struct slot *slot;

	if (correlation[1] == 0 || correlation[1] > stream->slot_count)
		return NULL;
	slot = &stream->slots[correlation[1] - 1];
	return slot->generation == correlation[0] ? slot->operation : NULL;
}

/* A retired call has nothing to wait for once its last append is settled. The server would not
 * end it by itself, so we cancel (wire-protocol 2.3). */
static void
end_if_done(struct kdb_batch_stream *stream)
{
	if (stream->state == STREAM_RETIRED && stream->pending_count == 0)
		kdb_call_cancel(stream->call);
}

static void
received(void *owner, const uint8_t *bytes, size_t len)
{
	struct kdb_batch_stream *stream = owner;
	const struct kdb_batch_stream_events *events = stream->options.events;
	struct kdb_append_answer answer;
	struct kdb_operation *operation;

	if (!kdb_append_answer_read(bytes, len, &answer)) {
		kdb_call_cancel(stream->call);
		return;
	}
	pthread_mutex_lock(stream->options.mutex);
	stream->was_answered = true;
	stream->unanswered_count = 0;
	if (answer.result.has_position)
		kdb_channel_saw_position(
		    stream->options.channel, answer.result.commit_position);
	/* Unknown: a second answer, or the append's deadline is over (wire-protocol 2.3). */
	operation = find_operation(stream, answer.correlation);
	if (operation) {
		give_slot(stream, operation->slot);
		kdb_append_answer_apply(&answer, operation);
		kdb_operation_note_position(operation, stream->options.channel);
		events->finished(stream->options.owner, operation);
	}
	if (answer.error.code == KDB_LEADER_UNAVAILABLE)
		events->doubted(stream->options.owner);
	end_if_done(stream);
	pthread_mutex_unlock(stream->options.mutex);
	events->settle(stream->options.owner);
}

static void
finish_pending(struct kdb_batch_stream *stream, const struct kdb_status *status)
{
	struct kdb_progress progress = { .is_complete = true,
		.is_alone = stream->pending_count == 1 && !stream->has_forgotten,
		.was_answered = stream->was_answered,
		.is_own_credentials = true,
		.requires = KDB_APPEND_REQUIRES };

	for (uint32_t i = 0; i < stream->slot_count; i++) {
		struct kdb_operation *operation = stream->slots[i].operation;

		if (!operation)
			continue;
		give_slot(stream, i);
		kdb_status_to_error(status, &progress, &operation->error);
		stream->options.events->finished(stream->options.owner, operation);
	}
}

/* A claimed successor was promised to C core but not given to it; it was never sent. */
static void
take_back_next(struct kdb_batch_stream *stream)
{
	struct kdb_operation *operation = stream->next.operation;

	stream->next.operation = NULL;
	if (!operation)
		return;
	if (operation->state == KDB_OPERATION_SENT) {
		give_slot(stream, operation->slot);
		operation->state = KDB_OPERATION_QUEUED;
		operation->handed_mono_ns = 0;
		kdb_list_push_front(&stream->queue, &operation->link);
	}
	kdb_operation_free(operation);
}

static void
ended(void *owner, const struct kdb_status *status)
{
	struct kdb_batch_stream *stream = owner;
	struct kdb_batch_stream_options options = stream->options;
	struct kdb_list unsent;

	kdb_list_init(&unsent);
	pthread_mutex_lock(options.mutex);
	stream->state = STREAM_ENDED;
	take_back_next(stream);
	kdb_list_splice_back(&unsent, &stream->queue);
	finish_pending(stream, status);
	options.events->ended(options.owner, stream, status, &unsent);
	kdb_batch_stream_unref_locked(stream);
	pthread_mutex_unlock(options.mutex);
	options.events->settle(options.owner);
}

struct kdb_batch_stream *
kdb_batch_stream_new_locked(const struct kdb_batch_stream_options *options)
{
	static const struct kdb_call_events events = { .opened = opened,
		.sent = sent,
		.received = received,
		.ended = ended };
	struct kdb_batch_stream *stream = kdb_alloc_zero(1, sizeof *stream);
	struct kdb_call_options call_options = { .channel = options->channel,
		.path = KDB_APPEND_PATH,
		.authorization = options->authorization,
		.requires_leader = true,
		.deadline_mono_ns = INT64_MAX,
		.events = &events,
		.owner = stream };

	/* One reference is the owner's, one the call's until it ends. */
	stream->refs = 2;
	stream->options = *options;
	stream->first_free = NO_SLOT;
	kdb_list_init(&stream->queue);
	stream->call = kdb_call_new(options->completion, &call_options);
	kdb_call_begin(stream->call);
	return stream;
}

void
kdb_batch_stream_queue_locked(
    struct kdb_batch_stream *stream, struct kdb_operation *operation)
{
	operation->state = KDB_OPERATION_QUEUED;
	operation->stream = stream;
	kdb_list_push_back(&stream->queue, &operation->link);
}

bool
kdb_batch_stream_forget_locked(struct kdb_operation *operation)
{
	struct kdb_batch_stream *stream = operation->stream;

	kdb_list_remove(&operation->link);
	if (operation->state != KDB_OPERATION_SENT)
		return false;
	give_slot(stream, operation->slot);
	stream->has_forgotten = true;
	end_if_done(stream);
	return true;
}

bool
kdb_batch_stream_is_mute_locked(
    struct kdb_batch_stream *stream, int64_t waited_since_mono_ns, int64_t now_mono_ns)
{
	if (stream->unanswered_count++ == 0)
		stream->unanswered_since_mono_ns = waited_since_mono_ns;
	return stream->unanswered_count > 1
	    && now_mono_ns - stream->unanswered_since_mono_ns >= MUTE_NS;
}

void
kdb_batch_stream_retire_locked(struct kdb_batch_stream *stream, struct kdb_list *unsent)
{
	if (stream->state == STREAM_ENDED)
		return;
	stream->state = STREAM_RETIRED;
	kdb_list_splice_back(unsent, &stream->queue);
	end_if_done(stream);
}

void
kdb_batch_stream_cancel_locked(struct kdb_batch_stream *stream)
{
	kdb_call_cancel(stream->call);
}

bool
kdb_batch_stream_is_open_locked(const struct kdb_batch_stream *stream)
{
	return stream->state == STREAM_OPEN;
}
