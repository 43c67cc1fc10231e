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

/* Appends the same object with $tb set to `revision` in its place, or behind the others,
 * blanks removed, as the server does when a write undeletes a stream. An object that cannot be read becomes {"$tb":N}. */
void devdb_stream_metadata_set_truncate_before(
    struct kdb_buffer *out, const uint8_t *json, size_t len, int64_t revision);

#endif
