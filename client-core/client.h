/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_CLIENT_H
#define KDB_CLIENT_H

#include "client-core/connection_string.h"
#include "client-core/error.h"
#include "client-core/operations.h"
#include "client-core/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The KurrentDB write client: finds the leader, keeps the channel, sends operations and
 * finishes each of them exactly once.
 *
 * Threads. One *owner* thread calls every function here except where a comment says "any
 * thread". One completion thread belongs to the client. Completions run on either of the two,
 * with no lock held, so a completion may run before kdb_client_submit() has returned.
 */
struct kdb_client;
struct kdb_operation;

/*
 * Called exactly once for every submitted operation. The operation is finished: read its
 * error or result, then free it, here or later and on any thread. It must not block, and must
 * not call functions of the client.
 */
typedef void (*kdb_completion_fn)(struct kdb_operation *operation, void *context);

/* Severity of a line for the log. */
enum kdb_log_level { KDB_LOG_ERROR, KDB_LOG_WARNING, KDB_LOG_INFO, KDB_LOG_DEBUG };

struct kdb_client_config {
	/* Borrowed until kdb_client_free(). */
	struct kdb_trust *trust; /* the settings are in it */
	const char *user_agent; /* copied */
	kdb_completion_fn completion;
	/* One line without line end; any thread; the text is valid during the call. */
	void (*log)(enum kdb_log_level level, const char *text, void *log_context);
	void *log_context;
	/* Called after a burst of completions has run, on the thread that ran them, so that the
	 * owner can be woken once and not per operation. */
	void (*wake)(void *wake_context);
	void *wake_context;
};

/* Starts the completion thread and discovery, and returns at once: the database need not be
 * there. Stops the process when the thread cannot be made. Initialises gRPC, so never fork
 * after it. Free with kdb_client_stop(), then kdb_client_free(). */
struct kdb_client *kdb_client_new(const struct kdb_client_config *config);

/* Finishes every operation that is left (KDB_CONNECTION_LOST when it was handed over, else
 * KDB_CANCELLED), ends all calls and the completion thread. Every completion has run when it
 * returns. Nothing may be submitted afterwards. */
void kdb_client_stop(struct kdb_client *client);

/* Frees a stopped client. */
void kdb_client_free(struct kdb_client *client);

/*
 * Encodes an append. Everything that can fail fails now: returns NULL and fills *error with
 * KDB_EVENT_TOO_LARGE when an event does not fit one message of the protocol (16,767,216
 * bytes, wire-protocol 2.1). Any thread. The request is not referenced afterwards. Free with
 * kdb_operation_free() unless it was submitted; then after its completion.
 */
struct kdb_operation *kdb_append_new(
    const struct kdb_append_request *request, void *context, struct kdb_error *error);

/*
 * The same for the other operations. kdb_multi_append_new() and kdb_append_records_new() fail
 * with KDB_EVENT_TOO_LARGE as above (with the index of the event in the whole request), or
 * with KDB_APPEND_TOO_LARGE, when all records as one message have more than 30,000,000 bytes,
 * which the server would refuse without a reason (wire-protocol 3.5; a multi-append only
 * meets that limit when it is sent as AppendRecords, so it then fails after its submit).
 * kdb_get_stream_metadata_new() never fails.
 */
struct kdb_operation *kdb_multi_append_new(const struct kdb_multi_append_request *request,
    void *context, struct kdb_error *error);
struct kdb_operation *kdb_append_records_new(
    const struct kdb_append_records_request *request, void *context,
    struct kdb_error *error);
struct kdb_operation *kdb_get_stream_metadata_new(
    const struct kdb_get_stream_metadata_request *request, void *context);

/* Says of a write, before it is submitted, that all its ids are random and were never sent:
 * what it stores is new for sure. */
void kdb_operation_mark_fresh(struct kdb_operation *operation);

/* Frees an operation that was never submitted or is finished. NULL is allowed. Any thread. */
void kdb_operation_free(struct kdb_operation *operation);

/* The context that was given when the operation was made. Any thread. */
void *kdb_operation_context(const struct kdb_operation *operation);

/* Of a finished operation: its error, whose code is KDB_OK after success. Valid until the
 * operation is freed. */
const struct kdb_error *kdb_operation_error(const struct kdb_operation *operation);

/* Of an append, multi-append or append-records that finished with KDB_OK. Valid until the
 * operation is freed. */
const struct kdb_append_result *kdb_operation_append_result(
    const struct kdb_operation *operation);

/* Of a get-stream-metadata that finished with KDB_OK. Valid until the operation is freed. */
const struct kdb_stream_metadata_result *kdb_operation_stream_metadata(
    const struct kdb_operation *operation);

/*
 * Of an append-records that finished with KDB_CONSISTENCY_CHECKS_FAILED, or a multi-append
 * that finished with KDB_WRONG_EXPECTED_VERSION, KDB_STREAM_TOMBSTONED or KDB_STREAM_DELETED:
 * why. In the order of the checks, then of the streams; is_complete tells whether these are
 * all reasons: AppendSession tells the first only, and does not tell soft-deleted (which
 * actual_state then says) from tombstoned where existence was expected. The error's code and
 * conflict are those of the first. Details may be too large to arrive (wire-protocol 1.12): an
 * append-records then has no failures and is_complete is false, a multi-append finishes with
 * KDB_DATABASE_ERROR, not written. Valid until the operation is freed.
 */
const struct kdb_failure *kdb_operation_failures(
    const struct kdb_operation *operation, size_t *count, bool *is_complete);

/* Another reference, so that the finished operation can be looked at after its free. */
struct kdb_operation *kdb_operation_ref(struct kdb_operation *operation);

/* How long the finished operation waited before it was handed to a call, and from then to its
 * end, in nanoseconds; the second is 0 when it was never handed over. */
int64_t kdb_operation_queued_ns(const struct kdb_operation *operation);
int64_t kdb_operation_database_ns(const struct kdb_operation *operation);

/*
 * Hands the operation over. It finishes at deadline_mono_ns at the latest, also when the
 * database is not there. Ownership returns with the completion. Small appends are only queued:
 * call kdb_client_flush() when the round's submissions are done.
 */
void kdb_client_submit(struct kdb_client *client, struct kdb_operation *operation,
    int64_t deadline_mono_ns);

/* Starts sending what was submitted since the last call. Cheap when there is nothing. */
void kdb_client_flush(struct kdb_client *client);

/* Drops an operation that was not handed to a call yet: its completion runs with
 * KDB_CANCELLED, not written. One that was handed over goes on untouched. The operation must
 * be submitted and its completion must not have been seen by the owner; one that has just
 * finished on the completion thread is left alone. */
void kdb_client_cancel(struct kdb_client *client, struct kdb_operation *operation);

/* What is known now, for readiness and for /v1/info. */
struct kdb_client_status {
	bool has_leader;	   /* gossip named one and its append call is open */
	bool had_contact;	   /* some node ever answered */
	bool are_credentials_refused; /* those of the connection string, at the last try */
	int64_t leader_since_wall_ns; /* when has_leader last changed */
	char leader[300];	      /* "host:port", or "" */
	char server_version[64];      /* "26.1.0", or "" while unknown */
	bool are_features_known;
	bool has_append;	      /* BatchAppend: 21.10 and later */
	bool has_multi_append;	      /* AppendSession: 25.1 and later */
	bool has_append_records;      /* AppendRecords: 26.0.3, 26.1 and later */
	char reason[KDB_ERROR_DETAIL_SIZE]; /* why there is no leader; "" when there is one */
};

/* Fills *status. Any thread. */
void kdb_client_get_status(struct kdb_client *client, struct kdb_client_status *status);

/* When the completion thread last came round, on the monotonic clock; it does so at least once
 * a second. Any thread. */
int64_t kdb_client_last_tick_ns(struct kdb_client *client);

#endif
