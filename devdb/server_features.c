/* SPDX-License-Identifier: Apache-2.0 */
/* Server features: what a server 26.1 lists, in its order and with its lower-case names.
 * Most of it has nothing to do with writing and is not served here: such a call is
 * unimplemented, as it is on a server that lacks the plugin. A method that a fault hides
 * is left out. Owns nothing. */
#include "devdb/methods.h"

#include "devdb/faults.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/unary.h"

#include "proto/server_features.pb-c.h"

#include <stddef.h>

/* protobuf-c wants texts that could be changed. */
static char server_version[] = "26.1.0";

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
static char redaction[] = "kurrent.client.redaction.redaction";

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
    {users, "create", NULL, 0, NULL},
    {users, "update", NULL, 0, NULL},
    {users, "delete", NULL, 0, NULL},
    {users, "disable", NULL, 0, NULL},
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
    {redaction, "geteventpositions", NULL, 0, NULL},
    {redaction, "switchchunks", NULL, 0, NULL},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void
describe(EventStore__Client__ServerFeatures__SupportedMethod *out, struct row *row)
{
	*out = (EventStore__Client__ServerFeatures__SupportedMethod)
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHOD__INIT;
	out->method_name = row->method;
	out->service_name = row->service;
	out->n_features = row->feature_count;
	out->features = row->features;
}

static void
send_features(struct devdb_call *call)
{
	EventStore__Client__ServerFeatures__SupportedMethod methods[ROW_COUNT];
	EventStore__Client__ServerFeatures__SupportedMethod *list[ROW_COUNT];
	EventStore__Client__ServerFeatures__SupportedMethods answer =
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHODS__INIT;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].served &&
		    devdb_faults_hides(call->node->faults, rows[i].served->label))
			continue;
		describe(&methods[answer.n_methods], &rows[i]);
		list[answer.n_methods] = &methods[answer.n_methods];
		answer.n_methods++;
	}
	answer.methods = list;
	answer.event_store_server_version = server_version;
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
