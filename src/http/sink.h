/* sink.h - where a decoder of content sends what it makes, piece by piece. */
#ifndef HTTP_SINK_H
#define HTTP_SINK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct http_sink {
    /* The bytes are valid during the call only.  An error stops the decoder, which passes it up. */
    struct err (*on_bytes)(void *owner, struct str bytes);
    void *owner;
};

/* Appends to a buffer; ERR_LIMIT when it is full, with as much appended as fits. */
struct http_sink http_sink_to_buf(struct buf *buf);

#endif
