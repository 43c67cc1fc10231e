/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_METHODS_H
#define DEVDB_METHODS_H

#include "devdb/call.h"
#include "devdb/emulation.h"

#include <stdbool.h>
#include <stddef.h>

/* One V1 request message, of any kind. */
#define DEVDB_MAX_V1_MESSAGE_BYTES 16767216
/* Largest record that the server's log takes. */
#define DEVDB_MAX_RECORD_BYTES 16767216
/* What the server's runtime allows where nothing else is said. */
#define DEVDB_MAX_MESSAGE_BYTES (4 << 20)

extern const struct devdb_method devdb_append;
extern const struct devdb_method devdb_batch_append;
extern const struct devdb_method devdb_delete;
extern const struct devdb_method devdb_gossip;
extern const struct devdb_method devdb_read;
extern const struct devdb_method devdb_server_features;
extern const struct devdb_method devdb_tombstone;
extern const struct devdb_method devdb_users_create;
extern const struct devdb_method devdb_users_disable;
extern const struct devdb_method devdb_v2_append_records;
extern const struct devdb_method devdb_v2_append_session;

/* All methods served, in the order in which server features lists them. */
extern const struct devdb_method *const devdb_methods[];
extern const size_t devdb_method_count;

/* Whether a server of that version has the method. */
bool devdb_methods_has(
    const struct devdb_emulation *emulation, const struct devdb_method *method);

/* The index of the method with this path, letter case and a trailing slash aside, or -1;
 * *is_service_known tells which of the two parts is unknown to that version. */
int devdb_methods_find(const struct devdb_emulation *emulation, const char *path,
    size_t len, bool *is_service_known);

#endif
