/* SPDX-License-Identifier: Apache-2.0 */
/* Users.Create and Users.Disable, for tests that make the users they need. Other methods
 * of the service are not served. Owns nothing; the users are the node's. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/unary.h"

#include "proto/users.pb-c.h"

#include <stdlib.h>

static struct devdb_text_view
view_of(ProtobufCBinaryData bytes)
{
	return (struct devdb_text_view){(const char *)bytes.data, bytes.len};
}

/* True, and the call ends, where there are no users or the caller may not make any. */
static bool
refuse_caller(struct devdb_call *call)
{
	if (!call->node->users) {
		devdb_call_finish(call, GRPC_STATUS_UNIMPLEMENTED,
		    "kurrentgate-devdb has no users without --user.", NULL, 0);
		return true;
	}
	if (call->identity.kind == DEVDB_IDENTITY_USER &&
	    devdb_user_is_administrator(call->identity.user))
		return false;
	devdb_refuse_access(call);
	return true;
}

static void
finish(struct devdb_call *call, const ProtobufCMessage *response)
{
	devdb_call_send(call, devdb_wire_pack(response));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

/* --- Create --- */

static void
create(
    struct devdb_call *call, const EventStore__Client__Users__CreateReq__Options *options)
{
	EventStore__Client__Users__CreateResp response =
	    EVENT_STORE__CLIENT__USERS__CREATE_RESP__INIT;
	struct devdb_text_view *groups =
	    kdb_alloc_zero(options->n_groups, sizeof *groups);
	bool is_added;

	for (size_t i = 0; i < options->n_groups; i++)
		groups[i] = view_of(options->groups[i]);
	is_added = devdb_users_add(call->node->users, view_of(options->login_name),
	    view_of(options->password), groups, options->n_groups);
	free(groups);
	if (is_added)
		finish(call, &response.base);
	else
		devdb_call_finish(call, GRPC_STATUS_FAILED_PRECONDITION,
		    "The user exists, or has no name, a colon in it, or no password.",
		    NULL, 0);
}

static void
half_close_create(struct devdb_call *call)
{
	const struct devdb_unary *unary = devdb_unary_request(call);
	const EventStore__Client__Users__CreateReq *request;

	if (!unary || refuse_caller(call))
		return;
	request = devdb_wire_unpack(&call->node->arena,
	    &event_store__client__users__create_req__descriptor, unary->bytes,
	    unary->len);
	if (request && request->options)
		create(call, request->options);
	else
		devdb_refuse_handler(call);
}

/* --- Disable --- */

static void
disable(struct devdb_call *call, struct devdb_text_view name)
{
	EventStore__Client__Users__DisableResp response =
	    EVENT_STORE__CLIENT__USERS__DISABLE_RESP__INIT;
	struct devdb_user *user = devdb_users_find(call->node->users, name);

	if (!user) {
		devdb_call_finish(
		    call, GRPC_STATUS_NOT_FOUND, "There is no such user.", NULL, 0);
		return;
	}
	user->is_disabled = true;
	finish(call, &response.base);
}

static void
half_close_disable(struct devdb_call *call)
{
	const struct devdb_unary *unary = devdb_unary_request(call);
	const EventStore__Client__Users__DisableReq *request;

	if (!unary || refuse_caller(call))
		return;
	request = devdb_wire_unpack(&call->node->arena,
	    &event_store__client__users__disable_req__descriptor, unary->bytes,
	    unary->len);
	if (request && request->options)
		disable(call, view_of(request->options->login_name));
	else
		devdb_refuse_handler(call);
}

const struct devdb_method devdb_users_create = {
    .service = "event_store.client.users.Users",
    .name = "Create",
    .label = "UsersCreate",
    .max_message_bytes = DEVDB_MAX_MESSAGE_BYTES,
    .start = devdb_unary_start,
    .message = devdb_unary_message,
    .half_close = half_close_create,
    .end = devdb_unary_end,
};

const struct devdb_method devdb_users_disable = {
    .service = "event_store.client.users.Users",
    .name = "Disable",
    .label = "UsersDisable",
    .max_message_bytes = DEVDB_MAX_MESSAGE_BYTES,
    .start = devdb_unary_start,
    .message = devdb_unary_message,
    .half_close = half_close_disable,
    .end = devdb_unary_end,
};
