/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_COMPLAINTS_H
#define DEVDB_V2_COMPLAINTS_H

#include "client-core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct devdb_call;

struct devdb_v2_complaint {
	struct kdb_buffer field;
	struct kdb_buffer text;
};

/* What is wrong with a request, in the server's order. Zero-initialised it is empty. */
struct devdb_v2_complaints {
	struct devdb_v2_complaint *items;
	size_t count;
};

/* Adds a complaint about a field; both are copied. The result may be added to, until the
 * next one. */
struct devdb_v2_complaint *devdb_v2_complain(
    struct devdb_v2_complaints *complaints, const char *field, const char *text);

/* When there is one, ends the call with all of them. Disposes of them in any case. The
 * request is named as the server does. */
bool devdb_v2_complaints_refuse(
    struct devdb_v2_complaints *complaints, struct devdb_call *call, const char *request);

#endif
