/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_ROLE_H
#define DEVDB_ROLE_H

#include <pthread.h>
#include <stdbool.h>

#define DEVDB_MAX_HOST 256

/* What the node says it is, and whom it calls its leader. Numbers are those of gossip's
 * VNodeState. */
struct devdb_role_view {
	int state;
	char leader_host[DEVDB_MAX_HOST]; /* "" = not known */
	int leader_port;
};

/* The current role; set by the admin port, read by the calls. */
struct devdb_role {
	pthread_mutex_t mutex;
	struct devdb_role_view view;
};

void devdb_role_init(struct devdb_role *role);
void devdb_role_dispose(struct devdb_role *role);
void devdb_role_set(struct devdb_role *role, const struct devdb_role_view *view);
struct devdb_role_view devdb_role_get(struct devdb_role *role);

/* Whether a node in that role carries out writes itself. */
bool devdb_role_takes_writes(const struct devdb_role_view *view);

/* The number of a state's name, letter case as in gossip, or -1; and the way back. */
int devdb_role_state_from_name(const char *name);
const char *devdb_role_state_name(int state);

#endif
