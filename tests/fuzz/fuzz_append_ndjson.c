/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NDJSON. The input is a body. What is taken line by line is taken as an envelope with the
 * same lines between its brackets, and gives the same events.
 */
#include "client-core/base/alloc.h"
#include "daemon/append_body.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char envelope_head[] = "{\"current_version\":7,\"events\":[";
static const char envelope_tail[] = "]}";

/* The end of the last line that is not blank. */
static size_t
content_len(const char *body, size_t len)
{
	while (len > 0 && memchr(" \t\r\n", body[len - 1], 4) != NULL)
		len--;
	return len;
}

static char *
make_envelope(const char *body, size_t len, size_t *envelope_len)
{
	size_t head_len = strlen(envelope_head);
	size_t lines_len = content_len(body, len);
	char *envelope = kdb_alloc(head_len + lines_len + strlen(envelope_tail));

	memcpy(envelope, envelope_head, head_len);
	for (size_t i = 0; i < lines_len; i++)
		envelope[head_len + i] = body[i] == '\n' ? ',' : body[i];
	memcpy(envelope + head_len + lines_len, envelope_tail, strlen(envelope_tail));
	*envelope_len = head_len + lines_len + strlen(envelope_tail);
	return envelope;
}

static void
check_envelope(const char *body, size_t len, const struct kg_append_body *lines)
{
	size_t envelope_len;
	char *envelope = make_envelope(body, len, &envelope_len);
	struct kg_append_body append;

	require(
	    append_check_body(kg_append_body_read_json, envelope, envelope_len, &append));
	require(append.has_expected_version && append.expected_version == 7);
	require(append_is_equal(&append, lines));
	kg_append_body_dispose(&append);
	free(envelope);
}

static void
check_lines(const char *body, size_t len, const struct kg_append_body *append)
{
	const char *end = body + content_len(body, len);

	for (size_t i = 0; i < append->event_count; i++) {
		const char *newline = memchr(body, '\n', (size_t)(end - body));
		const char *stop = newline == NULL ? end : newline;

		append_check_event(body, (size_t)(stop - body), &append->events[i]);
		require((stop == end) == (i + 1 == append->event_count));
		body = stop + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *body = (const char *)bytes;
	struct kg_append_body append;

	if (!append_check_body(kg_append_body_read_ndjson, body, len, &append))
		return 0;
	require(!append.has_expected_version);
	check_lines(body, len, &append);
	check_envelope(body, len, &append);
	kg_append_body_dispose(&append);
	return 0;
}
