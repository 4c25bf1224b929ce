#include "query/fold.h"

#include "base/err.h"
#include "base/utf8.h"
#include "query/fold_table.h"

#define RANGE_COUNT (sizeof(fold_ranges) / sizeof(fold_ranges[0]))
/* Kana, hangul's jamo and most han lie here, and nothing in it folds: the common case of Japanese text is quick. */
#define CASELESS_FIRST 0x2d00
#define CASELESS_LAST 0xa63f

static uint32_t fold_point(uint32_t point)
{
    size_t low = 0;
    size_t high = RANGE_COUNT;

    if (point >= CASELESS_FIRST && point <= CASELESS_LAST)
        return point;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct fold_range *range = &fold_ranges[middle];

        if (point < range->first)
            high = middle;
        else if (point > range->last)
            low = middle + 1;
        else
            return (point - range->first) % range->step == 0 ? (uint32_t)((int32_t)point + range->delta) : point;
    }
    return point;
}

/* Folds eight ASCII bytes at once; false, with nothing written, when one of them is not ASCII. */
static bool fold_ascii_word(const char *text, char *folded)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;
    uint64_t is_upper;

    memcpy(&word, text, sizeof(word));
    if (word & (ones * 0x80))
        return false;
    /* Each byte's high bit: set when the byte is >= 'A' and not > 'Z'. */
    is_upper = (word + ones * (0x80 - 'A')) & ~(word + ones * (0x80 - 'Z' - 1)) & (ones * 0x80);
    word |= is_upper >> 2;
    memcpy(folded, &word, sizeof(word));
    return true;
}

/* Takes one code point (or stray byte) from the front of *rest and writes it folded; returns the bytes written. */
static size_t fold_one(struct str *rest, char folded[UTF8_BYTES_MAX])
{
    uint32_t point;
    size_t len;

    if ((unsigned char)rest->ptr[0] < 0x80 || (len = utf8_decode(*rest, &point)) == 0) {
        folded[0] = str_fold_char(rest->ptr[0]);
        *rest = str_skip(*rest, 1);
        return 1;
    }
    *rest = str_skip(*rest, len);
    return utf8_encode(fold_point(point), folded);
}

/* Folds from the front of *rest as much as fits into `room` bytes (at least 8); returns the bytes written. */
static size_t fold_some(struct str *rest, char *folded, size_t room)
{
    size_t written = 0;

    while (rest->len && room - written >= sizeof(uint64_t)) {
        if (rest->len >= sizeof(uint64_t) && fold_ascii_word(rest->ptr, folded + written)) {
            *rest = str_skip(*rest, sizeof(uint64_t));
            written += sizeof(uint64_t);
        } else {
            written += fold_one(rest, folded + written);
        }
    }
    return written;
}

size_t query_fold(struct str text, char *folded)
{
    size_t written = 0;

    while (text.len) {
        char bytes[UTF8_BYTES_MAX];
        size_t len;

        if (text.len >= sizeof(uint64_t) && fold_ascii_word(text.ptr, folded + written)) {
            text = str_skip(text, sizeof(uint64_t));
            written += sizeof(uint64_t);
            continue;
        }
        len = fold_one(&text, bytes);
        memcpy(folded + written, bytes, len);
        written += len;
    }
    return written;
}

bool query_fold_equals(struct str text, struct str folded)
{
    while (text.len) {
        char bytes[UTF8_BYTES_MAX];
        size_t len = fold_one(&text, bytes);

        if (!str_starts(folded, (struct str){bytes, len}))
            return false;
        folded = str_skip(folded, len);
    }
    return folded.len == 0;
}

/* A window slides over the folded text; its last part.len - 1 bytes are kept, since the part may begin there. */
static bool find_in_windows(struct str text, struct str part, char *window, size_t size)
{
    size_t kept = 0;

    while (text.len) {
        size_t len = kept + fold_some(&text, window + kept, size - kept);

        if (str_find((struct str){window, len}, part) != STR_ABSENT)
            return true;
        kept = len < part.len ? len : part.len - 1;
        memmove(window, window + len - kept, kept);
    }
    return false;
}

bool query_fold_contains(struct str text, struct str folded_part)
{
    enum { SMALL_BYTES = 2048, WINDOW_BYTES = 64 * 1024 };
    char small[SMALL_BYTES];
    char *window;
    bool is_found;

    if (folded_part.len == 0)
        return true;
    if (folded_part.len > query_fold_max_len(text.len))
        return false;
    if (folded_part.len <= SMALL_BYTES / 2 && text.len <= (size_t)SMALL_BYTES * 4)
        return find_in_windows(text, folded_part, small, sizeof(small));
    window = malloc(WINDOW_BYTES + folded_part.len);
    CHECK(window);
    is_found = find_in_windows(text, folded_part, window, WINDOW_BYTES + folded_part.len);
    free(window);
    return is_found;
}
