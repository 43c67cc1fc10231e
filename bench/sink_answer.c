/* SPDX-License-Identifier: Apache-2.0 */
/* What the sink answers, as bytes. What every append waits for is encoded by hand, so that it costs
 * the database next to nothing; the rest with protobuf-c. Owns nothing. */
#include "bench/sink_answer.h"

#include "proto/gossip.pb-c.h"
#include "proto/server_features.pb-c.h"

#include <string.h>

enum {
	ANSWER_MAX_BYTES = 128,
	REVISION_STEP = 1000, /* positions per revision */
	STREAMS_MAX = 64,
	METHOD_COUNT = 3
};

/* BatchAppendResp{correlation_id = 1, success = 3{current_revision = 1,
 * position = 3{commit = 1, prepare = 2}}} */
grpc_slice
sink_answer_append(const struct protobuf_walk *correlation, uint64_t position)
{
	size_t position_len = 2 + 2 * protobuf_varint_len(position);
	size_t revision_len = 1 + protobuf_varint_len(position / REVISION_STEP);
	size_t id_len = (size_t)(correlation->end - correlation->at);
	grpc_slice slice = grpc_slice_malloc(ANSWER_MAX_BYTES);
	uint8_t *at = GRPC_SLICE_START_PTR(slice);

	*at++ = 1 << 3 | 2;
	at = protobuf_put_varint(at, id_len);
	memcpy(at, correlation->at, id_len);
	at += id_len;
	*at++ = 3 << 3 | 2;
	at = protobuf_put_varint(at, revision_len + 2 + position_len);
	*at++ = 1 << 3;
	at = protobuf_put_varint(at, position / REVISION_STEP);
	*at++ = 3 << 3 | 2;
	at = protobuf_put_varint(at, position_len);
	*at++ = 1 << 3;
	at = protobuf_put_varint(at, position);
	*at++ = 2 << 3;
	at = protobuf_put_varint(at, position);
	GRPC_SLICE_SET_LENGTH(slice, (size_t)(at - GRPC_SLICE_START_PTR(slice)));
	return slice;
}

static uint8_t *
put_bytes(uint8_t *at, unsigned field, const struct protobuf_walk *bytes)
{
	size_t len = (size_t)(bytes->end - bytes->at);

	*at++ = (uint8_t)(field << 3 | 2);
	at = protobuf_put_varint(at, len);
	memcpy(at, bytes->at, len);
	return at + len;
}

static bool
is_equal(const struct protobuf_walk *one, const struct protobuf_walk *other)
{
	size_t len = (size_t)(one->end - one->at);

	return len == (size_t)(other->end - other->at) && memcmp(one->at, other->at, len) == 0;
}

/* Adds the stream of a record, unless it was there before. */
static size_t
note_stream(struct protobuf_walk record, struct protobuf_walk *streams, size_t count)
{
	struct protobuf_field field;

	while (protobuf_walk_next(&record, &field)) {
		size_t i = 0;

		if (field.number != 5 || field.bytes.at == NULL || count == STREAMS_MAX)
			continue;
		while (i < count && !is_equal(&streams[i], &field.bytes))
			i++;
		streams[i] = field.bytes;
		count += i == count;
	}
	return count;
}

/* AppendRecordsResponse{revisions = 1{stream = 1, revision = 2 (sint64)}, position = 2 (sint64)} */
grpc_slice
sink_answer_records(struct protobuf_walk request, uint64_t position)
{
	struct protobuf_walk streams[STREAMS_MAX];
	struct protobuf_field field;
	size_t count = 0;
	size_t size = ANSWER_MAX_BYTES;
	grpc_slice slice;
	uint8_t *at;

	while (protobuf_walk_next(&request, &field))
		if (field.number == 1 && field.bytes.at != NULL)
			count = note_stream(field.bytes, streams, count);
	for (size_t i = 0; i < count; i++)
		size += (size_t)(streams[i].end - streams[i].at) + ANSWER_MAX_BYTES;
	slice = grpc_slice_malloc(size);
	at = GRPC_SLICE_START_PTR(slice);
	for (size_t i = 0; i < count; i++) {
		uint64_t revision = position / REVISION_STEP * 2;
		size_t name_len = (size_t)(streams[i].end - streams[i].at);

		*at++ = 1 << 3 | 2;
		at = protobuf_put_varint(at,
		    1 + protobuf_varint_len(name_len) + name_len + 1
			+ protobuf_varint_len(revision));
		at = put_bytes(at, 1, &streams[i]);
		*at++ = 2 << 3;
		at = protobuf_put_varint(at, revision);
	}
	*at++ = 2 << 3;
	at = protobuf_put_varint(at, position * 2);
	GRPC_SLICE_SET_LENGTH(slice, (size_t)(at - GRPC_SLICE_START_PTR(slice)));
	return slice;
}

/* ReadResp{stream_not_found = 4{}} */
grpc_slice
sink_answer_no_stream(void)
{
	static const char bytes[] = { 4 << 3 | 2, 0 };

	return grpc_slice_from_static_buffer(bytes, sizeof(bytes));
}

grpc_slice
sink_answer_gossip(uint16_t port)
{
	char host[] = "127.0.0.1";
	EventStore__Client__Gossip__EndPoint at = EVENT_STORE__CLIENT__GOSSIP__END_POINT__INIT;
	EventStore__Client__Gossip__MemberInfo self =
	    EVENT_STORE__CLIENT__GOSSIP__MEMBER_INFO__INIT;
	EventStore__Client__Gossip__MemberInfo *members[] = { &self };
	EventStore__Client__Gossip__ClusterInfo cluster =
	    EVENT_STORE__CLIENT__GOSSIP__CLUSTER_INFO__INIT;
	grpc_slice slice;

	at.address = host;
	at.has_port = 1;
	at.port = port;
	self.has_state = 1;
	self.state = EVENT_STORE__CLIENT__GOSSIP__MEMBER_INFO__VNODE_STATE__Leader;
	self.has_is_alive = 1;
	self.is_alive = 1;
	self.http_end_point = &at;
	cluster.n_members = 1;
	cluster.members = members;
	slice = grpc_slice_malloc(
	    event_store__client__gossip__cluster_info__get_packed_size(&cluster));
	event_store__client__gossip__cluster_info__pack(&cluster, GRPC_SLICE_START_PTR(slice));
	return slice;
}

grpc_slice
sink_answer_features(void)
{
	static char names[][2][48] = {
		{ "event_store.client.streams.streams", "batchappend" },
		{ "kurrentdb.protocol.v2.streams.streamsservice", "appendsession" },
		{ "kurrentdb.protocol.v2.streams.streamsservice", "appendrecords" },
	};
	char version[] = "26.1.0";
	EventStore__Client__ServerFeatures__SupportedMethod each[METHOD_COUNT];
	EventStore__Client__ServerFeatures__SupportedMethod *methods[METHOD_COUNT];
	EventStore__Client__ServerFeatures__SupportedMethods all =
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHODS__INIT;
	grpc_slice slice;

	for (size_t i = 0; i < METHOD_COUNT; i++) {
		event_store__client__server_features__supported_method__init(&each[i]);
		each[i].service_name = names[i][0];
		each[i].method_name = names[i][1];
		methods[i] = &each[i];
	}
	all.n_methods = METHOD_COUNT;
	all.methods = methods;
	all.event_store_server_version = version;
	slice = grpc_slice_malloc(
	    event_store__client__server_features__supported_methods__get_packed_size(&all));
	event_store__client__server_features__supported_methods__pack(
	    &all, GRPC_SLICE_START_PTR(slice));
	return slice;
}
