/* SPDX-License-Identifier: Apache-2.0 */
/* One reader per type of option, and the ranges in words. Owns nothing but the table. */
#include "daemon/option.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/base/name_distance.h"
#include "daemon/append_body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RANGE_LEN 512

const struct kg_option kg_options[KG_OPTION_TOTAL] = {
#define KG_OPTION(type, field, name, default_, minimum, maximum, unit, help)             \
	{ KG_OPTION_##type, offsetof(struct kg_config, field), name, default_, minimum,  \
		maximum, unit, help },
#include "daemon/options.def"
#undef KG_OPTION
};

struct suffix {
	const char *text;
	int64_t factor;
};

static const struct suffix suffixes[] = {
	{ "GiB", INT64_C(1) << 30 },
	{ "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 },
};

enum { SUFFIX_COUNT = sizeof suffixes / sizeof *suffixes };

int
kg_option_find(const char *name, size_t len)
{
	for (int i = 0; i < KG_OPTION_TOTAL; i++)
		if (strlen(kg_options[i].name) == len &&
		    memcmp(kg_options[i].name, name, len) == 0)
			return i;
	return -1;
}

int
kg_option_find_nearest(const char *name, size_t len)
{
	size_t least = SIZE_MAX;
	int nearest = -1;

	for (int i = 0; i < KG_OPTION_TOTAL; i++) {
		size_t distance = kdb_name_distance(name, len, kg_options[i].name);

		if (distance < least) {
			least = distance;
			nearest = i;
		}
	}
	return nearest;
}

static void *
member_of(const struct kg_option *option, struct kg_config *config)
{
	return (char *)config + option->member;
}

static void
wipe_text(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
kg_option_clear(const struct kg_option *option, struct kg_config *config)
{
	char **text = member_of(option, config);
	struct kg_text_list *list = member_of(option, config);

	if (option->type == KG_OPTION_TEXT) {
		wipe_text(*text);
		*text = NULL;
	}
	if (option->type == KG_OPTION_LIST) {
		for (size_t i = 0; i < list->count; i++)
			free(list->items[i]);
		free(list->items);
		*list = (struct kg_text_list){ 0 };
	}
}

static bool
has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static bool
refuse(char **error_text, const char *text)
{
	*error_text = kdb_alloc_text(text, strlen(text));
	return false;
}

static bool
refuse_range(const struct kg_option *option, char **error_text)
{
	struct kdb_buffer range;

	kdb_buffer_init(&range, MAX_RANGE_LEN);
	kg_option_print_range(option, &range);
	*error_text = kdb_alloc_printf("must be %.*s%s", (int)range.len, range.data,
	    option->type == KG_OPTION_BYTES ?
		", digits with KiB, MiB, GiB or nothing behind" :
		"");
	kdb_buffer_dispose(&range);
	return false;
}

static bool
put_text(char **member, const char *text, char **error_text)
{
	if (has_control(text))
		return refuse(error_text, "must not contain control characters");
	wipe_text(*member);
	*member = *text ? kdb_alloc_text(text, strlen(text)) : NULL;
	return true;
}

static bool
put_item(struct kg_text_list *list, const char *text, char **error_text)
{
	if (has_control(text) || strchr(text, ' '))
		return refuse(error_text,
		    "must be one item without blanks; give further ones the same way");
	if (!*text)
		return true;
	list->items = kdb_realloc(list->items, (list->count + 1) * sizeof *list->items);
	list->items[list->count++] = kdb_alloc_text(text, strlen(text));
	return true;
}

static bool
put_flag(bool *member, const char *text, char **error_text)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return refuse(error_text, "must be true or false");
	*member = *text == 't';
	return true;
}

/* Reads digits up to something else. False when there are none or they overflow. */
static bool
read_digits(const char **text, int64_t *value)
{
	const char *at = *text;

	*value = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, *at - '0', value))
			return false;
	if (at == *text)
		return false;
	*text = at;
	return true;
}

static bool
read_suffix(const char *text, int64_t *factor)
{
	*factor = 1;
	for (size_t i = 0; i < SUFFIX_COUNT; i++) {
		if (strcmp(text, suffixes[i].text) != 0)
			continue;
		*factor = suffixes[i].factor;
		return true;
	}
	return *text == 0;
}

static bool
is_in_range(const struct kg_option *option, int64_t value)
{
	return value >= option->minimum && value <= option->maximum;
}

static bool
put_bytes(
    const struct kg_option *option, size_t *member, const char *text, char **error_text)
{
	int64_t value, factor;

	if (!read_digits(&text, &value) || !read_suffix(text, &factor) ||
	    __builtin_mul_overflow(value, factor, &value) || !is_in_range(option, value))
		return refuse_range(option, error_text);
	*member = (size_t)value;
	return true;
}

static bool
put_count(
    const struct kg_option *option, unsigned *member, const char *text, char **error_text)
{
	int64_t value;

	if (!read_digits(&text, &value) || *text || !is_in_range(option, value))
		return refuse_range(option, error_text);
	*member = (unsigned)value;
	return true;
}

/* Up to nine digits behind the point, as nanoseconds. */
static bool
read_fraction(const char *text, int64_t *fraction_ns)
{
	int64_t weight_ns = KDB_NS_PER_SECOND;

	*fraction_ns = 0;
	if (!*text)
		return false;
	for (; *text >= '0' && *text <= '9' && weight_ns > 1; text++) {
		weight_ns /= 10;
		*fraction_ns += (*text - '0') * weight_ns;
	}
	return *text == 0;
}

static bool
put_seconds(
    const struct kg_option *option, int64_t *member, const char *text, char **error_text)
{
	int64_t seconds, value_ns;
	int64_t fraction_ns = 0;

	if (!read_digits(&text, &seconds) ||
	    (*text && (*text != '.' || !read_fraction(text + 1, &fraction_ns))))
		return refuse_range(option, error_text);
	if (__builtin_mul_overflow(seconds, KDB_NS_PER_SECOND, &value_ns) ||
	    __builtin_add_overflow(value_ns, fraction_ns, &value_ns) ||
	    value_ns < option->minimum * KDB_NS_PER_MS ||
	    value_ns > option->maximum * KDB_NS_PER_MS)
		return refuse_range(option, error_text);
	*member = value_ns;
	return true;
}

static bool
put_choice(
    const struct kg_option *option, int *member, const char *text, char **error_text)
{
	const char *word = option->unit;

	for (int i = 0;; i++) {
		size_t len = strcspn(word, "|");

		if (strlen(text) == len && memcmp(text, word, len) == 0) {
			*member = i;
			return true;
		}
		if (!word[len])
			return refuse_range(option, error_text);
		word += len + 1;
	}
}

static bool
put_version(const struct kg_option *option, struct kg_default_version *member,
    const char *text, char **error_text)
{
	struct kg_default_version version = { .is_given = *text != 0 };

	if (*text && !kg_expectation_read(text, strlen(text), &version.expected_version))
		return refuse_range(option, error_text);
	*member = version;
	return true;
}

static bool
put_mode(
    const struct kg_option *option, unsigned *member, const char *text, char **error_text)
{
	size_t len = strlen(text);

	if (len < 3 || len > 5 || strspn(text, "01234567") != len ||
	    !is_in_range(option, (int64_t)strtoul(text, NULL, 8)))
		return refuse_range(option, error_text);
	*member = (unsigned)strtoul(text, NULL, 8);
	return true;
}

bool
kg_option_put(const struct kg_option *option, struct kg_config *config, const char *text,
    char **error_text)
{
	void *member = member_of(option, config);

	switch (option->type) {
	case KG_OPTION_TEXT:
		return put_text(member, text, error_text);
	case KG_OPTION_LIST:
		return put_item(member, text, error_text);
	case KG_OPTION_FLAG:
		return put_flag(member, text, error_text);
	case KG_OPTION_BYTES:
		return put_bytes(option, member, text, error_text);
	case KG_OPTION_COUNT:
		return put_count(option, member, text, error_text);
	case KG_OPTION_SECONDS:
		return put_seconds(option, member, text, error_text);
	case KG_OPTION_CHOICE:
		return put_choice(option, member, text, error_text);
	case KG_OPTION_VERSION:
		return put_version(option, member, text, error_text);
	case KG_OPTION_MODE:
		return put_mode(option, member, text, error_text);
	}
	abort();
}

static void
print_bytes(struct kdb_buffer *out, int64_t value)
{
	for (size_t i = 0; i < SUFFIX_COUNT; i++) {
		if (value == 0 || value % suffixes[i].factor != 0)
			continue;
		kdb_buffer_put_printf(
		    out, "%" PRId64 "%s", value / suffixes[i].factor, suffixes[i].text);
		return;
	}
	kdb_buffer_put_printf(out, "%" PRId64, value);
}

static void
print_choices(struct kdb_buffer *out, const char *words)
{
	for (;;) {
		size_t len = strcspn(words, "|");
		const char *next = words[len] ? words + len + 1 : NULL;

		kdb_buffer_put(out, words, len);
		if (!next)
			return;
		kdb_buffer_put_text(out, strchr(next, '|') ? ", " : " or ");
		words = next;
	}
}

void
kg_option_print_range(const struct kg_option *option, struct kdb_buffer *out)
{
	switch (option->type) {
	case KG_OPTION_TEXT:
	case KG_OPTION_LIST:
		kdb_buffer_put_text(out, option->unit);
		return;
	case KG_OPTION_FLAG:
		kdb_buffer_put_text(out, "true or false");
		return;
	case KG_OPTION_BYTES:
		print_bytes(out, option->minimum);
		kdb_buffer_put_text(out, " to ");
		print_bytes(out, option->maximum);
		kdb_buffer_put_printf(out, " (%s)", option->unit);
		return;
	case KG_OPTION_COUNT:
		kdb_buffer_put_printf(out, "%" PRId64 " to %" PRId64 " (%s)",
		    option->minimum, option->maximum, option->unit);
		return;
	case KG_OPTION_SECONDS:
		kdb_buffer_put_printf(out, "%g to %g (%s)",
		    (double)option->minimum / 1000, (double)option->maximum / 1000,
		    option->unit);
		return;
	case KG_OPTION_CHOICE:
		print_choices(out, option->unit);
		return;
	case KG_OPTION_VERSION:
		kdb_buffer_put_text(out, "no_stream, exists, any, a version, or nothing");
		return;
	case KG_OPTION_MODE:
		kdb_buffer_put_printf(
		    out, "0000 to %04" PRIo64 " (%s)", option->maximum, option->unit);
		return;
	}
}
