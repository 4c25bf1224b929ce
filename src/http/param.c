#include "http/param.h"

bool http_param_next(struct str *rest, struct http_param *ret_param)
{
    while (rest->len) {
        struct str text;

        str_cut(*rest, '&', &text, rest);
        if (!text.len)
            continue;
        ret_param->has_value = str_cut(text, '=', &ret_param->name, &ret_param->value);
        return true;
    }
    return false;
}

static bool unescape(struct str s, char *ret_char)
{
    uint64_t value;

    if (s.len < 3 || !str_to_u64_hex(str_skip(str_head(s, 3), 1), &value))
        return false;
    *ret_char = (char)(unsigned char)value;
    return true;
}

/* Returns the length written; `text` has room for coded.len bytes. */
static size_t decode(struct str coded, bool plus_is_space, char *text)
{
    size_t len = 0;

    for (size_t i = 0; i < coded.len; i++) {
        char c = coded.ptr[i];

        if (c == '+' && plus_is_space)
            c = ' ';
        else if (c == '%' && unescape(str_skip(coded, i), &c))
            i += 2;
        text[len++] = c;
    }
    return len;
}

static struct err decode_copy(struct arena *arena, struct str coded, bool plus_is_space, struct str *ret_text)
{
    char *text;

    if (str_find_char(coded, '%') == STR_ABSENT && (!plus_is_space || str_find_char(coded, '+') == STR_ABSENT)) {
        *ret_text = coded;
        return OK;
    }
    text = arena_alloc(arena, coded.len);
    if (!text)
        return ERR(ERR_LIMIT, 0, "arena is full");
    *ret_text = (struct str){text, decode(coded, plus_is_space, text)};
    return OK;
}

struct err http_param_decode(struct arena *arena, struct str coded, struct str *ret_text)
{
    return decode_copy(arena, coded, true, ret_text);
}

struct err http_param_decode_path(struct arena *arena, struct str coded, struct str *ret_text)
{
    return decode_copy(arena, coded, false, ret_text);
}
