/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace contexts. The first line of the input is a traceparent, the others are lines of
 * tracestate. What is sent on is valid and printable, and is sent on the same way by
 * whoever gets it.
 */
#include "daemon/trace_context.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
check_parent(const char *text, size_t len)
{
	struct kg_trace_context trace = {0};
	struct kg_trace_context next = {0};

	if (!kg_trace_context_continue(&trace, text, len))
		return;
	require(strlen(trace.traceparent) == KG_TRACEPARENT_LEN);
	require(fuzz_is_printable(trace.traceparent, sizeof trace.traceparent));
	require(memcmp(trace.traceparent + 3, text + 3, KG_TRACE_ID_LEN) == 0);
	require(kg_trace_context_continue(&next, trace.traceparent, KG_TRACEPARENT_LEN));
	require(next.is_sampled == trace.is_sampled);
	require(strcmp(next.trace_id, trace.trace_id) == 0);
}

static void
check_state(const char *text, size_t len)
{
	struct kg_tracestate state = {0};
	struct kg_tracestate next = {0};
	const char *end = text + len;
	const char *newline;
	char *sent;
	char *again;

	while ((newline = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		kg_tracestate_add(&state, text, (size_t)(newline - text));
		text = newline + 1;
	}
	kg_tracestate_add(&state, text, (size_t)(end - text));
	sent = kg_tracestate_print(&state);
	if (sent == NULL)
		return;
	require(fuzz_is_printable(sent, KG_TRACESTATE_MAX + 1));
	kg_tracestate_add(&next, sent, strlen(sent));
	again = kg_tracestate_print(&next);
	require(again != NULL && strcmp(sent, again) == 0);
	free(sent);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	const char *newline = len == 0 ? NULL : memchr(text, '\n', len);
	const size_t first_len = newline == NULL ? len : (size_t)(newline - text);

	check_parent(text, first_len);
	if (newline != NULL)
		check_state(newline + 1, len - first_len - 1);
	return 0;
}
