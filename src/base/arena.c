#include "base/arena.h"

#include <stdarg.h>
#include <stdlib.h>

#define ALIGN ((size_t)16)
/* With malloc's own header this is one page. */
#define BLOCK_BYTES ((size_t)4064)

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    size_t pad; /* keeps bytes[] aligned */
    char bytes[];
};

void arena_init(struct arena *arena, size_t max_bytes) { *arena = (struct arena){.max_bytes = max_bytes}; }

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
}

void arena_deinit(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = NULL;

    while (arena->blocks) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->next;
        if (!keep && block->size <= BLOCK_BYTES)
            keep = block;
        else
            free(block);
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    arena->blocks = keep;
    arena->used_bytes = 0;
}

static void block_add(struct arena *arena, size_t size)
{
    size_t ordinary = BLOCK_BYTES - sizeof(struct arena_block);
    size_t room = size > ordinary ? size : ordinary;
    struct arena_block *block = malloc(sizeof(*block) + room);

    CHECK(block);
    *block = (struct arena_block){.next = arena->blocks, .size = room};
    arena->blocks = block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block;
    void *memory;

    if (size > arena->max_bytes || arena->used_bytes > arena->max_bytes - size)
        return NULL;
    size = (size + ALIGN - 1) & ~(ALIGN - 1);
    if (!arena->blocks || arena->blocks->size - arena->blocks->used < size)
        block_add(arena, size);
    block = arena->blocks;
    memory = block->bytes + block->used;
    block->used += size;
    arena->used_bytes += size;
    return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);

    if (memory)
        memset(memory, 0, size);
    return memory;
}

struct err arena_copy(struct arena *arena, struct str s, struct str *ret_copy)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (!copy)
        return ERR(ERR_LIMIT, 0, "arena is full");
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    *ret_copy = (struct str){copy, s.len};
    return OK;
}

struct err arena_copy_lower(struct arena *arena, struct str s, struct str *ret_copy)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (!copy)
        return ERR(ERR_LIMIT, 0, "arena is full");
    for (size_t i = 0; i < s.len; i++)
        copy[i] = str_fold_char(s.ptr[i]);
    copy[s.len] = '\0';
    *ret_copy = (struct str){copy, s.len};
    return OK;
}

struct err arena_format(struct arena *arena, struct str *ret_text, const char *format, ...)
{
    va_list args;
    int len;
    char *text;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    text = arena_alloc(arena, (size_t)len + 1);
    if (!text)
        return ERR(ERR_LIMIT, 0, "arena is full");
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    *ret_text = (struct str){text, (size_t)len};
    return OK;
}
