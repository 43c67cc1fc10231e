/* SPDX-License-Identifier: Apache-2.0 */
/* The list of open connections. Owns them and the descriptor that tells of resets; the
 * sockets belong to the HTTP library. */
#include "daemon/connection.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESETS_PER_WAIT = 64 };

bool
kg_connections_init(
    struct kg_connections *all, const struct kg_config *config, size_t max_count)
{
	*all = (struct kg_connections){.config = config,
	    .max_count = max_count,
	    .reset_fd = epoll_create1(EPOLL_CLOEXEC),
	    .now_mono_ns = kdb_clock_mono_ns()};
	kg_phases_init(&all->phases, config);
	return all->reset_fd >= 0;
}

void
kg_connections_dispose(struct kg_connections *all)
{
	close(all->reset_fd);
}

void
kg_connection_set_phase(struct kg_connection *connection, enum kg_phase phase)
{
	struct kg_connections *all = connection->all;

	kg_phase_set(&all->phases, &connection->waiting, phase, all->now_mono_ns);
}

static struct kg_connection *
to_connection(struct kg_phase_entry *entry)
{
	return entry == NULL ? NULL : KDB_LIST_ITEM(entry, struct kg_connection, waiting);
}

/* Closes without an answer: the library finds the end of the stream and cleans up. */
static void
cut(struct kg_connection *connection)
{
	kg_connection_set_phase(connection, KG_PHASE_CLOSING);
	shutdown(connection->fd, SHUT_RDWR);
	connection->all->was_cut = true;
}

/* Judges what has come since the last time, so that nobody can be fast first and then
 * hold the memory. Clients that left in the middle of a body end here, too. */
static bool
is_too_slow(struct kg_connection *connection)
{
	const struct kg_connections *all = connection->all;
	double elapsed_s = (double)(all->now_mono_ns - connection->judged_mono_ns) /
			   (double)KDB_NS_PER_SECOND;
	size_t come_len = connection->come_len;

	connection->judged_mono_ns = all->now_mono_ns;
	connection->come_len = 0;
	return (double)come_len < (double)all->config->min_body_rate * elapsed_s;
}

void
kg_connections_expire(struct kg_connections *all)
{
	struct kg_connection *connection;

	while ((connection = to_connection(
		    kg_phases_expired(&all->phases, all->now_mono_ns))) != NULL) {
		enum kg_phase phase = connection->waiting.phase;
		bool is_body =
		    phase == KG_PHASE_BODY_GRACE || phase == KG_PHASE_BODY_PACE;

		if (is_body && !is_too_slow(connection))
			kg_connection_set_phase(connection, KG_PHASE_BODY_PACE);
		else
			cut(connection);
	}
}

void
kg_connections_take_resets(
    struct kg_connections *all, void (*reset)(struct kg_http_exchange *exchange))
{
	struct epoll_event events[RESETS_PER_WAIT];
	int count = epoll_wait(all->reset_fd, events, RESETS_PER_WAIT, 0);

	for (int i = 0; i < count; i++) {
		struct kg_connection *connection = events[i].data.ptr;

		connection->is_reset = true;
		if (connection->exchange != NULL)
			reset(connection->exchange);
	}
}

bool
kg_connections_are_sending(const struct kg_connections *all)
{
	return kg_phase_first(&all->phases, KG_PHASE_SENDING) != NULL;
}

static void
make_room(struct kg_connection *connection)
{
	const struct kg_connections *all = connection->all;
	struct kg_connection *idle =
	    to_connection(kg_phase_first(&all->phases, KG_PHASE_IDLE));

	if (all->count <= all->max_count)
		return;
	if (idle != NULL)
		cut(idle);
	else
		connection->is_excess = true;
}

struct kg_connection *
kg_connection_open(
    struct kg_connections *all, const struct kg_listen_socket *socket, int fd)
{
	struct kg_connection *connection = kdb_alloc_zero(1, sizeof(*connection));
	struct epoll_event event = {.events = EPOLLET, .data.ptr = connection};

	connection->all = all;
	connection->socket = socket;
	connection->fd = fd;
	kg_phase_enter(
	    &all->phases, &connection->waiting, KG_PHASE_HEAD, all->now_mono_ns);
	/* Asks for nothing, so only errors and the end of both directions are told: a
	 * reset. */
	epoll_ctl(all->reset_fd, EPOLL_CTL_ADD, fd, &event);
	all->count++;
	make_room(connection);
	return connection;
}

void
kg_connection_close(struct kg_connection *connection)
{
	connection->all->count--;
	kg_phase_leave(&connection->waiting);
	free(connection);
}

void
kg_connection_begin_body(struct kg_connection *connection)
{
	connection->judged_mono_ns = connection->all->now_mono_ns;
	connection->come_len = 0;
	kg_connection_set_phase(connection, KG_PHASE_BODY_GRACE);
}

void
kg_connection_add_body(struct kg_connection *connection, size_t len)
{
	connection->come_len += len;
}
