#include <stdio.h>

#include "cli/command.h"
#include "cli/instance.h"
#include "cli/say.h"

static int tell(const struct cli_env *env, struct err err)
{
    if (err.code == ERR_ABSENT)
        cli_say_error("no sekisho runs on %s; start it with `sekisho`", env->dir);
    else
        cli_say_error("%s: %s (%s)", env->dir, err.what ? err.what : "cannot be read", err_name(err.code));
    return CLI_FAILED;
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    struct cli_instance instance;
    char link[CLI_INSTANCE_LINK_BYTES];
    struct err err = cli_instance_read(env->dir, &instance);

    (void)args;
    if (!err_is(err))
        err = cli_instance_link(env->dir, &instance, link);
    if (err_is(err))
        return tell(env, err);
    printf(env->is_json ? "{\"url\":\"%s\"}\n" : "%s\n", link);
    return cli_say_finish();
}

const struct cli_command cli_url = {
    .name = "url",
    .summary = "Print the link to the page of the running program",
    .usage = "",
    .about = "The link holds the secret of the API; whoever has it can read what was recorded.",
    .run = run,
};
