/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_CONNECTION_SETTINGS_H
#define KDB_CONNECTION_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a connection string says, with every default filled in. Immutable once read.
 * Pure. */

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
	size_t seed_count;    /* at least 1 */
	bool is_discover;     /* the scheme ended in +discover */
	char *user;           /* decoded; NULL: no credentials */
	char *password;       /* decoded; NULL when user is NULL, else maybe "" */
	bool tls;             /* default true */
	bool tls_verify_cert; /* default true */
	char *tls_ca_file;    /* NULL: system roots */
	char *user_cert_file; /* with user_key_file, or both NULL */
	char *user_key_file;
	enum kdb_node_preference node_preference;
	int32_t max_discover_attempts; /* shown; discovery never gives up */
	int32_t discovery_interval_ms;
	int32_t gossip_timeout_ms;
	int32_t keep_alive_interval_ms; /* -1: off */
	int32_t keep_alive_timeout_ms;  /* -1: off */
	int32_t default_deadline_ms;    /* 0: not given, or -1 for none */
	char *connection_name;          /* NULL: not given */
};

/* The name as connection strings write it. A literal. */
const char *kdb_node_preference_name(enum kdb_node_preference preference);

/* Frees the content and wipes the password. A zeroed struct is allowed. */
void kdb_connection_settings_dispose(struct kdb_connection_settings *settings);

/* One line with every effective setting and its unit; *** stands for the password. The
 * caller frees it. */
char *kdb_connection_settings_print(const struct kdb_connection_settings *settings);

/* Whether the host is a loopback address or `localhost`. */
bool kdb_connection_host_is_loopback(const char *host);

/* Whether every seed is a loopback address or `localhost`, so that clear-text
 * credentials do not leave the machine. */
bool kdb_connection_settings_is_loopback(const struct kdb_connection_settings *settings);

#endif
