/* Covers http/field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "http/field.h"

static void http_field_knows_tokens(void **state)
{
    (void)state;
    assert_true(http_field_is_token(STR("!#$%&'*+-.^_`|~09azAZ")));
    assert_false(http_field_is_token(STR("")));
    for (int c = 0; c < 256; c++) {
        char byte = (char)(unsigned char)c;
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool expected = is_alnum || (c && strchr("!#$%&'*+-.^_`|~", c));

        assert_int_equal(http_field_is_token((struct str){&byte, 1}), expected);
    }
    assert_int_equal(http_field_token_len(STR("ab:c")), 2);
    assert_int_equal(http_field_token_len(STR(":c")), 0);
    assert_int_equal(http_field_token_len(STR("abc")), 3);
}

/* All members, joined with '|'. */
static void assert_members(struct str value, const char *expected)
{
    struct buf joined;
    struct str member;

    buf_init(&joined, 1024);
    while (http_field_next_member(&value, &member)) {
        assert_false(err_is(buf_append(&joined, member)));
        assert_false(err_is(buf_append_char(&joined, '|')));
    }
    if (!str_eq(buf_str(&joined), str_from(expected)))
        fail_msg("%.*s is not %s", STR_ARG(buf_str(&joined)), expected);
    buf_deinit(&joined);
}

static void http_field_splits_lists(void **state)
{
    (void)state;
    assert_members(STR(""), "");
    assert_members(STR("a"), "a|");
    assert_members(STR(" a ,\tb\t"), "a|b|");
    assert_members(STR(",, a,,b , ,"), "a|b|");
    assert_members(STR("a, \"b, c\", d"), "a|\"b, c\"|d|");
    assert_members(STR("\"a\\\", b\", c"), "\"a\\\", b\"|c|");
    assert_members(STR("a, \"b, c"), "a|\"b, c|");
    assert_members(STR("a;x=\"\\"), "a;x=\"\\|");
    assert_members(STR("a\\, b"), "a\\|b|");
}

static void assert_parameter(struct str value, const char *name, const char *expected)
{
    struct str found = STR("untouched");
    bool is_there = http_field_parameter(value, str_from(name), &found);

    if (!expected)
        assert_true(!is_there && str_eq(found, STR("untouched")));
    else if (!is_there || !str_eq(found, str_from(expected)))
        fail_msg("%.*s is not %s", STR_ARG(found), expected);
}

static void http_field_finds_parameters(void **state)
{
    (void)state;
    assert_parameter(STR("text/html; charset=utf-8"), "charset", "utf-8");
    assert_parameter(STR("text/html;a=b; CHARSET = \"x; y\" ;c"), "charset", "x; y");
    assert_parameter(STR("text/html; a=\"; charset=no\"; charset=yes"), "charset", "yes");
    assert_parameter(STR("text/html; charset=\"a\\\"b\""), "charset", "a\\\"b");
    assert_parameter(STR("text/html; charset=\"unclosed"), "charset", "unclosed");
    assert_parameter(STR("text/html; charset="), "charset", "");
    assert_parameter(STR("text/html; charset=\""), "charset", "");
    assert_parameter(STR("charset=utf-8"), "charset", NULL);
    assert_parameter(STR("text/html; charset"), "charset", NULL);
    assert_parameter(STR("text/html; xcharset=1"), "charset", NULL);
    assert_parameter(STR(""), "charset", NULL);
}

static void http_field_finds_the_media_type(void **state)
{
    (void)state;
    assert_true(str_eq(http_field_media_type(STR("Text/HTML ; charset=x")), STR("Text/HTML")));
    assert_true(str_eq(http_field_media_type(STR(" a/b ")), STR("a/b")));
    assert_true(str_eq(http_field_media_type(STR("")), STR("")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_field_knows_tokens),
        cmocka_unit_test(http_field_splits_lists),
        cmocka_unit_test(http_field_finds_parameters),
        cmocka_unit_test(http_field_finds_the_media_type),
    };

    return cmocka_run_group_tests_name("http/field", tests, NULL, NULL);
}
