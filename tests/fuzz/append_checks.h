/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_APPEND_CHECKS_H
#define TESTS_FUZZ_APPEND_CHECKS_H

#include "daemon/append_body.h"

#include <stdbool.h>
#include <stddef.h>

/* What holds for every body of an append, whatever its form. */

/* Reads a body of one form. The limits and the stream are the check's choice. */
typedef bool (*append_read_fn)(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal);

/* Limits that small inputs reach. */
extern const struct kg_append_limits append_limits;

/* Reads the body for a plain stream, for a metadata stream, with payloads unchecked and
 * with room for one event alone, and compares what comes out. True: the plain stream
 * takes it, and *append, to be disposed of, holds what it took. */
bool append_check_body(
    append_read_fn read, const char *body, size_t len, struct kg_append_body *append);

/* Whether two appends have the same events, byte for byte. */
bool append_is_equal(const struct kg_append_body *a, const struct kg_append_body *b);

/* The event object json[0..len), which was taken as *event, as a plain walk sees it: data
 * and metadata are the bytes that stand there, or what those in base64 stand for. */
void append_check_event(const char *json, size_t len, const struct kdb_event *event);

#endif
