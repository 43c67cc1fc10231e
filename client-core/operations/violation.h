/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_VIOLATION_H
#define KDB_OPERATIONS_VIOLATION_H

#include "client-core/operations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why AppendRecords was refused: AppendConsistencyViolationErrorDetails (wire-protocol 1.9, 3.3).
 * Pure. */

#define KDB_VIOLATION_DETAIL                                                             \
	"kurrentdb.protocol.v2.streams.errors.AppendConsistencyViolationErrorDetails"

/* What a request demands of one stream, and how it is called in a failure. */
struct kdb_condition {
	struct kdb_bytes stream_name;
	bool is_check;
	size_t index;
	int64_t expected_state; /* KDB_VERSION_ANY: only that it is not tombstoned */
};

/*
 * Reads the violations into failures, which has room for condition_count of them, in the order
 * of the conditions. Each belongs to the condition on the stream that it names: no two conditions
 * are on the same stream, and the server's own index is not needed. Returns how many there are;
 * 0 when the bytes are none, or when one of them fits no condition.
 */
size_t kdb_violation_read(const uint8_t *bytes, size_t len,
    const struct kdb_condition *conditions, size_t condition_count,
    struct kdb_failure *failures);

#endif
