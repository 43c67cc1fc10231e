/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSONTestSuite through the readers of bodies, one case for each file: y_ is stored byte
 * for byte, n_ is refused, i_ is either and never altered. The files are not part of this
 * tree: KURRENTGATE_JSON_SUITE names their folder, else they are looked for next to the
 * sources.
 */
#include "client-core/base/buffer.h"
#include "daemon/append_body.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static struct dirent **files;

static const struct kg_append_limits limits = {
	.max_events = 1000,
	.max_depth = 512,
	.max_name_bytes = 4096,
	.validate_payloads = true,
};
static const struct kdb_bytes stream_name = { "s", 1 };

static void
read_file(const char *name, struct kdb_buffer *content)
{
	char path[4096], part[4096];
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	kdb_buffer_init(content, 16 << 20);
	while ((len = fread(part, 1, sizeof part, file)) > 0)
		kdb_buffer_put(content, part, len);
	fclose(file);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What must be stored for the payload of an envelope: the value without the space around
 * it. */
static struct kdb_bytes
trim(const struct kdb_buffer *content)
{
	const char *start = content->data;
	const char *end = start + content->len;

	while (start < end && is_space(*start))
		start++;
	while (end > start && is_space(end[-1]))
		end--;
	return (struct kdb_bytes){ start, (size_t)(end - start) };
}

static void
assert_same(struct kdb_bytes stored, struct kdb_bytes wanted)
{
	ck_assert_uint_eq(stored.len, wanted.len);
	ck_assert_mem_eq(stored.data, wanted.data, wanted.len);
}

/* Judges one reading of a file; the first letter of its name tells what must become of
 * it. */
static void
judge(const char *name, bool is_good, const struct kg_refusal *refusal, size_t len)
{
	if (name[0] == 'y')
		ck_assert_msg(is_good, "%s is refused: %s", name, refusal->detail);
	if (name[0] == 'n')
		ck_assert_msg(!is_good, "%s is accepted", name);
	if (is_good || (len == 0 && refusal->problem == KG_PROBLEM_INVALID_REQUEST))
		return;
	ck_assert_int_eq(refusal->problem, KG_PROBLEM_MALFORMED_JSON);
	ck_assert_int_ge(refusal->byte_offset, 0);
	ck_assert_int_le(refusal->byte_offset, (int64_t)len);
}

static void
try_raw(const char *name, const struct kdb_buffer *content)
{
	struct kdb_event event = { .type = { "t", 1 }, .is_json = true };
	struct kdb_bytes whole = { content->data, content->len };
	struct kg_append_body append;
	struct kg_refusal refusal;
	bool is_good;

	kg_refusal_init(&refusal);
	is_good = kg_append_body_read_raw(
	    content->data, content->len, stream_name, &limits, &event, "path:type", &append,
	    &refusal);
	judge(name, is_good, &refusal, content->len);
	if (is_good) {
		assert_same(append.events[0].data, whole);
		kg_append_body_dispose(&append);
	}
	kg_refusal_dispose(&refusal);
}

/* The file as `data` and, in the other order, as `metadata` of an event. */
static void
try_payload(const char *name, const struct kdb_buffer *content, bool is_metadata)
{
	struct kg_append_body append;
	struct kg_refusal refusal;
	struct kdb_buffer body;
	bool is_good;

	kdb_buffer_init(&body, 17 << 20);
	kdb_buffer_put_text(&body, "{\"current_version\":\"any\",\"events\":[{");
	kdb_buffer_put_text(&body, is_metadata ? "\"data\":0,\"metadata\":" : "\"data\":");
	kdb_buffer_put(&body, content->data, content->len);
	kdb_buffer_put_text(&body, ",\"type\":\"t\"}]}");
	kg_refusal_init(&refusal);
	is_good = kg_append_body_read_json(
	    body.data, body.len, stream_name, &limits, &append, &refusal);
	judge(name, is_good, &refusal, body.len);
	if (is_good) {
		assert_same(is_metadata ? append.events[0].metadata : append.events[0].data,
		    trim(content));
		kg_append_body_dispose(&append);
	}
	kg_refusal_dispose(&refusal);
	kdb_buffer_dispose(&body);
}

/* The file as a whole body: none is an envelope, so y_ is refused for its shape only. */
static void
try_whole(const char *name, const struct kdb_buffer *content)
{
	struct kg_append_body append;
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	ck_assert(!kg_append_body_read_json(
	    content->data, content->len, stream_name, &limits, &append, &refusal));
	if (name[0] == 'y')
		ck_assert_int_ne(refusal.problem, KG_PROBLEM_MALFORMED_JSON);
	if (name[0] == 'n')
		ck_assert_int_eq(refusal.problem, KG_PROBLEM_MALFORMED_JSON);
	kg_refusal_dispose(&refusal);
}

START_TEST(corpus)
{
	const char *name = files[_i]->d_name;
	struct kdb_buffer content;

	read_file(name, &content);
	try_raw(name, &content);
	try_payload(name, &content, false);
	try_payload(name, &content, true);
	try_whole(name, &content);
	kdb_buffer_dispose(&content);
}
END_TEST

static int
is_json_file(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return end != NULL && strcmp(end, ".json") == 0;
}

int
main(void)
{
	Suite *suite = suite_create("json_corpus");
	TCase *tcase = tcase_create("json_corpus");
	SRunner *runner = srunner_create(suite);
	int count;

	suite_add_tcase(suite, tcase);
	folder = getenv("KURRENTGATE_JSON_SUITE");
	if (folder == NULL)
		folder = KG_SOURCE_ROOT "/../shared/json-test-suite/test_parsing";
	count = scandir(folder, &files, is_json_file, alphasort);
	if (count <= 0) {
		printf("1..0 # SKIP JSONTestSuite is not at %s; KURRENTGATE_JSON_SUITE names "
		       "its folder test_parsing\n",
		    folder);
		srunner_free(runner);
		return 0;
	}
	tcase_add_loop_test(tcase, corpus, 0, count);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	for (int i = 0; i < count; i++)
		free(files[i]);
	free(files);
	return 0;
}
