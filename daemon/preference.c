/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the list of preferences. Owns nothing. */
#include "daemon/preference.h"

#include "daemon/field_value.h"

#include <string.h>

/* Longer values are none that we know. */
enum { VALUE_MAX = 16 };

/* Up to the next comma or semicolon that is not inside quotes. */
static struct kdb_bytes
take_part(struct kg_field_reader *reader, bool ends_at_semicolon)
{
	const char *start = reader->at;
	bool is_quoted = false;

	for (; reader->at < reader->end; reader->at++) {
		const char c = *reader->at;

		if (!is_quoted && (c == ',' || (c == ';' && ends_at_semicolon)))
			break;
		if (c == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && c == '\\' && reader->at + 1 < reader->end)
			reader->at++;
	}
	return (struct kdb_bytes){start, (size_t)(reader->at - start)};
}

/* A quoted string behind its first quote, without escapes; *len is 0 when it is too long
 * for us. */
static bool
take_quoted(struct kg_field_reader *reader, char value[VALUE_MAX], size_t *len)
{
	*len = 0;
	while (reader->at < reader->end && *reader->at != '"') {
		if (*reader->at == '\\' && reader->at + 1 < reader->end)
			reader->at++;
		if (*len < VALUE_MAX)
			value[(*len)++] = *reader->at;
		reader->at++;
	}
	if (*len == VALUE_MAX)
		*len = 0;
	return kg_field_take_char(reader, '"');
}

static bool
take_value(struct kg_field_reader *reader, char value[VALUE_MAX], size_t *len)
{
	struct kdb_bytes token;

	kg_field_skip_blanks(reader);
	if (kg_field_take_char(reader, '"'))
		return take_quoted(reader, value, len);
	token = kg_field_take_token(reader);
	*len = token.len < VALUE_MAX ? token.len : 0;
	memcpy(value, token.data, *len);
	return token.len > 0;
}

static bool
is_word(const char *value, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(value, word, len) == 0;
}

static bool
use_int64(struct kg_preferences *preferences, const char *value, size_t len)
{
	const bool is_first = !preferences->has_int64;

	preferences->has_int64 = true;
	if (is_first && is_word(value, len, "string"))
		preferences->int64_form = KG_INT64_STRING;
	return !is_first || preferences->int64_form == KG_INT64_STRING;
}

static bool
use_handling(struct kg_preferences *preferences, const char *value, size_t len)
{
	const bool is_first = !preferences->has_handling;

	preferences->has_handling = true;
	if (is_first) {
		preferences->is_strict = is_word(value, len, "strict");
		preferences->is_lenient = is_word(value, len, "lenient");
	}
	return !is_first || preferences->is_strict || preferences->is_lenient;
}

/* False: it is none that we know. */
static bool
use(struct kg_preferences *preferences, struct kdb_bytes name, const char *value,
    size_t len)
{
	if (kg_head_is_equal(name.data, name.len, "int64"))
		return use_int64(preferences, value, len);
	if (kg_head_is_equal(name.data, name.len, "handling"))
		return use_handling(preferences, value, len);
	return false;
}

/* One preference without its parameters, which say nothing to us. */
static bool
read_preference(struct kg_preferences *preferences, struct kdb_bytes text)
{
	struct kg_field_reader reader = {text.data, (const char *)text.data + text.len};
	struct kdb_bytes name = kg_field_take_token(&reader);
	char value[VALUE_MAX];
	size_t len = 0;

	kg_field_skip_blanks(&reader);
	if (kg_field_take_char(&reader, '=') && !take_value(&reader, value, &len))
		return false;
	kg_field_skip_blanks(&reader);
	return reader.at == reader.end && use(preferences, name, value, len);
}

static struct kdb_bytes
trim(struct kdb_bytes text)
{
	const char *bytes = text.data;

	while (
	    text.len > 0 && (bytes[text.len - 1] == ' ' || bytes[text.len - 1] == '\t'))
		text.len--;
	return text;
}

void
kg_preferences_add(struct kg_preferences *preferences, const char *value, size_t len)
{
	struct kg_field_reader reader = {value, value + len};

	do {
		struct kdb_bytes text;

		kg_field_skip_blanks(&reader);
		text = trim(take_part(&reader, true));
		take_part(&reader, false);
		if (text.len > 0 && !read_preference(preferences, text) &&
		    preferences->unknown_count < KG_PREFERENCES_UNKNOWN_MAX)
			preferences->unknown[preferences->unknown_count++] = text;
	} while (kg_field_take_char(&reader, ','));
}

const char *
kg_preferences_applied(const struct kg_preferences *preferences)
{
	static const char *const texts[2][3] = {
	    {NULL, "handling=strict", "handling=lenient"},
	    {"int64=string", "int64=string, handling=strict",
		"int64=string, handling=lenient"},
	};
	const int handling = preferences->is_strict ? 1 : preferences->is_lenient ? 2 : 0;

	return texts[preferences->int64_form == KG_INT64_STRING][handling];
}
