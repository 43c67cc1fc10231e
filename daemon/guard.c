/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard at the door. The HTTP library accepts messages on whose borders proxies in
 * front could disagree, and browsers send what their users never meant to: both end here.
 * Owns nothing.
 */
#include "daemon/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char http_scheme[] = "http://";
static const char https_scheme[] = "https://";

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Message borders (api-design 15.2). */

static bool
is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!kg_head_is_token_char(text[i]))
			return false;
	return len > 0;
}

/* A folded line is glued to the name by the library, and no proxy agrees on such
 * names. */
static bool
is_almost_framing(const struct kg_head_field *field)
{
	static const char *const names[] = {
	    "Content-Length", "Transfer-Encoding", "Idempotency-Key"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (field->name_len > strlen(names[i]) &&
		    kg_head_has_prefix(field->name, field->name_len, names[i]))
			return true;
	return false;
}

static bool
has_control(const struct kg_head_field *field)
{
	for (size_t i = 0; i < field->value_len; i++) {
		unsigned char byte = (unsigned char)field->value[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
			return true;
	}
	return false;
}

static void
check_repeats(const struct kg_head *head, struct kg_refusal *refusal)
{
	if (head->known[KG_FIELD_CONTENT_LENGTH] != NULL &&
	    head->known[KG_FIELD_TRANSFER_ENCODING] != NULL)
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "Content-Length and Transfer-Encoding exclude each other.");
	for (int field = 0; field < KG_FIELD_COUNT; field++)
		if (head->times[field] > 1 &&
		    kg_head_field_is_single((enum kg_field)field))
			kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
			    "The header %s is given twice.",
			    kg_head_field_name((enum kg_field)field));
}

static void
check_transfer_coding(const struct kg_head *head, struct kg_refusal *refusal)
{
	const struct kg_head_field *coding = head->known[KG_FIELD_TRANSFER_ENCODING];

	if (coding == NULL)
		return;
	if (head->is_http_1_0)
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "HTTP/1.0 has no Transfer-Encoding.");
	else if (!kg_head_is_equal(coding->value, coding->value_len, "chunked"))
		kg_refusal_set(refusal, KG_PROBLEM_UNSUPPORTED_TRANSFER_CODING,
		    "The only Transfer-Encoding taken here is \"chunked\".");
}

static void
check_fields(const struct kg_head *head, struct kg_refusal *refusal)
{
	for (size_t i = 0; i < head->field_count && !refusal->is_set; i++)
		if (!is_token(head->fields[i].name, head->fields[i].name_len) ||
		    is_almost_framing(&head->fields[i]))
			kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
			    "Header field %zu has a name that is not allowed.", i + 1);
	for (size_t i = 0; i < head->field_count && !refusal->is_set; i++)
		if (has_control(&head->fields[i]))
			kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
			    "The value of header field %zu has a control character.",
			    i + 1);
}

/* Spans of origin-form and absolute-form; false: another form. */
static bool
split_target(const struct kg_head *head, struct kg_target *target)
{
	char *at = head->target;
	char *end = at + head->target_len;
	char *question;

	*target = (struct kg_target){0};
	if (kg_head_has_prefix(at, head->target_len, http_scheme))
		at += strlen(http_scheme);
	else if (kg_head_has_prefix(at, head->target_len, https_scheme))
		at += strlen(https_scheme);
	else if (head->target_len == 0 || *at != '/')
		return false;
	if (at > head->target) {
		target->authority = at;
		while (at < end && *at != '/' && *at != '?')
			at++;
		target->authority_len = (size_t)(at - target->authority);
	}
	question = memchr(at, '?', (size_t)(end - at));
	target->path = at;
	target->path_len = (size_t)((question == NULL ? end : question) - at);
	target->query = question == NULL ? end : question + 1;
	target->query_len = (size_t)(end - target->query);
	return true;
}

static void
check_target(
    const struct kg_head *head, struct kg_target *target, struct kg_refusal *refusal)
{
	for (size_t i = 0; i < head->target_len; i++)
		if (head->target[i] < 0x21 || head->target[i] > 0x7E)
			kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
			    "The target has a byte outside of 0x21 to 0x7E at offset "
			    "%zu.",
			    i);
	if (!split_target(head, target))
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "The target is neither a path nor an absolute http URI.");
}

static bool
announces_body(const struct kg_head *head)
{
	const struct kg_head_field *length = head->known[KG_FIELD_CONTENT_LENGTH];

	if (head->known[KG_FIELD_TRANSFER_ENCODING] != NULL)
		return true;
	for (size_t i = 0; length != NULL && i < length->value_len; i++)
		if (length->value[i] != '0')
			return true;
	return false;
}

static void
check_borders(
    const struct kg_head *head, struct kg_target *target, struct kg_refusal *refusal)
{
	check_repeats(head, refusal);
	check_transfer_coding(head, refusal);
	check_fields(head, refusal);
	check_target(head, target, refusal);
	if ((strcmp(head->method, "GET") == 0 || strcmp(head->method, "HEAD") == 0) &&
	    announces_body(head))
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "A %s request has no body.", head->method);
}

static void
check_size(const struct kg_head *head, const struct kg_config *config,
    struct kg_refusal *refusal)
{
	if (head->field_count > KG_HEAD_FIELDS_MAX)
		kg_refusal_set(refusal, KG_PROBLEM_HEADERS_TOO_LARGE,
		    "The request has more than %d header fields.", KG_HEAD_FIELDS_MAX);
	else if (head->size > config->max_header_bytes)
		kg_refusal_set(refusal, KG_PROBLEM_HEADERS_TOO_LARGE,
		    "Request line and header fields need %zu bytes of memory, %zu are "
		    "there.",
		    head->size, config->max_header_bytes);
}

/* Host (api-design 15.1). */

static bool
is_escape(const char *text, size_t len)
{
	return len >= 3 && isxdigit((unsigned char)text[1]) &&
	       isxdigit((unsigned char)text[2]);
}

static bool
is_reg_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && !is_escape(text + i, len - i))
			return false;
		if (!is_alphanumeric(text[i]) && !is_one_of(text[i], "-._~!$&'()*+,;=%"))
			return false;
	}
	return len > 0;
}

static bool
is_bracketed_address(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len < 4 || len - 2 >= sizeof(copy) || text[0] != '[' || text[len - 1] != ']')
		return false;
	memcpy(copy, text + 1, len - 2);
	copy[len - 2] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool
is_port(const char *text, size_t len)
{
	unsigned port = 0;

	if (len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= 65535;
}

/* uri-host [":" port]; *host_len is that of uri-host. */
static bool
read_host(const char *text, size_t len, size_t *host_len)
{
	const char *bracket = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;
	const char *colon = bracket == NULL ? memchr(text, ':', len) : NULL;

	if (bracket != NULL)
		*host_len = (size_t)(bracket + 1 - text);
	else
		*host_len = colon == NULL ? len : (size_t)(colon - text);
	if (*host_len < len && (text[*host_len] != ':' ||
				   !is_port(text + *host_len + 1, len - *host_len - 1)))
		return false;
	return bracket != NULL ? is_bracketed_address(text, *host_len)
			       : is_reg_name(text, *host_len);
}

static bool
is_listed(const struct kg_text_list *list, const char *text, size_t len)
{
	for (size_t i = 0; i < list->count; i++)
		if (kg_head_is_equal(text, len, list->items[i]))
			return true;
	return false;
}

static bool
is_allowed_host(const struct kg_config *config, const char *host, size_t len)
{
	return kg_head_is_equal(host, len, "localhost") ||
	       kg_head_is_equal(host, len, "127.0.0.1") ||
	       kg_head_is_equal(host, len, "[::1]") ||
	       is_listed(&config->allowed_hosts, host, len);
}

/* Probes of a pod come with the pod's address. */
static bool
is_probe_path(const struct kg_target *target)
{
	static const char readiness[] = "/readyz/";
	size_t len = target->path_len;

	return (len == 6 && memcmp(target->path, "/livez", len) == 0) ||
	       (len == 7 && memcmp(target->path, "/readyz", len) == 0) ||
	       (len >= strlen(readiness) &&
		   memcmp(target->path, readiness, strlen(readiness)) == 0);
}

static void
check_host(const struct kg_head *head, const struct kg_config *config,
    const struct kg_target *target, struct kg_refusal *refusal)
{
	const struct kg_head_field *host = head->known[KG_FIELD_HOST];
	size_t host_len = 0;

	if (host == NULL || !read_host(host->value, host->value_len, &host_len))
		kg_refusal_set(refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    host == NULL
			? "The Host header is missing."
			: "The Host header is not a host with an optional port.");
	else if (head->is_tcp && !is_probe_path(target) &&
		 !is_allowed_host(config, host->value, host_len))
		kg_refusal_set(refusal, KG_PROBLEM_HOST_NOT_ALLOWED,
		    "The host in the Host header is not on the list (option "
		    "allowed-host).");
	else if (target->authority != NULL &&
		 (target->authority_len != host->value_len ||
		     strncasecmp(target->authority, host->value, host->value_len) != 0))
		kg_refusal_set(refusal, KG_PROBLEM_MISDIRECTED_REQUEST,
		    "The request line names another authority than the Host header.");
}

/* Browsers (api-design 15.1). */

static bool
is_own_origin(const struct kg_head_field *origin, const struct kg_head_field *host)
{
	size_t scheme_len = strlen(http_scheme);

	return kg_head_has_prefix(origin->value, origin->value_len, http_scheme) &&
	       origin->value_len - scheme_len == host->value_len &&
	       strncasecmp(origin->value + scheme_len, host->value, host->value_len) == 0;
}

static void
check_origin(const struct kg_head *head, const struct kg_config *config,
    struct kg_refusal *refusal)
{
	const struct kg_head_field *origin = head->known[KG_FIELD_ORIGIN];
	const struct kg_head_field *site = head->known[KG_FIELD_SEC_FETCH_SITE];
	bool is_configured = origin != NULL && is_listed(&config->allowed_origins,
						   origin->value, origin->value_len);

	if (origin != NULL && !is_configured &&
	    !is_own_origin(origin, head->known[KG_FIELD_HOST]))
		kg_refusal_set(refusal, KG_PROBLEM_ORIGIN_NOT_ALLOWED,
		    "The Origin header is not on the list (option allowed-origin).");
	/* A browser marks every request of a configured origin as cross-site. */
	else if (site != NULL && !is_configured &&
		 !kg_head_is_equal(site->value, site->value_len, "same-origin") &&
		 !kg_head_is_equal(site->value, site->value_len, "none"))
		kg_refusal_set(refusal, KG_PROBLEM_ORIGIN_NOT_ALLOWED,
		    "The Sec-Fetch-Site header says that another site sends this "
		    "request.");
}

bool
kg_guard_check(const struct kg_head *head, const struct kg_config *config,
    struct kg_target *target, struct kg_refusal *refusal, bool *must_close)
{
	*must_close = true;
	check_borders(head, target, refusal);
	check_size(head, config, refusal);
	if (refusal->is_set)
		return false;
	*must_close = false;
	check_host(head, config, target, refusal);
	if (!refusal->is_set)
		check_origin(head, config, refusal);
	return !refusal->is_set;
}
