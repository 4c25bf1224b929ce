#include "http/charset/declared.h"

#define META_BYTES ((size_t)1024)

const struct http_charset *http_charset_declared_by_bom(struct str start)
{
    if (str_starts(start, STR("\xef\xbb\xbf")))
        return http_charset_table_find(STR("utf-8"));
    if (str_starts(start, STR("\xfe\xff")))
        return http_charset_table_find(STR("utf-16be"));
    if (str_starts(start, STR("\xff\xfe")))
        return http_charset_table_find(STR("utf-16le"));
    return NULL;
}

/* HTML Standard, 13.2.3.2: a declaration that could be read as ASCII cannot be UTF-16. */
static const struct http_charset *find_ascii_compatible(struct str label)
{
    const struct http_charset *charset = http_charset_table_find(str_trim(label));

    return charset && charset->unit_len == 2 ? http_charset_table_find(STR("utf-8")) : charset;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static struct str skip_spaces(struct str s)
{
    while (s.len && is_space(s.ptr[0]))
        s = str_skip(s, 1);
    return s;
}

/* Takes a value, quoted or up to white space, ';' or '>'. */
static struct str take_value(struct str *rest)
{
    struct str value;
    size_t end = 0;

    if (rest->len && (rest->ptr[0] == '"' || rest->ptr[0] == '\'')) {
        str_cut(str_skip(*rest, 1), rest->ptr[0], &value, rest);
        return value;
    }
    while (end < rest->len && !is_space(rest->ptr[end]) && rest->ptr[end] != '>' && rest->ptr[end] != ';')
        end++;
    value = str_head(*rest, end);
    *rest = str_skip(*rest, end);
    return value;
}

/* The value after "<name> = ". */
static bool find_value(struct str text, struct str name, struct str *ret_value)
{
    for (;;) {
        size_t at = str_find_nocase(text, name);

        if (at == STR_ABSENT)
            return false;
        text = skip_spaces(str_skip(text, at + name.len));
        if (!text.len || text.ptr[0] != '=')
            continue;
        text = skip_spaces(str_skip(text, 1));
        *ret_value = take_value(&text);
        return true;
    }
}

const struct http_charset *http_charset_declared_by_xml(struct str start)
{
    struct str declaration;
    struct str rest;
    struct str label;

    if (str_starts(start, STR("<\0?\0")))
        return http_charset_table_find(STR("utf-16le"));
    if (str_starts(start, STR("\0<\0?")))
        return http_charset_table_find(STR("utf-16be"));
    if (!str_starts(start, STR("<?xml")) || !str_cut(str_head(start, META_BYTES), '>', &declaration, &rest) ||
        !find_value(declaration, STR("encoding"), &label))
        return NULL;
    return find_ascii_compatible(label);
}

const struct http_charset *http_charset_declared_by_css(struct str start)
{
    struct str label;
    struct str rest;

    if (!str_starts(start, STR("@charset \"")))
        return NULL;
    if (!str_cut(str_skip(str_head(start, META_BYTES), 10), '"', &label, &rest) || !str_starts(rest, STR(";")))
        return NULL;
    return find_ascii_compatible(label);
}

struct attributes {
    struct str charset;
    struct str content;
    bool is_content_type; /* http-equiv="content-type" */
};

/* Takes the next attribute of a tag; false at its end. */
static bool take_attribute(struct str *rest, struct attributes *attributes)
{
    size_t end = 0;
    struct str name;
    struct str value = STR_NONE;

    while (rest->len && (is_space(rest->ptr[0]) || rest->ptr[0] == '/'))
        *rest = str_skip(*rest, 1);
    if (!rest->len || rest->ptr[0] == '>')
        return false;
    while (end < rest->len && !is_space(rest->ptr[end]) && !memchr("=/>", rest->ptr[end], 3))
        end++;
    end += end == 0; /* A stray '=' is part of a name. */
    name = str_head(*rest, end);
    *rest = skip_spaces(str_skip(*rest, end));
    if (rest->len && rest->ptr[0] == '=') {
        *rest = skip_spaces(str_skip(*rest, 1));
        value = take_value(rest);
        if (rest->len && rest->ptr[0] == ';')
            *rest = str_skip(*rest, 1);
    }
    if (str_eq_nocase(name, STR("charset")))
        attributes->charset = value;
    else if (str_eq_nocase(name, STR("content")))
        attributes->content = value;
    else if (str_eq_nocase(name, STR("http-equiv")))
        attributes->is_content_type = str_eq_nocase(str_trim(value), STR("content-type"));
    return true;
}

/* What a <meta> whose attributes begin at *rest says. */
static const struct http_charset *read_meta(struct str *rest)
{
    struct attributes attributes = {0};
    struct str label = STR_NONE;

    while (take_attribute(rest, &attributes))
        ;
    if (attributes.charset.len)
        label = attributes.charset;
    else if (!attributes.is_content_type || !find_value(attributes.content, STR("charset"), &label))
        return NULL;
    return find_ascii_compatible(label);
}

/* Past a comment, or past the '<' of anything else. */
static struct str skip_markup(struct str text)
{
    size_t end;

    if (!str_starts(text, STR("<!--")))
        return str_skip(text, 1);
    end = str_find(text, STR("-->"));
    return end == STR_ABSENT ? STR_NONE : str_skip(text, end + 3);
}

static bool is_meta(struct str text)
{
    return text.len > 5 && str_starts_nocase(text, STR("<meta")) && (is_space(text.ptr[5]) || text.ptr[5] == '/');
}

const struct http_charset *http_charset_declared_by_meta(struct str start)
{
    struct str text = str_head(start, META_BYTES);

    for (;;) {
        size_t at = str_find_char(text, '<');
        const struct http_charset *charset;

        if (at == STR_ABSENT)
            return NULL;
        text = str_skip(text, at);
        if (!is_meta(text)) {
            text = skip_markup(text);
            continue;
        }
        text = str_skip(text, 5);
        charset = read_meta(&text);
        if (charset)
            return charset;
    }
}
