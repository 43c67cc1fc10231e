/* SPDX-License-Identifier: Apache-2.0 */
/* BatchAppend: many batches on one call, each in one chunk or several (wire-protocol
 * 2.3). The state of a call is its open batches and the answers of this burst. The server
 * starts a timer for every batch that it opens and never stops it: it kills whatever batch
 * bears the correlation id when it fires. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "client-core/base/clock.h"
#include "devdb/access.h"
#include "devdb/batch_answer.h"
#include "devdb/batch_options.h"
#include "devdb/emulation.h"
#include "devdb/hash_table.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/proposal.h"
#include "devdb/refusals.h"
#include "devdb/store.h"
#include "devdb/stream_name.h"
#include "devdb/text.h"

#include "proto/streams.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_REQ EventStore__Client__Streams__BatchAppendReq
#define BATCH_OPTIONS EventStore__Client__Streams__BatchAppendReq__Options

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
	/* Submitted minus answered; answers to batches never submitted count, too. */
	int64_t pending;
	bool is_closing;
};

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

		halves.has_most_significant_bits = halves.has_least_significant_bits =
		    true;
		devdb_guid_to_halves(&timer->id, &halves.most_significant_bits,
		    &halves.least_significant_bits);
		uuid.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED;
		uuid.structured = &halves;
		stream.has_stream_name = true;
		stream.stream_name = devdb_wire_bytes(batch->name, batch->name_len);
		send_answer(call, state,
		    devdb_batch_answer_timeout(
			&(struct devdb_batch_subject){&uuid, &stream}));
		close_batch(call->node, state, batch);
	}
	devdb_call_unref(call);
}

static void
start_timer(struct devdb_call *call, const struct devdb_guid *id, int64_t timeout_ns)
{
	devdb_call_ref(call);
	devdb_timers_add(&call->node->timers,
	    &(struct devdb_timer){.at_mono_ns = kdb_clock_mono_ns() + timeout_ns,
		.fire = time_out,
		.owner = call,
		.id = *id});
}

/* --- opening --- */

static struct batch *
new_batch(const struct devdb_guid *id, int64_t expected,
    const EventStore__Client__StreamIdentifier *stream)
{
	struct kdb_buffer name;
	struct batch *batch;

	/* Each bad byte may become three. */
	kdb_buffer_init(&name, 3 * stream->stream_name.len + 1);
	if (stream->has_stream_name)
		devdb_text_repair(
		    &name, stream->stream_name.data, stream->stream_name.len);
	batch = kdb_alloc_zero(1, sizeof *batch + name.len);
	batch->id = *id;
	batch->expected = expected;
	batch->name_len = name.len;
	if (name.len)
		memcpy(batch->name, name.data, name.len);
	kdb_buffer_dispose(&name);
	return batch;
}

static bool
may_write(
    const struct devdb_call *call, const EventStore__Client__StreamIdentifier *stream)
{
	struct devdb_stream_name name = {0};
	bool may;

	/* The name is read a second time only where that matters. */
	if (call->identity.kind == DEVDB_IDENTITY_SYSTEM)
		return true;
	devdb_stream_name_read(&name, stream);
	may = devdb_access_allows(call, name.name, DEVDB_RIGHT_WRITE);
	devdb_stream_name_dispose(&name);
	return may;
}

/* Opens a batch unless one with that id is open. Returns the answer that refuses it, or
 * NULL. */
static grpc_byte_buffer *
open_batch(struct devdb_call *call, const struct devdb_batch_subject *subject,
    const struct devdb_guid *id, const BATCH_OPTIONS *options)
{
	struct state *state = call->state;
	struct batch *batch;
	int64_t timeout_ns;
	int64_t expected;
	const char *fault = devdb_batch_options_timeout(options, &timeout_ns);

	if (fault)
		return devdb_batch_answer_bad_request(subject, fault);
	if (!options->stream_identifier)
		return devdb_batch_answer_bad_request(
		    subject, "Object reference not set to an instance of an object.");
	if (!may_write(call, options->stream_identifier))
		return devdb_batch_answer_access_denied(subject);
	if (timeout_ns <= 0)
		return devdb_batch_answer_timeout(subject);
	if (find_batch(state, id))
		return NULL;
	fault = devdb_batch_options_expectation(options, &expected);
	if (fault)
		return devdb_batch_answer_bad_request(subject, fault);
	batch = new_batch(id, expected, options->stream_identifier);
	devdb_hash_table_put(&state->open, &batch->link,
	    devdb_hash_table_hash(&state->open, id, sizeof *id));
	start_timer(call, id, timeout_ns);
	return NULL;
}

/* --- events --- */

static bool
add_event(
    struct devdb_node *node, struct batch *batch, const struct devdb_proposal *proposal)
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

static grpc_byte_buffer *
refuse_missing_property(const struct devdb_call *call,
    const struct devdb_batch_subject *subject, const char *property)
{
	const char *text = call->node->options->emulation->batch_missing_property;
	char told[128];

	if (text)
		return devdb_batch_answer_bad_request(subject, text);
	snprintf(told, sizeof told,
	    "Status(StatusCode=\"InvalidArgument\", Detail=\"Required Metadata Property "
	    "'%s' is missing\")",
	    property);
	return devdb_batch_answer_bad_request(subject, told);
}

/* Adds one event. REFUSED leaves the batch open, as the server does when it fails to read
 * an event; REFUSED_AND_CLOSED is its answer to sizes. *answer is set for both. */
static enum added
add_proposal(struct devdb_call *call, const struct devdb_batch_subject *subject,
    struct batch *batch, const struct devdb_wire_event *event, grpc_byte_buffer **answer)
{
	struct devdb_proposal proposal;
	const char *text = NULL;
	size_t size;

	switch (devdb_proposal_read(event, &proposal, &text)) {
	case DEVDB_PROPOSAL_UNDECODABLE:
		return CALL_ENDS;
	case DEVDB_PROPOSAL_MISSING_PROPERTY:
		*answer = refuse_missing_property(call, subject, text);
		return REFUSED;
	case DEVDB_PROPOSAL_BAD:
		*answer = devdb_batch_answer_bad_request(subject, text);
		return REFUSED;
	default:
		break;
	}
	size = call->node->options->emulation->counts_data_alone
		   ? proposal.data_len
		   : devdb_proposal_size(&proposal);
	batch->size_bytes += size;
	if (size > call->node->options->max_append_event_bytes)
		*answer = devdb_batch_answer_event_size(subject, &proposal.id, size,
		    call->node->options->max_append_event_bytes);
	else if (size > DEVDB_MAX_RECORD_BYTES) {
		*answer = devdb_batch_answer_bad_request(
		    subject, "Record is too big. (Parameter 'data')");
		return REFUSED;
	} else if (batch->size_bytes > call->node->options->max_append_bytes)
		*answer = devdb_batch_answer_append_size(
		    subject, call->node->options->max_append_bytes);
	else if (!add_event(call->node, batch, &proposal))
		*answer = devdb_batch_answer_full(subject);
	else
		return ADDED;
	return REFUSED_AND_CLOSED;
}

static enum added
add_proposals(struct devdb_call *call, const struct devdb_batch_subject *subject,
    struct batch *batch, const BATCH_REQ *request, grpc_byte_buffer **answer)
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
check_submission(const struct devdb_emulation *emulation, const struct batch *batch,
    char *text, size_t size)
{
	bool is_bare_meta = batch->name_len == 2 && memcmp(batch->name, "$$", 2) == 0;

	if (devdb_guid_is_nil(&batch->id))
		return "correlationId (Parameter 'correlationId should be non-empty "
		       "GUID.')";
	if (batch->name_len == 0 && emulation->batch_empty_stream)
		return emulation->batch_empty_stream;
	if (is_bare_meta && emulation->batch_bad_stream)
		return emulation->batch_bad_stream;
	if (batch->name_len == 0 || is_bare_meta) {
		snprintf(text, size, "Invalid stream ID: %s (Parameter 'eventStreamIds')",
		    is_bare_meta ? "$$" : "");
		return text;
	}
	return NULL;
}

static void
answer_write(struct devdb_call *call, const struct devdb_batch_subject *subject,
    int64_t expected, const struct devdb_write *write)
{
	struct devdb_stats *stats = &call->node->stats;

	if (write->result == DEVDB_WRITTEN)
		stats->appends_stored++;
	push_answer(
	    call, call->state, devdb_batch_answer_write(subject, expected, write));
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
		.argument = message});
}

static struct devdb_write
store_batch(struct devdb_node *node, struct batch *batch)
{
	size_t event_count = batch->event_count;
	struct devdb_write write = devdb_store_append(node->store,
	    (struct devdb_name){batch->name, batch->name_len}, batch->expected,
	    take_events(node, batch));

	if (write.result == DEVDB_WRITTEN)
		node->stats.events_stored += event_count;
	return write;
}

/* Carries out what a fault orders for a batch. */
static void
submit_with_fault(struct devdb_call *call, const struct devdb_batch_subject *subject,
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
		delay_answer(call,
		    devdb_batch_answer_write(subject, batch->expected, &write),
		    fault->delay_ms);
		return;
	case DEVDB_FAULT_NOT_READY:
		push_answer(call, state,
		    devdb_batch_answer_plain_error(subject, 0, "Server Is Not Ready"));
		return;
	case DEVDB_FAULT_BUSY:
		push_answer(call, state,
		    devdb_batch_answer_plain_error(subject, 0, "Server Is Busy"));
		return;
	case DEVDB_FAULT_TIMEOUT:
		push_answer(call, state, devdb_batch_answer_timeout(subject));
		return;
	case DEVDB_FAULT_ACCESS_DENIED:
		push_answer(call, state, devdb_batch_answer_access_denied(subject));
		return;
	default:
		/* Answers before this one still go out. */
		flush(call);
		devdb_refuse_fault(call, fault);
	}
}

static void
submit(struct devdb_call *call, const struct devdb_batch_subject *subject,
    struct batch *batch)
{
	struct devdb_node *node = call->node;
	struct devdb_role_view role = devdb_role_get(&node->role);
	struct devdb_fault fault;
	struct devdb_write write;

	((struct state *)call->state)->pending++;
	node->stats.batches_received++;
	if (devdb_faults_strike_request(node->faults, call->method->label,
		(struct devdb_name){batch->name, batch->name_len}, &fault)) {
		submit_with_fault(call, subject, batch, &fault);
		return;
	}
	if (!devdb_role_takes_writes(&role)) {
		if (*role.leader_host)
			devdb_refuse_not_leader(call, role.leader_host, role.leader_port);
		else
			push_answer(call, call->state,
			    devdb_batch_answer_plain_error(
				subject, 0, "Server Is Not Ready"));
		return;
	}
	write = store_batch(node, batch);
	answer_write(call, subject, batch->expected, &write);
}

static void
finish_batch(struct devdb_call *call, const BATCH_REQ *request, struct batch *batch)
{
	struct state *state = call->state;
	EventStore__Client__StreamIdentifier stream =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	struct devdb_batch_subject subject = {request->correlation_id, &stream};
	char text[64];
	const char *fault =
	    check_submission(call->node->options->emulation, batch, text, sizeof text);

	devdb_hash_table_remove(&state->open, &batch->link);
	stream.has_stream_name = true;
	stream.stream_name = devdb_wire_bytes(batch->name, batch->name_len);
	if (!fault) {
		submit(call, &subject, batch);
	} else if (!request->options) {
		devdb_refuse_handler(call);
	} else {
		subject.stream = request->options->stream_identifier;
		send_answer(call, state, devdb_batch_answer_bad_request(&subject, fault));
	}
	free_batch(call->node, batch);
}

/* --- a chunk --- */

static void
take_chunk(struct devdb_call *call, const BATCH_REQ *request, const struct devdb_guid *id)
{
	struct state *state = call->state;
	struct devdb_batch_subject subject = {request->correlation_id,
	    request->options ? request->options->stream_identifier : NULL};
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
tidy_echo(BATCH_REQ *request)
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
	BATCH_REQ *request = devdb_wire_unpack(&call->node->arena,
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
		struct devdb_batch_subject subject = {
		    request->correlation_id, request->options->stream_identifier};

		send_answer(call, state, devdb_batch_answer_bad_request(&subject, fault));
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
    .is_bidirectional = true,
    .start = start,
    .message = message,
    .half_close = half_close,
    .flush = flush,
    .end = end,
};
