/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_RECORDS_BODY_H
#define KG_APPEND_RECORDS_BODY_H

#include "client-core/operations.h"
#include "daemon/append_body.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The body of append-records: events that each name their stream, and checks (api-design 7).
 * Pure, as daemon/append_body.h. Covers steps 15 to 17, the numbers of step 19, and step 20
 * of the order of checks.
 */

/* A stream that is written. */
struct kg_record_stream {
	size_t first_record;
	/* That of its check; KDB_VERSION_ANY: it has none. */
	int64_t expected_state;
};

enum { KG_CHECKS_MAX = 1000 };

struct kg_append_records_body {
	struct kdb_record *records; /* ids of events without one are all zero */
	size_t record_count;
	struct kdb_check *checks;
	size_t check_count;
	/* In order of first appearance in records. */
	struct kdb_bytes *stream_names;
	struct kg_record_stream *streams;
	size_t stream_count;
	struct kdb_property *properties; /* of all events, which point into it */
	void *storage;
};

/*
 * Reads body[0..len). The spans of *append are valid as long as the body and until it is
 * disposed of. *refusal was initialised by the caller and holds nothing yet. False: *refusal
 * is set, *append needs no disposing.
 */
bool kg_append_records_body_read(const char *body, size_t len,
    const struct kg_append_limits *limits, struct kg_append_records_body *append,
    struct kg_refusal *refusal);

void kg_append_records_body_dispose(struct kg_append_records_body *append);

/* Reads the state that a check expects, from a text: as an expectation, but not `any`, and
 * `deleted` and `tombstoned`, too. False when it is none. */
bool kg_expected_state_read(const char *text, size_t len, int64_t *expected_state);

#endif
