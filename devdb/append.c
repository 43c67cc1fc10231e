/* SPDX-License-Identifier: Apache-2.0 */
/* Append: options, then one event a message, then half-close, then one answer
 * (wire-protocol 2.2). Keeps the events until the client has sent its last. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/access.h"
#include "devdb/emulation.h"
#include "devdb/expectation.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/proposal.h"
#include "devdb/refusals.h"
#include "devdb/store.h"
#include "devdb/stream_name.h"

#include "proto/streams.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define APPEND_RESP EventStore__Client__Streams__AppendResp
#define APPEND_SUCCESS EventStore__Client__Streams__AppendResp__Success
#define APPEND_POSITION EventStore__Client__Streams__AppendResp__Position
#define APPEND_WRONG EventStore__Client__Streams__AppendResp__WrongExpectedVersion

struct state {
	bool has_options;
	struct devdb_stream_name stream;
	int64_t expected;
	/* 2^64-1 was sent, which means no stream but is told apart in the answer. */
	bool is_max_revision;
	struct devdb_event *first;
	struct devdb_event *last;
	size_t event_count;
	size_t size_bytes;
	size_t reserved_bytes;
};

static EventStore__Client__Empty empty = EVENT_STORE__CLIENT__EMPTY__INIT;

static void
start(struct devdb_call *call)
{
	call->state = kdb_alloc_zero(1, sizeof(struct state));
}

static struct devdb_event *
take_events(struct devdb_call *call, struct state *state)
{
	struct devdb_event *events = state->first;

	devdb_store_release(call->node->store, state->reserved_bytes);
	state->reserved_bytes = 0;
	state->first = state->last = NULL;
	return events;
}

static void
end(struct devdb_call *call)
{
	struct state *state = call->state;
	struct devdb_event *event = take_events(call, state);

	while (event) {
		struct devdb_event *next = event->next;

		free(event);
		event = next;
	}
	devdb_stream_name_dispose(&state->stream);
	free(state);
}

static void
take_options(struct devdb_call *call,
    const EventStore__Client__Streams__AppendReq__Options *options)
{
#define CASE(name)                                                                       \
	EVENT_STORE__CLIENT__STREAMS__APPEND_REQ__OPTIONS__EXPECTED_STREAM_REVISION_##name
	struct state *state = call->state;
	bool is_name;

	switch (options->expected_stream_revision_case) {
	case CASE(REVISION):
		if (!devdb_expectation_from_revision(
			options->revision, &state->expected)) {
			devdb_refuse_handler(call);
			return;
		}
		state->is_max_revision = options->revision == UINT64_MAX;
		break;
	case CASE(NO_STREAM):
		state->expected = DEVDB_NO_STREAM;
		break;
	case CASE(ANY):
		state->expected = DEVDB_ANY;
		break;
	case CASE(STREAM_EXISTS):
		state->expected = DEVDB_EXISTS;
		break;
	default:
		devdb_refuse_argument(call,
		    "'None' is not a valid "
		    "EventStore.Client.Streams.AppendReq+Types+Options+"
		    "ExpectedStreamRevisionOneofCase");
		return;
	}
#undef CASE
	is_name = devdb_stream_name_read(&state->stream, options->stream_identifier);
	if (options->stream_identifier &&
	    devdb_access_refuse(call, state->stream.name, DEVDB_RIGHT_WRITE))
		return;
	state->has_options = is_name;
	if (!is_name)
		devdb_refuse_handler(call);
}

/* The id as the server prints the message that held it. */
static void
refuse_event_size(
    struct devdb_call *call, const EventStore__Client__UUID *id, size_t size)
{
	char *json;

	if (id->value_case == EVENT_STORE__CLIENT__UUID__VALUE_STRING)
		json = kdb_alloc_printf("{ \"string\": \"%.*s\" }", (int)id->string.len,
		    (char *)id->string.data);
	else
		json = kdb_alloc_printf(
		    "{ \"structured\": { \"mostSignificantBits\": \"%lld\", "
		    "\"leastSignificantBits\": \"%lld\" } }",
		    (long long)id->structured->most_significant_bits,
		    (long long)id->structured->least_significant_bits);
	devdb_refuse_event_size(
	    call, json, size, call->node->options->max_append_event_bytes);
	free(json);
}

static void
add_event(struct devdb_call *call, const struct devdb_proposal *proposal)
{
	struct state *state = call->state;
	struct devdb_event *event = devdb_event_new(proposal);
	size_t footprint = devdb_event_footprint(event);

	if (!devdb_store_reserve(call->node->store, footprint)) {
		free(event);
		devdb_refuse_full(call);
		return;
	}
	state->reserved_bytes += footprint;
	state->event_count++;
	if (state->last)
		state->last->next = event;
	else
		state->first = event;
	state->last = event;
}

static void
take_event(struct devdb_call *call,
    const EventStore__Client__Streams__AppendReq__ProposedMessage *message)
{
	struct state *state = call->state;
	struct devdb_wire_event event = devdb_wire_event_from_append(message);
	struct devdb_proposal proposal;
	const char *text = NULL;
	size_t size;

	switch (devdb_proposal_read(&event, &proposal, &text)) {
	case DEVDB_PROPOSAL_MISSING_PROPERTY:
		devdb_refuse_missing_property(call, text);
		return;
	case DEVDB_PROPOSAL_OK:
		break;
	default:
		devdb_refuse_handler(call);
		return;
	}
	size = call->node->options->emulation->counts_data_alone
		   ? proposal.data_len
		   : devdb_proposal_size(&proposal);
	state->size_bytes += size;
	if (size > call->node->options->max_append_event_bytes)
		refuse_event_size(call, message->id, size);
	else if (size > DEVDB_MAX_RECORD_BYTES)
		devdb_refuse_handler(call);
	else if (state->size_bytes > call->node->options->max_append_bytes)
		devdb_refuse_append_size(call, call->node->options->max_append_bytes);
	else
		add_event(call, &proposal);
}

static void
message(struct devdb_call *call, const uint8_t *bytes, size_t len)
{
#define CASE(name) EVENT_STORE__CLIENT__STREAMS__APPEND_REQ__CONTENT_##name
	struct state *state = call->state;
	const EventStore__Client__Streams__AppendReq *request =
	    devdb_wire_unpack(&call->node->arena,
		&event_store__client__streams__append_req__descriptor, bytes, len);

	if (request && !state->has_options && request->content_case == CASE(OPTIONS))
		take_options(call, request->options);
	else if (request && state->has_options &&
		 request->content_case == CASE(PROPOSED_MESSAGE))
		take_event(call, request->proposed_message);
	else
		devdb_refuse_handler(call);
#undef CASE
}

static void
send_success(struct devdb_call *call, const struct devdb_write *write)
{
#define CASE(name) EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__SUCCESS__##name
	APPEND_RESP resp = EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__INIT;
	APPEND_SUCCESS success = EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__SUCCESS__INIT;
	APPEND_POSITION position =
	    EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__POSITION__INIT;

	if (write->revision < 0) {
		success.current_revision_option_case =
		    CASE(CURRENT_REVISION_OPTION_NO_STREAM);
		success.no_stream = &empty;
	} else {
		success.current_revision_option_case =
		    CASE(CURRENT_REVISION_OPTION_CURRENT_REVISION);
		success.current_revision = (uint64_t)write->revision;
	}
	if (write->has_position) {
		position.has_commit_position = position.has_prepare_position = true;
		position.commit_position = position.prepare_position = write->position;
		success.position_option_case = CASE(POSITION_OPTION_POSITION);
		success.position = &position;
	} else {
		success.position_option_case = CASE(POSITION_OPTION_NO_POSITION);
		success.no_position = &empty;
	}
	resp.result_case = EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__RESULT_SUCCESS;
	resp.success = &success;
	devdb_call_send(call, devdb_wire_pack(&resp.base));
#undef CASE
}

#define WRONG_CASE(name)                                                                 \
	EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__WRONG_EXPECTED_VERSION__##name

static void
set_expected(APPEND_WRONG *wrong, const struct state *state)
{
	switch (state->is_max_revision ? INT64_MAX : state->expected) {
	case DEVDB_ANY:
		wrong->expected_revision_option_20_6_0_case =
		    WRONG_CASE(EXPECTED_REVISION_OPTION_20_6_0_ANY_20_6_0);
		wrong->any_20_6_0 = &empty;
		wrong->expected_revision_option_case =
		    WRONG_CASE(EXPECTED_REVISION_OPTION_EXPECTED_ANY);
		wrong->expected_any = &empty;
		return;
	case DEVDB_EXISTS:
		wrong->expected_revision_option_20_6_0_case =
		    WRONG_CASE(EXPECTED_REVISION_OPTION_20_6_0_STREAM_EXISTS_20_6_0);
		wrong->stream_exists_20_6_0 = &empty;
		wrong->expected_revision_option_case =
		    WRONG_CASE(EXPECTED_REVISION_OPTION_EXPECTED_STREAM_EXISTS);
		wrong->expected_stream_exists = &empty;
		return;
	case DEVDB_NO_STREAM:
		wrong->expected_revision_option_case =
		    WRONG_CASE(EXPECTED_REVISION_OPTION_EXPECTED_NO_STREAM);
		wrong->expected_no_stream = &empty;
		break;
	default:
		wrong->expected_revision_option_case =
		    WRONG_CASE(EXPECTED_REVISION_OPTION_EXPECTED_REVISION);
		wrong->expected_revision = (uint64_t)state->expected;
	}
	wrong->expected_revision_option_20_6_0_case =
	    WRONG_CASE(EXPECTED_REVISION_OPTION_20_6_0_EXPECTED_REVISION_20_6_0);
	wrong->expected_revision_20_6_0 = (uint64_t)state->expected;
}

static void
send_wrong_version(struct devdb_call *call, int64_t actual)
{
	APPEND_RESP resp = EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__INIT;
	APPEND_WRONG wrong =
	    EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__WRONG_EXPECTED_VERSION__INIT;

	if (actual < 0) {
		wrong.current_revision_option_20_6_0_case =
		    WRONG_CASE(CURRENT_REVISION_OPTION_20_6_0_NO_STREAM_20_6_0);
		wrong.no_stream_20_6_0 = &empty;
		wrong.current_revision_option_case =
		    WRONG_CASE(CURRENT_REVISION_OPTION_CURRENT_NO_STREAM);
		wrong.current_no_stream = &empty;
	} else {
		wrong.current_revision_option_20_6_0_case =
		    WRONG_CASE(CURRENT_REVISION_OPTION_20_6_0_CURRENT_REVISION_20_6_0);
		wrong.current_revision_20_6_0 = (uint64_t)actual;
		wrong.current_revision_option_case =
		    WRONG_CASE(CURRENT_REVISION_OPTION_CURRENT_REVISION);
		wrong.current_revision = (uint64_t)actual;
	}
	set_expected(&wrong, call->state);
	resp.result_case =
	    EVENT_STORE__CLIENT__STREAMS__APPEND_RESP__RESULT_WRONG_EXPECTED_VERSION;
	resp.wrong_expected_version = &wrong;
	devdb_call_send(call, devdb_wire_pack(&resp.base));
}

static void
answer(struct devdb_call *call, const struct devdb_write *write)
{
	const struct state *state = call->state;

	switch (write->result) {
	case DEVDB_WRITTEN:
		send_success(call, write);
		break;
	case DEVDB_WRONG_VERSION:
		send_wrong_version(call, write->revision);
		break;
	case DEVDB_STREAM_DELETED:
		devdb_refuse_deleted(call, state->stream.name);
		return;
	default:
		devdb_refuse_full(call);
		return;
	}
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

static void
half_close(struct devdb_call *call)
{
	struct state *state = call->state;
	size_t event_count = state->event_count;
	struct devdb_write write;

	if (!state->has_options) {
		devdb_refuse_handler(call);
		return;
	}
	if (devdb_refuse_request(call, state->stream.name, true))
		return;
	write = devdb_store_append(call->node->store, state->stream.name, state->expected,
	    take_events(call, state));
	if (write.result == DEVDB_WRITTEN) {
		call->node->stats.appends_stored++;
		call->node->stats.events_stored += event_count;
	}
	answer(call, &write);
}

const struct devdb_method devdb_append = {
    .service = "event_store.client.streams.Streams",
    .name = "Append",
    .label = "Append",
    .max_message_bytes = DEVDB_MAX_V1_MESSAGE_BYTES,
    .start = start,
    .message = message,
    .half_close = half_close,
    .end = end,
};
