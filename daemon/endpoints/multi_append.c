/* SPDX-License-Identifier: Apache-2.0 */
/* M, append to several streams in groups. Owns the body until the operation is made, and the
 * names of the streams until the end. */
#include "daemon/endpoints/transaction.h"

#include "client-core/base/alloc.h"
#include "daemon/multi_append_body.h"

#include <stdio.h>
#include <stdlib.h>

struct own {
	struct kg_multi_append_body body;
	struct kg_name_list streams;
	struct kg_wide_types wide_types;
};

static bool
is_supported(const struct kdb_client_status *status)
{
	return status->has_multi_append;
}

static bool
decode(struct kg_request *request)
{
	const struct kg_default_version *default_version =
	    &request->gateway->config->default_current_version;
	struct own *own = request->own = kdb_alloc_zero(1, sizeof *own);
	struct kg_append_limits limits;
	const char *bytes;
	size_t len;

	kg_transaction_limits_get(request, &limits);
	kg_http_body(request->exchange, &bytes, &len);
	return kg_multi_append_body_read(bytes, len, &limits,
	    default_version->is_given ? &default_version->expected_version : NULL,
	    &own->body, request->refusal);
}

static void
choose_ids(struct kg_request *request, struct own *own)
{
	struct kg_multi_append_body *body = &own->body;
	struct kg_write *write = &request->write;
	size_t ordinal = 0;

	kg_write_set_count(write, body->event_count);
	write->group_count = body->stream_count;
	write->group_counts =
	    kdb_alloc_zero(body->stream_count, sizeof *write->group_counts);
	write->is_exact = true;
	for (size_t i = 0; i < body->stream_count; i++) {
		const struct kdb_stream_append *stream = &body->streams[i];

		write->group_counts[i] = stream->event_count;
		write->is_exact &= kg_expectation_is_exact(stream->expected_version);
		for (size_t k = 0; k < stream->event_count; k++, ordinal++) {
			kg_write_choose_id(request, stream->stream_name, ordinal,
			    &body->events[ordinal]);
			kg_wide_types_note(
			    &own->wide_types, &body->events[ordinal], ordinal);
		}
	}
}

static struct kdb_operation *
prepare(struct kg_request *request)
{
	struct own *own = request->own;
	struct kg_multi_append_body *body = &own->body;
	const struct kdb_multi_append_request packed = {.streams = body->streams,
	    .stream_count = body->stream_count,
	    .headers = kg_write_call_headers(request)};
	const struct kdb_bytes no_name = {"", 0};
	struct kdb_operation *operation;
	struct kdb_error error;

	choose_ids(request, own);
	kg_name_list_copy(&own->streams, &body->streams->stream_name,
	    sizeof *body->streams, body->stream_count);
	operation = kdb_multi_append_new(&packed, request, &error);
	if (operation == NULL)
		kg_write_refuse(request, &error, no_name, KDB_VERSION_ANY);
	kg_multi_append_body_dispose(body);
	return operation;
}

static bool
is_about_streams(const struct kdb_error *error)
{
	return error->outcome == KDB_OUTCOME_NOT_WRITTEN &&
	       (error->code == KDB_WRONG_EXPECTED_VERSION ||
		   error->code == KDB_STREAM_TOMBSTONED ||
		   error->code == KDB_STREAM_DELETED);
}

static void
report_types(struct kg_request *request)
{
	const struct kg_wide_types *types =
	    &((const struct own *)request->own)->wide_types;
	const size_t *counts = request->write.group_counts;
	size_t group = 0, before = 0;
	char pointer[96];

	for (size_t i = 0; i < types->count; i++) {
		while (types->ordinals[i] - before >= counts[group])
			before += counts[group++];
		snprintf(pointer, sizeof pointer, "/streams/%zu/events/%zu/type", group,
		    types->ordinals[i] - before);
		kg_wide_types_report(request, pointer);
	}
}

/* The first group that failed is told like the one stream of an append. */
static void
refuse(struct kg_request *request, const struct kdb_error *error)
{
	const struct own *own = request->own;
	struct kdb_bytes first_name = {"", 0};
	int64_t first_expected = KDB_VERSION_ANY;
	struct kg_failure *failures;
	bool is_complete;
	size_t count;

	failures = kg_transaction_take_failures(request, &count, &is_complete);
	for (size_t i = 0; i < count; i++) {
		failures[i].kind = KG_FAILURE_GROUP;
		failures[i].stream_name = own->streams.names[failures[i].index];
	}
	if (count > 0) {
		first_name = failures[0].stream_name;
		first_expected = failures[0].expected_state;
	}
	kg_write_refuse(request, error, first_name, first_expected);
	if (is_about_streams(error))
		kg_refusal_add_groups(request->refusal, failures, count, is_complete);
	else
		free(failures);
	if (request->refusal->problem == KG_PROBLEM_INVALID_EVENT_TYPE)
		report_types(request);
}

static void
encode(struct kg_request *request)
{
	const struct own *own = request->own;
	const struct kdb_error *error = kdb_operation_error(request->operation);

	if (error->code == KDB_OK)
		kg_transaction_answer(request, &own->streams);
	else
		refuse(request, error);
}

static void
dispose(struct kg_request *request)
{
	struct own *own = request->own;

	if (own == NULL)
		return;
	kg_multi_append_body_dispose(&own->body);
	free(own->streams.names);
	free(own);
}

const struct kg_endpoint kg_multi_append_endpoint = {
    .operation = "multiAppendToStream",
    .takes = KG_TAKES_GROUPS | KG_TAKES_V1,
    .requires = "25.1",
    .is_supported = is_supported,
    .decode = decode,
    .prepare = prepare,
    .encode = encode,
    .dispose = dispose,
};
