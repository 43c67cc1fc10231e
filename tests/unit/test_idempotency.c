/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys: their forms, and the ids made from them against the published
 * vectors. */
#include "daemon/idempotency.h"
#include "daemon/uuid.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const char *const route = "/v1/streams/{stream}/events";

static struct kdb_bytes
bytes(const char *text)
{
	return (struct kdb_bytes){ text, strlen(text) };
}

static const struct {
	const char *value;
	const char *key; /* NULL: refused */
} keys[] = {
	{ "\"a\"", "a" },
	{ "a", "a" },
	{ "enrol-7f3c2a", "enrol-7f3c2a" },
	{ "\"enrol-7f3c2a\"", "enrol-7f3c2a" },
	{ "\"a,b\"", "a,b" },
	{ "!#$%&'()*+-./:;<=>?@[]^_`{|}~", "!#$%&'()*+-./:;<=>?@[]^_`{|}~" },
	{ "", NULL },
	{ "\"\"", NULL },
	{ "\"", NULL },
	{ "\"a", NULL },
	{ "a\"", NULL },
	{ "a\"b", NULL },
	{ "\"a\"b\"", NULL },
	{ "\"a\\\"b\"", NULL },
	{ "a\\b", NULL },
	{ "a,b", NULL },
	{ "\"a\",\"b\"", NULL },
	{ "\"a\";p=1", NULL },
	{ "a b", NULL },
	{ "\"a b\"", NULL },
	{ " a", NULL },
	{ "a\t", NULL },
	{ "a\x7f", NULL },
	{ "a\x1f", NULL },
	{ "\xc3\xa9", NULL },
};

START_TEST(forms_of_keys)
{
	const char *value = keys[_i].value;
	struct kdb_bytes key;
	bool is_good = kg_idempotency_key_read(value, strlen(value), &key);

	ck_assert_int_eq(is_good, keys[_i].key != NULL);
	if (!is_good)
		return;
	ck_assert_uint_eq(key.len, strlen(keys[_i].key));
	ck_assert_mem_eq(key.data, keys[_i].key, key.len);
	ck_assert((const char *)key.data >= value);
}
END_TEST

START_TEST(keys_have_255_bytes_at_most)
{
	char value[KG_IDEMPOTENCY_KEY_MAX + 3];
	struct kdb_bytes key;

	memset(value, 'k', sizeof value);
	ck_assert(kg_idempotency_key_read(value, KG_IDEMPOTENCY_KEY_MAX, &key));
	ck_assert(!kg_idempotency_key_read(value, KG_IDEMPOTENCY_KEY_MAX + 1, &key));
	value[0] = '"';
	value[KG_IDEMPOTENCY_KEY_MAX + 1] = '"';
	ck_assert(kg_idempotency_key_read(value, KG_IDEMPOTENCY_KEY_MAX + 2, &key));
	ck_assert_uint_eq(key.len, KG_IDEMPOTENCY_KEY_MAX);
	value[KG_IDEMPOTENCY_KEY_MAX + 1] = 'k';
	value[KG_IDEMPOTENCY_KEY_MAX + 2] = '"';
	ck_assert(!kg_idempotency_key_read(value, KG_IDEMPOTENCY_KEY_MAX + 3, &key));
}
END_TEST

START_TEST(vectors_of_an_append)
{
	static const char *const wanted[] = { "04f3d9ee-d33b-8c2d-86a1-29c146579c65",
		"17b37e2e-e39d-86d0-b6e4-975e41b175b4" };
	uint8_t id[16];
	char text[KG_UUID_TEXT_LEN + 1];

	for (size_t ordinal = 0; ordinal < 2; ordinal++) {
		kg_idempotency_event_id(
		    bytes(""), route, bytes("student-1"), bytes("enrol-7f3c2a"), ordinal, id);
		kg_uuid_print(id, text);
		ck_assert_str_eq(text, wanted[ordinal]);
	}
}
END_TEST

#define UUID "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"

/* The first row is the vector of api-design 12, which fixes kg_idempotency_derive(). The
 * others were made with Python's hashlib. */
static const struct {
	const char *stream_name, *source, *cloudevent_id, *id;
} cloudevents[] = {
	{ "order-123", "/shop/42", "A234-1234-1234", "6d947c3d-30af-81f1-9281-950eaa7a1e61" },
	{ "order-123", "/shop/42", UUID, UUID },
	{ "order-124", "/shop/43", "4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11", UUID },
	{ "order-123", "/shop/42", "00000000-0000-0000-0000-000000000000", "a51bea26-5183-828e-b0ae-a90b7dbe550b" },
	{ "order-123", "/shop/42", "{" UUID "}", "a6bf6306-9ed1-8266-8f4a-7913f061c1a0" },
};

START_TEST(ids_of_cloudevents)
{
	uint8_t id[16];
	char text[KG_UUID_TEXT_LEN + 1];

	kg_idempotency_cloudevent_id(bytes(cloudevents[_i].stream_name),
	    bytes(cloudevents[_i].source), bytes(cloudevents[_i].cloudevent_id), id);
	kg_uuid_print(id, text);
	ck_assert_str_eq(text, cloudevents[_i].id);
}
END_TEST

START_TEST(vector_of_stream_metadata)
{
	const struct kdb_bytes body = bytes("{\"$maxAge\":86400,\"foo\":\"baz\"}");
	uint8_t id[16];
	char text[KG_UUID_TEXT_LEN + 1];

	kg_idempotency_metadata_id(bytes("order-123"), 3, body, id);
	kg_uuid_print(id, text);
	ck_assert_str_eq(text, "bdf369b3-5d5f-8770-835c-f14191c11bdc");
}
END_TEST

START_TEST(stream_metadata_differs_by_stream_expectation_and_body)
{
	uint8_t ids[6][16];

	kg_idempotency_metadata_id(bytes("s"), 3, bytes("{}"), ids[0]);
	kg_idempotency_metadata_id(bytes("t"), 3, bytes("{}"), ids[1]);
	kg_idempotency_metadata_id(bytes("s"), 4, bytes("{}"), ids[2]);
	kg_idempotency_metadata_id(bytes("s"), 3, bytes("{ }"), ids[3]);
	kg_idempotency_metadata_id(
	    bytes("s"), KDB_VERSION_NO_STREAM, bytes("{}"), ids[4]);
	kg_idempotency_metadata_id(bytes("s"), 3, bytes(""), ids[5]);
	for (int i = 0; i < COUNT(ids); i++)
		for (int j = 0; j < i; j++)
			ck_assert_int_ne(memcmp(ids[i], ids[j], 16), 0);
}
END_TEST

/* Every field counts, and bytes cannot wander from one field to the next. */
START_TEST(every_field_counts)
{
	uint8_t ids[8][16];

	kg_idempotency_event_id(bytes(""), route, bytes("s"), bytes("k"), 0, ids[0]);
	kg_idempotency_event_id(bytes("u"), route, bytes("s"), bytes("k"), 0, ids[1]);
	kg_idempotency_event_id(bytes(""), "/v1/other", bytes("s"), bytes("k"), 0, ids[2]);
	kg_idempotency_event_id(bytes(""), route, bytes("t"), bytes("k"), 0, ids[3]);
	kg_idempotency_event_id(bytes(""), route, bytes("s"), bytes("l"), 0, ids[4]);
	kg_idempotency_event_id(bytes(""), route, bytes("s"), bytes("k"), 1, ids[5]);
	kg_idempotency_event_id(bytes(""), route, bytes("sk"), bytes(""), 0, ids[6]);
	kg_idempotency_event_id(bytes(""), route, bytes(""), bytes("sk"), 0, ids[7]);
	for (int i = 0; i < COUNT(ids); i++) {
		ck_assert_int_eq(ids[i][6] >> 4, 8);
		ck_assert_int_eq(ids[i][8] >> 6, 2);
		for (int j = 0; j < i; j++)
			ck_assert_int_ne(memcmp(ids[i], ids[j], 16), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("idempotency");
	TCase *tcase = tcase_create("idempotency");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, forms_of_keys, 0, COUNT(keys));
	tcase_add_test(tcase, keys_have_255_bytes_at_most);
	tcase_add_test(tcase, vectors_of_an_append);
	tcase_add_loop_test(tcase, ids_of_cloudevents, 0, COUNT(cloudevents));
	tcase_add_test(tcase, vector_of_stream_metadata);
	tcase_add_test(tcase, stream_metadata_differs_by_stream_expectation_and_body);
	tcase_add_test(tcase, every_field_counts);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
