/* SPDX-License-Identifier: Apache-2.0 */
/* Values of members that events of all forms have. Owns nothing: decoded bytes are the
 * reader's. */
#include "daemon/append_value.h"

#include "daemon/base64.h"
#include "daemon/stream_metadata.h"

#include <stdio.h>
#include <string.h>

static bool
refuse_type(struct kg_append_reader *reader, const char *detail)
{
	kg_append_reader_refuse_member(reader, "type", NULL, detail);
	return false;
}

static bool
refuse_long_type(struct kg_append_reader *reader)
{
	char detail[80];

	snprintf(detail, sizeof detail, "The event type has more than %zu bytes.",
	    reader->limits->max_name_bytes);
	return refuse_type(reader, detail);
}

bool
kg_append_value_type(struct kg_append_reader *reader, const struct kg_json_value *value,
    struct kdb_bytes *type)
{
	if (!kg_append_reader_text(reader, value, type))
		return refuse_type(
		    reader, "The event type has half of a surrogate pair.");
	if (type->len == 0)
		return refuse_type(reader, "The event type is empty.");
	if (type->len > reader->limits->max_name_bytes)
		return refuse_long_type(reader);
	if (memchr(type->data, '\0', type->len) != NULL)
		return refuse_type(reader, "The event type holds U+0000.");
	if (reader->is_metadata_stream &&
	    (type->len != 9 || memcmp(type->data, "$metadata", 9) != 0))
		return refuse_type(reader,
		    "Events of a stream whose name starts with $$ must have the type "
		    "$metadata.");
	return true;
}

void
kg_append_value_data(struct kg_append_reader *reader, const struct kg_json_value *value,
    struct kdb_bytes *data)
{
	struct kg_refusal *refusal = kg_append_reader_values(reader);
	char event_pointer[KG_EVENT_POINTER_SIZE];
	char pointer[KG_EVENT_POINTER_SIZE + 8];

	*data = (struct kdb_bytes){value->start, value->len};
	if (!reader->is_metadata_stream || refusal == NULL)
		return;
	kg_append_reader_print_pointer(reader, event_pointer);
	snprintf(pointer, sizeof pointer, "%s/data", event_pointer);
	kg_stream_metadata_check(value->start, value->len, pointer, refusal);
}

static const char *
describe_base64(enum kg_base64_result result)
{
	switch (result) {
	case KG_BASE64_WRONG_LENGTH:
		return "The length of the base64 text is no multiple of four.";
	case KG_BASE64_WRONG_PADDING:
		return "The last character of the base64 text has bits that stand for "
		       "nothing.";
	default:
		return "The text has a character that is not of base64.";
	}
}

bool
kg_append_value_base64(struct kg_append_reader *reader, const char *name,
    const struct kg_json_value *value, struct kdb_bytes *bytes)
{
	enum kg_base64_result result;
	struct kdb_bytes text;
	const char *hint = NULL;
	char *decoded;

	/* A lone surrogate becomes a character that base64 does not have. */
	kg_append_reader_text(reader, value, &text);
	decoded = kg_append_reader_store(reader, kg_base64_decoded_max(text.len));
	result = kg_base64_decode(text.data, text.len, decoded, &bytes->len);
	bytes->data = decoded;
	if (result == KG_BASE64_OK)
		return true;
	if (result == KG_BASE64_URL_ALPHABET)
		hint = "Use + and / where the URL alphabet has - and _.";
	kg_append_reader_refuse_member(reader, name, hint, describe_base64(result));
	return false;
}

/* A JSON pointer cannot lead into a base64 text, so what is found there is told in words.
 */
static void
check_decoded_metadata(struct kg_append_reader *reader, const struct kdb_bytes *data)
{
	struct kg_refusal inner;
	char detail[2 * KG_FINDING_TEXT_SIZE];

	kg_refusal_init(&inner);
	kg_stream_metadata_check(data->data, data->len, "", &inner);
	for (size_t i = 0; i < inner.finding_count; i++) {
		snprintf(detail, sizeof detail, "At \"%.100s\" of the decoded JSON: %s",
		    inner.findings[i].pointer, inner.findings[i].detail);
		kg_append_reader_refuse_member(reader, "data_base64", NULL, detail);
	}
	kg_refusal_dispose(&inner);
}

void
kg_append_value_check_decoded(
    struct kg_append_reader *reader, const struct kdb_bytes *data)
{
	bool must_be_valid =
	    reader->limits->validate_payloads || reader->is_metadata_stream;

	if (data->len == 0 || (must_be_valid && !kg_json_is_valid(data->data, data->len,
						    reader->limits->max_depth)))
		kg_append_reader_refuse_member(
		    reader, "data_base64", NULL, "The decoded bytes are not JSON.");
	else if (reader->is_metadata_stream)
		check_decoded_metadata(reader, data);
}
