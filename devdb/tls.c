/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate and key of the listener. Owns both texts; the key is wiped in the end. */
#include "devdb/tls.h"

#include "client-core/base/alloc.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES (1 << 20)

static char *
read_file(const char *option, const char *name)
{
	FILE *file = fopen(name, "re");
	char *text;
	size_t len;
	bool is_read;

	if (!file) {
		fprintf(stderr, "kurrentgate-devdb: --%s: %s: %s\n", option, name,
		    strerror(errno));
		return NULL;
	}
	text = kdb_alloc(MAX_FILE_BYTES + 1);
	len = fread(text, 1, MAX_FILE_BYTES + 1, file);
	is_read = !ferror(file) && len <= MAX_FILE_BYTES;
	fclose(file);
	if (is_read) {
		text[len] = 0;
		return text;
	}
	explicit_bzero(text, len);
	free(text);
	fprintf(stderr,
	    "kurrentgate-devdb: --%s: %s cannot be read, or is longer than %d bytes\n",
	    option, name, MAX_FILE_BYTES);
	return NULL;
}

/* C core takes anything here and then fails every handshake. */
static bool
is_pair(const struct devdb_tls *tls)
{
	gnutls_datum_t certificate = {
	    (unsigned char *)tls->certificate, (unsigned)strlen(tls->certificate)};
	gnutls_datum_t key = {(unsigned char *)tls->key, (unsigned)strlen(tls->key)};
	gnutls_certificate_credentials_t pair;
	int result;

	if (gnutls_certificate_allocate_credentials(&pair) != 0)
		return false;
	result = gnutls_certificate_set_x509_key_mem(
	    pair, &certificate, &key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(pair);
	if (result < 0)
		fprintf(stderr,
		    "kurrentgate-devdb: --tls-cert and --tls-key are no pair of PEM "
		    "files: %s\n",
		    gnutls_strerror(result));
	return result >= 0;
}

bool
devdb_tls_read(struct devdb_tls *tls, const char *certificate_file, const char *key_file)
{
	*tls = (struct devdb_tls){NULL, NULL};
	if (!certificate_file)
		return true;
	tls->certificate = read_file("tls-cert", certificate_file);
	tls->key = tls->certificate ? read_file("tls-key", key_file) : NULL;
	if (tls->key && is_pair(tls))
		return true;
	devdb_tls_dispose(tls);
	return false;
}

void
devdb_tls_dispose(struct devdb_tls *tls)
{
	if (tls->key)
		explicit_bzero(tls->key, strlen(tls->key));
	free(tls->key);
	free(tls->certificate);
	*tls = (struct devdb_tls){NULL, NULL};
}

grpc_server_credentials *
devdb_tls_credentials(const struct devdb_tls *tls)
{
	grpc_ssl_pem_key_cert_pair pair = {tls->key, tls->certificate};

	if (!tls->certificate)
		return grpc_insecure_server_credentials_create();
	return grpc_ssl_server_credentials_create_ex(
	    NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, NULL);
}
