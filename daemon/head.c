/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header table of api-design 13.1 as data, and the index that finds its fields in a
 * request. Owns nothing.
 */
#include "daemon/head.h"

#include <string.h>
#include <strings.h>

struct row {
	const char *name;
	bool is_single;
	unsigned takes; /* endpoints that define it; only asked for Kurrent-* and If-* */
};

static const struct row rows[KG_FIELD_COUNT] = {
    [KG_FIELD_HOST] = {"Host", true, 0},
    [KG_FIELD_ORIGIN] = {"Origin", true, 0},
    [KG_FIELD_SEC_FETCH_SITE] = {"Sec-Fetch-Site", true, 0},
    [KG_FIELD_AUTHORIZATION] = {"Authorization", true, 0},
    [KG_FIELD_KURRENT_AUTHORIZATION] = {"Kurrent-Authorization", true, KG_TAKES_DATABASE},
    [KG_FIELD_ACCEPT] = {"Accept", false, 0},
    [KG_FIELD_CONTENT_TYPE] = {"Content-Type", true, 0},
    [KG_FIELD_CONTENT_ENCODING] = {"Content-Encoding", true, 0},
    [KG_FIELD_CONTENT_LENGTH] = {"Content-Length", true, 0},
    [KG_FIELD_TRANSFER_ENCODING] = {"Transfer-Encoding", true, 0},
    [KG_FIELD_EXPECT] = {"Expect", true, 0},
    [KG_FIELD_KURRENT_EXPECTED_VERSION] = {"Kurrent-ExpectedVersion", true,
	KG_TAKES_EXPECTATION},
    [KG_FIELD_KURRENT_EVENT_ID] = {"Kurrent-EventId", true, KG_TAKES_RAW},
    [KG_FIELD_KURRENT_EVENT_TYPE] = {"Kurrent-EventType", true, KG_TAKES_RAW},
    [KG_FIELD_KURRENT_METADATA] = {"Kurrent-Metadata", true, KG_TAKES_RAW},
    [KG_FIELD_KURRENT_METADATA_BASE64] = {"Kurrent-Metadata-Base64", true, KG_TAKES_RAW},
    [KG_FIELD_KURRENT_TIMEOUT] = {"Kurrent-Timeout", true, KG_TAKES_DATABASE},
    [KG_FIELD_GRPC_TIMEOUT] = {"Grpc-Timeout", true, 0},
    [KG_FIELD_IDEMPOTENCY_KEY] = {"Idempotency-Key", true, 0},
    [KG_FIELD_IF_MATCH] = {"If-Match", true, KG_TAKES_PUT_METADATA},
    [KG_FIELD_IF_NONE_MATCH] = {"If-None-Match", false,
	KG_TAKES_GET_METADATA | KG_TAKES_PUT_METADATA},
    [KG_FIELD_PREFER] = {"Prefer", false, 0},
    [KG_FIELD_TRACEPARENT] = {"traceparent", false, 0},
    [KG_FIELD_TRACESTATE] = {"tracestate", false, 0},
    [KG_FIELD_X_REQUEST_ID] = {"X-Request-Id", false, 0},
};

bool
kg_head_is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
kg_head_is_equal(const char *text, size_t len, const char *other)
{
	return strlen(other) == len && strncasecmp(text, other, len) == 0;
}

bool
kg_head_has_prefix(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);

	return len >= prefix_len && strncasecmp(text, prefix, prefix_len) == 0;
}

enum kg_field
kg_head_field_find(const char *name, size_t len)
{
	int field = 0;

	while (field < KG_FIELD_COUNT && !kg_head_is_equal(name, len, rows[field].name))
		field++;
	return (enum kg_field)field;
}

void
kg_head_index(struct kg_head *head)
{
	memset(head->known, 0, sizeof(head->known));
	memset(head->times, 0, sizeof(head->times));
	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *found = &head->fields[i];
		enum kg_field field = kg_head_field_find(found->name, found->name_len);

		if (field == KG_FIELD_COUNT)
			continue;
		if (head->known[field] == NULL)
			head->known[field] = found;
		if (head->times[field] < 2)
			head->times[field]++;
	}
}

const char *
kg_head_field_name(enum kg_field field)
{
	return rows[field].name;
}

bool
kg_head_field_is_single(enum kg_field field)
{
	return rows[field].is_single;
}

bool
kg_head_field_is_defined(enum kg_field field, unsigned takes)
{
	return (rows[field].takes & takes) != 0;
}
