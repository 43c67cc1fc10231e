/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_DIAGNOSIS_H
#define KDB_DIAGNOSIS_H

#include "client-core/topology.h"
#include "client-core/trust.h"

#include <stdint.h>

/*
 * Finds out in the background why nodes cannot be reached over TLS (handshake.h): one node at a
 * time, each again after some seconds at the earliest. What was found is told until then. All
 * of it on one thread, none of it blocks.
 */
struct kdb_diagnosis;

/* trust is borrowed until the end. */
struct kdb_diagnosis *kdb_diagnosis_new(struct kdb_trust *trust);

/* Ends the look that is under way; at most the resolution of a name outlives this. */
void kdb_diagnosis_free(struct kdb_diagnosis *diagnosis);

/* The endpoint could not be reached: the cause as text for people, valid until the next call;
 * NULL while none is known. Begins a look when one is due. */
const char *kdb_diagnosis_find(struct kdb_diagnosis *diagnosis,
    const struct kdb_endpoint *endpoint, int64_t now_mono_ns);

/* Takes what a look has found that ended since the last call of this or of
 * kdb_diagnosis_find(): the cause as above and its endpoint; NULL: nothing. */
const char *kdb_diagnosis_take(
    struct kdb_diagnosis *diagnosis, struct kdb_endpoint *endpoint, int64_t now_mono_ns);

/* The endpoint was reached. */
void kdb_diagnosis_forget(
    struct kdb_diagnosis *diagnosis, const struct kdb_endpoint *endpoint);

#endif
