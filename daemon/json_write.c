/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in JSON: the one user of cJSON, which only builds and prints here. It prints
 * numbers as doubles, cuts texts at a NUL and does not look at UTF-8; so numbers and
 * texts go in as raw text. A tree belongs to whoever called kg_json_object_new().
 */
#include "daemon/json_write.h"

#include "client-core/base/alloc.h"
#include "client-core/error.h"
#include "daemon/decimal.h"
#include "daemon/json_scan.h"
#include "daemon/uuid.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

/* With an allocator that never fails, no function of cJSON used here can. */
static void
install_hooks(void)
{
	cJSON_Hooks hooks = {.malloc_fn = kdb_alloc, .free_fn = free};

	cJSON_InitHooks(&hooks);
}

static cJSON *
to_item(struct kg_json_node *node)
{
	return (cJSON *)(void *)node;
}

static struct kg_json_node *
to_node(cJSON *item)
{
	return (struct kg_json_node *)(void *)item;
}

struct kg_json_node *
kg_json_object_new(void)
{
	pthread_once(&hooks_once, install_hooks);
	return to_node(cJSON_CreateObject());
}

void
kg_json_free(struct kg_json_node *root)
{
	cJSON_Delete(to_item(root));
}

static void
put(struct kg_json_node *parent, const char *name, cJSON *item)
{
	if (name == NULL)
		cJSON_AddItemToArray(to_item(parent), item);
	else
		cJSON_AddItemToObjectCS(to_item(parent), name, item);
}

struct kg_json_node *
kg_json_put_object(struct kg_json_node *parent, const char *name)
{
	cJSON *object = cJSON_CreateObject();

	put(parent, name, object);
	return to_node(object);
}

struct kg_json_node *
kg_json_put_array(struct kg_json_node *parent, const char *name)
{
	cJSON *array = cJSON_CreateArray();

	put(parent, name, array);
	return to_node(array);
}

/* Appends one character that cannot stand in a JSON string as it is. */
static void
put_escaped(struct kdb_buffer *out, char c)
{
	unsigned char byte = (unsigned char)c;

	if (c == '"' || c == '\\') {
		kdb_buffer_put_char(out, '\\');
		kdb_buffer_put_char(out, c);
	} else if (byte < 0x20) {
		const char escape[] = {'\\', 'u', '0', '0', '0' + (byte >> 4),
		    "0123456789abcdef"[byte & 15]};

		kdb_buffer_put(out, escape, sizeof escape);
	} else {
		kdb_buffer_put_text(out, "\xef\xbf\xbd");
	}
}

void
kg_json_quote(struct kdb_buffer *out, const void *bytes, size_t len)
{
	const char *at = bytes;
	const char *end = at + len;
	const char *start = at;

	kdb_buffer_put_char(out, '"');
	while (at < end) {
		size_t step = (unsigned char)*at < 0x20 || *at == '"' || *at == '\\'
				  ? 0
				  : kg_json_utf8_len(at, end);

		if (step > 0) {
			at += step;
			continue;
		}
		kdb_buffer_put(out, start, (size_t)(at - start));
		put_escaped(out, *at++);
		start = at;
	}
	kdb_buffer_put(out, start, (size_t)(at - start));
	kdb_buffer_put_char(out, '"');
}

void
kg_json_put_raw(struct kg_json_node *parent, const char *name, struct kdb_buffer *value)
{
	kdb_buffer_put_char(value, '\0');
	put(parent, name, cJSON_CreateRaw(value->data));
	kdb_buffer_dispose(value);
}

void
kg_json_put_text(
    struct kg_json_node *parent, const char *name, const void *bytes, size_t len)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, SIZE_MAX);
	kg_json_quote(&text, bytes, len);
	kg_json_put_raw(parent, name, &text);
}

void
kg_json_put_string(struct kg_json_node *parent, const char *name, const char *text)
{
	kg_json_put_text(parent, name, text, strlen(text));
}

void
kg_json_put_int64(struct kg_json_node *parent, const char *name, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRId64, value);
	put(parent, name, cJSON_CreateRaw(digits));
}

void
kg_json_put_uint64(struct kg_json_node *parent, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	put(parent, name, cJSON_CreateRaw(digits));
}

void
kg_json_put_bool(struct kg_json_node *parent, const char *name, bool value)
{
	put(parent, name, cJSON_CreateBool(value));
}

void
kg_json_put_null(struct kg_json_node *parent, const char *name)
{
	put(parent, name, cJSON_CreateNull());
}

const char *
kg_version_word(int64_t version)
{
	switch (version) {
	case KDB_VERSION_NO_STREAM:
		return "no_stream";
	case KDB_VERSION_ANY:
		return "any";
	case KDB_VERSION_EXISTS:
		return "exists";
	case KDB_VERSION_DELETED:
		return "deleted";
	case KDB_VERSION_TOMBSTONED:
		return "tombstoned";
	default:
		return NULL;
	}
}

void
kg_json_print_version(struct kdb_buffer *out, int64_t version, enum kg_int64_form form)
{
	const char *word = kg_version_word(version);
	const char *quote = word != NULL || form == KG_INT64_STRING ? "\"" : "";

	if (word != NULL)
		kdb_buffer_put_printf(out, "%s%s%s", quote, word, quote);
	else
		kdb_buffer_put_printf(out, "%s%" PRId64 "%s", quote, version, quote);
}

void
kg_json_put_version(struct kg_json_node *parent, const char *name, int64_t version,
    enum kg_int64_form form)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, SIZE_MAX);
	kg_json_print_version(&text, version, form);
	kg_json_put_raw(parent, name, &text);
}

void
kg_json_print_position(
    struct kdb_buffer *out, bool has_position, uint64_t position, enum kg_int64_form form)
{
	const char *quote = form == KG_INT64_STRING ? "\"" : "";

	if (has_position)
		kdb_buffer_put_printf(out, "%s%" PRIu64 "%s", quote, position, quote);
	else
		kdb_buffer_put_text(out, "null");
}

void
kg_json_put_position(struct kg_json_node *parent, const char *name, bool has_position,
    uint64_t position, enum kg_int64_form form)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, SIZE_MAX);
	kg_json_print_position(&text, has_position, position, form);
	kg_json_put_raw(parent, name, &text);
}

void
kg_json_put_replayed(
    struct kg_json_node *parent, const char *name, enum kg_replayed replayed)
{
	if (replayed == KG_REPLAYED_UNKNOWN)
		kg_json_put_null(parent, name);
	else
		kg_json_put_bool(parent, name, replayed == KG_REPLAYED_TRUE);
}

void
kg_json_print_uuids(struct kdb_buffer *out, const uint8_t (*ids)[16], size_t count)
{
	char item[1 + 1 + KG_UUID_TEXT_LEN + 1] = ",\"";

	kdb_buffer_put_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		size_t skipped = i == 0 ? 1 : 0;

		kg_uuid_print(ids[i], item + 2);
		item[sizeof item - 1] = '"';
		kdb_buffer_put(out, item + skipped, sizeof item - skipped);
	}
	kdb_buffer_put_char(out, ']');
}

/* One raw item for all: a node for each of a thousand ids would cost more than the
 * append. */
void
kg_json_put_uuids(
    struct kg_json_node *parent, const char *name, const uint8_t (*ids)[16], size_t count)
{
	struct kdb_buffer text;

	kdb_buffer_init(&text, SIZE_MAX);
	kg_json_print_uuids(&text, ids, count);
	kg_json_put_raw(parent, name, &text);
}

void
kg_json_print(const struct kg_json_node *root, struct kdb_buffer *out)
{
	char *text = cJSON_PrintUnformatted((const cJSON *)(const void *)root);

	kdb_buffer_put_text(out, text);
	free(text);
}

static uint64_t
magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* The one answer that every append waits for, so without a tree: that takes a
 * microsecond. */
void
kg_append_answer_print(const struct kg_append_answer *answer, struct kdb_buffer *out)
{
	static const char *const replayed[] = {[KG_REPLAYED_FALSE] = "false",
	    [KG_REPLAYED_TRUE] = "true",
	    [KG_REPLAYED_UNKNOWN] = "null"};

	const char *quote = answer->form == KG_INT64_STRING ? "\"" : "";
	char middle[128];
	char *end;

	end = stpcpy(middle, ",\"commit_position\":");
	if (answer->has_position) {
		end = kg_decimal_put(stpcpy(end, quote), answer->commit_position, 1);
		end = stpcpy(end, quote);
	} else {
		end = stpcpy(end, "null");
	}
	end = stpcpy(stpcpy(end, ",\"current_version\":"), quote);
	if (answer->current_version < 0)
		*end++ = '-';
	end = kg_decimal_put(end, magnitude(answer->current_version), 1);
	end = stpcpy(stpcpy(end, quote), ",\"event_ids\":");
	kdb_buffer_put_text(out, "{\"stream_name\":");
	kg_json_quote(out, answer->stream_name, answer->stream_name_len);
	kdb_buffer_put(out, middle, (size_t)(end - middle));
	kg_json_print_uuids(out, answer->event_ids, answer->event_count);
	kdb_buffer_put_text(out, ",\"replayed\":");
	kdb_buffer_put_text(out, replayed[answer->replayed]);
	kdb_buffer_put_char(out, '}');
}
