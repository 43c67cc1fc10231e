/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_OPTION_H
#define KG_OPTION_H

#include "client-core/base/buffer.h"
#include "daemon/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rows of options.def, and the forms of their values. Pure; any thread. */

enum kg_option_type {
	KG_OPTION_TEXT,
	KG_OPTION_LIST,
	KG_OPTION_FLAG,
	KG_OPTION_BYTES,
	KG_OPTION_COUNT,
	KG_OPTION_SECONDS,
	KG_OPTION_CHOICE,
	KG_OPTION_VERSION,
	KG_OPTION_MODE,
};

struct kg_option {
	enum kg_option_type type;
	size_t member; /* offset in struct kg_config */
	const char *name;
	const char *default_text;
	int64_t minimum; /* of SECONDS in milliseconds, else in the unit */
	int64_t maximum;
	const char *unit; /* of CHOICE the words, of TEXT and LIST what it is; or "" */
	const char *help;
};

/* KG_OPTION_INDEX_field for every row. */
enum {
#define KG_OPTION(type, field, ...) KG_OPTION_INDEX_##field,
#include "daemon/options.def"
#undef KG_OPTION
	KG_OPTION_TOTAL
};

extern const struct kg_option kg_options[KG_OPTION_TOTAL];

/* The index of the option with this name, or -1. */
int kg_option_find(const char *name, size_t len);

/* The index of the option that was probably meant, or -1 when no name is near. */
int kg_option_find_nearest(const char *name, size_t len);

/* Frees the value of an option and makes it empty. */
void kg_option_clear(const struct kg_option *option, struct kg_config *config);

/*
 * Reads a value into config. A value that was there is replaced; the items of a list
 * are added. False: config is unchanged, and *error_text says what is wrong after the
 * words "value of NAME", such as "must be 1 to 100000 (events)"; the caller frees it.
 * It never quotes the value.
 */
bool kg_option_put(const struct kg_option *option, struct kg_config *config,
    const char *text, char **error_text);

/* Appends what is allowed, with its unit, such as "1 to 100000 (events)" or "true or
 * false". */
void kg_option_print_range(const struct kg_option *option, struct kdb_buffer *out);

#endif
