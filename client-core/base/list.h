/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KDB_BASE_LIST_H
#define KDB_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive doubly linked list. A link is in no list when it points at itself, so removing
 * a link needs no list head, and removing it twice is harmless. No locks.
 */
struct kdb_list {
	struct kdb_list *next;
	struct kdb_list *prev;
};

#define KDB_LIST_ITEM(link, type, member)                                                \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Makes an empty list head, or a link that is in no list. */
static inline void
kdb_list_init(struct kdb_list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool
kdb_list_is_empty(const struct kdb_list *list)
{
	return list->next == list;
}

/* Takes the link out of its list, if it is in one. */
static inline void
kdb_list_remove(struct kdb_list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	kdb_list_init(link);
}

/* Puts the link, which is in no list, at the end. */
static inline void
kdb_list_push_back(struct kdb_list *list, struct kdb_list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

/* Puts the link, which is in no list, at the front. */
static inline void
kdb_list_push_front(struct kdb_list *list, struct kdb_list *link)
{
	kdb_list_push_back(list->next, link);
}

/* Takes out the first link, or returns NULL when there is none. */
static inline struct kdb_list *
kdb_list_pop_front(struct kdb_list *list)
{
	struct kdb_list *link = list->next;

	if (link == list)
		return NULL;
	kdb_list_remove(link);
	return link;
}

/* Moves everything from `from` to the end of `to`; `from` is empty afterwards. */
static inline void
kdb_list_splice_back(struct kdb_list *to, struct kdb_list *from)
{
	if (kdb_list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	kdb_list_init(from);
}

#endif
