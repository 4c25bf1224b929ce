#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define LINE_BYTES 2048

static atomic_int max_level = LOG_NOTICE;

void log_set_level(enum log_level level) { atomic_store(&max_level, (int)level); }

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const prefixes[] = {"error: ", "warning: ", "", "debug: "};
    char line[LINE_BYTES];
    va_list args;

    if ((int)level > atomic_load(&max_level))
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    /* One call a line: stdio locks the stream for its length, so lines of two threads do not mix. */
    fprintf(stderr, "sekisho: %s%s\n", prefixes[level], line);
}

/* The length of the valid, printable UTF-8 sequence at the start of s, 0 when there is none. */
static size_t printable_len(struct str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    uint32_t point = len == 1 ? c : len == 2 ? c & 0x1fu : len == 3 ? c & 0x0fu : c & 0x07u;

    if (len == 0 || len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)s.ptr[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (next & 0x3fu);
    }
    if (point < 0x20 || (point >= 0x7f && point < 0xa0) || (len == 3 && point < 0x800) || (len == 4 && point < 0x10000))
        return 0;
    if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
        return 0;
    /* Marks that change the direction or hide: they could make a line read as another. */
    if ((point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
        (point >= 0x2060 && point <= 0x2069) || point == 0xfeff)
        return 0;
    return len;
}

const char *log_safe(struct str s, char *text, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;

    /* Four bytes for the longest piece, three for the dots, one for the end. */
    while (s.len && at + 8 <= size) {
        size_t len = printable_len(s);

        if (len) {
            memcpy(text + at, s.ptr, len);
            at += len;
        } else {
            unsigned char c = (unsigned char)s.ptr[0];

            memcpy(text + at, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
            at += 4;
            len = 1;
        }
        s = str_skip(s, len);
    }
    if (s.len && size >= 4) {
        memcpy(text + at, "...", 3);
        at += 3;
    }
    if (size)
        text[at] = '\0';
    return text;
}
