/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_READER_H
#define KG_APPEND_READER_H

#include "daemon/append_body.h"
#include "daemon/json_scan.h"
#include "daemon/rule_findings.h"
#include "daemon/stream_name.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What the readers of bodies with events share: for append_body.c, multi_append_body.c,
 * append_records_body.c and append_event.c.
 *
 * A body is read in one pass, although the order of checks has several steps, each of which
 * wins over the next: syntax of the whole body, shape, values, rules. So findings wait in the
 * refusal: the first of the shape throws away those of values, and a syntax error throws
 * away all. Those of rules wait in a place of their own.
 */
struct kg_append_reader {
	struct kg_json json;
	const struct kg_append_limits *limits;
	struct kdb_bytes stream_name; /* of an append to one stream */
	bool is_metadata_stream;      /* its name starts with "$$" */
	/* Where the event stands, that is read next: "/events" or "", and its number there; NULL
	 * when the event is the whole body. Made into a pointer only for a finding, since most
	 * events have none. */
	const char *prefix;
	size_t index;
	struct kg_refusal *refusal;
	bool has_shape_finding;
	/* Newest first; freed by kg_append_storage_free(). */
	struct kg_append_storage *storage;
	/* Of M and K, where metadata is kept as properties; NULL: metadata is bytes. */
	struct kg_rule_findings *rules;
	/* Of all events that were read, in their order; see kg_append_properties_place().
	 */
	struct kdb_property *properties;
	size_t property_count;
	size_t property_capacity;
};

/* Decoded bytes that could not be spans, in a chain. */
struct kg_append_storage;
void kg_append_storage_free(struct kg_append_storage *storage);

/* Room that lives as long as the storage. */
char *kg_append_reader_store(struct kg_append_reader *reader, size_t size);

/* The refusal, for adding a finding of the shape or of a value. NULL: findings of that
 * step are not wanted, or not any more. */
struct kg_refusal *kg_append_reader_shape(struct kg_append_reader *reader);
struct kg_refusal *kg_append_reader_values(struct kg_append_reader *reader);

/* Adds a finding about a member whose pointer is known. */
void kg_append_reader_refuse_shape(struct kg_append_reader *reader,
    enum kg_problem problem, const char *pointer, const char *hint, const char *detail);
void kg_append_reader_refuse_value(
    struct kg_append_reader *reader, const char *pointer, const char *detail);

/*
 * The same for a member of the event, or of whatever else stands at prefix and index; its
 * name needs no escapes. The pointer is made for a finding that is wanted alone, since there
 * can be millions. hint may be NULL; the last two are findings of the shape.
 */
void kg_append_reader_refuse_member(struct kg_append_reader *reader, const char *name,
    const char *hint, const char *detail);
void kg_append_reader_refuse_member_kind(struct kg_append_reader *reader,
    const char *name, const char *wanted, enum kg_json_kind kind);
void kg_append_reader_refuse_missing(struct kg_append_reader *reader, const char *name,
    const char *hint, const char *detail);

/* Reads past what stands where an object should be; wanted: "An event must be an object". */
void kg_append_reader_refuse_element(struct kg_append_reader *reader, const char *wanted);

/* The value there is of a kind that it must not be; wanted: "events must be an array". */
void kg_append_reader_refuse_kind(struct kg_append_reader *reader, const char *pointer,
    const char *wanted, enum kg_json_kind kind);

/*
 * Adds the finding for a member that is unknown, or stands there twice. names: those that are
 * known, NULL-terminated; prefix: the pointer of their object. The second one reads past the
 * member's value first.
 */
void kg_append_reader_report_member(struct kg_append_reader *reader, const char *prefix,
    const struct kg_json_value *name, const char *const *names, bool is_duplicate);
void kg_append_reader_skip_member(struct kg_append_reader *reader, const char *prefix,
    const struct kg_json_value *name, const char *const *names, bool is_duplicate);
/* The same in what stands at prefix and index. */
void kg_append_reader_skip_own_member(struct kg_append_reader *reader,
    const struct kg_json_value *name, const char *const *names, bool is_duplicate);

/* Whether all findings that can be reported are there: then only the syntax matters. */
bool kg_append_reader_is_full(const struct kg_append_reader *reader);

enum { KG_EVENT_POINTER_SIZE = 80 };

/* Writes the JSON Pointer to the event that stands at prefix and index. */
void kg_append_reader_print_pointer(
    const struct kg_append_reader *reader, char pointer[KG_EVENT_POINTER_SIZE]);

/* Decodes the escapes of a string into storage, unless it has none. False: lone
 * surrogates. */
bool kg_append_reader_text(struct kg_append_reader *reader,
    const struct kg_json_value *value, struct kdb_bytes *text);

/* Reads a stream's name from its string. False: it is none that can be written to, and fault
 * tells in a sentence why; the caller adds the finding. */
bool kg_append_reader_name(struct kg_append_reader *reader,
    const struct kg_json_value *value, struct kdb_bytes *name,
    char fault[KG_STREAM_NAME_FAULT_SIZE]);

/* Reads the stream_name of what stands at prefix and index, and adds the finding if it is
 * none. *at: where its value stands. */
void kg_append_reader_read_stream_name(
    struct kg_append_reader *reader, struct kdb_bytes *name, const char **at);

/* Reads an expectation, a number or a string, from its value. */
bool kg_append_reader_expectation(
    struct kg_append_reader *reader, const struct kg_json_value *value, int64_t *version);

/* Sets the refusal for a scan that has failed. place: words in front of the place, such as
 * "At ". */
void kg_append_reader_refuse_syntax(
    struct kg_refusal *refusal, const struct kg_json *json, const char *place);

/*
 * Settles what was found, but for rules and numbers: when there is anything, sets the refusal
 * and returns false. place: as above.
 */
bool kg_append_reader_settle(struct kg_append_reader *reader, const char *place);

/* The refusal for too many of something, which is "events" or "checks". */
void kg_append_reader_refuse_too_many(
    struct kg_append_reader *reader, const char *unit, size_t limit, size_t actual);

#endif
