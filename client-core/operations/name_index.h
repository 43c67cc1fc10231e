/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_NAME_INDEX_H
#define KDB_OPERATIONS_NAME_INDEX_H

#include "client-core/operations.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether two names are the same, byte for byte. */
bool kdb_name_equals(struct kdb_bytes a, struct kdb_bytes b);

/* Finds a stream among those of a request by its name, byte for byte. The names are borrowed.
 * Fill it, sort it once, then ask. One thread at a time. */
struct kdb_name_index;

/* An empty index with room for count names. */
struct kdb_name_index *kdb_name_index_new(size_t count);
void kdb_name_index_free(struct kdb_name_index *index);

/* Adds a name; its place is the number of those added before. */
void kdb_name_index_add(struct kdb_name_index *index, struct kdb_bytes name);
void kdb_name_index_sort(struct kdb_name_index *index);

/* The place of the name; SIZE_MAX: it is not there. */
size_t kdb_name_index_find(const struct kdb_name_index *index, struct kdb_bytes name);

#endif
