/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_ACCESS_H
#define DEVDB_ACCESS_H

#include "devdb/acl.h"
#include "devdb/call.h"

/* Sets who makes the call, from its headers. False when the credentials are wrong: then no
 * method of any service may be carried out. */
bool devdb_access_identify(struct devdb_call *call);

/* Whether the caller may do that. The name is as the request brought it, UTF-8. */
bool devdb_access_allows(
    const struct devdb_call *call, struct devdb_name stream, enum devdb_right right);

/* Ends the call as methods of the first generation do when the caller may not; true when
 * it did. */
bool devdb_access_refuse(
    struct devdb_call *call, struct devdb_name stream, enum devdb_right right);

#endif
