/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_PROBLEM_H
#define KG_PROBLEM_H

#include "client-core/base/buffer.h"
#include "client-core/error.h"
#include "client-core/operations.h"
#include "daemon/json_write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Problems (api-design 10): one row per code in problems.def, and the refusal, which is
 * one problem with what this request adds to it. Pure. The body is
 * application/problem+json.
 */

enum kg_problem {
#define KG_PROBLEM_ROW(name, code, status, title, description) KG_PROBLEM_##name,
#include "daemon/problems.def"
#undef KG_PROBLEM_ROW
	KG_PROBLEM_COUNT,
};

struct kg_problem_row {
	const char *code; /* "wrong-current-version" */
	unsigned status; /* 409; 408 and 499 never go out, they are for log and metrics */
	const char *title;       /* fixed per code */
	const char *description; /* a paragraph for /problems/{code} */
};

/* The row of a problem; valid for ever. */
const struct kg_problem_row *kg_problem_row(enum kg_problem problem);

/* Finds a problem by its code; false when there is none. */
bool kg_problem_find(const char *code, enum kg_problem *problem);

enum { KG_FINDINGS_MAX = 16, KG_FINDING_TEXT_SIZE = 200, KG_REFUSAL_DETAIL_SIZE = 400 };

/* One entry of errors[]. Texts are cut at their size, never in the middle of a character.
 */
struct kg_finding {
	char *pointer; /* JSON Pointer, header:Name, query:name, path:stream; owned */
	char detail[KG_FINDING_TEXT_SIZE];
	char hint[KG_FINDING_TEXT_SIZE]; /* "" = none */
};

/* How the answer writes the events' ids (api-design 10, event_ids). */
struct kg_event_ids {
	const uint8_t (*ids)[16]; /* borrowed */
	size_t count;
	/* M: how many of them each group has; borrowed. NULL: one flat list. */
	const size_t *group_counts;
	size_t group_count;
};

enum kg_failure_kind { KG_FAILURE_GROUP, KG_FAILURE_CHECK, KG_FAILURE_TARGET };

/* One entry of failures[]: why a write to several streams was refused (api-design 6, 10). */
struct kg_failure {
	enum kg_failure_kind kind;
	size_t index;                 /* in streams, checks or records of the request */
	struct kdb_bytes stream_name; /* borrowed */
	int64_t expected_state;
	int64_t actual_state;
};

/*
 * One refusal under construction. The first finding or problem decides the code: later
 * findings of the same step only add to findings[] (api-design 2.1). Start with
 * kg_refusal_init(), end with kg_refusal_dispose().
 */
struct kg_refusal {
	bool is_set;
	enum kg_problem problem;
	char detail[KG_REFUSAL_DETAIL_SIZE];
	struct kg_finding findings[KG_FINDINGS_MAX];
	size_t finding_count;

	enum kdb_outcome outcome;
	bool is_retryable;

	int64_t byte_offset; /* malformed-json; -1: none */

	bool has_conflict; /* stream_name, expected_version, actual_version */
	int64_t expected_version;
	int64_t actual_version;
	bool has_stream_name; /* only stream_name, as on 410 */
	char *stream_name;    /* owned; printed where has_conflict or has_stream_name */

	bool has_failures; /* failures_complete is printed */
	bool are_failures_complete;
	/* Owned. NULL: failures[] is left out. */
	struct kg_failure *failures;
	size_t failure_count;
	bool has_group; /* M: pointer is printed, that of the group which decided */
	size_t group_index;

	const char *limit_unit; /* NULL, "bytes", "events", "checks": limit_bytes … */
	int64_t limit;
	int64_t actual;          /* -1: printed as null */
	const char *enforced_by; /* "gateway", "database" */

	const char *requires;              /* 501; borrowed */
	const char *server_version;        /* 501; borrowed; NULL: printed as null */
	const char *const *accepted_types; /* 415; NULL-terminated, borrowed */
	bool is_coding_refused;            /* 415; it is about Content-Encoding */
	const char *retry_hint;            /* borrowed; only with outcome unknown */
	struct kg_event_ids event_ids;     /* only with outcome unknown */

	unsigned retry_after_seconds; /* 0: no Retry-After */
};

void kg_refusal_init(struct kg_refusal *refusal);
void kg_refusal_dispose(struct kg_refusal *refusal);

/* Sets the problem with a detail made as by printf(); the first call wins, later ones do
 * nothing. Outcome stays not_written, retryable stays false. */
void kg_refusal_set(struct kg_refusal *refusal, enum kg_problem problem,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds a finding, up to 16; the first also sets the problem, and the refusal's detail to
 * a sentence that fits it. hint may be NULL. All texts are copied. */
void kg_refusal_add(struct kg_refusal *refusal, enum kg_problem problem,
    const char *pointer, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Replaces the detail of a refusal that is set, as by printf(). */
void kg_refusal_set_detail(struct kg_refusal *refusal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The problem that a state of a stream is on M. */
enum kg_problem kg_failure_problem(const struct kg_failure *failure);

/* Writes the problem body for a request, which has at most kg_problem_body_max() bytes. */
size_t kg_problem_body_max(const struct kg_refusal *refusal);
void kg_problem_print(const struct kg_refusal *refusal, const char *request_id,
    enum kg_int64_form form, struct kdb_buffer *out);

/* Writes the JSON of /problems/{code}, and of /problems. */
void kg_problem_print_row(enum kg_problem problem, struct kdb_buffer *out);
void kg_problem_print_all(struct kdb_buffer *out);

/*
 * Turns an error of client-core into the refusal of an append: code, outcome, retryable,
 * the members and Retry-After of api-design 10. is_exact: see api-design, "Words".
 * stream_name is copied. has_own_credentials: the request brought credentials, so a
 * refusal of credentials is the caller's, unless the error says that those of the
 * connection string were meant. A refusal whose outcome is unknown, because it followed
 * an attempt without an answer, becomes database-error. The retry hint, event_ids and
 * server_version are set by the caller, who knows them; the caller may also name the time
 * that is over with kg_refusal_set_detail().
 */
void kg_refusal_from_error(struct kg_refusal *refusal, const struct kdb_error *error,
    const char *stream_name, size_t stream_name_len, int64_t expected_version,
    bool is_exact, bool has_own_credentials);

/*
 * Adds to the refusal of a multi-append, that was set, which group decided and why the others
 * fail; of append-records, which checks failed and which streams cannot be written, also in
 * its detail. failures becomes the refusal's, and was allocated with malloc() or is NULL.
 * is_complete: these are all; check_count: how many the request has.
 */
void kg_refusal_add_groups(struct kg_refusal *refusal, struct kg_failure *failures,
    size_t count, bool is_complete);
void kg_refusal_add_checks(struct kg_refusal *refusal, struct kg_failure *failures,
    size_t count, bool is_complete, size_t check_count);

#endif
