/* SPDX-License-Identifier: Apache-2.0 */
/* From a record to an event: what the server adds, checks and counts (wire-protocol 3.4
 * to 3.6). Owns nothing. */
#include "devdb/v2_record.h"

#include "client-core/base/alloc.h"
#include "devdb/emulation.h"
#include "devdb/methods.h"
#include "devdb/node.h"
#include "devdb/options.h"
#include "devdb/refusals.h"
#include "devdb/text.h"
#include "devdb/v2_properties.h"
#include "devdb/v2_refusals.h"
#include "devdb/v2_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD Kurrentdb__Protocol__V2__Streams__AppendRecord
#define SCHEMA Kurrentdb__Protocol__V2__Streams__SchemaInfo
#define FORMAT(name) KURRENTDB__PROTOCOL__V2__STREAMS__SCHEMA_FORMAT__SCHEMA_FORMAT_##name

/* JSON takes more room than what it is made of, six bytes for one at most. */
#define MAX_JSON_BYTES ((size_t)8 * DEVDB_MAX_RECORD_BYTES)

#define MAX_ID_TEXT 256

static const char format_key[] = "$schema.format";
static const char id_key[] = "$schema.id";
static const char name_key[] = "$schema.name";

/* A record on its way; the values stand here because the properties borrow them. */
struct work {
	const RECORD *record;
	const SCHEMA *schema;
	struct devdb_v2_properties properties;
	struct devdb_guid id;
	char id_text[MAX_ID_TEXT];
	Google__Protobuf__Value format;
	Google__Protobuf__Value schema_id;
	Google__Protobuf__Value name;
};

static int
format_of(const SCHEMA *schema)
{
	return schema->has_format ? (int)schema->format : FORMAT(UNSPECIFIED);
}

/* As the server prints its enumeration. */
static const char *
format_name(int format)
{
	switch (format) {
	case FORMAT(UNSPECIFIED):
		return "Unspecified";
	case FORMAT(JSON):
		return "Json";
	case FORMAT(PROTOBUF):
		return "Protobuf";
	case FORMAT(AVRO):
		return "Avro";
	case FORMAT(BYTES):
		return "Bytes";
	default:
		return NULL;
	}
}

static Google__Protobuf__Value
text_value(const char *text)
{
	return devdb_v2_properties_text(text, strlen(text));
}

/* False where the server's own property meets one of the record. */
static bool
add_schema(struct work *work)
{
	int format = format_of(work->schema);
	const char *name = format_name(format);

	work->format = text_value(name ? name : "");
	work->schema_id = devdb_v2_properties_text(
	    work->schema->id.data, work->schema->has_id ? work->schema->id.len : 0);
	if (format != FORMAT(JSON) &&
	    !devdb_v2_properties_add(&work->properties, format_key, &work->format))
		return false;
	return !work->schema->has_id ||
	       devdb_v2_properties_add(&work->properties, id_key, &work->schema_id);
}

/* --- validation --- */

void
devdb_v2_check_stream(struct devdb_v2_complaints *complaints, const char *path,
    const uint8_t *name, size_t len)
{
	struct devdb_v2_complaint *complaint = NULL;

	if (devdb_v2_text_is_blank(name, len))
		complaint =
		    devdb_v2_complain(complaints, path, "Stream must not be empty.");
	else if (len == 2 && memcmp(name, "$$", 2) == 0)
		complaint =
		    devdb_v2_complain(complaints, path, "Stream must not be '$$'.");
	if (complaint)
		kdb_buffer_put_text(&complaint->field, "Stream.Stream");
}

static bool
is_guid(const ProtobufCBinaryData *text, struct devdb_guid *guid)
{
	return devdb_guid_parse(text->data, text->len, guid) && !devdb_guid_is_nil(guid);
}

static void
check_format(struct devdb_v2_complaints *complaints, int format)
{
	static const char field[] = "Schema.Format.Schema format";

	if (format == FORMAT(UNSPECIFIED))
		devdb_v2_complain(
		    complaints, field, "Schema format must not be Unspecified.");
	else if (!format_name(format))
		devdb_v2_complain(complaints, field,
		    "Schema format must be one of Json, Protobuf or Bytes.");
}

static bool
is_name(const struct devdb_emulation *emulation, const ProtobufCBinaryData *name)
{
	return devdb_v2_text_is_schema_name(name->data, name->len) &&
	       (!emulation->has_ascii_schema_names ||
		   devdb_v2_text_is_ascii(name->data, name->len));
}

static void
check_name(struct devdb_v2_complaints *complaints,
    const struct devdb_emulation *emulation, const ProtobufCBinaryData *name)
{
	const char *field = emulation->schema_name_field;
	struct devdb_v2_complaint *complaint;

	if (devdb_v2_text_is_blank(name->data, name->len))
		devdb_v2_complain(complaints, field, emulation->empty_schema_name);
	if (!emulation->has_ascii_schema_names &&
	    !devdb_v2_text_is_nfc(name->data, name->len))
		devdb_v2_complain(complaints, field,
		    "Schema name must be in Unicode NFC (Normalization Form C)");
	if (is_name(emulation, name))
		return;
	complaint = devdb_v2_complain(complaints, field, emulation->bad_schema_name);
	kdb_buffer_put(&complaint->text, name->data, name->len);
}

static void
check_keys(struct devdb_v2_complaints *complaints, const Google__Protobuf__Struct *map)
{
	for (size_t i = 0; i < map->n_fields; i++) {
		struct devdb_v2_complaint *complaint;

		if (!devdb_v2_text_is_blank(
			map->fields[i]->key.data, map->fields[i]->key.len))
			continue;
		complaint =
		    devdb_v2_complain(complaints, "", "Property keys must not be empty.");
		kdb_buffer_put_printf(&complaint->field, "Properties[%zu].Key", i);
	}
}

static void
validate(struct devdb_v2_complaints *complaints, const struct devdb_emulation *emulation,
    struct work *work)
{
	const RECORD *record = work->record;
	struct devdb_guid schema_id;

	if (record->has_record_id && !is_guid(&record->record_id, &work->id))
		devdb_v2_complain(complaints, "RecordId.Record ID",
		    "Record ID must be a valid and non-empty UUID.");
	check_format(complaints, format_of(work->schema));
	check_name(complaints, emulation, &work->schema->name);
	if (work->schema->has_id && !is_guid(&work->schema->id, &schema_id))
		devdb_v2_complain(complaints, "Schema.Id.Schema ID",
		    "Schema ID must be a valid and non-empty UUID");
	check_keys(complaints, &work->properties.map);
	if (record->has_stream && !emulation->ignores_stream_of_record)
		devdb_v2_check_stream(
		    complaints, "", record->stream.data, record->stream.len);
}

/* --- size --- */

static void
refuse_size(struct devdb_call *call, struct work *work, struct devdb_name stream,
    uint64_t size, uint64_t max_size)
{
	/* Said as it was sent; an id that the server made is a new one anyway. */
	if (work->record->has_record_id)
		snprintf(work->id_text, sizeof work->id_text, "%.*s",
		    (int)work->record->record_id.len,
		    (const char *)work->record->record_id.data);
	else
		devdb_guid_format(&work->id, work->id_text);
	devdb_v2_refuse_record_size(call, stream, work->id_text, size, max_size);
}

static bool
fits(struct devdb_call *call, struct devdb_v2_write *write, uint32_t part,
    struct work *work)
{
	const struct devdb_options *options = call->node->options;
	const ProtobufCBinaryData *name = &work->schema->name;
	uint64_t content =
	    work->record->data.len + devdb_v2_properties_size(&work->properties);
	uint64_t size = content + name->len;

	if (size > options->max_append_event_bytes) {
		refuse_size(call, work, write->parts[part].stream, size,
		    options->max_append_event_bytes);
		return false;
	}
	write->size_bytes += size;
	if (write->size_bytes > options->max_append_bytes) {
		devdb_v2_refuse_transaction_size(call, write->size_bytes,
		    options->max_append_bytes, write->event_count + 1);
		return false;
	}
	if (content + 2 * devdb_text_utf16_units(name->data, name->len) >
	    DEVDB_MAX_RECORD_BYTES) {
		devdb_refuse_handler(call);
		return false;
	}
	return true;
}

/* --- the event --- */

static bool
add_event(struct devdb_call *call, struct devdb_v2_write *write, uint32_t part,
    struct work *work)
{
	const ProtobufCBinaryData *name = &work->schema->name;
	struct devdb_event *event;
	struct kdb_buffer json;
	bool is_readable;

	work->name = devdb_v2_properties_text(name->data, name->len);
	devdb_v2_properties_set(&work->properties, name_key, &work->name);
	devdb_v2_properties_set(&work->properties, format_key, &work->format);
	kdb_buffer_init(&json, MAX_JSON_BYTES);
	is_readable = devdb_v2_properties_print(&work->properties, &json);
	event = devdb_event_new(&(struct devdb_proposal){
	    .id = work->id,
	    .is_json = format_of(work->schema) == FORMAT(JSON),
	    .is_unreadable = !is_readable,
	    .type = name->data,
	    .type_len = name->len,
	    .metadata = (const uint8_t *)json.data,
	    .metadata_len = json.len,
	    .data = work->record->data.data,
	    .data_len = work->record->data.len,
	});
	kdb_buffer_dispose(&json);
	if (devdb_v2_write_add(write, part, event))
		return true;
	devdb_refuse_full(call);
	return false;
}

static bool
add(struct devdb_call *call, struct devdb_v2_write *write, uint32_t part,
    struct work *work)
{
	struct devdb_v2_complaints complaints = {0};

	if (!add_schema(work)) {
		devdb_refuse_handler(call);
		return false;
	}
	validate(&complaints, call->node->options->emulation, work);
	if (devdb_v2_complaints_refuse(&complaints, call, "AppendRequest"))
		return false;
	return fits(call, write, part, work) && add_event(call, write, part, work);
}

bool
devdb_v2_record_add(struct devdb_call *call, struct devdb_v2_write *write, uint32_t part,
    const RECORD *record)
{
	struct work work = {.record = record, .schema = record->schema};
	bool is_added;

	if (!record->schema) {
		devdb_refuse_handler(call);
		return false;
	}
	work.id = devdb_guid_new();
	devdb_v2_properties_init(&work.properties, record);
	is_added = add(call, write, part, &work);
	devdb_v2_properties_dispose(&work.properties);
	return is_added;
}
