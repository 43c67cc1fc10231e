/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_CHANNEL_H
#define KDB_CHANNEL_H

#include "client-core/operations.h"
#include "client-core/topology.h"
#include "client-core/trust.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Channels to one node. A channel is one connection of its own; a pool opens more of them when
 * calls need it, because the server takes 100 calls on a connection and C core would queue the
 * 101st in silence (wire-protocol 6.7). Threads: a pool and its channels are used under the
 * client's lock, except kdb_channel_grpc().
 */
struct kdb_channel;
struct grpc_channel;

/* What has to be done once, before any channel is made: tells gRPC the system's roots. */
void kdb_channel_set_up(struct kdb_trust *trust);

/* A channel to the endpoint, with one reference that is the caller's. Connects by itself when
 * the first call is made, over TLS as the latest reading of the trust says; the server's
 * certificate must name the endpoint's host. trust is borrowed while this runs. */
struct kdb_channel *kdb_channel_new(const struct kdb_endpoint *endpoint,
    struct kdb_trust *trust, const char *user_agent);

struct kdb_channel *kdb_channel_ref(struct kdb_channel *channel);

/* Drops a reference; the last one closes the connection. */
void kdb_channel_unref(struct kdb_channel *channel);

struct grpc_channel *kdb_channel_grpc(struct kdb_channel *channel);

/* What answers on this connection have told of commit positions (api-design 11): into the
 * earlier_ and fresh_ members of *result, for an operation that is handed over now. */
void kdb_channel_get_positions(
    const struct kdb_channel *channel, struct kdb_append_result *result);

/* An answer told a position. */
void kdb_channel_saw_position(struct kdb_channel *channel, uint64_t position);

/* And it was that of a write that nobody can have stored before, handed over at that time. */
void kdb_channel_saw_fresh_position(
    struct kdb_channel *channel, uint64_t position, int64_t handed_mono_ns);

enum { KDB_POOL_CHANNELS_MAX = 64, KDB_CALLS_PER_CHANNEL = 96 };

/* Calls on a node, each with a channel that has room. */
struct kdb_channel_pool;

/* A pool whose first channel is `first` (its reference moves to the pool). It is left to the
 * shared call: what a caller's credentials or a large append do to a connection must not hit
 * the appends of all others. */
struct kdb_channel_pool *kdb_channel_pool_new(const struct kdb_endpoint *endpoint,
    struct kdb_channel *first, struct kdb_trust *trust, const char *user_agent);

/* Drops the pool; calls under way keep their channels. */
void kdb_channel_pool_free(struct kdb_channel_pool *pool);

/* A channel, not the first, with room for one more call, referenced for the caller; NULL when
 * all are full. Give it back with kdb_channel_put(). */
struct kdb_channel *kdb_channel_pool_get(struct kdb_channel_pool *pool);

/* A new channel for one call alone, whose answer may keep its connection busy for seconds: what
 * waits behind it must not be the calls of others. */
struct kdb_channel *kdb_channel_pool_open(struct kdb_channel_pool *pool);

/* Ends what kdb_channel_pool_get() or kdb_channel_pool_open() began, and drops its reference. */
void kdb_channel_put(struct kdb_channel *channel);

#endif
