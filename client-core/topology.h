/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_TOPOLOGY_H
#define KDB_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who leads, as data: gossip answers, failures and redirects go in, the next step comes out.
 * Pure: time is a parameter, randomness a seed; no threads, no sockets.
 *
 * A node is believed to lead when its *own* gossip answer says so, because gossip of others
 * lags (wire-protocol 6.3, 6.4). Discovery never gives up: when every candidate of a round has
 * been asked, the next round begins after a pause.
 */

enum { KDB_HOST_SIZE = 256, KDB_MEMBERS_MAX = 64 };

struct kdb_endpoint {
	char host[KDB_HOST_SIZE]; /* IPv6 without brackets */
	uint16_t port;
};

/* Node states of gossip (wire-protocol 1.5); only those we name matter. */
enum { KDB_NODE_STATE_LEADER = 8 };

struct kdb_member {
	struct kdb_endpoint endpoint;
	int32_t state;
	bool is_alive;
	int64_t time_stamp; /* 100-ns ticks since the Unix epoch */
};

enum kdb_topology_step_kind {
	KDB_TOPOLOGY_ASK,  /* ask endpoint for gossip */
	KDB_TOPOLOGY_WAIT, /* nothing to do before at_mono_ns */
};

struct kdb_topology_step {
	enum kdb_topology_step_kind kind;
	struct kdb_endpoint endpoint;
	int64_t at_mono_ns;
};

struct kdb_topology;

/* Seeds are copied and asked in an order shuffled by random_seed. interval_ms is the pause
 * between rounds; after patient_rounds rounds in a row without a leader the pause is at least
 * a second. */
struct kdb_topology *kdb_topology_new(const struct kdb_endpoint *seeds, size_t seed_count,
    int32_t interval_ms, int32_t patient_rounds, uint32_t random_seed);
void kdb_topology_free(struct kdb_topology *topology);

/* Begins a search whenever the leader was lost; a new topology searches already. It starts at
 * once, or an interval after the last one began. first, if not NULL, is asked before all
 * others: the target of a redirect, or the leader so far. */
void kdb_topology_search(struct kdb_topology *topology, const struct kdb_endpoint *first,
    int64_t now_mono_ns);

/* What to do next. An ASK counts as begun; tell its end with _answered or _failed. */
struct kdb_topology_step kdb_topology_next(struct kdb_topology *topology, int64_t now_mono_ns);

/*
 * The endpoint answered with these members. True: it leads. A one-member answer keeps the
 * address that was dialled, whatever the member calls itself. Otherwise the named leader and
 * the living members become candidates of this round.
 */
bool kdb_topology_answered(struct kdb_topology *topology, const struct kdb_endpoint *asked,
    const struct kdb_member *members, size_t member_count);

/* The endpoint did not answer; reason is a text for people. */
void kdb_topology_failed(
    struct kdb_topology *topology, const struct kdb_endpoint *asked, const char *reason);

/* Whether any node answered in the last round that ended or in the one under way. */
bool kdb_topology_has_contact(const struct kdb_topology *topology);

/* Why there is no leader, for people: the last reason. Valid until the next call. */
const char *kdb_topology_reason(const struct kdb_topology *topology);

bool kdb_endpoint_equals(const struct kdb_endpoint *a, const struct kdb_endpoint *b);

/* Writes "host:port", with brackets around an IPv6 address. */
void kdb_endpoint_print(const struct kdb_endpoint *endpoint, char *text, size_t size);

#endif
