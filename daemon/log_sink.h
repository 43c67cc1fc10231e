/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_LOG_SINK_H
#define KG_LOG_SINK_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Standard error as something that never blocks, whatever it is. Its file description
 * may be shared with other processes, a shell for one, so O_NONBLOCK must not be set on
 * it. One thread at a time.
 */
enum kg_log_sink_kind {
	KG_LOG_SINK_PLAIN,  /* of an unknown kind: asked before each piece */
	KG_LOG_SINK_FILE,   /* never blocks for long */
	KG_LOG_SINK_SOCKET, /* journald's: every send says MSG_DONTWAIT */
	KG_LOG_SINK_OWN,    /* a pipe or terminal that was opened anew without blocking */
};

struct kg_log_sink {
	enum kg_log_sink_kind kind;
	int fd;
};

/* Looks at descriptor fd, which stays with the caller. */
void kg_log_sink_open(struct kg_log_sink *sink, int fd);

/* Closes what open made; fd stays open. */
void kg_log_sink_close(struct kg_log_sink *sink);

/* Writes what goes at once; returns how much that was, 0 when nothing goes now, -1 with
 * errno when nothing will ever go. */
ssize_t kg_log_sink_write(const struct kg_log_sink *sink, const char *bytes, size_t len);

/* Waits until something may go, at most timeout_ms. */
void kg_log_sink_wait(const struct kg_log_sink *sink, int timeout_ms);

#endif
