/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_STREAM_METADATA_H
#define DEVDB_STREAM_METADATA_H

#include "client-core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* $tb of a soft-deleted stream. */
#define DEVDB_DELETED INT64_MAX

/* What a $metadata event says about its stream; 0 switches a limit off. */
struct devdb_stream_metadata {
	int64_t max_count;
	int64_t max_age_s;
	int64_t truncate_before;
};

/* Reads the data of a $metadata event with the server's strictness (wire-protocol 5): one
 * fault, and the whole counts as empty. Pure; any thread. */
struct devdb_stream_metadata devdb_stream_metadata_parse(const uint8_t *json, size_t len);

/* Whether somebody has the role (or user name) of len bytes. */
typedef bool (*devdb_stream_metadata_role_fn)(
    const void *who, const char *role, size_t len);

enum devdb_access_list {
	DEVDB_ACCESS_NO_LIST, /* the metadata says nothing about this right */
	DEVDB_ACCESS_LISTED,
	DEVDB_ACCESS_NOT_LISTED
};

/* Whether $acl gives somebody the right ("$r", "$w", "$d", "$mr" or "$mw"), read with the
 * same strictness. Pure; any thread. */
enum devdb_access_list devdb_stream_metadata_access(const uint8_t *json, size_t len,
    const char *right, devdb_stream_metadata_role_fn has_role, const void *who);

/* Appends the same object with $tb set to `revision` in its place, or behind the others,
 * blanks removed, as the server does when a write undeletes a stream. An object that cannot be read becomes {"$tb":N}. */
void devdb_stream_metadata_set_truncate_before(
    struct kdb_buffer *out, const uint8_t *json, size_t len, int64_t revision);

#endif
