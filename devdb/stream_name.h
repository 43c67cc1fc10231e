/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_STREAM_NAME_H
#define DEVDB_STREAM_NAME_H

#include "devdb/store.h"

#include "proto/shared.pb-c.h"

#include <stdbool.h>

/* A stream name made UTF-8, in memory of its own. Zero-initialised it is empty. */
struct devdb_stream_name {
	struct devdb_name name;
};

/* Reads a name; false when there is none, it is empty, or the bare "$$", which no stream
 * may bear. The caller disposes of it in any case. */
bool devdb_stream_name_read(struct devdb_stream_name *name,
    const EventStore__Client__StreamIdentifier *identifier);
void devdb_stream_name_dispose(struct devdb_stream_name *name);

#endif
