/* SPDX-License-Identifier: Apache-2.0 */
/* The bare floor that the gateway is measured against: libmicrohttpd with suspend and resume, and
 * C core's BatchAppend, corked, or a call for each request, in one thread, with no checks, no JSON,
 * no log and no deadlines. Also each half alone. Owns the two halves and what goes between them. */
#include "bench/floor_append.h"
#include "bench/floor_call.h"
#include "bench/floor_http.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	IN_FLIGHT_MAX = 4096,
	PAYLOAD_BYTES = 1024,
	/* C core's other threads may post an event that its epoll set does not show. */
	LONGEST_SLEEP_MS = 10
};

enum part { PART_BOTH, PART_HTTP, PART_APPEND };

struct options {
	enum part part;
	const char *database;
	const char *ca_file; /* NULL: clear text */
	bool has_own_calls;
	uint16_t port;
	bool answers_first;
	unsigned in_flight;
	unsigned duration_ms;
};

struct gateway {
	struct floor_append *append; /* NULL: HTTP alone, or a call each */
	struct floor_calls *calls;   /* NULL: not a call each */
	struct floor_http *http;
	struct floor_request *ready[IN_FLIGHT_MAX];
	size_t ready_count;
};

/* What --part append measures, without HTTP. */
struct generator {
	struct floor_append *append;
	grpc_slice payload;
	uint64_t answer_count;
};

static volatile sig_atomic_t is_stopping;

static void
ask_to_stop(int signal_number)
{
	(void)signal_number;
	is_stopping = 1;
}

static void
take_request(void *context, struct floor_request *request, grpc_slice slice, size_t body_len,
    size_t event_count)
{
	struct gateway *gateway = context;

	if (gateway->append != NULL) {
		floor_append_submit(gateway->append, request, slice, body_len, event_count);
		return;
	}
	if (gateway->calls != NULL) {
		floor_calls_submit(gateway->calls, request, slice, body_len);
		return;
	}
	grpc_slice_unref(slice);
	if (gateway->ready_count == IN_FLIGHT_MAX)
		abort();
	gateway->ready[gateway->ready_count++] = request;
}

static bool
answer_ready(struct gateway *gateway)
{
	size_t count = gateway->ready_count;

	for (size_t i = 0; i < count; i++)
		floor_http_answer(gateway->ready[i]);
	gateway->ready_count = 0;
	return count > 0;
}

static void
answer_request(void *request)
{
	floor_http_answer(request);
}

static int
database_poll_fd(const struct gateway *gateway)
{
	if (gateway->append != NULL)
		return floor_append_poll_fd(gateway->append);
	return gateway->calls != NULL ? floor_calls_poll_fd(gateway->calls) : -1;
}

static bool
answer_some(struct gateway *gateway)
{
	if (gateway->append != NULL)
		return floor_append_advance(gateway->append, false);
	if (gateway->calls != NULL)
		return floor_calls_advance(gateway->calls);
	return answer_ready(gateway);
}

static void
serve(struct gateway *gateway)
{
	struct pollfd fds[] = { { .fd = floor_http_poll_fd(gateway->http), .events = POLLIN },
		{ .fd = database_poll_fd(gateway), .events = POLLIN } };

	while (!is_stopping) {
		floor_http_run(gateway->http);
		if (!answer_some(gateway))
			poll(fds, 2, LONGEST_SLEEP_MS);
	}
}

static void
run_gateway(const struct options *options)
{
	struct gateway *gateway = kdb_alloc_zero(1, sizeof(*gateway));

	if (options->part == PART_BOTH && options->has_own_calls)
		gateway->calls =
		    floor_calls_open(options->database, options->ca_file, answer_request);
	else if (options->part == PART_BOTH)
		gateway->append =
		    floor_append_open(options->database, options->ca_file, answer_request);
	gateway->http = floor_http_open(options->port, FLOOR_APPEND_HEAD_ROOM,
	    options->answers_first, take_request, gateway);
	printf("listening on 127.0.0.1:%u\n", floor_http_port(gateway->http));
	fflush(stdout);
	serve(gateway);
}

static void
submit_again(void *owner)
{
	struct generator *generator = owner;
	grpc_slice slice = grpc_slice_malloc(FLOOR_APPEND_HEAD_ROOM + PAYLOAD_BYTES);

	generator->answer_count++;
	memcpy(GRPC_SLICE_START_PTR(slice) + FLOOR_APPEND_HEAD_ROOM,
	    GRPC_SLICE_START_PTR(generator->payload), PAYLOAD_BYTES);
	floor_append_submit(generator->append, generator, slice, PAYLOAD_BYTES, 1);
}

static void
advance_until(struct generator *generator, int64_t until_mono_ns)
{
	while (!is_stopping && kdb_clock_mono_ns() < until_mono_ns)
		floor_append_advance(generator->append, true);
}

static double
cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void
run_generator(const struct options *options)
{
	struct generator generator = { .append = floor_append_open(
					   options->database, options->ca_file, submit_again) };
	int64_t begin_mono_ns;
	uint64_t begin_count;
	double begin_cpu;

	generator.payload = grpc_slice_malloc(PAYLOAD_BYTES);
	memset(GRPC_SLICE_START_PTR(generator.payload), 'x', PAYLOAD_BYTES);
	for (unsigned i = 0; i < options->in_flight; i++)
		submit_again(&generator);
	advance_until(&generator, kdb_clock_mono_ns() + 200 * KDB_NS_PER_MS);
	begin_count = generator.answer_count;
	begin_cpu = cpu_seconds();
	begin_mono_ns = kdb_clock_mono_ns();
	advance_until(&generator, begin_mono_ns + options->duration_ms * KDB_NS_PER_MS);
	printf("{\"requests\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
	    generator.answer_count - begin_count,
	    (double)(kdb_clock_mono_ns() - begin_mono_ns) / 1e9, cpu_seconds() - begin_cpu);
}

static void
usage(void)
{
	fputs("usage: floor [--part both|http] [--database ADDRESS:PORT] [--port N]\n"
	      "             [--ca-file FILE] [--own-calls] [--answers-first]\n"
	      "       floor --part append --database ADDRESS:PORT [--in-flight N]\n"
	      "             [--duration-ms N]\n",
	    stderr);
	exit(2);
}

static unsigned
read_number(const char *text, unsigned max)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || number > max || *text == '-')
		usage();
	return (unsigned)number;
}

static enum part
read_part(const char *text)
{
	static const char *const names[] = { "both", "http", "append" };

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum part)i;
	usage();
	return PART_BOTH;
}

static void
read_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "part", required_argument, NULL, 'a' },
		{ "database", required_argument, NULL, 'b' },
		{ "ca-file", required_argument, NULL, 't' },
		{ "own-calls", no_argument, NULL, 'o' },
		{ "port", required_argument, NULL, 'p' },
		{ "answers-first", no_argument, NULL, 'f' },
		{ "in-flight", required_argument, NULL, 'n' },
		{ "duration-ms", required_argument, NULL, 'd' },
		{ 0 },
	};
	int name;

	*options = (struct options){ .in_flight = 64, .duration_ms = 1000 };
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 'a': options->part = read_part(optarg); break;
		case 'b': options->database = optarg; break;
		case 't': options->ca_file = optarg; break;
		case 'o': options->has_own_calls = true; break;
		case 'p': options->port = (uint16_t)read_number(optarg, 65535); break;
		case 'f': options->answers_first = true; break;
		case 'n': options->in_flight = read_number(optarg, IN_FLIGHT_MAX); break;
		case 'd': options->duration_ms = read_number(optarg, 60000); break;
		default: usage();
		}
	}
	if (optind != argc || (options->part != PART_HTTP && options->database == NULL))
		usage();
}

/* Nothing is taken down: the process ends with requests in progress, as a floor may. */
int
main(int argc, char **argv)
{
	struct options options;

	read_options(&options, argc, argv);
	signal(SIGTERM, ask_to_stop);
	signal(SIGINT, ask_to_stop);
	signal(SIGPIPE, SIG_IGN);
	if (options.part == PART_APPEND)
		run_generator(&options);
	else
		run_gateway(&options);
	fflush(stdout);
	_Exit(0);
}
