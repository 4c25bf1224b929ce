#include "store/title.h"

#include "base/utf8.h"
#include "http/charset.h"
#include "http/coding.h"
#include "http/field.h"
#include "store/content.h"

#define BODY_MAX ((size_t)64 * 1024)
#define FIELD_MAX 1024
/* Bytes of coded body that are looked at: enough for BODY_MAX of ordinary text. */
#define CODED_MAX ((size_t)32 * 1024)

static bool is_html(struct str head)
{
    struct str value, type;

    if (!store_content_field(head, STR("content-type"), &value))
        return false;
    type = http_field_media_type(value);
    return str_eq_nocase(type, STR("text/html")) || str_eq_nocase(type, STR("application/xhtml+xml"));
}

/* The first bytes of the body with chunks and codings undone.  What does not fit or does not decode is left out. */
static void decode_start(struct str head, struct str body, struct buf *decoded)
{
    struct buf codings, plain;
    struct str value;

    buf_init(&codings, FIELD_MAX);
    buf_init(&plain, BODY_MAX);
    if (store_content_field(head, STR("transfer-encoding"), &value)) {
        struct store_content_chunks chunks;

        store_content_chunks_init(&chunks);
        /* Full is as good as finished here. */
        IGNORE(store_content_chunks_feed(&chunks, body, http_sink_to_buf(&plain)));
        body = buf_str(&plain);
    }
    store_content_fields(head, STR("content-encoding"), &codings);
    if (codings.len)
        (void)http_coding_decode(buf_str(&codings), str_head(body, CODED_MAX), NULL, decoded);
    else
        IGNORE(buf_append(decoded, str_head(body, BODY_MAX)));
    buf_deinit(&codings);
    buf_deinit(&plain);
}

/* What stands between <title ...> and </title>. */
static bool find_element(struct str html, struct str *ret_content)
{
    size_t at = str_find_nocase(html, STR("<title")), end;
    struct str rest, tag;

    if (at == STR_ABSENT)
        return false;
    rest = str_skip(html, at + 6);
    if (rest.len == 0 || !strchr("> \t\r\n/", rest.ptr[0]) || !str_cut(rest, '>', &tag, &rest))
        return false;
    end = str_find_nocase(rest, STR("</title"));
    if (end == STR_ABSENT)
        return false;
    *ret_content = str_head(rest, end);
    return true;
}

/* One character reference at the start of `rest`: its text, or the '&' itself. */
static struct str resolve(struct str *rest, char number[4])
{
    static const struct {
        struct str name, text;
    } names[] = {{{"&amp;", 5}, {"&", 1}},   {{"&lt;", 4}, {"<", 1}},   {{"&gt;", 4}, {">", 1}},
                 {{"&quot;", 6}, {"\"", 1}}, {{"&apos;", 6}, {"'", 1}}, {{"&nbsp;", 6}, {" ", 1}}};
    struct str digits, after;
    uint64_t code = 0;
    bool is_number = str_starts(*rest, STR("&#")) && str_cut(str_head(*rest, 12), ';', &digits, &after);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_starts(*rest, names[i].name)) {
            *rest = str_skip(*rest, names[i].name.len);
            return names[i].text;
        }
    }
    if (is_number) {
        size_t used = digits.len + 1;

        digits = str_skip(digits, 2);
        is_number = str_starts_nocase(digits, STR("x")) ? str_to_u64_hex(str_skip(digits, 1), &code)
                                                        : str_to_u64(digits, &code);
        if (is_number && code >= 0x20 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) {
            *rest = str_skip(*rest, used);
            return (struct str){number, utf8_encode((uint32_t)code, number)};
        }
    }
    *rest = str_skip(*rest, 1);
    return STR("&");
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }

/* White space joined and trimmed, references resolved; cut at a character's boundary. */
static size_t tidy(struct str content, char *text, size_t size)
{
    size_t len = 0;
    bool is_gap = false;

    while (content.len) {
        char number[4];
        struct str part = str_head(content, 1);

        if (is_space(content.ptr[0])) {
            is_gap = len > 0;
            content = str_skip(content, 1);
            continue;
        }
        if (content.ptr[0] == '&')
            part = resolve(&content, number);
        else
            content = str_skip(content, 1);
        if (len + is_gap + part.len > size)
            break;
        if (is_gap)
            text[len++] = ' ';
        is_gap = false;
        memcpy(text + len, part.ptr, part.len);
        len += part.len;
    }
    while (len && !utf8_is_valid((struct str){text, len}))
        len--;
    return len;
}

size_t store_title_find(struct str wire, size_t head_len, char *text, size_t size)
{
    struct str head = str_head(wire, head_len), content, type = STR_NONE;
    struct buf decoded, html;
    size_t len = 0;

    if (!is_html(head))
        return 0;
    buf_init(&decoded, BODY_MAX);
    buf_init(&html, 4 * BODY_MAX);
    decode_start(head, str_skip(wire, head_len), &decoded);
    if (decoded.len && str_find_nocase(buf_str(&decoded), STR("<title")) != STR_ABSENT) {
        (void)store_content_field(head, STR("content-type"), &type);
        (void)http_charset_convert(http_charset_choose(type, buf_str(&decoded)).charset, buf_str(&decoded), &html);
        if (find_element(buf_str(&html), &content))
            len = tidy(content, text, size);
    }
    buf_deinit(&decoded);
    buf_deinit(&html);
    return len;
}
