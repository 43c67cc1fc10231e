/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strictness around the decoder of GnuTLS, which skips white space. Owns nothing.
 */
#include "daemon/base64.h"

#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool
is_alphanumeric(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The six bits of a character of the standard alphabet. */
static unsigned
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : 63;
}

static size_t
count_padding(const char *text, size_t len)
{
	if (len == 0 || text[len - 1] != '=')
		return 0;
	return len > 1 && text[len - 2] == '=' ? 2 : 1;
}

static enum kg_base64_result
check(const char *text, size_t len)
{
	size_t padding = count_padding(text, len);
	size_t digits = len - padding;
	bool has_url_only = false;

	for (size_t i = 0; i < digits; i++) {
		char c = text[i];

		if (is_alphanumeric(c) || c == '+' || c == '/')
			continue;
		if (c != '-' && c != '_')
			return KG_BASE64_WRONG_CHARACTER;
		has_url_only = true;
	}
	if (has_url_only)
		return KG_BASE64_URL_ALPHABET;
	if (len % 4 != 0)
		return KG_BASE64_WRONG_LENGTH;
	if (padding > 0 && (sextet(text[digits - 1]) & (padding == 1 ? 0x03 : 0x0f)) != 0)
		return KG_BASE64_WRONG_PADDING;
	return KG_BASE64_OK;
}

size_t
kg_base64_decoded_max(size_t len)
{
	return len / 4 * 3;
}

enum kg_base64_result
kg_base64_decode(const char *text, size_t len, void *out, size_t *out_len)
{
	enum kg_base64_result result = check(text, len);
	/* The decoder only reads, but wants a pointer that could be written through. */
	gnutls_datum_t encoded = { (unsigned char *)(uintptr_t)text, (unsigned)len };
	gnutls_datum_t decoded;

	if (result != KG_BASE64_OK)
		return result;
	*out_len = 0;
	if (len == 0)
		return KG_BASE64_OK;
	/* What was checked can only fail for want of memory. */
	if (gnutls_base64_decode2(&encoded, &decoded) != GNUTLS_E_SUCCESS)
		abort();
	memcpy(out, decoded.data, decoded.size);
	*out_len = decoded.size;
	gnutls_free(decoded.data);
	return KG_BASE64_OK;
}
