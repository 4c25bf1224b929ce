#include "cli/help.h"

#include <stdio.h>

#include "cli/say.h"

#define NAME_COLUMNS 30

static void print_option(const struct cli_option *option)
{
    char name[96];

    snprintf(name, sizeof(name), "--%s%s%s", option->name, option->placeholder ? " " : "",
             option->placeholder ? option->placeholder : "");
    /* A name that reaches into the next column gets a line of its own. */
    if (strlen(name) > NAME_COLUMNS - 2)
        printf("  %s\n  %-*s%s", name, NAME_COLUMNS, "", option->help);
    else
        printf("  %-*s%s", NAME_COLUMNS, name, option->help);
    if (option->fallback)
        printf(" (%s)", option->fallback);
    putchar('\n');
}

static void print_options(const struct cli_option *options, size_t count)
{
    const char *group = NULL;

    for (size_t i = 0; i < count; i++) {
        if (options[i].group && options[i].group != group)
            printf("\n%s:\n", options[i].group);
        group = options[i].group;
        print_option(&options[i]);
    }
}

int cli_help_all(const struct cli_env *env)
{
    (void)env;
    printf("sekisho intercepts, records and searches HTTP traffic.\n\n"
           "usage: sekisho [OPTIONS]            start the proxy\n"
           "       sekisho COMMAND [OPTIONS]    do something with what it recorded\n\ncommands:\n");
    for (size_t i = 0; cli_command_at(i); i++)
        printf("  %-14s%s\n", cli_command_at(i)->name, cli_command_at(i)->summary);
    printf("\nEvery command takes --project NAME, --dir FOLDER, --json and --verbose.\n"
           "`sekisho help run` lists the options of the proxy, `sekisho help COMMAND` those of a command.\n\n"
           "first steps:\n"
           "  sekisho\n"
           "  curl -x http://127.0.0.1:8080 --cacert ~/.sekisho/ca.pem https://example.com/\n"
           "  sekisho log\n");
    return cli_say_finish();
}

int cli_help_command(const struct cli_command *command, const struct cli_env *env)
{
    bool is_run = command == &cli_run;

    printf("%s.\n\nusage: sekisho %s%s%s\n", command->summary, command->name, *command->usage ? " " : "",
           command->usage);
    if (command->about)
        printf("\n%s\n", command->about);
    if (command->option_count)
        printf("\nOptions:\n");
    print_options(command->options, command->option_count);
    if (is_run)
        print_options(env->run_options, env->run_option_count);
    return cli_say_finish();
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    const struct cli_command *command;

    if (args->operand_count == 0)
        return cli_help_all(env);
    command = cli_command_find(str_from(args->operands[0]));
    return command ? cli_help_command(command, env) : cli_command_unknown(str_from(args->operands[0]));
}

const struct cli_command cli_help = {
    .name = "help",
    .summary = "Explain a command",
    .usage = "[COMMAND]",
    .operand_max = 1,
    .run = run,
};
