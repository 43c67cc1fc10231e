/* SPDX-License-Identifier: Apache-2.0 */
/* AppendSession: one request a stream, then half-close, then one answer for all of them,
 * which are written together or not at all (wire-protocol 3.2). Owns what the requests
 * brought until the client has sent its last. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/emulation.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/refusals.h"
#include "devdb/v2_complaints.h"
#include "devdb/v2_decode.h"
#include "devdb/v2_record.h"
#include "devdb/v2_refusals.h"
#include "devdb/v2_write.h"

#include "proto/streams_v2.pb-c.h"

#include <stdlib.h>

#define REQUEST Kurrentdb__Protocol__V2__Streams__AppendRequest
#define RESPONSE Kurrentdb__Protocol__V2__Streams__AppendSessionResponse
#define OUTPUT Kurrentdb__Protocol__V2__Streams__AppendResponse

struct state {
	struct devdb_v2_write write; /* part i belongs to request i */
	/* What each request expected in so many words; 0 where it did not say. */
	int64_t *said;
	size_t said_capacity;
};

static void
start(struct devdb_call *call)
{
	struct state *state = kdb_alloc_zero(1, sizeof *state);

	devdb_v2_write_init(&state->write, call->node->store);
	call->state = state;
}

static void
end(struct devdb_call *call)
{
	struct state *state = call->state;

	devdb_v2_write_dispose(&state->write);
	free(state->said);
	free(state);
}

static struct devdb_name
stream_of(const REQUEST *request)
{
	return (struct devdb_name){request->stream.data, request->stream.len};
}

static bool
refuse_invalid(struct devdb_call *call, const REQUEST *request)
{
	struct devdb_v2_complaints complaints = {0};
	int64_t expected = request->expected_revision;

	devdb_v2_check_stream(&complaints, "", request->stream.data, request->stream.len);
	if (request->has_expected_revision && expected < 0 &&
	    expected != DEVDB_NO_STREAM && expected != DEVDB_ANY &&
	    expected != DEVDB_EXISTS)
		devdb_v2_complain(&complaints, "ExpectedRevision",
		    "Expected revision must be positive or one of the allowed constants: "
		    "NoStream (-1), Any (-2) or Exists (-4).");
	if (request->n_records == 0)
		devdb_v2_complain(&complaints, "Records",
		    "Stream append request must contain at least one record");
	return devdb_v2_complaints_refuse(&complaints, call, "AppendRequest");
}

static void
note_expectation(struct state *state, uint32_t part, const REQUEST *request)
{
	if (part == state->said_capacity) {
		state->said_capacity = part ? 2 * (size_t)part : 4;
		state->said =
		    kdb_realloc(state->said, state->said_capacity * sizeof *state->said);
	}
	state->said[part] =
	    request->has_expected_revision ? request->expected_revision : 0;
	state->write.parts[part].expected =
	    request->has_expected_revision ? request->expected_revision : DEVDB_ANY;
}

static void
take_request(struct devdb_call *call, const REQUEST *request)
{
	struct state *state = call->state;
	struct devdb_name name = stream_of(request);
	uint32_t part;
	bool is_new;

	if (!devdb_v2_write_part(&state->write, name, &part, &is_new)) {
		devdb_refuse_full(call);
		return;
	}
	if (!is_new) {
		devdb_v2_refuse_already_in_session(call, name);
		return;
	}
	note_expectation(state, part, request);
	for (size_t i = 0; i < request->n_records; i++) {
		if (!devdb_v2_record_add(call, &state->write, part, request->records[i]))
			return;
	}
}

static void
message(struct devdb_call *call, const uint8_t *bytes, size_t len)
{
	const REQUEST *request;

	if (devdb_v2_refuse_message_size(call, len))
		return;
	request = devdb_v2_decode(&call->node->arena,
	    &kurrentdb__protocol__v2__streams__append_request__descriptor, bytes, len);
	if (!request)
		devdb_refuse_handler(call);
	else if (!refuse_invalid(call, request) &&
		 !devdb_v2_refuse_access(call, stream_of(request), DEVDB_RIGHT_WRITE))
		take_request(call, request);
}

static void
succeed(struct devdb_call *call, const struct devdb_write *write)
{
	const struct devdb_emulation *emulation = call->node->options->emulation;
	const struct devdb_v2_write *what = &((struct state *)call->state)->write;
	OUTPUT *outputs = kdb_alloc_zero(what->part_count, sizeof *outputs);
	OUTPUT **list = kdb_alloc_zero(what->part_count, sizeof *list);
	RESPONSE response =
	    KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_SESSION_RESPONSE__INIT;

	for (size_t i = 0; i < what->part_count; i++) {
		const struct devdb_part *part = &what->parts[i];

		outputs[i] =
		    (OUTPUT)KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_RESPONSE__INIT;
		outputs[i].has_stream = true;
		outputs[i].has_stream_revision =
		    part->revision != 0 || !emulation->omits_revision_zero;
		outputs[i].stream =
		    devdb_wire_bytes(part->stream.bytes, part->stream.len);
		outputs[i].stream_revision = part->revision;
		list[i] = &outputs[i];
	}
	response.n_output = what->part_count;
	response.output = list;
	response.has_position = true;
	response.position = write->has_position ? (int64_t)write->position : -1;
	devdb_call_send(call, devdb_wire_pack(&response.base));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
	free(list);
	free(outputs);
}

/* Some of several streams have it already, and not all. */
static bool
is_partial_retry(const struct devdb_v2_write *write)
{
	bool has_replay = false;

	for (size_t i = 0; i < write->part_count; i++)
		has_replay = has_replay || write->parts[i].is_replay;
	return has_replay && write->part_count > 1;
}

/* The server names the first stream that failed, and as reason what any one failed of. */
static size_t
named_part(const struct devdb_emulation *emulation, const struct devdb_part *parts,
    enum devdb_write_result result)
{
	size_t index = 0;

	while (parts[index].result == DEVDB_WRITTEN ||
	       (emulation->names_tombstoned_stream && parts[index].result != result))
		index++;
	return index;
}

static void
fail(struct devdb_call *call, const struct devdb_write *write)
{
	const struct devdb_emulation *emulation = call->node->options->emulation;
	const struct state *state = call->state;
	const struct devdb_part *part = state->write.parts;
	size_t index = named_part(emulation, part, write->result);

	if (emulation->fails_at_partial_retry && is_partial_retry(&state->write))
		devdb_v2_refuse_by_malfunction(call);
	else if (write->result == DEVDB_STREAM_DELETED)
		devdb_v2_refuse_tombstoned(call, part[index].stream);
	else
		devdb_v2_refuse_conflict(
		    call, part[index].stream, state->said[index], part[index].revision);
}

static void
half_close(struct devdb_call *call)
{
	struct state *state = call->state;
	struct devdb_write write;

	if (state->write.part_count == 0) {
		devdb_v2_refuse_no_requests(call);
		return;
	}
	if (devdb_v2_refuse_request(
		call, state->write.parts, state->write.part_count, "Append session"))
		return;
	write = devdb_v2_write_carry_out(&state->write);
	if (write.result == DEVDB_WRITTEN) {
		call->node->stats.appends_stored++;
		call->node->stats.events_stored += state->write.event_count;
		succeed(call, &write);
	} else if (write.result == DEVDB_FULL) {
		devdb_refuse_full(call);
	} else {
		fail(call, &write);
	}
}

const struct devdb_method devdb_v2_append_session = {
    .service = "kurrentdb.protocol.v2.streams.StreamsService",
    .name = "AppendSession",
    .label = "AppendSession",
    .max_message_bytes = SIZE_MAX,
    .start = start,
    .message = message,
    .half_close = half_close,
    .end = end,
};
