/* buf.h - a growing run of bytes with a maximum: append at the end, take from the front.
 *
 * Memory is taken at the first append and given back when the buffer empties, if it had grown past 4 KiB, so an idle
 * connection holds little.  Appending past max_bytes fails with ERR_LIMIT and appends nothing.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *bytes;
    size_t start; /* bytes before it were taken */
    size_t len;
    size_t size;
    size_t max_bytes; /* bound of len */
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_deinit(struct buf *buf);

MUST_CHECK struct err buf_append(struct buf *buf, struct str s);
MUST_CHECK struct err buf_append_char(struct buf *buf, char c);
MUST_CHECK struct err buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `len` more bytes at *ret_room, valid until the next call; buf_commit() says how many were written. */
MUST_CHECK struct err buf_reserve(struct buf *buf, size_t len, char **ret_room);
void buf_commit(struct buf *buf, size_t len);

/* What is in it; valid until the next append. */
static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->bytes ? buf->bytes + buf->start : NULL, buf->len};
}

/* Drops `len` bytes from the front. */
void buf_take(struct buf *buf, size_t len);
void buf_clear(struct buf *buf);

#endif
