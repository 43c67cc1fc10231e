/* SPDX-License-Identifier: Apache-2.0 */
/* Four sources of configuration, their order, their forms and their mistakes; and
 * whether the documents name every option with its default. */
#include "daemon/config.h"

#include "daemon/config_source.h"
#include "daemon/option.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define DATABASE "--database=kdb://localhost?tls=false"
#define MAX_TEXT ((size_t)1 << 20)

enum { MAX_WORDS = 16 };

/* What one reading gave. */
struct outcome {
	struct kg_config *config;
	struct kg_config_sources *sources;
	enum kg_config_command command;
	char *error;
};

/* Copies, since argv and the environment are writable memory. */
static int
copy_words(const char *const *words, char **copies, int count)
{
	for (; words && *words; words++) {
		ck_assert_int_lt(count, MAX_WORDS);
		copies[count++] = strdup(*words);
	}
	return count;
}

static struct outcome
read_config(const char *const *flags, const char *const *env)
{
	static const char *const program[] = { "kurrentgate", NULL };
	char *argv[MAX_WORDS + 1] = { NULL };
	char *envp[MAX_WORDS + 1] = { NULL };
	struct outcome outcome = { 0 };
	int argc = copy_words(flags, argv, copy_words(program, argv, 0));

	copy_words(env, envp, 0);
	outcome.config = kg_config_read(
	    argc, argv, envp, &outcome.command, &outcome.sources, &outcome.error);
	for (int i = 0; i < MAX_WORDS; i++) {
		free(argv[i]);
		free(envp[i]);
	}
	return outcome;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
dispose(struct outcome *outcome)
{
	kg_config_free(outcome->config);
	kg_config_sources_free(outcome->sources);
	free(outcome->error);
}

static struct outcome
must_read(const char *const *flags, const char *const *env)
{
	struct outcome outcome = read_config(flags, env);

	ck_assert_msg(outcome.config, "%s", outcome.error);
	ck_assert_ptr_nonnull(outcome.sources);
	return outcome;
}

static void
must_fail(const char *const *flags, const char *const *env, const char *words)
{
	struct outcome outcome = read_config(flags, env);

	ck_assert_msg(!outcome.config, "taken, but expected: %s", words);
	ck_assert_ptr_null(outcome.sources);
	ck_assert_msg(
	    strstr(outcome.error, words), "expected \"%s\" in: %s", words, outcome.error);
	dispose(&outcome);
}

static char folder[] = "/tmp/kurrentgate-test-XXXXXX";

/* Writes a file in the folder of this test and returns its path, which the caller
 * frees. */
static char *
write_file(const char *name, const void *content, size_t len, mode_t mode)
{
	char *path = NULL;
	int fd;

	ck_assert_int_gt(asprintf(&path, "%s/%s", folder, name), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static char *
write_text(const char *name, const char *text)
{
	return write_file(name, text, strlen(text), 0600);
}

static char *
flag(const char *name, const char *value)
{
	char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "--%s=%s", name, value), 0);
	return text;
}

static void
make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
	static const char *const names[] = { "conf", "database", "print" };
	char path[128];

	for (int i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		ck_assert(unlink(path) == 0 || errno == ENOENT);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

static char *
printed(const struct outcome *outcome)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, MAX_TEXT);
	kg_config_print(outcome->config, outcome->sources, &out);
	kdb_buffer_put_char(&out, 0);
	ck_assert(!out.is_overflowed);
	return kdb_buffer_take(&out, &len);
}

static void
must_print(const struct outcome *outcome, const char *words)
{
	char *text = printed(outcome);

	ck_assert_msg(strstr(text, words), "expected \"%s\" in: %s", words, text);
	free(text);
}

/* --- defaults ----------------------------------------------------------------------- */

START_TEST(defaults_of_limits)
{
	struct outcome outcome = must_read(WORDS(DATABASE), NULL);
	const struct kg_config *config = outcome.config;

	ck_assert_int_eq(outcome.command, KG_CONFIG_RUN);
	ck_assert_uint_eq(config->max_body_bytes, 16777216);
	ck_assert_uint_eq(config->max_inflight_bytes, 268435456);
	ck_assert_uint_eq(config->max_events, 1000);
	ck_assert_uint_eq(config->max_depth, 512);
	ck_assert_uint_eq(config->max_header_bytes, 16384);
	ck_assert_uint_eq(config->max_name_bytes, 4096);
	ck_assert_uint_eq(config->max_connections, 4096);
	ck_assert_uint_eq(config->min_body_rate, 8192);
	ck_assert_int_eq(config->default_timeout_ns, INT64_C(5000000000));
	ck_assert_int_eq(config->max_timeout_ns, INT64_C(30000000000));
	ck_assert_int_eq(config->header_timeout_ns, INT64_C(5000000000));
	ck_assert_int_eq(config->body_grace_ns, INT64_C(5000000000));
	ck_assert_int_eq(config->idle_timeout_ns, INT64_C(30000000000));
	ck_assert_int_eq(config->drain_timeout_ns, INT64_C(30000000000));
	dispose(&outcome);
}
END_TEST

START_TEST(defaults_of_the_rest)
{
	struct outcome outcome = must_read(WORDS(DATABASE), NULL);
	const struct kg_config *config = outcome.config;

	ck_assert_uint_eq(config->listen.count, 2);
	ck_assert_str_eq(config->listen.items[0], "127.0.0.1:2114");
	ck_assert_str_eq(config->listen.items[1], "[::1]:2114");
	ck_assert_uint_eq(config->allowed_hosts.count, 0);
	ck_assert_uint_eq(config->allowed_origins.count, 0);
	ck_assert_ptr_null(config->database_file);
	ck_assert_ptr_null(config->unix_socket_group);
	ck_assert_uint_eq(config->unix_socket_mode, 0660);
	ck_assert(!config->allow_unprotected_listen);
	ck_assert(config->allow_request_credentials);
	ck_assert(!config->allow_cleartext_credentials);
	ck_assert(config->validate_json_payloads);
	ck_assert(!config->log_stream_names);
	ck_assert(!config->default_current_version.is_given);
	ck_assert_int_eq(config->server_timing, KG_SERVER_TIMING_AUTO);
	ck_assert_int_eq(config->readiness_profile, KG_PROFILE_SERVICE);
	ck_assert_int_eq(config->log_level, KG_LOG_INFO);
	ck_assert_int_eq(config->log_format, KG_LOG_TEXT);
	dispose(&outcome);
}
END_TEST

START_TEST(every_default_is_a_value_of_its_option)
{
	struct outcome outcome = must_read(WORDS(DATABASE), NULL);
	const struct kg_option *option = &kg_options[_i];
	char *text = strdup(option->default_text);
	char *rest = NULL;
	char *error = NULL;

	for (char *word = strtok_r(text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		ck_assert_msg(kg_option_put(option, outcome.config, word, &error),
		    "%s: %s", option->name, error);
	free(text);
	dispose(&outcome);
}
END_TEST

/* --- precedence --------------------------------------------------------------------- */

struct precedence_case {
	bool in_file, in_env, in_flag;
	unsigned max_events;
	const char *printed;
};

static const struct precedence_case precedence_cases[] = {
	{ false, false, false, 1000, "; default\nmax-events = 1000\n" },
	{ true, false, false, 2, "/conf:3\nmax-events = 2\n" },
	{ false, true, false, 3,
	    "; environment KURRENTGATE_MAX_EVENTS\nmax-events = 3\n" },
	{ true, true, false, 3,
	    "; environment KURRENTGATE_MAX_EVENTS\nmax-events = 3\n" },
	{ false, false, true, 4, "; flag --max-events\nmax-events = 4\n" },
	{ true, false, true, 4, "; flag --max-events\nmax-events = 4\n" },
	{ false, true, true, 4, "; flag --max-events\nmax-events = 4\n" },
	{ true, true, true, 4, "; flag --max-events\nmax-events = 4\n" },
};

START_TEST(flag_over_environment_over_file_over_default)
{
	const struct precedence_case *each = &precedence_cases[_i];
	char *path = write_text("conf", each->in_file ? "# x\n\nmax-events = 2\n" : "");
	char *config = flag("config", path);
	struct outcome outcome =
	    must_read(WORDS(config, DATABASE, each->in_flag ? "--max-events=4" : NULL),
		WORDS("PATH=/bin", each->in_env ? "KURRENTGATE_MAX_EVENTS=3" : NULL));

	ck_assert_uint_eq(outcome.config->max_events, each->max_events);
	must_print(&outcome, each->printed);
	dispose(&outcome);
	free(config);
	free(path);
}
END_TEST

START_TEST(list_is_replaced_whole)
{
	char *path = write_text("conf", "allowed-host = a\nallowed-host = b\n");
	char *config = flag("config", path);
	struct outcome outcome = must_read(WORDS(config, DATABASE), NULL);

	ck_assert_uint_eq(outcome.config->allowed_hosts.count, 2);
	ck_assert_str_eq(outcome.config->allowed_hosts.items[1], "b");
	must_print(&outcome, "/conf:1\nallowed-host = a\n");
	must_print(&outcome, "/conf:2\nallowed-host = b\n");
	dispose(&outcome);
	outcome = must_read(
	    WORDS(config, DATABASE), WORDS("KURRENTGATE_ALLOWED_HOST= c  d\te "));
	ck_assert_uint_eq(outcome.config->allowed_hosts.count, 3);
	ck_assert_str_eq(outcome.config->allowed_hosts.items[0], "c");
	ck_assert_str_eq(outcome.config->allowed_hosts.items[2], "e");
	dispose(&outcome);
	outcome =
	    must_read(WORDS(config, DATABASE, "--allowed-host=f", "--allowed-host", "g"),
		WORDS("KURRENTGATE_ALLOWED_HOST=c d"));
	ck_assert_uint_eq(outcome.config->allowed_hosts.count, 2);
	ck_assert_str_eq(outcome.config->allowed_hosts.items[0], "f");
	ck_assert_str_eq(outcome.config->allowed_hosts.items[1], "g");
	dispose(&outcome);
	outcome = must_read(WORDS(config, DATABASE, "--allowed-host="), NULL);
	ck_assert_uint_eq(outcome.config->allowed_hosts.count, 0);
	dispose(&outcome);
	free(config);
	free(path);
}
END_TEST

START_TEST(value_that_loses_is_checked_too)
{
	char *path = write_text("conf", "max-events = many\n");
	char *config = flag("config", path);

	must_fail(WORDS(config, DATABASE, "--max-events=4"), NULL,
	    "/conf:1: max-events must be 1 to 100000 (events)");
	free(config);
	free(path);
}
END_TEST

/* --- values ------------------------------------------------------------------------- */

static struct kg_config *
put_one(const char *name, const char *value)
{
	struct kg_config *config = calloc(1, sizeof *config);
	int index = kg_option_find(name, strlen(name));
	char *error = NULL;

	ck_assert_int_ge(index, 0);
	if (!kg_option_put(&kg_options[index], config, value, &error))
		ck_abort_msg("%s = %s: %s", name, value, error);
	return config;
}

struct bytes_case {
	const char *text;
	size_t bytes;
};

static const struct bytes_case bytes_cases[] = {
	{ "1", 1 },
	{ "4096", 4096 },
	{ "0010", 10 },
	{ "1KiB", 1024 },
	{ "3MiB", 3145728 },
	{ "1024GiB", (size_t)1 << 40 },
};

START_TEST(bytes_have_suffixes)
{
	struct kg_config *config = put_one("max-inflight-bytes", bytes_cases[_i].text);

	ck_assert_uint_eq(config->max_inflight_bytes, bytes_cases[_i].bytes);
	kg_config_free(config);
}
END_TEST

struct seconds_case {
	const char *text;
	int64_t ns;
};

static const struct seconds_case seconds_cases[] = {
	{ "0", 0 },
	{ "5", INT64_C(5000000000) },
	{ "2.5", INT64_C(2500000000) },
	{ "0.000000001", 1 },
	{ "1.234567891", INT64_C(1234567891) },
	{ "3600", INT64_C(3600000000000) },
	{ "3600.0", INT64_C(3600000000000) },
};

START_TEST(seconds_have_fractions)
{
	struct kg_config *config = put_one("body-grace-seconds", seconds_cases[_i].text);

	ck_assert_int_eq(config->body_grace_ns, seconds_cases[_i].ns);
	kg_config_free(config);
}
END_TEST

struct version_case {
	const char *text;
	bool is_given;
	int64_t expected_version;
};

static const struct version_case version_cases[] = {
	{ "", false, 0 },
	{ "any", true, -2 },
	{ "exists", true, -4 },
	{ "no_stream", true, -1 },
	{ "-1", true, -1 },
	{ "7", true, 7 },
	{ "9223372036854775807", true, INT64_MAX },
};

START_TEST(default_version_is_an_expectation)
{
	struct kg_config *config =
	    put_one("default-current-version", version_cases[_i].text);

	ck_assert_int_eq(
	    config->default_current_version.is_given, version_cases[_i].is_given);
	ck_assert_int_eq(config->default_current_version.expected_version,
	    version_cases[_i].expected_version);
	kg_config_free(config);
}
END_TEST

START_TEST(words_flags_modes)
{
	struct outcome outcome = must_read(
	    WORDS(DATABASE, "--server-timing=off", "--readiness-profile=sidecar",
		"--log-level=debug", "--log-format=json", "--log-stream-names",
		"--allow-request-credentials=false", "--unix-socket-mode=0600",
		"--unix-socket-group=www"),
	    NULL);
	const struct kg_config *config = outcome.config;

	ck_assert_int_eq(config->server_timing, KG_SERVER_TIMING_OFF);
	ck_assert_int_eq(config->readiness_profile, KG_PROFILE_SIDECAR);
	ck_assert_int_eq(config->log_level, KG_LOG_DEBUG);
	ck_assert_int_eq(config->log_format, KG_LOG_JSON);
	ck_assert(config->log_stream_names);
	ck_assert(!config->allow_request_credentials);
	ck_assert_uint_eq(config->unix_socket_mode, 0600);
	ck_assert_str_eq(config->unix_socket_group, "www");
	dispose(&outcome);
}
END_TEST

struct bad_flag {
	const char *flag;
	const char *words;
};

static const struct bad_flag bad_flags[] = {
	{ "--max-events=0",
	    "flag --max-events: max-events must be 1 to 100000 (events)" },
	{ "--max-events=100001", "1 to 100000 (events)" },
	{ "--max-events=", "1 to 100000 (events)" },
	{ "--max-events=-1", "1 to 100000 (events)" },
	{ "--max-events=+1", "1 to 100000 (events)" },
	{ "--max-events= 1", "1 to 100000 (events)" },
	{ "--max-events=1e3", "1 to 100000 (events)" },
	{ "--max-events=1KiB", "1 to 100000 (events)" },
	{ "--max-events=99999999999999999999999", "1 to 100000 (events)" },
	{ "--max-body-bytes=16MB", "1 to 256MiB (bytes), digits with KiB, MiB, GiB" },
	{ "--max-body-bytes=16mib", "1 to 256MiB (bytes)" },
	{ "--max-body-bytes=16 MiB", "1 to 256MiB (bytes)" },
	{ "--max-body-bytes=257MiB", "1 to 256MiB (bytes)" },
	{ "--max-body-bytes=0", "1 to 256MiB (bytes)" },
	{ "--max-body-bytes=MiB", "1 to 256MiB (bytes)" },
	{ "--max-body-bytes=9223372036854775807GiB", "1 to 256MiB (bytes)" },
	{ "--max-header-bytes=4095", "4KiB to 1MiB (bytes)" },
	{ "--min-body-rate=0", "1 to 1GiB (bytes per second)" },
	{ "--default-timeout-seconds=0", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=0.000999999", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=86400.000000001", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=1.", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=.5", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=1.0000000001", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=1.5s", "0.001 to 86400 (seconds)" },
	{ "--default-timeout-seconds=99999999999999999999", "0.001 to 86400 (seconds)" },
	{ "--drain-timeout-seconds=3600.1", "0 to 3600 (seconds)" },
	{ "--log-level=Info", "error, warning, info or debug" },
	{ "--log-level=", "error, warning, info or debug" },
	{ "--log-level=info|debug", "error, warning, info or debug" },
	{ "--log-format=xml", "text or json" },
	{ "--log-stream-names=yes", "true or false" },
	{ "--log-stream-names=", "true or false" },
	{ "--log-stream-names=TRUE", "true or false" },
	{ "--unix-socket-mode=1777", "0000 to 0777 (octal mode)" },
	{ "--unix-socket-mode=668", "0000 to 0777 (octal mode)" },
	{ "--unix-socket-mode=66", "0000 to 0777 (octal mode)" },
	{ "--default-current-version=-3", "no_stream, exists, any, a version" },
	{ "--default-current-version=deleted", "no_stream, exists, any, a version" },
	{ "--default-current-version=007", "no_stream, exists, any, a version" },
	{ "--unix-socket-group=a\nb", "control characters" },
	{ "--listen=", "listen names no address" },
	{ "--listen=127.0.0.1:1 127.0.0.1:2", "one item without blanks" },
	{ "--listen=127.0.0.1:1\t", "one item without blanks" },
	{ "--allowed-host=a:80", "without a port" },
	{ "--allowed-host=http://a", "without a port" },
	{ "--allowed-host=*", "without a port" },
	{ "--allowed-host=[::1", "without a port" },
	{ "--allowed-host=[::1]:80", "without a port" },
	{ "--allowed-origin=*", "no wildcard" },
	{ "--allowed-origin=null", "scheme://host" },
	{ "--allowed-origin=https://", "scheme://host" },
	{ "--allowed-origin=://a", "scheme://host" },
	{ "--allowed-origin=https://a/", "without a path" },
	{ "--allowed-origin=https://*.a", "no wildcard" },
	{ "--max-evnts=1", "unknown flag \"--max-evnts\"; did you mean --max-events?" },
	{ "--databse=kdb://u:hunter2@h",
	    "unknown flag \"--databse\"; did you mean --database?" },
	{ "--max_events=1", "did you mean --max-events?" },
	{ "--colour=red", "unknown flag \"--colour\"" },
	{ "--max", "unknown flag \"--max\"" },
	{ "--max-events", "flag --max-events: the value is missing" },
	{ "--config", "flag --config: the value is missing" },
	{ "--check-config=1", "flag --check-config: takes no value" },
	{ "-x", "unknown flag -x" },
	{ "events", "unexpected argument" },
	{ "--default-timeout-seconds=31",
	    "flag --default-timeout-seconds: default-timeout-seconds (31) must not be above "
	    "max-timeout-seconds (30, default)" },
	{ "--max-timeout-seconds=4.5",
	    "default: default-timeout-seconds (5) must not be above max-timeout-seconds (4.5, flag" },
	{ "--max-inflight-bytes=1MiB",
	    "max-body-bytes (16MiB) must not be above max-inflight-bytes (1MiB, flag" },
};

START_TEST(bad_flag_is_explained)
{
	/* The missing value comes last, so that nothing takes its place. */
	must_fail(WORDS(DATABASE, bad_flags[_i].flag), NULL, bad_flags[_i].words);
}
END_TEST

START_TEST(option_given_twice)
{
	must_fail(WORDS(DATABASE, "--max-events=1", "--max-events=1"), NULL,
	    "flag --max-events: max-events is given twice");
	must_fail(WORDS(DATABASE, DATABASE), NULL, "database is given twice");
	must_fail(
	    WORDS("--config=a", "--config=b"), NULL, "flag --config: is given twice");
}
END_TEST

START_TEST(good_names_of_hosts_and_origins)
{
	struct outcome outcome = must_read(
	    WORDS(DATABASE, "--allowed-host=gate.example", "--allowed-host=[fe80::1]",
		"--allowed-host=10.0.0.1", "--allowed-origin=https://a.example:8443",
		"--allowed-origin=http://[::1]:3000",
		"--allowed-origin=chrome-extension://abc"),
	    NULL);

	ck_assert_uint_eq(outcome.config->allowed_hosts.count, 3);
	ck_assert_uint_eq(outcome.config->allowed_origins.count, 3);
	dispose(&outcome);
}
END_TEST

/* --- file --------------------------------------------------------------------------- */

START_TEST(file_lines)
{
	char *path = write_text("conf",
	    "# a comment\n"
	    "   # another\r\n"
	    "\n"
	    " \t \n"
	    "max-events=1\n"
	    "\tmax-depth \t= \t 2 \t\r\n"
	    "database = kdb://localhost?connectionName=a=b#c&tls=false\n"
	    "unix-socket-group =\n"
	    "max-connections = 5");
	char *config = flag("config", path);
	struct outcome outcome = must_read(WORDS(config), NULL);

	ck_assert_uint_eq(outcome.config->max_events, 1);
	ck_assert_uint_eq(outcome.config->max_depth, 2);
	ck_assert_uint_eq(outcome.config->max_connections, 5);
	ck_assert_str_eq(outcome.config->connection.connection_name, "a=b#c");
	ck_assert_ptr_null(outcome.config->unix_socket_group);
	must_print(&outcome, "/conf:9\nmax-connections = 5\n");
	dispose(&outcome);
	free(config);
	free(path);
}
END_TEST

START_TEST(file_from_the_environment)
{
	char *path = write_text("conf", "max-events = 9\n");
	char variable[128];
	struct outcome outcome;

	snprintf(variable, sizeof variable, "KURRENTGATE_CONFIG=%s", path);
	outcome = must_read(WORDS(DATABASE), WORDS(variable));
	ck_assert_uint_eq(outcome.config->max_events, 9);
	dispose(&outcome);
	must_fail(WORDS(DATABASE, "--config=/nonexistent/x"), WORDS(variable),
	    "/nonexistent/x: No such file");
	free(path);
}
END_TEST

START_TEST(long_line_is_read_whole)
{
	size_t len = 200000;
	char *content = malloc(len + 1);
	char *path, *config;
	struct outcome outcome;

	memset(content, 'a', len);
	content[len] = 0;
	memcpy(content, "unix-socket-group = ", 20);
	path = write_text("conf", content);
	config = flag("config", path);
	outcome = must_read(WORDS(config, DATABASE), NULL);
	ck_assert_uint_eq(strlen(outcome.config->unix_socket_group), len - 20);
	dispose(&outcome);
	free(config);
	free(path);
	free(content);
}
END_TEST

START_TEST(too_large_file_is_refused)
{
	size_t len = MAX_TEXT + 1;
	char *content = malloc(len);
	char *path, *config;

	memset(content, '\n', len);
	path = write_file("conf", content, len, 0600);
	config = flag("config", path);
	must_fail(WORDS(config, DATABASE), NULL, "/conf: has more than 1048576 bytes");
	free(config);
	free(path);
	free(content);
}
END_TEST

struct bad_file {
	const char *content;
	const char *words;
};

static const struct bad_file bad_files[] = {
	{ "max-events\n", "/conf:1: a line reads \"name = value\"" },
	{ "\n\nmax-events 5\n", "/conf:3: a line reads" },
	{ "= 5\n", "/conf:1: unknown option" },
	{ "max-events = 5 # five\n", "/conf:1: max-events must be 1 to 100000" },
	{ "max-events = 5\nmax-depth = 0\n",
	    "/conf:2: max-depth must be 1 to 10000 (containers)" },
	{ "max-events = 5\n\nmax-events = 5\n",
	    "/conf:3: max-events is given twice; the first is " },
	{ "Max-Events = 5\n",
	    "/conf:1: unknown option \"Max-Events\"; did you mean max-events?" },
	{ "max_events = 5\n", "did you mean max-events?" },
	{ "listn = x\n", "/conf:1: unknown option \"listn\"; did you mean listen?" },
	{ "colour = red\n", "/conf:1: unknown option \"colour\"" },
	{ "config = x\n", "/conf:1: unknown option \"config\"" },
	{ "max events = 5\n", "/conf:1: unknown option" },
	{ "\xef\xbb\xbfmax-events = 5\n", "/conf:1: unknown option" },
	{ "log-level = \"info\"\n",
	    "/conf:1: a value is written without quotation marks" },
	{ "log-level = 'info'\n", "/conf:1: a value is written without quotation marks" },
	{ "unix-socket-group = a\x01z\n",
	    "/conf:1: unix-socket-group must not contain control" },
	{ "listen = 127.0.0.1:1 # x\n",
	    "/conf:1: listen must be one item without blanks" },
	{ "database = kdb://u:hunter2@h:0\n",
	    "/conf:1: connection string, byte 18: a port is" },
};

START_TEST(bad_line_is_named)
{
	char *path = write_text("conf", bad_files[_i].content);
	char *config = flag("config", path);

	must_fail(WORDS(config), NULL, bad_files[_i].words);
	free(config);
	free(path);
}
END_TEST

START_TEST(nul_in_file_is_refused)
{
	static const char content[] = "unix-socket-group = a\0b\n";
	char *path = write_file("conf", content, sizeof content - 1, 0600);
	char *config = flag("config", path);

	must_fail(WORDS(config, DATABASE), NULL, "/conf:1: a NUL byte is not allowed");
	free(config);
	free(path);
}
END_TEST

START_TEST(folder_is_no_file)
{
	must_fail(WORDS(DATABASE, "--config=/"), NULL, "/: Is a directory");
}
END_TEST

/* --- environment -------------------------------------------------------------------- */

START_TEST(environment_names)
{
	struct outcome outcome = must_read(NULL,
	    WORDS("KURRENTGATE_DATABASE=kdb://localhost?tls=false",
		"KURRENTGATE_MAX_BODY_BYTES=1KiB",
		"KURRENTGATE_LISTEN=127.0.0.1:1 unix:/x", "KURRENTGATE_MAX_EVENTS=",
		"KURRENTGATE_LOG_LEVEL", "kurrentgate_max_depth=1",
		"KURRENTGATE_max_depth=1", "KURRENTGATE_PORT=tcp://10.0.0.1:2114",
		"KURRENTGATE_SERVICE_HOST=10.0.0.1",
		"KURRENTGATE_PORT_2114_TCP_PROTO=tcp"));

	ck_assert_uint_eq(outcome.config->max_body_bytes, 1024);
	ck_assert_uint_eq(outcome.config->max_events, 1000);
	ck_assert_uint_eq(outcome.config->max_depth, 512);
	ck_assert_uint_eq(outcome.config->listen.count, 2);
	ck_assert_str_eq(outcome.config->listen.items[1], "unix:/x");
	dispose(&outcome);
}
END_TEST

START_TEST(environment_mistakes)
{
	must_fail(WORDS(DATABASE), WORDS("KURRENTGATE_MAX_EVENTS=x"),
	    "environment KURRENTGATE_MAX_EVENTS: max-events must be 1 to 100000");
	must_fail(WORDS(DATABASE), WORDS("KURRENTGATE_LISTN=x"),
	    "environment KURRENTGATE_LISTN: unknown variable; did you mean KURRENTGATE_LISTEN?");
	must_fail(NULL, WORDS("KURRENTGATE_DATABASE=kdb://h?tls=maybe"),
	    "environment KURRENTGATE_DATABASE: connection string, byte 12: tls must be true");
}
END_TEST

/* --- database ----------------------------------------------------------------------- */

START_TEST(no_database_is_an_error_with_an_example)
{
	must_fail(NULL, NULL, "database = kurrentdb://127.0.0.1:2113?tls=false");
	must_fail(WORDS("--check-config"), NULL, "no database");
	must_fail(WORDS("--print-config"), NULL, "no database");
	must_fail(WORDS("--database="), NULL, "no database");
}
END_TEST

START_TEST(database_and_file_exclude_each_other)
{
	must_fail(WORDS(DATABASE, "--database-file=x"), NULL,
	    "give database (flag --database) or database-file (flag --database-file), not both");
	must_fail(WORDS("--database-file=x"), WORDS("KURRENTGATE_DATABASE=kdb://h"),
	    "give database (environment KURRENTGATE_DATABASE) or");
}
END_TEST

static const char *const secret_contents[] = {
	"kdb://u:p@localhost?tls=false",
	"kdb://u:p@localhost?tls=false\n",
	"kdb://u:p@localhost?tls=false\r\n",
};

START_TEST(database_file_is_read)
{
	char *path = write_text("database", secret_contents[_i]);
	char *from = flag("database-file", path);
	struct outcome outcome = must_read(WORDS(from), NULL);
	char *text = printed(&outcome);

	ck_assert_str_eq(outcome.config->connection.password, "p");
	ck_assert_ptr_null(outcome.config->database);
	ck_assert_ptr_nonnull(strstr(text, "\ndatabase =\n"));
	ck_assert_ptr_nonnull(strstr(text, "kurrentdb://u:***@localhost:2113"));
	free(text);
	dispose(&outcome);
	free(from);
	free(path);
}
END_TEST

struct bad_secret {
	const char *content;
	size_t len; /* 0: of the text */
	mode_t mode;
	const char *words;
};

static const struct bad_secret bad_secrets[] = {
	{ "kdb://h?tls=0", 0, 0644,
	    "/database: its mode is 0644, so others may read the password" },
	{ "kdb://h?tls=0", 0, 0660, "its mode is 0660" },
	{ "kdb://h?tls=0", 0, 0700, "its mode is 0700" },
	{ "kdb://h?tls=0", 0, 01640, "its mode is 1640" },
	{ "", 0, 0600,
	    "/database: connection string, byte 0: the connection string is empty" },
	{ "\n", 0, 0640, "the connection string is empty" },
	{ "kdb://h?tls=0\n\n", 0, 0400, "byte 13: control characters" },
	{ "kdb://h?tls=0\0", 14, 0400, "a NUL byte is not allowed" },
	{ "kdb://u:hunter2@h:x", 0, 0600,
	    "/database: connection string, byte 18: a port is" },
};

START_TEST(bad_database_file_is_explained)
{
	const struct bad_secret *bad = &bad_secrets[_i];
	char *path = write_file("database", bad->content,
	    bad->len ? bad->len : strlen(bad->content), bad->mode);
	char *from = flag("database-file", path);

	must_fail(WORDS(from), NULL, bad->words);
	free(from);
	free(path);
}
END_TEST

START_TEST(database_file_is_a_regular_file)
{
	char path[64], from[128];

	snprintf(path, sizeof path, "%s/database", folder);
	snprintf(from, sizeof from, "--database-file=%s", path);
	must_fail(WORDS(from), NULL, "/database: No such file");
	/* A pipe without a writer would block an ordinary open(). */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	must_fail(WORDS(from), NULL, "/database: is not a regular file");
	must_fail(WORDS("--database-file=/"), NULL, "/: is not a regular file");
}
END_TEST

START_TEST(too_long_connection_string_is_refused)
{
	size_t len = 70000;
	char *content = malloc(len);
	char *path, *from;

	memset(content, 'a', len);
	path = write_file("database", content, len, 0600);
	from = flag("database-file", path);
	must_fail(WORDS(from), NULL, "/database: has more than 65536 bytes");
	free(from);
	free(path);
	free(content);
}
END_TEST

START_TEST(credentials_may_travel_over_tls)
{
	struct outcome outcome = must_read(WORDS("--database=kdb://u:hunter2@h"), NULL);

	ck_assert(outcome.config->connection.tls);
	ck_assert_str_eq(outcome.config->connection.password, "hunter2");
	dispose(&outcome);
}
END_TEST

START_TEST(clear_text_credentials_need_consent)
{
	struct outcome outcome;

	must_fail(WORDS("--database=kdb://u:hunter2@h?tls=false"), NULL,
	    "set allow-cleartext-credentials = true");
	outcome = must_read(
	    WORDS("--database=kdb://u:p@h?tls=false", "--allow-cleartext-credentials"),
	    NULL);
	ck_assert_str_eq(outcome.config->connection.user, "u");
	dispose(&outcome);
	outcome = must_read(WORDS("--database=kdb://u:p@127.0.0.1?tls=false"), NULL);
	dispose(&outcome);
	outcome = must_read(WORDS("--database=kdb://h?tls=false"), NULL);
	dispose(&outcome);
}
END_TEST

static const char *const secret_flags[] = {
	"--database=kdb://u:hunter2@h?tls=false",
	"--database=kdb://u:hunter2@h:0",
	"--database=kdb://u:hunter2/@h",
	"--database=kdb://u:1?hunter2@h",
	"--database=kdb://u:hunter2%@h",
	"--databases=kdb://u:hunter2@h",
	"--data=kdb://u:hunter2@h",
	"--listen=kdb://u:hunter2@h",
	"--max-events=hunter2",
};

START_TEST(error_shows_no_password)
{
	struct outcome outcome = read_config(WORDS(secret_flags[_i], "hunter2"), NULL);

	ck_assert_ptr_null(outcome.config);
	ck_assert_msg(!strstr(outcome.error, "hunter2"), "%s", outcome.error);
	dispose(&outcome);
}
END_TEST

START_TEST(password_stays_in_the_settings_only)
{
	struct outcome outcome = must_read(
	    WORDS("--database=kdb://u:hunter2@localhost?tls=false&tlsCaFile=/x"), NULL);
	char *text = printed(&outcome);

	ck_assert_str_eq(outcome.config->connection.password, "hunter2");
	ck_assert_str_eq(
	    outcome.config->database, "kdb://u:***@localhost?tls=false&tlsCaFile=/x");
	ck_assert_ptr_null(strstr(text, "hunter2"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\ndatabase = kdb://u:***@localhost?tls=false&tlsCaFile=/x\n"));
	free(text);
	dispose(&outcome);
}
END_TEST

struct deadline_case {
	const char *deadline; /* in the connection string */
	const char *flag;
	int64_t timeout_ns;
	const char *printed;
};

static const struct deadline_case deadline_cases[] = {
	{ "&defaultDeadline=7500", NULL, INT64_C(7500000000),
	    "; defaultDeadline of the connection string\ndefault-timeout-seconds = 7.5\n" },
	{ "&defaultDeadline=40000", NULL, INT64_C(30000000000),
	    "; defaultDeadline of the connection string, cut to max-timeout-seconds\n"
	    "default-timeout-seconds = 30\n" },
	{ "&defaultDeadline=7500", "--default-timeout-seconds=6", INT64_C(6000000000),
	    "; flag --default-timeout-seconds\ndefault-timeout-seconds = 6\n" },
	{ "&defaultDeadline=-1", NULL, INT64_C(5000000000),
	    "; default\ndefault-timeout-seconds = 5\n" },
	{ "", NULL, INT64_C(5000000000), "; default\ndefault-timeout-seconds = 5\n" },
};

START_TEST(deadline_of_the_connection_string)
{
	const struct deadline_case *each = &deadline_cases[_i];
	char database[128];
	struct outcome outcome;

	snprintf(database, sizeof database, "--database=kdb://localhost?tls=false%s",
	    each->deadline);
	outcome = must_read(WORDS(database, each->flag), NULL);
	ck_assert_int_eq(outcome.config->default_timeout_ns, each->timeout_ns);
	must_print(&outcome, each->printed);
	dispose(&outcome);
}
END_TEST

/* --- commands ----------------------------------------------------------------------- */

struct command_case {
	const char *flags[3];
	enum kg_config_command command;
};

static const struct command_case command_cases[] = {
	{ { DATABASE }, KG_CONFIG_RUN },
	{ { DATABASE, "--check-config" }, KG_CONFIG_CHECK },
	{ { DATABASE, "--print-config" }, KG_CONFIG_PRINT },
	{ { "--check-config", DATABASE, "--print-config" }, KG_CONFIG_PRINT },
	{ { "--print-config", DATABASE, "--check-config" }, KG_CONFIG_PRINT },
	{ { "--help" }, KG_CONFIG_HELP },
	{ { "--version" }, KG_CONFIG_VERSION },
	{ { "--max-events=x", "--help", "--nonsense" }, KG_CONFIG_HELP },
	{ { "--version", "--help" }, KG_CONFIG_VERSION },
};

START_TEST(command_of_the_flags)
{
	const struct command_case *each = &command_cases[_i];
	struct outcome outcome =
	    must_read(WORDS(each->flags[0], each->flags[1], each->flags[2]), NULL);

	ck_assert_int_eq(outcome.command, each->command);
	dispose(&outcome);
}
END_TEST

START_TEST(printed_configuration_is_read_back)
{
	struct outcome first =
	    must_read(WORDS("--database=kdb://u:p@[::1],localhost?tls=false",
			  "--listen=127.0.0.1:0", "--listen=unix:/x", "--max-events=7",
			  "--default-timeout-seconds=2.5",
			  "--default-current-version=any", "--unix-socket-mode=0600"),
		NULL);
	char *text = printed(&first);
	char *path = write_text("print", text);
	char *config = flag("config", path);
	struct outcome second = must_read(WORDS(config), NULL);
	char *again = printed(&second);

	ck_assert_uint_eq(second.config->listen.count, 2);
	ck_assert_str_eq(second.config->listen.items[1], "unix:/x");
	ck_assert_uint_eq(second.config->max_events, 7);
	ck_assert_int_eq(second.config->default_timeout_ns, INT64_C(2500000000));
	ck_assert_int_eq(second.config->default_current_version.expected_version, -2);
	ck_assert_str_eq(second.config->connection.password, "***");
	/* The same lines but for the origins. */
	for (char *a = text, *b = again;
	     (a = strchr(a, '\n')) && (b = strchr(b, '\n'));) {
		a++;
		b++;
		if (*a != '#')
			ck_assert_int_eq(strncmp(a, b, strcspn(a, "\n") + 1), 0);
	}
	free(again);
	dispose(&second);
	free(config);
	free(path);
	free(text);
	dispose(&first);
}
END_TEST

/* --- documents ---------------------------------------------------------------------- */

static char *
read_document(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	struct kdb_buffer content;
	char *error = NULL;
	size_t len;

	snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
	kdb_buffer_init(&content, MAX_TEXT);
	if (!kg_config_file_read(path, false, &content, &error))
		ck_abort_msg("%s", error);
	kdb_buffer_put_char(&content, 0);
	return kdb_buffer_take(&content, &len);
}

START_TEST(help_names_every_option_within_80_columns)
{
	struct kdb_buffer out;
	size_t column = 0;

	kdb_buffer_init(&out, MAX_TEXT);
	kg_config_print_help(&out);
	kdb_buffer_put_char(&out, 0);
	for (int i = 0; i < KG_OPTION_TOTAL; i++) {
		char *name = NULL;

		ck_assert_int_gt(asprintf(&name, "\n  --%s", kg_options[i].name), 0);
		ck_assert_msg(strstr(out.data, name), "%s", name);
		free(name);
	}
	for (const char *c = out.data; *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		ck_assert_msg(column <= 80, "%.80s", c - 80);
	}
	kdb_buffer_dispose(&out);
}
END_TEST

/* Takes the '#' from the lines of the sample that show a default, so that the sample
 * reads as a configuration that sets every option. */
static char *
uncomment(const char *sample)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, MAX_TEXT);
	for (; *sample; sample += len + (sample[len] != 0)) {
		bool is_default =
		    sample[0] == '#' && sample[1] >= 'a' && sample[1] <= 'z';

		len = strcspn(sample, "\n");
		ck_assert_msg(len == 0 || *sample == '#', "a line is not a comment: %.*s",
		    (int)len, sample);
		kdb_buffer_put(&out, sample + is_default, len - is_default);
		kdb_buffer_put_char(&out, '\n');
	}
	kdb_buffer_put_char(&out, 0);
	return kdb_buffer_take(&out, &len);
}

START_TEST(sample_sets_every_option_to_its_default)
{
	char *sample = read_document("conf/kurrentgate.conf");
	char *text = uncomment(sample);
	char *path = write_text("conf", text);
	struct kg_config_sources file = { 0 };
	struct kg_config_sources defaults = { 0 };
	char *error = NULL;

	/* An unknown option, or one that is there twice, is an error of the reading. */
	ck_assert_msg(kg_config_sources_read_file(&file, path, &error), "%s", error);
	kg_config_sources_add_defaults(&defaults);
	for (int i = 0; i < KG_OPTION_TOTAL; i++) {
		const struct kg_config_given *given = &file.options[i];
		const struct kg_config_given *wanted = &defaults.options[i];

		ck_assert_msg(given->count > 0, "%s is missing", kg_options[i].name);
		ck_assert_msg(given->count == wanted->count, "%s", kg_options[i].name);
		for (size_t j = 0; j < wanted->count; j++)
			ck_assert_msg(
			    strcmp(given->items[j].value, wanted->items[j].value) == 0,
			    "%s: %s, but the default is %s", kg_options[i].name,
			    given->items[j].value, wanted->items[j].value);
	}
	kg_config_sources_dispose(&file);
	kg_config_sources_dispose(&defaults);
	free(path);
	free(text);
	free(sample);
}
END_TEST

/* The comment above an option tells its form or range, and its default. */
START_TEST(sample_tells_form_and_default)
{
	const struct kg_option *option = &kg_options[_i];
	char *sample = read_document("conf/kurrentgate.conf");
	char *line = NULL;
	struct kdb_buffer form;
	char *at;

	ck_assert_int_gt(asprintf(&line, "\n#%s =", option->name), 0);
	at = strstr(sample, line);
	ck_assert_msg(at, "%s", option->name);
	*at = 0;
	at = strrchr(sample, '\n');
	kdb_buffer_init(&form, MAX_TEXT);
	kdb_buffer_put_text(&form, "\n# Form: ");
	kg_option_print_range(option, &form);
	kdb_buffer_put_text(&form, ". Default: ");
	ck_assert_msg(strncmp(at, form.data, form.len) == 0, "%s: \"%s\", not \"%.*s\"",
	    option->name, at, (int)form.len, form.data);
	if (*option->default_text && option->type != KG_OPTION_LIST)
		ck_assert_msg(
		    strstr(at + form.len, option->default_text) == at + form.len, "%s",
		    at);
	kdb_buffer_dispose(&form);
	free(line);
	free(sample);
}
END_TEST

/* As the manual page writes it. */
static void
put_roff(struct kdb_buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			kdb_buffer_put_char(out, '\\');
		kdb_buffer_put_char(out, *text);
	}
}

/* The part of the page on options; the caller frees the page. */
static char *
manual_options(char **page)
{
	char *from, *to;

	*page = read_document("daemon/kurrentgate.8");
	from = strstr(*page, "\n.SH OPTIONS\n");
	ck_assert_ptr_nonnull(from);
	to = strstr(from, "\n.SH CONNECTION STRING\n");
	ck_assert_ptr_nonnull(to);
	*to = 0;
	return from;
}

START_TEST(manual_has_no_other_option)
{
	char *page;
	int count = 0;

	for (char *at = manual_options(&page); (at = strstr(at, "\n.TP\n.B \\-\\-"));
	     at++)
		count++;
	ck_assert_int_eq(count, KG_OPTION_TOTAL);
	free(page);
}
END_TEST

/* An entry names the option as --help does, says the same of it, and tells its default. */
START_TEST(manual_tells_option_and_default)
{
	const struct kg_option *option = &kg_options[_i];
	struct kdb_buffer text;
	char *page, *entry, *end;

	kdb_buffer_init(&text, MAX_TEXT);
	kdb_buffer_put_text(&text, "\n.TP\n.B \\-\\-");
	put_roff(&text, option->name);
	kdb_buffer_put_text(&text, option->type == KG_OPTION_FLAG ? "[=" : "=");
	kdb_buffer_put_char(&text, 0);
	entry = strstr(manual_options(&page), text.data);
	ck_assert_msg(entry, "%s", option->name);
	end = strstr(entry + 1, "\n.TP\n");
	if (end)
		*end = 0;
	kdb_buffer_clear(&text);
	kdb_buffer_put_text(&text, "\nDefault: ");
	put_roff(&text, *option->default_text ? option->default_text : "none");
	kdb_buffer_put(&text, ".", 2);
	ck_assert_msg(strstr(entry, text.data), "%s: %s", option->name, text.data);
	kdb_buffer_clear(&text);
	put_roff(&text, option->help + 1);
	kdb_buffer_put_char(&text, 0);
	ck_assert_msg(strstr(entry, text.data), "%s: %s", option->name, text.data);
	kdb_buffer_dispose(&text);
	free(page);
}
END_TEST

static void
add_documents(Suite *s)
{
	TCase *c = tcase_create("documents");

	tcase_add_checked_fixture(c, make_folder, remove_folder);
	tcase_add_test(c, help_names_every_option_within_80_columns);
	tcase_add_test(c, sample_sets_every_option_to_its_default);
	tcase_add_loop_test(c, sample_tells_form_and_default, 0, KG_OPTION_TOTAL);
	tcase_add_test(c, manual_has_no_other_option);
	tcase_add_loop_test(c, manual_tells_option_and_default, 0, KG_OPTION_TOTAL);
	suite_add_tcase(s, c);
}

static void
add_values(Suite *s)
{
	TCase *c = tcase_create("values");

	tcase_add_test(c, defaults_of_limits);
	tcase_add_test(c, defaults_of_the_rest);
	tcase_add_loop_test(
	    c, every_default_is_a_value_of_its_option, 0, KG_OPTION_TOTAL);
	tcase_add_loop_test(c, bytes_have_suffixes, 0, COUNT(bytes_cases));
	tcase_add_loop_test(c, seconds_have_fractions, 0, COUNT(seconds_cases));
	tcase_add_loop_test(
	    c, default_version_is_an_expectation, 0, COUNT(version_cases));
	tcase_add_test(c, words_flags_modes);
	tcase_add_loop_test(c, bad_flag_is_explained, 0, COUNT(bad_flags));
	tcase_add_test(c, option_given_twice);
	tcase_add_test(c, good_names_of_hosts_and_origins);
	tcase_add_test(c, environment_names);
	tcase_add_test(c, environment_mistakes);
	tcase_add_loop_test(c, command_of_the_flags, 0, COUNT(command_cases));
	suite_add_tcase(s, c);
}

static void
add_files(Suite *s)
{
	TCase *c = tcase_create("files");

	tcase_add_checked_fixture(c, make_folder, remove_folder);
	tcase_add_loop_test(
	    c, flag_over_environment_over_file_over_default, 0, COUNT(precedence_cases));
	tcase_add_test(c, list_is_replaced_whole);
	tcase_add_test(c, value_that_loses_is_checked_too);
	tcase_add_test(c, file_lines);
	tcase_add_test(c, file_from_the_environment);
	tcase_add_test(c, long_line_is_read_whole);
	tcase_add_test(c, too_large_file_is_refused);
	tcase_add_loop_test(c, bad_line_is_named, 0, COUNT(bad_files));
	tcase_add_test(c, nul_in_file_is_refused);
	tcase_add_test(c, folder_is_no_file);
	tcase_add_test(c, printed_configuration_is_read_back);
	suite_add_tcase(s, c);
}

static void
add_database(Suite *s)
{
	TCase *c = tcase_create("database");

	tcase_add_checked_fixture(c, make_folder, remove_folder);
	tcase_add_test(c, no_database_is_an_error_with_an_example);
	tcase_add_test(c, database_and_file_exclude_each_other);
	tcase_add_loop_test(c, database_file_is_read, 0, COUNT(secret_contents));
	tcase_add_loop_test(c, bad_database_file_is_explained, 0, COUNT(bad_secrets));
	tcase_add_test(c, database_file_is_a_regular_file);
	tcase_add_test(c, too_long_connection_string_is_refused);
	tcase_add_test(c, credentials_may_travel_over_tls);
	tcase_add_test(c, clear_text_credentials_need_consent);
	tcase_add_loop_test(c, error_shows_no_password, 0, COUNT(secret_flags));
	tcase_add_test(c, password_stays_in_the_settings_only);
	tcase_add_loop_test(
	    c, deadline_of_the_connection_string, 0, COUNT(deadline_cases));
	suite_add_tcase(s, c);
}

int
main(void)
{
	Suite *s = suite_create("config");
	SRunner *r = srunner_create(s);

	add_values(s);
	add_files(s);
	add_database(s);
	add_documents(s);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	srunner_free(r);
	return 0;
}
