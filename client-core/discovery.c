/* SPDX-License-Identifier: Apache-2.0 */
/* Drives topology.c with calls. Owns the topology, the call and channel under way, and the search
 * for causes. */
#include "client-core/discovery.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/call.h"
#include "client-core/diagnosis.h"
#include "client-core/gossip.h"
#include "client-core/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum discovery_phase {
	DISCOVERY_SEARCHING, /* the topology says when to ask whom */
	DISCOVERY_ASKING,    /* a gossip call is under way */
	DISCOVERY_PROBING,   /* a features call is under way */
	DISCOVERY_DONE,
};

/* Why a node was missed, as its fingerprint: the log tells it once. */
struct told {
	struct kdb_endpoint endpoint;
	uint64_t reason;
};

struct kdb_discovery {
	struct kdb_discovery_options options;
	struct kdb_topology *topology;
	struct kdb_diagnosis *diagnosis;
	enum discovery_phase phase;
	bool is_stopped;
	struct kdb_endpoint asked;
	struct kdb_channel *channel;
	struct kdb_call *call;
	bool has_answer;     /* a message came that could be read */
	bool leads;	     /* ASKING: the answer says so */
	bool needs_identity; /* gossip is closed to strangers here (wire-protocol 6.5) */
	struct kdb_features features;
	struct told told[KDB_MEMBERS_MAX];
	size_t told_count;
};

static void start_call(struct kdb_discovery *discovery, const char *path,
    const char *authorization, const struct kdb_call_events *events);

static struct kdb_topology *
make_topology(const struct kdb_connection_settings *settings)
{
	struct kdb_endpoint *seeds = kdb_alloc_zero(settings->seed_count, sizeof *seeds);
	struct kdb_topology *topology;

	for (size_t i = 0; i < settings->seed_count; i++) {
		snprintf(seeds[i].host, sizeof seeds[i].host, "%s",
		    settings->seeds[i].host);
		seeds[i].port = settings->seeds[i].port;
	}
	topology = kdb_topology_new(seeds, settings->seed_count,
	    settings->discovery_interval_ms, settings->max_discover_attempts,
	    (uint32_t)kdb_clock_mono_ns());
	free(seeds);
	return topology;
}

struct kdb_discovery *
kdb_discovery_new(const struct kdb_discovery_options *options)
{
	struct kdb_discovery *discovery = kdb_alloc_zero(1, sizeof *discovery);

	discovery->options = *options;
	kdb_channel_set_up(options->trust);
	discovery->topology = make_topology(kdb_trust_settings(options->trust));
	discovery->diagnosis = kdb_diagnosis_new(options->trust);
	return discovery;
}

void
kdb_discovery_free(struct kdb_discovery *discovery)
{
	if (!discovery)
		return;
	kdb_diagnosis_free(discovery->diagnosis);
	kdb_topology_free(discovery->topology);
	free(discovery);
}

void
kdb_discovery_search(struct kdb_discovery *discovery, const struct kdb_endpoint *first)
{
	if (discovery->phase == DISCOVERY_ASKING || discovery->phase == DISCOVERY_PROBING)
		return;
	kdb_topology_search(discovery->topology, first, kdb_clock_mono_ns());
	discovery->phase = DISCOVERY_SEARCHING;
	if (!discovery->is_stopped)
		kdb_completion_wake(discovery->options.completion);
}

static void
drop_call(struct kdb_discovery *discovery)
{
	kdb_call_unref(discovery->call);
	discovery->call = NULL;
}

static void
drop_channel(struct kdb_discovery *discovery)
{
	if (discovery->channel)
		kdb_channel_unref(discovery->channel);
	discovery->channel = NULL;
}

/* FNV-1a */
static uint64_t
fingerprint(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static bool
is_news(struct kdb_discovery *discovery, const char *reason)
{
	uint64_t hash = fingerprint(reason);
	struct told *told = discovery->told;
	size_t i = 0;

	while (i < discovery->told_count
	    && !kdb_endpoint_equals(&told[i].endpoint, &discovery->asked))
		i++;
	if (i == discovery->told_count) {
		if (i == KDB_MEMBERS_MAX)
			i = 0;
		else
			discovery->told_count++;
	} else if (told[i].reason == hash) {
		return false;
	}
	told[i] = (struct told){ .endpoint = discovery->asked, .reason = hash };
	return true;
}

/* The node is of no use: on to the next one. */
static void
miss(struct kdb_discovery *discovery, const char *reason)
{
	const char *total;

	if (reason)
		kdb_topology_failed(discovery->topology, &discovery->asked, reason);
	drop_channel(discovery);
	discovery->phase = DISCOVERY_SEARCHING;
	if (discovery->is_stopped)
		return;
	total = kdb_topology_reason(discovery->topology);
	discovery->options.events->missed(discovery->options.owner, reason == NULL,
	    kdb_topology_has_contact(discovery->topology), is_news(discovery, total), total);
	kdb_completion_wake(discovery->options.completion);
}

/* A call has failed. What gRPC says of a connection that was not made is poor where TLS is the
 * cause, and changes with its version. */
static void
miss_by_status(struct kdb_discovery *discovery, const struct kdb_status *status)
{
	const char *reason = status->text[0] ? status->text : "no answer";
	const char *cause = NULL;

	if (status->code == KDB_STATUS_UNAVAILABLE
	    || status->code == KDB_STATUS_DEADLINE_EXCEEDED)
		cause = kdb_diagnosis_find(
		    discovery->diagnosis, &discovery->asked, kdb_clock_mono_ns());
	miss(discovery, cause ? cause : reason);
}

static void
find(struct kdb_discovery *discovery, const struct kdb_status *status)
{
	bool is_refused = status->code == KDB_STATUS_UNAUTHENTICATED;
	struct kdb_leader leader = { .endpoint = discovery->asked,
		.channel = discovery->channel,
		.features = discovery->features,
		.are_features_known = !is_refused,
		.are_credentials_refused = is_refused };

	discovery->channel = NULL;
	discovery->phase = DISCOVERY_DONE;
	discovery->told_count = 0;
	if (discovery->is_stopped)
		kdb_channel_unref(leader.channel);
	else
		discovery->options.events->found(discovery->options.owner, &leader);
}

static void
features_received(void *owner, const uint8_t *bytes, size_t len)
{
	struct kdb_discovery *discovery = owner;

	discovery->has_answer = kdb_features_read(bytes, len, &discovery->features);
}

static void
features_ended(void *owner, const struct kdb_status *status)
{
	struct kdb_discovery *discovery = owner;

	drop_call(discovery);
	if ((status->code == KDB_STATUS_OK && discovery->has_answer)
	    || status->code == KDB_STATUS_UNIMPLEMENTED
	    || status->code == KDB_STATUS_UNAUTHENTICATED)
		find(discovery, status);
	else if (status->code == KDB_STATUS_OK)
		miss(discovery, "the answer about server features cannot be read");
	else
		miss_by_status(discovery, status);
}

static void
send_empty(void *owner)
{
	struct kdb_discovery *discovery = owner;
	static const struct kdb_message empty = { .head = (const uint8_t *)"",
		.body = (const uint8_t *)"" };

	kdb_call_send(discovery->call, &empty, KDB_SEND_LAST);
}

static void
nothing_more(void *owner)
{
	(void)owner;
}

static const struct kdb_call_events features_events = { .opened = send_empty,
	.sent = nothing_more,
	.received = features_received,
	.ended = features_ended };

static void
gossip_received(void *owner, const uint8_t *bytes, size_t len)
{
	struct kdb_discovery *discovery = owner;
	struct kdb_member members[KDB_MEMBERS_MAX];
	size_t count;

	discovery->has_answer = kdb_gossip_read(bytes, len, members, &count);
	kdb_diagnosis_forget(discovery->diagnosis, &discovery->asked);
	if (discovery->has_answer)
		discovery->leads = kdb_topology_answered(
		    discovery->topology, &discovery->asked, members, count);
}

static void
gossip_ended(void *owner, const struct kdb_status *status)
{
	struct kdb_discovery *discovery = owner;
	bool is_closed = status->code == KDB_STATUS_UNAUTHENTICATED
	    || status->code == KDB_STATUS_PERMISSION_DENIED;

	drop_call(discovery);
	if (is_closed && discovery->options.authorization)
		discovery->needs_identity = true;
	if (discovery->is_stopped)
		miss(discovery, NULL);
	else if (status->code != KDB_STATUS_OK)
		miss_by_status(discovery, status);
	else if (!discovery->has_answer)
		miss(discovery, "the gossip answer cannot be read");
	else if (!discovery->leads)
		miss(discovery, NULL);
	else {
		discovery->phase = DISCOVERY_PROBING;
		discovery->features = (struct kdb_features){ 0 };
		start_call(discovery, KDB_FEATURES_PATH, discovery->options.authorization,
		    &features_events);
	}
}

static const struct kdb_call_events gossip_events = { .opened = send_empty,
	.sent = nothing_more,
	.received = gossip_received,
	.ended = gossip_ended };

static void
start_call(struct kdb_discovery *discovery, const char *path, const char *authorization,
    const struct kdb_call_events *events)
{
	struct kdb_call_options options = { .channel = discovery->channel,
		.path = path,
		.authorization = authorization,
		.requires_leader = false,
		.deadline_mono_ns = kdb_clock_mono_ns()
		    + kdb_trust_settings(discovery->options.trust)->gossip_timeout_ms
			* KDB_NS_PER_MS,
		.events = events,
		.owner = discovery };

	discovery->has_answer = false;
	discovery->leads = false;
	discovery->call = kdb_call_new(discovery->options.completion, &options);
	kdb_call_begin(discovery->call);
}

/* Gossip and redirects name nodes that the check of the connection string did not see. */
static bool
would_leak_credentials(const struct kdb_discovery *discovery)
{
	return discovery->options.authorization
	    && !kdb_trust_may_send_credentials(
		discovery->options.trust, discovery->asked.host);
}

/* A search tells the cause when it comes to the node again, which one that is over never does. */
static void
tell_late_cause(struct kdb_discovery *discovery, int64_t now_mono_ns)
{
	struct kdb_endpoint endpoint;
	const char *cause =
	    kdb_diagnosis_take(discovery->diagnosis, &endpoint, now_mono_ns);
	char name[KDB_HOST_SIZE + 16];
	char text[KDB_HOST_SIZE + 16 + KDB_CAUSE_SIZE + 2];

	if (!cause || discovery->phase != DISCOVERY_DONE)
		return;
	kdb_endpoint_print(&endpoint, name, sizeof name);
	snprintf(text, sizeof text, "%s: %s", name, cause);
	discovery->options.events->warned(discovery->options.owner, text);
}

int64_t
kdb_discovery_tick(struct kdb_discovery *discovery, int64_t now_mono_ns)
{
	struct kdb_topology_step step;

	tell_late_cause(discovery, now_mono_ns);
	if (discovery->phase != DISCOVERY_SEARCHING || discovery->is_stopped)
		return INT64_MAX;
	step = kdb_topology_next(discovery->topology, now_mono_ns);
	if (step.kind == KDB_TOPOLOGY_WAIT)
		return step.at_mono_ns;
	discovery->asked = step.endpoint;
	if (would_leak_credentials(discovery)) {
		miss(discovery,
		    "neither TLS nor loopback, so the credentials of the connection string "
		    "are not sent there (allow-cleartext-credentials)");
		return INT64_MAX;
	}
	kdb_trust_refresh(discovery->options.trust, discovery->options.events->warned,
	    discovery->options.owner);
	discovery->channel = kdb_channel_new(&discovery->asked,
	    discovery->options.trust, discovery->options.user_agent);
	discovery->phase = DISCOVERY_ASKING;
	start_call(discovery, KDB_GOSSIP_PATH,
	    discovery->needs_identity ? discovery->options.authorization : NULL,
	    &gossip_events);
	return INT64_MAX;
}

void
kdb_discovery_stop(struct kdb_discovery *discovery)
{
	discovery->is_stopped = true;
	if (discovery->call)
		kdb_call_cancel(discovery->call);
}

bool
kdb_discovery_is_idle(const struct kdb_discovery *discovery)
{
	return discovery->call == NULL;
}
