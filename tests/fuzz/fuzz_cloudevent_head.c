/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents in binary mode. The input has one "Name: value" a line. What is taken is the
 * event that the same attributes make in structured mode; names in other letter case make
 * the same event, and a header that is no attribute changes nothing.
 */
#include "client-core/base/alloc.h"
#include "daemon/cloudevent.h"
#include "daemon/cloudevents_body.h"
#include "daemon/head.h"
#include "daemon/idempotency.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct kdb_bytes stream_name = {"s", 1};

/* A head whose texts are allocations of their own. */
struct made_head {
	struct kg_head head;
	struct kg_head_field fields[KG_HEAD_FIELDS_MAX];
};

static void
add_field(struct made_head *made, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
	if (made->head.field_count == KG_HEAD_FIELDS_MAX)
		return;
	made->fields[made->head.field_count++] =
	    (struct kg_head_field){.name = fuzz_copy(name, name_len),
		.name_len = name_len,
		.value = fuzz_copy(value, value_len),
		.value_len = value_len};
}

static void
make_head(struct made_head *made, const char *text, size_t len)
{
	const char *end = text + len;

	*made = (struct made_head){0};
	made->head.fields = made->fields;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline == NULL ? end : newline;
		const char *colon = memchr(text, ':', (size_t)(stop - text));
		const char *value = colon == NULL ? stop : colon + 1;

		if (value < stop && *value == ' ')
			value++;
		add_field(made, text, (size_t)((colon == NULL ? stop : colon) - text),
		    value, (size_t)(stop - value));
		text = stop + 1;
	}
	kg_head_index(&made->head);
}

static void
dispose_head(struct made_head *made)
{
	for (size_t i = 0; i < made->head.field_count; i++) {
		free((char *)(uintptr_t)made->fields[i].name);
		free((char *)(uintptr_t)made->fields[i].value);
	}
}

/* False: there is no event to dispose of. */
static bool
read_head(const struct kg_head *head, struct kg_cloudevent *cloudevent)
{
	struct kg_refusal refusal;
	bool is_good;

	kg_refusal_init(&refusal);
	*cloudevent = (struct kg_cloudevent){0};
	if (kg_cloudevent_check_form(head, &refusal))
		kg_cloudevent_read(
		    head, append_limits.max_name_bytes, cloudevent, &refusal);
	is_good = !refusal.is_set;
	if (!is_good) {
		fuzz_check_refusal(&refusal);
		kg_cloudevent_dispose(cloudevent);
	}
	kg_refusal_dispose(&refusal);
	return is_good;
}

static bool
is_same(struct kdb_bytes a, struct kdb_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static struct kdb_bytes
metadata_of(const struct kg_cloudevent *cloudevent)
{
	return (struct kdb_bytes){cloudevent->metadata.data, cloudevent->metadata.len};
}

/* Without "ce-" at the names, metadata is an event in structured mode. Quotes inside of
 * values have a backslash before them. */
static char *
strip_prefixes(struct kdb_bytes metadata, size_t *len)
{
	const char *at = metadata.data;
	const char *end = at + metadata.len;
	char *text = kdb_alloc(metadata.len);
	char *out = text;

	while (at < end) {
		bool is_name = (*at == '{' || *at == ',') && end - at > 4 &&
			       memcmp(at + 1, "\"ce-", 4) == 0;

		*out++ = *at++;
		if (!is_name)
			continue;
		*out++ = '"';
		at += 4;
	}
	*len = (size_t)(out - text);
	return text;
}

static void
check_structured(const struct kg_cloudevent *cloudevent)
{
	struct kg_append_body append;
	struct kg_refusal refusal;
	uint8_t id[16];
	size_t len;
	char *body = strip_prefixes(metadata_of(cloudevent), &len);

	kg_refusal_init(&refusal);
	require(kg_cloudevents_body_read(
	    body, len, stream_name, &append_limits, &append, &refusal));
	require(is_same(append.events[0].type, cloudevent->type));
	require(is_same(append.events[0].metadata, metadata_of(cloudevent)));
	kg_idempotency_cloudevent_id(stream_name, cloudevent->source, cloudevent->id, id);
	require(memcmp(append.events[0].id, id, sizeof id) == 0);
	kg_append_body_dispose(&append);
	free(body);
}

static void
turn_case(struct made_head *made)
{
	for (size_t i = 0; i < made->head.field_count; i++) {
		char *name = (char *)(uintptr_t)made->fields[i].name;

		for (size_t at = 0; at < made->fields[i].name_len; at++)
			name[at] = (char)(islower((unsigned char)name[at])
					      ? toupper((unsigned char)name[at])
					      : tolower((unsigned char)name[at]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct made_head made;
	struct kg_cloudevent cloudevent, other;
	bool is_taken;

	make_head(&made, (const char *)bytes, len);
	is_taken = read_head(&made.head, &cloudevent);
	if (is_taken)
		check_structured(&cloudevent);
	turn_case(&made);
	add_field(&made, "X-Ce-Id", 7, "%", 1);
	kg_head_index(&made.head);
	require(read_head(&made.head, &other) == is_taken);
	if (is_taken) {
		require(kg_cloudevent_is_marked(&made.head));
		require(is_same(metadata_of(&cloudevent), metadata_of(&other)));
		kg_cloudevent_dispose(&cloudevent);
		kg_cloudevent_dispose(&other);
	}
	dispose_head(&made);
	return 0;
}
