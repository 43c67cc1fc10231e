/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One payload in every form that a body has: raw JSON, raw bytes, the data of an envelope
 * and, on one line, of NDJSON. The input is the payload. Whichever form takes it, the
 * event holds its very bytes, and all forms that check it agree on whether it is JSON.
 */
#include "client-core/base/alloc.h"
#include "daemon/append_body.h"
#include "daemon/json_scan.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* As path and headers give it. */
static struct kdb_event
event_of_head(bool is_json)
{
	return (struct kdb_event){.type = {"$metadata", 9}, .is_json = is_json};
}

static bool
read_raw_json(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	struct kdb_event event = event_of_head(true);

	return kg_append_body_read_raw(
	    body, len, stream_name, limits, &event, "path:type", append, refusal);
}

static bool
read_raw_bytes(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal)
{
	struct kdb_event event = event_of_head(false);

	return kg_append_body_read_raw(
	    body, len, stream_name, limits, &event, "path:type", append, refusal);
}

static void
check_raw(append_read_fn read, const char *payload, size_t len, bool must_be_taken)
{
	struct kg_append_body append;
	bool is_taken = append_check_body(read, payload, len, &append);

	require(is_taken == must_be_taken);
	if (!is_taken)
		return;
	require(append.event_count == 1 && !append.has_expected_version);
	require(
	    append.events[0].data.data == payload && append.events[0].data.len == len);
	kg_append_body_dispose(&append);
}

/* The payload between a head and a tail; what is JSON is found without the white space
 * around it. */
static void
check_inside(append_read_fn read, const char *head, const char *payload, size_t len,
    const char *tail)
{
	size_t head_len = strlen(head);
	size_t body_len = head_len + len + strlen(tail);
	char *body = kdb_alloc(body_len);
	struct kg_append_body append;
	struct kg_json json;
	struct kg_json_value value;

	memcpy(body, head, head_len);
	memcpy(body + head_len, payload, len);
	memcpy(body + head_len + len, tail, strlen(tail));
	require(append_check_body(read, body, body_len, &append));
	kg_json_init(&json, payload, len, append_limits.max_depth);
	require(kg_json_read_value(&json, &value));
	require(append.event_count == 1 && append.events[0].data.len == value.len);
	require(append.events[0].data.data == body + head_len + (value.start - payload));
	kg_append_body_dispose(&append);
	free(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *payload = (const char *)bytes;
	bool is_json = kg_json_is_valid(payload, len, append_limits.max_depth);

	check_raw(read_raw_bytes, payload, len, true);
	check_raw(read_raw_json, payload, len, is_json);
	if (!is_json)
		return 0;
	check_inside(kg_append_body_read_json,
	    "{\"events\":[{\"type\":\"t\",\"data\":", payload, len, "}]}");
	if (memchr(payload, '\n', len) == NULL)
		check_inside(kg_append_body_read_ndjson,
		    "{\"type\":\"t\",\"data\":", payload, len, "}\n");
	return 0;
}
