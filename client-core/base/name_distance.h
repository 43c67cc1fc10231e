/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_NAME_DISTANCE_H
#define KDB_BASE_NAME_DISTANCE_H

#include <stddef.h>

/* Words longer than this are no misspelling of any name. */
enum { KDB_NAME_DISTANCE_MAX_LEN = 64 };

/*
 * How many letters must be inserted, left out or replaced to make the known name out of
 * a word that somebody typed, without letter case (Levenshtein). The word need not end
 * in NUL. SIZE_MAX when so much differs that it is another word: more than a third of
 * the longer one. Pure; any thread.
 */
size_t kdb_name_distance(const char *word, size_t len, const char *name);

#endif
