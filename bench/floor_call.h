/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLOOR_CALL_H
#define BENCH_FLOOR_CALL_H

#include <grpc/slice.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The database half of the floor for requests that need a call of their own: one AppendRecords
 * call each, over one connection, driven by the thread that calls it. A failed call ends the
 * process.
 */
struct floor_calls;

/* Runs for every answered call, with the owner that was submitted. */
typedef void floor_call_answered(void *owner);

/* Opens a channel to "ADDRESS:PORT", in clear text when ca_file is NULL. Never freed before the
 * process ends. */
struct floor_calls *floor_calls_open(
    const char *target, const char *ca_file, floor_call_answered *answered);

/* Starts a call that appends one record with the payload. The slice is taken over:
 * FLOOR_APPEND_HEAD_ROOM bytes, then payload_len bytes. */
void floor_calls_submit(
    struct floor_calls *calls, void *owner, grpc_slice slice, size_t payload_len);

/* Takes what is there, without waiting; tells whether `answered` ran. */
bool floor_calls_advance(struct floor_calls *calls);

/* Readable when C core has input; -1 where C core does not use epoll. */
int floor_calls_poll_fd(const struct floor_calls *calls);

#endif
