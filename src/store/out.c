#include "store/out.h"

#include <stdlib.h>

void store_out_init(struct store_out *out, size_t max_bytes) { *out = (struct store_out){.max_bytes = max_bytes}; }

void store_out_deinit(struct store_out *out)
{
    free(out->bytes);
    *out = (struct store_out){.max_bytes = out->max_bytes};
}

void store_out_room(struct store_out *out, size_t more)
{
    size_t size = out->size ? out->size : 4096;

    if (out->size - out->len >= more)
        return;
    CHECK(more <= out->max_bytes && out->len <= out->max_bytes - more);
    while (size < out->len + more)
        size *= 2;
    out->bytes = realloc(out->bytes, size);
    CHECK(out->bytes);
    out->size = size;
}

size_t store_out_digits(char *text, uint64_t number)
{
    char reversed[STORE_OUT_NUMBER_MAX];
    size_t len = 0;

    do {
        reversed[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    for (size_t i = 0; i < len; i++)
        text[i] = reversed[len - 1 - i];
    return len;
}

void store_out_hex(struct store_out *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out->bytes + out->len;

    for (size_t i = 0; i < len; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    out->len += 2 * len;
}
