/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_BASE64_H
#define KG_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Strict base64 (api-design 14): the standard alphabet, with padding, without white
 * space, the bits behind the last byte zero, so that one value has one spelling. Pure.
 */
enum kg_base64_result {
	KG_BASE64_OK,
	KG_BASE64_WRONG_CHARACTER, /* padding and white space at a wrong place included */
	KG_BASE64_URL_ALPHABET, /* all are of base64, some are '-' or '_' */
	KG_BASE64_WRONG_LENGTH,  /* no multiple of four characters */
	KG_BASE64_WRONG_PADDING, /* bits behind the last byte that are not zero */
};

/* The most bytes that len characters decode to. */
size_t kg_base64_decoded_max(size_t len);

/* Decodes text into out, which holds kg_base64_decoded_max(len) bytes; *out_len is set
 * only with KG_BASE64_OK. The empty text is zero bytes. */
enum kg_base64_result kg_base64_decode(
    const char *text, size_t len, void *out, size_t *out_len);

#endif
