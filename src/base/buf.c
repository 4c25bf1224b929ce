#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>

#define KEEP_BYTES ((size_t)4096)
#define FIRST_BYTES ((size_t)512)

void buf_init(struct buf *buf, size_t max_bytes) { *buf = (struct buf){.max_bytes = max_bytes}; }

void buf_deinit(struct buf *buf)
{
    free(buf->bytes);
    buf->bytes = NULL;
    buf->start = buf->len = buf->size = 0;
}

static void grow(struct buf *buf, size_t need)
{
    size_t size = buf->size ? buf->size : FIRST_BYTES;
    char *bytes;

    while (size < need)
        size *= 2;
    bytes = malloc(size);
    CHECK(bytes);
    if (buf->len)
        memcpy(bytes, buf->bytes + buf->start, buf->len);
    free(buf->bytes);
    buf->bytes = bytes;
    buf->size = size;
    buf->start = 0;
}

struct err buf_reserve(struct buf *buf, size_t len, char **ret_room)
{
    if (len > buf->max_bytes || buf->len > buf->max_bytes - len)
        return ERR(ERR_LIMIT, 0, "buffer is full");
    if (buf->start + buf->len + len > buf->size) {
        /* Moving is cheaper than growing as long as at least half of the memory is free. */
        if (buf->len + len <= buf->size / 2) {
            memmove(buf->bytes, buf->bytes + buf->start, buf->len);
            buf->start = 0;
        } else {
            grow(buf, buf->len + len);
        }
    }
    *ret_room = buf->bytes ? buf->bytes + buf->start + buf->len : NULL;
    return OK;
}

void buf_commit(struct buf *buf, size_t len)
{
    CHECK(buf->start + buf->len + len <= buf->size);
    buf->len += len;
}

struct err buf_append(struct buf *buf, struct str s)
{
    char *room;

    if (s.len == 0)
        return OK;
    TRY(buf_reserve(buf, s.len, &room));
    memcpy(room, s.ptr, s.len);
    buf_commit(buf, s.len);
    return OK;
}

struct err buf_append_char(struct buf *buf, char c) { return buf_append(buf, (struct str){&c, 1}); }

struct err buf_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    int len;
    char *room;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    /* One more for the NUL that vsnprintf writes and that is never committed. */
    TRY(buf_reserve(buf, (size_t)len + 1, &room));
    va_start(args, format);
    vsnprintf(room, (size_t)len + 1, format, args);
    va_end(args);
    buf_commit(buf, (size_t)len);
    return OK;
}

void buf_take(struct buf *buf, size_t len)
{
    CHECK(len <= buf->len);
    buf->start += len;
    buf->len -= len;
    if (buf->len == 0)
        buf_clear(buf);
}

void buf_clear(struct buf *buf)
{
    buf->start = buf->len = 0;
    if (buf->size > KEEP_BYTES) {
        free(buf->bytes);
        buf->bytes = NULL;
        buf->size = 0;
    }
}
