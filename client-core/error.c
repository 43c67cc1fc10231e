/* SPDX-License-Identifier: Apache-2.0 */
/* Names of codes, and the one way to fill an error. */
#include "client-core/error.h"

#include <stdarg.h>
#include <stdio.h>

enum kdb_code
kdb_error_set(struct kdb_error *error, enum kdb_code code, enum kdb_outcome outcome,
    const char *format, ...)
{
	va_list args;

	*error = (struct kdb_error){ .code = code, .outcome = outcome, .grpc_status = -1 };
	va_start(args, format);
	vsnprintf(error->detail, sizeof error->detail, format, args);
	va_end(args);
	return code;
}

const char *
kdb_code_name(enum kdb_code code)
{
	switch (code) {
	case KDB_OK:
		return "ok";
	case KDB_WRONG_EXPECTED_VERSION:
		return "wrong-expected-version";
	case KDB_CONSISTENCY_CHECKS_FAILED:
		return "consistency-checks-failed";
	case KDB_STREAM_TOMBSTONED:
		return "stream-tombstoned";
	case KDB_STREAM_DELETED:
		return "stream-deleted";
	case KDB_ACCESS_DENIED:
		return "access-denied";
	case KDB_UNAUTHENTICATED:
		return "unauthenticated";
	case KDB_CREDENTIALS_WITHHELD:
		return "credentials-withheld";
	case KDB_APPEND_TOO_LARGE:
		return "append-too-large";
	case KDB_EVENT_TOO_LARGE:
		return "event-too-large";
	case KDB_EVENT_TYPE_REFUSED:
		return "event-type-refused";
	case KDB_REFUSED_AS_INVALID:
		return "refused-as-invalid";
	case KDB_NOT_SUPPORTED:
		return "not-supported";
	case KDB_LEADER_UNAVAILABLE:
		return "leader-unavailable";
	case KDB_DATABASE_UNREACHABLE:
		return "database-unreachable";
	case KDB_DATABASE_BUSY:
		return "database-busy";
	case KDB_CONNECTION_LOST:
		return "connection-lost";
	case KDB_DEADLINE_EXCEEDED:
		return "deadline-exceeded";
	case KDB_DATABASE_ERROR:
		return "database-error";
	case KDB_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}
