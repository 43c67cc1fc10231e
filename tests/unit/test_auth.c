/* SPDX-License-Identifier: Apache-2.0 */
/* Database credentials in requests: their form, their spelling, and where they may go. */
#include "daemon/auth.h"
#include "tests/unit/head_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

enum { TAKEN = KG_PROBLEM_COUNT };

static const struct {
	const char *value;
	const char *authorization; /* NULL: refused */
	const char *user;
} forms[] = {
    {"Basic dTpw", "Basic dTpw", "u"}, /* u:p */
    {"basic dTpw", "Basic dTpw", "u"},
    {"BASIC   dTpw", "Basic dTpw", "u"},
    {"Basic Og==", "Basic Og==", ""},          /* : */
    {"Basic dTpwOnE=", "Basic dTpwOnE=", "u"}, /* u:p:q */
    {"Bearer abc", "Bearer abc", NULL},
    {"bEARER aZ09-._~+/==", "Bearer aZ09-._~+/==", NULL},
    {"", NULL, NULL},
    {"Basic", NULL, NULL},
    {"Basic ", NULL, NULL},
    {"Basic YWJj", NULL, NULL}, /* abc, no colon */
    {"Basic dTpw=", NULL, NULL},
    {"Basic dTp", NULL, NULL},
    {"Basic d Tpw", NULL, NULL},
    {"Basic dTpw ", NULL, NULL},
    {"Basic\tdTpw", NULL, NULL},
    {"Basicx dTpw", NULL, NULL},
    {"Bearer", NULL, NULL},
    {"Bearer ", NULL, NULL},
    {"Bearer =", NULL, NULL},
    {"Bearer a=b", NULL, NULL},
    {"Bearer a b", NULL, NULL},
    {"Bearer \xc3\xa9", NULL, NULL},
    {"Digest username=\"u\"", NULL, NULL},
    {"dTpw", NULL, NULL},
};

START_TEST(test_form)
{
	struct kg_credentials credentials;
	bool is_good =
	    kg_auth_read(forms[_i].value, strlen(forms[_i].value), &credentials);

	ck_assert_msg(
	    is_good == (forms[_i].authorization != NULL), "form of: %s", forms[_i].value);
	ck_assert_pstr_eq(credentials.authorization, forms[_i].authorization);
	ck_assert_pstr_eq(credentials.user, forms[_i].user);
	kg_auth_dispose(&credentials);
	ck_assert_ptr_null(credentials.authorization);
}
END_TEST

/* The problem of a request with these fields, or TAKEN. */
static int
take(const char *text, const struct kg_config *config, const char *authorization)
{
	struct kg_credentials credentials = {0};
	struct kg_refusal refusal;
	struct head_text made;
	int problem = TAKEN;

	head_text_init(&made, text);
	kg_refusal_init(&refusal);
	if (!kg_auth_take(&made.head, config, &credentials, &refusal))
		problem = (int)refusal.problem;
	else
		ck_assert_pstr_eq(credentials.authorization, authorization);
	ck_assert_ptr_null(strstr(refusal.detail, "dTpw"));
	kg_auth_dispose(&credentials);
	kg_refusal_dispose(&refusal);
	head_text_dispose(&made);
	return problem;
}

static struct kdb_seed loopback_seed = {(char[]){"127.0.0.1"}, 2113};
static struct kdb_seed distant_seed = {(char[]){"db.example"}, 2113};

static struct kg_config
make_config(struct kdb_seed *seed)
{
	return (struct kg_config){.allow_request_credentials = true,
	    .connection = {.seeds = seed, .seed_count = 1}};
}

START_TEST(test_two_headers)
{
	const struct kg_config config = make_config(&loopback_seed);

	ck_assert_int_eq(take("POST /a", &config, NULL), TAKEN);
	ck_assert_int_eq(
	    take("POST /a\nAuthorization: Basic dTpw", &config, "Basic dTpw"), TAKEN);
	ck_assert_int_eq(
	    take("POST /a\nKurrent-Authorization: bearer t", &config, "Bearer t"), TAKEN);
	ck_assert_int_eq(
	    take("POST /a\nKurrent-Authorization: basic dTpw\nAuthorization: Basic "
		 "dTpw",
		&config, "Basic dTpw"),
	    TAKEN);
	ck_assert_int_eq(
	    take("POST /a\nKurrent-Authorization: Bearer t\nAuthorization: Basic "
		 "dTpw",
		&config, NULL),
	    KG_PROBLEM_CONFLICTING_PARAMETERS);
	ck_assert_int_eq(take("POST /a\nAuthorization: x", &config, NULL),
	    KG_PROBLEM_MALFORMED_REQUEST);
	ck_assert_int_eq(
	    take("POST /a\nKurrent-Authorization: Basic dTpw\nAuthorization: x", &config,
		NULL),
	    KG_PROBLEM_MALFORMED_REQUEST);
}
END_TEST

START_TEST(test_switched_off)
{
	struct kg_config config = make_config(&loopback_seed);

	config.allow_request_credentials = false;
	ck_assert_int_eq(take("POST /a", &config, NULL), TAKEN);
	ck_assert_int_eq(take("POST /a\nAuthorization: Basic dTpw", &config, NULL),
	    KG_PROBLEM_FORBIDDEN);
	ck_assert_int_eq(take("POST /a\nAuthorization: x", &config, NULL),
	    KG_PROBLEM_MALFORMED_REQUEST);
}
END_TEST

START_TEST(test_link)
{
	static const char text[] = "POST /a\nAuthorization: Basic dTpw";
	struct kg_config config = make_config(&distant_seed);

	ck_assert_int_eq(take(text, &config, NULL), KG_PROBLEM_FORBIDDEN);
	config.allow_cleartext_credentials = true;
	ck_assert_int_eq(take(text, &config, "Basic dTpw"), TAKEN);
	config.allow_cleartext_credentials = false;
	config.connection.tls = true;
	ck_assert_int_eq(take(text, &config, "Basic dTpw"), TAKEN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth");
	TCase *tcase = tcase_create("auth");
	SRunner *runner;

	tcase_add_loop_test(tcase, test_form, 0, COUNT(forms));
	tcase_add_test(tcase, test_two_headers);
	tcase_add_test(tcase, test_switched_off);
	tcase_add_test(tcase, test_link);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
