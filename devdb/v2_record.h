/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_RECORD_H
#define DEVDB_V2_RECORD_H

#include "devdb/call.h"
#include "devdb/store.h"
#include "devdb/v2_complaints.h"
#include "devdb/v2_write.h"
#include "proto/streams_v2.pb-c.h"

#include <stdbool.h>

/* Complains about a stream's name that no stream may bear; NULL counts as empty. `path`
 * is where the name stands in the request, before "Stream.Stream". */
void devdb_v2_check_stream(struct devdb_v2_complaints *complaints, const char *path,
    const uint8_t *name, size_t len);

/* Looks at one record as the server does, and adds it to the write as an event of the
 * part. False when the call has ended: the record is not valid, too large, or the store
 * is full. */
bool devdb_v2_record_add(struct devdb_call *call, struct devdb_v2_write *write,
    uint32_t part, const Kurrentdb__Protocol__V2__Streams__AppendRecord *record);

#endif
