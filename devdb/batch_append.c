/* SPDX-License-Identifier: Apache-2.0 */
/* BatchAppend: many batches on one call, each in one chunk or several (wire-protocol 2.3).
 * The state of a call is its open batches and the answers of this burst. The server starts
 * a timer for every batch that it opens and never stops it: it kills whatever batch bears
 * the correlation id when it fires. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "client-core/base/clock.h"
#include "devdb/expectation.h"
#include "devdb/hash_table.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/proposal.h"
#include "devdb/refusals.h"
#include "devdb/store.h"
#include "devdb/text.h"

#include "proto/streams.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_TIMEOUT_NS (2 * KDB_NS_PER_SECOND)
#define MAX_DURATION_S INT64_C(315576000000)
#define MIN_TIMESTAMP_S INT64_C(-62135596800)
#define MAX_TIMESTAMP_S INT64_C(253402300799)
#define NS_PER_S 1000000000
#define TYPE_URL(name) "type.googleapis.com/event_store.client." name

#define REQ(name) EventStore__Client__Streams__BatchAppendReq##name
#define RESP(name) EventStore__Client__Streams__BatchAppendResp##name
#define POSITION_CASE(name)                                                              \
	EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_##name
#define DEADLINE_CASE(name)                                                              \
	EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__DEADLINE_OPTION_##name

/* An open batch: chunks have come, the final one has not. */
struct batch {
	struct devdb_hash_link link;
	struct devdb_guid id;
	int64_t expected;
	struct devdb_event *first;
	struct devdb_event *last;
	size_t event_count;
	size_t size_bytes;     /* as the server counts them */
	size_t reserved_bytes; /* of the store's memory */
	size_t name_len;
	uint8_t name[];
};

/* The answer of a write that was submitted; it goes out at the end of the burst. */
struct answer {
	struct kdb_list link;
	grpc_byte_buffer *message;
};

struct state {
	struct devdb_hash_table open;
	struct kdb_list answers;
	int64_t pending; /* submitted minus answered; answers to unsubmitted batches count, too */
	bool is_closing;
};

/* How an answer refers to its request. */
struct subject {
	const EventStore__Client__UUID *correlation_id;
	const EventStore__Client__StreamIdentifier *stream;
};

static Google__Protobuf__Empty google_empty = GOOGLE__PROTOBUF__EMPTY__INIT;

/* --- answers --- */

static grpc_byte_buffer *
pack_error(const struct subject *subject, int code, const char *message,
    const char *type_url, const ProtobufCMessage *detail)
{
	uint8_t detail_bytes[512];
	size_t detail_len = protobuf_c_message_get_packed_size(detail);
	uint8_t *packed = detail_len > sizeof detail_bytes ? kdb_alloc(detail_len) : detail_bytes;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	Google__Protobuf__Any *details[] = { &any };
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	RESP() resp = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__INIT;
	grpc_byte_buffer *buffer;

	protobuf_c_message_pack(detail, packed);
	any.type_url = (char *)type_url;
	any.has_value = detail_len > 0;
	any.value = devdb_wire_bytes(packed, detail_len);
	status.has_code = code != 0;
	status.code = code;
	status.has_message = true;
	status.message = devdb_wire_bytes(message, strlen(message));
	status.n_details = 1;
	status.details = details;
	resp.correlation_id = (EventStore__Client__UUID *)subject->correlation_id;
	resp.stream_identifier = (EventStore__Client__StreamIdentifier *)subject->stream;
	resp.result_case = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_ERROR;
	resp.error = &status;
	buffer = devdb_wire_pack(&resp.base);
	if (packed != detail_bytes)
		free(packed);
	return buffer;
}

static grpc_byte_buffer *
pack_plain_error(const struct subject *subject, int code, const char *message)
{
	return pack_error(subject, code, message, "type.googleapis.com/google.protobuf.Empty",
	    &google_empty.base);
}

static grpc_byte_buffer *
pack_timeout(const struct subject *subject)
{
	EventStore__Client__Timeout detail = EVENT_STORE__CLIENT__TIMEOUT__INIT;

	return pack_error(subject, GRPC_STATUS_DEADLINE_EXCEEDED, "Timeout",
	    TYPE_URL("Timeout"), &detail.base);
}

static grpc_byte_buffer *
pack_access_denied(const struct subject *subject)
{
	EventStore__Client__AccessDenied detail = EVENT_STORE__CLIENT__ACCESS_DENIED__INIT;

	return pack_error(subject, GRPC_STATUS_PERMISSION_DENIED, "AccessDenied",
	    TYPE_URL("AccessDenied"), &detail.base);
}

static grpc_byte_buffer *
pack_bad_request(const struct subject *subject, const char *text)
{
	EventStore__Client__BadRequest detail = EVENT_STORE__CLIENT__BAD_REQUEST__INIT;

	detail.has_message = true;
	detail.message = devdb_wire_bytes(text, strlen(text));
	return pack_error(subject, GRPC_STATUS_INVALID_ARGUMENT, "BadRequest",
	    TYPE_URL("BadRequest"), &detail.base);
}

static grpc_byte_buffer *
pack_deleted(const struct subject *subject)
{
	EventStore__Client__StreamDeleted detail = EVENT_STORE__CLIENT__STREAM_DELETED__INIT;

	detail.stream_identifier = (EventStore__Client__StreamIdentifier *)subject->stream;
	return pack_error(subject, GRPC_STATUS_NOT_FOUND, "StreamDeleted",
	    TYPE_URL("StreamDeleted"), &detail.base);
}

static void
set_expected(EventStore__Client__WrongExpectedVersion *detail, int64_t expected)
{
#define EXPECTED_CASE(name)                                                              \
	EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__EXPECTED_STREAM_POSITION_OPTION_##name
	switch (expected) {
	case DEVDB_ANY:
		detail->expected_stream_position_option_case = EXPECTED_CASE(EXPECTED_ANY);
		detail->expected_any = &google_empty;
		break;
	case DEVDB_EXISTS:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_STREAM_EXISTS);
		detail->expected_stream_exists = &google_empty;
		break;
	case DEVDB_NO_STREAM:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_NO_STREAM);
		detail->expected_no_stream = &google_empty;
		break;
	default:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_STREAM_POSITION);
		detail->expected_stream_position = (uint64_t)expected;
	}
#undef EXPECTED_CASE
}

static grpc_byte_buffer *
pack_wrong_version(const struct subject *subject, int64_t expected, int64_t actual)
{
#define CURRENT_CASE(name)                                                               \
	EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__CURRENT_STREAM_REVISION_OPTION_##name
	EventStore__Client__WrongExpectedVersion detail =
	    EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__INIT;

	if (actual < 0) {
		detail.current_stream_revision_option_case = CURRENT_CASE(CURRENT_NO_STREAM);
		detail.current_no_stream = &google_empty;
	} else {
		detail.current_stream_revision_option_case =
		    CURRENT_CASE(CURRENT_STREAM_REVISION);
		detail.current_stream_revision = (uint64_t)actual;
	}
	set_expected(&detail, expected);
	return pack_error(subject, GRPC_STATUS_ALREADY_EXISTS, "WrongExpectedVersion",
	    TYPE_URL("WrongExpectedVersion"), &detail.base);
#undef CURRENT_CASE
}

static grpc_byte_buffer *
pack_success(const struct subject *subject, const struct devdb_write *write)
{
#define SUCCESS_CASE(name) EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__##name
	RESP() resp = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__INIT;
	RESP(__Success)
	success = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__INIT;
	EventStore__Client__AllStreamPosition position =
	    EVENT_STORE__CLIENT__ALL_STREAM_POSITION__INIT;

	if (write->revision < 0) {
		success.current_revision_option_case =
		    SUCCESS_CASE(CURRENT_REVISION_OPTION_NO_STREAM);
		success.no_stream = &google_empty;
	} else {
		success.current_revision_option_case =
		    SUCCESS_CASE(CURRENT_REVISION_OPTION_CURRENT_REVISION);
		success.current_revision = (uint64_t)write->revision;
	}
	if (write->has_position) {
		position.has_commit_position = position.has_prepare_position = true;
		position.commit_position = position.prepare_position = write->position;
		success.position_option_case = SUCCESS_CASE(POSITION_OPTION_POSITION);
		success.position = &position;
	} else {
		success.position_option_case = SUCCESS_CASE(POSITION_OPTION_NO_POSITION);
		success.no_position = &google_empty;
	}
	resp.correlation_id = (EventStore__Client__UUID *)subject->correlation_id;
	resp.stream_identifier = (EventStore__Client__StreamIdentifier *)subject->stream;
	resp.result_case = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_SUCCESS;
	resp.success = &success;
	return devdb_wire_pack(&resp.base);
#undef SUCCESS_CASE
}

static grpc_byte_buffer *
pack_write(
    const struct subject *subject, int64_t expected, const struct devdb_write *write)
{
	switch (write->result) {
	case DEVDB_WRITTEN:
		return pack_success(subject, write);
	case DEVDB_WRONG_VERSION:
		return pack_wrong_version(subject, expected, write->revision);
	case DEVDB_STREAM_DELETED:
		return pack_deleted(subject);
	default:
		return pack_plain_error(subject, GRPC_STATUS_RESOURCE_EXHAUSTED,
		    "The development database is full (--max-memory)");
	}
}

/* --- what leaves the call, and when it ends --- */

/* The server ends a half-closed call after an answer, but only while it believes that it
 * owes no more than it has submitted. */
static void
send_answer(struct devdb_call *call, struct state *state, grpc_byte_buffer *message)
{
	devdb_call_send(call, message);
	if (--state->pending >= 0 && state->is_closing)
		devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

static void
push_answer(struct devdb_call *call, struct state *state, grpc_byte_buffer *message)
{
	struct answer *answer = kdb_alloc(sizeof *answer);

	answer->message = message;
	kdb_list_push_back(&state->answers, &answer->link);
	devdb_call_touch(call);
}

static void
flush(struct devdb_call *call)
{
	struct state *state = call->state;
	struct kdb_list *link;

	while ((link = kdb_list_pop_front(&state->answers))) {
		struct answer *answer = KDB_LIST_ITEM(link, struct answer, link);

		send_answer(call, state, answer->message);
		free(answer);
	}
}

/* --- open batches --- */

static struct batch *
find_batch(const struct state *state, const struct devdb_guid *id)
{
	struct devdb_hash_link *link;

	if (state->open.item_count == 0)
		return NULL;
	link = devdb_hash_table_first(
	    &state->open, devdb_hash_table_hash(&state->open, id, sizeof *id));
	for (; link; link = devdb_hash_table_next(link)) {
		struct batch *batch = DEVDB_HASH_ITEM(link, struct batch, link);

		if (devdb_guid_is_equal(&batch->id, id))
			return batch;
	}
	return NULL;
}

static struct devdb_event *
take_events(struct devdb_node *node, struct batch *batch)
{
	struct devdb_event *events = batch->first;

	devdb_store_release(node->store, batch->reserved_bytes);
	batch->reserved_bytes = 0;
	batch->first = batch->last = NULL;
	return events;
}

static void
free_batch(struct devdb_node *node, struct batch *batch)
{
	struct devdb_event *event = take_events(node, batch);

	while (event) {
		struct devdb_event *next = event->next;

		free(event);
		event = next;
	}
	free(batch);
}

static void
close_batch(struct devdb_node *node, struct state *state, struct batch *batch)
{
	devdb_hash_table_remove(&state->open, &batch->link);
	free_batch(node, batch);
}

static void
time_out(struct devdb_timer *timer, bool is_due)
{
	struct devdb_call *call = timer->owner;
	struct state *state = call->state;
	struct batch *batch;

	if (is_due && state && devdb_call_is_open(call) &&
	    (batch = find_batch(state, &timer->id))) {
		EventStore__Client__UUID__Structured halves =
		    EVENT_STORE__CLIENT__UUID__STRUCTURED__INIT;
		EventStore__Client__UUID uuid = EVENT_STORE__CLIENT__UUID__INIT;
		EventStore__Client__StreamIdentifier stream =
		    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;

		halves.has_most_significant_bits = halves.has_least_significant_bits = true;
		devdb_guid_to_halves(&timer->id, &halves.most_significant_bits,
		    &halves.least_significant_bits);
		uuid.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
		uuid.structured = &halves;
		stream.has_stream_name = true;
		stream.stream_name = devdb_wire_bytes(batch->name, batch->name_len);
		send_answer(call, state, pack_timeout(&(struct subject){ &uuid, &stream }));
		close_batch(call->node, state, batch);
	}
	devdb_call_unref(call);
}

static void
start_timer(struct devdb_call *call, const struct devdb_guid *id, int64_t timeout_ns)
{
	devdb_call_ref(call);
	devdb_timers_add(&call->node->timers,
	    &(struct devdb_timer){ .at_mono_ns = kdb_clock_mono_ns() + timeout_ns,
		.fire = time_out,
		.owner = call,
		.id = *id });
}

/* --- options --- */

static const char *
read_duration(const Google__Protobuf__Duration *duration, int64_t *timeout_ns)
{
	int64_t seconds = duration->has_seconds ? duration->seconds : 0;
	int32_t nanos = duration->has_nanos ? duration->nanos : 0;

	if (seconds < -MAX_DURATION_S || seconds > MAX_DURATION_S || nanos <= -NS_PER_S ||
	    nanos >= NS_PER_S || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0))
		return "Duration was not a valid normalized duration";
	if (seconds > WRITE_TIMEOUT_NS / NS_PER_S)
		*timeout_ns = WRITE_TIMEOUT_NS;
	else
		*timeout_ns = seconds < 0 ? -1 : seconds * NS_PER_S + nanos;
	return NULL;
}

static const char *
read_timestamp(const Google__Protobuf__Timestamp *timestamp, int64_t *timeout_ns)
{
	int64_t seconds = timestamp->has_seconds ? timestamp->seconds : 0;
	int32_t nanos = timestamp->has_nanos ? timestamp->nanos : 0;
	int64_t now_ns = kdb_clock_wall_ns();

	if (seconds < MIN_TIMESTAMP_S || seconds > MAX_TIMESTAMP_S || nanos < 0 ||
	    nanos >= NS_PER_S)
		return "Timestamp contains invalid values: Seconds={Seconds}; Nanos={Nanos}";
	if (seconds < now_ns / NS_PER_S - 1)
		*timeout_ns = -1;
	else if (seconds > now_ns / NS_PER_S + 2 * WRITE_TIMEOUT_NS / NS_PER_S)
		*timeout_ns = WRITE_TIMEOUT_NS;
	else
		*timeout_ns = seconds * NS_PER_S + nanos - now_ns;
	return NULL;
}

/* The time for collecting chunks; NULL, or the server's sentence about it. */
static const char *
read_timeout(const REQ(__Options) * options, int64_t *timeout_ns)
{
	const char *fault = NULL;

	*timeout_ns = WRITE_TIMEOUT_NS;
	if (options->deadline_option_case == DEADLINE_CASE(DEADLINE))
		fault = read_duration(options->deadline, timeout_ns);
	else if (options->deadline_option_case == DEADLINE_CASE(DEADLINE_21_10_0))
		fault = read_timestamp(options->deadline_21_10_0, timeout_ns);
	if (*timeout_ns > WRITE_TIMEOUT_NS)
		*timeout_ns = WRITE_TIMEOUT_NS;
	return fault;
}

static const char *
read_expectation(const REQ(__Options) * options, int64_t *expected)
{
	switch (options->expected_stream_position_case) {
	case POSITION_CASE(STREAM_POSITION):
		if (!devdb_expectation_from_revision(options->stream_position, expected))
			return "Specified argument was out of the range of valid values. "
			       "(Parameter 'value')";
		return NULL;
	case POSITION_CASE(NO_STREAM):
		*expected = DEVDB_NO_STREAM;
		return NULL;
	case POSITION_CASE(ANY):
		*expected = DEVDB_ANY;
		return NULL;
	case POSITION_CASE(STREAM_EXISTS):
		*expected = DEVDB_EXISTS;
		return NULL;
	default:
		return "Status(StatusCode=\"InvalidArgument\", Detail=\"'None' is not a valid "
		       "EventStore.Client.Streams.BatchAppendReq+Types+Options+"
		       "ExpectedStreamPositionOneofCase\")";
	}
}

static struct batch *
new_batch(const struct devdb_guid *id, int64_t expected,
    const EventStore__Client__StreamIdentifier *stream)
{
	struct kdb_buffer name;
	struct batch *batch;

	/* Each bad byte may become three. */
	kdb_buffer_init(&name, 3 * stream->stream_name.len + 1);
	if (stream->has_stream_name)
		devdb_text_repair(&name, stream->stream_name.data, stream->stream_name.len);
	batch = kdb_alloc_zero(1, sizeof *batch + name.len);
	batch->id = *id;
	batch->expected = expected;
	batch->name_len = name.len;
	if (name.len)
		memcpy(batch->name, name.data, name.len);
	kdb_buffer_dispose(&name);
	return batch;
}

/* Opens a batch unless one with that id is open. Returns the answer that refuses it, or
 * NULL; *is_skipped says that the chunk ends here. */
static grpc_byte_buffer *
open_batch(struct devdb_call *call, const struct subject *subject,
    const struct devdb_guid *id, const REQ(__Options) * options)
{
	struct state *state = call->state;
	struct batch *batch;
	int64_t timeout_ns;
	int64_t expected;
	const char *fault = read_timeout(options, &timeout_ns);

	if (fault)
		return pack_bad_request(subject, fault);
	if (!options->stream_identifier)
		return pack_bad_request(
		    subject, "Object reference not set to an instance of an object.");
	if (timeout_ns <= 0)
		return pack_timeout(subject);
	if (find_batch(state, id))
		return NULL;
	fault = read_expectation(options, &expected);
	if (fault)
		return pack_bad_request(subject, fault);
	batch = new_batch(id, expected, options->stream_identifier);
	devdb_hash_table_put(&state->open, &batch->link,
	    devdb_hash_table_hash(&state->open, id, sizeof *id));
	start_timer(call, id, timeout_ns);
	return NULL;
}

/* --- events --- */

static grpc_byte_buffer *
pack_event_size(const struct devdb_call *call, const struct subject *subject,
    const struct devdb_guid *id, size_t size)
{
	EventStore__Client__MaximumAppendEventSizeExceeded detail =
	    EVENT_STORE__CLIENT__MAXIMUM_APPEND_EVENT_SIZE_EXCEEDED__INIT;
	char id_text[DEVDB_GUID_TEXT_SIZE];

	devdb_guid_format(id, id_text);
	detail.event_id = id_text;
	detail.has_proposed_event_size = true;
	detail.proposed_event_size = (uint32_t)size;
	detail.has_max_append_event_size = true;
	detail.max_append_event_size = (uint32_t)call->node->options->max_append_event_bytes;
	return pack_error(subject, GRPC_STATUS_INVALID_ARGUMENT,
	    "MaximumAppendEventSizeExceeded", TYPE_URL("MaximumAppendEventSizeExceeded"),
	    &detail.base);
}

static grpc_byte_buffer *
pack_append_size(const struct devdb_call *call, const struct subject *subject)
{
	EventStore__Client__MaximumAppendSizeExceeded detail =
	    EVENT_STORE__CLIENT__MAXIMUM_APPEND_SIZE_EXCEEDED__INIT;

	detail.has_max_append_size = true;
	detail.max_append_size = (uint32_t)call->node->options->max_append_bytes;
	return pack_error(subject, GRPC_STATUS_INVALID_ARGUMENT, "MaximumAppendSizeExceeded",
	    TYPE_URL("MaximumAppendSizeExceeded"), &detail.base);
}

static bool
add_event(struct devdb_node *node, struct batch *batch, const struct devdb_proposal *proposal)
{
	struct devdb_event *event = devdb_event_new(proposal);
	size_t footprint = devdb_event_footprint(event);

	if (!devdb_store_reserve(node->store, footprint)) {
		free(event);
		return false;
	}
	batch->reserved_bytes += footprint;
	batch->event_count++;
	if (batch->last)
		batch->last->next = event;
	else
		batch->first = event;
	batch->last = event;
	return true;
}

enum added { ADDED, REFUSED, REFUSED_AND_CLOSED, CALL_ENDS };

/* Adds one event. REFUSED leaves the batch open, as the server does when it fails to read
 * an event; REFUSED_AND_CLOSED is its answer to sizes. *answer is set for both. */
static enum added
add_proposal(struct devdb_call *call, const struct subject *subject, struct batch *batch,
    const struct devdb_wire_event *event, grpc_byte_buffer **answer)
{
	struct devdb_proposal proposal;
	const char *text = NULL;
	char missing[128];
	size_t size;

	switch (devdb_proposal_read(event, &proposal, &text)) {
	case DEVDB_PROPOSAL_UNDECODABLE:
		return CALL_ENDS;
	case DEVDB_PROPOSAL_MISSING_PROPERTY:
		snprintf(missing, sizeof missing,
		    "Status(StatusCode=\"InvalidArgument\", Detail=\"Required Metadata "
		    "Property '%s' is missing\")",
		    text);
		*answer = pack_bad_request(subject, missing);
		return REFUSED;
	case DEVDB_PROPOSAL_BAD:
		*answer = pack_bad_request(subject, text);
		return REFUSED;
	default:
		break;
	}
	size = devdb_proposal_size(&proposal);
	batch->size_bytes += size;
	if (size > call->node->options->max_append_event_bytes)
		*answer = pack_event_size(call, subject, &proposal.id, size);
	else if (size > DEVDB_MAX_RECORD_BYTES) {
		*answer = pack_bad_request(subject, "Record is too big. (Parameter 'data')");
		return REFUSED;
	} else if (batch->size_bytes > call->node->options->max_append_bytes)
		*answer = pack_append_size(call, subject);
	else if (!add_event(call->node, batch, &proposal))
		*answer = pack_plain_error(subject, GRPC_STATUS_RESOURCE_EXHAUSTED,
		    "The development database is full (--max-memory)");
	else
		return ADDED;
	return REFUSED_AND_CLOSED;
}

static enum added
add_proposals(struct devdb_call *call, const struct subject *subject, struct batch *batch,
    const REQ() * request, grpc_byte_buffer **answer)
{
	enum added added = ADDED;

	for (size_t i = 0; i < request->n_proposed_messages && added == ADDED; i++) {
		struct devdb_wire_event event =
		    devdb_wire_event_from_batch(request->proposed_messages[i]);

		added = add_proposal(call, subject, batch, &event, answer);
	}
	return added;
}

/* --- the final chunk --- */

/* NULL, or the server's sentence about what it is asked to write. */
static const char *
check_submission(const struct batch *batch, char *text, size_t size)
{
	bool is_bare_meta = batch->name_len == 2 && memcmp(batch->name, "$$", 2) == 0;

	if (devdb_guid_is_nil(&batch->id))
		return "correlationId (Parameter 'correlationId should be non-empty GUID.')";
	if (batch->name_len == 0 || is_bare_meta) {
		snprintf(text, size, "Invalid stream ID: %s (Parameter 'eventStreamIds')",
		    is_bare_meta ? "$$" : "");
		return text;
	}
	return NULL;
}

static void
answer_write(struct devdb_call *call, const struct subject *subject, int64_t expected,
    const struct devdb_write *write)
{
	struct devdb_stats *stats = &call->node->stats;

	if (write->result == DEVDB_WRITTEN)
		stats->appends_stored++;
	push_answer(call, call->state, pack_write(subject, expected, write));
}

static void
send_late(struct devdb_timer *timer, bool is_due)
{
	struct devdb_call *call = timer->owner;

	if (is_due && call->state && devdb_call_is_open(call))
		send_answer(call, call->state, timer->argument);
	else
		grpc_byte_buffer_destroy(timer->argument);
	devdb_call_unref(call);
}

static void
delay_answer(struct devdb_call *call, grpc_byte_buffer *message, int64_t delay_ms)
{
	devdb_call_ref(call);
	devdb_timers_add(&call->node->timers,
	    &(struct devdb_timer){
		.at_mono_ns = kdb_clock_mono_ns() + delay_ms * KDB_NS_PER_MS,
		.fire = send_late,
		.owner = call,
		.argument = message });
}

static struct devdb_write
store_batch(struct devdb_node *node, struct batch *batch)
{
	size_t event_count = batch->event_count;
	struct devdb_write write = devdb_store_append(node->store,
	    (struct devdb_name){ batch->name, batch->name_len }, batch->expected,
	    take_events(node, batch));

	if (write.result == DEVDB_WRITTEN)
		node->stats.events_stored += event_count;
	return write;
}

/* Carries out what a fault orders for a batch. */
static void
submit_with_fault(struct devdb_call *call, const struct subject *subject,
    struct batch *batch, const struct devdb_fault *fault)
{
	struct state *state = call->state;
	struct devdb_write write;

	switch (fault->action) {
	case DEVDB_FAULT_DROP_BEFORE:
		return;
	case DEVDB_FAULT_DROP_AFTER:
		store_batch(call->node, batch);
		return;
	case DEVDB_FAULT_DELAY:
		write = store_batch(call->node, batch);
		delay_answer(
		    call, pack_write(subject, batch->expected, &write), fault->delay_ms);
		return;
	case DEVDB_FAULT_NOT_READY:
		push_answer(call, state, pack_plain_error(subject, 0, "Server Is Not Ready"));
		return;
	case DEVDB_FAULT_BUSY:
		push_answer(call, state, pack_plain_error(subject, 0, "Server Is Busy"));
		return;
	case DEVDB_FAULT_TIMEOUT:
		push_answer(call, state, pack_timeout(subject));
		return;
	case DEVDB_FAULT_ACCESS_DENIED:
		push_answer(call, state, pack_access_denied(subject));
		return;
	default:
		/* Answers before this one still go out. */
		flush(call);
		devdb_refuse_fault(call, fault);
	}
}

static void
submit(struct devdb_call *call, const struct subject *subject, struct batch *batch)
{
	struct devdb_node *node = call->node;
	struct devdb_role_view role = devdb_role_get(&node->role);
	struct devdb_fault fault;
	struct devdb_write write;

	((struct state *)call->state)->pending++;
	node->stats.batches_received++;
	if (devdb_faults_strike_request(node->faults, call->method->label,
		(struct devdb_name){ batch->name, batch->name_len }, &fault)) {
		submit_with_fault(call, subject, batch, &fault);
		return;
	}
	if (!devdb_role_takes_writes(&role)) {
		if (*role.leader_host)
			devdb_refuse_not_leader(call, role.leader_host, role.leader_port);
		else
			push_answer(call, call->state,
			    pack_plain_error(subject, 0, "Server Is Not Ready"));
		return;
	}
	write = store_batch(node, batch);
	answer_write(call, subject, batch->expected, &write);
}

static void
finish_batch(struct devdb_call *call, const REQ() * request, struct batch *batch)
{
	struct state *state = call->state;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	struct subject subject = { request->correlation_id, &stream };
	char text[64];
	const char *fault = check_submission(batch, text, sizeof text);

	devdb_hash_table_remove(&state->open, &batch->link);
	stream.has_stream_name = true;
	stream.stream_name = devdb_wire_bytes(batch->name, batch->name_len);
	if (!fault) {
		submit(call, &subject, batch);
	} else if (!request->options) {
		devdb_refuse_handler(call);
	} else {
		subject.stream = request->options->stream_identifier;
		send_answer(call, state, pack_bad_request(&subject, fault));
	}
	free_batch(call->node, batch);
}

/* --- a chunk --- */

static void
take_chunk(struct devdb_call *call, const REQ() * request, const struct devdb_guid *id)
{
	struct state *state = call->state;
	struct subject subject = { request->correlation_id,
		request->options ? request->options->stream_identifier : NULL };
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	grpc_byte_buffer *answer = NULL;
	struct batch *batch;
	enum added added;

	if (request->options)
		answer = open_batch(call, &subject, id, request->options);
	if (answer) {
		send_answer(call, state, answer);
		return;
	}
	batch = find_batch(state, id);
	if (!batch)
		return;
	if (!subject.stream) {
		stream.has_stream_name = true;
		stream.stream_name = devdb_wire_bytes(batch->name, batch->name_len);
		subject.stream = &stream;
	}
	added = add_proposals(call, &subject, batch, request, &answer);
	if (added == CALL_ENDS || (added == REFUSED && !request->options)) {
		/* The server's own error handler fails without options. */
		if (answer)
			grpc_byte_buffer_destroy(answer);
		devdb_refuse_handler(call);
		return;
	}
	if (added == REFUSED_AND_CLOSED)
		close_batch(call->node, state, batch);
	if (answer)
		send_answer(call, state, answer);
	else if (request->is_final)
		finish_batch(call, request, batch);
}

static void
start(struct devdb_call *call)
{
	struct state *state = kdb_alloc_zero(1, sizeof *state);

	devdb_hash_table_init(&state->open);
	kdb_list_init(&state->answers);
	call->state = state;
	call->node->stats.open_batch_calls++;
}

/* The server echoes the stream as it understood it: an empty name is no name. */
static void
tidy_echo(REQ() * request)
{
	EventStore__Client__StreamIdentifier *stream =
	    request->options ? request->options->stream_identifier : NULL;

	if (stream && stream->stream_name.len == 0)
		stream->has_stream_name = false;
}

static void
message(struct devdb_call *call, const uint8_t *bytes, size_t len)
{
	struct state *state = call->state;
	REQ() *request = devdb_wire_unpack(&call->node->arena,
	    &event_store__client__streams__batch_append_req__descriptor, bytes, len);
	struct devdb_guid id;
	const char *fault;

	if (!request || !devdb_uuid_is_decodable(request->correlation_id)) {
		devdb_refuse_handler(call);
		return;
	}
	tidy_echo(request);
	fault = devdb_uuid_read(request->correlation_id, &id);
	if (!fault) {
		take_chunk(call, request, &id);
	} else if (!request->options) {
		devdb_refuse_handler(call);
	} else {
		struct subject subject = { request->correlation_id,
			request->options->stream_identifier };

		send_answer(call, state, pack_bad_request(&subject, fault));
	}
}

/* The server does not end the call here: see send_answer(). */
static void
half_close(struct devdb_call *call)
{
	struct state *state = call->state;

	state->is_closing = true;
}

static void
end(struct devdb_call *call)
{
	struct state *state = call->state;
	struct devdb_hash_link *link;
	size_t cursor = 0;

	while ((link = devdb_hash_table_pop(&state->open, &cursor)))
		free_batch(call->node, DEVDB_HASH_ITEM(link, struct batch, link));
	devdb_hash_table_dispose(&state->open);
	while (!kdb_list_is_empty(&state->answers)) {
		struct answer *answer = KDB_LIST_ITEM(
		    kdb_list_pop_front(&state->answers), struct answer, link);

		grpc_byte_buffer_destroy(answer->message);
		free(answer);
	}
	free(state);
	call->node->stats.open_batch_calls--;
}

const struct devdb_method devdb_batch_append = {
	.service = "event_store.client.streams.Streams",
	.name = "BatchAppend",
	.label = "BatchAppend",
	.max_message_bytes = DEVDB_MAX_V1_MESSAGE_BYTES,
	.start = start,
	.message = message,
	.half_close = half_close,
	.flush = flush,
	.end = end,
};
