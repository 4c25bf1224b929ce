/* config_help.h - the table of options as help and completion show it. */
#ifndef APP_CONFIG_HELP_H
#define APP_CONFIG_HELP_H

#include "cli/args.h"

/* One row for each option, in the order of the table; lives as long as the program. */
const struct cli_option *app_config_help_options(size_t *ret_count);

#endif
