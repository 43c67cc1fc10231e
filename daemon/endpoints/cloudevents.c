/* SPDX-License-Identifier: Apache-2.0 */
/* C, append CloudEvents in any of their three modes. Owns nothing. */
#include "daemon/cloudevents_body.h"
#include "daemon/endpoints/append.h"
#include "daemon/idempotency.h"

/* Attributes were read from the head, so the body is the payload, as on R. */
static bool
read_binary(struct kg_request *request, const char *bytes, size_t len,
    const struct kg_append_limits *limits)
{
	const struct kg_parameters *parameters = &request->parameters;
	const struct kg_cloudevent *cloudevent = &parameters->cloudevent;
	const struct kdb_bytes stream_name = request->match.values[0];
	struct kdb_event event = {.type = cloudevent->type,
	    .metadata = {cloudevent->metadata.data, cloudevent->metadata.len},
	    .is_json = parameters->body_form == KG_BODY_RAW_JSON};

	kg_idempotency_cloudevent_id(
	    stream_name, cloudevent->source, cloudevent->id, event.id);
	return kg_append_body_read_raw(bytes, len, stream_name, limits, &event,
	    "header:ce-type", &request->append.body, request->refusal);
}

static bool
decode(struct kg_request *request)
{
	const struct kdb_bytes stream_name = request->match.values[0];
	struct kg_append_body *body = &request->append.body;
	struct kg_append_limits limits;
	const char *bytes;
	size_t len;

	request->write.has_own_identity = true;
	kg_append_limits_get(request, &limits);
	kg_http_body(request->exchange, &bytes, &len);
	switch (request->parameters.body_form) {
	case KG_BODY_CLOUDEVENT:
		return kg_cloudevents_body_read(
		    bytes, len, stream_name, &limits, body, request->refusal);
	case KG_BODY_CLOUDEVENT_BATCH:
		return kg_cloudevents_body_read_batch(
		    bytes, len, stream_name, &limits, body, request->refusal);
	default:
		return read_binary(request, bytes, len, &limits);
	}
}

const struct kg_endpoint kg_cloudevents_endpoint = {
    .operation = "appendCloudEvents",
    .takes = KG_TAKES_CLOUDEVENTS | KG_TAKES_V1,
    .requires = "21.10",
    .is_supported = kg_append_is_supported,
    .decode = decode,
    .prepare = kg_append_prepare,
    .encode = kg_append_encode,
};
