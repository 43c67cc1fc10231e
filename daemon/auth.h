/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_AUTH_H
#define KG_AUTH_H

#include "daemon/config.h"
#include "daemon/head.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Database credentials of a request (api-design 13.1, 13.4). Pure. Nothing of them goes
 * into a refusal or the log.
 */
struct kg_credentials {
	/* In the database's spelling, "Basic x" or "Bearer x"; NULL: none. */
	char *authorization;
	char *user; /* of Basic; NULL: none */
	size_t user_len;
};

/* Reads the value of an Authorization header. False: its form is wrong, and *credentials
 * is empty. Dispose of it in any case. */
bool kg_auth_read(const char *value, size_t len, struct kg_credentials *credentials);

/* Wipes and frees. */
void kg_auth_dispose(struct kg_credentials *credentials);

/* Takes the credentials of a request to a write: step 7 of the order of checks. False:
 * *refusal is set. Dispose of *credentials in any case. */
bool kg_auth_take(const struct kg_head *head, const struct kg_config *config,
    struct kg_credentials *credentials, struct kg_refusal *refusal);

#endif
