/* SPDX-License-Identifier: Apache-2.0 */
/* The header table and the query table: forms, agreement between places, and media
 * types. */
#include "client-core/base/clock.h"
#include "daemon/parameters.h"
#include "tests/unit/head_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define BINARY "\nce-specversion: 1.0\nce-type: t\nce-source: /s\nce-id: 1"
#define TYPE "\nContent-Type: application/json"
#define UUID "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"
#define UUID_UPPER "4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11"

enum {
	GOOD = KG_PROBLEM_COUNT,
	E = KG_TAKES_ENVELOPE | KG_TAKES_V1,
	R = KG_TAKES_RAW | KG_TAKES_V1,
	C = KG_TAKES_CLOUDEVENTS | KG_TAKES_V1,
	G = KG_TAKES_GET_METADATA | KG_TAKES_V1,
	P = KG_TAKES_PUT_METADATA | KG_TAKES_V1,
	INFO = KG_TAKES_V1,
	READY = KG_TAKES_READINESS,
	OTHER = 0,
};

static const struct kg_config config = {.max_depth = 8, .max_name_bytes = 16};

struct reading {
	struct head_text made;
	struct kg_parameters parameters;
	struct kg_refusal refusal;
	int problem;
};

static void
read_text(struct reading *reading, const char *text, unsigned takes,
    const struct kg_config *with)
{
	struct kg_target target = {0};
	const struct kg_parameters_context context = {
	    .config = with, .takes = takes, .event_type = {"Type", 4}};
	char *question;

	head_text_init(&reading->made, text);
	question = strchr(reading->made.head.target, '?');
	target.query =
	    question == NULL ? strchr(reading->made.head.target, '\0') : question + 1;
	target.query_len = strlen(target.query);
	kg_refusal_init(&reading->refusal);
	reading->problem = kg_parameters_read(&reading->made.head, &target, &context,
			       &reading->parameters, &reading->refusal)
			       ? GOOD
			       : (int)reading->refusal.problem;
	ck_assert_int_eq(reading->problem == GOOD, !reading->refusal.is_set);
}

static void
dispose(struct reading *reading)
{
	kg_parameters_dispose(&reading->parameters);
	kg_refusal_dispose(&reading->refusal);
	head_text_dispose(&reading->made);
}

static const struct {
	unsigned takes;
	const char *text;
	int problem;
	const char *pointer; /* of the first finding, if there is one */
} cases[] = {
    /* Accept */
    {INFO, "GET /", GOOD, NULL},
    {INFO, "GET /\nAccept: */*", GOOD, NULL},
    {INFO, "GET /\nAccept:", GOOD, NULL},
    {INFO, "GET /\nAccept: , ,", GOOD, NULL},
    {INFO, "GET /\nAccept: , x,", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {INFO, "GET /\nAccept: text/html, application/*;q=0.1", GOOD, NULL},
    {INFO, "GET /\nAccept: text/html\nAccept: application/problem+json", GOOD, NULL},
    {INFO, "GET /\nAccept: Application/JSON", GOOD, NULL},
    {INFO, "GET /\nAccept: application/json;q=0, */*", GOOD, NULL},
    {INFO, "GET /\nAccept: text/html", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {INFO, "GET /\nAccept: application/json;q=0.000", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {INFO, "GET /\nAccept: application/*;q=0, */*", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {INFO, "GET /\nAccept: a/b;x=\",application/json\"", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {INFO, "GET /\nAccept: json", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {OTHER, "GET /\nAccept: text/html", GOOD, NULL},
    {E, "POST /\nAccept: text/html", KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    /* Content-Type of E */
    {E, "POST /" TYPE, GOOD, NULL},
    {E, "POST /\nContent-Type: APPLICATION/json;charset=UTF-8", GOOD, NULL},
    {E, "POST /\nContent-Type: application/json ; charset=\"utf-8\"; a=b", GOOD, NULL},
    {E, "POST /?current_version=any\nContent-Type: application/x-ndjson", GOOD, NULL},
    {E, "POST /", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {E, "POST /\nContent-Type:", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {E, "POST /\nContent-Type: application/json;charset=latin1",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {E, "POST /\nContent-Type: application/json, text/html",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {E, "POST /\nContent-Type: application/jsonx", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	NULL},
    {E, "POST /\nContent-Type: application/vnd.a+json", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	NULL},
    {E, "POST /" TYPE "\nContent-Encoding: gzip", GOOD, NULL},
    {E, "POST /" TYPE "\nContent-Encoding: gzip, br", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	NULL},
    /* Content-Type of C */
    {C, "POST /?current_version=1\nContent-Type: application/cloudevents+json", GOOD, NULL},
    {C,
	"POST /?current_version=1\nContent-Type: Application/CloudEvents-Batch+JSON; "
	"charset=UTF-8",
	GOOD, NULL},
    {C,
	"POST /?current_version=1\nContent-Type: application/cloudevents+json;charset=a\n"
	"ce-specversion: 1.0",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {C,
	"POST /?current_version=1\nContent-Type: application/cloudevents+json\nce-id: %\n"
	"ce-id: %",
	GOOD, NULL},
    {C, "POST /?current_version=1", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {C, "POST /?current_version=1" TYPE, KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {C, "POST /?current_version=1\nce-specversion:", KG_PROBLEM_INVALID_REQUEST,
	"header:ce-specversion"},
    {C, "POST /?current_version=1" BINARY, GOOD, NULL},
    {C, "POST /?current_version=1" BINARY TYPE, GOOD, NULL},
    {C, "POST /?current_version=1" BINARY TYPE ";charset=latin1",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {C, "POST /?current_version=1" BINARY "\nContent-Type: text/plain;charset=latin1",
	GOOD, NULL},
    {C, "POST /?current_version=x" BINARY "\nce-A_B: 1", KG_PROBLEM_INVALID_REQUEST,
	"header:ce-a_b"},
    {C, "POST /" BINARY, KG_PROBLEM_INVALID_REQUEST, "query:current_version"},
    {C, "POST /\nContent-Type: application/cloudevents+json", KG_PROBLEM_INVALID_REQUEST,
	"query:current_version"},
    {C, "POST /" BINARY "\nce-id: 2\nKurrent-X: 1", KG_PROBLEM_MALFORMED_REQUEST, NULL},
    {C, "POST /" BINARY "\nKurrent-EventId: 1", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:Kurrent-EventId"},
    {R, "POST /?current_version=1\nce-id: %\nce-id: 1", GOOD, NULL},
    /* Content-Type of R */
    {R, "POST /?current_version=1", GOOD, NULL},
    {R, "POST /?current_version=1\nContent-Type: text/plain;charset=latin1", GOOD, NULL},
    {R, "POST /?current_version=1\nContent-Type: nonsense", GOOD, NULL},
    {R, "POST /?current_version=1\nContent-Type: a/b+JSON;charset=utf-16",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {R, "POST /?current_version=1\nContent-Encoding: br",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    /* undefined headers */
    {E, "POST /" TYPE "\nKurrent-Foo: 1", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:Kurrent-Foo"},
    {E, "POST /" TYPE "\nkurrent-eventid: " UUID, KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:kurrent-eventid"},
    {E, "POST /" TYPE "\nKurrent-Metadata: 1", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:Kurrent-Metadata"},
    {E, "POST /" TYPE "\nKurrent-Position: 1", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:Kurrent-Position"},
    {E, "POST /" TYPE "\nIf-Match: \"1\"", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:If-Match"},
    {R, "POST /?current_version=1\nIf-None-Match: *", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:If-None-Match"},
    {INFO, "GET /\nKurrent-Timeout: 1", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:Kurrent-Timeout"},
    {INFO, "GET /\nIf-None-Match: *", GOOD, NULL},
    {INFO, "GET /\nIdempotency-Key: \"", GOOD, NULL},
    {INFO, "GET /\nGrpc-Timeout: x", GOOD, NULL},
    {OTHER, "GET /\nKurrent-Foo: 1", GOOD, NULL},
    /* unknown parameters */
    {E, "POST /?curent_version=1" TYPE, KG_PROBLEM_UNKNOWN_MEMBER,
	"query:curent_version"},
    {E, "POST /?event_id=" UUID TYPE, KG_PROBLEM_UNKNOWN_MEMBER, "query:event_id"},
    {E, "POST /?=1" TYPE, KG_PROBLEM_UNKNOWN_MEMBER, "query:"},
    {E, "POST /?Timeout=1" TYPE, KG_PROBLEM_UNKNOWN_MEMBER, "query:Timeout"},
    {E, "POST /?a%26b=1" TYPE, KG_PROBLEM_UNKNOWN_MEMBER, "query:a&b"},
    {INFO, "GET /?x", KG_PROBLEM_UNKNOWN_MEMBER, "query:x"},
    {READY, "GET /?timeout=1", KG_PROBLEM_UNKNOWN_MEMBER, "query:timeout"},
    {OTHER, "GET /?x=1", GOOD, NULL},
    {E, "POST /?&&timeout=1&" TYPE, GOOD, NULL},
    {E, "POST /?time%6fut=1" TYPE, GOOD, NULL},
    /* expectation */
    {E, "POST /?current_version=" TYPE, KG_PROBLEM_INVALID_REQUEST,
	"query:current_version"},
    {E, "POST /?current_version" TYPE, KG_PROBLEM_INVALID_REQUEST,
	"query:current_version"},
    {E, "POST /?current_version=+1" TYPE, KG_PROBLEM_INVALID_REQUEST,
	"query:current_version"},
    {E, "POST /?current_version=deleted" TYPE, KG_PROBLEM_INVALID_REQUEST,
	"query:current_version"},
    {E, "POST /" TYPE "\nKurrent-ExpectedVersion: 01", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-ExpectedVersion"},
    {E,
	"POST /?current_version=no_stream&current_version=-1" TYPE
	"\nKurrent-ExpectedVersion: no_stream",
	GOOD, NULL},
    {E, "POST /?current_version=1&current_version=2" TYPE,
	KG_PROBLEM_CONFLICTING_PARAMETERS, "query:current_version"},
    {E, "POST /?current_version=1" TYPE "\nKurrent-ExpectedVersion: 2",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "query:current_version"},
    {E, "POST /\nContent-Type: application/x-ndjson", KG_PROBLEM_INVALID_REQUEST,
	"query:current_version"},
    {R, "POST /", KG_PROBLEM_INVALID_REQUEST, "query:current_version"},
    /* event id and type */
    {R, "POST /?current_version=1&event_id=" UUID "\nKurrent-EventId: " UUID_UPPER, GOOD,
	NULL},
    {R, "POST /?current_version=1&event_id=x", KG_PROBLEM_INVALID_REQUEST,
	"query:event_id"},
    {R, "POST /?current_version=1\nKurrent-EventId: {" UUID "}",
	KG_PROBLEM_INVALID_REQUEST, "header:Kurrent-EventId"},
    {R, "POST /?current_version=1\nKurrent-EventId: 00000000-0000-0000-0000-000000000000",
	KG_PROBLEM_INVALID_REQUEST, "header:Kurrent-EventId"},
    {R,
	"POST /?current_version=1&event_id=" UUID
	"\nKurrent-EventId: 4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d12",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "query:event_id"},
    {R, "POST /?current_version=1\nKurrent-EventType: Type", GOOD, NULL},
    {R, "POST /?current_version=1\nKurrent-EventType: type",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "header:Kurrent-EventType"},
    /* metadata */
    {R, "POST /?current_version=1\nKurrent-Metadata: {\"a\":[1]}", GOOD, NULL},
    {R, "POST /?current_version=1\nKurrent-Metadata: {", KG_PROBLEM_MALFORMED_JSON,
	"header:Kurrent-Metadata"},
    {R, "POST /?current_version=1\nKurrent-Metadata:", KG_PROBLEM_MALFORMED_JSON,
	"header:Kurrent-Metadata"},
    {R, "POST /?current_version=1\nKurrent-Metadata: \"\xc3\xa9\"",
	KG_PROBLEM_INVALID_REQUEST, "header:Kurrent-Metadata"},
    {R, "POST /?current_version=1\nKurrent-Metadata: [[[[[[[[[1]]]]]]]]]",
	KG_PROBLEM_MALFORMED_JSON, "header:Kurrent-Metadata"},
    {R, "POST /?current_version=1\nKurrent-Metadata-Base64: AQI=", GOOD, NULL},
    {R, "POST /?current_version=1\nKurrent-Metadata-Base64:", GOOD, NULL},
    {R, "POST /?current_version=1\nKurrent-Metadata-Base64: AQI",
	KG_PROBLEM_INVALID_REQUEST, "header:Kurrent-Metadata-Base64"},
    {R, "POST /?current_version=1\nKurrent-Metadata: 1\nKurrent-Metadata-Base64: MQ==",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "header:Kurrent-Metadata-Base64"},
    /* timeouts that are none */
    {E, "POST /" TYPE "\nKurrent-Timeout: 0", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: 0.000000000", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: 1234567", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: 1.", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: .5", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: 1.1234567890", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: +1", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: 1s", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout:", KG_PROBLEM_INVALID_REQUEST,
	"header:Kurrent-Timeout"},
    {E, "POST /?timeout=1e3" TYPE, KG_PROBLEM_INVALID_REQUEST, "query:timeout"},
    {E, "POST /" TYPE "\nGrpc-Timeout: 0S", KG_PROBLEM_INVALID_REQUEST,
	"header:Grpc-Timeout"},
    {E, "POST /" TYPE "\nGrpc-Timeout: 123456789S", KG_PROBLEM_INVALID_REQUEST,
	"header:Grpc-Timeout"},
    {E, "POST /" TYPE "\nGrpc-Timeout: 1s", KG_PROBLEM_INVALID_REQUEST,
	"header:Grpc-Timeout"},
    {E, "POST /" TYPE "\nGrpc-Timeout: 1", KG_PROBLEM_INVALID_REQUEST,
	"header:Grpc-Timeout"},
    {E, "POST /" TYPE "\nGrpc-Timeout: S", KG_PROBLEM_INVALID_REQUEST,
	"header:Grpc-Timeout"},
    {E, "POST /?timeout=1" TYPE "\nKurrent-Timeout: 2", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"query:timeout"},
    {E, "POST /" TYPE "\nKurrent-Timeout: 1\nGrpc-Timeout: 1001m",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "header:Grpc-Timeout"},
    /* Idempotency-Key */
    {E, "POST /" TYPE "\nIdempotency-Key: a", GOOD, NULL},
    {E, "POST /" TYPE "\nIdempotency-Key: \"a", KG_PROBLEM_BAD_IDEMPOTENCY_KEY,
	"header:Idempotency-Key"},
    {E, "POST /" TYPE "\nIdempotency-Key:", KG_PROBLEM_BAD_IDEMPOTENCY_KEY,
	"header:Idempotency-Key"},
    /* conditions of P */
    {P, "PUT /" TYPE "\nIf-Match: \"3\"", GOOD, NULL},
    {P, "PUT /" TYPE "\nIf-Match: W/\"3\"", GOOD, NULL},
    {P, "PUT /" TYPE "\nIf-Match: \"no_stream\"\nIf-None-Match: *", GOOD, NULL},
    {P, "PUT /?current_version=3" TYPE "\nIf-Match: \"3\"\nKurrent-ExpectedVersion: 3",
	GOOD, NULL},
    {P, "PUT /?current_version=-4" TYPE "\nIf-Match: *", GOOD, NULL},
    {P, "PUT /?current_version=any" TYPE, GOOD, NULL},
    {P, "PUT /" TYPE, KG_PROBLEM_PRECONDITION_REQUIRED, NULL},
    {P, "PUT /" TYPE "\nIf-Match: 3", KG_PROBLEM_INVALID_REQUEST, "header:If-Match"},
    {P, "PUT /" TYPE "\nIf-Match:", KG_PROBLEM_INVALID_REQUEST, "header:If-Match"},
    {P, "PUT /" TYPE "\nIf-Match: \"any\"", KG_PROBLEM_INVALID_REQUEST,
	"header:If-Match"},
    {P, "PUT /" TYPE "\nIf-None-Match: \"3\"", KG_PROBLEM_INVALID_REQUEST,
	"header:If-None-Match"},
    {P, "PUT /" TYPE "\nIf-None-Match: *\nIf-None-Match: *", KG_PROBLEM_INVALID_REQUEST,
	"header:If-None-Match"},
    {P, "PUT /" TYPE "\nIf-Match: \"3\"\nIf-None-Match: *",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "header:If-None-Match"},
    {P, "PUT /" TYPE "\nIf-Match: *\nIf-None-Match: *", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:If-None-Match"},
    {P, "PUT /" TYPE "\nIf-Match: \"3\"\nKurrent-ExpectedVersion: 4",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "header:If-Match"},
    {P, "PUT /?current_version=any" TYPE "\nIf-Match: *",
	KG_PROBLEM_CONFLICTING_PARAMETERS, "query:current_version"},
    {P, "PUT /?current_version=3", KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {P, "PUT /?current_version=3\nContent-Type: application/x-ndjson",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
    {P, "PUT /?event_id=" UUID "&current_version=1" TYPE, KG_PROBLEM_UNKNOWN_MEMBER,
	"query:event_id"},
    /* conditions of G */
    {G, "GET /", GOOD, NULL},
    {G, "GET /?timeout=1\nIf-None-Match: \"3\", W/\"4\"\nIf-None-Match: \"x\"", GOOD,
	NULL},
    {G, "GET /\nIf-None-Match: *", GOOD, NULL},
    {G, "GET /\nIf-None-Match: 3", KG_PROBLEM_INVALID_REQUEST, "header:If-None-Match"},
    {G, "GET /\nIf-None-Match: \"3\"\nIf-None-Match: *", KG_PROBLEM_INVALID_REQUEST,
	"header:If-None-Match"},
    {G, "GET /\nIf-Match: \"3\"", KG_PROBLEM_CONFLICTING_PARAMETERS, "header:If-Match"},
    {G, "GET /\nKurrent-ExpectedVersion: 3", KG_PROBLEM_CONFLICTING_PARAMETERS,
	"header:Kurrent-ExpectedVersion"},
    {G, "GET /?current_version=3", KG_PROBLEM_UNKNOWN_MEMBER, "query:current_version"},
    {G, "GET /\nIdempotency-Key: \"", GOOD, NULL},
    /* readiness */
    {READY, "GET /?exclude=leader,draining&exclude=leader", GOOD, NULL},
    {READY, "GET /?exclude=", KG_PROBLEM_NOT_FOUND, NULL},
    {READY, "GET /?exclude=leader,", KG_PROBLEM_NOT_FOUND, NULL},
    {READY, "GET /?exclude=Leader", KG_PROBLEM_NOT_FOUND, NULL},
    /* order: Accept, Content-Type, then the tables */
    {E, "POST /?x=1\nAccept: text/html\nContent-Type: text/html\nKurrent-Foo: 1",
	KG_PROBLEM_NOT_ACCEPTABLE, NULL},
    {E, "POST /?x=1\nContent-Type: text/html\nKurrent-Foo: 1",
	KG_PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL},
};

START_TEST(test_problem)
{
	struct reading reading;

	read_text(&reading, cases[_i].text, cases[_i].takes, &config);
	ck_assert_msg(reading.problem == cases[_i].problem, "problem %d, not %d, of: %s",
	    reading.problem, cases[_i].problem, cases[_i].text);
	if (cases[_i].pointer != NULL)
		ck_assert_str_eq(reading.refusal.findings[0].pointer, cases[_i].pointer);
	else
		ck_assert_int_eq(reading.refusal.finding_count, 0);
	dispose(&reading);
}
END_TEST

static const struct {
	const char *text;
	int64_t timeout_ns;
} timeouts[] = {
    {"POST /?timeout=5" TYPE, 5 * KDB_NS_PER_SECOND},
    {"POST /?timeout=2.5" TYPE, 2500 * KDB_NS_PER_MS},
    {"POST /?timeout=0.000000001" TYPE, 1},
    {"POST /?timeout=999999.999999999" TYPE, INT64_C(999999999999999)},
    {"POST /" TYPE "\nGrpc-Timeout: 2H", 7200 * KDB_NS_PER_SECOND},
    {"POST /" TYPE "\nGrpc-Timeout: 3M", 180 * KDB_NS_PER_SECOND},
    {"POST /" TYPE "\nGrpc-Timeout: 4S", 4 * KDB_NS_PER_SECOND},
    {"POST /" TYPE "\nGrpc-Timeout: 5m", 5 * KDB_NS_PER_MS},
    {"POST /" TYPE "\nGrpc-Timeout: 6u", 6000},
    {"POST /" TYPE "\nGrpc-Timeout: 7n", 7},
    {"POST /" TYPE "\nGrpc-Timeout: 99999999H", INT64_MAX},
    {"POST /?timeout=1.50" TYPE "\nKurrent-Timeout: 1.5\nGrpc-Timeout: 1500m",
	1500 * KDB_NS_PER_MS},
};

START_TEST(test_timeout)
{
	struct reading reading;

	read_text(&reading, timeouts[_i].text, E, &config);
	ck_assert_int_eq(reading.problem, GOOD);
	ck_assert(reading.parameters.has_timeout);
	ck_assert_int_eq(reading.parameters.timeout_ns, timeouts[_i].timeout_ns);
	dispose(&reading);
}
END_TEST

START_TEST(test_values)
{
	static const uint8_t id[16] = {0x4c, 0x7c, 0x0f, 0x0a, 0x8a, 0x39, 0x4c, 0x59,
	    0x9a, 0x3a, 0x9d, 0x1c, 0x8a, 0x6f, 0x5d, 0x11};
	struct reading reading;
	const struct kg_parameters *parameters = &reading.parameters;

	read_text(&reading,
	    "POST /?current_version=-1&event_id=" UUID "\nKurrent-Metadata-Base64: AP8="
	    "\nIdempotency-Key: \"k 1\"\nContent-Type: application/a+json",
	    R, &config);
	ck_assert_int_eq(reading.problem, KG_PROBLEM_BAD_IDEMPOTENCY_KEY);
	dispose(&reading);
	read_text(&reading,
	    "POST /?current_version=-1&event_id=" UUID "\nKurrent-Metadata-Base64: AP8="
	    "\nIdempotency-Key: \"k,1\"\nContent-Type: application/a+json",
	    R, &config);
	ck_assert_int_eq(reading.problem, GOOD);
	ck_assert(parameters->has_expected_version);
	ck_assert_int_eq(parameters->expected_version, KDB_VERSION_NO_STREAM);
	ck_assert_str_eq(parameters->expected_version_at, "query:current_version");
	ck_assert(parameters->has_event_id);
	ck_assert_mem_eq(parameters->event_id, id, sizeof id);
	ck_assert_int_eq(parameters->metadata.len, 2);
	ck_assert_mem_eq(parameters->metadata.data, "\x00\xff", 2);
	ck_assert_int_eq(parameters->key.len, 3);
	ck_assert_mem_eq(parameters->key.data, "k,1", 3);
	ck_assert_int_eq(parameters->body_form, KG_BODY_RAW_JSON);
	ck_assert(!parameters->has_timeout);
	dispose(&reading);
}
END_TEST

START_TEST(test_conditions)
{
	struct reading reading;
	const struct kg_parameters *parameters = &reading.parameters;

	read_text(&reading, "PUT /" TYPE "\nIf-Match: *", P, &config);
	ck_assert(parameters->has_condition && !parameters->is_condition_weak);
	ck_assert_int_eq(parameters->expected_version, KDB_VERSION_EXISTS);
	dispose(&reading);
	read_text(&reading, "PUT /" TYPE "\nIf-None-Match: *", P, &config);
	ck_assert(parameters->has_condition && !parameters->is_condition_weak);
	ck_assert_int_eq(parameters->expected_version, KDB_VERSION_NO_STREAM);
	dispose(&reading);
	read_text(
	    &reading, "PUT /?current_version=3" TYPE "\nIf-Match: W/\"3\"", P, &config);
	ck_assert(parameters->has_condition && parameters->is_condition_weak);
	ck_assert_int_eq(parameters->expected_version, 3);
	dispose(&reading);
	read_text(&reading, "PUT /?current_version=3" TYPE, P, &config);
	ck_assert(parameters->has_expected_version && !parameters->has_condition);
	dispose(&reading);
	read_text(&reading, "PUT /" TYPE, P, &config);
	ck_assert_ptr_nonnull(strstr(reading.refusal.detail, "If-Match"));
	dispose(&reading);
	read_text(
	    &reading, "GET /\nIf-None-Match: \"1\"\nIf-None-Match: \"3\"", G, &config);
	ck_assert(kg_known_versions_have(&parameters->known_versions, 3));
	ck_assert(!kg_known_versions_have(&parameters->known_versions, 2));
	dispose(&reading);
}
END_TEST

/* Nothing but what the client says stands in for the expectation of a write of metadata. */
START_TEST(test_default_version_is_not_for_metadata)
{
	const struct kg_config with_default = {
	    .default_current_version = {true, KDB_VERSION_ANY}, .max_depth = 8};
	struct reading reading;

	read_text(&reading, "PUT /" TYPE, P, &with_default);
	ck_assert_int_eq(reading.problem, KG_PROBLEM_PRECONDITION_REQUIRED);
	dispose(&reading);
}
END_TEST

START_TEST(test_body_form)
{
	static const struct {
		unsigned takes;
		const char *type;
		enum kg_body_form form;
	} types[] = {
	    {E, "application/json", KG_BODY_JSON},
	    {E, "application/x-ndjson", KG_BODY_NDJSON},
	    {R, "application/json", KG_BODY_RAW_JSON},
	    {R, "application/vnd.x+json", KG_BODY_RAW_JSON},
	    {R, "application/x-ndjson", KG_BODY_RAW_BYTES},
	    {R, "application/x-www-form-urlencoded", KG_BODY_RAW_BYTES},
	    {R, "+json", KG_BODY_RAW_BYTES},
	};

	for (int i = 0; i < COUNT(types); i++) {
		struct reading reading;
		char text[128];

		snprintf(text, sizeof text,
		    "POST /?current_version=any\nContent-Type: %s", types[i].type);
		read_text(&reading, text, types[i].takes, &config);
		ck_assert_int_eq(reading.problem, GOOD);
		ck_assert_int_eq(reading.parameters.body_form, types[i].form);
		dispose(&reading);
	}
}
END_TEST

START_TEST(test_default_version)
{
	const struct kg_config with_default = {
	    .default_current_version = {true, KDB_VERSION_ANY},
	    .max_depth = 8,
	};
	struct reading reading;

	read_text(&reading, "POST /", R, &with_default);
	ck_assert_int_eq(reading.problem, GOOD);
	ck_assert(reading.parameters.has_expected_version);
	ck_assert_int_eq(reading.parameters.expected_version, KDB_VERSION_ANY);
	dispose(&reading);
	/* The body of an envelope may still name one. */
	read_text(&reading, "POST /" TYPE, E, &with_default);
	ck_assert_int_eq(reading.problem, GOOD);
	ck_assert(!reading.parameters.has_expected_version);
	dispose(&reading);
}
END_TEST

START_TEST(test_excluded)
{
	struct reading reading;

	read_text(&reading, "GET /?exclude=leader,listener&exclude=credentials", READY,
	    &config);
	ck_assert_int_eq(reading.problem, GOOD);
	ck_assert_int_eq(reading.parameters.excluded,
	    KG_CHECK_LEADER | KG_CHECK_LISTENER | KG_CHECK_CREDENTIALS);
	dispose(&reading);
}
END_TEST

START_TEST(test_unknown_parameter_has_a_hint)
{
	struct reading reading;

	read_text(&reading, "POST /?curent_version=1&zzzzzz=1" TYPE, E, &config);
	ck_assert_int_eq(reading.problem, KG_PROBLEM_UNKNOWN_MEMBER);
	ck_assert_int_eq(reading.refusal.finding_count, 2);
	ck_assert_ptr_nonnull(
	    strstr(reading.refusal.findings[0].hint, "\"current_version\""));
	ck_assert_str_eq(reading.refusal.findings[1].hint, "");
	dispose(&reading);
}
END_TEST

START_TEST(test_accepted_types)
{
	struct reading reading;

	read_text(&reading, "POST /\nContent-Type: text/html", E, &config);
	ck_assert_str_eq(reading.refusal.accepted_types[0], "application/json");
	ck_assert_str_eq(reading.refusal.accepted_types[1], "application/x-ndjson");
	ck_assert_ptr_null(reading.refusal.accepted_types[2]);
	dispose(&reading);
	read_text(&reading, "POST /\nContent-Type: application/x-www-form-urlencoded", E,
	    &config);
	ck_assert_ptr_nonnull(strstr(reading.refusal.detail, "--json"));
	dispose(&reading);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("parameters");
	TCase *tcase = tcase_create("parameters");
	SRunner *runner;

	tcase_add_loop_test(tcase, test_problem, 0, COUNT(cases));
	tcase_add_loop_test(tcase, test_timeout, 0, COUNT(timeouts));
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_conditions);
	tcase_add_test(tcase, test_default_version_is_not_for_metadata);
	tcase_add_test(tcase, test_body_form);
	tcase_add_test(tcase, test_default_version);
	tcase_add_test(tcase, test_excluded);
	tcase_add_test(tcase, test_unknown_parameter_has_a_hint);
	tcase_add_test(tcase, test_accepted_types);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
