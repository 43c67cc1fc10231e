/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CONFIG_H
#define KG_CONFIG_H

#include "client-core/base/buffer.h"
#include "client-core/connection_string.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The configuration: one table (options.def) makes this struct, the flags, the
 * environment names, the file's lines, --help and --print-config. Precedence: flag over
 * environment over file over default. Immutable once read.
 */

struct kg_text_list {
	char **items;
	size_t count;
};

struct kg_default_version {
	bool is_given;
	int64_t expected_version;
};

enum kg_server_timing {
	KG_SERVER_TIMING_AUTO,
	KG_SERVER_TIMING_ON,
	KG_SERVER_TIMING_OFF
};
enum kg_readiness_profile { KG_PROFILE_SERVICE, KG_PROFILE_SIDECAR };
enum kg_log_level { KG_LOG_ERROR, KG_LOG_WARNING, KG_LOG_INFO, KG_LOG_DEBUG };
enum kg_log_format { KG_LOG_TEXT, KG_LOG_JSON };

#define KG_CONFIG_TYPE_TEXT char *
#define KG_CONFIG_TYPE_LIST struct kg_text_list
#define KG_CONFIG_TYPE_FLAG bool
#define KG_CONFIG_TYPE_BYTES size_t
#define KG_CONFIG_TYPE_COUNT unsigned
#define KG_CONFIG_TYPE_SECONDS int64_t
#define KG_CONFIG_TYPE_CHOICE int
#define KG_CONFIG_TYPE_VERSION struct kg_default_version
#define KG_CONFIG_TYPE_MODE unsigned

struct kg_config {
#define KG_OPTION(type, field, name, default_, minimum, maximum, unit, help)             \
	KG_CONFIG_TYPE_##type field;
#include "daemon/options.def"
#undef KG_OPTION
	/* From `database` or `database-file`. The text in `database` has lost its
	 * password. */
	struct kdb_connection_settings connection;
};

/* What the command line asks for besides a run. */
enum kg_config_command {
	KG_CONFIG_RUN,
	KG_CONFIG_CHECK, /* --check-config */
	KG_CONFIG_PRINT, /* --print-config */
	KG_CONFIG_HELP,
	KG_CONFIG_VERSION,
};

struct kg_config_sources; /* which value came from where, for --print-config */

/*
 * Reads argv, the environment (options, and KURRENTGATE_CONFIG) and the file named by
 * --config, if any: there is no default file. An empty variable counts as absent. Uses
 * getopt_long(), so one thread. On success *config, *command and *sources are set; free
 * them with kg_config_free() and kg_config_sources_free(). On failure returns NULL and
 * *error_text is a message for people, naming file and line, flag or variable, which
 * the caller frees. --help and --version need no valid configuration: the result is
 * then an empty config.
 */
struct kg_config *
kg_config_read(int argc, char **argv, char **env, enum kg_config_command *command,
    struct kg_config_sources **sources, char **error_text);
void kg_config_free(struct kg_config *config);
void kg_config_sources_free(struct kg_config_sources *sources);

/* Writes every option as a configuration line with its unit and origin in a comment;
 * the password of the connection string is hidden. */
void kg_config_print(const struct kg_config *config,
    const struct kg_config_sources *sources, struct kdb_buffer *out);

/* Writes the help text: usage, every option with default and unit, the environment
 * rule. */
void kg_config_print_help(struct kdb_buffer *out);

#endif
