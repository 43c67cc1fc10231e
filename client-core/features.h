/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_FEATURES_H
#define KDB_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a server can do (wire-protocol 8). Pure. The request is the empty message. A server
 * before 21.10 does not know the call: UNIMPLEMENTED, all false. */

#define KDB_FEATURES_PATH                                                                \
	"/event_store.client.server_features.ServerFeatures/GetSupportedMethods"

struct kdb_features {
	bool has_append;
	bool has_multi_append;
	bool has_append_records;
	char server_version[64]; /* printable, "" = not told */
};

/* Reads SupportedMethods. False: the bytes are none. */
bool kdb_features_read(const uint8_t *bytes, size_t len, struct kdb_features *features);

#endif
