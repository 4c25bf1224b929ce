/* Covers cli/args: every form of option, operands, and what is said of mistakes. */
#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct cli_option options[] = {
    {"limit", "N", "", NULL, NULL},
    {"follow", NULL, "", NULL, NULL},
};

static char problem[200];

#define READ(args, ...) read_words(args, (char *[]){__VA_ARGS__, NULL})

static bool read_words(struct cli_args *args, char **words)
{
    int count = 0;

    while (words[count])
        count++;
    *args = (struct cli_args){.options = options, .option_count = 2};
    return cli_args_read(args, count, words, problem, sizeof(problem));
}

static void cli_args_reads_options_and_operands_in_any_order(void **state)
{
    struct cli_args args;

    (void)state;
    assert_true(READ(&args, "one", "--limit", "5", "two", "--follow"));
    assert_string_equal(cli_args_value(&args, "limit"), "5");
    assert_true(cli_args_has(&args, "follow"));
    assert_int_equal(args.operand_count, 2);
    assert_string_equal(args.operands[1], "two");
    assert_true(READ(&args, "--limit=", "--limit=6"));
    assert_string_equal(cli_args_value(&args, "limit"), "6");
    assert_false(cli_args_has(&args, "follow"));
}

static void cli_args_takes_words_behind_dashes_as_they_are(void **state)
{
    struct cli_args args;

    (void)state;
    assert_true(READ(&args, "--", "--follow", "-h", "--"));
    assert_int_equal(args.operand_count, 3);
    assert_string_equal(args.operands[0], "--follow");
    assert_false(args.wants_help);
    assert_true(READ(&args, "-", "-x"));
    assert_int_equal(args.operand_count, 2);
}

static void cli_args_hears_the_call_for_help(void **state)
{
    struct cli_args args;

    (void)state;
    assert_true(READ(&args, "x", "--help"));
    assert_true(args.wants_help);
    assert_true(READ(&args, "-h"));
    assert_true(args.wants_help);
}

static void cli_args_says_what_is_wrong(void **state)
{
    struct cli_args args;

    (void)state;
    assert_false(READ(&args, "--limt", "5"));
    assert_string_equal(problem, "there is no option --limt here; did you mean --limit?");
    assert_false(READ(&args, "--\x1b[2J"));
    assert_string_equal(problem, "there is no option --\\x1b[2J here");
    assert_false(READ(&args, "--limit"));
    assert_string_equal(problem, "--limit needs a value");
    assert_false(READ(&args, "--follow=1"));
    assert_string_equal(problem, "--follow takes no value");
}

static void cli_args_bounds_the_operands(void **state)
{
    char *words[CLI_ARGS_OPERAND_MAX + 2];
    struct cli_args args;

    (void)state;
    for (size_t i = 0; i <= CLI_ARGS_OPERAND_MAX; i++)
        words[i] = "x";
    words[CLI_ARGS_OPERAND_MAX + 1] = NULL;
    assert_false(read_words(&args, words));
    assert_string_equal(problem, "there are too many words");
    words[CLI_ARGS_OPERAND_MAX] = NULL;
    assert_true(read_words(&args, words));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_args_reads_options_and_operands_in_any_order),
        cmocka_unit_test(cli_args_takes_words_behind_dashes_as_they_are),
        cmocka_unit_test(cli_args_hears_the_call_for_help),
        cmocka_unit_test(cli_args_says_what_is_wrong),
        cmocka_unit_test(cli_args_bounds_the_operands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
