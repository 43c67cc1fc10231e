/* SPDX-License-Identifier: Apache-2.0 */
/* SupportedMethods to the few questions a writer has. Names come in lower case. */
#include "client-core/features.h"

#include "client-core/base/alloc.h"
#include "client-core/base/arena.h"

#include "proto/server_features.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARENA_BYTES = 1024 * 1024 };

static void
read_method(const EventStore__Client__ServerFeatures__SupportedMethod *method,
    struct kdb_features *features)
{
	static const char v1[] = "event_store.client.streams.streams";
	static const char v2[] = "kurrentdb.protocol.v2.streams.streamsservice";

	if (!method->service_name || !method->method_name)
		return;
	if (strcasecmp(method->service_name, v1) == 0) {
		if (strcasecmp(method->method_name, "batchappend") == 0)
			features->has_append = true;
	} else if (strcasecmp(method->service_name, v2) == 0) {
		if (strcasecmp(method->method_name, "appendsession") == 0)
			features->has_multi_append = true;
		else if (strcasecmp(method->method_name, "appendrecords") == 0)
			features->has_append_records = true;
	}
}

static void
copy_version(char *out, size_t size, const char *version)
{
	size_t len = 0;

	for (; version && version[len] && len + 1 < size; len++)
		out[len] = version[len] > 0x20 && version[len] < 0x7f ? version[len] : '?';
	out[len] = 0;
}

bool
kdb_features_read(const uint8_t *bytes, size_t len, struct kdb_features *features)
{
	struct kdb_arena arena = { kdb_alloc(ARENA_BYTES), ARENA_BYTES, 0 };
	ProtobufCAllocator allocator = { kdb_arena_alloc, kdb_arena_free, &arena };
	EventStore__Client__ServerFeatures__SupportedMethods *methods =
	    event_store__client__server_features__supported_methods__unpack(
		&allocator, len, bytes);

	*features = (struct kdb_features){ 0 };
	if (methods) {
		for (size_t i = 0; i < methods->n_methods; i++)
			read_method(methods->methods[i], features);
		copy_version(features->server_version, sizeof features->server_version,
		    methods->event_store_server_version);
	}
	free(arena.memory);
	return methods != NULL;
}
