#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/body.h"

static bool is_accepted(struct str text)
{
    json_t *value = NULL;
    struct err err = admin_body_parse(text, &value);

    json_decref(value);
    if (err_is(err))
        assert_int_equal(err.wire, 400);
    return !err_is(err);
}

#define ACCEPTS(text) assert_true(is_accepted(STR(text)))
#define REFUSES(text) assert_false(is_accepted(STR(text)))

static void body_accepts_json(void **state)
{
    (void)state;
    ACCEPTS("{}");
    ACCEPTS("[]");
    ACCEPTS(" \t\r\n{\"a\": [1, -0, 0.5e+3, true, false, null, \"\"]} ");
    ACCEPTS("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u20AC\\uD834\\uDD1E\"");
    ACCEPTS("\"\xe9\x96\xa2\x7f\xef\xbf\xbf\"");
    ACCEPTS("123");
    ACCEPTS("null");
    ACCEPTS("[1E-2, 1E22, 123.456789]");
    ACCEPTS("{\"\": 0, \"a b\": {}}");
    ACCEPTS("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    ACCEPTS("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"");
}

static void body_refuses_what_is_not_json(void **state)
{
    (void)state;
    REFUSES("");
    REFUSES(" ");
    REFUSES("{");
    REFUSES("}");
    REFUSES("[1,]");
    REFUSES("[,1]");
    REFUSES("[1 2]");
    REFUSES("[1}");
    REFUSES("{\"a\":1,}");
    REFUSES("{a:1}");
    REFUSES("{'a':1}");
    REFUSES("{\"a\" 1}");
    REFUSES("{\"a\":1 \"b\":2}");
    REFUSES("[01]");
    REFUSES("[+1]");
    REFUSES("[.5]");
    REFUSES("[1.]");
    REFUSES("[1e]");
    REFUSES("[0x1]");
    REFUSES("[NaN]");
    REFUSES("[Infinity]");
    REFUSES("[--1]");
    REFUSES("[True]");
    REFUSES("[nul]");
    REFUSES("[\"\\x41\"]");
    REFUSES("[\"\\u00A\"]");
    REFUSES("[\"a\nb\"]");
    REFUSES("[\"a\tb\"]");
    REFUSES("\"abc");
    REFUSES("[1] x");
    REFUSES("{} {}");
    REFUSES("[1] // comment");
    REFUSES("/* comment */ {}");
    REFUSES("\xef\xbb\xbf{}");
    REFUSES("\xff\xfe{\0}\0");
}

static void body_refuses_what_readers_could_disagree_about(void **state)
{
    (void)state;
    /* Twice the same name, also when escaped. */
    REFUSES("{\"a\":1,\"a\":2}");
    REFUSES("{\"a\":1,\"\\u0061\":2}");
    /* A NUL ends the text for some. */
    REFUSES("123\0");
    REFUSES("{}\0{}");
    REFUSES("\"a\\u0000b\"");
    REFUSES("{\"a\\u0000b\":1}");
    /* Half a pair, and bytes that are not UTF-8. */
    REFUSES("\"\\uD800\"");
    REFUSES("\"\\uDC00\\uD800\"");
    REFUSES("\"\xff\"");
    REFUSES("\"\xc0\x80\"");
    REFUSES("\"\xed\xa0\x80\"");
    /* Numbers that no one can hold. */
    REFUSES("[1e999999]");
    REFUSES("[123456789012345678901234567890]");
}

static void body_bounds_the_depth(void **state)
{
    static char deep[100000];

    (void)state;
    memset(deep, '[', sizeof(deep));
    assert_false(is_accepted((struct str){deep, sizeof(deep)}));
    for (size_t i = 0; i < sizeof(deep); i += 5)
        memcpy(deep + i, "{\"a\":", 5);
    assert_false(is_accepted((struct str){deep, sizeof(deep)}));
    /* One more than fits. */
    REFUSES("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_accepts_json),
        cmocka_unit_test(body_refuses_what_is_not_json),
        cmocka_unit_test(body_refuses_what_readers_could_disagree_about),
        cmocka_unit_test(body_bounds_the_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
