/* Covers http/param; hostile input 73. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "http/param.h"

static void http_param_walks_parameters(void **state)
{
    struct str rest = STR("a=1&&b&=c&d=e=f&a=");
    struct http_param param;
    struct buf joined;

    (void)state;
    buf_init(&joined, 1024);
    while (http_param_next(&rest, &param))
        assert_false(
            err_is(buf_format(&joined, "[%.*s][%.*s]%d", STR_ARG(param.name), STR_ARG(param.value), param.has_value)));
    assert_true(str_eq(buf_str(&joined), STR("[a][1]1[b][]0[][c]1[d][e=f]1[a][]1")));
    buf_deinit(&joined);
}

static void assert_decoded(struct str coded, struct str expected, bool is_path)
{
    struct arena arena;
    struct str text;
    struct err e;

    arena_init(&arena, 1024);
    e = is_path ? http_param_decode_path(&arena, coded, &text) : http_param_decode(&arena, coded, &text);
    assert_false(err_is(e));
    if (!str_eq(text, expected))
        fail_msg("%.*s is not %.*s", STR_ARG(text), STR_ARG(expected));
    arena_deinit(&arena);
}

static void http_param_decodes_escapes(void **state)
{
    (void)state;
    assert_decoded(STR("%E5%80%8b+%2b"), STR("\xe5\x80\x8b +"), false);
    assert_decoded(STR("a+b%20c"), STR("a+b c"), true);
    assert_decoded(STR("%00"), STR("\0"), false);
    assert_decoded(STR("%"), STR("%"), false);
    assert_decoded(STR("%4"), STR("%4"), false);
    assert_decoded(STR("%4g%zz%%41"), STR("%4g%zz%A"), false);
    assert_decoded(STR("%2541"), STR("%41"), false);
    assert_decoded(STR(""), STR(""), false);
}

static void http_param_copies_only_what_is_coded(void **state)
{
    struct str plain = STR("plain+");
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, 4);
    assert_false(err_is(http_param_decode_path(&arena, plain, &text)));
    assert_ptr_equal(text.ptr, plain.ptr);
    assert_int_equal(http_param_decode(&arena, plain, &text).code, ERR_LIMIT);
    arena_deinit(&arena);
}

static void http_param_walks_a_million_parameters(void **state)
{
    struct http_param param;
    struct buf value;
    struct str rest;
    size_t count = 0;

    (void)state;
    buf_init(&value, (size_t)16 * 1024 * 1024);
    for (size_t i = 0; i < 1000 * 1000; i++)
        assert_false(err_is(buf_append(&value, STR("a=b&"))));
    rest = buf_str(&value);
    while (http_param_next(&rest, &param))
        count++;
    assert_int_equal(count, 1000 * 1000);
    buf_deinit(&value);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_param_walks_parameters),
        cmocka_unit_test(http_param_decodes_escapes),
        cmocka_unit_test(http_param_copies_only_what_is_coded),
        cmocka_unit_test(http_param_walks_a_million_parameters),
    };

    return cmocka_run_group_tests_name("http/param", tests, NULL, NULL);
}
