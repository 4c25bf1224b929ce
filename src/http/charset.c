#include "http/charset.h"

#include "http/charset/declared.h"
#include "http/charset/detect.h"
#include "http/charset/table.h"
#include "http/charset/utf8.h"
#include "http/field.h"

const struct http_charset *http_charset_find(struct str label)
{
    while (label.len && (label.ptr[0] == ' ' || (label.ptr[0] >= '\t' && label.ptr[0] <= '\r')))
        label = str_skip(label, 1);
    while (label.len &&
           (label.ptr[label.len - 1] == ' ' || (label.ptr[label.len - 1] >= '\t' && label.ptr[label.len - 1] <= '\r')))
        label.len--;
    return http_charset_table_find(label);
}

const char *http_charset_name(const struct http_charset *charset) { return charset->name; }

const char *http_charset_reason_name(enum http_charset_reason reason)
{
    static const char *const names[] = {"bom", "content-type", "xml", "meta", "bytes", "default"};

    return names[reason];
}

static bool is_one_of(struct str media_type, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(media_type, str_from(names[i])))
            return true;
    }
    return false;
}

static bool is_html(struct str media_type)
{
    return str_eq_nocase(media_type, STR("text/html")) || str_eq_nocase(media_type, STR("application/xhtml+xml"));
}

static bool is_json(struct str media_type)
{
    return str_ends_nocase(media_type, STR("/json")) || str_ends_nocase(media_type, STR("+json"));
}

/* What the text itself declares, by the kind of text; without a type each kind is tried. */
static const struct http_charset *find_declared(struct str media_type, struct str start,
                                                enum http_charset_reason *ret_reason)
{
    const struct http_charset *charset = http_charset_declared_by_xml(start);

    *ret_reason = HTTP_CHARSET_BY_XML;
    if (charset)
        return charset;
    *ret_reason = HTTP_CHARSET_BY_META;
    if (!media_type.len || str_eq_nocase(media_type, STR("text/css")))
        charset = http_charset_declared_by_css(start);
    if (!charset && (!media_type.len || is_html(media_type)))
        charset = http_charset_declared_by_meta(start);
    return charset;
}

struct http_charset_choice http_charset_choose(struct str content_type, struct str start)
{
    struct str media_type = http_field_media_type(content_type);
    struct http_charset_choice choice = {http_charset_declared_by_bom(start), HTTP_CHARSET_BY_BOM};
    struct str label;
    bool is_utf8;

    if (choice.charset)
        return choice;
    choice.reason = HTTP_CHARSET_BY_CONTENT_TYPE;
    if (http_field_parameter(content_type, STR("charset"), &label))
        choice.charset = http_charset_find(label);
    if (choice.charset)
        return choice;
    start = str_head(start, HTTP_CHARSET_PROBE_BYTES);
    choice.charset = find_declared(media_type, start, &choice.reason);
    if (choice.charset)
        return choice;
    choice.reason = HTTP_CHARSET_BY_BYTES;
    choice.charset = http_charset_detect(start);
    if (choice.charset)
        return choice;
    choice.reason = HTTP_CHARSET_BY_DEFAULT;
    is_utf8 = is_json(media_type) || http_charset_detect_is_ascii(start);
    choice.charset = http_charset_table_find(is_utf8 ? STR("utf-8") : STR("windows-1252"));
    return choice;
}

/* Types that are text whatever their bytes. */
static bool is_text_type(struct str media_type)
{
    static const char *const names[] = {
        "application/javascript",   "application/x-javascript", "application/ecmascript",
        "application/json",         "application/xml",          "application/x-www-form-urlencoded",
        "application/x-ndjson",     "application/jsonl",        "application/graphql",
        "application/sql",          "application/yaml",         "application/x-yaml",
        "application/toml",         "application/x-sh",         "application/x-httpd-php",
        "application/x-json",       "application/jwt",          "application/xml-dtd",
        "application/typescript",   "application/x-mpegurl",    "application/vnd.apple.mpegurl",
        "application/sparql-query", "application/rtf",
    };

    return str_starts_nocase(media_type, STR("text/")) || str_ends_nocase(media_type, STR("+json")) ||
           str_ends_nocase(media_type, STR("+xml")) || str_ends_nocase(media_type, STR("+yaml")) ||
           is_one_of(media_type, names, sizeof(names) / sizeof(names[0]));
}

/* Types that may hold text. */
static bool is_open_type(struct str media_type)
{
    return !media_type.len || str_starts_nocase(media_type, STR("multipart/")) ||
           str_starts_nocase(media_type, STR("message/")) || str_find_char(media_type, '/') == STR_ABSENT ||
           str_eq_nocase(media_type, STR("application/octet-stream"));
}

bool http_charset_is_text(struct str content_type, struct str start)
{
    struct str media_type = http_field_media_type(content_type);

    if (is_text_type(media_type))
        return true;
    return is_open_type(media_type) && str_find_char(str_head(start, HTTP_CHARSET_PROBE_BYTES), '\0') == STR_ABSENT;
}

/* A buffer that is full may end inside a character. */
static void trim_cut_char(struct buf *text, size_t from)
{
    size_t window = text->len - from < 3 ? text->len - from : 3;
    struct str tail = str_skip(buf_str(text), text->len - window);

    for (size_t i = 0; i < window; i++) {
        bool is_cut;
        size_t bad;
        size_t len = http_charset_utf8_valid_len(str_skip(tail, i), &bad, &is_cut);

        if (is_cut) {
            text->len -= window - i - len;
            return;
        }
    }
}

bool http_charset_convert(const struct http_charset *charset, struct str encoded, struct buf *text)
{
    struct http_charset_stream *stream = http_charset_stream_new(charset, http_sink_to_buf(text));
    size_t from = text->len;
    struct err e = http_charset_stream_feed(stream, encoded);

    if (!err_is(e))
        e = http_charset_stream_finish(stream);
    http_charset_stream_free(&stream);
    if (err_is(e))
        trim_cut_char(text, from);
    return !err_is(e);
}
