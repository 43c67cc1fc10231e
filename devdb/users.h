/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_USERS_H
#define DEVDB_USERS_H

#include "client-core/base/list.h"

#include <stdbool.h>
#include <stddef.h>

/* A text that need not end with a NUL. */
struct devdb_text_view {
	const char *bytes;
	size_t len;
};

/* One user. Stays where it is as long as the table: users are disabled, never removed. */
struct devdb_user {
	struct kdb_list link;
	char *name;
	size_t name_len;
	char *password;
	size_t password_len;
	char **groups;
	size_t *group_lens;
	size_t group_count;
	bool is_disabled;
};

/* The users of a secure node, in memory. Names and groups are compared as bytes. One
 * thread at a time. */
struct devdb_users {
	struct kdb_list list;
	size_t count;
};

/* Bound of the table. */
#define DEVDB_MAX_USERS 10000

void devdb_users_init(struct devdb_users *users);
void devdb_users_dispose(struct devdb_users *users);

struct devdb_user *devdb_users_find(
    const struct devdb_users *users, struct devdb_text_view name);

/* Adds a user; copies everything. False when the name or the password is empty, the name
 * has a colon or is taken, or the table is full. */
bool devdb_users_add(struct devdb_users *users, struct devdb_text_view name,
    struct devdb_text_view password, const struct devdb_text_view *groups,
    size_t group_count);

/* Adds a user written as NAME:PASSWORD or NAME:PASSWORD:GROUP[,GROUP]... The password
 * holds no colon then. False as above, and for an empty group. */
bool devdb_users_add_written(struct devdb_users *users, const char *written);

/* The enabled user with that name and password, or NULL. */
const struct devdb_user *devdb_users_check(const struct devdb_users *users,
    struct devdb_text_view name, struct devdb_text_view password);

/* Whether the user bears the name or is in the group that `role` says; $all is everybody. */
bool devdb_user_has_role(const struct devdb_user *user, const char *role, size_t len);

/* User `admin`, and members of $admins: pass every check of rights. */
bool devdb_user_is_administrator(const struct devdb_user *user);

#endif
