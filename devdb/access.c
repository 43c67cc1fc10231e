/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes a call and what it may do, where methods meet identities and lists. Owns
 * nothing. */
#include "devdb/access.h"

#include "devdb/node.h"
#include "devdb/refusals.h"

/* Two headers are as good as none. */
static bool
find_only_header(
    const struct devdb_call *call, const char *key, const char **value, size_t *len)
{
	unsigned count = 0;

	for (size_t i = 0; i < call->metadata.count; i++) {
		const grpc_metadata *entry = &call->metadata.metadata[i];

		if (grpc_slice_str_cmp(entry->key, key) != 0)
			continue;
		*value = (const char *)GRPC_SLICE_START_PTR(entry->value);
		*len = GRPC_SLICE_LENGTH(entry->value);
		count++;
	}
	return count == 1;
}

bool
devdb_access_identify(struct devdb_call *call)
{
	const char *header;
	size_t len;

	call->identity = (struct devdb_identity){DEVDB_IDENTITY_SYSTEM, NULL};
	if (!call->node->users)
		return true;
	call->identity.kind = DEVDB_IDENTITY_ANONYMOUS;
	if (find_only_header(call, "authorization", &header, &len))
		call->identity = devdb_identity_read(call->node->users, header, len);
	return call->identity.kind != DEVDB_IDENTITY_WRONG;
}

bool
devdb_access_allows(
    const struct devdb_call *call, struct devdb_name stream, enum devdb_right right)
{
	return devdb_acl_allows(call->node->store, &call->identity, stream, right);
}

bool
devdb_access_refuse(
    struct devdb_call *call, struct devdb_name stream, enum devdb_right right)
{
	if (devdb_access_allows(call, stream, right))
		return false;
	devdb_refuse_access(call);
	return true;
}
