/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_DISCOVERY_H
#define KDB_DISCOVERY_H

#include "client-core/channel.h"
#include "client-core/completion.h"
#include "client-core/features.h"
#include "client-core/topology.h"

/*
 * The search for the leader: gossip calls as the topology says, then the features of the node
 * that leads, asked with the gateway's credentials, which checks them too. One search at a
 * time, shared by all who wait. Everything here runs on the completion thread, except
 * kdb_discovery_new() and kdb_discovery_free().
 */
struct kdb_discovery;

struct kdb_leader {
	struct kdb_endpoint endpoint;
	struct kdb_channel *channel; /* connected; the reference is the receiver's */
	struct kdb_features features;
	bool are_features_known;      /* false: the credentials were refused */
	bool are_credentials_refused; /* those of the connection string */
};

struct kdb_discovery_events {
	/* The search is over. */
	void (*found)(void *owner, const struct kdb_leader *leader);
	/* A node was asked in vain; the search goes on. is_answered: it gave gossip, and does not
	 * lead. is_news: the reason is another one than that node had before in this search. */
	void (*missed)(void *owner, bool is_answered, bool has_contact, bool is_news,
	    const char *reason);
	/* Something for the log. */
	void (*warned)(void *owner, const char *text);
};

struct kdb_discovery_options {
	struct kdb_completion *completion;
	struct kdb_trust *trust;   /* borrowed */
	const char *user_agent;	   /* borrowed */
	const char *authorization; /* NULL: none; borrowed */
	const struct kdb_discovery_events *events;
	void *owner;
};

/* A discovery that starts to search with its first tick. */
struct kdb_discovery *kdb_discovery_new(const struct kdb_discovery_options *options);
void kdb_discovery_free(struct kdb_discovery *discovery);

/* Searches (again); first, if not NULL, is asked before all others. A search under way goes
 * on. */
void kdb_discovery_search(
    struct kdb_discovery *discovery, const struct kdb_endpoint *first);

/* Does what is due and tells when it wants to be called again; INT64_MAX while a call is under
 * way or nothing is searched. */
int64_t kdb_discovery_tick(struct kdb_discovery *discovery, int64_t now_mono_ns);

/* Begins no call any more and cancels the one under way. */
void kdb_discovery_stop(struct kdb_discovery *discovery);

/* Whether no call is under way. */
bool kdb_discovery_is_idle(const struct kdb_discovery *discovery);

#endif
