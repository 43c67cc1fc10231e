/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_CLOCK_H
#define KDB_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define KDB_NS_PER_MS INT64_C(1000000)
#define KDB_NS_PER_SECOND INT64_C(1000000000)

/* Nanoseconds of the monotonic clock; deadlines and durations are measured with it. */
static inline int64_t
kdb_clock_mono_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * KDB_NS_PER_SECOND + now.tv_nsec;
}

/* Nanoseconds since the Unix epoch, for texts that people read and for UUIDv7. */
static inline int64_t
kdb_clock_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * KDB_NS_PER_SECOND + now.tv_nsec;
}

#endif
