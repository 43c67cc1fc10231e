/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes a call, from its authorization header. Owns nothing. */
#include "devdb/identity.h"

#include <gnutls/gnutls.h>
#include <limits.h>
#include <string.h>

static const char *const schemes[] = {"Basic", "Bearer"};

/* Finds what is behind the scheme and its blanks; false when it is another scheme. */
static bool
skip_scheme(const char *header, size_t len, struct devdb_text_view *credentials)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		size_t scheme_len = strlen(schemes[i]);
		const char *at = header + scheme_len;
		const char *end = header + len;

		if (len <= scheme_len || memcmp(header, schemes[i], scheme_len) != 0 ||
		    *at != ' ')
			continue;
		while (at < end && *at == ' ')
			at++;
		while (end > at && end[-1] == ' ')
			end--;
		*credentials = (struct devdb_text_view){at, (size_t)(end - at)};
		return true;
	}
	return false;
}

/* The user part ends at the first colon. */
static struct devdb_identity
check(const struct devdb_users *users, const char *pair, size_t len)
{
	struct devdb_identity identity = {DEVDB_IDENTITY_ANONYMOUS, NULL};
	const char *colon = len ? memchr(pair, ':', len) : NULL;
	size_t name_len;

	if (!colon)
		return identity;
	name_len = (size_t)(colon - pair);
	identity.user = devdb_users_check(users, (struct devdb_text_view){pair, name_len},
	    (struct devdb_text_view){colon + 1, len - name_len - 1});
	identity.kind = identity.user ? DEVDB_IDENTITY_USER : DEVDB_IDENTITY_WRONG;
	return identity;
}

struct devdb_identity
devdb_identity_read(const struct devdb_users *users, const char *header, size_t len)
{
	struct devdb_identity identity = {DEVDB_IDENTITY_ANONYMOUS, NULL};
	struct devdb_text_view credentials;
	gnutls_datum_t encoded;
	gnutls_datum_t pair;

	if (!skip_scheme(header, len, &credentials) || credentials.len == 0 ||
	    credentials.len > UINT_MAX)
		return identity;
	encoded = (gnutls_datum_t){
	    (unsigned char *)credentials.bytes, (unsigned)credentials.len};
	/* As lenient as the server's decoder: white space, bits behind the last byte. */
	if (gnutls_base64_decode2(&encoded, &pair) != GNUTLS_E_SUCCESS)
		return identity;
	identity = check(users, (const char *)pair.data, pair.size);
	explicit_bzero(pair.data, pair.size);
	gnutls_free(pair.data);
	return identity;
}
