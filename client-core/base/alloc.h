/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_ALLOC_H
#define KDB_BASE_ALLOC_H

#include <stddef.h>

/*
 * Memory of a size that we chose: running out of it stops the process, so no caller
 * checks for NULL. Sizes that a peer chose must be bounded before they come here.
 * Any thread. The caller owns the result and frees it with free().
 */

/* size bytes, not cleared. */
void *kdb_alloc(size_t size);

/* count elements of size bytes, all zero. Stops the process when the product overflows. */
void *kdb_alloc_zero(size_t count, size_t size);

/* Like realloc(); the old pointer is invalid afterwards. */
void *kdb_realloc(void *memory, size_t size);

/* A copy of len bytes with a NUL behind them. */
char *kdb_alloc_text(const void *bytes, size_t len);

/* A NUL-terminated text made as by printf(). */
char *kdb_alloc_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
