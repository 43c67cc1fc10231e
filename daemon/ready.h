/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_READY_H
#define KG_READY_H

#include "client-core/base/list.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * What other threads have finished for the loop, and how it is woken: one write per
 * burst, and none while the loop is awake, because it looks at the list before it sleeps.
 */
struct kg_ready {
	int fd; /* readable when the loop was woken; for poll() */
	atomic_bool is_asleep;
	pthread_mutex_t mutex;
	struct kdb_list list; /* under mutex */
};

/* False: errno says why, and nothing needs disposing. */
bool kg_ready_init(struct kg_ready *ready);
void kg_ready_dispose(struct kg_ready *ready);

/* Any thread: adds a link that is in no list; wakes the loop after one or more of
 * them. */
void kg_ready_push(struct kg_ready *ready, struct kdb_list *link);
void kg_ready_wake(struct kg_ready *ready);

/* The loop: says that it sleeps from now on. False: it must not, there is something. */
bool kg_ready_fall_asleep(struct kg_ready *ready);

/* The loop: says that it does not sleep any more; was_woken: fd was readable. */
void kg_ready_awake(struct kg_ready *ready, bool was_woken);

/* The loop: moves everything to the end of *taken. */
void kg_ready_take(struct kg_ready *ready, struct kdb_list *taken);

#endif
