/* SPDX-License-Identifier: Apache-2.0 */
/* One operation, one call: sends its messages one by one and waits for the answer, which may be
 * the status alone. Owns the call, a place on a channel, and a reference to the operation for
 * its bytes. */
#include "client-core/own_call.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <stdlib.h>

/* The operation's own deadline comes first; this one only makes sure that a call ends. */
#define BACKSTOP_NS (500 * KDB_NS_PER_MS)

struct kdb_own_call {
	struct kdb_own_call_options options;
	struct kdb_list link;  /* among those to start, then in options.calls */
	struct kdb_call *call; /* NULL: not made yet */
	struct kdb_operation *operation; /* held until the call has ended */
	bool is_settled; /* the operation is finished, or somebody else's again */
	size_t handed_count;
	bool is_connected; /* completion thread */
};

static bool
is_complete(const struct kdb_own_call *own)
{
	return own->handed_count == own->operation->message_count;
}

static struct kdb_operation *
settle_operation(struct kdb_own_call *own)
{
	own->is_settled = true;
	own->operation->own_call = NULL;
	return own->operation;
}

/* Takes the next message, unless the operation is settled: then the rest stays unsent, and the
 * server drops an append whose final message never comes. */
static bool
claim_next(struct kdb_own_call *own, size_t *index, struct kdb_attempt *attempt)
{
	struct kdb_operation *operation = own->operation;
	int64_t now = kdb_clock_mono_ns();

	if (own->is_settled || is_complete(own))
		return false;
	if (own->handed_count == 0) {
		operation->handed_mono_ns = now;
		if (operation->class->is_write)
			kdb_channel_get_positions(
			    own->options.channel, &operation->append_result);
	}
	*index = own->handed_count++;
	/* Alone on its call, so one id does for all calls. */
	attempt->correlation[0] = attempt->correlation[1] = 1;
	attempt->time_left_ns = operation->deadline.at_mono_ns - now;
	if (attempt->time_left_ns < KDB_NS_PER_MS)
		attempt->time_left_ns = KDB_NS_PER_MS;
	return true;
}

static void
send_next(void *owner)
{
	struct kdb_own_call *own = owner;
	struct kdb_attempt attempt;
	size_t index = 0;
	bool has_next;
	bool is_last;

	pthread_mutex_lock(own->options.mutex);
	has_next = claim_next(own, &index, &attempt);
	is_last = is_complete(own) && own->operation->class->half_closes;
	pthread_mutex_unlock(own->options.mutex);
	if (has_next)
		kdb_operation_send(own->operation, index, &attempt, own->call,
		    is_last ? KDB_SEND_LAST : KDB_SEND_NOW);
}

static void
opened(void *owner)
{
	struct kdb_own_call *own = owner;

	own->is_connected = true;
	send_next(own);
}

static enum kdb_answer
take_answer(struct kdb_own_call *own, const uint8_t *bytes, size_t len)
{
	struct kdb_operation *operation = own->operation;
	enum kdb_answer answer = operation->class->decode_answer(operation, bytes, len);

	if (answer == KDB_ANSWER_MORE)
		return answer;
	if (answer == KDB_ANSWER_BROKEN)
		kdb_error_set(&operation->error, KDB_DATABASE_ERROR, KDB_OUTCOME_UNKNOWN,
		    "The database's answer cannot be read.");
	kdb_operation_note_position(operation, own->options.channel);
	own->options.events->finished(own->options.owner, settle_operation(own));
	return answer;
}

static void
received(void *owner, const uint8_t *bytes, size_t len)
{
	struct kdb_own_call *own = owner;
	enum kdb_answer answer = KDB_ANSWER_FINAL;

	pthread_mutex_lock(own->options.mutex);
	if (!own->is_settled)
		answer = take_answer(own, bytes, len);
	pthread_mutex_unlock(own->options.mutex);
	/* Answered, or answered with nonsense: nothing more is wanted from this call. */
	if (answer == KDB_ANSWER_BROKEN
	    || (answer == KDB_ANSWER_FINAL && !own->operation->class->half_closes))
		kdb_call_cancel(own->call);
	own->options.events->settle(own->options.owner);
}

static void
read_end(struct kdb_own_call *own, const struct kdb_status *status)
{
	struct kdb_operation *operation = own->operation;
	const struct kdb_operation_class *class = operation->class;
	struct kdb_progress progress = { .is_complete = is_complete(own),
		.is_alone = true,
		.is_own_credentials = operation->headers.authorization == NULL,
		.requires = class->requires };

	if (!class->decode_end || !class->decode_end(operation, status))
		kdb_status_to_error(status, &progress, &operation->error);
	else if (operation->error.code != KDB_OK)
		operation->error.grpc_status = status->code;
}

static void
ended(void *owner, const struct kdb_status *status)
{
	struct kdb_own_call *own = owner;
	struct kdb_own_call_options options = own->options;

	pthread_mutex_lock(options.mutex);
	kdb_list_remove(&own->link);
	kdb_channel_put(options.channel);
	options.events->ended(options.owner, own->operation, options.leader_epoch,
	    own->is_connected, status);
	if (!own->is_settled && own->handed_count == 0) {
		options.events->unsent(options.owner, settle_operation(own), status);
	} else if (!own->is_settled) {
		read_end(own, status);
		options.events->finished(options.owner, settle_operation(own));
	}
	pthread_mutex_unlock(options.mutex);
	kdb_call_unref(own->call);
	kdb_operation_free(own->operation);
	free(own);
	options.events->settle(options.owner);
}

void
kdb_own_call_new_locked(const struct kdb_own_call_options *options,
    struct kdb_operation *operation, struct kdb_list *starting)
{
	struct kdb_own_call *own = kdb_alloc_zero(1, sizeof *own);

	own->options = *options;
	own->operation = kdb_operation_ref(operation);
	operation->own_call = own;
	operation->state = KDB_OPERATION_CALLING;
	kdb_list_init(&own->link);
	kdb_list_push_back(starting, &own->link);
}

void
kdb_own_call_start(struct kdb_list *link)
{
	static const struct kdb_call_events events = { .opened = opened,
		.sent = send_next,
		.received = received,
		.ended = ended };
	struct kdb_own_call *own = KDB_LIST_ITEM(link, struct kdb_own_call, link);
	struct kdb_operation *operation = own->operation;
	struct kdb_call_options call_options = { .channel = own->options.channel,
		.path = operation->class->path,
		.authorization = own->options.authorization,
		.traceparent = operation->headers.traceparent,
		.tracestate = operation->headers.tracestate,
		.requires_leader = true,
		.deadline_mono_ns = operation->deadline.at_mono_ns + BACKSTOP_NS,
		.events = &events,
		.owner = own };
	struct kdb_call *call = kdb_call_new(own->options.completion, &call_options);
	bool is_settled;

	pthread_mutex_lock(own->options.mutex);
	own->call = kdb_call_ref(call);
	kdb_list_push_back(own->options.calls, &own->link);
	is_settled = own->is_settled;
	pthread_mutex_unlock(own->options.mutex);
	kdb_call_begin(call); /* it may end, and free own, before this returns */
	if (is_settled)
		kdb_call_cancel(call);
	kdb_call_unref(call);
}

void
kdb_own_call_cancel_all_locked(struct kdb_list *calls)
{
	for (struct kdb_list *link = calls->next; link != calls; link = link->next)
		kdb_call_cancel(KDB_LIST_ITEM(link, struct kdb_own_call, link)->call);
}

bool
kdb_own_call_is_unsent_locked(const struct kdb_operation *operation)
{
	return operation->own_call->handed_count == 0;
}

bool
kdb_own_call_forget_locked(struct kdb_operation *operation)
{
	struct kdb_own_call *own = operation->own_call;
	bool was_complete = is_complete(own);

	settle_operation(own);
	if (own->call)
		kdb_call_cancel(own->call);
	return was_complete;
}
