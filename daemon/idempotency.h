/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_IDEMPOTENCY_H
#define KG_IDEMPOTENCY_H

#include "client-core/operations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Idempotency keys and the ids made from them (api-design 11). Pure. */

enum { KG_IDEMPOTENCY_KEY_MAX = 255, KG_IDEMPOTENCY_DIGEST_SIZE = 32 };

/* Reads the value of an Idempotency-Key header, quoted or bare; *key is a span into it.
 * False: the form is wrong (bad-idempotency-key). */
bool kg_idempotency_key_read(const char *value, size_t len, struct kdb_bytes *key);

/* SHA-256 over the fields, each preceded by its length (4 bytes, big-endian), so that no
 * byte can wander from one to the next. The digest may lie in one of them. */
void kg_idempotency_digest(const struct kdb_bytes *fields, size_t field_count,
    uint8_t digest[KG_IDEMPOTENCY_DIGEST_SIZE]);

/* UUIDv8 = the first 16 bytes of that digest, with version and variant bits set. */
void kg_idempotency_derive(
    const struct kdb_bytes *fields, size_t field_count, uint8_t id[16]);

/*
 * The id of one event of a write with a key, derived from seven fields:
 * "kurrentgate/event", "1", scope, route template ("/v1/streams/{stream}/events", the
 * braces as they stand), stream name, key without its quotes, and the ordinal, which
 * counts the events of the whole request from 0, as decimal text. An empty field is
 * hashed as its length, four zero bytes. With the empty scope this gives the vectors of
 * api-design 4.
 */
void kg_idempotency_event_id(struct kdb_bytes scope, const char *route,
    struct kdb_bytes stream_name, struct kdb_bytes key, size_t ordinal, uint8_t id[16]);

/*
 * The id of the event of a metadata write with an exact expectation, derived from five
 * fields: "kurrentgate/metadata", "1", stream name (without "$$"), expectation
 * ("no_stream" or digits), and the SHA-256 of the body, 32 bytes. So the same write
 * repeated is known again, whoever sends it (api-design 8).
 */
void kg_idempotency_metadata_id(struct kdb_bytes stream_name, int64_t expected_version,
    struct kdb_bytes body, uint8_t id[16]);

/*
 * The id of the event that holds a CloudEvent: the CloudEvent's own where that is a UUID,
 * and not nil; else derived from five fields: "kurrentgate/cloudevent", "1", stream name,
 * source, id. So a redelivery to the same stream is known again, in whatever mode it comes
 * (api-design 11, 12).
 */
void kg_idempotency_cloudevent_id(struct kdb_bytes stream_name, struct kdb_bytes source,
    struct kdb_bytes cloudevent_id, uint8_t id[16]);

#endif
