/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place of libFuzzer where there is none: runs a target on every file of a corpus, in
 * the order of their names, so that any compiler replays what was once found. Owns the
 * input under test. Each name is printed before its input runs; the last one printed is
 * the one that a crash is about.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX_BYTES = 1 << 20 };

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool
run_file(const char *folder, const char *name)
{
	static char bytes[INPUT_MAX_BYTES];
	char path[PATH_MAX];
	size_t len;
	char *input;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return false;
	}
	len = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	if (len == sizeof bytes) {
		fprintf(stderr, "%s: larger than any input should be\n", path);
		return false;
	}
	puts(name);
	fflush(stdout);
	input = fuzz_copy(bytes, len);
	LLVMFuzzerTestOneInput((uint8_t *)input, len);
	free(input);
	return true;
}

int
main(int argc, char **argv)
{
	struct dirent **entries;
	bool is_good = true;
	int count = argc == 2 ? scandir(argv[1], &entries, is_input, alphasort) : -1;

	if (count <= 0) {
		fprintf(stderr, "usage: %s FOLDER-WITH-INPUTS\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < count; i++) {
		is_good = run_file(argv[1], entries[i]->d_name) && is_good;
		free(entries[i]);
	}
	free(entries);
	return is_good ? 0 : 1;
}
