/* SPDX-License-Identifier: Apache-2.0 */
/* The list that other threads fill for the loop. Owns its mutex and the event
 * descriptor. */
#include "daemon/ready.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool
kg_ready_init(struct kg_ready *ready)
{
	ready->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ready->fd < 0)
		return false;
	atomic_init(&ready->is_asleep, false);
	pthread_mutex_init(&ready->mutex, NULL);
	kdb_list_init(&ready->list);
	return true;
}

void
kg_ready_dispose(struct kg_ready *ready)
{
	close(ready->fd);
	pthread_mutex_destroy(&ready->mutex);
}

void
kg_ready_push(struct kg_ready *ready, struct kdb_list *link)
{
	pthread_mutex_lock(&ready->mutex);
	kdb_list_push_back(&ready->list, link);
	pthread_mutex_unlock(&ready->mutex);
}

void
kg_ready_wake(struct kg_ready *ready)
{
	const uint64_t one = 1;
	ssize_t written;

	if (!atomic_exchange(&ready->is_asleep, false))
		return;
	do
		written = write(ready->fd, &one, sizeof(one));
	while (written < 0 && errno == EINTR);
}

bool
kg_ready_fall_asleep(struct kg_ready *ready)
{
	bool is_empty;

	atomic_store(&ready->is_asleep, true);
	pthread_mutex_lock(&ready->mutex);
	is_empty = kdb_list_is_empty(&ready->list);
	pthread_mutex_unlock(&ready->mutex);
	return is_empty;
}

void
kg_ready_awake(struct kg_ready *ready, bool was_woken)
{
	uint64_t count;

	atomic_store(&ready->is_asleep, false);
	while (was_woken && read(ready->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
}

void
kg_ready_take(struct kg_ready *ready, struct kdb_list *taken)
{
	pthread_mutex_lock(&ready->mutex);
	kdb_list_splice_back(taken, &ready->list);
	pthread_mutex_unlock(&ready->mutex);
}
