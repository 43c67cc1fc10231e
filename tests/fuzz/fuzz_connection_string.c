/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection strings. What is taken can be written down in the one form that uses no
 * default, and means the same then; with its password hidden it is taken too, and says
 * nothing else than before.
 */
#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "client-core/connection_string.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { WRITTEN_MAX_BYTES = 1 << 20 };

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
has_same_seeds(
    const struct kdb_connection_settings *a, const struct kdb_connection_settings *b)
{
	if (a->seed_count != b->seed_count)
		return false;
	for (size_t i = 0; i < a->seed_count; i++)
		if (strcmp(a->seeds[i].host, b->seeds[i].host) != 0 ||
		    a->seeds[i].port != b->seeds[i].port)
			return false;
	return true;
}

static bool
is_same(const struct kdb_connection_settings *a, const struct kdb_connection_settings *b)
{
	return has_same_seeds(a, b) && a->is_discover == b->is_discover &&
	       is_same_text(a->user, b->user) && a->tls == b->tls &&
	       a->tls_verify_cert == b->tls_verify_cert &&
	       is_same_text(a->tls_ca_file, b->tls_ca_file) &&
	       is_same_text(a->user_cert_file, b->user_cert_file) &&
	       is_same_text(a->user_key_file, b->user_key_file) &&
	       a->node_preference == b->node_preference &&
	       a->max_discover_attempts == b->max_discover_attempts &&
	       a->discovery_interval_ms == b->discovery_interval_ms &&
	       a->gossip_timeout_ms == b->gossip_timeout_ms &&
	       a->keep_alive_interval_ms == b->keep_alive_interval_ms &&
	       a->keep_alive_timeout_ms == b->keep_alive_timeout_ms &&
	       a->default_deadline_ms == b->default_deadline_ms &&
	       is_same_text(a->connection_name, b->connection_name);
}

static void
put_escaped(struct kdb_buffer *out, const char *text)
{
	for (; *text != '\0'; text++)
		kdb_buffer_put_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static void
put_option(struct kdb_buffer *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	kdb_buffer_put_printf(out, "&%s=", name);
	put_escaped(out, value);
}

static void
put_hosts(struct kdb_buffer *out, const struct kdb_connection_settings *settings)
{
	for (size_t i = 0; i < settings->seed_count; i++) {
		const char *host = settings->seeds[i].host;
		bool has_colon = strchr(host, ':') != NULL;

		kdb_buffer_put_printf(out, "%s%s%s%s:%u", i > 0 ? "," : "",
		    has_colon ? "[" : "", host, has_colon ? "]" : "",
		    (unsigned)settings->seeds[i].port);
	}
}

/* The settings as a connection string that names every one of them. */
static char *
write_down(const struct kdb_connection_settings *settings)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, WRITTEN_MAX_BYTES);
	kdb_buffer_put_printf(
	    &out, "kurrentdb%s://", settings->is_discover ? "+discover" : "");
	if (settings->user != NULL) {
		put_escaped(&out, settings->user);
		kdb_buffer_put_char(&out, ':');
		put_escaped(&out, settings->password);
		kdb_buffer_put_char(&out, '@');
	}
	put_hosts(&out, settings);
	kdb_buffer_put_printf(&out,
	    "?tls=%s&tlsVerifyCert=%s&nodePreference=%s&maxDiscoverAttempts=%d"
	    "&discoveryInterval=%d&gossipTimeout=%d&keepAliveInterval=%d"
	    "&keepAliveTimeout=%d",
	    settings->tls ? "true" : "false",
	    settings->tls_verify_cert ? "true" : "false",
	    kdb_node_preference_name(settings->node_preference),
	    (int)settings->max_discover_attempts, (int)settings->discovery_interval_ms,
	    (int)(settings->gossip_timeout_ms / 1000),
	    (int)settings->keep_alive_interval_ms, (int)settings->keep_alive_timeout_ms);
	if (settings->default_deadline_ms != 0)
		kdb_buffer_put_printf(
		    &out, "&defaultDeadline=%d", (int)settings->default_deadline_ms);
	put_option(&out, "tlsCaFile", settings->tls_ca_file);
	put_option(&out, "userCertFile", settings->user_cert_file);
	put_option(&out, "userKeyFile", settings->user_key_file);
	put_option(&out, "connectionName", settings->connection_name);
	kdb_buffer_put_char(&out, '\0');
	require(!out.is_overflowed);
	return kdb_buffer_take(&out, &len);
}

static void
check_written(const struct kdb_connection_settings *settings)
{
	char *text = write_down(settings);
	struct kdb_connection_settings again;
	struct kdb_connection_string_error error;

	require(kdb_connection_string_parse(text, &again, &error));
	require(is_same(settings, &again));
	require(is_same_text(settings->password, again.password));
	kdb_connection_settings_dispose(&again);
	free(text);
}

/* What is shown of the settings cannot depend on the password, so it does not hold it. */
static void
check_hidden(const char *text, const struct kdb_connection_settings *settings)
{
	char *hidden = kdb_connection_string_hide_password(text);
	char *shown = kdb_connection_settings_print(settings);
	char *shown_again;
	struct kdb_connection_settings again;
	struct kdb_connection_string_error error;

	require(kdb_connection_string_parse(hidden, &again, &error));
	require(is_same(settings, &again));
	require(settings->password == NULL || *settings->password == '\0' ||
		strcmp(again.password, "***") == 0);
	shown_again = kdb_connection_settings_print(&again);
	require(strcmp(shown, shown_again) == 0);
	kdb_connection_settings_dispose(&again);
	free(shown_again);
	free(shown);
	free(hidden);
}

static void
check_settings(const struct kdb_connection_settings *settings)
{
	require(settings->seed_count >= 1);
	for (size_t i = 0; i < settings->seed_count; i++)
		require(
		    settings->seeds[i].host[0] != '\0' && settings->seeds[i].port > 0);
	require((settings->user == NULL) == (settings->password == NULL));
	require((settings->user_cert_file == NULL) == (settings->user_key_file == NULL));
	require(settings->gossip_timeout_ms % 1000 == 0);
	kdb_connection_settings_is_loopback(settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = fuzz_text(bytes, len);
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;

	if (kdb_connection_string_parse(text, &settings, &error)) {
		check_settings(&settings);
		check_written(&settings);
		check_hidden(text, &settings);
		kdb_connection_settings_dispose(&settings);
	} else {
		require(error.offset <= strlen(text));
		require(error.text[0] != '\0');
		require(memchr(error.text, '\0', sizeof error.text) != NULL);
	}
	free(text);
	return 0;
}
