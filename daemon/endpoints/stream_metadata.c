/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G and P, the metadata of a stream: the newest event of a stream whose name begins with
 * "$$", which the path never shows. A write reads first, because the database takes one
 * for a tombstoned stream that nobody could ever read again (api-design 8). Owns the
 * append of a write until it is handed over, in `own`.
 */
#include "client-core/base/alloc.h"
#include "daemon/endpoints/append.h"
#include "daemon/entity_tag.h"
#include "daemon/idempotency.h"
#include "daemon/json_scan.h"
#include "daemon/stream_metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_SLACK = 1024, NAME_GROWTH = 6, EXPECTATION_SIZE = 32 };

static struct kdb_operation *
make_read(struct kg_request *request)
{
	const struct kdb_get_stream_metadata_request read = {
	    .stream_name = request->match.values[0],
	    .headers = kg_write_call_headers(request)};

	return kdb_get_stream_metadata_new(&read, request);
}

/* A read writes nothing, however it ended. */
static void
refuse_read(struct kg_request *request, const struct kdb_error *error)
{
	struct kdb_error harmless = *error;

	harmless.outcome = KDB_OUTCOME_NOT_WRITTEN;
	kg_write_refuse(request, &harmless, request->match.values[0], KDB_VERSION_ANY);
	if (error->code == KDB_DEADLINE_EXCEEDED && error->grpc_status < 0)
		kg_refusal_set_detail(request->refusal,
		    "The metadata could not be read within %g s.",
		    (double)request->times.asked_timeout_ns / 1e9);
}

static void
put_entity_tag(struct kg_request *request, int64_t version)
{
	char text[KG_ENTITY_TAG_SIZE];

	kg_entity_tag_print(version, text);
	kg_request_answer_field(request, "ETag", text);
}

/* G. */

static bool
decode_nothing(struct kg_request *request)
{
	(void)request;
	return true;
}

static bool
is_json_object(struct kdb_bytes text)
{
	struct kg_json json;
	struct kg_json_value value;

	kg_json_init(&json, text.data, text.len, KG_JSON_DEPTH_MAX);
	return kg_json_peek(&json) == KG_JSON_OBJECT &&
	       kg_json_read_value(&json, &value) && kg_json_finish(&json);
}

/* A 304 is given the body, too: the library does not send it, but its length, which must be
 * that of a 200 (RFC 9110, 8.6). */
static void
answer_metadata(struct kg_request *request, int64_t version, struct kdb_bytes text)
{
	const bool is_known =
	    kg_known_versions_have(&request->parameters.known_versions, version);
	struct kdb_buffer body;

	kdb_buffer_init(&body, text.len);
	kdb_buffer_put(&body, text.data, text.len);
	kg_request_answer(
	    request, is_known ? 304 : 200, is_known ? NULL : "application/json", &body);
	kg_request_answer_field(request, "Cache-Control", "no-cache");
	put_entity_tag(request, version);
	kg_write_put_version(request, version);
}

static void
encode_read(struct kg_request *request)
{
	const struct kdb_error *error = kdb_operation_error(request->operation);
	const struct kdb_stream_metadata_result *result;

	if (error->code != KDB_OK) {
		refuse_read(request, error);
		return;
	}
	result = kdb_operation_stream_metadata(request->operation);
	if (result->version == KDB_VERSION_NO_STREAM)
		answer_metadata(
		    request, KDB_VERSION_NO_STREAM, (struct kdb_bytes){"{}", 2});
	else if (result->is_json && is_json_object(result->data))
		answer_metadata(request, result->version, result->data);
	else
		kg_refusal_set(request->refusal, KG_PROBLEM_DATABASE_ERROR,
		    "Version %" PRId64 " of the metadata is not a JSON object. A PUT "
		    "replaces it.",
		    result->version);
}

/* P. */

static bool
decode(struct kg_request *request)
{
	struct kg_refusal *refusal = request->refusal;
	struct kg_json_value value;
	struct kg_json json;
	const char *bytes;
	size_t len;

	kg_http_body(request->exchange, &bytes, &len);
	kg_json_init(&json, bytes, len, request->gateway->config->max_depth);
	if (kg_json_read_value(&json, &value) && kg_json_finish(&json))
		return kg_stream_metadata_check(bytes, len, "", refusal);
	refusal->byte_offset = (int64_t)kg_json_error_offset(&json);
	kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_JSON, "At byte %" PRId64 ": %s",
	    refusal->byte_offset, json.error);
	return false;
}

/* The same bytes at the same expectation are the same write. With `any` and `exists` they
 * are not: A, B and A again must end with A. */
static void
choose_id(struct kg_request *request, struct kdb_event *event)
{
	const int64_t expected_version = request->parameters.expected_version;
	const struct kdb_bytes stream_name = request->match.values[0];
	struct kg_write *write = &request->write;

	write->is_exact = kg_expectation_is_exact(expected_version);
	write->has_own_identity = write->is_exact;
	if (write->is_exact)
		kg_idempotency_metadata_id(
		    stream_name, expected_version, event->data, event->id);
	kg_write_set_count(write, 1);
	kg_write_choose_id(request, stream_name, 0, event);
}

static void
refuse_write(struct kg_request *request, const struct kdb_error *error)
{
	kg_write_refuse(request, error, request->match.values[0],
	    request->parameters.expected_version);
}

static struct kdb_operation *
make_append(struct kg_request *request)
{
	const struct kdb_bytes stream_name = request->match.values[0];
	char *name = kdb_alloc_printf(
	    "$$%.*s", (int)stream_name.len, (const char *)stream_name.data);
	struct kdb_event event = {.type = {"$metadata", 9}, .is_json = true};
	const struct kdb_append_request packed = {.stream_name = {name, strlen(name)},
	    .expected_version = request->parameters.expected_version,
	    .events = &event,
	    .event_count = 1,
	    .headers = kg_write_call_headers(request)};
	struct kdb_operation *operation;
	struct kdb_error error;
	const char *bytes;

	kg_http_body(request->exchange, &bytes, &event.data.len);
	event.data.data = bytes;
	choose_id(request, &event);
	operation = kdb_append_new(&packed, request, &error);
	if (operation == NULL)
		refuse_write(request, &error);
	free(name);
	return operation;
}

static struct kdb_operation *
prepare(struct kg_request *request)
{
	request->own = make_append(request);
	return request->own == NULL ? NULL : make_read(request);
}

/* What the conflict says is known from the read: nothing was sent. */
static void
refuse_weak_tag(struct kg_request *request, int64_t version)
{
	const struct kdb_error error = {.code = KDB_WRONG_EXPECTED_VERSION,
	    .conflict = {request->parameters.expected_version, version}};

	refuse_write(request, &error);
	request->refusal->problem = KG_PROBLEM_PRECONDITION_FAILED;
	kg_refusal_set_detail(request->refusal, "If-Match holds a weak entity tag, which "
						"never matches: send it as the last GET "
						"gave it.");
}

static struct kdb_operation *
proceed(struct kg_request *request)
{
	const struct kdb_error *error = kdb_operation_error(request->operation);
	struct kdb_operation *append = request->own;
	const bool is_weak = request->parameters.is_condition_weak;

	if (append == NULL)
		return NULL;
	if (is_weak && error->code == KDB_OK) {
		refuse_weak_tag(
		    request, kdb_operation_stream_metadata(request->operation)->version);
	} else if (error->code == KDB_OK ||
		   (error->code == KDB_ACCESS_DENIED && !is_weak)) {
		/* Who may not read may still be allowed to write. */
		request->own = NULL;
		return append;
	} else {
		refuse_read(request, error);
	}
	return NULL;
}

static void
print_answer(struct kg_request *request, const struct kdb_append_result *result,
    enum kg_replayed replayed, struct kdb_buffer *body)
{
	const struct kdb_bytes stream_name = request->match.values[0];
	const enum kg_int64_form form = request->parameters.int64_form;
	struct kg_json_node *root = kg_json_object_new();

	kg_json_put_text(root, "stream_name", stream_name.data, stream_name.len);
	kg_json_put_version(root, "current_version", result->current_version, form);
	kg_json_put_position(
	    root, "commit_position", result->has_position, result->commit_position, form);
	kg_json_put_replayed(root, "replayed", replayed);
	kdb_buffer_init(body, ANSWER_SLACK + NAME_GROWTH * stream_name.len);
	kg_json_print(root, body);
	kg_json_free(root);
}

static void
answer_write(struct kg_request *request)
{
	const struct kdb_append_result *result =
	    kdb_operation_append_result(request->operation);
	const enum kg_replayed replayed = kg_write_judge_replay(request, result);
	struct kdb_buffer body;

	print_answer(request, result, replayed, &body);
	kg_request_answer(request, 200, "application/json", &body);
	kg_write_put_fields(request, result, replayed);
	kg_write_put_version(request, result->current_version);
	put_entity_tag(request, result->current_version);
}

static const char *
describe(int64_t version, char number[EXPECTATION_SIZE])
{
	if (version == KDB_VERSION_NO_STREAM)
		return "that it was never set";
	if (version == KDB_VERSION_EXISTS)
		return "that it was set";
	snprintf(number, EXPECTATION_SIZE, "version %" PRId64, version);
	return number;
}

/* In words of metadata: that the stream has events says nothing here. */
static void
name_conflict(struct kg_request *request)
{
	struct kg_refusal *refusal = request->refusal;
	char number[EXPECTATION_SIZE];
	const char *expected = describe(refusal->expected_version, number);

	if (refusal->actual_version < 0)
		kg_refusal_set_detail(refusal,
		    "The metadata was never set, the request expected %s.", expected);
	else
		kg_refusal_set_detail(refusal,
		    "The metadata is at version %" PRId64 ", the request expected %s.",
		    refusal->actual_version, expected);
	if (request->parameters.has_condition)
		refusal->problem = KG_PROBLEM_PRECONDITION_FAILED;
}

static void
encode_write(struct kg_request *request)
{
	const struct kdb_error *error = kdb_operation_error(request->operation);

	if (error->code == KDB_OK) {
		answer_write(request);
		return;
	}
	refuse_write(request, error);
	if (request->refusal->problem == KG_PROBLEM_WRONG_CURRENT_VERSION)
		name_conflict(request);
}

static void
dispose(struct kg_request *request)
{
	kdb_operation_free(request->own);
}

const struct kg_endpoint kg_get_stream_metadata_endpoint = {
    .operation = "getStreamMetadata",
    .takes = KG_TAKES_GET_METADATA | KG_TAKES_V1,
    .requires = "21.10",
    .is_supported = kg_append_is_supported,
    .decode = decode_nothing,
    .prepare = make_read,
    .encode = encode_read,
};

const struct kg_endpoint kg_put_stream_metadata_endpoint = {
    .operation = "setStreamMetadata",
    .takes = KG_TAKES_PUT_METADATA | KG_TAKES_V1,
    .requires = "21.10",
    .is_supported = kg_append_is_supported,
    .decode = decode,
    .prepare = prepare,
    .proceed = proceed,
    .encode = encode_write,
    .dispose = dispose,
};
