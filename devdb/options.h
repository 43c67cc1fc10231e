/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_OPTIONS_H
#define DEVDB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct devdb_emulation;

/* Command line of kurrentgate-devdb; the texts point into argv or are static. The array of
 * users is freed by devdb_options_dispose(). */
struct devdb_options {
	const char *listen;    /* ADDRESS:PORT, port 0 = any */
	const char *admin;     /* the same, or NULL */
	const char *advertise; /* HOST:PORT for gossip, or NULL */
	const struct devdb_emulation *emulation;
	const char *tls_cert; /* file names, both or neither */
	const char *tls_key;
	const char **users; /* as written; none = everybody may do anything */
	size_t user_count;
	size_t max_append_bytes;
	size_t max_append_event_bytes;
	size_t max_memory_bytes;
};

enum devdb_options_result { DEVDB_OPTIONS_RUN, DEVDB_OPTIONS_DONE, DEVDB_OPTIONS_BAD };

/* Reads the command line. DONE: help or version was printed; BAD: the fault was printed
 * to stderr. */
enum devdb_options_result devdb_options_read(
    struct devdb_options *options, int argc, char **argv);

void devdb_options_dispose(struct devdb_options *options);

/* Splits ADDRESS:PORT; host may be in brackets and gets host_size bytes with its NUL,
 * without brackets. False when it is neither. */
bool devdb_options_split_address(
    const char *address, char *host, size_t host_size, int *port);

#endif
