/* SPDX-License-Identifier: Apache-2.0 */
/* The union grammar of the clients' connection strings: what is read, and where errors
 * are. */
#include "client-core/connection_string.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct kdb_connection_settings
parse(const char *text)
{
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;

	if (!kdb_connection_string_parse(text, &settings, &error))
		ck_abort_msg("%s: byte %zu: %s", text, error.offset, error.text);
	return settings;
}

/* What each text prints as, up to the first option that stands at its default. */
struct good_case {
	const char *text;
	const char *address; /* how the settings begin */
	const char *user;
	const char *password;
};

static const struct good_case good_cases[] = {
	{ "kurrentdb://h", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kurrent://h", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kdb://h", "kurrentdb://h:2113 ", NULL, NULL },
	{ "esdb://h", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kurrentdb+discover://h", "kurrentdb+discover://h:2113 ", NULL, NULL },
	{ "kurrent+discover://h", "kurrentdb+discover://h:2113 ", NULL, NULL },
	{ "kdb+discover://h", "kurrentdb+discover://h:2113 ", NULL, NULL },
	{ "esdb+discover://h", "kurrentdb+discover://h:2113 ", NULL, NULL },
	{ "EsDb+DISCOVER://h", "kurrentdb+discover://h:2113 ", NULL, NULL },
	{ "KurrentDB://H.Example", "kurrentdb://H.Example:2113 ", NULL, NULL },
	{ "kdb://h/", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kdb://h?", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kdb://h/?tls=true", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kdb://h:1", "kurrentdb://h:1 ", NULL, NULL },
	{ "kdb://h:65535", "kurrentdb://h:65535 ", NULL, NULL },
	{ "kdb://h:02113", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kdb://a,b:2,c", "kurrentdb://a:2113,b:2,c:2113 ", NULL, NULL },
	{ "kdb+discover://a,b", "kurrentdb+discover://a:2113,b:2113 ", NULL, NULL },
	{ "kdb://[::1]", "kurrentdb://[::1]:2113 ", NULL, NULL },
	{ "kdb://[fe80::1]:99,10.0.0.1", "kurrentdb://[fe80::1]:99,10.0.0.1:2113 ", NULL,
	    NULL },
	{ "kdb://[::ffff:1.2.3.4]:5", "kurrentdb://[::ffff:1.2.3.4]:5 ", NULL, NULL },
	{ "kdb://node-1.some_zone.example.",
	    "kurrentdb://node-1.some_zone.example.:2113 ", NULL, NULL },
	{ "kdb://admin:changeit@h", "kurrentdb://admin:***@h:2113 ", "admin",
	    "changeit" },
	{ "kdb://admin@h", "kurrentdb://admin:***@h:2113 ", "admin", "" },
	{ "kdb://admin:@h", "kurrentdb://admin:***@h:2113 ", "admin", "" },
	{ "kdb://a%40b:%3a%2F%3f%25+@h", "kurrentdb://a@b:***@h:2113 ", "a@b", ":/?%+" },
	{ "kdb://a:b:c@h", "kurrentdb://a:***@h:2113 ", "a", "b:c" },
	{ "kdb://a:p@ss@h", "kurrentdb://a:***@h:2113 ", "a", "p@ss" },
	{ "kdb://a:b,c@h,i", "kurrentdb://a:***@h:2113,i:2113 ", "a", "b,c" },
	{ "kdb://a:[#]@h", "kurrentdb://a:***@h:2113 ", "a", "[#]" },
	{ "kdb://a:b@h?connectionName=x@y", "kurrentdb://a:***@h:2113 ", "a", "b" },
	{ "kdb://\xc3\xa4:\xc3\xb6@h", "kurrentdb://\xc3\xa4:***@h:2113 ", "\xc3\xa4",
	    "\xc3\xb6" },
	{ "kdb://%C3%A4:%c3%b6@h", "kurrentdb://\xc3\xa4:***@h:2113 ", "\xc3\xa4",
	    "\xc3\xb6" },
	{ "kdb://h?dnsDiscover=true", "kurrentdb+discover://h:2113 ", NULL, NULL },
	{ "kdb://h?dnsDiscover=false", "kurrentdb://h:2113 ", NULL, NULL },
	{ "kdb+discover://h?dnsdiscover=true", "kurrentdb+discover://h:2113 ", NULL,
	    NULL },
};

START_TEST(address_and_credentials)
{
	const struct good_case *good = &good_cases[_i];
	struct kdb_connection_settings settings = parse(good->text);
	char *text = kdb_connection_settings_print(&settings);

	ck_assert_msg(strncmp(text, good->address, strlen(good->address)) == 0, "%s: %s",
	    good->text, text);
	ck_assert_pstr_eq(settings.user, good->user);
	ck_assert_pstr_eq(settings.password, good->password);
	free(text);
	kdb_connection_settings_dispose(&settings);
}
END_TEST

/* One option each, and what the printed settings say of it. */
struct option_case {
	const char *option;
	const char *printed;
};

static const struct option_case option_cases[] = {
	{ "tls=false", " tls=false " },
	{ "TLS=FALSE", " tls=false " },
	{ "tls=0", " tls=false " },
	{ "tls=f", " tls=false " },
	{ "tls=True", " tls=true " },
	{ "tls=1", " tls=true " },
	{ "tls=T", " tls=true " },
	{ "tlsVerifyCert=false", " tlsVerifyCert=false " },
	{ "tls_verify_cert=false", " tlsVerifyCert=false " },
	{ "tls-verify-cert=false", " tlsVerifyCert=false " },
	{ "tlscafile=/a%20b/c+d.pem", " tlsCaFile=/a b/c+d.pem " },
	{ "tlsCaFile=/a=b", " tlsCaFile=/a=b " },
	{ "tlsCaFile=/\xff%FF", " tlsCaFile=/\xff\xff " },
	{ "userCertFile=/c&userKeyFile=/k", " userCertFile=/c userKeyFile=/k " },
	{ "nodePreference=leader", " nodePreference=leader " },
	{ "nodePreference=Follower", " nodePreference=follower " },
	{ "nodePreference=random", " nodePreference=random " },
	{ "nodePreference=readonlyreplica", " nodePreference=readOnlyReplica " },
	{ "nodePreference=read_only_replica", " nodePreference=readOnlyReplica " },
	{ "maxDiscoverAttempts=3", " maxDiscoverAttempts=3 " },
	{ "discoveryInterval=500", " discoveryInterval=500ms " },
	{ "gossipTimeout=1", " gossipTimeout=1s " },
	{ "gossipTimeout=300", " gossipTimeout=300s " },
	{ "keepAliveInterval=-1", " keepAliveInterval=off " },
	{ "keepAliveInterval=12000", " keepAliveInterval=12000ms " },
	{ "KEEPALIVETIMEOUT=-1", " keepAliveTimeout=off " },
	{ "keepAliveTimeout=2147483647", " keepAliveTimeout=2147483647ms " },
	{ "defaultDeadline=100", " defaultDeadline=100ms " },
	{ "defaultDeadline=-1", " defaultDeadline=(none) " },
	{ "connectionName=my%20app+1", " connectionName=my app+1" },
	{ "throwOnAppendFailure=false", " defaultDeadline=(none) " },
};

START_TEST(option_is_read)
{
	const struct option_case *option = &option_cases[_i];
	char text[256];
	struct kdb_connection_settings settings;
	char *printed;

	snprintf(text, sizeof text, "kdb://h?%s", option->option);
	settings = parse(text);
	printed = kdb_connection_settings_print(&settings);
	ck_assert_msg(strstr(printed, option->printed), "%s: %s", text, printed);
	free(printed);
	kdb_connection_settings_dispose(&settings);
}
END_TEST

START_TEST(defaults_are_those_of_the_clients)
{
	struct kdb_connection_settings settings = parse("kdb://h");
	char *text = kdb_connection_settings_print(&settings);

	ck_assert_str_eq(text,
	    "kurrentdb://h:2113 tls=true tlsVerifyCert=true tlsCaFile=(system) "
	    "userCertFile=(none) userKeyFile=(none) nodePreference=leader "
	    "maxDiscoverAttempts=10 discoveryInterval=100ms gossipTimeout=5s "
	    "keepAliveInterval=10000ms keepAliveTimeout=10000ms defaultDeadline=(none) "
	    "connectionName=(none)");
	ck_assert_int_eq(settings.gossip_timeout_ms, 5000);
	ck_assert_int_eq(settings.default_deadline_ms, 0);
	ck_assert_ptr_null(settings.connection_name);
	free(text);
	kdb_connection_settings_dispose(&settings);
}
END_TEST

START_TEST(seeds_keep_their_order)
{
	struct kdb_connection_settings settings = parse("kdb+discover://b:1,[::1],a");

	ck_assert_uint_eq(settings.seed_count, 3);
	ck_assert_str_eq(settings.seeds[0].host, "b");
	ck_assert_uint_eq(settings.seeds[0].port, 1);
	ck_assert_str_eq(settings.seeds[1].host, "::1");
	ck_assert_uint_eq(settings.seeds[1].port, 2113);
	ck_assert_str_eq(settings.seeds[2].host, "a");
	kdb_connection_settings_dispose(&settings);
}
END_TEST

struct bad_case {
	const char *text;
	size_t offset;
	const char *words; /* some of the message */
};

static const struct bad_case bad_cases[] = {
	/* scheme */
	{ "", 0, "empty" },
	{ "h:2113", 0, "begins with kurrentdb://" },
	{ "kdb:/h", 0, "begins with kurrentdb://" },
	{ "http://h", 0, "unknown scheme" },
	{ "://h", 0, "unknown scheme" },
	{ "+discover://h", 0, "unknown scheme" },
	{ "kdb+discovery://h", 0, "unknown scheme" },
	{ " kdb://h", 0, "unknown scheme" },
	{ "kdbx://h", 0, "unknown scheme" },
	/* control characters, as they are and encoded */
	{ "kdb://h\n", 7, "control" },
	{ "kdb://\x01", 6, "control" },
	{ "kdb://h?connectionName=a\tb", 24, "control" },
	{ "kdb://h?connectionName=\x7f", 23, "control" },
	{ "kdb://a%00:b@h", 7, "control" },
	{ "kdb://a:b%0a@h", 9, "control" },
	{ "kdb://a:b%7F@h", 9, "control" },
	{ "kdb://h?tlsCaFile=/a%00b", 20, "control" },
	/* percent escapes */
	{ "kdb://a%:b@h", 7, "two hexadecimal digits" },
	{ "kdb://a%4:b@h", 7, "two hexadecimal digits" },
	{ "kdb://a:b%zz@h", 9, "two hexadecimal digits" },
	{ "kdb://a:b%4@h", 9, "two hexadecimal digits" },
	{ "kdb://h?tlsCaFile=%", 18, "two hexadecimal digits" },
	{ "kdb://h?tlsCaFile=%4&tls=false", 18, "two hexadecimal digits" },
	{ "kdb://h?tls=%66alse%", 19, "two hexadecimal digits" },
	/* user info */
	{ "kdb://@h", 6, "user name is missing" },
	{ "kdb://:b@h", 6, "user name is missing" },
	{ "kdb://a%3ab:c@h", 6, "colon" },
	/* hosts */
	{ "kdb://", 6, "host is missing" },
	{ "kdb:///", 6, "host is missing" },
	{ "kdb://?tls=false", 6, "host is missing" },
	{ "kdb://a:b@", 10, "host is missing" },
	{ "kdb://,h", 6, "host is missing" },
	{ "kdb://h,", 8, "host is missing" },
	{ "kdb://h,,i", 8, "host is missing" },
	{ "kdb://:2113", 6, "host is missing" },
	{ "kdb://h i", 7, "this character" },
	{ "kdb://h%41", 7, "this character" },
	{ "kdb://h#x", 7, "this character" },
	{ "kdb://h]", 7, "this character" },
	{ "kdb://h\xc3\xa4", 7, "xn--" },
	{ "kdb://.h", 6, "empty label" },
	{ "kdb://a..b", 6, "empty label" },
	{ "kdb://300.1.1.1", 6, "not an IPv4" },
	{ "kdb://1.2.3", 6, "not an IPv4" },
	{ "kdb://2113", 6, "not an IPv4" },
	{ "kdb://::1", 6, "brackets" },
	{ "kdb://h,fe80::1", 8, "brackets" },
	{ "kdb://[::1", 6, "']' is missing" },
	{ "kdb://[]", 7, "not an IPv6" },
	{ "kdb://[h]", 7, "not an IPv6" },
	{ "kdb://[1.2.3.4]", 7, "not an IPv6" },
	{ "kdb://[fe80::1%25eth0]", 7, "not an IPv6" },
	{ "kdb://[::1]2113", 11, "may follow ']'" },
	/* ports */
	{ "kdb://h:", 8, "port is missing" },
	{ "kdb://h:,i", 8, "port is missing" },
	{ "kdb://h:0", 8, "1 to 65535" },
	{ "kdb://h:65536", 8, "1 to 65535" },
	{ "kdb://h:99999999999999999999", 8, "1 to 65535" },
	{ "kdb://h:21x", 10, "1 to 65535" },
	{ "kdb://h:-1", 8, "1 to 65535" },
	{ "kdb://h: 1", 8, "1 to 65535" },
	{ "kdb://[::1]:0", 12, "1 to 65535" },
	{ "kdb://h:1,i:2x", 13, "1 to 65535" },
	/* path */
	{ "kdb://h/db", 8, "path" },
	{ "kdb://h//", 8, "path" },
	/* options */
	{ "kdb://h?tls", 11, "tls has no value" },
	{ "kdb://h?tls=", 11, "tls has no value" },
	{ "kdb://h?=true", 8, "option is missing" },
	{ "kdb://h?&tls=false", 8, "option is missing" },
	{ "kdb://h?tls=false&", 18, "option is missing" },
	{ "kdb://h?tls=false&&", 18, "option is missing" },
	{ "kdb://h?tls=true&tls=true", 17, "given twice; the first is at byte 8" },
	{ "kdb://h?tls=true&T-L_S=true", 17, "given twice; the first is at byte 8" },
	{ "kdb://h?colour=red", 8, "unknown option \"colour\"" },
	{ "kdb://h?tls=false&gossipTimeOuts=5", 18, "did you mean gossipTimeout?" },
	{ "kdb://h?nodePreferences=leader", 8, "did you mean nodePreference?" },
	{ "kdb://h?%74ls=false", 8, "unknown option" },
	{ "kdb://h?tls=yes", 12, "tls must be true or false" },
	{ "kdb://h?tls= true", 12, "tls must be true or false" },
	{ "kdb://h?tls=true?tlsVerifyCert=true", 12, "tls must be true or false" },
	{ "kdb://h?throwOnAppendFailure=2", 29,
	    "throwOnAppendFailure must be true or false" },
	{ "kdb+discover://h?dnsDiscover=false", 29, "contradicts +discover" },
	{ "kdb://h?nodePreference=any", 23,
	    "leader, follower, random or readOnlyReplica" },
	{ "kdb://h?maxDiscoverAttempts=0", 28, "at least 1" },
	{ "kdb://h?maxDiscoverAttempts=-1", 28, "at least 1" },
	{ "kdb://h?maxDiscoverAttempts=2147483648", 28, "at least 1" },
	{ "kdb://h?discoveryInterval=1.5", 26, "in milliseconds" },
	{ "kdb://h?discoveryInterval=12abc", 26, "in milliseconds" },
	{ "kdb://h?discoveryInterval=12=34", 26, "in milliseconds" },
	{ "kdb://h?gossipTimeout=301", 22,
	    "in seconds and must be 1 to 300; this looks like milli" },
	{ "kdb://h?gossipTimeout=5000", 22, "this looks like milliseconds" },
	{ "kdb://h?gossipTimeout=99999999999999999999", 22,
	    "this looks like milliseconds" },
	{ "kdb://h?gossipTimeout=0", 22, "1 to 300" },
	{ "kdb://h?gossipTimeout=-1", 22, "1 to 300" },
	{ "kdb://h?keepAliveInterval=-2", 26, "or -1 for none" },
	{ "kdb://h?keepAliveInterval=0", 26, "or -1 for none" },
	{ "kdb://h?keepAliveTimeout=+1", 25, "or -1 for none" },
	{ "kdb://h?defaultDeadline=99", 24, "in milliseconds and must be at least 100" },
	{ "kdb://h?defaultDeadline=5", 24, "this looks like seconds" },
	{ "kdb://h?defaultDeadline=0", 24, "this looks like seconds" },
	{ "kdb://h?defaultDeadline=-2", 24, "or -1 for none" },
	{ "kdb://h?connectionName=%C3%A4", 23, "ASCII" },
	{ "kdb://h?userCertFile=/c", 8, "needs userKeyFile" },
	{ "kdb://h?tls=false&userKeyFile=/k", 18, "needs userCertFile" },
};

START_TEST(error_names_its_byte)
{
	const struct bad_case *bad = &bad_cases[_i];
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;

	ck_assert_msg(!kdb_connection_string_parse(bad->text, &settings, &error),
	    "%s was taken", bad->text);
	ck_assert_msg(error.offset == bad->offset, "%s: byte %zu, not %zu: %s", bad->text,
	    error.offset, bad->offset, error.text);
	ck_assert_msg(strstr(error.text, bad->words), "%s: %s", bad->text, error.text);
	ck_assert_ptr_null(settings.seeds);
	ck_assert_ptr_null(settings.password);
}
END_TEST

/* Broken in many ways, with a password that ends the hosts too early in some. */
static const char *const secret_cases[] = {
	"kdb://admin:hunter2@h:0",
	"kdb://admin:hunter2@h/path",
	"kdb://admin:hunter2@h?hunters=1",
	"kdb://admin:hunter2%zz@h",
	"kdb://admin:hunter2%00@h",
	"kdb://admin:hunter2/x@h",
	"kdb://admin:x/hunter2@h",
	"kdb://admin:x?hunter2@h",
	"kdb://admin:1234?hunter2@h",
	"kdb://admin:1234?x&hunter2@h",
	"kdb://admin:1234?hunter2=1@h",
	"kdb://admin:1234?tls=hunter2@h",
	"kdb://admin:1234?gossipTimeout=hunter2@h",
	"kdb://admin:1234/hunter2@h",
	"kdb://admin:@hunter2?x@h",
	"hunter2://admin:x@h",
	"admin:hunter2@h",
	"kdb:/admin:hunter2@h",
	"kdb://admin:hunter2@",
	"kdb://:hunter2@h",
	"kdb://admin:hunter2@h?tls=1&tls=1",
};

START_TEST(error_does_not_show_the_password)
{
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;

	ck_assert(!kdb_connection_string_parse(secret_cases[_i], &settings, &error));
	ck_assert_msg(
	    !strstr(error.text, "hunter2"), "%s: %s", secret_cases[_i], error.text);
	ck_assert_uint_gt(strlen(error.text), 0);
}
END_TEST

START_TEST(slash_in_password_is_explained)
{
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;

	ck_assert(!kdb_connection_string_parse("kdb://a:b/c@h", &settings, &error));
	ck_assert_msg(strstr(error.text, "%2F"), "%s", error.text);
	ck_assert(!kdb_connection_string_parse("kdb://a:1/c@h", &settings, &error));
	ck_assert_msg(strstr(error.text, "%2F"), "%s", error.text);
	ck_assert(!kdb_connection_string_parse("kdb://a:1?c@h", &settings, &error));
	ck_assert_msg(strstr(error.text, "%3F"), "%s", error.text);
	ck_assert(!kdb_connection_string_parse("kdb://a:b", &settings, &error));
	ck_assert_msg(!strstr(error.text, "%2F"), "%s", error.text);
}
END_TEST

START_TEST(every_cut_of_a_string_is_answered)
{
	static const char whole[] =
	    "kurrentdb+discover://a%40:p%2f@h:1,[::1]:2,i/?tls=false&gossipTimeout=5&connectionName=%41";
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;

	for (size_t len = 0; len < sizeof whole; len++) {
		char *text = strndup(whole, len);

		if (kdb_connection_string_parse(text, &settings, &error))
			kdb_connection_settings_dispose(&settings);
		else
			ck_assert_uint_le(error.offset, len);
		free(text);
	}
}
END_TEST

START_TEST(very_long_parts_are_bounded)
{
	struct kdb_connection_settings settings;
	struct kdb_connection_string_error error;
	size_t len = 100000;
	char *text = malloc(len + 1);

	memset(text, 'a', len);
	text[len] = 0;
	memcpy(text, "kdb://", 6);
	ck_assert(!kdb_connection_string_parse(text, &settings, &error));
	ck_assert_uint_eq(error.offset, 6);
	memcpy(text, "kdb://h?", 8);
	ck_assert(!kdb_connection_string_parse(text, &settings, &error));
	ck_assert_uint_eq(error.offset, 8);
	memcpy(text, "kdb://u:", 8);
	memcpy(text + len - 2, "@h", 2);
	ck_assert(kdb_connection_string_parse(text, &settings, &error));
	ck_assert_uint_eq(strlen(settings.password), len - 10);
	kdb_connection_settings_dispose(&settings);
	free(text);
}
END_TEST

struct hidden_case {
	const char *text;
	const char *hidden;
};

static const struct hidden_case hidden_cases[] = {
	{ "kdb://h?tls=false", "kdb://h?tls=false" },
	{ "kdb://u@h", "kdb://u@h" },
	{ "kdb://u:p@h?tls=false", "kdb://u:***@h?tls=false" },
	{ "kdb://u:@h", "kdb://u:***@h" },
	{ "kdb://u:p@q:r@h:1,i:2/?connectionName=a:b@c",
	    "kdb://u:***@h:1,i:2/?connectionName=a:b@c" },
	{ "kdb://h:1?connectionName=a:b@c", "kdb://h:1?connectionName=a:b@c" },
};

START_TEST(password_is_hidden_in_the_text)
{
	char *hidden = kdb_connection_string_hide_password(hidden_cases[_i].text);
	struct kdb_connection_settings settings = parse(hidden);

	ck_assert_str_eq(hidden, hidden_cases[_i].hidden);
	kdb_connection_settings_dispose(&settings);
	free(hidden);
}
END_TEST

struct loopback_case {
	const char *text;
	bool is_loopback;
};

static const struct loopback_case loopback_cases[] = {
	{ "kdb://localhost", true },
	{ "kdb://LocalHost", true },
	{ "kdb://127.0.0.1", true },
	{ "kdb://127.200.0.9", true },
	{ "kdb://[::1]", true },
	{ "kdb://[::ffff:127.0.0.1]", true },
	{ "kdb://localhost,127.0.0.1,[::1]", true },
	{ "kdb://localhost,db", false },
	{ "kdb://db,localhost", false },
	{ "kdb://128.0.0.1", false },
	{ "kdb://0.0.0.0", false },
	{ "kdb://[::]", false },
	{ "kdb://[::2]", false },
	{ "kdb://[::ffff:10.0.0.1]", false },
	{ "kdb://localhost.example", false },
	{ "kdb://127.0.0.1.example", false },
};

START_TEST(loopback_means_every_seed)
{
	struct kdb_connection_settings settings = parse(loopback_cases[_i].text);

	ck_assert_msg(kdb_connection_settings_is_loopback(&settings) ==
		loopback_cases[_i].is_loopback,
	    "%s", loopback_cases[_i].text);
	kdb_connection_settings_dispose(&settings);
}
END_TEST

START_TEST(zeroed_settings_can_be_disposed_of)
{
	struct kdb_connection_settings settings = { 0 };

	kdb_connection_settings_dispose(&settings);
	kdb_connection_settings_dispose(&settings);
	ck_assert(!kdb_connection_settings_is_loopback(&settings));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("connection_string");
	TCase *c = tcase_create("all");
	SRunner *r = srunner_create(s);

	tcase_add_loop_test(c, address_and_credentials, 0, COUNT(good_cases));
	tcase_add_loop_test(c, option_is_read, 0, COUNT(option_cases));
	tcase_add_test(c, defaults_are_those_of_the_clients);
	tcase_add_test(c, seeds_keep_their_order);
	tcase_add_loop_test(c, error_names_its_byte, 0, COUNT(bad_cases));
	tcase_add_loop_test(c, error_does_not_show_the_password, 0, COUNT(secret_cases));
	tcase_add_test(c, slash_in_password_is_explained);
	tcase_add_test(c, every_cut_of_a_string_is_answered);
	tcase_add_test(c, very_long_parts_are_bounded);
	tcase_add_loop_test(c, password_is_hidden_in_the_text, 0, COUNT(hidden_cases));
	tcase_add_loop_test(c, loopback_means_every_seed, 0, COUNT(loopback_cases));
	tcase_add_test(c, zeroed_settings_can_be_disposed_of);
	suite_add_tcase(s, c);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	srunner_free(r);
	return 0;
}
