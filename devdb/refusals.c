/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and trailers of refusals, each as recorded from a server 26.1. Owns nothing. */
#include "devdb/refusals.h"

#include "client-core/base/alloc.h"
#include "devdb/node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 24

void
devdb_refuse_handler(struct devdb_call *call)
{
	devdb_call_finish(
	    call, GRPC_STATUS_UNKNOWN, "Exception was thrown by handler.", NULL, 0);
}

void
devdb_refuse_argument(struct devdb_call *call, const char *text)
{
	devdb_call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, text, NULL, 0);
}

static struct devdb_trailer
text_trailer(const char *key, const char *value)
{
	return (struct devdb_trailer){key, value, strlen(value)};
}

static bool
fits_trailer(struct devdb_name name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.bytes[i] < 0x20 || name.bytes[i] > 0x7e)
			return false;
	}
	return true;
}

/* The server's HTTP layer refuses a trailer outside ASCII: HTTP 500 and no gRPC status.
 * C core cannot send that; this is what its client makes of it (wire-protocol 2.5). */
static bool
is_destroyed_by(struct devdb_call *call, struct devdb_name name)
{
	if (fits_trailer(name))
		return false;
	devdb_call_finish(
	    call, GRPC_STATUS_UNKNOWN, "Received http2 header with status: 500", NULL, 0);
	return true;
}

void
devdb_refuse_deleted(struct devdb_call *call, struct devdb_name name)
{
	struct devdb_trailer trailers[] = {
	    text_trailer("exception", "stream-deleted"),
	    {"stream-name", name.bytes, name.len},
	};
	char *text;

	if (is_destroyed_by(call, name))
		return;
	text = kdb_alloc_printf(
	    "Event stream '%.*s' is deleted.", (int)name.len, (const char *)name.bytes);
	devdb_call_finish(call, GRPC_STATUS_FAILED_PRECONDITION, text, trailers, 2);
	free(text);
}

void
devdb_refuse_wrong_version(
    struct devdb_call *call, struct devdb_name name, int64_t expected, int64_t actual)
{
	char expected_text[NUMBER_SIZE];
	char actual_text[NUMBER_SIZE];
	char *text;

	if (is_destroyed_by(call, name))
		return;
	snprintf(expected_text, sizeof expected_text, "%" PRId64, expected);
	snprintf(actual_text, sizeof actual_text, "%" PRId64, actual);
	struct devdb_trailer trailers[] = {
	    text_trailer("exception", "wrong-expected-version"),
	    {"stream-name", name.bytes, name.len},
	    text_trailer("expected-version", expected_text),
	    text_trailer("actual-version", actual_text),
	};

	text =
	    kdb_alloc_printf("Delete failed due to WrongExpectedVersion. Stream: %.*s, "
			     "Expected version: %s, Actual version: %s",
		(int)name.len, (const char *)name.bytes, expected_text, actual_text);
	devdb_call_finish(call, GRPC_STATUS_FAILED_PRECONDITION, text, trailers, 4);
	free(text);
}

void
devdb_refuse_missing_property(struct devdb_call *call, const char *property)
{
	struct devdb_trailer trailers[] = {
	    text_trailer("exception", "missing-required-metadata-property"),
	    text_trailer("required-metadata-properties", "type,content-type"),
	};
	char *text =
	    kdb_alloc_printf("Required Metadata Property '%s' is missing", property);

	devdb_call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, text, trailers, 2);
	free(text);
}

void
devdb_refuse_append_size(struct devdb_call *call, uint64_t max_bytes)
{
	char max_text[NUMBER_SIZE];
	char *text =
	    kdb_alloc_printf("Maximum Append Size of %" PRIu64 " Exceeded.", max_bytes);

	snprintf(max_text, sizeof max_text, "%" PRIu64, max_bytes);
	struct devdb_trailer trailers[] = {
	    text_trailer("exception", "maximum-append-size-exceeded"),
	    text_trailer("maximum-append-size", max_text),
	};

	devdb_call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, text, trailers, 2);
	free(text);
}

void
devdb_refuse_event_size(
    struct devdb_call *call, const char *id_json, uint64_t size, uint64_t max_bytes)
{
	char size_text[NUMBER_SIZE];
	char max_text[NUMBER_SIZE];
	char *text =
	    kdb_alloc_printf("Event with Id: %s, Size: %" PRIu64
			     ", exceeds Maximum Append Event Size of %" PRIu64 ".",
		id_json, size, max_bytes);

	snprintf(size_text, sizeof size_text, "%" PRIu64, size);
	snprintf(max_text, sizeof max_text, "%" PRIu64, max_bytes);
	struct devdb_trailer trailers[] = {
	    text_trailer("exception", "maximum-append-event-size-exceeded"),
	    text_trailer("maximum-append-event-size", max_text),
	    text_trailer("event-id", id_json),
	    text_trailer("proposed-append-event-size", size_text),
	};

	devdb_call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, text, trailers, 4);
	free(text);
}

void
devdb_refuse_not_leader(struct devdb_call *call, const char *host, int port)
{
	char port_text[NUMBER_SIZE];

	snprintf(port_text, sizeof port_text, "%d", port);
	struct devdb_trailer trailers[] = {
	    text_trailer("exception", "not-leader"),
	    text_trailer("leader-endpoint-host", host),
	    text_trailer("leader-endpoint-port", port_text),
	};

	devdb_call_finish(
	    call, GRPC_STATUS_NOT_FOUND, "Leader info available", trailers, 3);
}

void
devdb_refuse_not_ready(struct devdb_call *call)
{
	devdb_call_finish(call, GRPC_STATUS_UNAVAILABLE, "Server Is Not Ready", NULL, 0);
}

void
devdb_refuse_full(struct devdb_call *call)
{
	devdb_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
	    "The development database is full (--max-memory).", NULL, 0);
}

void
devdb_refuse_access(struct devdb_call *call)
{
	struct devdb_trailer trailers[] = {text_trailer("exception", "access-denied")};

	devdb_call_finish(
	    call, GRPC_STATUS_PERMISSION_DENIED, "Access Denied", trailers, 1);
}

/* A field with a length that goes beyond the end: no protobuf message of any type. */
static void
answer_garbage(struct devdb_call *call)
{
	grpc_slice slice =
	    grpc_slice_from_static_string("\x0a\xff\xff\xff\xff\x07garbage");
	grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	devdb_call_send(call, message);
}

static void
refuse_with_big_trailers(struct devdb_call *call, const struct devdb_fault *fault)
{
	size_t len = (size_t)fault->trailer_bytes;
	char *padding = kdb_alloc(len);
	struct devdb_trailer trailers[] = {{"x-padding", padding, len}};

	memset(padding, 'x', len);
	devdb_call_finish(
	    call, (grpc_status_code)fault->status, fault->message, trailers, 1);
	free(padding);
}

bool
devdb_refuse_fault(struct devdb_call *call, const struct devdb_fault *fault)
{
	switch (fault->action) {
	case DEVDB_FAULT_DELAY:
		devdb_call_delay(call, fault->delay_ms);
		return false;
	case DEVDB_FAULT_DROP_AFTER:
		devdb_call_freeze(call);
		return false;
	case DEVDB_FAULT_DROP_BEFORE:
	case DEVDB_FAULT_HANG:
		devdb_call_freeze(call);
		return true;
	case DEVDB_FAULT_NOT_READY:
		devdb_refuse_not_ready(call);
		return true;
	case DEVDB_FAULT_BUSY:
		devdb_call_finish(
		    call, GRPC_STATUS_UNAVAILABLE, "Server Is Too Busy", NULL, 0);
		return true;
	case DEVDB_FAULT_TIMEOUT:
		devdb_call_finish(call, GRPC_STATUS_ABORTED,
		    "Operation timed out: Commit phase timeout.", NULL, 0);
		return true;
	case DEVDB_FAULT_NOT_LEADER:
		devdb_refuse_not_leader(call, fault->leader_host, fault->leader_port);
		return true;
	case DEVDB_FAULT_ACCESS_DENIED:
		devdb_refuse_access(call);
		return true;
	case DEVDB_FAULT_END_CALL:
		devdb_call_reset(call);
		return true;
	case DEVDB_FAULT_GARBAGE:
		answer_garbage(call);
		if (!call->method->is_bidirectional)
			devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
		return true;
	case DEVDB_FAULT_BIG_TRAILERS:
		refuse_with_big_trailers(call, fault);
		return true;
	case DEVDB_FAULT_UNIMPLEMENTED:
		devdb_call_finish(
		    call, GRPC_STATUS_UNIMPLEMENTED, "Method is unimplemented.", NULL, 0);
		return true;
	case DEVDB_FAULT_UNAUTHENTICATED:
		devdb_call_finish(
		    call, GRPC_STATUS_UNAUTHENTICATED, "Unauthenticated", NULL, 0);
		return true;
	default:
		devdb_call_finish(
		    call, (grpc_status_code)fault->status, fault->message, NULL, 0);
		return true;
	}
}

static bool
refuse_by_role(struct devdb_call *call)
{
	struct devdb_role_view role = devdb_role_get(&call->node->role);

	if (devdb_role_takes_writes(&role))
		return false;
	if (*role.leader_host)
		devdb_refuse_not_leader(call, role.leader_host, role.leader_port);
	else
		devdb_refuse_not_ready(call);
	return true;
}

bool
devdb_refuse_request(struct devdb_call *call, struct devdb_name name, bool is_write)
{
	struct devdb_fault fault;

	if (devdb_faults_strike_request(
		call->node->faults, call->method->label, name, &fault) &&
	    devdb_refuse_fault(call, &fault))
		return true;
	return is_write && refuse_by_role(call);
}
