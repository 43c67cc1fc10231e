/* SPDX-License-Identifier: Apache-2.0 */
/* The only user of zlib. Owns its state. */
#include "daemon/gzip.h"

#include "client-core/base/alloc.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 16 };

struct kg_gzip {
	z_stream stream;
	bool is_whole; /* at the end of a member */
};

struct kg_gzip *
kg_gzip_new(void)
{
	struct kg_gzip *gzip = kdb_alloc_zero(1, sizeof(*gzip));

	if (inflateInit2(&gzip->stream, MAX_WBITS + GZIP_ONLY) == Z_OK)
		return gzip;
	free(gzip);
	return NULL;
}

void
kg_gzip_free(struct kg_gzip *gzip)
{
	if (gzip == NULL)
		return;
	inflateEnd(&gzip->stream);
	free(gzip);
}

static unsigned
count_of(size_t len)
{
	return len > UINT_MAX ? UINT_MAX : (unsigned)len;
}

/* One step of the library; its status. */
static int
step(struct kg_gzip *gzip, struct kg_gzip_input *input, struct kg_gzip_output *output)
{
	z_stream *stream = &gzip->stream;
	int status;

	stream->next_in = (Bytef *)(uintptr_t)input->at;
	stream->avail_in = count_of(input->len);
	stream->next_out = output->at;
	stream->avail_out = count_of(output->room);
	status = inflate(stream, Z_NO_FLUSH);
	input->len -= (size_t)(stream->next_in - input->at);
	input->at = stream->next_in;
	output->room -= (size_t)(stream->next_out - output->at);
	output->at = stream->next_out;
	return status;
}

bool
kg_gzip_decompress(
    struct kg_gzip *gzip, struct kg_gzip_input *input, struct kg_gzip_output *output)
{
	int status = Z_OK;

	while (status == Z_OK && input->len > 0 && output->room > 0) {
		/* Another member may follow a whole one, and nothing else. */
		if (gzip->is_whole && inflateReset(&gzip->stream) != Z_OK)
			return false;
		status = step(gzip, input, output);
		gzip->is_whole = status == Z_STREAM_END;
		if (gzip->is_whole)
			status = Z_OK;
	}
	return status == Z_OK;
}

bool
kg_gzip_is_whole(const struct kg_gzip *gzip)
{
	return gzip->is_whole;
}
