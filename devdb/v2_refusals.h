/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_REFUSALS_H
#define DEVDB_V2_REFUSALS_H

#include "devdb/access.h"
#include "devdb/call.h"
#include "devdb/store.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

struct kdb_buffer;

/*
 * The ways in which methods of the second generation end a call without success: a status
 * with a google.rpc.Status in its trailers (wire-protocol 1.9 to 1.11, 3.7). Everything
 * handed in is borrowed.
 */

struct devdb_v2_error {
	grpc_status_code status;
	const char *domain;
	const char *reason;
};

extern const struct devdb_v2_error devdb_v2_bad_request;

/* Ends the call; detail may be NULL. */
void devdb_v2_refuse(struct devdb_call *call, const struct devdb_v2_error *error,
    const struct kdb_buffer *text, const ProtobufCMessage *detail);

void devdb_v2_refuse_conflict(
    struct devdb_call *call, struct devdb_name stream, int64_t expected, int64_t actual);
void devdb_v2_refuse_tombstoned(struct devdb_call *call, struct devdb_name stream);
void devdb_v2_refuse_by_malfunction(struct devdb_call *call);
void devdb_v2_refuse_already_in_session(
    struct devdb_call *call, struct devdb_name stream);
void devdb_v2_refuse_no_requests(struct devdb_call *call);
void devdb_v2_refuse_record_size(struct devdb_call *call, struct devdb_name stream,
    const char *record_id, uint64_t size, uint64_t max_size);
void devdb_v2_refuse_transaction_size(
    struct devdb_call *call, uint64_t size, uint64_t max_size, size_t record_count);

/* Says no to a message that is longer than the server takes; true when it did. */
bool devdb_v2_refuse_message_size(struct devdb_call *call, size_t len);

/* Says no to a caller without the right; true when it did. */
bool devdb_v2_refuse_access(
    struct devdb_call *call, struct devdb_name stream, enum devdb_right right);

/* What stood against a part of a write over several streams. */
struct devdb_v2_violation {
	int32_t check_index;
	struct devdb_name stream;
	int64_t expected;
	int64_t actual; /* revision, or one of the negative numbers of store.h */
};

void devdb_v2_refuse_violations(
    struct devdb_call *call, const struct devdb_v2_violation *violations, size_t count);

/* As devdb_refuse_request(): faults on any of the streams, then the node's role. `what`
 * is the server's name of the method in texts. */
bool devdb_v2_refuse_request(struct devdb_call *call, const struct devdb_part *parts,
    size_t count, const char *what);

#endif
