/* help.h - what the program and its commands do, in words. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

/* Prints to stdout.  The exit status. */
int cli_help_all(const struct cli_env *env);
int cli_help_command(const struct cli_command *command, const struct cli_env *env);

#endif
