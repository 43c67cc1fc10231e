/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner against a second opinion: a recursive reader written from the grammar of RFC
 * 8259 alone, which must take and refuse the same texts. Also spans, offsets of errors,
 * decoding and quoting of strings, exact integers.
 */
#include "daemon/json_scan.h"
#include "daemon/json_text.h"
#include "daemon/json_write.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 40 };

/* The second opinion. */
struct reference {
	const char *at;
	const char *end;
	unsigned depth;
};

static bool reads_value(struct reference *text);

static bool
is_next(const struct reference *text, const char *set)
{
	return text->at < text->end && *text->at != '\0' &&
	       strchr(set, *text->at) != NULL;
}

static bool
takes(struct reference *text, const char *set)
{
	bool is_there = is_next(text, set);

	text->at += is_there;
	return is_there;
}

static void
skip_blanks(struct reference *text)
{
	while (takes(text, " \t\r\n"))
		;
}

static size_t
count_digits(struct reference *text)
{
	size_t count = 0;

	while (takes(text, "0123456789"))
		count++;
	return count;
}

static bool
reads_number(struct reference *text)
{
	takes(text, "-");
	if (!takes(text, "0") && count_digits(text) == 0)
		return false;
	if (takes(text, ".") && count_digits(text) == 0)
		return false;
	if (takes(text, "eE")) {
		takes(text, "+-");
		return count_digits(text) > 0;
	}
	return true;
}

static bool
reads_escape(struct reference *text)
{
	if (!takes(text, "u"))
		return takes(text, "\"\\/bfnrt");
	for (int i = 0; i < 4; i++)
		if (!takes(text, "0123456789abcdefABCDEF"))
			return false;
	return true;
}

static bool
reads_string(struct reference *text)
{
	const char *start = text->at;

	if (!takes(text, "\""))
		return false;
	while (!takes(text, "\"")) {
		if (text->at == text->end || (unsigned char)*text->at < 0x20)
			return false;
		if (takes(text, "\\")) {
			if (!reads_escape(text))
				return false;
		} else {
			text->at++;
		}
	}
	return fuzz_is_utf8(start, (size_t)(text->at - start));
}

static bool
reads_member(struct reference *text, bool is_object)
{
	skip_blanks(text);
	if (is_object) {
		if (!reads_string(text))
			return false;
		skip_blanks(text);
		if (!takes(text, ":"))
			return false;
	}
	return reads_value(text);
}

static bool
reads_container(struct reference *text)
{
	bool is_object = takes(text, "{");
	const char *close = is_object ? "}" : "]";

	if (!is_object)
		takes(text, "[");
	if (++text->depth > DEPTH_MAX)
		return false;
	skip_blanks(text);
	if (!takes(text, close)) {
		do {
			if (!reads_member(text, is_object))
				return false;
		} while (takes(text, ","));
		if (!takes(text, close))
			return false;
	}
	text->depth--;
	return true;
}

static bool
reads_word(struct reference *text)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(text->end - text->at) >= len &&
		    memcmp(text->at, words[i], len) == 0) {
			text->at += len;
			return true;
		}
	}
	return false;
}

/* White space around the value is taken as well. */
static bool
reads_value(struct reference *text)
{
	bool is_good;

	skip_blanks(text);
	if (is_next(text, "{["))
		is_good = reads_container(text);
	else if (is_next(text, "\""))
		is_good = reads_string(text);
	else if (is_next(text, "-0123456789"))
		is_good = reads_number(text);
	else
		is_good = reads_word(text);
	if (is_good)
		skip_blanks(text);
	return is_good;
}

static bool
is_valid_by_grammar(const char *bytes, size_t len)
{
	struct reference text = {bytes, bytes + len, 0};

	return reads_value(&text) && text.at == text.end;
}

/* The scanner's answers. */

static void
check_integer(const struct kg_json_value *value)
{
	char *text = fuzz_text(value->start, value->len);
	enum kg_json_int result;
	bool is_integer =
	    strspn(text, "-0123456789") == value->len && strcmp(text, "-0") != 0;
	int64_t number = 0;
	long long expected;

	errno = 0;
	expected = strtoll(text, NULL, 10);
	result = kg_json_text_read_int64(value->start, value->len, &number);
	if (!is_integer)
		require(result == KG_JSON_INT_MALFORMED);
	else if (errno == ERANGE)
		require(result == KG_JSON_INT_OUT_OF_RANGE);
	else
		require(result == KG_JSON_INT_OK && number == expected);
	free(text);
}

/* What is decoded, quoted and decoded again stays the same. */
static void
check_string(const struct kg_json_value *value)
{
	char *first = fuzz_copy(value->start, value->len);
	char *second;
	size_t first_len = 0;
	size_t second_len = 0;
	struct kdb_buffer quoted;
	struct kg_json json;
	struct kg_json_value again;
	char *pointer;

	kg_json_text_decode(value, first, &first_len);
	require(first_len <= value->len - 2);
	require(fuzz_is_utf8(first, first_len));
	require(
	    value->has_escapes || (first_len == value->len - 2 &&
				      memcmp(first, value->start + 1, first_len) == 0));
	kdb_buffer_init(&quoted, 8 * value->len);
	kg_json_quote(&quoted, first, first_len);
	require(!quoted.is_overflowed);
	kg_json_init(&json, quoted.data, quoted.len, 1);
	require(kg_json_read_value(&json, &again) && again.kind == KG_JSON_STRING);
	require(kg_json_finish(&json));
	second = fuzz_copy(again.start, again.len);
	require(kg_json_text_decode(&again, second, &second_len));
	require(second_len == first_len && memcmp(first, second, first_len) == 0);
	pointer = kg_json_text_make_pointer("/events", value);
	require(strncmp(pointer, "/events/", 8) == 0);
	require(fuzz_is_utf8(pointer, strlen(pointer)));
	free(pointer);
	free(second);
	free(first);
	kdb_buffer_dispose(&quoted);
}

static void
check_name(const struct kg_json_value *name)
{
	static const char *const names[] = {"type", "data", "metadata", NULL};
	int index = kg_json_text_find(name, names);

	require(index >= -1 && index < 3);
	for (int i = 0; i < 3; i++)
		require(kg_json_text_is(name, names[i]) == (index == i));
	if (index >= 0)
		require(kg_json_text_find_nearest(name, names) == names[index]);
	check_string(name);
}

/* Members read one by one lie inside of the container, in order. */
static void
check_members(const char *bytes, size_t len, enum kg_json_kind kind)
{
	struct kg_json json;
	struct kg_json_value name = {.kind = KG_JSON_NONE};
	struct kg_json_value value;
	const char *behind = bytes;
	bool is_first = true;

	kg_json_init(&json, bytes, len, DEPTH_MAX);
	require(kg_json_peek(&json) == kind);
	kg_json_enter(&json);
	while (kind == KG_JSON_OBJECT ? kg_json_next_member(&json, &is_first, &name)
				      : kg_json_next_element(&json, &is_first)) {
		if (kind == KG_JSON_OBJECT)
			check_name(&name);
		require(kg_json_read_value(&json, &value));
		require(value.start > behind && value.start + value.len < bytes + len);
		behind = value.start + value.len - 1;
	}
	require(kg_json_finish(&json));
}

static void
check_valid(const char *bytes, size_t len)
{
	struct kg_json json;
	struct kg_json_value value;
	struct kg_json_value found;

	kg_json_init(&json, bytes, len, DEPTH_MAX);
	require(kg_json_read_value(&json, &value) && kg_json_finish(&json));
	require(value.start >= bytes && value.start + value.len <= bytes + len);
	require(value.len > 0 && strchr(" \t\r\n", *value.start) == NULL);
	kg_json_init(&json, bytes, len, DEPTH_MAX);
	require(kg_json_find_value_end(&json, &found));
	require(found.start == value.start && found.len == value.len);
	require(found.kind == value.kind);
	if (value.kind == KG_JSON_STRING)
		check_string(&value);
	else if (value.kind == KG_JSON_NUMBER)
		check_integer(&value);
	else if (value.kind == KG_JSON_OBJECT || value.kind == KG_JSON_ARRAY)
		check_members(bytes, len, value.kind);
}

static bool
scan(const char *bytes, size_t len, struct kg_json *json)
{
	struct kg_json_value value;

	kg_json_init(json, bytes, len, DEPTH_MAX);
	return kg_json_read_value(json, &value) && kg_json_finish(json);
}

/* The error is told of the first byte that cannot be: what stands behind it does not
 * matter, and without it the text only ends too early. */
static void
check_error(const char *bytes, size_t len, const struct kg_json *json)
{
	struct kg_json shorter;
	size_t offset = kg_json_error_offset(json);

	require(kg_json_has_failed(json) && json->error != NULL && offset <= len);
	require(kg_json_peek((struct kg_json *)(uintptr_t)json) == KG_JSON_NONE);
	if (offset < len) {
		require(!scan(bytes, offset + 1, &shorter));
		require(kg_json_error_offset(&shorter) == offset);
	}
	if (!scan(bytes, offset, &shorter))
		require(kg_json_error_offset(&shorter) == offset);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	const char *bytes = (const char *)input;
	struct kg_json json;
	bool is_valid = scan(bytes, len, &json);

	require(is_valid == kg_json_is_valid(bytes, len, DEPTH_MAX));
	require(is_valid == is_valid_by_grammar(bytes, len));
	if (is_valid)
		check_valid(bytes, len);
	else
		check_error(bytes, len, &json);
	return 0;
}
