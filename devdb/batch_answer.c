/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of BatchAppend, byte for byte as recorded. Owns nothing. */
#include "devdb/batch_answer.h"

#include "client-core/base/alloc.h"
#include "devdb/wire.h"

#include <grpc/status.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_URL(name) "type.googleapis.com/event_store.client." name

#define BATCH_RESP EventStore__Client__Streams__BatchAppendResp
#define BATCH_SUCCESS EventStore__Client__Streams__BatchAppendResp__Success

static Google__Protobuf__Empty google_empty = GOOGLE__PROTOBUF__EMPTY__INIT;

static grpc_byte_buffer *
pack_error(const struct devdb_batch_subject *subject, int code, const char *message,
    const char *type_url, const ProtobufCMessage *detail)
{
	uint8_t detail_bytes[512];
	size_t detail_len = protobuf_c_message_get_packed_size(detail);
	uint8_t *packed =
	    detail_len > sizeof detail_bytes ? kdb_alloc(detail_len) : detail_bytes;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	Google__Protobuf__Any *details[] = {&any};
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	BATCH_RESP resp = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__INIT;
	grpc_byte_buffer *buffer;

	protobuf_c_message_pack(detail, packed);
	any.type_url = (char *)type_url;
	any.has_value = detail_len > 0;
	any.value = devdb_wire_bytes(packed, detail_len);
	status.has_code = code != 0;
	status.code = code;
	status.has_message = true;
	status.message = devdb_wire_bytes(message, strlen(message));
	status.n_details = 1;
	status.details = details;
	resp.correlation_id = (EventStore__Client__UUID *)subject->correlation_id;
	resp.stream_identifier = (EventStore__Client__StreamIdentifier *)subject->stream;
	resp.result_case = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_ERROR;
	resp.error = &status;
	buffer = devdb_wire_pack(&resp.base);
	if (packed != detail_bytes)
		free(packed);
	return buffer;
}

grpc_byte_buffer *
devdb_batch_answer_plain_error(
    const struct devdb_batch_subject *subject, int code, const char *message)
{
	return pack_error(subject, code, message,
	    "type.googleapis.com/google.protobuf.Empty", &google_empty.base);
}

grpc_byte_buffer *
devdb_batch_answer_full(const struct devdb_batch_subject *subject)
{
	return devdb_batch_answer_plain_error(subject, GRPC_STATUS_RESOURCE_EXHAUSTED,
	    "The development database is full (--max-memory)");
}

grpc_byte_buffer *
devdb_batch_answer_timeout(const struct devdb_batch_subject *subject)
{
	EventStore__Client__Timeout detail = EVENT_STORE__CLIENT__TIMEOUT__INIT;

	return pack_error(subject, GRPC_STATUS_DEADLINE_EXCEEDED, "Timeout",
	    TYPE_URL("Timeout"), &detail.base);
}

grpc_byte_buffer *
devdb_batch_answer_access_denied(const struct devdb_batch_subject *subject)
{
	EventStore__Client__AccessDenied detail =
	    EVENT_STORE__CLIENT__ACCESS_DENIED__INIT;

	return pack_error(subject, GRPC_STATUS_PERMISSION_DENIED, "AccessDenied",
	    TYPE_URL("AccessDenied"), &detail.base);
}

grpc_byte_buffer *
devdb_batch_answer_bad_request(
    const struct devdb_batch_subject *subject, const char *text)
{
	EventStore__Client__BadRequest detail = EVENT_STORE__CLIENT__BAD_REQUEST__INIT;

	detail.has_message = true;
	detail.message = devdb_wire_bytes(text, strlen(text));
	return pack_error(subject, GRPC_STATUS_INVALID_ARGUMENT, "BadRequest",
	    TYPE_URL("BadRequest"), &detail.base);
}

static grpc_byte_buffer *
pack_deleted(const struct devdb_batch_subject *subject)
{
	EventStore__Client__StreamDeleted detail =
	    EVENT_STORE__CLIENT__STREAM_DELETED__INIT;

	detail.stream_identifier =
	    (EventStore__Client__StreamIdentifier *)subject->stream;
	return pack_error(subject, GRPC_STATUS_NOT_FOUND, "StreamDeleted",
	    TYPE_URL("StreamDeleted"), &detail.base);
}

static void
set_expected(EventStore__Client__WrongExpectedVersion *detail, int64_t expected)
{
#define EXPECTED_CASE(name)                                                              \
	EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__EXPECTED_STREAM_POSITION_OPTION_##name
	switch (expected) {
	case DEVDB_ANY:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_ANY);
		detail->expected_any = &google_empty;
		break;
	case DEVDB_EXISTS:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_STREAM_EXISTS);
		detail->expected_stream_exists = &google_empty;
		break;
	case DEVDB_NO_STREAM:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_NO_STREAM);
		detail->expected_no_stream = &google_empty;
		break;
	default:
		detail->expected_stream_position_option_case =
		    EXPECTED_CASE(EXPECTED_STREAM_POSITION);
		detail->expected_stream_position = (uint64_t)expected;
	}
#undef EXPECTED_CASE
}

static grpc_byte_buffer *
pack_wrong_version(
    const struct devdb_batch_subject *subject, int64_t expected, int64_t actual)
{
#define CURRENT_CASE(name)                                                               \
	EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__CURRENT_STREAM_REVISION_OPTION_##name
	EventStore__Client__WrongExpectedVersion detail =
	    EVENT_STORE__CLIENT__WRONG_EXPECTED_VERSION__INIT;

	if (actual < 0) {
		detail.current_stream_revision_option_case =
		    CURRENT_CASE(CURRENT_NO_STREAM);
		detail.current_no_stream = &google_empty;
	} else {
		detail.current_stream_revision_option_case =
		    CURRENT_CASE(CURRENT_STREAM_REVISION);
		detail.current_stream_revision = (uint64_t)actual;
	}
	set_expected(&detail, expected);
	return pack_error(subject, GRPC_STATUS_ALREADY_EXISTS, "WrongExpectedVersion",
	    TYPE_URL("WrongExpectedVersion"), &detail.base);
#undef CURRENT_CASE
}

static grpc_byte_buffer *
pack_success(const struct devdb_batch_subject *subject, const struct devdb_write *write)
{
#define SUCCESS_CASE(name)                                                               \
	EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__##name
	BATCH_RESP resp = EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__INIT;
	BATCH_SUCCESS success =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__SUCCESS__INIT;
	EventStore__Client__AllStreamPosition position =
	    EVENT_STORE__CLIENT__ALL_STREAM_POSITION__INIT;

	if (write->revision < 0) {
		success.current_revision_option_case =
		    SUCCESS_CASE(CURRENT_REVISION_OPTION_NO_STREAM);
		success.no_stream = &google_empty;
	} else {
		success.current_revision_option_case =
		    SUCCESS_CASE(CURRENT_REVISION_OPTION_CURRENT_REVISION);
		success.current_revision = (uint64_t)write->revision;
	}
	if (write->has_position) {
		position.has_commit_position = position.has_prepare_position = true;
		position.commit_position = position.prepare_position = write->position;
		success.position_option_case = SUCCESS_CASE(POSITION_OPTION_POSITION);
		success.position = &position;
	} else {
		success.position_option_case = SUCCESS_CASE(POSITION_OPTION_NO_POSITION);
		success.no_position = &google_empty;
	}
	resp.correlation_id = (EventStore__Client__UUID *)subject->correlation_id;
	resp.stream_identifier = (EventStore__Client__StreamIdentifier *)subject->stream;
	resp.result_case =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_RESP__RESULT_SUCCESS;
	resp.success = &success;
	return devdb_wire_pack(&resp.base);
#undef SUCCESS_CASE
}

grpc_byte_buffer *
devdb_batch_answer_event_size(const struct devdb_batch_subject *subject,
    const struct devdb_guid *id, size_t size, size_t max_size)
{
	EventStore__Client__MaximumAppendEventSizeExceeded detail =
	    EVENT_STORE__CLIENT__MAXIMUM_APPEND_EVENT_SIZE_EXCEEDED__INIT;
	char id_text[DEVDB_GUID_TEXT_SIZE];

	devdb_guid_format(id, id_text);
	detail.event_id = id_text;
	detail.has_proposed_event_size = true;
	detail.proposed_event_size = (uint32_t)size;
	detail.has_max_append_event_size = true;
	detail.max_append_event_size = (uint32_t)max_size;
	return pack_error(subject, GRPC_STATUS_INVALID_ARGUMENT,
	    "MaximumAppendEventSizeExceeded", TYPE_URL("MaximumAppendEventSizeExceeded"),
	    &detail.base);
}

grpc_byte_buffer *
devdb_batch_answer_append_size(const struct devdb_batch_subject *subject, size_t max_size)
{
	EventStore__Client__MaximumAppendSizeExceeded detail =
	    EVENT_STORE__CLIENT__MAXIMUM_APPEND_SIZE_EXCEEDED__INIT;

	detail.has_max_append_size = true;
	detail.max_append_size = (uint32_t)max_size;
	return pack_error(subject, GRPC_STATUS_INVALID_ARGUMENT,
	    "MaximumAppendSizeExceeded", TYPE_URL("MaximumAppendSizeExceeded"),
	    &detail.base);
}

grpc_byte_buffer *
devdb_batch_answer_write(const struct devdb_batch_subject *subject, int64_t expected,
    const struct devdb_write *write)
{
	switch (write->result) {
	case DEVDB_WRITTEN:
		return pack_success(subject, write);
	case DEVDB_WRONG_VERSION:
		return pack_wrong_version(subject, expected, write->revision);
	case DEVDB_STREAM_DELETED:
		return pack_deleted(subject);
	default:
		return devdb_batch_answer_full(subject);
	}
}
