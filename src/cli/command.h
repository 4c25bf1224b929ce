/* command.h - what a command of the program is, and the table of them.
 *
 * One file per command gives one struct cli_command; command.c lists them.  A command writes what it was asked for to
 * stdout and messages to stderr, and returns the exit status.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/str.h"
#include "cli/args.h"

enum cli_status {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
};

/* What every command is told. */
struct cli_env {
    const char *dir;     /* "~/.sekisho", written out */
    const char *project; /* as given; not checked yet */
    bool is_json;
    bool is_verbose;
    const struct cli_option *run_options; /* every option of the program, for help and completion */
    size_t run_option_count;
};

struct cli_command {
    const char *name;
    const char *summary; /* one line, begins with a verb, no full stop */
    const char *usage;   /* what stands behind the name: "[QUERY]" */
    const char *about;   /* a few lines for help; may be NULL */
    const struct cli_option *options;
    size_t option_count;
    size_t operand_min, operand_max;
    /* NULL: started elsewhere (run). */
    int (*run)(const struct cli_env *env, const struct cli_args *args);
};

/* NULL past the last. */
const struct cli_command *cli_command_at(size_t index);
const struct cli_command *cli_command_find(struct str name);

/* Reads the words behind the command's name and runs it. */
int cli_command_run(const struct cli_command *command, const struct cli_env *env, int argc, char *const *argv);
/* Says on stderr that there is no such command, and which is nearest.  CLI_USAGE. */
int cli_command_unknown(struct str name);

extern const struct cli_command cli_run;
extern const struct cli_command cli_log;
extern const struct cli_command cli_show;
extern const struct cli_command cli_project;
extern const struct cli_command cli_ca;
extern const struct cli_command cli_trust;
extern const struct cli_command cli_browser;
extern const struct cli_command cli_url;
extern const struct cli_command cli_completion;
extern const struct cli_command cli_help;
extern const struct cli_command cli_version;

#endif
