/* map.h - a bounded hash map from bytes to a pointer.
 *
 * Keys are copied; values are the caller's.  The hash is keyed with a random seed per map, so a peer who chooses keys
 * cannot make one bucket long (SipHash-1-3).  map_put() over max_count fails with ERR_LIMIT.  Entries are kept in order
 * of use: map_oldest() gives the least recently used one, which is what bounded caches drop.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

struct map_entry;

struct map {
    struct map_entry **buckets;
    size_t bucket_count;
    size_t count;
    size_t max_count;
    uint64_t seed[2];
    struct list by_use; /* oldest first */
};

/* `seed` should be random (os_random) where keys come from outside. */
void map_init(struct map *map, size_t max_count, const uint64_t seed[2]);
/* Values are not freed. */
void map_deinit(struct map *map);

/* NULL when absent; marks the entry as just used. */
void *map_get(struct map *map, struct str key);
/* Adds or replaces; `value` must not be NULL. */
MUST_CHECK struct err map_put(struct map *map, struct str key, void *value);
/* Removes and returns the value; NULL when absent. */
void *map_remove(struct map *map, struct str key);
/* The least recently used entry, without marking it; false when empty.  *ret_key is valid until its removal. */
bool map_oldest(const struct map *map, struct str *ret_key, void **ret_value);

#endif
