#include <stdio.h>

#include "cli/command.h"
#include "cli/say.h"

static int run(const struct cli_env *env, const struct cli_args *args)
{
    (void)args;
    printf(env->is_json ? "{\"version\":\"%s\"}\n" : "sekisho %s\n", SEKISHO_VERSION);
    return cli_say_finish();
}

const struct cli_command cli_version = {
    .name = "version",
    .summary = "Print the version",
    .usage = "",
    .run = run,
};
