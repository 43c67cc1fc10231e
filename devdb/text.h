/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_TEXT_H
#define DEVDB_TEXT_H

#include "client-core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How .NET reads bytes as text. All functions are pure; any thread. */

/* Whether the bytes are well-formed UTF-8. */
bool devdb_text_is_utf8(const uint8_t *bytes, size_t len);

/* Appends the bytes with every ill-formed part replaced by U+FFFD, as
 * ByteString.ToStringUtf8() does. */
void devdb_text_repair(struct kdb_buffer *out, const uint8_t *bytes, size_t len);

/* The length of well-formed UTF-8 text in UTF-16 units. */
size_t devdb_text_utf16_units(const uint8_t *bytes, size_t len);

#endif
