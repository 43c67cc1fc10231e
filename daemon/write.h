/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_WRITE_H
#define KG_WRITE_H

#include "client-core/client.h"
#include "daemon/json_write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What every write has, whatever its body looks like: the ids of its events, whether it
 * is safe to repeat, and what to tell when it failed (api-design 10, 11). On the HTTP
 * loop.
 */

struct kg_request;

struct kg_write {
	uint8_t (*ids)[16]; /* of all events, in the order of the request */
	size_t id_count;
	/* M only: the events of each group, for event_ids; NULL: one flat list. */
	size_t *group_counts;
	size_t group_count;
	bool has_random_ids; /* at least one */
	bool
	    has_other_ids; /* at least one is the sender's own, or derived without a key */
	bool has_keyed_ids; /* at least one is derived from the Idempotency-Key */
	bool is_exact;      /* the expectations of all streams that are written */
	/* C and P: a plain repetition has the same ids, with or without a key. */
	bool has_own_identity;
	bool
	    is_key_new; /* this process has not met the key before, or has forgotten it */
	int64_t keys_forgotten_mono_ns; /* see kg_key_table; with is_key_new */
	bool is_duplicate; /* answered from a request with the same key that ran before */
};

/* Whose keys a request's key is one of (api-design 11); a span into the request. */
struct kdb_bytes kg_write_scope(const struct kg_request *request);

/* Makes room for the ids of count events, all nil. Once. */
void kg_write_set_count(struct kg_write *write, size_t count);

/* Frees what it holds. */
void kg_write_dispose(struct kg_write *write);

/* Decides the id of one event for good: its own if it has one, else derived from the
 * key of the request, else random. Notes it under the ordinal of the event in the whole
 * request. */
void kg_write_choose_id(struct kg_request *request, struct kdb_bytes stream_name,
    size_t ordinal, struct kdb_event *event);

/* Whether what it stores is new for sure: all its ids are random. */
bool kg_write_is_fresh(const struct kg_write *write);

/* What goes with the call of the operation. */
struct kdb_call_headers kg_write_call_headers(const struct kg_request *request);

/* The table of api-design 11. */
enum kg_replayed kg_write_judge_replay(
    const struct kg_request *request, const struct kdb_append_result *result);

/* Adds Kurrent-Position and Idempotent-Replayed to an answer. */
void kg_write_put_fields(struct kg_request *request,
    const struct kdb_append_result *result, enum kg_replayed replayed);

/* Adds Kurrent-CurrentVersion: a number or a word. */
void kg_write_put_version(struct kg_request *request, int64_t version);

/*
 * Sets the refusal for an error: everything that api-design 10 wants of it, the advice
 * on repeating included. stream_name and expected_version are those that the error is
 * about, and are printed where the code has such members.
 */
void kg_write_refuse(struct kg_request *request, const struct kdb_error *error,
    struct kdb_bytes stream_name, int64_t expected_version);

/* Sets the refusal of a request that waited too long for one with the same key, which may
 * have been stored. */
void kg_write_refuse_late(struct kg_request *request);

#endif
