#include "cli/args.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "cli/suggest.h"

static size_t find(const struct cli_args *args, struct str name)
{
    size_t i = 0;

    while (i < args->option_count && !str_eq(name, str_from(args->options[i].name)))
        i++;
    return i;
}

static void tell_unknown(const struct cli_args *args, struct str name, char *problem, size_t size)
{
    struct cli_suggest suggest;
    char safe[80];

    cli_suggest_init(&suggest, name);
    for (size_t i = 0; i < args->option_count; i++)
        cli_suggest_try(&suggest, args->options[i].name);
    log_safe(name, safe, sizeof(safe));
    if (suggest.best)
        snprintf(problem, size, "there is no option --%s here; did you mean --%s?", safe, suggest.best);
    else
        snprintf(problem, size, "there is no option --%s here", safe);
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

/* `*at` is the option's place in argv, and is moved on when its value is the next word. */
static bool read_option(struct cli_args *args, int argc, char *const *argv, int *at, char problem[160])
{
    struct str name, value;
    bool has_value = str_cut(str_from(argv[*at] + 2), '=', &name, &value);
    size_t index = find(args, name);

    if (index == args->option_count) {
        tell_unknown(args, name, problem, 160);
        return false;
    }
    if (!args->options[index].placeholder) {
        if (has_value)
            snprintf(problem, 160, "--%s takes no value", args->options[index].name);
        args->values[index] = "";
        return !has_value;
    }
    if (!has_value && *at + 1 == argc) {
        snprintf(problem, 160, "--%s needs a value", args->options[index].name);
        return false;
    }
    args->values[index] = has_value ? value.ptr : argv[++*at];
    return true;
}

static bool read_operand(struct cli_args *args, const char *word, char problem[160])
{
    if (args->operand_count == CLI_ARGS_OPERAND_MAX) {
        snprintf(problem, 160, "there are too many words");
        return false;
    }
    args->operands[args->operand_count++] = word;
    return true;
}

bool cli_args_read(struct cli_args *args, int argc, char *const *argv, char *problem, size_t problem_size)
{
    char sentence[160] = "";
    bool is_fine = true, has_ended = false;

    CHECK(args->option_count <= CLI_ARGS_OPTION_MAX);
    for (int i = 0; i < argc && is_fine; i++) {
        const char *word = argv[i];

        if (!has_ended && strcmp(word, "--") == 0)
            has_ended = true;
        else if (!has_ended && is_help(word))
            args->wants_help = true;
        else if (!has_ended && str_starts(str_from(word), STR("--")))
            is_fine = read_option(args, argc, argv, &i, sentence);
        else
            is_fine = read_operand(args, word, sentence);
    }
    snprintf(problem, problem_size, "%s", sentence);
    return is_fine;
}

const char *cli_args_value(const struct cli_args *args, const char *name)
{
    size_t index = find(args, str_from(name));

    CHECK(index < args->option_count);
    return args->values[index];
}

bool cli_args_has(const struct cli_args *args, const char *name) { return cli_args_value(args, name) != NULL; }
