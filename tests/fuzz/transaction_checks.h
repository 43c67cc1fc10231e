/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_TRANSACTION_CHECKS_H
#define TESTS_FUZZ_TRANSACTION_CHECKS_H

#include "client-core/operations.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/* What holds for the bodies of multi-append and append-records alike. Limits are those of
 * append_checks.h. */

/* An event that was taken: its type is of the alphabet, and its metadata a map of texts. */
void transaction_check_event(const struct kdb_event *event, bool is_type_ascii_only);

/* An event that was taken for this stream: only metadata for metadata streams. */
void transaction_check_stream(
    struct kdb_bytes stream_name, const struct kdb_event *event);

/* A name that was taken. */
void transaction_check_name(struct kdb_bytes name);

/* Whether the database would take both names for one stream, seen character by character. */
bool transaction_is_variant(struct kdb_bytes one, struct kdb_bytes other);

/* Whether both events would be stored alike. */
bool transaction_is_equal(const struct kdb_event *one, const struct kdb_event *other);
bool transaction_bytes_are_equal(struct kdb_bytes one, struct kdb_bytes other);

/* A refusal of such a body of len bytes. */
void transaction_check_refusal(const struct kg_refusal *refusal, size_t len);

#endif
