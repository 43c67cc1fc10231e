/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_SERVER_H
#define DEVDB_SERVER_H

#include "devdb/node.h"

/*
 * The gRPC server: one completion queue, one thread that runs every method and owns the
 * store, the timers and the arena of the node while it runs. grpc_init() has been called.
 */
struct devdb_server;

/* Binds ADDRESS:PORT and starts to serve; *port gets the port that was bound. NULL when it
 * cannot be bound. The node outlives the server. */
struct devdb_server *devdb_server_start(
    struct devdb_node *node, const char *address, int *port);

/* Ends every call, waits for the thread and frees the server. */
void devdb_server_stop(struct devdb_server *server);

#endif
