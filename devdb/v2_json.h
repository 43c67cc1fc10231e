/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_V2_JSON_H
#define DEVDB_V2_JSON_H

#include "client-core/base/buffer.h"
#include "proto/well_known.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON as Google's C# runtime prints it. All functions are pure; any thread. */

/* Appends a map. False when a value without a kind is in it; what is in the buffer is
 * then of no use. The map is nested a hundred deep at most. */
bool devdb_v2_json_put_struct(
    struct kdb_buffer *out, const Google__Protobuf__Struct *map);

/* Appends a number in .NET's shortest form; what JSON has no number for, as text. */
void devdb_v2_json_put_number(struct kdb_buffer *out, double number);

/* Appends well-formed UTF-8 as a text in quotes. */
void devdb_v2_json_put_text(struct kdb_buffer *out, const uint8_t *text, size_t len);

#endif
