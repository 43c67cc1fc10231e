/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of problems, refusals as they are put together, and their bodies; the one
 * place where errors of the database become problems of HTTP. A refusal owns its pointers
 * and its stream name.
 */
#include "daemon/problem.h"

#include "client-core/base/alloc.h"
#include "daemon/json_scan.h"
#include "daemon/json_write.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kg_problem_row rows[KG_PROBLEM_COUNT] = {
#define KG_PROBLEM_ROW(name, code, status, title, description)                           \
	[KG_PROBLEM_##name] = {code, status, title, description},
#include "daemon/problems.def"
#undef KG_PROBLEM_ROW
};

const struct kg_problem_row *
kg_problem_row(enum kg_problem problem)
{
	assert(problem < KG_PROBLEM_COUNT);
	return &rows[problem];
}

bool
kg_problem_find(const char *code, enum kg_problem *problem)
{
	for (unsigned i = 0; i < KG_PROBLEM_COUNT; i++) {
		if (strcmp(rows[i].code, code) == 0) {
			*problem = (enum kg_problem)i;
			return true;
		}
	}
	return false;
}

void
kg_refusal_init(struct kg_refusal *refusal)
{
	const size_t behind = offsetof(struct kg_refusal, finding_count);

	/* Findings are valid up to finding_count: most of the size need not be touched.
	 */
	memset(refusal, 0, offsetof(struct kg_refusal, findings));
	memset((char *)refusal + behind, 0, sizeof *refusal - behind);
	refusal->byte_offset = -1;
	refusal->actual = -1;
}

void
kg_refusal_dispose(struct kg_refusal *refusal)
{
	for (size_t i = 0; i < refusal->finding_count; i++)
		free(refusal->findings[i].pointer);
	free(refusal->stream_name);
	free(refusal->failures);
	kg_refusal_init(refusal);
}

/* Ends a text of len bytes before a character that was cut through. */
static void
drop_cut_character(char *text, size_t len)
{
	size_t start = len;

	while (start > 0 && len - start < 3 &&
	       ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0 &&
	    kg_json_utf8_len(text + start - 1, text + len) == 0)
		text[start - 1] = '\0';
}

static void
print_cut(char *text, size_t size, const char *format, va_list args)
{
	int len = vsnprintf(text, size, format, args);

	if (len >= 0 && (size_t)len >= size)
		drop_cut_character(text, size - 1);
}

void
kg_refusal_set(
    struct kg_refusal *refusal, enum kg_problem problem, const char *format, ...)
{
	va_list args;

	if (refusal->is_set)
		return;
	refusal->is_set = true;
	refusal->problem = problem;
	va_start(args, format);
	print_cut(refusal->detail, sizeof refusal->detail, format, args);
	va_end(args);
}

void
kg_refusal_set_detail(struct kg_refusal *refusal, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_cut(refusal->detail, sizeof refusal->detail, format, args);
	va_end(args);
}

/* What a refusal says as a whole when its first finding is of this kind; NULL: what the
 * finding says fits. */
static const char *
summarise(enum kg_problem problem, const char *pointer)
{
	switch (problem) {
	case KG_PROBLEM_UNKNOWN_MEMBER:
		if (strncmp(pointer, "query:", 6) == 0)
			return "The request has a query parameter that this operation "
			       "does not "
			       "know.";
		return "The request has a member that this operation does not know.";
	case KG_PROBLEM_DUPLICATE_MEMBER:
		return "The request has a member more than once.";
	case KG_PROBLEM_BAD_IDEMPOTENCY_KEY:
		return "The Idempotency-Key header has a wrong form.";
	case KG_PROBLEM_UNKNOWN_PREFERENCE:
		return "The request has a preference that the gateway does not know.";
	default:
		return NULL;
	}
}

void
kg_refusal_add(struct kg_refusal *refusal, enum kg_problem problem, const char *pointer,
    const char *hint, const char *format, ...)
{
	struct kg_finding *finding = &refusal->findings[refusal->finding_count];
	const char *summary = summarise(problem, pointer);
	va_list args;

	if (refusal->finding_count == KG_FINDINGS_MAX)
		return;
	refusal->finding_count++;
	finding->pointer = kdb_alloc_text(pointer, strlen(pointer));
	va_start(args, format);
	print_cut(finding->detail, sizeof finding->detail, format, args);
	va_end(args);
	finding->hint[0] = '\0';
	if (hint != NULL && (size_t)snprintf(finding->hint, sizeof finding->hint, "%s",
				hint) >= sizeof finding->hint)
		drop_cut_character(finding->hint, sizeof finding->hint - 1);
	kg_refusal_set(
	    refusal, problem, "%s", summary != NULL ? summary : finding->detail);
}

static void
put_type(struct kg_json_node *root, const struct kg_problem_row *row)
{
	char type[80];

	snprintf(type, sizeof type, "/problems/%s", row->code);
	kg_json_put_string(root, "type", type);
}

static void
put_size(struct kg_json_node *root, const char *name, int64_t value)
{
	if (value < 0)
		kg_json_put_null(root, name);
	else
		kg_json_put_int64(root, name, value);
}

/* Member names are literals, since the tree does not copy them. */
static void
put_limit(struct kg_json_node *root, const struct kg_refusal *refusal)
{
	static const char *const names[][3] = {
	    {"bytes", "limit_bytes", "actual_bytes"},
	    {"events", "limit_events", "actual_events"},
	    {"checks", "limit_checks", "actual_checks"},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(refusal->limit_unit, names[i][0]) != 0)
			continue;
		put_size(root, names[i][1], refusal->limit);
		put_size(root, names[i][2], refusal->actual);
	}
	if (refusal->enforced_by != NULL)
		kg_json_put_string(root, "enforced_by", refusal->enforced_by);
}

static void
put_requires(struct kg_json_node *root, const struct kg_refusal *refusal)
{
	kg_json_put_string(root, "requires", refusal->requires);
	if (refusal->server_version == NULL)
		kg_json_put_null(root, "server_version");
	else
		kg_json_put_string(root, "server_version", refusal->server_version);
}

static void
put_findings(struct kg_json_node *root, const struct kg_refusal *refusal)
{
	struct kg_json_node *errors = kg_json_put_array(root, "errors");

	for (size_t i = 0; i < refusal->finding_count; i++) {
		const struct kg_finding *finding = &refusal->findings[i];
		struct kg_json_node *entry = kg_json_put_object(errors, NULL);

		kg_json_put_string(entry, "pointer", finding->pointer);
		kg_json_put_string(entry, "detail", finding->detail);
		if (finding->hint[0] != '\0')
			kg_json_put_string(entry, "hint", finding->hint);
	}
}

static void
print_failure_pointer(char text[40], enum kg_failure_kind kind, size_t index)
{
	static const char *const arrays[] = {[KG_FAILURE_GROUP] = "streams",
	    [KG_FAILURE_CHECK] = "checks",
	    [KG_FAILURE_TARGET] = "records"};

	snprintf(text, 40, "/%s/%zu", arrays[kind], index);
}

enum kg_problem
kg_failure_problem(const struct kg_failure *failure)
{
	if (failure->actual_state == KDB_VERSION_TOMBSTONED)
		return KG_PROBLEM_STREAM_TOMBSTONED;
	if (failure->actual_state == KDB_VERSION_DELETED &&
	    failure->expected_state == KDB_VERSION_EXISTS)
		return KG_PROBLEM_STREAM_DELETED;
	return KG_PROBLEM_WRONG_CURRENT_VERSION;
}

/* The kind of an entry of K. */
static void
put_kind(struct kdb_buffer *out, const struct kg_failure *failure)
{
	if (failure->kind == KG_FAILURE_CHECK)
		kdb_buffer_put_printf(
		    out, "\"kind\":\"check\",\"check_index\":%zu,", failure->index);
	else if (failure->kind == KG_FAILURE_TARGET)
		kdb_buffer_put_text(out, "\"kind\":\"target\",\"check_index\":null,");
}

static void
put_failure(
    struct kdb_buffer *out, const struct kg_failure *failure, enum kg_int64_form form)
{
	bool is_group = failure->kind == KG_FAILURE_GROUP;
	char pointer[40];

	print_failure_pointer(pointer, failure->kind, failure->index);
	kdb_buffer_put_char(out, '{');
	put_kind(out, failure);
	kdb_buffer_put_printf(out, "\"pointer\":\"%s\",\"stream_name\":", pointer);
	kg_json_quote(out, failure->stream_name.data, failure->stream_name.len);
	if (is_group)
		kdb_buffer_put_printf(out, ",\"code\":\"%s\"",
		    kg_problem_row(kg_failure_problem(failure))->code);
	kdb_buffer_put_text(
	    out, is_group ? ",\"expected_version\":" : ",\"expected_state\":");
	kg_json_print_version(out, failure->expected_state, form);
	kdb_buffer_put_text(
	    out, is_group ? ",\"actual_version\":" : ",\"actual_state\":");
	kg_json_print_version(out, failure->actual_state, form);
	kdb_buffer_put_char(out, '}');
}

/* One raw value for all: there can be a thousand, with names of four thousand bytes. */
static void
put_failures(
    struct kg_json_node *root, const struct kg_refusal *refusal, enum kg_int64_form form)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, kg_problem_body_max(refusal));
	kdb_buffer_put_char(&text, '[');
	for (size_t i = 0; i < refusal->failure_count; i++) {
		if (i > 0)
			kdb_buffer_put_char(&text, ',');
		put_failure(&text, &refusal->failures[i], form);
	}
	kdb_buffer_put_char(&text, ']');
	kg_json_put_raw(root, "failures", &text);
}

static void
put_failure_members(
    struct kg_json_node *root, const struct kg_refusal *refusal, enum kg_int64_form form)
{
	char pointer[40];

	if (refusal->has_group) {
		print_failure_pointer(pointer, KG_FAILURE_GROUP, refusal->group_index);
		kg_json_put_string(root, "pointer", pointer);
	}
	if (refusal->failures != NULL)
		put_failures(root, refusal, form);
	kg_json_put_bool(root, "failures_complete", refusal->are_failures_complete);
}

enum {
	BODY_MAX = 1 << 20, /* without what is counted */
	BYTES_PER_ID = 40,
	BYTES_PER_GROUP = 3,
	BYTES_PER_FAILURE = 320,
	QUOTED_GROWTH = 6, /* a character that is written as \u0001 */
};

size_t
kg_problem_body_max(const struct kg_refusal *refusal)
{
	const struct kg_event_ids *event_ids = &refusal->event_ids;
	size_t names_len = 0;

	for (size_t i = 0; i < refusal->failure_count; i++)
		names_len += refusal->failures[i].stream_name.len;
	return BODY_MAX + BYTES_PER_ID * event_ids->count +
	       BYTES_PER_GROUP * event_ids->group_count +
	       BYTES_PER_FAILURE * refusal->failure_count + QUOTED_GROWTH * names_len;
}

/* The members that belong to one code, or to a few. */
static void
put_members(
    struct kg_json_node *root, const struct kg_refusal *refusal, enum kg_int64_form form)
{
	if (refusal->has_conflict || refusal->has_stream_name)
		kg_json_put_string(root, "stream_name", refusal->stream_name);
	if (refusal->has_conflict) {
		kg_json_put_version(
		    root, "expected_version", refusal->expected_version, form);
		kg_json_put_version(
		    root, "actual_version", refusal->actual_version, form);
	}
	if (refusal->has_failures)
		put_failure_members(root, refusal, form);
	if (refusal->limit_unit != NULL)
		put_limit(root, refusal);
	if (refusal->byte_offset >= 0)
		kg_json_put_int64(root, "byte_offset", refusal->byte_offset);
	if (refusal->requires != NULL)
		put_requires(root, refusal);
	if (refusal->accepted_types != NULL) {
		struct kg_json_node *types = kg_json_put_array(root, "accepted_types");

		for (const char *const *type = refusal->accepted_types; *type != NULL;
		     type++)
			kg_json_put_string(types, NULL, *type);
	}
	if (refusal->finding_count > 0)
		put_findings(root, refusal);
}

static void
put_event_ids(struct kg_json_node *root, const struct kg_event_ids *event_ids)
{
	const uint8_t(*ids)[16] = event_ids->ids;
	struct kg_json_node *groups;

	if (event_ids->group_counts == NULL) {
		kg_json_put_uuids(root, "event_ids", ids, event_ids->count);
		return;
	}
	groups = kg_json_put_array(root, "event_ids");
	for (size_t i = 0; i < event_ids->group_count; i++) {
		kg_json_put_uuids(groups, NULL, ids, event_ids->group_counts[i]);
		ids += event_ids->group_counts[i];
	}
}

static void
put_outcome(struct kg_json_node *root, const struct kg_refusal *refusal)
{
	bool is_unknown = refusal->outcome == KDB_OUTCOME_UNKNOWN;

	kg_json_put_string(root, "outcome", is_unknown ? "unknown" : "not_written");
	kg_json_put_bool(root, "retryable", refusal->is_retryable);
	if (!is_unknown)
		return;
	if (refusal->retry_hint != NULL)
		kg_json_put_string(root, "retry_hint", refusal->retry_hint);
	if (refusal->event_ids.count > 0)
		put_event_ids(root, &refusal->event_ids);
}

void
kg_problem_print(const struct kg_refusal *refusal, const char *request_id,
    enum kg_int64_form form, struct kdb_buffer *out)
{
	const struct kg_problem_row *row = kg_problem_row(refusal->problem);
	struct kg_json_node *root = kg_json_object_new();

	put_type(root, row);
	kg_json_put_string(root, "title", row->title);
	kg_json_put_int64(root, "status", row->status);
	kg_json_put_string(root, "detail", refusal->detail);
	kg_json_put_string(root, "code", row->code);
	put_members(root, refusal, form);
	put_outcome(root, refusal);
	kg_json_put_string(root, "request_id", request_id);
	kg_json_print(root, out);
	kg_json_free(root);
}

static void
put_row(struct kg_json_node *node, enum kg_problem problem)
{
	const struct kg_problem_row *row = kg_problem_row(problem);

	put_type(node, row);
	kg_json_put_string(node, "code", row->code);
	kg_json_put_string(node, "title", row->title);
	kg_json_put_int64(node, "status", row->status);
	kg_json_put_string(node, "description", row->description);
}

void
kg_problem_print_row(enum kg_problem problem, struct kdb_buffer *out)
{
	struct kg_json_node *root = kg_json_object_new();

	put_row(root, problem);
	kg_json_print(root, out);
	kg_json_free(root);
}

void
kg_problem_print_all(struct kdb_buffer *out)
{
	struct kg_json_node *root = kg_json_object_new();
	struct kg_json_node *problems = kg_json_put_array(root, "problems");

	for (unsigned i = 0; i < KG_PROBLEM_COUNT; i++)
		put_row(kg_json_put_object(problems, NULL), (enum kg_problem)i);
	kg_json_print(root, out);
	kg_json_free(root);
}

/* A stream name for a sentence: what is long is cut, so that the rest stays readable. */
enum { SENTENCE_NAME_MAX = 120 };

static void
print_name(char text[SENTENCE_NAME_MAX + 8], const char *stream_name)
{
	size_t len = strlen(stream_name);

	if (len <= SENTENCE_NAME_MAX) {
		memcpy(text, stream_name, len + 1);
		return;
	}
	memcpy(text, stream_name, SENTENCE_NAME_MAX);
	text[SENTENCE_NAME_MAX] = '\0';
	drop_cut_character(text, SENTENCE_NAME_MAX);
	len = strlen(text);
	memcpy(text + len, "…", sizeof "…");
}

/* "expected no_stream", "expected version 3". */
static void
print_expected(char text[40], int64_t version)
{
	const char *word = kg_version_word(version);

	if (word != NULL)
		snprintf(text, 40, "%s", word);
	else
		snprintf(text, 40, "version %" PRId64, version);
}

static void
print_actual(char text[40], int64_t version)
{
	const char *word = kg_version_word(version);

	if (version == KDB_VERSION_NO_STREAM)
		snprintf(text, 40, "does not exist");
	else if (word != NULL)
		snprintf(text, 40, "is %s", word);
	else
		snprintf(text, 40, "is at version %" PRId64, version);
}

static void
refuse_conflict(
    struct kg_refusal *refusal, const struct kdb_error *error, int64_t expected_version)
{
	char name[SENTENCE_NAME_MAX + 8], actual[40], expected[40];

	print_name(name, refusal->stream_name);
	print_actual(actual, error->conflict.actual_version);
	print_expected(expected, expected_version);
	kg_refusal_set(refusal, KG_PROBLEM_WRONG_CURRENT_VERSION,
	    "Stream \"%s\" %s, the request expected %s.", name, actual, expected);
	refusal->has_conflict = true;
	refusal->expected_version = expected_version;
	refusal->actual_version = error->conflict.actual_version;
}

static void
refuse_gone(struct kg_refusal *refusal, enum kg_problem problem, const char *format)
{
	char name[SENTENCE_NAME_MAX + 8];
	char detail[SENTENCE_NAME_MAX + 120];

	print_name(name, refusal->stream_name);
	snprintf(detail, sizeof detail, "Stream \"%s\" %s", name, format);
	kg_refusal_set(refusal, problem, "%s", detail);
	refusal->has_stream_name = true;
}

static void
refuse_credentials(struct kg_refusal *refusal, bool is_callers)
{
	if (is_callers)
		kg_refusal_set(refusal, KG_PROBLEM_UNAUTHENTICATED,
		    "The database refused the credentials that came with the request.");
	else
		kg_refusal_set(refusal, KG_PROBLEM_UPSTREAM_CREDENTIALS,
		    "The database refused the gateway's own credentials.");
}

static void
refuse_size(
    struct kg_refusal *refusal, enum kg_problem problem, const struct kdb_error *error)
{
	const char *who = error->size.is_enforced_by_database
			      ? "than the database accepts"
			      : "than one message of the database's protocol holds";

	if (problem == KG_PROBLEM_APPEND_TOO_LARGE)
		kg_refusal_set(refusal, problem, "The append is larger %s.", who);
	else if (error->size.has_event_index)
		kg_refusal_set(refusal, problem,
		    "Event %" PRIu32 ", counted from 0, is larger %s.",
		    error->size.event_index, who);
	else
		kg_refusal_set(refusal, problem, "An event is larger %s.", who);
	refusal->limit_unit = "bytes";
	refusal->limit = error->size.limit_bytes;
	refusal->actual = error->size.actual_bytes;
	refusal->enforced_by =
	    error->size.is_enforced_by_database ? "database" : "gateway";
}

/* The error's own words as a sentence. */
static void
print_detail(char text[KDB_ERROR_DETAIL_SIZE + 1], const struct kdb_error *error)
{
	size_t len = strlen(error->detail);

	if (len == 0) {
		snprintf(text, KDB_ERROR_DETAIL_SIZE + 1, "The append failed: %s.",
		    kdb_code_name(error->code));
		return;
	}
	memcpy(text, error->detail, len + 1);
	if (strchr(".!?", text[len - 1]) == NULL)
		memcpy(text + len, ".", sizeof ".");
}

/* The database, or the way to it, refuses for now: the same request may succeed later. */
static void
refuse_for_now(
    struct kg_refusal *refusal, enum kg_problem problem, const struct kdb_error *error)
{
	char detail[KDB_ERROR_DETAIL_SIZE + 1];

	print_detail(detail, error);
	kg_refusal_set(refusal, problem, "%s", detail);
	refusal->is_retryable = true;
	/* A deadline is the caller's own; all the others are 503, and say when to come
	 * back. */
	if (problem != KG_PROBLEM_DEADLINE_EXCEEDED)
		refusal->retry_after_seconds = 1;
}

static void
refuse_in_its_words(
    struct kg_refusal *refusal, enum kg_problem problem, const struct kdb_error *error)
{
	char detail[KDB_ERROR_DETAIL_SIZE + 1];

	print_detail(detail, error);
	kg_refusal_set(refusal, problem, "%s", detail);
}

static void
refuse_known(struct kg_refusal *refusal, const struct kdb_error *error,
    int64_t expected_version, bool is_callers_credentials)
{
	switch (error->code) {
	case KDB_WRONG_EXPECTED_VERSION:
		refuse_conflict(refusal, error, expected_version);
		break;
	case KDB_CONSISTENCY_CHECKS_FAILED: /* which ones, the caller adds */
		kg_refusal_set(refusal, KG_PROBLEM_CONSISTENCY_CHECKS_FAILED,
		    "Consistency checks failed.");
		break;
	case KDB_STREAM_TOMBSTONED:
		refuse_gone(refusal, KG_PROBLEM_STREAM_TOMBSTONED,
		    "was hard-deleted, and its name cannot be written again.");
		break;
	case KDB_STREAM_DELETED:
		refuse_gone(refusal, KG_PROBLEM_STREAM_DELETED,
		    "is deleted, the request expected that it exists.");
		break;
	case KDB_ACCESS_DENIED:
		kg_refusal_set(refusal, KG_PROBLEM_FORBIDDEN,
		    "The database denied access to the stream.");
		break;
	case KDB_UNAUTHENTICATED:
		refuse_credentials(refusal, is_callers_credentials);
		break;
	case KDB_CREDENTIALS_WITHHELD:
		refuse_in_its_words(refusal, KG_PROBLEM_FORBIDDEN, error);
		break;
	case KDB_APPEND_TOO_LARGE:
		refuse_size(refusal, KG_PROBLEM_APPEND_TOO_LARGE, error);
		break;
	case KDB_EVENT_TOO_LARGE:
		refuse_size(refusal, KG_PROBLEM_EVENT_TOO_LARGE, error);
		break;
	case KDB_EVENT_TYPE_REFUSED:
		refuse_in_its_words(refusal, KG_PROBLEM_INVALID_EVENT_TYPE, error);
		break;
	case KDB_REFUSED_AS_INVALID:
		refuse_in_its_words(refusal, KG_PROBLEM_INVALID_REQUEST, error);
		break;
	case KDB_NOT_SUPPORTED:
		kg_refusal_set(refusal, KG_PROBLEM_OPERATION_NOT_SUPPORTED,
		    "The database is too old for this operation.");
		refusal->requires = error->requires;
		break;
	case KDB_LEADER_UNAVAILABLE:
		refuse_for_now(refusal, KG_PROBLEM_LEADER_UNAVAILABLE, error);
		break;
	case KDB_DATABASE_UNREACHABLE:
		refuse_for_now(refusal, KG_PROBLEM_DATABASE_UNREACHABLE, error);
		break;
	case KDB_DATABASE_BUSY:
		refuse_for_now(refusal, KG_PROBLEM_DATABASE_BUSY, error);
		break;
	case KDB_CONNECTION_LOST:
		refuse_for_now(refusal, KG_PROBLEM_CONNECTION_LOST, error);
		break;
	case KDB_DEADLINE_EXCEEDED:
		refuse_for_now(refusal, KG_PROBLEM_DEADLINE_EXCEEDED, error);
		break;
	case KDB_CANCELLED: /* by a stop: a client that has left gets no answer */
		refuse_for_now(refusal, KG_PROBLEM_DRAINING, error);
		break;
	case KDB_DATABASE_ERROR:
	case KDB_OK:
		refuse_in_its_words(refusal, KG_PROBLEM_DATABASE_ERROR, error);
		break;
	}
}

/* A refusal in words that cannot be the answer, because an earlier attempt may have
 * written. */
static void
refuse_after_lost_attempt(
    struct kg_refusal *refusal, const struct kdb_error *error, const char *detail)
{
	kg_refusal_set(refusal, KG_PROBLEM_DATABASE_ERROR,
	    "An attempt got no answer, and the next one was refused (%s): %s The append "
	    "may or "
	    "may not have been stored.",
	    kdb_code_name(error->code), detail);
}

/* The problem of an append that may have been stored. */
static enum kg_problem
choose_unknown(enum kdb_code code)
{
	switch (code) {
	case KDB_DEADLINE_EXCEEDED:
		return KG_PROBLEM_DEADLINE_EXCEEDED;
	case KDB_LEADER_UNAVAILABLE:
	case KDB_DATABASE_UNREACHABLE:
	case KDB_DATABASE_BUSY:
	case KDB_CONNECTION_LOST:
		return KG_PROBLEM_CONNECTION_LOST;
	case KDB_CANCELLED:
		return KG_PROBLEM_CONNECTION_LOST;
	default:
		return KG_PROBLEM_DATABASE_ERROR;
	}
}

static void
refuse_unknown(struct kg_refusal *refusal, const struct kdb_error *error, bool is_exact)
{
	enum kg_problem problem = choose_unknown(error->code);
	char detail[KDB_ERROR_DETAIL_SIZE + 1];

	print_detail(detail, error);
	refusal->outcome = KDB_OUTCOME_UNKNOWN;
	refusal->is_retryable = is_exact;
	if (problem == KG_PROBLEM_CONNECTION_LOST && is_exact)
		refusal->retry_after_seconds = 1;
	if (problem == KG_PROBLEM_DATABASE_ERROR && error->code != KDB_DATABASE_ERROR)
		refuse_after_lost_attempt(refusal, error, detail);
	else
		kg_refusal_set(refusal, problem,
		    "%s The append may or may not have been stored.", detail);
}

void
kg_refusal_from_error(struct kg_refusal *refusal, const struct kdb_error *error,
    const char *stream_name, size_t stream_name_len, int64_t expected_version,
    bool is_exact, bool has_own_credentials)
{
	assert(error->code != KDB_OK);
	free(refusal->stream_name);
	refusal->stream_name = kdb_alloc_text(stream_name, stream_name_len);
	if (error->outcome == KDB_OUTCOME_UNKNOWN)
		refuse_unknown(refusal, error, is_exact);
	else
		refuse_known(refusal, error, expected_version,
		    has_own_credentials && !error->is_own_credentials);
}

static void
set_failures(struct kg_refusal *refusal, struct kg_failure *failures, size_t count,
    bool is_complete)
{
	free(refusal->failures);
	refusal->has_failures = true;
	refusal->are_failures_complete = is_complete;
	refusal->failures = failures;
	refusal->failure_count = count;
}

void
kg_refusal_add_groups(struct kg_refusal *refusal, struct kg_failure *failures,
    size_t count, bool is_complete)
{
	refusal->has_group = count > 0;
	refusal->group_index = count > 0 ? failures[0].index : 0;
	if (!is_complete) {
		free(failures);
		failures = NULL;
		count = 0;
	}
	set_failures(refusal, failures, count, is_complete);
}

static size_t
count_kind(const struct kg_refusal *refusal, enum kg_failure_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < refusal->failure_count; i++)
		count += refusal->failures[i].kind == kind;
	return count;
}

/* "2 of 3 checks failed and 1 target stream cannot be written." */
static void
describe_checks(struct kg_refusal *refusal, size_t check_count)
{
	size_t failed = count_kind(refusal, KG_FAILURE_CHECK);
	size_t targets = count_kind(refusal, KG_FAILURE_TARGET);
	char checks_text[80] = "", targets_text[80] = "";

	if (failed > 0)
		snprintf(checks_text, sizeof checks_text, "%zu of %zu check%s failed",
		    failed, check_count, check_count == 1 ? "" : "s");
	if (targets > 0)
		snprintf(targets_text, sizeof targets_text,
		    "%zu target stream%s cannot be written", targets,
		    targets == 1 ? "" : "s");
	kg_refusal_set_detail(refusal, "%s%s%s.", checks_text,
	    failed > 0 && targets > 0 ? " and " : "", targets_text);
}

void
kg_refusal_add_checks(struct kg_refusal *refusal, struct kg_failure *failures,
    size_t count, bool is_complete, size_t check_count)
{
	/* An empty list has an address, too. */
	if (failures == NULL)
		failures = kdb_alloc(sizeof *failures);
	set_failures(refusal, failures, count, is_complete);
	if (count > 0)
		describe_checks(refusal, check_count);
	else
		kg_refusal_set_detail(refusal,
		    "Consistency checks failed: the database's list of them was too "
		    "large to arrive.");
}
