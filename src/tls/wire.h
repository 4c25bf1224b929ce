/* wire.h - takes numbers and length-prefixed runs off the front of TLS structures (RFC 8446, 3), never past the end.
 *
 * A run that is too short sets is_broken and gives zeros and empty runs from then on, so a parser checks once.
 */
#ifndef TLS_WIRE_H
#define TLS_WIRE_H

#include "base/str.h"

struct tls_wire {
    struct str left;
    bool is_broken;
};

static inline struct tls_wire tls_wire_of(struct str bytes) { return (struct tls_wire){bytes, false}; }

static inline struct str tls_wire_bytes(struct tls_wire *wire, size_t len)
{
    struct str run = STR_NONE;

    if (wire->is_broken || wire->left.len < len) {
        wire->is_broken = true;
        wire->left = STR_NONE;
        return run;
    }
    run = str_head(wire->left, len);
    wire->left = str_skip(wire->left, len);
    return run;
}

/* Big-endian, 1 to 3 bytes. */
static inline size_t tls_wire_number(struct tls_wire *wire, size_t len)
{
    struct str run = tls_wire_bytes(wire, len);
    size_t value = 0;

    for (size_t i = 0; i < run.len; i++)
        value = value << 8 | (unsigned char)run.ptr[i];
    return value;
}

/* A run behind its own length of `prefix_len` bytes. */
static inline struct str tls_wire_run(struct tls_wire *wire, size_t prefix_len)
{
    return tls_wire_bytes(wire, tls_wire_number(wire, prefix_len));
}

static inline bool tls_wire_is_empty(const struct tls_wire *wire) { return wire->left.len == 0; }

#endif
