/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON envelope. The input is a body. Payloads of what is taken are the very bytes of
 * the body, as a plain walk through it sees them.
 */
#include "daemon/append_body.h"
#include "daemon/json_scan.h"
#include "daemon/json_text.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"

static void
check_events(struct kg_json *json, const struct kg_append_body *append)
{
	struct kg_json_value value;
	bool is_first = true;
	size_t count = 0;

	kg_json_enter(json);
	while (kg_json_next_element(json, &is_first)) {
		require(kg_json_read_value(json, &value));
		require(count < append->event_count);
		append_check_event(value.start, value.len, &append->events[count++]);
	}
	require(count == append->event_count);
}

static void
check_envelope(const char *body, size_t len, const struct kg_append_body *append)
{
	struct kg_json json;
	struct kg_json_value name;
	struct kg_json_value value;
	bool is_first = true;
	bool has_version = false;

	/* The depth is that of one payload, the event around it not counted. */
	kg_json_init(&json, body, len, append_limits.max_depth + 1);
	require(kg_json_peek(&json) == KG_JSON_OBJECT);
	kg_json_enter(&json);
	while (kg_json_next_member(&json, &is_first, &name)) {
		if (kg_json_text_is(&name, "events")) {
			check_events(&json, append);
			continue;
		}
		require(kg_json_text_is(&name, "current_version"));
		require(kg_json_read_value(&json, &value));
		has_version = true;
	}
	require(kg_json_finish(&json));
	require(append->has_expected_version == has_version);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *body = (const char *)bytes;
	struct kg_append_body append;

	if (!append_check_body(kg_append_body_read_json, body, len, &append))
		return 0;
	check_envelope(body, len, &append);
	kg_append_body_dispose(&append);
	return 0;
}
