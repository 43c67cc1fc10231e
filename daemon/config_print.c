/* SPDX-License-Identifier: Apache-2.0 */
/* The two texts made from the table of options: the effective configuration and the
 * help. */
#include "client-core/base/alloc.h"
#include "daemon/config.h"
#include "daemon/config_source.h"
#include "daemon/option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINE_WIDTH 80
#define MAX_TEXT_LEN 512

/* Appends the words of text in lines that begin with the indent. */
static void
put_wrapped(struct kdb_buffer *out, const char *indent, const char *text)
{
	size_t column = 0;

	for (;;) {
		size_t len;

		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (len == 0)
			break;
		if (column > 0 && column + 1 + len > LINE_WIDTH) {
			kdb_buffer_put_char(out, '\n');
			column = 0;
		}
		kdb_buffer_put_text(out, column > 0 ? " " : indent);
		kdb_buffer_put(out, text, len);
		column += (column > 0 ? 1 : strlen(indent)) + len;
		text += len;
	}
	kdb_buffer_put_char(out, '\n');
}

static char *
range_of(const struct kg_option *option)
{
	struct kdb_buffer range;
	size_t len;

	kdb_buffer_init(&range, MAX_TEXT_LEN);
	kg_option_print_range(option, &range);
	kdb_buffer_put_char(&range, 0);
	return kdb_buffer_take(&range, &len);
}

static void
print_setting(struct kdb_buffer *out, const struct kg_option *option, const char *range,
    const struct kg_config_setting *setting)
{
	kdb_buffer_put_printf(out, "# %s; %s\n%s =%s%s\n", range, setting->origin,
	    option->name, *setting->value ? " " : "", setting->value);
}

static void
print_connection(struct kdb_buffer *out, const struct kdb_connection_settings *connection)
{
	char *text = kdb_connection_settings_print(connection);

	kdb_buffer_put_printf(out, "# connection: %s\n", text);
	free(text);
}

void
kg_config_print(const struct kg_config *config, const struct kg_config_sources *sources,
    struct kdb_buffer *out)
{
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++) {
		const struct kg_config_given *given = &sources->options[i];
		char *range = range_of(&kg_options[i]);

		for (size_t j = 0; j < given->count; j++)
			print_setting(out, &kg_options[i], range, &given->items[j]);
		free(range);
	}
	print_connection(out, &config->connection);
}

static const char help_head[] =
    "Usage: kurrentgate [--config=PATH] [--NAME=VALUE]...\n"
    "\n"
    "Takes events over HTTP and appends them to streams of KurrentDB.\n"
    "\n"
    "  --config=PATH     read a file with lines \"name = value\"\n"
    "  --check-config    check the configuration and exit\n"
    "  --print-config    show every option with its value and where that came from\n"
    "  --help            show this text\n"
    "  --version         show the version\n"
    "\n"
    "An option may stand in four places. A higher one wins:\n"
    "  1. a flag           --max-events=500\n"
    "  2. the environment  KURRENTGATE_MAX_EVENTS=500 (an empty variable is none)\n"
    "  3. the file         max-events = 500\n"
    "  4. the default\n"
    "The file is named by --config or KURRENTGATE_CONFIG. To give an option several\n"
    "times, repeat the flag or the line; in a variable, blanks separate the items.\n"
    "Sizes may end in KiB, MiB or GiB.\n"
    "\n";

static bool
has_range(const struct kg_option *option)
{
	switch (option->type) {
	case KG_OPTION_BYTES:
	case KG_OPTION_COUNT:
	case KG_OPTION_SECONDS:
	case KG_OPTION_VERSION:
	case KG_OPTION_MODE:
		return true;
	default:
		return false;
	}
}

static void
print_flag(struct kdb_buffer *out, const struct kg_option *option)
{
	if (option->type == KG_OPTION_FLAG)
		kdb_buffer_put_printf(out, "  --%s[=true|false]\n", option->name);
	else if (option->type == KG_OPTION_CHOICE)
		kdb_buffer_put_printf(out, "  --%s=%s\n", option->name, option->unit);
	else
		kdb_buffer_put_printf(out, "  --%s=<%s>\n", option->name, option->unit);
}

static void
print_help_of(struct kdb_buffer *out, const struct kg_option *option)
{
	char *range = range_of(option);
	bool is_ranged = has_range(option);
	char *text = kdb_alloc_printf("%s. %s%sDefault: %s.", option->help,
	    is_ranged ? range : "", is_ranged ? ". " : "",
	    *option->default_text ? option->default_text : "none");

	text[0] = (char)toupper((unsigned char)text[0]);
	print_flag(out, option);
	put_wrapped(out, "        ", text);
	free(text);
	free(range);
}

void
kg_config_print_help(struct kdb_buffer *out)
{
	kdb_buffer_put_text(out, help_head);
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++)
		print_help_of(out, &kg_options[i]);
}
