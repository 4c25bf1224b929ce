/* args.h - a command's own options and operands, read by a table.
 *
 * Forms: --name VALUE, --name=VALUE, and --name for switches; "--" ends options.  Options that every command has
 * (--project, --dir, --json, ...) were taken out before.  Of a repeated option the last counts.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_ARGS_OPERAND_MAX 16
#define CLI_ARGS_OPTION_MAX 16

struct cli_option {
    const char *name;
    const char *placeholder; /* of its value; NULL: a switch */
    const char *help;
    const char *fallback; /* shown in help; NULL: none */
    const char *group;    /* heading in help; NULL: none */
};

struct cli_args {
    const struct cli_option *options; /* the command's table ... */
    size_t option_count;
    const char *values[CLI_ARGS_OPTION_MAX]; /* ... and what was given for each row: NULL, or "" for a switch */
    const char *operands[CLI_ARGS_OPERAND_MAX];
    size_t operand_count;
    bool wants_help; /* --help or -h */
};

/* On failure false, with one sentence in `problem`. */
bool cli_args_read(struct cli_args *args, int argc, char *const *argv, char *problem, size_t problem_size);

/* NULL when not given.  The name must be in the table. */
const char *cli_args_value(const struct cli_args *args, const char *name);
bool cli_args_has(const struct cli_args *args, const char *name);

#endif
