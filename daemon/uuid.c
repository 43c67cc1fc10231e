/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs as text and as bytes, and new ones. Owns a small store of random bytes, so that
 * one system call serves many ids.
 */
#include "daemon/uuid.h"

#include "client-core/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Where each byte of an id stands in its text. */
static const unsigned char text_place[16] = {
    0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
static const unsigned char hyphen_place[4] = {8, 13, 18, 23};

/* Value + 1 of a hexadecimal digit, 0 for every other character. */
static const unsigned char digit_value[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
    ['A'] = 11,
    ['B'] = 12,
    ['C'] = 13,
    ['D'] = 14,
    ['E'] = 15,
    ['F'] = 16,
};

/* One system call for the ids of some 150 requests. */
static struct {
	unsigned char bytes[4096];
	size_t left;
} store;

bool
kg_uuid_read(const char *text, size_t len, uint8_t id[16])
{
	unsigned any = 0;

	if (len != KG_UUID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < sizeof hyphen_place; i++)
		if (text[hyphen_place[i]] != '-')
			return false;
	for (size_t i = 0; i < 16; i++) {
		unsigned high = digit_value[(unsigned char)text[text_place[i]]];
		unsigned low = digit_value[(unsigned char)text[text_place[i] + 1]];

		if (high == 0 || low == 0)
			return false;
		id[i] = (uint8_t)((high - 1) << 4 | (low - 1));
		any |= id[i];
	}
	return any != 0;
}

void
kg_uuid_print(const uint8_t id[16], char text[KG_UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 16; i++) {
		text[text_place[i]] = digits[id[i] >> 4];
		text[text_place[i] + 1] = digits[id[i] & 15];
	}
	for (size_t i = 0; i < sizeof hyphen_place; i++)
		text[hyphen_place[i]] = '-';
	text[KG_UUID_TEXT_LEN] = '\0';
}

static void
refill(void)
{
	size_t len = 0;

	/* More than 256 bytes may come in parts when a signal comes in between. */
	while (len < sizeof store.bytes) {
		ssize_t got = getrandom(store.bytes + len, sizeof store.bytes - len, 0);

		if (got > 0)
			len += (size_t)got;
		/* Ids that could repeat would lose events: better no process than that. */
		if (got <= 0 && errno != EINTR) {
			perror("getrandom");
			abort();
		}
	}
	store.left = sizeof store.bytes;
}

static void
fill_random(uint8_t *bytes, size_t len)
{
	if (store.left < len)
		refill();
	store.left -= len;
	memcpy(bytes, store.bytes + store.left, len);
}

static void
set_version(uint8_t id[16], unsigned version)
{
	id[6] = (uint8_t)((id[6] & 0x0f) | version << 4);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
}

void
kg_uuid_make_v4(uint8_t id[16])
{
	fill_random(id, 16);
	set_version(id, 4);
}

void
kg_uuid_make_v7(uint8_t id[16])
{
	uint64_t now_ms = (uint64_t)(kdb_clock_wall_ns() / KDB_NS_PER_MS);

	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(now_ms >> (40 - 8 * i));
	fill_random(id + 6, 10);
	set_version(id, 7);
}
