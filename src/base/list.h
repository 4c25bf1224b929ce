/* list.h - a doubly linked list through a field of its members; no allocation, removal in constant time. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev; /* of the head: first and last; of a member not in a list: itself */
};

/* The member whose field `field` is at `node`. */
#define LIST_OWNER(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))

static inline void list_init(struct list *list) { list->next = list->prev = list; }
static inline bool list_is_empty(const struct list *list) { return list->next == list; }

static inline void list_push_last(struct list *list, struct list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void list_push_first(struct list *list, struct list *node) { list_push_last(list->next, node); }

/* Harmless on a node that is in no list, once initialised. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* NULL when empty; the caller's LIST_OWNER must not see NULL. */
static inline struct list *list_first(const struct list *list) { return list->next == list ? NULL : list->next; }

#endif
