#include <stdio.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/instance.h"
#include "cli/launch.h"
#include "cli/say.h"
#include "os/process.h"
#include "tls/ca.h"

static int tell(const struct cli_env *env, struct err err)
{
    if (err.code == ERR_ABSENT && !err.what)
        cli_say_error("browser: no sekisho runs on %s; start it with `sekisho`, or both with `sekisho --browser`",
                      env->dir);
    else
        cli_say_error("browser: %s (%s)", err.what ? err.what : "it cannot be started", err_name(err.code));
    return CLI_FAILED;
}

/* Runs the browser until it ends. */
static int launch_and_wait(const struct cli_env *env, struct cli_launch *launch)
{
    struct err err = cli_launch_prepare(launch);
    int status;

    if (err_is(err))
        return tell(env, err);
    if (env->is_verbose) {
        for (size_t i = 0; launch->argv[i]; i++)
            fprintf(stderr, "%s%s", i ? " " : "", launch->argv[i]);
        fputc('\n', stderr);
    }
    status = os_process_run(launch->argv);
    cli_launch_clean(launch);
    if (status == 0)
        return CLI_DONE;
    cli_say_error("browser: %s ended with status %d", launch->found, status);
    return CLI_FAILED;
}

/* Words behind the URL are the browser's own options. */
static void take_operands(struct cli_launch *launch, const struct cli_args *args)
{
    size_t count = 0;

    for (size_t i = 0; i < args->operand_count; i++) {
        if (args->operands[i][0] == '-')
            launch->extra[count++] = args->operands[i];
        else
            launch->url = args->operands[i];
    }
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    static struct cli_launch launch; /* large */
    struct cli_instance instance;
    char link[CLI_INSTANCE_LINK_BYTES], ca_path[CLI_LAUNCH_PATH_BYTES];
    struct tls_ca *ca;
    struct err err = cli_instance_read(env->dir, &instance);
    int status;

    if (err.code == ERR_ABSENT)
        err.what = NULL;
    if (!err_is(err))
        err = cli_instance_link(env->dir, &instance, link);
    if (!err_is(err))
        err = tls_ca_open(env->dir, &ca);
    if (err_is(err))
        return tell(env, err);
    snprintf(ca_path, sizeof(ca_path), "%.4000s/ca.pem", env->dir);
    launch = (struct cli_launch){
        .dir = env->dir, .program = cli_args_value(args, "with"), .url = link, .ca = ca, .ca_path = ca_path};
    launch.proxy = cli_instance_reachable(&instance.listen);
    launch.admin = cli_instance_reachable(&instance.admin);
    launch.key_pin = instance.key_pin[0] ? instance.key_pin : NULL;
    take_operands(&launch, args);
    status = launch_and_wait(env, &launch);
    tls_ca_free(&ca);
    return status;
}

static const struct cli_option options[] = {
    {"with", "PROGRAM", "which browser: a name or a path", "the first that is installed", NULL},
};

const struct cli_command cli_browser = {
    .name = "browser",
    .summary = "Start a browser that uses the running proxy and trusts its CA",
    .usage = "[URL] [-- BROWSER_OPTIONS]",
    .about =
        "Chromium, Chrome or Firefox, with a fresh profile that is removed when the browser ends; your own browser\n"
        "and its settings are not touched. Sites on this machine go through the proxy, too. Without a URL the\n"
        "page of sekisho opens.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .operand_max = CLI_ARGS_OPERAND_MAX - 1,
    .run = run,
};
