/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail: a daemon that has no memory for small things stops, and
 * its supervisor starts it again. */
#include "client-core/base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_BYTES = 1024 };

static void *
check(void *memory)
{
	if (!memory) {
		fputs("kurrentgate: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *
kdb_alloc(size_t size)
{
	return check(malloc(size ? size : 1));
}

/* glibc's calloc() passes its thread cache by, malloc() does not: small things, of which every
 * request makes several, take the faster way. */
void *
kdb_alloc_zero(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SMALL_BYTES)
		return check(calloc(count, size));
	return memset(kdb_alloc(bytes), 0, bytes);
}

void *
kdb_realloc(void *memory, size_t size)
{
	return check(realloc(memory, size ? size : 1));
}

char *
kdb_alloc_text(const void *bytes, size_t len)
{
	char *text = kdb_alloc(len + 1);

	if (len)
		memcpy(text, bytes, len);
	text[len] = 0;
	return text;
}

char *
kdb_alloc_printf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return check(text);
}
