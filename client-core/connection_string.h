/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_CONNECTION_STRING_H
#define KDB_CONNECTION_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Connection strings in the union grammar of the official clients (client-behaviour 1):
 *   scheme "://" [ user [ ":" password ] "@" ] host [ ":" port ] { "," host [ ":" port ] }
 *   [ "/" ] [ "?" option "=" value { "&" option "=" value } ]
 * Schemes are kurrentdb, kurrent, kdb and esdb, each also with +discover. The last '@' before the
 * options ends the user info. Letter case does not matter in schemes, in names of options, in
 * booleans and in words; '-' and '_' do not matter in names and words. User, password and values are
 * percent-decoded; a '+' stays a plus. dnsDiscover=true is the same as +discover.
 * throwOnAppendFailure is allowed without effect: a failure is always reported.
 * Pure: no threads, sockets or files.
 */

enum kdb_node_preference {
	KDB_PREFER_LEADER,
	KDB_PREFER_FOLLOWER,
	KDB_PREFER_RANDOM,
	KDB_PREFER_READ_ONLY_REPLICA,
};

struct kdb_seed {
	char *host; /* a name, an IPv4 address, or an IPv6 address without brackets */
	uint16_t port;
};

struct kdb_connection_settings {
	struct kdb_seed *seeds;
	size_t seed_count; /* at least 1 */
	bool is_discover;  /* the scheme ended in +discover */
	char *user;	   /* decoded; NULL: no credentials */
	char *password;	   /* decoded; NULL when user is NULL, else maybe "" */
	bool tls;	   /* default true */
	bool tls_verify_cert; /* default true */
	char *tls_ca_file;    /* NULL: system roots */
	char *user_cert_file; /* with user_key_file, or both NULL */
	char *user_key_file;
	enum kdb_node_preference node_preference;
	int32_t max_discover_attempts; /* shown; discovery never gives up */
	int32_t discovery_interval_ms;
	int32_t gossip_timeout_ms;
	int32_t keep_alive_interval_ms; /* -1: off */
	int32_t keep_alive_timeout_ms;	/* -1: off */
	int32_t default_deadline_ms;	/* 0: not given, or -1 for none */
	char *connection_name;		/* NULL: not given */
};

enum { KDB_CONNECTION_STRING_ERROR_SIZE = 512 };

struct kdb_connection_string_error {
	size_t offset; /* zero-based byte of the text where the trouble begins */
	char text[KDB_CONNECTION_STRING_ERROR_SIZE]; /* a sentence; never holds a password */
};

/*
 * Reads text. True: *settings is filled and owned by the caller, who disposes of it. False:
 * *error says what is wrong and where, and *settings needs no disposing.
 */
bool kdb_connection_string_parse(const char *text, struct kdb_connection_settings *settings,
    struct kdb_connection_string_error *error);

/* Frees the content and wipes the password. A zeroed struct is allowed. */
void kdb_connection_settings_dispose(struct kdb_connection_settings *settings);

/* The text, which kdb_connection_string_parse() takes, with *** in place of the password. The
 * caller frees it. */
char *kdb_connection_string_hide_password(const char *text);

/* One line with every effective setting and its unit; *** stands for the password. The caller
 * frees it. */
char *kdb_connection_settings_print(const struct kdb_connection_settings *settings);

/* Whether every seed is a loopback address or `localhost`, so that clear-text credentials do
 * not leave the machine. */
bool kdb_connection_settings_is_loopback(const struct kdb_connection_settings *settings);

#endif
