/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_TRACE_CONTEXT_H
#define KG_TRACE_CONTEXT_H

#include "client-core/operations.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The trace that a request is part of (W3C Trace Context, Recommendation of 2021;
 * api-design 13.1): read from its headers, and written for what is sent on. Pure, but for
 * ids, which are random.
 */

enum {
	KG_TRACE_ID_LEN = 32,
	KG_TRACEPARENT_LEN = 55,
	KG_TRACESTATE_MEMBERS_MAX = 32,
	KG_TRACESTATE_MAX = 512,
};

struct kg_trace_context {
	char trace_id[KG_TRACE_ID_LEN + 1];
	bool is_sampled;
	/* To be sent on: the same trace, with a parent id of our own; "": the trace begins
	 * here, so nobody asked for it to be sent on. */
	char traceparent[KG_TRACEPARENT_LEN + 1];
	char *tracestate; /* owned; NULL: none */
};

/* A trace that begins here. */
void kg_trace_context_begin(struct kg_trace_context *trace);

/* Continues the trace that the value of a traceparent names. False: it is not valid, and
 * *trace is untouched. Versions after 00 are read as far as 00 goes; of the flags only
 * "sampled" is known and goes on. */
bool kg_trace_context_continue(
    struct kg_trace_context *trace, const char *traceparent, size_t len);

/* The entries of tracestate, spans into the values of all its lines. */
struct kg_tracestate {
	struct kdb_bytes members[KG_TRACESTATE_MEMBERS_MAX];
	size_t count;
	bool is_broken; /* nothing of it is sent on */
};

/* Adds the entries of one line, in order; begin with all zero. */
void kg_tracestate_add(struct kg_tracestate *state, const char *value, size_t len);

/* The entries as one value of at most KG_TRACESTATE_MAX bytes: where that is too little,
 * those of more than 128 bytes go first, then the last ones, as the Recommendation says.
 * NULL: none is left. The caller frees it. */
char *kg_tracestate_print(const struct kg_tracestate *state);

void kg_trace_context_dispose(struct kg_trace_context *trace);

#endif
