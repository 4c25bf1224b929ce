#include "http/charset/euc.h"

/* EUC-JP is ASCII with the high bit set, two by two: row and cell of JIS X 0208 plus 0xa0. */
#define BASE 0xa0u
#define NEC_ROW_MIN 89u
#define NEC_ROW_MAX 92u

static unsigned byte_at(struct str s, size_t i) { return (unsigned char)s.ptr[i]; }

static bool is_trail(struct str s, size_t i) { return i < s.len && byte_at(s, i) > BASE && byte_at(s, i) < 0xff; }

size_t http_charset_euc_char_len(struct str s)
{
    unsigned lead = byte_at(s, 0);
    bool is_lead = lead == 0x8e || lead == 0x8f || (lead > BASE && lead < 0xff);

    if (!is_lead || !is_trail(s, 1))
        return 1;
    return lead == 0x8f && is_trail(s, 2) ? 3 : 2;
}

static bool is_nec_lead(unsigned lead) { return lead >= BASE + NEC_ROW_MIN && lead <= BASE + NEC_ROW_MAX; }

size_t http_charset_euc_find_nec(struct str s)
{
    size_t i = 0;

    while (i < s.len) {
        struct str rest = str_skip(s, i);

        if (is_nec_lead(byte_at(rest, 0)) && is_trail(rest, 1))
            return i;
        i += http_charset_euc_char_len(rest);
    }
    return s.len;
}

void http_charset_euc_to_shift_jis(struct str character, char ret_bytes[2])
{
    unsigned row = byte_at(character, 0) - BASE;
    unsigned cell = byte_at(character, 1) - BASE;
    unsigned lead = (row - 1) / 2 + 0x81;
    unsigned trail = row % 2 ? cell + 0x3f : cell + 0x9e;

    /* The leads leave out the half-width katakana, the trails DEL. */
    ret_bytes[0] = (char)(unsigned char)(lead > 0x9f ? lead + 0x40 : lead);
    ret_bytes[1] = (char)(unsigned char)(row % 2 && trail >= 0x7f ? trail + 1 : trail);
}
