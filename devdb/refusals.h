/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_REFUSALS_H
#define DEVDB_REFUSALS_H

#include "devdb/call.h"
#include "devdb/faults.h"
#include "devdb/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The ways in which V1 methods end a call without success, with the texts and trailers
 * of a running server (wire-protocol 2.2, 2.4). Names are borrowed.
 */

/* Whatever the server's own code does not expect. */
void devdb_refuse_handler(struct devdb_call *call);

void devdb_refuse_argument(struct devdb_call *call, const char *text);
void devdb_refuse_deleted(struct devdb_call *call, struct devdb_name name);
void devdb_refuse_wrong_version(
    struct devdb_call *call, struct devdb_name name, int64_t expected, int64_t actual);
void devdb_refuse_missing_property(struct devdb_call *call, const char *property);
void devdb_refuse_append_size(struct devdb_call *call, uint64_t max_bytes);
void devdb_refuse_event_size(
    struct devdb_call *call, const char *id_json, uint64_t size, uint64_t max_bytes);
void devdb_refuse_not_leader(struct devdb_call *call, const char *host, int port);
void devdb_refuse_not_ready(struct devdb_call *call);

/* The caller has no right to that. */
void devdb_refuse_access(struct devdb_call *call);

/* devdb's own: --max-memory is reached. */
void devdb_refuse_full(struct devdb_call *call);

/* Looks for a fault on a request that is about to be carried out and, for a write, for a
 * role that does not take it; acts on what it finds. True when the request must not be
 * carried out; when it must but nobody is to hear of it, later answers are dropped. */
bool devdb_refuse_request(struct devdb_call *call, struct devdb_name name, bool is_write);

/* Ends the call as the fault says; DELAY and DROP_AFTER only arrange the answer. True
 * when the request must not be carried out. */
bool devdb_refuse_fault(struct devdb_call *call, const struct devdb_fault *fault);

#endif
