#include "http/target.h"

#include "http/field.h"

static struct err bad_authority(const char *what) { return ERR(ERR_SYNTAX, 400, what); }

/* Bytes that stand in no authority: control characters, space, and what begins another part of a URL.  A backslash is
 * among them since browsers read it as a slash. */
static bool has_stray_byte(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c <= ' ' || c == 0x7f || c == '/' || c == '?' || c == '#' || c == '\\')
            return true;
    }
    return false;
}

static bool parse_port(struct str text, uint16_t *ret_port)
{
    uint64_t port = 0;

    if (text.len && (!str_to_u64(text, &port) || port == 0 || port > UINT16_MAX))
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* [v6] or [v6]:port. */
static struct err parse_bracketed(struct str text, struct http_authority *authority)
{
    size_t close = str_find_char(text, ']');
    struct str after;

    if (close == STR_ABSENT)
        return bad_authority("unclosed bracket in an authority");
    authority->is_ip6 = true;
    authority->host = str_skip(str_head(text, close), 1);
    after = str_skip(text, close + 1);
    if (after.len && after.ptr[0] != ':')
        return bad_authority("stray bytes after a bracket in an authority");
    if (!parse_port(str_skip(after, 1), &authority->port))
        return bad_authority("bad port in an authority");
    return OK;
}

static struct err parse_host_port(struct str text, struct http_authority *authority)
{
    struct str port;

    str_cut(text, ':', &authority->host, &port);
    if (!parse_port(port, &authority->port))
        return bad_authority("bad port in an authority");
    if (str_find_char(authority->host, '[') != STR_ABSENT || str_find_char(authority->host, ']') != STR_ABSENT)
        return bad_authority("stray bracket in an authority");
    return OK;
}

struct err http_target_parse_authority(struct str text, struct http_authority *ret_authority)
{
    struct http_authority authority = {0};
    size_t at = str_find_last_char(text, '@');

    if (has_stray_byte(text))
        return bad_authority("stray byte in an authority");
    if (at != STR_ABSENT) {
        authority.userinfo = str_head(text, at);
        text = str_skip(text, at + 1);
    }
    if (text.len && text.ptr[0] == '[')
        TRY(parse_bracketed(text, &authority));
    else
        TRY(parse_host_port(text, &authority));
    if (!authority.host.len)
        return bad_authority("empty host in an authority");
    *ret_authority = authority;
    return OK;
}

/* The length of "scheme" when the target is "scheme://...", else 0 (RFC 3986, 3.1). */
static size_t scheme_len(struct str target)
{
    size_t colon = str_find_char(target, ':');

    if (colon == STR_ABSENT || !str_starts(str_skip(target, colon), STR("://")))
        return 0;
    for (size_t i = 0; i < colon; i++) {
        char c = str_fold_char(target.ptr[i]);
        bool is_alpha = c >= 'a' && c <= 'z';

        if (!is_alpha && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return 0;
    }
    return colon;
}

static size_t authority_len(struct str text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '/' && text.ptr[len] != '?' && text.ptr[len] != '#')
        len++;
    return len;
}

static struct err parse_absolute(struct str text, size_t scheme, struct http_target *target)
{
    struct str after = str_skip(text, scheme + 3);
    size_t len = authority_len(after);

    target->form = HTTP_TARGET_ABSOLUTE;
    target->scheme = str_head(text, scheme);
    target->origin_form = str_skip(after, len);
    return http_target_parse_authority(str_head(after, len), &target->authority);
}

static enum http_target_form form_without_authority(struct str target)
{
    if (str_eq(target, STR("*")))
        return HTTP_TARGET_ASTERISK;
    return target.len && target.ptr[0] == '/' ? HTTP_TARGET_ORIGIN : HTTP_TARGET_OTHER;
}

struct err http_target_parse(struct str method, struct str target, struct http_target *ret_target)
{
    struct http_target parsed = {.origin_form = target};
    size_t scheme = scheme_len(target);

    if (str_eq(method, STR("CONNECT"))) {
        parsed.form = HTTP_TARGET_AUTHORITY;
        TRY(http_target_parse_authority(target, &parsed.authority));
        *ret_target = parsed;
        return OK;
    }
    if (scheme)
        TRY(parse_absolute(target, scheme, &parsed));
    else
        parsed.form = form_without_authority(target);
    parsed.has_query = str_cut(parsed.origin_form, '?', &parsed.path, &parsed.query);
    *ret_target = parsed;
    return OK;
}

uint16_t http_target_default_port(struct str scheme)
{
    if (str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("ws")))
        return 80;
    if (str_eq_nocase(scheme, STR("https")) || str_eq_nocase(scheme, STR("wss")))
        return 443;
    return 0;
}

#define EXTENSION_BYTES_MAX 16

struct str http_target_extension(struct str path)
{
    size_t slash = str_find_last_char(path, '/');
    struct str segment = slash == STR_ABSENT ? path : str_skip(path, slash + 1);
    struct str extension;
    size_t dot;

    segment = str_head(segment, str_find_char(segment, ';'));
    dot = str_find_last_char(segment, '.');
    if (dot == STR_ABSENT || dot == 0)
        return STR_NONE;
    extension = str_skip(segment, dot + 1);
    return extension.len <= EXTENSION_BYTES_MAX ? extension : STR_NONE;
}
