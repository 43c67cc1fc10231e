/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC statuses, trailers and details into kdb_error. A status alone never says "not written":
 * that follows from how far the operation got and from who refused it. */
#include "client-core/status.h"

#include "client-core/base/arena.h"
#include "client-core/base/wire.h"

#include "proto/kurrent_rpc.pb-c.h"
#include "proto/rpc_status.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
copy_text(char *out, size_t size, const void *text, size_t len)
{
	const unsigned char *bytes = text;

	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = bytes[i] < 0x20 || bytes[i] >= 0x7f ? ' ' : (char)bytes[i];
	out[len] = 0;
}

static bool
equals(const void *bytes, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

/* 0 when it is none. */
static uint16_t
read_port(const void *bytes, size_t len)
{
	char text[8];
	char *end;
	long value;

	if (len == 0 || len >= sizeof text)
		return 0;
	copy_text(text, sizeof text, bytes, len);
	value = strtol(text, &end, 10);
	return *end || value < 1 || value > 65535 ? 0 : (uint16_t)value;
}

void
kdb_status_init(struct kdb_status *status, int code, const void *text, size_t len)
{
	*status = (struct kdb_status){ .code = code };
	copy_text(status->text, sizeof status->text, text, len);
}

/* ErrorInfo and NotLeaderNodeErrorDetails are small; a larger one is no such thing. */
enum { DETAIL_ARENA_BYTES = 4096 };

enum {
	STATUS_DETAILS = 3,
	ANY_TYPE_URL = 1,
	ANY_VALUE = 2,
};

static void
read_error_info(struct kdb_status *status, const struct kdb_status_detail *detail)
{
	_Alignas(16) uint8_t memory[DETAIL_ARENA_BYTES];
	struct kdb_arena arena = { memory, sizeof memory, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	Google__Rpc__ErrorInfo *info =
	    google__rpc__error_info__unpack(&allocator, detail->len, detail->bytes);

	if (info && info->reason && strlen(info->reason) < sizeof status->reason)
		copy_text(status->reason, sizeof status->reason, info->reason,
		    strlen(info->reason));
}

/* V2 names the leader in a detail and not in trailers (wire-protocol 1.10). */
static void
read_not_leader(struct kdb_status *status, const struct kdb_status_detail *detail)
{
	_Alignas(16) uint8_t memory[DETAIL_ARENA_BYTES];
	struct kdb_arena arena = { memory, sizeof memory, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	Kurrent__Rpc__NotLeaderNodeErrorDetails *details =
	    kurrent__rpc__not_leader_node_error_details__unpack(
		&allocator, detail->len, detail->bytes);
	Kurrent__Rpc__NotLeaderNodeErrorDetails__NodeInfo *leader =
	    details ? details->current_leader : NULL;

	if (!leader || !leader->host || strlen(leader->host) >= KDB_HOST_SIZE
	    || leader->port < 1 || leader->port > 65535)
		return;
	copy_text(status->redirect.host, KDB_HOST_SIZE, leader->host,
	    strlen(leader->host));
	status->redirect.port = (uint16_t)leader->port;
}

/* Takes one Any apart without a copy: violations may have megabytes. */
static void
add_detail(struct kdb_status *status, const struct kdb_wire_field *any)
{
	struct kdb_wire_reader reader = kdb_wire_read(any->bytes, any->len);
	struct kdb_status_detail detail = { .type = "", .bytes = (const uint8_t *)"" };
	struct kdb_wire_field field;

	while (kdb_wire_next(&reader, &field)) {
		if (field.number == ANY_TYPE_URL && field.type == KDB_WIRE_BYTES) {
			const uint8_t *slash = memrchr(field.bytes, '/', field.len);

			detail.type = (const char *)(slash ? slash + 1 : field.bytes);
			detail.type_len =
			    field.len - (size_t)((const uint8_t *)detail.type - field.bytes);
		} else if (field.number == ANY_VALUE && field.type == KDB_WIRE_BYTES) {
			detail.bytes = field.bytes;
			detail.len = field.len;
		}
	}
	if (!reader.is_broken)
		status->details[status->detail_count++] = detail;
}

/* grpc-status-details-bin, decoded by C core: a google.rpc.Status (wire-protocol 1.11). */
static void
read_details(struct kdb_status *status, const uint8_t *bytes, size_t len)
{
	struct kdb_wire_reader reader = kdb_wire_read(bytes, len);
	const struct kdb_status_detail *detail;
	struct kdb_wire_field field;

	status->detail_count = 0;
	while (status->detail_count < KDB_STATUS_DETAILS_MAX
	    && kdb_wire_next(&reader, &field))
		if (field.number == STATUS_DETAILS && field.type == KDB_WIRE_BYTES)
			add_detail(status, &field);
	detail = kdb_status_find_detail(status, "google.rpc.ErrorInfo");
	if (detail)
		read_error_info(status, detail);
	if (strcmp(status->reason, "NOT_LEADER_NODE") != 0)
		return;
	status->is_not_leader = true;
	detail = kdb_status_find_detail(status, "kurrent.rpc.NotLeaderNodeErrorDetails");
	if (detail)
		read_not_leader(status, detail);
}

void
kdb_status_add_trailer(struct kdb_status *status, const void *key, size_t key_len,
    const void *value, size_t value_len)
{
	if (equals(key, key_len, "exception")) {
		status->is_not_leader = equals(value, value_len, "not-leader");
		status->is_stream_deleted = equals(value, value_len, "stream-deleted");
	} else if (equals(key, key_len, "leader-endpoint-host")
	    && value_len < KDB_HOST_SIZE) {
		copy_text(status->redirect.host, KDB_HOST_SIZE, value, value_len);
	} else if (equals(key, key_len, "leader-endpoint-port")) {
		status->redirect.port = read_port(value, value_len);
	} else if (equals(key, key_len, "grpc-status-details-bin")) {
		read_details(status, value, value_len);
	} else if (equals(key, key_len, "grpc-retry-pushback-ms")) {
		/* Proxies send this trailer in the middle of a call, too: only the server's own
		 * form, which comes before any handler runs, says that nothing was done. */
		status->is_credentials_pending = status->code == KDB_STATUS_UNAVAILABLE
		    && equals(value, value_len, "-1")
		    && strcmp(status->text, "Server not ready") == 0;
	}
}

const struct kdb_status_detail *
kdb_status_find_detail(const struct kdb_status *status, const char *type)
{
	for (size_t i = 0; i < status->detail_count; i++)
		if (equals(status->details[i].type, status->details[i].type_len, type))
			return &status->details[i];
	return NULL;
}

bool
kdb_status_is_oversized(const struct kdb_status *status)
{
	return status->code == KDB_STATUS_RESOURCE_EXHAUSTED
	    && (strcmp(status->text, "received initial metadata size exceeds limit") == 0
		|| strcmp(status->text, "received trailing metadata size exceeds limit")
		    == 0);
}

bool
kdb_status_is_http_500(const struct kdb_status *status)
{
	return status->code == KDB_STATUS_UNKNOWN
	    && strcmp(status->text, "Received http2 header with status: 500") == 0;
}

bool
kdb_status_has_redirect(const struct kdb_status *status)
{
	return status->is_not_leader && status->redirect.host[0]
	    && status->redirect.port != 0;
}

/* What the whole call was refused for before its handler ran: true for all that it carried. */
static bool
read_refusal_of_call(const struct kdb_status *status,
    const struct kdb_progress *progress, struct kdb_error *error)
{
	switch (status->code) {
	case KDB_STATUS_UNAUTHENTICATED:
		kdb_error_set(error, KDB_UNAUTHENTICATED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database refused the credentials.");
		error->is_own_credentials = progress->is_own_credentials;
		return true;
	case KDB_STATUS_UNIMPLEMENTED:
		kdb_error_set(error, KDB_NOT_SUPPORTED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database does not know this operation.");
		error->requires = progress->requires;
		return true;
	case KDB_STATUS_UNAVAILABLE:
		if (!status->is_credentials_pending)
			return false;
		kdb_error_set(error, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "The database cannot check credentials yet.");
		return true;
	default:
		return false;
	}
}

/* The reasons of V2 (wire-protocol 3.7). Those with details of their own come here when these
 * fit nothing, and keep what the reason alone guarantees. */
static const struct reason {
	const char *name;
	enum kdb_code code;
	enum kdb_outcome outcome;
	const char *detail; /* NULL: the server's text */
} reasons[] = {
	{ "ACCESS_DENIED", KDB_ACCESS_DENIED, KDB_OUTCOME_NOT_WRITTEN,
	    "The database denied access." },
	{ "BAD_REQUEST", KDB_REFUSED_AS_INVALID, KDB_OUTCOME_NOT_WRITTEN, NULL },
	{ "NOT_LEADER_NODE", KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
	    "The node that was asked does not lead any more." },
	{ "OPERATION_TIMEOUT", KDB_DEADLINE_EXCEEDED, KDB_OUTCOME_UNKNOWN,
	    "The database did not confirm the append within its own limit." },
	{ "SERVER_NOT_READY", KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
	    "The database says that it is not ready." },
	{ "SERVER_OVERLOADED", KDB_DATABASE_BUSY, KDB_OUTCOME_NOT_WRITTEN,
	    "The database is overloaded." },
	{ "SERVER_MALFUNCTION", KDB_DATABASE_ERROR, KDB_OUTCOME_UNKNOWN, NULL },
	{ "STREAM_ALREADY_IN_APPEND_SESSION", KDB_REFUSED_AS_INVALID,
	    KDB_OUTCOME_NOT_WRITTEN, NULL },
	{ "APPEND_SESSION_NO_REQUESTS", KDB_REFUSED_AS_INVALID, KDB_OUTCOME_NOT_WRITTEN,
	    NULL },
	{ "STREAM_TOMBSTONED", KDB_DATABASE_ERROR, KDB_OUTCOME_NOT_WRITTEN, NULL },
	{ "STREAM_REVISION_CONFLICT", KDB_DATABASE_ERROR, KDB_OUTCOME_NOT_WRITTEN, NULL },
	{ "APPEND_CONSISTENCY_VIOLATION", KDB_DATABASE_ERROR, KDB_OUTCOME_NOT_WRITTEN,
	    NULL },
	{ "APPEND_RECORD_SIZE_EXCEEDED", KDB_EVENT_TOO_LARGE, KDB_OUTCOME_NOT_WRITTEN,
	    NULL },
	{ "APPEND_TRANSACTION_SIZE_EXCEEDED", KDB_APPEND_TOO_LARGE,
	    KDB_OUTCOME_NOT_WRITTEN, NULL },
};

static const struct reason *
find_reason(const struct kdb_status *status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (strcmp(reasons[i].name, status->reason) == 0)
			return &reasons[i];
	return NULL;
}

static bool
read_reason(const struct kdb_status *status, const struct kdb_progress *progress,
    struct kdb_error *error)
{
	const struct reason *reason = find_reason(status);
	const char *text = status->text[0] ? status->text : "no text";

	if (!reason)
		return false;
	kdb_error_set(error, reason->code,
	    progress->is_complete ? reason->outcome : KDB_OUTCOME_NOT_WRITTEN,
	    "%s%.200s", reason->detail ? reason->detail : "The database answered: ",
	    reason->detail ? "" : text);
	if (reason->code == KDB_EVENT_TOO_LARGE || reason->code == KDB_APPEND_TOO_LARGE) {
		error->size.limit_bytes = error->size.actual_bytes = -1;
		error->size.is_enforced_by_database = true;
	}
	return true;
}

/* A status that speaks about this operation, because the call carried nothing else. */
static bool
read_refusal_of_operation(const struct kdb_status *status,
    const struct kdb_progress *progress, struct kdb_error *error)
{
	if (read_reason(status, progress, error))
		return true;
	if (status->is_not_leader) {
		kdb_error_set(error, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "The node that was asked does not lead any more.");
		return true;
	}
	if (status->code == KDB_STATUS_PERMISSION_DENIED) {
		kdb_error_set(error, KDB_ACCESS_DENIED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database denied access.");
		return true;
	}
	return false;
}

/* An end that says nothing about the operation. On a call of its own an odd status is the
 * database's answer; on the shared call it is only the end of the connection. */
static enum kdb_code
code_of_silence(int code, bool is_alone)
{
	switch (code) {
	case KDB_STATUS_UNAVAILABLE:
	case KDB_STATUS_CANCELLED:
	case KDB_STATUS_ABORTED:
	case KDB_STATUS_OK:
		return KDB_CONNECTION_LOST;
	case KDB_STATUS_DEADLINE_EXCEEDED:
		return is_alone ? KDB_DEADLINE_EXCEEDED : KDB_CONNECTION_LOST;
	default:
		return is_alone ? KDB_DATABASE_ERROR : KDB_CONNECTION_LOST;
	}
}

void
kdb_status_to_error(const struct kdb_status *status, const struct kdb_progress *progress,
    struct kdb_error *error)
{
	bool is_told =
	    (!progress->was_answered
		&& read_refusal_of_call(status, progress, error))
	    || (progress->is_alone && read_refusal_of_operation(status, progress, error));

	if (!is_told)
		kdb_error_set(error, code_of_silence(status->code, progress->is_alone),
		    progress->is_complete ? KDB_OUTCOME_UNKNOWN : KDB_OUTCOME_NOT_WRITTEN,
		    "The call ended without an answer (status %d): %s", status->code,
		    status->text[0] ? status->text : "no text");
	error->grpc_status = status->code;
}
