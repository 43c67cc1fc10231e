/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of append-records: what becomes of records and checks, and each refusal with its
 * places. In the bodies of the tables, ' stands for ". */
#include "client-core/base/buffer.h"
#include "daemon/append_records_body.h"
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
	bool is_good;
	struct kg_append_records_body append;
	struct kg_refusal refusal;
};

static void
read_body(struct reading *reading, const char *body, const struct kg_append_limits *limits)
{
	size_t len = strlen(body);

	reading->block = malloc(len + 1);
	reading->body = reading->block + 1;
	for (size_t i = 0; i < len; i++)
		reading->block[i + 1] = body[i] == '\'' ? '"' : body[i];
	kg_refusal_init(&reading->refusal);
	reading->is_good = kg_append_records_body_read(
	    reading->body, len, limits, &reading->append, &reading->refusal);
	ck_assert_int_eq(reading->is_good, !reading->refusal.is_set);
}

static void
dispose(struct reading *reading)
{
	if (reading->is_good)
		kg_append_records_body_dispose(&reading->append);
	kg_refusal_dispose(&reading->refusal);
	free(reading->block);
}

static void
describe_record(struct kdb_buffer *out, const struct kdb_record *record)
{
	const struct kdb_event *event = &record->event;

	kdb_buffer_put_printf(out, "%zu:", record->stream_index);
	kdb_buffer_put(out, event->type.data, event->type.len);
	kdb_buffer_put_text(out, event->is_json ? " J <" : " O <");
	kdb_buffer_put(out, event->data.data, event->data.len);
	kdb_buffer_put_char(out, '>');
	for (size_t i = 0; i < event->property_count; i++) {
		kdb_buffer_put_char(out, ' ');
		kdb_buffer_put(
		    out, event->properties[i].key.data, event->properties[i].key.len);
		kdb_buffer_put_char(out, '=');
		kdb_buffer_put(
		    out, event->properties[i].value.data, event->properties[i].value.len);
	}
	kdb_buffer_put_char(out, ';');
}

/* As one line of text: "a@-1#0 b@-2#1 | 0:type J <data> key=value; | a@-1": streams with
 * expectation and first record, records, checks. */
static char *
describe(const struct kg_append_records_body *append)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, 1 << 16);
	for (size_t i = 0; i < append->stream_count; i++) {
		kdb_buffer_put(
		    &out, append->stream_names[i].data, append->stream_names[i].len);
		kdb_buffer_put_printf(&out, "@%" PRId64 "#%zu ",
		    append->streams[i].expected_state, append->streams[i].first_record);
	}
	kdb_buffer_put_text(&out, "|");
	for (size_t i = 0; i < append->record_count; i++) {
		kdb_buffer_put_char(&out, ' ');
		describe_record(&out, &append->records[i]);
	}
	kdb_buffer_put_text(&out, " |");
	for (size_t i = 0; i < append->check_count; i++) {
		kdb_buffer_put_char(&out, ' ');
		kdb_buffer_put(&out, append->checks[i].stream_name.data,
		    append->checks[i].stream_name.len);
		kdb_buffer_put_printf(&out, "@%" PRId64, append->checks[i].expected_state);
	}
	kdb_buffer_put_char(&out, '\0');
	return kdb_buffer_take(&out, &len);
}

#define R(name) "{'stream_name':'" name "','type':'t','data':1}"
#define C(name, state) "{'stream_name':'" name "','expected_state':" state "}"
#define RECORDS(records) "{'records':[" records "]}"
#define BOTH(records, checks) "{'records':[" records "],'checks':[" checks "]}"
#define ONE(members) RECORDS("{'stream_name':'s'," members "}")

static const struct {
	const char *body;
	const char *content;
} good[] = {
	/* api-design 7 */
	{ "{ 'records': [ { 'stream_name': 'student-2', 'type': 'StudentRegistered', 'data': {} },"
	  "{ 'stream_name': 'course-2', 'type': 'StudentJoinedCourse', 'data': [ ] },"
	  "{ 'stream_name': 'student-2', 'type': 'StudentJoinedCourse', 'data': null } ],"
	  "'checks': [ { 'stream_name': 'student-2', 'expected_state': 'no_stream' },"
	  "{ 'stream_name': 'course-2', 'expected_state': 0 },"
	  "{ 'stream_name': 'term-2026', 'expected_state': 'exists' } ] }",
	    "student-2@-1#0 course-2@0#1 | 0:StudentRegistered J <{}>; "
	    "1:StudentJoinedCourse J <[ ]>; 0:StudentJoinedCourse J <null>; | "
	    "student-2@-1 course-2@0 term-2026@-4" },
	{ RECORDS(R("a")), "a@-2#0 | 0:t J <1>; |" },
	{ BOTH(R("a"), ""), "a@-2#0 | 0:t J <1>; |" },
	/* checks may stand first, and then do not order the streams */
	{ "{'checks':[" C("b", "7") "," C("a", "'7'") "," C("x", "-1") "],'records':[" R("a")
	  "," R("b") "," R("a") "]}",
	    "a@7#0 b@7#1 | 0:t J <1>; 1:t J <1>; 0:t J <1>; | b@7 a@7 x@-1" },
	/* states */
	{ BOTH(R("a"),
	      C("b", "'deleted'") "," C("c", "'tombstoned'") "," C("d", "-4") ","
	      C("e", "'exists'") "," C("f", "'\\u006eo_stream'") ","
	      C("g", "9223372036854775807")),
	    "a@-2#0 | 0:t J <1>; | b@-5 c@-6 d@-4 e@-4 f@-1 g@9223372036854775807" },
	{ BOTH(R("a"), C("a", "'tombstoned'")), "a@-6#0 | 0:t J <1>; | a@-6" },
	/* members in any order; properties stay with their records */
	{ RECORDS("{'metadata':{'k':'v'},'data':1,'type':'t','stream_name':'\\u0061'},"
		  R("b") ",{'stream_name':'a','type':'u','data_base64':'QUJD',"
		  "'metadata':{'l':'w','m':''}}"),
	    "a@-2#0 b@-2#1 | 0:t J <1> k=v; 1:t J <1>; 0:u O <ABC> l=w m=; |" },
	/* one stream by two spellings of its name in JSON */
	{ BOTH(R("a") "," R("\\u0061"), C("\\u0061", "0")),
	    "a@0#0 | 0:t J <1>; 0:t J <1>; | a@0" },
	/* metadata streams beside others */
	{ RECORDS(R("a") ",{'type':'$metadata','data':{'$tb':1},'stream_name':'$$a'}," R("b")),
	    "a@-2#0 $$a@-2#1 b@-2#2 | 0:t J <1>; 1:$metadata J <{\"$tb\":1}>; 2:t J <1>; |" },
	{ BOTH(R("a"), C("$$a", "3")), "a@-2#0 | 0:t J <1>; | $$a@3" },
};

START_TEST(good_bodies)
{
	struct reading reading;
	char *content;

	read_body(&reading, good[_i].body, &usual);
	ck_assert_msg(reading.is_good, "%s: %s", good[_i].body, reading.refusal.detail);
	content = describe(&reading.append);
	ck_assert_str_eq(content, good[_i].content);
	free(content);
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

static const struct {
	const char *body;
	enum kg_problem problem;
	const char *pointers; /* each behind a blank */
} bad[] = {
	/* step 15 */
	{ "{'records':[" R("a") "],'checks':[{'stream_name':'a','expected_state':+1}]}",
	    MALFORMED, "" },
	{ RECORDS("{'x':1}") "}", MALFORMED, "" },
	/* step 16 */
	{ "7", INVALID, " " },
	{ "{}", INVALID, " /records" },
	{ "{'checks':[]}", INVALID, " /records" },
	{ "{'records':{},'checks':null}", INVALID, " /records /checks" },
	{ "{'records':[" R("a") "],'check':[],'records':[],'checks':[],'checks':0}", UNKNOWN,
	    " /check /records /checks" },
	{ RECORDS("1,[]"), INVALID, " /records/0 /records/1" },
	{ RECORDS("{}"), INVALID,
	    " /records/0/stream_name /records/0/type /records/0/data" },
	{ RECORDS("{'stream_name':null,'type':1,'data':1}"), INVALID,
	    " /records/0/stream_name /records/0/type" },
	{ RECORDS("{'stream_nam':'a','type':'t','data':1}"), UNKNOWN,
	    " /records/0/stream_nam /records/0/stream_name" },
	{ RECORDS("{'stream_name':'a','stream_name':'a','type':'t','data':1}"), DUPLICATE,
	    " /records/0/stream_name" },
	{ RECORDS("{'stream_name':'a','type':'t','data':1,'current_version':1}"), UNKNOWN,
	    " /records/0/current_version" },
	{ BOTH(R("a"), "1"), INVALID, " /checks/0" },
	{ BOTH(R("a"), "{}"), INVALID, " /checks/0/stream_name /checks/0/expected_state" },
	{ BOTH(R("a"), "{'stream_name':1,'expected_state':[],'expected':0}"), INVALID,
	    " /checks/0/stream_name /checks/0/expected_state /checks/0/expected" },
	{ BOTH(R("a"), "{'stream_name':'a','expected_state':0,'expected_state':0}"),
	    DUPLICATE, " /checks/0/expected_state" },
	{ ONE("'type':'t','data':1,'metadata':{'a':'','a':''}"), DUPLICATE,
	    " /records/0/metadata/a" },
	/* step 17 */
	{ "{'records':[]}", INVALID, " /records" },
	{ RECORDS(R("") "," R("\\u3000") "," R("$$") "," R("$all") "," R("a\\u0000") ","
		R("\\udc00")),
	    INVALID,
	    " /records/0/stream_name /records/1/stream_name /records/2/stream_name "
	    "/records/3/stream_name /records/4/stream_name /records/5/stream_name" },
	{ BOTH(R("a"), C("", "0") "," C("b", "'any'") "," C("c", "-2") "," C("d", "'-2'") ","
			   C("e", "-5") "," C("f", "'-6'") "," C("g", "'Deleted'") ","
			   C("h", "1.0") "," C("i", "9223372036854775808") ","
			   C("j", "-0") "," C("k", "''")),
	    INVALID,
	    " /checks/0/stream_name /checks/1/expected_state /checks/2/expected_state "
	    "/checks/3/expected_state /checks/4/expected_state /checks/5/expected_state "
	    "/checks/6/expected_state /checks/7/expected_state /checks/8/expected_state "
	    "/checks/9/expected_state /checks/10/expected_state" },
	{ RECORDS("{'type':'t','data':1,'stream_name':'$$a'}"), INVALID,
	    " /records/0/type /records/0/data" },
	{ RECORDS(R("a") ",{'data':{'$acl':1},'type':'$metadata','stream_name':'\\u0024$a'}"),
	    INVALID, " /records/1/data/$acl" },
	{ ONE("'type':'t','data':1,'metadata':{'':'x'}"), INVALID, " /records/0/metadata/" },
	/* shape wins over values, values over rules */
	{ BOTH(R("") "," R(""), C("a", "'any'") ",{}"), INVALID,
	    " /checks/1/stream_name /checks/1/expected_state" },
	{ BOTH(R("a") "," R("A"), C("x", "0") "," C("x", "'any'")), INVALID,
	    " /checks/1/expected_state" },
	/* step 20 */
	{ RECORDS(R("a") "," R("A") "," R("A") "," R("a")), VARIANT,
	    " /records/1/stream_name" },
	{ BOTH(R("a") "," R("b"), C("c", "0") "," C("B", "0") "," C("A", "0")), VARIANT,
	    " /checks/1/stream_name /checks/2/stream_name" },
	{ "{'checks':[" C("\\u00e9", "0") "],'records':[" R("a") "," R("\\u00c9") "]}",
	    VARIANT, " /records/1/stream_name" },
	{ BOTH(R("a"), C("x", "0") "," C("y", "0") "," C("x", "0") "," C("x", "1")), TWICE,
	    " /checks/2/stream_name /checks/3/stream_name" },
	{ BOTH(R("a"), C("x", "0") "," C("X", "0") "," C("x", "0")), VARIANT,
	    " /checks/1/stream_name /checks/2/stream_name" },
	{ ONE("'type':'a b','data':1,'metadata':{'k':1,'$schema.x':'y'}"), TYPE,
	    " /records/0/type /records/0/metadata/k /records/0/metadata/$schema.x" },
	{ ONE("'type':'t','data':1,'metadata':'{}'"), NOT_STRINGS, " /records/0/metadata" },
	{ ONE("'type':'t','data':1,'metadata_base64':'e30='"), NOT_STRINGS,
	    " /records/0/metadata_base64" },
	{ ONE("'type':'t','data':1,'metadata':{'$schema.format':'Json'}"), RESERVED,
	    " /records/0/metadata/$schema.format" },
	/* in the order of the document, not of the arrays */
	{ "{'checks':[" C("q", "0") "," C("Q", "0") "],'records':[" R("q")
	  ",{'type':'!','stream_name':'Q','data':1},{'stream_name':'qq','type':'!','data':1},"
	  "{'type':'!','stream_name':'QQ','data':1}]}",
	    VARIANT,
	    " /checks/1/stream_name /records/1/type /records/2/type /records/3/type "
	    "/records/3/stream_name" },
};

START_TEST(bad_bodies)
{
	struct reading reading;
	char *pointers;

	read_body(&reading, bad[_i].body, &usual);
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

	read_body(&reading,
	    BOTH(R("a") "," R("b"), C("B", "0") "," C("x", "0") "," C("x", "0")), &usual);
	ck_assert_uint_eq(reading.refusal.finding_count, 2);
	ck_assert_ptr_nonnull(strstr(reading.refusal.findings[0].detail,
	    "differs from that of /records/1 by letter case only"));
	ck_assert_str_eq(reading.refusal.findings[1].detail,
	    "The stream of /checks/1 stands here again: one check is enough.");
	dispose(&reading);
	read_body(&reading, BOTH(R("a"), C("b", "'any'")), &usual);
	ck_assert_str_eq(reading.refusal.findings[0].detail,
	    "A stream that may be in any state needs no check.");
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

static const struct {
	const char *head, *piece, *tail;
	size_t count;
	const char *unit; /* NULL: not too many */
	int64_t limit;
} crowds[] = {
	{ "{'records':[", R("#"), "]}", 1000, NULL, 0 },
	{ "{'records':[", R("#"), "]}", 1001, "events", 1000 },
	{ "{'records':[" R("a") "],'checks':[", C("#", "0"), "]}", 1000, NULL, 0 },
	{ "{'records':[" R("a") "],'checks':[", C("#", "0"), "]}", 1001, "checks", 1000 },
	/* step 19 wins over step 20; events come before checks */
	{ "{'records':[" R("a") "," R("A") "],'checks':[", C("#", "0"), "]}", 1001, "checks",
	    1000 },
	{ "{'records':[", R("#"), "],'checks':[" C("n1", "0") "," C("n1", "0") "]}", 1001,
	    "events", 1000 },
};

START_TEST(numbers_are_limited)
{
	char *body = repeat(
	    crowds[_i].head, crowds[_i].piece, crowds[_i].count, crowds[_i].tail);
	struct reading reading;

	read_body(&reading, body, &usual);
	if (crowds[_i].unit) {
		ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_APPEND_TOO_LARGE);
		ck_assert_str_eq(reading.refusal.limit_unit, crowds[_i].unit);
		ck_assert_int_eq(reading.refusal.limit, crowds[_i].limit);
		ck_assert_int_eq(reading.refusal.actual, (int64_t)crowds[_i].count);
	} else {
		ck_assert(!reading.refusal.is_set
		    || reading.refusal.problem != KG_PROBLEM_APPEND_TOO_LARGE);
	}
	dispose(&reading);
	free(body);
}
END_TEST

/* As many records, checks and names as a body holds take no longer than other bodies. */
static const struct {
	const char *head, *piece, *tail;
	size_t count;
	enum kg_problem problem;
} hostile[] = {
	{ "{'records':[", R("#"), "]}", 200000, KG_PROBLEM_APPEND_TOO_LARGE },
	{ "{'records':[" R("a") "],'checks':[", C("#", "0"), "]}", 200000,
	    KG_PROBLEM_APPEND_TOO_LARGE },
	{ "{'records':[" R("a") "],'checks':[", "{},#", "]}", 1000000, INVALID },
	{ "{'records':[", "#", "]}", 1000000, INVALID },
};

START_TEST(hostile_bodies)
{
	char *body = repeat(
	    hostile[_i].head, hostile[_i].piece, hostile[_i].count, hostile[_i].tail);
	struct reading reading;

	read_body(&reading, body, &usual);
	ck_assert_int_eq(reading.refusal.problem, hostile[_i].problem);
	dispose(&reading);
	free(body);
}
END_TEST

START_TEST(payloads_can_go_unchecked)
{
	struct kg_append_limits limits = usual;
	struct reading reading;

	limits.validate_payloads = false;
	read_body(&reading, ONE("'type':'t','data':{'a':tru}"), &limits);
	ck_assert(reading.is_good);
	dispose(&reading);
	/* The name may come only behind the data: then what is broken is told as a value. */
	read_body(&reading,
	    RECORDS("{'type':'$metadata','data':{'a':tru},'stream_name':'$$a'}"), &limits);
	ck_assert_int_eq(reading.refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	ck_assert_str_eq(reading.refusal.findings[0].pointer, "/records/0/data");
	dispose(&reading);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("append_records_body");
	TCase *tcase = tcase_create("append_records_body");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, good_bodies, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_bodies, 0, COUNT(bad));
	tcase_add_test(tcase, what_is_told_of_names);
	tcase_add_loop_test(tcase, numbers_are_limited, 0, COUNT(crowds));
	tcase_add_loop_test(tcase, hostile_bodies, 0, COUNT(hostile));
	tcase_add_test(tcase, payloads_can_go_unchecked);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
