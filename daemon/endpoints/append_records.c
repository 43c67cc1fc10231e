/* SPDX-License-Identifier: Apache-2.0 */
/* K, append records to several streams in any order, with checks. Owns the body until the
 * operation is made, and what answers need of it until the end. */
#include "daemon/endpoints/transaction.h"

#include "client-core/base/alloc.h"
#include "daemon/append_records_body.h"

#include <stdio.h>
#include <stdlib.h>

struct own {
	struct kg_append_records_body body;
	struct kg_name_list streams;
	struct kg_name_list checks;
	size_t *first_records; /* of each stream */
	struct kg_wide_types wide_types;
};

static bool
is_supported(const struct kdb_client_status *status)
{
	return status->has_append_records;
}

static bool
decode(struct kg_request *request)
{
	struct own *own = request->own = kdb_alloc_zero(1, sizeof *own);
	struct kg_append_limits limits;
	const char *bytes;
	size_t len;

	kg_transaction_limits_get(request, &limits);
	kg_http_body(request->exchange, &bytes, &len);
	return kg_append_records_body_read(
	    bytes, len, &limits, &own->body, request->refusal);
}

static void
choose_ids(struct kg_request *request, struct own *own)
{
	struct kg_append_records_body *body = &own->body;
	struct kg_write *write = &request->write;

	kg_write_set_count(write, body->record_count);
	for (size_t i = 0; i < body->record_count; i++) {
		struct kdb_record *record = &body->records[i];

		kg_write_choose_id(
		    request, body->stream_names[record->stream_index], i, &record->event);
		kg_wide_types_note(&own->wide_types, &record->event, i);
	}
	write->is_exact = true;
	for (size_t i = 0; i < body->stream_count; i++)
		write->is_exact &=
		    kg_expectation_is_exact(body->streams[i].expected_state);
}

static void
keep_names(struct own *own)
{
	const struct kg_append_records_body *body = &own->body;

	kg_name_list_copy(&own->streams, body->stream_names, sizeof *body->stream_names,
	    body->stream_count);
	if (body->check_count > 0)
		kg_name_list_copy(&own->checks, &body->checks->stream_name,
		    sizeof *body->checks, body->check_count);
	own->first_records =
	    kdb_alloc_zero(body->stream_count, sizeof *own->first_records);
	for (size_t i = 0; i < body->stream_count; i++)
		own->first_records[i] = body->streams[i].first_record;
}

static void
report_types(struct kg_request *request)
{
	const struct own *own = request->own;
	char pointer[64];

	for (size_t i = 0; i < own->wide_types.count; i++) {
		snprintf(pointer, sizeof pointer, "/records/%zu/type",
		    own->wide_types.ordinals[i]);
		kg_wide_types_report(request, pointer);
	}
}

static void
refuse(struct kg_request *request, const struct kdb_error *error)
{
	const struct kdb_bytes no_name = {"", 0};

	kg_write_refuse(request, error, no_name, KDB_VERSION_ANY);
	if (request->refusal->problem == KG_PROBLEM_INVALID_EVENT_TYPE)
		report_types(request);
}

static struct kdb_operation *
prepare(struct kg_request *request)
{
	struct own *own = request->own;
	struct kg_append_records_body *body = &own->body;
	const struct kdb_append_records_request packed = {
	    .stream_names = body->stream_names,
	    .stream_count = body->stream_count,
	    .records = body->records,
	    .record_count = body->record_count,
	    .checks = body->checks,
	    .check_count = body->check_count,
	    .headers = kg_write_call_headers(request)};
	struct kdb_operation *operation;
	struct kdb_error error;

	choose_ids(request, own);
	keep_names(own);
	operation = kdb_append_records_new(&packed, request, &error);
	if (operation == NULL)
		refuse(request, &error);
	kg_append_records_body_dispose(body);
	return operation;
}

/* A failure is of a check, or of a stream that is written without one; that is shown by its
 * first record. */
static void
name_failure(
    const struct own *own, const struct kdb_failure *given, struct kg_failure *failure)
{
	if (given->is_check) {
		failure->kind = KG_FAILURE_CHECK;
		failure->stream_name = own->checks.names[given->index];
	} else {
		failure->kind = KG_FAILURE_TARGET;
		failure->index = own->first_records[given->index];
		failure->stream_name = own->streams.names[given->index];
	}
}

static void
refuse_checks(struct kg_request *request)
{
	const struct own *own = request->own;
	const struct kdb_failure *given;
	struct kg_failure *failures;
	bool is_complete;
	size_t count;

	failures = kg_transaction_take_failures(request, &count, &is_complete);
	given = kdb_operation_failures(request->operation, &count, &is_complete);
	for (size_t i = 0; i < count; i++)
		name_failure(own, &given[i], &failures[i]);
	kg_refusal_add_checks(
	    request->refusal, failures, count, is_complete, own->checks.count);
}

static void
encode(struct kg_request *request)
{
	const struct own *own = request->own;
	const struct kdb_error *error = kdb_operation_error(request->operation);

	if (error->code == KDB_OK) {
		kg_transaction_answer(request, &own->streams);
		return;
	}
	refuse(request, error);
	if (error->code == KDB_CONSISTENCY_CHECKS_FAILED &&
	    error->outcome == KDB_OUTCOME_NOT_WRITTEN)
		refuse_checks(request);
}

static void
dispose(struct kg_request *request)
{
	struct own *own = request->own;

	if (own == NULL)
		return;
	kg_append_records_body_dispose(&own->body);
	free(own->streams.names);
	free(own->checks.names);
	free(own->first_records);
	free(own);
}

const struct kg_endpoint kg_append_records_endpoint = {
    .operation = "appendRecords",
    .takes = KG_TAKES_RECORDS | KG_TAKES_V1,
    .requires = "26.1",
    .is_supported = is_supported,
    .decode = decode,
    .prepare = prepare,
    .encode = encode,
    .dispose = dispose,
};
