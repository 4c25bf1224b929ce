/* config_args.h - options on the command line.
 *
 * Forms: --name VALUE, --name=VALUE, --set name=VALUE; for switches --name, --name=off and --no-name.  "--" ends
 * options.
 */
#ifndef APP_CONFIG_ARGS_H
#define APP_CONFIG_ARGS_H

#include "app/config.h"

/* Index of the first word of argv (without the program's name) that is neither an option nor an option's value: the
 * command.  argc when there is none. */
int app_config_args_find_command(int argc, char *const *argv);

/* Takes the options that are in the table out of argv; what is left (the command, its operands, its own options, "--")
 * moves to the front, *ret_count of it.  With `is_run` false only options that every command has are taken. */
MUST_CHECK struct err app_config_args_take(struct app_config *config, bool is_run, int argc, char **argv,
                                           int *ret_count);

#endif
