/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_GUID_H
#define DEVDB_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVDB_GUID_TEXT_SIZE 37

/* A UUID, its bytes in the order of the text form. Pure values; any thread. */
struct devdb_guid {
	uint8_t bytes[16];
};

/* Reads any form that .NET's Guid.Parse() takes: 36 characters, 32 without dashes, in
 * braces or parentheses, the hexadecimal struct; blanks around, any letter case. */
bool devdb_guid_parse(const uint8_t *text, size_t len, struct devdb_guid *guid);

/* Writes the lower-case form of 36 characters and a NUL. */
void devdb_guid_format(const struct devdb_guid *guid, char text[DEVDB_GUID_TEXT_SIZE]);

/* The two signed halves that travel in the structured form. */
struct devdb_guid devdb_guid_from_halves(int64_t most, int64_t least);
void devdb_guid_to_halves(const struct devdb_guid *guid, int64_t *most, int64_t *least);

bool devdb_guid_is_nil(const struct devdb_guid *guid);
bool devdb_guid_is_equal(const struct devdb_guid *a, const struct devdb_guid *b);

/* A random UUID of version 4. */
struct devdb_guid devdb_guid_new(void);

#endif
