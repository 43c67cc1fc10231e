/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a secure node. Owns them with their passwords. */
#include "devdb/users.h"

#include "client-core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MAX_GROUPS 64

static const char admin_name[] = "admin";
static const char admin_group[] = "$admins";
static const char everybody[] = "$all";

static bool
is_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

void
devdb_users_init(struct devdb_users *users)
{
	kdb_list_init(&users->list);
	users->count = 0;
}

static void
free_user(struct devdb_user *user)
{
	explicit_bzero(user->password, user->password_len);
	free(user->password);
	free(user->name);
	for (size_t i = 0; i < user->group_count; i++)
		free(user->groups[i]);
	free(user->groups);
	free(user->group_lens);
	free(user);
}

void
devdb_users_dispose(struct devdb_users *users)
{
	struct kdb_list *link;

	while ((link = kdb_list_pop_front(&users->list)))
		free_user(KDB_LIST_ITEM(link, struct devdb_user, link));
	users->count = 0;
}

struct devdb_user *
devdb_users_find(const struct devdb_users *users, struct devdb_text_view name)
{
	for (struct kdb_list *link = users->list.next; link != &users->list;
	     link = link->next) {
		struct devdb_user *user = KDB_LIST_ITEM(link, struct devdb_user, link);

		if (is_equal(user->name, user->name_len, name.bytes, name.len))
			return user;
	}
	return NULL;
}

bool
devdb_users_add(struct devdb_users *users, struct devdb_text_view name,
    struct devdb_text_view password, const struct devdb_text_view *groups,
    size_t group_count)
{
	struct devdb_user *user;

	if (name.len == 0 || password.len == 0 || memchr(name.bytes, ':', name.len) ||
	    users->count == DEVDB_MAX_USERS || devdb_users_find(users, name))
		return false;
	user = kdb_alloc_zero(1, sizeof *user);
	user->name = kdb_alloc_text(name.bytes, name.len);
	user->name_len = name.len;
	user->password = kdb_alloc_text(password.bytes, password.len);
	user->password_len = password.len;
	user->groups = kdb_alloc_zero(group_count, sizeof *user->groups);
	user->group_lens = kdb_alloc_zero(group_count, sizeof *user->group_lens);
	for (size_t i = 0; i < group_count; i++) {
		user->groups[i] = kdb_alloc_text(groups[i].bytes, groups[i].len);
		user->group_lens[i] = groups[i].len;
	}
	user->group_count = group_count;
	kdb_list_push_back(&users->list, &user->link);
	users->count++;
	return true;
}

/* Splits at commas; false for an empty group, or too many. */
static bool
split_groups(const char *written, struct devdb_text_view *groups, size_t *count)
{
	*count = 0;
	for (;;) {
		size_t len = strcspn(written, ",");

		if (len == 0 || *count == MAX_GROUPS)
			return false;
		groups[(*count)++] = (struct devdb_text_view){written, len};
		if (!written[len])
			return true;
		written += len + 1;
	}
}

bool
devdb_users_add_written(struct devdb_users *users, const char *written)
{
	const char *colon = strchr(written, ':');
	struct devdb_text_view groups[MAX_GROUPS];
	struct devdb_text_view name;
	struct devdb_text_view password;
	size_t group_count = 0;

	if (!colon)
		return false;
	name = (struct devdb_text_view){written, (size_t)(colon - written)};
	password = (struct devdb_text_view){colon + 1, strcspn(colon + 1, ":")};
	if (password.bytes[password.len] &&
	    !split_groups(password.bytes + password.len + 1, groups, &group_count))
		return false;
	return devdb_users_add(users, name, password, groups, group_count);
}

const struct devdb_user *
devdb_users_check(const struct devdb_users *users, struct devdb_text_view name,
    struct devdb_text_view password)
{
	const struct devdb_user *user = devdb_users_find(users, name);

	if (!user || user->is_disabled ||
	    !is_equal(user->password, user->password_len, password.bytes, password.len))
		return NULL;
	return user;
}

bool
devdb_user_has_role(const struct devdb_user *user, const char *role, size_t len)
{
	if (is_equal(role, len, everybody, sizeof everybody - 1) ||
	    is_equal(role, len, user->name, user->name_len))
		return true;
	for (size_t i = 0; i < user->group_count; i++) {
		if (is_equal(role, len, user->groups[i], user->group_lens[i]))
			return true;
	}
	return false;
}

bool
devdb_user_is_administrator(const struct devdb_user *user)
{
	return devdb_user_has_role(user, admin_name, sizeof admin_name - 1) ||
	       devdb_user_has_role(user, admin_group, sizeof admin_group - 1);
}
