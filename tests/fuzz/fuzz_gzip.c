/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in gzip form. The first byte of the input says in which pieces the rest comes.
 * However it comes, the same goes out; and what zlib has packed comes out as it went in.
 */
#include "daemon/gzip.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ROOM = 1 << 16 };

struct result {
	uint8_t bytes[ROOM];
	size_t len;
	bool is_good;
	bool is_full; /* it would have been longer */
};

static void
unpack(const uint8_t *bytes, size_t len, size_t in_step, size_t out_step,
    struct result *result)
{
	struct kg_gzip *gzip = kg_gzip_new();

	*result = (struct result){.is_good = true};
	while (len > 0 && result->is_good && !result->is_full) {
		struct kg_gzip_input input = {bytes, len < in_step ? len : in_step};
		struct kg_gzip_output output = {result->bytes + result->len,
		    ROOM - result->len < out_step ? ROOM - result->len : out_step};
		const size_t room = output.room;

		result->is_good = kg_gzip_decompress(gzip, &input, &output);
		require(output.room <= room);
		require(!result->is_good || output.room < room || input.at > bytes);
		result->len += room - output.room;
		result->is_full = result->len == ROOM;
		len -= (size_t)(input.at - bytes);
		bytes = input.at;
	}
	result->is_good = result->is_good && kg_gzip_is_whole(gzip);
	kg_gzip_free(gzip);
}

static void
check_pieces(const uint8_t *bytes, size_t len, size_t step)
{
	static struct result whole;
	static struct result pieces;

	unpack(bytes, len, len + 1, ROOM, &whole);
	unpack(bytes, len, step, 1 + step * 7, &pieces);
	/* Where the input ends too early, something of it may still have to come out. */
	require(whole.is_full || !pieces.is_full);
	require(whole.is_full == pieces.is_full || !pieces.is_good);
	if (whole.is_full)
		return;
	require(whole.is_good == pieces.is_good);
	if (whole.is_good)
		require(whole.len == pieces.len &&
			memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
}

static void
check_round_trip(const uint8_t *bytes, size_t len, size_t step)
{
	static struct result result;
	z_stream stream = {0};
	uLong max_len;
	uint8_t *packed;

	require(deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8,
		    Z_DEFAULT_STRATEGY) == Z_OK);
	max_len = deflateBound(&stream, len);
	packed = malloc(max_len);
	require(packed != NULL);
	stream.next_in = (Bytef *)(uintptr_t)bytes;
	stream.avail_in = (unsigned)len;
	stream.next_out = packed;
	stream.avail_out = (unsigned)max_len;
	require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	unpack(packed, max_len - stream.avail_out, step, ROOM, &result);
	require(result.is_full || (result.is_good && result.len == len));
	require(result.is_full || memcmp(result.bytes, bytes, len) == 0);
	deflateEnd(&stream);
	free(packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const size_t step = len == 0 ? 1 : 1 + bytes[0] % 64;

	if (len == 0)
		return 0;
	check_pieces(bytes + 1, len - 1, step);
	check_round_trip(bytes + 1, len - 1, step);
	return 0;
}
