/* SPDX-License-Identifier: Apache-2.0 */
/* Reads media types and lists of media ranges. Owns nothing. */
#include "daemon/media_type.h"

#include "daemon/head.h"

#include <string.h>
#include <strings.h>

struct reader {
	const char *at;
	const char *end;
};

static void
skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
		reader->at++;
}

static bool
take_char(struct reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static size_t
take_token(struct reader *reader, const char **token)
{
	*token = reader->at;
	while (reader->at < reader->end && kg_head_is_token_char(*reader->at))
		reader->at++;
	return (size_t)(reader->at - *token);
}

/* A quoted string, whose escapes stay; the span is without the quotes. */
static bool
take_quoted(struct reader *reader, const char **text, size_t *len)
{
	*text = ++reader->at;
	while (reader->at < reader->end && *reader->at != '"')
		reader->at += *reader->at == '\\' && reader->end - reader->at > 1 ? 2 : 1;
	if (reader->at >= reader->end)
		return false;
	*len = (size_t)(reader->at++ - *text);
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
use_parameter(struct kg_media_type *type, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	bool is_utf8 = kg_head_is_equal(value, value_len, "utf-8");

	if (kg_head_is_equal(name, name_len, "q"))
		type->is_weight_zero = is_zero_weight(value, value_len);
	if (kg_head_is_equal(name, name_len, "charset") &&
	    type->charset != KG_CHARSET_OTHER)
		type->charset = is_utf8 ? KG_CHARSET_UTF8 : KG_CHARSET_OTHER;
}

/* Behind a semicolon: name=value, or nothing. */
static bool
read_parameter(struct reader *reader, struct kg_media_type *type)
{
	const char *name;
	const char *value;
	size_t name_len;
	size_t value_len;

	skip_blanks(reader);
	name_len = take_token(reader, &name);
	if (name_len == 0)
		return true;
	if (!take_char(reader, '='))
		return false;
	if (reader->at < reader->end && *reader->at == '"') {
		if (!take_quoted(reader, &value, &value_len))
			return false;
	} else if ((value_len = take_token(reader, &value)) == 0) {
		return false;
	}
	use_parameter(type, name, name_len, value, value_len);
	return true;
}

bool
kg_media_type_read(const char *text, size_t len, struct kg_media_type *type)
{
	struct reader reader = {text, text + len};
	const char *subtype;

	*type = (struct kg_media_type){0};
	skip_blanks(&reader);
	if (take_token(&reader, &type->essence) == 0 || !take_char(&reader, '/') ||
	    take_token(&reader, &subtype) == 0)
		return false;
	type->essence_len = (size_t)(reader.at - type->essence);
	skip_blanks(&reader);
	while (take_char(&reader, ';')) {
		if (!read_parameter(&reader, type))
			return false;
		skip_blanks(&reader);
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
