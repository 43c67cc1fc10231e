/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_CLOUDEVENTS_BODY_H
#define KG_CLOUDEVENTS_BODY_H

#include "daemon/append_body.h"

/*
 * Bodies of CloudEvents in structured and in batch mode (api-design 12; the JSON format of
 * CloudEvents). Pure, see append_body.h: the same spans, the same steps. The events have
 * their ids.
 */

/* More attributes than this are refused: it is what a head has room for. */
enum { KG_CLOUDEVENT_ATTRIBUTES_MAX = 128 };

/* Parameters and result are those of kg_append_body_read_json(); no expectation is found. */
bool kg_cloudevents_body_read(const char *body, size_t len, struct kdb_bytes stream_name,
    const struct kg_append_limits *limits, struct kg_append_body *append,
    struct kg_refusal *refusal);
bool kg_cloudevents_body_read_batch(const char *body, size_t len,
    struct kdb_bytes stream_name, const struct kg_append_limits *limits,
    struct kg_append_body *append, struct kg_refusal *refusal);

#endif
