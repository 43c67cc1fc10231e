/* SPDX-License-Identifier: Apache-2.0 */
/* R, append one event whose payload is the body. Owns nothing. */
#include "daemon/endpoints/append.h"

#include <string.h>

static bool
decode(struct kg_request *request)
{
	const struct kg_parameters *parameters = &request->parameters;
	struct kdb_event event = {.type = request->match.values[1],
	    .metadata = parameters->metadata,
	    .is_json = parameters->body_form == KG_BODY_RAW_JSON};
	struct kg_append_limits limits;
	const char *bytes;
	size_t len;

	memcpy(event.id, parameters->event_id, sizeof(event.id));
	kg_append_limits_get(request, &limits);
	kg_http_body(request->exchange, &bytes, &len);
	return kg_append_body_read_raw(bytes, len, request->match.values[0], &limits,
	    &event, "path:type", &request->append.body, request->refusal);
}

const struct kg_endpoint kg_append_raw_endpoint = {
    .operation = "appendRawEvent",
    .takes = KG_TAKES_RAW | KG_TAKES_V1,
    .requires = "21.10",
    .is_supported = kg_append_is_supported,
    .decode = decode,
    .prepare = kg_append_prepare,
    .encode = kg_append_encode,
};
