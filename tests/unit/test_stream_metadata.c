/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of stream metadata: what passes, and each refusal with its place. */
#include "client-core/base/buffer.h"
#include "daemon/stream_metadata.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static const char *const good[] = {
	"{}",
	" \r\n{ } \t",
	"{\"$maxAge\":0,\"$maxCount\":0,\"$tb\":0,\"$cacheControl\":0}",
	"{\"$maxCount\":9223372036854775807,\"$tb\":9223372036854775807}",
	"{\"$maxAge\":922337203685,\"$cacheControl\":922337203685}",
	"{\"$tmp\":true}",
	"{\"$tmp\":false}",
	"{\"$acl\":{}}",
	"{\"$acl\":{\"$r\":\"a\",\"$w\":[\"a\",\"b\"],\"$d\":[],\"$mr\":\"\",\"$mw\":[ ]}}",
	"{\"\\u0024maxAge\":1}",
	/* other members are free, twice as well, and below them everything is */
	"{\"foo\":1.5,\"foo\":null,\"maxAge\":\"x\",\"$other\":[1],\"$other\":{}}",
	"{\"foo\":{\"$maxAge\":1.5,\"$maxAge\":1,\"$acl\":5}}",
	"{\"$MaxAge\":1.5}",
};

START_TEST(good_metadata)
{
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	ck_assert_msg(
	    kg_stream_metadata_check(good[_i], strlen(good[_i]), "", &refusal), "%s", good[_i]);
	ck_assert(!refusal.is_set);
	kg_refusal_dispose(&refusal);
}
END_TEST

#define INVALID KG_PROBLEM_INVALID_REQUEST
#define DUPLICATE KG_PROBLEM_DUPLICATE_MEMBER

static const struct {
	const char *text;
	enum kg_problem problem;
	const char *pointers; /* each behind a blank and the prefix */
} bad[] = {
	{ "[]", INVALID, " /p" },
	{ "null", INVALID, " /p" },
	{ "\"x\"", INVALID, " /p" },
	{ "1", INVALID, " /p" },
	{ "", INVALID, " /p" },
	{ "{\"$tb\":1", INVALID, " /p" },
	{ "{} {}", INVALID, " /p" },
	{ "{\"$maxAge\":1.0}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":1e3}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":-1}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":-0}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":\"1\"}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":null}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":true}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":[1]}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":922337203686}", INVALID, " /p/$maxAge" },
	{ "{\"$maxAge\":9223372036854775807}", INVALID, " /p/$maxAge" },
	{ "{\"$cacheControl\":922337203686}", INVALID, " /p/$cacheControl" },
	{ "{\"$cacheControl\":0.5}", INVALID, " /p/$cacheControl" },
	{ "{\"$maxCount\":9223372036854775808}", INVALID, " /p/$maxCount" },
	{ "{\"$maxCount\":{}}", INVALID, " /p/$maxCount" },
	{ "{\"$tb\":2.0}", INVALID, " /p/$tb" },
	{ "{\"$tb\":-1}", INVALID, " /p/$tb" },
	{ "{\"\\u0024tb\":-1}", INVALID, " /p/$tb" },
	{ "{\"$tmp\":\"true\"}", INVALID, " /p/$tmp" },
	{ "{\"$tmp\":1}", INVALID, " /p/$tmp" },
	{ "{\"$tmp\":null}", INVALID, " /p/$tmp" },
	{ "{\"$acl\":null}", INVALID, " /p/$acl" },
	{ "{\"$acl\":\"x\"}", INVALID, " /p/$acl" },
	{ "{\"$acl\":[]}", INVALID, " /p/$acl" },
	{ "{\"$acl\":{\"$x\":\"a\"}}", INVALID, " /p/$acl/$x" },
	{ "{\"$acl\":{\"r\":\"a\",\"foo\":1}}", INVALID, " /p/$acl/r /p/$acl/foo" },
	{ "{\"$acl\":{\"$r\":5}}", INVALID, " /p/$acl/$r" },
	{ "{\"$acl\":{\"$r\":null,\"$w\":{},\"$d\":true}}", INVALID,
	    " /p/$acl/$r /p/$acl/$w /p/$acl/$d" },
	{ "{\"$acl\":{\"$mr\":[\"a\",1,[\"b\"],\"c\",null]}}", INVALID,
	    " /p/$acl/$mr/1 /p/$acl/$mr/2 /p/$acl/$mr/4" },
	{ "{\"$acl\":{\"$r\":\"a\",\"$r\":\"b\"}}", DUPLICATE, " /p/$acl/$r" },
	{ "{\"$tb\":1,\"$tb\":1}", DUPLICATE, " /p/$tb" },
	{ "{\"$tmp\":true,\"x\":1,\"\\u0024tmp\":true,\"$tmp\":1}", DUPLICATE, " /p/$tmp /p/$tmp" },
	{ "{\"$acl\":{},\"$acl\":{\"$r\":5}}", DUPLICATE, " /p/$acl" },
	{ "{\"$tb\":\"\",\"$maxAge\":\"\",\"$acl\":{\"$w\":7},\"$tmp\":0,\"$maxCount\":\"\"}",
	    INVALID, " /p/$tb /p/$maxAge /p/$acl/$w /p/$tmp /p/$maxCount" },
};

START_TEST(bad_metadata)
{
	struct kg_refusal refusal;
	struct kdb_buffer found;

	kg_refusal_init(&refusal);
	kdb_buffer_init(&found, 4096);
	ck_assert_msg(
	    !kg_stream_metadata_check(bad[_i].text, strlen(bad[_i].text), "/p", &refusal), "%s",
	    bad[_i].text);
	ck_assert(refusal.is_set);
	ck_assert_int_eq(refusal.problem, bad[_i].problem);
	for (size_t i = 0; i < refusal.finding_count; i++)
		kdb_buffer_put_printf(&found, " %s", refusal.findings[i].pointer);
	kdb_buffer_put_char(&found, '\0');
	ck_assert_str_eq(found.data, bad[_i].pointers);
	kdb_buffer_dispose(&found);
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(rights_get_a_hint)
{
	static const char near[] = "{\"$acl\":{\"$mrr\":\"a\"}}";
	static const char far[] = "{\"$acl\":{\"readers\":\"a\"}}";
	struct kg_refusal refusal;

	kg_refusal_init(&refusal);
	ck_assert(!kg_stream_metadata_check(near, sizeof near - 1, "", &refusal));
	ck_assert_str_eq(refusal.findings[0].hint, "Did you mean \"$mr\"?");
	ck_assert(!kg_stream_metadata_check(far, sizeof far - 1, "", &refusal));
	ck_assert_str_eq(refusal.findings[1].hint, "The rights are $r, $w, $d, $mr and $mw.");
	kg_refusal_dispose(&refusal);
}
END_TEST

START_TEST(findings_end_at_sixteen)
{
	struct kg_refusal refusal;
	struct kdb_buffer text;

	kdb_buffer_init(&text, 1 << 20);
	kdb_buffer_put_text(&text, "{\"$acl\":{\"$r\":[");
	for (int i = 0; i < 5000; i++)
		kdb_buffer_put_text(&text, "1,");
	kdb_buffer_put_text(&text, "1],\"$x\":1},\"$tb\":1.5}");
	kg_refusal_init(&refusal);
	ck_assert(!kg_stream_metadata_check(text.data, text.len, "", &refusal));
	ck_assert_uint_eq(refusal.finding_count, 16);
	ck_assert_str_eq(refusal.findings[15].pointer, "/$acl/$r/15");
	kg_refusal_dispose(&refusal);
	kdb_buffer_dispose(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stream_metadata");
	TCase *tcase = tcase_create("stream_metadata");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, good_metadata, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_metadata, 0, COUNT(bad));
	tcase_add_test(tcase, rights_get_a_hint);
	tcase_add_test(tcase, findings_end_at_sixteen);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
