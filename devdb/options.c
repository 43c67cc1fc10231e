/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. Owns nothing. */
#include "devdb/options.h"

#include "client-core/base/alloc.h"
#include "devdb/emulation.h"
#include "devdb/role.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LISTEN "127.0.0.1:2113"
#define MIB (UINT64_C(1) << 20)
#define MAX_APPEND_MIB 256
#define MAX_EVENT_MIB 16

static const char help[] =
    "Usage: kurrentgate-devdb [OPTION]...\n"
    "An in-memory database that speaks the gRPC protocol of KurrentDB 26.1, for\n"
    "development and tests. It keeps nothing on disk and is no production database.\n"
    "\n"
    "  --listen ADDRESS:PORT     where clients connect (127.0.0.1:2113); port 0 = any\n"
    "                            free port, [::1]:2113 for IPv6\n"
    "  --admin ADDRESS:PORT      plain HTTP port for faults and statistics (none)\n"
    "  --advertise HOST:PORT     what gossip says (the address of --listen)\n"
    "  --emulate VERSION         answer as that version: 26.1 (which is what it does\n"
    "                            without this), 25.1, 24.10 or 23.10\n"
    "  --max-append-size BYTES   largest append (268435456; 24.10, 23.10: 1048576)\n"
    "  --max-append-event-size BYTES\n"
    "                            largest event (16777216; 24.10, 23.10: none)\n"
    "  --max-memory BYTES        events, names and index together (1073741824); writes\n"
    "                            beyond are refused, nothing stored is dropped\n"
    "  --user NAME:PASSWORD[:GROUP[,GROUP]...]\n"
    "                            a user, again for each; with one, calls need Basic\n"
    "                            credentials and rights: user admin and group $admins\n"
    "                            have all, others those of $acl and no streams that\n"
    "                            begin with $. Without it everybody may do anything\n"
    "  --tls-cert FILE           serve TLS with this certificate and chain (PEM);\n"
    "  --tls-key FILE            its private key (PEM)\n"
    "  --help, --version         print this, or the version, and stop\n"
    "\n"
    "It prints 'kurrentgate-devdb listening on ADDRESS:PORT' when it serves, and with\n"
    "--admin 'kurrentgate-devdb admin on ADDRESS:PORT'. SIGTERM or SIGINT ends it.\n"
    "\n"
    "The admin port (bodies and answers are JSON):\n"
    "  GET    /readyz   200 once it serves\n"
    "  GET    /stats    counts since the start\n"
    "  GET    /traces   the last calls that came with a traceparent\n"
    "  GET    /faults   the faults ordered, and how often each struck\n"
    "  DELETE /faults   clear them\n"
    "  POST   /faults   order one, for example\n"
    "           {\"method\":\"BatchAppend\",\"stream\":\"s\",\"action\":\"drop-after\",\"count\":1}\n"
    "         method: as under calls of /stats, or *; absent = *\n"
    "         stream: only requests for this stream; absent = all\n"
    "         count: how often it strikes; absent = until cleared\n"
    "         action:\n"
    "           drop-before      not stored, never answered\n"
    "           drop-after       stored, never answered\n"
    "           delay            answered after delay_ms\n"
    "           refuse           the call ends with status and message\n"
    "           not-ready, busy, timeout, access-denied\n"
    "                            as a server says it (BatchAppend: in-band)\n"
    "           not-leader       the call ends, naming leader_host and leader_port\n"
    "           unimplemented    no such method, and none among the features\n"
    "           unauthenticated  wrong credentials\n"
    "           end-call         the call is cancelled\n"
    "           garbage          answered with bytes that are no message\n"
    "           big-trailers     the call ends with status, message and trailer_bytes\n"
    "                            (1048576) of trailers\n"
    "           hang             the call neither reads nor answers any more\n"
    "  POST   /role     what gossip says, and whether writes are taken:\n"
    "           {\"state\":\"Follower\",\"leader_host\":\"127.0.0.1\",\"leader_port\":2114}\n"
    "  POST   /restart  the listener closes with GOAWAY and opens again on its port:\n"
    "           {\"calls\":\"end\"} (cancelled at once) or {\"calls\":\"finish\"}\n";

enum {
	OPT_LISTEN = 256,
	OPT_ADMIN,
	OPT_ADVERTISE,
	OPT_EMULATE,
	OPT_APPEND,
	OPT_EVENT,
	OPT_MEMORY,
	OPT_USER,
	OPT_TLS_CERT,
	OPT_TLS_KEY,
	OPT_HELP,
	OPT_VERSION
};

static const struct option longs[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"admin", required_argument, NULL, OPT_ADMIN},
    {"advertise", required_argument, NULL, OPT_ADVERTISE},
    {"emulate", required_argument, NULL, OPT_EMULATE},
    {"max-append-size", required_argument, NULL, OPT_APPEND},
    {"max-append-event-size", required_argument, NULL, OPT_EVENT},
    {"max-memory", required_argument, NULL, OPT_MEMORY},
    {"user", required_argument, NULL, OPT_USER},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

bool
devdb_options_split_address(const char *address, char *host, size_t host_size, int *port)
{
	const char *colon = strrchr(address, ':');
	const char *start = address;
	const char *end = colon;
	char *stop;
	long number;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return false;
	errno = 0;
	number = strtol(colon + 1, &stop, 10);
	if (errno || *stop || number > 65535)
		return false;
	if (*start == '[') {
		start++;
		if (end[-1] != ']')
			return false;
		end--;
	} else if (memchr(start, ':', (size_t)(end - start))) {
		return false;
	}
	if (end <= start || (size_t)(end - start) >= host_size)
		return false;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = 0;
	*port = (int)number;
	return true;
}

static bool
read_address(const char *name, const char *text, const char **address)
{
	char host[DEVDB_MAX_HOST];
	int port;

	*address = text;
	if (devdb_options_split_address(text, host, sizeof host, &port))
		return true;
	fprintf(stderr,
	    "kurrentgate-devdb: --%s: '%s' is not ADDRESS:PORT, for example "
	    "127.0.0.1:2113\n",
	    name, text);
	return false;
}

static bool
read_version(const char *text, const struct devdb_emulation **emulation)
{
	*emulation = devdb_emulation_find(text);
	if (*emulation)
		return true;
	fprintf(stderr,
	    "kurrentgate-devdb: --emulate: '%s' is none of 26.1, 25.1, 24.10, 23.10\n",
	    text);
	return false;
}

static bool
read_bytes(const char *name, const char *text, uint64_t max, size_t *bytes)
{
	char *stop = NULL;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &stop, 10);
	if (text[0] >= '0' && text[0] <= '9' && !errno && !*stop && number > 0 &&
	    number <= max) {
		*bytes = number;
		return true;
	}
	fprintf(stderr,
	    "kurrentgate-devdb: --%s: '%s' is not a number of bytes from 1 to %llu\n",
	    name, text, (unsigned long long)max);
	return false;
}

static bool
take(struct devdb_options *options, int option)
{
	switch (option) {
	case OPT_LISTEN:
		return read_address("listen", optarg, &options->listen);
	case OPT_ADMIN:
		return read_address("admin", optarg, &options->admin);
	case OPT_ADVERTISE:
		return read_address("advertise", optarg, &options->advertise);
	case OPT_EMULATE:
		return read_version(optarg, &options->emulation);
	case OPT_APPEND:
		return read_bytes("max-append-size", optarg, MAX_APPEND_MIB * MIB,
		    &options->max_append_bytes);
	case OPT_EVENT:
		return read_bytes("max-append-event-size", optarg, MAX_EVENT_MIB * MIB,
		    &options->max_append_event_bytes);
	case OPT_MEMORY:
		return read_bytes(
		    "max-memory", optarg, SIZE_MAX / 2, &options->max_memory_bytes);
	case OPT_USER:
		options->users = kdb_realloc(
		    options->users, (options->user_count + 1) * sizeof *options->users);
		options->users[options->user_count++] = optarg;
		return true;
	case OPT_TLS_CERT:
		options->tls_cert = optarg;
		return true;
	case OPT_TLS_KEY:
		options->tls_key = optarg;
		return true;
	default:
		fputs("Try 'kurrentgate-devdb --help'.\n", stderr);
		return false;
	}
}

static bool
check_tls(const struct devdb_options *options)
{
	if (!options->tls_cert == !options->tls_key)
		return true;
	fputs("kurrentgate-devdb: --tls-cert and --tls-key need each other\n", stderr);
	return false;
}

void
devdb_options_dispose(struct devdb_options *options)
{
	free(options->users);
	options->users = NULL;
	options->user_count = 0;
}

/* Limits that nobody gave are those of the version. */
static void
set_limits(struct devdb_options *options)
{
	if (!options->max_append_bytes)
		options->max_append_bytes = options->emulation->max_append_bytes;
	if (!options->max_append_event_bytes)
		options->max_append_event_bytes =
		    options->emulation->max_append_event_bytes;
}

enum devdb_options_result
devdb_options_read(struct devdb_options *options, int argc, char **argv)
{
	int option;

	*options = (struct devdb_options){
	    .listen = DEFAULT_LISTEN,
	    .emulation = devdb_emulation_default,
	    .max_memory_bytes = 1024 * MIB,
	};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (option == OPT_HELP) {
			fputs(help, stdout);
			return DEVDB_OPTIONS_DONE;
		}
		if (option == OPT_VERSION) {
			puts("kurrentgate-devdb " PACKAGE_VERSION);
			return DEVDB_OPTIONS_DONE;
		}
		if (!take(options, option))
			return DEVDB_OPTIONS_BAD;
	}
	set_limits(options);
	if (optind == argc)
		return check_tls(options) ? DEVDB_OPTIONS_RUN : DEVDB_OPTIONS_BAD;
	fprintf(stderr,
	    "kurrentgate-devdb: unexpected argument '%s'\nTry 'kurrentgate-devdb "
	    "--help'.\n",
	    argv[optind]);
	return DEVDB_OPTIONS_BAD;
}
