/* SPDX-License-Identifier: Apache-2.0 */
/* Lays the sources of configuration over each other, reads the values, and checks what
 * no single value can tell. Owns nothing after it returns. */
#include "daemon/config.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "daemon/config_source.h"
#include "daemon/option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONNECTION_STRING_LEN 65536

static const char *
origin_of(const struct kg_config_sources *sources, size_t option)
{
	return sources->options[option].items[0].origin;
}

static bool
read_values(
    struct kg_config *config, const struct kg_config_sources *sources, char **error_text)
{
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++) {
		const struct kg_config_given *given = &sources->options[i];

		if (given->count > 0)
			kg_option_clear(&kg_options[i], config);
		for (size_t j = 0; j < given->count; j++) {
			char *trouble;

			if (kg_option_put(
				&kg_options[i], config, given->items[j].value, &trouble))
				continue;
			*error_text = kdb_alloc_printf("%s: %s %s",
			    given->items[j].origin, kg_options[i].name, trouble);
			free(trouble);
			return false;
		}
	}
	return true;
}

/* Values of a lower source are read too, so that a mistake shows although a higher source
 * replaces it today. */
static bool
overlay(struct kg_config *config, struct kg_config_sources *sources,
    struct kg_config_sources *higher, char **error_text)
{
	if (!read_values(config, higher, error_text))
		return false;
	kg_config_sources_overlay(sources, higher);
	return true;
}

static const char *
file_path(const struct kg_config_flags *flags, char **env)
{
	static const char variable[] = "KURRENTGATE_CONFIG=";
	size_t len = sizeof variable - 1;

	if (flags->file_path)
		return flags->file_path;
	for (; *env; env++)
		if (strncmp(*env, variable, len) == 0 && (*env)[len])
			return *env + len;
	return NULL;
}

/* Default, file and environment, from low to high. */
static bool
read_below_flags(struct kg_config *config, struct kg_config_sources *sources,
    const char *path, char **env, char **error_text)
{
	struct kg_config_sources layer = { 0 };
	bool is_good;

	kg_config_sources_add_defaults(&layer);
	is_good = overlay(config, sources, &layer, error_text) &&
	    (!path || kg_config_sources_read_file(&layer, path, error_text)) &&
	    overlay(config, sources, &layer, error_text) &&
	    kg_config_sources_read_environment(&layer, env, error_text) &&
	    overlay(config, sources, &layer, error_text);
	kg_config_sources_dispose(&layer);
	return is_good;
}

/* --- database ----------------------------------------------------------------------- */

static bool
refuse_missing_database(char **error_text)
{
	*error_text = kdb_alloc_printf(
	    "no database: give the connection string of KurrentDB, for example\n"
	    "  kurrentgate --database='kurrentdb://127.0.0.1:2113?tls=false'\n"
	    "or in the configuration file\n"
	    "  database = kurrentdb://127.0.0.1:2113?tls=false");
	return false;
}

static bool
parse_connection(
    struct kg_config *config, const char *text, const char *place, char **error_text)
{
	struct kdb_connection_string_error error;

	if (kdb_connection_string_parse(text, &config->connection, &error))
		return true;
	*error_text = kdb_alloc_printf(
	    "%s: connection string, byte %zu: %s", place, error.offset, error.text);
	return false;
}

/* Takes one line end away; false when what is left is no text. */
static bool
trim_secret(struct kdb_buffer *content)
{
	if (content->len > 0 && content->data[content->len - 1] == '\n')
		content->len--;
	if (content->len > 0 && content->data[content->len - 1] == '\r')
		content->len--;
	return content->len == 0 || !memchr(content->data, 0, content->len);
}

static bool
read_database_file(struct kg_config *config, char **error_text)
{
	const char *path = config->database_file;
	struct kdb_buffer content;
	char *text = NULL;
	bool is_read = false;

	kdb_buffer_init(&content, MAX_CONNECTION_STRING_LEN);
	if (!kg_config_file_read(path, true, &content, error_text))
		goto out;
	if (!trim_secret(&content)) {
		*error_text = kdb_alloc_printf("%s: a NUL byte is not allowed", path);
		goto out;
	}
	text = kdb_alloc_text(content.data, content.len);
	is_read = parse_connection(config, text, path, error_text);
	explicit_bzero(text, content.len);
	free(text);
out:
	if (content.data)
		explicit_bzero(content.data, content.capacity);
	kdb_buffer_dispose(&content);
	return is_read;
}

/* The secret is in the settings then, and nowhere else. */
static void
hide_password(struct kg_config *config, struct kg_config_sources *sources)
{
	const struct kg_option *option = &kg_options[KG_OPTION_INDEX_database];
	char *hidden = kdb_connection_string_hide_password(config->database);
	const char *origin = origin_of(sources, KG_OPTION_INDEX_database);
	char *no_error;

	kg_option_put(option, config, hidden, &no_error);
	kg_config_sources_replace(sources, KG_OPTION_INDEX_database, hidden,
	    kdb_alloc_text(origin, strlen(origin)));
}

static bool
read_database(
    struct kg_config *config, struct kg_config_sources *sources, char **error_text)
{
	const char *origin = origin_of(sources, KG_OPTION_INDEX_database);

	if (config->database && config->database_file) {
		*error_text =
		    kdb_alloc_printf("give database (%s) or database-file (%s), not both",
			origin, origin_of(sources, KG_OPTION_INDEX_database_file));
		return false;
	}
	if (config->database_file)
		return read_database_file(config, error_text);
	if (!config->database)
		return refuse_missing_database(error_text);
	if (!parse_connection(config, config->database, origin, error_text))
		return false;
	hide_password(config, sources);
	return true;
}

static const char *
database_origin(const struct kg_config *config, const struct kg_config_sources *sources)
{
	return config->database_file ? config->database_file :
				       origin_of(sources, KG_OPTION_INDEX_database);
}

static bool
check_connection(const struct kg_config *config, const struct kg_config_sources *sources,
    char **error_text)
{
	const struct kdb_connection_settings *connection = &config->connection;

	if (!connection->tls && connection->user && !config->allow_cleartext_credentials &&
	    !kdb_connection_settings_is_loopback(connection)) {
		*error_text = kdb_alloc_printf(
		    "%s: with tls=false, user and password would cross the network in "
		    "clear text; set allow-cleartext-credentials = true if that is acceptable",
		    database_origin(config, sources));
		return false;
	}
	return true;
}

/* --- what no single value can tell -------------------------------------------------- */

/* Without the option, the deadline of the connection string counts (api-design 13.3),
 * as far as the cap allows. */
static void
apply_default_deadline(struct kg_config *config, struct kg_config_sources *sources)
{
	int64_t deadline_ns = config->connection.default_deadline_ms * KDB_NS_PER_MS;
	bool is_capped = deadline_ns > config->max_timeout_ns;
	const char *origin = origin_of(sources, KG_OPTION_INDEX_default_timeout_ns);

	if (deadline_ns == 0 || strcmp(origin, "default") != 0)
		return;
	config->default_timeout_ns = is_capped ? config->max_timeout_ns : deadline_ns;
	kg_config_sources_replace(sources, KG_OPTION_INDEX_default_timeout_ns,
	    kdb_alloc_printf(
		"%.9g", (double)config->default_timeout_ns / KDB_NS_PER_SECOND),
	    kdb_alloc_printf("defaultDeadline of the connection string%s",
		is_capped ? ", cut to max-timeout-seconds" : ""));
}

static bool
refuse_order(const struct kg_config_sources *sources, size_t smaller, size_t larger,
    char **error_text)
{
	const struct kg_config_setting *low = &sources->options[smaller].items[0];
	const struct kg_config_setting *high = &sources->options[larger].items[0];

	*error_text = kdb_alloc_printf("%s: %s (%s) must not be above %s (%s, %s)",
	    low->origin, kg_options[smaller].name, low->value, kg_options[larger].name,
	    high->value, high->origin);
	return false;
}

static bool
check_orders(const struct kg_config *config, const struct kg_config_sources *sources,
    char **error_text)
{
	if (config->default_timeout_ns > config->max_timeout_ns)
		return refuse_order(sources, KG_OPTION_INDEX_default_timeout_ns,
		    KG_OPTION_INDEX_max_timeout_ns, error_text);
	if (config->max_body_bytes > config->max_inflight_bytes)
		return refuse_order(sources, KG_OPTION_INDEX_max_body_bytes,
		    KG_OPTION_INDEX_max_inflight_bytes, error_text);
	return true;
}

static bool
is_host(const char *text)
{
	if (*text == '[')
		return strspn(text + 1, "0123456789abcdefABCDEF:.") + 2 == strlen(text) &&
		    text[strlen(text) - 1] == ']';
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return false;
	return true;
}

static bool
is_origin(const char *text)
{
	const char *mark = strstr(text, "://");

	if (!mark || mark == text || !isalpha((unsigned char)*text))
		return false;
	for (const char *c = text; c < mark; c++)
		if (!isalnum((unsigned char)*c) && !strchr("+-.", *c))
			return false;
	mark += 3;
	return *mark && strcspn(mark, "/?#@*") == strlen(mark);
}

static bool
check_items(const struct kg_config_sources *sources, size_t option,
    bool (*is_good)(const char *), const char *trouble, char **error_text)
{
	const struct kg_config_given *given = &sources->options[option];

	for (size_t i = 0; i < given->count; i++) {
		const struct kg_config_setting *setting = &given->items[i];

		if (!*setting->value || is_good(setting->value))
			continue;
		*error_text = kdb_alloc_printf(
		    "%s: %s %s", setting->origin, kg_options[option].name, trouble);
		return false;
	}
	return true;
}

static bool
check_lists(const struct kg_config *config, const struct kg_config_sources *sources,
    char **error_text)
{
	if (config->listen.count == 0) {
		*error_text = kdb_alloc_printf("%s: listen names no address",
		    origin_of(sources, KG_OPTION_INDEX_listen));
		return false;
	}
	return check_items(sources, KG_OPTION_INDEX_allowed_hosts, is_host,
		   "must be a host name or an address ([...] around IPv6) without a port: "
		   "any port is allowed with it",
		   error_text) &&
	    check_items(sources, KG_OPTION_INDEX_allowed_origins, is_origin,
		"must be scheme://host or scheme://host:port without a path; there is no "
		"wildcard",
		error_text);
}

static bool
fill(struct kg_config *config, struct kg_config_sources *sources,
    struct kg_config_sources *from_flags, const struct kg_config_flags *flags, char **env,
    char **error_text)
{
	if (!read_below_flags(config, sources, file_path(flags, env), env, error_text) ||
	    !overlay(config, sources, from_flags, error_text) ||
	    !check_orders(config, sources, error_text) ||
	    !check_lists(config, sources, error_text) ||
	    !read_database(config, sources, error_text) ||
	    !check_connection(config, sources, error_text))
		return false;
	apply_default_deadline(config, sources);
	return true;
}

struct kg_config *
kg_config_read(int argc, char **argv, char **env, enum kg_config_command *command,
    struct kg_config_sources **sources, char **error_text)
{
	struct kg_config *config = kdb_alloc_zero(1, sizeof *config);
	struct kg_config_sources from_flags = { 0 };
	struct kg_config_flags flags;
	bool is_good;

	*sources = kdb_alloc_zero(1, sizeof **sources);
	is_good =
	    kg_config_sources_read_flags(&from_flags, argc, argv, &flags, error_text);
	*command = flags.command;
	if (is_good && flags.command != KG_CONFIG_HELP &&
	    flags.command != KG_CONFIG_VERSION)
		is_good = fill(config, *sources, &from_flags, &flags, env, error_text);
	kg_config_sources_dispose(&from_flags);
	if (is_good)
		return config;
	kg_config_free(config);
	kg_config_sources_free(*sources);
	*sources = NULL;
	return NULL;
}

void
kg_config_free(struct kg_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++)
		kg_option_clear(&kg_options[i], config);
	kdb_connection_settings_dispose(&config->connection);
	free(config);
}

void
kg_config_sources_free(struct kg_config_sources *sources)
{
	if (!sources)
		return;
	kg_config_sources_dispose(sources);
	free(sources);
}
