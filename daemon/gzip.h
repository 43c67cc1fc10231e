/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_GZIP_H
#define KG_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decompresses a body in gzip form (RFC 1952) as it comes, into memory that the caller
 * gives piece by piece. The form is strict: one or more whole members, each with the
 * right check value and length, and nothing behind them. One thread.
 */
struct kg_gzip;

/* The memory that one takes, about. */
enum { KG_GZIP_STATE_BYTES = 48 * 1024 };

/*
 * Honest JSON does not reach this: a body may always grow to the first number of bytes,
 * and beyond that by the second for each compressed byte. A thousand equal events of 1 KiB
 * come to 180; deflate could do 1,032.
 */
enum { KG_GZIP_FREE_BYTES = 64 * 1024, KG_GZIP_MAX_RATIO = 256 };

/* NULL: there is no memory. */
struct kg_gzip *kg_gzip_new(void);

/* NULL is allowed. */
void kg_gzip_free(struct kg_gzip *gzip);

/* Bytes to read or room to write; advanced as far as they were used. */
struct kg_gzip_input {
	const uint8_t *at;
	size_t len;
};
struct kg_gzip_output {
	uint8_t *at;
	size_t room;
};

/* Goes on until the input is used up or the room is; call it again with more of what
 * has run out. False: the input is broken, or something follows it. */
bool kg_gzip_decompress(
    struct kg_gzip *gzip, struct kg_gzip_input *input, struct kg_gzip_output *output);

/* Whether all that came so far is whole. */
bool kg_gzip_is_whole(const struct kg_gzip *gzip);

#endif
