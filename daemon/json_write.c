/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in JSON: the one user of cJSON, which only builds and prints here. It prints numbers
 * as doubles, cuts texts at a NUL and does not look at UTF-8; so numbers go in as raw text, and
 * texts are made clean first. A tree belongs to whoever called kg_json_object_new().
 */
#include "daemon/json_write.h"

#include "client-core/base/alloc.h"
#include "client-core/error.h"
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
	cJSON_Hooks hooks = { .malloc_fn = kdb_alloc, .free_fn = free };

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

/* A NUL-terminated copy in which everything is UTF-8 and no NUL. */
static char *
clean(const char *bytes, size_t len)
{
	static const char replacement[3] = "\xef\xbf\xbd";
	const char *end = bytes + len;
	char *text = kdb_alloc(len * sizeof replacement + 1);
	char *out = text;

	while (bytes < end) {
		size_t step = *bytes == '\0' ? 0 : kg_json_utf8_len(bytes, end);

		if (step == 0) {
			out = mempcpy(out, replacement, sizeof replacement);
			bytes++;
		} else {
			out = mempcpy(out, bytes, step);
			bytes += step;
		}
	}
	*out = '\0';
	return text;
}

void
kg_json_put_text(
    struct kg_json_node *parent, const char *name, const void *bytes, size_t len)
{
	char *text = clean(bytes, len);

	put(parent, name, cJSON_CreateString(text));
	free(text);
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
kg_json_put_version(struct kg_json_node *parent, const char *name, int64_t version)
{
	const char *word = kg_version_word(version);

	if (word == NULL)
		kg_json_put_int64(parent, name, version);
	else
		kg_json_put_string(parent, name, word);
}

/* One raw item for all: a node for each of a thousand ids would cost more than the append. */
void
kg_json_put_uuids(struct kg_json_node *parent, const char *name, const uint8_t (*ids)[16],
    size_t count)
{
	char *text = kdb_alloc(count * (KG_UUID_TEXT_LEN + 3) + 3);
	char *out = text;

	*out++ = '[';
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*out++ = ',';
		*out++ = '"';
		kg_uuid_print(ids[i], out);
		out += KG_UUID_TEXT_LEN;
		*out++ = '"';
	}
	*out++ = ']';
	*out = '\0';
	put(parent, name, cJSON_CreateRaw(text));
	free(text);
}

void
kg_json_print(const struct kg_json_node *root, struct kdb_buffer *out)
{
	char *text = cJSON_PrintUnformatted((const cJSON *)(const void *)root);

	kdb_buffer_put_text(out, text);
	free(text);
}

void
kg_append_answer_print(const struct kg_append_answer *answer, struct kdb_buffer *out)
{
	struct kg_json_node *root = kg_json_object_new();

	kg_json_put_text(root, "stream_name", answer->stream_name, answer->stream_name_len);
	if (answer->has_position)
		kg_json_put_uint64(root, "commit_position", answer->commit_position);
	else
		kg_json_put_null(root, "commit_position");
	kg_json_put_version(root, "current_version", answer->current_version);
	kg_json_put_uuids(root, "event_ids", answer->event_ids, answer->event_count);
	if (answer->replayed == KG_REPLAYED_UNKNOWN)
		kg_json_put_null(root, "replayed");
	else
		kg_json_put_bool(root, "replayed", answer->replayed == KG_REPLAYED_TRUE);
	kg_json_print(root, out);
	kg_json_free(root);
}
