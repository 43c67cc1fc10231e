/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_CONNECTION_STRING_H
#define KDB_CONNECTION_STRING_H

#include "client-core/connection_settings.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Connection strings in the union grammar of the official clients (client-behaviour 1):
 *   scheme "://" [ user [ ":" password ] "@" ] host [ ":" port ]
 *   { "," host [ ":" port ] }
 *   [ "/" ] [ "?" option "=" value { "&" option "=" value } ]
 * Schemes are kurrentdb, kurrent, kdb and esdb, each also with +discover. The last '@'
 * before the options ends the user info. Letter case does not matter in schemes, in
 * names of options, in booleans and in words; '-' and '_' do not matter in names and
 * words. User, password and values are percent-decoded; a '+' stays a plus.
 * dnsDiscover=true is the same as +discover. throwOnAppendFailure is allowed without
 * effect: a failure is always reported. Pure: no threads, sockets or files.
 */

enum { KDB_CONNECTION_STRING_ERROR_SIZE = 512 };

struct kdb_connection_string_error {
	size_t offset; /* zero-based byte of the text where the trouble begins */
	/* A sentence; never holds a password. */
	char text[KDB_CONNECTION_STRING_ERROR_SIZE];
};

/*
 * Reads text. True: *settings is filled and owned by the caller, who disposes of it.
 * False: *error says what is wrong and where, and *settings needs no disposing.
 */
bool kdb_connection_string_parse(const char *text,
    struct kdb_connection_settings *settings, struct kdb_connection_string_error *error);

/* The text, which kdb_connection_string_parse() takes, with *** in place of the
 * password. The caller frees it. */
char *kdb_connection_string_hide_password(const char *text);

#endif
