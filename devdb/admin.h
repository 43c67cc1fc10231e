/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_ADMIN_H
#define DEVDB_ADMIN_H

#include "devdb/node.h"

/* The plain-HTTP port for faults, role and statistics, with a thread of its own. */
struct devdb_admin;
struct devdb_server;

/* Binds ADDRESS:PORT, port 0 = any; *port gets the bound one. NULL when it cannot. */
struct devdb_admin *devdb_admin_start(
    struct devdb_node *node, struct devdb_server *server, const char *address, int *port);

/* NULL is allowed. */
void devdb_admin_stop(struct devdb_admin *admin);

#endif
