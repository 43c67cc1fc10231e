/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files. The input is the file. What --print-config shows of a file that is
 * taken is itself a file that is taken, and shows the same; the password does not come
 * back. What is refused is refused in words.
 */
#include "client-core/base/buffer.h"
#include "daemon/config.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PRINTED_MAX_BYTES = 1 << 20 };

/* A configuration file that lives in memory. */
static int
make_file(const void *bytes, size_t len, char *flag, size_t flag_size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	require(fd >= 0);
	require(write(fd, bytes, len) == (ssize_t)len);
	snprintf(flag, flag_size, "--config=/proc/self/fd/%d", fd);
	return fd;
}

/* Reads a file; prints it, without the comments, when it is taken. */
static bool
read_and_print(const void *bytes, size_t len, struct kdb_buffer *printed)
{
	char program[] = "kurrentgate";
	char flag[64];
	int fd = make_file(bytes, len, flag, sizeof flag);
	char *arguments[] = {program, flag, NULL};
	char *no_environment[] = {NULL};
	enum kg_config_command command;
	struct kg_config_sources *sources = NULL;
	char *error_text = NULL;
	struct kg_config *config =
	    kg_config_read(2, arguments, no_environment, &command, &sources, &error_text);

	close(fd);
	if (config == NULL) {
		require(error_text != NULL && error_text[0] != '\0');
		free(error_text);
		return false;
	}
	require(command == KG_CONFIG_RUN && config->connection.seed_count > 0);
	kdb_buffer_init(printed, PRINTED_MAX_BYTES);
	kg_config_print(config, sources, printed);
	require(
	    !printed->is_overflowed && memchr(printed->data, '\0', printed->len) == NULL);
	kg_config_free(config);
	kg_config_sources_free(sources);
	return true;
}

/* Lines that are no comment, since those tell where a value came from. */
static void
drop_comments(struct kdb_buffer *text)
{
	size_t kept = 0;
	size_t at = 0;

	while (at < text->len) {
		char *newline = memchr(text->data + at, '\n', text->len - at);
		size_t line_len = newline == NULL
				      ? text->len - at
				      : (size_t)(newline + 1 - text->data) - at;

		if (text->data[at] != '#') {
			memmove(text->data + kept, text->data + at, line_len);
			kept += line_len;
		}
		at += line_len;
	}
	text->len = kept;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_buffer first;
	struct kdb_buffer second;

	if (!read_and_print(bytes, len, &first))
		return 0;
	require(read_and_print(first.data, first.len, &second));
	drop_comments(&first);
	drop_comments(&second);
	require(
	    first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	kdb_buffer_dispose(&second);
	kdb_buffer_dispose(&first);
	return 0;
}
