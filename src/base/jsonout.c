#include "base/jsonout.h"

#include <inttypes.h>
#include <time.h>

#define US_PER_S 1000000

void jsonout_init(struct jsonout *out, struct buf *buf) { *out = (struct jsonout){.buf = buf}; }

struct err jsonout_finish(const struct jsonout *out) { return out->failure; }

static void put(struct jsonout *out, struct str s)
{
    if (!err_is(out->failure))
        out->failure = buf_append(out->buf, s);
}

/* RFC 3629, 4: well-formed sequences, without surrogates and overlong forms.  Length of the one at the front, or 0. */
static size_t utf8_sequence(struct str s, uint32_t *ret_point)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = bytes[0] < 0x80   ? 1
                 : bytes[0] < 0xc2 ? 0
                 : bytes[0] < 0xe0 ? 2
                 : bytes[0] < 0xf0 ? 3
                 : bytes[0] < 0xf5 ? 4
                                   : 0;
    uint32_t point = len < 2 ? bytes[0] : bytes[0] & (0x7fu >> len);

    if (len == 0 || len > s.len)
        return 0;
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

bool jsonout_is_utf8(struct str text)
{
    uint32_t point;

    while (text.len) {
        size_t len = utf8_sequence(text, &point);

        if (len == 0)
            return false;
        text = str_skip(text, len);
    }
    return true;
}

/* Zero-width and direction marks, separators, direction embeddings and isolates, and the byte order mark. */
static bool is_invisible(uint32_t point)
{
    return (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || point == 0x61c;
}

static bool is_plain(uint32_t point)
{
    return point >= 0x20 && point != '"' && point != '\\' && !(point >= 0x7f && point <= 0x9f) && !is_invisible(point);
}

static void put_escaped(struct jsonout *out, uint32_t point)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i < sizeof(shorts) - 1; i += 2) {
        if (point == (unsigned char)shorts[i]) {
            put(out, STR("\\"));
            put(out, (struct str){&shorts[i + 1], 1});
            return;
        }
    }
    if (!err_is(out->failure))
        out->failure = buf_format(out->buf, "\\u%04" PRIx32, point);
}

static void put_quoted(struct jsonout *out, struct str text)
{
    put(out, STR("\""));
    while (text.len && !err_is(out->failure)) {
        size_t plain_len = 0;
        uint32_t point = 0;
        size_t len = 0;

        while (plain_len < text.len && (len = utf8_sequence(str_skip(text, plain_len), &point)) && is_plain(point))
            plain_len += len;
        put(out, str_head(text, plain_len));
        text = str_skip(text, plain_len);
        if (text.len == 0)
            break;
        if (len == 0)
            put(out, STR("\xef\xbf\xbd"));
        else
            put_escaped(out, point);
        text = str_skip(text, len ? len : 1);
    }
    put(out, STR("\""));
}

static void put_key(struct jsonout *out, struct str key, struct str suffix)
{
    if (out->needs_comma)
        put(out, STR(","));
    out->needs_comma = true;
    if (key.ptr) {
        put(out, STR("\""));
        put(out, key);
        put(out, suffix);
        put(out, STR("\":"));
    }
}

static void put_base64(struct jsonout *out, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.len && !err_is(out->failure); i += 3) {
        size_t len = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        char text[4] = "====";

        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (j < len ? (unsigned char)bytes.ptr[i + j] : 0u);
        for (size_t j = 0; j <= len; j++)
            text[j] = digits[group >> (18 - 6 * j) & 0x3f];
        put(out, (struct str){text, sizeof(text)});
    }
}

static void open_with(struct jsonout *out, struct str key, struct str bracket)
{
    put_key(out, key, STR_NONE);
    put(out, bracket);
    out->needs_comma = false;
}

static void close_with(struct jsonout *out, struct str bracket)
{
    put(out, bracket);
    out->needs_comma = true;
}

void jsonout_object_open(struct jsonout *out, struct str key) { open_with(out, key, STR("{")); }
void jsonout_object_close(struct jsonout *out) { close_with(out, STR("}")); }
void jsonout_array_open(struct jsonout *out, struct str key) { open_with(out, key, STR("[")); }
void jsonout_array_close(struct jsonout *out) { close_with(out, STR("]")); }

void jsonout_text(struct jsonout *out, struct str key, struct str text)
{
    put_key(out, key, STR_NONE);
    put_quoted(out, text);
}

void jsonout_bytes(struct jsonout *out, struct str key, struct str bytes)
{
    if (bytes.len == 0) {
        jsonout_null(out, key);
        return;
    }
    jsonout_text(out, key, bytes);
    if (jsonout_is_utf8(bytes))
        return;
    put_key(out, key, STR("_base64"));
    put(out, STR("\""));
    put_base64(out, bytes);
    put(out, STR("\""));
}

void jsonout_raw(struct jsonout *out, struct str key, struct str json)
{
    put_key(out, key, STR_NONE);
    put(out, json);
}

void jsonout_int(struct jsonout *out, struct str key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    jsonout_raw(out, key, str_from(text));
}

void jsonout_uint(struct jsonout *out, struct str key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    jsonout_raw(out, key, str_from(text));
}

void jsonout_bool(struct jsonout *out, struct str key, bool value)
{
    jsonout_raw(out, key, value ? STR("true") : STR("false"));
}

void jsonout_null(struct jsonout *out, struct str key) { jsonout_raw(out, key, STR("null")); }

void jsonout_time(struct jsonout *out, struct str key, int64_t wall_us)
{
    int64_t us = wall_us % US_PER_S;
    time_t seconds = (time_t)(wall_us / US_PER_S - (us < 0));
    struct tm parts;
    char text[80];

    us += us < 0 ? US_PER_S : 0;
    CHECK(gmtime_r(&seconds, &parts));
    snprintf(text, sizeof(text), "\"%04d-%02d-%02dT%02d:%02d:%02d.%06" PRId64 "Z\"", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, us);
    jsonout_raw(out, key, str_from(text));
}
