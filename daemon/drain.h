/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_DRAIN_H
#define KG_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How a stop goes on (architecture 6): requests in progress finish, then the listening
 * sockets close, then everybody who is still sending gets an answer. Pure.
 */
enum kg_drain_stage {
	KG_DRAIN_NO,
	KG_DRAIN_REQUESTS, /* new requests are refused, those in progress finish */
	KG_DRAIN_QUIET,    /* no listener any more; wait until nobody sends */
	KG_DRAIN_DONE,
};

struct kg_drain {
	enum kg_drain_stage stage;
	int64_t due_mono_ns;  /* when the time for all of it is over */
	int64_t last_mono_ns; /* when something happened last */
};

/* What the stage depends on. */
struct kg_drain_view {
	size_t request_count; /* in progress */
	size_t connection_count;
	bool is_sending;
	int64_t now_mono_ns;
};

/* Begins, with at most timeout_ns for all; the second time, it is done at once. */
void kg_drain_begin(struct kg_drain *drain, int64_t now_mono_ns, int64_t timeout_ns);

/* Goes to the next stage, if it is time. True: the listening sockets must be closed
 * now. */
bool kg_drain_advance(struct kg_drain *drain, const struct kg_drain_view *view);

/* When to look again although nothing happens; INT64_MAX: never. */
int64_t kg_drain_next_due(const struct kg_drain *drain, bool is_sending);

#endif
