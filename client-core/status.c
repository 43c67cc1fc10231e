/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC statuses and trailers into kdb_error. A status alone never says "not written": that
 * follows from how far the append got and from who refused it. */
#include "client-core/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
copy_text(char *out, size_t size, const void *text, size_t len)
{
	const unsigned char *bytes = text;

	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = bytes[i] < 0x20 || bytes[i] >= 0x7f ? ' ' : (char)bytes[i];
	out[len] = 0;
}

static bool
equals(const void *bytes, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

/* 0 when it is none. */
static uint16_t
read_port(const void *bytes, size_t len)
{
	char text[8];
	char *end;
	long value;

	if (len == 0 || len >= sizeof text)
		return 0;
	copy_text(text, sizeof text, bytes, len);
	value = strtol(text, &end, 10);
	return *end || value < 1 || value > 65535 ? 0 : (uint16_t)value;
}

void
kdb_status_init(struct kdb_status *status, int code, const void *text, size_t len)
{
	*status = (struct kdb_status){ .code = code };
	copy_text(status->text, sizeof status->text, text, len);
}

void
kdb_status_add_trailer(struct kdb_status *status, const void *key, size_t key_len,
    const void *value, size_t value_len)
{
	if (equals(key, key_len, "exception"))
		status->is_not_leader = equals(value, value_len, "not-leader");
	else if (equals(key, key_len, "leader-endpoint-host") && value_len < KDB_HOST_SIZE)
		copy_text(status->redirect.host, KDB_HOST_SIZE, value, value_len);
	else if (equals(key, key_len, "leader-endpoint-port"))
		status->redirect.port = read_port(value, value_len);
	else if (equals(key, key_len, "grpc-retry-pushback-ms"))
		/* Proxies send this trailer in the middle of a call, too: only the server's own
		 * form, which comes before any handler runs, says that nothing was done. */
		status->is_credentials_pending = status->code == KDB_STATUS_UNAVAILABLE
		    && equals(value, value_len, "-1")
		    && strcmp(status->text, "Server not ready") == 0;
}

bool
kdb_status_has_redirect(const struct kdb_status *status)
{
	return status->is_not_leader && status->redirect.host[0]
	    && status->redirect.port != 0;
}

/* What the whole call was refused for before its handler ran: true for every append on it. */
static bool
read_refusal_of_call(
    const struct kdb_status *status, bool is_own_credentials, struct kdb_error *error)
{
	switch (status->code) {
	case KDB_STATUS_UNAUTHENTICATED:
		kdb_error_set(error, KDB_UNAUTHENTICATED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database refused the credentials.");
		error->is_own_credentials = is_own_credentials;
		return true;
	case KDB_STATUS_UNIMPLEMENTED:
		kdb_error_set(error, KDB_NOT_SUPPORTED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database does not know this operation.");
		error->requires = "21.10";
		return true;
	case KDB_STATUS_UNAVAILABLE:
		if (!status->is_credentials_pending)
			return false;
		kdb_error_set(error, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "The database cannot check credentials yet.");
		return true;
	default:
		return false;
	}
}

/* A status that speaks about this append, because the call carried nothing else. */
static bool
read_refusal_of_append(const struct kdb_status *status, struct kdb_error *error)
{
	if (status->is_not_leader) {
		kdb_error_set(error, KDB_LEADER_UNAVAILABLE, KDB_OUTCOME_NOT_WRITTEN,
		    "The node that was asked does not lead any more.");
		return true;
	}
	if (status->code == KDB_STATUS_PERMISSION_DENIED) {
		kdb_error_set(error, KDB_ACCESS_DENIED, KDB_OUTCOME_NOT_WRITTEN,
		    "The database denied access.");
		return true;
	}
	return false;
}

/* An end that says nothing about the append. On a call of its own an odd status is the
 * database's answer; on the shared call it is only the end of the connection. */
static enum kdb_code
code_of_silence(int code, bool is_alone)
{
	switch (code) {
	case KDB_STATUS_UNAVAILABLE:
	case KDB_STATUS_CANCELLED:
	case KDB_STATUS_ABORTED:
	case KDB_STATUS_OK:
		return KDB_CONNECTION_LOST;
	case KDB_STATUS_DEADLINE_EXCEEDED:
		return is_alone ? KDB_DEADLINE_EXCEEDED : KDB_CONNECTION_LOST;
	default:
		return is_alone ? KDB_DATABASE_ERROR : KDB_CONNECTION_LOST;
	}
}

void
kdb_status_to_error(const struct kdb_status *status, const struct kdb_progress *progress,
    struct kdb_error *error)
{
	bool is_told =
	    (!progress->was_answered
		&& read_refusal_of_call(status, progress->is_own_credentials, error))
	    || (progress->is_alone && read_refusal_of_append(status, error));

	if (!is_told)
		kdb_error_set(error, code_of_silence(status->code, progress->is_alone),
		    progress->is_complete ? KDB_OUTCOME_UNKNOWN : KDB_OUTCOME_NOT_WRITTEN,
		    "The call ended without an answer (status %d): %s", status->code,
		    status->text[0] ? status->text : "no text");
	error->grpc_status = status->code;
}
