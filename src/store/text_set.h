/* text_set.h - a set of exchange ids, a bit each: who may hold a text.
 *
 * Ids at and above `end` are all in it: what is not known yet must be looked at.  An id costs a bit, so `end` is at
 * most STORE_TEXT_SET_MAX (32 MiB); a project with more exchanges has the later ones looked at one by one.
 */
#ifndef STORE_TEXT_SET_H
#define STORE_TEXT_SET_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_TEXT_SET_MAX (UINT64_C(1) << 28)

struct store_text_set {
    uint64_t *words;
    uint64_t end;
};

/* None of the ids below `end`, or all. */
void store_text_set_init(struct store_text_set *set, uint64_t end, bool is_full);
void store_text_set_deinit(struct store_text_set *set);
/* Moves `end` up; the new ids are not in the set. */
void store_text_set_grow(struct store_text_set *set, uint64_t end);

bool store_text_set_has(const struct store_text_set *set, uint64_t id);
/* Ids at and above `end` are in it already. */
void store_text_set_add(struct store_text_set *set, uint64_t id);
/* *set becomes what is in both, or in one of both.  Ends must be equal. */
void store_text_set_intersect(struct store_text_set *set, const struct store_text_set *other);
void store_text_set_unite(struct store_text_set *set, const struct store_text_set *other);
/* Adds what is not in `other`. */
void store_text_set_unite_absent(struct store_text_set *set, const struct store_text_set *other);

/* How many of low..high are in it. */
uint64_t store_text_set_count(const struct store_text_set *set, uint64_t low, uint64_t high);
/* The next id in it, `from` included, rising up to `to` or falling down to it.  False: none. */
bool store_text_set_next(const struct store_text_set *set, uint64_t from, uint64_t to, uint64_t *ret_id);

#endif
