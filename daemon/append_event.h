/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_EVENT_H
#define KG_APPEND_EVENT_H

#include "daemon/append_body.h"
#include "daemon/json_scan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One event object of an envelope or of NDJSON (api-design 3): for append_body.c alone.
 *
 * A body is read in one pass, although the order of checks has three steps, each of which
 * wins over the next: syntax of the whole body, shape, values. So findings wait in the
 * refusal: the first of the shape throws away those of values, and a syntax error throws
 * away all.
 */
struct kg_append_reader {
	struct kg_json json;
	const struct kg_append_limits *limits;
	bool is_metadata_stream; /* its name starts with "$$" */
	/* Where the event stands, that is read next: "/events" or "", and its number there. Made
	 * into a pointer only for a finding, since most events have none. */
	const char *prefix;
	size_t index;
	struct kg_refusal *refusal;
	bool has_shape_finding;
	/* Newest first; freed by kg_append_storage_free(). */
	struct kg_append_storage *storage;
};

/* Decoded bytes that could not be spans, in a chain. */
struct kg_append_storage;
void kg_append_storage_free(struct kg_append_storage *storage);

/* The refusal, for adding a finding of the shape or of a value. NULL: findings of that
 * step are not wanted, or not any more. */
struct kg_refusal *kg_append_reader_shape(struct kg_append_reader *reader);
struct kg_refusal *kg_append_reader_values(struct kg_append_reader *reader);

enum { KG_EVENT_POINTER_SIZE = 48 };

/* Writes the JSON Pointer to the event that stands at prefix and index. */
void kg_append_reader_print_pointer(
    const struct kg_append_reader *reader, char pointer[KG_EVENT_POINTER_SIZE]);

/*
 * Reads the value that begins at reader->json, which should be an event object. Fills *event
 * when there is no finding, and no syntax error, up to its end; else its content is
 * undefined.
 */
void kg_append_event_read(struct kg_append_reader *reader, struct kdb_event *event);

/* Decodes the escapes of a string into storage, unless it has none. False: lone
 * surrogates. */
bool kg_append_reader_text(struct kg_append_reader *reader,
    const struct kg_json_value *value, struct kdb_bytes *text);

#endif
