/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_LOG_H
#define KG_LOG_H

#include "daemon/config.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Log lines on standard error, text or JSON. Lines are collected and written once per loop
 * round: kg_log_flush(). Any thread may log; lines of other threads are written by the next
 * flush of the HTTP loop, errors at once. Payloads, metadata, tokens and credentials never come
 * here. Control characters in texts are escaped, so one line stays one line.
 */

void kg_log_start(enum kg_log_level level, enum kg_log_format format);

/* Writes out what is left and frees the buffers. */
void kg_log_stop(void);

bool kg_log_is_on(enum kg_log_level level);

void kg_log(enum kg_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The one line of a request. Texts are borrowed; NULL leaves a field out. */
struct kg_log_request {
	const char *method;
	const char *route; /* template, or "other" */
	unsigned status;   /* 0: closed without an answer */
	const char *code;  /* problem code, or NULL */
	const char *outcome; /* NULL on success */
	const char *request_id;
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
