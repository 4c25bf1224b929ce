/* `sekisho completion`: a completion script for a shell, made from the tables of commands and options. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/say.h"

/* Words that stand as the first operand of a command: "list | new NAME" gives list, new. */
static void print_verbs(const struct cli_command *command, const char *separator)
{
    struct str rest = str_from(command->usage), part, verb, unused;

    if (str_find_char(rest, '|') == STR_ABSENT || str_starts(rest, STR("ID")))
        return;
    do {
        str_cut(rest, '|', &part, &rest);
        str_cut(str_trim(part), ' ', &verb, &unused);
        if (verb.len && verb.ptr[0] >= 'a' && verb.ptr[0] <= 'z')
            printf("%.*s%s", STR_ARG(verb), separator);
    } while (rest.len);
}

/* ---- bash ---- */

static void print_bash_options(const struct cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("--%s ", options[i].name);
}

static void print_bash(const struct cli_env *env)
{
    printf("# bash completion for sekisho\n_sekisho() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} command=run i words\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n    done\n"
           "    case $command in\n");
    for (size_t i = 0; cli_command_at(i); i++) {
        const struct cli_command *command = cli_command_at(i);

        printf("    %s) words=\"", command->name);
        print_verbs(command, " ");
        print_bash_options(command->options, command->option_count);
        if (command == &cli_run)
            print_bash_options(env->run_options, env->run_option_count);
        else
            printf("--project --dir --json --verbose ");
        printf("--help\" ;;\n");
    }
    printf("    *) words= ;;\n    esac\n    if [ \"$command\" = run ]; then\n        words=\"");
    for (size_t i = 0; cli_command_at(i); i++)
        printf("%s ", cli_command_at(i)->name);
    printf("$words\"\n    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
           "    if [ ${#COMPREPLY[@]} -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); fi\n"
           "}\ncomplete -F _sekisho sekisho\n");
}

/* ---- zsh ---- */

/* Inside '...[...]' of _arguments: brackets, colons and quotes mean something. */
static void print_zsh_text(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            printf("'\\''");
        else
            printf(strchr("[]:", *c) ? "\\%c" : "%c", *c);
    }
}

static void print_zsh_options(const struct cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf(" \\\n            '*--%s%s[", options[i].name, options[i].placeholder ? "=" : "");
        print_zsh_text(options[i].help);
        printf("]");
        if (options[i].placeholder) {
            printf(":");
            print_zsh_text(options[i].placeholder);
            printf(":_files");
        }
        printf("'");
    }
}

static void print_zsh(const struct cli_env *env)
{
    printf("#compdef sekisho\n_sekisho() {\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; cli_command_at(i); i++) {
        printf("        '%s:", cli_command_at(i)->name);
        print_zsh_text(cli_command_at(i)->summary);
        printf("'\n");
    }
    printf("    )\n    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
           "        _describe command commands\n        return\n    fi\n    case $words[2] in\n");
    for (size_t i = 0; cli_command_at(i); i++) {
        const struct cli_command *command = cli_command_at(i);
        bool is_run = command == &cli_run;

        printf("    %s%s)\n        _arguments", command->name, is_run ? "|-*" : "");
        print_zsh_options(command->options, command->option_count);
        if (is_run)
            print_zsh_options(env->run_options, env->run_option_count);
        else
            printf(" \\\n            '--project=[project]:NAME:' '--dir=[folder of settings]:PATH:_files -/'"
                   " '--json[print JSON]' '--verbose[print more]'");
        printf(" \\\n            '1:command:' '*:operand:(");
        print_verbs(command, " ");
        printf(")'\n        ;;\n");
    }
    printf("    esac\n}\n_sekisho \"$@\"\n");
}

/* ---- fish ---- */

static void print_fish_text(const char *text)
{
    putchar('\'');
    for (const char *c = text; *c; c++)
        printf(*c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    putchar('\'');
}

static void print_fish_options(const char *condition, const struct cli_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("complete -c sekisho -n '%s' -l %s%s -d ", condition, options[i].name,
               options[i].placeholder ? " -r" : "");
        print_fish_text(options[i].help);
        putchar('\n');
    }
}

static void print_fish(const struct cli_env *env)
{
    char condition[120];

    printf("# fish completion for sekisho\ncomplete -c sekisho -f\n");
    for (size_t i = 0; cli_command_at(i); i++) {
        const struct cli_command *command = cli_command_at(i);

        printf("complete -c sekisho -n __fish_use_subcommand -a %s -d ", command->name);
        print_fish_text(command->summary);
        snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", command->name);
        printf("\ncomplete -c sekisho -n '%s' -a '", condition);
        print_verbs(command, " ");
        printf("'\n");
        print_fish_options(condition, command->options, command->option_count);
    }
    print_fish_options("__fish_use_subcommand; or __fish_seen_subcommand_from run", env->run_options,
                       env->run_option_count);
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    if (strcmp(args->operands[0], "bash") == 0) {
        print_bash(env);
    } else if (strcmp(args->operands[0], "zsh") == 0) {
        print_zsh(env);
    } else if (strcmp(args->operands[0], "fish") == 0) {
        print_fish(env);
    } else {
        cli_say_error("completion: there are scripts for bash, zsh and fish");
        return CLI_USAGE;
    }
    return cli_say_finish();
}

const struct cli_command cli_completion = {
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .usage = "bash | zsh | fish",
    .about = "bash:  sekisho completion bash > ~/.local/share/bash-completion/completions/sekisho\n"
             "zsh:   sekisho completion zsh > a file named _sekisho in a folder of $fpath\n"
             "fish:  sekisho completion fish > ~/.config/fish/completions/sekisho.fish",
    .operand_min = 1,
    .operand_max = 1,
    .run = run,
};
