/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLOOR_HTTP_H
#define BENCH_FLOOR_HTTP_H

#include <grpc/slice.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The HTTP half of the floor: libmicrohttpd in external epoll mode, driven by the thread that
 * calls it. Every request is suspended when its body is complete, and resumed with its answer.
 */
struct floor_http;
struct floor_request;

/* Runs when a request is suspended. The slice belongs to it now: head_room bytes, then the body
 * of body_len bytes. event_count is what a Bench-Events header says, else 1. */
typedef void floor_http_ready(void *context, struct floor_request *request, grpc_slice slice,
    size_t body_len, size_t event_count);

/* Listens on 127.0.0.1:port (0: any, see floor_http_port); ends the process when it cannot.
 * Never freed before the process ends. With answers_first each suspended connection gets a timeout
 * of its own: those the library (0.9.75) answers before it looks for their next request, so that
 * the request is often there by then, which saves a failed read and two changes of the epoll set. */
struct floor_http *floor_http_open(uint16_t port, size_t head_room, bool answers_first,
    floor_http_ready *ready, void *context);

uint16_t floor_http_port(const struct floor_http *http);

/* Handles what is there, without waiting. */
void floor_http_run(struct floor_http *http);

/* Answers 200 and resumes; floor_http_run must run before anybody sleeps. */
void floor_http_answer(struct floor_request *request);

/* Readable when floor_http_run has something to do. */
int floor_http_poll_fd(const struct floor_http *http);

#endif
