/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLOOR_APPEND_H
#define BENCH_FLOOR_APPEND_H

#include <grpc/slice.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The database half of the floor: one BatchAppend call, corked, driven by the thread that calls
 * it. It checks nothing that its own sink would not send; a failed call ends the process.
 */
struct floor_append;

/* Bytes that a submitted slice leaves free in front of the payload. */
enum { FLOOR_APPEND_HEAD_ROOM = 256 };

/* Runs for every answered append, with the owner that was submitted. */
typedef void floor_append_answered(void *owner);

/* Opens the call to "ADDRESS:PORT", in clear text when ca_file is NULL, and waits for it, at most 10 s; ends the process otherwise.
 * Never freed before the process ends. */
struct floor_append *floor_append_open(
    const char *target, const char *ca_file, floor_append_answered *answered);

/* Queues an append of event_count events (1 to 1000) which share the payload in equal parts.
 * The slice is taken over: FLOOR_APPEND_HEAD_ROOM bytes, then payload_len bytes. */
void floor_append_submit(struct floor_append *append, void *owner, grpc_slice slice,
    size_t payload_len, size_t event_count);

/* Sends what is queued and takes what is there, without waiting; is_answered tells whether
 * `answered` ran. With wait, sleeps for the first event. */
bool floor_append_advance(struct floor_append *append, bool wait);

/* Readable when C core has input; -1 where C core does not use epoll. */
int floor_append_poll_fd(const struct floor_append *append);

#endif
