/* SPDX-License-Identifier: Apache-2.0 */
/* Read of one stream, forwards and backwards (wire-protocol 1.4, 5). Events are sent as
 * fast as the client takes them: each time the queue has run empty a few more are put
 * in. Owns the request and the name. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/store.h"
#include "devdb/stream_name.h"
#include "devdb/unary.h"

#include "proto/streams.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTION_EVENTS 64
#define PORTION_BYTES (256 << 10)

#define OPTIONS EventStore__Client__Streams__ReadReq__Options
#define OPTION(name) EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__##name
#define CONTENT(name) EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_##name

/* Begins with the request, as devdb_unary_*() want it. */
struct state {
	struct devdb_unary unary;
	struct devdb_read read;
	struct devdb_stream_name stream;
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

static bool
refuse_combination(struct devdb_call *call, const OPTIONS *options)
{
	char text[160];

	if (options->stream_option_case == OPTION(STREAM_OPTION__NOT_SET)) {
		devdb_refuse_argument(call,
		    "'None' is not a valid EventStore.Client.Streams."
		    "ReadReq+Types+Options+StreamOptionOneofCase");
		return true;
	}
	if (!options->uuid_option) {
		devdb_refuse_argument(call,
		    "'uuidOption' is a required argument of type "
		    "EventStore.Client.Streams.ReadReq+Types+Options+"
		    "Types+UUIDOption");
		return true;
	}
	if (options->stream_option_case == OPTION(STREAM_OPTION_ALL) ||
	    options->count_option_case == OPTION(COUNT_OPTION_SUBSCRIPTION)) {
		devdb_call_finish(call, GRPC_STATUS_UNIMPLEMENTED,
		    "kurrentgate-devdb reads single streams only.", NULL, 0);
		return true;
	}
	if (options->filter_option_case == OPTION(FILTER_OPTION_NO_FILTER) &&
	    options->count_option_case == OPTION(COUNT_OPTION_COUNT))
		return false;
	snprintf(text, sizeof text, "The combination of (Stream, %s, %s, %s) is invalid.",
	    count_name(options), options->read_direction ? "Backwards" : "Forwards",
	    filter_name(options));
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

static void
begin(struct devdb_call *call, const OPTIONS *options)
{
	struct state *state = call->state;
	bool is_backwards = options->read_direction == OPTION(READ_DIRECTION__Backwards);
	int64_t from;

	if (!read_from(options->stream, &from) ||
	    !devdb_stream_name_read(&state->stream, options->stream->stream_identifier)) {
		devdb_refuse_handler(call);
		return;
	}
	if (options->count == 0) {
		devdb_call_finish(call, GRPC_STATUS_UNKNOWN,
		    "Unexpected ReadStreamResult: Error >> maxCount should be positive. "
		    "(Parameter 'maxCount')",
		    NULL, 0);
		return;
	}
	if (devdb_refuse_request(call, state->stream.name, false))
		return;
	state->wants_structured_ids =
	    options->uuid_option->content_case == OPTION(UUIDOPTION__CONTENT_STRUCTURED);
	state->wants_positions =
	    options->control_option && options->control_option->compatibility >= 1;
	state->read = devdb_store_read(call->node->store, state->stream.name,
	    start_of(from, is_backwards), is_backwards, options->count);
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
	else if (!refuse_combination(call, request->options))
		begin(call, request->options);
}

/* --- the answer --- */

static void
set_id(EventStore__Client__UUID *uuid, EventStore__Client__UUID__Structured *halves,
    char text[DEVDB_GUID_TEXT_SIZE], const struct devdb_guid *id, bool is_structured)
{
	if (is_structured) {
		halves->has_most_significant_bits = halves->has_least_significant_bits =
		    true;
		devdb_guid_to_halves(
		    id, &halves->most_significant_bits, &halves->least_significant_bits);
		uuid->value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
		uuid->structured = halves;
		return;
	}
	devdb_guid_format(id, text);
	uuid->value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRING;
	uuid->string = devdb_wire_bytes(text, DEVDB_GUID_TEXT_SIZE - 1);
}

#define ENTRY EventStore__Client__Streams__ReadResp__RecordedEvent__MetadataEntry

static void
set_entry(ENTRY *out, const char *key, const void *value, size_t len)
{
	*out = (ENTRY)
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__METADATA_ENTRY__INIT;
	out->has_key = out->has_value = true;
	out->key = devdb_wire_bytes(key, strlen(key));
	out->value = devdb_wire_bytes(value, len);
}

static void
send_event(struct devdb_call *call, const struct devdb_event *event)
{
	const struct state *state = call->state;
	EventStore__Client__Streams__ReadResp resp =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	EventStore__Client__Streams__ReadResp__ReadEvent outer =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__READ_EVENT__INIT;
	EventStore__Client__Streams__ReadResp__RecordedEvent inner =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__RECORDED_EVENT__INIT;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	EventStore__Client__UUID uuid = EVENT_STORE__CLIENT__UUID__INIT;
	EventStore__Client__UUID__Structured halves =
	    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
	const char *content_type =
	    event->is_json ? "application/json" : "application/octet-stream";
	char id_text[DEVDB_GUID_TEXT_SIZE];
	char created[24];
	int created_len =
	    snprintf(created, sizeof created, "%" PRId64, event->created_ticks);
	ENTRY entries[3];
	ENTRY *entry_list[] = {&entries[0], &entries[1], &entries[2]};

	set_id(&uuid, &halves, id_text, &event->id, state->wants_structured_ids);
	set_entry(&entries[0], "type", devdb_event_type(event), event->type_len);
	set_entry(&entries[1], "created", created, (size_t)created_len);
	set_entry(&entries[2], "content-type", content_type, strlen(content_type));
	stream.has_stream_name = true;
	stream.stream_name =
	    devdb_wire_bytes(state->stream.name.bytes, state->stream.name.len);
	inner.id = &uuid;
	inner.stream_identifier = &stream;
	inner.has_stream_revision = event->revision != 0;
	inner.stream_revision = (uint64_t)event->revision;
	inner.has_prepare_position = inner.has_commit_position = true;
	inner.prepare_position = inner.commit_position = event->position;
	inner.n_metadata = 3;
	inner.metadata = entry_list;
	inner.has_custom_metadata = event->metadata_len != 0;
	inner.custom_metadata =
	    devdb_wire_bytes(devdb_event_metadata(event), event->metadata_len);
	inner.has_data = event->data_len != 0;
	inner.data = devdb_wire_bytes(devdb_event_data(event), event->data_len);
	outer.event = &inner;
	outer.position_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__READ_EVENT__POSITION_COMMIT_POSITION;
	outer.commit_position = event->position;
	resp.content_case = CONTENT(EVENT);
	resp.event = &outer;
	devdb_call_send(call, devdb_wire_pack(&resp.base));
}

static void
send_not_found(struct devdb_call *call)
{
	const struct state *state = call->state;
	EventStore__Client__Streams__ReadResp resp =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;
	EventStore__Client__Streams__ReadResp__StreamNotFound not_found =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__STREAM_NOT_FOUND__INIT;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;

	stream.has_stream_name = true;
	stream.stream_name =
	    devdb_wire_bytes(state->stream.name.bytes, state->stream.name.len);
	not_found.stream_identifier = &stream;
	resp.content_case = CONTENT(STREAM_NOT_FOUND);
	resp.stream_not_found = &not_found;
	devdb_call_send(call, devdb_wire_pack(&resp.base));
}

static void
send_position(struct devdb_call *call, bool is_first, int64_t revision)
{
	EventStore__Client__Streams__ReadResp resp =
	    EVENT_STORE__CLIENT__STREAMS__READ_RESP__INIT;

	resp.content_case =
	    is_first ? CONTENT(FIRST_STREAM_POSITION) : CONTENT(LAST_STREAM_POSITION);
	if (is_first)
		resp.first_stream_position = (uint64_t)revision;
	else
		resp.last_stream_position = (uint64_t)revision;
	devdb_call_send(call, devdb_wire_pack(&resp.base));
}

static void
finish(struct devdb_call *call)
{
	struct state *state = call->state;

	state->is_reading = false;
	if (state->wants_positions && state->read.state == DEVDB_READ_FOUND) {
		if (!state->read.is_backwards && state->read.first > state->read.last)
			send_position(call, true, state->read.first);
		send_position(call, false, state->read.last);
	}
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

static void
send_portion(struct devdb_call *call)
{
	struct state *state = call->state;
	size_t bytes = 0;

	for (int i = 0; i < PORTION_EVENTS && bytes < PORTION_BYTES; i++) {
		const struct devdb_event *event = devdb_store_read_next(&state->read);

		if (!event) {
			finish(call);
			return;
		}
		if (event->is_unreadable) {
			devdb_refuse_handler(call);
			return;
		}
		bytes += devdb_event_footprint(event);
		send_event(call, event);
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
		send_not_found(call);
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
