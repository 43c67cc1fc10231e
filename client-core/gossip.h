/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_GOSSIP_H
#define KDB_GOSSIP_H

#include "client-core/topology.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The gossip answer a client may ask for (wire-protocol 1.5, 6.5). Pure. The request is the
 * empty message. */

#define KDB_GOSSIP_PATH "/event_store.client.gossip.Gossip/Read"

/* Reads ClusterInfo into at most KDB_MEMBERS_MAX members; members without a usable address are
 * left out. False: the bytes are none. */
bool kdb_gossip_read(const uint8_t *bytes, size_t len,
    struct kdb_member members[KDB_MEMBERS_MAX], size_t *member_count);

#endif
