/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ISSUED_H
#define TESTS_UNIT_ISSUED_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <time.h>

/* A certificate for tests and its key, made on the spot. */
struct issued {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
};

struct issued_options {
	const char *common_name;     /* NULL: no subject */
	const struct issued *issuer; /* NULL: it signs itself */
	const char *dns_names[4];
	const char *address; /* IPv4; NULL: none */
	time_t start;        /* 0: yesterday */
	time_t end;          /* 0: tomorrow */
};

void issued_make(struct issued *made, const struct issued_options *options);
void issued_dispose(struct issued *made);

/* PEM and DER; the caller frees them with gnutls_free(). PEM ends with a NUL. */
gnutls_datum_t issued_certificate(const struct issued *made, gnutls_x509_crt_fmt_t form);
gnutls_datum_t issued_key(const struct issued *made);

/* The key with a password. */
gnutls_datum_t issued_locked_key(const struct issued *made);

#endif
