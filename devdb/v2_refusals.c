/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the second generation, with the texts and typed details of a server 26.1.
 * Owns nothing. */
#include "devdb/v2_refusals.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "devdb/emulation.h"
#include "devdb/faults.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/refusals.h"
#include "devdb/role.h"
#include "devdb/v2_text.h"
#include "devdb/wire.h"
#include "proto/kurrent_rpc.pb-c.h"
#include "proto/rpc_status.pb-c.h"
#include "proto/streams_v2_errors.pb-c.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT_BYTES ((size_t)1 << 30)
#define RETRY_DELAY_S 5

#define DETAIL(name) Kurrentdb__Protocol__V2__Streams__Errors__##name
#define DETAIL_INIT(name) KURRENTDB__PROTOCOL__V2__STREAMS__ERRORS__##name##__INIT
#define VIOLATION DETAIL(ConsistencyViolation)
#define STATE_VIOLATION DETAIL(ConsistencyViolation__StreamStateViolation)
#define VIOLATION_TYPE(name)                                                             \
	KURRENTDB__PROTOCOL__V2__STREAMS__ERRORS__CONSISTENCY_VIOLATION__TYPE_##name

const struct devdb_v2_error devdb_v2_bad_request = {
    GRPC_STATUS_INVALID_ARGUMENT, "server", "BAD_REQUEST"};

static const struct devdb_v2_error conflict = {
    GRPC_STATUS_FAILED_PRECONDITION, "streams", "STREAM_REVISION_CONFLICT"};
static const struct devdb_v2_error tombstoned = {
    GRPC_STATUS_FAILED_PRECONDITION, "streams", "STREAM_TOMBSTONED"};
static const struct devdb_v2_error already_in_session = {
    GRPC_STATUS_ABORTED, "streams", "STREAM_ALREADY_IN_APPEND_SESSION"};
static const struct devdb_v2_error malfunction = {
    GRPC_STATUS_INTERNAL, "server", "SERVER_MALFUNCTION"};
static const struct devdb_v2_error no_requests = {
    GRPC_STATUS_FAILED_PRECONDITION, "streams", "APPEND_SESSION_NO_REQUESTS"};
static const struct devdb_v2_error record_size = {
    GRPC_STATUS_INVALID_ARGUMENT, "streams", "APPEND_RECORD_SIZE_EXCEEDED"};
static const struct devdb_v2_error transaction_size = {
    GRPC_STATUS_ABORTED, "streams", "APPEND_TRANSACTION_SIZE_EXCEEDED"};
static const struct devdb_v2_error violation = {
    GRPC_STATUS_FAILED_PRECONDITION, "streams", "APPEND_CONSISTENCY_VIOLATION"};
static const struct devdb_v2_error access_denied = {
    GRPC_STATUS_PERMISSION_DENIED, "server", "ACCESS_DENIED"};
static const struct devdb_v2_error not_leader = {
    GRPC_STATUS_FAILED_PRECONDITION, "server", "NOT_LEADER_NODE"};
static const struct devdb_v2_error not_ready = {
    GRPC_STATUS_UNAVAILABLE, "server", "SERVER_NOT_READY"};
static const struct devdb_v2_error overloaded = {
    GRPC_STATUS_UNAVAILABLE, "server", "SERVER_OVERLOADED"};
static const struct devdb_v2_error timed_out = {
    GRPC_STATUS_DEADLINE_EXCEEDED, "server", "OPERATION_TIMEOUT"};

/* --- packing --- */

/* Both results are freed by the caller. */
static Google__Protobuf__Any
pack_any(const ProtobufCMessage *message)
{
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;

	any.type_url =
	    kdb_alloc_printf("type.googleapis.com/%s", message->descriptor->name);
	any.has_value = true;
	any.value.len = protobuf_c_message_get_packed_size(message);
	any.value.data = kdb_alloc(any.value.len);
	protobuf_c_message_pack(message, any.value.data);
	return any;
}

static void
dispose_any(Google__Protobuf__Any *any)
{
	free(any->type_url);
	free(any->value.data);
}

static void
finish(struct devdb_call *call, const struct kdb_buffer *text,
    const Google__Rpc__Status *status)
{
	size_t len = google__rpc__status__get_packed_size(status);
	uint8_t *bytes = kdb_alloc(len);
	struct devdb_trailer trailer = {"grpc-status-details-bin", bytes, len};

	google__rpc__status__pack(status, bytes);
	devdb_call_finish_bytes(
	    call, (grpc_status_code)status->code, text->data, text->len, &trailer, 1);
	free(bytes);
}

void
devdb_v2_refuse(struct devdb_call *call, const struct devdb_v2_error *error,
    const struct kdb_buffer *text, const ProtobufCMessage *detail)
{
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	Google__Protobuf__Any details[2];
	Google__Protobuf__Any *list[] = {&details[0], &details[1]};

	info.reason = (char *)error->reason;
	info.domain = (char *)error->domain;
	details[status.n_details++] = pack_any(&info.base);
	if (detail)
		details[status.n_details++] = pack_any(detail);
	status.has_code = status.has_message = true;
	status.code = error->status;
	status.message = devdb_wire_bytes(text->data, text->len);
	status.details = list;
	finish(call, text, &status);
	for (size_t i = 0; i < status.n_details; i++)
		dispose_any(&details[i]);
}

static void
put_name(struct kdb_buffer *text, struct devdb_name name)
{
	kdb_buffer_put(text, name.bytes, name.len);
}

static void
refuse_and_dispose(struct devdb_call *call, const struct devdb_v2_error *error,
    struct kdb_buffer *text, const ProtobufCMessage *detail)
{
	devdb_v2_refuse(call, error, text, detail);
	kdb_buffer_dispose(text);
}

/* --- appends --- */

void
devdb_v2_refuse_conflict(
    struct devdb_call *call, struct devdb_name stream, int64_t expected, int64_t actual)
{
	DETAIL(StreamRevisionConflictErrorDetails)
	detail = DETAIL_INIT(STREAM_REVISION_CONFLICT_ERROR_DETAILS);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(
	    &text, "Append failed due to a revision conflict on stream '");
	put_name(&text, stream);
	kdb_buffer_put_printf(&text,
	    "'. Expected revision: %" PRId64 ". Actual revision: %" PRId64 ".", expected,
	    actual);
	detail.has_stream = true;
	detail.stream = devdb_wire_bytes(stream.bytes, stream.len);
	detail.has_expected_revision = expected != 0;
	detail.expected_revision = expected;
	detail.has_actual_revision = actual != 0;
	detail.actual_revision = actual;
	refuse_and_dispose(call, &conflict, &text, &detail.base);
}

void
devdb_v2_refuse_tombstoned(struct devdb_call *call, struct devdb_name stream)
{
	DETAIL(StreamTombstonedErrorDetails)
	detail = DETAIL_INIT(STREAM_TOMBSTONED_ERROR_DETAILS);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text, "Stream '");
	put_name(&text, stream);
	kdb_buffer_put_text(&text, "' has been tombstoned. It has been permanently "
				   "removed from the system and cannot be restored.");
	detail.has_stream = true;
	detail.stream = devdb_wire_bytes(stream.bytes, stream.len);
	refuse_and_dispose(call, &tombstoned, &text, &detail.base);
}

void
devdb_v2_refuse_by_malfunction(struct devdb_call *call)
{
	static char trace[] =
	    "   at KurrentDB.Api.Streams.StreamsService.AppendSessionCommand."
	    "MapToError(Message message)";
	static char what[] = "System.IndexOutOfRangeException: Index was outside the "
			     "bounds of the array.";
	Google__Rpc__DebugInfo detail = GOOGLE__RPC__DEBUG_INFO__INIT;
	ProtobufCBinaryData entry = devdb_wire_bytes(trace, sizeof trace - 1);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text,
	    "An internal server error occurred. Please contact support if the problem "
	    "persists.\nAppend session failed to map error: Index was outside the bounds "
	    "of the array.");
	detail.n_stack_entries = 1;
	detail.stack_entries = &entry;
	detail.has_detail = true;
	detail.detail = devdb_wire_bytes(what, sizeof what - 1);
	refuse_and_dispose(call, &malfunction, &text, &detail.base);
}

void
devdb_v2_refuse_already_in_session(struct devdb_call *call, struct devdb_name stream)
{
	DETAIL(StreamAlreadyInAppendSessionErrorDetails)
	detail = DETAIL_INIT(STREAM_ALREADY_IN_APPEND_SESSION_ERROR_DETAILS);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text, "Stream '");
	put_name(&text, stream);
	kdb_buffer_put_text(&text, "' ");
	kdb_buffer_put_text(&text, call->node->options->emulation->stream_twice);
	detail.has_stream = true;
	detail.stream = devdb_wire_bytes(stream.bytes, stream.len);
	refuse_and_dispose(call, &already_in_session, &text, &detail.base);
}

void
devdb_v2_refuse_no_requests(struct devdb_call *call)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text,
	    "Append session started, but no append requests were sent before "
	    "ending the session.");
	refuse_and_dispose(call, &no_requests, &text, NULL);
}

void
devdb_v2_refuse_record_size(struct devdb_call *call, struct devdb_name stream,
    const char *record_id, uint64_t size, uint64_t max_size)
{
	DETAIL(AppendRecordSizeExceededErrorDetails)
	detail = DETAIL_INIT(APPEND_RECORD_SIZE_EXCEEDED_ERROR_DETAILS);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_printf(&text, "The size of record %s (", record_id);
	devdb_v2_text_put_size(&text, size);
	kdb_buffer_put_text(&text, ") exceeds the maximum allowed size of ");
	devdb_v2_text_put_size(&text, max_size);
	kdb_buffer_put_text(&text, " bytes by ");
	devdb_v2_text_put_size(&text, size - max_size);
	detail.has_stream = detail.has_size = detail.has_max_size = true;
	detail.stream = devdb_wire_bytes(stream.bytes, stream.len);
	detail.record_id = (char *)record_id;
	detail.size = (int32_t)size;
	detail.max_size = (int32_t)max_size;
	refuse_and_dispose(call, &record_size, &text, &detail.base);
}

void
devdb_v2_refuse_transaction_size(
    struct devdb_call *call, uint64_t size, uint64_t max_size, size_t record_count)
{
	DETAIL(AppendTransactionSizeExceededErrorDetails)
	detail = DETAIL_INIT(APPEND_TRANSACTION_SIZE_EXCEEDED_ERROR_DETAILS);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text, "Transaction size (");
	devdb_v2_text_put_size(&text, size);
	kdb_buffer_put_text(&text, ") exceeded the maximum allowed size of ");
	devdb_v2_text_put_size(&text, max_size);
	kdb_buffer_put_text(&text, " by ");
	devdb_v2_text_put_size(&text, size - max_size);
	kdb_buffer_put_printf(&text, ", after %zu record(s).", record_count);
	detail.has_size = detail.has_max_size = true;
	detail.size = (int32_t)size;
	detail.max_size = (int32_t)max_size;
	refuse_and_dispose(call, &transaction_size, &text, &detail.base);
}

bool
devdb_v2_refuse_message_size(struct devdb_call *call, size_t len)
{
	size_t max_append = call->node->options->max_append_bytes;

	if (len <= max_append + max_append / 2)
		return false;
	devdb_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
	    "Received message exceeds the maximum configured message size.", NULL, 0);
	return true;
}

/* --- violations --- */

/* What was expected, as the end of a sentence about what is. */
static void
put_expectation(struct kdb_buffer *text, int64_t expected)
{
	if (expected >= 0)
		kdb_buffer_put_printf(text, ", expected revision %" PRId64 ".", expected);
	else if (expected == DEVDB_SOFT_DELETED)
		kdb_buffer_put_text(text, ", explicitly expected deleted.");
	else if (expected == DEVDB_TOMBSTONED)
		kdb_buffer_put_text(text, ", explicitly expected tombstoned.");
	else
		kdb_buffer_put_char(text, '.');
}

static void
put_violation(struct kdb_buffer *text, const struct devdb_v2_violation *item)
{
	int64_t expected = item->expected;
	int64_t actual = item->actual;

	kdb_buffer_put_text(text, "\n - Stream '");
	put_name(text, item->stream);
	kdb_buffer_put_char(text, '\'');
	if (actual == DEVDB_NO_STREAM) {
		kdb_buffer_put_text(text, " does not exist");
		put_expectation(text, expected);
	} else if (actual == DEVDB_SOFT_DELETED) {
		kdb_buffer_put_text(text, " is deleted");
		put_expectation(text, expected);
	} else if (actual == DEVDB_TOMBSTONED && expected != DEVDB_TOMBSTONED) {
		kdb_buffer_put_text(text, " is tombstoned");
		put_expectation(text, expected);
	} else if (actual >= 0 && expected == DEVDB_NO_STREAM) {
		kdb_buffer_put_printf(
		    text, " already exists at revision %" PRId64 ".", actual);
	} else if (actual >= 0 && (expected >= 0 || expected == DEVDB_SOFT_DELETED)) {
		kdb_buffer_put_printf(text, " is at revision %" PRId64, actual);
		put_expectation(text, expected);
	} else {
		kdb_buffer_put_printf(text,
		    ": expected state %" PRId64 ", actual state %" PRId64 ".", expected,
		    actual);
	}
}

static void
set_violation(VIOLATION *out, STATE_VIOLATION *state, const struct devdb_v2_violation *in)
{
	*state =
	    (STATE_VIOLATION)DETAIL_INIT(CONSISTENCY_VIOLATION__STREAM_STATE_VIOLATION);
	state->has_stream = true;
	state->stream = devdb_wire_bytes(in->stream.bytes, in->stream.len);
	state->has_expected_state = in->expected != 0;
	state->expected_state = in->expected;
	state->has_actual_state = in->actual != 0;
	state->actual_state = in->actual;
	*out = (VIOLATION)DETAIL_INIT(CONSISTENCY_VIOLATION);
	out->has_check_index = in->check_index != 0;
	out->check_index = in->check_index;
	out->type_case = VIOLATION_TYPE(STREAM_STATE);
	out->stream_state = state;
}

void
devdb_v2_refuse_violations(
    struct devdb_call *call, const struct devdb_v2_violation *violations, size_t count)
{
	DETAIL(AppendConsistencyViolationErrorDetails)
	detail = DETAIL_INIT(APPEND_CONSISTENCY_VIOLATION_ERROR_DETAILS);
	VIOLATION *items = kdb_alloc_zero(count, sizeof *items);
	VIOLATION **list = kdb_alloc_zero(count, sizeof *list);
	STATE_VIOLATION *states = kdb_alloc_zero(count, sizeof *states);
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text, "Append failed due to consistency violations.\n");
	for (size_t i = 0; i < count; i++) {
		put_violation(&text, &violations[i]);
		set_violation(&items[i], &states[i], &violations[i]);
		list[i] = &items[i];
	}
	detail.n_violations = count;
	detail.violations = list;
	refuse_and_dispose(call, &violation, &text, &detail.base);
	free(states);
	free(list);
	free(items);
}

/* --- the node's own state, and faults --- */

/* An error after which the client is told to wait. */
static void
refuse_for_now(
    struct devdb_call *call, const struct devdb_v2_error *error, const char *sentence)
{
	Google__Rpc__RetryInfo detail = GOOGLE__RPC__RETRY_INFO__INIT;
	Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_printf(
	    &text, "%s Please try again after %d seconds.", sentence, RETRY_DELAY_S);
	delay.has_seconds = true;
	delay.seconds = RETRY_DELAY_S;
	detail.retry_delay = &delay;
	refuse_and_dispose(call, error, &text, &detail.base);
}

static void
refuse_not_ready(struct devdb_call *call)
{
	refuse_for_now(
	    call, &not_ready, "The server is not yet ready to handle requests.");
}

static void
refuse_timeout(struct devdb_call *call, const char *what)
{
	char *sentence = kdb_alloc_printf(
	    "Operation timed out: %s timed out while waiting for commit", what);

	refuse_for_now(call, &timed_out, sentence);
	free(sentence);
}

static void
refuse_not_leader(struct devdb_call *call, const char *host, int port)
{
	Kurrent__Rpc__NotLeaderNodeErrorDetails detail =
	    KURRENT__RPC__NOT_LEADER_NODE_ERROR_DETAILS__INIT;
	Kurrent__Rpc__NotLeaderNodeErrorDetails__NodeInfo leader =
	    KURRENT__RPC__NOT_LEADER_NODE_ERROR_DETAILS__NODE_INFO__INIT;
	struct devdb_guid id = devdb_guid_new();
	char id_text[DEVDB_GUID_TEXT_SIZE];
	struct kdb_buffer text;

	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_printf(&text,
	    "The server is not the leader node and cannot handle the request. Please "
	    "retry your request against the leader node directly at %s:%d",
	    host, port);
	devdb_guid_format(&id, id_text);
	leader.host = (char *)host;
	leader.has_port = true;
	leader.port = port;
	leader.node_id = id_text;
	detail.current_leader = &leader;
	refuse_and_dispose(call, &not_leader, &text, &detail.base);
}

static void
refuse_access(struct devdb_call *call, struct devdb_name stream, enum devdb_right right)
{
	Kurrent__Rpc__AccessDeniedErrorDetails detail =
	    KURRENT__RPC__ACCESS_DENIED_ERROR_DETAILS__INIT;
	const struct devdb_user *user = call->identity.user;
	struct kdb_buffer operation;
	struct kdb_buffer text;

	kdb_buffer_init(&operation, MAX_TEXT_BYTES);
	kdb_buffer_put_text(
	    &operation, right == DEVDB_RIGHT_READ ? "streams:read:" : "streams:write:");
	put_name(&operation, stream);
	for (size_t i = 0; i < operation.len; i++)
		operation.data[i] = (char)tolower((unsigned char)operation.data[i]);
	kdb_buffer_init(&text, MAX_TEXT_BYTES);
	kdb_buffer_put_text(&text, "Access denied. Insufficient permissions to perform ");
	kdb_buffer_put(&text, operation.data, operation.len);
	detail.has_operation = true;
	detail.operation = devdb_wire_bytes(operation.data, operation.len);
	detail.has_username = user != NULL;
	if (user)
		detail.username = devdb_wire_bytes(user->name, user->name_len);
	refuse_and_dispose(call, &access_denied, &text, &detail.base);
	kdb_buffer_dispose(&operation);
}

bool
devdb_v2_refuse_access(
    struct devdb_call *call, struct devdb_name stream, enum devdb_right right)
{
	if (devdb_access_allows(call, stream, right))
		return false;
	refuse_access(call, stream, right);
	return true;
}

static bool
refuse_fault(struct devdb_call *call, const struct devdb_fault *fault,
    struct devdb_name stream, const char *what)
{
	switch (fault->action) {
	case DEVDB_FAULT_NOT_READY:
		refuse_not_ready(call);
		return true;
	case DEVDB_FAULT_BUSY:
		refuse_for_now(call, &overloaded,
		    "The server is currently overloaded and cannot handle the request.");
		return true;
	case DEVDB_FAULT_TIMEOUT:
		refuse_timeout(call, what);
		return true;
	case DEVDB_FAULT_NOT_LEADER:
		refuse_not_leader(call, fault->leader_host, fault->leader_port);
		return true;
	case DEVDB_FAULT_ACCESS_DENIED:
		refuse_access(call, stream, DEVDB_RIGHT_WRITE);
		return true;
	default:
		return devdb_refuse_fault(call, fault);
	}
}

static bool
refuse_by_role(struct devdb_call *call)
{
	struct devdb_role_view role = devdb_role_get(&call->node->role);

	if (devdb_role_takes_writes(&role))
		return false;
	if (*role.leader_host)
		refuse_not_leader(call, role.leader_host, role.leader_port);
	else
		refuse_not_ready(call);
	return true;
}

bool
devdb_v2_refuse_request(struct devdb_call *call, const struct devdb_part *parts,
    size_t count, const char *what)
{
	struct devdb_fault fault;

	for (size_t i = 0; i < count; i++) {
		if (devdb_faults_strike_request(call->node->faults, call->method->label,
			parts[i].stream, &fault) &&
		    refuse_fault(call, &fault, parts[i].stream, what))
			return true;
	}
	return refuse_by_role(call);
}
