/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_AUTHORIZATION_H
#define KDB_AUTHORIZATION_H

#include "client-core/connection_settings.h"

/* Values of the metadata entry `authorization` (wire-protocol 7.1): secrets that leave no trace
 * in memory. Any thread. */

/* That of the connection string: "Basic " and user and password in base64; NULL: it has no user.
 * Free it with kdb_authorization_free(). */
char *kdb_authorization_new(const struct kdb_connection_settings *settings);

/* Wipes and frees a value from malloc(). NULL is allowed. */
void kdb_authorization_free(char *authorization);

#endif
