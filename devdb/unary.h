/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_UNARY_H
#define DEVDB_UNARY_H

#include "devdb/call.h"

/* For methods with exactly one request message: the message and start functions keep it,
 * so that half_close finds it. */
struct devdb_unary {
	uint8_t *bytes;
	size_t len;
	unsigned count;
};

void devdb_unary_start(struct devdb_call *call);
void devdb_unary_message(struct devdb_call *call, const uint8_t *bytes, size_t len);
void devdb_unary_end(struct devdb_call *call);

/* The one request, borrowed; or NULL, and the call is refused as the server does. */
const struct devdb_unary *devdb_unary_request(struct devdb_call *call);

#endif
