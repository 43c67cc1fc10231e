/* SPDX-License-Identifier: Apache-2.0 */
/* Delete (soft) and Tombstone (hard): the same request and answer under two names
 * (wire-protocol 2.4). */
#include "devdb/methods.h"

#include "devdb/access.h"
#include "devdb/expectation.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/stream_name.h"
#include "devdb/unary.h"

#include "proto/streams.pb-c.h"

struct request {
	struct devdb_stream_name stream;
	bool is_name; /* a stream can have that name */
	int64_t expected;
};

static EventStore__Client__Empty empty = EVENT_STORE__CLIENT__EMPTY__INIT;

static bool
read_delete(
    const EventStore__Client__Streams__DeleteReq *message, struct request *request)
{
#define CASE(name)                                                                       \
	EVENT_STORE__CLIENT__STREAMS__DELETE_REQ__OPTIONS__EXPECTED_STREAM_REVISION_##name
	if (!message || !message->options || !message->options->stream_identifier)
		return false;
	request->is_name =
	    devdb_stream_name_read(&request->stream, message->options->stream_identifier);
	switch (message->options->expected_stream_revision_case) {
	case CASE(REVISION):
		return devdb_expectation_from_revision(
		    message->options->revision, &request->expected);
	case CASE(NO_STREAM):
		request->expected = DEVDB_NO_STREAM;
		return true;
	case CASE(STREAM_EXISTS):
		request->expected = DEVDB_EXISTS;
		return true;
	default:
		request->expected = DEVDB_ANY;
		return true;
	}
#undef CASE
}

static void
send_position(struct devdb_call *call, const struct devdb_write *write)
{
#define CASE(name) EVENT_STORE__CLIENT__STREAMS__DELETE_RESP__POSITION_OPTION_##name
	EventStore__Client__Streams__DeleteResp resp =
	    EVENT_STORE__CLIENT__STREAMS__DELETE_RESP__INIT;
	EventStore__Client__Streams__DeleteResp__Position position =
	    EVENT_STORE__CLIENT__STREAMS__DELETE_RESP__POSITION__INIT;

	if (write->has_position) {
		position.has_commit_position = position.has_prepare_position = true;
		position.commit_position = position.prepare_position = write->position;
		resp.position_option_case = CASE(POSITION);
		resp.position = &position;
	} else {
		resp.position_option_case = CASE(NO_POSITION);
		resp.no_position = &empty;
	}
	devdb_call_send(call, devdb_wire_pack(&resp.base));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
#undef CASE
}

typedef struct devdb_write (*write_fn)(
    struct devdb_store *store, struct devdb_name stream, int64_t expected);

static void
carry_out(struct devdb_call *call, const struct request *request, write_fn write_stream)
{
	struct devdb_write write;

	if (devdb_access_refuse(call, request->stream.name, DEVDB_RIGHT_DELETE))
		return;
	if (!request->is_name) {
		devdb_refuse_handler(call);
		return;
	}
	if (devdb_refuse_request(call, request->stream.name, true))
		return;
	write = write_stream(call->node->store, request->stream.name, request->expected);
	switch (write.result) {
	case DEVDB_WRITTEN:
		send_position(call, &write);
		break;
	case DEVDB_WRONG_VERSION:
		devdb_refuse_wrong_version(
		    call, request->stream.name, request->expected, write.revision);
		break;
	case DEVDB_STREAM_DELETED:
		devdb_refuse_deleted(call, request->stream.name);
		break;
	default:
		devdb_refuse_full(call);
	}
}

/* TombstoneReq has the same fields under the same numbers as DeleteReq. */
static void
half_close(struct devdb_call *call, write_fn write_stream)
{
	const struct devdb_unary *unary = devdb_unary_request(call);
	struct request request = {0};

	if (!unary)
		return;
	if (read_delete(devdb_wire_unpack(&call->node->arena,
			    &event_store__client__streams__delete_req__descriptor,
			    unary->bytes, unary->len),
		&request))
		carry_out(call, &request, write_stream);
	else
		devdb_refuse_handler(call);
	devdb_stream_name_dispose(&request.stream);
}

static void
half_close_delete(struct devdb_call *call)
{
	half_close(call, devdb_store_delete);
}

static void
half_close_tombstone(struct devdb_call *call)
{
	half_close(call, devdb_store_tombstone);
}

const struct devdb_method devdb_delete = {
    .service = "event_store.client.streams.Streams",
    .name = "Delete",
    .label = "Delete",
    .max_message_bytes = DEVDB_MAX_V1_MESSAGE_BYTES,
    .start = devdb_unary_start,
    .message = devdb_unary_message,
    .half_close = half_close_delete,
    .end = devdb_unary_end,
};

const struct devdb_method devdb_tombstone = {
    .service = "event_store.client.streams.Streams",
    .name = "Tombstone",
    .label = "Tombstone",
    .max_message_bytes = DEVDB_MAX_V1_MESSAGE_BYTES,
    .start = devdb_unary_start,
    .message = devdb_unary_message,
    .half_close = half_close_tombstone,
    .end = devdb_unary_end,
};
