/* SPDX-License-Identifier: Apache-2.0 */
/* CloudEvents in binary mode: what is taken from header fields, and each refusal. */
#include "client-core/base/buffer.h"
#include "daemon/cloudevent.h"
#include "tests/unit/head_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

enum { NAME_MAX_BYTES = 12 };

struct reading {
	struct head_text made;
	struct kg_cloudevent cloudevent;
	struct kg_refusal refusal;
};

static void
read_head(struct reading *reading, const char *fields)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, 1 << 16);
	kdb_buffer_put_text(&text, "POST /");
	kdb_buffer_put_text(&text, fields);
	kdb_buffer_put_char(&text, '\0');
	head_text_init(&reading->made, text.data);
	kdb_buffer_dispose(&text);
	kg_refusal_init(&reading->refusal);
	reading->cloudevent = (struct kg_cloudevent){0};
	if (kg_cloudevent_check_form(&reading->made.head, &reading->refusal))
		kg_cloudevent_read(&reading->made.head, NAME_MAX_BYTES,
		    &reading->cloudevent, &reading->refusal);
}

static void
dispose(struct reading *reading)
{
	kg_cloudevent_dispose(&reading->cloudevent);
	kg_refusal_dispose(&reading->refusal);
	head_text_dispose(&reading->made);
}

static void
assert_text(struct kdb_bytes bytes, const char *text)
{
	ck_assert_uint_eq(bytes.len, strlen(text));
	ck_assert_mem_eq(bytes.data, text, bytes.len);
}

#define CE "\nce-specversion: 1.0\nce-type: t\nce-source: /s\nce-id: 1"
#define META                                                                             \
	"\"ce-specversion\":\"1.0\",\"ce-type\":\"t\",\"ce-source\":\"/s\",\"ce-id\":"   \
	"\"1\""

static const struct {
	const char *fields;
	const char *type, *source, *id, *metadata;
} good[] = {
    {CE, "t", "/s", "1", "{" META "}"},
    {"\nHost: a" CE
     "\nContent-Type: application/json; charset=utf-8\nce-time: x\nAccept: b",
	"t", "/s", "1",
	"{" META ",\"ce-time\":\"x\",\"ce-datacontenttype\":"
	"\"application/json; charset=utf-8\"}"},
    /* any order and letter case */
    {"\nCE-Id: 1\nce-subject: a\nCe-Source: /s\nCe-Type: t\nCe-Specversion: 1.0", "t",
	"/s", "1",
	"{\"ce-id\":\"1\",\"ce-subject\":\"a\",\"ce-source\":\"/s\",\"ce-type\":\"t\","
	"\"ce-specversion\":\"1.0\"}"},
    /* percent escapes, once */
    {"\nce-specversion: 1%2e0\nce-type: a%20b\nce-source: %2Fs%2541\nce-id: %C3%A9%22",
	"a b", "/s%41", "\xc3\xa9\"",
	"{\"ce-specversion\":\"1.0\",\"ce-type\":\"a b\",\"ce-source\":\"/s%41\","
	"\"ce-id\":\"\xc3\xa9\\\"\"}"},
    {CE "\nce-a: Euro%20%E2%82%AC%20%F0%9F%98%80\nce-b: \xc3\xa9+\nce-c: %09\\", "t",
	"/s", "1",
	"{" META
	",\"ce-a\":\"Euro \xe2\x82\xac \xf0\x9f\x98\x80\",\"ce-b\":\"\xc3\xa9+\","
	"\"ce-c\":\"\\u0009\\\\\"}"},
    /* quotes of older senders, before percent escapes; others are text */
    {CE "\nce-a: \"x \\\"\\y\\\" %41\"\nce-b: \"\"\nce-c: \"a\" \"b\"\nce-d: \"\nce-e: "
	"\"a"
	"\nce-f: \"a\\\"\nce-g: a\"b\"",
	"t", "/s", "1",
	"{" META ",\"ce-a\":\"x \\\"y\\\" A\",\"ce-b\":\"\",\"ce-c\":\"\\\"a\\\" "
	"\\\"b\\\"\",\"ce-d\":\"\\\"\",\"ce-e\":\"\\\"a\",\"ce-f\":\"\\\"a\\\\\\\"\","
	"\"ce-g\":\"a\\\"b\\\"\"}"},
    /* extensions, empty values, digits */
    {CE "\nce-traceparent: 00-1\nce-subject:\nce-7: 8", "t", "/s", "1",
	"{" META ",\"ce-traceparent\":\"00-1\",\"ce-subject\":\"\",\"ce-7\":\"8\"}"},
    /* no attributes: other headers, no media type */
    {CE "\ncex: 1\n" "ce: 2\nxce-a: 3\nContent-Type:", "t", "/s", "1", "{" META "}"},
    {CE "\nContent-Type: \"\xc3\xa9%C3", "t", "/s", "1",
	"{" META ",\"ce-datacontenttype\":\"\\\"\xc3\xa9%C3\"}"},
};

START_TEST(good_heads)
{
	struct reading reading;

	read_head(&reading, good[_i].fields);
	ck_assert_msg(
	    !reading.refusal.is_set, "%s: %s", good[_i].fields, reading.refusal.detail);
	assert_text(reading.cloudevent.type, good[_i].type);
	assert_text(reading.cloudevent.source, good[_i].source);
	assert_text(reading.cloudevent.id, good[_i].id);
	assert_text((struct kdb_bytes){reading.cloudevent.metadata.data,
			reading.cloudevent.metadata.len},
	    good[_i].metadata);
	dispose(&reading);
}
END_TEST

static const struct {
	const char *fields;
	const char *pointers;
} bad[] = {
    {"\nHost: a", "header:ce-specversion header:ce-type header:ce-source header:ce-id"},
    {"\nce-specversion: 1.0\nce-type: t\nce-source: /s", "header:ce-id"},
    {"\nce-id:\nce-specversion:\nce-type: \"\"\nce-source:",
	"header:ce-id header:ce-specversion header:ce-type header:ce-source"},
    {"\nce-specversion: 0.3\nce-type: 1234567890123\nce-source: /s\nce-id: 1",
	"header:ce-specversion header:ce-type"},
    {"\nce-specversion: 1.0\nce-type: 123456789012%33\nce-source: /s\nce-id: 1",
	"header:ce-type"},
    {CE "\nce-a_b: 1\nCE-A-B: 2\nce-: 3\nce-!: 4",
	"header:ce-a_b header:ce-a-b header:ce- header:ce-!"},
    {CE "\nce-data: 1\nCe-DataContentType: a/b\nce-data_base64: AA==",
	"header:ce-data header:ce-datacontenttype header:ce-data_base64"},
};

START_TEST(bad_heads)
{
	struct reading reading;
	struct kdb_buffer found;

	read_head(&reading, bad[_i].fields);
	ck_assert_int_eq((int)reading.refusal.problem, KG_PROBLEM_INVALID_REQUEST);
	kdb_buffer_init(&found, 1 << 12);
	for (size_t i = 0; i < reading.refusal.finding_count; i++)
		kdb_buffer_put_printf(&found, "%s%s", i == 0 ? "" : " ",
		    reading.refusal.findings[i].pointer);
	kdb_buffer_put_char(&found, '\0');
	ck_assert_str_eq(found.data, bad[_i].pointers);
	kdb_buffer_dispose(&found);
	dispose(&reading);
}
END_TEST

/* The name of the header is told, and nothing else is looked at. */
static const struct {
	const char *fields;
	const char *name;
} malformed[] = {
    {CE "\nCE-ID: 1", " CE-ID "},
    {"\nce-_: 3\nce-x: 1\nce-x: 1", " ce-x "},
    {CE "\nce-a: %", " ce-a "},
    {CE "\nce-a: %4", " ce-a "},
    {CE "\nce-a: %zz\nce-b: %zz", " ce-a "},
    {CE "\nce-a: \"%4\\\"", " ce-a "},
    {CE "\nce-a: %00", " ce-a "},
    {CE "\nce-a: \"\\%00\"", " ce-a "},
    {CE "\nce-a: %ff", " ce-a "},
    {CE "\nce-a: \xff", " ce-a "},
    {CE "\nce-a: %C0%A0", " ce-a "},
    {CE "\nce-a: %ed%a0%80", " ce-a "},
    {"\nce-specversion: 1.0\nce-type: %", " ce-type "},
    {CE "\nContent-Type: \xe9", " Content-Type "},
};

START_TEST(malformed_heads)
{
	struct reading reading;

	read_head(&reading, malformed[_i].fields);
	ck_assert(reading.refusal.is_set);
	ck_assert_int_eq((int)reading.refusal.problem, KG_PROBLEM_MALFORMED_REQUEST);
	ck_assert_uint_eq(reading.refusal.finding_count, 0);
	ck_assert_msg(strstr(reading.refusal.detail, malformed[_i].name) != NULL, "%s",
	    reading.refusal.detail);
	dispose(&reading);
}
END_TEST

START_TEST(long_names_are_cut_in_pointers)
{
	char name[301];
	char fields[400];
	struct reading reading;

	memset(name, '_', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(fields, sizeof fields, CE "\nce-%s: 1", name);
	read_head(&reading, fields);
	ck_assert_uint_eq(reading.refusal.finding_count, 1);
	ck_assert_uint_lt(strlen(reading.refusal.findings[0].pointer), 128);
	dispose(&reading);
}
END_TEST

START_TEST(marks_of_binary_mode)
{
	struct head_text made;

	head_text_init(&made, "POST /\nHost: a\nCE-SpecVersion:");
	ck_assert(kg_cloudevent_is_marked(&made.head));
	head_text_dispose(&made);
	head_text_init(&made, "POST /\nce-id: 1\nce-specversions: 1.0");
	ck_assert(!kg_cloudevent_is_marked(&made.head));
	head_text_dispose(&made);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cloudevent");
	TCase *tcase = tcase_create("cloudevent");
	SRunner *runner;

	tcase_add_loop_test(tcase, good_heads, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_heads, 0, COUNT(bad));
	tcase_add_loop_test(tcase, malformed_heads, 0, COUNT(malformed));
	tcase_add_test(tcase, long_names_are_cut_in_pointers);
	tcase_add_test(tcase, marks_of_binary_mode);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
