/* SPDX-License-Identifier: Apache-2.0 */
/* A strict check in front of GnuTLS's decoder, which skips white space and takes dirty bits
 * behind the last byte. Owns nothing. */
#include "daemon/base64.h"

#include <gnutls/gnutls.h>
#include <limits.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool
is_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
	    || c == '+' || c == '/';
}

static enum kg_base64_result
check_digits(const char *text, size_t digits)
{
	enum kg_base64_result result = KG_BASE64_OK;

	for (size_t i = 0; i < digits; i++) {
		if (is_digit(text[i]))
			continue;
		if (text[i] != '-' && text[i] != '_')
			return KG_BASE64_WRONG_CHARACTER;
		result = KG_BASE64_URL_ALPHABET;
	}
	return result;
}

static size_t
count_padding(const char *text, size_t len)
{
	if (len == 0 || text[len - 1] != '=')
		return 0;
	return len > 1 && text[len - 2] == '=' ? 2 : 1;
}

/* Whether the last digit holds no bits behind the last byte. */
static bool
is_canonical(const char *text, size_t digits, size_t padding)
{
	size_t value;

	if (padding == 0)
		return true;
	value = (size_t)(strchr(alphabet, text[digits - 1]) - alphabet);
	return (value & (padding == 2 ? 0x0f : 0x03)) == 0;
}

static enum kg_base64_result
check(const char *text, size_t len)
{
	size_t padding = count_padding(text, len);
	enum kg_base64_result result = check_digits(text, len - padding);

	if (result != KG_BASE64_OK)
		return result;
	if (len % 4 != 0 || len > UINT_MAX)
		return KG_BASE64_WRONG_LENGTH;
	if (!is_canonical(text, len - padding, padding))
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
	gnutls_datum_t encoded = { (unsigned char *)(size_t)text, (unsigned)len };
	gnutls_datum_t decoded;

	if (result != KG_BASE64_OK)
		return result;
	*out_len = 0;
	if (len == 0)
		return KG_BASE64_OK;
	if (gnutls_base64_decode2(&encoded, &decoded) != GNUTLS_E_SUCCESS)
		return KG_BASE64_WRONG_CHARACTER;
	memcpy(out, decoded.data, decoded.size);
	*out_len = decoded.size;
	explicit_bzero(decoded.data, decoded.size); /* may have been credentials */
	gnutls_free(decoded.data);
	return KG_BASE64_OK;
}
