#include "cli/cells.h"

struct range {
    uint32_t first, last;
};

/* Unicode 15, EastAsianWidth.txt: W and F, joined where only unassigned ones lie between. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x25fd, 0x25fe},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x2705, 0x2705},
    {0x274c, 0x274c},   {0x2753, 0x2757},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6b},   {0xff01, 0xff60},
    {0xffe0, 0xffe6},   {0x16fe0, 0x18cd5}, {0x1b000, 0x1b2fb}, {0x1f004, 0x1f004}, {0x1f18e, 0x1f19a},
    {0x1f200, 0x1f320}, {0x1f32d, 0x1f64f}, {0x1f680, 0x1f6fc}, {0x1f7e0, 0x1faff}, {0x20000, 0x3fffd},
};

/* Marks that stand on the character before them; the scripts that are common in names and titles. */
static const struct range combining[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},     {0x93c, 0x93c},
    {0x941, 0x948},   {0xe31, 0xe31},   {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0x1ab0, 0x1ace},   {0x1dc0, 0x1dff},
    {0x20d0, 0x20f0}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return false;
}

#define IS_IN(point, ranges) is_in((point), (ranges), sizeof(ranges) / sizeof((ranges)[0]))

/* The text is valid UTF-8, or what was cut of it at the end, which counts byte by byte. */
static unsigned next_width(struct str text, size_t *ret_len)
{
    unsigned char c = (unsigned char)text.ptr[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t point = len == 1 ? c : len == 2 ? c & 0x1fu : len == 3 ? c & 0x0fu : c & 0x07u;

    if (len > text.len)
        len = 1;
    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((unsigned char)text.ptr[i] & 0x3fu);
    *ret_len = len;
    if (len == 1)
        return 1;
    return IS_IN(point, combining) ? 0 : IS_IN(point, wide) ? 2 : 1;
}

/* The longest beginning of at most `max` cells, and how many it takes. */
static struct str fitting(struct str text, unsigned max, unsigned *ret_width)
{
    size_t at = 0, len;
    unsigned width = 0;

    while (at < text.len) {
        unsigned next = next_width(str_skip(text, at), &len);

        if (width + next > max)
            break;
        width += next;
        at += len;
    }
    *ret_width = width;
    return str_head(text, at);
}

unsigned cli_cells_width(struct str text)
{
    unsigned width;

    fitting(text, UINT32_MAX, &width);
    return width;
}

static struct err pad(struct buf *line, unsigned count)
{
    while (count--)
        TRY(buf_append_char(line, ' '));
    return OK;
}

struct err cli_cells_append(struct buf *line, struct str text, unsigned width, bool is_right)
{
    unsigned used;
    struct str shown = fitting(text, width, &used);

    if (shown.len < text.len && width > 0) {
        shown = fitting(text, width - 1, &used);
        TRY(buf_append(line, shown));
        TRY(buf_append(line, STR("\xe2\x80\xa6")));
        return pad(line, width - used - 1);
    }
    if (is_right)
        TRY(pad(line, width - used));
    TRY(buf_append(line, shown));
    return is_right ? OK : pad(line, width - used);
}
