/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_EQUAL_TEXTS_H
#define KG_EQUAL_TEXTS_H

#include "client-core/operations.h"

#include <stddef.h>
#include <stdint.h>

/*
 * For each of count texts, the first one that has the same bytes: first[i] <= i, and is i
 * when none before it has. Text i lies stride * i bytes behind texts. count is below 2^32.
 * In O(n log n) whatever the texts are, since they are a peer's. Pure.
 */
void kg_equal_texts_find(
    const struct kdb_bytes *texts, size_t stride, size_t count, uint32_t *first);

#endif
