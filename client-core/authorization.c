/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials as a value of metadata. Owns nothing; every copy that it makes is wiped. */
#include "client-core/authorization.h"

#include "client-core/base/alloc.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

char *
kdb_authorization_new(const struct kdb_connection_settings *settings)
{
	gnutls_datum_t pair;
	gnutls_datum_t encoded;
	char *text;

	if (!settings->user)
		return NULL;
	text = kdb_alloc_printf("%s:%s", settings->user, settings->password);
	pair = (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
	if (gnutls_base64_encode2(&pair, &encoded) != 0)
		abort();
	kdb_authorization_free(text);
	text = kdb_alloc_printf("Basic %.*s", (int)encoded.size, (char *)encoded.data);
	explicit_bzero(encoded.data, encoded.size);
	gnutls_free(encoded.data);
	return text;
}

void
kdb_authorization_free(char *authorization)
{
	if (authorization)
		explicit_bzero(authorization, strlen(authorization));
	free(authorization);
}
