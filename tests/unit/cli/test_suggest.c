/* Covers cli/suggest: typing mistakes find their word, other words find nothing. */
#include "cli/suggest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *nearest(const char *typed)
{
    static const char *const words[] = {"log", "show", "project", "browser", "completion", "run"};
    struct cli_suggest suggest;

    cli_suggest_init(&suggest, str_from(typed));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cli_suggest_try(&suggest, words[i]);
    return suggest.best;
}

static void cli_suggest_finds_one_mistake(void **state)
{
    (void)state;
    assert_string_equal(nearest("shwo"), "show");
    assert_string_equal(nearest("shw"), "show");
    assert_string_equal(nearest("showw"), "show");
    assert_string_equal(nearest("shaw"), "show");
    assert_string_equal(nearest("LOG"), "log");
}

static void cli_suggest_allows_more_in_longer_words(void **state)
{
    (void)state;
    assert_string_equal(nearest("compeltoin"), "completion");
    assert_string_equal(nearest("borwsre"), "browser");
}

static void cli_suggest_finds_nothing_near_other_words(void **state)
{
    (void)state;
    assert_null(nearest(""));
    assert_null(nearest("xyz"));
    assert_null(nearest("intercept"));
    assert_null(nearest("a word that is much longer than any word of a table can be"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_suggest_finds_one_mistake),
        cmocka_unit_test(cli_suggest_allows_more_in_longer_words),
        cmocka_unit_test(cli_suggest_finds_nothing_near_other_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
