/* kind.h - one content coding behind a vtable.  A new coding is a file like coding/brotli.c and a row in coding.c. */
#ifndef HTTP_CODING_KIND_H
#define HTTP_CODING_KIND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Where a step writes to. */
struct http_coding_room {
    char *bytes;
    size_t size;
    size_t len; /* written so far */
};

enum http_coding_progress {
    HTTP_CODING_PROGRESS_MORE,    /* used up the input, or the room; may continue with more of it */
    HTTP_CODING_PROGRESS_ENDED,   /* the content is complete; further input may still belong to it (gzip members) */
    HTTP_CODING_PROGRESS_SURPLUS, /* complete, and the input left over belongs to something else */
    HTTP_CODING_PROGRESS_DAMAGED,
    HTTP_CODING_PROGRESS_TOO_LARGE, /* it asks for more memory than it gets */
};

struct http_coding_kind {
    struct str name;
    /* A decoder that takes at most this much memory, roughly: 2^window_log_max bytes and some. */
    void *(*decoder_new)(unsigned window_log_max);
    void (*decoder_free)(void *decoder);
    /* Moves *input past what was used.  With MORE, either the input is empty or the room is full. */
    enum http_coding_progress (*decode)(void *decoder, struct str *input, struct http_coding_room *room);
    MUST_CHECK struct err (*encode)(struct str content, struct buf *coded);
};

/* For encoders: room for some bytes at the end of `coded`, to be committed.  ERR_LIMIT: there is none left. */
static inline struct err http_coding_kind_room(struct buf *coded, struct http_coding_room *ret_room)
{
    size_t left = coded->max_bytes - coded->len;
    size_t size = left < (size_t)16 * 1024 ? left : (size_t)16 * 1024;

    if (!size)
        return ERR(ERR_LIMIT, 0, "buffer is full");
    *ret_room = (struct http_coding_room){.size = size};
    return buf_reserve(coded, size, &ret_room->bytes);
}

#endif
