/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a call ended. The input is the status code as a byte, a line with its text, and one
 * "key: value" a line for the trailers. An append that was not handed over completely is
 * never in doubt; whatever was said becomes a problem that goes out as JSON.
 */
#include "client-core/status.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void
add_trailer(struct kdb_status *status, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t key_len = colon == NULL ? len : (size_t)(colon - line);
	const char *value = colon == NULL ? line + len : colon + 1;
	char *key_copy;
	char *value_copy;

	if (value < line + len && *value == ' ')
		value++;
	key_copy = fuzz_copy(line, key_len);
	value_copy = fuzz_copy(value, (size_t)(line + len - value));
	kdb_status_add_trailer(
	    status, key_copy, key_len, value_copy, (size_t)(line + len - value));
	free(value_copy);
	free(key_copy);
}

static void
read_status(struct kdb_status *status, const char *text, size_t len)
{
	const char *end = text + len;
	int code = len > 0 ? (unsigned char)*text++ : 0;
	const char *newline = memchr(text, '\n', (size_t)(end - text));
	const char *stop = newline == NULL ? end : newline;
	char *copy = fuzz_copy(text, (size_t)(stop - text));

	kdb_status_init(status, code, copy, (size_t)(stop - text));
	free(copy);
	while (newline != NULL) {
		text = newline + 1;
		newline = memchr(text, '\n', (size_t)(end - text));
		stop = newline == NULL ? end : newline;
		add_trailer(status, text, (size_t)(stop - text));
	}
}

static void
check_error(const struct kdb_status *status, const struct kdb_progress *progress)
{
	struct kdb_error error;
	struct kg_refusal refusal;

	kdb_status_to_error(status, progress, &error);
	require(error.code != KDB_OK && error.grpc_status == status->code);
	require(fuzz_is_printable(error.detail, sizeof error.detail));
	require(error.detail[0] != '\0');
	require(progress->is_complete || error.outcome == KDB_OUTCOME_NOT_WRITTEN);
	/* A call that others were answered on says nothing about those that were not. */
	if (progress->is_complete && progress->was_answered && !progress->is_alone)
		require(error.outcome == KDB_OUTCOME_UNKNOWN);
	require(!error.is_own_credentials || progress->is_own_credentials);
	kg_refusal_init(&refusal);
	kg_refusal_from_error(&refusal, &error, "stream", 6, 7, true, false);
	fuzz_check_refusal(&refusal);
	kg_refusal_dispose(&refusal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_status status;

	read_status(&status, (const char *)bytes, len);
	require(fuzz_is_printable(status.text, sizeof status.text));
	require(fuzz_is_printable(status.redirect.host, sizeof status.redirect.host));
	if (kdb_status_has_redirect(&status))
		require(status.redirect.host[0] != '\0' && status.redirect.port > 0);
	for (unsigned bits = 0; bits < 16; bits++)
		check_error(
		    &status, &(struct kdb_progress){.is_complete = (bits & 1) != 0,
				 .is_alone = (bits & 2) != 0,
				 .was_answered = (bits & 4) != 0,
				 .is_own_credentials = (bits & 8) != 0,
				 .requires = "25.1"});
	return 0;
}
