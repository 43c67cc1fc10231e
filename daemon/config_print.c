/* SPDX-License-Identifier: Apache-2.0 */
/* The two texts made from the table of options: the effective configuration and the help. */
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
	kdb_buffer_put_printf(out, "# %s; %s\n%s =%s%s\n", range, setting->origin, option->name,
	    *setting->value ? " " : "", setting->value);
}

/* One comment for each setting of the connection, so that a long line stays readable. */
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
    "\n";

static const char help_rule[] =
    "An option is a flag, an environment variable or a line of the file. A flag wins over the "
    "environment, the environment over the file, the file over the default. The variable of "
    "--max-events is KURRENTGATE_MAX_EVENTS, its line max-events = 1000. KURRENTGATE_CONFIG names "
    "the file. Options that may be given several times: repeat the flag or the line; in a "
    "variable, blanks stand between the items.";

/* What stands for the value in --NAME=VALUE. */
static const char *
placeholder(const struct kg_option *option)
{
	static const char *const words[] = {
		[KG_OPTION_TEXT] = "TEXT",
		[KG_OPTION_LIST] = "ITEM",
		[KG_OPTION_FLAG] = "true|false",
		[KG_OPTION_BYTES] = "BYTES",
		[KG_OPTION_COUNT] = "NUMBER",
		[KG_OPTION_SECONDS] = "SECONDS",
		[KG_OPTION_VERSION] = "VERSION",
		[KG_OPTION_MODE] = "MODE",
	};

	return option->type == KG_OPTION_CHOICE ? option->unit : words[option->type];
}

static bool
is_told_by_placeholder(const struct kg_option *option)
{
	return option->type == KG_OPTION_FLAG || option->type == KG_OPTION_CHOICE;
}

static void
print_help_of(struct kdb_buffer *out, const struct kg_option *option)
{
	char *range = range_of(option);
	bool has_range = !is_told_by_placeholder(option);
	char *text = kdb_alloc_printf("%s. %s%sDefault: %s.", option->help, has_range ? range : "",
	    has_range ? ". " : "", *option->default_text ? option->default_text : "none");

	text[0] = (char)toupper((unsigned char)text[0]);
	kdb_buffer_put_printf(out, "  --%s=%s\n", option->name, placeholder(option));
	put_wrapped(out, "        ", text);
	free(text);
	free(range);
}

void
kg_config_print_help(struct kdb_buffer *out)
{
	kdb_buffer_put_text(out, help_head);
	put_wrapped(out, "", help_rule);
	kdb_buffer_put_char(out, '\n');
	for (size_t i = 0; i < KG_OPTION_TOTAL; i++)
		print_help_of(out, &kg_options[i]);
}
