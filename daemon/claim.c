/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests under one Idempotency-Key: who asks the database, who waits, and what becomes
 * of them. Owns the references to operations that answer several requests.
 */
#include "daemon/claim.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "daemon/idempotency.h"
#include "daemon/request.h"
#include "daemon/uuid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 10 * 1000 };

static const int64_t keep_ns = 600 * KDB_NS_PER_SECOND;

void
kg_claim_start(struct kg_gateway *gateway)
{
	kg_key_table_init(&gateway->keys, KEYS_MAX, keep_ns);
	/* Whoever knows it could make all keys meet in one bucket. */
	kg_uuid_make_v4(gateway->key_seed);
}

void
kg_claim_stop(struct kg_gateway *gateway)
{
	kg_key_table_dispose(&gateway->keys);
}

/* What a request is. */

static struct kdb_bytes
text_of(const char *text)
{
	return (struct kdb_bytes){text, strlen(text)};
}

static struct kdb_bytes
value_of(const struct kg_head_field *field)
{
	return field == NULL ? (struct kdb_bytes){"", 0}
			     : (struct kdb_bytes){field->value, field->value_len};
}

/* The parts of the target, so that its absolute form is no other one. */
void
kg_claim_note_target(struct kg_request *request, const struct kg_head *head)
{
	const struct kg_target *target = &request->target;
	const struct kdb_bytes fields[] = {text_of(head->method),
	    {target->path, target->path_len}, {target->query, target->query_len}};

	if (head->known[KG_FIELD_IDEMPOTENCY_KEY] == NULL)
		return;
	kg_idempotency_digest(
	    fields, sizeof(fields) / sizeof(fields[0]), request->claim.digest);
}

/* The "ce-" fields, without letter case and in any order: who sends a request again may
 * hold its header in a table without order. */
struct attributes {
	struct kdb_bytes fields[KG_HEAD_FIELDS_MAX][2]; /* name and value */
	size_t count;
	char *names;
};

static int
compare_bytes(const struct kdb_bytes *a, const struct kdb_bytes *b)
{
	const int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int
compare_fields(const void *a, const void *b)
{
	const struct kdb_bytes *left = a;
	const struct kdb_bytes *right = b;
	const int order = compare_bytes(&left[0], &right[0]);

	return order != 0 ? order : compare_bytes(&left[1], &right[1]);
}

static char *
lower(char *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] =
		    (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	return out + len;
}

static void
collect_attributes(const struct kg_head *head, struct attributes *attributes)
{
	char *at = attributes->names = kdb_alloc(head->size + 1);

	attributes->count = 0;
	for (size_t i = 0; i < head->field_count; i++) {
		const struct kg_head_field *field = &head->fields[i];
		struct kdb_bytes *pair = attributes->fields[attributes->count];

		if (!kg_head_has_prefix(field->name, field->name_len, "ce-"))
			continue;
		pair[0] = (struct kdb_bytes){at, field->name_len};
		pair[1] = value_of(field);
		at = lower(at, field->name, field->name_len);
		attributes->count++;
	}
	qsort(attributes->fields, attributes->count, sizeof(attributes->fields[0]),
	    compare_fields);
}

static void
note_attributes(struct kg_request *request, const struct kg_head *head)
{
	struct attributes attributes;
	uint8_t digest[KG_KEY_DIGEST_SIZE];
	const struct kdb_bytes both[] = {
	    {request->claim.digest, KG_KEY_DIGEST_SIZE}, {digest, sizeof(digest)}};

	collect_attributes(head, &attributes);
	kg_idempotency_digest(attributes.fields[0], 2 * attributes.count, digest);
	kg_idempotency_digest(both, 2, request->claim.digest);
	free(attributes.names);
}

/* What is read from several places, or in several spellings, counts by its value. */
void
kg_claim_note_parameters(struct kg_request *request, const struct kg_head *head)
{
	const struct kg_parameters *parameters = &request->parameters;
	const int64_t numbers[] = {parameters->has_expected_version,
	    parameters->expected_version, parameters->has_condition,
	    parameters->is_condition_weak};
	const struct kdb_bytes fields[] = {{request->claim.digest, KG_KEY_DIGEST_SIZE},
	    {numbers, sizeof(numbers)}, value_of(head->known[KG_FIELD_CONTENT_TYPE]),
	    {parameters->event_id, parameters->has_event_id ? 16 : 0},
	    parameters->metadata};

	if (parameters->key.len == 0)
		return;
	kg_idempotency_digest(
	    fields, sizeof(fields) / sizeof(fields[0]), request->claim.digest);
	if ((request->endpoint->takes & KG_TAKES_CLOUDEVENTS) != 0)
		note_attributes(request, head);
}

void
kg_claim_note_body(struct kg_request *request)
{
	struct kdb_bytes fields[2] = {{request->claim.digest, KG_KEY_DIGEST_SIZE}};
	const char *bytes;

	if (request->parameters.key.len == 0)
		return;
	kg_http_body(request->exchange, &bytes, &fields[1].len);
	fields[1].data = bytes;
	kg_idempotency_digest(fields, 2, request->claim.digest);
}

/* Who asks, and who waits. */

static struct kg_key_table *
table_of(const struct kg_request *request)
{
	return &request->gateway->keys;
}

/* What the table knows the key by: whoever sends keys cannot tell where they come to
 * lie. */
static void
name_key(const struct kg_request *request, uint8_t name[KG_KEY_NAME_SIZE])
{
	const struct kg_gateway *gateway = request->gateway;
	const struct kdb_bytes fields[] = {{gateway->key_seed, sizeof(gateway->key_seed)},
	    kg_write_scope(request), request->parameters.key};

	kg_idempotency_digest(fields, sizeof(fields) / sizeof(fields[0]), name);
}

static void
begin_waiting(struct kg_request *request)
{
	struct kg_claim *claim = &request->claim;

	claim->state = KG_CLAIM_WAITING;
	kg_http_suspend(request->exchange);
	kg_key_table_wait(table_of(request), claim->key, &claim->waiter,
	    request->times.whole_mono_ns + request->times.timeout_ns);
}

bool
kg_claim_take(struct kg_request *request)
{
	struct kg_claim *claim = &request->claim;
	uint8_t name[KG_KEY_NAME_SIZE];

	if (request->parameters.key.len == 0)
		return true;
	name_key(request, name);
	switch (kg_key_table_claim(
	    table_of(request), name, claim->digest, kdb_clock_mono_ns(), &claim->key)) {
	case KG_KEY_NEW:
		request->write.is_key_new = true;
		request->write.keys_forgotten_mono_ns =
		    table_of(request)->forgotten_mono_ns;
		claim->state = KG_CLAIM_HELD;
		return true;
	case KG_KEY_KNOWN:
		claim->state = KG_CLAIM_HELD;
		return true;
	case KG_KEY_BUSY:
		begin_waiting(request);
		return false;
	case KG_KEY_REUSED:
		break;
	}
	kg_refusal_set(request->refusal, KG_PROBLEM_IDEMPOTENCY_KEY_REUSED,
	    "This Idempotency-Key came with another request before: at another target, "
	    "or "
	    "with another expectation, body, or header that says what to write.");
	return false;
}

static struct kg_request *
request_of(struct kg_key_waiter *waiter)
{
	return KDB_LIST_ITEM(waiter, struct kg_request, claim.waiter);
}

/* It waits no longer, and is run again. */
static void
release(struct kg_request *waiting, enum kg_claim_state state)
{
	kg_key_table_stop_waiting(table_of(waiting), &waiting->claim.waiter);
	waiting->claim.state = state;
	waiting->times.queued_ns = kdb_clock_mono_ns() - waiting->times.submit_mono_ns;
	kg_http_ready(waiting->exchange);
}

void
kg_claim_leave(struct kg_request *request)
{
	if (request->claim.state == KG_CLAIM_WAITING)
		release(request, KG_CLAIM_LATE);
}

int64_t
kg_claim_expire(struct kg_gateway *gateway)
{
	struct kg_key_table *table = &gateway->keys;
	struct kg_key_waiter *waiter;
	int64_t now;

	if (kg_key_table_next_due(table) == INT64_MAX)
		return INT64_MAX;
	now = kdb_clock_mono_ns();
	while ((waiter = kg_key_table_expired(table, now)) != NULL)
		release(request_of(waiter), KG_CLAIM_LATE);
	return kg_key_table_next_due(table);
}

bool
kg_claim_is_awaited(const struct kg_request *request)
{
	return request->claim.state == KG_CLAIM_HELD &&
	       kg_key_table_first_waiter(request->claim.key) != NULL;
}

/* What the holder was told. */

bool
kg_claim_keep(struct kg_request *request, struct kdb_operation *operation)
{
	struct kg_claim *claim = &request->claim;

	if (claim->state != KG_CLAIM_HELD)
		return false;
	/* The last place is for the operation that ends the request. */
	assert(claim->asked_count < KG_CLAIM_OPERATIONS_MAX - 1);
	claim->asked[claim->asked_count++] = operation;
	return true;
}

struct kdb_operation *
kg_claim_next(struct kg_request *request)
{
	struct kg_claim *claim = &request->claim;
	struct kdb_operation *operation = claim->asked[0];

	if (claim->asked_count == 0)
		return NULL;
	claim->asked_count--;
	memmove(
	    claim->asked, claim->asked + 1, claim->asked_count * sizeof(claim->asked[0]));
	return operation;
}

static void
share(struct kg_request *holder, struct kg_request *waiting)
{
	struct kg_claim *claim = &waiting->claim;

	for (size_t i = 0; i < holder->claim.asked_count; i++)
		claim->asked[i] = kdb_operation_ref(holder->claim.asked[i]);
	claim->asked_count = holder->claim.asked_count;
	claim->asked[claim->asked_count++] = kdb_operation_ref(holder->operation);
	waiting->times.asked_timeout_ns = holder->times.asked_timeout_ns;
	release(waiting, KG_CLAIM_ANSWERED);
}

/* Whether the database would answer somebody who asks again in the same way, or has
 * stored something: then nobody has to. */
static bool
is_final(const struct kg_refusal *refusal)
{
	return !refusal->is_set || refusal->outcome == KDB_OUTCOME_UNKNOWN ||
	       kg_problem_row(refusal->problem)->status < 500;
}

/* Credentials are the database's to judge, so an answer is for those alone who came with
 * the same. */
static bool
has_same_credentials(const struct kg_request *a, const struct kg_request *b)
{
	const char *left = a->credentials.authorization;
	const char *right = b->credentials.authorization;

	return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

/* Answers those who wait, as far as the answer is theirs; returns who asks next: the
 * first of the others, or nobody. */
static struct kg_request *
share_answer(struct kg_request *holder, bool is_for_all)
{
	const bool is_shared = is_for_all || is_final(holder->refusal);
	struct kdb_list *waiters = &holder->claim.key->waiters;
	struct kdb_list *next;
	struct kg_request *heir = NULL;

	for (struct kdb_list *link = waiters->next; link != waiters; link = next) {
		struct kg_request *waiting =
		    request_of(KDB_LIST_ITEM(link, struct kg_key_waiter, link));

		next = link->next;
		if (is_shared && has_same_credentials(holder, waiting))
			share(holder, waiting);
		else if (is_for_all)
			release(waiting, KG_CLAIM_ANSWERED);
		else if (heir == NULL)
			heir = waiting;
	}
	return heir;
}

/* A refusal says nothing of an earlier request under the key that may have been stored,
 * unless it is a conflict: then the database did not know its events. */
static bool
is_free_again(const struct kg_request *request)
{
	const struct kg_refusal *refusal = request->refusal;

	if (!refusal->is_set || refusal->outcome == KDB_OUTCOME_UNKNOWN)
		return false;
	return !request->claim.key->may_be_stored ||
	       kg_problem_row(refusal->problem)->status == 409 ||
	       kg_problem_row(refusal->problem)->status == 412;
}

void
kg_claim_settle(struct kg_request *request)
{
	struct kg_claim *claim = &request->claim;
	struct kg_key *key = claim->key;
	struct kg_request *heir;
	bool is_free;

	if (claim->state != KG_CLAIM_HELD)
		return;
	is_free = is_free_again(request);
	heir = share_answer(request, kg_http_is_stopped(request->gateway->http));
	if (heir != NULL) {
		key->may_be_stored = !is_free;
		release(heir, KG_CLAIM_HELD);
	} else if (is_free) {
		kg_key_table_drop(table_of(request), key);
	} else {
		kg_key_table_rest(table_of(request), key, kdb_clock_mono_ns());
	}
	claim->state = KG_CLAIM_NONE;
	claim->key = NULL;
}

void
kg_claim_give_up(struct kg_request *request)
{
	struct kg_key_waiter *waiter;

	while ((waiter = kg_key_table_first_waiter(request->claim.key)) != NULL)
		release(request_of(waiter), KG_CLAIM_ANSWERED);
	kg_claim_settle(request);
}

void
kg_claim_dispose(struct kg_request *request)
{
	struct kg_claim *claim = &request->claim;

	assert(claim->state != KG_CLAIM_HELD && claim->state != KG_CLAIM_WAITING);
	for (size_t i = 0; i < claim->asked_count; i++)
		kdb_operation_free(claim->asked[i]);
}
