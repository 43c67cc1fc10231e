/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together: where an operation goes, who waits for a leader, whose time is over,
 * and what a lost leader means. Owns the lock, the deadlines, the waiting operations, the
 * leader's channels and the shared call. */
#include "client-core/client.h"

#include "client-core/authorization.h"
#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/batch_stream.h"
#include "client-core/completion.h"
#include "client-core/discovery.h"
#include "client-core/operation.h"
#include "client-core/own_call.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A larger append would stall the small ones behind the shared call's flow-control
	 * window (architecture 4). */
	SHARED_MAX_BYTES = 256 * 1024,
	/* Calls that have a connection each. */
	APART_CALLS_MAX = 16,
};

/* Refused credentials are tried again that often: somebody may correct them in the database. */
#define CREDENTIALS_PAUSE_NS KDB_NS_PER_SECOND

struct kdb_client {
	struct kdb_client_config config;
	char *user_agent;
	char *authorization; /* of the connection string; NULL: none */
	struct kdb_completion *completion;
	struct kdb_discovery *discovery; /* completion thread */

	pthread_mutex_t mutex; /* guards everything below, held for pointer work only */
	pthread_cond_t calls_ended;
	struct kdb_deadline_heap deadlines;
	struct kdb_list waiting;  /* for a leader */
	struct kdb_list finished; /* their completions run once the mutex is free */
	struct kdb_list starting; /* calls of their own, likewise */
	struct kdb_list calls;	  /* of their own, under way */
	struct kdb_channel_pool *pool; /* NULL: no leader */
	struct kdb_endpoint leader;
	uint64_t leader_epoch; /* counts the pools */
	struct kdb_batch_stream *stream; /* NULL: none; its channel is the pool's first */
	unsigned apart_calls; /* with a connection each */
	unsigned open_calls; /* shared calls and calls of their own that have not ended */
	bool is_stopping;
	bool is_discovery_stopped;
	bool has_contact;
	int64_t search_again_mono_ns; /* INT64_MAX: not planned */
	bool wants_search; /* told to discovery with the mutex free */
	bool has_search_target;
	struct kdb_endpoint search_target;
	struct kdb_client_status status;
	struct kdb_features features; /* of the leader; valid as the status says */

	bool has_completed; /* since the last idle hook; completion thread */
};

static void __attribute__((format(printf, 3, 4)))
say(struct kdb_client *client, enum kdb_log_level level, const char *format, ...)
{
	va_list args;
	char text[600];

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	client->config.log(level, text, client->config.log_context);
}

/* ---- finishing operations ---- */

/* The operation is in no list and no call any more. */
static void
finish(struct kdb_client *client, struct kdb_operation *operation)
{
	assert(operation->state != KDB_OPERATION_FINISHED);
	if (!operation->class->is_write)
		operation->error.outcome = KDB_OUTCOME_NOT_WRITTEN;
	kdb_deadline_heap_remove(&client->deadlines, &operation->deadline);
	operation->state = KDB_OPERATION_FINISHED;
	operation->finished_mono_ns = kdb_clock_mono_ns();
	kdb_list_push_back(&client->finished, &operation->link);
}

static void
on_finished(void *owner, struct kdb_operation *operation)
{
	finish(owner, operation);
}

/* Runs the completions of what was finished and starts the calls that were made, with the mutex
 * free. True when a completion ran. */
static bool
run_finished(struct kdb_client *client)
{
	struct kdb_list finished;
	struct kdb_list starting;
	struct kdb_list *link;
	bool has_run = false;

	kdb_list_init(&finished);
	kdb_list_init(&starting);
	pthread_mutex_lock(&client->mutex);
	kdb_list_splice_back(&finished, &client->finished);
	kdb_list_splice_back(&starting, &client->starting);
	pthread_mutex_unlock(&client->mutex);
	while ((link = kdb_list_pop_front(&finished))) {
		struct kdb_operation *operation =
		    KDB_LIST_ITEM(link, struct kdb_operation, link);

		client->config.completion(operation, operation->context);
		has_run = true;
	}
	while ((link = kdb_list_pop_front(&starting)))
		kdb_own_call_start(link);
	return has_run;
}

/* ---- where operations go ---- */

static bool
is_shared(const struct kdb_operation *operation)
{
	return operation->class->is_shareable && !kdb_operation_has_headers(operation)
	    && kdb_operation_encoded_len(operation) <= SHARED_MAX_BYTES;
}

static void
wait_for_leader(struct kdb_client *client, struct kdb_operation *operation)
{
	operation->state = KDB_OPERATION_WAITING;
	operation->handed_mono_ns = 0;
	kdb_list_push_back(&client->waiting, &operation->link);
}

static void
plan_search(struct kdb_client *client, const struct kdb_endpoint *target)
{
	client->wants_search = true;
	client->has_search_target = target != NULL;
	if (target)
		client->search_target = *target;
}

/* Without a leader: those that wait go on waiting, and the search begins. */
static void
lose_leader(struct kdb_client *client, const struct kdb_endpoint *target, const char *reason)
{
	struct kdb_list unsent;

	kdb_list_init(&unsent);
	if (client->stream) {
		kdb_batch_stream_retire_locked(client->stream, &unsent);
		kdb_batch_stream_unref_locked(client->stream);
		client->stream = NULL;
	}
	for (struct kdb_list *link; (link = kdb_list_pop_front(&unsent));)
		wait_for_leader(
		    client, KDB_LIST_ITEM(link, struct kdb_operation, link));
	kdb_channel_pool_free(client->pool);
	client->pool = NULL;
	if (client->status.has_leader)
		client->status.leader_since_wall_ns = kdb_clock_wall_ns();
	client->status.has_leader = false;
	client->status.leader[0] = 0;
	snprintf(client->status.reason, sizeof client->status.reason, "%s", reason);
	plan_search(client, target);
}

static void
on_own_call_unsent(void *owner, struct kdb_operation *operation,
    const struct kdb_status *status)
{
	struct kdb_client *client = owner;
	bool is_refused = status->code == KDB_STATUS_UNAUTHENTICATED
	    || status->code == KDB_STATUS_UNIMPLEMENTED;
	struct kdb_progress progress = { .is_alone = true,
		.is_own_credentials = operation->headers.authorization == NULL,
		.requires = operation->class->requires };

	if (client->is_stopping || is_refused) {
		kdb_status_to_error(status, &progress, &operation->error);
		finish(client, operation);
		return;
	}
	/* Its connection could not be made. It goes again when gossip has confirmed the leader,
	 * which paces the tries; whose shared call is open keeps the leader meanwhile. */
	plan_search(client, client->pool ? &client->leader : NULL);
	wait_for_leader(client, operation);
}

static void release_one(struct kdb_client *client);

static void
on_own_call_ended(void *owner, const struct kdb_operation *operation,
    uint64_t leader_epoch, bool is_connected, const struct kdb_status *status)
{
	struct kdb_client *client = owner;

	client->open_calls--;
	client->apart_calls -= operation->needs_own_connection;
	pthread_cond_signal(&client->calls_ended);
	if (client->is_stopping || !client->pool)
		return;
	/* What a call to an earlier leader met says nothing about this one. */
	if (leader_epoch == client->leader_epoch && kdb_status_has_redirect(status))
		lose_leader(client, &status->redirect, "the leader has moved");
	else if (leader_epoch == client->leader_epoch
	    && (status->is_not_leader || status->code == KDB_STATUS_UNAVAILABLE
		|| !is_connected))
		plan_search(client, &client->leader);
	/* There is one place on the leader's connections again. */
	if (client->pool && is_connected)
		release_one(client);
}

static void on_settle(void *owner);

/* NULL: all are full. */
static struct kdb_channel *
get_channel(struct kdb_client *client, const struct kdb_operation *operation)
{
	if (!operation->needs_own_connection)
		return kdb_channel_pool_get(client->pool);
	if (client->apart_calls == APART_CALLS_MAX)
		return NULL;
	client->apart_calls++;
	return kdb_channel_pool_open(client->pool);
}

static void
start_own_call(struct kdb_client *client, struct kdb_operation *operation)
{
	static const struct kdb_own_call_events events = { .finished = on_finished,
		.unsent = on_own_call_unsent,
		.ended = on_own_call_ended,
		.settle = on_settle };
	struct kdb_own_call_options options = { .mutex = &client->mutex,
		.completion = client->completion,
		.channel = get_channel(client, operation),
		.authorization = operation->headers.authorization
		    ? operation->headers.authorization
		    : client->authorization,
		.leader_epoch = client->leader_epoch,
		.calls = &client->calls,
		.events = &events,
		.owner = client };

	if (!options.channel) {
		wait_for_leader(client, operation);
		return;
	}
	client->open_calls++;
	kdb_own_call_new_locked(&options, operation, &client->starting);
}

/* Finishes the operation if it cannot be sent whatever happens next; false when it can. */
static bool
refuse_early(struct kdb_client *client, struct kdb_operation *operation)
{
	bool is_known = client->status.are_features_known;

	if (client->status.are_credentials_refused && !operation->headers.authorization) {
		kdb_error_set(&operation->error, KDB_UNAUTHENTICATED,
		    KDB_OUTCOME_NOT_WRITTEN,
		    "The database refused the gateway's own credentials.");
		operation->error.is_own_credentials = true;
	} else if (operation->headers.authorization
	    && !kdb_trust_may_send_credentials(client->config.trust, client->leader.host)) {
		kdb_error_set(&operation->error, KDB_CREDENTIALS_WITHHELD,
		    KDB_OUTCOME_NOT_WRITTEN,
		    "The leader, %.100s, is neither on TLS nor loopback, so credentials of "
		    "requests do not travel there (option allow-cleartext-credentials).",
		    client->status.leader);
	} else if (operation->class->adapt(
		       operation, is_known ? &client->features : NULL)) {
		return false;
	}
	finish(client, operation);
	return true;
}

static void
route(struct kdb_client *client, struct kdb_operation *operation)
{
	if (client->pool && refuse_early(client, operation))
		return;
	if (!client->pool)
		wait_for_leader(client, operation);
	else if (!is_shared(operation))
		start_own_call(client, operation);
	else if (client->stream)
		kdb_batch_stream_queue_locked(client->stream, operation);
	else
		wait_for_leader(client, operation);
}

static void
release_one(struct kdb_client *client)
{
	struct kdb_list *link = kdb_list_pop_front(&client->waiting);

	if (link)
		route(client, KDB_LIST_ITEM(link, struct kdb_operation, link));
}

/* In the order in which they came. */
static void
release_waiting(struct kdb_client *client)
{
	struct kdb_list waiting;
	struct kdb_list *link;

	kdb_list_init(&waiting);
	kdb_list_splice_back(&waiting, &client->waiting);
	while ((link = kdb_list_pop_front(&waiting)))
		route(client, KDB_LIST_ITEM(link, struct kdb_operation, link));
}

/* ---- the shared call ---- */

static void
set_has_leader(struct kdb_client *client)
{
	if (!client->status.has_leader)
		client->status.leader_since_wall_ns = kdb_clock_wall_ns();
	client->status.has_leader = true;
	client->status.reason[0] = 0;
}

static void
on_stream_opened(void *owner)
{
	struct kdb_client *client = owner;

	set_has_leader(client);
	say(client, KDB_LOG_INFO, "append call open on leader %s", client->status.leader);
}

static void
on_stream_doubted(void *owner)
{
	struct kdb_client *client = owner;

	plan_search(client, &client->leader);
}

static void
set_features(struct kdb_client *client, const struct kdb_features *features)
{
	struct kdb_client_status *status = &client->status;

	client->features = *features;
	status->are_features_known = true;
	status->has_append = features->has_append;
	status->has_multi_append = features->has_multi_append;
	status->has_append_records = features->has_append_records;
	snprintf(status->server_version, sizeof status->server_version, "%s",
	    features->server_version);
}

static void
note_refusal(struct kdb_client *client, const struct kdb_status *status)
{
	if (status->code == KDB_STATUS_UNIMPLEMENTED) {
		struct kdb_features features = client->features;

		features.has_append = false;
		set_features(client, &features);
	} else if (status->code == KDB_STATUS_UNAUTHENTICATED) {
		client->status.are_credentials_refused = true;
	}
}

static void
on_stream_ended(void *owner, struct kdb_batch_stream *stream,
    const struct kdb_status *status, struct kdb_list *unsent)
{
	struct kdb_client *client = owner;
	const struct kdb_endpoint *target =
	    kdb_status_has_redirect(status) ? &status->redirect : &client->leader;

	client->open_calls--;
	pthread_cond_signal(&client->calls_ended);
	for (struct kdb_list *link; (link = kdb_list_pop_front(unsent));)
		wait_for_leader(
		    client, KDB_LIST_ITEM(link, struct kdb_operation, link));
	if (client->stream != stream || client->is_stopping)
		return;
	note_refusal(client, status);
	say(client, KDB_LOG_WARNING, "append call on %s ended: status %d, %s",
	    client->status.leader, status->code, status->text);
	/* The server's end of this call spoils the connection (wire-protocol 2.3): it goes. */
	kdb_batch_stream_unref_locked(client->stream);
	client->stream = NULL;
	lose_leader(client, target, status->text[0] ? status->text : "the append call ended");
}

static void
open_stream(struct kdb_client *client, struct kdb_channel *channel)
{
	static const struct kdb_batch_stream_events events = { .opened = on_stream_opened,
		.finished = on_finished,
		.doubted = on_stream_doubted,
		.ended = on_stream_ended,
		.settle = on_settle };
	struct kdb_batch_stream_options options = { .mutex = &client->mutex,
		.completion = client->completion,
		.channel = kdb_channel_ref(channel),
		.authorization = client->authorization,
		.events = &events,
		.owner = client };

	client->open_calls++;
	client->stream = kdb_batch_stream_new_locked(&options);
}

static void
flush(struct kdb_client *client)
{
	struct kdb_batch_stream *stream;

	pthread_mutex_lock(&client->mutex);
	stream = client->stream ? kdb_batch_stream_ref_locked(client->stream) : NULL;
	pthread_mutex_unlock(&client->mutex);
	if (!stream)
		return;
	kdb_batch_stream_flush(stream);
	pthread_mutex_lock(&client->mutex);
	kdb_batch_stream_unref_locked(stream);
	pthread_mutex_unlock(&client->mutex);
}

/* ---- discovery ---- */

/* The doubt was unfounded when the leader is the one whose append call is open. */
static bool
is_confirmed(const struct kdb_client *client, const struct kdb_leader *leader)
{
	return client->stream && !leader->are_credentials_refused
	    && kdb_endpoint_equals(&client->leader, &leader->endpoint);
}

static void
adopt_leader(struct kdb_client *client, const struct kdb_leader *leader)
{
	struct kdb_client_status *status = &client->status;

	lose_leader(client, NULL, "");
	client->wants_search = false;
	client->leader = leader->endpoint;
	kdb_endpoint_print(&client->leader, status->leader, sizeof status->leader);
	client->leader_epoch++;
	client->pool = kdb_channel_pool_new(&client->leader, leader->channel,
	    client->config.trust, client->user_agent);
	if (leader->are_credentials_refused)
		client->search_again_mono_ns = kdb_clock_mono_ns() + CREDENTIALS_PAUSE_NS;
	if (leader->are_features_known && leader->features.has_append)
		open_stream(client, leader->channel);
	else
		set_has_leader(client);
}

static void
take_leader(struct kdb_client *client, const struct kdb_leader *leader)
{
	bool was_refused = client->status.are_credentials_refused;

	client->status.had_contact = client->has_contact = true;
	client->search_again_mono_ns = INT64_MAX;
	client->status.are_credentials_refused = leader->are_credentials_refused;
	set_features(client, &leader->features);
	/* Those of an earlier leader say nothing about this one. */
	client->status.are_features_known = leader->are_features_known;
	if (is_confirmed(client, leader))
		kdb_channel_unref(leader->channel);
	else
		adopt_leader(client, leader);
	if (leader->are_credentials_refused && !was_refused)
		say(client, KDB_LOG_ERROR,
		    "%s refuses the credentials of the connection string",
		    client->status.leader);
	release_waiting(client);
}

static void
on_found(void *owner, const struct kdb_leader *leader)
{
	struct kdb_client *client = owner;

	pthread_mutex_lock(&client->mutex);
	if (client->is_stopping)
		kdb_channel_unref(leader->channel);
	else
		take_leader(client, leader);
	pthread_mutex_unlock(&client->mutex);
	on_settle(client);
}

static void
on_missed(void *owner, bool is_answered, bool has_contact, bool is_news, const char *reason)
{
	struct kdb_client *client = owner;

	pthread_mutex_lock(&client->mutex);
	client->has_contact = has_contact || client->stream;
	if (has_contact)
		client->status.had_contact = true;
	/* A leader in doubt goes when a node says otherwise; while none does, its open call is
	 * the better witness. */
	if (client->pool && !client->is_stopping && (is_answered || !client->stream)) {
		lose_leader(client, &client->leader, reason);
		client->wants_search = false;
	}
	is_news = is_news && !client->stream;
	if (!client->stream)
		snprintf(client->status.reason, sizeof client->status.reason, "%s", reason);
	pthread_mutex_unlock(&client->mutex);
	if (is_news)
		say(client, KDB_LOG_WARNING, "no leader yet: %s", reason);
	on_settle(client);
}

static void
on_warned(void *owner, const char *text)
{
	say(owner, KDB_LOG_WARNING, "%s", text);
}

/* ---- deadlines ---- */

/* Takes the operation from wherever it is. True: all of it was handed over. */
static bool
detach(struct kdb_operation *operation)
{
	switch (operation->state) {
	case KDB_OPERATION_QUEUED:
	case KDB_OPERATION_SENT:
		return kdb_batch_stream_forget_locked(operation);
	case KDB_OPERATION_CALLING:
		return kdb_own_call_forget_locked(operation);
	default:
		kdb_list_remove(&operation->link);
		return false;
	}
}

/* A call that is alive and never answers would time out every append for ever. */
static void
give_up_mute_stream(
    struct kdb_client *client, const struct kdb_operation *operation, int64_t now_mono_ns)
{
	struct kdb_batch_stream *stream = client->stream;
	bool is_on_stream = operation->state == KDB_OPERATION_SENT
	    || operation->state == KDB_OPERATION_QUEUED;
	int64_t since = operation->handed_mono_ns ? operation->handed_mono_ns
						  : operation->submitted_mono_ns;

	if (!stream || !is_on_stream || operation->stream != stream
	    || !kdb_batch_stream_is_open_locked(stream)
	    || !kdb_batch_stream_is_mute_locked(stream, since, now_mono_ns))
		return;
	say(client, KDB_LOG_WARNING, "append call on %s answers nothing: opening another",
	    client->status.leader);
	lose_leader(client, &client->leader, "the append call answers nothing");
}

static void
time_out(struct kdb_client *client, struct kdb_operation *operation)
{
	struct kdb_error *error = &operation->error;
	bool had_leader = client->pool
	    && (operation->state != KDB_OPERATION_QUEUED
		|| kdb_batch_stream_is_open_locked(operation->stream));
	const char *reason = client->status.reason;

	if (detach(operation))
		kdb_error_set(error, KDB_DEADLINE_EXCEEDED, KDB_OUTCOME_UNKNOWN,
		    "No answer in time.");
	else if (had_leader)
		kdb_error_set(error, KDB_DEADLINE_EXCEEDED, KDB_OUTCOME_NOT_WRITTEN,
		    "The deadline was over before the request was sent.");
	else if (!client->has_contact)
		kdb_error_set(error, KDB_DATABASE_UNREACHABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "No contact with the database: %.220s", reason);
	else
		kdb_error_set(error, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "No leader: %.220s", reason);
	finish(client, operation);
}

/* Does what is due under the mutex; returns when the next deadline is. */
static int64_t
run_deadlines(struct kdb_client *client, int64_t now_mono_ns)
{
	struct kdb_deadline *first;
	int64_t next = INT64_MAX;

	while ((first = kdb_deadline_heap_first(&client->deadlines))
	    && first->at_mono_ns <= now_mono_ns) {
		struct kdb_operation *operation =
		    KDB_DEADLINE_ITEM(first, struct kdb_operation, deadline);

		give_up_mute_stream(client, operation, now_mono_ns);
		time_out(client, operation);
	}
	if (first)
		next = first->at_mono_ns;
	if (client->search_again_mono_ns <= now_mono_ns) {
		client->search_again_mono_ns = INT64_MAX;
		plan_search(client, client->pool ? &client->leader : NULL);
	}
	return next < client->search_again_mono_ns ? next : client->search_again_mono_ns;
}

/* ---- the completion thread ---- */

/* After every event, with the mutex free: what its handlers left to do. */
static void
on_settle(void *owner)
{
	struct kdb_client *client = owner;
	struct kdb_endpoint target;
	bool has_target;
	bool wants_search;

	client->has_completed |= run_finished(client);
	flush(client);
	pthread_mutex_lock(&client->mutex);
	wants_search = client->wants_search && !client->is_stopping;
	has_target = client->has_search_target;
	target = client->search_target;
	client->wants_search = false;
	pthread_mutex_unlock(&client->mutex);
	if (wants_search)
		kdb_discovery_search(client->discovery, has_target ? &target : NULL);
}

static int64_t
on_tick(void *context, int64_t now_mono_ns)
{
	struct kdb_client *client = context;
	int64_t next;
	int64_t discovery_next;
	bool is_stopping;

	pthread_mutex_lock(&client->mutex);
	next = run_deadlines(client, now_mono_ns);
	is_stopping = client->is_stopping;
	pthread_mutex_unlock(&client->mutex);
	on_settle(client);
	if (is_stopping) {
		kdb_discovery_stop(client->discovery);
		pthread_mutex_lock(&client->mutex);
		client->is_discovery_stopped = kdb_discovery_is_idle(client->discovery);
		pthread_cond_signal(&client->calls_ended);
		pthread_mutex_unlock(&client->mutex);
		return now_mono_ns + 10 * KDB_NS_PER_MS;
	}
	discovery_next = kdb_discovery_tick(client->discovery, now_mono_ns);
	return next < discovery_next ? next : discovery_next;
}

static void
on_idle(void *context)
{
	struct kdb_client *client = context;

	if (client->has_completed)
		client->config.wake(client->config.wake_context);
	client->has_completed = false;
}

static void
on_grpc_log(void *context, const char *text)
{
	say(context, KDB_LOG_DEBUG, "gRPC: %s", text);
}

/* ---- life ---- */

static void
start_discovery(struct kdb_client *client)
{
	static const struct kdb_discovery_events events = { .found = on_found,
		.missed = on_missed,
		.warned = on_warned };
	struct kdb_discovery_options options = { .completion = client->completion,
		.trust = client->config.trust,
		.user_agent = client->user_agent,
		.authorization = client->authorization,
		.events = &events,
		.owner = client };

	client->discovery = kdb_discovery_new(&options);
}

struct kdb_client *
kdb_client_new(const struct kdb_client_config *config)
{
	struct kdb_client *client = kdb_alloc_zero(1, sizeof *client);
	struct kdb_completion_hooks hooks = { .tick = on_tick,
		.idle = on_idle,
		.log = on_grpc_log,
		.context = client };

	client->config = *config;
	client->user_agent = kdb_alloc_text(config->user_agent, strlen(config->user_agent));
	client->authorization = kdb_authorization_new(kdb_trust_settings(config->trust));
	client->search_again_mono_ns = INT64_MAX;
	client->status.leader_since_wall_ns = kdb_clock_wall_ns();
	snprintf(client->status.reason, sizeof client->status.reason, "not contacted yet");
	kdb_deadline_heap_init(&client->deadlines);
	kdb_list_init(&client->waiting);
	kdb_list_init(&client->finished);
	kdb_list_init(&client->starting);
	kdb_list_init(&client->calls);
	pthread_mutex_init(&client->mutex, NULL);
	pthread_cond_init(&client->calls_ended, NULL);
	/* The thread's first tick waits for the mutex, and so for the rest of this. */
	pthread_mutex_lock(&client->mutex);
	client->completion = kdb_completion_new(&hooks);
	start_discovery(client);
	pthread_mutex_unlock(&client->mutex);
	return client;
}

static void
abandon(struct kdb_client *client, struct kdb_operation *operation)
{
	if (detach(operation))
		kdb_error_set(&operation->error, KDB_CONNECTION_LOST, KDB_OUTCOME_UNKNOWN,
		    "The gateway stopped before the answer came.");
	else
		kdb_error_set(&operation->error, KDB_CANCELLED, KDB_OUTCOME_NOT_WRITTEN,
		    "The gateway is stopping.");
	finish(client, operation);
}

void
kdb_client_stop(struct kdb_client *client)
{
	struct kdb_deadline *first;

	pthread_mutex_lock(&client->mutex);
	client->is_stopping = true;
	while ((first = kdb_deadline_heap_first(&client->deadlines)))
		abandon(client, KDB_DEADLINE_ITEM(first, struct kdb_operation, deadline));
	if (client->stream)
		kdb_batch_stream_cancel_locked(client->stream);
	/* Some are answered already and wait for the server to end them. */
	kdb_own_call_cancel_all_locked(&client->calls);
	pthread_mutex_unlock(&client->mutex);
	run_finished(client);
	kdb_completion_wake(client->completion);
	pthread_mutex_lock(&client->mutex);
	while (client->open_calls > 0 || !client->is_discovery_stopped)
		pthread_cond_wait(&client->calls_ended, &client->mutex);
	pthread_mutex_unlock(&client->mutex);
	kdb_completion_stop(client->completion);
}

void
kdb_client_free(struct kdb_client *client)
{
	if (!client)
		return;
	if (client->stream)
		kdb_batch_stream_unref_locked(client->stream);
	kdb_channel_pool_free(client->pool);
	kdb_discovery_free(client->discovery);
	kdb_completion_free(client->completion);
	kdb_deadline_heap_dispose(&client->deadlines);
	pthread_cond_destroy(&client->calls_ended);
	pthread_mutex_destroy(&client->mutex);
	kdb_authorization_free(client->authorization);
	free(client->user_agent);
	free(client);
}

/* ---- the owner's side ---- */

void
kdb_client_submit(struct kdb_client *client, struct kdb_operation *operation,
    int64_t deadline_mono_ns)
{
	assert(operation->state == KDB_OPERATION_NEW);
	operation->submitted_mono_ns = kdb_clock_mono_ns();
	operation->deadline.at_mono_ns = deadline_mono_ns;
	pthread_mutex_lock(&client->mutex);
	assert(!client->is_stopping);
	kdb_deadline_heap_add(&client->deadlines, &operation->deadline);
	route(client, operation);
	pthread_mutex_unlock(&client->mutex);
	kdb_completion_wake_before(client->completion, deadline_mono_ns);
}

void
kdb_client_flush(struct kdb_client *client)
{
	if (run_finished(client))
		client->config.wake(client->config.wake_context);
	flush(client);
}

static bool
is_unsent(const struct kdb_operation *operation)
{
	return operation->state == KDB_OPERATION_WAITING
	    || operation->state == KDB_OPERATION_QUEUED
	    || (operation->state == KDB_OPERATION_CALLING
		&& kdb_own_call_is_unsent_locked(operation));
}

void
kdb_client_cancel(struct kdb_client *client, struct kdb_operation *operation)
{
	pthread_mutex_lock(&client->mutex);
	if (is_unsent(operation)) {
		detach(operation);
		kdb_error_set(&operation->error, KDB_CANCELLED, KDB_OUTCOME_NOT_WRITTEN,
		    "The client has left.");
		finish(client, operation);
	}
	pthread_mutex_unlock(&client->mutex);
	if (run_finished(client))
		client->config.wake(client->config.wake_context);
}

void
kdb_client_get_status(struct kdb_client *client, struct kdb_client_status *status)
{
	pthread_mutex_lock(&client->mutex);
	*status = client->status;
	pthread_mutex_unlock(&client->mutex);
}

int64_t
kdb_client_last_tick_ns(struct kdb_client *client)
{
	return kdb_completion_last_tick_ns(client->completion);
}
