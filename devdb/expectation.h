/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_EXPECTATION_H
#define DEVDB_EXPECTATION_H

#include "devdb/store.h"

/* A revision as V1 sends it: unsigned, 2^64-1 = no stream, other values beyond 2^63-1 are
 * refused. */
static inline bool
devdb_expectation_from_revision(uint64_t revision, int64_t *expected)
{
	if (revision > INT64_MAX && revision != UINT64_MAX)
		return false;
	*expected = revision == UINT64_MAX ? DEVDB_NO_STREAM : (int64_t)revision;
	return true;
}

#endif
