/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all writes share: who their events are, what a failure means for a repetition.
 * Owns the ids of the events.
 */
#include "daemon/write.h"

#include "client-core/base/alloc.h"
#include "daemon/decimal.h"
#include "daemon/idempotency.h"
#include "daemon/request.h"
#include "daemon/uuid.h"

#include <stdlib.h>
#include <string.h>

static const char hint_keyed[] = "Send the same request again with the same "
				 "Idempotency-Key and the same current_version.";
static const char hint_plain[] = "Send the same request again.";
static const char hint_ids[] =
    "Send the same events with id set to these event_ids, in order, and the same "
    "current_version.";
static const char hint_inexact[] = "Do not repeat: look for the first of event_ids in "
				   "the stream, because a repeat may store "
				   "the events twice.";

void
kg_write_set_count(struct kg_write *write, size_t count)
{
	write->ids = kdb_alloc_zero(count, sizeof(*write->ids));
	write->id_count = count;
}

void
kg_write_dispose(struct kg_write *write)
{
	free(write->ids);
	free(write->group_counts);
}

static bool
is_without_id(const struct kdb_event *event)
{
	static const uint8_t nil[16];

	return memcmp(event->id, nil, sizeof(nil)) == 0;
}

struct kdb_bytes
kg_write_scope(const struct kg_request *request)
{
	return (struct kdb_bytes){
	    request->credentials.user, request->credentials.user_len};
}

void
kg_write_choose_id(struct kg_request *request, struct kdb_bytes stream_name,
    size_t ordinal, struct kdb_event *event)
{
	struct kdb_bytes key = request->parameters.key;
	struct kg_write *write = &request->write;

	if (!is_without_id(event)) {
		write->has_other_ids = true;
	} else if (key.len > 0) {
		write->has_keyed_ids = true;
		kg_idempotency_event_id(kg_write_scope(request),
		    kg_router_template(request->match.route), stream_name, key, ordinal,
		    event->id);
	} else {
		write->has_random_ids = true;
		kg_uuid_make_v4(event->id);
	}
	memcpy(write->ids[ordinal], event->id, sizeof(event->id));
}

/* Whether the operation may ride on the call that all share, which has no place for what
 * belongs to one of them. */
static bool
is_shareable(const struct kg_request *request)
{
	const unsigned appends = KG_TAKES_ENVELOPE | KG_TAKES_RAW | KG_TAKES_CLOUDEVENTS |
				 KG_TAKES_PUT_METADATA;

	return (request->endpoint->takes & appends) != 0 &&
	       request->credentials.authorization == NULL;
}

/* A call of its own costs an append about three times as much, so its trace is sent on
 * where the caller says that it is recorded. */
struct kdb_call_headers
kg_write_call_headers(const struct kg_request *request)
{
	const struct kg_trace_context *trace = request->parameters.trace;
	struct kdb_call_headers headers = {
	    .authorization = request->credentials.authorization};

	if (trace == NULL || trace->traceparent[0] == '\0' ||
	    (!trace->is_sampled && is_shareable(request)))
		return headers;
	headers.traceparent = trace->traceparent;
	headers.tracestate = trace->tracestate;
	return headers;
}

bool
kg_write_is_fresh(const struct kg_write *write)
{
	return write->has_random_ids && !write->has_other_ids && !write->has_keyed_ids;
}

static bool
is_old(const struct kdb_append_result *result)
{
	return !result->has_position ||
	       (result->has_earlier_position &&
		   result->commit_position <= result->earlier_position);
}

/* Above something that was new, and sent when no key that is forgotten could store any
 * more: so the events came later than all that this process may have sent before under
 * the key. */
static bool
is_first_of_key(const struct kg_write *write, const struct kdb_append_result *result)
{
	return write->has_keyed_ids && !write->has_other_ids && !write->has_random_ids &&
	       write->is_key_new && result->has_fresh_position &&
	       result->commit_position > result->fresh_position &&
	       result->fresh_mono_ns > write->keys_forgotten_mono_ns;
}

enum kg_replayed
kg_write_judge_replay(
    const struct kg_request *request, const struct kdb_append_result *result)
{
	const struct kg_write *write = &request->write;

	if (kg_write_is_fresh(write))
		return KG_REPLAYED_FALSE;
	if (write->is_duplicate || is_old(result))
		return KG_REPLAYED_TRUE;
	return is_first_of_key(write, result) ? KG_REPLAYED_FALSE : KG_REPLAYED_UNKNOWN;
}

void
kg_write_put_fields(struct kg_request *request, const struct kdb_append_result *result,
    enum kg_replayed replayed)
{
	char text[KG_DECIMAL_MAX + 1];

	if (result->has_position) {
		*kg_decimal_put(text, result->commit_position, 1) = '\0';
		kg_request_answer_field(request, "Kurrent-Position", text);
	}
	if (replayed == KG_REPLAYED_TRUE)
		kg_request_answer_field(request, "Idempotent-Replayed", "true");
}

void
kg_write_put_version(struct kg_request *request, int64_t version)
{
	const char *word = kg_version_word(version);
	char text[KG_DECIMAL_MAX + 1];

	if (word == NULL)
		*kg_decimal_put(text, (uint64_t)version, 1) = '\0';
	kg_request_answer_field(
	    request, "Kurrent-CurrentVersion", word == NULL ? text : word);
}

static const char *
choose_hint(const struct kg_request *request)
{
	const struct kg_write *write = &request->write;

	if (!write->is_exact)
		return hint_inexact;
	if (request->parameters.key.len > 0)
		return hint_keyed;
	return write->has_own_identity ? hint_plain : hint_ids;
}

static void
advise(struct kg_request *request)
{
	const struct kg_write *write = &request->write;
	struct kg_refusal *refusal = request->refusal;

	refusal->event_ids =
	    (struct kg_event_ids){.ids = (const uint8_t(*)[16])write->ids,
		.count = write->id_count,
		.group_counts = write->group_counts,
		.group_count = write->group_count};
	refusal->retry_hint = choose_hint(request);
}

/* Of the gateway's own deadline; a database that gave up has said so itself. */
static void
name_timeout(struct kg_request *request)
{
	const double timeout_s = (double)request->times.asked_timeout_ns / 1e9;

	kg_refusal_set_detail(request->refusal,
	    request->refusal->outcome == KDB_OUTCOME_UNKNOWN
		? "No answer within %g s. The append may or may not have been stored."
		: "The append was not sent within %g s.",
	    timeout_s);
}

void
kg_write_refuse(struct kg_request *request, const struct kdb_error *error,
    struct kdb_bytes stream_name, int64_t expected_version)
{
	kg_refusal_from_error(request->refusal, error, stream_name.data, stream_name.len,
	    expected_version, request->write.is_exact,
	    request->credentials.authorization != NULL);
	if (error->code == KDB_DEADLINE_EXCEEDED && error->grpc_status < 0)
		name_timeout(request);
	if (error->code == KDB_NOT_SUPPORTED)
		kg_request_name_server(request);
	if (error->outcome == KDB_OUTCOME_UNKNOWN)
		advise(request);
}

void
kg_write_refuse_late(struct kg_request *request)
{
	const struct kdb_bytes no_name = {"", 0};
	struct kdb_error error;

	kdb_error_set(
	    &error, KDB_DEADLINE_EXCEEDED, KDB_OUTCOME_UNKNOWN, "No answer in time.");
	request->times.asked_timeout_ns = request->times.timeout_ns;
	kg_write_refuse(request, &error, no_name, KDB_VERSION_ANY);
}
