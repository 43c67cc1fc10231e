/* SPDX-License-Identifier: Apache-2.0 */
/* Reads media types and lists of media ranges. Owns nothing. */
#include "daemon/media_type.h"

#include "daemon/field_value.h"

#include <string.h>
#include <strings.h>

/* A quoted string, whose escapes stay; the span is without the quotes. */
static bool
take_quoted(struct kg_field_reader *reader, struct kdb_bytes *text)
{
	const char *start = ++reader->at;

	while (reader->at < reader->end && *reader->at != '"')
		reader->at += *reader->at == '\\' && reader->end - reader->at > 1 ? 2 : 1;
	if (reader->at >= reader->end)
		return false;
	*text = (struct kdb_bytes){start, (size_t)(reader->at++ - start)};
	return true;
}

static bool
is_zero_weight(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '0' && text[i] != '.')
			return false;
	return len > 0;
}

static void
use_parameter(
    struct kg_media_type *type, struct kdb_bytes name, struct kdb_bytes value)
{
	bool is_utf8 = kg_head_is_equal(value.data, value.len, "utf-8");

	if (kg_head_is_equal(name.data, name.len, "q"))
		type->is_weight_zero = is_zero_weight(value.data, value.len);
	if (kg_head_is_equal(name.data, name.len, "charset") &&
	    type->charset != KG_CHARSET_OTHER)
		type->charset = is_utf8 ? KG_CHARSET_UTF8 : KG_CHARSET_OTHER;
}

/* Behind a semicolon: name=value, or nothing. */
static bool
read_parameter(struct kg_field_reader *reader, struct kg_media_type *type)
{
	struct kdb_bytes name;
	struct kdb_bytes value;

	kg_field_skip_blanks(reader);
	name = kg_field_take_token(reader);
	if (name.len == 0)
		return true;
	if (!kg_field_take_char(reader, '='))
		return false;
	if (reader->at < reader->end && *reader->at == '"') {
		if (!take_quoted(reader, &value))
			return false;
	} else if ((value = kg_field_take_token(reader)).len == 0) {
		return false;
	}
	use_parameter(type, name, value);
	return true;
}

bool
kg_media_type_read(const char *text, size_t len, struct kg_media_type *type)
{
	struct kg_field_reader reader = {text, text + len};

	*type = (struct kg_media_type){0};
	kg_field_skip_blanks(&reader);
	type->essence = reader.at;
	if (kg_field_take_token(&reader).len == 0 || !kg_field_take_char(&reader, '/') ||
	    kg_field_take_token(&reader).len == 0)
		return false;
	type->essence_len = (size_t)(reader.at - type->essence);
	kg_field_skip_blanks(&reader);
	while (kg_field_take_char(&reader, ';')) {
		if (!read_parameter(&reader, type))
			return false;
		kg_field_skip_blanks(&reader);
	}
	return reader.at == reader.end;
}

bool
kg_media_type_is(const struct kg_media_type *type, const char *name)
{
	return kg_head_is_equal(type->essence, type->essence_len, name);
}

bool
kg_media_type_has_suffix(const struct kg_media_type *type, const char *suffix)
{
	size_t len = strlen(suffix);

	return type->essence_len > len &&
	       strncasecmp(type->essence + type->essence_len - len, suffix, len) == 0;
}

static void
use_range(struct kg_accept *accept, const struct kg_media_type *range)
{
	static const char *const ours[] = {
	    "application/json", "application/problem+json"};

	for (int i = 0; i < 2; i++) {
		unsigned specificity = kg_media_type_is(range, ours[i])           ? 3
				       : kg_media_type_is(range, "application/*") ? 2
				       : kg_media_type_is(range, "*/*")           ? 1
										  : 0;

		if (specificity == 0 || specificity < accept->specificity[i])
			continue;
		/* Of two equal ranges the one that admits wins. */
		if (specificity == accept->specificity[i] && accept->is_admitted[i])
			continue;
		accept->specificity[i] = specificity;
		accept->is_admitted[i] = !range->is_weight_zero;
	}
}

/* The end of a list element: a comma outside of quotes. */
static const char *
element_end(const char *at, const char *end)
{
	bool is_quoted = false;

	for (; at < end && (is_quoted || *at != ','); at++) {
		if (is_quoted && *at == '\\' && end - at > 1)
			at++;
		else if (*at == '"')
			is_quoted = !is_quoted;
	}
	return at;
}

static bool
is_blank(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at == end;
}

void
kg_accept_add(struct kg_accept *accept, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = element_end(text, end);
		struct kg_media_type range;

		if (kg_media_type_read(text, (size_t)(stop - text), &range))
			use_range(accept, &range);
		/* Empty elements are nothing (RFC 9110, 5.6.1.2). */
		accept->is_given |= !is_blank(text, stop);
		text = stop + 1;
	}
}

bool
kg_accept_admits_json(const struct kg_accept *accept)
{
	return !accept->is_given || accept->is_admitted[0] || accept->is_admitted[1];
}
