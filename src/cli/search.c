#include "cli/search.h"

#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "cli/say.h"
#include "os/clock.h"
#include "os/file.h"

#define PATH_BYTES 4096

bool cli_search_projects_folder(const struct cli_env *env, char *path, size_t size)
{
    int len = snprintf(path, size, "%s/projects", env->dir);

    if (len > 0 && (size_t)len < size)
        return true;
    cli_say_error("the path of --dir is too long");
    return false;
}

static int tell_open(const struct cli_env *env, const char *folder, struct err err)
{
    char name[80];

    log_safe(str_from(env->project), name, sizeof(name));
    if (err.code == ERR_SYNTAX) {
        cli_say_error("'%s' cannot be a project's name: letters, digits, '.', '_' and '-', at most %d", name,
                      STORE_PROJECT_NAME_MAX);
        return CLI_USAGE;
    }
    if (err.code == ERR_ABSENT && !os_file_exists(folder))
        cli_say_error("nothing has been recorded in %s yet; start the proxy with `sekisho`", env->dir);
    else if (err.code == ERR_ABSENT)
        cli_say_error("there is no project '%s' in %s; `sekisho project list` shows what there is", name, env->dir);
    else
        cli_say_error("project '%s' cannot be opened: %s (%s)", name, err.what ? err.what : "", err_name(err.code));
    return CLI_FAILED;
}

int cli_search_failed(const struct cli_env *env, struct err err)
{
    char name[80];

    log_safe(str_from(env->project), name, sizeof(name));
    if (err.code == ERR_DAMAGED)
        cli_say_error("project '%s': %s; `sekisho project reindex %s` makes the index again", name, err.what, name);
    else
        cli_say_error("project '%s' cannot be read: %s (%s)", name, err.what ? err.what : "", err_name(err.code));
    return CLI_FAILED;
}

int cli_search_open(struct cli_search *search, const struct cli_env *env)
{
    char folder[PATH_BYTES];
    struct err err;

    *search = (struct cli_search){0};
    if (!cli_search_projects_folder(env, folder, sizeof(folder)))
        return CLI_FAILED;
    err = store_project_open(folder, str_from(env->project), STORE_PROJECT_READ, &search->project);
    if (err_is(err))
        return tell_open(env, folder, err);
    err = store_reader_open(store_project_folder(search->project), true, &search->reader);
    if (!err_is(err))
        return CLI_DONE;
    store_project_close(&search->project);
    return cli_search_failed(env, err);
}

void cli_search_close(struct cli_search *search)
{
    store_reader_close(&search->reader);
    store_project_close(&search->project);
}

static int32_t utc_offset_s(int64_t now_us)
{
    time_t now = (time_t)(now_us / 1000000);
    struct tm local;

    return localtime_r(&now, &local) ? (int32_t)local.tm_gmtoff : 0;
}

int cli_search_parse(struct str text, struct query_tree **ret_tree)
{
    struct query_parse_options options = {.now_us = os_clock_wall_us()};
    struct query_error error;
    struct err err;
    char message[600], suggestion[300];

    *ret_tree = NULL;
    if (str_trim(text).len == 0)
        return CLI_DONE;
    options.utc_offset_s = utc_offset_s(options.now_us);
    err = query_parse(text, &options, ret_tree, &error);
    if (!err_is(err))
        return CLI_DONE;
    cli_say_error(
        "query, line %u, column %u: %s%s%s%s", error.line, error.column,
        log_safe(str_from(error.message), message, sizeof(message)), error.suggestion[0] ? "; did you mean '" : "",
        log_safe(str_from(error.suggestion), suggestion, sizeof(suggestion)), error.suggestion[0] ? "'?" : "");
    return CLI_USAGE;
}
