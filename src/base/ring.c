#include "base/ring.h"

#include <stdlib.h>

#include "base/err.h"

/* Every record is preceded by RING_ALIGN bytes of which the first four hold its length.  WRAP instead of a length: the
 * rest of the memory is unused, the next record stands at its beginning. */
#define WRAP UINT32_MAX

static uint64_t record_room(size_t len)
{
    return RING_ALIGN + ((uint64_t)len + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
}

static void put_len(struct ring *ring, uint64_t at, uint32_t len)
{
    memcpy(ring->bytes + (at & (ring->size - 1)), &len, sizeof(len));
}

static uint32_t get_len(const struct ring *ring, uint64_t at)
{
    uint32_t len;

    memcpy(&len, ring->bytes + (at & (ring->size - 1)), sizeof(len));
    return len;
}

void ring_init(struct ring *ring, size_t size)
{
    CHECK(size >= 4096 && (size & (size - 1)) == 0 && size <= UINT32_MAX);
    memset(ring, 0, sizeof(*ring));
    ring->size = size;
    ring->bytes = aligned_alloc(64, size);
    CHECK(ring->bytes);
}

void ring_deinit(struct ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

/* A record that needs more than the rest of the memory costs that rest too: less than its own room.  So whatever fits
 * twice fits once the ring is empty, wherever the ends stand. */
size_t ring_record_max(const struct ring *ring) { return ring->size / 2 - (size_t)2 * RING_ALIGN; }

size_t ring_free_bytes(struct ring *ring)
{
    ring->known_pop_at = atomic_load_explicit(&ring->shared.pop_at, memory_order_acquire);
    return ring->size -
           (size_t)(atomic_load_explicit(&ring->shared.push_at, memory_order_relaxed) - ring->known_pop_at);
}

char *ring_reserve(struct ring *ring, size_t len)
{
    uint64_t push_at = atomic_load_explicit(&ring->shared.push_at, memory_order_relaxed);
    uint64_t need = record_room(len), rest = ring->size - (push_at & (ring->size - 1));
    uint64_t skip = need > rest ? rest : 0;

    CHECK(len <= ring_record_max(ring));
    if (ring->size - (push_at - ring->known_pop_at) < skip + need && ring_free_bytes(ring) < skip + need)
        return NULL;
    if (skip)
        put_len(ring, push_at, WRAP);
    ring->reserved_at = push_at + skip;
    put_len(ring, ring->reserved_at, (uint32_t)len);
    return ring->bytes + (ring->reserved_at & (ring->size - 1)) + RING_ALIGN;
}

void ring_commit(struct ring *ring, size_t len)
{
    CHECK(len <= get_len(ring, ring->reserved_at));
    put_len(ring, ring->reserved_at, (uint32_t)len);
    atomic_store_explicit(&ring->shared.push_at, ring->reserved_at + record_room(len), memory_order_release);
}

bool ring_peek(struct ring *ring, struct str *ret_record)
{
    uint64_t push_at = atomic_load_explicit(&ring->shared.push_at, memory_order_acquire);
    uint64_t pop_at = atomic_load_explicit(&ring->shared.pop_at, memory_order_relaxed);
    uint32_t len;

    if (pop_at == push_at)
        return false;
    len = get_len(ring, pop_at);
    if (len == WRAP) {
        pop_at += ring->size - (pop_at & (ring->size - 1));
        atomic_store_explicit(&ring->shared.pop_at, pop_at, memory_order_release);
        len = get_len(ring, pop_at);
    }
    *ret_record = (struct str){ring->bytes + (pop_at & (ring->size - 1)) + RING_ALIGN, len};
    return true;
}

void ring_pop(struct ring *ring)
{
    uint64_t pop_at = atomic_load_explicit(&ring->shared.pop_at, memory_order_relaxed);
    uint32_t len = get_len(ring, pop_at);

    CHECK(len != WRAP);
    atomic_store_explicit(&ring->shared.pop_at, pop_at + record_room(len), memory_order_release);
}

size_t ring_used_bytes(const struct ring *ring)
{
    uint64_t pop_at = atomic_load_explicit(&ring->shared.pop_at, memory_order_acquire);
    uint64_t push_at = atomic_load_explicit(&ring->shared.push_at, memory_order_acquire);

    return (size_t)(push_at - pop_at);
}

uint64_t ring_popped_bytes(const struct ring *ring)
{
    return atomic_load_explicit(&ring->shared.pop_at, memory_order_acquire);
}
