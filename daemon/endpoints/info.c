/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/info (api-design 9): always the same members, null where the database has not told
 * yet. Owns nothing.
 */
#include "client-core/base/clock.h"
#include "daemon/json_write.h"
#include "daemon/request.h"

#include <inttypes.h>
#include <string.h>

enum { BODY_MAX = 16384 };

static void
put_text(struct kdb_buffer *out, const char *text)
{
	if (text[0] == '\0')
		kdb_buffer_put_text(out, "null");
	else
		kg_json_quote(out, text, strlen(text));
}

static void
put_gateway(struct kdb_buffer *out, const struct kg_gateway *gateway)
{
	char started[KG_REQUEST_TIME_SIZE];

	kg_request_print_time(gateway->started_wall_ns, started);
	kdb_buffer_put_text(out, "\"gateway\":{\"version\":");
	put_text(out, PACKAGE_VERSION);
	kdb_buffer_put_text(out, ",\"commit\":\"unknown\",\"started\":");
	put_text(out, started);
	kdb_buffer_put_char(out, '}');
}

static void
put_database(struct kdb_buffer *out, const struct kdb_client_status *status)
{
	const struct {
		const char *name;
		bool value;
	} features[] = {
	    {"append", status->has_append},
	    {"multi_append", status->has_multi_append},
	    {"append_records", status->has_append_records},
	};

	kdb_buffer_put_text(out, "\"database\":{\"version\":");
	put_text(out, status->server_version);
	kdb_buffer_put_text(out, ",\"leader\":");
	put_text(out, status->has_leader ? status->leader : "");
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		kdb_buffer_put_printf(out, ",\"%s\":%s", features[i].name,
		    !status->are_features_known ? "null"
		    : features[i].value         ? "true"
						: "false");
	kdb_buffer_put_char(out, '}');
}

/* Exact decimal seconds. */
static void
put_seconds(struct kdb_buffer *out, const char *name, int64_t ns)
{
	int64_t fraction = ns % KDB_NS_PER_SECOND;
	int digits = 9;

	kdb_buffer_put_printf(out, ",\"%s\":%" PRId64, name, ns / KDB_NS_PER_SECOND);
	if (fraction == 0)
		return;
	for (; fraction % 10 == 0; fraction /= 10)
		digits--;
	kdb_buffer_put_printf(out, ".%0*" PRId64, digits, fraction);
}

static void
put_limits(struct kdb_buffer *out, const struct kg_config *config)
{
	kdb_buffer_put_printf(out,
	    "\"limits\":{\"max_body_bytes\":%zu,\"max_events\":%u,\"max_depth\":%u,"
	    "\"max_header_bytes\":%zu,\"max_name_bytes\":%zu",
	    config->max_body_bytes, config->max_events, config->max_depth,
	    config->max_header_bytes, config->max_name_bytes);
	put_seconds(out, "default_timeout_seconds", config->default_timeout_ns);
	put_seconds(out, "max_timeout_seconds", config->max_timeout_ns);
	kdb_buffer_put_char(out, '}');
}

static void
put_defaults(struct kdb_buffer *out, const struct kg_default_version *version,
    enum kg_int64_form form)
{
	const char *word = kg_version_word(version->expected_version);
	const char *quote = form == KG_INT64_STRING ? "\"" : "";

	kdb_buffer_put_text(out, "\"defaults\":{\"current_version\":");
	if (!version->is_given)
		kdb_buffer_put_text(out, "null");
	else if (word != NULL)
		put_text(out, word);
	else
		kdb_buffer_put_printf(
		    out, "%s%" PRId64 "%s", quote, version->expected_version, quote);
	kdb_buffer_put_char(out, '}');
}

static void
answer(struct kg_request *request)
{
	const struct kg_gateway *gateway = request->gateway;
	struct kdb_buffer body;

	kdb_buffer_init(&body, BODY_MAX);
	kdb_buffer_put_char(&body, '{');
	put_gateway(&body, gateway);
	kdb_buffer_put_char(&body, ',');
	put_database(&body, kg_request_status(request));
	kdb_buffer_put_char(&body, ',');
	put_limits(&body, gateway->config);
	kdb_buffer_put_char(&body, ',');
	put_defaults(&body, &gateway->config->default_current_version,
	    request->parameters.int64_form);
	kdb_buffer_put_text(&body,
	    ",\"api\":{\"versions\":[\"v1\"],\"openapi\":\"/openapi.yaml\","
	    "\"preferences\":[\"int64=string\"]}}");
	kg_request_answer(request, 200, "application/json", &body);
}

const struct kg_endpoint kg_info_endpoint = {
    .operation = "getInfo",
    .takes = KG_TAKES_V1,
    .answer = answer,
};
