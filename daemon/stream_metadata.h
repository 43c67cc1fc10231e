/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_STREAM_METADATA_H
#define KG_STREAM_METADATA_H

#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The rules for the body of a $metadata event (api-design 8). They are the server's own:
 * one member that it does not understand makes it ignore the whole metadata, access
 * control included, without telling anyone (wire-protocol 5). Pure.
 */

/* Seconds that the server can hold in $maxAge and $cacheControl; more makes it drop all
 * of the metadata (recorded for $maxAge). */
#define KG_METADATA_SECONDS_MAX INT64_C(922337203685)

/*
 * Checks the metadata in json[0..len), one JSON text whose syntax was checked; white
 * space around it passes. Adds a finding for each rule that is broken, its pointer
 * beginning with prefix ("" when the body is the metadata). True: none was.
 */
bool kg_stream_metadata_check(
    const char *json, size_t len, const char *prefix, struct kg_refusal *refusal);

#endif
