/* SPDX-License-Identifier: Apache-2.0 */
/* Reads stream metadata the way the server's JSON reader does: single quotes, a trailing
 * comma and bytes behind the object pass; a wrong type anywhere makes it ignore all. */
#include "devdb/stream_metadata.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define MAX_DEPTH 64
/* Longest time span of the server's runtime. */
#define MAX_AGE_S INT64_C(922337203685)

enum kind { KIND_OBJECT, KIND_ARRAY, KIND_TEXT, KIND_INTEGER, KIND_FLOAT, KIND_WORD };

struct reader {
	const char *at;
	const char *end;
};

/* A value or a key: where it stands, and for integers what it is. */
struct token {
	enum kind kind;
	const char *start;
	const char *end;
	int64_t integer;
};

static void
skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at)
		reader->at++;
}

static bool
take(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool
read_text(struct reader *reader, struct token *token)
{
	char quote = *reader->at;

	token->kind = KIND_TEXT;
	token->start = reader->at++;
	while (reader->at < reader->end && *reader->at != quote)
		reader->at += *reader->at == '\\' ? 2 : 1;
	if (reader->at >= reader->end)
		return false;
	token->end = ++reader->at;
	return true;
}

static bool
read_number(struct reader *reader, struct token *token)
{
	bool is_negative = *reader->at == '-';
	const char *digits;

	token->start = reader->at;
	reader->at += is_negative;
	digits = reader->at;
	token->kind = KIND_INTEGER;
	token->integer = 0;
	for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
	     reader->at++) {
		int digit = *reader->at - '0';

		if (__builtin_mul_overflow(token->integer, 10, &token->integer) ||
		    __builtin_sub_overflow(token->integer, digit, &token->integer))
			token->kind = KIND_FLOAT;
	}
	if (reader->at == digits)
		return false;
	while (reader->at < reader->end && *reader->at &&
	       strchr("0123456789.eE+-", *reader->at)) {
		token->kind = KIND_FLOAT;
		reader->at++;
	}
	token->end = reader->at;
	if (!is_negative && token->kind == KIND_INTEGER &&
	    __builtin_sub_overflow((int64_t)0, token->integer, &token->integer))
		token->kind = KIND_FLOAT;
	return true;
}

static bool
read_word(struct reader *reader, struct token *token)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(reader->end - reader->at) >= len &&
		    memcmp(reader->at, words[i], len) == 0) {
			*token =
			    (struct token){KIND_WORD, reader->at, reader->at + len, 0};
			reader->at += len;
			return true;
		}
	}
	return false;
}

static bool read_value(struct reader *reader, struct token *token, int depth);

/* Called for each member of an object; false makes the whole object faulty. */
typedef bool (*member_fn)(
    void *context, const struct token *key, const struct token *value);

static bool
read_object(struct reader *reader, int depth, member_fn member, void *context)
{
	struct token key;
	struct token value;

	reader->at++;
	while (!take(reader, '}')) {
		if (reader->at == reader->end || !strchr("\"'", *reader->at) ||
		    !*reader->at || !read_text(reader, &key) || !take(reader, ':') ||
		    !read_value(reader, &value, depth + 1))
			return false;
		if (member && !member(context, &key, &value))
			return false;
		if (!take(reader, ',')) {
			if (!take(reader, '}'))
				return false;
			return true;
		}
	}
	return true;
}

typedef bool (*element_fn)(void *context, const struct token *value);

static bool
read_array(struct reader *reader, int depth, element_fn element, void *context)
{
	struct token value;

	reader->at++;
	while (!take(reader, ']')) {
		if (!read_value(reader, &value, depth + 1) ||
		    (element && !element(context, &value)))
			return false;
		if (!take(reader, ','))
			return take(reader, ']');
	}
	return true;
}

static bool
read_value(struct reader *reader, struct token *token, int depth)
{
	bool is_object;

	skip_blanks(reader);
	if (reader->at == reader->end || depth > MAX_DEPTH)
		return false;
	switch (*reader->at) {
	case '"':
	case '\'':
		return read_text(reader, token);
	case '{':
	case '[':
		is_object = *reader->at == '{';
		token->kind = is_object ? KIND_OBJECT : KIND_ARRAY;
		token->start = reader->at;
		if (!(is_object ? read_object(reader, depth, NULL, NULL)
				: read_array(reader, depth, NULL, NULL)))
			return false;
		token->end = reader->at;
		return true;
	case 't':
	case 'f':
	case 'n':
		return read_word(reader, token);
	default:
		return read_number(reader, token);
	}
}

static bool
is_key(const struct token *key, const char *name)
{
	size_t len = (size_t)(key->end - key->start) - 2;

	return strlen(name) == len && memcmp(key->start + 1, name, len) == 0;
}

/* --- access lists --- */

/* Who is asked about, and what the list that was read last says. */
struct question {
	const char *right;
	devdb_stream_metadata_role_fn has_role;
	const void *who;
	enum devdb_access_list list;
};

static unsigned
read_hex(const char *digits)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		int c = tolower((unsigned char)digits[i]);

		value = value * 16 + (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	return value;
}

static void
put_utf8(struct kdb_buffer *out, unsigned c)
{
	if (c < 0x80) {
		kdb_buffer_put_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		kdb_buffer_put_char(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			kdb_buffer_put_char(out, (char)(0xe0 | c >> 12));
		} else {
			kdb_buffer_put_char(out, (char)(0xf0 | c >> 18));
			kdb_buffer_put_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		kdb_buffer_put_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	kdb_buffer_put_char(out, (char)(0x80 | (c & 0x3f)));
}

static bool
is_unicode_escape(const char *at, const char *end)
{
	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return false;
	for (int i = 2; i < 6; i++) {
		if (!isxdigit((unsigned char)at[i]))
			return false;
	}
	return true;
}

/* Takes \uXXXX, or two of them that are one character; returns what is behind. */
static const char *
put_unicode_escape(struct kdb_buffer *out, const char *at, const char *end)
{
	unsigned c = read_hex(at + 2);
	unsigned low;

	at += 6;
	if (c >= 0xd800 && c < 0xdc00 && is_unicode_escape(at, end)) {
		low = read_hex(at + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			at += 6;
		}
	}
	put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return at;
}

/* The characters that a text stands for. */
static void
put_plain(struct kdb_buffer *out, const struct token *text)
{
	static const char names[] = "bfnrt";
	static const char values[] = "\b\f\n\r\t";
	const char *end = text->end - 1;
	const char *at = text->start + 1;

	while (at < end) {
		if (is_unicode_escape(at, end)) {
			at = put_unicode_escape(out, at, end);
		} else if (*at == '\\' && at + 1 < end) {
			const char *name = at[1] ? strchr(names, at[1]) : NULL;

			kdb_buffer_put_char(out, name ? values[name - names] : at[1]);
			at += 2;
		} else {
			kdb_buffer_put_char(out, *at++);
		}
	}
}

static bool
take_role(void *context, const struct token *value)
{
	struct question *question = context;
	struct kdb_buffer role;

	if (value->kind != KIND_TEXT)
		return false;
	if (!question || question->list == DEVDB_ACCESS_LISTED)
		return true;
	kdb_buffer_init(&role, 3 * (size_t)(value->end - value->start));
	put_plain(&role, value);
	if (role.len && question->has_role(question->who, role.data, role.len))
		question->list = DEVDB_ACCESS_LISTED;
	kdb_buffer_dispose(&role);
	return true;
}

static bool
take_acl_member(void *context, const struct token *key, const struct token *value)
{
	static const char *const names[] = {"$r", "$w", "$d", "$mr", "$mw"};
	struct question *question = context;
	struct reader reader = {value->start, value->end};
	bool is_known = false;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		is_known |= is_key(key, names[i]);
	if (!is_known)
		return false;
	if (question && is_key(key, question->right))
		question->list = DEVDB_ACCESS_NOT_LISTED;
	else
		question = NULL;
	if (value->kind == KIND_ARRAY)
		return read_array(&reader, 1, take_role, question);
	return take_role(question, value);
}

/* The last of several lists counts. */
static bool
take_acl(struct question *question, const struct token *value)
{
	struct reader reader = {value->start, value->end};

	if (question)
		question->list = DEVDB_ACCESS_NO_LIST;
	return value->kind == KIND_OBJECT &&
	       read_object(&reader, 1, take_acl_member, question);
}

/* --- the whole --- */

struct document {
	struct devdb_stream_metadata metadata;
	struct question *question; /* or NULL */
};

static bool
take_limit(const struct token *value, int64_t *limit)
{
	if (value->kind != KIND_INTEGER)
		return false;
	*limit = value->integer > 0 ? value->integer : 0;
	return true;
}

static bool
take_member(void *context, const struct token *key, const struct token *value)
{
	struct document *document = context;
	struct devdb_stream_metadata *metadata = &document->metadata;
	int64_t ignored;

	if (is_key(key, "$maxCount"))
		return take_limit(value, &metadata->max_count);
	if (is_key(key, "$tb"))
		return take_limit(value, &metadata->truncate_before);
	if (is_key(key, "$maxAge"))
		return take_limit(value, &metadata->max_age_s) &&
		       metadata->max_age_s <= MAX_AGE_S;
	if (is_key(key, "$cacheControl"))
		return take_limit(value, &ignored) && ignored <= MAX_AGE_S;
	if (is_key(key, "$tmp"))
		return value->kind == KIND_WORD && *value->start != 'n';
	if (is_key(key, "$acl"))
		return take_acl(document->question, value);
	return true;
}

static bool
read_whole(const uint8_t *json, size_t len, member_fn member, void *context)
{
	struct reader reader = {(const char *)json, (const char *)json + len};

	if (len >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0)
		reader.at += 3;
	skip_blanks(&reader);
	return reader.at < reader.end && *reader.at == '{' &&
	       read_object(&reader, 0, member, context);
}

struct devdb_stream_metadata
devdb_stream_metadata_parse(const uint8_t *json, size_t len)
{
	struct document document = {0};

	if (!read_whole(json, len, take_member, &document))
		return (struct devdb_stream_metadata){0};
	return document.metadata;
}

enum devdb_access_list
devdb_stream_metadata_access(const uint8_t *json, size_t len, const char *right,
    devdb_stream_metadata_role_fn has_role, const void *who)
{
	struct question question = {right, has_role, who, DEVDB_ACCESS_NO_LIST};
	struct document document = {.question = &question};

	if (!read_whole(json, len, take_member, &document))
		return DEVDB_ACCESS_NO_LIST;
	return question.list;
}

static void
put_dense(struct kdb_buffer *out, const struct token *value)
{
	char quote = 0;

	for (const char *at = value->start; at < value->end; at++) {
		if (!quote && strchr(" \t\r\n", *at) && *at)
			continue;
		kdb_buffer_put_char(out, *at);
		if (quote && *at == '\\' && at + 1 < value->end)
			kdb_buffer_put_char(out, *++at);
		else if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? 0 : *at;
	}
}

struct rewrite {
	struct kdb_buffer *out;
	int64_t revision;
	bool is_replaced;
};

static bool
copy_member(void *context, const struct token *key, const struct token *value)
{
	struct rewrite *rewrite = context;

	put_dense(rewrite->out, key);
	kdb_buffer_put_char(rewrite->out, ':');
	if (is_key(key, "$tb")) {
		kdb_buffer_put_printf(rewrite->out, "%" PRId64, rewrite->revision);
		rewrite->is_replaced = true;
	} else {
		put_dense(rewrite->out, value);
	}
	kdb_buffer_put_char(rewrite->out, ',');
	return true;
}

void
devdb_stream_metadata_set_truncate_before(
    struct kdb_buffer *out, const uint8_t *json, size_t len, int64_t revision)
{
	struct rewrite rewrite = {out, revision, false};
	size_t start = out->len;

	kdb_buffer_put_char(out, '{');
	if (!read_whole(json, len, copy_member, &rewrite)) {
		out->len = start + 1;
		rewrite.is_replaced = false;
	}
	if (rewrite.is_replaced)
		out->len--; /* the last comma */
	else
		kdb_buffer_put_printf(out, "\"$tb\":%" PRId64, revision);
	kdb_buffer_put_char(out, '}');
}
