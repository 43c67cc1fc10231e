/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of connections by what they wait for. Owns nothing. */
#include "daemon/phase.h"

#include "client-core/base/clock.h"

#include <stddef.h>

void
kg_phases_init(struct kg_phases *phases, const struct kg_config *config)
{
	for (int phase = 0; phase < KG_PHASE_COUNT; phase++)
		kdb_list_init(&phases->lists[phase]);
	phases->lengths_ns[KG_PHASE_HEAD] = config->header_timeout_ns;
	phases->lengths_ns[KG_PHASE_BODY_GRACE] = config->body_grace_ns;
	phases->lengths_ns[KG_PHASE_BODY_PACE] = config->body_grace_ns > KDB_NS_PER_SECOND
						     ? config->body_grace_ns
						     : KDB_NS_PER_SECOND;
	phases->lengths_ns[KG_PHASE_SENDING] = config->idle_timeout_ns;
	phases->lengths_ns[KG_PHASE_IDLE] = config->idle_timeout_ns;
}

void
kg_phase_enter(struct kg_phases *phases, struct kg_phase_entry *entry,
    enum kg_phase phase, int64_t now_mono_ns)
{
	kdb_list_init(&entry->link);
	entry->phase = phase;
	kg_phase_set(phases, entry, phase, now_mono_ns);
}

void
kg_phase_set(struct kg_phases *phases, struct kg_phase_entry *entry, enum kg_phase phase,
    int64_t now_mono_ns)
{
	if (entry->phase == KG_PHASE_CLOSING)
		return;
	kdb_list_remove(&entry->link);
	entry->phase = phase;
	if (phase >= KG_PHASE_COUNT)
		return;
	entry->due_mono_ns = now_mono_ns + phases->lengths_ns[phase];
	kdb_list_push_back(&phases->lists[phase], &entry->link);
}

void
kg_phase_leave(struct kg_phase_entry *entry)
{
	kdb_list_remove(&entry->link);
}

struct kg_phase_entry *
kg_phase_first(const struct kg_phases *phases, enum kg_phase phase)
{
	const struct kdb_list *list = &phases->lists[phase];

	return kdb_list_is_empty(list)
		   ? NULL
		   : KDB_LIST_ITEM(list->next, struct kg_phase_entry, link);
}

struct kg_phase_entry *
kg_phases_expired(const struct kg_phases *phases, int64_t now_mono_ns)
{
	for (int phase = 0; phase < KG_PHASE_COUNT; phase++) {
		struct kg_phase_entry *first =
		    kg_phase_first(phases, (enum kg_phase)phase);

		if (first != NULL && first->due_mono_ns <= now_mono_ns)
			return first;
	}
	return NULL;
}

int64_t
kg_phases_next_due(const struct kg_phases *phases)
{
	int64_t due = INT64_MAX;

	for (int phase = 0; phase < KG_PHASE_COUNT; phase++) {
		const struct kg_phase_entry *first =
		    kg_phase_first(phases, (enum kg_phase)phase);

		if (first != NULL && first->due_mono_ns < due)
			due = first->due_mono_ns;
	}
	return due;
}
