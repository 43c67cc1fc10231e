/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_APPEND_PROPERTIES_H
#define KG_APPEND_PROPERTIES_H

#include "daemon/append_reader.h"

/*
 * Metadata of an event as the newer protocol keeps it: a map of texts (api-design 7). For
 * append_event.c and the readers of M and K.
 */

/* What was met in the metadata of one event. */
struct kg_append_properties {
	size_t count;
	bool has_equal_keys;
	/* A key or value is none that can be stored: what exactly is looked up for the answer. */
	bool has_faults;
};

/* Decodes metadata, one object whose syntax was checked, behind the properties that the
 * reader has. */
void kg_append_properties_read(struct kg_append_reader *reader,
    const struct kg_json_value *metadata, struct kg_append_properties *properties);

/* Adds the findings of the shape: keys that stand there twice. pointer: that of the metadata.
 */
void kg_append_properties_judge_shape(struct kg_append_reader *reader,
    const struct kg_json_value *metadata, const char *pointer,
    const struct kg_append_properties *properties);

/* Adds the findings about values and rules. */
void kg_append_properties_judge_values(struct kg_append_reader *reader,
    const struct kg_json_value *metadata, const char *pointer);

/* Lets an event point at its properties, which do not move any more, and returns where those
 * of the next event begin. */
const struct kdb_property *kg_append_properties_place(
    struct kdb_event *event, const struct kdb_property *properties);

#endif
