/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of options. The input is a value; every option reads it. A refused one leaves the
 * configuration as it was; a number that is taken is in its range, and taken again when it
 * is written in the plainest form.
 */
#include "client-core/base/clock.h"
#include "daemon/option.h"
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
member_of(const struct kg_option *option, struct kg_config *config)
{
	return (char *)config + option->member;
}

/* The number of an option that holds one, in the option's unit or in nanoseconds. */
static bool
read_number(const struct kg_option *option, struct kg_config *config, int64_t *number)
{
	switch (option->type) {
	case KG_OPTION_BYTES:
		*number = (int64_t) * (size_t *)member_of(option, config);
		return true;
	case KG_OPTION_COUNT:
		*number = *(unsigned *)member_of(option, config);
		return true;
	case KG_OPTION_SECONDS:
		*number = *(int64_t *)member_of(option, config);
		return true;
	default:
		return false;
	}
}

static void
check_range(const struct kg_option *option, int64_t number)
{
	int64_t unit = option->type == KG_OPTION_SECONDS ? KDB_NS_PER_MS : 1;

	require(number >= option->minimum * unit && number <= option->maximum * unit);
}

static void
check_written(const struct kg_option *option, int64_t number)
{
	struct kg_config config = {0};
	char text[64];
	char *error_text;
	int64_t again = -1;

	if (option->type == KG_OPTION_SECONDS)
		snprintf(text, sizeof text, "%" PRId64 ".%09" PRId64,
		    number / KDB_NS_PER_SECOND, number % KDB_NS_PER_SECOND);
	else
		snprintf(text, sizeof text, "%" PRId64, number);
	require(kg_option_put(option, &config, text, &error_text));
	require(read_number(option, &config, &again) && again == number);
}

static void
check_taken(const struct kg_option *option, struct kg_config *config, const char *value)
{
	const struct kg_text_list *list = member_of(option, config);
	char *const *text = member_of(option, config);
	int64_t number;

	if (option->type == KG_OPTION_TEXT)
		require(*value == '\0' ? *text == NULL : strcmp(*text, value) == 0);
	if (option->type == KG_OPTION_LIST)
		require(*value == '\0' ? list->count == 0
				       : strcmp(list->items[0], value) == 0);
	if (option->type == KG_OPTION_MODE)
		require(
		    *(unsigned *)member_of(option, config) <= (unsigned)option->maximum);
	if (!read_number(option, config, &number))
		return;
	check_range(option, number);
	check_written(option, number);
}

static void
put(const struct kg_option *option, const char *value)
{
	static const struct kg_config empty;
	struct kg_config config = {0};
	char *error_text = NULL;

	if (kg_option_put(option, &config, value, &error_text)) {
		check_taken(option, &config, value);
	} else {
		require(error_text != NULL && error_text[0] != '\0');
		require(memcmp(&config, &empty, sizeof config) == 0);
		free(error_text);
	}
	kg_option_clear(option, &config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *value = fuzz_text(bytes, len);
	int option;

	for (size_t i = 0; i < KG_OPTION_TOTAL; i++)
		put(&kg_options[i], value);
	option = kg_option_find(value, strlen(value));
	require(option >= -1 && option < KG_OPTION_TOTAL);
	if (option >= 0)
		require(kg_option_find_nearest(value, strlen(value)) == option);
	free(value);
	return 0;
}
