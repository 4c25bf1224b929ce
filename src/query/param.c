#include "query/param.h"

#include "http/field.h"
#include "query/head.h"

static int hex_digit(char c)
{
    char lower = str_fold_char(c);

    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Undoes %HH and '+'.  A stray '%' stays. */
static struct err decode(struct str text, struct buf *scratch, struct str *ret_decoded)
{
    char *room;
    size_t len = 0;

    buf_clear(scratch);
    TRY(buf_reserve(scratch, text.len, &room));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int high = c == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

        if (low >= 0)
            i += 2;
        room[len++] = low >= 0 ? (char)(high * 16 + low) : c == '+' ? ' ' : c;
    }
    buf_commit(scratch, len);
    *ret_decoded = buf_str(scratch);
    return OK;
}

struct err query_param_urlencoded(const struct query_param_visitor *visitor, struct str text, bool *ret_is_over)
{
    *ret_is_over = false;
    while (text.len && !*ret_is_over) {
        struct str pair, name, value, decoded;

        str_cut(text, '&', &pair, &text);
        str_cut(pair, '=', &name, &value);
        TRY(decode(name, visitor->scratch, &decoded));
        if (!str_eq(decoded, visitor->name))
            continue;
        TRY(decode(value, visitor->scratch, &decoded));
        *ret_is_over = visitor->on_value(visitor->owner, decoded);
    }
    return OK;
}

struct err query_param_cookies(const struct query_param_visitor *visitor, struct str text, bool *ret_is_over)
{
    *ret_is_over = false;
    while (text.len && !*ret_is_over) {
        struct str pair, name, value;

        str_cut(text, ';', &pair, &text);
        if (str_cut(pair, '=', &name, &value) && str_eq(str_trim(name), visitor->name))
            *ret_is_over = visitor->on_value(visitor->owner, str_trim(value));
    }
    return OK;
}

/* Takes what stands before the next "--boundary" line, and that; false when there is no more. */
static bool take_part(struct str *rest, struct str delimiter, struct str *ret_part)
{
    size_t end = str_find(*rest, delimiter);

    if (end == STR_ABSENT)
        return false;
    *ret_part = str_head(*rest, end);
    *rest = str_skip(*rest, end + delimiter.len);
    return true;
}

/* The content of a part without the line end before the delimiter; the part begins behind its own delimiter. */
static struct str part_content(struct str rest)
{
    if (str_ends(rest, STR("\r\n")))
        return str_head(rest, rest.len - 2);
    return str_ends(rest, STR("\n")) ? str_head(rest, rest.len - 1) : rest;
}

static bool part_has_name(struct str fields, struct str wanted)
{
    struct str disposition;
    struct str name;

    return query_head_find(&fields, STR("content-disposition"), &disposition) &&
           http_field_parameter(disposition, STR("name"), &name) && str_eq(name, wanted);
}

/* The rest after the empty line that ends a part's fields. */
static struct str after_fields(struct str fields)
{
    struct query_head_line line;

    while (query_head_next(&fields, &line)) {
        /* Only its end is wanted. */
    }
    return fields;
}

struct err query_param_multipart(const struct query_param_visitor *visitor, struct str text, struct str boundary,
                                 bool *ret_is_over)
{
    struct str delimiter;
    struct str part;
    char bytes[256] = "--";

    *ret_is_over = false;
    if (boundary.len == 0 || boundary.len > sizeof(bytes) - 2)
        return OK;
    memcpy(bytes + 2, boundary.ptr, boundary.len);
    delimiter = (struct str){bytes, boundary.len + 2};
    if (!take_part(&text, delimiter, &part))
        return OK;
    while (!*ret_is_over && take_part(&text, delimiter, &part)) {
        /* The delimiter's own line ends first. */
        struct str fields = query_head_fields(part);

        if (part_has_name(fields, visitor->name))
            *ret_is_over = visitor->on_value(visitor->owner, part_content(after_fields(fields)));
    }
    return OK;
}
