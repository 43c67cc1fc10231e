/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array of names with their places. */
#include "client-core/operations/name_index.h"

#include "client-core/base/alloc.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct kdb_bytes name;
	size_t place;
};

struct kdb_name_index {
	size_t size;
	size_t count;
	struct entry entries[];
};

bool
kdb_name_equals(struct kdb_bytes a, struct kdb_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

struct kdb_name_index *
kdb_name_index_new(size_t count)
{
	struct kdb_name_index *index =
	    kdb_alloc(sizeof *index + count * sizeof index->entries[0]);

	index->size = count;
	index->count = 0;
	return index;
}

void
kdb_name_index_free(struct kdb_name_index *index)
{
	free(index);
}

void
kdb_name_index_add(struct kdb_name_index *index, struct kdb_bytes name)
{
	assert(index->count < index->size);
	index->entries[index->count] =
	    (struct entry){ .name = name, .place = index->count };
	index->count++;
}

/* Shorter names first: that decides most comparisons without a look at the bytes. */
static int
compare(const void *a_, const void *b_)
{
	const struct entry *a = a_;
	const struct entry *b = b_;

	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	return a->name.len ? memcmp(a->name.data, b->name.data, a->name.len) : 0;
}

void
kdb_name_index_sort(struct kdb_name_index *index)
{
	qsort(index->entries, index->count, sizeof index->entries[0], compare);
}

size_t
kdb_name_index_find(const struct kdb_name_index *index, struct kdb_bytes name)
{
	struct entry key = { .name = name };
	const struct entry *found = bsearch(
	    &key, index->entries, index->count, sizeof index->entries[0], compare);

	return found ? found->place : SIZE_MAX;
}
