/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_PARAMETERS_H
#define KG_PARAMETERS_H

#include "client-core/operations.h"
#include "daemon/cloudevent.h"
#include "daemon/condition.h"
#include "daemon/config.h"
#include "daemon/guard.h"
#include "daemon/head.h"
#include "daemon/json_write.h"
#include "daemon/problem.h"
#include "daemon/trace_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What header and query say about a request (api-design 13.1, 13.2): steps 9 to 11 of the
 * order of checks. Values in several places must agree. Pure.
 */

enum kg_body_form {
	KG_BODY_NONE,
	KG_BODY_JSON,
	KG_BODY_NDJSON,
	KG_BODY_RAW_JSON, /* R, and C in binary mode: the body is the payload */
	KG_BODY_RAW_BYTES,
	KG_BODY_CLOUDEVENT,       /* C in structured mode */
	KG_BODY_CLOUDEVENT_BATCH, /* C in batch mode */
};

/* The checks of /readyz, as bits. */
enum kg_check {
	KG_CHECK_LISTENER = 1 << 0,
	KG_CHECK_DRAINING = 1 << 1,
	KG_CHECK_LEADER = 1 << 2,
	KG_CHECK_CREDENTIALS = 1 << 3,
	KG_CHECK_ALL = 15,
};

struct kg_parameters {
	enum kg_body_form body_form;
	bool has_expected_version;
	int64_t expected_version;
	const char *expected_version_at; /* pointer to where it stands; a literal */
	bool has_event_id;
	uint8_t event_id[16];
	bool has_timeout;
	int64_t timeout_ns; /* as asked for; not clamped */
	struct kdb_bytes metadata;
	const char *metadata_at; /* which header gave it; a literal */
	void *metadata_storage;
	struct kg_cloudevent cloudevent; /* C in binary mode: what the ce- headers say */
	struct kdb_bytes key; /* Idempotency-Key, a span into the head; length 0: none */
	unsigned excluded;    /* bits of enum kg_check */
	enum kg_int64_form int64_form;  /* Prefer: int64=string */
	const char *preference_applied; /* value of Preference-Applied; NULL: none */
	bool is_gzip;                   /* the body is compressed */
	/* If-Match or If-None-Match of P; expected_version says what they stand for, and a
	 * miss is then 412 instead of 409 (api-design 8). */
	bool has_condition;
	bool is_condition_weak; /* it never matches */
	/* If-None-Match of G. */
	struct kg_known_versions known_versions;
	struct kg_trace_context *trace; /* NULL: the request has no traceparent */
};

/* What the values are compared with, and which rows are taken. */
struct kg_parameters_context {
	const struct kg_config *config;
	unsigned takes;              /* bits of enum kg_takes */
	struct kdb_bytes event_type; /* of the path, on R */
};

/* Reads and checks everything; query is decoded in place. False: *refusal is set. Dispose
 * of *parameters in any case. Its spans are valid as long as the head's texts. */
bool kg_parameters_read(const struct kg_head *head, const struct kg_target *target,
    const struct kg_parameters_context *context, struct kg_parameters *parameters,
    struct kg_refusal *refusal);

void kg_parameters_dispose(struct kg_parameters *parameters);

/* The bit of a check by its name; 0: there is none. */
unsigned kg_parameters_check(const char *name, size_t len);

/* The media types that an endpoint takes, for 415; NULL-terminated; NULL: any. */
const char *const *kg_parameters_accepted_types(unsigned takes);

#endif
