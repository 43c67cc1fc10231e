/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_SERVER_H
#define DEVDB_SERVER_H

#include "devdb/node.h"

#include <stdbool.h>

/*
 * The gRPC server: one completion queue, one thread that runs every method and owns the
 * store, the timers and the arena of the node while it runs. grpc_init() has been called.
 */
struct devdb_server;

/* Binds ADDRESS:PORT; *port gets the port that was bound. NULL when it cannot be bound.
 * The node outlives the server. */
struct devdb_server *devdb_server_new(
    struct devdb_node *node, const char *address, int *port);

/* Starts to serve; from here on the server's thread uses the node. */
void devdb_server_start(struct devdb_server *server);

/* Closes the listener, tells all clients to go (GOAWAY), and opens it again on the same
 * port. Calls under way end at once, or go on until they are finished. Any thread; returns
 * before it has happened. */
void devdb_server_restart(struct devdb_server *server, bool ends_calls);

/* Ends every call, waits for the thread and frees the server, which was started. */
void devdb_server_stop(struct devdb_server *server);

#endif
