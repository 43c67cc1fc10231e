/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gossip. The input is one ClusterInfo. Members that come out have an address that can be
 * dialled and shown, and the topology that hears of them goes on to a step that can be
 * taken.
 */
#include "client-core/gossip.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
check_endpoint(const struct kdb_endpoint *endpoint)
{
	char shown[KDB_HOST_SIZE + 16];

	require(endpoint->host[0] != '\0' && endpoint->port > 0);
	require(fuzz_is_printable(endpoint->host, sizeof endpoint->host));
	kdb_endpoint_print(endpoint, shown, sizeof shown);
	require(strstr(shown, endpoint->host) != NULL);
}

static void
hear(const struct kdb_member *members, size_t count)
{
	const struct kdb_endpoint seed = {.host = "127.0.0.1", .port = 2113};
	struct kdb_topology *topology = kdb_topology_new(&seed, 1, 100, 10, 1);
	struct kdb_topology_step step = kdb_topology_next(topology, 1);
	bool is_leading;

	require(step.kind == KDB_TOPOLOGY_ASK);
	is_leading = kdb_topology_answered(topology, &step.endpoint, members, count);
	require(!is_leading || count > 0);
	require(kdb_topology_has_contact(topology));
	/* A round asks each member once at most; then it waits. */
	for (size_t i = 0; !is_leading; i++) {
		step = kdb_topology_next(topology, 2);
		if (step.kind == KDB_TOPOLOGY_WAIT)
			break;
		require(i <= KDB_MEMBERS_MAX);
		check_endpoint(&step.endpoint);
		kdb_topology_failed(topology, &step.endpoint, "the test says so");
		require(kdb_topology_reason(topology)[0] != '\0');
	}
	kdb_topology_free(topology);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_member members[KDB_MEMBERS_MAX];
	size_t count = 0;

	if (!kdb_gossip_read(bytes, len, members, &count)) {
		require(count == 0);
		return 0;
	}
	require(count <= KDB_MEMBERS_MAX);
	for (size_t i = 0; i < count; i++)
		check_endpoint(&members[i].endpoint);
	hear(members, count);
	return 0;
}
