#include "http/charset/utf8.h"

struct lead {
    size_t len;          /* of the character; 0 for no lead byte */
    unsigned second_min; /* range of the second byte; the others are 80 to BF */
    unsigned second_max;
};

static struct lead lead_of(unsigned c)
{
    if (c >= 0xc2 && c <= 0xdf)
        return (struct lead){2, 0x80, 0xbf};
    if (c >= 0xe0 && c <= 0xef) /* no overlong forms, no surrogates */
        return (struct lead){3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf};
    if (c >= 0xf0 && c <= 0xf4)
        return (struct lead){4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){0, 0, 0};
}

/* How many bytes from `bytes` on belong to one character of `lead`, at most lead.len. */
static size_t matched_len(const unsigned char *bytes, size_t len, struct lead lead)
{
    size_t matched = 1;

    if (len < 2 || bytes[1] < lead.second_min || bytes[1] > lead.second_max)
        return 1;
    do {
        matched++;
    } while (matched < lead.len && matched < len && (bytes[matched] & 0xc0) == 0x80);
    return matched;
}

static size_t ascii_len(const unsigned char *bytes, size_t len)
{
    const uint64_t high = 0x8080808080808080u;
    size_t i = 0;
    uint64_t word;

    for (; i + 8 <= len; i += 8) {
        memcpy(&word, bytes + i, 8);
        if (word & high)
            break;
    }
    while (i < len && bytes[i] < 0x80)
        i++;
    return i;
}

size_t http_charset_utf8_valid_len(struct str s, size_t *ret_bad, bool *ret_is_cut)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    size_t i = 0;

    *ret_bad = 0;
    *ret_is_cut = false;
    while (i < s.len) {
        struct lead lead;
        size_t matched;

        i += ascii_len(bytes + i, s.len - i);
        if (i == s.len)
            break;
        lead = lead_of(bytes[i]);
        matched = lead.len ? matched_len(bytes + i, s.len - i, lead) : 1;
        if (matched != lead.len) {
            *ret_bad = matched;
            *ret_is_cut = lead.len && i + matched == s.len;
            return i;
        }
        i += matched;
    }
    return i;
}
