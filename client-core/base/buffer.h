/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_BUFFER_H
#define KDB_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A growing byte buffer that is born with a maximum. Writing beyond the maximum keeps
 * what is there, sets is_overflowed and makes every later write a no-op, so a writer
 * appends freely and looks once at the end. One thread at a time.
 */
struct kdb_buffer {
	char *data; /* NULL while nothing was written */
	size_t len;
	size_t capacity;
	size_t max_len;
	bool is_overflowed;
};

/* An empty buffer that will hold at most max_len bytes. Allocates nothing. */
void kdb_buffer_init(struct kdb_buffer *buffer, size_t max_len);

/* Frees the content; the buffer is then as after init. */
void kdb_buffer_dispose(struct kdb_buffer *buffer);

/* Empties the buffer and keeps its memory. */
void kdb_buffer_clear(struct kdb_buffer *buffer);

/* Appends bytes, a NUL-terminated text, one character, or text made as by printf(). */
void kdb_buffer_put(struct kdb_buffer *buffer, const void *bytes, size_t len);
void kdb_buffer_put_text(struct kdb_buffer *buffer, const char *text);
void kdb_buffer_put_char(struct kdb_buffer *buffer, char c);
void kdb_buffer_put_printf(struct kdb_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Hands the content to the caller, who frees it with free(); the buffer is empty then.
 * The content is not NUL-terminated. NULL when nothing was written. */
char *kdb_buffer_take(struct kdb_buffer *buffer, size_t *len);

#endif
