#include "http/cookie.h"

/* A pair as browsers cut it: at the first '=', white space around both parts left out (RFC 6265, 5.2). */
static struct http_cookie_pair cut_pair(struct str text)
{
    struct http_cookie_pair pair = {0};

    if (!str_cut(text, '=', &pair.name, &pair.value)) {
        pair.value = pair.name;
        pair.name = STR_NONE;
    }
    pair.name = str_trim(pair.name);
    pair.value = str_trim(pair.value);
    return pair;
}

bool http_cookie_next(struct str *rest, struct http_cookie_pair *ret_pair)
{
    while (rest->len) {
        struct str text;

        str_cut(*rest, ';', &text, rest);
        *ret_pair = cut_pair(text);
        if (ret_pair->name.len || ret_pair->value.len)
            return true;
    }
    return false;
}

static void read_attribute(struct http_cookie_set *cookie, struct str name, struct str value)
{
    if (str_eq_nocase(name, STR("Domain")))
        cookie->domain = value;
    else if (str_eq_nocase(name, STR("Path")))
        cookie->path = value;
    else if (str_eq_nocase(name, STR("Expires")))
        cookie->expires = value;
    else if (str_eq_nocase(name, STR("Max-Age")))
        cookie->max_age = value;
    else if (str_eq_nocase(name, STR("SameSite")))
        cookie->same_site = value;
    else if (str_eq_nocase(name, STR("Secure")))
        cookie->is_secure = true;
    else if (str_eq_nocase(name, STR("HttpOnly")))
        cookie->is_http_only = true;
    else if (str_eq_nocase(name, STR("Partitioned")))
        cookie->is_partitioned = true;
}

bool http_cookie_parse_set(struct str value, struct http_cookie_set *ret_cookie)
{
    struct http_cookie_set cookie = {0};
    struct http_cookie_pair pair;
    struct str rest;
    struct str first;

    str_cut(value, ';', &first, &cookie.attributes);
    pair = cut_pair(first);
    if (!pair.name.len && !pair.value.len)
        return false;
    cookie.name = pair.name;
    cookie.value = pair.value;
    rest = cookie.attributes;
    while (http_cookie_next(&rest, &pair)) {
        /* An attribute without '=' comes as a value without a name. */
        if (pair.name.len)
            read_attribute(&cookie, pair.name, pair.value);
        else
            read_attribute(&cookie, pair.value, STR_NONE);
    }
    *ret_cookie = cookie;
    return true;
}
