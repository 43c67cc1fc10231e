/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of multi-append: what becomes of the groups, and each refusal with its places. In the
 * bodies of the tables, ' stands for ". */
#include "client-core/base/buffer.h"
#include "daemon/multi_append_body.h"
#include "daemon/uuid.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const struct kg_append_limits usual = {
	.max_events = 1000,
	.max_depth = 512,
	.max_name_bytes = 4096,
	.validate_payloads = true,
};

/* The result of reading one body, with the body itself in a block of exactly its size. */
struct reading {
	char *block;
	const char *body;
	size_t len;
	bool is_good;
	struct kg_multi_append_body multi;
	struct kg_refusal refusal;
};

static void
read_body(struct reading *reading, const char *body, const struct kg_append_limits *limits,
    const int64_t *default_version)
{
	size_t len = strlen(body);

	reading->block = malloc(len + 1);
	reading->body = reading->block + 1;
	reading->len = len;
	for (size_t i = 0; i < len; i++)
		reading->block[i + 1] = body[i] == '\'' ? '"' : body[i];
	kg_refusal_init(&reading->refusal);
	reading->is_good = kg_multi_append_body_read(reading->body, len, limits,
	    default_version, &reading->multi, &reading->refusal);
	ck_assert_int_eq(reading->is_good, !reading->refusal.is_set);
}

static void
dispose(struct reading *reading)
{
	if (reading->is_good)
		kg_multi_append_body_dispose(&reading->multi);
	kg_refusal_dispose(&reading->refusal);
	free(reading->block);
}

static void
describe_event(struct kdb_buffer *out, const struct kdb_event *event)
{
	static const uint8_t nil[16];
	char id[KG_UUID_TEXT_LEN + 1] = "-";

	ck_assert_uint_eq(event->metadata.len, 0);
	if (memcmp(event->id, nil, 16) != 0)
		kg_uuid_print(event->id, id);
	kdb_buffer_put(out, event->type.data, event->type.len);
	kdb_buffer_put_text(out, event->is_json ? " J <" : " O <");
	kdb_buffer_put(out, event->data.data, event->data.len);
	kdb_buffer_put_char(out, '>');
	for (size_t i = 0; i < event->property_count; i++) {
		const struct kdb_property *property = &event->properties[i];

		kdb_buffer_put_char(out, ' ');
		kdb_buffer_put(out, property->key.data, property->key.len);
		kdb_buffer_put_char(out, '=');
		kdb_buffer_put(out, property->value.data, property->value.len);
	}
	kdb_buffer_put_printf(out, " %s;", id);
}

/* Groups as one line of text: "[name @version type J <data> key=value id;]" */
static char *
describe(const struct kg_multi_append_body *multi)
{
	struct kdb_buffer out;
	size_t len, events = 0;

	kdb_buffer_init(&out, 1 << 16);
	for (size_t i = 0; i < multi->stream_count; i++) {
		const struct kdb_stream_append *stream = &multi->streams[i];

		kdb_buffer_put_char(&out, '[');
		kdb_buffer_put(&out, stream->stream_name.data, stream->stream_name.len);
		kdb_buffer_put_printf(&out, " @%" PRId64 " ", stream->expected_version);
		for (size_t k = 0; k < stream->event_count; k++)
			describe_event(&out, &stream->events[k]);
		kdb_buffer_put_char(&out, ']');
		events += stream->event_count;
	}
	ck_assert_uint_eq(events, multi->event_count);
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

#define ID "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"
#define EVENT "{'type':'t','data':1}"
#define EVENTS "'events':[" EVENT "]"
#define V "'current_version':0"
#define GROUP(name) "{'stream_name':'" name "'," V "," EVENTS "}"
#define STREAMS(groups) "{'streams':[" groups "]}"
/* A body with one group that has one event of these members. */
#define ONE(members) STREAMS("{'stream_name':'s'," V ",'events':[{" members "}]}")
#define META(metadata) ONE("'type':'t','data':1,'metadata':" metadata)

static const struct {
	const char *body;
	const char *groups;
} good[] = {
	/* api-design 6 */
	{ "{ 'streams': [ { 'stream_name': 'student-1', 'current_version': 1, 'events': [ { "
	  "'type': 'StudentJoinedCourse', 'data': { 'course_id': 'course-1' }, 'metadata': { "
	  "'by': 'registrar' } } ] }, { 'stream_name': 'course-1', 'current_version': 0, "
	  "'events': [ { 'type': 'StudentJoinedCourse', 'data': {} } ] } ] }",
	    "[student-1 @1 StudentJoinedCourse J <{ \"course_id\": \"course-1\" }> "
	    "by=registrar -;][course-1 @0 StudentJoinedCourse J <{}> -;]" },
	/* members of a group in any order */
	{ STREAMS("{" EVENTS ",'current_version':'any','stream_name':'s'}"),
	    "[s @-2 t J <1> -;]" },
	{ STREAMS("{'stream\\u005fname':'\\u0073\\u00e9'," EVENTS
		  ",'current_version':'no_stream'}"),
	    "[s\xc3\xa9 @-1 t J <1> -;]" },
	/* properties stay with their events */
	{ STREAMS("{'stream_name':'s'," V ",'events':["
		  "{'type':'t','data':1,'metadata':{'a':'1','b':''}},"
		  "{'type':'u','data':2},{'type':'v','data':3,'metadata':{}},"
		  "{'metadata':{'c':'3'},'type':'w','data':4,'id':'" ID "'}]},"
		  "{'stream_name':'z'," V ",'events':["
		  "{'type':'x','data_base64':'QUJD','metadata':{'d':'4'}}]}"),
	    "[s @0 t J <1> a=1 b= -;u J <2> -;v J <3> -;w J <4> c=3 " ID
	    ";][z @0 x O <ABC> d=4 -;]" },
	{ META("{'\\u0061':'\\u00e9\\n\\ud83d\\ude00',' x':' '}"),
	    "[s @0 t J <1> a=\xc3\xa9\n\xf0\x9f\x98\x80  x=  -;]" },
	{ META("{'$schema':'a','$Schema.x':'b','$correlationId':'c'}"),
	    "[s @0 t J <1> $schema=a $Schema.x=b $correlationId=c -;]" },
	/* names that are near each other */
	{ STREAMS(GROUP("a") "," GROUP("aa") "," GROUP("b")),
	    "[a @0 t J <1> -;][aa @0 t J <1> -;][b @0 t J <1> -;]" },
	/* metadata streams */
	{ STREAMS("{'stream_name':'$$s'," V
		  ",'events':[{'type':'$metadata','data':{'$tb':1}}]},"
		  "{'events':[{'type':'$metadata','data':{'$tb':2}}]," V
		  ",'stream_name':'$$t'}"),
	    "[$$s @0 $metadata J <{\"$tb\":1}> -;][$$t @0 $metadata J <{\"$tb\":2}> -;]" },
	/* one whose name would only come later, and is none */
	{ STREAMS("{'events':[{'type':'t','data':{'stream_name':'$$s'}}]," V
		  ",'stream_name':'s'}"),
	    "[s @0 t J <{\"stream_name\":\"$$s\"}> -;]" },
};

START_TEST(good_bodies)
{
	struct reading reading;
	char *groups;

	read_body(&reading, good[_i].body, &usual, NULL);
	ck_assert_msg(reading.is_good, "%s: %s", good[_i].body, reading.refusal.detail);
	groups = describe(&reading.multi);
	ck_assert_str_eq(groups, good[_i].groups);
	free(groups);
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

#define INVALID KG_PROBLEM_INVALID_REQUEST
#define UNKNOWN KG_PROBLEM_UNKNOWN_MEMBER
#define DUPLICATE KG_PROBLEM_DUPLICATE_MEMBER
#define MALFORMED KG_PROBLEM_MALFORMED_JSON
#define TWICE KG_PROBLEM_DUPLICATE_STREAM
#define VARIANT KG_PROBLEM_CASE_VARIANT_STREAMS
#define TYPE KG_PROBLEM_INVALID_EVENT_TYPE
#define NOT_STRINGS KG_PROBLEM_METADATA_NOT_STRINGS
#define RESERVED KG_PROBLEM_RESERVED_METADATA_KEY
#define E0 " /streams/0/events/0"

static const struct {
	const char *body;
	enum kg_problem problem;
	const char *pointers; /* each behind a blank */
} bad[] = {
	/* step 15 */
	{ "", MALFORMED, "" },
	{ "{'streams':[{'x':1}]", MALFORMED, "" },
	{ STREAMS("{'events':[{'type':'t','data':1}],'stream_name':01}"), MALFORMED, "" },
	{ ONE("'type':'t','data':1,'metadata':{'a':'b',}"), MALFORMED, "" },
	/* step 16 */
	{ "[]", INVALID, " " },
	{ "{}", INVALID, " /streams" },
	{ "{'streams':{}}", INVALID, " /streams" },
	{ "{'stream':[]}", UNKNOWN, " /stream /streams" },
	{ "{'streams':[" GROUP("a") "],'streams':1}", DUPLICATE, " /streams" },
	{ STREAMS("1,[],null"), INVALID, " /streams/0 /streams/1 /streams/2" },
	{ STREAMS("{}"), INVALID,
	    " /streams/0/stream_name /streams/0/current_version /streams/0/events" },
	{ STREAMS("{'name':'a'," V "," EVENTS "}"), UNKNOWN,
	    " /streams/0/name /streams/0/stream_name" },
	{ STREAMS("{'stream_name':'a'," V "," V "," EVENTS "," EVENTS "}"), DUPLICATE,
	    " /streams/0/current_version /streams/0/events" },
	{ STREAMS("{'stream_name':1,'current_version':null,'events':{}}"), INVALID,
	    " /streams/0/stream_name /streams/0/current_version /streams/0/events" },
	{ STREAMS(GROUP("a") ",{'stream_name':'b'," V ",'events':[1,{'type':'t','dat':1}]}"),
	    INVALID,
	    " /streams/1/events/0 /streams/1/events/1/dat /streams/1/events/1/data" },
	{ ONE("'type':'t','data':1,'stream_name':'x'"), UNKNOWN, E0 "/stream_name" },
	{ META("{'a':'1','b':'2','a':'3','\\u0062':'4'}"), DUPLICATE,
	    E0 "/metadata/a" E0 "/metadata/b" },
	{ ONE("'type':'t','data':1,'metadata':{},'metadata_base64':''"), INVALID,
	    E0 "/metadata_base64" },
	{ ONE("'type':'t','data':1,'metadata_base64':1"), INVALID, E0 "/metadata_base64" },
	/* ... also where an earlier event has findings of the shape */
	{ STREAMS("{'stream_name':'a'," V
		  ",'events':[{},{'type':'t','data':1,'metadata':{'a':'','a':''}}]}"),
	    INVALID,
	    " /streams/0/events/0/type /streams/0/events/0/data "
	    "/streams/0/events/1/metadata/a" },
	/* step 17 */
	{ STREAMS(""), INVALID, " /streams" },
	{ STREAMS("{'stream_name':'a'," V ",'events':[]}"), INVALID, " /streams/0/events" },
	{ STREAMS(GROUP("") "," GROUP(" ") "," GROUP("$$") "," GROUP("$all") ","
		GROUP("\\u0000") "," GROUP("\\ud800")),
	    INVALID,
	    " /streams/0/stream_name /streams/1/stream_name /streams/2/stream_name "
	    "/streams/3/stream_name /streams/4/stream_name /streams/5/stream_name" },
	{ STREAMS("{'stream_name':'a','current_version':'deleted'," EVENTS "}"), INVALID,
	    " /streams/0/current_version" },
	{ STREAMS("{'stream_name':'a','current_version':1.0," EVENTS "}"), INVALID,
	    " /streams/0/current_version" },
	{ META("{'':'x'}"), INVALID, E0 "/metadata/" },
	{ META("{' \\u00a0':'x'}"), INVALID, E0 "/metadata/ \xc2\xa0" },
	{ META("{'a':'\\ud800','\\udc00':''}"), INVALID,
	    E0 "/metadata/a" E0 "/metadata/\xef\xbf\xbd" },
	/* metadata streams, wherever the name stands */
	{ STREAMS("{'stream_name':'$$a'," V "," EVENTS "}"), INVALID, E0 "/type" E0 "/data" },
	{ STREAMS("{" EVENTS "," V ",'stream_name':'$$a'}"), INVALID, E0 "/type" E0 "/data" },
	{ STREAMS("{" EVENTS "," V ",'x':[],'stream\\u005fname':'\\u0024$a'}"), UNKNOWN,
	    " /streams/0/x" },
	{ STREAMS("{'events':[{'type':'$metadata','data':{'$maxAge':1.5}}]," V
		  ",'stream_name':'\\u0024$a'}"),
	    INVALID, E0 "/data/$maxAge" },
	/* values are told in the order of the document */
	{ STREAMS("{'events':[{'type':'','data':1}],'current_version':'x','stream_name':''}"),
	    INVALID, E0 "/type /streams/0/current_version /streams/0/stream_name" },
	/* shape wins over values, values over rules */
	{ STREAMS(GROUP("") ",{'stream_name':'a'}"), INVALID,
	    " /streams/1/current_version /streams/1/events" },
	{ STREAMS(GROUP("a") "," GROUP("a") "," GROUP("")), INVALID,
	    " /streams/2/stream_name" },
	{ ONE("'type':'a b','data':1,'id':'x'"), INVALID, E0 "/id" },
	/* step 20 */
	{ STREAMS(GROUP("a") "," GROUP("b") "," GROUP("a") "," GROUP("a")), TWICE,
	    " /streams/2/stream_name /streams/3/stream_name" },
	{ STREAMS(GROUP("a") "," GROUP("A") "," GROUP("A")), VARIANT,
	    " /streams/1/stream_name /streams/2/stream_name" },
	{ STREAMS(GROUP("A") "," GROUP("A") "," GROUP("a")), TWICE,
	    " /streams/1/stream_name /streams/2/stream_name" },
	{ ONE("'type':'a b','data':1"), TYPE, E0 "/type" },
	{ ONE("'type':'e\\u0301','data':1"), TYPE, E0 "/type" },
	{ META("null"), NOT_STRINGS, E0 "/metadata" },
	{ META("[]"), NOT_STRINGS, E0 "/metadata" },
	{ META("'x'"), NOT_STRINGS, E0 "/metadata" },
	{ META("{'a':1,'b':'2','c':{'a':'b'},'d/':null}"), NOT_STRINGS,
	    E0 "/metadata/a" E0 "/metadata/c" E0 "/metadata/d~1" },
	{ ONE("'type':'t','data':1,'metadata_base64':''"), NOT_STRINGS,
	    E0 "/metadata_base64" },
	{ ONE("'type':'t','data':1,'metadata_base64':'!'"), NOT_STRINGS,
	    E0 "/metadata_base64" },
	{ META("{'a':'b','\\u0024schema.name':'x','$schema.':'y'}"), RESERVED,
	    E0 "/metadata/$schema.name" E0 "/metadata/$schema." },
	/* rules are told in the order of the document, too */
	{ STREAMS(GROUP("x") ",{'events':[{'type':'a b','data':1},{'type':'t','data':1,"
			     "'metadata':{'$schema.x':'','a':[]}}],"
			     "'stream_name':'x'," V "},"
			     "{'stream_name':'X'," V ",'events':[{'type':'-','data':1},"
			     "{'metadata':1,'type':'!','data':1}]}"),
	    TYPE,
	    " /streams/1/events/0/type /streams/1/events/1/metadata/$schema.x "
	    "/streams/1/events/1/metadata/a /streams/1/stream_name /streams/2/stream_name "
	    "/streams/2/events/1/metadata /streams/2/events/1/type" },
};

START_TEST(bad_bodies)
{
	struct reading reading;
	char *pointers;

	read_body(&reading, bad[_i].body, &usual, NULL);
	ck_assert_msg(!reading.is_good, "%s is taken", bad[_i].body);
	ck_assert_msg(reading.refusal.problem == bad[_i].problem, "%s: %s", bad[_i].body,
	    kg_problem_row(reading.refusal.problem)->code);
	pointers = describe_findings(&reading.refusal);
	ck_assert_str_eq(pointers, bad[_i].pointers);
	free(pointers);
	dispose(&reading);
}
END_TEST

START_TEST(what_is_told_of_names)
{
	struct reading reading;

	read_body(&reading, STREAMS(GROUP("a") "," GROUP("b") "," GROUP("B") "," GROUP("a")),
	    &usual, NULL);
	ck_assert_uint_eq(reading.refusal.finding_count, 2);
	ck_assert_ptr_nonnull(strstr(reading.refusal.findings[0].detail,
	    "differs from that of /streams/1 by letter case only"));
	ck_assert_str_eq(reading.refusal.findings[1].detail,
	    "The stream of /streams/0 stands here again.");
	dispose(&reading);
}
END_TEST

START_TEST(default_expectation)
{
	const int64_t default_version = KDB_VERSION_EXISTS;
	struct reading reading;
	char *groups;

	read_body(&reading, STREAMS("{'stream_name':'a'," EVENTS "}," GROUP("b")), &usual,
	    &default_version);
	ck_assert(reading.is_good);
	groups = describe(&reading.multi);
	ck_assert_str_eq(groups, "[a @-4 t J <1> -;][b @0 t J <1> -;]");
	free(groups);
	dispose(&reading);
}
END_TEST

static const struct {
	const char *body;
	size_t max_events;
	size_t events; /* 0: not too many */
} crowds[] = {
	{ STREAMS(GROUP("a") "," GROUP("b")), 2, 0 },
	{ STREAMS(GROUP("a") "," GROUP("b")), 1, 2 },
	{ STREAMS("{'stream_name':'a'," V ",'events':[" EVENT "," EVENT "," EVENT "]},"
		GROUP("b") "," GROUP("c")),
	    2, 5 },
	/* step 19 wins over step 20 */
	{ STREAMS(GROUP("a") "," GROUP("a") "," GROUP("A")), 1, 3 },
	{ STREAMS("{'stream_name':'a'," V ",'events':["
		  "{'type':'t','data':1,'metadata':{'a':'b'}},"
		  "{'type':'! !','data':1,'metadata':{'a':1,'$schema.a':''}}]}"),
	    1, 2 },
};

START_TEST(events_are_counted_over_all_groups)
{
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.max_events = crowds[_i].max_events;
	read_body(&reading, crowds[_i].body, &limits, NULL);
	ck_assert_int_eq(reading.is_good, crowds[_i].events == 0);
	if (!reading.is_good) {
		ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_APPEND_TOO_LARGE);
		ck_assert_str_eq(reading.refusal.limit_unit, "events");
		ck_assert_int_eq(reading.refusal.limit, (int64_t)limits.max_events);
		ck_assert_int_eq(reading.refusal.actual, (int64_t)crowds[_i].events);
	}
	dispose(&reading);
}
END_TEST

START_TEST(surplus_events_are_judged)
{
	struct kg_append_limits limits = usual;
	struct reading reading;
	char *pointers;

	limits.max_events = 1;
	read_body(&reading,
	    STREAMS(GROUP("a") ",{'stream_name':''," V ",'events':[{'type':'t','data':1,"
			       "'metadata':{'a':'1','a':'2'}},{}]}"),
	    &limits, NULL);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_DUPLICATE_MEMBER);
	pointers = describe_findings(&reading.refusal);
	ck_assert_str_eq(pointers,
	    " /streams/1/events/0/metadata/a /streams/1/events/1/type "
	    "/streams/1/events/1/data");
	free(pointers);
	dispose(&reading);
}
END_TEST

/* Writes count copies of a piece of a body, with a number in it. */
static char *
repeat(const char *head, const char *piece, size_t count, const char *tail)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, 1 << 26);
	kdb_buffer_put_text(&out, head);
	for (size_t i = 0; i < count; i++) {
		const char *at = strchr(piece, '#');

		if (i > 0)
			kdb_buffer_put_char(&out, ',');
		kdb_buffer_put(&out, piece, (size_t)(at - piece));
		kdb_buffer_put_printf(&out, "%zu%s", i, at + 1);
	}
	kdb_buffer_put_text(&out, tail);
	kdb_buffer_put_char(&out, '\0');
	ck_assert(!out.is_overflowed);
	return kdb_buffer_take(&out, &len);
}

/* The first sixteen in the order of the document, wherever they were met. */
START_TEST(findings_end_at_sixteen)
{
	char *body = repeat("{'streams':[" GROUP("n7") ",", GROUP("n#"), 20,
	    ",{'stream_name':'z'," V ",'events':[{'type':'!','data':1}]},"
	    "{'stream_name':'N1'," V ",'events':[{'type':'!','data':1}]}]}");
	struct reading reading;

	read_body(&reading, body, &usual, NULL);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_DUPLICATE_STREAM);
	ck_assert_uint_eq(reading.refusal.finding_count, 4);
	ck_assert_str_eq(reading.refusal.findings[3].pointer, "/streams/22/events/0/type");
	dispose(&reading);
	free(body);
	body = repeat("{'streams':[", "{'stream_name':'a'," V
				      ",'events':[{'type':'!#','data':1}]}",
	    20, "]}");
	read_body(&reading, body, &usual, NULL);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_EVENT_TYPE);
	ck_assert_uint_eq(reading.refusal.finding_count, 16);
	ck_assert_str_eq(reading.refusal.findings[1].pointer, "/streams/1/stream_name");
	ck_assert_str_eq(reading.refusal.findings[15].pointer, "/streams/8/stream_name");
	dispose(&reading);
	free(body);
}
END_TEST

/* As many groups, names and keys as a body holds take no longer than other bodies. */
START_TEST(hostile_bodies)
{
	static const struct {
		const char *head, *piece, *tail;
		size_t count;
		enum kg_problem problem;
	} bodies[] = {
		{ "{'streams':[", "{},#", "]}", 1000000, INVALID },
		{ "{'streams':[" GROUP("a") ",", GROUP("#"), "]}", 100000,
		    KG_PROBLEM_APPEND_TOO_LARGE },
		{ "{'streams':[{'stream_name':'a'," V
		  ",'events':[{'type':'t','data':1,'metadata':{",
		    "'#':'\\n'", ",'7':''}}]}]}", 500000, DUPLICATE },
		{ "{'streams':[{'stream_name':'a'," V
		  ",'events':[{'type':'t','data':1,'metadata':{",
		    "'#':1", "}}]}]}", 500000, NOT_STRINGS },
		{ "{'streams':[{'stream_name':'a'," V
		  ",'events':[{'type':'t','data':1,'metadata':{'a':'',",
		    "'a':'','b#':''", "}}]}]}", 500000, DUPLICATE },
	};
	struct reading reading;
	char *body = repeat(bodies[_i].head, bodies[_i].piece, bodies[_i].count,
	    bodies[_i].tail);

	read_body(&reading, body, &usual, NULL);
	ck_assert_int_eq(reading.refusal.problem, bodies[_i].problem);
	dispose(&reading);
	free(body);
}
END_TEST

#define NESTED(value)                                                                    \
	{ STREAMS("{'stream_name':'$$a'," V                                              \
		  ",'events':[{'type':'$metadata','data':{'a':" value "}}]}"),           \
	    STREAMS("{'events':[{'type':'$metadata','data':{'a':" value "}}]," V         \
		    ",'stream_name':'$$a'}"),                                            \
	    STREAMS("{'events':[{'type':'$metadata','data':{'$tb':" value "}}]," V       \
		    ",'stream_name':'$$a'}") }

/* Depth counts from the payload, also when the group is looked through for its name first. */
START_TEST(depth_counts_from_the_payload)
{
	static const char *const deep[] = NESTED("[[]]");
	static const char *const too_deep[] = NESTED("[[[]]]");
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.max_depth = 3;
	read_body(&reading, deep[_i], &limits, NULL);
	ck_assert_int_eq(reading.is_good, _i != 2);
	if (_i == 2)
		ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	dispose(&reading);
	read_body(&reading, too_deep[_i], &limits, NULL);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_MALFORMED_JSON);
	dispose(&reading);
}
END_TEST

static const struct {
	const char *body;
	bool is_good;
	enum kg_problem problem;
} unchecked[] = {
	{ ONE("'type':'t','data':{'a':tru}"), true, 0 },
	/* what becomes properties, and what the database obeys, must be JSON in any case */
	{ META("{'a':tru}"), false, KG_PROBLEM_MALFORMED_JSON },
	{ STREAMS("{'stream_name':'$$a'," V
		  ",'events':[{'type':'$metadata','data':{'a':tru}}]}"),
	    false, KG_PROBLEM_MALFORMED_JSON },
	{ STREAMS("{'events':[{'type':'$metadata','data':{'a':tru}}]," V
		  ",'stream_name':'$$a'}"),
	    false, KG_PROBLEM_MALFORMED_JSON },
};

START_TEST(payloads_can_go_unchecked)
{
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.validate_payloads = false;
	read_body(&reading, unchecked[_i].body, &limits, NULL);
	ck_assert_int_eq(reading.is_good, unchecked[_i].is_good);
	if (!reading.is_good)
		ck_assert_int_eq(reading.refusal.problem, unchecked[_i].problem);
	dispose(&reading);
}
END_TEST

START_TEST(types_for_older_servers)
{
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.is_type_ascii_only = true;
	read_body(&reading, ONE("'type':'\\u00e9','data':1"), &limits, NULL);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_EVENT_TYPE);
	ck_assert_ptr_nonnull(strstr(reading.refusal.detail, "older than 26.1"));
	dispose(&reading);
	read_body(&reading, ONE("'type':'\\u00e9','data':1"), &usual, NULL);
	ck_assert(reading.is_good);
	dispose(&reading);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("multi_append_body");
	TCase *tcase = tcase_create("multi_append_body");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, good_bodies, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_bodies, 0, COUNT(bad));
	tcase_add_test(tcase, what_is_told_of_names);
	tcase_add_test(tcase, default_expectation);
	tcase_add_loop_test(tcase, events_are_counted_over_all_groups, 0, COUNT(crowds));
	tcase_add_test(tcase, surplus_events_are_judged);
	tcase_add_test(tcase, findings_end_at_sixteen);
	tcase_add_loop_test(tcase, hostile_bodies, 0, 5);
	tcase_add_loop_test(tcase, depth_counts_from_the_payload, 0, 3);
	tcase_add_loop_test(tcase, payloads_can_go_unchecked, 0, COUNT(unchecked));
	tcase_add_test(tcase, types_for_older_servers);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
