/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_BATCH_OPTIONS_H
#define DEVDB_BATCH_OPTIONS_H

#include "proto/streams.pb-c.h"

#include <stdint.h>

/* Both return NULL, or the server's sentence about what is wrong. Any thread. */

/* The time for collecting chunks, never more than the server's 2 s; 0 or less when it is
 * over already. */
const char *devdb_batch_options_timeout(
    const EventStore__Client__Streams__BatchAppendReq__Options *options,
    int64_t *timeout_ns);

/* The expected revision, or one of the negative numbers of store.h. */
const char *devdb_batch_options_expectation(
    const EventStore__Client__Streams__BatchAppendReq__Options *options,
    int64_t *expected);

#endif
