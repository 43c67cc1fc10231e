/* SPDX-License-Identifier: Apache-2.0 */
/* The form of database credentials, and the rule on the links they may travel on. Owns
 * nothing. */
#include "daemon/auth.h"

#include "client-core/base/alloc.h"
#include "daemon/base64.h"

#include <stdlib.h>
#include <string.h>

static const char basic[] = "Basic";
static const char bearer[] = "Bearer";

static void
wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
kg_auth_dispose(struct kg_credentials *credentials)
{
	wipe(credentials->authorization);
	if (credentials->user != NULL)
		explicit_bzero(credentials->user, credentials->user_len);
	free(credentials->user);
	*credentials = (struct kg_credentials){0};
}

/* The part behind the scheme and at least one blank; NULL: another scheme. */
static const char *
behind_scheme(const char *value, size_t len, const char *scheme)
{
	size_t scheme_len = strlen(scheme);
	const char *at = value + scheme_len;
	const char *end = value + len;

	if (!kg_head_has_prefix(value, len, scheme) || at == end || *at != ' ')
		return NULL;
	while (at < end && *at == ' ')
		at++;
	return at;
}

/* token68 of RFC 9110, 11.2. */
static bool
is_token68(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && ((text[i] >= 'a' && text[i] <= 'z') ||
			      (text[i] >= 'A' && text[i] <= 'Z') ||
			      (text[i] >= '0' && text[i] <= '9') ||
			      (text[i] != '\0' && strchr("-._~+/", text[i]) != NULL)))
		i++;
	if (i == 0)
		return false;
	while (i < len && text[i] == '=')
		i++;
	return i == len;
}

/* base64 of user, colon, password; the user becomes the scope of idempotency keys. */
static bool
read_basic(const char *text, size_t len, struct kg_credentials *credentials)
{
	size_t max_len = kg_base64_decoded_max(len);
	char *pair = kdb_alloc(max_len + 1);
	size_t pair_len = 0;
	const char *colon = NULL;

	if (kg_base64_decode(text, len, pair, &pair_len) == KG_BASE64_OK)
		colon = memchr(pair, ':', pair_len);
	if (colon != NULL) {
		credentials->user_len = (size_t)(colon - pair);
		credentials->user = kdb_alloc_text(pair, credentials->user_len);
	}
	explicit_bzero(pair, max_len);
	free(pair);
	return credentials->user != NULL;
}

bool
kg_auth_read(const char *value, size_t len, struct kg_credentials *credentials)
{
	const char *end = value + len;
	const char *text = behind_scheme(value, len, basic);
	const char *scheme = basic;

	*credentials = (struct kg_credentials){0};
	if (text != NULL) {
		if (!read_basic(text, (size_t)(end - text), credentials))
			return false;
	} else {
		scheme = bearer;
		text = behind_scheme(value, len, bearer);
		if (text == NULL || !is_token68(text, (size_t)(end - text)))
			return false;
	}
	credentials->authorization =
	    kdb_alloc_printf("%s %.*s", scheme, (int)(end - text), text);
	return true;
}

static bool
is_safe_link(const struct kg_config *config)
{
	return config->connection.tls || config->allow_cleartext_credentials ||
	       kdb_connection_settings_is_loopback(&config->connection);
}

static void
take_field(const struct kg_head_field *field, const char *name,
    struct kg_credentials *credentials, struct kg_refusal *refusal)
{
	struct kg_credentials taken = {0};

	if (field == NULL || refusal->is_set)
		return;
	if (!kg_auth_read(field->value, field->value_len, &taken)) {
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "The header %s is neither Basic with base64 of user:password, nor "
		    "Bearer with "
		    "a token.",
		    name);
	} else if (credentials->authorization == NULL) {
		*credentials = taken;
		return;
	} else if (strcmp(credentials->authorization, taken.authorization) != 0) {
		kg_refusal_add(refusal, KG_PROBLEM_CONFLICTING_PARAMETERS,
		    "header:Kurrent-Authorization", NULL,
		    "Authorization and Kurrent-Authorization disagree.");
	}
	kg_auth_dispose(&taken);
}

bool
kg_auth_take(const struct kg_head *head, const struct kg_config *config,
    struct kg_credentials *credentials, struct kg_refusal *refusal)
{
	take_field(
	    head->known[KG_FIELD_AUTHORIZATION], "Authorization", credentials, refusal);
	take_field(head->known[KG_FIELD_KURRENT_AUTHORIZATION], "Kurrent-Authorization",
	    credentials, refusal);
	if (credentials->authorization == NULL || refusal->is_set)
		return !refusal->is_set;
	if (!config->allow_request_credentials)
		kg_refusal_set(refusal, KG_PROBLEM_FORBIDDEN,
		    "Database credentials in requests are switched off "
		    "(option allow-request-credentials).");
	else if (!is_safe_link(config))
		kg_refusal_set(refusal, KG_PROBLEM_FORBIDDEN,
		    "The connection to the database is neither TLS nor loopback, so "
		    "credentials "
		    "of requests do not travel on it (option "
		    "allow-cleartext-credentials).");
	return !refusal->is_set;
}
