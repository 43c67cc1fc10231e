/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_ERROR_H
#define KDB_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What can go wrong with an operation, in words of the database and without a word of HTTP.
 * The daemon maps every code to a problem in one table (daemon/problem.c).
 */
enum kdb_code {
	KDB_OK = 0,
	/* The database refused; nothing was written. */
	KDB_WRONG_EXPECTED_VERSION, /* conflict.* is filled */
	KDB_CONSISTENCY_CHECKS_FAILED, /* append-records; see kdb_operation_failures() */
	KDB_STREAM_TOMBSTONED,	    /* hard-deleted */
	KDB_STREAM_DELETED, /* `exists` was expected; soft-deleted or tombstoned, not told */
	KDB_ACCESS_DENIED,  /* known identity or none, no permission */
	KDB_UNAUTHENTICATED,	/* wrong user or password; see is_own_credentials */
	KDB_CREDENTIALS_WITHHELD, /* a caller's; the leader is neither on TLS nor loopback */
	KDB_APPEND_TOO_LARGE,	/* size.* is filled */
	KDB_EVENT_TOO_LARGE,	/* size.* is filled */
	KDB_EVENT_TYPE_REFUSED, /* by the alphabet of a schema name (wire-protocol 3.4) */
	KDB_REFUSED_AS_INVALID, /* the database's own validation; detail holds its text */
	KDB_NOT_SUPPORTED,	/* the server is too old; requires is filled */
	/* The database, or the way to it, is not there now. */
	KDB_LEADER_UNAVAILABLE,	  /* no leader, or a node that says "not ready" */
	KDB_DATABASE_UNREACHABLE, /* no contact at all until the deadline */
	KDB_DATABASE_BUSY,
	KDB_CONNECTION_LOST,   /* broke, or was ended, after sending and without an answer */
	KDB_DEADLINE_EXCEEDED, /* see outcome: still queued, or sent and not answered */
	KDB_DATABASE_ERROR,    /* an answer that fits nothing above */
	KDB_CANCELLED,	       /* by kdb_client_cancel() or kdb_client_stop(); not written */
};

/* Whether the write may have happened (wire-protocol 2.3, 2.6). */
enum kdb_outcome {
	KDB_OUTCOME_NOT_WRITTEN = 0, /* has not stored and will not store anything */
	KDB_OUTCOME_UNKNOWN,
};

/* Versions: 0 and above is a last revision; these are the other states (wire-protocol 1.8). */
enum {
	KDB_VERSION_NO_STREAM = -1,
	KDB_VERSION_ANY = -2,
	KDB_VERSION_EXISTS = -4,
	KDB_VERSION_DELETED = -5,
	KDB_VERSION_TOMBSTONED = -6,
};

enum { KDB_ERROR_DETAIL_SIZE = 256 };

/*
 * Plain data with no pointer to free: copy it as you like. Written by client-core before the
 * completion runs; members that a code does not name are zero.
 */
struct kdb_error {
	enum kdb_code code;
	enum kdb_outcome outcome;
	bool is_own_credentials; /* UNAUTHENTICATED: those of the connection string */
	struct {
		int64_t expected_version;
		int64_t actual_version;
	} conflict;
	struct {
		int64_t limit_bytes;  /* -1: the database did not say */
		int64_t actual_bytes; /* -1: the database did not say */
		bool is_enforced_by_database; /* else by a limit of the protocol, before sending */
		uint32_t event_index;	      /* EVENT_TOO_LARGE: which one, from 0 */
		bool has_event_index;
	} size;
	const char *requires; /* NOT_SUPPORTED: a literal such as "21.10" */
	int grpc_status;      /* for the log; -1 when there was none */
	char detail[KDB_ERROR_DETAIL_SIZE]; /* English, for people; never NULL */
};

/* Fills *error with a code, an outcome and a text made as by printf(); everything else is
 * zero, grpc_status is -1. A longer text is cut. Returns code. Any thread. */
enum kdb_code kdb_error_set(struct kdb_error *error, enum kdb_code code,
    enum kdb_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A short lower-case name such as "wrong-expected-version", for logs. A literal. */
const char *kdb_code_name(enum kdb_code code);

#endif
