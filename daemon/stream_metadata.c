/* SPDX-License-Identifier: Apache-2.0 */
/* Checks stream metadata before the server silently drops it. Owns nothing. */
#include "daemon/stream_metadata.h"

#include "client-core/base/alloc.h"
#include "daemon/json_scan.h"
#include "daemon/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum member { MAX_AGE, MAX_COUNT, TRUNCATE_BEFORE, CACHE_CONTROL, TEMPORARY, ACL };

static const char *const members[] = {
    "$maxAge", "$maxCount", "$tb", "$cacheControl", "$tmp", "$acl", NULL};
static const char *const acl_members[] = {"$r", "$w", "$d", "$mr", "$mw", NULL};

struct walk {
	struct kg_json json;
	struct kg_refusal *refusal;
};

static bool
is_full(const struct walk *walk)
{
	return walk->refusal->finding_count == KG_FINDINGS_MAX;
}

static void
check_integer(struct walk *walk, const char *pointer, enum member member)
{
	bool is_seconds = member == MAX_AGE || member == CACHE_CONTROL;
	int64_t maximum = is_seconds ? KG_METADATA_SECONDS_MAX : INT64_MAX;
	struct kg_json_value value;
	int64_t number;

	if (!kg_json_read_value(&walk->json, &value))
		return;
	if (value.kind != KG_JSON_NUMBER ||
	    kg_json_text_read_int64(value.start, value.len, &number) != KG_JSON_INT_OK ||
	    number < 0 || number > maximum)
		kg_refusal_add(walk->refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
		    "%s must be an integer from 0 to %" PRId64
		    ", without fraction or exponent.",
		    members[member], maximum);
}

static void
check_boolean(struct walk *walk, const char *pointer)
{
	struct kg_json_value value;

	if (!kg_json_read_value(&walk->json, &value))
		return;
	if (value.kind != KG_JSON_TRUE && value.kind != KG_JSON_FALSE)
		kg_refusal_add(walk->refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
		    "$tmp must be true or false.");
}

static void
refuse_role(struct walk *walk, const char *pointer)
{
	kg_refusal_add(walk->refusal, KG_PROBLEM_INVALID_REQUEST, pointer, NULL,
	    "Roles are a string or an array of strings.");
}

/* Reads one role, which must be a string; index counts it in its array. */
static void
check_array_role(struct walk *walk, const char *pointer, size_t index)
{
	struct kg_json_value value;
	char *item_pointer;

	if (!kg_json_read_value(&walk->json, &value) || value.kind == KG_JSON_STRING ||
	    is_full(walk))
		return;
	item_pointer = kdb_alloc_printf("%s/%zu", pointer, index);
	refuse_role(walk, item_pointer);
	free(item_pointer);
}

static void
check_roles(struct walk *walk, const char *pointer)
{
	bool is_first = true;
	struct kg_json_value value;

	if (kg_json_peek(&walk->json) != KG_JSON_ARRAY) {
		if (kg_json_read_value(&walk->json, &value) &&
		    value.kind != KG_JSON_STRING)
			refuse_role(walk, pointer);
		return;
	}
	kg_json_enter(&walk->json);
	for (size_t i = 0; kg_json_next_element(&walk->json, &is_first); i++)
		check_array_role(walk, pointer, i);
}

/* Reads a member's value past, and says that its name stands there twice. */
static void
refuse_duplicate(struct walk *walk, const char *pointer)
{
	struct kg_json_value value;

	if (kg_json_read_value(&walk->json, &value))
		kg_refusal_add(walk->refusal, KG_PROBLEM_DUPLICATE_MEMBER, pointer, NULL,
		    "Duplicate member.");
}

static void
refuse_unknown_right(
    struct walk *walk, const char *pointer, const struct kg_json_value *name)
{
	const char *nearest = kg_json_text_find_nearest(name, acl_members);
	struct kg_json_value value;
	char hint[64] = "The rights are $r, $w, $d, $mr and $mw.";

	if (nearest != NULL)
		snprintf(hint, sizeof hint, "Did you mean \"%s\"?", nearest);
	if (kg_json_read_value(&walk->json, &value))
		kg_refusal_add(walk->refusal, KG_PROBLEM_INVALID_REQUEST, pointer, hint,
		    "$acl has no such right.");
}

static void
check_right(struct walk *walk, const char *acl_pointer, const struct kg_json_value *name,
    unsigned *seen)
{
	int right = kg_json_text_find(name, acl_members);
	struct kg_json_value value;
	char *pointer;

	if (is_full(walk)) {
		kg_json_read_value(&walk->json, &value);
		return;
	}
	pointer = kg_json_text_make_pointer(acl_pointer, name);
	if (right < 0) {
		refuse_unknown_right(walk, pointer, name);
	} else if (*seen & 1U << right) {
		refuse_duplicate(walk, pointer);
	} else {
		*seen |= 1U << right;
		check_roles(walk, pointer);
	}
	free(pointer);
}

static void
check_acl(struct walk *walk, const char *pointer)
{
	bool is_first = true;
	unsigned seen = 0;
	struct kg_json_value value;

	if (kg_json_peek(&walk->json) != KG_JSON_OBJECT) {
		if (kg_json_read_value(&walk->json, &value))
			kg_refusal_add(walk->refusal, KG_PROBLEM_INVALID_REQUEST, pointer,
			    NULL, "$acl must be an object.");
		return;
	}
	kg_json_enter(&walk->json);
	while (kg_json_next_member(&walk->json, &is_first, &value))
		check_right(walk, pointer, &value, &seen);
}

static void
check_member(struct walk *walk, const char *prefix, const struct kg_json_value *name,
    unsigned *seen)
{
	int member = kg_json_text_find(name, members);
	struct kg_json_value value;
	char *pointer;

	if (member < 0 || is_full(walk)) {
		kg_json_read_value(&walk->json, &value);
		return;
	}
	pointer = kg_json_text_make_pointer(prefix, name);
	if (*seen & 1U << member)
		refuse_duplicate(walk, pointer);
	else if (member == ACL)
		check_acl(walk, pointer);
	else if (member == TEMPORARY)
		check_boolean(walk, pointer);
	else
		check_integer(walk, pointer, (enum member)member);
	*seen |= 1U << member;
	free(pointer);
}

bool
kg_stream_metadata_check(
    const char *json, size_t len, const char *prefix, struct kg_refusal *refusal)
{
	struct walk walk = {.refusal = refusal};
	size_t findings_before = refusal->finding_count;
	bool is_first = true;
	unsigned seen = 0;
	struct kg_json_value name;

	kg_json_init(&walk.json, json, len, KG_JSON_DEPTH_MAX);
	if (kg_json_peek(&walk.json) != KG_JSON_OBJECT) {
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, prefix, NULL,
		    "Stream metadata must be a JSON object.");
		return false;
	}
	kg_json_enter(&walk.json);
	while (kg_json_next_member(&walk.json, &is_first, &name))
		check_member(&walk, prefix, &name, &seen);
	if (!kg_json_finish(&walk.json))
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, prefix, NULL,
		    "Stream metadata must be JSON.");
	return refusal->finding_count == findings_before &&
	       !kg_json_has_failed(&walk.json);
}
