/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_LOG_H
#define KG_LOG_H

#include "daemon/config.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Log lines on standard error, text or JSON. Lines are collected and written once per
 * loop round: kg_log_flush(). Any thread may log; lines of other threads are written by
 * the next flush of the HTTP loop, errors at once. Payloads, metadata, tokens and
 * credentials never come here. Control characters in texts are escaped, and what is not
 * UTF-8, so one line stays one line and harms no terminal and no JSON reader.
 *
 * Logging never waits: what standard error does not take stays in a bounded buffer, and
 * beyond that lines are dropped and counted; a line says how many as soon as there is
 * room. A log that cannot be written any more (closed pipe, full disk) is dropped in
 * the same way.
 *
 * Works before kg_log_start() as well, with level info in text form.
 */

/* Sets level and form, and ignores SIGPIPE for the process. Once, before other threads
 * log. */
void kg_log_start(enum kg_log_level level, enum kg_log_format format);

/* Writes out what is left, for at most a second, and frees the buffers. No other thread
 * may log at that time. */
void kg_log_stop(void);

bool kg_log_is_on(enum kg_log_level level);

/* One line; a message beyond 4,095 bytes is cut. */
void kg_log(enum kg_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The one line of a request. Texts are borrowed; NULL leaves a field out. */
struct kg_log_request {
	const char *method;
	const char *route;   /* template, or "other" */
	unsigned status;     /* 0: closed without an answer */
	const char *code;    /* problem code, or NULL */
	const char *outcome; /* NULL on success */
	const char *request_id;
	const char *trace_id;    /* or NULL */
	const char *stream_name; /* only if log-stream-names or debug; length below */
	size_t stream_name_len;
	int64_t duration_ns;
	int64_t database_ns;
	size_t body_bytes;
	const char *detail; /* for the operator: text of the database, or NULL */
};
void kg_log_request(enum kg_log_level level, const struct kg_log_request *line);

/* One write for all lines of the round; cheap when there are none. */
void kg_log_flush(void);

#endif
