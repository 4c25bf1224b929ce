#include "http/field.h"

/* 1 for the bytes of a token: tchar of RFC 9110, 5.6.2. */
static const unsigned char token_bytes[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,
    ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1,  ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,
    ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1,  ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,
    ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,  ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,  ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1,
    ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,  ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1,
    ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,  ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,
    ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1,  ['z'] = 1,
};

size_t http_field_token_len(struct str s)
{
    size_t len = 0;

    while (len < s.len && token_bytes[(unsigned char)s.ptr[len]])
        len++;
    return len;
}

bool http_field_is_token(struct str s) { return s.len && http_field_token_len(s) == s.len; }

/* The offset of the first `c` outside a quoted string, or s.len.  A quote that never closes holds the rest. */
static size_t find_unquoted(struct str s, char c)
{
    bool in_quotes = false;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            in_quotes = !in_quotes;
        else if (s.ptr[i] == '\\' && in_quotes)
            i++;
        else if (s.ptr[i] == c && !in_quotes)
            return i;
    }
    return s.len;
}

bool http_field_next_member(struct str *rest, struct str *ret_member)
{
    while (rest->len) {
        size_t end = find_unquoted(*rest, ',');
        struct str member = str_trim(str_head(*rest, end));

        *rest = str_skip(*rest, end + 1);
        if (member.len) {
            *ret_member = member;
            return true;
        }
    }
    return false;
}

/* "x" of "\"x\"": up to the closing quote, or all when it is missing. */
static struct str unquote(struct str s)
{
    size_t end = 1;

    if (!s.len || s.ptr[0] != '"')
        return s;
    while (end < s.len && s.ptr[end] != '"')
        end += s.ptr[end] == '\\' ? 2 : 1;
    return str_skip(str_head(s, end), 1);
}

bool http_field_parameter(struct str value, struct str name, struct str *ret_value)
{
    struct str rest = str_skip(value, find_unquoted(value, ';') + 1);

    while (rest.len) {
        size_t end = find_unquoted(rest, ';');
        struct str key;
        struct str text;

        if (str_cut(str_head(rest, end), '=', &key, &text) && str_eq_nocase(str_trim(key), name)) {
            *ret_value = unquote(str_trim(text));
            return true;
        }
        rest = str_skip(rest, end + 1);
    }
    return false;
}

struct str http_field_media_type(struct str value) { return str_trim(str_head(value, str_find_char(value, ';'))); }
