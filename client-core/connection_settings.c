/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of settings once they are read, and their end. Owns nothing. */
#include "client-core/connection_settings.h"

#include "client-core/base/alloc.h"
#include "client-core/base/buffer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PRINTED_LEN ((size_t)1 << 20)

const char *
kdb_node_preference_name(enum kdb_node_preference preference)
{
	switch (preference) {
	case KDB_PREFER_LEADER:
		return "leader";
	case KDB_PREFER_FOLLOWER:
		return "follower";
	case KDB_PREFER_RANDOM:
		return "random";
	case KDB_PREFER_READ_ONLY_REPLICA:
		return "readOnlyReplica";
	}
	return "unknown";
}

void
kdb_connection_settings_dispose(struct kdb_connection_settings *settings)
{
	for (size_t i = 0; i < settings->seed_count; i++)
		free(settings->seeds[i].host);
	free(settings->seeds);
	free(settings->user);
	if (settings->password)
		explicit_bzero(settings->password, strlen(settings->password));
	free(settings->password);
	free(settings->tls_ca_file);
	free(settings->user_cert_file);
	free(settings->user_key_file);
	free(settings->connection_name);
	*settings = (struct kdb_connection_settings){ 0 };
}

static void
print_address(struct kdb_buffer *out, const struct kdb_connection_settings *settings)
{
	kdb_buffer_put_printf(
	    out, "kurrentdb%s://", settings->is_discover ? "+discover" : "");
	if (settings->user)
		kdb_buffer_put_printf(out, "%s:***@", settings->user);
	for (size_t i = 0; i < settings->seed_count; i++) {
		const struct kdb_seed *seed = &settings->seeds[i];
		bool is_ipv6 = strchr(seed->host, ':') != NULL;

		kdb_buffer_put_printf(out, "%s%s%s%s:%u", i ? "," : "",
		    is_ipv6 ? "[" : "", seed->host, is_ipv6 ? "]" : "",
		    (unsigned)seed->port);
	}
}

static void
print_text(
    struct kdb_buffer *out, const char *name, const char *value, const char *absent)
{
	kdb_buffer_put_printf(out, " %s=%s", name, value ? value : absent);
}

/* Zero and below: the word for absence. */
static void
print_ms(struct kdb_buffer *out, const char *name, int32_t value_ms, const char *absent)
{
	if (value_ms > 0)
		kdb_buffer_put_printf(out, " %s=%dms", name, (int)value_ms);
	else
		print_text(out, name, NULL, absent);
}

char *
kdb_connection_settings_print(const struct kdb_connection_settings *settings)
{
	struct kdb_buffer out;
	size_t len;

	kdb_buffer_init(&out, MAX_PRINTED_LEN);
	print_address(&out, settings);
	print_text(&out, "tls", settings->tls ? "true" : "false", "");
	print_text(
	    &out, "tlsVerifyCert", settings->tls_verify_cert ? "true" : "false", "");
	print_text(&out, "tlsCaFile", settings->tls_ca_file, "(system)");
	print_text(&out, "userCertFile", settings->user_cert_file, "(none)");
	print_text(&out, "userKeyFile", settings->user_key_file, "(none)");
	print_text(&out, "nodePreference",
	    kdb_node_preference_name(settings->node_preference), "");
	kdb_buffer_put_printf(
	    &out, " maxDiscoverAttempts=%d", (int)settings->max_discover_attempts);
	print_ms(&out, "discoveryInterval", settings->discovery_interval_ms, "(none)");
	kdb_buffer_put_printf(
	    &out, " gossipTimeout=%ds", (int)(settings->gossip_timeout_ms / 1000));
	print_ms(&out, "keepAliveInterval", settings->keep_alive_interval_ms, "off");
	print_ms(&out, "keepAliveTimeout", settings->keep_alive_timeout_ms, "off");
	print_ms(&out, "defaultDeadline", settings->default_deadline_ms, "(none)");
	print_text(&out, "connectionName", settings->connection_name, "(none)");
	kdb_buffer_put_char(&out, 0);
	return kdb_buffer_take(&out, &len);
}

bool
kdb_connection_host_is_loopback(const char *host)
{
	struct in_addr ipv4;
	struct in6_addr ipv6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &ipv4) == 1)
		return ntohl(ipv4.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host, &ipv6) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&ipv6) ||
	    (IN6_IS_ADDR_V4MAPPED(&ipv6) && ipv6.s6_addr[12] == IN_LOOPBACKNET);
}

bool
kdb_connection_settings_is_loopback(const struct kdb_connection_settings *settings)
{
	for (size_t i = 0; i < settings->seed_count; i++)
		if (!kdb_connection_host_is_loopback(settings->seeds[i].host))
			return false;
	return settings->seed_count > 0;
}
