/* SPDX-License-Identifier: Apache-2.0 */
/*
 * E, append in an envelope or as NDJSON, and what every append does after its body was
 * read: the expectation, the ids, the operation, the answer. Owns nothing.
 */
#include "daemon/endpoints/append.h"

#include "client-core/base/alloc.h"
#include "daemon/decimal.h"
#include "daemon/idempotency.h"
#include "daemon/json_write.h"
#include "daemon/uuid.h"

#include <string.h>

enum { ANSWER_SLACK = 64 * 1024, ANSWER_BYTES_PER_ID = 40, NAME_GROWTH = 6 };

static const char hint_keyed[] = "Send the same request again with the same "
				 "Idempotency-Key and the same current_version.";
static const char hint_ids[] =
    "Send the same events with id set to these event_ids, in order, and the same "
    "current_version.";
static const char hint_inexact[] = "Do not repeat: look for the first of event_ids in "
				   "the stream, because a repeat may store "
				   "the events twice.";

void
kg_append_limits_get(const struct kg_request *request, struct kg_append_limits *limits)
{
	const struct kg_config *config = request->gateway->config;

	*limits = (struct kg_append_limits){.max_events = config->max_events,
	    .max_depth = config->max_depth,
	    .max_name_bytes = config->max_name_bytes,
	    .validate_payloads = config->validate_json_payloads};
}

bool
kg_append_is_supported(const struct kdb_client_status *status)
{
	return status->has_append;
}

/* The expectation of the body against that of header or query: step 18, which comes
 * before the number of events. */
static bool
is_contradiction(struct kg_request *request)
{
	const struct kg_parameters *parameters = &request->parameters;
	const struct kg_append_body *body = &request->append.body;

	return parameters->has_expected_version && body->has_expected_version &&
	       parameters->expected_version != body->expected_version;
}

static void
refuse_contradiction(struct kg_request *request)
{
	struct kg_refusal *refusal = request->refusal;

	kg_refusal_dispose(refusal);
	kg_refusal_add(refusal, KG_PROBLEM_CONFLICTING_PARAMETERS,
	    request->parameters.expected_version_at, NULL,
	    "The body has another current_version.");
}

static bool
decode(struct kg_request *request)
{
	struct kdb_bytes stream_name = request->match.values[0];
	struct kg_append_body *body = &request->append.body;
	struct kg_append_limits limits;
	const char *bytes;
	size_t len;
	bool is_good;

	kg_append_limits_get(request, &limits);
	kg_http_body(request->exchange, &bytes, &len);
	if (request->parameters.body_form == KG_BODY_NDJSON)
		is_good = kg_append_body_read_ndjson(
		    bytes, len, stream_name, &limits, body, request->refusal);
	else
		is_good = kg_append_body_read_json(
		    bytes, len, stream_name, &limits, body, request->refusal);
	if (!is_good && request->refusal->problem != KG_PROBLEM_APPEND_TOO_LARGE)
		return false;
	if (is_contradiction(request))
		refuse_contradiction(request);
	return !request->refusal->is_set;
}

static bool
choose_expectation(struct kg_request *request)
{
	const struct kg_default_version *default_version =
	    &request->gateway->config->default_current_version;
	struct kg_request_append *append = &request->append;

	if (append->body.has_expected_version)
		append->expected_version = append->body.expected_version;
	else if (request->parameters.has_expected_version)
		append->expected_version = request->parameters.expected_version;
	else if (default_version->is_given)
		append->expected_version = default_version->expected_version;
	else
		kg_refusal_add(request->refusal, KG_PROBLEM_INVALID_REQUEST,
		    "/current_version",
		    "no_stream for a new stream, or the version that you read last",
		    "The expectation is missing.");
	return !request->refusal->is_set;
}

static bool
is_without_id(const struct kdb_event *event)
{
	static const uint8_t nil[16];

	return memcmp(event->id, nil, sizeof(nil)) == 0;
}

/* Own id, else derived from the key, else random (api-design 11). */
static void
choose_ids(struct kg_request *request)
{
	struct kg_request_append *append = &request->append;
	const struct kg_credentials *credentials = &request->credentials;
	const struct kdb_bytes scope = {credentials->user, credentials->user_len};
	struct kdb_bytes key = request->parameters.key;

	append->count = append->body.event_count;
	append->ids = kdb_alloc_zero(append->count, sizeof(*append->ids));
	append->are_ids_random = true;
	for (size_t i = 0; i < append->count; i++) {
		struct kdb_event *event = &append->body.events[i];

		append->are_ids_random &= is_without_id(event) && key.len == 0;
		if (is_without_id(event) && key.len > 0)
			kg_idempotency_event_id(scope,
			    kg_router_template(request->match.route),
			    request->match.values[0], key, i, event->id);
		else if (is_without_id(event))
			kg_uuid_make_v4(event->id);
		memcpy(append->ids[i], event->id, sizeof(event->id));
	}
}

static void
refuse(struct kg_request *request, const struct kdb_error *error)
{
	struct kdb_bytes stream_name = request->match.values[0];
	int64_t expected_version = request->append.expected_version;

	kg_refusal_from_error(request->refusal, error, stream_name.data, stream_name.len,
	    expected_version, kg_expectation_is_exact(expected_version),
	    request->credentials.authorization != NULL);
}

struct kdb_operation *
kg_append_prepare(struct kg_request *request)
{
	struct kg_request_append *append = &request->append;
	struct kdb_append_request packed = {.stream_name = request->match.values[0],
	    .events = append->body.events,
	    .event_count = append->body.event_count,
	    .headers = {.authorization = request->credentials.authorization}};
	struct kdb_operation *operation;
	struct kdb_error error;

	if (!choose_expectation(request))
		return NULL;
	choose_ids(request);
	packed.expected_version = append->expected_version;
	operation = kdb_append_new(&packed, request, &error);
	if (operation == NULL)
		refuse(request, &error);
	return operation;
}

/* The table of api-design 11. That a key was never met before cannot be told without a
 * table of keys, so nothing but random ids proves a first write. */
static enum kg_replayed
judge_replay(const struct kg_request *request, const struct kdb_append_result *result)
{
	if (request->append.are_ids_random)
		return KG_REPLAYED_FALSE;
	if (!result->has_position ||
	    (result->has_earlier_position &&
		result->commit_position <= result->earlier_position))
		return KG_REPLAYED_TRUE;
	return KG_REPLAYED_UNKNOWN;
}

static void
answer_success(struct kg_request *request)
{
	const struct kdb_append_result *result =
	    kdb_operation_append_result(request->operation);
	const struct kdb_bytes stream_name = request->match.values[0];
	const struct kg_request_append *append = &request->append;
	struct kg_append_answer answer = {.stream_name = stream_name.data,
	    .stream_name_len = stream_name.len,
	    .has_position = result->has_position,
	    .commit_position = result->commit_position,
	    .current_version = result->current_version,
	    .event_ids = (const uint8_t(*)[16])append->ids,
	    .event_count = append->count,
	    .replayed = judge_replay(request, result)};
	struct kdb_buffer body;
	char text[KG_DECIMAL_MAX + 1];

	kdb_buffer_init(&body, ANSWER_SLACK + NAME_GROWTH * stream_name.len +
				   ANSWER_BYTES_PER_ID * append->count);
	kg_append_answer_print(&answer, &body);
	kg_request_answer(request, 200, "application/json", &body);
	if (result->has_position) {
		*kg_decimal_put(text, result->commit_position, 1) = '\0';
		kg_request_answer_field(request, "Kurrent-Position", text);
	}
	*kg_decimal_put(text, (uint64_t)result->current_version, 1) = '\0';
	kg_request_answer_field(request, "Kurrent-CurrentVersion", text);
	if (answer.replayed == KG_REPLAYED_TRUE)
		kg_request_answer_field(request, "Idempotent-Replayed", "true");
}

static void
advise(struct kg_request *request)
{
	const struct kg_request_append *append = &request->append;
	struct kg_refusal *refusal = request->refusal;

	refusal->event_ids =
	    (struct kg_event_ids){(const uint8_t(*)[16])append->ids, append->count};
	if (!kg_expectation_is_exact(append->expected_version))
		refusal->retry_hint = hint_inexact;
	else
		refusal->retry_hint =
		    request->parameters.key.len > 0 ? hint_keyed : hint_ids;
}

/* Of the gateway's own deadline; a database that gave up has said so itself. */
static void
name_timeout(struct kg_request *request)
{
	const double timeout_s = (double)request->times.timeout_ns / 1e9;

	kg_refusal_set_detail(request->refusal,
	    request->refusal->outcome == KDB_OUTCOME_UNKNOWN
		? "No answer within %g s. The append may or may not have been stored."
		: "The append was not sent within %g s.",
	    timeout_s);
}

void
kg_append_encode(struct kg_request *request)
{
	const struct kdb_error *error = kdb_operation_error(request->operation);

	if (error->code == KDB_OK) {
		answer_success(request);
		return;
	}
	refuse(request, error);
	if (error->code == KDB_DEADLINE_EXCEEDED && error->grpc_status < 0)
		name_timeout(request);
	if (error->code == KDB_NOT_SUPPORTED)
		kg_request_name_server(request);
	if (error->outcome == KDB_OUTCOME_UNKNOWN)
		advise(request);
}

const struct kg_endpoint kg_append_endpoint = {
    .operation = "appendToStream",
    .takes = KG_TAKES_ENVELOPE | KG_TAKES_V1,
    .requires = "21.10",
    .is_supported = kg_append_is_supported,
    .decode = decode,
    .prepare = kg_append_prepare,
    .encode = kg_append_encode,
};
