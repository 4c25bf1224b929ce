#include "http/charset/jis.h"

#include "base/err.h"

#define ESC '\x1b'
#define INVALID '\xff'

static const struct {
    struct str bytes;
    enum http_charset_jis_mode mode;
} escapes[] = {
    {{"\x1b(B", 3}, HTTP_CHARSET_JIS_ASCII},    {{"\x1b(J", 3}, HTTP_CHARSET_JIS_ASCII},
    {{"\x1b(I", 3}, HTTP_CHARSET_JIS_KATAKANA}, {{"\x1b$@", 3}, HTTP_CHARSET_JIS_X0208},
    {{"\x1b$B", 3}, HTTP_CHARSET_JIS_X0208},    {{"\x1b$(D", 4}, HTTP_CHARSET_JIS_X0212},
};

struct output {
    char *room;
    size_t len;
};

static void put(struct output *output, char c) { output->room[output->len++] = c; }

static char with_high_bit(char c) { return (char)((unsigned char)c | 0x80u); }

static void drop_lead(struct http_charset_jis *jis, struct output *output)
{
    if (jis->lead)
        put(output, INVALID);
    jis->lead = 0;
}

static void convert_two_byte(struct http_charset_jis *jis, char c, struct output *output)
{
    if (!jis->lead) {
        jis->lead = c;
        return;
    }
    if (jis->mode == HTTP_CHARSET_JIS_X0212)
        put(output, '\x8f');
    put(output, with_high_bit(jis->lead));
    put(output, with_high_bit(c));
    jis->lead = 0;
}

/* A byte that belongs to no escape. */
static void convert_byte(struct http_charset_jis *jis, char c, struct output *output)
{
    unsigned char byte = (unsigned char)c;

    if (byte >= 0x80) {
        drop_lead(jis, output);
        put(output, INVALID);
    } else if (byte <= ' ' || byte == 0x7f) {
        /* RFC 1468: a line ends in ASCII.  Who forgets the escape has only that line broken. */
        drop_lead(jis, output);
        if (c == '\n' || c == '\r')
            jis->mode = HTTP_CHARSET_JIS_ASCII;
        put(output, c);
    } else if (jis->mode == HTTP_CHARSET_JIS_ASCII) {
        put(output, c);
    } else if (jis->mode == HTTP_CHARSET_JIS_KATAKANA) {
        if (byte <= 0x5f)
            put(output, '\x8e');
        put(output, byte <= 0x5f ? with_high_bit(c) : INVALID);
    } else {
        convert_two_byte(jis, c, output);
    }
}

/* True while the bytes of the escape begin one that is known; *ret_is_whole when they are it. */
static bool match_escape(struct http_charset_jis *jis, bool *ret_is_whole)
{
    struct str begun = {jis->escape, jis->escape_len};

    *ret_is_whole = false;
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (!str_starts(escapes[i].bytes, begun))
            continue;
        if (begun.len == escapes[i].bytes.len) {
            jis->mode = escapes[i].mode;
            *ret_is_whole = true;
        }
        return true;
    }
    return false;
}

/* The escape is none: its bytes stand for themselves. */
static void give_up_escape(struct http_charset_jis *jis, struct output *output)
{
    size_t len = jis->escape_len;

    jis->escape_len = 0;
    for (size_t i = 0; i < len; i++)
        convert_byte(jis, jis->escape[i], output);
}

static void convert_escape_byte(struct http_charset_jis *jis, char c, struct output *output)
{
    bool is_whole;

    jis->escape[jis->escape_len++] = c;
    if (match_escape(jis, &is_whole)) {
        if (is_whole)
            jis->escape_len = 0;
        return;
    }
    jis->escape_len--;
    give_up_escape(jis, output);
    if (c == ESC)
        jis->escape[jis->escape_len++] = c;
    else
        convert_byte(jis, c, output);
}

size_t http_charset_jis_convert(struct http_charset_jis *jis, struct str *input, char *room, size_t size)
{
    struct output output = {room, 0};

    CHECK(size >= HTTP_CHARSET_JIS_ROOM_MIN);
    while (input->len && size - output.len >= HTTP_CHARSET_JIS_ROOM_MIN) {
        char c = input->ptr[0];

        *input = str_skip(*input, 1);
        if (jis->escape_len) {
            convert_escape_byte(jis, c, &output);
        } else if (c == ESC) {
            drop_lead(jis, &output);
            jis->escape[jis->escape_len++] = c;
        } else {
            convert_byte(jis, c, &output);
        }
    }
    return output.len;
}

size_t http_charset_jis_finish(struct http_charset_jis *jis, char *room, size_t size)
{
    struct output output = {room, 0};

    CHECK(size >= HTTP_CHARSET_JIS_ROOM_MIN);
    give_up_escape(jis, &output);
    drop_lead(jis, &output);
    return output.len;
}
