/* content.h - from recorded bytes to content: fields of a head, chunks undone.
 *
 * This reads what was recorded, to show and to search it.  It is lenient where the message is damaged and says so;
 * how a message was framed has been decided when it passed (facts.half[].is_chunked).
 */
#ifndef STORE_CONTENT_H
#define STORE_CONTENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/sink.h"

/* The value of the first field of that name in a head; false when absent. */
bool store_content_field(struct str head, struct str name, struct str *ret_value);
/* The values of all fields of that name, joined by ", ", appended as far as they fit. */
void store_content_fields(struct str head, struct str name, struct buf *values);

enum store_content_state {
    STORE_CONTENT_SIZE,     /* in a chunk's size */
    STORE_CONTENT_SIZE_END, /* behind it: an extension, up to the line's end */
    STORE_CONTENT_BYTES,
    STORE_CONTENT_BYTES_END, /* the line end behind a chunk */
    STORE_CONTENT_DONE,      /* behind the last chunk; trailers are left out */
    STORE_CONTENT_DAMAGED,
};

/* Undoes chunks (RFC 9112, 7.1), in pieces. */
struct store_content_chunks {
    enum store_content_state state;
    uint64_t left; /* of the chunk; in SIZE: what was read of its size */
    unsigned digits;
};

void store_content_chunks_init(struct store_content_chunks *chunks);
/* The sink's errors only. */
MUST_CHECK struct err store_content_chunks_feed(struct store_content_chunks *chunks, struct str wire,
                                                struct http_sink sink);

#endif
