/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_STEPS = 128, /* per power of two: a value is kept within 0.8 % */
	HISTOGRAM_STEP_BITS = 7,
	HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * (64 - HISTOGRAM_STEP_BITS + 1)
};

/* Latencies in nanoseconds, all zero at the start. One thread. */
struct histogram {
	uint64_t count;
	uint64_t max_ns;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

static inline unsigned
histogram_bucket(uint64_t ns)
{
	unsigned shift;

	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;
	return (shift + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> shift) - HISTOGRAM_STEPS;
}

static inline void
histogram_add(struct histogram *histogram, uint64_t ns)
{
	histogram->buckets[histogram_bucket(ns)]++;
	histogram->count++;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
}

/* The lower end of the bucket that holds the given share (0.5 is the median); 0 when empty. */
static inline uint64_t
histogram_quantile(const struct histogram *histogram, double share)
{
	uint64_t rank = (uint64_t)(share * (double)histogram->count), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen > rank && i < HISTOGRAM_STEPS)
			return i;
		if (seen > rank)
			return (uint64_t)(i % HISTOGRAM_STEPS + HISTOGRAM_STEPS)
			    << (i / HISTOGRAM_STEPS - 1);
	}
	return histogram->max_ns;
}

#endif
