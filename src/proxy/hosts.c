#include "proxy/hosts.h"

static struct str without_dot(struct str host)
{
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

/* Glob without recursion: on a mismatch the last star takes one character more. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = STR_ABSENT, star_t = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_t = t;
        } else if (p < pattern.len && str_fold_char(pattern.ptr[p]) == str_fold_char(text.ptr[t])) {
            p++;
            t++;
        } else if (star != STR_ABSENT) {
            p = star + 1;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool proxy_hosts_match_one(struct str pattern, struct str host)
{
    host = without_dot(host);
    pattern = without_dot(pattern);
    if (pattern.len && pattern.ptr[0] == '.') {
        struct str name = str_skip(pattern, 1);

        return str_eq_nocase(host, name) || str_ends_nocase(host, pattern);
    }
    return glob(pattern, host);
}

bool proxy_hosts_match(const struct proxy_hosts *hosts, struct str host)
{
    for (size_t i = 0; i < hosts->count; i++) {
        if (proxy_hosts_match_one(hosts->patterns[i], host))
            return true;
    }
    return false;
}
