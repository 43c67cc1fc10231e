/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_PROPERTIES_H
#define DEVDB_V2_PROPERTIES_H

#include "client-core/base/buffer.h"
#include "proto/streams_v2.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The properties of one record: a map, of equal keys the last one counts, in the place of
 * the first. It owns its list; keys and values are borrowed and must outlive it. One
 * thread at a time.
 */
struct devdb_v2_properties {
	Google__Protobuf__Struct map;
	Google__Protobuf__Struct__FieldsEntry *entries;
	size_t entries_used;
};

/* The record's properties. Nested maps get rid of equal keys where they stand. */
void devdb_v2_properties_init(struct devdb_v2_properties *properties,
    const Kurrentdb__Protocol__V2__Streams__AppendRecord *record);
void devdb_v2_properties_dispose(struct devdb_v2_properties *properties);

/* Adds a property; false when the key is there already. At most four may be added or set
 * beyond those of the record. */
bool devdb_v2_properties_add(struct devdb_v2_properties *properties, const char *key,
    Google__Protobuf__Value *value);

/* Replaces a property, or adds it. */
void devdb_v2_properties_set(struct devdb_v2_properties *properties, const char *key,
    Google__Protobuf__Value *value);

/* What the server counts for it: the bytes of a google.protobuf.Struct. */
size_t devdb_v2_properties_size(const struct devdb_v2_properties *properties);

/* Appends the JSON that readers of the first generation see, printed as Google's C#
 * runtime does (wire-protocol 3.6). False when a value without a kind is in it, which
 * the server cannot print. */
bool devdb_v2_properties_print(
    const struct devdb_v2_properties *properties, struct kdb_buffer *out);

/* A text as a value, borrowed. */
Google__Protobuf__Value devdb_v2_properties_text(const void *text, size_t len);

#endif
