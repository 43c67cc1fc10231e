/* SPDX-License-Identifier: Apache-2.0 */
/* Server features: the methods that this program serves, by the server's lower-case
 * names. A method that a fault hides is left out. Owns nothing. */
#include "devdb/methods.h"

#include "client-core/base/alloc.h"
#include "devdb/faults.h"
#include "devdb/node.h"
#include "devdb/refusals.h"
#include "devdb/unary.h"

#include "proto/server_features.pb-c.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* protobuf-c wants texts that could be changed. */
static char server_version[] = "26.1.0";

static char position_feature[] = "position";
static char events_feature[] = "events";
static char deadline_feature[] = "deadline_duration";
static char *read_features[] = {position_feature, events_feature};
static char *batch_features[] = {deadline_feature};

static char *
lower(const char *text)
{
	char *copy = kdb_alloc_text(text, strlen(text));

	for (char *at = copy; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return copy;
}

static void
describe(EventStore__Client__ServerFeatures__SupportedMethod *out,
    const struct devdb_method *method)
{
	*out = (EventStore__Client__ServerFeatures__SupportedMethod)
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHOD__INIT;
	out->method_name = lower(method->name);
	out->service_name = lower(method->service);
	if (method == &devdb_read) {
		out->n_features = sizeof read_features / sizeof read_features[0];
		out->features = read_features;
	} else if (method == &devdb_batch_append) {
		out->n_features = sizeof batch_features / sizeof batch_features[0];
		out->features = batch_features;
	}
}

static void
send_features(struct devdb_call *call)
{
	EventStore__Client__ServerFeatures__SupportedMethod methods[DEVDB_MAX_METHODS];
	EventStore__Client__ServerFeatures__SupportedMethod *list[DEVDB_MAX_METHODS];
	EventStore__Client__ServerFeatures__SupportedMethods answer =
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHODS__INIT;

	for (size_t i = 0; i < devdb_method_count; i++) {
		if (devdb_faults_hides(call->node->faults, devdb_methods[i]->label))
			continue;
		describe(&methods[answer.n_methods], devdb_methods[i]);
		list[answer.n_methods] = &methods[answer.n_methods];
		answer.n_methods++;
	}
	answer.methods = list;
	answer.event_store_server_version = server_version;
	devdb_call_send(call, devdb_wire_pack(&answer.base));
	devdb_call_finish(call, GRPC_STATUS_OK, "", NULL, 0);
	for (size_t i = 0; i < answer.n_methods; i++) {
		free(methods[i].method_name);
		free(methods[i].service_name);
	}
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
