/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_JSON_SCAN_H
#define KG_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A strict RFC 8259 scanner over bytes in memory: no tree, no copy, no recursion. It
 * walks forward once and hands out spans of the source, so every byte is looked at once.
 * UTF-8 is checked in full; a byte order mark, control characters in strings and
 * everything else that the RFC leaves out are refused. Duplicate names and lone surrogate
 * escapes are syntax and pass: callers that care look at names and decode texts. Pure;
 * one thread at a time.
 */
struct kg_json {
	const char *start;
	const char *at; /* next byte to look at */
	const char *end;
	unsigned max_depth;
	const char *error_at; /* NULL while the text is well-formed so far */
	const char *error;    /* a sentence for people; a literal */
};

enum { KG_JSON_DEPTH_MAX = 10000 };

enum kg_json_kind {
	KG_JSON_NONE, /* no value begins here: the scan has failed */
	KG_JSON_OBJECT,
	KG_JSON_ARRAY,
	KG_JSON_STRING,
	KG_JSON_NUMBER,
	KG_JSON_TRUE,
	KG_JSON_FALSE,
	KG_JSON_NULL,
};

/* One value or member name, as it stands in the source; a string includes its quotes. */
struct kg_json_value {
	enum kg_json_kind kind;
	bool has_escapes; /* of a string outside of any container */
	const char *start;
	size_t len;
};

/*
 * Starts at bytes[0], which stay the caller's and must outlive all spans; NULL with
 * length 0 is an empty text. max_depth is the number of containers that one value read by
 * kg_json_read_value() may nest, its own root counted as 1; at most KG_JSON_DEPTH_MAX.
 */
void kg_json_init(
    struct kg_json *json, const char *bytes, size_t len, unsigned max_depth);

/* Whether a byte was met that cannot continue a valid document; then every other function
 * returns false or KG_JSON_NONE. */
bool kg_json_has_failed(const struct kg_json *json);

/* Of a failed scan: the zero-based offset of that byte; the length when the input ended
 * too early (api-design 10, malformed-json). */
size_t kg_json_error_offset(const struct kg_json *json);

/* Skips white space and tells what kind of value begins there, without reading it. */
enum kg_json_kind kg_json_peek(struct kg_json *json);

/* Reads one whole value of any kind. False: failed. */
bool kg_json_read_value(struct kg_json *json, struct kg_json_value *value);

/* The same, but looks only for the end of the value: what is inside is not checked beyond
 * strings, the balance of brackets and the depth. */
bool kg_json_find_value_end(struct kg_json *json, struct kg_json_value *value);

/*
 * Walks through an object or array member by member, its container not counting for
 * max_depth: kg_json_peek() must have said OBJECT or ARRAY; enter; then while next is
 * true, read exactly one value. `is_first` is the walk's memory: set it to true before
 * the first call. False: the end of the container was read, or the scan has failed. name
 * gets the quoted member name.
 */
void kg_json_enter(struct kg_json *json);
bool kg_json_next_member(
    struct kg_json *json, bool *is_first, struct kg_json_value *name);
bool kg_json_next_element(struct kg_json *json, bool *is_first);

/* Reads white space up to the end of the input. False: something else is there. */
bool kg_json_finish(struct kg_json *json);

/* Whether a text is one JSON value with nothing but white space around it. */
bool kg_json_is_valid(const char *bytes, size_t len, unsigned max_depth);

/* A word for messages: "an object", "a string" … */
const char *kg_json_kind_name(enum kg_json_kind kind);

/* The length, 1 to 4, of the UTF-8 character at `at`; 0: no valid character begins there.
 */
size_t kg_json_utf8_len(const char *at, const char *end);

#endif
