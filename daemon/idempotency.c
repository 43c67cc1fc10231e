/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of clients, and the event ids that follow from them (api-design 11). Owns nothing.
 */
#include "daemon/idempotency.h"

#include "daemon/uuid.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
kg_idempotency_key_read(const char *value, size_t len, struct kdb_bytes *key)
{
	bool is_quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"';

	if (is_quoted) {
		value++;
		len -= 2;
	}
	if (len == 0 || len > KG_IDEMPOTENCY_KEY_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = value[i];

		if (c < 0x21 || c > 0x7e || c == '"' || c == '\\' ||
		    (c == ',' && !is_quoted))
			return false;
	}
	*key = (struct kdb_bytes){value, len};
	return true;
}

/* Hashing fails only when the library cannot work at all. */
static void
must(int result)
{
	if (result < 0) {
		fprintf(stderr, "SHA-256: %s\n", gnutls_strerror(result));
		abort();
	}
}

static void
hash_field(gnutls_hash_hd_t hash, const struct kdb_bytes *field)
{
	uint8_t len[4] = {(uint8_t)(field->len >> 24), (uint8_t)(field->len >> 16),
	    (uint8_t)(field->len >> 8), (uint8_t)field->len};

	must(gnutls_hash(hash, len, sizeof len));
	if (field->len > 0)
		must(gnutls_hash(hash, field->data, field->len));
}

void
kg_idempotency_digest(const struct kdb_bytes *fields, size_t field_count,
    uint8_t digest[KG_IDEMPOTENCY_DIGEST_SIZE])
{
	gnutls_hash_hd_t hash;

	must(gnutls_hash_init(&hash, GNUTLS_DIG_SHA256));
	for (size_t i = 0; i < field_count; i++)
		hash_field(hash, &fields[i]);
	gnutls_hash_deinit(hash, digest);
}

void
kg_idempotency_derive(const struct kdb_bytes *fields, size_t field_count, uint8_t id[16])
{
	uint8_t digest[KG_IDEMPOTENCY_DIGEST_SIZE];

	kg_idempotency_digest(fields, field_count, digest);
	memcpy(id, digest, 16);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x80);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

static struct kdb_bytes
text_field(const char *text)
{
	return (struct kdb_bytes){text, strlen(text)};
}

void
kg_idempotency_event_id(struct kdb_bytes scope, const char *route,
    struct kdb_bytes stream_name, struct kdb_bytes key, size_t ordinal, uint8_t id[16])
{
	char ordinal_text[24];
	struct kdb_bytes fields[7];

	snprintf(ordinal_text, sizeof ordinal_text, "%zu", ordinal);
	fields[0] = text_field("kurrentgate/event");
	fields[1] = text_field("1");
	fields[2] = scope;
	fields[3] = text_field(route);
	fields[4] = stream_name;
	fields[5] = key;
	fields[6] = text_field(ordinal_text);
	kg_idempotency_derive(fields, sizeof fields / sizeof fields[0], id);
}

void
kg_idempotency_metadata_id(struct kdb_bytes stream_name, int64_t expected_version,
    struct kdb_bytes body, uint8_t id[16])
{
	uint8_t digest[KG_IDEMPOTENCY_DIGEST_SIZE];
	char expectation[24] = "no_stream";
	struct kdb_bytes fields[5];

	if (expected_version != KDB_VERSION_NO_STREAM)
		snprintf(expectation, sizeof expectation, "%" PRId64, expected_version);
	must(gnutls_hash_fast(GNUTLS_DIG_SHA256, body.data, body.len, digest));
	fields[0] = text_field("kurrentgate/metadata");
	fields[1] = text_field("1");
	fields[2] = stream_name;
	fields[3] = text_field(expectation);
	fields[4] = (struct kdb_bytes){digest, sizeof digest};
	kg_idempotency_derive(fields, sizeof fields / sizeof fields[0], id);
}

void
kg_idempotency_cloudevent_id(struct kdb_bytes stream_name, struct kdb_bytes source,
    struct kdb_bytes cloudevent_id, uint8_t id[16])
{
	struct kdb_bytes fields[5];

	if (kg_uuid_read(cloudevent_id.data, cloudevent_id.len, id))
		return;
	fields[0] = text_field("kurrentgate/cloudevent");
	fields[1] = text_field("1");
	fields[2] = stream_name;
	fields[3] = source;
	fields[4] = cloudevent_id;
	kg_idempotency_derive(fields, sizeof fields / sizeof fields[0], id);
}
