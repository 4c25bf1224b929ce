#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/jsonout.h"

#define WRITES(json, statement)                                                                                        \
    do {                                                                                                               \
        struct buf text;                                                                                               \
        struct jsonout out;                                                                                            \
        buf_init(&text, 4096);                                                                                         \
        jsonout_init(&out, &text);                                                                                     \
        statement;                                                                                                     \
        assert_int_equal(jsonout_finish(&out).code, ERR_NONE);                                                         \
        IGNORE(buf_append_char(&text, '\0')); /* Cannot fail: the text is far below its maximum. */                    \
        assert_string_equal(buf_str(&text).ptr, json);                                                                 \
        buf_deinit(&text);                                                                                             \
    } while (0)

static void jsonout_puts_commas_between_members(void **state)
{
    (void)state;
    WRITES("{\"a\":1,\"b\":[true,null,{}],\"c\":\"x\"}", {
        jsonout_object_open(&out, STR_NONE);
        jsonout_int(&out, STR("a"), 1);
        jsonout_array_open(&out, STR("b"));
        jsonout_bool(&out, STR_NONE, true);
        jsonout_null(&out, STR_NONE);
        jsonout_object_open(&out, STR_NONE);
        jsonout_object_close(&out);
        jsonout_array_close(&out);
        jsonout_text(&out, STR("c"), STR("x"));
        jsonout_object_close(&out);
    });
}

static void jsonout_escapes_what_json_and_terminals_need(void **state)
{
    (void)state;
    WRITES("\"a\\\"\\\\\\n\\u0000\\u001b[31m\\u007f\\u009b\"",
           jsonout_text(&out, STR_NONE, STR("a\"\\\n\0\x1b[31m\x7f\xc2\x9b")));
    WRITES("\"\\u202egnp\\u200b\\ufeff\"",
           jsonout_text(&out, STR_NONE, STR("\xe2\x80\xaegnp\xe2\x80\x8b\xef\xbb\xbf")));
    WRITES("\"\xe9\x96\xa2\xe6\x89\x80 \xf0\x9f\x98\x80\"",
           jsonout_text(&out, STR_NONE, STR("\xe9\x96\xa2\xe6\x89\x80 \xf0\x9f\x98\x80")));
}

static void jsonout_replaces_what_is_not_utf8(void **state)
{
    (void)state;
#define BAD "\xef\xbf\xbd"
    WRITES("\"a" BAD "b\"", jsonout_text(&out, STR_NONE,
                                         STR("a\xff"
                                             "b")));
    /* Overlong, surrogate, beyond U+10FFFF, cut off. */
    WRITES("\"" BAD BAD "\"", jsonout_text(&out, STR_NONE, STR("\xc0\x80")));
    WRITES("\"" BAD BAD BAD "\"", jsonout_text(&out, STR_NONE, STR("\xed\xa0\x80")));
    WRITES("\"" BAD BAD BAD BAD "\"", jsonout_text(&out, STR_NONE, STR("\xf4\x90\x80\x80")));
    WRITES("\"" BAD BAD "\"", jsonout_text(&out, STR_NONE, STR("\xe3\x81")));
    WRITES("{\"k\":\"" BAD "\",\"k_base64\":\"/w==\"}", {
        jsonout_object_open(&out, STR_NONE);
        jsonout_bytes(&out, STR("k"), STR("\xff"));
        jsonout_object_close(&out);
    });
}

static void jsonout_base64_pads(void **state)
{
    (void)state;
    WRITES("{\"a\":\"" BAD "b\",\"a_base64\":\"/2I=\",\"b\":\"" BAD "bc\",\"b_base64\":\"/2Jj\",\"c\":null}", {
        jsonout_object_open(&out, STR_NONE);
        jsonout_bytes(&out, STR("a"),
                      STR("\xff"
                          "b"));
        jsonout_bytes(&out, STR("b"),
                      STR("\xff"
                          "bc"));
        jsonout_bytes(&out, STR("c"), STR_NONE);
        jsonout_object_close(&out);
    });
}

static void jsonout_time_is_rfc_3339(void **state)
{
    (void)state;
    WRITES("\"1970-01-01T00:00:00.000000Z\"", jsonout_time(&out, STR_NONE, 0));
    WRITES("\"2024-02-29T12:34:56.000789Z\"", jsonout_time(&out, STR_NONE, 1709210096000789));
    WRITES("\"1969-12-31T23:59:59.999999Z\"", jsonout_time(&out, STR_NONE, -1));
}

static void jsonout_time_survives_any_number(void **state)
{
    struct buf text;
    struct jsonout out;

    (void)state;
    buf_init(&text, 4096);
    jsonout_init(&out, &text);
    jsonout_time(&out, STR_NONE, INT64_MAX);
    jsonout_time(&out, STR_NONE, INT64_MIN);
    assert_int_equal(jsonout_finish(&out).code, ERR_NONE);
    buf_deinit(&text);
}

static void jsonout_keeps_the_first_failure(void **state)
{
    struct buf text;
    struct jsonout out;

    (void)state;
    buf_init(&text, 4);
    jsonout_init(&out, &text);
    jsonout_text(&out, STR_NONE, STR("abcdef"));
    jsonout_int(&out, STR_NONE, 1);
    assert_int_equal(jsonout_finish(&out).code, ERR_LIMIT);
    assert_true(text.len <= 4);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jsonout_puts_commas_between_members),
        cmocka_unit_test(jsonout_escapes_what_json_and_terminals_need),
        cmocka_unit_test(jsonout_replaces_what_is_not_utf8),
        cmocka_unit_test(jsonout_base64_pads),
        cmocka_unit_test(jsonout_time_is_rfc_3339),
        cmocka_unit_test(jsonout_time_survives_any_number),
        cmocka_unit_test(jsonout_keeps_the_first_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
