/* out.h - text put together by hand into one run of memory that grows to a maximum and is kept.
 *
 * Who writes makes room once with store_out_room() for all it is about to put; the put functions check nothing.
 */
#ifndef STORE_OUT_H
#define STORE_OUT_H

#include "base/err.h"
#include "base/str.h"

struct store_out {
    char *bytes;
    size_t len, size, max_bytes;
};

void store_out_init(struct store_out *out, size_t max_bytes);
void store_out_deinit(struct store_out *out);
/* Room for `more` bytes behind len; passing the maximum is a programmer's mistake. */
void store_out_room(struct store_out *out, size_t more);

/* Decimal digits of a number: at most this many. */
#define STORE_OUT_NUMBER_MAX 20
size_t store_out_digits(char *text, uint64_t number);

static inline struct str store_out_str(const struct store_out *out) { return (struct str){out->bytes, out->len}; }

static inline void store_out_put(struct store_out *out, struct str s)
{
    if (s.len)
        memcpy(out->bytes + out->len, s.ptr, s.len);
    out->len += s.len;
}

static inline void store_out_number(struct store_out *out, uint64_t number)
{
    out->len += store_out_digits(out->bytes + out->len, number);
}

/* Lower-case hex. */
void store_out_hex(struct store_out *out, const uint8_t *bytes, size_t len);

#endif
