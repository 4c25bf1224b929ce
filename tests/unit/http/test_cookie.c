/* Covers http/cookie; hostile input 73. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "http/cookie.h"

static void assert_pairs(struct str value, const char *expected)
{
    struct http_cookie_pair pair;
    struct buf joined;

    buf_init(&joined, 1024);
    while (http_cookie_next(&value, &pair))
        assert_false(err_is(buf_format(&joined, "[%.*s][%.*s]", STR_ARG(pair.name), STR_ARG(pair.value))));
    if (!str_eq(buf_str(&joined), str_from(expected)))
        fail_msg("%.*s is not %s", STR_ARG(buf_str(&joined)), expected);
    buf_deinit(&joined);
}

static void http_cookie_walks_pairs(void **state)
{
    (void)state;
    assert_pairs(STR("a=b; c=d"), "[a][b][c][d]");
    assert_pairs(STR("a=b;c=d=e"), "[a][b][c][d=e]");
    assert_pairs(STR(" a = b ;; ; c"), "[a][b][][c]");
    assert_pairs(STR("=x; y="), "[][x][y][]");
    assert_pairs(STR("=; a=\"b; c\""), "[a][\"b][][c\"]");
    assert_pairs(STR(""), "");
}

static void http_cookie_parses_set_cookie(void **state)
{
    struct http_cookie_set cookie;

    (void)state;
    assert_true(http_cookie_parse_set(
        STR("id=a=b; Domain=.x.example; path=/; Max-Age=60; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SECURE; HttpOnly; "
            "samesite=Lax; Partitioned; Path=/p; other"),
        &cookie));
    assert_true(str_eq(cookie.name, STR("id")));
    assert_true(str_eq(cookie.value, STR("a=b")));
    assert_true(str_eq(cookie.domain, STR(".x.example")));
    assert_true(str_eq(cookie.path, STR("/p")));
    assert_true(str_eq(cookie.max_age, STR("60")));
    assert_true(str_eq(cookie.expires, STR("Wed, 21 Oct 2026 07:28:00 GMT")));
    assert_true(str_eq(cookie.same_site, STR("Lax")));
    assert_true(cookie.is_secure && cookie.is_http_only && cookie.is_partitioned);
    assert_true(str_starts(cookie.attributes, STR(" Domain=")));
}

static void http_cookie_parses_odd_set_cookie(void **state)
{
    struct http_cookie_set cookie;

    (void)state;
    assert_true(http_cookie_parse_set(STR("only"), &cookie));
    assert_true(cookie.name.len == 0 && str_eq(cookie.value, STR("only")));
    assert_true(http_cookie_parse_set(STR("a="), &cookie));
    assert_true(str_eq(cookie.name, STR("a")) && cookie.value.len == 0 && !cookie.is_secure);
    assert_true(http_cookie_parse_set(STR("a=b; Secure=x"), &cookie));
    assert_true(cookie.is_secure);
    assert_false(http_cookie_parse_set(STR(""), &cookie));
    assert_false(http_cookie_parse_set(STR("; Secure"), &cookie));
    assert_false(http_cookie_parse_set(STR(" = "), &cookie));
}

static void http_cookie_walks_a_million_pairs(void **state)
{
    struct buf value;
    struct str rest;
    struct http_cookie_pair pair;
    size_t count = 0;

    (void)state;
    buf_init(&value, (size_t)16 * 1024 * 1024);
    for (size_t i = 0; i < 1000 * 1000; i++)
        assert_false(err_is(buf_append(&value, STR("a=b; "))));
    rest = buf_str(&value);
    while (http_cookie_next(&rest, &pair))
        count++;
    assert_int_equal(count, 1000 * 1000);
    buf_deinit(&value);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_cookie_walks_pairs),
        cmocka_unit_test(http_cookie_parses_set_cookie),
        cmocka_unit_test(http_cookie_parses_odd_set_cookie),
        cmocka_unit_test(http_cookie_walks_a_million_pairs),
    };

    return cmocka_run_group_tests_name("http/cookie", tests, NULL, NULL);
}
