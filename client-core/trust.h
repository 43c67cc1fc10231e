/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_TRUST_H
#define KDB_TRUST_H

#include "client-core/connection_settings.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Whom the gateway trusts on the links to the database and what it shows of itself there: the
 * authorities, the client certificate with its key, and the rule on where credentials may
 * travel (client-behaviour 1.3, api-design 13.1).
 */
struct kdb_trust;

/* One reading of the files, as PEM texts. Immutable, shared by references; any thread. */
struct kdb_pem {
	atomic_uint refs;
	char *roots;       /* NULL: nobody is verified */
	char *certificate; /* with its chain; NULL: none is shown */
	char *key;         /* NULL as certificate is */
};

struct kdb_pem *kdb_pem_ref(struct kdb_pem *pem);
void kdb_pem_unref(struct kdb_pem *pem); /* the last one wipes the key; NULL is allowed */

/* A line for the log or a terminal; the text is valid during the call. */
typedef void (*kdb_trust_say_fn)(void *context, const char *text);

/*
 * Reads and checks the files that the settings name, which are borrowed until the end. Without
 * tlsCaFile the authorities are those of the system: the file that the environment variable
 * SSL_CERT_FILE names, else Debian's. Failing, returns NULL and *error_text is a text for
 * people, which the caller frees. To be called while there is one thread: it takes a variable
 * out of the environment that would make gRPC trust other roots.
 */
struct kdb_trust *kdb_trust_new(const struct kdb_connection_settings *settings,
    bool allow_cleartext_credentials, char **error_text);
void kdb_trust_free(struct kdb_trust *trust);

/* Says what an operator should know although it works: that nobody is verified, that the client
 * certificate has expired. */
void kdb_trust_warn(const struct kdb_trust *trust, kdb_trust_say_fn say, void *context);

/*
 * Reads the files again that have changed on disk, except the system's. What they hold must
 * pass the checks of the start, else it is said so once and the earlier reading stays.
 * Completion thread.
 */
void kdb_trust_refresh(struct kdb_trust *trust, kdb_trust_say_fn say, void *context);

/* The latest reading, referenced for the caller; NULL without TLS. Any thread. */
struct kdb_pem *kdb_trust_pem(struct kdb_trust *trust);

/* Whether the reading is the latest one; NULL is without TLS. Any thread. */
bool kdb_trust_is_latest(const struct kdb_trust *trust, const struct kdb_pem *pem);

/* Whether the roots are the system's, which gRPC keeps for the whole process. */
bool kdb_trust_has_system_roots(const struct kdb_trust *trust);

/* Where the roots come from, for people: "tlsCaFile" or the path of the system's file. */
const char *kdb_trust_roots_name(const struct kdb_trust *trust);

const struct kdb_connection_settings *kdb_trust_settings(const struct kdb_trust *trust);

/* Whether credentials may be sent to the host, the gateway's own or a caller's: over TLS, on
 * loopback, or where the operator allows clear text. Any thread. */
bool kdb_trust_may_send_credentials(const struct kdb_trust *trust, const char *host);

#endif
