/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds equal texts by sorting. A hash spares nearly all comparisons of bytes; who makes
 * texts with equal hashes gets a sort by bytes, and nothing worse. Owns nothing.
 */
#include "daemon/equal_texts.h"

#include "client-core/base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So few are faster compared one by one. */
enum { FEW = 12 };

struct entry {
	uint32_t hash;
	uint32_t index;
};

static uint32_t
hash_text(struct kdb_bytes text)
{
	const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
	const char *at = text.data;
	uint64_t hash = text.len;
	size_t left = text.len;

	for (; left > 0; left -= left < 8 ? left : 8, at += 8) {
		uint64_t word = 0;

		memcpy(&word, at, left < 8 ? left : 8);
		hash = (hash ^ word) * multiplier;
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash * multiplier >> 32);
}

struct texts {
	const char *start;
	size_t stride;
};

static struct kdb_bytes
text_at(const struct texts *texts, uint32_t index)
{
	return *(const struct kdb_bytes *)(const void *)(texts->start +
							 texts->stride * index);
}

static int
compare_texts(const struct texts *texts, uint32_t left, uint32_t right)
{
	const struct kdb_bytes a = text_at(texts, left);
	const struct kdb_bytes b = text_at(texts, right);

	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

/* By hash, then by bytes, then in their order. */
static int
compare(const void *left, const void *right, void *texts)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int order;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = compare_texts(texts, a->index, b->index);
	if (order != 0)
		return order;
	return a->index < b->index ? -1 : 1;
}

static void
find_among_few(const struct texts *texts, size_t count, uint32_t *first)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t j = 0;

		while (j < i && compare_texts(texts, i, j) != 0)
			j++;
		first[i] = j;
	}
}

static void
find_among_many(struct texts *texts, size_t count, uint32_t *first)
{
	struct entry *entries = kdb_alloc_zero(count, sizeof *entries);

	for (uint32_t i = 0; i < count; i++)
		entries[i] = (struct entry){hash_text(text_at(texts, i)), i};
	qsort_r(entries, count, sizeof *entries, compare, texts);
	for (size_t i = 0; i < count; i++) {
		const uint32_t index = entries[i].index;
		bool is_new = i == 0 || entries[i].hash != entries[i - 1].hash ||
			      compare_texts(texts, index, entries[i - 1].index) != 0;

		first[index] = is_new ? index : first[entries[i - 1].index];
	}
	free(entries);
}

void
kg_equal_texts_find(
    const struct kdb_bytes *texts, size_t stride, size_t count, uint32_t *first)
{
	struct texts all = {(const char *)texts, stride};

	assert(count < UINT32_MAX);
	if (count <= FEW)
		find_among_few(&all, count, first);
	else
		find_among_many(&all, count, first);
}
