/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log. Lines are made under a lock in `pending`; a flush swaps them out and writes
 * them without that lock. Owns both buffers and the sink.
 */
#include "daemon/log.h"

#include "client-core/base/buffer.h"
#include "client-core/base/clock.h"
#include "daemon/decimal.h"
#include "daemon/json_scan.h"
#include "daemon/log_sink.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_PENDING_BYTES ((size_t)512 * 1024)
#define MAX_NOTICE_BYTES 256
#define MAX_MESSAGE_BYTES 4096
#define STOP_WAIT_NS KDB_NS_PER_SECOND

static const char *const level_names[] = {
	[KG_LOG_ERROR] = "error",
	[KG_LOG_WARNING] = "warning",
	[KG_LOG_INFO] = "info",
	[KG_LOG_DEBUG] = "debug",
};

static atomic_int max_level = KG_LOG_INFO;
static enum kg_log_format form = KG_LOG_TEXT;

/* Guards everything up to the next comment. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kdb_buffer pending = { .max_len = MAX_PENDING_BYTES };
static uint64_t dropped_lines;
static time_t known_second = -1;
static char known_second_text[32];
static atomic_bool has_work;

/* Guards the writing side. Taken before `lock`, never behind it. */
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kdb_buffer writing = { .max_len = MAX_PENDING_BYTES + MAX_NOTICE_BYTES };
static size_t written_bytes; /* of `writing` */
static struct kg_log_sink sink = { .kind = KG_LOG_SINK_PLAIN, .fd = STDERR_FILENO };

/* --- texts -------------------------------------------------------------------------- */

/* Appends one byte that must not appear as it is. */
static void
put_escaped_byte(struct kdb_buffer *out, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char text[] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };

	kdb_buffer_put(out, text, sizeof text);
}

/* Appends a control character of one or two bytes. */
static void
put_control(struct kdb_buffer *out, unsigned char character)
{
	switch (character) {
	case '\n':
		kdb_buffer_put(out, "\\n", 2);
		return;
	case '\r':
		kdb_buffer_put(out, "\\r", 2);
		return;
	case '\t':
		kdb_buffer_put(out, "\\t", 2);
		return;
	default:
		kdb_buffer_put_printf(out, "\\u%04x", (unsigned)character);
		return;
	}
}

/* The control character at `at`, where a character of len bytes stands, or -1. Those of
 * two bytes, U+0080 to U+009F, move terminals as the others do. */
static int
control_at(const unsigned char *at, size_t len)
{
	if (len == 1 && (*at < 0x20 || *at == 0x7f))
		return *at;
	if (len == 2 && at[0] == 0xc2 && at[1] < 0xa0)
		return at[1];
	return -1;
}

/* Appends the character at `at` so that it is harmless, and returns its length. */
static size_t
put_character(struct kdb_buffer *out, const char *at, const char *end, bool is_quoted)
{
	size_t len = kg_json_utf8_len(at, end);
	int control = control_at((const unsigned char *)at, len);

	if (len == 0 && form == KG_LOG_JSON) {
		kdb_buffer_put(out, "\\ufffd", 6);
		return 1;
	}
	if (len == 0) {
		put_escaped_byte(out, (unsigned char)*at);
		return 1;
	}
	if (control >= 0) {
		put_control(out, (unsigned char)control);
		return len;
	}
	if (is_quoted && (*at == '"' || *at == '\\'))
		kdb_buffer_put_char(out, '\\');
	kdb_buffer_put(out, at, len);
	return len;
}

/* How many bytes may be copied as they are. */
static size_t
plain_len(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - start);
}

static void
put_text(struct kdb_buffer *out, const char *text, size_t len, bool is_quoted)
{
	const char *end = text + len;

	while (text < end) {
		size_t plain = plain_len(text, end);

		kdb_buffer_put(out, text, plain);
		text += plain;
		if (text < end)
			text += put_character(out, text, end, is_quoted);
	}
}

static bool
needs_quotes(const char *text, size_t len)
{
	return len == 0 || plain_len(text, text + len) < len || memchr(text, ' ', len) ||
	    memchr(text, '=', len);
}

/* --- fields ------------------------------------------------------------------------- */

static void
put_name(struct kdb_buffer *out, const char *name)
{
	if (form == KG_LOG_JSON) {
		kdb_buffer_put(out, ",\"", 2);
		kdb_buffer_put_text(out, name);
		kdb_buffer_put(out, "\":", 2);
	} else {
		kdb_buffer_put_char(out, ' ');
		kdb_buffer_put_text(out, name);
		kdb_buffer_put_char(out, '=');
	}
}

static void
put_bytes_field(struct kdb_buffer *out, const char *name, const char *text, size_t len)
{
	bool is_quoted = form == KG_LOG_JSON || needs_quotes(text, len);

	put_name(out, name);
	if (is_quoted)
		kdb_buffer_put_char(out, '"');
	put_text(out, text, len, is_quoted);
	if (is_quoted)
		kdb_buffer_put_char(out, '"');
}

static void
put_text_field(struct kdb_buffer *out, const char *name, const char *text)
{
	if (text)
		put_bytes_field(out, name, text, strlen(text));
}

/* A word of ours, or one that was checked: nothing in it needs an escape or quotes. */
static void
put_word_field(struct kdb_buffer *out, const char *name, const char *word)
{
	if (!word)
		return;
	put_name(out, name);
	if (form == KG_LOG_JSON)
		kdb_buffer_put_char(out, '"');
	kdb_buffer_put_text(out, word);
	if (form == KG_LOG_JSON)
		kdb_buffer_put_char(out, '"');
}

static void
put_number(struct kdb_buffer *out, uint64_t value, size_t least_digits)
{
	char digits[KG_DECIMAL_MAX];

	kdb_buffer_put(
	    out, digits, (size_t)(kg_decimal_put(digits, value, least_digits) - digits));
}

static void
put_number_field(struct kdb_buffer *out, const char *name, uint64_t value)
{
	put_name(out, name);
	put_number(out, value, 1);
}

/* Milliseconds with three digits behind the point. */
static void
put_duration_field(struct kdb_buffer *out, const char *name, int64_t duration_ns)
{
	uint64_t us = duration_ns > 0 ? (uint64_t)duration_ns / 1000 : 0;

	put_name(out, name);
	put_number(out, us / 1000, 1);
	kdb_buffer_put_char(out, '.');
	put_number(out, us % 1000, 3);
}

/* --- lines -------------------------------------------------------------------------- */

static void
put_time(struct kdb_buffer *out)
{
	int64_t now_ns = kdb_clock_wall_ns();
	time_t second = now_ns / KDB_NS_PER_SECOND;
	struct tm utc;

	if (second != known_second) {
		gmtime_r(&second, &utc);
		strftime(known_second_text, sizeof known_second_text, "%Y-%m-%dT%H:%M:%S",
		    &utc);
		known_second = second;
	}
	kdb_buffer_put_text(out, known_second_text);
	kdb_buffer_put_char(out, '.');
	put_number(out, (uint64_t)(now_ns % KDB_NS_PER_SECOND / KDB_NS_PER_MS), 3);
	kdb_buffer_put_char(out, 'Z');
}

/* Time, level and message; a line's fields may follow. */
static void
put_head(struct kdb_buffer *out, enum kg_log_level level, const char *message)
{
	bool is_json = form == KG_LOG_JSON;

	kdb_buffer_put_text(out, is_json ? "{\"time\":\"" : "");
	put_time(out);
	kdb_buffer_put_text(out, is_json ? "\",\"level\":\"" : " ");
	kdb_buffer_put_text(out, level_names[level]);
	kdb_buffer_put_text(out, is_json ? "\",\"message\":\"" : " ");
	put_text(out, message, strlen(message), is_json);
	kdb_buffer_put_text(out, is_json ? "\"" : "");
}

static void
put_end(struct kdb_buffer *out)
{
	kdb_buffer_put_text(out, form == KG_LOG_JSON ? "}\n" : "\n");
}

static void
put_notice(struct kdb_buffer *out)
{
	char message[MAX_NOTICE_BYTES / 2];

	snprintf(message, sizeof message,
	    "%" PRIu64 " log lines were dropped because standard error took no more",
	    dropped_lines);
	put_head(out, KG_LOG_WARNING, message);
	put_end(out);
}

/* Takes the lock; the caller appends a line to `pending` and then ends it. */
static size_t
begin_line(void)
{
	size_t len;

	pthread_mutex_lock(&lock);
	len = pending.len;
	if (dropped_lines > 0)
		put_notice(&pending);
	return len;
}

/* len: what begin_line() returned. */
static void
end_line(enum kg_log_level level, size_t len)
{
	put_end(&pending);
	if (pending.is_overflowed) {
		pending.is_overflowed = false;
		pending.len = len;
		dropped_lines++;
	} else {
		dropped_lines = 0;
	}
	atomic_store_explicit(&has_work, true, memory_order_release);
	pthread_mutex_unlock(&lock);
	if (level == KG_LOG_ERROR)
		kg_log_flush();
}

bool
kg_log_is_on(enum kg_log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void
kg_log(enum kg_log_level level, const char *format, ...)
{
	char message[MAX_MESSAGE_BYTES];
	va_list args;
	size_t len;

	if (!kg_log_is_on(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	len = begin_line();
	put_head(&pending, level, message);
	end_line(level, len);
}

void
kg_log_request(enum kg_log_level level, const struct kg_log_request *line)
{
	size_t len;

	if (!kg_log_is_on(level))
		return;
	len = begin_line();
	put_head(&pending, level, "request");
	put_text_field(&pending, "method", line->method);
	put_word_field(&pending, "route", line->route);
	put_number_field(&pending, "status", line->status);
	put_word_field(&pending, "code", line->code);
	put_word_field(&pending, "outcome", line->outcome);
	put_word_field(&pending, "request_id", line->request_id);
	put_word_field(&pending, "trace_id", line->trace_id);
	if (line->stream_name)
		put_bytes_field(
		    &pending, "stream_name", line->stream_name, line->stream_name_len);
	put_duration_field(&pending, "duration_ms", line->duration_ns);
	put_duration_field(&pending, "database_ms", line->database_ns);
	put_number_field(&pending, "body_bytes", line->body_bytes);
	put_text_field(&pending, "detail", line->detail);
	end_line(level, len);
}

/* --- writing ------------------------------------------------------------------------ */

/* Swaps the lines into `writing`, which is empty. False when there are none. */
static bool
take_pending(void)
{
	struct kdb_buffer empty = writing;

	pthread_mutex_lock(&lock);
	if (pending.len == 0 && dropped_lines > 0) {
		put_notice(&pending);
		dropped_lines = 0;
	}
	writing = pending;
	writing.max_len = empty.max_len;
	pending = empty;
	pending.max_len = MAX_PENDING_BYTES;
	atomic_store_explicit(&has_work, false, memory_order_relaxed);
	pthread_mutex_unlock(&lock);
	written_bytes = 0;
	return writing.len > 0;
}

/* Nothing of what is left will ever be written. */
static void
drop_writing(void)
{
	uint64_t lines = 0;

	for (size_t i = written_bytes; i < writing.len; i++)
		lines += writing.data[i] == '\n';
	pthread_mutex_lock(&lock);
	dropped_lines += lines;
	pthread_mutex_unlock(&lock);
	written_bytes = writing.len;
}

/* True when `writing` is done with. */
static bool
write_lines(void)
{
	ssize_t step;

	if (written_bytes < writing.len) {
		step = kg_log_sink_write(
		    &sink, writing.data + written_bytes, writing.len - written_bytes);
		if (step < 0)
			drop_writing();
		else
			written_bytes += (size_t)step;
	}
	if (written_bytes < writing.len)
		return false;
	written_bytes = 0;
	kdb_buffer_clear(&writing);
	return true;
}

/* Whether everything is written or dropped. */
static bool
flush(void)
{
	bool is_done;

	pthread_mutex_lock(&write_lock);
	is_done = write_lines() && (!take_pending() || write_lines());
	if (!is_done)
		atomic_store_explicit(&has_work, true, memory_order_release);
	pthread_mutex_unlock(&write_lock);
	return is_done;
}

void
kg_log_flush(void)
{
	if (atomic_load_explicit(&has_work, memory_order_acquire))
		flush();
}

void
kg_log_start(enum kg_log_level level, enum kg_log_format format)
{
	signal(SIGPIPE, SIG_IGN);
	atomic_store(&max_level, (int)level);
	form = format;
	kg_log_sink_open(&sink, STDERR_FILENO);
}

void
kg_log_stop(void)
{
	int64_t until_ns = kdb_clock_mono_ns() + STOP_WAIT_NS;
	int64_t left_ns = STOP_WAIT_NS;

	while (!flush() && left_ns > 0) {
		kg_log_sink_wait(&sink, (int)(left_ns / KDB_NS_PER_MS) + 1);
		left_ns = until_ns - kdb_clock_mono_ns();
	}
	kdb_buffer_dispose(&pending);
	kdb_buffer_dispose(&writing);
	written_bytes = 0;
	kg_log_sink_close(&sink);
	sink = (struct kg_log_sink){ .kind = KG_LOG_SINK_PLAIN, .fd = STDERR_FILENO };
}
