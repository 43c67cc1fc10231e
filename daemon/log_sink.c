/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to standard error without ever waiting for its reader. Owns a second
 * description of it where one can be had. */
#include "daemon/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new description of what fd stands for, or -1. */
static int
open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void
kg_log_sink_open(struct kg_log_sink *sink, int fd)
{
	struct stat status;
	int own;

	*sink = (struct kg_log_sink){ .kind = KG_LOG_SINK_PLAIN, .fd = fd };
	if (fstat(fd, &status) != 0)
		return;
	if (S_ISSOCK(status.st_mode)) {
		sink->kind = KG_LOG_SINK_SOCKET;
	} else if (S_ISREG(status.st_mode)) {
		sink->kind = KG_LOG_SINK_FILE;
	} else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		own = open_again(fd);
		if (own >= 0)
			*sink =
			    (struct kg_log_sink){ .kind = KG_LOG_SINK_OWN, .fd = own };
	}
}

void
kg_log_sink_close(struct kg_log_sink *sink)
{
	if (sink->kind == KG_LOG_SINK_OWN)
		close(sink->fd);
}

static bool
is_writable(int fd, int timeout_ms)
{
	struct pollfd asked = { .fd = fd, .events = POLLOUT };

	return poll(&asked, 1, timeout_ms) > 0;
}

/* A pipe that is writable takes PIPE_BUF bytes without blocking, more only perhaps. */
static ssize_t
write_pieces(int fd, const char *bytes, size_t len)
{
	size_t written = 0;

	while (written < len && is_writable(fd, 0)) {
		size_t left = len - written;
		ssize_t step =
		    write(fd, bytes + written, left < PIPE_BUF ? left : PIPE_BUF);

		if (step <= 0)
			return written > 0 ? (ssize_t)written : step;
		written += (size_t)step;
	}
	return (ssize_t)written;
}

static ssize_t
write_once(const struct kg_log_sink *sink, const char *bytes, size_t len)
{
	switch (sink->kind) {
	case KG_LOG_SINK_SOCKET:
		return send(sink->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case KG_LOG_SINK_FILE:
	case KG_LOG_SINK_OWN:
		return write(sink->fd, bytes, len);
	case KG_LOG_SINK_PLAIN:
		break;
	}
	return write_pieces(sink->fd, bytes, len);
}

ssize_t
kg_log_sink_write(const struct kg_log_sink *sink, const char *bytes, size_t len)
{
	ssize_t written;

	do
		written = write_once(sink, bytes, len);
	while (written < 0 && errno == EINTR);
	if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return written;
}

void
kg_log_sink_wait(const struct kg_log_sink *sink, int timeout_ms)
{
	is_writable(sink->fd, timeout_ms);
}
