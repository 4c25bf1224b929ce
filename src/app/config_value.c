#include "app/config_value.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/config_options.h"
#include "http/target.h"
#include "os/process.h"

#define LIST_MAX 1000
#define PATH_BYTES_MAX 4000

struct unit {
    const char *name;
    uint64_t size; /* in the field's unit */
};

/* The units of the query language; of equal ones the first is written. */
static const struct unit duration_units[] = {{"ms", 1},          {"s", 1000},        {"m", 60 * 1000},
                                             {"min", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}};
static const struct unit size_units[] = {{"", 1},
                                         {"b", 1},
                                         {"kb", 1000},
                                         {"kib", 1024},
                                         {"mb", 1000 * 1000},
                                         {"mib", 1024 * 1024},
                                         {"gb", 1000 * 1000 * 1000},
                                         {"gib", 1024 * 1024 * 1024}};

#define UNIT_COUNT(units) (sizeof(units) / sizeof((units)[0]))

/* ---- Numbers ---- */

/* "1.5" times `size`, exactly or not at all: at most 9 digits before and 6 after the point. */
static bool scale(struct str number, uint64_t size, uint64_t *ret_scaled)
{
    struct str whole, part;
    uint64_t whole_value, part_value = 0, divisor = 1;
    bool has_point = str_cut(number, '.', &whole, &part);

    if (whole.len > 9 || !str_to_u64(whole, &whole_value))
        return false;
    if (has_point && (part.len > 6 || !str_to_u64(part, &part_value)))
        return false;
    for (size_t i = 0; i < part.len; i++)
        divisor *= 10;
    if (part_value * size % divisor != 0)
        return false;
    *ret_scaled = whole_value * size + part_value * size / divisor;
    return true;
}

static bool parse_with_unit(struct str text, const struct unit *units, size_t unit_count, uint64_t *ret_value)
{
    size_t digits = 0;
    struct str unit;

    while (digits < text.len && ((text.ptr[digits] >= '0' && text.ptr[digits] <= '9') || text.ptr[digits] == '.'))
        digits++;
    unit = str_trim(str_skip(text, digits));
    for (size_t i = 0; i < unit_count; i++) {
        if (str_eq_nocase(unit, str_from(units[i].name)))
            return scale(str_head(text, digits), units[i].size, ret_value);
    }
    return false;
}

static struct err within_bounds(const struct app_config_value *value, uint64_t number)
{
    if (number < value->option->min || number > value->option->max)
        return ERR(ERR_LIMIT, 0, "is out of range");
    return OK;
}

static struct err parse_count(const struct app_config_value *value, void *field)
{
    uint64_t number;

    if (!str_to_u64(value->text, &number))
        return ERR(ERR_SYNTAX, 0, "is not a whole number");
    TRY(within_bounds(value, number));
    *(unsigned *)field = (unsigned)number;
    return OK;
}

static struct err parse_duration(const struct app_config_value *value, void *field)
{
    uint64_t number;

    if (!parse_with_unit(value->text, duration_units, UNIT_COUNT(duration_units), &number))
        return ERR(ERR_SYNTAX, 0, "is not a duration such as 500ms, 30s, 5m, 1h or 7d");
    TRY(within_bounds(value, number));
    *(uint64_t *)field = number;
    return OK;
}

static struct err parse_size(const struct app_config_value *value, void *field)
{
    uint64_t number;

    if (!parse_with_unit(value->text, size_units, UNIT_COUNT(size_units), &number))
        return ERR(ERR_SYNTAX, 0, "is not a size such as 4096, 256kib, 1.5mb or 1gb");
    TRY(within_bounds(value, number));
    *(uint64_t *)field = number;
    return OK;
}

static void format_count(uint64_t number, char *text, size_t size) { snprintf(text, size, "%" PRIu64, number); }

static void format_with_unit(uint64_t number, const struct unit *units, size_t unit_count, char *text, size_t size)
{
    size_t best = 0;

    for (size_t i = 0; i < unit_count; i++) {
        if (number && number % units[i].size == 0 && units[i].size > units[best].size)
            best = i;
    }
    snprintf(text, size, "%" PRIu64 "%s", number / units[best].size, units[best].name);
}

static void format_duration(uint64_t number, char *text, size_t size)
{
    format_with_unit(number, duration_units, UNIT_COUNT(duration_units), text, size);
}

static void format_size(uint64_t number, char *text, size_t size)
{
    format_with_unit(number, size_units, UNIT_COUNT(size_units), text, size);
}

/* ---- Text ---- */

static struct err parse_text(const struct app_config_value *value, void *field)
{
    if (value->text.len == 0)
        return ERR(ERR_SYNTAX, 0, "is empty");
    return arena_copy(value->arena, value->text, field);
}

static struct err make_path(const struct app_config_value *value, struct str text, struct str *ret_path)
{
    const char *home = os_process_env("HOME");

    if (text.len == 0)
        return ERR(ERR_SYNTAX, 0, "names no file");
    if (text.len > PATH_BYTES_MAX)
        return ERR(ERR_SYNTAX, 0, "is too long for a path");
    if (str_eq(text, STR("~")) || str_starts(text, STR("~/"))) {
        if (!home || home[0] != '/')
            return ERR(ERR_SYNTAX, 0, "needs HOME to be set, or write the whole path");
        text = str_skip(text, 1);
        return arena_format(value->arena, ret_path, "%s%.*s", home, STR_ARG(text));
    }
    if (text.ptr[0] != '/' && value->folder.len)
        return arena_format(value->arena, ret_path, "%.*s/%.*s", STR_ARG(value->folder), STR_ARG(text));
    return arena_copy(value->arena, text, ret_path);
}

static struct err parse_path(const struct app_config_value *value, void *field)
{
    return make_path(value, value->text, field);
}

struct err app_config_value_parse_switch(struct str text, bool *ret_on)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};

    for (size_t i = 0; i < UNIT_COUNT(words); i++) {
        if (str_eq_nocase(text, str_from(words[i]))) {
            *ret_on = i % 2 == 1;
            return OK;
        }
    }
    return ERR(ERR_SYNTAX, 0, "is neither on nor off");
}

static struct err parse_switch(const struct app_config_value *value, void *field)
{
    return app_config_value_parse_switch(value->text, field);
}

/* ---- Lists ---- */

/* What every list field looks like. */
struct any_list {
    void *items;
    size_t count;
};

/* Appends an item; the old array is left as it was, so that a failure can be undone by whoever kept it. */
static struct err list_push(const struct app_config_value *value, void *field, const void *item, size_t item_size)
{
    struct any_list list;

    memcpy(&list, field, sizeof(list));
    if (list.count == LIST_MAX)
        return ERR(ERR_SYNTAX, 0, "is one value too many (at most 1000)");
    if ((list.count & (list.count - 1)) == 0) {
        size_t room = list.count ? list.count * 2 : 1;
        void *items = arena_alloc(value->arena, room * item_size);

        if (!items)
            return ERR(ERR_SYNTAX, 0, "is too much text");
        if (list.count)
            memcpy(items, list.items, list.count * item_size);
        list.items = items;
    }
    memcpy((char *)list.items + list.count * item_size, item, item_size);
    list.count++;
    memcpy(field, &list, sizeof(list));
    return OK;
}

/* Names, addresses and '*'; what could not stand in a host is refused, so that a URL given by mistake is told. */
static bool is_host_pattern(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_name = (c >= '0' && c <= '9') || (str_fold_char((char)c) >= 'a' && str_fold_char((char)c) <= 'z');

        if (!is_name && c < 0x80 && !memchr("*.-_:%", c, 6))
            return false;
    }
    return text.len > 0 && text.len <= 255;
}

static struct err parse_hosts(const struct app_config_value *value, void *field)
{
    struct str rest = value->text, pattern, copy;

    do {
        str_cut(rest, ',', &pattern, &rest);
        pattern = str_trim(pattern);
        if (pattern.len > 2 && pattern.ptr[0] == '[' && pattern.ptr[pattern.len - 1] == ']')
            pattern = str_skip(str_head(pattern, pattern.len - 1), 1);
        if (!is_host_pattern(pattern))
            return ERR(ERR_SYNTAX, 0,
                       "is not a list of hosts such as example.com,*.example.com (no scheme, port or path)");
        TRY(arena_copy(value->arena, pattern, &copy));
        TRY(list_push(value, field, &copy, sizeof(copy)));
    } while (rest.len);
    return OK;
}

/* ---- Addresses ---- */

/* Also a bare port, and localhost, which are what people type. */
static struct err parse_listen(struct str text, struct os_addr *ret_addr)
{
    static const struct str localhost = {"localhost:", 10};
    uint64_t port;

    if (str_starts_nocase(text, localhost))
        text = str_skip(text, localhost.len - 1);
    if (str_to_u64(text, &port) && port <= UINT16_MAX)
        return os_addr_parse(STR("127.0.0.1"), (uint16_t)port, ret_addr);
    if (err_is(os_addr_parse_with_port(text, ret_addr)))
        return ERR(ERR_SYNTAX, 0, "is not an address and port such as 127.0.0.1:8080 or [::1]:0");
    return OK;
}

static struct err parse_addr(const struct app_config_value *value, void *field)
{
    struct os_addr addr;

    TRY(parse_listen(value->text, &addr));
    *(struct os_addr *)field = addr;
    return OK;
}

static bool is_web_url(struct str text)
{
    struct http_target target;

    return !err_is(http_target_parse(STR("GET"), text, &target)) && target.form == HTTP_TARGET_ABSOLUTE &&
           http_target_default_port(target.scheme) != 0;
}

static struct err parse_mode_kind(struct str text, struct app_config_mode *mode)
{
    if (str_eq(text, STR("regular")))
        mode->kind = APP_CONFIG_REGULAR;
    else if (str_eq(text, STR("transparent")))
        mode->kind = APP_CONFIG_TRANSPARENT;
    else if (str_eq(text, STR("socks5")))
        mode->kind = APP_CONFIG_SOCKS5;
    else if (!str_starts(text, STR("reverse:")))
        return ERR(ERR_SYNTAX, 0,
                   "is not a mode: regular, transparent, socks5 or reverse:URL, each with @ADDR:PORT or without");
    else if (!is_web_url(str_skip(text, 8)))
        return ERR(ERR_SYNTAX, 0, "needs an http or https URL after reverse:");
    else
        *mode = (struct app_config_mode){.kind = APP_CONFIG_REVERSE, .url = str_skip(text, 8)};
    return OK;
}

static struct err parse_mode(const struct app_config_value *value, void *field)
{
    size_t at = str_find_last_char(value->text, '@');
    struct app_config_mode mode = {0};
    struct str kind = value->text;
    struct os_addr listen;

    /* A URL may hold an '@' of its own, so it counts only with an address behind it. */
    if (at != STR_ABSENT && !err_is(parse_listen(str_skip(value->text, at + 1), &listen)))
        kind = str_head(value->text, at);
    else
        at = STR_ABSENT;
    TRY(parse_mode_kind(kind, &mode));
    if (at != STR_ABSENT) {
        mode.has_listener = true;
        mode.listen = listen;
    }
    TRY(arena_copy(value->arena, mode.url, &mode.url));
    return list_push(value, field, &mode, sizeof(mode));
}

static struct err parse_override(const struct app_config_value *value, void *field)
{
    static const struct err malformed = {ERR_SYNTAX, 0, "is not HOST:PORT:ADDRESS or HOST=ADDRESS"};
    struct app_config_override row = {0};
    struct str port_text, addr_text;
    uint64_t port = 0;

    if (!str_cut(value->text, '=', &row.host, &addr_text)) {
        if (!str_cut(value->text, ':', &row.host, &addr_text) || !str_cut(addr_text, ':', &port_text, &addr_text))
            return malformed;
        if (!str_to_u64(port_text, &port) || port == 0 || port > UINT16_MAX)
            return malformed;
    }
    if (!is_host_pattern(row.host) || err_is(os_addr_parse(addr_text, (uint16_t)port, &row.addr)))
        return malformed;
    row.port = (uint16_t)port;
    TRY(arena_copy(value->arena, row.host, &row.host));
    return list_push(value, field, &row, sizeof(row));
}

/* ---- Certificates and credentials ---- */

static struct err parse_verify(const struct app_config_value *value, void *field)
{
    struct app_config_verify verify = {0};
    bool is_on;

    if (str_starts(value->text, STR("ca="))) {
        verify.kind = APP_CONFIG_VERIFY_CA;
        TRY(make_path(value, str_skip(value->text, 3), &verify.ca_path));
    } else if (err_is(app_config_value_parse_switch(value->text, &is_on))) {
        return ERR(ERR_SYNTAX, 0, "is none of on, off and ca=FILE");
    } else {
        verify.kind = is_on ? APP_CONFIG_VERIFY_ON : APP_CONFIG_VERIFY_OFF;
    }
    *(struct app_config_verify *)field = verify;
    return OK;
}

static struct err parse_client_cert(const struct app_config_value *value, void *field)
{
    struct app_config_client_cert row;
    struct str path;

    if (!str_cut(value->text, '=', &row.host, &path) || !is_host_pattern(row.host))
        return ERR(ERR_SYNTAX, 0, "is not HOST=FILE.pem");
    TRY(make_path(value, path, &row.path));
    TRY(arena_copy(value->arena, row.host, &row.host));
    return list_push(value, field, &row, sizeof(row));
}

static struct err parse_credentials(const struct app_config_value *value, void *field)
{
    struct app_config_credentials credentials;

    if (!str_cut(value->text, ':', &credentials.user, &credentials.password) || credentials.user.len == 0)
        return ERR(ERR_SYNTAX, 0, "is not USER:PASSWORD");
    TRY(arena_copy(value->arena, credentials.user, &credentials.user));
    TRY(arena_copy(value->arena, credentials.password, &credentials.password));
    *(struct app_config_credentials *)field = credentials;
    return OK;
}

/* RFC 3986, 2.1.  False for a '%' without two hex digits, and for %00. */
static bool percent_decode(struct arena *arena, struct str text, struct str *ret_decoded)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; bytes && i < text.len; i++) {
        uint64_t byte = (unsigned char)text.ptr[i];

        if (byte == '%') {
            if (i + 2 >= text.len || !str_to_u64_hex((struct str){text.ptr + i + 1, 2}, &byte) || byte == 0)
                return false;
            i += 2;
        }
        bytes[len++] = (char)byte;
    }
    if (!bytes)
        return false;
    bytes[len] = '\0';
    *ret_decoded = (struct str){bytes, len};
    return true;
}

static struct err parse_upstream(const struct app_config_value *value, void *field)
{
    static const struct err malformed = {ERR_SYNTAX, 0, "is not http://[USER:PASSWORD@]HOST:PORT or socks5://..."};
    struct app_config_upstream upstream = {.kind = APP_CONFIG_UPSTREAM_HTTP};
    struct str text = value->text, user, password;
    struct http_target target;

    /* The variables that other programs share often leave the scheme out. */
    if (str_find(text, STR("://")) == STR_ABSENT)
        TRY(arena_format(value->arena, &text, "http://%.*s", STR_ARG(text)));
    if (err_is(http_target_parse(STR("GET"), text, &target)) || target.form != HTTP_TARGET_ABSOLUTE)
        return malformed;
    if (str_eq_nocase(target.scheme, STR("socks5")) || str_eq_nocase(target.scheme, STR("socks5h")))
        upstream.kind = APP_CONFIG_UPSTREAM_SOCKS5;
    else if (str_eq_nocase(target.scheme, STR("https")))
        return ERR(ERR_SYNTAX, 0, "is a proxy reached over TLS, which this version has not; use http:// or socks5://");
    else if (!str_eq_nocase(target.scheme, STR("http")))
        return malformed;
    if (target.authority.port == 0)
        return ERR(ERR_SYNTAX, 0, "needs a port, as in http://proxy.example:3128");
    upstream.port = target.authority.port;
    str_cut(target.authority.userinfo, ':', &user, &password);
    if (!percent_decode(value->arena, user, &upstream.user) ||
        !percent_decode(value->arena, password, &upstream.password))
        return ERR(ERR_SYNTAX, 0, "has a '%' in its user or password that begins no %HH escape");
    TRY(arena_copy(value->arena, target.authority.host, &upstream.host));
    *(struct app_config_upstream *)field = upstream;
    return OK;
}

const struct app_config_value_kind app_config_value_text = {"NAME", parse_text, NULL};
const struct app_config_value_kind app_config_value_path = {"PATH", parse_path, NULL};
const struct app_config_value_kind app_config_value_switch = {NULL, parse_switch, NULL};
const struct app_config_value_kind app_config_value_count = {"N", parse_count, format_count};
const struct app_config_value_kind app_config_value_duration = {"DURATION", parse_duration, format_duration};
const struct app_config_value_kind app_config_value_size = {"SIZE", parse_size, format_size};
const struct app_config_value_kind app_config_value_addr = {"ADDR:PORT", parse_addr, NULL};
const struct app_config_value_kind app_config_value_hosts = {"HOSTS", parse_hosts, NULL};
const struct app_config_value_kind app_config_value_mode = {"MODE", parse_mode, NULL};
const struct app_config_value_kind app_config_value_verify = {"on|off|ca=FILE", parse_verify, NULL};
const struct app_config_value_kind app_config_value_credentials = {"USER:PASSWORD", parse_credentials, NULL};
const struct app_config_value_kind app_config_value_upstream = {"URL", parse_upstream, NULL};
const struct app_config_value_kind app_config_value_override = {"HOST:PORT:ADDR", parse_override, NULL};
const struct app_config_value_kind app_config_value_client_cert = {"HOST=FILE", parse_client_cert, NULL};
