/* SPDX-License-Identifier: Apache-2.0 */
/* The one growing buffer; see buffer.h. */
#include "client-core/base/buffer.h"

#include "client-core/base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

void
kdb_buffer_init(struct kdb_buffer *buffer, size_t max_len)
{
	*buffer = (struct kdb_buffer){ .max_len = max_len };
}

void
kdb_buffer_dispose(struct kdb_buffer *buffer)
{
	free(buffer->data);
	kdb_buffer_init(buffer, buffer->max_len);
}

void
kdb_buffer_clear(struct kdb_buffer *buffer)
{
	buffer->len = 0;
	buffer->is_overflowed = false;
}

/* Room for `more` bytes behind the content, or false when that passes the maximum. */
static bool
reserve(struct kdb_buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;

	if (buffer->is_overflowed || more > buffer->max_len - buffer->len) {
		buffer->is_overflowed = true;
		return false;
	}
	while (capacity < buffer->len + more)
		capacity *= 2;
	if (capacity > buffer->max_len)
		capacity = buffer->max_len;
	if (capacity != buffer->capacity) {
		buffer->data = kdb_realloc(buffer->data, capacity);
		buffer->capacity = capacity;
	}
	return true;
}

void
kdb_buffer_put(struct kdb_buffer *buffer, const void *bytes, size_t len)
{
	if (len == 0 || !reserve(buffer, len))
		return;
	memcpy(buffer->data + buffer->len, bytes, len);
	buffer->len += len;
}

void
kdb_buffer_put_text(struct kdb_buffer *buffer, const char *text)
{
	kdb_buffer_put(buffer, text, strlen(text));
}

void
kdb_buffer_put_char(struct kdb_buffer *buffer, char c)
{
	kdb_buffer_put(buffer, &c, 1);
}

void
kdb_buffer_put_printf(struct kdb_buffer *buffer, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len >= 0)
		kdb_buffer_put(buffer, text, (size_t)len);
	free(text);
}

char *
kdb_buffer_take(struct kdb_buffer *buffer, size_t *len)
{
	char *data = buffer->data;

	*len = buffer->len;
	buffer->data = NULL;
	kdb_buffer_init(buffer, buffer->max_len);
	return data;
}
