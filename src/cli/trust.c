/* `sekisho trust`: an origin's certificate is accepted in this project although it does not verify.
 *
 * The running program connects and takes the certificate that is shown now.  Without one there is nobody to connect, so
 * whatever host:port will show is accepted, and the command says so.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/jsonout.h"
#include "base/log.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/instance.h"
#include "cli/say.h"
#include "cli/search.h"
#include "http/target.h"

#define HOST_BYTES 256
#define PATH_BYTES 4096
#define TIMEOUT_MS 60000

struct place {
    char host[HOST_BYTES]; /* lower-case */
    uint16_t port;
};

static bool read_place(const char *text, struct place *place)
{
    struct http_authority authority;
    size_t colons = 0;
    char safe[120];

    for (const char *c = text; *c; c++)
        colons += *c == ':';
    /* An IPv6 address without brackets can only be the host alone. */
    if (colons > 1 && text[0] != '[')
        authority = (struct http_authority){.host = str_from(text)};
    else if (err_is(http_target_parse_authority(str_from(text), &authority)) || authority.userinfo.len)
        authority.host.len = 0;
    if (authority.host.len == 0 || !str_to_c(authority.host, place->host, sizeof(place->host))) {
        cli_say_error("trust: '%s' is not HOST or HOST:PORT, such as example.com:8443",
                      log_safe(str_from(text), safe, sizeof(safe)));
        return false;
    }
    for (char *c = place->host; *c; c++)
        *c = str_fold_char(*c);
    place->port = authority.port ? authority.port : 443;
    return true;
}

/* ---- Through the running program ---- */

static int post(const struct cli_instance *instance, const char *token, const struct place *place)
{
    struct cli_client_request request = {
        cli_instance_reachable(&instance->admin), "POST", "/api/v1/trust", token, STR_NONE, TIMEOUT_MS};
    struct buf body, answer;
    struct jsonout out;
    unsigned http_status = 0;
    struct err err;
    int status;

    buf_init(&body, 4096);
    buf_init(&answer, CLI_CLIENT_ANSWER_MAX);
    jsonout_init(&out, &body);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("host"), str_from(place->host));
    jsonout_uint(&out, STR("port"), place->port);
    jsonout_object_close(&out);
    request.body = buf_str(&body);
    err = cli_client_call(&request, &answer, &http_status);
    status = cli_answer_check("trust", err, http_status, buf_str(&answer));
    if (status == CLI_DONE)
        cli_say("%s:%u: the certificate that it shows now is accepted in project %s", place->host, place->port,
                instance->project);
    buf_deinit(&answer);
    buf_deinit(&body);
    return status;
}

static int trust_through(const struct cli_env *env, const struct cli_instance *instance, const struct place *place)
{
    char token[CLI_INSTANCE_TOKEN_BYTES];
    struct err err = cli_instance_token(env->dir, token);

    if (!err_is(err))
        return post(instance, token, place);
    cli_say_error("trust: %s/admin.token: %s (%s)", env->dir, err.what ? err.what : "cannot be read",
                  err_name(err.code));
    return CLI_FAILED;
}

/* ---- In the project itself ---- */

static int tell(const struct cli_env *env, const struct place *place, struct err err)
{
    if (err.code == ERR_BUSY)
        cli_say_error("trust: project '%s' is open in a running sekisho that does not answer; end it first",
                      env->project);
    else if (err.code == ERR_ABSENT && place)
        cli_say_error("trust: nothing was accepted for %s:%u", place->host, place->port);
    else
        cli_say_error("trust: project '%s': %s (%s)", env->project, err.what ? err.what : "", err_name(err.code));
    return CLI_FAILED;
}

static int change(const struct cli_env *env, const struct place *place, bool removes)
{
    struct store_project *project;
    char folder[PATH_BYTES];
    struct err err;

    if (!cli_search_projects_folder(env, folder, sizeof(folder)))
        return CLI_FAILED;
    err = store_project_open(folder, str_from(env->project), STORE_PROJECT_WRITE, &project);
    if (err_is(err))
        return tell(env, NULL, err);
    err = removes ? store_project_trust_remove(project, str_from(place->host), place->port)
                  : store_project_trust_set(project, str_from(place->host), place->port, STR("any"));
    store_project_close(&project);
    if (err_is(err))
        return tell(env, place, err);
    if (removes)
        cli_say("%s:%u: its certificate must verify again in project %s", place->host, place->port, env->project);
    else
        cli_say("%s:%u: whatever certificate it shows is accepted in project %s (no sekisho runs that could look "
                "at it now)",
                place->host, place->port, env->project);
    return CLI_DONE;
}

static bool on_trust(void *owner, const struct store_project_trust *trust)
{
    const struct cli_env *env = owner;
    struct jsonout out;
    struct buf line;
    char host[HOST_BYTES * 4];

    if (!env->is_json) {
        printf("%s:%u\t%s\n", log_safe(trust->host, host, sizeof(host)), trust->port, trust->sha256);
        return true;
    }
    buf_init(&line, 4096);
    jsonout_init(&out, &line);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("host"), trust->host);
    jsonout_uint(&out, STR("port"), trust->port);
    jsonout_text(&out, STR("sha256"), str_from(trust->sha256));
    jsonout_time(&out, STR("at"), trust->at_us);
    jsonout_object_close(&out);
    printf("%.*s\n", STR_ARG(buf_str(&line)));
    buf_deinit(&line);
    return true;
}

static int list(const struct cli_env *env)
{
    struct store_project *project;
    char folder[PATH_BYTES];
    struct cli_env copy = *env;
    struct err err;

    if (!cli_search_projects_folder(env, folder, sizeof(folder)))
        return CLI_FAILED;
    err = store_project_open(folder, str_from(env->project), STORE_PROJECT_READ, &project);
    if (!err_is(err)) {
        err = store_project_trust_list(project, on_trust, &copy);
        store_project_close(&project);
    }
    return err_is(err) ? tell(env, NULL, err) : cli_say_finish();
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    struct cli_instance instance;
    struct place place;
    bool removes = cli_args_has(args, "remove"), is_running;

    if (cli_args_has(args, "list"))
        return list(env);
    if (args->operand_count == 0) {
        cli_say_error("usage: sekisho trust HOST[:PORT] or sekisho trust --list");
        return CLI_USAGE;
    }
    if (!read_place(args->operands[0], &place))
        return CLI_USAGE;
    is_running = !err_is(cli_instance_read(env->dir, &instance)) && strcmp(instance.project, env->project) == 0;
    if (!is_running)
        return change(env, &place, removes);
    if (!removes)
        return trust_through(env, &instance, &place);
    cli_say_error("trust: --remove needs the project for itself; end the running sekisho first");
    return CLI_FAILED;
}

static const struct cli_option options[] = {
    {"list", NULL, "show what is accepted in this project", NULL, NULL},
    {"remove", NULL, "take it back", NULL, NULL},
};

const struct cli_command cli_trust = {
    .name = "trust",
    .summary = "Accept an origin's certificate in this project",
    .usage = "HOST[:PORT]",
    .about = "The running proxy connects to it and accepts the certificate that it shows now, and no other. When none\n"
             "runs, whatever certificate it will show is accepted.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .operand_max = 1,
    .run = run,
};
