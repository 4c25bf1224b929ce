#include "query/head.h"

/* Takes a line without its line end; false at the end of the bytes. */
static bool take_line(struct str *rest, struct str *ret_line)
{
    size_t end = str_find_char(*rest, '\n');
    size_t len = end == STR_ABSENT ? rest->len : end;

    if (rest->len == 0)
        return false;
    *ret_line = str_head(*rest, len);
    if (len > 0 && rest->ptr[len - 1] == '\r')
        ret_line->len--;
    *rest = str_skip(*rest, end == STR_ABSENT ? len : len + 1);
    return true;
}

static bool begins_with_blank(struct str s) { return s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'); }

struct query_head_start query_head_start(struct str head, enum exchange_side side)
{
    struct query_head_start start = {0};
    struct str line = STR_NONE;
    struct str first, second;

    take_line(&head, &line);
    str_cut(line, ' ', &first, &line);
    if (side == EXCHANGE_REQUEST) {
        size_t last = str_find_last_char(line, ' ');

        start.method = first;
        start.target = last == STR_ABSENT ? line : str_head(line, last);
        start.version = last == STR_ABSENT ? STR_NONE : str_skip(line, last + 1);
        return start;
    }
    str_cut(line, ' ', &second, &line);
    start.version = first;
    start.status = second;
    start.reason = line;
    return start;
}

struct str query_head_fields(struct str head)
{
    struct str line;

    take_line(&head, &line);
    return head;
}

/* A name ends at its first colon, but for the one that begins an HTTP/2 pseudo-field's. */
static bool cut_line(struct str line, struct str *ret_name, struct str *ret_value)
{
    size_t start = line.len && line.ptr[0] == ':' ? 1 : 0;
    bool is_field = str_cut(str_skip(line, start), ':', ret_name, ret_value);

    *ret_name = str_head(line, start + ret_name->len);
    return is_field;
}

bool query_head_next(struct str *rest, struct query_head_line *ret_line)
{
    struct str line;
    struct str next;

    if (!take_line(rest, &line) || line.len == 0)
        return false;
    while (begins_with_blank(*rest) && take_line(rest, &next))
        line.len = (size_t)(next.ptr + next.len - line.ptr);
    ret_line->line = line;
    if (!cut_line(line, &ret_line->name, &ret_line->value)) {
        ret_line->name = STR_NONE;
        ret_line->value = line;
    }
    ret_line->name = str_trim(ret_line->name);
    ret_line->value = str_trim(ret_line->value);
    return true;
}

bool query_head_find(struct str *rest, struct str name, struct str *ret_value)
{
    struct query_head_line line;

    while (query_head_next(rest, &line)) {
        if (line.name.len && str_eq_nocase(line.name, name)) {
            *ret_value = line.value;
            return true;
        }
    }
    return false;
}
