/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_TLS_H
#define DEVDB_TLS_H

#include <grpc/grpc.h>
#include <stdbool.h>

/* The certificate and the key that the listener shows, as PEM texts it owns. */
struct devdb_tls {
	char *certificate; /* NULL: clear text */
	char *key;
};

/* Reads both files and checks that they belong together. False: the fault was printed to
 * stderr. Both names NULL means clear text. */
bool devdb_tls_read(
    struct devdb_tls *tls, const char *certificate_file, const char *key_file);
void devdb_tls_dispose(struct devdb_tls *tls);

/* New credentials, which the caller releases. */
grpc_server_credentials *devdb_tls_credentials(const struct devdb_tls *tls);

#endif
