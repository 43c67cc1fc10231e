/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CLAIM_H
#define KG_CLAIM_H

#include "daemon/head.h"
#include "daemon/key_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a request with an Idempotency-Key has to do with others under the same key
 * (api-design 11): whoever comes first holds the key while it asks the database; the same
 * request again waits for it, and then has its answer or takes its place; another request
 * is refused. On the HTTP loop. Without a key, each function does nothing.
 */

struct kg_gateway;
struct kg_request;
struct kdb_operation;

enum kg_claim_state {
	KG_CLAIM_NONE,     /* no key, or done with it */
	KG_CLAIM_HELD,     /* asks the database for itself and for those who wait */
	KG_CLAIM_WAITING,  /* for the request that holds the key */
	KG_CLAIM_ANSWERED, /* that one has ended: its operations are in `asked` */
	KG_CLAIM_LATE,     /* waited until its own deadline, or its client left */
};

/* One request asks the database at most so often. */
enum { KG_CLAIM_OPERATIONS_MAX = 4 };

struct kg_claim {
	enum kg_claim_state state;
	/* Of all that makes a request the same one again; grows with the steps. */
	uint8_t digest[KG_KEY_DIGEST_SIZE];
	struct kg_key *key; /* HELD, WAITING */
	struct kg_key_waiter waiter;
	/* HELD: the finished operations before the present one. ANSWERED: the operations of
	 * the request that held the key, from which this one is answered; the first of them
	 * is taken out when it is looked at. */
	struct kdb_operation *asked[KG_CLAIM_OPERATIONS_MAX];
	size_t asked_count;
};

/* The keys of a gateway: 10,000 of them, for 10 minutes. */
void kg_claim_start(struct kg_gateway *gateway);
void kg_claim_stop(struct kg_gateway *gateway);

/* Note what the request is: target before it is decoded, header and query when they are
 * read, body when it is whole. */
void kg_claim_note_target(struct kg_request *request, const struct kg_head *head);
void kg_claim_note_parameters(struct kg_request *request, const struct kg_head *head);
void kg_claim_note_body(struct kg_request *request);

/* Step 22 of the order of checks, when the operation is ready to be submitted. True: it
 * is to be submitted. False: the request waits (KG_CLAIM_WAITING, and the exchange is
 * suspended), or the refusal is set. */
bool kg_claim_take(struct kg_request *request);

/* Keeps a finished operation behind which the holder asks again, for those who wait. True:
 * it is kept. */
bool kg_claim_keep(struct kg_request *request, struct kdb_operation *operation);

/* ANSWERED: the next operation of the request that held the key, which is the caller's
 * now; NULL: there is no more. */
struct kdb_operation *kg_claim_next(struct kg_request *request);

/* The holder has its answer, which is a refusal if one is set: ends its hold, and lets
 * those who wait go on. */
void kg_claim_settle(struct kg_request *request);

/* The holder asked nobody and does not any more, which its refusal says: ends its hold, and
 * lets those who wait go on without an answer. */
void kg_claim_give_up(struct kg_request *request);

/* Whether others wait for the answer of this request. */
bool kg_claim_is_awaited(const struct kg_request *request);

/* The client of a request has left: one that waits does not any more. */
void kg_claim_leave(struct kg_request *request);

/* Lets go on whose deadline is over; returns when the next one is, INT64_MAX: never. */
int64_t kg_claim_expire(struct kg_gateway *gateway);

/* The last call for a request. */
void kg_claim_dispose(struct kg_request *request);

#endif
