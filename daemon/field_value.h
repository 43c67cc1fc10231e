/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_FIELD_VALUE_H
#define KG_FIELD_VALUE_H

#include "client-core/operations.h"
#include "daemon/head.h"

#include <stdbool.h>

/* Walks through the value of a header field that has a grammar of its own (RFC 9110, 5.6).
 * Borrows the value. Pure. */
struct kg_field_reader {
	const char *at;
	const char *end;
};

static inline void
kg_field_skip_blanks(struct kg_field_reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
		reader->at++;
}

/* Takes the character if it comes next. */
static inline bool
kg_field_take_char(struct kg_field_reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* Takes the token that comes next; empty: there is none. */
static inline struct kdb_bytes
kg_field_take_token(struct kg_field_reader *reader)
{
	const char *start = reader->at;

	while (reader->at < reader->end && kg_head_is_token_char(*reader->at))
		reader->at++;
	return (struct kdb_bytes){start, (size_t)(reader->at - start)};
}

#endif
