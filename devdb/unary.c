/* SPDX-License-Identifier: Apache-2.0 */
/* The single request of a unary or server-streaming method. Owns a copy of its bytes. */
#include "devdb/unary.h"

#include "client-core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

void
devdb_unary_start(struct devdb_call *call)
{
	call->state = kdb_alloc_zero(1, sizeof(struct devdb_unary));
}

void
devdb_unary_message(struct devdb_call *call, const uint8_t *bytes, size_t len)
{
	struct devdb_unary *unary = call->state;

	if (unary->count++ > 0)
		return;
	unary->bytes = kdb_alloc(len);
	unary->len = len;
	if (len)
		memcpy(unary->bytes, bytes, len);
}

void
devdb_unary_end(struct devdb_call *call)
{
	struct devdb_unary *unary = call->state;

	free(unary->bytes);
	free(unary);
}

const struct devdb_unary *
devdb_unary_request(struct devdb_call *call)
{
	const struct devdb_unary *unary = call->state;

	if (unary->count == 1)
		return unary;
	devdb_call_finish(call, GRPC_STATUS_INTERNAL,
	    unary->count ? "Additional data after the message received."
			 : "Incomplete message.",
	    NULL, 0);
	return NULL;
}
