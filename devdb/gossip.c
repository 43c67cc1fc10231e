/* SPDX-License-Identifier: Apache-2.0 */
/* Gossip: one member, this node, in the role it plays. */
#include "devdb/methods.h"

#include "client-core/base/clock.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/unary.h"

#include "proto/gossip.pb-c.h"

static void
send_members(struct devdb_call *call)
{
	struct devdb_node *node = call->node;
	EventStore__Client__UUID__Structured halves =
	    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
	EventStore__Client__UUID instance = EVENT_STORE__CLIENT__UUID__INIT;
	EventStore__Client__Gossip__EndPoint end_point =
	    EVENT_STORE__CLIENT__GOSSIP__END_POINT__INIT;
	EventStore__Client__Gossip__MemberInfo member =
	    EVENT_STORE__CLIENT__GOSSIP__MEMBER_INFO__INIT;
	EventStore__Client__Gossip__MemberInfo *members[] = {&member};
	EventStore__Client__Gossip__ClusterInfo info =
	    EVENT_STORE__CLIENT__GOSSIP__CLUSTER_INFO__INIT;
	int state = devdb_role_get(&node->role).state;

	halves.has_most_significant_bits = halves.has_least_significant_bits = true;
	devdb_guid_to_halves(&node->instance_id, &halves.most_significant_bits,
	    &halves.least_significant_bits);
	instance.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
	instance.structured = &halves;
	end_point.address = node->host;
	end_point.has_port = true;
	end_point.port = (uint32_t)node->port;
	member.instance_id = &instance;
	member.has_time_stamp = true;
	member.time_stamp = kdb_clock_wall_ns() / 100;
	member.has_state = state != 0;
	member.state = (EventStore__Client__Gossip__MemberInfo__VNodeState)state;
	member.has_is_alive = member.is_alive = true;
	member.http_end_point = &end_point;
	info.n_members = 1;
	info.members = members;
	devdb_call_send(call, devdb_wire_pack(&info.base));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

static void
half_close(struct devdb_call *call)
{
	if (devdb_unary_request(call) &&
	    !devdb_refuse_request(call, (struct devdb_name){NULL, 0}, false))
		send_members(call);
}

const struct devdb_method devdb_gossip = {
    .service = "event_store.client.gossip.Gossip",
    .name = "Read",
    .label = "Gossip",
    .max_message_bytes = DEVDB_MAX_MESSAGE_BYTES,
    .start = devdb_unary_start,
    .message = devdb_unary_message,
    .half_close = half_close,
    .end = devdb_unary_end,
};
