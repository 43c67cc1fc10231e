/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON scanner: syntax and spans. It owns nothing: all spans point into the caller's
 * bytes. Functions named skip_* take the place to begin at and return the place behind
 * what they skipped, or NULL after fail(), so that the place stays in a register.
 */
#include "daemon/json_scan.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* What runs for every token. Inlined, the scanner is twice as fast on small values, which
 * the compiler does not do by itself. */
#define HOT static inline __attribute__((always_inline))

/* One bit for each open container: set for an object. */
struct container_stack {
	unsigned depth;
	uint64_t is_object[KG_JSON_DEPTH_MAX / 64 + 1];
};

static const char *
fail(struct kg_json *json, const char *at, const char *error)
{
	if (json->error_at == NULL) {
		json->error_at = at;
		json->error = error;
	}
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

HOT const char *
skip_space(const char *at, const char *end)
{
	/* Mostly there is none, and one look tells so. */
	if (at<end && * at> ' ')
		return at;
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

/*
 * Of eight bytes, the high bit of each that ends a run of plain text: a quote, a
 * backslash, a control character, anything outside ASCII. Bits above the lowest one set
 * can be wrong, since borrows run upwards; the lowest is exact.
 */
HOT uint64_t
find_special(uint64_t bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t highs = ones * 0x80;
	uint64_t below_space = bytes - ones * 0x20;
	uint64_t quote = (bytes ^ (ones * '"')) - ones;
	uint64_t backslash = (bytes ^ (ones * '\\')) - ones;

	return (((below_space | quote | backslash) & ~bytes) | bytes) & highs;
}

static bool
is_special(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

/* Skips text up to the next special byte, or to the end. */
HOT const char *
skip_plain(const char *at, const char *end)
{
	while (end - at >= 8) {
		uint64_t bytes, special;

		memcpy(&bytes, at, sizeof bytes);
		special = find_special(le64toh(bytes));
		if (special != 0)
			return at + __builtin_ctzll(special) / 8;
		at += 8;
	}
	while (at < end && !is_special(*at))
		at++;
	return at;
}

/* The bytes that a lead byte of UTF-8 asks for, and the range of the first of them (RFC
 * 3629, section 4). False: no lead byte. */
static bool
read_utf8_lead(unsigned char lead, size_t *len, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	*len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	return lead >= 0xc2 && lead <= 0xf4;
}

/* Skips one character of more than one byte; NULL: *bad is the byte that cannot go on. */
static const char *
skip_utf8(const char *at, const char *end, const char **bad)
{
	unsigned char low, high;
	size_t len;

	*bad = at;
	if (!read_utf8_lead((unsigned char)*at, &len, &low, &high))
		return NULL;
	for (at++; len > 1; len--, at++) {
		*bad = at;
		if (at == end || (unsigned char)*at < low || (unsigned char)*at > high)
			return NULL;
		low = 0x80;
		high = 0xbf;
	}
	return at;
}

size_t
kg_json_utf8_len(const char *at, const char *end)
{
	const char *bad;
	const char *behind;

	if (at == end)
		return 0;
	if ((unsigned char)*at < 0x80)
		return 1;
	behind = skip_utf8(at, end, &bad);
	return behind == NULL ? 0 : (size_t)(behind - at);
}

static bool
is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Skips the four digits of an escape. */
static const char *
skip_unicode_escape(struct kg_json *json, const char *at)
{
	for (int i = 0; i < 4; i++, at++) {
		if (at == json->end)
			return fail(json, at, "The text ends inside an escape.");
		if (!is_hex_digit(*at))
			return fail(json, at, "A hexadecimal digit was expected.");
	}
	return at;
}

/* Skips an escape, whose backslash is at `at`. */
static const char *
skip_escape(struct kg_json *json, const char *at)
{
	at++;
	if (at == json->end)
		return fail(json, at, "The text ends inside an escape.");
	switch (*at) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return at + 1;
	case 'u':
		return skip_unicode_escape(json, at + 1);
	default:
		return fail(json, at, "There is no such escape.");
	}
}

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The length of a character of two or three bytes whose lead byte alone tells that any
 * continuation will do; 0: look closer. Most text that is not ASCII is made of these. */
static size_t
plain_utf8_len(const char *at)
{
	unsigned char lead = (unsigned char)*at;

	if (lead >= 0xc2 && lead <= 0xdf)
		return is_continuation(at[1]) ? 2 : 0;
	if (lead >= 0xe1 && lead <= 0xef && lead != 0xed)
		return is_continuation(at[1]) && is_continuation(at[2]) ? 3 : 0;
	return 0;
}

/* Skips a run of characters outside ASCII. */
static const char *
skip_non_ascii(struct kg_json *json, const char *at)
{
	const char *bad;

	do {
		size_t len = json->end - at >= 3 ? plain_utf8_len(at) : 0;

		if (len > 0) {
			at += len;
			continue;
		}
		at = skip_utf8(at, json->end, &bad);
		if (at == NULL)
			return fail(json, bad, "The text is not UTF-8.");
	} while (at < json->end && (unsigned char)*at >= 0x80);
	return at;
}

/* Skips a string, whose quote is at `at`. */
HOT const char *
skip_string(struct kg_json *json, const char *at, bool *has_escapes)
{
	*has_escapes = false;
	at++;
	while (at != NULL) {
		at = skip_plain(at, json->end);
		if (at == json->end)
			return fail(json, at, "The text ends inside a string.");
		if (*at == '"')
			return at + 1;
		if (*at == '\\') {
			*has_escapes = true;
			at = skip_escape(json, at);
		} else if ((unsigned char)*at < 0x20) {
			return fail(json, at, "A string holds a raw control character.");
		} else {
			at = skip_non_ascii(json, at);
		}
	}
	return NULL;
}

/* Skips digits, of which there must be one. */
HOT const char *
skip_digits(struct kg_json *json, const char *at)
{
	if (at == json->end || !is_digit(*at))
		return fail(json, at, "A digit was expected.");
	while (at < json->end && is_digit(*at))
		at++;
	return at;
}

HOT const char *
skip_number(struct kg_json *json, const char *at)
{
	if (*at == '-')
		at++;
	/* A second digit after a zero ends the number, and then nothing can follow it. */
	if (at < json->end && *at == '0')
		at++;
	else
		at = skip_digits(json, at);
	if (at != NULL && at < json->end && *at == '.')
		at = skip_digits(json, at + 1);
	if (at != NULL && at < json->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < json->end && (*at == '+' || *at == '-'))
			at++;
		at = skip_digits(json, at);
	}
	return at;
}

HOT const char *
skip_word(struct kg_json *json, const char *at, const char *word)
{
	for (; *word != '\0'; word++, at++)
		if (at == json->end || *at != *word)
			return fail(json, at, "Only true, false and null are words.");
	return at;
}

HOT enum kg_json_kind
classify(struct kg_json *json, const char *at)
{
	if (at == json->end) {
		fail(json, at, "The text ends where a value was expected.");
		return KG_JSON_NONE;
	}
	switch (*at) {
	case '{':
		return KG_JSON_OBJECT;
	case '[':
		return KG_JSON_ARRAY;
	case '"':
		return KG_JSON_STRING;
	case 't':
		return KG_JSON_TRUE;
	case 'f':
		return KG_JSON_FALSE;
	case 'n':
		return KG_JSON_NULL;
	case '-':
		return KG_JSON_NUMBER;
	default:
		if (is_digit(*at))
			return KG_JSON_NUMBER;
		fail(json, at, "A value was expected.");
		return KG_JSON_NONE;
	}
}

HOT const char *
skip_scalar(
    struct kg_json *json, const char *at, enum kg_json_kind kind, bool *has_escapes)
{
	switch (kind) {
	case KG_JSON_STRING:
		return skip_string(json, at, has_escapes);
	case KG_JSON_NUMBER:
		return skip_number(json, at);
	case KG_JSON_TRUE:
		return skip_word(json, at, "true");
	case KG_JSON_FALSE:
		return skip_word(json, at, "false");
	case KG_JSON_NULL:
		return skip_word(json, at, "null");
	default:
		return NULL;
	}
}

/* Skips a member name and its colon, and the space around them. */
HOT const char *
skip_name(struct kg_json *json, const char *at, struct kg_json_value *name)
{
	at = skip_space(at, json->end);
	if (at == json->end || *at != '"')
		return fail(json, at, "A member name was expected.");
	name->kind = KG_JSON_STRING;
	name->start = at;
	at = skip_string(json, at, &name->has_escapes);
	if (at == NULL)
		return NULL;
	name->len = (size_t)(at - name->start);
	at = skip_space(at, json->end);
	if (at == json->end || *at != ':')
		return fail(json, at, "A colon was expected.");
	return skip_space(at + 1, json->end);
}

HOT bool
is_in_object(const struct container_stack *stack)
{
	unsigned top = stack->depth - 1;

	return (stack->is_object[top / 64] >> (top % 64)) & 1;
}

HOT void
push(struct container_stack *stack, bool is_object)
{
	uint64_t *word = &stack->is_object[stack->depth / 64];
	unsigned place = stack->depth % 64;

	if (place == 0)
		*word = 0;
	*word = (*word & ~(UINT64_C(1) << place)) | (uint64_t)is_object << place;
	stack->depth++;
}

/* Behind a value: closes the containers that end here, and goes to the next value, if
 * there is one; stack->depth is 0 when there is none. */
HOT const char *
close_containers(struct kg_json *json, const char *at, struct container_stack *stack)
{
	struct kg_json_value name;

	while (stack->depth > 0) {
		bool is_object = is_in_object(stack);

		at = skip_space(at, json->end);
		if (at == json->end)
			return fail(json, at, "The text ends inside a container.");
		if (*at == ',') {
			at = skip_space(at + 1, json->end);
			return is_object ? skip_name(json, at, &name) : at;
		}
		if (*at != (is_object ? '}' : ']'))
			return fail(json, at,
			    "A comma or the end of the container was expected.");
		stack->depth--;
		at++;
	}
	return at;
}

/* Opens the container at `at` and goes to its first value; one that is empty is closed.
 */
HOT const char *
open_container(struct kg_json *json, const char *at, struct container_stack *stack)
{
	struct kg_json_value name;
	bool is_object = *at == '{';

	if (stack->depth == json->max_depth)
		return fail(
		    json, at, "More containers are nested than the limit allows.");
	push(stack, is_object);
	at = skip_space(at + 1, json->end);
	if (at < json->end && *at == (is_object ? '}' : ']'))
		return close_containers(json, at, stack);
	return is_object ? skip_name(json, at, &name) : at;
}

/* Skips a container with everything in it. */
static const char *
skip_container(struct kg_json *json, const char *at)
{
	struct container_stack stack;
	bool has_escapes;

	stack.depth = 0;
	at = open_container(json, at, &stack);
	while (at != NULL && stack.depth > 0) {
		enum kg_json_kind kind = classify(json, at);

		if (kind == KG_JSON_OBJECT || kind == KG_JSON_ARRAY) {
			at = open_container(json, at, &stack);
			continue;
		}
		at = skip_scalar(json, at, kind, &has_escapes);
		if (at != NULL)
			at = close_containers(json, at, &stack);
	}
	return at;
}

/* Skips a string without a look at what is in it. */
static const char *
skip_string_unchecked(struct kg_json *json, const char *at)
{
	for (at++; at < json->end; at++) {
		at = skip_plain(at, json->end);
		if (at == json->end)
			break;
		if (*at == '"')
			return at + 1;
		if (*at == '\\' && at + 1 < json->end)
			at++;
	}
	return fail(json, json->end, "The text ends inside a string.");
}

static const char *
skip_container_unchecked(struct kg_json *json, const char *at)
{
	unsigned depth = 0;

	while (at != NULL && at < json->end) {
		char c = *at;

		if (c == '"') {
			at = skip_string_unchecked(json, at);
			continue;
		}
		if ((c == '{' || c == '[') && depth++ == json->max_depth)
			return fail(json, at,
			    "More containers are nested than the limit allows.");
		at++;
		if ((c == '}' || c == ']') && --depth == 0)
			return at;
	}
	return at == NULL ? NULL : fail(json, at, "The text ends inside a container.");
}

/* Skips whatever stands for a number or a word. */
static const char *
skip_word_unchecked(const char *at, const char *end)
{
	while (at < end && memchr(",]} \t\r\n", *at, 7) == NULL)
		at++;
	return at;
}

void
kg_json_init(struct kg_json *json, const char *bytes, size_t len, unsigned max_depth)
{
	assert(max_depth <= KG_JSON_DEPTH_MAX);
	/* No bytes may have no place, but an error at their end needs one. */
	if (len == 0)
		bytes = "";
	*json = (struct kg_json){
	    .start = bytes, .at = bytes, .end = bytes + len, .max_depth = max_depth};
}

bool
kg_json_has_failed(const struct kg_json *json)
{
	return json->error_at != NULL;
}

size_t
kg_json_error_offset(const struct kg_json *json)
{
	return (size_t)(json->error_at - json->start);
}

enum kg_json_kind
kg_json_peek(struct kg_json *json)
{
	if (kg_json_has_failed(json))
		return KG_JSON_NONE;
	json->at = skip_space(json->at, json->end);
	return classify(json, json->at);
}

/* Takes over the end of a value that began at json->at; NULL: it has none. */
static bool
finish_value(struct kg_json *json, const char *end, struct kg_json_value *value)
{
	if (end == NULL)
		return false;
	value->start = json->at;
	value->len = (size_t)(end - json->at);
	json->at = end;
	return true;
}

bool
kg_json_read_value(struct kg_json *json, struct kg_json_value *value)
{
	const char *end = NULL;

	value->kind = kg_json_peek(json);
	value->has_escapes = false;
	if (value->kind == KG_JSON_OBJECT || value->kind == KG_JSON_ARRAY)
		end = skip_container(json, json->at);
	else if (value->kind != KG_JSON_NONE)
		end = skip_scalar(json, json->at, value->kind, &value->has_escapes);
	return finish_value(json, end, value);
}

bool
kg_json_find_value_end(struct kg_json *json, struct kg_json_value *value)
{
	const char *end = NULL;

	value->kind = kg_json_peek(json);
	value->has_escapes = true;
	if (value->kind == KG_JSON_OBJECT || value->kind == KG_JSON_ARRAY)
		end = skip_container_unchecked(json, json->at);
	else if (value->kind == KG_JSON_STRING)
		end = skip_string_unchecked(json, json->at);
	else if (value->kind != KG_JSON_NONE)
		end = skip_word_unchecked(json->at, json->end);
	return finish_value(json, end, value);
}

void
kg_json_enter(struct kg_json *json)
{
	if (!kg_json_has_failed(json))
		json->at++;
}

/* Goes to the next item of a container, behind the comma. False: its end was read, or it
 * failed. */
static bool
next_item(struct kg_json *json, bool *is_first, char closer)
{
	bool was_first = *is_first;

	*is_first = false;
	if (kg_json_has_failed(json))
		return false;
	json->at = skip_space(json->at, json->end);
	if (json->at < json->end && *json->at == closer) {
		json->at++;
		return false;
	}
	if (was_first)
		return true;
	if (json->at == json->end || *json->at != ',') {
		fail(json, json->at, "A comma or the end of the container was expected.");
		return false;
	}
	json->at++;
	return true;
}

bool
kg_json_next_member(struct kg_json *json, bool *is_first, struct kg_json_value *name)
{
	const char *at;

	if (!next_item(json, is_first, '}'))
		return false;
	at = skip_name(json, json->at, name);
	if (at == NULL)
		return false;
	json->at = at;
	return true;
}

bool
kg_json_next_element(struct kg_json *json, bool *is_first)
{
	return next_item(json, is_first, ']') && kg_json_peek(json) != KG_JSON_NONE;
}

bool
kg_json_finish(struct kg_json *json)
{
	if (kg_json_has_failed(json))
		return false;
	json->at = skip_space(json->at, json->end);
	if (json->at < json->end)
		fail(json, json->at, "The end was expected.");
	return json->at == json->end;
}

bool
kg_json_is_valid(const char *bytes, size_t len, unsigned max_depth)
{
	struct kg_json json;
	struct kg_json_value value;

	kg_json_init(&json, bytes, len, max_depth);
	return kg_json_read_value(&json, &value) && kg_json_finish(&json);
}

const char *
kg_json_kind_name(enum kg_json_kind kind)
{
	static const char *const names[] = {
	    [KG_JSON_NONE] = "nothing",
	    [KG_JSON_OBJECT] = "an object",
	    [KG_JSON_ARRAY] = "an array",
	    [KG_JSON_STRING] = "a string",
	    [KG_JSON_NUMBER] = "a number",
	    [KG_JSON_TRUE] = "true",
	    [KG_JSON_FALSE] = "false",
	    [KG_JSON_NULL] = "null",
	};

	return names[kind];
}
