/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CONFIG_SOURCE_H
#define KG_CONFIG_SOURCE_H

#include "client-core/base/buffer.h"
#include "daemon/config.h"
#include "daemon/option.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a source of configuration says, as texts with their places: the default table, a
 * file, the environment, the command line. Values are not looked at here. Texts that
 * may hold a password are wiped when they are freed. One thread.
 */
struct kg_config_setting {
	char *value;
	char *origin; /* "PATH:12", "environment NAME", "flag --name", "default" */
};

struct kg_config_given {
	struct kg_config_setting *items; /* more than one only for a list */
	size_t count;                    /* 0: the source does not name the option */
};

struct kg_config_sources {
	struct kg_config_given options[KG_OPTION_TOTAL];
};

/* What the command line says besides options of the table. */
struct kg_config_flags {
	enum kg_config_command command;
	const char *file_path; /* borrowed from argv; NULL: none */
};

/* The name of the variable for an option; the caller frees it. */
char *kg_config_environment_name(const char *option_name);

/* Each adds what one source says to an empty *sources. False: *error_text, which the
 * caller frees, names the place and the trouble; *sources must still be disposed of. */
void kg_config_sources_add_defaults(struct kg_config_sources *sources);
bool kg_config_sources_read_file(
    struct kg_config_sources *sources, const char *path, char **error_text);
bool kg_config_sources_read_environment(
    struct kg_config_sources *sources, char **env, char **error_text);
bool kg_config_sources_read_flags(struct kg_config_sources *sources, int argc,
    char **argv, struct kg_config_flags *flags, char **error_text);

/* Replaces what sources says of an option by a single setting; takes both texts over. */
void kg_config_sources_replace(
    struct kg_config_sources *sources, size_t option, char *value, char *origin);

/* Lets every option that `higher` names replace that of sources; higher is empty then. */
void kg_config_sources_overlay(
    struct kg_config_sources *sources, struct kg_config_sources *higher);

void kg_config_sources_dispose(struct kg_config_sources *sources);

/* Reads a whole file of at most content->max_len bytes. With is_private, it must be a
 * regular file with mode 0640 or narrower. False: *error_text begins with the path. */
bool kg_config_file_read(
    const char *path, bool is_private, struct kdb_buffer *content, char **error_text);

#endif
