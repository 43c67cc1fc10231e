/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_JSON_TEXT_H
#define KG_JSON_TEXT_H

#include "daemon/json_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the spans of the JSON scanner say: integers, strings, names of members. Pure. */

enum kg_json_int { KG_JSON_INT_OK, KG_JSON_INT_MALFORMED, KG_JSON_INT_OUT_OF_RANGE };

/* Reads a whole text as an exact integer: digits with an optional minus; no fraction,
 * exponent, plus, leading zero or "-0" (api-design 14). *value is set only with
 * KG_JSON_INT_OK. */
enum kg_json_int kg_json_text_read_int64(const char *text, size_t len, int64_t *value);

/*
 * Decodes the escapes of a string that was read. out must hold value->len bytes; the
 * result is UTF-8 of *out_len bytes without NUL behind it. False: there are lone
 * surrogates; each is then decoded as U+FFFD.
 */
bool kg_json_text_decode(const struct kg_json_value *value, char *out, size_t *out_len);

/* Whether a string that was read says `text`, after decoding escapes. */
bool kg_json_text_is(const struct kg_json_value *value, const char *text);

/* The index of the string in a NULL-terminated list, after decoding escapes; -1 when
 * absent. */
int kg_json_text_find(const struct kg_json_value *name, const char *const *names);

/* The entry of the list that a member name was most likely meant to be; NULL: none is
 * near. */
const char *kg_json_text_find_nearest(
    const struct kg_json_value *name, const char *const *names);

/* prefix + "/" + name, escaped for a JSON Pointer (RFC 6901); very long names are cut,
 * U+0000 becomes U+FFFD. The caller frees the result with free(). */
char *kg_json_text_make_pointer(const char *prefix, const struct kg_json_value *name);

#endif
