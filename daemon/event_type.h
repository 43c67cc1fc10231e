/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_EVENT_TYPE_H
#define KG_EVENT_TYPE_H

#include "client-core/operations.h"

#include <stdbool.h>

/*
 * The types that multi-append and append-records take: the database keeps them as names of
 * schemas, whose alphabet is narrower than that of types of other appends (api-design 7,
 * wire-protocol 3.4). Pure.
 */

/* Whether a database of this version, such as "26.0.3", takes ASCII only. "": not known yet,
 * then it does not. */
bool kg_event_type_is_ascii_only(const char *server_version);

/* Checks a type, which is valid UTF-8 and not empty. NULL: it is taken; else a sentence, a
 * literal, that tells what is wrong. */
const char *kg_event_type_find_fault(struct kdb_bytes type, bool is_ascii_only);

#endif
