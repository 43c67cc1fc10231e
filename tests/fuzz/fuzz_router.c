/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths. The input is a path with or without a query. A path that routes has values that
 * are UTF-8 without NUL, and the same values, spelled in any other way, route to the same
 * place.
 */
#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"
#include "daemon/router.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, SPELLED_MAX_BYTES = 1 << 16 };

static struct kg_target
split(char *text, size_t len)
{
	char *question = memchr(text, '?', len);
	size_t path_len = question == NULL ? len : (size_t)(question - text);
	char *query = question == NULL ? text + len : question + 1;

	return (struct kg_target){.path = text,
	    .path_len = path_len,
	    .query = query,
	    .query_len = (size_t)(text + len - query)};
}

/* The template with every byte of the values as an escape. */
static void
spell(const struct kg_router_match *match, struct kdb_buffer *out)
{
	const char *template = kg_router_template(match->route);
	size_t value = 0;

	kdb_buffer_init(out, SPELLED_MAX_BYTES);
	while (*template != '\0') {
		const unsigned char *bytes;

		if (*template != '{') {
			kdb_buffer_put_char(out, *template ++);
			continue;
		}
		require(value < match->value_count);
		bytes = match->values[value].data;
		for (size_t i = 0; i < match->values[value].len; i++)
			kdb_buffer_put_printf(out, "%%%02x", bytes[i]);
		value++;
		template = strchr(template, '}') + 1;
	}
	require(value == match->value_count && !out->is_overflowed);
}

static void
check_other_spelling(const char *method, const struct kg_router_match *match)
{
	struct kdb_buffer spelled;
	struct kg_target target;
	struct kg_router_match again;
	struct kg_refusal refusal;

	spell(match, &spelled);
	target = split(spelled.data, spelled.len);
	kg_refusal_init(&refusal);
	require(kg_router_find(method, &target, NAME_MAX_BYTES, &again, &refusal));
	require(again.route == match->route && again.value_count == match->value_count);
	for (size_t i = 0; i < again.value_count; i++)
		require(again.values[i].len == match->values[i].len &&
			memcmp(again.values[i].data, match->values[i].data,
			    again.values[i].len) == 0);
	kg_refusal_dispose(&refusal);
	kdb_buffer_dispose(&spelled);
}

static void
check_match(const char *method, const struct kg_router_match *match)
{
	require(match->route < KG_ROUTE_COUNT);
	require(match->is_options == (strcmp(method, "OPTIONS") == 0));
	require(!match->is_options || match->allow[0] != '\0');
	for (size_t i = 0; i < match->value_count; i++) {
		const struct kdb_bytes *value = &match->values[i];

		require(value->len > 0);
		require(fuzz_is_utf8(value->data, value->len));
		require(memchr(value->data, '\0', value->len) == NULL);
	}
	check_other_spelling(method, match);
}

static void
find(const char *method, const char *text, size_t len)
{
	char *copy = fuzz_copy(text, len);
	struct kg_target target = split(copy, len);
	struct kg_router_match match;
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	if (kg_router_find(method, &target, NAME_MAX_BYTES, &match, &refusal)) {
		require(!refusal.is_set);
		check_match(method, &match);
	} else {
		fuzz_check_refusal(&refusal);
		require((refusal.problem == KG_PROBLEM_METHOD_NOT_ALLOWED) <=
			(match.allow[0] != '\0'));
	}
	kg_refusal_dispose(&refusal);
	free(copy);
}

/* What is decodable decodes to UTF-8, and to no more bytes than it has. */
static void
check_decoding(const char *text, size_t len)
{
	char *copy = fuzz_copy(text, len);

	if (kg_router_is_decodable(copy, len)) {
		size_t decoded_len = kg_router_decode(copy, len);

		require(decoded_len <= len && fuzz_is_utf8(copy, decoded_len));
		require(memchr(copy, '\0', decoded_len) == NULL);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;

	/* No target that the guard lets through has a NUL. */
	len = strnlen(text, len);
	find("GET", text, len);
	find("HEAD", text, len);
	find("POST", text, len);
	find("OPTIONS", text, len);
	find("PUT", text, len);
	check_decoding(text, len);
	return 0;
}
