/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_HEAD_H
#define KG_HEAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The head of a request as plain data: request line and header fields, and the header
 * table of api-design 13.1. Pure. All texts are borrowed from whoever made the head.
 */

struct kg_head_field {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

/* The request fields of api-design 13.1 that a release so far looks at. */
enum kg_field {
	KG_FIELD_HOST,
	KG_FIELD_ORIGIN,
	KG_FIELD_SEC_FETCH_SITE,
	KG_FIELD_AUTHORIZATION,
	KG_FIELD_KURRENT_AUTHORIZATION,
	KG_FIELD_ACCEPT,
	KG_FIELD_CONTENT_TYPE,
	KG_FIELD_CONTENT_ENCODING,
	KG_FIELD_CONTENT_LENGTH,
	KG_FIELD_TRANSFER_ENCODING,
	KG_FIELD_EXPECT,
	KG_FIELD_KURRENT_EXPECTED_VERSION,
	KG_FIELD_KURRENT_EVENT_ID,
	KG_FIELD_KURRENT_EVENT_TYPE,
	KG_FIELD_KURRENT_METADATA,
	KG_FIELD_KURRENT_METADATA_BASE64,
	KG_FIELD_KURRENT_TIMEOUT,
	KG_FIELD_GRPC_TIMEOUT,
	KG_FIELD_IDEMPOTENCY_KEY,
	KG_FIELD_IF_MATCH,
	KG_FIELD_IF_NONE_MATCH,
	KG_FIELD_PREFER,
	KG_FIELD_TRACEPARENT,
	KG_FIELD_TRACESTATE,
	KG_FIELD_X_REQUEST_ID,
	KG_FIELD_COUNT,
};

/* Which rows of the header and query tables an endpoint takes. */
enum kg_takes {
	KG_TAKES_ENVELOPE = 1 << 0, /* E */
	KG_TAKES_RAW = 1 << 1,      /* R */
	KG_TAKES_READINESS = 1 << 2,
	KG_TAKES_V1 = 1 << 3, /* every route under /v1 */
	KG_TAKES_CLOUDEVENTS = 1 << 4,  /* C */
	KG_TAKES_GROUPS = 1 << 5,       /* M */
	KG_TAKES_RECORDS = 1 << 6,      /* K */
	KG_TAKES_GET_METADATA = 1 << 7, /* G */
	KG_TAKES_PUT_METADATA = 1 << 8, /* P */
	/* What stores something, "W" of api-design 13.1. */
	KG_TAKES_WRITE = KG_TAKES_ENVELOPE | KG_TAKES_RAW | KG_TAKES_CLOUDEVENTS |
			 KG_TAKES_GROUPS | KG_TAKES_RECORDS | KG_TAKES_PUT_METADATA,
	/* What asks the database, "W G". */
	KG_TAKES_DATABASE = KG_TAKES_WRITE | KG_TAKES_GET_METADATA,
	/* What may have its expectation in header or query. */
	KG_TAKES_EXPECTATION = KG_TAKES_ENVELOPE | KG_TAKES_RAW | KG_TAKES_CLOUDEVENTS |
			       KG_TAKES_PUT_METADATA,
};

enum { KG_HEAD_FIELDS_MAX = 128 };

struct kg_head {
	const char *method;
	char *target; /* as sent; the request decodes it in place */
	size_t target_len;
	bool is_http_1_0;
	const struct kg_head_field *fields;
	size_t field_count; /* one more than the maximum says "too many" */
	size_t size; /* memory for request line, fields and the head of an answer */
	bool is_tcp; /* else a unix socket */
	/* Filled by kg_head_index(): the first field of each name, and how many there
	 * are. */
	const struct kg_head_field *known[KG_FIELD_COUNT];
	unsigned char times[KG_FIELD_COUNT]; /* stops counting at 2 */
};

/* Finds the fields of the table. */
void kg_head_index(struct kg_head *head);

/* The name of a field as the table spells it. */
const char *kg_head_field_name(enum kg_field field);

/* Whether a second field of this name is malformed. */
bool kg_head_field_is_single(enum kg_field field);

/* Whether an endpoint with these bits defines the field; for others it is "undefined"
 * where undefined fields are refused. */
bool kg_head_field_is_defined(enum kg_field field, unsigned takes);

/* The field of the table with this name, without letter case; KG_FIELD_COUNT: none. */
enum kg_field kg_head_field_find(const char *name, size_t len);

/* Whether a character may stand in a token (RFC 9110, 5.6.2). */
bool kg_head_is_token_char(char c);

/* Whether two texts are equal without letter case of ASCII. */
bool kg_head_is_equal(const char *text, size_t len, const char *other);

/* Whether a text begins with prefix, without letter case of ASCII. */
bool kg_head_has_prefix(const char *text, size_t len, const char *prefix);

#endif
