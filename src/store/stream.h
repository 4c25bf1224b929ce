/* stream.h - the frames inside a stream record: what tunnels and WebSocket connections carried, with side and time.
 *
 *   | side 1 | kind 1 | 0 2 | length 4 | microseconds since the exchange began 8 | bytes |     little-endian
 */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include "base/err.h"
#include "base/str.h"

#define STORE_STREAM_HEAD_BYTES 16

enum store_stream_kind {
    STORE_STREAM_BYTES, /* others are skipped by readers */
};

struct store_stream_frame {
    unsigned side; /* enum exchange_side */
    unsigned kind;
    uint32_t len;
    uint64_t at_us;
};

void store_stream_write_head(const struct store_stream_frame *frame, char bytes[STORE_STREAM_HEAD_BYTES]);
/* ERR_DAMAGED for a side that does not exist. */
MUST_CHECK struct err store_stream_parse_head(const char bytes[STORE_STREAM_HEAD_BYTES],
                                              struct store_stream_frame *ret_frame);
/* Bytes of each side in a whole block.  ERR_DAMAGED when the frames do not fill it exactly. */
MUST_CHECK struct err store_stream_measure(struct str block, uint64_t ret_len[2]);

#endif
