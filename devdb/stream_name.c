/* SPDX-License-Identifier: Apache-2.0 */
/* Stream names as requests bring them. Owns the repaired bytes. */
#include "devdb/stream_name.h"

#include "devdb/text.h"

#include <stdlib.h>
#include <string.h>

bool
devdb_stream_name_read(struct devdb_stream_name *name,
    const EventStore__Client__StreamIdentifier *identifier)
{
	struct kdb_buffer bytes;
	size_t len;

	if (!identifier || !identifier->has_stream_name ||
	    identifier->stream_name.len == 0)
		return false;
	/* Each bad byte may become three. */
	kdb_buffer_init(&bytes, 3 * identifier->stream_name.len);
	devdb_text_repair(
	    &bytes, identifier->stream_name.data, identifier->stream_name.len);
	devdb_stream_name_dispose(name);
	name->name.bytes = (uint8_t *)kdb_buffer_take(&bytes, &len);
	name->name.len = len;
	return len != 2 || memcmp(name->name.bytes, "$$", 2) != 0;
}

void
devdb_stream_name_dispose(struct devdb_stream_name *name)
{
	free((void *)name->name.bytes);
	name->name = (struct devdb_name){NULL, 0};
}
