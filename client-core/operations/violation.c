/* SPDX-License-Identifier: Apache-2.0 */
/* Violations to failures, by the name of the stream. Names are sorted once, so a thousand
 * violations of a thousand conditions stay cheap. */
#include "client-core/operations/violation.h"

#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"
#include "client-core/operations/name_index.h"

#include "proto/streams_v2_errors.pb-c.h"

#include <stdlib.h>

typedef Kurrentdb__Protocol__V2__Streams__Errors__AppendConsistencyViolationErrorDetails
    details_message;
typedef Kurrentdb__Protocol__V2__Streams__Errors__ConsistencyViolation violation_message;

/* What the decoder needs for one violation besides its bytes, rounded up. */
enum { ARENA_BYTES_PER_VIOLATION = 512, ARENA_BYTES = 16 * 1024 };

/* An absent number is 0 (wire-protocol 1.9). */
static bool
read_actual_state(const violation_message *violation, int64_t *state)
{
	if (violation->type_case
	    != KURRENTDB__PROTOCOL__V2__STREAMS__ERRORS__CONSISTENCY_VIOLATION__TYPE_STREAM_STATE)
		return false;
	*state = violation->stream_state->has_actual_state
	    ? violation->stream_state->actual_state
	    : 0;
	return *state >= KDB_VERSION_NO_STREAM || *state == KDB_VERSION_DELETED
	    || *state == KDB_VERSION_TOMBSTONED;
}

/* actual_states[i] is that of condition i, or KDB_VERSION_ANY when it holds. */
static bool
sort_in(const details_message *details, const struct kdb_name_index *names,
    int64_t *actual_states)
{
	for (size_t i = 0; i < details->n_violations; i++) {
		const violation_message *violation = details->violations[i];
		int64_t state;
		size_t at;

		if (!read_actual_state(violation, &state))
			return false;
		at = kdb_name_index_find(names,
		    (struct kdb_bytes){ violation->stream_state->stream.data,
			violation->stream_state->stream.len });
		if (at == SIZE_MAX || actual_states[at] != KDB_VERSION_ANY)
			return false;
		actual_states[at] = state;
	}
	return true;
}

static size_t
list(const struct kdb_condition *conditions, size_t condition_count,
    const int64_t *actual_states, struct kdb_failure *failures)
{
	size_t count = 0;

	for (size_t i = 0; i < condition_count; i++)
		if (actual_states[i] != KDB_VERSION_ANY)
			failures[count++] = (struct kdb_failure){
				.is_check = conditions[i].is_check,
				.index = conditions[i].index,
				.expected_state = conditions[i].expected_state,
				.actual_state = actual_states[i],
			};
	return count;
}

static size_t
read_details(const details_message *details, const struct kdb_condition *conditions,
    size_t condition_count, struct kdb_failure *failures)
{
	int64_t *actual_states = kdb_alloc_zero(condition_count, sizeof *actual_states);
	struct kdb_name_index *names = kdb_name_index_new(condition_count);
	size_t count = 0;

	for (size_t i = 0; i < condition_count; i++) {
		actual_states[i] = KDB_VERSION_ANY;
		kdb_name_index_add(names, conditions[i].stream_name);
	}
	kdb_name_index_sort(names);
	if (sort_in(details, names, actual_states))
		count = list(conditions, condition_count, actual_states, failures);
	kdb_name_index_free(names);
	free(actual_states);
	return count;
}

size_t
kdb_violation_read(const uint8_t *bytes, size_t len,
    const struct kdb_condition *conditions, size_t condition_count,
    struct kdb_failure *failures)
{
	size_t size = ARENA_BYTES + len + condition_count * ARENA_BYTES_PER_VIOLATION;
	struct kdb_arena arena = { kdb_alloc(size), size, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	details_message *details =
	    kurrentdb__protocol__v2__streams__errors__append_consistency_violation_error_details__unpack(
		&allocator, len, bytes);
	size_t count = details
	    ? read_details(details, conditions, condition_count, failures)
	    : 0;

	free(arena.memory);
	return count;
}
