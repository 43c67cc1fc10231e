/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_STREAM_NAME_H
#define KG_STREAM_NAME_H

#include "client-core/operations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rules for names of streams: one by itself (api-design 2), several in one request
 * (api-design 7). Names are valid UTF-8. Pure. */

enum { KG_STREAM_NAME_FAULT_SIZE = 96 };

/* Checks a name; false: fault tells in a sentence what is wrong with it. */
bool kg_stream_name_check(
    struct kdb_bytes name, size_t max_bytes, char fault[KG_STREAM_NAME_FAULT_SIZE]);

/* Whether a name belongs to the metadata of another stream: it begins with "$$",
 * and does not end there. */
bool kg_stream_name_is_metadata(struct kdb_bytes name);

/*
 * Compares the names of one request, count below 2^32, in O(n log n). same[i] is the first
 * name that is equal to names[i], variant[i] the first one that is equal or differs from it
 * by letter case only: both are at most i. The database would take names of one variant
 * for one stream.
 */
void kg_stream_name_match(
    const struct kdb_bytes *names, size_t count, uint32_t *same, uint32_t *variant);

#endif
