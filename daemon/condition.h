/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CONDITION_H
#define KG_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What If-Match and If-None-Match ask of stream metadata (api-design 8). Pure. */

/* The condition of a write, which is an expectation in other words. */
struct kg_condition {
	int64_t expected_version; /* >= 0, KDB_VERSION_NO_STREAM or KDB_VERSION_EXISTS */
	/* If-Match compares strongly, so a weak tag never matches (RFC 9110, 13.1.1). */
	bool is_weak;
};

/* Reads If-Match, one tag or "*". NULL, or what is wrong with it: a literal, and
 * *condition is not set. */
const char *kg_condition_read_if_match(
    const char *value, size_t len, struct kg_condition *condition);

/* Reads If-None-Match, which on a write is "*". The same. */
const char *kg_condition_read_if_none_match(
    const char *value, size_t len, struct kg_condition *condition);

/* If-None-Match of a read: the versions that the client has. Start with zeros. */
struct kg_known_versions {
	bool has_star; /* whatever it is */
	bool has_tags; /* any at all */
	int64_t *versions;
	size_t count;
	size_t capacity;
};

/* Adds one field's list. Tags that metadata never has are passed over. False: it is no
 * list of tags, or a "*" does not stand alone. */
bool kg_known_versions_add(
    struct kg_known_versions *known, const char *value, size_t len);

/* Whether the client has this version. */
bool kg_known_versions_have(const struct kg_known_versions *known, int64_t version);

void kg_known_versions_dispose(struct kg_known_versions *known);

#endif
