/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods. Adding one takes its file, a line in methods.h and one here. */
#include "devdb/methods.h"

#include "devdb/stats.h"

#include <string.h>
#include <strings.h>

const struct devdb_method *const devdb_methods[] = {
    &devdb_v2_append_session,
    &devdb_v2_append_records,
    &devdb_read,
    &devdb_append,
    &devdb_delete,
    &devdb_tombstone,
    &devdb_batch_append,
    &devdb_gossip,
    &devdb_server_features,
    &devdb_users_create,
    &devdb_users_disable,
};

const size_t devdb_method_count = sizeof devdb_methods / sizeof devdb_methods[0];

_Static_assert(sizeof devdb_methods / sizeof devdb_methods[0] <= DEVDB_MAX_METHODS,
    "the statistics have a slot for each method");

static bool
is_equal(const char *text, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(text, name, len) == 0;
}

bool
devdb_methods_has(
    const struct devdb_emulation *emulation, const struct devdb_method *method)
{
	if (method == &devdb_v2_append_session)
		return emulation->has_append_session;
	return method != &devdb_v2_append_records || emulation->has_append_records;
}

int
devdb_methods_find(const struct devdb_emulation *emulation, const char *path, size_t len,
    bool *is_service_known)
{
	const char *slash;
	int found = -1;

	*is_service_known = false;
	if (len == 0 || path[0] != '/')
		return -1;
	if (path[len - 1] == '/')
		len--;
	path++;
	len--;
	slash = memchr(path, '/', len);
	if (!slash)
		return -1;
	for (size_t i = 0; i < devdb_method_count && found < 0; i++) {
		const struct devdb_method *method = devdb_methods[i];
		size_t service_len = (size_t)(slash - path);

		if (!devdb_methods_has(emulation, method) ||
		    !is_equal(path, service_len, method->service))
			continue;
		*is_service_known = true;
		if (is_equal(slash + 1, len - service_len - 1, method->name))
			found = (int)i;
	}
	return found;
}
