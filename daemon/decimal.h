/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_DECIMAL_H
#define KG_DECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KG_DECIMAL_MAX = 20 };

/*
 * Writes value in decimal, with zeros in front where it has fewer than least_digits (at most
 * KG_DECIMAL_MAX), and returns where it ends. No NUL. Without printf(), since every request has
 * several numbers.
 */
static inline char *
kg_decimal_put(char *out, uint64_t value, size_t least_digits)
{
	char digits[KG_DECIMAL_MAX];
	size_t at = sizeof digits;

	while (value > 0 || least_digits > sizeof digits - at) {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	}
	memcpy(out, digits + at, sizeof digits - at);
	return out + sizeof digits - at;
}

#endif
