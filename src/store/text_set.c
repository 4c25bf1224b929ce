#include "store/text_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BITS 64u

static size_t word_count(uint64_t end) { return (size_t)((end + BITS - 1) / BITS); }

void store_text_set_init(struct store_text_set *set, uint64_t end, bool is_full)
{
    CHECK(end <= STORE_TEXT_SET_MAX);
    set->end = end;
    set->words = malloc((word_count(end) + 1) * sizeof(uint64_t));
    CHECK(set->words);
    memset(set->words, is_full ? 255 : 0, (word_count(end) + 1) * sizeof(uint64_t));
}

void store_text_set_deinit(struct store_text_set *set)
{
    free(set->words);
    *set = (struct store_text_set){NULL, 0};
}

void store_text_set_grow(struct store_text_set *set, uint64_t end)
{
    struct store_text_set grown;

    if (end <= set->end)
        return;
    store_text_set_init(&grown, end, false);
    if (set->words)
        memcpy(grown.words, set->words, word_count(set->end) * sizeof(uint64_t));
    free(set->words);
    *set = grown;
}

bool store_text_set_has(const struct store_text_set *set, uint64_t id)
{
    return id >= set->end || (set->words[id / BITS] >> id % BITS & 1);
}

void store_text_set_add(struct store_text_set *set, uint64_t id)
{
    if (id < set->end)
        set->words[id / BITS] |= (uint64_t)1 << id % BITS;
}

void store_text_set_intersect(struct store_text_set *set, const struct store_text_set *other)
{
    CHECK(set->end == other->end);
    for (size_t i = 0; i < word_count(set->end); i++)
        set->words[i] &= other->words[i];
}

void store_text_set_unite(struct store_text_set *set, const struct store_text_set *other)
{
    CHECK(set->end == other->end);
    for (size_t i = 0; i < word_count(set->end); i++)
        set->words[i] |= other->words[i];
}

void store_text_set_unite_absent(struct store_text_set *set, const struct store_text_set *other)
{
    CHECK(set->end == other->end);
    for (size_t i = 0; i < word_count(set->end); i++)
        set->words[i] |= ~other->words[i];
}

uint64_t store_text_set_count(const struct store_text_set *set, uint64_t low, uint64_t high)
{
    uint64_t count = 0, id = low;

    while (id <= high && id < set->end) {
        if (id % BITS == 0 && id + BITS <= set->end && high - id >= BITS - 1) {
            count += (uint64_t)__builtin_popcountll(set->words[id / BITS]);
            id += BITS;
        } else {
            count += store_text_set_has(set, id++);
        }
    }
    return id <= high ? count + (high - id + 1) : count;
}

/* Whether no id of the word that `id` is in is in the set. */
static bool is_word_empty(const struct store_text_set *set, uint64_t id)
{
    return id < set->end && set->words[id / BITS] == 0;
}

static bool next_rising(const struct store_text_set *set, uint64_t from, uint64_t to, uint64_t *ret_id)
{
    for (uint64_t id = from; id <= to;) {
        if (is_word_empty(set, id)) {
            uint64_t behind = (id / BITS + 1) * BITS;

            id = behind < set->end ? behind : set->end;
        } else if (store_text_set_has(set, id)) {
            *ret_id = id;
            return true;
        } else {
            id++;
        }
    }
    return false;
}

static bool next_falling(const struct store_text_set *set, uint64_t from, uint64_t to, uint64_t *ret_id)
{
    for (uint64_t id = from; id >= to;) {
        uint64_t next = is_word_empty(set, id) ? id / BITS * BITS : id;

        if (next == id && store_text_set_has(set, id)) {
            *ret_id = id;
            return true;
        }
        if (next == 0)
            return false;
        id = next - 1;
    }
    return false;
}

bool store_text_set_next(const struct store_text_set *set, uint64_t from, uint64_t to, uint64_t *ret_id)
{
    return from <= to ? next_rising(set, from, to, ret_id) : next_falling(set, from, to, ret_id);
}
