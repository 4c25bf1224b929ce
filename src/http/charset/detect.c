/*
 * UTF-8 and ISO-2022-JP prove themselves.  Shift_JIS and EUC-JP are told apart from each other, and from one-byte
 * encodings, by how each would read the bytes: real Japanese is made of kana and frequent kanji that stand in runs,
 * while a wrong reading gives rare kanji, half-width katakana, and bytes that are no character at all.
 */
#include "http/charset/detect.h"

#include "http/charset/utf8.h"

bool http_charset_detect_is_ascii(struct str start)
{
    for (size_t i = 0; i < start.len; i++) {
        if ((unsigned char)start.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

/* A switch to two-byte characters or to katakana.  The others (to ASCII) also stand in terminal output. */
static bool has_jis_escape(struct str start)
{
    return str_find(start, STR("\x1b$B")) != STR_ABSENT || str_find(start, STR("\x1b$@")) != STR_ABSENT ||
           str_find(start, STR("\x1b(I")) != STR_ABSENT;
}

/* Latin text in UTF-16 has a NUL in nearly every second byte, and no other. */
static const char *utf16_by_nuls(struct str start)
{
    size_t nuls[2] = {0, 0};
    size_t pairs = start.len / 2;

    for (size_t i = 0; i < start.len; i++)
        nuls[i % 2] += start.ptr[i] == '\0';
    if (pairs < 2)
        return NULL;
    if (nuls[1] * 3 > pairs && nuls[0] == 0)
        return "utf-16le";
    return nuls[0] * 3 > pairs && nuls[1] == 0 ? "utf-16be" : NULL;
}

struct reading {
    size_t invalid;
    size_t wide; /* characters of two bytes or more */
    long score;
    bool is_in_run; /* the last character was wide */
};

/* Points for a wide character; one that stands alone between Latin letters is no sign of Japanese, since two bytes of
 * many encodings make one. */
static void count_wide(struct reading *reading, int points)
{
    reading->wide++;
    if (reading->is_in_run || points < 0)
        reading->score += points;
    reading->is_in_run = true;
}

/* By the row of JIS X 0208: up to 3 symbols and full-width letters, 4 and 5 kana, 16 to 47 frequent kanji, then rare
 * ones; 13 and 89 to 92 are NEC's additions, which names are full of. */
static int points_of_row(unsigned row)
{
    if (row == 4 || row == 5)
        return 3;
    if (row <= 3 || (row >= 16 && row <= 47))
        return 2;
    if (row == 13 || (row >= 89 && row <= 92))
        return 1;
    return row >= 48 && row <= 84 ? 0 : -1;
}

static void count_invalid(struct reading *reading)
{
    reading->invalid++;
    reading->is_in_run = false;
}

/* JIS X 0208 in Shift_JIS: two rows to a lead byte. */
static unsigned row_of_shift_jis(unsigned lead, unsigned trail)
{
    unsigned pair = lead < 0xa0 ? lead - 0x81 : lead - 0xc1;

    return pair * 2 + (trail >= 0x9f ? 2 : 1);
}

static bool is_shift_jis_trail(unsigned c) { return c >= 0x40 && c <= 0xfc && c != 0x7f; }

static size_t read_shift_jis(struct reading *reading, const unsigned char *bytes, size_t len)
{
    unsigned lead = bytes[0];

    if (lead >= 0xa1 && lead <= 0xdf) { /* half-width katakana */
        reading->is_in_run = true;
        reading->wide++;
        return 1;
    }
    if (lead == 0x80 || lead == 0xa0 || lead > 0xfc) {
        count_invalid(reading);
        return 1;
    }
    if (len < 2)
        return 1;
    if (!is_shift_jis_trail(bytes[1])) {
        count_invalid(reading);
        return 1;
    }
    /* Leads from 0xf0 on are extensions: IBM's kanji are real, the rest is private use. */
    count_wide(reading, lead >= 0xf0 ? (lead >= 0xfa ? 1 : -1) : points_of_row(row_of_shift_jis(lead, bytes[1])));
    return 2;
}

static bool is_euc_byte(unsigned c) { return c >= 0xa1 && c <= 0xfe; }

static size_t read_euc_jp(struct reading *reading, const unsigned char *bytes, size_t len)
{
    unsigned lead = bytes[0];
    size_t need = lead == 0x8f ? 3 : 2;

    if (lead != 0x8e && lead != 0x8f && !is_euc_byte(lead)) {
        count_invalid(reading);
        return 1;
    }
    if (len < need)
        return len;
    if (!is_euc_byte(bytes[1]) || !is_euc_byte(bytes[need - 1])) {
        count_invalid(reading);
        return 1;
    }
    if (lead == 0x8e || lead == 0x8f)
        count_wide(reading, 1);
    else
        count_wide(reading, points_of_row(lead - 0xa0));
    return need;
}

static struct reading read_all(struct str start,
                               size_t (*read)(struct reading *reading, const unsigned char *bytes, size_t len))
{
    const unsigned char *bytes = (const unsigned char *)start.ptr;
    struct reading reading = {0};
    size_t i = 0;

    while (i < start.len) {
        if (bytes[i] >= 0x80) {
            i += read(&reading, bytes + i, start.len - i);
            continue;
        }
        reading.is_in_run = false;
        i++;
    }
    return reading;
}

/* A point for each wide character on average, and hardly anything that is none. */
static bool is_likely(const struct reading *reading)
{
    return reading->wide > 0 && reading->score >= (long)reading->wide && reading->invalid * 100 <= reading->wide;
}

static const char *japanese(struct str start)
{
    struct reading shift_jis = read_all(start, read_shift_jis);
    struct reading euc_jp = read_all(start, read_euc_jp);

    if (is_likely(&euc_jp) && (!is_likely(&shift_jis) || euc_jp.score >= shift_jis.score))
        return "euc-jp";
    return is_likely(&shift_jis) ? "shift_jis" : NULL;
}

/* Valid but for a character cut off at the end, with at least one whole character that is not ASCII. */
static bool is_utf8(struct str start)
{
    bool is_cut;
    size_t bad;
    size_t len = http_charset_utf8_valid_len(start, &bad, &is_cut);

    return (!bad || is_cut) && !http_charset_detect_is_ascii(str_head(start, len));
}

const struct http_charset *http_charset_detect(struct str start)
{
    const char *name = utf16_by_nuls(start);

    if (name)
        return http_charset_table_find(str_from(name));
    if (http_charset_detect_is_ascii(start))
        return has_jis_escape(start) ? http_charset_table_find(STR("iso-2022-jp")) : NULL;
    if (is_utf8(start))
        return http_charset_table_find(STR("utf-8"));
    name = japanese(start);
    return name ? http_charset_table_find(str_from(name)) : NULL;
}
