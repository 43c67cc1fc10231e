/* SPDX-License-Identifier: Apache-2.0 */
/* Server features: what a server lists, in its order and with its lower-case names.
 * Most of it has nothing to do with writing and is not served here: such a call is
 * unimplemented, as it is on a server that lacks the plugin. A method that a fault hides
 * is left out. Owns nothing. */
#include "devdb/methods.h"

#include "devdb/faults.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/refusals.h"
#include "devdb/unary.h"

#include "proto/server_features.pb-c.h"

#include <stddef.h>

#define METHOD EventStore__Client__ServerFeatures__SupportedMethod

/* protobuf-c wants texts that could be changed. */
static char all_feature[] = "all";
static char deadline_feature[] = "deadline_duration";
static char events_feature[] = "events";
static char position_feature[] = "position";
static char stream_feature[] = "stream";
static char *target_features[] = {stream_feature, all_feature};
static char *read_features[] = {position_feature, events_feature};
static char *batch_features[] = {deadline_feature};

static char persistent[] =
    "event_store.client.persistent_subscriptions.persistentsubscriptions";
static char users[] = "event_store.client.users.users";
static char streams[] = "event_store.client.streams.streams";
static char streams_v2[] = "kurrentdb.protocol.v2.streams.streamsservice";
static char operations[] = "event_store.client.operations.operations";
static char gossip[] = "event_store.client.gossip.gossip";
static char monitoring[] = "event_store.client.monitoring.monitoring";
static char server_features[] = "event_store.client.server_features.serverfeatures";

struct row {
	char *service;
	char method[32];
	char **features;
	size_t feature_count;
	const struct devdb_method *served; /* NULL: not served here */
};

static struct row rows[] = {
    {streams_v2, "appendsession", NULL, 0, &devdb_v2_append_session},
    {streams_v2, "appendrecords", NULL, 0, &devdb_v2_append_records},
    {persistent, "create", target_features, 2, NULL},
    {persistent, "update", target_features, 2, NULL},
    {persistent, "delete", target_features, 2, NULL},
    {persistent, "read", target_features, 2, NULL},
    {persistent, "getinfo", target_features, 2, NULL},
    {persistent, "replayparked", target_features, 2, NULL},
    {persistent, "list", target_features, 2, NULL},
    {persistent, "restartsubsystem", target_features, 2, NULL},
    {users, "create", NULL, 0, &devdb_users_create},
    {users, "update", NULL, 0, NULL},
    {users, "delete", NULL, 0, NULL},
    {users, "disable", NULL, 0, &devdb_users_disable},
    {users, "enable", NULL, 0, NULL},
    {users, "details", NULL, 0, NULL},
    {users, "changepassword", NULL, 0, NULL},
    {users, "resetpassword", NULL, 0, NULL},
    {streams, "read", read_features, 2, &devdb_read},
    {streams, "append", NULL, 0, &devdb_append},
    {streams, "delete", NULL, 0, &devdb_delete},
    {streams, "tombstone", NULL, 0, &devdb_tombstone},
    {streams, "batchappend", batch_features, 1, &devdb_batch_append},
    {operations, "startscavenge", NULL, 0, NULL},
    {operations, "stopscavenge", NULL, 0, NULL},
    {operations, "shutdown", NULL, 0, NULL},
    {operations, "mergeindexes", NULL, 0, NULL},
    {operations, "resignnode", NULL, 0, NULL},
    {operations, "setnodepriority", NULL, 0, NULL},
    {operations, "restartpersistentsubscriptions", NULL, 0, NULL},
    {gossip, "read", NULL, 0, &devdb_gossip},
    {monitoring, "stats", NULL, 0, NULL},
    {server_features, "getsupportedmethods", NULL, 0, &devdb_server_features},
};

/* The service's name, and its place, depend on the version. */
static struct row redaction_rows[] = {
    {NULL, "geteventpositions", NULL, 0, NULL},
    {NULL, "switchchunks", NULL, 0, NULL},
};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define ROW_COUNT (COUNT(rows) + COUNT(redaction_rows))

struct list {
	METHOD methods[ROW_COUNT];
	METHOD *pointers[ROW_COUNT];
	size_t count;
};

static bool
is_listed(const struct devdb_node *node, const struct row *row)
{
	return !row->served ||
	       (devdb_methods_has(node->options->emulation, row->served) &&
		   !devdb_faults_hides(node->faults, row->served->label));
}

static void
put(struct list *list, const struct devdb_node *node, struct row *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		METHOD *out = &list->methods[list->count];

		if (!is_listed(node, &from[i]))
			continue;
		*out =
		    (METHOD)EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHOD__INIT;
		out->method_name = from[i].method;
		out->service_name =
		    from[i].service ? from[i].service
				    : (char *)node->options->emulation->redaction_service;
		out->n_features = from[i].feature_count;
		out->features = from[i].features;
		list->pointers[list->count++] = out;
	}
}

static void
send_features(struct devdb_call *call)
{
	const struct devdb_emulation *emulation = call->node->options->emulation;
	struct list list = {.count = 0};
	EventStore__Client__ServerFeatures__SupportedMethods answer =
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHODS__INIT;

	if (emulation->lists_redaction_first)
		put(&list, call->node, redaction_rows, COUNT(redaction_rows));
	put(&list, call->node, rows, COUNT(rows));
	if (!emulation->lists_redaction_first)
		put(&list, call->node, redaction_rows, COUNT(redaction_rows));
	answer.methods = list.pointers;
	answer.n_methods = list.count;
	answer.event_store_server_version = (char *)emulation->version;
	devdb_call_send(call, devdb_wire_pack(&answer.base));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
}

static void
half_close(struct devdb_call *call)
{
	if (devdb_unary_request(call) &&
	    !devdb_refuse_request(call, (struct devdb_name){NULL, 0}, false))
		send_features(call);
}

const struct devdb_method devdb_server_features = {
    .service = "event_store.client.server_features.ServerFeatures",
    .name = "GetSupportedMethods",
    .label = "ServerFeatures",
    .max_message_bytes = DEVDB_MAX_MESSAGE_BYTES,
    .start = devdb_unary_start,
    .message = devdb_unary_message,
    .half_close = half_close,
    .end = devdb_unary_end,
};
