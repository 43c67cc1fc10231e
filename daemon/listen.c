/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the listening sockets and guards against a bind that is wider than the machine.
 * Owns the sockets and the files of unix sockets until they are disposed of.
 */
#include "daemon/listen.h"

#include "client-core/base/alloc.h"
#include "daemon/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char unix_prefix[] = "unix:";

enum { BACKLOG = 4096 };

/* The text in front of the last colon, without brackets; NULL: there is none. */
static char *
split_address(const char *text, const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);

	if (len == 0)
		return NULL;
	*port = colon + 1;
	if (text[0] == '[')
		return len > 2 && text[len - 1] == ']' ? kdb_alloc_text(text + 1, len - 2)
						       : NULL;
	return memchr(text, ':', len) == NULL ? kdb_alloc_text(text, len) : NULL;
}

static struct addrinfo *
read_address(const char *text, char **error_text)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	    .ai_socktype = SOCK_STREAM};
	struct addrinfo *result = NULL;
	const char *port = "";
	char *address = split_address(text, &port);
	char *end;
	unsigned long number = strtoul(port, &end, 10);
	bool is_good = address != NULL && port[0] >= '0' && port[0] <= '9' &&
		       *end == '\0' && number <= UINT16_MAX &&
		       getaddrinfo(address, port, &hints, &result) == 0;

	free(address);
	if (is_good)
		return result;
	*error_text =
	    kdb_alloc_printf("listen: \"%s\" is neither ADDRESS:PORT with a numeric "
			     "address, nor [ADDRESS]:PORT, nor unix:PATH",
		text);
	return NULL;
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 =
		    (const struct sockaddr_in *)(const void *)address;

		return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	}
	return IN6_IS_ADDR_LOOPBACK(
	    &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* The name with the port that the system chose. */
static char *
describe(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "";
	char port[8] = "";

	getsockname(fd, (struct sockaddr *)&address, &len);
	getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	return kdb_alloc_printf(
	    address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int
bind_tcp(const struct addrinfo *address)
{
	int fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	const int on = 1;
	int error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The address, when its form is right and it may be used. */
static struct addrinfo *
read_allowed(const char *text, bool allow_unprotected, char **error_text)
{
	struct addrinfo *address = read_address(text, error_text);

	if (address == NULL || allow_unprotected || is_loopback(address->ai_addr))
		return address;
	freeaddrinfo(address);
	*error_text = kdb_alloc_printf(
	    "listen: %s can be reached from other machines, and nothing protects it: "
	    "listen on a "
	    "loopback address or a unix socket, or set allow-unprotected-listen = true",
	    text);
	return NULL;
}

static bool
open_tcp(const char *text, bool allow_unprotected, struct kg_listen_socket *opened,
    char **error_text)
{
	struct addrinfo *address = read_allowed(text, allow_unprotected, error_text);
	bool is_local;
	int error = 0;
	int fd;

	if (address == NULL)
		return false;
	is_local = is_loopback(address->ai_addr);
	fd = bind_tcp(address);
	freeaddrinfo(address);
	if (fd < 0) {
		error = errno;
		*error_text = kdb_alloc_printf("listen: %s: %s", text, strerror(error));
		errno = error;
		return false;
	}
	if (!is_local)
		kg_log(KG_LOG_WARNING,
		    "%s can be reached from other machines, and nothing protects it "
		    "(allow-unprotected-listen)",
		    text);
	*opened = (struct kg_listen_socket){
	    .fd = fd, .name = describe(fd), .is_loopback = is_local};
	return true;
}

/* A socket that nobody listens on is left over from a process that is gone. */
static bool
remove_stale(const struct sockaddr_un *address, char **error_text)
{
	struct stat status;
	int fd;
	int error;

	if (lstat(address->sun_path, &status) != 0)
		return true;
	if (!S_ISSOCK(status.st_mode)) {
		*error_text = kdb_alloc_printf(
		    "listen: unix:%s exists and is not a socket", address->sun_path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0
		    ? 0
		    : errno;
	close(fd);
	if (error == ECONNREFUSED)
		return unlink(address->sun_path) == 0 || errno == ENOENT;
	*error_text = kdb_alloc_printf(
	    "listen: unix:%s is in use by another process", address->sun_path);
	return false;
}

static bool
set_owner(const char *path, const struct kg_config *config, char **error_text)
{
	const struct group *group;

	if (chmod(path, config->unix_socket_mode) != 0) {
		*error_text =
		    kdb_alloc_printf("listen: unix:%s: %s", path, strerror(errno));
		return false;
	}
	if (config->unix_socket_group == NULL)
		return true;
	group = getgrnam(config->unix_socket_group);
	if (group != NULL && chown(path, (uid_t)-1, group->gr_gid) == 0)
		return true;
	*error_text = kdb_alloc_printf("unix-socket-group: %s: %s",
	    config->unix_socket_group, group == NULL ? "no such group" : strerror(errno));
	return false;
}

static bool
read_path(const char *path, struct sockaddr_un *address, char **error_text)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] == '\0' || strlen(path) >= sizeof(address->sun_path)) {
		*error_text =
		    kdb_alloc_printf("listen: unix:%s: the path must have 1 to %zu bytes",
			path, sizeof(address->sun_path) - 1);
		return false;
	}
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

static bool
open_unix(const char *path, const struct kg_config *config,
    struct kg_listen_socket *opened, char **error_text)
{
	struct sockaddr_un address;
	mode_t umask_before;
	bool is_bound;
	int fd;

	if (!read_path(path, &address, error_text) || !remove_stale(&address, error_text))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Nobody may connect before mode and group are set. */
	umask_before = umask(0777);
	is_bound = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	umask(umask_before);
	if (!is_bound) {
		*error_text =
		    kdb_alloc_printf("listen: unix:%s: %s", path, strerror(errno));
		close(fd);
		return false;
	}
	*opened = (struct kg_listen_socket){.fd = fd,
	    .name = kdb_alloc_printf("unix:%s", path),
	    .unix_path = kdb_alloc_text(path, strlen(path))};
	if (!set_owner(path, config, error_text))
		return false;
	if (listen(fd, BACKLOG) == 0)
		return true;
	*error_text = kdb_alloc_printf("listen: unix:%s: %s", path, strerror(errno));
	return false;
}

/* The path behind "unix:"; NULL: a TCP address. */
static const char *
unix_path(const char *text)
{
	size_t prefix_len = strlen(unix_prefix);

	return strncmp(text, unix_prefix, prefix_len) == 0 ? text + prefix_len : NULL;
}

char *
kg_listen_check(const struct kg_config *config)
{
	char *error_text = NULL;

	for (size_t i = 0; i < config->listen.count && error_text == NULL; i++) {
		const char *path = unix_path(config->listen.items[i]);
		struct sockaddr_un unix_address;
		struct addrinfo *address = NULL;

		if (path != NULL)
			read_path(path, &unix_address, &error_text);
		else
			address = read_allowed(config->listen.items[i],
			    config->allow_unprotected_listen, &error_text);
		if (address != NULL)
			freeaddrinfo(address);
	}
	return error_text;
}

/* The default pair may lose its second half on a machine without IPv6. */
static bool
is_default_pair(const struct kg_text_list *list)
{
	return list->count == 2 && strcmp(list->items[0], "127.0.0.1:2114") == 0 &&
	       strcmp(list->items[1], "[::1]:2114") == 0;
}

static bool
is_without_ipv6(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

static bool
open_one(const char *text, const struct kg_config *config,
    struct kg_listen_socket *opened, char **error_text)
{
	const char *path = unix_path(text);

	*opened = (struct kg_listen_socket){.fd = -1};
	errno = 0;
	if (path != NULL)
		return open_unix(path, config, opened, error_text);
	return open_tcp(text, config->allow_unprotected_listen, opened, error_text);
}

bool
kg_listen_open(
    const struct kg_config *config, struct kg_listen_sockets *sockets, char **error_text)
{
	const struct kg_text_list *list = &config->listen;

	sockets->items = kdb_alloc_zero(list->count, sizeof(*sockets->items));
	sockets->count = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct kg_listen_socket *opened = &sockets->items[sockets->count];

		if (open_one(list->items[i], config, opened, error_text)) {
			sockets->count++;
			kg_log(KG_LOG_INFO, "listening on %s", opened->name);
			continue;
		}
		if (i == 1 && is_default_pair(list) && is_without_ipv6(errno)) {
			kg_log(
			    KG_LOG_WARNING, "%s (this machine has no IPv6)", *error_text);
			free(*error_text);
			continue;
		}
		sockets->count += opened->name != NULL;
		kg_listen_dispose(sockets);
		return false;
	}
	return true;
}

void
kg_listen_stop_new(struct kg_listen_socket *socket)
{
	/* Drops every packet that comes for the listening socket: a handshake that has
	 * not begun is tried again by its client, and refused once the socket is
	 * closed. */
	static struct sock_filter drop_all[] = {{BPF_RET | BPF_K, 0, 0, 0}};
	static const struct sock_fprog program = {.len = 1, .filter = drop_all};

	if (socket->unix_path == NULL) {
		setsockopt(
		    socket->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
		return;
	}
	unlink(socket->unix_path);
	socket->is_unlinked = true;
}

void
kg_listen_close(struct kg_listen_socket *socket)
{
	if (socket->fd < 0)
		return;
	/* Another process may have made the file anew after kg_listen_stop_new(). */
	if (socket->unix_path != NULL && !socket->is_unlinked)
		unlink(socket->unix_path);
	close(socket->fd);
	socket->fd = -1;
}

void
kg_listen_dispose(struct kg_listen_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		kg_listen_close(&sockets->items[i]);
		free(sockets->items[i].name);
		free(sockets->items[i].unix_path);
	}
	free(sockets->items);
	*sockets = (struct kg_listen_sockets){0};
}
