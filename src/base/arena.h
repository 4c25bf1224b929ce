/* arena.h - memory that is freed all at once.
 *
 * One arena per connection, one per exchange, one scratch per loop turn.  Blocks are taken from malloc and kept until
 * arena_deinit(); arena_reset() keeps the first block, so a connection that serves many exchanges allocates nothing
 * once it is warm.  The cap counts what was asked for; an allocation over it gives NULL, which callers turn into
 * ERR_LIMIT.  malloc failing stops the program.  Memory is aligned to 16 bytes and is not zeroed.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* handed out since the last reset */
    size_t max_bytes;
};

/* Takes no memory until the first allocation. */
void arena_init(struct arena *arena, size_t max_bytes);
void arena_deinit(struct arena *arena);
/* Frees everything but one block of ordinary size. */
void arena_reset(struct arena *arena);

/* NULL when the cap would be passed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
/* A copy that lives as long as the arena; a terminating NUL stands after it (not counted in len). */
MUST_CHECK struct err arena_copy(struct arena *arena, struct str s, struct str *ret_copy);
/* The same with ASCII letters lowered, as host names and media types are kept. */
MUST_CHECK struct err arena_copy_lower(struct arena *arena, struct str s, struct str *ret_copy);
/* printf into the arena. */
MUST_CHECK struct err arena_format(struct arena *arena, struct str *ret_text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
