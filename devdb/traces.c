/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of what the last calls said of their traces. Owns its lock. */
#include "devdb/traces.h"

#include "devdb/call.h"

#include <string.h>

void
devdb_traces_init(struct devdb_traces *traces)
{
	pthread_mutex_init(&traces->lock, NULL);
	traces->count = 0;
}

void
devdb_traces_dispose(struct devdb_traces *traces)
{
	pthread_mutex_destroy(&traces->lock);
}

static void
copy_header(const struct devdb_call *call, const char *key, char *out, size_t size)
{
	const char *value;
	size_t len;

	out[0] = '\0';
	if (!devdb_call_header(call, key, &value, &len))
		return;
	if (len >= size)
		len = size - 1;
	memcpy(out, value, len);
	out[len] = '\0';
}

void
devdb_traces_note(struct devdb_traces *traces, const struct devdb_call *call)
{
	struct devdb_trace *trace;
	const char *value;
	size_t len;

	if (!devdb_call_header(call, "traceparent", &value, &len))
		return;
	pthread_mutex_lock(&traces->lock);
	trace = &traces->ring[traces->count++ % DEVDB_MAX_TRACES];
	trace->method = call->method->label;
	copy_header(call, "traceparent", trace->traceparent, sizeof trace->traceparent);
	copy_header(call, "tracestate", trace->tracestate, sizeof trace->tracestate);
	pthread_mutex_unlock(&traces->lock);
}

void
devdb_traces_each(struct devdb_traces *traces,
    void (*see)(void *context, const struct devdb_trace *trace), void *context)
{
	uint64_t first = 0;

	pthread_mutex_lock(&traces->lock);
	if (traces->count > DEVDB_MAX_TRACES)
		first = traces->count - DEVDB_MAX_TRACES;
	for (uint64_t i = first; i < traces->count; i++)
		see(context, &traces->ring[i % DEVDB_MAX_TRACES]);
	pthread_mutex_unlock(&traces->lock);
}
