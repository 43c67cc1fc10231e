/* SPDX-License-Identifier: Apache-2.0 */
/* The alphabet of event types on the newer protocol. Owns nothing. */
#include "daemon/event_type.h"

#include "daemon/unicode.h"

#include <stdlib.h>
#include <string.h>

/* The first version whose schema names go beyond ASCII. */
enum { WIDE_MAJOR = 26, WIDE_MINOR = 1 };

static const char fault_wide[] =
    "An event type here has letters, numbers and _ . $ : - only, none beyond U+FFFF.";
static const char fault_ascii[] =
    "An event type here has letters, digits and _ . $ : - of ASCII only, because the "
    "database is older than 26.1.";
static const char fault_form[] = "An event type here must be in normalisation form C.";

bool
kg_event_type_is_ascii_only(const char *server_version)
{
	char *end;
	unsigned long major = strtoul(server_version, &end, 10);
	unsigned long minor;

	if (end == server_version || *end != '.')
		return false;
	minor = strtoul(end + 1, NULL, 10);
	return major < WIDE_MAJOR || (major == WIDE_MAJOR && minor < WIDE_MINOR);
}

static bool
is_in_ascii_alphabet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("_.$:-", c) != NULL);
}

static bool
is_in_alphabet(const char *at, const char *end)
{
	while (at < end) {
		size_t char_len = 1;

		if (!is_in_ascii_alphabet(*at) &&
		    !kg_unicode_is_basic_alphanumeric(at, (size_t)(end - at), &char_len))
			return false;
		at += char_len;
	}
	return true;
}

/* How much of it is of the alphabet in ASCII. */
static size_t
skip_ascii(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && is_in_ascii_alphabet(text[i]))
		i++;
	return i;
}

const char *
kg_event_type_find_fault(struct kdb_bytes type, bool is_ascii_only)
{
	const char *text = type.data;
	size_t plain_len = skip_ascii(text, type.len);

	if (plain_len == type.len)
		return NULL;
	if (is_ascii_only)
		return fault_ascii;
	if (!is_in_alphabet(text + plain_len, text + type.len))
		return fault_wide;
	return kg_unicode_is_nfc(text, type.len) ? NULL : fault_form;
}
