#include "base/str.h"

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (str_fold_char(a.ptr[i]) != str_fold_char(b.ptr[i]))
            return false;
    }
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_head(s, prefix.len), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_head(s, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq_nocase(str_skip(s, s.len - suffix.len), suffix);
}

int str_compare(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t str_find_char(struct str s, char c)
{
    const char *found = s.len ? memchr(s.ptr, c, s.len) : NULL;

    return found ? (size_t)(found - s.ptr) : STR_ABSENT;
}

size_t str_find_last_char(struct str s, char c)
{
    const char *found = s.len ? memrchr(s.ptr, c, s.len) : NULL;

    return found ? (size_t)(found - s.ptr) : STR_ABSENT;
}

size_t str_find(struct str s, struct str part)
{
    const char *found;

    if (part.len == 0)
        return 0;
    found = s.len ? memmem(s.ptr, s.len, part.ptr, part.len) : NULL;
    return found ? (size_t)(found - s.ptr) : STR_ABSENT;
}

size_t str_find_nocase(struct str s, struct str part)
{
    if (part.len == 0)
        return 0;
    for (size_t i = 0; i + part.len <= s.len; i++) {
        if (str_fold_char(s.ptr[i]) == str_fold_char(part.ptr[0]) &&
            str_eq_nocase((struct str){s.ptr + i, part.len}, part))
            return i;
    }
    return STR_ABSENT;
}

bool str_cut(struct str s, char c, struct str *ret_head, struct str *ret_tail)
{
    size_t at = str_find_char(s, c);

    *ret_head = str_head(s, at);
    *ret_tail = at == STR_ABSENT ? STR_NONE : str_skip(s, at + 1);
    return at != STR_ABSENT;
}

static bool is_space(char c) { return c == ' ' || c == '\t'; }

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.ptr[0]))
        s = str_skip(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_to_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

static int hex_digit(char c)
{
    char folded = str_fold_char(c);

    if (c >= '0' && c <= '9')
        return c - '0';
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

bool str_to_u64_hex(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int digit = hex_digit(s.ptr[i]);

        if (digit < 0 || value >> 60)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *ret_value = value;
    return true;
}

bool str_to_c(struct str s, char *text, size_t size)
{
    if (s.len >= size || str_find_char(s, '\0') != STR_ABSENT)
        return false;
    if (s.len)
        memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return true;
}
