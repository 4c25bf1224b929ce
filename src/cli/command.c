#include "cli/command.h"

#include <stdio.h>

#include "base/log.h"
#include "cli/help.h"
#include "cli/say.h"
#include "cli/suggest.h"

static const struct cli_command *const commands[] = {
    &cli_run,     &cli_log, &cli_show,       &cli_project, &cli_ca,      &cli_trust,
    &cli_browser, &cli_url, &cli_completion, &cli_help,    &cli_version,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct cli_command *cli_command_at(size_t index) { return index < COMMAND_COUNT ? commands[index] : NULL; }

const struct cli_command *cli_command_find(struct str name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (str_eq(name, str_from(commands[i]->name)))
            return commands[i];
    }
    return NULL;
}

int cli_command_unknown(struct str name)
{
    struct cli_suggest suggest;
    char safe[80];

    cli_suggest_init(&suggest, name);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        cli_suggest_try(&suggest, commands[i]->name);
    log_safe(name, safe, sizeof(safe));
    if (suggest.best)
        cli_say_error("there is no command '%s'; did you mean '%s'?", safe, suggest.best);
    else
        cli_say_error("there is no command '%s'; `sekisho help` lists them", safe);
    return CLI_USAGE;
}

/* Options of run that were given to another command deserve a better answer than "there is none". */
static bool is_option_of_run(const struct cli_env *env, const char *problem)
{
    for (size_t i = 0; i < env->run_option_count; i++) {
        char words[80];

        snprintf(words, sizeof(words), "there is no option --%s here", env->run_options[i].name);
        if (strcmp(problem, words) == 0)
            return true;
    }
    return false;
}

int cli_command_run(const struct cli_command *command, const struct cli_env *env, int argc, char *const *argv)
{
    struct cli_args args = {.options = command->options, .option_count = command->option_count};
    char problem[200];

    if (!cli_args_read(&args, argc, argv, problem, sizeof(problem))) {
        cli_say_error("%s: %s%s; `sekisho help %s` says more", command->name, problem,
                      is_option_of_run(env, problem) ? " (it belongs to `sekisho run`)" : "", command->name);
        return CLI_USAGE;
    }
    if (args.wants_help)
        return cli_help_command(command, env);
    if (args.operand_count < command->operand_min || args.operand_count > command->operand_max) {
        cli_say_error("usage: sekisho %s %s; `sekisho help %s` says more", command->name, command->usage,
                      command->name);
        return CLI_USAGE;
    }
    return command->run(env, &args);
}
