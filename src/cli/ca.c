/* `sekisho ca`: the certificate authority: shown, written out, put into this machine's stores, taken out again. */
#include <stdio.h>
#include <time.h>

#include "base/jsonout.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/say.h"
#include "os/file.h"
#include "os/process.h"
#include "os/terminal.h"
#include "tls/install.h"

#define PATH_BYTES 4096

struct action {
    const struct cli_env *env;
    const struct cli_args *args;
    struct tls_ca *ca;
    char ca_path[PATH_BYTES];
    unsigned store_count; /* changed */
};

static void format_day(int64_t seconds, char text[32])
{
    time_t when = (time_t)seconds;
    struct tm utc;

    text[0] = '\0';
    if (gmtime_r(&when, &utc))
        strftime(text, 32, "%Y-%m-%d", &utc);
}

/* ---- show, export ---- */

static int show_json(struct action *action)
{
    struct jsonout out;
    struct buf line;

    buf_init(&line, 65536);
    jsonout_init(&out, &line);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("name"), str_from(tls_ca_name(action->ca)));
    jsonout_text(&out, STR("sha256"), str_from(tls_ca_fingerprint(action->ca)));
    jsonout_time(&out, STR("not_before"), tls_ca_not_before_s(action->ca) * 1000000);
    jsonout_time(&out, STR("not_after"), tls_ca_not_after_s(action->ca) * 1000000);
    jsonout_text(&out, STR("path"), str_from(action->ca_path));
    jsonout_object_close(&out);
    printf("%.*s\n", STR_ARG(buf_str(&line)));
    buf_deinit(&line);
    return CLI_DONE;
}

static int show(struct action *action)
{
    char from[32], until[32], name[400];

    if (action->env->is_json)
        return show_json(action);
    format_day(tls_ca_not_before_s(action->ca), from);
    format_day(tls_ca_not_after_s(action->ca), until);
    printf("name     %s\nsha256   %s\nvalid    %s to %s\nfile     %s\n",
           log_safe(str_from(tls_ca_name(action->ca)), name, sizeof(name)), tls_ca_fingerprint(action->ca), from, until,
           action->ca_path);
    printf("\nTo trust it:  curl --cacert %s ...\n"
           "              sekisho ca install        this machine's stores and the browsers' of this user\n"
           "              http://sekisho.proxy/     through the proxy, explains it for other devices\n",
           action->ca_path);
    return CLI_DONE;
}

static int export(struct action *action)
{
    struct str bytes = cli_args_has(action->args, "der") ? tls_ca_der(action->ca) : tls_ca_pem(action->ca);
    const char *path = action->args->operand_count > 1 ? action->args->operands[1] : "-";
    struct err err;
    char safe[300];

    if (strcmp(path, "-") == 0) {
        fwrite(bytes.ptr, 1, bytes.len, stdout);
        return CLI_DONE;
    }
    err = os_file_write_all(path, bytes, false);
    if (!err_is(err))
        return CLI_DONE;
    log_safe(str_from(path), safe, sizeof(safe));
    if (err.code == ERR_BUSY)
        cli_say_error("ca export: %s is there already; name another file", safe);
    else
        cli_say_error("ca export: %s: %s (%s)", safe, err.what ? err.what : "cannot be written", err_name(err.code));
    return CLI_FAILED;
}

/* ---- install, uninstall ---- */

static void on_store(void *owner, const char *store, struct err err)
{
    struct action *action = owner;
    char safe[400];

    log_safe(str_from(store), safe, sizeof(safe));
    if (err_is(err)) {
        cli_say("%s: failed: %s (%s)", safe, err.what ? err.what : "", err_name(err.code));
        return;
    }
    cli_say("%s: done", safe);
    action->store_count++;
}

static void advise(const char *store, struct err err)
{
    bool is_system = strcmp(store, "system") == 0;

    if (err.code == ERR_DENIED && is_system)
        cli_say_error("ca: the system's store needs root: run `sudo -E sekisho ca install --system`");
    else if (err.code == ERR_ABSENT && is_system)
        cli_say_error("ca: update-ca-certificates is missing; on Debian install the package ca-certificates");
    else if (err.code == ERR_ABSENT)
        cli_say_error("ca: certutil is missing, which changes browsers' stores; on Debian install libnss3-tools");
    else
        cli_say_error("ca: the %s store: %s (%s)", store, err.what ? err.what : "", err_name(err.code));
}

/* One kind of store.  What was not asked for by name may be missing. */
static int apply(const struct tls_install *install, const char *store, bool is_asked,
                 struct err (*change)(const struct tls_install *))
{
    struct err err = change(install);

    if (!err_is(err))
        return CLI_DONE;
    if (is_asked || (err.code != ERR_ABSENT && err.code != ERR_DENIED)) {
        advise(store, err);
        return CLI_FAILED;
    }
    return CLI_DONE;
}

static int change_stores(struct action *action, bool removes)
{
    const char *home = os_process_env("HOME");
    struct tls_install install = {action->ca, home, action->ca_path, on_store, action};
    bool wants_system = cli_args_has(action->args, "system"), wants_nss = cli_args_has(action->args, "browsers");
    bool wants_all = !wants_system && !wants_nss;
    int status = CLI_DONE;

    if (!home) {
        cli_say_error("ca: HOME is not set, so the browsers' stores cannot be found");
        return CLI_FAILED;
    }
    if (wants_system || (wants_all && os_terminal_is_root()))
        status |= apply(&install, "system", true, removes ? tls_install_remove_system : tls_install_system);
    if (wants_nss || wants_all)
        status |= apply(&install, "browsers'", wants_nss, removes ? tls_install_remove_nss : tls_install_nss);
    if (status == CLI_DONE && action->store_count == 0 && wants_all) {
        cli_say_error("ca: no store could be changed: the system's needs root, the browsers' need certutil "
                      "(Debian: libnss3-tools)");
        return CLI_FAILED;
    }
    if (wants_all && !os_terminal_is_root())
        cli_say("the system's store needs root: sudo -E sekisho ca %s --system", removes ? "uninstall" : "install");
    return status == CLI_DONE ? CLI_DONE : CLI_FAILED;
}

static int install(struct action *action) { return change_stores(action, false); }
static int uninstall(struct action *action) { return change_stores(action, true); }

/* ---- The command ---- */

static const struct verb {
    const char *name;
    size_t operand_max; /* the verb counted */
    int (*run)(struct action *action);
} verbs[] = {
    {"show", 1, show},
    {"export", 2, export},
    {"install", 1, install},
    {"uninstall", 1, uninstall},
};

static int open_and_run(const struct verb *verb, struct action *action)
{
    struct err err = tls_ca_open(action->env->dir, &action->ca);
    int status;

    if (err_is(err)) {
        cli_say_error("ca: %s (%s, in %s)", err.what ? err.what : "it cannot be opened", err_name(err.code),
                      action->env->dir);
        return CLI_FAILED;
    }
    status = verb->run(action);
    tls_ca_free(&action->ca);
    return cli_say_finish() == CLI_DONE ? status : CLI_FAILED;
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    struct action action = {.env = env, .args = args};
    int len = snprintf(action.ca_path, sizeof(action.ca_path), "%s/ca.pem", env->dir);

    if (len < 0 || (size_t)len >= sizeof(action.ca_path)) {
        cli_say_error("ca: the path of --dir is too long");
        return CLI_FAILED;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(args->operands[0], verbs[i].name) == 0 && args->operand_count <= verbs[i].operand_max)
            return open_and_run(&verbs[i], &action);
    }
    cli_say_error("usage: sekisho ca %s", cli_ca.usage);
    return CLI_USAGE;
}

static const struct cli_option options[] = {
    {"der", NULL, "export in DER, for devices that want it", NULL, NULL},
    {"system", NULL, "only the system's store (needs root)", NULL, NULL},
    {"browsers", NULL, "only this user's stores of Chromium and Firefox", NULL, NULL},
};

const struct cli_command cli_ca = {
    .name = "ca",
    .summary = "Show, export, install or uninstall the certificate authority",
    .usage = "show | export [FILE] | install | uninstall",
    .about =
        "It is made at the first use. Whoever has its key can impersonate any site to those who trust it: the key\n"
        "stays in ca.key (0600) and is never exported.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .operand_min = 1,
    .operand_max = 2,
    .run = run,
};
