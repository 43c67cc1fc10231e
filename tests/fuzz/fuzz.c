/* SPDX-License-Identifier: Apache-2.0 */
/* Properties that more than one target asks for. Owns nothing. */
#include "tests/fuzz/fuzz.h"

#include "client-core/base/alloc.h"
#include "daemon/json_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS_MAX = 16, PROBLEM_MAX_BYTES = 1 << 20 };

void
fuzz_fail(const char *file, int line, const char *property)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
	abort();
}

char *
fuzz_copy(const void *bytes, size_t len)
{
	char *copy = kdb_alloc(len);

	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *
fuzz_text(const void *bytes, size_t len)
{
	return kdb_alloc_text(bytes, strnlen(bytes, len));
}

/* The rows of RFC 3629, 4: first byte, range of the second, number of further bytes. */
static const struct {
	unsigned char first_from, first_to, second_from, second_to;
	size_t len;
} characters[] = {
    {0x00, 0x7f, 0x00, 0x00, 1},
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static size_t
character_len(const unsigned char *at, size_t len)
{
	size_t row = 0;

	while (row < sizeof characters / sizeof characters[0] &&
	       (at[0] < characters[row].first_from || at[0] > characters[row].first_to))
		row++;
	if (row == sizeof characters / sizeof characters[0] || characters[row].len > len)
		return 0;
	for (size_t i = 1; i < characters[row].len; i++) {
		unsigned char from = i == 1 ? characters[row].second_from : 0x80;
		unsigned char to = i == 1 ? characters[row].second_to : 0xbf;

		if (at[i] < from || at[i] > to)
			return 0;
	}
	return characters[row].len;
}

bool
fuzz_is_utf8(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	while (len > 0) {
		size_t char_len = character_len(at, len);

		if (char_len == 0)
			return false;
		at += char_len;
		len -= char_len;
	}
	return true;
}

bool
fuzz_is_printable(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return len < size;
}

/* 499 stands for a client that went away: it is only logged. */
static bool
is_http_status(unsigned status)
{
	return status >= 400 && status <= 599 && status != 499;
}

void
fuzz_check_refusal(const struct kg_refusal *refusal)
{
	struct kdb_buffer out;
	char status[32];

	require(refusal->is_set);
	require(refusal->problem < KG_PROBLEM_COUNT);
	require(is_http_status(kg_problem_row(refusal->problem)->status));
	require(refusal->detail[0] != '\0');
	require(refusal->finding_count <= KG_FINDINGS_MAX);
	snprintf(status, sizeof status, "\"status\":%u,",
	    kg_problem_row(refusal->problem)->status);
	kdb_buffer_init(&out, PROBLEM_MAX_BYTES);
	kg_problem_print(refusal, "fuzz-1", KG_INT64_NUMBER, &out);
	require(!out.is_overflowed);
	require(kg_json_is_valid(out.data, out.len, 8));
	require(fuzz_is_utf8(out.data, out.len));
	require(memmem(out.data, out.len, status, strlen(status)) != NULL);
	kdb_buffer_dispose(&out);
}

struct kg_config *
fuzz_config(const char *const *flags)
{
	const char *arguments[FLAGS_MAX] = {
	    "kurrentgate", "--database=kurrentdb://127.0.0.1:2113?tls=false"};
	char *no_environment[] = {NULL};
	enum kg_config_command command;
	struct kg_config_sources *sources;
	struct kg_config *config;
	char *error_text;
	int count = 2;

	while (*flags != NULL && count + 1 < FLAGS_MAX)
		arguments[count++] = *flags++;
	/* The arguments are not written to: getopt_long() reorders the list alone. */
	config = kg_config_read(count, (char **)(uintptr_t)arguments, no_environment,
	    &command, &sources, &error_text);
	require(config != NULL);
	kg_config_sources_free(sources);
	return config;
}
