/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CLOUDEVENT_H
#define KG_CLOUDEVENT_H

#include "client-core/base/buffer.h"
#include "client-core/operations.h"
#include "daemon/head.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The attributes of CloudEvents 1.0, and CloudEvents in binary mode, whose attributes are
 * header fields (api-design 12; the HTTP binding of CloudEvents, 3.1). Pure.
 */

/* What all attributes are called in headers and in the metadata of a stored event. */
#define KG_CLOUDEVENT_PREFIX "ce-"

/* The header that makes a request one in binary mode, where its media type does not say
 * otherwise. */
#define KG_CLOUDEVENT_MARK KG_CLOUDEVENT_PREFIX "specversion"

/* Whether an attribute may have this name: letters a to z and digits. */
bool kg_cloudevent_is_name(const char *name, size_t len);

/* Whether a value of specversion is one that the gateway knows. */
bool kg_cloudevent_is_version(struct kdb_bytes value);

/* Whether a value of datacontenttype says that the data is JSON, as the JSON format of
 * CloudEvents has it: the subtype is json, or ends in +json. */
bool kg_cloudevent_is_json_type(struct kdb_bytes value);

/* Whether a head has the mark of binary mode. */
bool kg_cloudevent_is_marked(const struct kg_head *head);

/* Checks what has to hold before anything is read: no ce- header twice, values in UTF-8 with
 * whole percent escapes. False: malformed-request is set. */
bool kg_cloudevent_check_form(const struct kg_head *head, struct kg_refusal *refusal);

/* What the head says of an event in binary mode. */
struct kg_cloudevent {
	struct kdb_bytes type; /* decoded; a span of texts, as the next two */
	struct kdb_bytes source;
	struct kdb_bytes id;
	struct kdb_buffer metadata; /* to be stored: all attributes, as JSON */
	char *texts;
};

/* Reads all attributes of a head of good form. Adds findings for what is wrong with them.
 * Dispose of *cloudevent in any case; it does not need the head any more. */
void kg_cloudevent_read(const struct kg_head *head, size_t max_name_bytes,
    struct kg_cloudevent *cloudevent, struct kg_refusal *refusal);

/* Also of one that is all zero. */
void kg_cloudevent_dispose(struct kg_cloudevent *cloudevent);

#endif
