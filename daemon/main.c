/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: reads the configuration, starts everything in order, and stops it in the
 * opposite order. Exit status: 0 after a stop or a command, 1 when it cannot start, 2 for
 * a wrong configuration.
 */
#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "client-core/client.h"
#include "daemon/config.h"
#include "daemon/http.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/request.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_NO_START = 1, EXIT_WRONG_CONFIG = 2, TEXT_MAX = 1 << 20 };

/* Descriptors beside those of connections: listeners, the database, gRPC's own. */
enum { OTHER_DESCRIPTORS = 64 };

static void
log_from_client(enum kdb_log_level level, const char *text, void *context)
{
	static const enum kg_log_level levels[] = {[KDB_LOG_ERROR] = KG_LOG_ERROR,
	    [KDB_LOG_WARNING] = KG_LOG_WARNING,
	    [KDB_LOG_INFO] = KG_LOG_INFO,
	    [KDB_LOG_DEBUG] = KG_LOG_DEBUG};

	/* The loop writes the line; it may be asleep, and for long. */
	kg_log(levels[level], "%s", text);
	if (kg_log_is_on(levels[level]))
		kg_request_wake(context);
}

/* Files that we make are private, a core would hold payloads and passwords, and a peer
 * that goes away is an error of a write. */
static void
protect_process(void)
{
	const struct rlimit no_core = {0, 0};

	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &no_core);
}

/* Raises the limit on open files as far as it goes, and returns how many connections fit
 * into it; 0: none. Running out of files would also cut the way to the database. */
static size_t
limit_connections(const struct kg_config *config)
{
	const rlim_t others = OTHER_DESCRIPTORS + KG_HTTP_EXCESS_CONNECTIONS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return config->max_connections;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max >= others + config->max_connections)
		return config->max_connections;
	return limit.rlim_max > others ? (size_t)(limit.rlim_max - others) : 0;
}

static struct kg_http *
start_http(const struct kg_config *config, char **error_text)
{
	size_t max_connections = limit_connections(config);

	if (max_connections == 0) {
		*error_text = kdb_alloc_printf("the limit on open files must be above %d",
		    OTHER_DESCRIPTORS + KG_HTTP_EXCESS_CONNECTIONS);
		return NULL;
	}
	if (max_connections < config->max_connections)
		kg_log(KG_LOG_WARNING,
		    "max-connections is %zu, and not %u, because of the limit on open "
		    "files",
		    max_connections, config->max_connections);
	return kg_http_new(config, max_connections, error_text);
}

/* Keeps the memory of large bodies: getting it from the system anew for each of them
 * costs a page fault for every 4 KiB. */
static void
keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
}

static struct kdb_trust *
read_trust(const struct kg_config *config, char **error_text)
{
	return kdb_trust_new(
	    &config->connection, config->allow_cleartext_credentials, error_text);
}

static void
log_warning(void *context, const char *text)
{
	(void)context;
	kg_log(KG_LOG_WARNING, "%s", text);
}

static struct kdb_client *
start_client(struct kdb_trust *trust, struct kg_gateway *gateway)
{
	const struct kdb_client_config client_config = {.trust = trust,
	    .user_agent = "kurrentgate/" PACKAGE_VERSION,
	    .completion = kg_request_completed,
	    .log = log_from_client,
	    .log_context = gateway,
	    .wake = kg_request_wake,
	    .wake_context = gateway};

	return kdb_client_new(&client_config);
}

static void
serve(struct kg_gateway *gateway, struct kdb_trust *trust)
{
	struct kg_http_handler handler;

	kdb_trust_warn(trust, log_warning, NULL);
	gateway->client = start_client(trust, gateway);
	kg_request_handler(gateway, &handler);
	kg_log(KG_LOG_INFO, "kurrentgate %s is ready for requests", PACKAGE_VERSION);
	kg_log_flush();
	kg_http_run(gateway->http, &handler);
	/* Every operation is finished before the connections that wait for them are
	 * closed. */
	kdb_client_stop(gateway->client);
	kg_http_stop(gateway->http);
	kg_request_stop(gateway);
}

static int
run(const struct kg_config *config)
{
	struct kg_gateway gateway = {
	    .config = config, .started_wall_ns = kdb_clock_wall_ns()};
	char *error_text = kg_listen_check(config);
	struct kdb_trust *trust = NULL;
	int status = EXIT_WRONG_CONFIG;

	if (error_text == NULL)
		trust = read_trust(config, &error_text);
	kg_log_start(
	    (enum kg_log_level)config->log_level, (enum kg_log_format)config->log_format);
	if (trust != NULL) {
		status = EXIT_NO_START;
		gateway.http = start_http(config, &error_text);
	}
	if (gateway.http != NULL) {
		serve(&gateway, trust);
		kdb_client_free(gateway.client);
		kg_http_free(gateway.http);
		kg_log(KG_LOG_INFO, "stopped");
		status = EXIT_SUCCESS;
	} else {
		kg_log(KG_LOG_ERROR, "%s", error_text);
		free(error_text);
	}
	kdb_trust_free(trust);
	kg_log_stop();
	return status;
}

static int
print(struct kdb_buffer *text)
{
	size_t written = fwrite(text->data, 1, text->len, stdout);
	bool is_good = written == text->len && fflush(stdout) == 0;

	kdb_buffer_dispose(text);
	return is_good ? EXIT_SUCCESS : EXIT_NO_START;
}

static void
print_warning(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "kurrentgate: warning: %s\n", text);
}

static int
check(const struct kg_config *config)
{
	char *error_text = kg_listen_check(config);
	struct kdb_trust *trust = NULL;

	if (error_text == NULL)
		trust = read_trust(config, &error_text);
	if (trust != NULL) {
		kdb_trust_warn(trust, print_warning, NULL);
		kdb_trust_free(trust);
		puts("The configuration is good.");
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "kurrentgate: %s\n", error_text);
	free(error_text);
	return EXIT_WRONG_CONFIG;
}

static int
execute(enum kg_config_command command, const struct kg_config *config,
    const struct kg_config_sources *sources)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, TEXT_MAX);
	switch (command) {
	case KG_CONFIG_RUN:
		return run(config);
	case KG_CONFIG_CHECK:
		return check(config);
	case KG_CONFIG_PRINT:
		kg_config_print(config, sources, &text);
		break;
	case KG_CONFIG_HELP:
		kg_config_print_help(&text);
		break;
	case KG_CONFIG_VERSION:
		kdb_buffer_put_text(&text, "kurrentgate " PACKAGE_VERSION "\n");
		break;
	}
	return print(&text);
}

int
main(int argc, char **argv)
{
	enum kg_config_command command;
	struct kg_config_sources *sources;
	struct kg_config *config;
	char *error_text;
	int status;

	protect_process();
	keep_memory();
	config = kg_config_read(argc, argv, environ, &command, &sources, &error_text);
	if (config == NULL) {
		fprintf(stderr, "kurrentgate: %s\n", error_text);
		free(error_text);
		return EXIT_WRONG_CONFIG;
	}
	status = execute(command, config, sources);
	kg_config_sources_free(sources);
	kg_config_free(config);
	return status;
}
