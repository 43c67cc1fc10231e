/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the development database reads of a request of the second generation. The input is
 * one AppendRequest. What is read has texts that are UTF-8, and a record's properties are
 * JSON, judged by the gateway's scanner, with no name twice; or hold a value without a
 * kind. Their size is that of the packed map.
 */
#include "daemon/json_scan.h"
#include "devdb/v2_decode.h"
#include "devdb/v2_properties.h"
#include "devdb/v2_text.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST Kurrentdb__Protocol__V2__Streams__AppendRequest
#define RECORD Kurrentdb__Protocol__V2__Streams__AppendRecord
#define MAX_NAMES 64

static void
check_names(const Google__Protobuf__Struct *map)
{
	for (size_t i = 0; i < map->n_fields && i < MAX_NAMES; i++) {
		ProtobufCBinaryData name = map->fields[i]->key;

		require(fuzz_is_utf8(name.data, name.len));
		for (size_t other = 0; other < i; other++) {
			ProtobufCBinaryData earlier = map->fields[other]->key;

			require(name.len != earlier.len ||
				memcmp(name.data, earlier.data, name.len) != 0);
		}
	}
}

static void
check_properties(const RECORD *record)
{
	struct devdb_v2_properties properties;
	struct kdb_buffer json;
	uint8_t *packed;
	size_t size;

	devdb_v2_properties_init(&properties, record);
	check_names(&properties.map);
	size = devdb_v2_properties_size(&properties);
	packed = malloc(size + 1);
	require(packed != NULL);
	require(protobuf_c_message_pack(&properties.map.base, packed) == size);
	free(packed);
	kdb_buffer_init(&json, 16 * size + 16);
	if (devdb_v2_properties_print(&properties, &json)) {
		require(!json.is_overflowed);
		require(kg_json_is_valid(json.data, json.len, 100));
	}
	kdb_buffer_dispose(&json);
	devdb_v2_properties_dispose(&properties);
}

static void
check_name(ProtobufCBinaryData name)
{
	struct kdb_buffer folded;
	struct kdb_buffer again;

	require(fuzz_is_utf8(name.data, name.len));
	kdb_buffer_init(&folded, 3 * name.len);
	devdb_v2_text_fold(&folded, name.data, name.len);
	require(!folded.is_overflowed);
	kdb_buffer_init(&again, folded.len);
	devdb_v2_text_fold(&again, (const uint8_t *)folded.data, folded.len);
	require(again.len == folded.len);
	require(
	    folded.len == 0 || memcmp(again.data, folded.data, folded.len) == 0);
	require(!devdb_v2_text_is_schema_name(name.data, name.len) ||
		!devdb_v2_text_is_blank(name.data, name.len));
	devdb_v2_text_is_nfc(name.data, name.len);
	kdb_buffer_dispose(&folded);
	kdb_buffer_dispose(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct devdb_wire_arena arena;
	const REQUEST *request;

	devdb_wire_arena_init(&arena);
	request = devdb_v2_decode(&arena,
	    &kurrentdb__protocol__v2__streams__append_request__descriptor, bytes, len);
	if (request) {
		check_name(request->stream);
		for (size_t i = 0; i < request->n_records; i++) {
			check_properties(request->records[i]);
			if (request->records[i]->schema)
				check_name(request->records[i]->schema->name);
		}
	}
	devdb_wire_arena_dispose(&arena);
	return 0;
}
