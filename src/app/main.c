/* main.c - the program: reads what it is told, then runs the command that was asked for, or the proxy. */
#include <stdio.h>
#include <unistd.h>

#include "app/config_args.h"
#include "app/config_env.h"
#include "app/config_file.h"
#include "app/config_help.h"
#include "app/config_options.h"
#include "app/run.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/say.h"

struct start {
    struct app_config config;
    const struct cli_command *command;
    int argc; /* behind the program's name; without what the configuration took, and without the command */
    char **argv;
};

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* Help and version answer whatever state the settings are in. */
static const struct cli_command *early_command(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_one_of(argv[i], "--version", "-V"))
            return &cli_version;
        if (is_one_of(argv[i], "--help", "-h"))
            return &cli_help;
    }
    return NULL;
}

/* In `--listne x log` the word after the mistyped option looks like the command. */
static bool follows_unknown_option(const struct start *start, int at)
{
    struct str name = at > 0 ? str_from(start->argv[at - 1]) : STR_NONE;

    return str_starts(name, STR("--")) && str_find_char(name, '=') == STR_ABSENT &&
           app_config_options_find(str_skip(name, 2)) == app_config_options_count && !str_eq(name, STR("--set"));
}

/* Takes the command's word out of argv. */
static int choose_command(struct start *start)
{
    int at = app_config_args_find_command(start->argc, start->argv);

    if (at == start->argc) {
        start->command = early_command(start->argc, start->argv);
        if (start->command)
            start->argc = 0;
        else
            start->command = &cli_run;
        return CLI_DONE;
    }
    start->command = cli_command_find(str_from(start->argv[at]));
    if (!start->command && follows_unknown_option(start, at)) {
        start->command = &cli_run; /* which says what is wrong with it */
        return CLI_DONE;
    }
    if (!start->command)
        return cli_command_unknown(str_from(start->argv[at]));
    for (int i = at; i + 1 < start->argc; i++)
        start->argv[i] = start->argv[i + 1];
    start->argc--;
    return CLI_DONE;
}

static struct err read_config(struct start *start)
{
    struct app_config *config = &start->config;

    TRY(app_config_args_take(config, start->command == &cli_run, start->argc, start->argv, &start->argc));
    TRY(app_config_env_read(config, (const char *const *)environ));
    TRY(app_config_file_read(config));
    return app_config_check(config);
}

static int run_proxy(struct start *start, const struct cli_env *env)
{
    struct cli_args args = {0};
    char problem[200] = "there are too many words";

    if (!cli_args_read(&args, start->argc, start->argv, problem, sizeof(problem)) || args.operand_count) {
        const char *word = args.operand_count ? args.operands[0] : start->argv[0];
        struct str name = str_skip(str_from(word), str_starts(str_from(word), STR("--")) ? 2 : 0);
        const char *nearest = app_config_options_nearest(name);

        cli_say_error("run: %s%s%s; `sekisho help run` says more", problem, nearest ? "; did you mean --" : "",
                      nearest ? nearest : "");
        return CLI_USAGE;
    }
    return args.wants_help ? cli_help_command(&cli_run, env) : app_run(&start->config);
}

static int run_command(struct start *start)
{
    const struct app_config *config = &start->config;
    struct cli_env env = {
        .dir = config->dir.ptr,
        .project = config->project.ptr,
        .is_json = config->json,
        .is_verbose = config->verbose,
    };

    env.run_options = app_config_help_options(&env.run_option_count);
    if (config->verbose)
        log_set_level(LOG_DEBUG);
    if (start->command == &cli_run)
        return run_proxy(start, &env);
    return cli_command_run(start->command, &env, start->argc, start->argv);
}

/* Commands that need no settings are not stopped by wrong ones. */
static bool needs_config(const struct start *start)
{
    return start->command != &cli_help && start->command != &cli_version && start->command != &cli_completion &&
           !early_command(start->argc, start->argv);
}

int main(int argc, char **argv)
{
    static struct start start; /* too large for the stack of a small thread */
    struct err err;
    int status;

    start.argc = argc > 0 ? argc - 1 : 0;
    start.argv = argv + (argc > 0);
    err = app_config_init(&start.config);
    status = err_is(err) ? CLI_USAGE : choose_command(&start);
    if (status == CLI_DONE && !err_is(err)) {
        err = read_config(&start);
        if (err_is(err) && !needs_config(&start))
            err = OK;
    }
    if (err_is(err)) {
        cli_say_error("%s", start.config.problem[0] ? start.config.problem : err.what);
        status = CLI_USAGE;
    } else if (status == CLI_DONE) {
        status = run_command(&start);
    }
    app_config_deinit(&start.config);
    return status;
}
