/* SPDX-License-Identifier: Apache-2.0 */
/* The table of versions; see emulation.h. Owns nothing. */
#include "devdb/emulation.h"

#include <string.h>

#define MIB ((size_t)1 << 20)
/* What older servers say where there is no limit. */
#define NO_EVENT_LIMIT ((size_t)0x7fffffff)

#define REDACTION "kurrent.client.redaction.redaction"
#define OLD_REDACTION "event_store.client.redaction.redaction"

#define UNKNOWN_SERVICE "Service is unimplemented."
/* The server answers with HTTP 404 and no gRPC status. C core cannot send that; this is
 * what its client makes of it. */
#define UNKNOWN_SERVICE_HTTP "Received http2 header with status: 404"

#define READ_OF_NOTHING "Unexpected ReadStreamResult: Error"
#define READ_OF_NOTHING_EXPLAINED                                                        \
	READ_OF_NOTHING " >> maxCount should be positive. (Parameter 'maxCount')"

#define NO_UUID_OPTION                                                                   \
	"'uuidOption' is a required argument of type "                                   \
	"EventStore.Client.Streams.ReadReq+Types+Options+Types+UUIDOption"

#define NO_KEY "The given key was not present in the dictionary."
#define OUT_OF_RANGE                                                                     \
	"Specified argument was out of the range of valid values. (Parameter "           \
	"'eventStreamId')"

static const struct devdb_emulation versions[] = {
    {
	.name = "26.1",
	.version = "26.1.0",
	.has_append_session = true,
	.has_append_records = true,
	.redaction_service = REDACTION,
	.unknown_service = UNKNOWN_SERVICE,
	.max_append_bytes = 256 * MIB,
	.max_append_event_bytes = 16 * MIB,
	.read_of_nothing = READ_OF_NOTHING_EXPLAINED,
	.read_without_uuid_option = NO_UUID_OPTION,
	.stream_twice =
	    "already has a different group of messages in this session. Appends for the "
	    "same stream must currently be grouped together and not interleaved with "
	    "appends for other streams.",
	.schema_name_field = "Schema.Name",
	.empty_schema_name = "Schema name must not be empty",
	.bad_schema_name =
	    "Schema name can only contain unicode letters, digits, underscores, dashes, "
	    "periods, colons, and dollar signs. Attempted Value: ",
    },
    {
	.name = "25.1",
	.version = "25.1.4",
	.has_append_session = true,
	.redaction_service = REDACTION,
	.unknown_service = UNKNOWN_SERVICE,
	.max_append_bytes = 256 * MIB,
	.max_append_event_bytes = 16 * MIB,
	.checks_empty_writes = true,
	.read_of_nothing = READ_OF_NOTHING_EXPLAINED,
	.read_without_uuid_option = NO_UUID_OPTION,
	.omits_revision_zero = true,
	.fails_at_partial_retry = true,
	.names_tombstoned_stream = true,
	.ignores_stream_of_record = true,
	.has_ascii_schema_names = true,
	.stream_twice =
	    "is already part of this append session. Appending to the same stream "
	    "multiple times is currently not supported.",
	.schema_name_field = "Schema.Name.Schema name",
	.empty_schema_name = "Schema name must not be empty.",
	.bad_schema_name =
	    "Schema name can only contain alphanumeric characters, underscores, dashes, "
	    "periods, colons, and dollar signs. Attempted Value: ",
    },
    {
	.name = "24.10",
	.version = "24.10.14",
	.redaction_service = OLD_REDACTION,
	.unknown_service = UNKNOWN_SERVICE,
	.max_append_bytes = MIB,
	.max_append_event_bytes = NO_EVENT_LIMIT,
	.checks_empty_writes = true,
	.batch_missing_property = NO_KEY,
	.batch_bad_stream = OUT_OF_RANGE,
	.batch_empty_stream = OUT_OF_RANGE,
	.read_of_nothing = READ_OF_NOTHING,
	.read_without_uuid_option = "",
    },
    {
	.name = "23.10",
	.version = "23.10.8",
	.lists_redaction_first = true,
	.redaction_service = OLD_REDACTION,
	.unknown_service = UNKNOWN_SERVICE_HTTP,
	.max_append_bytes = MIB,
	.max_append_event_bytes = NO_EVENT_LIMIT,
	.counts_data_alone = true,
	.checks_empty_writes = true,
	.batch_missing_property = NO_KEY,
	.batch_bad_stream = OUT_OF_RANGE,
	.batch_empty_stream = "Value cannot be null. (Parameter 'value')",
	.read_of_nothing = READ_OF_NOTHING,
    },
};

const struct devdb_emulation *const devdb_emulation_default = &versions[0];

const struct devdb_emulation *
devdb_emulation_find(const char *name)
{
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		if (strcmp(name, versions[i].name) == 0)
			return &versions[i];
	}
	return NULL;
}
