/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_STATS_H
#define DEVDB_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#define DEVDB_MAX_METHODS 16

/* Counts since the start; any thread reads them. */
struct devdb_stats {
	_Atomic uint64_t calls[DEVDB_MAX_METHODS]; /* by index of the method table */
	_Atomic uint64_t appends_stored; /* write operations that stored events */
	_Atomic uint64_t events_stored;
	_Atomic uint64_t batches_received; /* final chunks of BatchAppend */
	_Atomic int64_t open_batch_calls;
	_Atomic uint64_t memory_bytes;
};

#endif
