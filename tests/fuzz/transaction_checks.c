/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of bodies for several streams. Owns nothing. */
#include "tests/fuzz/transaction_checks.h"

#include "daemon/json_scan.h"
#include "daemon/stream_metadata.h"
#include "tests/fuzz/append_checks.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

bool
transaction_bytes_are_equal(struct kdb_bytes one, struct kdb_bytes other)
{
	return one.len == other.len &&
	       (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
}

static bool
has_prefix(struct kdb_bytes text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static bool
is_blank(struct kdb_bytes text)
{
	const uint8_t *at = text.data;
	size_t len = text.len;
	ucs4_t character;

	while (len > 0) {
		int step = u8_mbtouc(&character, at, len);

		if (!uc_is_property_white_space(character))
			return false;
		at += step;
		len -= (size_t)step;
	}
	return true;
}

static void
check_type(struct kdb_bytes type, bool is_ascii_only)
{
	const uint8_t *at = type.data;
	size_t len = type.len;
	ucs4_t character;

	require(len >= 1 && len <= append_limits.max_name_bytes);
	require(fuzz_is_utf8(type.data, type.len));
	while (len > 0) {
		int step = u8_mbtouc(&character, at, len);

		require(character <= 0xffff && (character < 0x80 || !is_ascii_only));
		require(uc_is_general_category_withtable(
			    character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N) ||
			(character < 0x80 && strchr("_.$:-", (int)character) != NULL));
		at += step;
		len -= (size_t)step;
	}
}

static void
check_properties(const struct kdb_event *event)
{
	for (size_t i = 0; i < event->property_count; i++) {
		const struct kdb_property *property = &event->properties[i];

		require(!is_blank(property->key));
		require(!has_prefix(property->key, "$schema."));
		require(fuzz_is_utf8(property->key.data, property->key.len));
		require(fuzz_is_utf8(property->value.data, property->value.len));
		for (size_t k = 0; k < i; k++)
			require(!transaction_bytes_are_equal(
			    property->key, event->properties[k].key));
	}
}

void
transaction_check_event(const struct kdb_event *event, bool is_type_ascii_only)
{
	check_type(event->type, is_type_ascii_only);
	check_properties(event);
	require(event->metadata.len == 0);
	if (event->is_json)
		require(kg_json_is_valid(
		    event->data.data, event->data.len, append_limits.max_depth));
}

void
transaction_check_stream(struct kdb_bytes stream_name, const struct kdb_event *event)
{
	struct kg_refusal refusal;

	if (!has_prefix(stream_name, "$$"))
		return;
	require(event->is_json && event->type.len == 9 &&
		has_prefix(event->type, "$metadata"));
	kg_refusal_init(&refusal);
	require(
	    kg_stream_metadata_check(event->data.data, event->data.len, "", &refusal));
	kg_refusal_dispose(&refusal);
}

void
transaction_check_name(struct kdb_bytes name)
{
	require(name.len >= 1 && name.len <= append_limits.max_name_bytes);
	require(fuzz_is_utf8(name.data, name.len));
	require(memchr(name.data, '\0', name.len) == NULL);
	require(!is_blank(name));
	require(name.len != 2 || !has_prefix(name, "$$"));
	require(name.len != 4 || !has_prefix(name, "$all"));
}

bool
transaction_is_variant(struct kdb_bytes one, struct kdb_bytes other)
{
	const uint8_t *at = one.data, *other_at = other.data;

	while (one.len > 0 && other.len > 0) {
		ucs4_t character, other_character;
		int step = u8_mbtouc(&character, at, one.len);
		int other_step = u8_mbtouc(&other_character, other_at, other.len);

		if (uc_toupper(character) != uc_toupper(other_character))
			return false;
		at += step;
		other_at += other_step;
		one.len -= (size_t)step;
		other.len -= (size_t)other_step;
	}
	return one.len == other.len;
}

bool
transaction_is_equal(const struct kdb_event *one, const struct kdb_event *other)
{
	if (memcmp(one->id, other->id, sizeof one->id) != 0 ||
	    one->is_json != other->is_json ||
	    one->property_count != other->property_count ||
	    !transaction_bytes_are_equal(one->type, other->type) ||
	    !transaction_bytes_are_equal(one->data, other->data))
		return false;
	for (size_t i = 0; i < one->property_count; i++)
		if (!transaction_bytes_are_equal(
			one->properties[i].key, other->properties[i].key) ||
		    !transaction_bytes_are_equal(
			one->properties[i].value, other->properties[i].value))
			return false;
	return true;
}

static bool
is_problem_of_bodies(enum kg_problem problem)
{
	static const enum kg_problem problems[] = {KG_PROBLEM_MALFORMED_JSON,
	    KG_PROBLEM_INVALID_REQUEST, KG_PROBLEM_UNKNOWN_MEMBER,
	    KG_PROBLEM_DUPLICATE_MEMBER, KG_PROBLEM_APPEND_TOO_LARGE,
	    KG_PROBLEM_DUPLICATE_STREAM, KG_PROBLEM_CASE_VARIANT_STREAMS,
	    KG_PROBLEM_INVALID_EVENT_TYPE, KG_PROBLEM_METADATA_NOT_STRINGS,
	    KG_PROBLEM_RESERVED_METADATA_KEY};

	for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
		if (problems[i] == problem)
			return true;
	return false;
}

void
transaction_check_refusal(const struct kg_refusal *refusal, size_t len)
{
	fuzz_check_refusal(refusal);
	require(is_problem_of_bodies(refusal->problem));
	require(refusal->byte_offset <= (int64_t)len);
	require((refusal->problem == KG_PROBLEM_MALFORMED_JSON) ==
		(refusal->byte_offset >= 0));
	require((refusal->finding_count == 0) ==
		(refusal->problem == KG_PROBLEM_MALFORMED_JSON ||
		    refusal->problem == KG_PROBLEM_APPEND_TOO_LARGE));
	for (size_t i = 0; i < refusal->finding_count; i++)
		require(refusal->findings[i].pointer[0] == '/' ||
			refusal->findings[i].pointer[0] == '\0');
}
