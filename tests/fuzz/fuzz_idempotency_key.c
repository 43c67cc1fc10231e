/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency keys. The input is the value of the header. A key is the same with and
 * without its quotes, and gives ids that differ by ordinal and by nothing else.
 */
#include "client-core/base/alloc.h"
#include "daemon/idempotency.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
make_id(struct kdb_bytes key, size_t ordinal, uint8_t id[16])
{
	const struct kdb_bytes scope = {NULL, 0};
	const struct kdb_bytes stream = {"stream", 6};

	kg_idempotency_event_id(
	    scope, "/v1/streams/{stream}/events", stream, key, ordinal, id);
	require(id[6] >> 4 == 8 && id[8] >> 6 == 2);
}

static void
check_ids(struct kdb_bytes key)
{
	uint8_t first[16];
	uint8_t again[16];
	uint8_t second[16];

	make_id(key, 0, first);
	make_id(key, 0, again);
	make_id(key, 1, second);
	require(memcmp(first, again, 16) == 0 && memcmp(first, second, 16) != 0);
}

static void
check_key(struct kdb_bytes key, const char *value, size_t len)
{
	const char *text = key.data;

	require(text >= value && text + key.len <= value + len);
	require(key.len >= 1 && key.len <= KG_IDEMPOTENCY_KEY_MAX);
	for (size_t i = 0; i < key.len; i++)
		require(text[i] > 0x20 && text[i] < 0x7f && text[i] != '"' &&
			text[i] != '\\');
}

/* The key in quotes is the same key; without them too, unless it has a comma. */
static void
check_other_form(struct kdb_bytes key)
{
	char *quoted = kdb_alloc_printf("\"%.*s\"", (int)key.len, (const char *)key.data);
	bool has_comma = memchr(key.data, ',', key.len) != NULL;
	struct kdb_bytes again;

	require(kg_idempotency_key_read(quoted, key.len + 2, &again));
	require(again.len == key.len && memcmp(again.data, key.data, key.len) == 0);
	require(kg_idempotency_key_read(key.data, key.len, &again) == !has_comma);
	free(quoted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *value = (const char *)bytes;
	struct kdb_bytes key;

	if (!kg_idempotency_key_read(value, len, &key))
		return 0;
	check_key(key, value, len);
	check_other_form(key);
	check_ids(key);
	return 0;
}
