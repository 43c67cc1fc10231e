/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a stop. Owns nothing. */
#include "daemon/drain.h"

#include "client-core/base/clock.h"

/* Connections are closed when nothing has come in for so long. */
static const int64_t quiet_ns = 100 * KDB_NS_PER_MS;

void
kg_drain_begin(struct kg_drain *drain, int64_t now_mono_ns, int64_t timeout_ns)
{
	if (drain->stage != KG_DRAIN_NO) {
		drain->stage = KG_DRAIN_DONE;
		return;
	}
	drain->stage = KG_DRAIN_REQUESTS;
	drain->due_mono_ns = now_mono_ns + timeout_ns;
}

bool
kg_drain_advance(struct kg_drain *drain, const struct kg_drain_view *view)
{
	bool is_over = view->now_mono_ns >= drain->due_mono_ns;
	bool is_quiet =
	    !view->is_sending && view->now_mono_ns - drain->last_mono_ns >= quiet_ns;

	if (drain->stage == KG_DRAIN_REQUESTS && (view->request_count == 0 || is_over)) {
		drain->stage = KG_DRAIN_QUIET;
		drain->last_mono_ns = view->now_mono_ns;
		return true;
	}
	if (drain->stage == KG_DRAIN_QUIET &&
	    (view->connection_count == 0 || is_over || is_quiet))
		drain->stage = KG_DRAIN_DONE;
	return false;
}

int64_t
kg_drain_next_due(const struct kg_drain *drain, bool is_sending)
{
	int64_t quiet_mono_ns = drain->last_mono_ns + quiet_ns;

	if (drain->stage == KG_DRAIN_NO)
		return INT64_MAX;
	if (drain->stage == KG_DRAIN_QUIET && !is_sending &&
	    quiet_mono_ns < drain->due_mono_ns)
		return quiet_mono_ns;
	return drain->due_mono_ns;
}
