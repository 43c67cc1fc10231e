/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_BATCH_ANSWER_H
#define DEVDB_BATCH_ANSWER_H

#include "devdb/guid.h"
#include "devdb/store.h"

#include "proto/streams.pb-c.h"

#include <grpc/byte_buffer.h>

/* What an answer refers to; either may be NULL, and then it is left out. Borrowed. */
struct devdb_batch_subject {
	const EventStore__Client__UUID *correlation_id;
	const EventStore__Client__StreamIdentifier *stream;
};

/* Each makes one packed BatchAppendResp, which the caller owns. Any thread. */

/* What a write came to. */
grpc_byte_buffer *devdb_batch_answer_write(const struct devdb_batch_subject *subject,
    int64_t expected, const struct devdb_write *write);

grpc_byte_buffer *devdb_batch_answer_timeout(const struct devdb_batch_subject *subject);
grpc_byte_buffer *devdb_batch_answer_access_denied(
    const struct devdb_batch_subject *subject);
grpc_byte_buffer *devdb_batch_answer_bad_request(
    const struct devdb_batch_subject *subject, const char *text);
grpc_byte_buffer *devdb_batch_answer_event_size(const struct devdb_batch_subject *subject,
    const struct devdb_guid *id, size_t size, size_t max_size);
grpc_byte_buffer *devdb_batch_answer_append_size(
    const struct devdb_batch_subject *subject, size_t max_size);

/* An error whose detail is empty; the server uses code 0 for some. */
grpc_byte_buffer *devdb_batch_answer_plain_error(
    const struct devdb_batch_subject *subject, int code, const char *message);

/* devdb's own: --max-memory is reached. */
grpc_byte_buffer *devdb_batch_answer_full(const struct devdb_batch_subject *subject);

#endif
