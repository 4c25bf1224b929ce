#include "app/config_help.h"

#include "app/config_options.h"

#define OPTION_MAX 64

const struct cli_option *app_config_help_options(size_t *ret_count)
{
    static struct cli_option options[OPTION_MAX];

    CHECK(app_config_options_count < OPTION_MAX);
    for (size_t i = 0; i < app_config_options_count; i++) {
        const struct app_config_option *option = &app_config_options[i];

        options[i] =
            (struct cli_option){option->name, option->kind->placeholder, option->help, option->fallback, option->group};
    }
    options[app_config_options_count] =
        (struct cli_option){"set", "NAME=VALUE", "set any option by its name", NULL, NULL};
    *ret_count = app_config_options_count + 1;
    return options;
}
