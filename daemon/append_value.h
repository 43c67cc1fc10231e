/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_VALUE_H
#define KG_APPEND_VALUE_H

#include "daemon/append_reader.h"

#include <stdbool.h>

/*
 * The values of members that events of all forms have: type, data, base64 (api-design 3, 14).
 * Each adds its findings to the reader's, at the member `name` of the event. For
 * append_event.c and cloudevents_body.c.
 */

/* Reads the type of an event from its string. False: there was something wrong. */
bool kg_append_value_type(struct kg_append_reader *reader,
    const struct kg_json_value *value, struct kdb_bytes *type);

/* Takes a JSON value as `data`, byte for byte; obeys the rules of stream metadata. */
void kg_append_value_data(struct kg_append_reader *reader,
    const struct kg_json_value *value, struct kdb_bytes *data);

/* Decodes base64 into storage. False: there was something wrong. */
bool kg_append_value_base64(struct kg_append_reader *reader, const char *name,
    const struct kg_json_value *value, struct kdb_bytes *bytes);

/* Checks what `data_base64` was decoded to, and is to be stored as JSON. */
void kg_append_value_check_decoded(
    struct kg_append_reader *reader, const struct kdb_bytes *data);

#endif
