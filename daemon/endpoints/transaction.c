/* SPDX-License-Identifier: Apache-2.0 */
/* What multi-append and append-records share around their bodies: names, the answer, the
 * failures. Owns nothing. */
#include "daemon/endpoints/transaction.h"

#include "client-core/base/alloc.h"
#include "daemon/endpoints/append.h"
#include "daemon/event_type.h"
#include "daemon/json_write.h"

#include <string.h>

enum {
	ANSWER_SLACK = 4096,
	ANSWER_BYTES_PER_ID = 40,
	ANSWER_BYTES_PER_STREAM = 80,
	NAME_GROWTH = 6,
};

static const struct kdb_bytes *
name_at(const struct kdb_bytes *first, size_t stride, size_t index)
{
	return (
	    const struct kdb_bytes *)(const void *)((const char *)first + stride * index);
}

void
kg_name_list_copy(
    struct kg_name_list *list, const struct kdb_bytes *first, size_t stride, size_t count)
{
	size_t size = count * sizeof *list->names;
	char *at;

	for (size_t i = 0; i < count; i++)
		size += name_at(first, stride, i)->len;
	list->names = kdb_alloc(size);
	list->count = count;
	at = (char *)(list->names + count);
	for (size_t i = 0; i < count; i++) {
		const struct kdb_bytes *name = name_at(first, stride, i);

		list->names[i] = (struct kdb_bytes){at, name->len};
		at = mempcpy(at, name->data, name->len);
	}
}

/* Without a leader nobody knows what the next one takes. */
static bool
is_type_ascii_only(struct kg_request *request)
{
	const struct kdb_client_status *status = kg_request_status(request);

	return status->has_leader && status->are_features_known &&
	       kg_event_type_is_ascii_only(status->server_version);
}

void
kg_transaction_limits_get(struct kg_request *request, struct kg_append_limits *limits)
{
	kg_append_limits_get(request, limits);
	limits->is_type_ascii_only = is_type_ascii_only(request);
	if (!limits->is_type_ascii_only)
		return;
	/* There may be another leader since the status that we hold. */
	request->gateway->status_mono_ns = 0;
	limits->is_type_ascii_only = is_type_ascii_only(request);
}

void
kg_wide_types_note(
    struct kg_wide_types *types, const struct kdb_event *event, size_t ordinal)
{
	if (types->count < KG_FINDINGS_MAX &&
	    kg_event_type_find_fault(event->type, true) != NULL)
		types->ordinals[types->count++] = ordinal;
}

void
kg_wide_types_report(struct kg_request *request, const char *pointer)
{
	kg_refusal_add(request->refusal, KG_PROBLEM_INVALID_EVENT_TYPE, pointer, NULL,
	    "This type is not of ASCII alone, which databases before 26.1 do not take.");
}

static size_t
answer_max(const struct kg_request *request, const struct kg_name_list *streams)
{
	size_t max_len = ANSWER_SLACK + ANSWER_BYTES_PER_ID * request->write.id_count +
			 ANSWER_BYTES_PER_STREAM * streams->count;

	for (size_t i = 0; i < streams->count; i++)
		max_len += NAME_GROWTH * streams->names[i].len;
	return max_len;
}

static void
put_streams(struct kdb_buffer *body, const struct kg_name_list *streams,
    const int64_t *versions, enum kg_int64_form form)
{
	kdb_buffer_put_text(body, ",\"streams\":[");
	for (size_t i = 0; i < streams->count; i++) {
		if (i > 0)
			kdb_buffer_put_char(body, ',');
		kdb_buffer_put_text(body, "{\"stream_name\":");
		kg_json_quote(body, streams->names[i].data, streams->names[i].len);
		kdb_buffer_put_text(body, ",\"current_version\":");
		kg_json_print_version(body, versions[i], form);
		kdb_buffer_put_char(body, '}');
	}
	kdb_buffer_put_char(body, ']');
}

static void
put_event_ids(struct kdb_buffer *body, const struct kg_write *write)
{
	const uint8_t(*ids)[16] = (const uint8_t(*)[16])write->ids;

	kdb_buffer_put_text(body, ",\"event_ids\":");
	if (write->group_counts == NULL) {
		kg_json_print_uuids(body, ids, write->id_count);
		return;
	}
	for (size_t i = 0; i < write->group_count; i++) {
		kdb_buffer_put_char(body, i == 0 ? '[' : ',');
		kg_json_print_uuids(body, ids, write->group_counts[i]);
		ids += write->group_counts[i];
	}
	kdb_buffer_put_char(body, ']');
}

/* Without a tree, which would have thousands of nodes. */
static void
print_answer(const struct kg_request *request, const struct kg_name_list *streams,
    const struct kdb_append_result *result, enum kg_replayed replayed,
    struct kdb_buffer *body)
{
	const enum kg_int64_form form = request->parameters.int64_form;

	kdb_buffer_put_text(body, "{\"commit_position\":");
	kg_json_print_position(body, result->has_position, result->commit_position, form);
	put_streams(body, streams, result->current_versions, form);
	put_event_ids(body, &request->write);
	kdb_buffer_put_printf(body, ",\"replayed\":%s}",
	    replayed == KG_REPLAYED_FALSE  ? "false"
	    : replayed == KG_REPLAYED_TRUE ? "true"
					   : "null");
}

void
kg_transaction_answer(struct kg_request *request, const struct kg_name_list *streams)
{
	const struct kdb_append_result *result =
	    kdb_operation_append_result(request->operation);
	const enum kg_replayed replayed = kg_write_judge_replay(request, result);
	struct kdb_buffer body;

	kdb_buffer_init(&body, answer_max(request, streams));
	print_answer(request, streams, result, replayed, &body);
	kg_request_answer(request, 200, "application/json", &body);
	kg_write_put_fields(request, result, replayed);
}

struct kg_failure *
kg_transaction_take_failures(
    const struct kg_request *request, size_t *count, bool *is_complete)
{
	const struct kdb_failure *given =
	    kdb_operation_failures(request->operation, count, is_complete);
	struct kg_failure *failures;

	if (*count == 0)
		return NULL;
	failures = kdb_alloc_zero(*count, sizeof *failures);
	for (size_t i = 0; i < *count; i++)
		failures[i] = (struct kg_failure){.index = given[i].index,
		    .expected_state = given[i].expected_state,
		    .actual_state = given[i].actual_state};
	return failures;
}
