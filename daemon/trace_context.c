/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes traceparent and tracestate. Owns nothing. */
#include "daemon/trace_context.h"

#include "client-core/base/alloc.h"
#include "daemon/uuid.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ID_BYTES = 16,
	PARENT_ID_AT = 36,
	PARENT_ID_LEN = 16,
	FLAGS_AT = 53,
	KEY_MAX = 256,
	TENANT_MAX = 241,
	SYSTEM_MAX = 14,
	VALUE_MAX = 256,
	LONG_MEMBER = 128,
};

static void
print_hex(char *out, const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

/* A UUID has bits that are never zero, so neither is an id made of one. */
static void
make_id(char *out, size_t count)
{
	uint8_t bytes[ID_BYTES];

	kg_uuid_make_v4(bytes);
	print_hex(out, bytes, count);
}

void
kg_trace_context_begin(struct kg_trace_context *trace)
{
	*trace = (struct kg_trace_context){0};
	make_id(trace->trace_id, ID_BYTES);
}

static bool
is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(text[i] >= '0' && text[i] <= '9') &&
		    !(text[i] >= 'a' && text[i] <= 'f'))
			return false;
	return true;
}

/* Not all zero. */
static bool
is_id(const char *text, size_t len)
{
	size_t zeros = 0;

	while (zeros < len && text[zeros] == '0')
		zeros++;
	return zeros < len && is_hex(text, len);
}

/* "00-" 32 digits "-" 16 digits "-" 2 digits. */
static bool
is_valid(const char *text, size_t len)
{
	if (len < KG_TRACEPARENT_LEN || !is_hex(text, 2) || memcmp(text, "ff", 2) == 0)
		return false;
	if (len > KG_TRACEPARENT_LEN &&
	    (memcmp(text, "00", 2) == 0 || text[KG_TRACEPARENT_LEN] != '-'))
		return false;
	return text[2] == '-' && is_id(text + 3, KG_TRACE_ID_LEN) && text[35] == '-' &&
	       is_id(text + PARENT_ID_AT, PARENT_ID_LEN) && text[52] == '-' &&
	       is_hex(text + FLAGS_AT, 2);
}

bool
kg_trace_context_continue(
    struct kg_trace_context *trace, const char *traceparent, size_t len)
{
	char parent_id[2 * ID_BYTES + 1];
	const char last = len < KG_TRACEPARENT_LEN ? '0' : traceparent[FLAGS_AT + 1];

	if (!is_valid(traceparent, len))
		return false;
	*trace = (struct kg_trace_context){
	    .is_sampled = ((last <= '9' ? last - '0' : last - 'a' + 10) & 1) != 0};
	memcpy(trace->trace_id, traceparent + 3, KG_TRACE_ID_LEN);
	make_id(parent_id, PARENT_ID_LEN / 2);
	snprintf(trace->traceparent, sizeof(trace->traceparent), "00-%s-%.*s-%s",
	    trace->trace_id, PARENT_ID_LEN, parent_id, trace->is_sampled ? "01" : "00");
	return true;
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_key_part(const char *text, size_t len, size_t max_len, bool may_begin_with_digit)
{
	if (len == 0 || len > max_len ||
	    !(is_lower(text[0]) || (may_begin_with_digit && is_digit(text[0]))))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_lower(text[i]) && !is_digit(text[i]) &&
		    (text[i] == '\0' || strchr("_-*/", text[i]) == NULL))
			return false;
	return true;
}

static bool
is_key(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);
	const size_t tenant_len = at == NULL ? 0 : (size_t)(at - text);

	if (at == NULL)
		return is_key_part(text, len, KEY_MAX, false);
	return is_key_part(text, tenant_len, TENANT_MAX, true) &&
	       is_key_part(at + 1, len - tenant_len - 1, SYSTEM_MAX, false);
}

static bool
is_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '=')
			return false;
	return len > 0 && len <= VALUE_MAX && text[len - 1] != ' ';
}

static size_t
key_len(struct kdb_bytes member)
{
	const char *equals = memchr(member.data, '=', member.len);

	return equals == NULL ? member.len : (size_t)(equals - (const char *)member.data);
}

static bool
has_key(const struct kg_tracestate *state, struct kdb_bytes member)
{
	const size_t len = key_len(member);

	for (size_t i = 0; i < state->count; i++)
		if (key_len(state->members[i]) == len &&
		    memcmp(state->members[i].data, member.data, len) == 0)
			return true;
	return false;
}

static bool
is_member(struct kdb_bytes member)
{
	const char *text = member.data;
	const size_t len = key_len(member);

	return len < member.len && is_key(text, len) &&
	       is_value(text + len + 1, member.len - len - 1);
}

static void
add_member(struct kg_tracestate *state, struct kdb_bytes member)
{
	if (!is_member(member) || has_key(state, member) ||
	    state->count == KG_TRACESTATE_MEMBERS_MAX)
		state->is_broken = true;
	else
		state->members[state->count++] = member;
}

static struct kdb_bytes
trim(const char *text, const char *end)
{
	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	while (text < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct kdb_bytes){text, (size_t)(end - text)};
}

void
kg_tracestate_add(struct kg_tracestate *state, const char *value, size_t len)
{
	const char *end = value + len;

	while (value < end && !state->is_broken) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		const char *stop = comma == NULL ? end : comma;
		const struct kdb_bytes member = trim(value, stop);

		/* Entries may be left empty. */
		if (member.len > 0)
			add_member(state, member);
		value = stop + 1;
	}
}

/* How many bytes the entries of at most max_len bytes have, with commas. */
static size_t
joined_len(const struct kg_tracestate *state, size_t max_len)
{
	size_t len = 0;

	for (size_t i = 0; i < state->count; i++)
		if (state->members[i].len <= max_len)
			len += state->members[i].len + (len > 0);
	return len;
}

char *
kg_tracestate_print(const struct kg_tracestate *state)
{
	const bool is_short = joined_len(state, SIZE_MAX) <= KG_TRACESTATE_MAX;
	const size_t max_len = is_short ? SIZE_MAX : LONG_MEMBER;
	char *text;
	size_t len = 0;

	if (state->is_broken || joined_len(state, max_len) == 0)
		return NULL;
	text = kdb_alloc(KG_TRACESTATE_MAX + 1);
	for (size_t i = 0; i < state->count; i++) {
		const struct kdb_bytes member = state->members[i];

		if (member.len > max_len)
			continue;
		if (len + (len > 0) + member.len > KG_TRACESTATE_MAX)
			break;
		if (len > 0)
			text[len++] = ',';
		memcpy(text + len, member.data, member.len);
		len += member.len;
	}
	text[len] = '\0';
	return text;
}

void
kg_trace_context_dispose(struct kg_trace_context *trace)
{
	free(trace->tracestate);
}
