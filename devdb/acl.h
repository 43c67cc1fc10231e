/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_ACL_H
#define DEVDB_ACL_H

#include "devdb/identity.h"
#include "devdb/store.h"

#include <stdbool.h>

enum devdb_right { DEVDB_RIGHT_READ, DEVDB_RIGHT_WRITE, DEVDB_RIGHT_DELETE };

/* Whether somebody may do that with a stream, by its $acl and where that is silent by the
 * server's default: streams whose names begin with $ belong to administrators, all others
 * to everybody who is known (wire-protocol 7.3). Rights on a $$ stream are the metadata
 * rights of its stream. Pure; reads the store. */
bool devdb_acl_allows(const struct devdb_store *store,
    const struct devdb_identity *identity, struct devdb_name stream,
    enum devdb_right right);

#endif
