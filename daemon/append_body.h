/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_BODY_H
#define KG_APPEND_BODY_H

#include "client-core/operations.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bodies of an append: JSON envelope, NDJSON, raw (api-design 3, 4, 5). Pure: bytes
 * in, events out, whose type, data and metadata are spans into the body wherever the body
 * holds those bytes as they are. Covers steps 15 to 17 of the order of checks (api-design
 * 2.1), and the limit on the number of events of step 19.
 */

struct kg_append_limits {
	size_t max_events;
	unsigned max_depth;    /* containers inside one payload */
	size_t max_name_bytes; /* of an event type */
	/* false: a payload's syntax is checked only as far as finding its end needs */
	bool validate_payloads;
	/* M and K: the database takes event types in ASCII only. */
	bool is_type_ascii_only;
};

struct kg_append_body {
	bool has_expected_version; /* in the body: E only */
	int64_t expected_version;
	struct kdb_event *events; /* ids of events without one are all zero */
	size_t event_count;
	void *storage; /* what could not be a span: decoded base64, texts with escapes */
};

/*
 * Each reads body[0..len) for an append to stream_name and fills *append, whose spans are
 * valid as long as the body and until it is disposed of. *refusal was initialised by the
 * caller and holds nothing yet. False: *refusal is set, *append needs no disposing. Too
 * many events are step 19, behind the expectation's step 18: when *refusal is
 * append-too-large, has_expected_version and expected_version are set all the same, so
 * that the caller can refuse for step 18 first.
 */
bool kg_append_body_read_json(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal);
bool kg_append_body_read_ndjson(const char *body, size_t len,
    struct kdb_bytes stream_name, const struct kg_append_limits *limits,
    struct kg_append_body *append, struct kg_refusal *refusal);

/* The raw body is the payload. type, metadata and id come from path, header and query,
 * already checked; type_at is the pointer to where the type stands. is_json by media
 * type: then the syntax is checked here, an empty body is 422. */
bool kg_append_body_read_raw(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, const struct kdb_event *from_parameters,
    const char *type_at, struct kg_append_body *append, struct kg_refusal *refusal);

void kg_append_body_dispose(struct kg_append_body *append);

/* Reads an expectation of api-design 3 from text ("7", "no_stream", "-1" …), without
 * checks-only words. False when it is none. The same for header, query, configuration and
 * JSON strings. */
bool kg_expectation_read(const char *text, size_t len, int64_t *expected_version);

/* What to tell whoever sent something else. */
#define KG_EXPECTATION_ADVICE                                                            \
	"An expectation is an integer from 0 to 9223372036854775807, or one of "         \
	"no_stream, exists and any."

/* Whether an expectation is exact: a number or no_stream. */
bool kg_expectation_is_exact(int64_t expected_version);

#endif
