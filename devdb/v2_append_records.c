/* SPDX-License-Identifier: Apache-2.0 */
/* AppendRecords: records for any streams in one request, written together when all checks
 * are met (wire-protocol 3.3). Owns the request's bytes and what it collects of them. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/unary.h"
#include "devdb/v2_complaints.h"
#include "devdb/v2_decode.h"
#include "devdb/v2_record.h"
#include "devdb/v2_refusals.h"
#include "devdb/v2_write.h"

#include "proto/streams_v2.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST Kurrentdb__Protocol__V2__Streams__AppendRecordsRequest
#define RESPONSE Kurrentdb__Protocol__V2__Streams__AppendRecordsResponse
#define REVISION Kurrentdb__Protocol__V2__Streams__StreamRevision
#define RECORD Kurrentdb__Protocol__V2__Streams__AppendRecord
#define CHECK Kurrentdb__Protocol__V2__Streams__ConsistencyCheck
#define STATE_CHECK Kurrentdb__Protocol__V2__Streams__ConsistencyCheck__StreamStateCheck
#define CHECK_TYPE(name) KURRENTDB__PROTOCOL__V2__STREAMS__CONSISTENCY_CHECK__TYPE_##name

/* The limit of the server's HTTP layer on the body of a unary call, and what gRPC puts in
 * front of a message. */
#define MAX_BODY_BYTES 30000000
#define FRAME_BYTES 5

#define MAX_PATH 64

/* --- validation --- */

static const STATE_CHECK *
state_check(const CHECK *check)
{
	return check->type_case == CHECK_TYPE(STREAM_STATE) ? check->stream_state : NULL;
}

static struct devdb_name
stream_of(const STATE_CHECK *check)
{
	return (struct devdb_name){check->stream.data, check->stream.len};
}

/* Absent is read as 0. */
static int64_t
expected_of(const STATE_CHECK *check)
{
	return check->has_expected_state ? check->expected_state : 0;
}

static void
check_state(
    struct devdb_v2_complaints *complaints, const STATE_CHECK *check, size_t index)
{
	int64_t expected = expected_of(check);
	char path[MAX_PATH];

	snprintf(path, sizeof path, "Checks[%zu].StreamState.", index);
	devdb_v2_check_stream(complaints, path, check->stream.data, check->stream.len);
	if (expected >= 0 || expected == DEVDB_NO_STREAM || expected == DEVDB_EXISTS ||
	    expected == DEVDB_SOFT_DELETED || expected == DEVDB_TOMBSTONED)
		return;
	snprintf(path, sizeof path, "Checks[%zu].StreamState.ExpectedState", index);
	devdb_v2_complain(complaints, path,
	    "Expected state must be positive or one of the allowed constants: NoStream "
	    "(-1), Exists (-4), Deleted (-5), or Tombstoned (-6). Any (-2) is not "
	    "allowed.");
}

static void
check_one(struct devdb_v2_complaints *complaints, const CHECK *check, size_t index)
{
	char path[MAX_PATH];

	if (state_check(check)) {
		check_state(complaints, state_check(check), index);
		return;
	}
	snprintf(path, sizeof path, "Checks[%zu].TypeCase", index);
	devdb_v2_complain(
	    complaints, path, "Each consistency check must specify a type.");
}

/* Makes a part of each check; false when the store is full. */
static bool
add_checks(struct devdb_v2_write *write, const REQUEST *request, bool *has_stream_twice)
{
	*has_stream_twice = false;
	for (size_t i = 0; i < request->n_checks; i++) {
		const STATE_CHECK *check = state_check(request->checks[i]);
		uint32_t part;
		bool is_new;

		if (!check)
			continue;
		if (!devdb_v2_write_part(write, stream_of(check), &part, &is_new))
			return false;
		write->parts[part].expected = expected_of(check);
		*has_stream_twice = *has_stream_twice || !is_new;
	}
	return true;
}

/* Validates all but the records themselves, and takes the checks. */
static bool
take_checks(struct devdb_call *call, struct devdb_v2_write *write, const REQUEST *request)
{
	struct devdb_v2_complaints complaints = {0};
	bool has_stream_twice;

	if (!add_checks(write, request, &has_stream_twice)) {
		devdb_refuse_full(call);
		return false;
	}
	if (request->n_records == 0)
		devdb_v2_complain(&complaints, "Records",
		    "Append records request must contain at least one record.");
	for (size_t i = 0; i < request->n_checks; i++)
		check_one(&complaints, request->checks[i], i);
	if (has_stream_twice)
		devdb_v2_complain(&complaints, "Checks",
		    "Each stream can only appear once in consistency checks.");
	return !devdb_v2_complaints_refuse(&complaints, call, "AppendRecordsRequest");
}

/* --- records --- */

static bool
refuse_access(
    struct devdb_call *call, const struct devdb_v2_write *write, bool is_check_only)
{
	enum devdb_right right = is_check_only ? DEVDB_RIGHT_READ : DEVDB_RIGHT_WRITE;

	for (size_t i = 0; i < write->part_count; i++) {
		const struct devdb_part *part = &write->parts[i];

		if (part->is_check_only == is_check_only &&
		    devdb_v2_refuse_access(call, part->stream, right))
			return true;
	}
	return false;
}

static bool
take_records(
    struct devdb_call *call, struct devdb_v2_write *write, const REQUEST *request)
{
	bool has_all_streams = true;

	for (size_t i = 0; i < request->n_records; i++) {
		const RECORD *record = request->records[i];
		uint32_t part;
		bool is_new;

		if (!devdb_v2_write_part(write,
			(struct devdb_name){record->stream.data, record->stream.len},
			&part, &is_new)) {
			devdb_refuse_full(call);
			return false;
		}
		if (!devdb_v2_record_add(call, write, part, record))
			return false;
		has_all_streams = has_all_streams && record->has_stream;
	}
	if (refuse_access(call, write, false) || refuse_access(call, write, true))
		return false;
	/* Found only when everything else is right: the empty name is no stream's. */
	if (!has_all_streams)
		devdb_refuse_handler(call);
	return has_all_streams;
}

/* --- the answer --- */

/* One for each written stream, in the order of their first records. */
static size_t
list_revisions(const struct devdb_v2_write *write, REVISION *revisions, REVISION **list)
{
	bool *is_listed = kdb_alloc_zero(write->part_count, sizeof *is_listed);
	size_t count = 0;

	for (size_t i = 0; i < write->event_count; i++) {
		const struct devdb_part *part = &write->parts[write->order[i]];

		if (is_listed[write->order[i]])
			continue;
		is_listed[write->order[i]] = true;
		revisions[count] =
		    (REVISION)KURRENTDB__PROTOCOL__V2__STREAMS__STREAM_REVISION__INIT;
		revisions[count].has_stream = revisions[count].has_revision = true;
		revisions[count].stream =
		    devdb_wire_bytes(part->stream.bytes, part->stream.len);
		revisions[count].revision = part->revision;
		list[count] = &revisions[count];
		count++;
	}
	free(is_listed);
	return count;
}

static void
succeed(struct devdb_call *call, const struct devdb_v2_write *what,
    const struct devdb_write *write)
{
	REVISION *revisions = kdb_alloc_zero(what->part_count, sizeof *revisions);
	REVISION **list = kdb_alloc_zero(what->part_count, sizeof *list);
	RESPONSE response =
	    KURRENTDB__PROTOCOL__V2__STREAMS__APPEND_RECORDS_RESPONSE__INIT;

	response.n_revisions = list_revisions(what, revisions, list);
	response.revisions = list;
	response.has_position = true;
	response.position = write->has_position ? (int64_t)write->position : -1;
	devdb_call_send(call, devdb_wire_pack(&response.base));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
	free(list);
	free(revisions);
}

static int64_t
actual_state(const struct devdb_part *part)
{
	if (part->result != DEVDB_STREAM_DELETED)
		return part->revision;
	return part->is_tombstoned ? DEVDB_TOMBSTONED : DEVDB_SOFT_DELETED;
}

static void
fail(struct devdb_call *call, const struct devdb_v2_write *write)
{
	struct devdb_v2_violation *violations =
	    kdb_alloc_zero(write->part_count, sizeof *violations);
	size_t count = 0;

	for (size_t i = 0; i < write->part_count; i++) {
		const struct devdb_part *part = &write->parts[i];

		if (part->result == DEVDB_WRITTEN)
			continue;
		violations[count++] = (struct devdb_v2_violation){
		    .check_index = (int32_t)i,
		    .stream = part->stream,
		    .expected = part->expected,
		    .actual = actual_state(part),
		};
	}
	devdb_v2_refuse_violations(call, violations, count);
	free(violations);
}

static void
carry_out(struct devdb_call *call, struct devdb_v2_write *what)
{
	struct devdb_write write = devdb_v2_write_carry_out(what);

	if (write.result == DEVDB_WRITTEN) {
		call->node->stats.appends_stored++;
		call->node->stats.events_stored += what->event_count;
		succeed(call, what, &write);
	} else if (write.result == DEVDB_FULL) {
		devdb_refuse_full(call);
	} else {
		fail(call, what);
	}
}

/* --- the call --- */

static void
message(struct devdb_call *call, const uint8_t *bytes, size_t len)
{
	if (devdb_v2_refuse_message_size(call, len))
		return;
	if (len + FRAME_BYTES > MAX_BODY_BYTES)
		devdb_refuse_handler(call);
	else
		devdb_unary_message(call, bytes, len);
}

static void
half_close(struct devdb_call *call)
{
	const struct devdb_unary *unary = devdb_unary_request(call);
	const REQUEST *request;
	struct devdb_v2_write write;

	if (!unary)
		return;
	request = devdb_v2_decode(&call->node->arena,
	    &kurrentdb__protocol__v2__streams__append_records_request__descriptor,
	    unary->bytes, unary->len);
	if (!request) {
		devdb_refuse_handler(call);
		return;
	}
	devdb_v2_write_init(&write, call->node->store);
	if (take_checks(call, &write, request) && take_records(call, &write, request) &&
	    !devdb_v2_refuse_request(
		call, write.parts, write.part_count, "Append records"))
		carry_out(call, &write);
	devdb_v2_write_dispose(&write);
}

const struct devdb_method devdb_v2_append_records = {
    .service = "kurrentdb.protocol.v2.streams.StreamsService",
    .name = "AppendRecords",
    .label = "AppendRecords",
    .max_message_bytes = SIZE_MAX,
    .start = devdb_unary_start,
    .message = message,
    .half_close = half_close,
    .end = devdb_unary_end,
};
