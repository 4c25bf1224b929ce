#include "base/utf8.h"

/* How long the sequence is that starts with this byte; 0 for bytes that start none (C0, C1 and F5 on never occur). */
static size_t sequence_len(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2)
        return 0;
    if (lead < 0xe0)
        return 2;
    if (lead < 0xf0)
        return 3;
    return lead < 0xf5 ? 4 : 0;
}

size_t utf8_decode(struct str s, uint32_t *ret_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    size_t len = s.len ? sequence_len(bytes[0]) : 0;
    uint32_t point;

    if (len == 0 || len > s.len)
        return 0;
    point = len == 1 ? bytes[0] : bytes[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (bytes[i] & 0x3fu);
    }
    if (point < least[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret_point = point;
    return len;
}

size_t utf8_encode(uint32_t point, char bytes[UTF8_BYTES_MAX])
{
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = len - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    bytes[0] = (char)(lead[len > 1 ? len : 0] | point);
    return len;
}

bool utf8_is_valid(struct str s)
{
    uint32_t point;

    while (s.len) {
        size_t len = utf8_decode(s, &point);

        if (len == 0)
            return false;
        s = str_skip(s, len);
    }
    return true;
}
