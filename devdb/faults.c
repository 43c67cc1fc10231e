/* SPDX-License-Identifier: Apache-2.0 */
/* The list of faults in force. Owns the list and its lock; a counter outside the lock
 * keeps undisturbed requests from taking it. */
#include "devdb/faults.h"

#include "client-core/base/alloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct devdb_faults {
	pthread_mutex_t mutex;
	_Atomic size_t in_force;
	size_t count;
	struct devdb_fault list[DEVDB_MAX_FAULTS];
};

static const char *const action_names[DEVDB_FAULT_ACTIONS] = {
    [DEVDB_FAULT_DELAY] = "delay",
    [DEVDB_FAULT_DROP_BEFORE] = "drop-before",
    [DEVDB_FAULT_DROP_AFTER] = "drop-after",
    [DEVDB_FAULT_REFUSE] = "refuse",
    [DEVDB_FAULT_NOT_READY] = "not-ready",
    [DEVDB_FAULT_BUSY] = "busy",
    [DEVDB_FAULT_TIMEOUT] = "timeout",
    [DEVDB_FAULT_NOT_LEADER] = "not-leader",
    [DEVDB_FAULT_ACCESS_DENIED] = "access-denied",
    [DEVDB_FAULT_UNIMPLEMENTED] = "unimplemented",
    [DEVDB_FAULT_END_CALL] = "end-call",
    [DEVDB_FAULT_UNAUTHENTICATED] = "unauthenticated",
    [DEVDB_FAULT_HANG] = "hang",
    [DEVDB_FAULT_GARBAGE] = "garbage",
    [DEVDB_FAULT_BIG_TRAILERS] = "big-trailers",
};

const char *
devdb_fault_action_name(enum devdb_fault_action action)
{
	return action_names[action];
}

enum devdb_fault_action
devdb_fault_action_from_name(const char *name)
{
	int action = 0;

	while (action < DEVDB_FAULT_ACTIONS && strcmp(name, action_names[action]) != 0)
		action++;
	return (enum devdb_fault_action)action;
}

struct devdb_faults *
devdb_faults_new(void)
{
	struct devdb_faults *faults = kdb_alloc_zero(1, sizeof *faults);

	pthread_mutex_init(&faults->mutex, NULL);
	return faults;
}

void
devdb_faults_free(struct devdb_faults *faults)
{
	pthread_mutex_destroy(&faults->mutex);
	free(faults);
}

/* Makes room by forgetting the oldest fault that is spent. */
static bool
drop_spent(struct devdb_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		if (faults->list[i].left != 0)
			continue;
		memmove(&faults->list[i], &faults->list[i + 1],
		    (faults->count - i - 1) * sizeof faults->list[0]);
		faults->count--;
		return true;
	}
	return false;
}

bool
devdb_faults_add(struct devdb_faults *faults, const struct devdb_fault *fault)
{
	bool has_room;

	pthread_mutex_lock(&faults->mutex);
	has_room = faults->count < DEVDB_MAX_FAULTS || drop_spent(faults);
	if (has_room) {
		faults->list[faults->count++] = *fault;
		faults->in_force++;
	}
	pthread_mutex_unlock(&faults->mutex);
	return has_room;
}

void
devdb_faults_clear(struct devdb_faults *faults)
{
	pthread_mutex_lock(&faults->mutex);
	faults->count = 0;
	faults->in_force = 0;
	pthread_mutex_unlock(&faults->mutex);
}

void
devdb_faults_each(struct devdb_faults *faults,
    void (*see)(void *context, const struct devdb_fault *fault), void *context)
{
	pthread_mutex_lock(&faults->mutex);
	for (size_t i = 0; i < faults->count; i++)
		see(context, &faults->list[i]);
	pthread_mutex_unlock(&faults->mutex);
}

static bool
is_at_start(const struct devdb_fault *fault)
{
	return fault->action == DEVDB_FAULT_UNIMPLEMENTED ||
	       fault->action == DEVDB_FAULT_UNAUTHENTICATED;
}

static bool
is_for_method(const struct devdb_fault *fault, const char *method)
{
	return fault->left != 0 && (strcmp(fault->method, "*") == 0 ||
				       strcasecmp(fault->method, method) == 0);
}

static bool
is_for_stream(const struct devdb_fault *fault, struct devdb_name name)
{
	return !fault->has_stream ||
	       (name.bytes && strlen(fault->stream) == name.len &&
		   memcmp(fault->stream, name.bytes, name.len) == 0);
}

static bool
strike(struct devdb_faults *faults, const char *method, struct devdb_name name,
    bool at_start, struct devdb_fault *struck)
{
	bool is_found = false;

	if (!faults->in_force)
		return false;
	pthread_mutex_lock(&faults->mutex);
	for (size_t i = 0; i < faults->count && !is_found; i++) {
		struct devdb_fault *fault = &faults->list[i];

		if (is_at_start(fault) != at_start || !is_for_method(fault, method) ||
		    !is_for_stream(fault, name))
			continue;
		is_found = true;
		fault->struck++;
		if (fault->left > 0 && --fault->left == 0)
			faults->in_force--;
		*struck = *fault;
	}
	pthread_mutex_unlock(&faults->mutex);
	return is_found;
}

bool
devdb_faults_strike_start(
    struct devdb_faults *faults, const char *method, struct devdb_fault *fault)
{
	return strike(faults, method, (struct devdb_name){NULL, 0}, true, fault);
}

bool
devdb_faults_strike_request(struct devdb_faults *faults, const char *method,
    struct devdb_name name, struct devdb_fault *fault)
{
	return strike(faults, method, name, false, fault);
}

bool
devdb_faults_hides(struct devdb_faults *faults, const char *method)
{
	bool is_hidden = false;

	pthread_mutex_lock(&faults->mutex);
	for (size_t i = 0; i < faults->count && !is_hidden; i++)
		is_hidden = faults->list[i].action == DEVDB_FAULT_UNIMPLEMENTED &&
			    is_for_method(&faults->list[i], method);
	pthread_mutex_unlock(&faults->mutex);
	return is_hidden;
}
