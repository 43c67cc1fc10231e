/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CONNECTION_H
#define KG_CONNECTION_H

#include "daemon/config.h"
#include "daemon/listen.h"
#include "daemon/phase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Open connections: how many there are, what each waits for and how long, and which of
 * them were reset (api-design 15.3). Knows no HTTP: whoever reads and writes them tells
 * the phase. One thread.
 */
struct kg_connections {
	const struct kg_config *config;
	struct kg_phases phases;
	size_t max_count;
	size_t count;
	int reset_fd;        /* readable when connections were reset; for poll() */
	int64_t now_mono_ns; /* of this round of the loop, which sets it */
	bool was_cut;        /* one was shut down since the loop cleared this */
};

struct kg_connection {
	struct kg_phase_entry waiting;
	struct kg_connections *all;
	const struct kg_listen_socket *socket;
	int fd;
	bool is_excess; /* one more than are allowed */
	bool is_reset;
	/* Of a body: when its pace was judged last, and how much has come since. */
	int64_t judged_mono_ns;
	size_t come_len;
	struct kg_http_exchange *exchange; /* NULL: between two requests */
};

/* False: errno says why, and nothing needs disposing. The configuration is borrowed. */
bool kg_connections_init(
    struct kg_connections *all, const struct kg_config *config, size_t max_count);

/* When there are no connections left. */
void kg_connections_dispose(struct kg_connections *all);

/* Closes without an answer every connection whose deadline is over or whose body is too
 * slow. */
void kg_connections_expire(struct kg_connections *all);

/* Calls reset() for each exchange whose peer has reset the connection. */
void kg_connections_take_resets(
    struct kg_connections *all, void (*reset)(struct kg_http_exchange *exchange));

/* Whether an answer is on its way to somebody. */
bool kg_connections_are_sending(const struct kg_connections *all);

/* A new connection, in the phase of its first head. When there are too many, the longest
 * idle one is cut; without an idle one, the new one is marked as excess. */
struct kg_connection *kg_connection_open(
    struct kg_connections *all, const struct kg_listen_socket *socket, int fd);

/* The connection is gone; frees it. */
void kg_connection_close(struct kg_connection *connection);

void kg_connection_set_phase(struct kg_connection *connection, enum kg_phase phase);

/* A body begins; and more of it has come. */
void kg_connection_begin_body(struct kg_connection *connection);
void kg_connection_add_body(struct kg_connection *connection, size_t len);

#endif
