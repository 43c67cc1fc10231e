/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_LISTENER_H
#define DEVDB_LISTENER_H

#include "client-core/base/list.h"
#include "devdb/call.h"
#include "devdb/tls.h"

#include <grpc/grpc.h>

/* One C-core server on one port. A restart makes a new one while calls of the old one may
 * still be under way. */
struct devdb_listener {
	grpc_server *grpc;
	struct devdb_tag gone_tag; /* comes when it is closed and has no call left */
	struct kdb_list link;
	bool is_closing;
};

/* Binds ADDRESS:PORT; *port gets the port that was bound. NULL when it cannot be bound. */
struct devdb_listener *devdb_listener_new(grpc_completion_queue *queue,
    const struct devdb_tls *tls, const char *address, int *port);

/* Closes it and sends GOAWAY; its gone_tag follows. ends_calls cancels what is under way.
 * A second time only ends_calls counts. */
void devdb_listener_close(
    struct devdb_listener *listener, grpc_completion_queue *queue, bool ends_calls);

/* Frees a listener that is gone, or was never started. */
void devdb_listener_free(struct devdb_listener *listener);

#endif
