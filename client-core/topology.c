/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery as a pure state machine: the candidates of the round under way, who was asked, and
 * what came of it. Owns copies of seeds and candidates; the client does the calls. */
#include "client-core/topology.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONG_PAUSE_MS 1000

struct candidate {
	struct kdb_endpoint endpoint;
	bool was_asked;
};

struct kdb_topology {
	struct kdb_endpoint *seeds;
	size_t seed_count;
	struct candidate candidates[KDB_MEMBERS_MAX];
	size_t candidate_count;
	/* Living members of the last answer: they know more than the seeds. */
	struct kdb_endpoint known[KDB_MEMBERS_MAX];
	size_t known_count;
	int32_t interval_ms;
	int32_t patient_rounds;
	int32_t rounds; /* without a leader, in a row */
	uint32_t random_state;
	bool has_round; /* candidates are being asked; else the pause runs */
	int64_t pause_until_mono_ns;
	bool is_ordered; /* a search that has not begun yet, however often it was ordered */
	int64_t next_search_mono_ns; /* a lost leader must not make us spin */
	bool has_preferred;
	struct kdb_endpoint preferred; /* begins the next round */
	bool had_contact_last_round;
	bool has_contact_this_round;
	struct kdb_endpoint failed; /* port 0: reason is about no failure */
	char reason[256];
};

bool
kdb_endpoint_equals(const struct kdb_endpoint *a, const struct kdb_endpoint *b)
{
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

void
kdb_endpoint_print(const struct kdb_endpoint *endpoint, char *text, size_t size)
{
	bool is_ipv6 = strchr(endpoint->host, ':') != NULL;

	snprintf(text, size, "%s%s%s:%u", is_ipv6 ? "[" : "", endpoint->host,
	    is_ipv6 ? "]" : "", (unsigned)endpoint->port);
}

/* xorshift32: the order of seeds only spreads load, nothing depends on its quality. */
static uint32_t
next_random(struct kdb_topology *topology)
{
	uint32_t x = topology->random_state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return topology->random_state = x;
}

static void
shuffle_seeds(struct kdb_topology *topology)
{
	for (size_t i = topology->seed_count; i > 1; i--) {
		size_t j = next_random(topology) % i;
		struct kdb_endpoint swap = topology->seeds[i - 1];

		topology->seeds[i - 1] = topology->seeds[j];
		topology->seeds[j] = swap;
	}
}

struct kdb_topology *
kdb_topology_new(const struct kdb_endpoint *seeds, size_t seed_count, int32_t interval_ms,
    int32_t patient_rounds, uint32_t random_seed)
{
	struct kdb_topology *topology = kdb_alloc_zero(1, sizeof *topology);

	topology->seeds = kdb_alloc_zero(seed_count, sizeof *seeds);
	memcpy(topology->seeds, seeds, seed_count * sizeof *seeds);
	topology->seed_count = seed_count;
	topology->interval_ms = interval_ms;
	topology->patient_rounds = patient_rounds;
	topology->random_state = random_seed | 1;
	snprintf(topology->reason, sizeof topology->reason, "not contacted yet");
	return topology;
}

void
kdb_topology_free(struct kdb_topology *topology)
{
	if (!topology)
		return;
	free(topology->seeds);
	free(topology);
}

static struct candidate *
find_candidate(struct kdb_topology *topology, const struct kdb_endpoint *endpoint)
{
	for (size_t i = 0; i < topology->candidate_count; i++)
		if (kdb_endpoint_equals(&topology->candidates[i].endpoint, endpoint))
			return &topology->candidates[i];
	return NULL;
}

/* Adds one that is not there yet; beyond the fixed size the rest must wait a round. */
static void
add_candidate(struct kdb_topology *topology, const struct kdb_endpoint *endpoint)
{
	if (find_candidate(topology, endpoint)
	    || topology->candidate_count == KDB_MEMBERS_MAX)
		return;
	topology->candidates[topology->candidate_count++] =
	    (struct candidate){ .endpoint = *endpoint };
}

/* The named leader is asked next, unless this round has asked it already. */
static void
prefer_candidate(struct kdb_topology *topology, const struct kdb_endpoint *endpoint)
{
	struct candidate *candidate;
	struct candidate swap;
	size_t first = 0;

	add_candidate(topology, endpoint);
	candidate = find_candidate(topology, endpoint);
	if (!candidate || candidate->was_asked)
		return;
	while (topology->candidates[first].was_asked)
		first++;
	swap = topology->candidates[first];
	topology->candidates[first] = *candidate;
	*candidate = swap;
}

static void
begin_round(struct kdb_topology *topology, int64_t now_mono_ns)
{
	if (topology->is_ordered)
		topology->next_search_mono_ns =
		    now_mono_ns + topology->interval_ms * KDB_NS_PER_MS;
	topology->is_ordered = false;
	topology->candidate_count = 0;
	topology->has_round = true;
	topology->has_contact_this_round = false;
	for (size_t i = 0; i < topology->known_count; i++)
		add_candidate(topology, &topology->known[i]);
	shuffle_seeds(topology);
	for (size_t i = 0; i < topology->seed_count; i++)
		add_candidate(topology, &topology->seeds[i]);
	if (topology->has_preferred)
		prefer_candidate(topology, &topology->preferred);
	topology->has_preferred = false;
}

void
kdb_topology_search(struct kdb_topology *topology, const struct kdb_endpoint *first,
    int64_t now_mono_ns)
{
	topology->rounds = 0;
	topology->has_round = false;
	topology->pause_until_mono_ns = topology->next_search_mono_ns > now_mono_ns
	    ? topology->next_search_mono_ns
	    : now_mono_ns;
	topology->is_ordered = true;
	topology->has_preferred = first != NULL;
	if (first)
		topology->preferred = *first;
}

static void
end_round(struct kdb_topology *topology, int64_t now_mono_ns)
{
	int64_t pause_ms = topology->interval_ms;

	topology->had_contact_last_round = topology->has_contact_this_round;
	topology->has_round = false;
	if (++topology->rounds >= topology->patient_rounds) {
		topology->rounds = topology->patient_rounds;
		if (pause_ms < LONG_PAUSE_MS)
			pause_ms = LONG_PAUSE_MS;
	}
	topology->pause_until_mono_ns = now_mono_ns + pause_ms * KDB_NS_PER_MS;
}

struct kdb_topology_step
kdb_topology_next(struct kdb_topology *topology, int64_t now_mono_ns)
{
	if (!topology->has_round && now_mono_ns >= topology->pause_until_mono_ns)
		begin_round(topology, now_mono_ns);
	if (topology->has_round) {
		for (size_t i = 0; i < topology->candidate_count; i++) {
			struct candidate *candidate = &topology->candidates[i];

			if (candidate->was_asked)
				continue;
			candidate->was_asked = true;
			return (struct kdb_topology_step){ .kind = KDB_TOPOLOGY_ASK,
				.endpoint = candidate->endpoint };
		}
		end_round(topology, now_mono_ns);
	}
	return (struct kdb_topology_step){ .kind = KDB_TOPOLOGY_WAIT,
		.at_mono_ns = topology->pause_until_mono_ns };
}

/* Two leaders can show up for a moment: the one heard of last is right. */
static const struct kdb_member *
find_leader(const struct kdb_member *members, size_t member_count)
{
	const struct kdb_member *leader = NULL;

	for (size_t i = 0; i < member_count; i++) {
		if (!members[i].is_alive || members[i].state != KDB_NODE_STATE_LEADER)
			continue;
		if (!leader || members[i].time_stamp > leader->time_stamp)
			leader = &members[i];
	}
	return leader;
}

static void
remember_members(struct kdb_topology *topology, const struct kdb_member *members,
    size_t member_count)
{
	topology->known_count = 0;
	for (size_t i = 0; i < member_count && i < KDB_MEMBERS_MAX; i++) {
		if (!members[i].is_alive)
			continue;
		topology->known[topology->known_count++] = members[i].endpoint;
		add_candidate(topology, &members[i].endpoint);
	}
}

bool
kdb_topology_answered(struct kdb_topology *topology, const struct kdb_endpoint *asked,
    const struct kdb_member *members, size_t member_count)
{
	const struct kdb_member *leader = find_leader(members, member_count);
	char name[KDB_HOST_SIZE + 16];

	topology->has_contact_this_round = true;
	if (!leader || !kdb_endpoint_equals(&topology->failed, &leader->endpoint))
		topology->failed.port = 0;
	if (!leader) {
		snprintf(topology->reason, sizeof topology->reason,
		    "no leader in last gossip");
		if (member_count > 1)
			remember_members(topology, members, member_count);
		return false;
	}
	if (member_count == 1 || kdb_endpoint_equals(&leader->endpoint, asked)) {
		topology->rounds = 0;
		topology->had_contact_last_round = true;
		topology->reason[0] = 0;
		topology->failed.port = 0;
		if (member_count > 1)
			remember_members(topology, members, member_count);
		return true;
	}
	remember_members(topology, members, member_count);
	prefer_candidate(topology, &leader->endpoint);
	/* Why it does not confirm that says more. */
	if (topology->failed.port != 0)
		return false;
	kdb_endpoint_print(&leader->endpoint, name, sizeof name);
	snprintf(topology->reason, sizeof topology->reason,
	    "gossip names %.200s as leader, which has not confirmed it", name);
	return false;
}

void
kdb_topology_failed(
    struct kdb_topology *topology, const struct kdb_endpoint *asked, const char *reason)
{
	char name[KDB_HOST_SIZE + 16];

	topology->failed = *asked;
	kdb_endpoint_print(asked, name, sizeof name);
	snprintf(topology->reason, sizeof topology->reason, "%.100s: %.150s", name, reason);
}

bool
kdb_topology_has_contact(const struct kdb_topology *topology)
{
	return topology->has_contact_this_round || topology->had_contact_last_round;
}

const char *
kdb_topology_reason(const struct kdb_topology *topology)
{
	return topology->reason;
}
