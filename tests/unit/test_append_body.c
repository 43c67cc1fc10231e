/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of appends: what is stored of them, and each refusal with its places. */
#include "client-core/base/buffer.h"
#include "daemon/append_body.h"
#include "daemon/uuid.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1

static const struct kg_append_limits usual = {
	.max_events = 1000,
	.max_depth = 512,
	.max_name_bytes = 4096,
	.validate_payloads = true,
};

enum form { ENVELOPE, NDJSON };

/* The result of reading one body, with the body itself in a block of exactly its size. */
struct reading {
	char *block;
	const char *body;
	size_t len;
	bool is_good;
	struct kg_append_body append;
	struct kg_refusal refusal;
};

static void
read_body(struct reading *reading, enum form form, const char *stream_name, const char *body,
    size_t len, const struct kg_append_limits *limits)
{
	struct kdb_bytes stream = { stream_name, strlen(stream_name) };

	reading->block = malloc(len + 1);
	reading->body = reading->block + 1;
	reading->len = len;
	memcpy(reading->block + 1, body, len);
	kg_refusal_init(&reading->refusal);
	reading->is_good = form == ENVELOPE
	    ? kg_append_body_read_json(
		  reading->body, len, stream, limits, &reading->append, &reading->refusal)
	    : kg_append_body_read_ndjson(
		  reading->body, len, stream, limits, &reading->append, &reading->refusal);
	ck_assert_int_eq(reading->is_good, !reading->refusal.is_set);
}

static void
dispose(struct reading *reading)
{
	if (reading->is_good)
		kg_append_body_dispose(&reading->append);
	kg_refusal_dispose(&reading->refusal);
	free(reading->block);
}

static bool
is_nil(const uint8_t id[16])
{
	static const uint8_t nil[16];

	return memcmp(id, nil, 16) == 0;
}

/* Events as one line of text: "type J data metadata id;" */
static char *
describe(const struct kg_append_body *append)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, 1 << 16);
	if (append->has_expected_version)
		kdb_buffer_put_printf(&out, "@%" PRId64 " ", append->expected_version);
	for (size_t i = 0; i < append->event_count; i++) {
		const struct kdb_event *event = &append->events[i];
		char id[KG_UUID_TEXT_LEN + 1] = "-";

		if (!is_nil(event->id))
			kg_uuid_print(event->id, id);
		kdb_buffer_put(&out, event->type.data, event->type.len);
		kdb_buffer_put_text(&out, event->is_json ? " J <" : " O <");
		kdb_buffer_put(&out, event->data.data, event->data.len);
		kdb_buffer_put_text(&out, "> <");
		kdb_buffer_put(&out, event->metadata.data, event->metadata.len);
		kdb_buffer_put_printf(&out, "> %s;", id);
	}
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

#define ID "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"
#define ID_UPPER "4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11"
#define V "\"current_version\":\"any\","
/* An envelope with one event of these members. */
#define ONE(members) "{" V "\"events\":[{" members "}]}"
#define EVENT "{\"type\":\"t\",\"data\":1}"

static const struct {
	enum form form;
	const char *stream_name;
	const char *body;
	const char *events;
} good[] = {
	/* api-design 4 */
	{ ENVELOPE, "student-1",
	    "{\n  \"current_version\": \"no_stream\",\n  \"events\": [\n"
	    "    { \"type\": \"StudentRegistered\",\n"
	    "      \"data\": { \"name\": \"Greg\", \"credit\": 12345678901234567890.10 },\n"
	    "      \"metadata\": { \"$correlationId\": \"c-81\" } },\n"
	    "    { \"type\": \"PhotoStored\",\n"
	    "      \"content_type\": \"application/octet-stream\",\n"
	    "      \"data_base64\": \"QUJD\" }\n  ]\n}\n",
	    "@-1 StudentRegistered J <{ \"name\": \"Greg\", \"credit\": 12345678901234567890.10 }> "
	    "<{ \"$correlationId\": \"c-81\" }> -;PhotoStored O <ABC> <> -;" },
	/* expectations */
	{ ENVELOPE, "s", "{\"events\":[" EVENT "]}", "t J <1> <> -;" },
	{ ENVELOPE, "s", "{\"current_version\":0,\"events\":[" EVENT "]}", "@0 t J <1> <> -;" },
	{ ENVELOPE, "s", "{\"events\":[" EVENT "],\"current_version\":\"12\"}",
	    "@12 t J <1> <> -;" },
	{ ENVELOPE, "s", "{\"current_version\":9223372036854775807,\"events\":[" EVENT "]}",
	    "@9223372036854775807 t J <1> <> -;" },
	{ ENVELOPE, "s", "{\"current_version\":-4,\"events\":[" EVENT "]}", "@-4 t J <1> <> -;" },
	{ ENVELOPE, "s", "{\"current_version\":\"-2\",\"events\":[" EVENT "]}",
	    "@-2 t J <1> <> -;" },
	{ ENVELOPE, "s", "{\"current_version\":\"\\u0061ny\",\"events\":[" EVENT "]}",
	    "@-2 t J <1> <> -;" },
	/* payloads of every kind keep their bytes */
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":  \"a\\u00e9\\/\"  "),
	    "@-2 t J <\"a\\u00e9\\/\"> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":null,\"metadata\":null"),
	    "@-2 t J <null> <null> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":false,\"metadata\":[ ]"),
	    "@-2 t J <false> <[ ]> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":-0.0e-0,\"metadata\":9223372036854775808"),
	    "@-2 t J <-0.0e-0> <9223372036854775808> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":{\"a\":1,\"a\" : 2,\"\":\"\\ud800\"}"),
	    "@-2 t J <{\"a\":1,\"a\" : 2,\"\":\"\\ud800\"}> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":{\"type\":1,\"events\":[]}"),
	    "@-2 t J <{\"type\":1,\"events\":[]}> <> -;" },
	/* content types */
	{ ENVELOPE, "s", ONE("\"content_type\":\"application/json\",\"type\":\"t\",\"data\":1"),
	    "@-2 t J <1> <> -;" },
	{ ENVELOPE, "s",
	    ONE("\"type\":\"t\",\"data\":[1 ],\"content_type\":\"application/octet-stream\""),
	    "@-2 t O <[1 ]> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data_base64\":\"\""), "@-2 t O <> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data_base64\":\"eyB9\""), "@-2 t O <{ }> <> -;" },
	{ ENVELOPE, "s",
	    ONE("\"type\":\"t\",\"data_base64\":\"eyB9\",\"content_type\":\"application/json\""),
	    "@-2 t J <{ }> <> -;" },
	{ ENVELOPE, "s",
	    ONE("\"content_type\":\"application\\/json\",\"data_base64\":\"eyB9\",\"type\":\"t\""),
	    "@-2 t J <{ }> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":1,\"metadata_base64\":\"AQ==\""),
	    "@-2 t J <1> <\x01> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":1,\"metadata_base64\":\"\""),
	    "@-2 t J <1> <> -;" },
	/* Some encoders escape what base64 is made of. */
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data_base64\":\"\\/\\u002bAB\\u0043A==\""),
	    "@-2 t O <\xff\xe0\x01\x08> <> -;" },
	/* names and ids */
	{ ENVELOPE, "s", ONE("\"\\u0074ype\":\"\\u0041\\u00e9\\ud83d\\ude00\",\"data\":1"),
	    "@-2 A\xc3\xa9\xf0\x9f\x98\x80 J <1> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"a\\/b c\\n\",\"data\":1"), "@-2 a/b c\n J <1> <> -;" },
	{ ENVELOPE, "s", ONE("\"type\":\"t\",\"data\":1,\"id\":\"" ID_UPPER "\""),
	    "@-2 t J <1> <> " ID ";" },
	{ ENVELOPE, "s",
	    "{" V "\"events\":[{\"type\":\"t\",\"data\":1,\"id\":\"" ID
	    "\"},{\"type\":\"u\",\"data\":2,\"id\":\"" ID "\"}]}",
	    "@-2 t J <1> <> " ID ";u J <2> <> " ID ";" },
	/* system metadata */
	{ ENVELOPE, "$$s", ONE("\"type\":\"$metadata\",\"data\":{\"$maxCount\":5,\"x\":1.5}"),
	    "@-2 $metadata J <{\"$maxCount\":5,\"x\":1.5}> <> -;" },
	{ ENVELOPE, "$$s",
	    ONE("\"data_base64\":\"eyIkdGIiOjV9\",\"type\":\"$meta\\u0064ata\",\"content_type\":"
		"\"application/json\""),
	    "@-2 $metadata J <{\"$tb\":5}> <> -;" },
	{ ENVELOPE, "$s", ONE("\"type\":\"t\",\"data\":{\"$maxCount\":\"no\"}"),
	    "@-2 t J <{\"$maxCount\":\"no\"}> <> -;" },
	/* NDJSON */
	{ NDJSON, "s", EVENT, "t J <1> <> -;" },
	{ NDJSON, "s", EVENT "\n", "t J <1> <> -;" },
	{ NDJSON, "s", EVENT "\r\n" EVENT "\r\n", "t J <1> <> -;t J <1> <> -;" },
	{ NDJSON, "s", " \t" EVENT " \t\r\n\r" EVENT "\r", "t J <1> <> -;t J <1> <> -;" },
	{ NDJSON, "s", EVENT "\n \t\r", "t J <1> <> -;" },
	{ NDJSON, "s",
	    "{\"type\":\"t\",\"data\": { \"a\" : [1,2]},\"metadata\":{}}\n"
	    "{\"data_base64\":\"AQ==\",\"type\":\"u\",\"id\":\"" ID "\"}",
	    "t J <{ \"a\" : [1,2]}> <{}> -;u O <\x01> <> " ID ";" },
	{ NDJSON, "$$s", "{\"type\":\"$metadata\",\"data\":{\"$acl\":{\"$r\":\"a\"}}}\n",
	    "$metadata J <{\"$acl\":{\"$r\":\"a\"}}> <> -;" },
};

START_TEST(good_bodies)
{
	const char *body = good[_i].body;
	struct reading reading;
	char *events;

	read_body(&reading, good[_i].form, good[_i].stream_name, body, strlen(body), &usual);
	ck_assert_msg(reading.is_good, "%s: %s", body, reading.refusal.detail);
	events = describe(&reading.append);
	ck_assert_str_eq(events, good[_i].events);
	free(events);
	dispose(&reading);
}
END_TEST

/* The pointers of all findings, each behind a blank. */
static char *
describe_findings(const struct kg_refusal *refusal)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, 1 << 16);
	for (size_t i = 0; i < refusal->finding_count; i++)
		kdb_buffer_put_printf(&out, " %s", refusal->findings[i].pointer);
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

#define MALFORMED(offset) KG_PROBLEM_MALFORMED_JSON, offset, ""
#define INVALID(pointers) KG_PROBLEM_INVALID_REQUEST, -1, pointers
#define UNKNOWN(pointers) KG_PROBLEM_UNKNOWN_MEMBER, -1, pointers
#define DUPLICATE(pointers) KG_PROBLEM_DUPLICATE_MEMBER, -1, pointers

static const struct {
	enum form form;
	const char *stream_name;
	const char *body;
	size_t len;
	enum kg_problem problem;
	int64_t byte_offset;
	const char *pointers; /* each behind a blank; NULL: one, the body as a whole */
} bad[] = {
	/* step 15: syntax of the whole body wins over all that stands before it */
	{ ENVELOPE, "s", TEXT(""), MALFORMED(0) },
	{ ENVELOPE, "s", TEXT("\xef\xbb\xbf{}"), MALFORMED(0) },
	{ ENVELOPE, "s", TEXT("{\"x\":1,\"events\":[]"), MALFORMED(18) },
	{ ENVELOPE, "s", TEXT("{\"x\":1,\"events\":[{\"y\":01}]}"), MALFORMED(23) },
	{ ENVELOPE, "s", TEXT("{\"events\":[{\"data\":[1,]}]}"), MALFORMED(22) },
	{ ENVELOPE, "s", TEXT("{\"events\":[{\"type\":\"a\nb\"}]}"), MALFORMED(21) },
	{ ENVELOPE, "s", TEXT("{\"events\":[{\"data\":\"\xc0\xaf\"}]}"), MALFORMED(20) },
	{ ENVELOPE, "s", TEXT("{\"events\":[{\"data\":\"\xed\xa0\x80\"}]}"), MALFORMED(21) },
	{ ENVELOPE, "s", TEXT("{\"events\":[" EVENT "]}}"), MALFORMED(34) },
	{ ENVELOPE, "s", TEXT("{\"events\":[" EVENT "]}\0"), MALFORMED(34) },
	{ ENVELOPE, "s", TEXT("{\"events\":[" EVENT ",]}"), MALFORMED(33) },
	{ ENVELOPE, "s", TEXT("{\"events\":[" EVENT " " EVENT "]}"), MALFORMED(33) },
	{ ENVELOPE, "s", TEXT("{\"events\" [" EVENT "]}"), MALFORMED(10) },
	{ ENVELOPE, "s", TEXT("{events:[" EVENT "]}"), MALFORMED(1) },
	{ ENVELOPE, "s", TEXT("{\"events\":[],}"), MALFORMED(13) },
	{ ENVELOPE, "s", TEXT("{\"current_version\":-,\"events\":[]}"), MALFORMED(20) },
	{ ENVELOPE, "s", TEXT("{\"current_version\":+1,\"events\":[]}"), MALFORMED(19) },
	{ ENVELOPE, "s", TEXT("{\"current_version\":01,\"events\":[]}"), MALFORMED(20) },
	{ ENVELOPE, "s", TEXT("nul"), MALFORMED(3) },
	{ ENVELOPE, "s", TEXT("[1,2"), MALFORMED(4) },
	{ NDJSON, "s", TEXT(EVENT "\n{\"type\":}"), MALFORMED(30) },
	{ NDJSON, "s", TEXT(EVENT EVENT), MALFORMED(21) },
	{ NDJSON, "s", TEXT("{\"type\":\n\"t\",\"data\":1}"), MALFORMED(8) },
	{ NDJSON, "s", TEXT("{\"data\":\"a\nb\"}"), MALFORMED(10) },
	{ NDJSON, "s", TEXT("\n{\"type\":\"t\",\"data\":1"), MALFORMED(21) },
	{ NDJSON, "s", TEXT("[1]\n{"), MALFORMED(5) },
	{ NDJSON, "s", TEXT("\xef\xbb\xbf" EVENT), MALFORMED(0) },
	{ NDJSON, "s", TEXT(EVENT "\n\f\n"), MALFORMED(22) },
	/* step 16: shape */
	{ ENVELOPE, "s", TEXT("[]"), KG_PROBLEM_INVALID_REQUEST, -1, NULL },
	{ ENVELOPE, "s", TEXT(" \"x\" "), KG_PROBLEM_INVALID_REQUEST, -1, NULL },
	{ ENVELOPE, "s", TEXT("null"), KG_PROBLEM_INVALID_REQUEST, -1, NULL },
	{ ENVELOPE, "s", TEXT("{}"), INVALID(" /events") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":0}"), INVALID(" /events") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":null,\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":[0],\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":true,\"events\":{}}"),
	    INVALID(" /current_version /events") },
	{ ENVELOPE, "s", TEXT("{" V V "\"events\":[" EVENT "]}"),
	    DUPLICATE(" /current_version") },
	{ ENVELOPE, "s", TEXT("{" V "\"events\":[" EVENT "],\"events\":7}"),
	    DUPLICATE(" /events") },
	{ ENVELOPE, "s", TEXT("{" V "\"events\":[" EVENT "],\"\\u0065vents\":7}"),
	    DUPLICATE(" /events") },
	{ ENVELOPE, "s", TEXT("{" V "\"Events\":[" EVENT "]}"), UNKNOWN(" /Events /events") },
	{ ENVELOPE, "s", TEXT("{" V "\"a/b~c\":1,\"events\":[" EVENT "]}"),
	    UNKNOWN(" /a~1b~0c") },
	{ ENVELOPE, "s", TEXT("{" V "\"\":1,\"events\":[" EVENT "]}"), UNKNOWN(" /") },
	{ ENVELOPE, "s", TEXT("{" V "\"x\":1,\"x\":1,\"events\":[" EVENT "]}"),
	    UNKNOWN(" /x /x") },
	{ ENVELOPE, "s", TEXT("{" V "\"events\":[1,[],null,\"x\"]}"),
	    INVALID(" /events/0 /events/1 /events/2 /events/3") },
	{ ENVELOPE, "s", TEXT(ONE("")), INVALID(" /events/0/type /events/0/data") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\"")), INVALID(" /events/0/data") },
	{ ENVELOPE, "s", TEXT(ONE("\"data\":1")), INVALID(" /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":1,\"data\":1")), INVALID(" /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":null,\"data\":1")), INVALID(" /events/0/type") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"id\":1,\"content_type\":[],\"metadata_base64\":{},\"data_base64\":true,"
		     "\"type\":false")),
	    INVALID(" /events/0/id /events/0/content_type /events/0/metadata_base64 "
		    "/events/0/data_base64 /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"data\":2")),
	    DUPLICATE(" /events/0/data") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"d\\u0061ta\":2")),
	    DUPLICATE(" /events/0/data") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"type\":\"t\",\"type\":\"t\",\"data\":1")),
	    DUPLICATE(" /events/0/type /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"dat\":1")),
	    UNKNOWN(" /events/0/dat /events/0/data") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"data_base64\":\"\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"data_base64\":\"\",\"x\":1,\"type\":\"t\",\"data\":1,"
		     "\"metadata_base64\":\"\",\"metadata\":1")),
	    INVALID(" /events/0/data_base64 /events/0/x /events/0/metadata_base64") },
	{ ENVELOPE, "s",
	    TEXT("{\"y\":0,\"events\":[{\"type\":\"t\"},{\"a\":0,\"data\":1}],\"z\":0}"),
	    UNKNOWN(" /y /events/0/data /events/1/a /events/1/type /z") },
	/* shape wins over values, wherever they stand */
	{ ENVELOPE, "s", TEXT("{\"current_version\":\"x\",\"events\":[],\"z\":0}"),
	    UNKNOWN(" /z") },
	{ ENVELOPE, "s",
	    TEXT("{" V "\"events\":[{\"type\":\"\",\"data\":1},{\"type\":\"\"}]}"),
	    INVALID(" /events/1/data") },
	/* step 17: values */
	{ ENVELOPE, "s", TEXT("{" V "\"events\":[]}"), INVALID(" /events") },
	{ ENVELOPE, "s", TEXT("{\"events\":[ ],\"current_version\":\"x\"}"),
	    INVALID(" /events /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":1.0,\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":1e0,\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":-0,\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":-3,\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":9223372036854775808,\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":\"deleted\",\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":\"\",\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT("{\"current_version\":\" 1\",\"events\":[" EVENT "]}"),
	    INVALID(" /current_version") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"\",\"data\":1")), INVALID(" /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"a\\u0000b\",\"data\":1")),
	    INVALID(" /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"\\ud800\",\"data\":1")),
	    INVALID(" /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"\\udc00\\ud800\",\"data\":1")),
	    INVALID(" /events/0/type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"id\":\"\"")),
	    INVALID(" /events/0/id") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"type\":\"t\",\"data\":1,\"id\":\"00000000-0000-0000-0000-000000000000\"")),
	    INVALID(" /events/0/id") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"id\":\"{" ID "}\"")),
	    INVALID(" /events/0/id") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"type\":\"t\",\"data\":1,\"content_type\":\"application/JSON\"")),
	    INVALID(" /events/0/content_type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"content_type\":\"text/plain\"")),
	    INVALID(" /events/0/content_type") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data_base64\":\"A\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data_base64\":\"AQ== \"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data_base64\":\"AR==\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data_base64\":\"\\ud800\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s", TEXT(ONE("\"type\":\"t\",\"data\":1,\"metadata_base64\":\"=\"")),
	    INVALID(" /events/0/metadata_base64") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"type\":\"t\",\"data_base64\":\"e30\",\"content_type\":\"application/json\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"type\":\"t\",\"data_base64\":\"\",\"content_type\":\"application/json\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s",
	    TEXT(ONE("\"content_type\":\"application/json\",\"type\":\"t\","
		     "\"data_base64\":\"e30s\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "s",
	    TEXT("{\"current_version\":\"x\",\"events\":["
		 "{\"id\":\"x\",\"data_base64\":\"!\",\"type\":\"\"},"
		 "{\"type\":\"t\",\"content_type\":\"x\",\"data\":1}]}"),
	    INVALID(" /current_version /events/0/id /events/0/data_base64 /events/0/type "
		    "/events/1/content_type") },
	/* system metadata */
	{ ENVELOPE, "$$s", TEXT(ONE("\"type\":\"t\",\"data\":{}")),
	    INVALID(" /events/0/type") },
	{ ENVELOPE, "$$s", TEXT(ONE("\"type\":\"$Metadata\",\"data\":{}")),
	    INVALID(" /events/0/type") },
	{ ENVELOPE, "$$s",
	    TEXT(ONE("\"type\":\"$metadata\",\"data\":{},\"content_type\":"
		     "\"application/octet-stream\"")),
	    INVALID(" /events/0/content_type") },
	{ ENVELOPE, "$$s", TEXT(ONE("\"type\":\"$metadata\",\"data_base64\":\"e30=\"")),
	    INVALID(" /events/0/data_base64") },
	{ ENVELOPE, "$$s", TEXT(ONE("\"type\":\"$metadata\",\"data\":[]")),
	    INVALID(" /events/0/data") },
	{ ENVELOPE, "$$s", TEXT(ONE("\"type\":\"$metadata\",\"data\":{\"$maxAge\":1.5}")),
	    INVALID(" /events/0/data/$maxAge") },
	{ ENVELOPE, "$$s",
	    TEXT(ONE("\"type\":\"$metadata\",\"data\":{\"$tmp\":1,\"$acl\":{\"$r\":[1,\"a\",2]}}")),
	    INVALID(" /events/0/data/$tmp /events/0/data/$acl/$r/0 /events/0/data/$acl/$r/2") },
	{ ENVELOPE, "$$s",
	    TEXT(ONE("\"type\":\"$metadata\",\"data\":{\"$tb\":1,\"\\u0024tb\":2}")),
	    DUPLICATE(" /events/0/data/$tb") },
	{ ENVELOPE, "$$s",
	    TEXT(ONE("\"type\":\"$metadata\",\"data_base64\":\"eyIkdGIiOjEuNX0=\","
		     "\"content_type\":\"application/json\"")),
	    INVALID(" /events/0/data_base64") },
	{ NDJSON, "$$s",
	    TEXT("{\"type\":\"$metadata\",\"data\":{}}\n"
		 "{\"type\":\"$metadata\",\"data\":{\"$maxCount\":-1}}"),
	    INVALID(" /1/data/$maxCount") },
	/* NDJSON */
	{ NDJSON, "s", TEXT(""), KG_PROBLEM_INVALID_REQUEST, -1, NULL },
	{ NDJSON, "s", TEXT(" "), KG_PROBLEM_INVALID_REQUEST, -1, NULL },
	{ NDJSON, "s", TEXT("\n"), INVALID(" /0") },
	{ NDJSON, "s", TEXT("\n" EVENT), INVALID(" /0") },
	{ NDJSON, "s", TEXT(EVENT "\n\n" EVENT), INVALID(" /1") },
	{ NDJSON, "s", TEXT(EVENT "\n \t\r\n" EVENT "\n"), INVALID(" /1") },
	{ NDJSON, "s", TEXT(EVENT "\n\n"), INVALID(" /1") },
	{ NDJSON, "s", TEXT(EVENT "\n[]\n1"), INVALID(" /1 /2") },
	{ NDJSON, "s", TEXT(EVENT "\n{\"type\":\"\",\"data\":1}"), INVALID(" /1/type") },
	{ NDJSON, "s", TEXT("{\"type\":\"t\"}\n{\"dat\":1,\"type\":\"t\",\"data\":1}\n"),
	    INVALID(" /0/data /1/dat") },
	{ NDJSON, "s", TEXT("{\"current_version\":1,\"events\":[]}"),
	    UNKNOWN(" /0/current_version /0/events /0/type /0/data") },
};

START_TEST(bad_bodies)
{
	const char *pointers = bad[_i].pointers == NULL ? " " : bad[_i].pointers;
	struct reading reading;
	char *found;

	read_body(&reading, bad[_i].form, bad[_i].stream_name, bad[_i].body, bad[_i].len, &usual);
	ck_assert_msg(!reading.is_good, "%s", bad[_i].body);
	found = describe_findings(&reading.refusal);
	ck_assert_msg(strcmp(found, pointers) == 0, "%s:%s, expected%s", bad[_i].body, found,
	    pointers);
	free(found);
	ck_assert_msg(reading.refusal.problem == bad[_i].problem, "%s: %s", bad[_i].body,
	    kg_problem_row(reading.refusal.problem)->code);
	ck_assert_msg(reading.refusal.byte_offset == bad[_i].byte_offset,
	    "%s: offset %" PRId64 ", expected %" PRId64, bad[_i].body,
	    reading.refusal.byte_offset, bad[_i].byte_offset);
	ck_assert_int_eq(reading.refusal.outcome, KDB_OUTCOME_NOT_WRITTEN);
	ck_assert(!reading.refusal.is_retryable);
	dispose(&reading);
}
END_TEST

/* A request without a body has no bytes to point at. */
START_TEST(no_body)
{
	const struct kdb_event octets = { .type = { "t", 1 } };
	struct kdb_bytes stream = { "s", 1 };
	struct kg_append_body append;
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	ck_assert(!kg_append_body_read_json(NULL, 0, stream, &usual, &append, &refusal));
	ck_assert_int_eq(refusal.problem, KG_PROBLEM_MALFORMED_JSON);
	ck_assert_int_eq(refusal.byte_offset, 0);
	kg_refusal_dispose(&refusal);
	ck_assert(!kg_append_body_read_ndjson(NULL, 0, stream, &usual, &append, &refusal));
	ck_assert_int_eq(refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	kg_refusal_dispose(&refusal);
	ck_assert(kg_append_body_read_raw(NULL, 0, stream, &usual, &octets, "path:type",
	    &append, &refusal));
	ck_assert_uint_eq(append.events[0].data.len, 0);
	kg_append_body_dispose(&append);
}
END_TEST

static const struct {
	const char *body;
	const char *hint; /* of the first finding */
} hints[] = {
	{ ONE("\"type\":\"t\",\"dat\":1"), "Did you mean \"data\"?" },
	{ ONE("\"Type\":\"t\",\"data\":1"), "Did you mean \"type\"?" },
	{ ONE("\"type\":\"t\",\"payload\":1"),
	    "Known are type, data, data_base64, metadata, metadata_base64, content_type and id." },
	{ "{\"currentVersion\":1,\"events\":[" EVENT "]}", "Did you mean \"current_version\"?" },
	{ "{\"expected\":1,\"events\":[" EVENT "]}", "Known are current_version and events." },
	{ ONE("\"type\":\"t\",\"data_base64\":\"3q2-7w==\""),
	    "Use + and / where the URL alphabet has - and _." },
	{ ONE("\"type\":\"t\",\"data_base64\":\"3q2-7w\""),
	    "Use + and / where the URL alphabet has - and _." },
	{ ONE("\"type\":\"t\",\"data_base64\":\"3q2+7w\""), "" },
};

START_TEST(findings_give_hints)
{
	struct reading reading;

	read_body(&reading, ENVELOPE, "s", hints[_i].body, strlen(hints[_i].body), &usual);
	ck_assert(!reading.is_good);
	ck_assert_str_eq(reading.refusal.findings[0].hint, hints[_i].hint);
	dispose(&reading);
}
END_TEST

START_TEST(metadata_in_base64_is_told_in_words)
{
	static const char body[] =
	    ONE("\"type\":\"$metadata\",\"data_base64\":\"eyIkdGIiOjEuNX0=\","
		"\"content_type\":\"application/json\"");
	struct reading reading;

	read_body(&reading, ENVELOPE, "$$s", body, sizeof body - 1, &usual);
	ck_assert_ptr_nonnull(
	    strstr(reading.refusal.findings[0].detail, "At \"/$tb\" of the decoded JSON: $tb"));
	dispose(&reading);
}
END_TEST

/* Payloads are spans of the body; only what had to be decoded is not. */
START_TEST(payloads_are_not_copied)
{
	static const char body[] = ONE("\"type\":\"t\",\"data\":{\"a\":1},\"metadata\":[2]");
	struct reading reading;
	const struct kdb_event *event;
	const char *end;

	read_body(&reading, ENVELOPE, "s", body, sizeof body - 1, &usual);
	event = &reading.append.events[0];
	end = reading.body + reading.len;
	ck_assert((const char *)event->type.data > reading.body &&
	    (const char *)event->type.data < end);
	ck_assert((const char *)event->data.data > reading.body &&
	    (const char *)event->data.data < end);
	ck_assert((const char *)event->metadata.data > reading.body &&
	    (const char *)event->metadata.data < end);
	ck_assert_ptr_null(reading.append.storage);
	dispose(&reading);
}
END_TEST

static void
put_nested(struct kdb_buffer *out, int count)
{
	for (int i = 0; i < count; i++)
		kdb_buffer_put_char(out, '[');
	for (int i = 0; i < count; i++)
		kdb_buffer_put_char(out, ']');
}

/* Where a payload can stand, and that our own containers around it do not count. */
static const struct {
	enum form form;
	const char *before;
	const char *after;
} places[] = {
	{ ENVELOPE, "{" V "\"events\":[{\"type\":\"t\",\"data\":", "}]}" },
	{ ENVELOPE, "{" V "\"events\":[{\"metadata\":", ",\"type\":\"t\",\"data\":1}]}" },
	{ NDJSON, EVENT "\n{\"type\":\"t\",\"data\":", "}\n" },
	{ NDJSON, "{\"data\":1,\"type\":\"t\",\"metadata\":", "}" },
};

START_TEST(depth_counts_from_the_payload)
{
	for (int depth = 512; depth <= 513; depth++) {
		struct reading reading;
		struct kdb_buffer body;
		size_t offset;

		kdb_buffer_init(&body, 1 << 16);
		kdb_buffer_put_text(&body, places[_i].before);
		offset = body.len + 512;
		put_nested(&body, depth);
		kdb_buffer_put_text(&body, places[_i].after);
		read_body(&reading, places[_i].form, "s", body.data, body.len, &usual);
		ck_assert_int_eq(reading.is_good, depth == 512);
		if (depth > 512) {
			ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_MALFORMED_JSON);
			ck_assert_int_eq(reading.refusal.byte_offset, (int64_t)offset);
		}
		dispose(&reading);
		kdb_buffer_dispose(&body);
	}
}
END_TEST

START_TEST(depth_counts_in_base64)
{
	/* [[[]]] */
	static const char body[] =
	    ONE("\"type\":\"t\",\"data_base64\":\"W1tbXV1d\",\"content_type\":"
		"\"application/json\"");
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.max_depth = 3;
	read_body(&reading, ENVELOPE, "s", body, sizeof body - 1, &limits);
	ck_assert(reading.is_good);
	dispose(&reading);
	limits.max_depth = 2;
	read_body(&reading, ENVELOPE, "s", body, sizeof body - 1, &limits);
	ck_assert(!reading.is_good);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "/events/0/data_base64");
	dispose(&reading);
}
END_TEST

/* A body of count events; the last one is given. */
static void
put_events(struct kdb_buffer *body, enum form form, int count, const char *last)
{
	if (form == ENVELOPE)
		kdb_buffer_put_text(body, "{\"current_version\":7,\"events\":[");
	for (int i = 1; i < count; i++)
		kdb_buffer_put_text(body, form == ENVELOPE ? EVENT "," : EVENT "\n");
	kdb_buffer_put_text(body, last);
	if (form == ENVELOPE)
		kdb_buffer_put_text(body, "]}");
}

static void
read_events(struct reading *reading, enum form form, int count, const char *last)
{
	struct kdb_buffer body;

	kdb_buffer_init(&body, 1 << 20);
	put_events(&body, form, count, last);
	read_body(reading, form, "s", body.data, body.len, &usual);
	kdb_buffer_dispose(&body);
}

START_TEST(events_are_counted)
{
	enum form form = _i == 0 ? ENVELOPE : NDJSON;
	struct reading reading;

	read_events(&reading, form, 1000, EVENT);
	ck_assert(reading.is_good);
	ck_assert_uint_eq(reading.append.event_count, 1000);
	dispose(&reading);
	read_events(&reading, form, 1001, EVENT);
	ck_assert(!reading.is_good);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_APPEND_TOO_LARGE);
	ck_assert_str_eq(reading.refusal.limit_unit, "events");
	ck_assert_str_eq(reading.refusal.enforced_by, "gateway");
	ck_assert_int_eq(reading.refusal.limit, 1000);
	ck_assert_int_eq(reading.refusal.actual, 1001);
	ck_assert_uint_eq(reading.refusal.finding_count, 0);
	/* For the caller's step 18, which goes before. */
	ck_assert_int_eq(reading.append.has_expected_version, form == ENVELOPE);
	if (form == ENVELOPE)
		ck_assert_int_eq(reading.append.expected_version, 7);
	dispose(&reading);
}
END_TEST

/* The number is step 19: what is wrong with an event beyond the limit goes before it. */
START_TEST(surplus_events_are_judged)
{
	enum form form = _i == 0 ? ENVELOPE : NDJSON;
	const char *prefix = form == ENVELOPE ? "/events" : "";
	struct reading reading;
	char pointer[40];

	read_events(&reading, form, 1500, "{\"type\":\"t\"}");
	snprintf(pointer, sizeof pointer, "%s/1499/data", prefix);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, pointer);
	dispose(&reading);
	read_events(&reading, form, 1500, "{\"type\":\"t\",\"data_base64\":\"AQ=\"}");
	snprintf(pointer, sizeof pointer, "%s/1499/data_base64", prefix);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, pointer);
	dispose(&reading);
	read_events(&reading, form, 1500, "{\"type\":\"t\",\"data_base64\":\"AQI=\"}");
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_APPEND_TOO_LARGE);
	ck_assert_int_eq(reading.refusal.actual, 1500);
	dispose(&reading);
}
END_TEST

/* Sixteen of many findings, in order, within one event and over many. */
START_TEST(findings_end_at_sixteen)
{
	struct reading reading;
	struct kdb_buffer body;
	char pointer[40];

	kdb_buffer_init(&body, 8 << 20);
	kdb_buffer_put_text(&body, "{\"events\":[{\"type\":\"t\"");
	for (int i = 0; i < 20000; i++)
		kdb_buffer_put_printf(&body, ",\"m%d\":%d,\"type\":2", i, i);
	kdb_buffer_put_text(&body, ",\"data\":1,\"id\":7}]}");
	read_body(&reading, ENVELOPE, "s", body.data, body.len, &usual);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_UNKNOWN_MEMBER);
	ck_assert_uint_eq(reading.refusal.finding_count, 16);
	for (int i = 0; i < 16; i++) {
		snprintf(pointer, sizeof pointer, i % 2 == 0 ? "/events/0/m%d" : "/events/0/type",
		    i / 2);
		ck_assert_str_eq(reading.refusal.findings[i].pointer, pointer);
	}
	dispose(&reading);
	kdb_buffer_clear(&body);
	for (int i = 0; i < 20000; i++)
		kdb_buffer_put_text(&body, "{\"type\":\"\",\"data\":1}\n");
	read_body(&reading, NDJSON, "s", body.data, body.len, &usual);
	ck_assert_uint_eq(reading.refusal.finding_count, 16);
	ck_assert_str_eq(reading.refusal.findings[15].pointer, "/15/type");
	dispose(&reading);
	kdb_buffer_dispose(&body);
}
END_TEST

/* Known members are kept however many refused ones stand before them. */
START_TEST(refused_members_do_not_hide_known_ones)
{
	struct reading reading;
	struct kdb_buffer body;

	kdb_buffer_init(&body, 1 << 20);
	kdb_buffer_put_text(&body, "{\"events\":[{");
	for (int i = 0; i < 15; i++)
		kdb_buffer_put_printf(&body, "\"m%d\":%d,", i, i);
	kdb_buffer_put_text(&body,
	    "\"id\":\"" ID "\",\"type\":\"t\",\"content_type\":\"application/json\","
	    "\"metadata\":1,\"data\":1}]}");
	read_body(&reading, ENVELOPE, "s", body.data, body.len, &usual);
	/* Were one of them missed, it would be reported as missing. */
	ck_assert_uint_eq(reading.refusal.finding_count, 15);
	dispose(&reading);
	kdb_buffer_dispose(&body);
}
END_TEST

/* An event type of len bytes, with an escape in it or without. */
static void
read_long_type(struct reading *reading, size_t len, bool has_escape)
{
	struct kdb_buffer body;

	kdb_buffer_init(&body, 1 << 20);
	kdb_buffer_put_text(&body, "{\"data\":1,\"type\":\"");
	kdb_buffer_put_text(&body, has_escape ? "\\u0061" : "a");
	for (size_t i = 1; i < len; i++)
		kdb_buffer_put_char(&body, 'a');
	kdb_buffer_put_text(&body, "\"}");
	read_body(reading, NDJSON, "s", body.data, body.len, &usual);
	kdb_buffer_dispose(&body);
}

START_TEST(event_types_have_4096_bytes_at_most)
{
	struct reading reading;

	read_long_type(&reading, 4096, _i);
	ck_assert(reading.is_good);
	ck_assert_uint_eq(reading.append.events[0].type.len, 4096);
	dispose(&reading);
	read_long_type(&reading, 4097, _i);
	ck_assert(!reading.is_good);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "/0/type");
	dispose(&reading);
}
END_TEST

static const struct {
	const char *stream_name;
	const char *body;
	const char *events; /* NULL: refused */
	int64_t byte_offset;
	const char *pointers;
} unchecked[] = {
	{ "s", ONE("\"type\":\"t\",\"data\":{\"a\":[01,]}"), "@-2 t J <{\"a\":[01,]}> <> -;", -1,
	    "" },
	{ "s", ONE("\"type\":\"t\",\"data\":{\"a\xff\":\"\x01\\x\"},\"metadata\":nul"),
	    "@-2 t J <{\"a\xff\":\"\x01\\x\"}> <nul> -;", -1, "" },
	{ "s",
	    ONE("\"type\":\"t\",\"data_base64\":\"e30s\",\"content_type\":\"application/json\""),
	    "@-2 t J <{},> <> -;", -1, "" },
	/* what is not a payload is checked all the same */
	{ "s", ONE("\"type\":\"t\xff\",\"data\":1"), NULL, 45, "" },
	{ "s", ONE("\"type\":\"t\",\"x\":[1,],\"data\":1"), NULL, 54, "" },
	{ "s", ONE("\"type\":\"t\",\"data\":[[}"), NULL, 58, "" },
	{ "s",
	    ONE("\"type\":\"t\",\"data_base64\":\"\",\"content_type\":\"application/json\""), NULL,
	    -1, " /events/0/data_base64" },
	{ "$$s", ONE("\"type\":\"$metadata\",\"data\":{\"$tb\":01}"), NULL, 70, "" },
	{ "$$s",
	    ONE("\"type\":\"$metadata\",\"data_base64\":\"e30s\",\"content_type\":"
		"\"application/json\""),
	    NULL, -1, " /events/0/data_base64" },
};

START_TEST(payloads_can_go_unchecked)
{
	const char *body = unchecked[_i].body;
	struct kg_append_limits limits = usual;
	struct reading reading;
	char *found;

	limits.validate_payloads = false;
	read_body(
	    &reading, ENVELOPE, unchecked[_i].stream_name, body, strlen(body), &limits);
	ck_assert_int_eq(reading.is_good, unchecked[_i].events != NULL);
	if (reading.is_good) {
		found = describe(&reading.append);
		ck_assert_str_eq(found, unchecked[_i].events);
	} else {
		found = describe_findings(&reading.refusal);
		ck_assert_str_eq(found, unchecked[_i].pointers);
		ck_assert_int_eq(reading.refusal.byte_offset, unchecked[_i].byte_offset);
	}
	free(found);
	dispose(&reading);
}
END_TEST

static const struct {
	const char *stream_name;
	const char *type;
	bool is_json;
	bool is_unchecked;
	const char *body;
	size_t len;
	int64_t byte_offset;  /* -1: none */
	const char *pointers; /* NULL: the body is good */
} raw[] = {
	{ "s", "t", true, false, TEXT("{ \"name\" : \"Gregory\" }"), -1, NULL },
	{ "s", "t", true, false, TEXT(" \r\n7 \t"), -1, NULL },
	{ "s", "t", true, false, TEXT("\"\\ud800\""), -1, NULL },
	{ "s", "t", false, false, TEXT("\0\x01\xff{"), -1, NULL },
	{ "s", "t", false, false, TEXT(""), -1, NULL },
	{ "s", "t", true, true, TEXT("{broken"), -1, NULL },
	{ "s", "t", true, false, TEXT(""), -1, " " },
	{ "s", "t", true, true, TEXT(""), -1, " " },
	{ "s", "t", true, false, TEXT(" "), 1, "" },
	{ "s", "t", true, false, TEXT("{} {}"), 3, "" },
	{ "s", "t", true, false, TEXT("\xef\xbb\xbf{}"), 0, "" },
	{ "s", "t", true, false, TEXT("{\"a\":\"\xff\"}"), 6, "" },
	{ "s", "t", true, false, TEXT("{}\0"), 2, "" },
	{ "$$s", "$metadata", true, false, TEXT(" {\"$maxAge\":1} "), -1, NULL },
	{ "$$s", "$metadata", true, false, TEXT("{\"$maxAge\":1.0,\"$tb\":-0}"), -1,
	    " /$maxAge /$tb" },
	{ "$$s", "t", true, false, TEXT("{\"$tmp\":1}"), -1, " path:type /$tmp" },
	{ "$$s", "$metadata", false, false, TEXT("{}"), -1, " header:Content-Type" },
	{ "$$s", "t", false, false, TEXT(""), -1, " path:type header:Content-Type" },
	{ "$$s", "$metadata", true, true, TEXT("{\"$tb\":1"), 8, "" },
	{ "$$s", "$metadata", true, true, TEXT("[]"), -1, " " },
	{ "$$s", "t", true, false, TEXT("{\"$tmp\":1,}"), 10, "" },
};

START_TEST(raw_bodies)
{
	const struct kdb_event from_parameters = {
		.id = { 1, 2, 3 },
		.type = { raw[_i].type, strlen(raw[_i].type) },
		.metadata = { "{}", 2 },
		.is_json = raw[_i].is_json,
	};
	struct kdb_bytes stream = { raw[_i].stream_name, strlen(raw[_i].stream_name) };
	struct kg_append_limits limits = usual;
	struct kg_append_body append;
	struct kg_refusal refusal;
	char *found;

	limits.validate_payloads = !raw[_i].is_unchecked;
	kg_refusal_init(&refusal);
	if (kg_append_body_read_raw(raw[_i].body, raw[_i].len, stream, &limits, &from_parameters,
		"path:type", &append, &refusal)) {
		ck_assert_ptr_null(raw[_i].pointers);
		ck_assert(!append.has_expected_version);
		ck_assert_uint_eq(append.event_count, 1);
		ck_assert_ptr_eq(append.events[0].data.data, raw[_i].body);
		ck_assert_uint_eq(append.events[0].data.len, raw[_i].len);
		ck_assert_ptr_eq(append.events[0].type.data, raw[_i].type);
		ck_assert_uint_eq(append.events[0].metadata.len, 2);
		ck_assert_int_eq(append.events[0].id[2], 3);
		ck_assert_int_eq(append.events[0].is_json, raw[_i].is_json);
		kg_append_body_dispose(&append);
	} else {
		ck_assert_ptr_nonnull(raw[_i].pointers);
		ck_assert_int_eq(refusal.byte_offset, raw[_i].byte_offset);
		ck_assert_int_eq(refusal.problem, raw[_i].byte_offset >= 0
			? KG_PROBLEM_MALFORMED_JSON
			: KG_PROBLEM_INVALID_REQUEST);
		found = describe_findings(&refusal);
		ck_assert_str_eq(found, raw[_i].pointers);
		free(found);
	}
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(depth_of_raw_bodies)
{
	const struct kdb_event from_parameters = { .type = { "t", 1 }, .is_json = true };
	struct kdb_bytes stream = { "s", 1 };
	struct kg_append_body append;
	struct kg_refusal refusal;
	struct kdb_buffer body;

	kdb_buffer_init(&body, 1 << 16);
	kg_refusal_init(&refusal);
	put_nested(&body, 512);
	ck_assert(kg_append_body_read_raw(
	    body.data, body.len, stream, &usual, &from_parameters, "path:type", &append,
	    &refusal));
	kg_append_body_dispose(&append);
	kdb_buffer_clear(&body);
	put_nested(&body, 513);
	ck_assert(!kg_append_body_read_raw(
	    body.data, body.len, stream, &usual, &from_parameters, "path:type", &append,
	    &refusal));
	ck_assert_int_eq(refusal.byte_offset, 512);
	kg_refusal_dispose(&refusal);
	kdb_buffer_dispose(&body);
}
END_TEST

static const struct {
	const char *text;
	bool is_good;
	int64_t version;
	bool is_exact;
} expectations[] = {
	{ "0", true, 0, true },
	{ "7", true, 7, true },
	{ "9223372036854775807", true, INT64_MAX, true },
	{ "no_stream", true, KDB_VERSION_NO_STREAM, true },
	{ "-1", true, KDB_VERSION_NO_STREAM, true },
	{ "any", true, KDB_VERSION_ANY, false },
	{ "-2", true, KDB_VERSION_ANY, false },
	{ "exists", true, KDB_VERSION_EXISTS, false },
	{ "-4", true, KDB_VERSION_EXISTS, false },
	{ "-3", false, 0, false },
	{ "-5", false, 0, false },
	{ "-6", false, 0, false },
	{ "-7", false, 0, false },
	{ "deleted", false, 0, false },
	{ "tombstoned", false, 0, false },
	{ "", false, 0, false },
	{ "Any", false, 0, false },
	{ "NO_STREAM", false, 0, false },
	{ "no-stream", false, 0, false },
	{ "any ", false, 0, false },
	{ " 1", false, 0, false },
	{ "+1", false, 0, false },
	{ "01", false, 0, false },
	{ "-0", false, 0, false },
	{ "1.0", false, 0, false },
	{ "1e3", false, 0, false },
	{ "9223372036854775808", false, 0, false },
	{ "-9223372036854775808", false, 0, false },
};

START_TEST(expectations_are_read)
{
	int64_t version = 4711;
	bool is_good = kg_expectation_read(
	    expectations[_i].text, strlen(expectations[_i].text), &version);

	ck_assert_int_eq(is_good, expectations[_i].is_good);
	if (is_good) {
		ck_assert_int_eq(version, expectations[_i].version);
		ck_assert_int_eq(
		    kg_expectation_is_exact(version), expectations[_i].is_exact);
	}
	/* A NUL is no end. */
	ck_assert(!kg_expectation_read("any", 4, &version));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("append_body");
	TCase *tcase = tcase_create("append_body");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, good_bodies, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_bodies, 0, COUNT(bad));
	tcase_add_test(tcase, no_body);
	tcase_add_loop_test(tcase, findings_give_hints, 0, COUNT(hints));
	tcase_add_test(tcase, metadata_in_base64_is_told_in_words);
	tcase_add_test(tcase, payloads_are_not_copied);
	tcase_add_loop_test(tcase, depth_counts_from_the_payload, 0, COUNT(places));
	tcase_add_test(tcase, depth_counts_in_base64);
	tcase_add_loop_test(tcase, events_are_counted, 0, 2);
	tcase_add_loop_test(tcase, surplus_events_are_judged, 0, 2);
	tcase_add_test(tcase, findings_end_at_sixteen);
	tcase_add_test(tcase, refused_members_do_not_hide_known_ones);
	tcase_add_loop_test(tcase, event_types_have_4096_bytes_at_most, 0, 2);
	tcase_add_loop_test(tcase, payloads_can_go_unchecked, 0, COUNT(unchecked));
	tcase_add_loop_test(tcase, raw_bodies, 0, COUNT(raw));
	tcase_add_test(tcase, depth_of_raw_bodies);
	tcase_add_loop_test(tcase, expectations_are_read, 0, COUNT(expectations));
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
