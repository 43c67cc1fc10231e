/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_JSON_WRITE_H
#define KG_JSON_WRITE_H

#include "client-core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Small JSON answers, built as a tree and printed without white space. Integers are
 * exact; texts may be any bytes: what is not UTF-8 becomes U+FFFD. Any thread, one tree
 * at a time. Running out of memory stops the process, so nothing here fails; what a peer
 * chose must be bounded before it comes here.
 *
 * Every function that puts something takes the name of a member, which must be a literal
 * (it is not copied), or NULL when the parent is an array. Nodes belong to the tree.
 */
struct kg_json_node;

/* A new object, the root of a tree; free it with kg_json_free(). */
struct kg_json_node *kg_json_object_new(void);
void kg_json_free(struct kg_json_node *root);

/* Appends a nested object or array, and returns it. */
struct kg_json_node *kg_json_put_object(struct kg_json_node *parent, const char *name);
struct kg_json_node *kg_json_put_array(struct kg_json_node *parent, const char *name);

void kg_json_put_text(
    struct kg_json_node *parent, const char *name, const void *bytes, size_t len);
/* A NUL-terminated text. */
void kg_json_put_string(struct kg_json_node *parent, const char *name, const char *text);
void kg_json_put_int64(struct kg_json_node *parent, const char *name, int64_t value);
void kg_json_put_uint64(struct kg_json_node *parent, const char *name, uint64_t value);
void kg_json_put_bool(struct kg_json_node *parent, const char *name, bool value);
void kg_json_put_null(struct kg_json_node *parent, const char *name);

/* How answers write positions and versions: numbers lose digits in readers that hold them
 * as doubles (api-design 14, `Prefer: int64=string`). Words stay words. */
enum kg_int64_form { KG_INT64_NUMBER, KG_INT64_STRING };

/* A version or state as answers write it: an integer, or a word such as "no_stream". */
void kg_json_put_version(struct kg_json_node *parent, const char *name, int64_t version,
    enum kg_int64_form form);

/* A commit position; null when has_position is false. */
void kg_json_put_position(struct kg_json_node *parent, const char *name,
    bool has_position, uint64_t position, enum kg_int64_form form);

/* An array of UUIDs as texts. */
void kg_json_put_uuids(struct kg_json_node *parent, const char *name,
    const uint8_t (*ids)[16], size_t count);

/* A value that was printed already, whose content is taken. */
void kg_json_put_raw(
    struct kg_json_node *parent, const char *name, struct kdb_buffer *value);

/* Appends the tree to a buffer. */
void kg_json_print(const struct kg_json_node *root, struct kdb_buffer *out);

/* Appends bytes as a JSON string with its quotes, without any tree. */
void kg_json_quote(struct kdb_buffer *out, const void *bytes, size_t len);

/* The same without a tree. */
void kg_json_print_version(
    struct kdb_buffer *out, int64_t version, enum kg_int64_form form);
void kg_json_print_position(struct kdb_buffer *out, bool has_position, uint64_t position,
    enum kg_int64_form form);
void kg_json_print_uuids(struct kdb_buffer *out, const uint8_t (*ids)[16], size_t count);

/* The word for a state below 0, such as "no_stream"; NULL for a number. A literal. */
const char *kg_version_word(int64_t version);

enum kg_replayed { KG_REPLAYED_FALSE, KG_REPLAYED_TRUE, KG_REPLAYED_UNKNOWN };

/* true, false, or null. */
void kg_json_put_replayed(
    struct kg_json_node *parent, const char *name, enum kg_replayed replayed);

/* Appends the body of a successful append (api-design 4). */
struct kg_append_answer {
	const char *stream_name;
	size_t stream_name_len;
	bool has_position; /* false: commit_position is null */
	uint64_t commit_position;
	int64_t current_version;
	const uint8_t (*event_ids)[16];
	size_t event_count;
	enum kg_replayed replayed;
	enum kg_int64_form form;
};
void kg_append_answer_print(
    const struct kg_append_answer *answer, struct kdb_buffer *out);

#endif
