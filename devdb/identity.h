/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_IDENTITY_H
#define DEVDB_IDENTITY_H

#include "devdb/users.h"

enum devdb_identity_kind {
	DEVDB_IDENTITY_SYSTEM, /* everybody on a node without users: may do anything */
	DEVDB_IDENTITY_ANONYMOUS,
	DEVDB_IDENTITY_USER,
	DEVDB_IDENTITY_WRONG /* credentials that are no user's: the call is refused */
};

/* Who makes a call, decided when it starts (wire-protocol 7.1). */
struct devdb_identity {
	enum devdb_identity_kind kind;
	const struct devdb_user *user; /* of kind USER; lives as long as the table */
};

/* Reads the only authorization header of a call. What is no Basic credentials (behind the
 * word Basic or Bearer, letter case counts) is anonymous. Pure. */
struct devdb_identity devdb_identity_read(
    const struct devdb_users *users, const char *header, size_t len);

#endif
