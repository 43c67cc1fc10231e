/* SPDX-License-Identifier: Apache-2.0 */
/* Users, identities and rights of devdb: what each form of credentials and of $acl comes
 * to, with the answers of a recorded server 26.1 (groups E and G of its secure run). */
#include "devdb/acl.h"

#include "client-core/base/alloc.h"
#include "devdb/event.h"
#include "devdb/identity.h"
#include "devdb/stream_metadata.h"
#include "devdb/users.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static struct devdb_users users;
static struct devdb_store *store;

static void
set_up(void)
{
	devdb_users_init(&users);
	ck_assert(devdb_users_add_written(&users, "admin:changeit"));
	ck_assert(devdb_users_add_written(&users, "ops:pw:staff,$admins"));
	ck_assert(devdb_users_add_written(&users, "plain:pass-word-1"));
	ck_assert(devdb_users_add_written(&users, "other:pw:writers"));
	store = devdb_store_new(1 << 20);
}

static void
tear_down(void)
{
	devdb_store_free(store);
	devdb_users_dispose(&users);
}

static struct devdb_text_view
view(const char *text)
{
	return (struct devdb_text_view){text, strlen(text)};
}

/* --- users --- */

static const char *const bad_users[] = {
    "", "plain2", ":pw", "plain2:", "plain2::staff", "plain2:pw:", "plain2:pw:a,",
    "plain2:pw:,a", "plain2:pw:a,,b", "plain:another", /* taken */
};

START_TEST(refuses_users)
{
	ck_assert_msg(
	    !devdb_users_add_written(&users, bad_users[_i]), "%s", bad_users[_i]);
	ck_assert_uint_eq(users.count, 4);
}
END_TEST

START_TEST(bounds_groups_and_users)
{
	char groups[2 * 64];
	char *written;

	for (size_t i = 0; i < sizeof groups; i++)
		groups[i] = i % 2 ? 'a' : ',';
	written = kdb_alloc_printf("many:pw:a%.*s", 2 * 63, groups);
	ck_assert(devdb_users_add_written(&users, written));
	free(written);
	written = kdb_alloc_printf("more:pw:a%.*s", 2 * 64, groups);
	ck_assert(!devdb_users_add_written(&users, written));
	free(written);
	users.count = DEVDB_MAX_USERS;
	ck_assert(!devdb_users_add_written(&users, "late:pw"));
}
END_TEST

START_TEST(users_keep_roles)
{
	const struct devdb_user *ops = devdb_users_find(&users, view("ops"));
	const struct devdb_user *plain = devdb_users_find(&users, view("plain"));

	ck_assert(devdb_user_has_role(ops, "staff", 5));
	ck_assert(devdb_user_has_role(ops, "ops", 3));
	ck_assert(devdb_user_has_role(plain, "$all", 4));
	ck_assert(!devdb_user_has_role(plain, "staff", 5));
	ck_assert(!devdb_user_has_role(plain, "Plain", 5));
	ck_assert(devdb_user_is_administrator(ops));
	ck_assert(devdb_user_is_administrator(devdb_users_find(&users, view("admin"))));
	ck_assert(!devdb_user_is_administrator(plain));
	ck_assert_ptr_null(devdb_users_find(&users, view("pla")));
}
END_TEST

START_TEST(disabled_users_are_wrong)
{
	struct devdb_user *plain = devdb_users_find(&users, view("plain"));

	ck_assert_ptr_eq(
	    devdb_users_check(&users, view("plain"), view("pass-word-1")), plain);
	plain->is_disabled = true;
	ck_assert_ptr_null(devdb_users_check(&users, view("plain"), view("pass-word-1")));
}
END_TEST

/* --- identities: G.identity.* --- */

#define ANONYMOUS DEVDB_IDENTITY_ANONYMOUS
#define USER DEVDB_IDENTITY_USER
#define WRONG DEVDB_IDENTITY_WRONG

static const struct {
	const char *header;
	enum devdb_identity_kind kind;
} headers[] = {
    {"Basic YWRtaW46Y2hhbmdlaXQ=", USER}, {"Basic   YWRtaW46Y2hhbmdlaXQ=", USER},
    {"Basic YWRtaW46Y2hhbmdlaXQ= ", USER}, {"Bearer YWRtaW46Y2hhbmdlaXQ=", USER},
    {"basic YWRtaW46Y2hhbmdlaXQ=", ANONYMOUS}, {"BASIC YWRtaW46Y2hhbmdlaXQ=", ANONYMOUS},
    {"YWRtaW46Y2hhbmdlaXQ=", ANONYMOUS}, {"BasicYWRtaW46Y2hhbmdlaXQ=", ANONYMOUS},
    {"Digest username=admin", ANONYMOUS}, {"Bearer abc", ANONYMOUS},
    {"Basic ***", ANONYMOUS}, {"Basic YWRtaW46 Y2hhbmdlaXQ=", USER},
    {"Basic YWRtaW46Y2hhbmdlaXQ", ANONYMOUS}, /* without padding */
    {"Basic YWRtaW4=", ANONYMOUS},            /* no colon */
    {"Basic", ANONYMOUS}, {"Basic ", ANONYMOUS}, {"", ANONYMOUS},
    {"Basic YWRtaW46d3Jvbmc=", WRONG},     /* admin:wrong */
    {"Basic YWRtaW46", WRONG},             /* admin: */
    {"Basic OmNoYW5nZWl0", WRONG},         /* :changeit */
    {"Basic QWRtaW46Y2hhbmdlaXQ=", WRONG}, /* Admin:changeit */
    {"Basic bm9ib2R5Ong=", WRONG},         /* nobody::x */
    {"Basic Og==", WRONG},                 /* : */
};

START_TEST(reads_headers)
{
	struct devdb_identity identity =
	    devdb_identity_read(&users, headers[_i].header, strlen(headers[_i].header));

	ck_assert_msg(identity.kind == headers[_i].kind, "%s", headers[_i].header);
	ck_assert((identity.user != NULL) == (headers[_i].kind == USER));
	if (identity.user)
		ck_assert_str_eq(identity.user->name, "admin");
}
END_TEST

/* --- lists --- */

#define NONE DEVDB_ACCESS_NO_LIST
#define LISTED DEVDB_ACCESS_LISTED
#define NOT_LISTED DEVDB_ACCESS_NOT_LISTED

/* What each comes to for user `other`, group `writers`, and right $w. */
static const struct {
	const char *json;
	enum devdb_access_list list;
} lists[] = {
    {"{}", NONE},
    {"{\"$acl\":{}}", NONE},
    {"{\"$acl\":{\"$r\":\"plain\"}}", NONE},
    {"{\"$acl\":{\"$w\":\"other\"}}", LISTED},
    {"{\"$acl\":{\"$w\":\"writers\"}}", LISTED},
    {"{\"$acl\":{\"$w\":\"$all\"}}", LISTED},
    {"{\"$acl\":{\"$w\":[\"plain\",\"other\"]}}", LISTED},
    {"{\"$acl\":{\"$w\":[\"other\",\"plain\"]}}", LISTED},
    {"{'$acl':{'$w':'other'},}", LISTED},
    {"{\"$acl\":{\"$w\":\"o\\u0074her\"}}", LISTED},
    {"{\"$acl\":{\"$w\":\"plain\"}}", NOT_LISTED},
    {"{\"$acl\":{\"$w\":\"Other\"}}", NOT_LISTED},
    {"{\"$acl\":{\"$w\":\"writer\"}}", NOT_LISTED},
    {"{\"$acl\":{\"$w\":\"\"}}", NOT_LISTED},
    {"{\"$acl\":{\"$w\":[]}}", NOT_LISTED},
    {"{\"$acl\":{\"$w\":\"$admins\",\"$r\":\"other\"}}", NOT_LISTED},
    /* of members that come twice the last counts */
    {"{\"$acl\":{\"$w\":\"other\",\"$w\":\"plain\"}}", NOT_LISTED},
    {"{\"$acl\":{\"$w\":\"plain\"},\"$acl\":{\"$w\":\"other\"}}", LISTED},
    {"{\"$acl\":{\"$w\":\"other\"},\"$acl\":{}}", NONE},
    /* one fault anywhere, and nothing counts: E.acl.ignored-whole */
    {"{\"$maxCount\":5.0,\"$acl\":{\"$w\":\"plain\"}}", NONE},
    {"{\"$acl\":{\"$w\":\"plain\"},\"$tmp\":1}", NONE},
    {"{\"$acl\":{\"$w\":\"plain\",\"$x\":\"plain\"}}", NONE},
    {"{\"$acl\":{\"$w\":[\"plain\",1]}}", NONE},
    {"{\"$acl\":{\"$w\":null}}", NONE},
    {"{\"$acl\":null}", NONE},
    {"{\"$acl\":{\"$w\":\"plain\"}", NONE},
    {"[]", NONE},
    {"", NONE},
};

static bool
has_role(const void *who, const char *role, size_t len)
{
	return devdb_user_has_role(who, role, len);
}

START_TEST(reads_lists)
{
	const char *json = lists[_i].json;

	ck_assert_msg(
	    devdb_stream_metadata_access((const uint8_t *)json, strlen(json), "$w",
		has_role, devdb_users_find(&users, view("other"))) == lists[_i].list,
	    "%s", json);
}
END_TEST

/* Escapes stand for their characters; half of a pair does for U+FFFD. */
static const struct {
	const char *written;
	const char *name;
} names[] = {
    {"a\\\"b", "a\"b"},
    {"\\b\\f\\n\\r\\t\\/\\\\", "\b\f\n\r\t/\\"},
    {"\\u00e9", "\xc3\xa9"},
    {"\\u20AC", "\xe2\x82\xac"},
    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
    {"\\ud83d", "\xef\xbf\xbd"},
    {"\\ude00x", "\xef\xbf\xbdx"},
    {"\\ud83d\\u0041", "\xef\xbf\xbd"
		       "A"},
    {"\\u12", "u12"},
};

static bool
is_name(const void *who, const char *role, size_t len)
{
	return strlen(who) == len && memcmp(who, role, len) == 0;
}

START_TEST(reads_escapes)
{
	char *json = kdb_alloc_printf("{\"$acl\":{\"$r\":\"%s\"}}", names[_i].written);

	ck_assert_msg(devdb_stream_metadata_access((const uint8_t *)json, strlen(json),
			  "$r", is_name, names[_i].name) == LISTED,
	    "%s", json);
	free(json);
}
END_TEST

/* --- decisions --- */

static struct devdb_name
name_of(const char *text)
{
	return (struct devdb_name){(const uint8_t *)text, strlen(text)};
}

static void
put_metadata(const char *stream, const char *json, bool is_json)
{
	char *meta = kdb_alloc_printf("$$%s", stream);
	struct devdb_event *event = devdb_event_new(&(struct devdb_proposal){
	    .id = devdb_guid_new(),
	    .is_json = is_json,
	    .type = (const uint8_t *)"$metadata",
	    .type_len = 9,
	    .data = (const uint8_t *)json,
	    .data_len = strlen(json),
	});

	ck_assert_int_eq(
	    devdb_store_append(store, name_of(meta), DEVDB_ANY, event).result,
	    DEVDB_WRITTEN);
	free(meta);
}

static bool
allows(const char *who, const char *stream, enum devdb_right right)
{
	struct devdb_identity identity = {DEVDB_IDENTITY_USER, NULL};

	if (strcmp(who, "-") == 0)
		identity.kind = DEVDB_IDENTITY_ANONYMOUS;
	else if (strcmp(who, "*") == 0)
		identity.kind = DEVDB_IDENTITY_SYSTEM;
	else
		identity.user = devdb_users_find(&users, view(who));
	return devdb_acl_allows(store, &identity, name_of(stream), right);
}

#define READ DEVDB_RIGHT_READ
#define WRITE DEVDB_RIGHT_WRITE
#define DELETE DEVDB_RIGHT_DELETE

static const struct {
	const char *who; /* "-" anonymous, "*" a node without users */
	const char *stream;
	enum devdb_right right;
	bool is_allowed;
} decisions[] = {
    /* the default */
    {"plain", "s", READ, true},
    {"plain", "s", WRITE, true},
    {"plain", "s", DELETE, true},
    {"plain", "$$s", READ, true},
    {"plain", "$$s", WRITE, true},
    {"plain", "$s", READ, false},
    {"plain", "$s", WRITE, false},
    {"plain", "$$$s", READ, false},
    {"plain", "$$$s", WRITE, false},
    {"plain", "$$$$s", WRITE, false},
    {"plain", "$all", READ, false},
    {"ops", "$s", WRITE, true},
    {"ops", "$$$s", WRITE, true},
    {"ops", "$all", READ, true},
    {"-", "s", READ, false},
    {"-", "$$s", READ, false},
    /* what nobody may */
    {"admin", "$all", WRITE, false},
    {"admin", "$all", DELETE, false},
    {"admin", "$$s", DELETE, false},
    {"admin", "", READ, false},
    {"admin", "", WRITE, false},
    {"*", "$all", WRITE, true},
    {"*", "$$s", DELETE, true},
    {"*", "", WRITE, true},
    /* lists, below */
    {"plain", "w", WRITE, false},
    {"other", "w", WRITE, true},
    {"admin", "w", WRITE, true},
    {"-", "w", WRITE, false},
    {"plain", "w", READ, true},
    {"plain", "w", DELETE, true},
    {"plain", "r", READ, false},
    {"plain", "r", WRITE, true},
    {"plain", "d", DELETE, false},
    {"plain", "d", WRITE, true},
    {"plain", "m", WRITE, true},
    {"plain", "$$m", WRITE, false},
    {"other", "$$m", WRITE, true},
    {"plain", "$$m", READ, false},
    {"plain", "all", WRITE, true},
    {"-", "all", WRITE, false},
    {"-", "all", READ, false},
    {"plain", "nobody", WRITE, false},
    {"ops", "nobody", WRITE, true},
    {"plain", "$open", WRITE, true},
    {"plain", "$open", READ, false},
    {"plain", "no-json", WRITE, true},
    {"plain", "faulty", WRITE, true},
};

START_TEST(decides)
{
	put_metadata("w", "{\"$acl\":{\"$w\":\"other\"}}", true);
	put_metadata("r", "{\"$acl\":{\"$r\":\"other\"}}", true);
	put_metadata("d", "{\"$acl\":{\"$d\":\"writers\"}}", true);
	put_metadata("m", "{\"$acl\":{\"$mw\":\"other\",\"$mr\":[\"writers\"]}}", true);
	put_metadata("all", "{\"$acl\":{\"$w\":\"$all\",\"$r\":\"$all\"}}", true);
	put_metadata("nobody", "{\"$acl\":{\"$w\":[]}}", true);
	put_metadata("$open", "{\"$acl\":{\"$w\":[\"plain\"]}}", true);
	put_metadata("no-json", "{\"$acl\":{\"$w\":[]}}", false);
	put_metadata("faulty", "{\"$maxCount\":5.0,\"$acl\":{\"$w\":[]}}", true);
	ck_assert_msg(allows(decisions[_i].who, decisions[_i].stream,
			  decisions[_i].right) == decisions[_i].is_allowed,
	    "%s, %s, %d", decisions[_i].who, decisions[_i].stream, decisions[_i].right);
}
END_TEST

START_TEST(newest_metadata_counts)
{
	put_metadata("s", "{\"$acl\":{\"$w\":\"other\"}}", true);
	ck_assert(!allows("plain", "s", WRITE));
	put_metadata("s", "{\"$acl\":{\"$w\":[\"plain\"]}}", true);
	ck_assert(allows("plain", "s", WRITE));
	ck_assert(!allows("other", "s", WRITE));
	put_metadata("s", "{}", true);
	ck_assert(allows("other", "s", WRITE));
}
END_TEST

/* A soft delete replaces the metadata: E.acl.soft-delete-drops-acl. */
START_TEST(soft_delete_drops_lists)
{
	struct devdb_event *event = devdb_event_new(&(struct devdb_proposal){
	    .id = devdb_guid_new(), .type = (const uint8_t *)"t", .type_len = 1});

	devdb_store_append(store, name_of("s"), DEVDB_ANY, event);
	put_metadata("s", "{\"$acl\":{\"$w\":\"other\"}}", true);
	ck_assert(!allows("plain", "s", WRITE));
	ck_assert_int_eq(
	    devdb_store_delete(store, name_of("s"), DEVDB_ANY).result, DEVDB_WRITTEN);
	ck_assert(allows("plain", "s", WRITE));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("devdb_acl");
	TCase *tests = tcase_create("all");
	SRunner *runner;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, refuses_users, 0, COUNT(bad_users));
	tcase_add_test(tests, bounds_groups_and_users);
	tcase_add_test(tests, users_keep_roles);
	tcase_add_test(tests, disabled_users_are_wrong);
	tcase_add_loop_test(tests, reads_headers, 0, COUNT(headers));
	tcase_add_loop_test(tests, reads_lists, 0, COUNT(lists));
	tcase_add_loop_test(tests, reads_escapes, 0, COUNT(names));
	tcase_add_loop_test(tests, decides, 0, COUNT(decisions));
	tcase_add_test(tests, newest_metadata_counts);
	tcase_add_test(tests, soft_delete_drops_lists);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
