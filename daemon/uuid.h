/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_UUID_H
#define KG_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KG_UUID_TEXT_LEN = 36 };

/* Reads exactly 36 characters with hyphens, any letter case. False for every other form
 * and for the nil UUID (api-design 14). */
bool kg_uuid_read(const char *text, size_t len, uint8_t id[16]);

/* Writes 36 lower-case characters and a NUL. */
void kg_uuid_print(const uint8_t id[16], char text[KG_UUID_TEXT_LEN + 1]);

/* A random UUIDv4, a UUIDv7 of now (RFC 9562). From getrandom(), buffered; one thread
 * only: the HTTP loop. */
void kg_uuid_make_v4(uint8_t id[16]);
void kg_uuid_make_v7(uint8_t id[16]);

#endif
