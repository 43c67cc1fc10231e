/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with a stream, in the order in which the server asks. Owns nothing. */
#include "devdb/acl.h"

#include "devdb/stream_metadata.h"

#include <string.h>

static bool
begins_with(struct devdb_name name, const char *prefix)
{
	size_t len = strlen(prefix);

	return name.len >= len && memcmp(name.bytes, prefix, len) == 0;
}

static bool
is_all(struct devdb_name name)
{
	return begins_with(name, "$all") && name.len == strlen("$all");
}

/* What even administrators may not do. */
static bool
is_out_of_question(struct devdb_name stream, enum devdb_right right)
{
	if (stream.len == 0)
		return true;
	if (is_all(stream))
		return right != DEVDB_RIGHT_READ;
	return begins_with(stream, "$$") && right == DEVDB_RIGHT_DELETE;
}

static const char *
member_of(enum devdb_right right, bool is_of_metadata)
{
	switch (right) {
	case DEVDB_RIGHT_READ:
		return is_of_metadata ? "$mr" : "$r";
	case DEVDB_RIGHT_WRITE:
		return is_of_metadata ? "$mw" : "$w";
	default:
		return "$d";
	}
}

static bool
has_role(const void *who, const char *role, size_t len)
{
	return devdb_user_has_role(who, role, len);
}

static bool
allows_user(const struct devdb_store *store, const struct devdb_user *user,
    struct devdb_name stream, const char *member)
{
	enum devdb_access_list list = DEVDB_ACCESS_NO_LIST;
	const uint8_t *json;
	size_t len;

	if (devdb_user_is_administrator(user))
		return true;
	if (devdb_store_metadata(store, stream, &json, &len))
		list = devdb_stream_metadata_access(json, len, member, has_role, user);
	if (list == DEVDB_ACCESS_NO_LIST)
		return !begins_with(stream, "$");
	return list == DEVDB_ACCESS_LISTED;
}

bool
devdb_acl_allows(const struct devdb_store *store, const struct devdb_identity *identity,
    struct devdb_name stream, enum devdb_right right)
{
	bool is_of_metadata = begins_with(stream, "$$");
	struct devdb_name subject = stream;

	if (identity->kind == DEVDB_IDENTITY_SYSTEM)
		return true;
	if (identity->kind != DEVDB_IDENTITY_USER || is_out_of_question(stream, right))
		return false;
	if (is_of_metadata) {
		subject.bytes += 2;
		subject.len -= 2;
	}
	return allows_user(
	    store, identity->user, subject, member_of(right, is_of_metadata));
}
