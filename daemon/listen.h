/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_LISTEN_H
#define KG_LISTEN_H

#include "daemon/config.h"

#include <stdbool.h>
#include <stddef.h>

/* Listening sockets, as the option `listen` names them (api-design 15.1). One thread. */
struct kg_listen_socket {
	int fd;           /* listening, non-blocking; -1 after it was closed */
	char *name;       /* for people: address and the real port, or unix:PATH */
	char *unix_path;  /* NULL: TCP */
	bool is_unlinked; /* the file of the unix socket is gone already */
	bool is_loopback;
};

struct kg_listen_sockets {
	struct kg_listen_socket *items;
	size_t count;
};

/* Checks the form and the reach of every address, without opening anything. NULL, or a
 * text for people, which the caller frees. */
char *kg_listen_check(const struct kg_config *config);

/* Opens every socket of the configuration. False: *error_text says which and why, the
 * caller frees it, and nothing is left open. */
bool kg_listen_open(
    const struct kg_config *config, struct kg_listen_sockets *sockets, char **error_text);

/* Makes new connections impossible while those that wait can still be accepted, so that
 * none is dropped after its client could send. */
void kg_listen_stop_new(struct kg_listen_socket *socket);

/* Closes a socket and removes the file of a unix socket. */
void kg_listen_close(struct kg_listen_socket *socket);

/* Closes what is open, removes the files of unix sockets, frees. */
void kg_listen_dispose(struct kg_listen_sockets *sockets);

#endif
