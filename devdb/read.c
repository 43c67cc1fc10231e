/* SPDX-License-Identifier: Apache-2.0 */
/* Read of one stream or of all, forwards and backwards (wire-protocol 1.4, 5). Events are
 * sent as fast as the client takes them: each time the queue has run empty a few more are
 * put in. Owns the request and the name. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/access.h"
#include "devdb/emulation.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/read_answer.h"
#include "devdb/refusals.h"
#include "devdb/store.h"
#include "devdb/stream_name.h"
#include "devdb/unary.h"

#include "proto/streams.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define PORTION_EVENTS 64
#define PORTION_BYTES (256 << 10)

#define OPTIONS EventStore__Client__Streams__ReadReq__Options
#define OPTION(name) EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__##name

/* Begins with the request, as devdb_unary_*() want it. */
struct state {
	struct devdb_unary unary;
	struct devdb_stream_name stream;
	struct devdb_read read;         /* of that stream, */
	struct devdb_log_read log_read; /* or of all streams */
	bool is_all;
	bool is_reading;
	bool wants_structured_ids;
	bool wants_positions;
};

static void
start(struct devdb_call *call)
{
	call->state = kdb_alloc_zero(1, sizeof(struct state));
}

static void
end(struct devdb_call *call)
{
	struct state *state = call->state;

	devdb_stream_name_dispose(&state->stream);
	devdb_unary_end(call);
}

/* --- the request --- */

static const char *
filter_name(const OPTIONS *options)
{
	switch (options->filter_option_case) {
	case OPTION(FILTER_OPTION_FILTER):
		return "Filter";
	case OPTION(FILTER_OPTION_NO_FILTER):
		return "NoFilter";
	default:
		return "None";
	}
}

static const char *
count_name(const OPTIONS *options)
{
	switch (options->count_option_case) {
	case OPTION(COUNT_OPTION_COUNT):
		return "Count";
	case OPTION(COUNT_OPTION_SUBSCRIPTION):
		return "Subscription";
	default:
		return "None";
	}
}

static const char all[] = "$all";

/* Says no to a request for nothing, and to a caller without the right. */
static bool
refuse_subject(struct devdb_call *call, const OPTIONS *options)
{
	struct state *state = call->state;
	struct devdb_name name = {(const uint8_t *)all, sizeof all - 1};

	switch (options->stream_option_case) {
	case OPTION(STREAM_OPTION_ALL):
		break;
	case OPTION(STREAM_OPTION_STREAM):
		/* What cannot be written can be looked for: $$ is not found. */
		devdb_stream_name_read(
		    &state->stream, options->stream->stream_identifier);
		name = state->stream.name;
		if (options->stream->stream_identifier)
			break;
		devdb_refuse_handler(call);
		return true;
	default:
		devdb_refuse_argument(call,
		    "'None' is not a valid EventStore.Client.Streams."
		    "ReadReq+Types+Options+StreamOptionOneofCase");
		return true;
	}
	return devdb_access_refuse(call, name, DEVDB_RIGHT_READ);
}

static void
refuse_missing_uuid_option(struct devdb_call *call)
{
	const char *text = call->node->options->emulation->read_without_uuid_option;

	if (text)
		devdb_refuse_argument(call, text);
	else
		devdb_call_freeze(call);
}

static bool
refuse_combination(struct devdb_call *call, const OPTIONS *options)
{
	bool is_all = options->stream_option_case == OPTION(STREAM_OPTION_ALL);
	char text[160];

	if (!options->uuid_option) {
		refuse_missing_uuid_option(call);
		return true;
	}
	if (options->count_option_case == OPTION(COUNT_OPTION_SUBSCRIPTION) ||
	    (is_all && options->filter_option_case == OPTION(FILTER_OPTION_FILTER))) {
		devdb_call_finish(call, GRPC_STATUS_UNIMPLEMENTED,
		    "kurrentgate-devdb has neither subscriptions nor filters.", NULL, 0);
		return true;
	}
	if (options->filter_option_case == OPTION(FILTER_OPTION_NO_FILTER) &&
	    options->count_option_case == OPTION(COUNT_OPTION_COUNT))
		return false;
	snprintf(text, sizeof text, "The combination of (%s, %s, %s, %s) is invalid.",
	    is_all ? "All" : "Stream", count_name(options),
	    options->read_direction ? "Backwards" : "Forwards", filter_name(options));
	devdb_refuse_argument(call, text);
	return true;
}

static bool
read_from(const EventStore__Client__Streams__ReadReq__Options__StreamOptions *stream,
    int64_t *from)
{
#define REVISION(name)                                                                   \
	EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTIONS__REVISION_OPTION_##name
	switch (stream->revision_option_case) {
	case REVISION(REVISION):
		*from = stream->revision == UINT64_MAX ? -1 : (int64_t)stream->revision;
		return stream->revision <= INT64_MAX || stream->revision == UINT64_MAX;
	case REVISION(START):
		*from = 0;
		return true;
	case REVISION(END):
		*from = -1;
		return true;
	default:
		return false;
	}
#undef REVISION
}

/* A forward read from the end finds nothing. */
static int64_t
start_of(int64_t from, bool is_backwards)
{
	return from < 0 && !is_backwards ? INT64_MAX : from;
}

static bool
begin_stream(struct devdb_call *call, const OPTIONS *options, bool is_backwards)
{
	struct state *state = call->state;
	int64_t from;

	if (!read_from(options->stream, &from) || state->stream.name.len == 0) {
		devdb_refuse_handler(call);
		return false;
	}
	if (options->count == 0) {
		devdb_call_finish(call, GRPC_STATUS_UNKNOWN,
		    call->node->options->emulation->read_of_nothing, NULL, 0);
		return false;
	}
	if (devdb_refuse_request(call, state->stream.name, false))
		return false;
	state->read = devdb_store_read(call->node->store, state->stream.name,
	    start_of(from, is_backwards), is_backwards, options->count);
	return true;
}

static bool
begin_all(struct devdb_call *call, const OPTIONS *options, bool is_backwards)
{
#define ALL(name)                                                                        \
	EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__ALL_OPTIONS__ALL_OPTION_##name
	struct state *state = call->state;
	uint64_t from = 0;

	switch (options->all->all_option_case) {
	case ALL(POSITION):
		from = options->all->position->commit_position;
		break;
	case ALL(START):
		break;
	case ALL(END):
		from = UINT64_MAX;
		break;
	default:
		devdb_refuse_handler(call);
		return false;
	}
#undef ALL
	if (devdb_refuse_request(
		call, (struct devdb_name){(const uint8_t *)all, sizeof all - 1}, false))
		return false;
	state->is_all = true;
	state->log_read =
	    devdb_store_read_log(call->node->store, from, is_backwards, options->count);
	return true;
}

static void
begin(struct devdb_call *call, const OPTIONS *options)
{
	struct state *state = call->state;
	bool is_backwards = options->read_direction == OPTION(READ_DIRECTION__Backwards);
	bool is_begun = options->stream_option_case == OPTION(STREAM_OPTION_ALL)
			    ? begin_all(call, options, is_backwards)
			    : begin_stream(call, options, is_backwards);

	if (!is_begun)
		return;
	state->wants_structured_ids =
	    options->uuid_option->content_case == OPTION(UUIDOPTION__CONTENT_STRUCTURED);
	state->wants_positions =
	    options->control_option && options->control_option->compatibility >= 1;
	state->is_reading = true;
	devdb_call_touch(call);
}

static void
half_close(struct devdb_call *call)
{
	const struct devdb_unary *unary = devdb_unary_request(call);
	const EventStore__Client__Streams__ReadReq *request;

	if (!unary)
		return;
	request = devdb_wire_unpack(&call->node->arena,
	    &event_store__client__streams__read_req__descriptor, unary->bytes,
	    unary->len);
	if (!request || !request->options)
		devdb_refuse_handler(call);
	else if (!refuse_subject(call, request->options) &&
		 !refuse_combination(call, request->options))
		begin(call, request->options);
}

/* --- the answer --- */

static void
finish(struct devdb_call *call)
{
	struct state *state = call->state;

	state->is_reading = false;
	if (!state->is_all && state->wants_positions &&
	    state->read.state == DEVDB_READ_FOUND) {
		if (!state->read.is_backwards && state->read.first > state->read.last)
			devdb_call_send(
			    call, devdb_read_answer_position(true, state->read.first));
		devdb_call_send(
		    call, devdb_read_answer_position(false, state->read.last));
	}
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

static void
send_portion(struct devdb_call *call)
{
	struct state *state = call->state;
	size_t bytes = 0;

	for (int i = 0; i < PORTION_EVENTS && bytes < PORTION_BYTES; i++) {
		struct devdb_name name = state->stream.name;
		const struct devdb_event *event =
		    state->is_all ? devdb_store_read_log_next(&state->log_read, &name)
				  : devdb_store_read_next(&state->read);

		if (!event) {
			finish(call);
			return;
		}
		if (event->is_unreadable) {
			devdb_refuse_handler(call);
			return;
		}
		bytes += devdb_event_footprint(event);
		devdb_call_send(call,
		    devdb_read_answer_event(event, name, state->wants_structured_ids));
	}
}

static void
drained(struct devdb_call *call)
{
	struct state *state = call->state;

	if (!state->is_reading)
		return;
	switch (state->read.state) {
	case DEVDB_READ_FOUND:
		send_portion(call);
		break;
	case DEVDB_READ_NOT_FOUND:
		devdb_call_send(call, devdb_read_answer_not_found(state->stream.name));
		finish(call);
		break;
	default:
		devdb_refuse_deleted(call, state->stream.name);
	}
}

const struct devdb_method devdb_read = {
    .service = "event_store.client.streams.Streams",
    .name = "Read",
    .label = "Read",
    .max_message_bytes = DEVDB_MAX_V1_MESSAGE_BYTES,
    .start = start,
    .message = devdb_unary_message,
    .half_close = half_close,
    .drained = drained,
    .end = end,
};
