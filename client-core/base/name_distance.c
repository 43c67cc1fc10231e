/* SPDX-License-Identifier: Apache-2.0 */
/* Edit distance with one row, for "did you mean". Owns nothing. */
#include "client-core/base/name_distance.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Turns the row for a prefix of the word into the row for that prefix and one letter
 * more. */
static void
extend(size_t *row, char letter, const char *name, size_t name_len)
{
	size_t diagonal = row[0];

	row[0]++;
	for (size_t i = 1; i <= name_len; i++) {
		size_t replaced = diagonal +
		    (tolower((unsigned char)letter) !=
			tolower((unsigned char)name[i - 1]));

		diagonal = row[i];
		row[i] = smallest(row[i] + 1, row[i - 1] + 1, replaced);
	}
}

size_t
kdb_name_distance(const char *word, size_t len, const char *name)
{
	size_t row[KDB_NAME_DISTANCE_MAX_LEN + 1];
	size_t name_len = strlen(name);

	if (len > KDB_NAME_DISTANCE_MAX_LEN || name_len > KDB_NAME_DISTANCE_MAX_LEN)
		return SIZE_MAX;
	for (size_t i = 0; i <= name_len; i++)
		row[i] = i;
	for (size_t i = 0; i < len; i++)
		extend(row, word[i], name, name_len);
	if (row[name_len] * 3 > (name_len > len ? name_len : len))
		return SIZE_MAX;
	return row[name_len];
}
