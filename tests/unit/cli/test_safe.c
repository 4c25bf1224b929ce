/* Covers cli/safe: text stays readable, escapes become visible, pieces are cut between characters. */
#include "cli/safe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *printed(void (*print)(FILE *, struct str), struct str bytes)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    assert_non_null(file);
    print(file, bytes);
    fclose(file);
    return text;
}

static void assert_printed(struct str bytes, const char *expected)
{
    char *text = printed(cli_safe_print, bytes);

    assert_string_equal(text, expected);
    free(text);
}

static void cli_safe_keeps_lines_and_tabs(void **state)
{
    (void)state;
    assert_printed(STR("GET / HTTP/1.1\r\nA:\tb\n\nend"), "GET / HTTP/1.1\nA:\tb\n\nend\n");
    assert_printed(STR("a\rb\r\n"), "a\\x0db\n");
    assert_printed(STR(""), "");
}

static void cli_safe_shows_what_drives_terminals(void **state)
{
    (void)state;
    assert_printed(STR("\x1b]0;title\x07\x9b[1m\0"), "\\x1b]0;title\\x07\\x9b[1m\\x00\n");
    assert_printed(STR("\xe2\x80\xaeright to left\xc2\x9b"), "\\xe2\\x80\\xaeright to left\\xc2\\x9b\n");
    assert_printed(STR("関所\xe9\x96"), "関所\\xe9\\x96\n");
}

static void cli_safe_cuts_long_lines_between_characters(void **state)
{
    char text[3 * 3001 + 2];
    char *shown;

    (void)state;
    text[0] = 'x';
    for (size_t i = 0; i < 3000; i++)
        memcpy(text + 1 + 3 * i, "関", 3);
    shown = printed(cli_safe_print, (struct str){text, 9001});
    assert_int_equal(strlen(shown), 9002);
    assert_memory_equal(shown, text, 9001);
    free(shown);
}

static void print_hex(FILE *file, struct str bytes) { cli_safe_hex(file, bytes, 0x10); }

static void cli_safe_dumps_hex(void **state)
{
    char *text = printed(print_hex, STR("0123456789abcdef\x1b\xffz"));

    (void)state;
    assert_string_equal(text, "00000010  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
                              "00000020  1b ff 7a                                          |..z|\n");
    free(text);
}

static void cli_safe_tells_text_from_bytes(void **state)
{
    (void)state;
    assert_true(cli_safe_is_text(STR("{\"a\": 1}\r\n")));
    assert_true(cli_safe_is_text(STR("関所")));
    assert_true(cli_safe_is_text(STR("")));
    assert_false(cli_safe_is_text(STR("a\0b")));
    assert_false(cli_safe_is_text(STR("\x89PNG\r\n\x1a\n")));
    assert_false(cli_safe_is_text(STR("\x01\x02\x03")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_safe_keeps_lines_and_tabs),
        cmocka_unit_test(cli_safe_shows_what_drives_terminals),
        cmocka_unit_test(cli_safe_cuts_long_lines_between_characters),
        cmocka_unit_test(cli_safe_dumps_hex),
        cmocka_unit_test(cli_safe_tells_text_from_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
