/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From method and raw path to a route and its values. Literal segments are compared as
 * they were sent: nothing is normalised, so one resource has one path. Owns nothing.
 */
#include "daemon/router.h"

#include "daemon/json_scan.h"
#include "daemon/stream_name.h"

#include <stdio.h>
#include <string.h>

enum method { GET = 1, POST, PUT };

struct route {
	enum method method;
	const char *template;
};

static const struct route routes[KG_ROUTE_COUNT] = {
#define KG_ROUTE(name, method, template, endpoint) [KG_ROUTE_##name] = {method, template},
#include "daemon/routes.def"
#undef KG_ROUTE
};

/* Percent-decoding. */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that begins at text, and how long its spelling is; 0: the escape is broken. */
static size_t
decode_byte(const char *text, const char *end, char *byte)
{
	*byte = *text;
	if (*text != '%')
		return 1;
	if (end - text < 3 || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
		return 0;
	*byte = (char)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
	return 3;
}

/* How long the spelling of the character is that begins at text; 0: it is none. */
static size_t
spelled_len(const char *text, const char *end)
{
	char bytes[4];
	size_t lens[4];
	size_t count = 0;
	size_t len = 0;
	size_t char_len;

	for (const char *at = text; at < end && count < sizeof(bytes); count++) {
		lens[count] = decode_byte(at, end, &bytes[count]);
		if (lens[count] == 0)
			break;
		at += lens[count];
	}
	char_len =
	    count == 0 || bytes[0] == '\0' ? 0 : kg_json_utf8_len(bytes, bytes + count);
	for (size_t i = 0; i < char_len; i++)
		len += lens[i];
	return len;
}

bool
kg_router_is_decodable(const char *text, size_t len)
{
	const char *end = text + len;
	size_t char_len;

	for (; text < end; text += char_len) {
		char_len = spelled_len(text, end);
		if (char_len == 0)
			return false;
	}
	return true;
}

size_t
kg_router_decode(char *text, size_t len)
{
	const char *at = text;
	const char *end = text + len;
	char *to = text;

	while (at < end)
		at += decode_byte(at, end, to++);
	return (size_t)(to - text);
}

/* Whether nothing needs decoding or checking, as in most targets. */
static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '%' || text[i] == '\0' || (unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static bool
are_parts_decodable(const char *text, size_t len, const char *separators)
{
	const char *end = text + len;

	if (is_plain(text, len))
		return true;
	while (text < end) {
		const char *at = text;

		while (at < end && strchr(separators, *at) == NULL)
			at++;
		if (!kg_router_is_decodable(text, (size_t)(at - text)))
			return false;
		text = at + 1;
	}
	return true;
}

static void
check_escapes(const struct kg_target *target, struct kg_refusal *refusal)
{
	if (memchr(target->path, '#', target->path_len) != NULL ||
	    memchr(target->query, '#', target->query_len) != NULL)
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "The target has a \"#\"; as data it is written %%23.");
	else if (!are_parts_decodable(target->path, target->path_len, "/"))
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "The path has a broken percent escape, a NUL, or is not UTF-8.");
	else if (!are_parts_decodable(target->query, target->query_len, "&="))
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "The query has a broken percent escape, a NUL, or is not UTF-8.");
}

/* Matching. */

static bool
match_template(
    const char *template, struct kg_target *target, struct kg_router_match *match)
{
	char *at = target->path;
	char *end = at + target->path_len;

	match->value_count = 0;
	while (*template != '\0') {
		char *start = at;

		if (*template != '{') {
			if (at == end || *at++ != *template ++)
				return false;
			continue;
		}
		while (at < end && *at != '/')
			at++;
		if (at == start)
			return false;
		match->values[match->value_count++] =
		    (struct kdb_bytes){start, (size_t)(at - start)};
		template = strchr(template, '}') + 1;
	}
	return at == end;
}

static void
decode_values(struct kg_router_match *match)
{
	for (size_t i = 0; i < match->value_count; i++) {
		/* The values are spans into the target, which is ours to write. */
		char *text = (char *)(uintptr_t)match->values[i].data;

		match->values[i].len = kg_router_decode(text, match->values[i].len);
	}
}

static bool
find_path(struct kg_target *target, struct kg_router_match *match)
{
	int route = 0;

	while (route < KG_ROUTE_COUNT &&
	       !match_template(routes[route].template, target, match))
		route++;
	match->route = (enum kg_route)route;
	if (route < KG_ROUTE_COUNT)
		decode_values(match);
	return route < KG_ROUTE_COUNT;
}

/* Names (api-design 2). */

static void
check_stream(struct kdb_bytes name, size_t max_bytes, struct kg_refusal *refusal)
{
	char fault[KG_STREAM_NAME_FAULT_SIZE];

	if (!kg_stream_name_check(name, max_bytes, fault))
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, "path:stream", NULL,
		    "%s", fault);
}

/* Metadata lies in a stream of its own, whose name only the database needs to know. */
static void
check_metadata_owner(struct kdb_bytes name, struct kg_refusal *refusal)
{
	if (!refusal->is_set && name.len > 2 && memcmp(name.data, "$$", 2) == 0)
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, "path:stream",
		    "Leave out the $$ in front: the path names the stream itself.",
		    "A stream that starts with $$ has no metadata: it is the metadata of "
		    "another stream.");
}

static void
check_type(struct kdb_bytes name, size_t max_bytes, struct kg_refusal *refusal)
{
	if (name.len > max_bytes)
		kg_refusal_add(refusal, KG_PROBLEM_INVALID_REQUEST, "path:type", NULL,
		    "The event type has %zu bytes, %zu are allowed.", name.len,
		    max_bytes);
}

static void
check_names(
    const struct kg_router_match *match, size_t max_bytes, struct kg_refusal *refusal)
{
	const char *value = routes[match->route].template;

	for (size_t i = 0; i < match->value_count; i++) {
		value = strchr(value, '{') + 1;
		if (strncmp(value, "stream}", 7) == 0)
			check_stream(match->values[i], max_bytes, refusal);
		if (strcmp(value, "stream}/metadata") == 0)
			check_metadata_owner(match->values[i], refusal);
		if (strncmp(value, "type}", 5) == 0)
			check_type(match->values[i], max_bytes, refusal);
	}
}

/* Methods. */

static void
put_allow(struct kg_router_match *match)
{
	static const char *const words[] = {
	    [GET] = "GET, HEAD, ", [POST] = "POST, ", [PUT] = "PUT, "};
	const char *template = routes[match->route].template;
	size_t len = 0;

	for (int i = 0; i < KG_ROUTE_COUNT; i++)
		if (strcmp(routes[i].template, template) == 0)
			len += (size_t)snprintf(match->allow + len,
			    sizeof(match->allow) - len, "%s", words[routes[i].method]);
	snprintf(match->allow + len, sizeof(match->allow) - len, "OPTIONS");
}

/* The route of this path that has the method; KG_ROUTE_COUNT: none. */
static enum kg_route
find_method(enum kg_route path, enum method method)
{
	const char *template = routes[path].template;
	int route = 0;

	if (routes[path].method == method)
		return path;
	while (
	    route < KG_ROUTE_COUNT && (routes[route].method != method ||
					  strcmp(routes[route].template, template) != 0))
		route++;
	return (enum kg_route)route;
}

static void
choose_method(
    const char *method, struct kg_router_match *match, struct kg_refusal *refusal)
{
	enum kg_route route = KG_ROUTE_COUNT;

	match->is_options = strcmp(method, "OPTIONS") == 0;
	if (strcmp(method, "POST") == 0)
		route = find_method(match->route, POST);
	else if (strcmp(method, "PUT") == 0)
		route = find_method(match->route, PUT);
	else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		route = find_method(match->route, GET);
	if (route != KG_ROUTE_COUNT) {
		match->route = route;
		return;
	}
	put_allow(match);
	if (!match->is_options)
		kg_refusal_set(refusal, KG_PROBLEM_METHOD_NOT_ALLOWED,
		    "This path has the methods %s.", match->allow);
}

bool
kg_router_find(const char *method, struct kg_target *target, size_t max_name_bytes,
    struct kg_router_match *match, struct kg_refusal *refusal)
{
	*match = (struct kg_router_match){.route = KG_ROUTE_COUNT};
	check_escapes(target, refusal);
	if (refusal->is_set)
		return false;
	if (!find_path(target, match)) {
		kg_refusal_set(refusal, KG_PROBLEM_NOT_FOUND, "There is no such path.");
		return false;
	}
	check_names(match, max_name_bytes, refusal);
	if (!refusal->is_set)
		choose_method(method, match, refusal);
	return !refusal->is_set;
}

const char *
kg_router_template(enum kg_route route)
{
	return route < KG_ROUTE_COUNT ? routes[route].template : "other";
}
