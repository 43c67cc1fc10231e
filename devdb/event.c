/* SPDX-License-Identifier: Apache-2.0 */
/* Making and measuring events; see event.h. */
#include "devdb/event.h"

#include "client-core/base/alloc.h"
#include "devdb/text.h"

#include <string.h>

static uint8_t *
put(uint8_t *out, const uint8_t *bytes, size_t len)
{
	if (len)
		memcpy(out, bytes, len);
	return out + len;
}

struct devdb_event *
devdb_event_new(const struct devdb_proposal *proposal)
{
	size_t len = proposal->type_len + proposal->metadata_len + proposal->data_len;
	struct devdb_event *event = kdb_alloc(sizeof *event + len);
	uint8_t *out = event->bytes;

	*event = (struct devdb_event){
	    .id = proposal->id,
	    .is_json = proposal->is_json,
	    .is_unreadable = proposal->is_unreadable,
	    .type_len = (uint32_t)proposal->type_len,
	    .metadata_len = (uint32_t)proposal->metadata_len,
	    .data_len = (uint32_t)proposal->data_len,
	};
	out = put(out, proposal->type, proposal->type_len);
	out = put(out, proposal->metadata, proposal->metadata_len);
	put(out, proposal->data, proposal->data_len);
	return event;
}

size_t
devdb_event_footprint(const struct devdb_event *event)
{
	return sizeof *event + event->type_len + event->metadata_len + event->data_len;
}

size_t
devdb_proposal_size(const struct devdb_proposal *proposal)
{
	return proposal->data_len + proposal->metadata_len +
	       2 * devdb_text_utf16_units(proposal->type, proposal->type_len);
}
