/* Covers http/target; hostile input 38 and 43 as far as targets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/target.h"

struct authority_row {
    const char *text;
    const char *userinfo;
    const char *host; /* NULL: refused */
    uint16_t port;
    bool is_ip6;
};

static const struct authority_row authority_rows[] = {
    {"example.com", "", "example.com", 0, false},
    {"example.com:443", "", "example.com", 443, false},
    {"example.com:", "", "example.com", 0, false},
    {"example.com:1", "", "example.com", 1, false},
    {"example.com:0", NULL, NULL, 0, false},
    {"example.com:65535", "", "example.com", 65535, false},
    {"example.com:00080", "", "example.com", 80, false},
    {"127.0.0.1:1", "", "127.0.0.1", 1, false},
    {"[::1]", "", "::1", 0, true},
    {"[::1]:8080", "", "::1", 8080, true},
    {"[::1]:", "", "::1", 0, true},
    {"[fe80::1%25eth0]:1", "", "fe80::1%25eth0", 1, true},
    {"user:pass@host:1", "user:pass", "host", 1, false},
    {"a@b@host", "a@b", "host", 0, false},
    {"localhost:80@evil", "localhost:80", "evil", 0, false},
    {"@host", "", "host", 0, false},
    {"\xe6\x97\xa5\xe6\x9c\xac.example", "", "\xe6\x97\xa5\xe6\x9c\xac.example", 0, false},
    {"", NULL, NULL, 0, false},
    {":80", NULL, NULL, 0, false},
    {"user@", NULL, NULL, 0, false},
    {"host:65536", NULL, NULL, 0, false},
    {"host:99999", NULL, NULL, 0, false},
    {"host:18446744073709551696", NULL, NULL, 0, false},
    {"host:-1", NULL, NULL, 0, false},
    {"host:+80", NULL, NULL, 0, false},
    {"host:8x", NULL, NULL, 0, false},
    {"host:1:2", NULL, NULL, 0, false},
    {"::1", NULL, NULL, 0, false},
    {"[::1", NULL, NULL, 0, false},
    {"[]", NULL, NULL, 0, false},
    {"[::1]x", NULL, NULL, 0, false},
    {"[::1]x:1", NULL, NULL, 0, false},
    {"a[::1]", NULL, NULL, 0, false},
    {"a]", NULL, NULL, 0, false},
    {"host/", NULL, NULL, 0, false},
    {"host?", NULL, NULL, 0, false},
    {"host#", NULL, NULL, 0, false},
    {"host\\x", NULL, NULL, 0, false},
    {"ho st", NULL, NULL, 0, false},
    {"host\r\nX: y", NULL, NULL, 0, false},
    {"host\x7f", NULL, NULL, 0, false},
};

static void http_target_parses_authorities(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(authority_rows) / sizeof(authority_rows[0]); i++) {
        const struct authority_row *row = &authority_rows[i];
        struct http_authority authority = {.port = 9};
        struct err e = http_target_parse_authority(str_from(row->text), &authority);

        if (err_is(e) != !row->host)
            fail_msg("%s: %s", row->text, e.what ? e.what : "was taken");
        if (err_is(e)) {
            assert_int_equal(e.code, ERR_SYNTAX);
            assert_int_equal(authority.port, 9);
            continue;
        }
        if (!str_eq(authority.host, str_from(row->host)) || !str_eq(authority.userinfo, str_from(row->userinfo)))
            fail_msg("%s: host %.*s, userinfo %.*s", row->text, STR_ARG(authority.host), STR_ARG(authority.userinfo));
        assert_int_equal(authority.port, row->port);
        assert_int_equal(authority.is_ip6, row->is_ip6);
    }
    assert_true(err_is(http_target_parse_authority(STR("ho\0st"), &(struct http_authority){0})));
}

struct target_row {
    const char *method;
    const char *target;
    enum http_target_form form;
    const char *scheme;
    const char *host;
    const char *origin_form;
    const char *path;
    const char *query; /* NULL: none */
};

static void http_target_tells_forms_and_parts(void **state)
{
    static const struct target_row rows[] = {
        {"GET", "/", HTTP_TARGET_ORIGIN, "", "", "/", "/", NULL},
        {"GET", "/a?b?c", HTTP_TARGET_ORIGIN, "", "", "/a?b?c", "/a", "b?c"},
        {"GET", "/a?", HTTP_TARGET_ORIGIN, "", "", "/a?", "/a", ""},
        {"GET", "//evil/x", HTTP_TARGET_ORIGIN, "", "", "//evil/x", "//evil/x", NULL},
        {"GET", "/http://x/", HTTP_TARGET_ORIGIN, "", "", "/http://x/", "/http://x/", NULL},
        {"GET", "http://h/p?q", HTTP_TARGET_ABSOLUTE, "http", "h", "/p?q", "/p", "q"},
        {"GET", "HTTPS://h:1", HTTP_TARGET_ABSOLUTE, "HTTPS", "h", "", "", NULL},
        {"GET", "http://h?q", HTTP_TARGET_ABSOLUTE, "http", "h", "?q", "", "q"},
        {"GET", "http://u@h/a b", HTTP_TARGET_ABSOLUTE, "http", "h", "/a b", "/a b", NULL},
        {"GET", "a+b-c.1://h/", HTTP_TARGET_ABSOLUTE, "a+b-c.1", "h", "/", "/", NULL},
        {"OPTIONS", "*", HTTP_TARGET_ASTERISK, "", "", "*", "*", NULL},
        {"CONNECT", "h:443", HTTP_TARGET_AUTHORITY, "", "h", "h:443", "", NULL},
        {"CONNECT", "[::1]:1", HTTP_TARGET_AUTHORITY, "", "::1", "[::1]:1", "", NULL},
        {"connect", "h:443", HTTP_TARGET_OTHER, "", "", "h:443", "h:443", NULL},
        {"GET", "mailto:a", HTTP_TARGET_OTHER, "", "", "mailto:a", "mailto:a", NULL},
        {"GET", "1http://h/", HTTP_TARGET_OTHER, "", "", "1http://h/", "1http://h/", NULL},
        {"GET", "://h/", HTTP_TARGET_OTHER, "", "", "://h/", "://h/", NULL},
        {"GET", "", HTTP_TARGET_OTHER, "", "", "", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct target_row *row = &rows[i];
        struct http_target target;

        if (err_is(http_target_parse(str_from(row->method), str_from(row->target), &target)))
            fail_msg("%s was refused", row->target);
        if (target.form != row->form || target.has_query != !!row->query ||
            !str_eq(target.scheme, str_from(row->scheme)) || !str_eq(target.authority.host, str_from(row->host)) ||
            !str_eq(target.origin_form, str_from(row->origin_form)) || !str_eq(target.path, str_from(row->path)) ||
            !str_eq(target.query, str_from(row->query)))
            fail_msg("%s was misread", row->target);
    }
}

static void http_target_refuses_targets_without_a_host(void **state)
{
    static const char *const targets[] = {"http://", "http:///p", "http://:80/", "http://h:x/", "http://a\\@b/"};
    struct http_target target;

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_int_equal(http_target_parse(STR("GET"), str_from(targets[i]), &target).code, ERR_SYNTAX);
    assert_int_equal(http_target_parse(STR("CONNECT"), STR("/x"), &target).code, ERR_SYNTAX);
    assert_int_equal(http_target_parse(STR("CONNECT"), STR("http://h/"), &target).code, ERR_SYNTAX);
}

static void http_target_knows_default_ports(void **state)
{
    (void)state;
    assert_int_equal(http_target_default_port(STR("HTTP")), 80);
    assert_int_equal(http_target_default_port(STR("ws")), 80);
    assert_int_equal(http_target_default_port(STR("https")), 443);
    assert_int_equal(http_target_default_port(STR("WSS")), 443);
    assert_int_equal(http_target_default_port(STR("ftp")), 0);
}

static void assert_extension(const char *path, const char *expected)
{
    struct str extension = http_target_extension(str_from(path));

    if (!str_eq(extension, str_from(expected)))
        fail_msg("%s: %.*s is not %s", path, STR_ARG(extension), expected);
}

static void http_target_finds_extensions(void **state)
{
    (void)state;
    assert_extension("/a/b.HTML", "HTML");
    assert_extension("/a.b/c", "");
    assert_extension("/x.tar.gz", "gz");
    assert_extension("/x.", "");
    assert_extension("/.htaccess", "");
    assert_extension("/x.php;id=1.2", "php");
    assert_extension("x.js", "js");
    assert_extension("/", "");
    assert_extension("", "");
    assert_extension("/a.0123456789abcdef", "0123456789abcdef");
    assert_extension("/a.0123456789abcdefg", "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_target_parses_authorities),
        cmocka_unit_test(http_target_tells_forms_and_parts),
        cmocka_unit_test(http_target_refuses_targets_without_a_host),
        cmocka_unit_test(http_target_knows_default_ports),
        cmocka_unit_test(http_target_finds_extensions),
    };

    return cmocka_run_group_tests_name("http/target", tests, NULL, NULL);
}
