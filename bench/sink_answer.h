/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SINK_ANSWER_H
#define BENCH_SINK_ANSWER_H

#include "bench/protobuf_walk.h"

#include <grpc/slice.h>

/* The answers of the sink; each slice is the caller's. Any thread. */

enum { SINK_CORRELATION_MAX_BYTES = 64 };

/* BatchAppend: success under the correlation id (its bytes, at most the maximum above). */
grpc_slice sink_answer_append(const struct protobuf_walk *correlation, uint64_t position);

/* AppendRecords: success, with a revision for each of the first 64 streams of the request. */
grpc_slice sink_answer_records(struct protobuf_walk request, uint64_t position);

/* Read: there is no such stream. */
grpc_slice sink_answer_no_stream(void);

/* Gossip: one node, which leads, on this port of 127.0.0.1. */
grpc_slice sink_answer_gossip(uint16_t port);

/* Server features: BatchAppend, AppendSession and AppendRecords, version 26.1.0. */
grpc_slice sink_answer_features(void);

#endif
