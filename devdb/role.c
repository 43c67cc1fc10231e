/* SPDX-License-Identifier: Apache-2.0 */
/* The role that a node plays, changed from outside at any time. Owns its mutex. */
#include "devdb/role.h"

#include "proto/gossip.pb-c.h"

#include <string.h>

#define LEADER EVENT_STORE__CLIENT__GOSSIP__MEMBER_INFO__VNODE_STATE__Leader

void
devdb_role_init(struct devdb_role *role)
{
	*role = (struct devdb_role){.view.state = LEADER};
	pthread_mutex_init(&role->mutex, NULL);
}

void
devdb_role_dispose(struct devdb_role *role)
{
	pthread_mutex_destroy(&role->mutex);
}

void
devdb_role_set(struct devdb_role *role, const struct devdb_role_view *view)
{
	pthread_mutex_lock(&role->mutex);
	role->view = *view;
	pthread_mutex_unlock(&role->mutex);
}

struct devdb_role_view
devdb_role_get(struct devdb_role *role)
{
	struct devdb_role_view view;

	pthread_mutex_lock(&role->mutex);
	view = role->view;
	pthread_mutex_unlock(&role->mutex);
	return view;
}

bool
devdb_role_takes_writes(const struct devdb_role_view *view)
{
	return view->state == LEADER;
}

int
devdb_role_state_from_name(const char *name)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(
	    &event_store__client__gossip__member_info__vnode_state__descriptor, name);

	return value ? value->value : -1;
}

const char *
devdb_role_state_name(int state)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
	    &event_store__client__gossip__member_info__vnode_state__descriptor, state);

	return value ? value->name : "";
}
