/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers settings from the four sources of configuration, with the place of each. */
#include "daemon/config_source.h"

#include "client-core/base/alloc.h"
#include "client-core/base/name_distance.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define PRIVATE_MODE 0640
#define READ_BYTES 4096
#define BLANKS " \t\r"

static const char prefix[] = "KURRENTGATE_";

/* Values of getopt_long() beyond the indices of the table. */
enum {
	FLAG_CONFIG = KG_OPTION_TOTAL,
	FLAG_CHECK,
	FLAG_PRINT,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_END,
};

/* getopt_long() returns characters for short flags, and ours above all of those. */
#define FLAG_BASE 256

static void
free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void
dispose_given(struct kg_config_given *given)
{
	for (size_t i = 0; i < given->count; i++) {
		free_secret(given->items[i].value);
		free(given->items[i].origin);
	}
	free(given->items);
	*given = (struct kg_config_given){ 0 };
}

void
kg_config_sources_dispose(struct kg_config_sources *sources)
{
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++)
		dispose_given(&sources->options[i]);
}

static void
append(struct kg_config_given *given, char *value, char *origin)
{
	given->items =
	    kdb_realloc(given->items, (given->count + 1) * sizeof *given->items);
	given->items[given->count++] =
	    (struct kg_config_setting){ .value = value, .origin = origin };
}

/* Takes value and origin over. */
static bool
add(struct kg_config_sources *sources, size_t option, char *value, char *origin,
    char **error_text)
{
	struct kg_config_given *given = &sources->options[option];

	if (given->count > 0 && kg_options[option].type != KG_OPTION_LIST) {
		const char *first = given->items[0].origin;
		bool is_same_place = strcmp(first, origin) == 0;

		*error_text = kdb_alloc_printf("%s: %s is given twice%s%s", origin,
		    kg_options[option].name, is_same_place ? "" : "; the first is ",
		    is_same_place ? "" : first);
		free_secret(value);
		free(origin);
		return false;
	}
	append(given, value, origin);
	return true;
}

void
kg_config_sources_replace(
    struct kg_config_sources *sources, size_t option, char *value, char *origin)
{
	dispose_given(&sources->options[option]);
	append(&sources->options[option], value, origin);
}

void
kg_config_sources_overlay(
    struct kg_config_sources *sources, struct kg_config_sources *higher)
{
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++) {
		if (higher->options[i].count == 0)
			continue;
		dispose_given(&sources->options[i]);
		sources->options[i] = higher->options[i];
		higher->options[i] = (struct kg_config_given){ 0 };
	}
}

/* A list as one text: items with blanks between them; none at all is one empty item. */
static void
add_list(struct kg_config_given *given, const char *text, const char *origin)
{
	for (;;) {
		size_t len;

		text += strspn(text, BLANKS);
		len = strcspn(text, BLANKS);
		if (len == 0 && given->count > 0)
			return;
		append(given, kdb_alloc_text(text, len),
		    kdb_alloc_text(origin, strlen(origin)));
		text += len;
	}
}

static void
add_text(struct kg_config_sources *sources, size_t option, const char *text,
    const char *origin)
{
	struct kg_config_given *given = &sources->options[option];

	if (kg_options[option].type == KG_OPTION_LIST)
		add_list(given, text, origin);
	else
		append(given, kdb_alloc_text(text, strlen(text)),
		    kdb_alloc_text(origin, strlen(origin)));
}

void
kg_config_sources_add_defaults(struct kg_config_sources *sources)
{
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++)
		add_text(sources, i, kg_options[i].default_text, "default");
}

/* --- file --------------------------------------------------------------------------- */

static bool
check_private(const char *path, const struct stat *status, char **error_text)
{
	mode_t mode = status->st_mode & 07777;

	if (!S_ISREG(status->st_mode)) {
		*error_text = kdb_alloc_printf("%s: is not a regular file", path);
		return false;
	}
	if (mode & ~(mode_t)PRIVATE_MODE) {
		*error_text = kdb_alloc_printf(
		    "%s: its mode is %04o, so others may read the password; chmod 0640",
		    path, (unsigned)mode);
		return false;
	}
	return true;
}

static bool
read_all(int fd, struct kdb_buffer *content)
{
	char bytes[READ_BYTES];
	ssize_t len;

	do {
		len = read(fd, bytes, sizeof bytes);
		if (len > 0)
			kdb_buffer_put(content, bytes, (size_t)len);
	} while ((len > 0 && !content->is_overflowed) || (len < 0 && errno == EINTR));
	explicit_bzero(bytes, sizeof bytes);
	return len >= 0;
}

bool
kg_config_file_read(
    const char *path, bool is_private, struct kdb_buffer *content, char **error_text)
{
	/* Without O_NONBLOCK a pipe in place of the private file would stop us here. */
	int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_private ? O_NONBLOCK : 0));
	struct stat status;
	bool is_read = false;

	if (fd < 0 || fstat(fd, &status) != 0)
		*error_text = kdb_alloc_printf("%s: %s", path, strerror(errno));
	else if (is_private && !check_private(path, &status, error_text))
		is_read = false;
	else if (!read_all(fd, content))
		*error_text = kdb_alloc_printf("%s: %s", path, strerror(errno));
	else if (content->is_overflowed)
		*error_text = kdb_alloc_printf(
		    "%s: has more than %zu bytes", path, content->max_len);
	else
		is_read = true;
	if (fd >= 0)
		close(fd);
	return is_read;
}

/* A part of the line that is being read. */
struct part {
	const char *at;
	size_t len;
};

static struct part
trim(const char *at, size_t len)
{
	while (len > 0 && strchr(BLANKS, *at) && *at) {
		at++;
		len--;
	}
	while (len > 0 && strchr(BLANKS, at[len - 1]) && at[len - 1])
		len--;
	return (struct part){ at, len };
}

/* "did you mean …?" behind an unknown name, or nothing. */
static char *
unknown_text(const char *origin, const char *what, const char *mark, struct part name)
{
	int nearest = kg_option_find_nearest(name.at, name.len);
	bool is_word = name.len <= KDB_NAME_DISTANCE_MAX_LEN;

	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.at[i]) && name.at[i] != '-' &&
		    name.at[i] != '_')
			is_word = false;
	if (!is_word)
		return kdb_alloc_printf("%s: unknown %s", origin, what);
	if (nearest < 0)
		return kdb_alloc_printf("%s: unknown %s \"%s%.*s\"", origin, what, mark,
		    (int)name.len, name.at);
	return kdb_alloc_printf("%s: unknown %s \"%s%.*s\"; did you mean %s%s?", origin,
	    what, mark, (int)name.len, name.at, mark, kg_options[nearest].name);
}

static bool
check_value(const char *origin, struct part value, char **error_text)
{
	if (memchr(value.at, 0, value.len)) {
		*error_text = kdb_alloc_printf("%s: a NUL byte is not allowed", origin);
		return false;
	}
	if (value.len > 0 && (*value.at == '"' || *value.at == '\'')) {
		*error_text = kdb_alloc_printf(
		    "%s: a value is written without quotation marks", origin);
		return false;
	}
	return true;
}

static bool
read_setting(struct kg_config_sources *sources, struct part line, const char *origin,
    char **error_text)
{
	const char *equals = memchr(line.at, '=', line.len);
	struct part name, value;
	int option;

	if (!equals) {
		*error_text =
		    kdb_alloc_printf("%s: a line reads \"name = value\"", origin);
		return false;
	}
	name = trim(line.at, (size_t)(equals - line.at));
	value = trim(equals + 1, line.len - (size_t)(equals + 1 - line.at));
	option = kg_option_find(name.at, name.len);
	if (option < 0) {
		*error_text = unknown_text(origin, "option", "", name);
		return false;
	}
	if (!check_value(origin, value, error_text))
		return false;
	return add(sources, (size_t)option, kdb_alloc_text(value.at, value.len),
	    kdb_alloc_text(origin, strlen(origin)), error_text);
}

static bool
read_lines(struct kg_config_sources *sources, const char *path, struct part rest,
    char **error_text)
{
	bool is_good = true;

	for (size_t number = 1; is_good && rest.len > 0; number++) {
		const char *end = memchr(rest.at, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.at) : rest.len;
		struct part line = trim(rest.at, len);
		char *origin;

		rest.at += len + (end != NULL);
		rest.len -= len + (end != NULL);
		if (line.len == 0 || *line.at == '#')
			continue;
		origin = kdb_alloc_printf("%s:%zu", path, number);
		is_good = read_setting(sources, line, origin, error_text);
		free(origin);
	}
	return is_good;
}

static void
dispose_secret(struct kdb_buffer *content)
{
	if (content->data)
		explicit_bzero(content->data, content->len);
	kdb_buffer_dispose(content);
}

bool
kg_config_sources_read_file(
    struct kg_config_sources *sources, const char *path, char **error_text)
{
	struct kdb_buffer content;
	bool is_read;

	kdb_buffer_init(&content, MAX_FILE_BYTES);
	is_read = kg_config_file_read(path, false, &content, error_text) &&
	    read_lines(
		sources, path, (struct part){ content.data, content.len }, error_text);
	dispose_secret(&content);
	return is_read;
}

/* --- environment -------------------------------------------------------------------- */

char *
kg_config_environment_name(const char *option_name)
{
	char *name = kdb_alloc_printf("%s%s", prefix, option_name);

	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return name;
}

/* The option name that belongs to the rest of a variable's name; the caller frees it. */
static char *
option_name_of(const char *rest, size_t len)
{
	char *name = kdb_alloc_text(rest, len);

	for (char *c = name; *c; c++) {
		/* A small letter does not belong there: it makes a name that is none. */
		if (islower((unsigned char)*c))
			*c = '?';
		else
			*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	}
	return name;
}

/* A container platform may set variables that begin like ours
 * (KURRENTGATE_SERVICE_HOST), so only an unknown one that is close to one of ours is a
 * mistake. */
static bool
check_unknown(const char *origin, const char *name, char **error_text)
{
	int nearest = kg_option_find_nearest(name, strlen(name));
	char *meant;

	if (nearest < 0)
		return true;
	meant = kg_config_environment_name(kg_options[nearest].name);
	*error_text =
	    kdb_alloc_printf("%s: unknown variable; did you mean %s?", origin, meant);
	free(meant);
	return false;
}

static bool
read_variable(struct kg_config_sources *sources, const char *variable, char **error_text)
{
	const char *rest = variable + strlen(prefix);
	const char *equals = strchr(rest, '=');
	char *name, *origin;
	bool is_good = true;
	int option;

	/* An empty variable is as good as none: that is how they are switched off. */
	if (!equals || !equals[1])
		return true;
	name = option_name_of(rest, (size_t)(equals - rest));
	origin = kdb_alloc_printf("environment %.*s", (int)(equals - variable), variable);
	option = kg_option_find(name, strlen(name));
	if (option >= 0 && sources->options[option].count == 0)
		add_text(sources, (size_t)option, equals + 1, origin);
	else if (option < 0 && strcmp(name, "config") != 0)
		is_good = check_unknown(origin, name, error_text);
	free(name);
	free(origin);
	return is_good;
}

bool
kg_config_sources_read_environment(
    struct kg_config_sources *sources, char **env, char **error_text)
{
	for (; *env; env++)
		if (strncmp(*env, prefix, strlen(prefix)) == 0 &&
		    !read_variable(sources, *env, error_text))
			return false;
	return true;
}

/* --- command line ------------------------------------------------------------------- */

static int
arguments(const struct kg_option *option)
{
	return option->type == KG_OPTION_FLAG ? optional_argument : required_argument;
}

static void
fill_flags(struct option *flags)
{
	static const struct option others[] = {
		{ "config", required_argument, NULL, FLAG_BASE + FLAG_CONFIG },
		{ "check-config", no_argument, NULL, FLAG_BASE + FLAG_CHECK },
		{ "print-config", no_argument, NULL, FLAG_BASE + FLAG_PRINT },
		{ "help", no_argument, NULL, FLAG_BASE + FLAG_HELP },
		{ "version", no_argument, NULL, FLAG_BASE + FLAG_VERSION },
		{ 0 },
	};

	for (int i = 0; i < KG_OPTION_TOTAL; i++)
		flags[i] = (struct option){ .name = kg_options[i].name,
			.has_arg = arguments(&kg_options[i]),
			.val = FLAG_BASE + i };
	memcpy(flags + KG_OPTION_TOTAL, others, sizeof others);
}

/* Behind '?' and ':' of getopt_long(): what is wrong with the argument it just looked
 * at. */
static char *
bad_flag_text(int result, const char *argument)
{
	struct part name = { argument, strcspn(argument, "=") };

	if (result == ':')
		return kdb_alloc_printf(
		    "flag %.*s: the value is missing", (int)name.len, argument);
	if (strncmp(argument, "--", 2) != 0)
		return kdb_alloc_printf(
		    "unknown flag -%c; every flag has a long name, see --help",
		    isprint(optopt) ? optopt : '?');
	name.at += 2;
	name.len -= 2;
	/* getopt_long() tells an unknown name by optopt 0; so also an abbreviation that
	 * fits two names, and else which flag must not have a value. */
	if (optopt >= FLAG_BASE)
		return kdb_alloc_printf(
		    "flag --%.*s: takes no value", (int)name.len, name.at);
	return unknown_text("command line", "flag", "--", name);
}

static bool
take_flag(struct kg_config_sources *sources, int index, struct kg_config_flags *flags,
    char **error_text)
{
	const char *value = optarg ? optarg : "true";

	switch (index) {
	case FLAG_CONFIG:
		if (flags->file_path) {
			*error_text = kdb_alloc_printf("flag --config: is given twice");
			return false;
		}
		flags->file_path = optarg;
		return true;
	case FLAG_CHECK:
	case FLAG_PRINT:
		if (flags->command == KG_CONFIG_RUN || index == FLAG_PRINT)
			flags->command =
			    index == FLAG_CHECK ? KG_CONFIG_CHECK : KG_CONFIG_PRINT;
		return true;
	case FLAG_HELP:
	case FLAG_VERSION:
		flags->command = index == FLAG_HELP ? KG_CONFIG_HELP : KG_CONFIG_VERSION;
		return true;
	default:
		return add(sources, (size_t)index, kdb_alloc_text(value, strlen(value)),
		    kdb_alloc_printf("flag --%s", kg_options[index].name), error_text);
	}
}

static bool
is_final(enum kg_config_command command)
{
	return command == KG_CONFIG_HELP || command == KG_CONFIG_VERSION;
}

bool
kg_config_sources_read_flags(struct kg_config_sources *sources, int argc, char **argv,
    struct kg_config_flags *flags, char **error_text)
{
	struct option table[FLAG_END + 1];
	int result;

	*flags = (struct kg_config_flags){ .command = KG_CONFIG_RUN };
	fill_flags(table);
	/* Zero makes glibc begin anew; the '+' keeps the order of argv. */
	optind = 0;
	opterr = 0;
	while ((result = getopt_long(argc, argv, "+:", table, NULL)) != -1) {
		if (result < FLAG_BASE) {
			*error_text = bad_flag_text(result, argv[optind - 1]);
			return false;
		}
		if (!take_flag(sources, result - FLAG_BASE, flags, error_text))
			return false;
		if (is_final(flags->command))
			return true;
	}
	if (optind < argc) {
		*error_text = kdb_alloc_printf(
		    "unexpected argument %d; every setting is a flag, see --help",
		    optind);
		return false;
	}
	return true;
}
