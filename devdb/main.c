/* SPDX-License-Identifier: Apache-2.0 */
/* kurrentgate-devdb: start order, stop order, signals. Owns the node. */
#include "client-core/base/alloc.h"
#include "devdb/admin.h"
#include "devdb/emulation.h"
#include "devdb/faults.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/server.h"
#include "devdb/store.h"

#include <grpc/grpc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Written as on the command line; the text itself holds a password and is not shown. */
static bool
add_users(struct devdb_users *users, const struct devdb_options *options)
{
	for (size_t i = 0; i < options->user_count; i++) {
		if (devdb_users_add_written(users, options->users[i]))
			continue;
		fprintf(stderr,
		    "kurrentgate-devdb: --user, number %zu: not "
		    "NAME:PASSWORD[:GROUP[,GROUP]...], or a name that is taken\n",
		    i + 1);
		return false;
	}
	return true;
}

static void
init_node(struct devdb_node *node, const struct devdb_options *options)
{
	*node = (struct devdb_node){.options = options};
	node->store = devdb_store_new(options->max_memory_bytes);
	if (options->emulation->checks_empty_writes)
		devdb_store_check_empty_writes(node->store);
	node->faults = devdb_faults_new();
	node->instance_id = devdb_guid_new();
	devdb_timers_init(&node->timers);
	devdb_wire_arena_init(&node->arena);
	devdb_role_init(&node->role);
	devdb_traces_init(&node->traces);
}

static void
dispose_node(struct devdb_node *node)
{
	devdb_traces_dispose(&node->traces);
	devdb_role_dispose(&node->role);
	devdb_wire_arena_dispose(&node->arena);
	devdb_faults_free(node->faults);
	devdb_store_free(node->store);
	free(node->host);
}

/* An address to bind to is no address to connect to where it means "any". */
static const char *
reachable(const char *host)
{
	if (strcmp(host, "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(host, "::") == 0 ? "::1" : host;
}

/* What gossip says: --advertise, or the address itself. */
static void
set_end_point(struct devdb_node *node, int bound_port)
{
	const struct devdb_options *options = node->options;
	char host[DEVDB_MAX_HOST];
	const char *shown = host;

	devdb_options_split_address(
	    options->advertise ? options->advertise : options->listen, host, sizeof host,
	    &node->port);
	if (!options->advertise) {
		node->port = bound_port;
		shown = reachable(host);
	}
	node->host = kdb_alloc_text(shown, strlen(shown));
}

static void
print_address(const char *what, const char *address, int port)
{
	int host_len = (int)(strrchr(address, ':') - address);

	fprintf(
	    stderr, "kurrentgate-devdb %s on %.*s:%d\n", what, host_len, address, port);
}

static int
serve(struct devdb_node *node, const sigset_t *signals)
{
	const struct devdb_options *options = node->options;
	struct devdb_server *server;
	struct devdb_admin *admin = NULL;
	int port;
	int signal;

	server = devdb_server_new(node, options->listen, &port);
	if (!server) {
		fprintf(
		    stderr, "kurrentgate-devdb: cannot listen on %s\n", options->listen);
		return 1;
	}
	set_end_point(node, port);
	devdb_server_start(server);
	fputs("kurrentgate-devdb keeps nothing on disk and is no production database\n",
	    stderr);
	print_address("listening", options->listen, port);
	if (options->admin) {
		admin = devdb_admin_start(node, server, options->admin, &port);
		if (!admin) {
			fprintf(stderr, "kurrentgate-devdb: cannot listen on %s\n",
			    options->admin);
			devdb_server_stop(server);
			return 1;
		}
		print_address("admin", options->admin, port);
	}
	sigwait(signals, &signal);
	devdb_admin_stop(admin);
	devdb_server_stop(server);
	return 0;
}

/* From users and certificate to the end. */
static int
run(const struct devdb_options *options, const sigset_t *signals)
{
	struct devdb_users users;
	struct devdb_node node;
	int status = 2;

	init_node(&node, options);
	devdb_users_init(&users);
	if (options->user_count)
		node.users = &users;
	if (add_users(&users, options) &&
	    devdb_tls_read(&node.tls, options->tls_cert, options->tls_key))
		status = serve(&node, signals);
	devdb_tls_dispose(&node.tls);
	dispose_node(&node);
	devdb_users_dispose(&users);
	return status;
}

int
main(int argc, char **argv)
{
	struct devdb_options options;
	sigset_t signals;
	int status;

	switch (devdb_options_read(&options, argc, argv)) {
	case DEVDB_OPTIONS_DONE:
		devdb_options_dispose(&options);
		return 0;
	case DEVDB_OPTIONS_BAD:
		devdb_options_dispose(&options);
		return 2;
	default:
		break;
	}
	/* Before any thread exists, so that all of them leave these signals to us. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	grpc_init();
	status = run(&options, &signals);
	grpc_shutdown();
	devdb_options_dispose(&options);
	return status;
}
