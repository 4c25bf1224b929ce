/* ring.h - a bounded queue of records between one thread that pushes and one that pops; no lock, no allocation.
 *
 * Records are runs of bytes of any length up to ring_record_max(), kept in one block of memory that is taken once.  A
 * record is written in place: ring_reserve() gives contiguous room, ring_commit() makes it visible.  The other thread
 * looks at the oldest with ring_peek() and gives its room back with ring_pop().
 *
 *        pop_at             push_at
 *          v                  v
 *   [ free |len|record|len|... | free ]        offsets only grow; the place in memory is offset modulo size
 *
 * What it does not do: wake anybody.  Whoever pops decides when to sleep and how it is woken.
 *
 * Threads: ring_reserve, ring_commit, ring_free_bytes on the pushing thread; ring_peek, ring_pop on the popping thread;
 * ring_used_bytes and ring_popped_bytes anywhere.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>

#include "base/str.h"

#define RING_ALIGN 16 /* of every record's first byte */

struct ring {
    char *bytes;
    size_t size; /* a power of two */
    struct {
        _Alignas(64) _Atomic uint64_t push_at; /* written by the pushing thread only */
        _Alignas(64) _Atomic uint64_t pop_at;  /* written by the popping thread only */
    } shared;
    _Alignas(64) uint64_t known_pop_at; /* the pushing thread's: pop_at when it last looked */
    uint64_t reserved_at;               /* the pushing thread's: where the reserved record's length stands */
};

/* `size` bytes, a power of two of at least 4096. */
void ring_init(struct ring *ring, size_t size);
void ring_deinit(struct ring *ring);

/* The longest record that can ever be pushed: about half of the size, so that it fits wherever the ends stand. */
size_t ring_record_max(const struct ring *ring);

/* Room for a record of `len` bytes (at most ring_record_max), or NULL while there is not enough.  It may be filled at
 * leisure; reserving again without a commit takes it back. */
char *ring_reserve(struct ring *ring, size_t len);
/* Makes the reserved record visible, cut to `len` bytes (at most what was reserved). */
void ring_commit(struct ring *ring, size_t len);
/* At least this many bytes are free, lengths and padding included. */
size_t ring_free_bytes(struct ring *ring);

/* The oldest record; false when empty.  Valid until ring_pop(). */
bool ring_peek(struct ring *ring, struct str *ret_record);
void ring_pop(struct ring *ring);

/* Bytes in it now, as good as one can know from a third thread. */
size_t ring_used_bytes(const struct ring *ring);
/* Bytes popped since the start: stands still when the popping thread does. */
uint64_t ring_popped_bytes(const struct ring *ring);

#endif
