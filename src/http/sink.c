#include "http/sink.h"

static struct err append(void *owner, struct str bytes)
{
    struct buf *buf = owner;
    size_t room = buf->max_bytes - buf->len;

    if (bytes.len <= room)
        return buf_append(buf, bytes);
    TRY(buf_append(buf, str_head(bytes, room)));
    return ERR(ERR_LIMIT, 0, "buffer is full");
}

struct http_sink http_sink_to_buf(struct buf *buf) { return (struct http_sink){.on_bytes = append, .owner = buf}; }
