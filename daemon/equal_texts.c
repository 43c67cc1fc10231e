/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds equal texts by sorting their hashes, which is linear. Whoever makes texts with equal
 * hashes gets a sort of them by bytes, and nothing worse. Owns nothing.
 */
#include "daemon/equal_texts.h"

#include "client-core/base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So few are faster compared one by one. */
enum { FEW = 12 };

/* A hash in three digits. */
enum { DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS, DIGIT_MASK = DIGIT_VALUES - 1 };

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
	return *(
	    const struct kdb_bytes *)(const void *)(texts->start + texts->stride * index);
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

/* By bytes, then in their order. */
static int
compare(const void *left, const void *right, void *texts)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int order = compare_texts(texts, a->index, b->index);

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

/* Sorts by one part of the hashes, and keeps the order of equal ones. */
static void
sort_by_digit(const struct entry *from, struct entry *to, size_t count, unsigned shift)
{
	size_t ends[DIGIT_VALUES] = {0};
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		ends[from[i].hash >> shift & DIGIT_MASK]++;
	for (size_t i = 0; i < DIGIT_VALUES; i++) {
		size_t places = ends[i];

		ends[i] = sum;
		sum += places;
	}
	for (size_t i = 0; i < count; i++)
		to[ends[from[i].hash >> shift & DIGIT_MASK]++] = from[i];
}

/* Entries with one hash, in the order of their texts: as good as always one, or all equal. */
static void
find_in_run(struct texts *texts, struct entry *run, size_t count, uint32_t *first)
{
	size_t same = 1;

	first[run[0].index] = run[0].index;
	while (same < count && compare_texts(texts, run[0].index, run[same].index) == 0)
		first[run[same++].index] = run[0].index;
	if (same == count)
		return;
	qsort_r(run, count, sizeof *run, compare, texts);
	for (size_t i = 1; i < count; i++) {
		bool is_new = compare_texts(texts, run[i].index, run[i - 1].index) != 0;

		first[run[i].index] = is_new ? run[i].index : first[run[i - 1].index];
	}
	first[run[0].index] = run[0].index;
}

static void
find_among_many(struct texts *texts, size_t count, uint32_t *first)
{
	struct entry *entries = kdb_alloc_zero(2 * count, sizeof *entries);
	struct entry *spare = entries + count;

	for (uint32_t i = 0; i < count; i++)
		spare[i] = (struct entry){hash_text(text_at(texts, i)), i};
	sort_by_digit(spare, entries, count, 0);
	sort_by_digit(entries, spare, count, DIGIT_BITS);
	sort_by_digit(spare, entries, count, 2 * DIGIT_BITS);
	for (size_t start = 0, end = 0; start < count; start = end) {
		while (end < count && entries[end].hash == entries[start].hash)
			end++;
		find_in_run(texts, entries + start, end - start, first);
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
