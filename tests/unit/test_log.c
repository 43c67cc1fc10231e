/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines in both forms, when they are written, and what happens when nobody reads
 * them. */
#include "daemon/log.h"

#include "client-core/base/clock.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define MAX_READ ((size_t)4 << 20)

/* Each test is a process of its own, so standard error can be exchanged for good. */
static void
use_as_stderr(int fd)
{
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

/* Standard error becomes a pipe; returns the end to read from, which does not block. */
static int
pipe_stderr(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	use_as_stderr(ends[1]);
	return ends[0];
}

/* All that can be read now, with a NUL behind it; the caller frees it. */
static char *
read_now(int fd)
{
	char *text = malloc(MAX_READ + 1);
	size_t len = 0;
	ssize_t step;

	while ((step = read(fd, text + len, MAX_READ - len)) > 0)
		len += (size_t)step;
	text[len] = 0;
	return text;
}

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* Text behind the time and the blank after it; checks the time's form. */
static const char *
behind_time(const char *line)
{
	static const char form[] = "2000-00-00T00:00:00.000Z ";

	for (size_t i = 0; form[i]; i++) {
		bool is_digit = line[i] >= '0' && line[i] <= '9';

		ck_assert_msg(
		    is_digit ? form[i] == '0' || form[i] == '2' : form[i] == line[i],
		    "no time: %s", line);
	}
	return line + strlen(form);
}

/* Text behind the time of a JSON line; checks the time's form. */
static const char *
behind_json_time(const char *line)
{
	static const char start[] = "{\"time\":\"";
	char copy[64];

	ck_assert_msg(strncmp(line, start, strlen(start)) == 0, "%s", line);
	snprintf(copy, sizeof copy, "%.24s ", line + strlen(start));
	behind_time(copy);
	return line + strlen(start) + 24;
}

/* --- forms -------------------------------------------------------------------------- */

struct message_case {
	const char *message;
	const char *text;
	const char *json;
};

static const struct message_case message_cases[] = {
	{ "listening on 127.0.0.1:2114", "listening on 127.0.0.1:2114",
	    "listening on 127.0.0.1:2114" },
	{ "", "", "" },
	{ "say \"x\" \\ y", "say \"x\" \\ y", "say \\\"x\\\" \\\\ y" },
	{ "a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td" },
	{ "\x1b[31m\x01\x7f", "\\u001b[31m\\u0001\\u007f", "\\u001b[31m\\u0001\\u007f" },
	{ "\xc2\x9b"
	  "31m",
	    "\\u009b31m", "\\u009b31m" },
	{ "\xc2\xa0\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc2\xa0\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc2\xa0\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xff\x80z", "\\xff\\x80z", "\\ufffd\\ufffdz" },
	{ "\xc3", "\\xc3", "\\ufffd" },
	{ "\xe2\x82", "\\xe2\\x82", "\\ufffd\\ufffd" },
	{ "\xc0\x80\xed\xa0\x80", "\\xc0\\x80\\xed\\xa0\\x80",
	    "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd" },
};

START_TEST(message_in_text)
{
	const struct message_case *each = &message_cases[_i];
	int fd = pipe_stderr();
	char expected[256];
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	kg_log(KG_LOG_WARNING, "%s", each->message);
	kg_log_stop();
	text = read_now(fd);
	snprintf(expected, sizeof expected, "warning %s\n", each->text);
	ck_assert_str_eq(behind_time(text), expected);
	free(text);
}
END_TEST

START_TEST(message_in_json)
{
	const struct message_case *each = &message_cases[_i];
	int fd = pipe_stderr();
	char expected[256];
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_JSON);
	kg_log(KG_LOG_ERROR, "%s", each->message);
	kg_log_stop();
	text = read_now(fd);
	snprintf(expected, sizeof expected,
	    "\",\"level\":\"error\",\"message\":\"%s\"}\n", each->json);
	ck_assert_str_eq(behind_json_time(text), expected);
	free(text);
}
END_TEST

struct request_case {
	struct kg_log_request line;
	const char *text;
	const char *json;
};

static const struct request_case request_cases[] = {
	{ { .method = "POST",
	      .route = "/v1/streams/{stream}/events",
	      .status = 200,
	      .request_id = "r-1",
	      .duration_ns = 12345678,
	      .database_ns = 9000000,
	      .body_bytes = 123 },
	    "method=POST route=/v1/streams/{stream}/events status=200 request_id=r-1 "
	    "duration_ms=12.345 database_ms=9.000 body_bytes=123\n",
	    "\"method\":\"POST\",\"route\":\"/v1/streams/{stream}/events\",\"status\":200,"
	    "\"request_id\":\"r-1\",\"duration_ms\":12.345,\"database_ms\":9.000,"
	    "\"body_bytes\":123}\n" },
	{ { .method = "POST",
	      .route = "other",
	      .status = 504,
	      .code = "database-timeout",
	      .outcome = "unknown",
	      .request_id = "r",
	      .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
	      .stream_name = "a \"b\"\n=",
	      .stream_name_len = 7,
	      .duration_ns = 999,
	      .database_ns = -5,
	      .detail = "no answer" },
	    "method=POST route=other status=504 code=database-timeout outcome=unknown "
	    "request_id=r trace_id=4bf92f3577b34da6a3ce929d0e0e4736 "
	    "stream_name=\"a \\\"b\\\"\\n=\" duration_ms=0.000 "
	    "database_ms=0.000 body_bytes=0 detail=\"no answer\"\n",
	    "\"method\":\"POST\",\"route\":\"other\",\"status\":504,"
	    "\"code\":\"database-timeout\",\"outcome\":\"unknown\",\"request_id\":\"r\","
	    "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
	    "\"stream_name\":\"a \\\"b\\\"\\n=\",\"duration_ms\":0.000,\"database_ms\":0.000,"
	    "\"body_bytes\":0,\"detail\":\"no answer\"}\n" },
	{ { .status = 0,
	      .stream_name = "a\0b",
	      .stream_name_len = 3,
	      .detail = "",
	      .duration_ns = INT64_MAX,
	      .body_bytes = SIZE_MAX },
	    "status=0 stream_name=\"a\\u0000b\" duration_ms=9223372036854.775 "
	    "database_ms=0.000 body_bytes=18446744073709551615 detail=\"\"\n",
	    "\"status\":0,\"stream_name\":\"a\\u0000b\",\"duration_ms\":9223372036854.775,"
	    "\"database_ms\":0.000,\"body_bytes\":18446744073709551615,\"detail\":\"\"}\n" },
	{ { .status = 200, .stream_name = "stream-1 and more", .stream_name_len = 8 },
	    "status=200 stream_name=stream-1 duration_ms=0.000 database_ms=0.000 "
	    "body_bytes=0\n",
	    "\"status\":200,\"stream_name\":\"stream-1\",\"duration_ms\":0.000,"
	    "\"database_ms\":0.000,\"body_bytes\":0}\n" },
	{ { .status = 200, .stream_name = "\xc3\xa4\xff", .stream_name_len = 3 },
	    "status=200 stream_name=\"\xc3\xa4\\xff\" duration_ms=0.000 database_ms=0.000 "
	    "body_bytes=0\n",
	    "\"status\":200,\"stream_name\":\"\xc3\xa4\\ufffd\",\"duration_ms\":0.000,"
	    "\"database_ms\":0.000,\"body_bytes\":0}\n" },
};

START_TEST(request_in_text)
{
	const struct request_case *each = &request_cases[_i];
	int fd = pipe_stderr();
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	kg_log_request(KG_LOG_INFO, &each->line);
	kg_log_stop();
	text = read_now(fd);
	ck_assert_msg(strncmp(behind_time(text), "info request ", 13) == 0, "%s", text);
	ck_assert_str_eq(behind_time(text) + 13, each->text);
	free(text);
}
END_TEST

START_TEST(request_in_json)
{
	static const char head[] = "\",\"level\":\"info\",\"message\":\"request\",";
	const struct request_case *each = &request_cases[_i];
	int fd = pipe_stderr();
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_JSON);
	kg_log_request(KG_LOG_INFO, &each->line);
	kg_log_stop();
	text = read_now(fd);
	ck_assert_msg(
	    strncmp(behind_json_time(text), head, strlen(head)) == 0, "%s", text);
	ck_assert_str_eq(behind_json_time(text) + strlen(head), each->json);
	free(text);
}
END_TEST

START_TEST(time_is_now)
{
	int fd = pipe_stderr();
	time_t before = time(NULL);
	struct tm utc = { 0 };
	char *text;
	time_t told;

	kg_log(KG_LOG_INFO, "x");
	kg_log_flush();
	text = read_now(fd);
	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%dT%H:%M:%S", &utc));
	told = timegm(&utc);
	ck_assert_int_ge(told, before);
	ck_assert_int_le(told, time(NULL));
	free(text);
}
END_TEST

START_TEST(long_message_is_cut)
{
	int fd = pipe_stderr();
	char message[10000];
	char *text;

	memset(message, 'a', sizeof message);
	message[sizeof message - 1] = 0;
	kg_log(KG_LOG_ERROR, "%s", message);
	text = read_now(fd);
	ck_assert_uint_eq(strlen(behind_time(text)), strlen("error ") + 4095 + 1);
	ck_assert_uint_eq(count_lines(text), 1);
	free(text);
}
END_TEST

/* --- levels and rounds -------------------------------------------------------------- */

START_TEST(level_filters)
{
	enum kg_log_level limit = (enum kg_log_level)_i;
	int fd = pipe_stderr();
	char *text;

	kg_log_start(limit, KG_LOG_TEXT);
	for (int level = KG_LOG_ERROR; level <= KG_LOG_DEBUG; level++) {
		struct kg_log_request line = { .status = 200 };

		ck_assert_int_eq(
		    kg_log_is_on((enum kg_log_level)level), level <= (int)limit);
		kg_log((enum kg_log_level)level, "x");
		kg_log_request((enum kg_log_level)level, &line);
	}
	kg_log_stop();
	text = read_now(fd);
	ck_assert_uint_eq(count_lines(text), 2 * ((size_t)limit + 1));
	ck_assert(!strstr(text, " debug ") == (limit < KG_LOG_DEBUG));
	free(text);
}
END_TEST

/* A socket of this type keeps the borders of what was written, so that writes can be
 * counted. */
START_TEST(one_write_for_a_round)
{
	int ends[2];
	char bytes[65536];
	ssize_t len;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	use_as_stderr(ends[1]);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	kg_log_flush();
	for (int i = 0; i < 200; i++)
		kg_log(KG_LOG_INFO, "line %d", i);
	ck_assert_int_lt(recv(ends[0], bytes, sizeof bytes, MSG_DONTWAIT), 0);
	kg_log_flush();
	kg_log_flush();
	len = recv(ends[0], bytes, sizeof bytes - 1, MSG_DONTWAIT);
	ck_assert_int_gt(len, 0);
	bytes[len] = 0;
	ck_assert_uint_eq(count_lines(bytes), 200);
	ck_assert_int_lt(recv(ends[0], bytes, sizeof bytes, MSG_DONTWAIT), 0);
}
END_TEST

START_TEST(error_is_written_at_once)
{
	int fd = pipe_stderr();
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	kg_log(KG_LOG_INFO, "before");
	kg_log(KG_LOG_ERROR, "now");
	text = read_now(fd);
	ck_assert_uint_eq(count_lines(text), 2);
	ck_assert_ptr_nonnull(strstr(text, "before"));
	free(text);
}
END_TEST

START_TEST(file_is_written_in_one_piece)
{
	char path[] = "/tmp/kurrentgate-log-XXXXXX";
	int fd = mkstemp(path);
	char *text;

	ck_assert_int_ge(fd, 0);
	use_as_stderr(fd);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	for (int i = 0; i < 3000; i++)
		kg_log(KG_LOG_INFO, "a line of some length, and of number %d", i);
	kg_log_flush();
	fd = open(path, O_RDONLY);
	unlink(path);
	text = read_now(fd);
	ck_assert_uint_eq(count_lines(text), 3000);
	ck_assert_ptr_nonnull(strstr(text, "number 2999\n"));
	free(text);
	close(fd);
}
END_TEST

enum { THREADS = 4, LINES = 500 };

static void *
log_lines(void *name)
{
	for (int i = 0; i < LINES; i++) {
		kg_log(KG_LOG_INFO, "thread %s line %d end", (const char *)name, i);
		if (i % 50 == 0)
			kg_log(KG_LOG_ERROR, "thread %s error %d end", (const char *)name,
			    i);
		if (i % 7 == 0)
			kg_log_flush();
	}
	return NULL;
}

START_TEST(threads_do_not_mix_lines)
{
	static char names[THREADS][2] = { "a", "b", "c", "d" };
	pthread_t threads[THREADS];
	char path[] = "/tmp/kurrentgate-log-XXXXXX";
	int fd = mkstemp(path);
	char *text, *line, *rest;

	use_as_stderr(fd);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, log_lines, names[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	kg_log_stop();
	fd = open(path, O_RDONLY);
	unlink(path);
	text = read_now(fd);
	ck_assert_uint_eq(count_lines(text), THREADS * (LINES + LINES / 50));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char name;
		char kind[8];
		int number, end = 0;

		ck_assert_int_eq(sscanf(behind_time(line), "%*s thread %c %7s %d end%n",
				     &name, kind, &number, &end),
		    3);
		ck_assert_int_gt(end, 0);
	}
	free(text);
	close(fd);
}
END_TEST

/* --- a reader that does not read ---------------------------------------------------- */

/* More than a pipe and the buffer hold. The alarm ends the test if anything blocks. */
static void
log_too_much(void)
{
	char message[1000];

	memset(message, 'x', sizeof message);
	message[sizeof message - 1] = 0;
	alarm(20);
	for (int i = 0; i < 3000; i++) {
		kg_log(KG_LOG_INFO, "%d %s", i, message);
		if (i % 10 == 0)
			kg_log_flush();
	}
}

/* Reads and flushes by turns until nothing more comes; the caller frees the text. */
static char *
drain(int fd)
{
	char *all = calloc(1, 1);
	size_t len = 0;

	for (;;) {
		char *part;
		size_t part_len;

		kg_log_flush();
		part = read_now(fd);
		part_len = strlen(part);
		all = realloc(all, len + part_len + 1);
		memcpy(all + len, part, part_len + 1);
		len += part_len;
		free(part);
		if (part_len == 0)
			return all;
	}
}

static void
expect_notice(const char *text)
{
	static const char notice[] =
	    " log lines were dropped because standard error took no more\n";
	const char *at = strstr(text, notice);
	size_t dropped, lines = count_lines(text);

	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(strstr(at + 1, notice));
	while (at[-1] >= '0' && at[-1] <= '9')
		at--;
	dropped = strtoul(at, NULL, 10);
	ck_assert_uint_gt(dropped, 0);
	/* Every line is either there or counted; the notice is one more. */
	ck_assert_uint_eq(lines - 1 + dropped, 3000);
	ck_assert_ptr_nonnull(strstr(text, " info 0 xxx"));
}

START_TEST(full_pipe_drops_and_counts)
{
	int fd = pipe_stderr();
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	log_too_much();
	text = drain(fd);
	expect_notice(text);
	free(text);
	/* The pipe's other users still block on it: its flags were left alone. */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(full_pipe_without_start_drops_and_counts)
{
	int fd = pipe_stderr();
	char *text;

	log_too_much();
	text = drain(fd);
	expect_notice(text);
	free(text);
}
END_TEST

START_TEST(full_socket_drops_and_counts)
{
	int ends[2];
	char *text;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	use_as_stderr(ends[1]);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	log_too_much();
	text = drain(ends[0]);
	expect_notice(text);
	free(text);
}
END_TEST

START_TEST(lines_after_the_notice_are_logged)
{
	int fd = pipe_stderr();
	char *text;

	kg_log_start(KG_LOG_INFO, KG_LOG_JSON);
	log_too_much();
	free(drain(fd));
	kg_log(KG_LOG_INFO, "well again");
	text = drain(fd);
	ck_assert_uint_eq(count_lines(text), 1);
	ck_assert_ptr_nonnull(strstr(text, "well again"));
	free(text);
}
END_TEST

START_TEST(closed_pipe_kills_nobody)
{
	int fd = pipe_stderr();

	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	close(fd);
	log_too_much();
	kg_log(KG_LOG_ERROR, "x");
	kg_log_stop();
}
END_TEST

START_TEST(closed_socket_kills_nobody)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	use_as_stderr(ends[1]);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	close(ends[0]);
	log_too_much();
	kg_log(KG_LOG_ERROR, "x");
	kg_log_stop();
}
END_TEST

START_TEST(closed_standard_error_kills_nobody)
{
	close(STDERR_FILENO);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	log_too_much();
	kg_log(KG_LOG_ERROR, "x");
	kg_log_stop();
}
END_TEST

START_TEST(stop_gives_up_on_a_full_pipe)
{
	int fd = pipe_stderr();
	int64_t start_ns;

	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	log_too_much();
	start_ns = kdb_clock_mono_ns();
	kg_log_stop();
	ck_assert_int_ge(kdb_clock_mono_ns() - start_ns, KDB_NS_PER_SECOND);
	close(fd);
}
END_TEST

static void *
read_until_end(void *fd)
{
	char bytes[4096];
	struct pollfd asked = { .fd = *(int *)fd, .events = POLLIN };
	size_t lines = 0;
	ssize_t len;

	while (
	    poll(&asked, 1, -1) > 0 && (len = read(*(int *)fd, bytes, sizeof bytes)) > 0)
		for (ssize_t i = 0; i < len; i++)
			lines += bytes[i] == '\n';
	return (void *)(uintptr_t)lines;
}

START_TEST(stop_waits_for_a_slow_reader)
{
	int fd = pipe_stderr();
	char message[1000];
	pthread_t reader;
	void *lines;

	memset(message, 'x', sizeof message);
	message[sizeof message - 1] = 0;
	alarm(20);
	kg_log_start(KG_LOG_INFO, KG_LOG_TEXT);
	for (int i = 0; i < 400; i++)
		kg_log(KG_LOG_INFO, "%s", message);
	kg_log_flush();
	ck_assert_int_eq(pthread_create(&reader, NULL, read_until_end, &fd), 0);
	kg_log_stop();
	close(STDERR_FILENO);
	pthread_join(reader, &lines);
	ck_assert_uint_eq((uintptr_t)lines, 400);
}
END_TEST

static void
add_forms(Suite *s)
{
	TCase *c = tcase_create("forms");

	tcase_add_loop_test(c, message_in_text, 0, COUNT(message_cases));
	tcase_add_loop_test(c, message_in_json, 0, COUNT(message_cases));
	tcase_add_loop_test(c, request_in_text, 0, COUNT(request_cases));
	tcase_add_loop_test(c, request_in_json, 0, COUNT(request_cases));
	tcase_add_test(c, time_is_now);
	tcase_add_test(c, long_message_is_cut);
	tcase_add_loop_test(c, level_filters, KG_LOG_ERROR, KG_LOG_DEBUG + 1);
	suite_add_tcase(s, c);
}

static void
add_writing(Suite *s)
{
	TCase *c = tcase_create("writing");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, one_write_for_a_round);
	tcase_add_test(c, error_is_written_at_once);
	tcase_add_test(c, file_is_written_in_one_piece);
	tcase_add_test(c, threads_do_not_mix_lines);
	tcase_add_test(c, full_pipe_drops_and_counts);
	tcase_add_test(c, full_pipe_without_start_drops_and_counts);
	tcase_add_test(c, full_socket_drops_and_counts);
	tcase_add_test(c, lines_after_the_notice_are_logged);
	tcase_add_test(c, closed_pipe_kills_nobody);
	tcase_add_test(c, closed_socket_kills_nobody);
	tcase_add_test(c, closed_standard_error_kills_nobody);
	tcase_add_test(c, stop_gives_up_on_a_full_pipe);
	tcase_add_test(c, stop_waits_for_a_slow_reader);
	suite_add_tcase(s, c);
}

int
main(void)
{
	Suite *s = suite_create("log");
	SRunner *r = srunner_create(s);

	add_forms(s);
	add_writing(s);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	srunner_free(r);
	return 0;
}
