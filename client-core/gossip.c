/* SPDX-License-Identifier: Apache-2.0 */
/* ClusterInfo to members. */
#include "client-core/gossip.h"

#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"

#include "proto/gossip.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 256 * 1024 };

/* It becomes part of a target and of texts for people. */
static bool
is_usable_host(const char *host)
{
	size_t len = host ? strlen(host) : 0;

	for (size_t i = 0; i < len; i++)
		if (host[i] <= 0x20 || host[i] >= 0x7f)
			return false;
	return len > 0 && len < KDB_HOST_SIZE;
}

static bool
read_member(
    const EventStore__Client__Gossip__MemberInfo *info, struct kdb_member *member)
{
	const EventStore__Client__Gossip__EndPoint *at = info->http_end_point;

	if (!at || !is_usable_host(at->address) || !at->has_port || at->port == 0
	    || at->port > 65535)
		return false;
	*member = (struct kdb_member){ .state = info->has_state ? (int32_t)info->state : 0,
		.is_alive = info->has_is_alive && info->is_alive,
		.time_stamp = info->has_time_stamp ? info->time_stamp : 0 };
	memcpy(member->endpoint.host, at->address, strlen(at->address) + 1);
	member->endpoint.port = (uint16_t)at->port;
	return true;
}

bool
kdb_gossip_read(const uint8_t *bytes, size_t len,
    struct kdb_member members[KDB_MEMBERS_MAX], size_t *member_count)
{
	struct kdb_arena arena = { kdb_alloc(ARENA_BYTES), ARENA_BYTES, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	EventStore__Client__Gossip__ClusterInfo *info =
	    event_store__client__gossip__cluster_info__unpack(&allocator, len, bytes);

	*member_count = 0;
	for (size_t i = 0; info && i < info->n_members; i++)
		if (*member_count < KDB_MEMBERS_MAX
		    && read_member(info->members[i], &members[*member_count]))
			(*member_count)++;
	free(arena.memory);
	return info != NULL;
}
