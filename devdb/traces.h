/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_TRACES_H
#define DEVDB_TRACES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The last calls that said which trace they belong to (W3C Trace Context), so that tests
 * and people can see what a client sends on. Any thread.
 */
#define DEVDB_MAX_TRACES 64
#define DEVDB_MAX_TRACEPARENT 64
#define DEVDB_MAX_TRACESTATE 1024

/* Texts are cut at their size. */
struct devdb_trace {
	const char *method; /* label of the method table */
	char traceparent[DEVDB_MAX_TRACEPARENT];
	char tracestate[DEVDB_MAX_TRACESTATE]; /* "" = none */
};

struct devdb_traces {
	pthread_mutex_t lock;
	struct devdb_trace ring[DEVDB_MAX_TRACES];
	uint64_t count; /* of all so far */
};

struct devdb_call;

void devdb_traces_init(struct devdb_traces *traces);
void devdb_traces_dispose(struct devdb_traces *traces);

/* Notes a call that starts, if it has a traceparent. */
void devdb_traces_note(struct devdb_traces *traces, const struct devdb_call *call);

/* Calls see() for each, the oldest first; under the lock. */
void devdb_traces_each(struct devdb_traces *traces,
    void (*see)(void *context, const struct devdb_trace *trace), void *context);

#endif
