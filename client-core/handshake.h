/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_HANDSHAKE_H
#define KDB_HANDSHAKE_H

#include "client-core/topology.h"
#include "client-core/trust.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * A TLS handshake of our own, to learn what is wrong between us and a node: gRPC tells that a
 * certificate was refused, or that a socket was closed, but not why. Everything that the node
 * sends is only looked at; no credentials and no request are sent.
 */
struct kdb_handshake_options {
	struct kdb_endpoint endpoint;
	const struct kdb_pem *pem; /* borrowed; NULL: the gateway speaks without TLS */
	const char *roots_name;    /* for people; borrowed */
	int cancel_fd;             /* readable: give up; -1: never */
	int timeout_ms;            /* of everything but the resolution of the name */
};

/* Long enough for every cause; longer names in it are cut. */
enum { KDB_CAUSE_SIZE = 151 };

/* Connects and looks. True: cause is a text for people that says what is wrong. False: nothing
 * that TLS could tell. Blocks, so it is for a thread that nobody waits for. */
bool kdb_handshake_find_cause(
    const struct kdb_handshake_options *options, char *cause, size_t size);

/* The cause for which the certificates of a server, its own first, were refused: status is
 * GnuTLS's verdict on them (gnutls_certificate_status_t bits). Pure. */
void kdb_handshake_describe_certificate(const gnutls_datum_t *chain, unsigned count,
    unsigned status, const char *host, const char *roots_name, time_t now, char *cause,
    size_t size);

#endif
