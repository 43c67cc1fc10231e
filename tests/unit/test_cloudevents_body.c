/* SPDX-License-Identifier: Apache-2.0 */
/* CloudEvents in JSON: what is stored of them, and each refusal with its places. */
#include "client-core/base/buffer.h"
#include "daemon/cloudevents_body.h"
#include "daemon/uuid.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

enum mode { ONE, BATCH };

static const struct kg_append_limits usual = {
    .max_events = 1000,
    .max_depth = 512,
    .max_name_bytes = 4096,
    .validate_payloads = true,
};

/* The result of reading one body, which lies in a block of exactly its size. */
struct reading {
	char *block;
	bool is_good;
	struct kg_append_body append;
	struct kg_refusal refusal;
};

static void
read_bytes(struct reading *reading, enum mode mode, const char *stream_name,
    const char *body, size_t len, const struct kg_append_limits *limits)
{
	struct kdb_bytes stream = {stream_name, strlen(stream_name)};

	reading->block = malloc(len + 1);
	memcpy(reading->block + 1, body, len);
	kg_refusal_init(&reading->refusal);
	reading->is_good = mode == ONE
			       ? kg_cloudevents_body_read(reading->block + 1, len, stream,
				     limits, &reading->append, &reading->refusal)
			       : kg_cloudevents_body_read_batch(reading->block + 1, len,
				     stream, limits, &reading->append, &reading->refusal);
	ck_assert_int_eq(reading->is_good, !reading->refusal.is_set);
}

static void
read_body(
    struct reading *reading, enum mode mode, const char *stream_name, const char *body)
{
	read_bytes(reading, mode, stream_name, body, strlen(body), &usual);
}

static void
dispose(struct reading *reading)
{
	if (reading->is_good)
		kg_append_body_dispose(&reading->append);
	kg_refusal_dispose(&reading->refusal);
	free(reading->block);
}

/* Events as one line of text: "type J data metadata;" */
static char *
describe(const struct kg_append_body *append)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, 1 << 16);
	for (size_t i = 0; i < append->event_count; i++) {
		const struct kdb_event *event = &append->events[i];

		kdb_buffer_put(&out, event->type.data, event->type.len);
		kdb_buffer_put_text(&out, event->is_json ? " J <" : " O <");
		kdb_buffer_put(&out, event->data.data, event->data.len);
		kdb_buffer_put_text(&out, "> ");
		kdb_buffer_put(&out, event->metadata.data, event->metadata.len);
		kdb_buffer_put_text(&out, ";");
	}
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

/* The pointers of all findings, each with a mark for its code. */
static char *
describe_findings(const struct kg_refusal *refusal)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, 1 << 16);
	for (size_t i = 0; i < refusal->finding_count; i++) {
		if (i > 0)
			kdb_buffer_put_char(&out, ' ');
		kdb_buffer_put_text(&out, refusal->findings[i].pointer[0] == '\0'
					      ? "\"\""
					      : refusal->findings[i].pointer);
	}
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

/* Required attributes, and the metadata that they become. */
#define CE "\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"id\":\"1\""
#define META                                                                             \
	"\"ce-specversion\":\"1.0\",\"ce-type\":\"t\",\"ce-source\":\"/s\",\"ce-id\":"   \
	"\"1\""
#define EVENT(members) "{" CE members "}"
#define XML ",\"datacontenttype\":\"text/xml\""
#define JSON_TYPE ",\"datacontenttype\":\"application/json\""

static const struct {
	enum mode mode;
	const char *stream_name;
	const char *body;
	const char *events;
} good[] = {
    /* api-design 12 */
    {ONE, "order-123",
	"{ \"specversion\": \"1.0\", \"type\": \"com.example.order.placed\", \"source\": "
	"\"/shop/42\", \"id\": \"A234-1234-1234\",\n  \"time\": "
	"\"2026-09-20T10:00:00Z\", \"datacontenttype\": \"application/json\", \"data\": "
	"{ \"total\": \"19.90\" } }",
	"com.example.order.placed J <{ \"total\": \"19.90\" }> "
	"{\"ce-specversion\":\"1.0\",\"ce-type\":\"com.example.order.placed\","
	"\"ce-source\":\"/shop/42\",\"ce-id\":\"A234-1234-1234\",\"ce-time\":"
	"\"2026-09-20T10:00:00Z\",\"ce-datacontenttype\":\"application/json\"};"},
    {BATCH, "order-123",
	"[\n  " EVENT(",\"data\": { \"n\": 1 }") ",\n  " EVENT(
	    ",\"datacontenttype\":\"application/"
	    "octet-stream\",\"data_base64\":"
	    "\"QUI=\"") "\n]\n",
	"t J <{ \"n\": 1 }> {" META "};t O <AB> {" META
	",\"ce-datacontenttype\":\"application/octet-stream\"};"},
    /* metadata: order, white space, source bytes */
    {ONE, "s",
	" { \"id\" : \"1\" , \"x1\" :\t-7 , \"source\":\"\\u002fs\", \"b\": true,"
	"\"type\":\"\\u0074\",\"specversion\":\"1\\u002e0\",\"traceparent\" : "
	"\"\\ud800\" } ",
	"t O <> {\"ce-id\":\"1\",\"ce-x1\":-7,\"ce-source\":\"\\u002fs\",\"ce-b\":true,"
	"\"ce-type\":\"\\u0074\",\"ce-specversion\":\"1\\u002e0\","
	"\"ce-traceparent\":\"\\ud800\"};"},
    {ONE, "s", EVENT(",\"\\u0061\":false,\"subject\":\"\""),
	"t O <> {" META ",\"ce-a\":false,\"ce-subject\":\"\"};"},
    {ONE, "s",
	EVENT(",\"a\":0,\"b\":-2147483648,\"c\":2147483647,\"d\":null,\"time\":null"),
	"t O <> {" META ",\"ce-a\":0,\"ce-b\":-2147483648,\"ce-c\":2147483647};"},
    /* data in JSON */
    {ONE, "s", EVENT(",\"data\":null"), "t J <null> {" META "};"},
    {ONE, "s", EVENT(",\"data\": \"a\\u00e9\\ud800\" "),
	"t J <\"a\\u00e9\\ud800\"> {" META "};"},
    {ONE, "s", "{\"data\":[1, 2]" JSON_TYPE "," CE "}",
	"t J <[1, 2]> {\"ce-datacontenttype\":\"application/json\"," META "};"},
    {ONE, "s",
	EVENT(",\"datacontenttype\":\"Application/JSON; charset=utf-8\",\"data\":1"),
	"t J <1> {" META ",\"ce-datacontenttype\":\"Application/JSON; charset=utf-8\"};"},
    {ONE, "s", EVENT(",\"datacontenttype\":\"application/vnd.a+json\",\"data\":{}"),
	"t J <{}> {" META ",\"ce-datacontenttype\":\"application/vnd.a+json\"};"},
    {ONE, "s", EVENT(",\"datacontenttype\":\"text/json\",\"data\":{}"),
	"t J <{}> {" META ",\"ce-datacontenttype\":\"text/json\"};"},
    {ONE, "s", EVENT(",\"datacontenttype\":null,\"data\":{}"), "t J <{}> {" META "};"},
    {ONE, "s", EVENT(",\"data\":1,\"data_base64\":null"), "t J <1> {" META "};"},
    /* data of other types */
    {ONE, "s", EVENT(XML ",\"data\":\"<a b=\\\"\\u00e9\\\"\\/>\""),
	"t O <<a b=\"\xc3\xa9\"/>> {" META ",\"ce-datacontenttype\":\"text/xml\"};"},
    {ONE, "s", "{\"data\":\"\"" XML "," CE "}",
	"t O <> {\"ce-datacontenttype\":\"text/xml\"," META "};"},
    {ONE, "s", EVENT(",\"datacontenttype\":\"\",\"data\":\"x\""),
	"t O <x> {" META ",\"ce-datacontenttype\":\"\"};"},
    {ONE, "s", EVENT(",\"datacontenttype\":\"json\",\"data\":\"x\""),
	"t O <x> {" META ",\"ce-datacontenttype\":\"json\"};"},
    /* data in base64 */
    {ONE, "s", EVENT(",\"data_base64\":\"e30=\""), "t O <{}> {" META "};"},
    {ONE, "s", EVENT(JSON_TYPE ",\"data_base64\":\"IHt9IA==\""),
	"t J < {} > {" META ",\"ce-datacontenttype\":\"application/json\"};"},
    {ONE, "s", EVENT(",\"data_base64\":\"\""), "t O <> {" META "};"},
    /* none */
    {ONE, "s", EVENT(JSON_TYPE),
	"t O <> {" META ",\"ce-datacontenttype\":\"application/json\"};"},
    {ONE, "s", EVENT(",\"data_base64\":null"), "t O <> {" META "};"},
    /* metadata streams */
    {ONE, "$$s",
	"{\"specversion\":\"1.0\",\"type\":\"$metadata\",\"source\":\"/s\",\"id\":\"1\","
	"\"data\":{\"$maxCount\":3}}",
	"$metadata J <{\"$maxCount\":3}> {\"ce-specversion\":\"1.0\",\"ce-type\":"
	"\"$metadata\",\"ce-source\":\"/s\",\"ce-id\":\"1\"};"},
    /* the same event twice */
    {BATCH, "s", "[" EVENT("") "," EVENT("") "]", "t O <> {" META "};t O <> {" META "};"},
};

START_TEST(good_bodies)
{
	struct reading reading;
	char *events;

	read_body(&reading, good[_i].mode, good[_i].stream_name, good[_i].body);
	ck_assert_msg(reading.is_good, "%s: %s", good[_i].body, reading.refusal.detail);
	events = describe(&reading.append);
	ck_assert_str_eq(events, good[_i].events);
	ck_assert(!reading.append.has_expected_version);
	free(events);
	dispose(&reading);
}
END_TEST

enum {
	INVALID = KG_PROBLEM_INVALID_REQUEST,
	TWICE = KG_PROBLEM_DUPLICATE_MEMBER,
	SYNTAX = KG_PROBLEM_MALFORMED_JSON,
};

static const struct {
	enum mode mode;
	const char *stream_name;
	const char *body;
	int problem;
	const char *pointers; /* of SYNTAX: the offset */
} bad[] = {
    /* what is no event */
    {ONE, "s", "", SYNTAX, "0"},
    {ONE, "s", "[]", INVALID, "\"\""},
    {ONE, "s", "[" EVENT("") "]", INVALID, "\"\""},
    {ONE, "s", "null", INVALID, "\"\""},
    {BATCH, "s", EVENT(""), INVALID, "\"\""},
    {BATCH, "s", "[]", INVALID, "\"\""},
    {BATCH, "s", " [ ] ", INVALID, "\"\""},
    {BATCH, "s", "[1," EVENT("") ",[]]", INVALID, "/0 /2"},
    /* syntax wins over all */
    {ONE, "s", "{}x", SYNTAX, "2"},
    {BATCH, "s", "[1,", SYNTAX, "3"},
    {ONE, "s", "{\"ID\":1,\"data\":{\"a\":01}}", SYNTAX, "21"},
    /* required attributes */
    {ONE, "s", "{}", INVALID, "/specversion /type /source /id"},
    {BATCH, "s", "[" EVENT("") ",{" CE "},{}]", INVALID,
	"/2/specversion /2/type /2/source /2/id"},
    {ONE, "s", "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"id\":null}",
	INVALID, "/id"},
    {BATCH, "s",
	"[" EVENT("") ",{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\"}]",
	INVALID, "/1/id"},
    {ONE, "s", "{\"specversion\":\"0.3\",\"type\":\"\",\"source\":\"\",\"id\":\"\"}",
	INVALID, "/specversion /type /source /id"},
    {ONE, "s", "{\"specversion\":1.0,\"type\":true,\"source\":{},\"id\":7}", INVALID,
	"/specversion /type /source /id"},
    {ONE, "s",
	"{\"specversion\":\"1.0\",\"type\":\"\\ud800\",\"source\":\"\\udc00\","
	"\"id\":\"\\ud800\"}",
	INVALID, "/type /source /id"},
    {ONE, "s",
	"{\"specversion\":\"1.0\",\"type\":\"a\\u0000\",\"source\":\"s\",\"id\":\"1\"}",
	INVALID, "/type"},
    /* names */
    {ONE, "s",
	EVENT(",\"Subject\":\"\",\"a_b\":1,\"\":1,\"\xc3\xa9\":1,\"a-b\":null,\"a/b\":1"),
	INVALID, "/Subject /a_b / /\xc3\xa9 /a-b /a~1b"},
    {ONE, "s", EVENT(",\"id\":\"1\""), TWICE, "/id"},
    {ONE, "s", EVENT(",\"x\":1,\"\\u0078\":null,\"y\":1,\"x\":1"), TWICE, "/x /x"},
    {ONE, "s", EVENT(",\"data\":1,\"data\":1"), TWICE, "/data"},
    {ONE, "s", EVENT(",\"X\":1,\"id\":\"1\""), INVALID, "/X /id"},
    /* values of attributes */
    {ONE, "s", EVENT(",\"a\":{},\"b\":[],\"c\":[{}]"), INVALID, "/a /b /c"},
    {ONE, "s",
	EVENT(",\"a\":1.5,\"b\":1e3,\"c\":-0,\"d\":2147483648,\"e\":-2147483649,"
	      "\"f\":99999999999999999999,\"g\":1.0"),
	INVALID, "/a /b /c /d /e /f /g"},
    {ONE, "s", EVENT(",\"datacontenttype\":1"), INVALID, "/datacontenttype"},
    {ONE, "s", EVENT(",\"datacontenttype\":true,\"data\":1"), INVALID,
	"/datacontenttype"},
    /* shape wins over values */
    {ONE, "s", EVENT(",\"a\":1.5,\"b\":[]"), INVALID, "/b"},
    {BATCH, "s", "[" EVENT(",\"a\":1.5") "," EVENT(",\"b\":[]") "]", INVALID, "/1/b"},
    {BATCH, "s", "[" EVENT(",\"a\":1.5") "," EVENT(",\"b\":1.5") "]", INVALID,
	"/0/a /1/b"},
    /* data */
    {ONE, "s", EVENT(",\"data\":1,\"data_base64\":\"AA==\""), INVALID, "/data_base64"},
    {ONE, "s", EVENT(",\"data_base64\":\"AA==\",\"data\":null"), INVALID, "/data_base64"},
    {ONE, "s", EVENT(XML ",\"data\":{}"), INVALID, "/data"},
    {ONE, "s", EVENT(",\"data\":null" XML), INVALID, "/data"},
    {ONE, "s", EVENT(",\"data\":\"\\ud800\"" XML), INVALID, "/data"},
    {ONE, "s", EVENT(",\"data_base64\":1"), INVALID, "/data_base64"},
    {ONE, "s", EVENT(",\"data_base64\":\"AA\""), INVALID, "/data_base64"},
    {ONE, "s", EVENT(",\"data_base64\":\"AA==\"" JSON_TYPE), INVALID, "/data_base64"},
    {ONE, "s", EVENT(",\"data_base64\":\"\"" JSON_TYPE), INVALID, "/data_base64"},
    /* metadata streams */
    {ONE, "$$s", EVENT(",\"data\":{}"), INVALID, "/type"},
    {ONE, "$$s",
	"{\"specversion\":\"1.0\",\"type\":\"$metadata\",\"source\":\"/s\",\"id\":\"1\","
	"\"data\":{\"$maxCount\":\"3\"}}",
	INVALID, "/data/$maxCount"},
    {BATCH, "$$s",
	"[{\"specversion\":\"1.0\",\"type\":\"$metadata\",\"source\":\"/"
	"s\",\"id\":\"1\"}]",
	INVALID, "/0/data"},
    {ONE, "$$s",
	"{\"specversion\":\"1.0\",\"type\":\"$metadata\",\"source\":\"/s\",\"id\":\"1\","
	"\"data_base64\":\"e30=\"}",
	INVALID, "/datacontenttype"},
    {ONE, "$$s",
	"{\"specversion\":\"1.0\",\"type\":\"$metadata\",\"source\":\"/s\",\"id\":\"1\","
	"\"data\":\"{}\",\"datacontenttype\":\"text/plain\"}",
	INVALID, "/datacontenttype"},
    {ONE, "$$s",
	"{\"specversion\":\"1.0\",\"type\":\"$metadata\",\"source\":\"/s\",\"id\":\"1\","
	"\"data_base64\":\"WzFd\",\"datacontenttype\":\"application/json\"}",
	INVALID, "/data_base64"},
};

START_TEST(bad_bodies)
{
	struct reading reading;
	char *pointers;

	read_body(&reading, bad[_i].mode, bad[_i].stream_name, bad[_i].body);
	ck_assert_msg(!reading.is_good, "%s", bad[_i].body);
	ck_assert_int_eq((int)reading.refusal.problem, bad[_i].problem);
	if (bad[_i].problem == SYNTAX) {
		ck_assert_int_eq((long)reading.refusal.byte_offset,
		    strtol(bad[_i].pointers, NULL, 10));
	} else {
		pointers = describe_findings(&reading.refusal);
		ck_assert_str_eq(pointers, bad[_i].pointers);
		free(pointers);
	}
	dispose(&reading);
}
END_TEST

static void
assert_id(const struct kdb_event *event, const char *wanted)
{
	char id[KG_UUID_TEXT_LEN + 1];

	kg_uuid_print(event->id, id);
	ck_assert_str_eq(id, wanted);
}

START_TEST(ids_follow_from_the_attributes)
{
	static const char *const members[] = {
	    "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/shop/42\",\"id\":"
	    "\"A234-1234-1234\"}",
	    "{\"id\":\"A2\\u00334-1234-1234\",\"source\":\"\\/shop/"
	    "42\",\"type\":\"other\","
	    "\"specversion\":\"1.0\",\"data\":1}",
	};
	struct reading reading;

	for (int i = 0; i < COUNT(members); i++) {
		read_body(&reading, ONE, "order-123", members[i]);
		ck_assert(reading.is_good);
		assert_id(
		    &reading.append.events[0], "6d947c3d-30af-81f1-9281-950eaa7a1e61");
		dispose(&reading);
	}
	read_body(&reading, BATCH, "order-123",
	    "[" EVENT("") ",{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\","
			  "\"id\":\"4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11\"}]");
	ck_assert(reading.is_good);
	assert_id(&reading.append.events[1], "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11");
	dispose(&reading);
}
END_TEST

START_TEST(names_have_hints)
{
	struct reading reading;

	read_body(
	    &reading, ONE, "s", EVENT(",\"dataContentType\":\"a/b\",\"zzzzzz_\":1"));
	ck_assert_str_eq(
	    reading.refusal.findings[0].hint, "Did you mean \"datacontenttype\"?");
	ck_assert_str_eq(reading.refusal.findings[1].hint, "");
	dispose(&reading);
}
END_TEST

START_TEST(types_have_a_length)
{
	struct kg_append_limits limits = usual;
	struct reading reading;
	static const char body[] = "{\"specversion\":\"1.0\",\"type\":\"four\","
				   "\"source\":\"/s\",\"id\":\"12345678\"}";

	limits.max_name_bytes = 4;
	read_bytes(&reading, ONE, "s", body, sizeof body - 1, &limits);
	ck_assert(reading.is_good);
	dispose(&reading);
	limits.max_name_bytes = 3;
	read_bytes(&reading, ONE, "s", body, sizeof body - 1, &limits);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "/type");
	dispose(&reading);
}
END_TEST

START_TEST(a_batch_has_a_length)
{
	static const char body[] = "[" EVENT("") "," EVENT("") "," EVENT("") "]";
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.max_events = 3;
	read_bytes(&reading, BATCH, "s", body, sizeof body - 1, &limits);
	ck_assert(reading.is_good);
	ck_assert_uint_eq(reading.append.event_count, 3);
	dispose(&reading);
	limits.max_events = 2;
	read_bytes(&reading, BATCH, "s", body, sizeof body - 1, &limits);
	ck_assert_int_eq((int)reading.refusal.problem, KG_PROBLEM_APPEND_TOO_LARGE);
	ck_assert_int_eq((int)reading.refusal.limit, 2);
	ck_assert_int_eq((int)reading.refusal.actual, 3);
	dispose(&reading);
}
END_TEST

/* Events that are too many are judged all the same. */
START_TEST(what_is_wrong_wins_over_what_is_too_much)
{
	static const char body[] = "[" EVENT("") "," EVENT("") "," EVENT(",\"a\":[]") "]";
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.max_events = 1;
	read_bytes(&reading, BATCH, "s", body, sizeof body - 1, &limits);
	ck_assert_int_eq((int)reading.refusal.problem, INVALID);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "/2/a");
	dispose(&reading);
}
END_TEST

static void
put_attributes(struct kdb_buffer *out, int count)
{
	kdb_buffer_put_text(out, "{" CE);
	for (int i = 4; i < count; i++)
		kdb_buffer_put_printf(out, ",\"x%d\":%d", i, i);
}

/* How many attributes there may be, with data beside them. */
START_TEST(an_event_has_a_number_of_attributes)
{
	struct kdb_buffer body;
	struct reading reading;

	kdb_buffer_init(&body, 1 << 22);
	put_attributes(&body, KG_CLOUDEVENT_ATTRIBUTES_MAX);
	kdb_buffer_put_text(&body, ",\"data\":1,\"data_base64\":null}");
	read_bytes(&reading, ONE, "s", body.data, body.len, &usual);
	ck_assert(reading.is_good);
	ck_assert_ptr_nonnull(memmem(reading.append.events[0].metadata.data,
	    reading.append.events[0].metadata.len, ",\"ce-x127\":127}", 15));
	dispose(&reading);
	kdb_buffer_clear(&body);
	put_attributes(&body, 100000);
	kdb_buffer_put_text(&body, ",\"data\":1}");
	read_bytes(&reading, ONE, "s", body.data, body.len, &usual);
	ck_assert_int_eq((int)reading.refusal.problem, INVALID);
	ck_assert_uint_eq(reading.refusal.finding_count, 1);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "");
	dispose(&reading);
	kdb_buffer_dispose(&body);
}
END_TEST

START_TEST(sixteen_findings_are_told)
{
	struct kdb_buffer body;
	struct reading reading;

	kdb_buffer_init(&body, 1 << 20);
	kdb_buffer_put_text(&body, "[" EVENT(""));
	for (int i = 0; i < 50; i++)
		kdb_buffer_put_text(&body, "," EVENT(",\"A\":1"));
	kdb_buffer_put_text(&body, "]");
	read_bytes(&reading, BATCH, "s", body.data, body.len, &usual);
	ck_assert_uint_eq(reading.refusal.finding_count, KG_FINDINGS_MAX);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "/1/A");
	ck_assert_str_eq(reading.refusal.findings[15].pointer, "/16/A");
	dispose(&reading);
	kdb_buffer_dispose(&body);
}
END_TEST

/* Without the check of payloads, no more than the end of data is looked for; texts that are
 * to be decoded are checked all the same. */
static const struct {
	const char *stream_name;
	const char *body;
	const char *data; /* NULL: malformed-json */
} unchecked[] = {
    {"s", EVENT(",\"data\":{\"a\":01}"), "{\"a\":01}"},
    {"s", EVENT(",\"data\":[nul]"), "[nul]"},
    {"s", EVENT(",\"data\":\"\\x\""), NULL},
    {"s", EVENT(",\"data\":\"\\x\"" XML), NULL},
    {"s", EVENT(",\"a\":01"), NULL},
    {"s", EVENT(JSON_TYPE ",\"data_base64\":\"AA==\""), "\0"},
    {"$$s", EVENT(",\"data\":[nul]"), NULL},
};

START_TEST(payloads_are_not_checked_when_told_so)
{
	struct kg_append_limits limits = usual;
	struct reading reading;
	const char *data = unchecked[_i].data;

	limits.validate_payloads = false;
	read_bytes(&reading, ONE, unchecked[_i].stream_name, unchecked[_i].body,
	    strlen(unchecked[_i].body), &limits);
	ck_assert_int_eq(reading.is_good, data != NULL);
	if (data == NULL)
		ck_assert_int_eq((int)reading.refusal.problem, SYNTAX);
	else
		ck_assert_mem_eq(
		    reading.append.events[0].data.data, data, strlen(data) + !*data);
	dispose(&reading);
}
END_TEST

START_TEST(depth_of_data)
{
	struct kdb_buffer body;
	struct reading reading;

	kdb_buffer_init(&body, 1 << 16);
	for (int depth = 512; depth <= 513; depth++) {
		kdb_buffer_clear(&body);
		kdb_buffer_put_text(&body, "[{" CE ",\"data\":");
		for (int i = 0; i < depth; i++)
			kdb_buffer_put_char(&body, '[');
		for (int i = 0; i < depth; i++)
			kdb_buffer_put_char(&body, ']');
		kdb_buffer_put_text(&body, "}]");
		read_bytes(&reading, BATCH, "s", body.data, body.len, &usual);
		ck_assert_int_eq(reading.is_good, depth == 512);
		dispose(&reading);
	}
	kdb_buffer_dispose(&body);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cloudevents_body");
	TCase *tcase = tcase_create("cloudevents_body");
	SRunner *runner;

	tcase_add_loop_test(tcase, good_bodies, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_bodies, 0, COUNT(bad));
	tcase_add_test(tcase, ids_follow_from_the_attributes);
	tcase_add_test(tcase, names_have_hints);
	tcase_add_test(tcase, types_have_a_length);
	tcase_add_test(tcase, a_batch_has_a_length);
	tcase_add_test(tcase, what_is_wrong_wins_over_what_is_too_much);
	tcase_add_test(tcase, an_event_has_a_number_of_attributes);
	tcase_add_test(tcase, sixteen_findings_are_told);
	tcase_add_loop_test(
	    tcase, payloads_are_not_checked_when_told_so, 0, COUNT(unchecked));
	tcase_add_test(tcase, depth_of_data);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
