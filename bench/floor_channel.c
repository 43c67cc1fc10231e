/* SPDX-License-Identifier: Apache-2.0 */
/* The floor's way to the database, for all of its halves. Owns nothing. */
#include "bench/floor_channel.h"

#include "client-core/base/alloc.h"

#include <dirent.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_MAX_BYTES = 64 * 1024 };

void
floor_channel_die(const char *what)
{
	fprintf(stderr, "floor: %s\n", what);
	exit(1);
}

int
floor_channel_find_epoll_fd(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[64];
	int fd, found = -1;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		ssize_t len = readlinkat(
		    dirfd(folder), entry->d_name, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = '\0';
		fd = (int)strtol(entry->d_name, NULL, 10);
		if (strcmp(target, "anon_inode:[eventpoll]") == 0 && (found < 0 || fd < found))
			found = fd;
	}
	if (folder != NULL)
		closedir(folder);
	return found;
}

static grpc_channel_credentials *
make_credentials(const char *ca_file)
{
	char *roots;
	FILE *file;
	grpc_channel_credentials *credentials;

	if (ca_file == NULL)
		return grpc_insecure_credentials_create();
	file = fopen(ca_file, "rb");
	roots = kdb_alloc_zero(1, PEM_MAX_BYTES + 1);
	if (file == NULL || fread(roots, 1, PEM_MAX_BYTES, file) == 0)
		floor_channel_die("cannot read the CA file");
	fclose(file);
	credentials = grpc_ssl_credentials_create_ex(roots, NULL, NULL, NULL);
	free(roots);
	return credentials;
}

grpc_channel *
floor_channel_open(const char *target, const char *ca_file)
{
	char keys[][64] = { GRPC_ARG_HTTP2_BDP_PROBE, GRPC_ARG_ENABLE_RETRIES,
		GRPC_ARG_ENABLE_HTTP_PROXY, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL };
	const int values[] = { 0, 0, 0, 1 };
	grpc_arg args[4];
	grpc_channel_args channel_args = { 4, args };
	grpc_channel_credentials *credentials = make_credentials(ca_file);
	grpc_channel *channel;

	for (size_t i = 0; i < 4; i++)
		args[i] = (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = keys[i],
			.value.integer = values[i] };
	channel = grpc_channel_create(target, credentials, &channel_args);
	grpc_channel_credentials_release(credentials);
	return channel;
}
