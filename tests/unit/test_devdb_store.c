/* SPDX-License-Identifier: Apache-2.0 */
/* The development database's pure parts: expectations, idempotency, deletion, metadata,
 * reading, ids and texts. What a whole server answers is replayed in tests/truth. */
#include "devdb/guid.h"
#include "devdb/recent_ids.h"
#include "devdb/store.h"
#include "devdb/stream_metadata.h"
#include "devdb/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES ((size_t)64 << 20)

static struct devdb_store *store;

static void
set_up(void)
{
	store = devdb_store_new(MEMORY_BYTES);
}

static void
tear_down(void)
{
	devdb_store_free(store);
}

static struct devdb_name
name(const char *text)
{
	return (struct devdb_name){(const uint8_t *)text, strlen(text)};
}

static struct devdb_event *
event(uint8_t id, const char *type, const char *data)
{
	return devdb_event_new(&(struct devdb_proposal){
	    .id.bytes = {id},
	    .is_json = true,
	    .type = (const uint8_t *)type,
	    .type_len = strlen(type),
	    .data = (const uint8_t *)data,
	    .data_len = strlen(data),
	});
}

/* A list of events with the ids first, first + 1, ... */
static struct devdb_event *
events(uint8_t first, unsigned count)
{
	struct devdb_event *list = NULL;

	while (count-- > 0) {
		struct devdb_event *one = event((uint8_t)(first + count), "T", "{}");

		one->next = list;
		list = one;
	}
	return list;
}

static struct devdb_write
append(const char *stream, int64_t expected, uint8_t first_id, unsigned count)
{
	return devdb_store_append(store, name(stream), expected, events(first_id, count));
}

static struct devdb_write
set_metadata(const char *metastream, uint8_t id, const char *json)
{
	return devdb_store_append(
	    store, name(metastream), DEVDB_ANY, event(id, "$metadata", json));
}

static void
expect_written(struct devdb_write write, int64_t revision)
{
	ck_assert_int_eq(write.result, DEVDB_WRITTEN);
	ck_assert_int_eq(write.revision, revision);
	ck_assert(write.has_position);
}

static void
expect_refused(struct devdb_write write, enum devdb_write_result result, int64_t revision)
{
	ck_assert_int_eq(write.result, result);
	ck_assert_int_eq(write.revision, revision);
}

/* Reads all and compares the revisions with a list that ends with -1. */
static void
expect_read(const char *stream, bool is_backwards, int64_t from, const int64_t *revisions)
{
	struct devdb_read read =
	    devdb_store_read(store, name(stream), from, is_backwards, UINT64_MAX);
	const struct devdb_event *one;

	ck_assert_int_eq(read.state, DEVDB_READ_FOUND);
	for (; *revisions >= 0; revisions++) {
		one = devdb_store_read_next(&read);
		ck_assert_ptr_nonnull(one);
		ck_assert_int_eq(one->revision, *revisions);
	}
	ck_assert_ptr_null(devdb_store_read_next(&read));
}

static enum devdb_read_state
read_state(const char *stream)
{
	return devdb_store_read(store, name(stream), 0, false, 1).state;
}

/* --- expectations --- */

START_TEST(expectations_on_a_new_stream)
{
	expect_refused(append("a", DEVDB_EXISTS, 1, 1), DEVDB_WRONG_VERSION, -1);
	expect_refused(append("a", 0, 1, 1), DEVDB_WRONG_VERSION, -1);
	expect_written(append("a", DEVDB_NO_STREAM, 1, 2), 1);
	expect_written(append("b", DEVDB_ANY, 3, 1), 0);
}
END_TEST

START_TEST(expectations_on_an_old_stream)
{
	expect_written(append("a", DEVDB_ANY, 1, 3), 2);
	expect_refused(append("a", DEVDB_NO_STREAM, 10, 1), DEVDB_WRONG_VERSION, 2);
	expect_refused(append("a", 1, 10, 1), DEVDB_WRONG_VERSION, 2);
	expect_refused(append("a", 3, 10, 1), DEVDB_WRONG_VERSION, 2);
	expect_written(append("a", 2, 10, 1), 3);
	expect_written(append("a", DEVDB_EXISTS, 11, 1), 4);
	expect_read("a", false, 0, (const int64_t[]){0, 1, 2, 3, 4, -1});
}
END_TEST

START_TEST(positions_grow_strictly)
{
	uint64_t last = 0;

	for (uint8_t id = 1; id < 100; id++) {
		struct devdb_write write =
		    append(id % 2 ? "odd" : "even", DEVDB_ANY, id, 1);

		ck_assert_uint_gt(write.position, last);
		last = write.position;
	}
}
END_TEST

START_TEST(an_empty_write_takes_a_position_and_stores_nothing)
{
	struct devdb_write first = devdb_store_append(store, name("a"), DEVDB_ANY, NULL);
	struct devdb_write second = append("a", DEVDB_NO_STREAM, 1, 1);

	expect_written(first, -1);
	expect_written(second, 0);
	ck_assert_uint_gt(second.position, first.position);
	expect_refused(devdb_store_append(store, name("a"), DEVDB_NO_STREAM, NULL),
	    DEVDB_WRONG_VERSION, 0);
}
END_TEST

/* --- idempotency --- */

START_TEST(a_repeat_with_a_number_is_found_in_the_stream)
{
	struct devdb_write first = append("a", DEVDB_NO_STREAM, 1, 3);
	struct devdb_write again = append("a", DEVDB_NO_STREAM, 1, 3);

	expect_written(again, 2);
	ck_assert_uint_eq(again.position, first.position);
	expect_written(append("a", DEVDB_NO_STREAM, 1, 2), 1);
	expect_written(append("a", 0, 2, 2), 2);
	ck_assert_uint_eq(devdb_store_event_count(store), 3);
}
END_TEST

START_TEST(a_partly_known_repeat_is_a_conflict)
{
	expect_written(append("a", DEVDB_NO_STREAM, 1, 3), 2);
	expect_refused(append("a", DEVDB_NO_STREAM, 1, 4), DEVDB_WRONG_VERSION, 2);
	expect_refused(append("a", DEVDB_ANY, 1, 4), DEVDB_WRONG_VERSION, 2);
	/* First unknown, a later one known: all are written. */
	expect_written(append("a", DEVDB_ANY, 0, 2), 4);
}
END_TEST

START_TEST(a_repeat_at_the_current_end_is_written_again)
{
	expect_written(append("a", DEVDB_NO_STREAM, 1, 1), 0);
	expect_written(append("a", 0, 1, 1), 1);
}
END_TEST

START_TEST(a_repeat_with_any_is_found_by_id)
{
	struct devdb_write first = append("a", DEVDB_ANY, 1, 2);
	struct devdb_write again;

	expect_written(append("a", DEVDB_ANY, 10, 1), 2);
	again = append("a", DEVDB_ANY, 1, 2);
	expect_written(again, 1);
	ck_assert_uint_eq(again.position, first.position);
	/* The table keeps the first use of an id: another stream is not protected by it. */
	expect_written(append("b", DEVDB_ANY, 1, 1), 0);
	expect_written(append("b", DEVDB_ANY, 1, 1), 1);
}
END_TEST

START_TEST(a_repeat_of_hidden_events_has_no_position)
{
	expect_written(append("a", DEVDB_ANY, 1, 3), 2);
	expect_written(set_metadata("$$a", 50, "{\"$tb\":3}"), 0);
	struct devdb_write again = append("a", DEVDB_ANY, 1, 3);

	ck_assert_int_eq(again.result, DEVDB_WRITTEN);
	ck_assert_int_eq(again.revision, 2);
	ck_assert(!again.has_position);
}
END_TEST

START_TEST(recent_ids_forget_the_oldest)
{
	struct devdb_recent_ids ids;
	struct devdb_guid id = {{0}};
	const struct devdb_stream *stream = (const void *)store;

	devdb_recent_ids_init(&ids);
	for (unsigned i = 0; i < 200000; i++) {
		memcpy(id.bytes, &i, sizeof i);
		devdb_recent_ids_put(&ids, &id, stream, 20, i);
		devdb_recent_ids_put(&ids, &id, NULL, 20, 7);
	}
	ck_assert_ptr_nonnull(devdb_recent_ids_get(&ids, &id));
	ck_assert_ptr_eq(devdb_recent_ids_get(&ids, &id)->stream, stream);
	ck_assert_uint_eq(ids.table.item_count, (8 << 20) / (2 * 20 + 53));
	memset(id.bytes, 0, sizeof id.bytes);
	ck_assert_ptr_null(devdb_recent_ids_get(&ids, &id));
	devdb_recent_ids_dispose(&ids);
}
END_TEST

/* --- deletion --- */

START_TEST(a_soft_deleted_stream_is_not_found_until_written)
{
	expect_written(append("a", DEVDB_ANY, 1, 3), 2);
	ck_assert_int_eq(
	    devdb_store_delete(store, name("a"), DEVDB_ANY).result, DEVDB_WRITTEN);
	ck_assert_int_eq(read_state("a"), DEVDB_READ_NOT_FOUND);
	expect_refused(append("a", DEVDB_EXISTS, 9, 1), DEVDB_STREAM_DELETED, 2);
	expect_written(append("a", DEVDB_NO_STREAM, 10, 1), 3);
	expect_read("a", false, 0, (const int64_t[]){3, -1});
	expect_read("$$a", true, -1, (const int64_t[]){1, -1});
}
END_TEST

START_TEST(what_never_was_cannot_be_soft_deleted)
{
	expect_refused(
	    devdb_store_delete(store, name("a"), DEVDB_ANY), DEVDB_WRONG_VERSION, -1);
	ck_assert_int_eq(set_metadata("$$a", 1, "{}").result, DEVDB_WRITTEN);
	ck_assert_int_eq(
	    devdb_store_delete(store, name("a"), DEVDB_EXISTS).result, DEVDB_WRITTEN);
}
END_TEST

START_TEST(a_tombstone_is_final)
{
	expect_written(append("a", DEVDB_ANY, 1, 1), 0);
	expect_refused(
	    devdb_store_tombstone(store, name("a"), 5), DEVDB_WRONG_VERSION, 0);
	ck_assert_int_eq(
	    devdb_store_tombstone(store, name("a"), 0).result, DEVDB_WRITTEN);
	ck_assert_int_eq(read_state("a"), DEVDB_READ_DELETED);
	ck_assert_int_eq(read_state("$$a"), DEVDB_READ_DELETED);
	ck_assert_int_eq(append("a", DEVDB_ANY, 1, 1).result, DEVDB_STREAM_DELETED);
	ck_assert_int_eq(set_metadata("$$a", 2, "{}").result, DEVDB_STREAM_DELETED);
	ck_assert_int_eq(devdb_store_tombstone(store, name("a"), DEVDB_ANY).result,
	    DEVDB_STREAM_DELETED);
	/* Recorded: an empty write passes all the same. */
	expect_written(devdb_store_append(store, name("a"), DEVDB_ANY, NULL),
	    DEVDB_TOMBSTONE_REVISION);
}
END_TEST

/* --- metadata --- */

START_TEST(metadata_bounds_what_is_read)
{
	expect_written(append("a", DEVDB_ANY, 1, 5), 4);
	set_metadata("$$a", 50, "{\"$tb\":2}");
	expect_read("a", false, 0, (const int64_t[]){2, 3, 4, -1});
	expect_read("a", true, 3, (const int64_t[]){3, 2, -1});
	set_metadata("$$a", 51, "{\"$maxCount\":1}");
	expect_read("a", false, 0, (const int64_t[]){4, -1});
	/* A fault anywhere switches all of it off. */
	set_metadata("$$a", 52, "{\"$maxCount\":1,\"$tb\":2.0}");
	expect_read("a", false, 0, (const int64_t[]){0, 1, 2, 3, 4, -1});
	expect_read("$$a", false, 0, (const int64_t[]){2, -1});
}
END_TEST

static const struct {
	const char *json;
	struct devdb_stream_metadata metadata;
} metadata_rows[] = {
    {"{}", {0, 0, 0}},
    {"{\"$maxCount\":3,\"$maxAge\":60,\"$tb\":7,\"x\":{\"$tb\":1}}", {3, 60, 7}},
    {"\xef\xbb\xbf { '$tb' : 9223372036854775807 , } rest", {0, 0, INT64_MAX}},
    {"{\"$tb\":9223372036854775808}", {0, 0, 0}},
    {"{\"$tb\":-3,\"$maxCount\":2}", {2, 0, 0}},
    {"{\"$maxCount\":1,\"$maxCount\":2}", {2, 0, 0}},
    {"{\"$maxCount\":1,\"$maxAge\":9223372036854775807}", {0, 0, 0}},
    {"{\"$maxCount\":1,\"$tmp\":1}", {0, 0, 0}},
    {"{\"$maxCount\":1,\"$tmp\":true}", {1, 0, 0}},
    {"{\"$maxCount\":1,\"$acl\":{\"$r\":[\"a\"],\"$w\":\"b\"}}", {1, 0, 0}},
    {"{\"$maxCount\":1,\"$acl\":{\"$x\":\"b\"}}", {0, 0, 0}},
    {"{\"$maxCount\":1,\"$acl\":null}", {0, 0, 0}},
    {"{\"$maxCount\":\"1\"}", {0, 0, 0}},
    {"{\"$maxCount\":1", {0, 0, 0}},
    {"[1]", {0, 0, 0}},
    {"", {0, 0, 0}},
    {"{\"a", {0, 0, 0}},
    {"{\"a\":\"\\", {0, 0, 0}},
};

START_TEST(metadata_is_read_as_the_server_reads_it)
{
	/* A copy of the exact size lets the sanitizer see every byte read too far. */
	size_t len = strlen(metadata_rows[_i].json);
	uint8_t *json = malloc(len ? len : 1);
	struct devdb_stream_metadata got;

	memcpy(json, metadata_rows[_i].json, len);
	got = devdb_stream_metadata_parse(json, len);
	free(json);
	ck_assert_int_eq(got.max_count, metadata_rows[_i].metadata.max_count);
	ck_assert_int_eq(got.max_age_s, metadata_rows[_i].metadata.max_age_s);
	ck_assert_int_eq(got.truncate_before, metadata_rows[_i].metadata.truncate_before);
}
END_TEST

START_TEST(deep_metadata_is_refused)
{
	static char deep[100000];

	memset(deep, '[', sizeof deep);
	memcpy(deep, "{\"a\":", 5);
	ck_assert_int_eq(
	    devdb_stream_metadata_parse((const uint8_t *)deep, sizeof deep).max_count, 0);
}
END_TEST

START_TEST(an_undelete_keeps_the_other_members)
{
	const char *json = "{ \"owner\" : \"a b\", \"$tb\" : 5,\n \"n\": [1, 2.50] }";
	struct kdb_buffer out;

	kdb_buffer_init(&out, 1000);
	devdb_stream_metadata_set_truncate_before(
	    &out, (const uint8_t *)json, strlen(json), 3);
	kdb_buffer_put_char(&out, 0);
	ck_assert_str_eq(out.data, "{\"owner\":\"a b\",\"$tb\":3,\"n\":[1,2.50]}");
	kdb_buffer_dispose(&out);
}
END_TEST

/* --- reading --- */

START_TEST(reads_start_where_they_are_told)
{
	expect_written(append("a", DEVDB_ANY, 1, 4), 3);
	expect_read("a", false, 2, (const int64_t[]){2, 3, -1});
	expect_read("a", false, 9, (const int64_t[]){-1});
	expect_read("a", true, -1, (const int64_t[]){3, 2, 1, 0, -1});
	expect_read("a", true, 1, (const int64_t[]){1, 0, -1});
	expect_read("a", true, 99, (const int64_t[]){3, 2, 1, 0, -1});
	ck_assert_int_eq(read_state("b"), DEVDB_READ_NOT_FOUND);
}
END_TEST

START_TEST(a_read_gives_no_more_than_asked)
{
	struct devdb_read read;

	expect_written(append("a", DEVDB_ANY, 1, 4), 3);
	read = devdb_store_read(store, name("a"), 1, false, 2);
	ck_assert_int_eq(devdb_store_read_next(&read)->revision, 1);
	ck_assert_int_eq(devdb_store_read_next(&read)->revision, 2);
	ck_assert_ptr_null(devdb_store_read_next(&read));
}
END_TEST

/* --- memory --- */

START_TEST(a_full_store_refuses_and_keeps_what_it_has)
{
	struct devdb_write write = {.result = DEVDB_WRITTEN};
	unsigned written = 0;

	devdb_store_free(store);
	store = devdb_store_new(100000);
	while (write.result == DEVDB_WRITTEN) {
		ck_assert_uint_lt(written, 10000);
		write = devdb_store_append(store, name("a"), (int64_t)written - 1,
		    event((uint8_t)written, "T", "{\"some\":\"data\"}"));
		written += write.result == DEVDB_WRITTEN;
	}
	ck_assert_int_eq(write.result, DEVDB_FULL);
	ck_assert_uint_gt(written, 100);
	ck_assert_int_eq(read_state("a"), DEVDB_READ_FOUND);
	ck_assert_uint_eq(devdb_store_event_count(store), written);
}
END_TEST

/* --- ids and texts --- */

static const struct {
	const char *text;
	bool is_guid;
} guid_rows[] = {
    {"00112233-4455-6677-8899-aabbccddeeff", true},
    {"00112233-4455-6677-8899-AABBCCDDEEFF", true},
    {"00112233445566778899aabbccddeeff", true},
    {"{00112233-4455-6677-8899-aabbccddeeff}", true},
    {"(00112233-4455-6677-8899-aabbccddeeff)", true},
    {" \t00112233-4455-6677-8899-aabbccddeeff\n", true},
    {"{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}", true},
    {"{0x112233, 0x4455, 0x6677, {0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff} }", true},
    {"urn:uuid:00112233-4455-6677-8899-aabbccddeeff", false},
    {"00112233-4455-6677-8899-aabbccddeef", false},
    {"0011223-34455-6677-8899-aabbccddeeff", false},
    {"{00112233-4455-6677-8899-aabbccddeeff)", false},
    {"{0x00112233,0x14455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}", false},
    {"{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}", false},
    {"g0112233445566778899aabbccddeeff", false},
    {"hello", false},
    {"", false},
};

START_TEST(guids_in_every_form)
{
	struct devdb_guid guid;
	char text[DEVDB_GUID_TEXT_SIZE];
	int64_t most;
	int64_t least;
	struct devdb_guid back;

	ck_assert_int_eq(devdb_guid_parse((const uint8_t *)guid_rows[_i].text,
			     strlen(guid_rows[_i].text), &guid),
	    guid_rows[_i].is_guid);
	if (!guid_rows[_i].is_guid)
		return;
	devdb_guid_format(&guid, text);
	ck_assert_str_eq(text, "00112233-4455-6677-8899-aabbccddeeff");
	devdb_guid_to_halves(&guid, &most, &least);
	ck_assert_int_eq(most, 0x0011223344556677);
	ck_assert_int_eq(least, (int64_t)0x8899aabbccddeeff);
	back = devdb_guid_from_halves(most, least);
	ck_assert(devdb_guid_is_equal(&guid, &back));
}
END_TEST

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *bytes;
	const char *repaired;
	size_t utf16_units;
} text_rows[] = {
    {"abc", "abc", 3},
    {"\xc3\xa9", "\xc3\xa9", 1},
    {"\xe2\x82\xac", "\xe2\x82\xac", 1},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 2},
    {"a\xff", "a" BAD, 2},
    {"\xc3(", BAD "(", 2},
    {"\xe2\x82", BAD, 1},
    {"\xf0\x9f\x98x", BAD "x", 2},
    {"\xc0\xaf", BAD BAD, 2},
    {"\xed\xa0\x80", BAD BAD BAD, 3},
    {"\xf4\x90\x80\x80", BAD BAD BAD BAD, 4},
};

START_TEST(texts_are_repaired_as_the_server_does)
{
	const char *bytes = text_rows[_i].bytes;
	struct kdb_buffer out;

	kdb_buffer_init(&out, 100);
	devdb_text_repair(&out, (const uint8_t *)bytes, strlen(bytes));
	ck_assert_uint_eq(devdb_text_utf16_units((const uint8_t *)out.data, out.len),
	    text_rows[_i].utf16_units);
	ck_assert(devdb_text_is_utf8((const uint8_t *)out.data, out.len));
	kdb_buffer_put_char(&out, 0);
	ck_assert_str_eq(out.data, text_rows[_i].repaired);
	ck_assert_int_eq(devdb_text_is_utf8((const uint8_t *)bytes, strlen(bytes)),
	    strcmp(bytes, text_rows[_i].repaired) == 0);
	kdb_buffer_dispose(&out);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("devdb_store");
	TCase *tcase = tcase_create("store");
	SRunner *runner;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, expectations_on_a_new_stream);
	tcase_add_test(tcase, expectations_on_an_old_stream);
	tcase_add_test(tcase, positions_grow_strictly);
	tcase_add_test(tcase, an_empty_write_takes_a_position_and_stores_nothing);
	tcase_add_test(tcase, a_repeat_with_a_number_is_found_in_the_stream);
	tcase_add_test(tcase, a_partly_known_repeat_is_a_conflict);
	tcase_add_test(tcase, a_repeat_at_the_current_end_is_written_again);
	tcase_add_test(tcase, a_repeat_with_any_is_found_by_id);
	tcase_add_test(tcase, a_repeat_of_hidden_events_has_no_position);
	tcase_add_test(tcase, recent_ids_forget_the_oldest);
	tcase_add_test(tcase, a_soft_deleted_stream_is_not_found_until_written);
	tcase_add_test(tcase, what_never_was_cannot_be_soft_deleted);
	tcase_add_test(tcase, a_tombstone_is_final);
	tcase_add_test(tcase, metadata_bounds_what_is_read);
	tcase_add_loop_test(
	    tcase, metadata_is_read_as_the_server_reads_it, 0, ROWS(metadata_rows));
	tcase_add_test(tcase, deep_metadata_is_refused);
	tcase_add_test(tcase, an_undelete_keeps_the_other_members);
	tcase_add_test(tcase, reads_start_where_they_are_told);
	tcase_add_test(tcase, a_read_gives_no_more_than_asked);
	tcase_add_test(tcase, a_full_store_refuses_and_keeps_what_it_has);
	tcase_add_loop_test(tcase, guids_in_every_form, 0, ROWS(guid_rows));
	tcase_add_loop_test(
	    tcase, texts_are_repaired_as_the_server_does, 0, ROWS(text_rows));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
