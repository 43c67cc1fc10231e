/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_TEXT_H
#define DEVDB_V2_TEXT_H

#include "client-core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What .NET thinks of texts. They are well-formed UTF-8. All functions are pure; any
 * thread. */

/* Empty, or white space only. */
bool devdb_v2_text_is_blank(const uint8_t *text, size_t len);

bool devdb_v2_text_is_ascii(const uint8_t *text, size_t len);

/* Whether the text is in Unicode's normal form C. */
bool devdb_v2_text_is_nfc(const uint8_t *text, size_t len);

/* Whether the text has the alphabet of schema names (wire-protocol 3.4). */
bool devdb_v2_text_is_schema_name(const uint8_t *text, size_t len);

/* Appends the form in which names that differ by case only are equal. */
void devdb_v2_text_fold(struct kdb_buffer *out, const uint8_t *text, size_t len);

/* Appends a number of bytes as the server prints it, such as "16.000 MB". */
void devdb_v2_text_put_size(struct kdb_buffer *out, uint64_t bytes);

#endif
