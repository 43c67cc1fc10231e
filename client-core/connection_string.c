/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection strings: one pass from left to right over schemes, user info, hosts and
 * options into struct kdb_connection_settings. Owns nothing after it returns. No text
 * of an error quotes what stands between "://" and the options, because a password with
 * a bare '/', '?' or '@' can stand anywhere there.
 */
#include "client-core/connection_string.h"

#include "client-core/base/alloc.h"
#include "client-core/base/name_distance.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 2113
#define MAX_HOST_LEN 253

enum option_kind {
	OPTION_FLAG,
	OPTION_NUMBER,
	OPTION_TEXT,
	OPTION_PREFERENCE,
	OPTION_DISCOVER,
	OPTION_UNUSED_FLAG,
};

struct option_rule {
	const char *name;
	enum option_kind kind;
	size_t member; /* offset in struct kdb_connection_settings */
	/* The rest is for numbers. */
	const char *unit;
	int32_t minimum;
	int32_t maximum;
	int32_t factor;  /* from the unit to that of the member; 0 is 1 */
	bool can_be_off; /* -1 is allowed and means: */
	int32_t off_value;
	const char *low_hint; /* what a value below the minimum probably is; or NULL */
	const char *high_hint;
};

#define MEMBER(name) offsetof(struct kdb_connection_settings, name)

/* clang-format off */
static const struct option_rule option_rules[] = {
	{ .name = "tls", .kind = OPTION_FLAG, .member = MEMBER(tls) },
	{ .name = "tlsVerifyCert", .kind = OPTION_FLAG,
	  .member = MEMBER(tls_verify_cert) },
	{ .name = "tlsCaFile", .kind = OPTION_TEXT, .member = MEMBER(tls_ca_file) },
	{ .name = "userCertFile", .kind = OPTION_TEXT, .member = MEMBER(user_cert_file) },
	{ .name = "userKeyFile", .kind = OPTION_TEXT, .member = MEMBER(user_key_file) },
	{ .name = "nodePreference", .kind = OPTION_PREFERENCE },
	{ .name = "maxDiscoverAttempts", .kind = OPTION_NUMBER, .unit = "attempts",
	  .member = MEMBER(max_discover_attempts), .minimum = 1, .maximum = INT32_MAX },
	{ .name = "discoveryInterval", .kind = OPTION_NUMBER, .unit = "milliseconds",
	  .member = MEMBER(discovery_interval_ms), .minimum = 1, .maximum = INT32_MAX },
	{ .name = "gossipTimeout", .kind = OPTION_NUMBER, .unit = "seconds",
	  .member = MEMBER(gossip_timeout_ms), .minimum = 1, .maximum = 300,
	  .factor = 1000, .high_hint = "this looks like milliseconds" },
	{ .name = "keepAliveInterval", .kind = OPTION_NUMBER, .unit = "milliseconds",
	  .member = MEMBER(keep_alive_interval_ms), .minimum = 1, .maximum = INT32_MAX,
	  .can_be_off = true, .off_value = -1 },
	{ .name = "keepAliveTimeout", .kind = OPTION_NUMBER, .unit = "milliseconds",
	  .member = MEMBER(keep_alive_timeout_ms), .minimum = 1, .maximum = INT32_MAX,
	  .can_be_off = true, .off_value = -1 },
	{ .name = "defaultDeadline", .kind = OPTION_NUMBER, .unit = "milliseconds",
	  .member = MEMBER(default_deadline_ms), .minimum = 100, .maximum = INT32_MAX,
	  .can_be_off = true, .off_value = 0, .low_hint = "this looks like seconds" },
	{ .name = "connectionName", .kind = OPTION_TEXT,
	  .member = MEMBER(connection_name) },
	{ .name = "dnsDiscover", .kind = OPTION_DISCOVER },
	{ .name = "throwOnAppendFailure", .kind = OPTION_UNUSED_FLAG },
};
/* clang-format on */

enum { OPTION_COUNT = sizeof option_rules / sizeof *option_rules };

static const char *const schemes[] = { "kurrentdb", "kurrent", "kdb", "esdb" };

/* A part of the text: from `at` up to `end`. */
struct span {
	size_t at;
	size_t end;
};

struct parser {
	const char *text;
	size_t len;
	size_t query_at; /* behind the '?', or len */
	struct kdb_connection_settings *settings;
	struct kdb_connection_string_error *error;
	size_t given_at[OPTION_COUNT];
	bool is_given[OPTION_COUNT];
};

static bool fail(struct parser *parser, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool
fail(struct parser *parser, size_t offset, const char *format, ...)
{
	va_list args;

	parser->error->offset = offset;
	va_start(args, format);
	vsnprintf(parser->error->text, sizeof parser->error->text, format, args);
	va_end(args);
	return false;
}

/* What to add to an error about hosts or path when the real trouble is probably that a
 * '/' or '?' of the password ended the part with the hosts too early. */
static const char *
password_hint(const struct parser *parser, size_t from)
{
	if (!strchr(parser->text + from, '@'))
		return "";
	return "; a '/' or '?' in a user name or password must be written as %2F or %3F";
}

static bool
is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

static bool
check_bytes(struct parser *parser)
{
	for (size_t i = 0; i < parser->len; i++)
		if (is_control((unsigned char)parser->text[i]))
			return fail(parser, i, "control characters are not allowed");
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at, which moves on; '%' takes its two digits along. -1 after an error. */
static int
decode_byte(struct parser *parser, size_t *at, size_t end)
{
	const char *text = parser->text + *at;
	int high, low;

	if (*text != '%') {
		(*at)++;
		return (unsigned char)*text;
	}
	high = end - *at > 2 ? hex_value(text[1]) : -1;
	low = high >= 0 ? hex_value(text[2]) : -1;
	if (low < 0) {
		fail(parser, *at, "a '%%' must be followed by two hexadecimal digits");
		return -1;
	}
	if (is_control((unsigned char)(high * 16 + low))) {
		fail(parser, *at, "an encoded control character is not allowed");
		return -1;
	}
	*at += 3;
	return high * 16 + low;
}

/* Percent-decodes the span into a new text that the caller frees; a '+' stays a plus. */
static char *
decode(struct parser *parser, struct span span)
{
	size_t size = span.end - span.at + 1;
	char *decoded = kdb_alloc_zero(size, 1);
	size_t len = 0;

	while (span.at < span.end) {
		int byte = decode_byte(parser, &span.at, span.end);

		if (byte < 0) {
			explicit_bzero(decoded, size);
			free(decoded);
			return NULL;
		}
		decoded[len++] = (char)byte;
	}
	return decoded;
}

static bool
is_scheme(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strlen(schemes[i]) == len && strncasecmp(text, schemes[i], len) == 0)
			return true;
	return false;
}

/* Reads scheme and "://"; *at is behind them then. */
static bool
parse_scheme(struct parser *parser, size_t *at)
{
	static const char suffix[] = "+discover";
	const char *mark = strstr(parser->text, "://");
	size_t len, bare_len;

	if (parser->len == 0)
		return fail(parser, 0, "the connection string is empty");
	if (!mark)
		return fail(parser, 0, "a connection string begins with kurrentdb://");
	len = (size_t)(mark - parser->text);
	bare_len = len;
	if (len > sizeof suffix - 1 &&
	    strncasecmp(mark - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0)
		bare_len -= sizeof suffix - 1;
	if (!is_scheme(parser->text, bare_len))
		return fail(parser, 0,
		    "unknown scheme; known are kurrentdb, kurrent, kdb and esdb, each "
		    "also with +discover");
	parser->settings->is_discover = bare_len < len;
	*at = len + 3;
	return true;
}

static bool
parse_user_info(struct parser *parser, struct span info)
{
	struct kdb_connection_settings *settings = parser->settings;
	const char *text = parser->text + info.at;
	const char *colon = memchr(text, ':', info.end - info.at);
	struct span user = info;
	struct span password = { .at = info.end, .end = info.end };

	if (colon) {
		user.end = (size_t)(colon - parser->text);
		password.at = user.end + 1;
	}
	if (user.at == user.end)
		return fail(parser, user.at, "the user name is missing before '%c'",
		    colon ? ':' : '@');
	settings->user = decode(parser, user);
	if (!settings->user)
		return false;
	if (strchr(settings->user, ':'))
		return fail(parser, user.at, "a user name must not contain a colon");
	settings->password = decode(parser, password);
	return settings->password != NULL;
}

static bool
parse_port(struct parser *parser, struct span digits, uint16_t *port)
{
	uint32_t value = 0;

	if (digits.at == digits.end)
		return fail(parser, digits.at, "the port is missing after ':'%s",
		    password_hint(parser, digits.end));
	for (size_t i = digits.at; i < digits.end; i++) {
		char c = parser->text[i];

		if (c < '0' || c > '9')
			return fail(parser, i, "a port is a number from 1 to 65535%s",
			    password_hint(parser, digits.end));
		value = value * 10 + (uint32_t)(c - '0');
		if (value > UINT16_MAX)
			break;
	}
	if (value == 0 || value > UINT16_MAX)
		return fail(parser, digits.at, "a port is a number from 1 to 65535%s",
		    password_hint(parser, digits.end));
	*port = (uint16_t)value;
	return true;
}

/* A name whose last label is a number can only be meant as an IPv4 address. */
static bool
is_number_last(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *label = dot ? dot + 1 : host;

	return *label && strspn(label, "0123456789") == strlen(label);
}

static bool
check_host_name(struct parser *parser, struct span name, const char *host)
{
	struct in_addr address;

	if (name.end - name.at > MAX_HOST_LEN)
		return fail(
		    parser, name.at, "a host name has at most %d bytes", MAX_HOST_LEN);
	for (size_t i = name.at; i < name.end; i++) {
		unsigned char c = (unsigned char)parser->text[i];

		if (c >= 0x80)
			return fail(parser, i,
			    "a host name is ASCII; write other names in their xn-- form");
		if (!isalnum(c) && c != '-' && c != '_' && c != '.')
			return fail(parser, i,
			    "a host name must not contain this character%s",
			    password_hint(parser, name.end));
	}
	if (*host == '.' || strstr(host, ".."))
		return fail(
		    parser, name.at, "a host name must not contain an empty label");
	if (is_number_last(host) && inet_pton(AF_INET, host, &address) != 1)
		return fail(parser, name.at, "this is not an IPv4 address%s",
		    password_hint(parser, name.end));
	return true;
}

/* Finds where the host of a list item ends and the optional port begins. Of a bracketed
 * address, *host is what stands between the brackets. */
static bool
split_host(struct parser *parser, struct span item, struct span *host, size_t *behind)
{
	const char *text = parser->text + item.at;
	size_t len = item.end - item.at;
	const char *mark;

	if (*text == '[') {
		mark = memchr(text, ']', len);
		if (!mark)
			return fail(
			    parser, item.at, "']' is missing after an IPv6 address");
		*host = (struct span){ item.at + 1, (size_t)(mark - parser->text) };
		*behind = host->end + 1;
		return true;
	}
	mark = memchr(text, ':', len);
	*host = (struct span){ item.at, mark ? (size_t)(mark - parser->text) : item.end };
	*behind = host->end;
	if (mark && memchr(mark + 1, ':', len - (size_t)(mark + 1 - text)))
		return fail(parser, item.at, "an IPv6 address must be in brackets%s",
		    password_hint(parser, item.end));
	if (host->at == host->end)
		return fail(parser, item.at, "a host is missing before ':'");
	return true;
}

static struct kdb_seed *
add_seed(struct kdb_connection_settings *settings, char *host)
{
	size_t count = settings->seed_count + 1;

	settings->seeds = kdb_realloc(settings->seeds, count * sizeof *settings->seeds);
	settings->seeds[settings->seed_count] =
	    (struct kdb_seed){ .host = host, .port = DEFAULT_PORT };
	settings->seed_count = count;
	return &settings->seeds[count - 1];
}

static bool
parse_seed(struct parser *parser, struct span item)
{
	struct in6_addr address;
	struct kdb_seed *seed;
	struct span host = item;
	size_t behind = item.end;

	if (item.at == item.end)
		return fail(parser, item.at, "a host is missing here%s",
		    password_hint(parser, item.end));
	if (!split_host(parser, item, &host, &behind))
		return false;
	seed = add_seed(
	    parser->settings, kdb_alloc_text(parser->text + host.at, host.end - host.at));
	if (behind == host.end) {
		if (!check_host_name(parser, host, seed->host))
			return false;
	} else if (inet_pton(AF_INET6, seed->host, &address) != 1) {
		return fail(parser, host.at, "this is not an IPv6 address");
	}
	if (behind == item.end)
		return true;
	if (parser->text[behind] != ':')
		return fail(parser, behind, "only ':' and a port may follow ']'%s",
		    password_hint(parser, item.end));
	return parse_port(parser, (struct span){ behind + 1, item.end }, &seed->port);
}

static bool
parse_seeds(struct parser *parser, struct span hosts)
{
	for (;;) {
		const char *from = parser->text + hosts.at;
		const char *comma = memchr(from, ',', hosts.end - hosts.at);
		size_t end = comma ? (size_t)(comma - parser->text) : hosts.end;

		if (!parse_seed(parser, (struct span){ hosts.at, end }))
			return false;
		if (!comma)
			return true;
		hosts.at = end + 1;
	}
}

/* Everything from "://" up to the options. */
static bool
parse_authority(struct parser *parser, size_t at)
{
	size_t end = at + strcspn(parser->text + at, "/?");
	/* A host cannot contain '@', so the last one ends the user info, whatever stands
	 * before it. */
	const char *mark = memrchr(parser->text + at, '@', end - at);

	if (mark) {
		size_t info_end = (size_t)(mark - parser->text);

		if (!parse_user_info(parser, (struct span){ at, info_end }))
			return false;
		at = info_end + 1;
	}
	if (!parse_seeds(parser, (struct span){ at, end }))
		return false;
	if (parser->text[end] == '/')
		end++;
	if (parser->text[end] && parser->text[end] != '?')
		return fail(
		    parser, end, "a path is not allowed%s", password_hint(parser, end));
	parser->query_at = parser->text[end] ? end + 1 : end;
	return true;
}

/* Whether a and b are the same but for letter case, '-' and '_', which clients ignore. */
static bool
is_same_name(const char *a, size_t a_len, const char *b)
{
	size_t i = 0;

	for (;;) {
		while (i < a_len && (a[i] == '-' || a[i] == '_'))
			i++;
		if (i == a_len || !*b)
			return i == a_len && !*b;
		if (tolower((unsigned char)a[i++]) != tolower((unsigned char)*b++))
			return false;
	}
}

/* Whether a message may show it. */
static bool
is_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80 || (!isalnum(c) && c != '-' && c != '_'))
			return false;
	}
	return len <= KDB_NAME_DISTANCE_MAX_LEN;
}

static bool
fail_at_name(struct parser *parser, struct span name)
{
	const char *text = parser->text + name.at;
	size_t len = name.end - name.at;
	const char *nearest = NULL;
	size_t least = SIZE_MAX;

	/* Behind a '?' that belongs to a password, the name is a piece of that
	 * password. */
	if (strchr(parser->text + parser->query_at, '@') || !is_word(text, len))
		return fail(parser, name.at, "unknown option%s",
		    password_hint(parser, parser->query_at));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		size_t distance = kdb_name_distance(text, len, option_rules[i].name);

		if (distance < least) {
			least = distance;
			nearest = option_rules[i].name;
		}
	}
	if (nearest)
		return fail(parser, name.at, "unknown option \"%.*s\"; did you mean %s?",
		    (int)len, text, nearest);
	return fail(parser, name.at, "unknown option \"%.*s\"", (int)len, text);
}

static bool
find_option(struct parser *parser, struct span name, size_t *index)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!is_same_name(
			parser->text + name.at, name.end - name.at, option_rules[i].name))
			continue;
		if (parser->is_given[i])
			return fail(parser, name.at,
			    "%s is given twice; the first is at byte %zu",
			    option_rules[i].name, parser->given_at[i]);
		parser->is_given[i] = true;
		parser->given_at[i] = name.at;
		*index = i;
		return true;
	}
	return fail_at_name(parser, name);
}

/* Reads every spelling of a boolean that some client takes; -1 when it is none. */
static int
flag_value(const char *text)
{
	static const char *const words[] = { "false", "true", "f", "t", "0", "1" };

	for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return i & 1;
	return -1;
}

static bool
set_flag(
    struct parser *parser, const struct option_rule *rule, size_t at, const char *value)
{
	int flag = flag_value(value);

	if (flag < 0)
		return fail(parser, at, "%s must be true or false", rule->name);
	if (rule->kind == OPTION_FLAG)
		*(bool *)((char *)parser->settings + rule->member) = flag == 1;
	if (rule->kind == OPTION_DISCOVER && flag == 0 && parser->settings->is_discover)
		return fail(parser, at, "%s=false contradicts +discover in the scheme",
		    rule->name);
	if (rule->kind == OPTION_DISCOVER)
		parser->settings->is_discover = flag == 1;
	return true;
}

static bool
fail_at_number(
    struct parser *parser, const struct option_rule *rule, size_t at, const char *hint)
{
	char range[64];

	if (rule->maximum == INT32_MAX)
		snprintf(range, sizeof range, "at least %d", (int)rule->minimum);
	else
		snprintf(range, sizeof range, "%d to %d", (int)rule->minimum,
		    (int)rule->maximum);
	return fail(parser, at, "%s is in %s and must be %s%s%s%s", rule->name,
	    rule->unit, range, rule->can_be_off ? ", or -1 for none" : "",
	    hint ? "; " : "", hint ? hint : "");
}

static bool
set_number(
    struct parser *parser, const struct option_rule *rule, size_t at, const char *value)
{
	int32_t *member = (int32_t *)(void *)((char *)parser->settings + rule->member);
	int64_t number = 0;

	if (rule->can_be_off && strcmp(value, "-1") == 0) {
		*member = rule->off_value;
		return true;
	}
	if (strspn(value, "0123456789") != strlen(value))
		return fail_at_number(parser, rule, at, NULL);
	for (const char *digit = value; *digit && number <= INT32_MAX; digit++)
		number = number * 10 + (*digit - '0');
	if (number > rule->maximum)
		return fail_at_number(parser, rule, at, rule->high_hint);
	if (number < rule->minimum)
		return fail_at_number(parser, rule, at, rule->low_hint);
	*member = (int32_t)number * (rule->factor ? rule->factor : 1);
	return true;
}

static bool
set_preference(struct parser *parser, size_t at, const char *value)
{
	for (int i = KDB_PREFER_LEADER; i <= KDB_PREFER_READ_ONLY_REPLICA; i++) {
		enum kdb_node_preference preference = (enum kdb_node_preference)i;
		const char *name = kdb_node_preference_name(preference);

		if (!is_same_name(value, strlen(value), name))
			continue;
		parser->settings->node_preference = preference;
		return true;
	}
	return fail(parser, at,
	    "nodePreference must be leader, follower, random or readOnlyReplica");
}

/* Takes the value over. */
static bool
set_text(struct parser *parser, const struct option_rule *rule, size_t at, char *value)
{
	char **member = (char **)(void *)((char *)parser->settings + rule->member);

	*member = value;
	if (rule->member != MEMBER(connection_name))
		return true;
	/* It becomes the value of a gRPC header. */
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c > 0x7e)
			return fail(parser, at, "%s must be ASCII", rule->name);
	return true;
}

static bool
set_option(struct parser *parser, const struct option_rule *rule, struct span value)
{
	char *decoded = decode(parser, value);
	bool is_set;

	if (!decoded)
		return false;
	switch (rule->kind) {
	case OPTION_TEXT:
		return set_text(parser, rule, value.at, decoded);
	case OPTION_NUMBER:
		is_set = set_number(parser, rule, value.at, decoded);
		break;
	case OPTION_PREFERENCE:
		is_set = set_preference(parser, value.at, decoded);
		break;
	default:
		is_set = set_flag(parser, rule, value.at, decoded);
		break;
	}
	free(decoded);
	return is_set;
}

static bool
parse_option(struct parser *parser, struct span pair)
{
	const char *text = parser->text + pair.at;
	const char *equals = memchr(text, '=', pair.end - pair.at);
	size_t name_end = equals ? (size_t)(equals - parser->text) : pair.end;
	size_t index = 0;

	if (name_end == pair.at)
		return fail(parser, pair.at, "an option is missing here");
	if (!find_option(parser, (struct span){ pair.at, name_end }, &index))
		return false;
	if (!equals || name_end + 1 == pair.end)
		return fail(
		    parser, name_end, "%s has no value", option_rules[index].name);
	return set_option(
	    parser, &option_rules[index], (struct span){ name_end + 1, pair.end });
}

static bool
parse_options(struct parser *parser)
{
	size_t at = parser->query_at;

	if (at == parser->len)
		return true;
	for (;;) {
		size_t end = at + strcspn(parser->text + at, "&");

		if (!parse_option(parser, (struct span){ at, end }))
			return false;
		if (end == parser->len)
			return true;
		at = end + 1;
	}
}

static size_t
option_index(size_t member)
{
	size_t i = 0;

	while (option_rules[i].member != member)
		i++;
	return i;
}

static bool
check_user_certificate(struct parser *parser)
{
	size_t cert = option_index(MEMBER(user_cert_file));
	size_t key = option_index(MEMBER(user_key_file));

	if (parser->is_given[cert] && !parser->is_given[key])
		return fail(parser, parser->given_at[cert],
		    "userCertFile needs userKeyFile as well");
	if (parser->is_given[key] && !parser->is_given[cert])
		return fail(parser, parser->given_at[key],
		    "userKeyFile needs userCertFile as well");
	return true;
}

static bool
parse(struct parser *parser)
{
	size_t at = 0;

	return check_bytes(parser) && parse_scheme(parser, &at) &&
	    parse_authority(parser, at) && parse_options(parser) &&
	    check_user_certificate(parser);
}

bool
kdb_connection_string_parse(const char *text, struct kdb_connection_settings *settings,
    struct kdb_connection_string_error *error)
{
	struct parser parser = {
		.text = text,
		.len = strlen(text),
		.settings = settings,
		.error = error,
	};

	*settings = (struct kdb_connection_settings){
		.tls = true,
		.tls_verify_cert = true,
		.node_preference = KDB_PREFER_LEADER,
		.max_discover_attempts = 10,
		.discovery_interval_ms = 100,
		.gossip_timeout_ms = 5000,
		.keep_alive_interval_ms = 10000,
		.keep_alive_timeout_ms = 10000,
	};
	*error = (struct kdb_connection_string_error){ 0 };
	if (parse(&parser))
		return true;
	kdb_connection_settings_dispose(settings);
	return false;
}

char *
kdb_connection_string_hide_password(const char *text)
{
	const char *mark = strstr(text, "://");
	const char *from = mark ? mark + 3 : text;
	const char *at = memrchr(from, '@', strcspn(from, "/?"));
	const char *colon = at ? memchr(from, ':', (size_t)(at - from)) : NULL;

	if (!colon)
		return kdb_alloc_text(text, strlen(text));
	return kdb_alloc_printf("%.*s:***%s", (int)(colon - text), text, at);
}
