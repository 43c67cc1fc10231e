/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_DECODE_H
#define DEVDB_V2_DECODE_H

#include "devdb/wire.h"

/*
 * Unpacks a request of the second generation into the arena (see devdb_wire_unpack()).
 * NULL also when the server would not read it: messages nested more than a hundred deep,
 * or a text that is not UTF-8. One thread at a time, as the arena.
 */
void *devdb_v2_decode(struct devdb_wire_arena *arena,
    const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t len);

#endif
