#include "base/map.h"

#include <stdlib.h>

struct map_entry {
    struct map_entry *next; /* in the bucket */
    struct list use;
    uint64_t hash;
    void *value;
    size_t key_len;
    char key[];
};

static uint64_t rotate(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012): one round a word, three at the end. */
static uint64_t hash(const uint64_t seed[2], struct str key)
{
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du, seed[0] ^ 0x6c7967656e657261u,
                     seed[1] ^ 0x7465646279746573u};
    uint64_t word;
    size_t at = 0;

    for (; at + 8 <= key.len; at += 8) {
        memcpy(&word, key.ptr + at, 8);
        sip_word(v, word);
    }
    word = (uint64_t)key.len << 56;
    for (size_t i = at; i < key.len; i++)
        word |= (uint64_t)(unsigned char)key.ptr[i] << (8 * (i - at));
    sip_word(v, word);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map, size_t max_count, const uint64_t seed[2])
{
    *map = (struct map){.max_count = max_count, .seed = {seed[0], seed[1]}};
    list_init(&map->by_use);
}

void map_deinit(struct map *map)
{
    struct list *node;

    while ((node = list_first(&map->by_use))) {
        list_remove(node);
        free(LIST_OWNER(node, struct map_entry, use));
    }
    free(map->buckets);
    map->buckets = NULL;
    map->bucket_count = map->count = 0;
}

/* The link that points at the entry, or at the NULL where it would stand. */
static struct map_entry **find(struct map *map, struct str key, uint64_t key_hash)
{
    struct map_entry **link = &map->buckets[key_hash & (map->bucket_count - 1)];

    while (*link && ((*link)->hash != key_hash || !str_eq((struct str){(*link)->key, (*link)->key_len}, key)))
        link = &(*link)->next;
    return link;
}

static void grow(struct map *map)
{
    size_t count = map->bucket_count ? map->bucket_count * 2 : 16;
    struct map_entry **buckets = calloc(count, sizeof(struct map_entry *));

    CHECK(buckets);
    for (struct list *node = map->by_use.next; node != &map->by_use; node = node->next) {
        struct map_entry *entry = LIST_OWNER(node, struct map_entry, use);
        struct map_entry **link = &buckets[entry->hash & (count - 1)];

        entry->next = *link;
        *link = entry;
    }
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = count;
}

static void mark_used(struct map *map, struct map_entry *entry)
{
    list_remove(&entry->use);
    list_push_last(&map->by_use, &entry->use);
}

void *map_get(struct map *map, struct str key)
{
    struct map_entry *entry;

    if (map->count == 0)
        return NULL;
    entry = *find(map, key, hash(map->seed, key));
    if (!entry)
        return NULL;
    mark_used(map, entry);
    return entry->value;
}

struct err map_put(struct map *map, struct str key, void *value)
{
    uint64_t key_hash = hash(map->seed, key);
    struct map_entry **link, *entry;

    CHECK(value);
    if (map->count >= map->bucket_count)
        grow(map);
    link = find(map, key, key_hash);
    if (!*link) {
        if (map->count >= map->max_count)
            return ERR(ERR_LIMIT, 0, "map is full");
        entry = malloc(sizeof(*entry) + key.len);
        CHECK(entry);
        *entry = (struct map_entry){.hash = key_hash, .key_len = key.len};
        if (key.len)
            memcpy(entry->key, key.ptr, key.len);
        list_init(&entry->use);
        *link = entry;
        map->count++;
    }
    (*link)->value = value;
    mark_used(map, *link);
    return OK;
}

void *map_remove(struct map *map, struct str key)
{
    struct map_entry **link, *entry;
    void *value;

    if (map->count == 0)
        return NULL;
    link = find(map, key, hash(map->seed, key));
    entry = *link;
    if (!entry)
        return NULL;
    *link = entry->next;
    list_remove(&entry->use);
    value = entry->value;
    free(entry);
    map->count--;
    return value;
}

bool map_oldest(const struct map *map, struct str *ret_key, void **ret_value)
{
    struct list *node = list_first(&map->by_use);
    struct map_entry *entry;

    if (!node)
        return false;
    entry = LIST_OWNER(node, struct map_entry, use);
    *ret_key = (struct str){entry->key, entry->key_len};
    *ret_value = entry->value;
    return true;
}
