/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_FAULTS_H
#define DEVDB_FAULTS_H

#include "devdb/role.h"
#include "devdb/store.h"

#include <stdbool.h>
#include <stdint.h>

#define DEVDB_MAX_FAULTS 256
#define DEVDB_MAX_FAULT_TEXT 256

/* What goes wrong. UNIMPLEMENTED and UNAUTHENTICATED strike when a call starts, the
 * others when a request names what it wants. */
enum devdb_fault_action {
	DEVDB_FAULT_DELAY,
	DEVDB_FAULT_DROP_BEFORE,
	DEVDB_FAULT_DROP_AFTER,
	DEVDB_FAULT_REFUSE,
	DEVDB_FAULT_NOT_READY,
	DEVDB_FAULT_BUSY,
	DEVDB_FAULT_TIMEOUT,
	DEVDB_FAULT_NOT_LEADER,
	DEVDB_FAULT_ACCESS_DENIED,
	DEVDB_FAULT_UNIMPLEMENTED,
	DEVDB_FAULT_END_CALL,
	DEVDB_FAULT_UNAUTHENTICATED,
	DEVDB_FAULT_HANG,
	DEVDB_FAULT_GARBAGE,
	DEVDB_FAULT_BIG_TRAILERS,
	DEVDB_FAULT_ACTIONS
};

struct devdb_fault {
	enum devdb_fault_action action;
	char method[64];                   /* label of the method table, or "*" */
	char stream[DEVDB_MAX_FAULT_TEXT]; /* "" = every stream */
	bool has_stream;
	int64_t delay_ms;
	int64_t trailer_bytes;
	int status;
	char message[DEVDB_MAX_FAULT_TEXT];
	char leader_host[DEVDB_MAX_HOST];
	int leader_port;
	int64_t left;    /* strikes still to come, -1 = until cleared */
	uint64_t struck; /* strikes so far */
};

struct devdb_faults;

/* The faults ordered over the admin port. Any thread. */
struct devdb_faults *devdb_faults_new(void);
void devdb_faults_free(struct devdb_faults *faults);

/* Adds a copy; false when DEVDB_MAX_FAULTS are in force. */
bool devdb_faults_add(struct devdb_faults *faults, const struct devdb_fault *fault);
void devdb_faults_clear(struct devdb_faults *faults);

/* Calls see() for each fault, spent ones too, in the order of adding; under the lock. */
void devdb_faults_each(struct devdb_faults *faults,
    void (*see)(void *context, const struct devdb_fault *fault), void *context);

/* The first fault that strikes a starting call of the method; counts the strike. */
bool devdb_faults_strike_start(
    struct devdb_faults *faults, const char *method, struct devdb_fault *fault);

/* The first one that strikes a request of the method for a stream; name.bytes is NULL
 * where no stream is meant. */
bool devdb_faults_strike_request(struct devdb_faults *faults, const char *method,
    struct devdb_name name, struct devdb_fault *fault);

/* Whether the method is unimplemented at the moment; counts nothing. */
bool devdb_faults_hides(struct devdb_faults *faults, const char *method);

const char *devdb_fault_action_name(enum devdb_fault_action action);
/* DEVDB_FAULT_ACTIONS when there is no such action. */
enum devdb_fault_action devdb_fault_action_from_name(const char *name);

#endif
