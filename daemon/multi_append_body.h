/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_MULTI_APPEND_BODY_H
#define KG_MULTI_APPEND_BODY_H

#include "client-core/operations.h"
#include "daemon/append_body.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The body of a multi-append: groups of events, one for each stream (api-design 6, 7). Pure,
 * as daemon/append_body.h. Covers steps 15 to 17, the numbers of step 19, and step 20 of the
 * order of checks.
 */
struct kg_multi_append_body {
	struct kdb_stream_append *streams; /* ids of events without one are all zero */
	size_t stream_count;
	struct kdb_event *events; /* of all streams, which point into it */
	size_t event_count;
	struct kdb_property *properties; /* of all events, which point into it */
	void *storage;
};

/*
 * Reads body[0..len). default_version: the expectation of groups without one; NULL: they are
 * refused. The spans of *multi are valid as long as the body and until it is disposed of.
 * *refusal was initialised by the caller and holds nothing yet. False: *refusal is set, *multi
 * needs no disposing.
 */
bool kg_multi_append_body_read(const char *body, size_t len,
    const struct kg_append_limits *limits, const int64_t *default_version,
    struct kg_multi_append_body *multi, struct kg_refusal *refusal);

void kg_multi_append_body_dispose(struct kg_multi_append_body *multi);

#endif
