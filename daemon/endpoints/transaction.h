/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_ENDPOINTS_TRANSACTION_H
#define KG_ENDPOINTS_TRANSACTION_H

#include "daemon/request.h"

/* What the writes to several streams have in common, multi-append and append-records. */

/* Names that answers need when the body is gone. */
struct kg_name_list {
	struct kdb_bytes *names; /* in one block of memory with their bytes */
	size_t count;
};

/* Copies count names, which lie stride bytes apart. Free list->names with free(). */
void kg_name_list_copy(struct kg_name_list *list, const struct kdb_bytes *first,
    size_t stride, size_t count);

/* The limits for bodies, with what is known of the database. */
void kg_transaction_limits_get(
    struct kg_request *request, struct kg_append_limits *limits);

/* Which events have a type that only newer databases take: the first ones, for the answer when
 * this one does not. Their ordinals in the whole request. */
struct kg_wide_types {
	size_t ordinals[KG_FINDINGS_MAX];
	size_t count;
};

void kg_wide_types_note(
    struct kg_wide_types *types, const struct kdb_event *event, size_t ordinal);

/* Adds a finding about one of them to a refusal that is set. */
void kg_wide_types_report(struct kg_request *request, const char *pointer);

/* Answers a success; streams: those that were written, in the order of the answer. */
void kg_transaction_answer(
    struct kg_request *request, const struct kg_name_list *streams);

/* Makes a list of failures for a refusal out of those of the operation, whose kinds are the
 * caller's to decide. NULL when there are none. */
struct kg_failure *kg_transaction_take_failures(
    const struct kg_request *request, size_t *count, bool *is_complete);

#endif
