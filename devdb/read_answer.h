/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_READ_ANSWER_H
#define DEVDB_READ_ANSWER_H

#include "devdb/event.h"
#include "devdb/store.h"

#include <grpc/byte_buffer.h>
#include <stdbool.h>

/* Each makes one packed ReadResp, which the caller owns. Any thread. */

grpc_byte_buffer *devdb_read_answer_event(
    const struct devdb_event *event, struct devdb_name stream, bool is_structured_id);
grpc_byte_buffer *devdb_read_answer_not_found(struct devdb_name stream);

/* The first, or the last, revision of a stream. */
grpc_byte_buffer *devdb_read_answer_position(bool is_first, int64_t revision);

#endif
