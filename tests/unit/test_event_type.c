/* SPDX-License-Identifier: Apache-2.0 */
/* Which event types the newer protocol takes, in front of which server. */
#include "daemon/event_type.h"

#include <check.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const struct {
	const char *type;
	bool is_good;
	bool is_good_ascii;
} types[] = {
	{ "OrderPlaced", true, true },
	{ "$metadata", true, true },
	{ "com.example:order-placed_v2$", true, true },
	{ "a b", false, false },
	{ "a/b", false, false },
	{ "a\n", false, false },
	{ "\x7f", false, false },
	{ "Bestellung-gr\xc3\xbc\xc3\x9f", true, false },	/* grüß */
	{ "\xe6\xb3\xa8\xe6\x96\x87", true, false },		/* 注文 */
	{ "\xe2\x85\xa7\xe2\x91\xa0\xc2\xbd\xc2\xb2", true, false }, /* Ⅷ ① ½ ² */
	{ "\xef\xac\x81le", true, false },			/* ﬁ: NFKC is not asked for */
	{ "\xe1\x84\x92", true, false },			/* a jamo by itself */
	{ "\xed\x95\x9c", true, false },			/* 한 */
	{ "\xf0\x9d\x92\x9c", false, false },			/* 𝒜, a letter beyond U+FFFF */
	{ "\xf0\x90\x90\x80", false, false },			/* 𐐀 */
	{ "\xf0\x9f\x98\x80", false, false },
	{ "a\xc2\xb7" "b", false, false },				/* · */
	{ "a\xc2\xa0" "b", false, false },
	{ "a\xe2\x80\x8d" "b", false, false },			/* a joiner */
	{ "e\xcc\x81", false, false },				/* a combining mark */
	{ "\xe0\xa4\x95\xe0\xa4\xbf", false, false },		/* कि: a vowel sign */
	/* letters, and not NFC */
	{ "\xe2\x84\xab", false, false },			/* the sign of Ångström */
	{ "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", false, false }, /* 한 in jamos */
	{ "\xef\xa4\x80", false, false },			/* 豈 of the compatibility block */
};

START_TEST(alphabets)
{
	struct kdb_bytes type = { types[_i].type, strlen(types[_i].type) };

	ck_assert_int_eq(
	    kg_event_type_find_fault(type, false) == NULL, types[_i].is_good);
	ck_assert_int_eq(
	    kg_event_type_find_fault(type, true) == NULL, types[_i].is_good_ascii);
}
END_TEST

START_TEST(nul_is_of_no_alphabet)
{
	struct kdb_bytes type = { "a\0b", 3 };

	ck_assert_ptr_nonnull(kg_event_type_find_fault(type, false));
	ck_assert_ptr_nonnull(kg_event_type_find_fault(type, true));
}
END_TEST

static const struct {
	const char *version;
	bool is_ascii_only;
} versions[] = {
	{ "", false },
	{ "unknown", false },
	{ "26", false },
	{ "25.1.4", true },
	{ "26.0.0", true },
	{ "26.0.3", true },
	{ "26.1.0", false },
	{ "26.1.1-rc.1", false },
	{ "26.10.0", false },
	{ "27.0.0", false },
	{ "100.0.0", false },
	{ "9.1.0", true },
};

START_TEST(versions_of_servers)
{
	ck_assert_int_eq(kg_event_type_is_ascii_only(versions[_i].version),
	    versions[_i].is_ascii_only);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("event_type");
	TCase *tcase = tcase_create("event_type");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, alphabets, 0, COUNT(types));
	tcase_add_test(tcase, nul_is_of_no_alphabet);
	tcase_add_loop_test(tcase, versions_of_servers, 0, COUNT(versions));
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
