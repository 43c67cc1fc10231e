/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_UNICODE_H
#define KG_UNICODE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What Unicode says of characters. Texts are valid UTF-8, checked by whoever took them from
 * a peer. No locale. Pure.
 */

/* Whether there is nothing but white space, or nothing at all. */
bool kg_unicode_is_blank(const char *text, size_t len);

/*
 * Writes the simple upper-case mapping of every character, beyond U+FFFF, too; no character
 * becomes several, nor twice as long as it was. out holds KG_UNICODE_UPPER_MAX(len) bytes. Returns how many were written.
 */
#define KG_UNICODE_UPPER_MAX(len) (2 * (len))
size_t kg_unicode_to_upper(const char *text, size_t len, char *out);

/* Whether the character that begins at text is a letter (L) or a number (N), and none beyond
 * U+FFFF; *char_len is its length. */
bool kg_unicode_is_basic_alphanumeric(const char *text, size_t len, size_t *char_len);

/* Whether a text is in normalisation form C. */
bool kg_unicode_is_nfc(const char *text, size_t len);

#endif
