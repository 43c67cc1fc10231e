/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_NODE_H
#define DEVDB_NODE_H

#include "devdb/guid.h"
#include "devdb/role.h"
#include "devdb/stats.h"
#include "devdb/timers.h"
#include "devdb/tls.h"
#include "devdb/traces.h"
#include "devdb/users.h"
#include "devdb/wire.h"

struct devdb_faults;
struct devdb_options;
struct devdb_store;

/*
 * What all calls share. store, users, timers and arena belong to the server's thread; role,
 * faults, stats and traces may be used by any thread.
 */
struct devdb_node {
	const struct devdb_options *options;
	struct devdb_store *store;
	struct devdb_users *users; /* NULL: nobody needs to say who it is */
	struct devdb_tls tls;
	struct devdb_timers timers;
	struct devdb_wire_arena arena;
	struct devdb_faults *faults;
	struct devdb_role role;
	struct devdb_stats stats;
	struct devdb_traces traces;
	struct devdb_guid instance_id;
	char *host; /* as gossip says it */
	int port;
};

#endif
