/* Covers base/log and base/err: nothing from outside drives the terminal, levels are obeyed, codes have names. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static void printable_text_stays_and_the_rest_becomes_visible(void **state)
{
    static const char *const texts[][2] = {
        {"plain text", "plain text"},
        {"gr\xc3\xbc\xc3\x9f \xe9\x96\xa2\xe6\x89\x80 \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe9\x96\xa2\xe6\x89\x80 \xf0\x9f\x98\x80"},
        {"\x1b[31mred\x07", "\\x1b[31mred\\x07"},
        {"line\r\nforged", "line\\x0d\\x0aforged"},
        {"tab\tdel\x7f", "tab\\x09del\\x7f"},
        /* C1 controls: CSI as one character. */
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"},
        /* Not UTF-8: alone, overlong, a surrogate, too large, cut off. */
        {"\xff\x80", "\\xff\\x80"},
        {"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf\\xf0\\x80\\x80\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        {"\xe9\x96", "\\xe9\\x96"},
        /* Right-to-left override, zero-width space, byte order mark. */
        {"\xe2\x80\xae"
         "exe",
         "\\xe2\\x80\\xae"
         "exe"},
        {"\xe2\x80\x8b\xef\xbb\xbf", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf"},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_string_equal(log_safe(str_from(texts[i][0]), text, sizeof(text)), texts[i][1]);
    assert_string_equal(log_safe(STR("nul\0here"), text, sizeof(text)), "nul\\x00here");
    assert_string_equal(log_safe(STR_NONE, text, sizeof(text)), "");
}

static void text_that_does_not_fit_is_cut_and_ends_inside(void **state)
{
    char bytes[300];
    char text[64];

    (void)state;
    memset(bytes, 0x01, sizeof(bytes));
    for (size_t size = 1; size < 40; size++) {
        memset(text, '#', sizeof(text));
        log_safe((struct str){bytes, sizeof(bytes)}, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], '#');
        if (size >= 8)
            assert_true(str_ends(str_from(text), STR("...")));
    }
}

/* What is printed to stderr by the call. */
static void printed_by(enum log_level level, char *text, size_t size)
{
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    size_t len;

    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    log_write(level, "%s %d", "message", 7);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
}

static void a_message_is_one_line_and_levels_above_the_limit_are_silent(void **state)
{
    char text[128];

    (void)state;
    printed_by(LOG_ERROR, text, sizeof(text));
    assert_string_equal(text, "sekisho: error: message 7\n");
    printed_by(LOG_WARNING, text, sizeof(text));
    assert_string_equal(text, "sekisho: warning: message 7\n");
    printed_by(LOG_NOTICE, text, sizeof(text));
    assert_string_equal(text, "sekisho: message 7\n");
    printed_by(LOG_DEBUG, text, sizeof(text));
    assert_string_equal(text, "");
    log_set_level(LOG_DEBUG);
    printed_by(LOG_DEBUG, text, sizeof(text));
    assert_string_equal(text, "sekisho: debug: message 7\n");
    log_set_level(LOG_ERROR);
    printed_by(LOG_WARNING, text, sizeof(text));
    assert_string_equal(text, "");
    log_set_level(LOG_NOTICE);
}

static void every_error_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = ERR_NONE; a <= ERR_DAMAGED; a++) {
        assert_non_null(err_name((enum err_code)a));
        for (int b = a + 1; b <= ERR_DAMAGED; b++)
            assert_string_not_equal(err_name((enum err_code)a), err_name((enum err_code)b));
    }
    assert_string_equal(err_name(ERR_TIMEOUT), "timeout");
    assert_string_equal(err_name((enum err_code)(ERR_DAMAGED + 1)), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_text_stays_and_the_rest_becomes_visible),
        cmocka_unit_test(text_that_does_not_fit_is_cut_and_ends_inside),
        cmocka_unit_test(a_message_is_one_line_and_levels_above_the_limit_are_silent),
        cmocka_unit_test(every_error_code_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
