/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_PHASE_H
#define KG_PHASE_H

#include "client-core/base/list.h"
#include "daemon/config.h"

#include <stdint.h>

/*
 * What connections wait for, and until when (api-design 15.3). Every phase has one
 * length, so the list of those in it is in order of their deadlines: a look costs
 * nothing, and each that is due costs once. Pure; one thread.
 */
enum kg_phase {
	KG_PHASE_HEAD, /* from accept, or from a request line, to the end of the head */
	KG_PHASE_BODY_GRACE, /* a body that may still be slow */
	KG_PHASE_BODY_PACE,  /* a body whose pace is judged again and again */
	KG_PHASE_SENDING,    /* the peer takes its answer */
	KG_PHASE_IDLE,       /* between two requests */
	KG_PHASE_COUNT,
	/* Without a deadline: */
	KG_PHASE_BUSY = KG_PHASE_COUNT, /* we are at work */
	KG_PHASE_CLOSING,               /* shut down; never left again */
};

struct kg_phase_entry {
	struct kdb_list link;
	enum kg_phase phase;
	int64_t due_mono_ns;
};

struct kg_phases {
	struct kdb_list lists[KG_PHASE_COUNT];
	int64_t lengths_ns[KG_PHASE_COUNT];
};

void kg_phases_init(struct kg_phases *phases, const struct kg_config *config);

/* Makes an entry that is in no phase yet, and puts it into one. */
void kg_phase_enter(struct kg_phases *phases, struct kg_phase_entry *entry,
    enum kg_phase phase, int64_t now_mono_ns);

/* Moves the entry; its deadline begins anew. Does nothing to one that is closing. */
void kg_phase_set(struct kg_phases *phases, struct kg_phase_entry *entry,
    enum kg_phase phase, int64_t now_mono_ns);

/* Takes the entry out for good. */
void kg_phase_leave(struct kg_phase_entry *entry);

/* Who is longest in a phase; NULL: nobody. */
struct kg_phase_entry *kg_phase_first(
    const struct kg_phases *phases, enum kg_phase phase);

/* One whose deadline is over; NULL: none. The caller moves it, or gets it again. */
struct kg_phase_entry *kg_phases_expired(
    const struct kg_phases *phases, int64_t now_mono_ns);

/* The earliest deadline; INT64_MAX: there is none. */
int64_t kg_phases_next_due(const struct kg_phases *phases);

#endif
