/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLOOR_CHANNEL_H
#define BENCH_FLOOR_CHANNEL_H

#include <grpc/grpc.h>

/* A channel as the floor wants it, in clear text when ca_file is NULL; ends the process when it
 * cannot be made. */
grpc_channel *floor_channel_open(const char *target, const char *ca_file);

/* C core has one epoll set for its completion queues, the first that it makes, and hides it. So
 * it has the lowest descriptor while nobody else has made one. -1: there is none. */
int floor_channel_find_epoll_fd(void);

/* Says what is wrong and ends the process. */
void floor_channel_die(const char *what) __attribute__((noreturn));

#endif
