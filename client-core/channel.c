/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and the pool of them for one node. Every channel has a connection of its own (local
 * subchannel pool), so dropping a spoiled one really drops it. */
#include "client-core/channel.h"

#include "client-core/base/alloc.h"

#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/string_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_METADATA_BYTES = 32 * 1024 * 1024, /* wire-protocol 1.12 */
	/* C core copies an unfinished header anew for every frame of it, and for every piece in
	 * which a frame is read. Long details come in fewer frames, where the server does not
	 * keep to 16 KiB, and without TLS in larger pieces, where they are expected. */
	MAX_FRAME_BYTES = 16 * 1024 * 1024 - 1,
	READ_CHUNK_BYTES = 8 * 1024, /* C core's own default */
	LARGE_READ_CHUNK_BYTES = 64 * 1024,
	MAX_RECEIVE_BYTES = 17 * 1024 * 1024,
	CONNECT_TIMEOUT_MS = 2000, /* C core: the smallest reconnect backoff is this */
	MAX_BACKOFF_MS = 5000,
	FIRST_BACKOFF_MS = 100,
	RESOLVE_AGAIN_MS = 1000,
};

struct kdb_channel {
	grpc_channel *grpc;
	struct kdb_pem *pem; /* NULL: no TLS */
	unsigned refs;
	unsigned calls;
	bool has_position;
	uint64_t position;
	bool has_fresh_position;
	uint64_t fresh_position;
	int64_t fresh_mono_ns;
};

struct kdb_channel_pool {
	struct kdb_endpoint endpoint;
	struct kdb_trust *trust;
	char *user_agent;
	struct kdb_channel *channels[KDB_POOL_CHANNELS_MAX];
	size_t channel_count;
};

/* gRPC keeps these for the whole process and asks without a context. */
static struct kdb_pem *system_pem;

static grpc_ssl_roots_override_result
give_system_roots(char **text)
{
	*text = gpr_strdup(system_pem->roots);
	return GRPC_SSL_ROOTS_OVERRIDE_OK;
}

void
kdb_channel_set_up(struct kdb_trust *trust)
{
	if (!kdb_trust_has_system_roots(trust))
		return;
	kdb_pem_unref(system_pem);
	system_pem = kdb_trust_pem(trust);
	grpc_set_ssl_roots_override_callback(give_system_roots);
}

/* The system's roots go in as gRPC's default ones, which it parses once: that takes 0.1 s, and
 * would be taken by every connection otherwise. */
static grpc_channel_credentials *
make_verifying_credentials(const struct kdb_trust *trust, const struct kdb_pem *pem)
{
	grpc_ssl_pem_key_cert_pair pair = { pem->key, pem->certificate };

	return grpc_ssl_credentials_create_ex(
	    kdb_trust_has_system_roots(trust) ? NULL : pem->roots,
	    pem->certificate ? &pair : NULL, NULL, NULL);
}

/* With tlsVerifyCert=false. The verifier that takes anybody replaces the check of the name, too;
 * the links stay encrypted. */
static grpc_channel_credentials *
make_blind_credentials(const struct kdb_pem *pem)
{
	grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
	grpc_tls_certificate_verifier *verifier =
	    grpc_tls_certificate_verifier_no_op_create();

	grpc_tls_credentials_options_set_verify_server_cert(options, 0);
	grpc_tls_credentials_options_set_certificate_verifier(options, verifier);
	grpc_tls_certificate_verifier_release(verifier);
	grpc_tls_credentials_options_set_check_call_host(options, 0);
	if (pem->certificate) {
		grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
		grpc_tls_certificate_provider *provider;

		grpc_tls_identity_pairs_add_pair(pairs, pem->key, pem->certificate);
		provider = grpc_tls_certificate_provider_static_data_create(NULL, pairs);
		grpc_tls_credentials_options_set_certificate_provider(options, provider);
		grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
		grpc_tls_certificate_provider_release(provider);
	}
	return grpc_tls_credentials_create(options);
}

static grpc_channel_credentials *
make_credentials(const struct kdb_trust *trust, const struct kdb_pem *pem)
{
	if (!pem)
		return grpc_insecure_credentials_create();
	if (!pem->roots)
		return make_blind_credentials(pem);
	return make_verifying_credentials(trust, pem);
}

static grpc_arg
integer_arg(const char *key, int value)
{
	return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key,
		.value.integer = value };
}

static grpc_channel *
make_grpc_channel(const char *target, const struct kdb_connection_settings *settings,
    grpc_channel_credentials *credentials, const char *user_agent, int read_chunk_bytes)
{
	bool has_keep_alive = settings->keep_alive_interval_ms >= 0;
	grpc_arg args[] = {
		integer_arg(GRPC_ARG_ENABLE_RETRIES, 0),
		integer_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
		integer_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0),
		integer_arg(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, MAX_FRAME_BYTES),
		integer_arg(GRPC_ARG_TCP_READ_CHUNK_SIZE, read_chunk_bytes),
		integer_arg(GRPC_ARG_MAX_METADATA_SIZE, MAX_METADATA_BYTES),
		integer_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MAX_RECEIVE_BYTES),
		integer_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, FIRST_BACKOFF_MS),
		integer_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS),
		integer_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, MAX_BACKOFF_MS),
		integer_arg(
		    GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RESOLVE_AGAIN_MS),
		integer_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
		integer_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
		integer_arg("grpc.compression_enabled_algorithms_bitset", 1),
		integer_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
		integer_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, has_keep_alive),
		integer_arg(GRPC_ARG_KEEPALIVE_TIME_MS,
		    has_keep_alive ? settings->keep_alive_interval_ms : INT32_MAX),
		integer_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
		    settings->keep_alive_timeout_ms >= 0 ? settings->keep_alive_timeout_ms
							 : INT32_MAX),
		{ .type = GRPC_ARG_STRING,
		    .key = (char *)(uintptr_t)GRPC_ARG_PRIMARY_USER_AGENT_STRING,
		    .value.string = (char *)(uintptr_t)user_agent },
	};
	grpc_channel_args channel_args = { sizeof args / sizeof args[0], args };

	return grpc_channel_create(target, credentials, &channel_args);
}

/* With the scheme, so that no host name can choose another resolver; an IPv6 address in the one
 * spelling that gRPC compares with those of a certificate. */
static void
print_target(const struct kdb_endpoint *endpoint, char *target, size_t size)
{
	struct kdb_endpoint spelled = *endpoint;
	char address[KDB_HOST_SIZE + 16];
	struct in6_addr ipv6;

	if (inet_pton(AF_INET6, endpoint->host, &ipv6) == 1)
		inet_ntop(AF_INET6, &ipv6, spelled.host, sizeof spelled.host);
	kdb_endpoint_print(&spelled, address, sizeof address);
	snprintf(target, size, "dns:///%s", address);
}

static struct kdb_channel *
open_channel(const struct kdb_endpoint *endpoint, struct kdb_trust *trust,
    const char *user_agent, int read_chunk_bytes)
{
	struct kdb_channel *channel = kdb_alloc_zero(1, sizeof *channel);
	char target[KDB_HOST_SIZE + 32];
	grpc_channel_credentials *credentials;

	channel->pem = kdb_trust_pem(trust);
	channel->refs = 1;
	print_target(endpoint, target, sizeof target);
	credentials = make_credentials(trust, channel->pem);
	channel->grpc = make_grpc_channel(target, kdb_trust_settings(trust), credentials,
	    user_agent, read_chunk_bytes);
	grpc_channel_credentials_release(credentials);
	return channel;
}

struct kdb_channel *
kdb_channel_new(const struct kdb_endpoint *endpoint, struct kdb_trust *trust,
    const char *user_agent)
{
	return open_channel(endpoint, trust, user_agent, READ_CHUNK_BYTES);
}

struct kdb_channel *
kdb_channel_ref(struct kdb_channel *channel)
{
	channel->refs++;
	return channel;
}

void
kdb_channel_unref(struct kdb_channel *channel)
{
	if (--channel->refs > 0)
		return;
	grpc_channel_destroy(channel->grpc);
	kdb_pem_unref(channel->pem);
	free(channel);
}

grpc_channel *
kdb_channel_grpc(struct kdb_channel *channel)
{
	return channel->grpc;
}

void
kdb_channel_get_positions(
    const struct kdb_channel *channel, struct kdb_append_result *result)
{
	result->has_earlier_position = channel->has_position;
	result->earlier_position = channel->position;
	result->has_fresh_position = channel->has_fresh_position;
	result->fresh_position = channel->fresh_position;
	result->fresh_mono_ns = channel->fresh_mono_ns;
}

void
kdb_channel_saw_position(struct kdb_channel *channel, uint64_t position)
{
	if (channel->has_position && channel->position >= position)
		return;
	channel->has_position = true;
	channel->position = position;
}

void
kdb_channel_saw_fresh_position(
    struct kdb_channel *channel, uint64_t position, int64_t handed_mono_ns)
{
	if (channel->has_fresh_position && channel->fresh_position >= position)
		return;
	channel->has_fresh_position = true;
	channel->fresh_position = position;
	channel->fresh_mono_ns = handed_mono_ns;
}

struct kdb_channel_pool *
kdb_channel_pool_new(const struct kdb_endpoint *endpoint, struct kdb_channel *first,
    struct kdb_trust *trust, const char *user_agent)
{
	struct kdb_channel_pool *pool = kdb_alloc_zero(1, sizeof *pool);

	pool->endpoint = *endpoint;
	pool->trust = trust;
	pool->user_agent = kdb_alloc_text(user_agent, strlen(user_agent));
	pool->channels[pool->channel_count++] = first;
	return pool;
}

void
kdb_channel_pool_free(struct kdb_channel_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->channel_count; i++)
		kdb_channel_unref(pool->channels[i]);
	free(pool->user_agent);
	free(pool);
}

/* A channel would connect again with what it was made with: files that have changed since count
 * from its next call on. */
static struct kdb_channel *
renew_channel(struct kdb_channel_pool *pool, size_t i)
{
	if (pool->channels[i]->calls == 0
	    && !kdb_trust_is_latest(pool->trust, pool->channels[i]->pem)) {
		kdb_channel_unref(pool->channels[i]);
		pool->channels[i] =
		    kdb_channel_new(&pool->endpoint, pool->trust, pool->user_agent);
	}
	return pool->channels[i];
}

struct kdb_channel *
kdb_channel_pool_get(struct kdb_channel_pool *pool)
{
	struct kdb_channel *channel = NULL;

	for (size_t i = 1; i < pool->channel_count && !channel; i++)
		if (pool->channels[i]->calls < KDB_CALLS_PER_CHANNEL)
			channel = renew_channel(pool, i);
	if (!channel && pool->channel_count < KDB_POOL_CHANNELS_MAX) {
		channel =
		    kdb_channel_new(&pool->endpoint, pool->trust, pool->user_agent);
		pool->channels[pool->channel_count++] = channel;
	}
	if (!channel)
		return NULL;
	channel->calls++;
	return kdb_channel_ref(channel);
}

struct kdb_channel *
kdb_channel_pool_open(struct kdb_channel_pool *pool)
{
	struct kdb_channel *channel = open_channel(
	    &pool->endpoint, pool->trust, pool->user_agent, LARGE_READ_CHUNK_BYTES);

	channel->calls++;
	return channel;
}

void
kdb_channel_put(struct kdb_channel *channel)
{
	channel->calls--;
	kdb_channel_unref(channel);
}
