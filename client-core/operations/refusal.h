/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_OPERATIONS_REFUSAL_H
#define KDB_OPERATIONS_REFUSAL_H

#include "client-core/status.h"

#include <stdbool.h>

/* What V2 refuses before it looks at a stream: sizes and types (wire-protocol 3.4, 3.5). Pure. */

enum { KDB_REFUSAL_ID_SIZE = 40 };

/* Reads such a refusal into *error. With KDB_EVENT_TOO_LARGE, record_id becomes the id of the
 * record in text form, or "". False: the status is another one. */
bool kdb_refusal_read(const struct kdb_status *status, struct kdb_error *error,
    char record_id[KDB_REFUSAL_ID_SIZE]);

#endif
