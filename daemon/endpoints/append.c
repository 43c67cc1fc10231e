/* SPDX-License-Identifier: Apache-2.0 */
/*
 * E, append in an envelope or as NDJSON, and what every append does after its body was
 * read: the expectation, the ids, the operation, the answer. Owns nothing.
 */
#include "daemon/endpoints/append.h"

#include "daemon/json_write.h"

enum { ANSWER_SLACK = 64 * 1024, ANSWER_BYTES_PER_ID = 40, NAME_GROWTH = 6 };

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

static void
refuse(struct kg_request *request, const struct kdb_error *error)
{
	kg_write_refuse(request, error, request->match.values[0],
	    request->append.expected_version);
}

struct kdb_operation *
kg_append_prepare(struct kg_request *request)
{
	struct kg_request_append *append = &request->append;
	struct kdb_append_request packed = {.stream_name = request->match.values[0],
	    .events = append->body.events,
	    .event_count = append->body.event_count,
	    .headers = kg_write_call_headers(request)};
	struct kdb_operation *operation;
	struct kdb_error error;

	if (!choose_expectation(request))
		return NULL;
	request->write.is_exact = kg_expectation_is_exact(append->expected_version);
	kg_write_set_count(&request->write, packed.event_count);
	for (size_t i = 0; i < packed.event_count; i++)
		kg_write_choose_id(
		    request, packed.stream_name, i, &append->body.events[i]);
	packed.expected_version = append->expected_version;
	operation = kdb_append_new(&packed, request, &error);
	if (operation == NULL)
		refuse(request, &error);
	return operation;
}

static void
answer_success(struct kg_request *request)
{
	const struct kdb_append_result *result =
	    kdb_operation_append_result(request->operation);
	const struct kdb_bytes stream_name = request->match.values[0];
	const struct kg_write *write = &request->write;
	struct kg_append_answer answer = {.stream_name = stream_name.data,
	    .stream_name_len = stream_name.len,
	    .has_position = result->has_position,
	    .commit_position = result->commit_position,
	    .current_version = result->current_version,
	    .event_ids = (const uint8_t(*)[16])write->ids,
	    .event_count = write->id_count,
	    .replayed = kg_write_judge_replay(request, result),
	    .form = request->parameters.int64_form};
	struct kdb_buffer body;

	kdb_buffer_init(&body, ANSWER_SLACK + NAME_GROWTH * stream_name.len +
				   ANSWER_BYTES_PER_ID * write->id_count);
	kg_append_answer_print(&answer, &body);
	kg_request_answer(request, 200, "application/json", &body);
	kg_write_put_fields(request, result, answer.replayed);
	kg_write_put_version(request, result->current_version);
}

void
kg_append_encode(struct kg_request *request)
{
	const struct kdb_error *error = kdb_operation_error(request->operation);

	if (error->code == KDB_OK)
		answer_success(request);
	else
		refuse(request, error);
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
