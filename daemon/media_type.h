/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_MEDIA_TYPE_H
#define KG_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

/* Media types of Content-Type and Accept (RFC 9110, 8.3 and 12.5.1). Pure. */

enum kg_charset { KG_CHARSET_NONE, KG_CHARSET_UTF8, KG_CHARSET_OTHER };

struct kg_media_type {
	const char *essence; /* "type/subtype", a span into the text */
	size_t essence_len;
	enum kg_charset charset;
	bool is_weight_zero; /* q=0, in an Accept header */
};

/* Reads one media type with its parameters. False: the text is none. */
bool kg_media_type_read(const char *text, size_t len, struct kg_media_type *type);

/* Whether the essence is `name`, or ends in `suffix`, without letter case. */
bool kg_media_type_is(const struct kg_media_type *type, const char *name);
bool kg_media_type_has_suffix(const struct kg_media_type *type, const char *suffix);

/* What the Accept headers of a request say about JSON. Start with zeros. */
struct kg_accept {
	bool is_given;
	/* For application/json and application/problem+json: how specific the range is
	 * that decides (0: none, 1: any type, 2: application, 3: itself), and whether it
	 * admits. */
	unsigned specificity[2];
	bool is_admitted[2];
};

/* Adds one header line. Elements that are no media range are skipped. */
void kg_accept_add(struct kg_accept *accept, const char *text, size_t len);

/* Whether application/json or application/problem+json may be sent. */
bool kg_accept_admits_json(const struct kg_accept *accept);

#endif
