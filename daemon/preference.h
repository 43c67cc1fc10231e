/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_PREFERENCE_H
#define KG_PREFERENCE_H

#include "client-core/operations.h"
#include "daemon/json_write.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a client prefers (RFC 7240, api-design 13.1): int64=string, handling=strict and
 * handling=lenient. Names have no letter case, values may be quoted; of several
 * preferences with one name the first counts. Pure. Spans are into the values that were
 * read.
 */

enum { KG_PREFERENCES_UNKNOWN_MAX = 16 };

struct kg_preferences {
	enum kg_int64_form int64_form;
	bool is_strict;
	bool is_lenient;
	bool has_int64; /* the name was seen, with whatever value */
	bool has_handling;
	/* What the gateway does not know or cannot read, without its parameters; the first
	 * ones. */
	struct kdb_bytes unknown[KG_PREFERENCES_UNKNOWN_MAX];
	size_t unknown_count;
};

/* Reads the value of one Prefer field on top of those before it; begin with all zero. */
void kg_preferences_add(
    struct kg_preferences *preferences, const char *value, size_t len);

/* The value of Preference-Applied, a literal; NULL: nothing was applied. */
const char *kg_preferences_applied(const struct kg_preferences *preferences);

#endif
