/* SPDX-License-Identifier: Apache-2.0 */
/* Closed-loop HTTP/1.1 load: every connection sends the same request, waits for the whole answer
 * and sends again. All connections are open before the first request. Prints one JSON line. Owns
 * its connections and the histogram; one thread. */
#include "bench/histogram.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_CONNECTIONS = 20000,
	MAX_REQUEST_BYTES = 64 * 1024 * 1024,
	ANSWER_BYTES = 64 * 1024, /* head and body of an answer; ours are below 1 KiB */
	EVENTS_PER_WAIT = 512,
	DRAIN_MS = 5000
};

struct connection {
	int fd; /* -1: closed */
	bool waits_to_send;
	size_t sent_len;
	size_t answer_len;
	int64_t start_mono_ns;
	char *answer;
};

struct options {
	struct sockaddr_in address;
	unsigned connections;
	unsigned warmup_ms;
	unsigned duration_ms;
	uint64_t requests; /* 0: no limit but the time */
	pid_t pid;	   /* whose CPU time is taken; 0: nobody's */
	const char *request_file;
};

struct load {
	struct options options;
	char *request;
	size_t request_len;
	int epoll_fd;
	struct connection *connections;
	unsigned open_count;
	unsigned outstanding;
	bool is_stopping;
	bool is_measuring;
	uint64_t started;
	int64_t begin_mono_ns;
	int64_t end_mono_ns;
	int64_t begin_cpu_ns;
	int64_t end_cpu_ns;
	uint64_t answers; /* all of the run, outside the measured time too */
	uint64_t not_200;
	uint64_t errors;
	char first_error[160];
	struct histogram latencies;
};

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
count_error(struct load *load, const char *what, size_t len)
{
	if (load->errors == 0 && load->not_200 <= 1)
		snprintf(load->first_error, sizeof(load->first_error), "%.*s",
		    (int)(len < 150 ? len : 150), what);
}

static int64_t
cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec used;

	if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) != 0)
		return 0;
	return used.tv_sec * KDB_NS_PER_SECOND + used.tv_nsec;
}

static void
drop(struct load *load, struct connection *connection, const char *why)
{
	count_error(load, why, strlen(why));
	load->errors++;
	load->outstanding--;
	load->open_count--;
	close(connection->fd);
	connection->fd = -1;
}

static void
watch(struct load *load, struct connection *connection, bool for_sending)
{
	struct epoll_event event = { .events = EPOLLIN | (for_sending ? EPOLLOUT : 0),
		.data.ptr = connection };

	if (connection->waits_to_send == for_sending)
		return;
	connection->waits_to_send = for_sending;
	if (epoll_ctl(load->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) != 0)
		die("epoll_ctl");
}

static void
go_on_sending(struct load *load, struct connection *connection)
{
	while (connection->sent_len < load->request_len) {
		ssize_t len = send(connection->fd, load->request + connection->sent_len,
		    load->request_len - connection->sent_len, MSG_NOSIGNAL);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN) {
			watch(load, connection, true);
			return;
		}
		if (len < 0) {
			drop(load, connection, strerror(errno));
			return;
		}
		connection->sent_len += (size_t)len;
	}
	watch(load, connection, false);
}

static void
start_request(struct load *load, struct connection *connection, int64_t now)
{
	if (load->is_stopping ||
	    (load->options.requests != 0 && load->started == load->options.requests))
		return;
	load->started++;
	load->outstanding++;
	connection->start_mono_ns = now;
	connection->sent_len = 0;
	connection->answer_len = 0;
	go_on_sending(load, connection);
}

/* The whole length of the answer, 0 while its head is incomplete, SIZE_MAX when it has no
 * Content-Length. */
static size_t
answer_length(const struct connection *connection)
{
	static const char name[] = "\r\ncontent-length:";
	const char *head = connection->answer;
	const char *end = memmem(head, connection->answer_len, "\r\n\r\n", 4);
	size_t head_len;

	if (end == NULL)
		return 0;
	head_len = (size_t)(end - head);
	for (size_t i = 0; i + sizeof(name) - 1 <= head_len; i++)
		if (head[i] == '\r' && strncasecmp(head + i, name, sizeof(name) - 1) == 0)
			return head_len + 4 + strtoul(head + i + sizeof(name) - 1, NULL, 10);
	return SIZE_MAX;
}

static void
finish_request(struct load *load, struct connection *connection)
{
	int64_t now = kdb_clock_mono_ns();
	bool is_200 = connection->answer_len > 12 &&
	    memcmp(connection->answer, "HTTP/1.1 200", 12) == 0;

	load->outstanding--;
	load->answers++;
	if (!is_200) {
		load->not_200++;
		count_error(load, connection->answer, connection->answer_len);
	} else if (load->is_measuring) {
		histogram_add(
		    &load->latencies, (uint64_t)(now - connection->start_mono_ns));
	}
	start_request(load, connection, now);
}

static void
receive(struct load *load, struct connection *connection)
{
	ssize_t len = recv(connection->fd, connection->answer + connection->answer_len,
	    ANSWER_BYTES - connection->answer_len, 0);
	size_t whole_len;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		drop(load, connection, len == 0 ? "closed by the server" : strerror(errno));
		return;
	}
	connection->answer_len += (size_t)len;
	whole_len = answer_length(connection);
	if (whole_len == 0 && connection->answer_len < ANSWER_BYTES)
		return;
	if (whole_len == 0 || whole_len > ANSWER_BYTES || connection->answer_len > whole_len)
		drop(load, connection, "an answer that cannot be read");
	else if (connection->answer_len == whole_len)
		finish_request(load, connection);
}

static void
handle(struct load *load, const struct epoll_event *event)
{
	struct connection *connection = event->data.ptr;

	if (connection->fd >= 0 && (event->events & EPOLLOUT) != 0)
		go_on_sending(load, connection);
	if (connection->fd >= 0 && (event->events & ~(uint32_t)EPOLLOUT) != 0)
		receive(load, connection);
}

/* Handles what happens until the given time, or until nothing is left to wait for. */
static void
run_until(struct load *load, int64_t until_mono_ns)
{
	struct epoll_event events[EVENTS_PER_WAIT];

	while (load->outstanding > 0) {
		int64_t left_ns = until_mono_ns - kdb_clock_mono_ns();
		int count;

		if (left_ns <= 0)
			return;
		count = epoll_wait(load->epoll_fd, events, EVENTS_PER_WAIT,
		    (int)(left_ns / KDB_NS_PER_MS) + 1);
		if (count < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < count; i++)
			handle(load, &events[i]);
	}
}

static void
run(struct load *load)
{
	const struct options *options = &load->options;
	int64_t start_mono_ns = kdb_clock_mono_ns();

	for (unsigned i = 0; i < options->connections; i++)
		if (load->connections[i].fd >= 0)
			start_request(load, &load->connections[i], kdb_clock_mono_ns());
	run_until(load, start_mono_ns + options->warmup_ms * KDB_NS_PER_MS);
	load->is_measuring = true;
	load->begin_cpu_ns = cpu_ns(options->pid);
	load->begin_mono_ns = kdb_clock_mono_ns();
	run_until(load, load->begin_mono_ns + options->duration_ms * KDB_NS_PER_MS);
	load->is_measuring = false;
	load->is_stopping = true;
	load->end_mono_ns = kdb_clock_mono_ns();
	load->end_cpu_ns = cpu_ns(options->pid);
	run_until(load, load->end_mono_ns + DRAIN_MS * KDB_NS_PER_MS);
}

static void
open_connection(struct load *load, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	int yes = 1;

	connection->answer = kdb_alloc(ANSWER_BYTES);
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 ||
	    connect(connection->fd, (const struct sockaddr *)&load->options.address,
		sizeof(load->options.address)) != 0)
		die("connect");
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
		die("epoll_ctl");
	load->open_count++;
}

static void
read_request(struct load *load)
{
	FILE *file = fopen(load->options.request_file, "rb");
	struct stat status;

	if (file == NULL || fstat(fileno(file), &status) != 0)
		die(load->options.request_file);
	if (status.st_size <= 0 || status.st_size > MAX_REQUEST_BYTES) {
		fprintf(stderr, "load: %s: a request has 1 to %d bytes\n",
		    load->options.request_file, MAX_REQUEST_BYTES);
		exit(1);
	}
	load->request_len = (size_t)status.st_size;
	load->request = kdb_alloc(load->request_len);
	if (fread(load->request, 1, load->request_len, file) != load->request_len)
		die(load->options.request_file);
	fclose(file);
}

static void
print_text(const char *name, const char *text)
{
	printf(", \"%s\": \"", name);
	for (; *text != '\0'; text++)
		putchar(*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\' ? ' '
										      : *text);
	putchar('"');
}

static void
print_report(const struct load *load)
{
	const struct histogram *latencies = &load->latencies;
	struct timespec own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	printf("{\"requests\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f",
	    latencies->count, (double)(load->end_mono_ns - load->begin_mono_ns) / 1e9,
	    (double)(load->end_cpu_ns - load->begin_cpu_ns) / 1e9);
	printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f",
	    (double)histogram_quantile(latencies, 0.5) / 1e3,
	    (double)histogram_quantile(latencies, 0.99) / 1e3,
	    (double)latencies->max_ns / 1e3);
	printf(", \"answers\": %" PRIu64 ", \"not_200\": %" PRIu64 ", \"errors\": %" PRIu64
	       ", \"unanswered\": %u, \"own_cpu_seconds\": %.6f",
	    load->answers, load->not_200, load->errors, load->outstanding,
	    (double)own.tv_sec + (double)own.tv_nsec / 1e9);
	print_text("first_error", load->first_error);
	puts("}");
}

static void
usage(void)
{
	fputs("usage: load --connect ADDRESS:PORT --request FILE [--connections N]\n"
	      "            [--warmup-ms N] [--duration-ms N] [--requests N] [--pid PID]\n"
	      "FILE holds a whole HTTP/1.1 request, head and body, as it is sent.\n",
	    stderr);
	exit(2);
}

static uint64_t
read_number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (end == text || *end != '\0' || number > max || *text == '-')
		usage();
	return number;
}

static void
read_address(const char *text, struct sockaddr_in *address)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		usage();
	memcpy(host, text, (size_t)(colon - text));
	address->sin_family = AF_INET;
	address->sin_port = htons((uint16_t)read_number(colon + 1, 65535));
	if (inet_pton(AF_INET, host, &address->sin_addr) != 1)
		usage();
}

static void
read_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "connect", required_argument, NULL, 'c' },
		{ "request", required_argument, NULL, 'r' },
		{ "connections", required_argument, NULL, 'n' },
		{ "warmup-ms", required_argument, NULL, 'w' },
		{ "duration-ms", required_argument, NULL, 'd' },
		{ "requests", required_argument, NULL, 'm' },
		{ "pid", required_argument, NULL, 'p' },
		{ 0 },
	};
	int name;

	*options = (struct options){ .connections = 1, .duration_ms = 1000 };
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 'c': read_address(optarg, &options->address); break;
		case 'r': options->request_file = optarg; break;
		case 'n':
			options->connections = (unsigned)read_number(optarg, MAX_CONNECTIONS);
			break;
		case 'w': options->warmup_ms = (unsigned)read_number(optarg, 60000); break;
		case 'd': options->duration_ms = (unsigned)read_number(optarg, 600000); break;
		case 'm': options->requests = read_number(optarg, UINT64_MAX); break;
		case 'p': options->pid = (pid_t)read_number(optarg, INT32_MAX); break;
		default: usage();
		}
	}
	if (options->address.sin_port == 0 || options->request_file == NULL ||
	    options->connections == 0 || optind != argc)
		usage();
}

int
main(int argc, char **argv)
{
	struct load *load = kdb_alloc_zero(1, sizeof(*load));

	read_options(&load->options, argc, argv);
	read_request(load);
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll_fd < 0)
		die("epoll_create1");
	load->connections =
	    kdb_alloc_zero(load->options.connections, sizeof(*load->connections));
	for (unsigned i = 0; i < load->options.connections; i++)
		open_connection(load, &load->connections[i]);
	run(load);
	print_report(load);
	for (unsigned i = 0; i < load->options.connections; i++) {
		if (load->connections[i].fd >= 0)
			close(load->connections[i].fd);
		free(load->connections[i].answer);
	}
	close(load->epoll_fd);
	free(load->connections);
	free(load->request);
	free(load);
	return 0;
}
