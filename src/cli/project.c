/* `sekisho project`: lists, makes, renames, deletes projects, and makes a project's index again.
 *
 * What changes a project takes its lock first, so it fails at once while a proxy records there.  A project is deleted
 * by giving its folder a name that no project has, and then emptying it: one that was half deleted is never seen.
 */
#include <stdio.h>

#include "base/jsonout.h"
#include "base/log.h"
#include "cli/removal.h"
#include "cli/say.h"
#include "cli/search.h"
#include "os/file.h"
#include "os/process.h"
#include "store/recorder.h"

#define PATH_BYTES 4096
#define DEPTH_MAX 3
#define RECORDER_CLOSE_MS 60000

struct action {
    const struct cli_env *env;
    const struct cli_args *args;
    char folder[PATH_BYTES]; /* DIR/projects */
};

static bool join(char path[PATH_BYTES], const char *folder, const char *name)
{
    int len = snprintf(path, PATH_BYTES, "%s/%s", folder, name);

    return len > 0 && len < PATH_BYTES;
}

static int tell(const char *name, struct err err)
{
    char safe[200];

    log_safe(str_from(name), safe, sizeof(safe));
    if (err.code == ERR_SYNTAX)
        cli_say_error("project: '%s' cannot be a name: letters, digits, '.', '_' and '-', at most %d", safe,
                      STORE_PROJECT_NAME_MAX);
    else if (err.code == ERR_ABSENT)
        cli_say_error("project: there is no '%s'; `sekisho project list` shows what there is", safe);
    else if (err.code == ERR_BUSY)
        cli_say_error("project: '%s' is in use by a running sekisho; end it first", safe);
    else
        cli_say_error("project '%s': %s (%s)", safe, err.what ? err.what : "", err_name(err.code));
    return err.code == ERR_SYNTAX ? CLI_USAGE : CLI_FAILED;
}

/* ---- list ---- */

struct sum {
    const char *folder;
    uint64_t bytes;
};

static bool on_capture_file(void *owner, const char *name)
{
    struct sum *sum = owner;
    struct os_file *file;
    char path[PATH_BYTES];
    uint64_t len;

    if (join(path, sum->folder, name) && !err_is(os_file_open(path, OS_FILE_READ, &file))) {
        if (!err_is(os_file_len(file, &len)))
            sum->bytes += len;
        os_file_close(&file);
    }
    return true;
}

static uint64_t capture_bytes(const char *folder, const char *name)
{
    char project[PATH_BYTES], capture[PATH_BYTES];
    struct sum sum = {.folder = capture};

    if (join(project, folder, name) && join(capture, project, "capture"))
        IGNORE(os_file_list(capture, on_capture_file, &sum)); /* a project without captures has 0 bytes */
    return sum.bytes;
}

static bool on_project(void *owner, const char *name)
{
    const struct action *action = owner;
    uint64_t bytes = capture_bytes(action->folder, name);
    bool is_current = strcmp(name, action->env->project) == 0;
    char line[400];

    /* A valid name needs no escaping in JSON. */
    snprintf(line, sizeof(line),
             action->env->is_json ? "{\"name\":\"%s\",\"current\":%s,\"capture_bytes\":%llu}" : "%s%s\t%llu", name,
             action->env->is_json ? (is_current ? "true" : "false") : (is_current ? " *" : ""),
             (unsigned long long)bytes);
    puts(line);
    return true;
}

static int list(struct action *action)
{
    struct err err = store_project_list(action->folder, on_project, action);

    return err_is(err) ? tell(action->folder, err) : CLI_DONE;
}

/* ---- Locks ---- */

/* Whether there is a project of that name; said when not. */
static int find(const struct action *action, const char *name, char path[PATH_BYTES])
{
    if (!store_project_name_is_valid(str_from(name)))
        return tell(name, ERR(ERR_SYNTAX, 0, NULL));
    if (!join(path, action->folder, name))
        return tell(name, ERR(ERR_LIMIT, 0, "the path is too long"));
    return os_file_exists(path) ? CLI_DONE : tell(name, ERR(ERR_ABSENT, 0, NULL));
}

/* Takes the lock of a project without opening it. */
static struct err lock(const char *project, struct os_file **ret_lock)
{
    char path[PATH_BYTES];
    struct os_file *file;
    struct err err;

    if (!join(path, project, "lock"))
        return ERR(ERR_LIMIT, 0, "the path is too long");
    TRY(os_file_open(path, OS_FILE_APPEND, &file));
    err = os_file_lock(file);
    if (err_is(err))
        os_file_close(&file);
    else
        *ret_lock = file;
    return err;
}

/* ---- new, rename ---- */

static int create(struct action *action)
{
    const char *name = action->args->operands[1];
    struct store_project *project;
    char path[PATH_BYTES];
    struct err err;

    if (store_project_name_is_valid(str_from(name)) && join(path, action->folder, name) && os_file_exists(path)) {
        cli_say_error("project: there is a '%s' already", name);
        return CLI_FAILED;
    }
    err = store_project_open(action->folder, str_from(name), STORE_PROJECT_WRITE, &project);
    if (err_is(err))
        return tell(name, err);
    store_project_close(&project);
    cli_say("project %s is there; record to it with `sekisho --project %s`", name, name);
    return CLI_DONE;
}

static int rename_project(struct action *action)
{
    const char *from = action->args->operands[1], *to = action->args->operands[2];
    char from_path[PATH_BYTES], to_path[PATH_BYTES];
    struct os_file *held;
    struct err err;
    int status = find(action, from, from_path);

    if (status != CLI_DONE)
        return status;
    if (!store_project_name_is_valid(str_from(to)) || !join(to_path, action->folder, to))
        return tell(to, ERR(ERR_SYNTAX, 0, NULL));
    if (os_file_exists(to_path)) {
        cli_say_error("project: there is a '%s' already", to);
        return CLI_FAILED;
    }
    err = lock(from_path, &held);
    if (err_is(err))
        return tell(from, err);
    err = os_file_rename(from_path, to_path);
    os_file_close(&held);
    return err_is(err) ? tell(from, err) : CLI_DONE;
}

/* ---- delete ---- */

static int delete_project(struct action *action)
{
    const char *name = action->args->operands[1];
    char path[PATH_BYTES], hidden_name[160], hidden[PATH_BYTES];
    struct os_file *held;
    struct err err;
    int status = find(action, name, path);

    if (status != CLI_DONE)
        return status;
    if (!cli_args_has(action->args, "yes")) {
        cli_say_error("project delete: this removes all that was recorded in '%s' (%llu bytes); add --yes", name,
                      (unsigned long long)capture_bytes(action->folder, name));
        return CLI_USAGE;
    }
    err = lock(path, &held);
    if (err_is(err))
        return tell(name, err);
    snprintf(hidden_name, sizeof(hidden_name), ".deleted-%s-%d", name, os_process_id());
    err = join(hidden, action->folder, hidden_name) ? os_file_rename(path, hidden)
                                                    : ERR(ERR_LIMIT, 0, "the path is too long");
    os_file_close(&held);
    if (!err_is(err))
        err = cli_removal_tree(hidden, DEPTH_MAX);
    return err_is(err) ? tell(name, err) : CLI_DONE;
}

/* ---- reindex ---- */

static bool on_progress(void *owner, uint64_t done_bytes, uint64_t total_bytes)
{
    if (*(const bool *)owner)
        fprintf(stderr, "\rreading the capture: %3u %%",
                total_bytes ? (unsigned)(done_bytes * 100 / total_bytes) : 100);
    return true;
}

static struct err remove_index(const struct store_project *project)
{
    static const char *const names[] = {"index.db", "index.db-wal", "index.db-shm"};
    char path[PATH_BYTES];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct err err;

        if (!join(path, store_project_folder(project), names[i]))
            return ERR(ERR_LIMIT, 0, "the path is too long");
        err = os_file_remove(path);
        if (err_is(err) && err.code != ERR_ABSENT)
            return err;
    }
    return OK;
}

static int reindex(struct action *action)
{
    const char *name = action->args->operand_count > 1 ? action->args->operands[1] : action->env->project;
    bool shows_progress = cli_say_is_terminal(2);
    struct store_recorder_options options = {.on_progress = on_progress, .owner = &shows_progress};
    struct store_project *project;
    struct store_recorder *recorder;
    char path[PATH_BYTES];
    struct err err;
    int status = find(action, name, path);

    if (status != CLI_DONE)
        return status;
    err = store_project_open(action->folder, str_from(name), STORE_PROJECT_WRITE, &project);
    if (err_is(err))
        return tell(name, err);
    err = remove_index(project);
    if (!err_is(err))
        err = store_recorder_open(project, &options, &recorder);
    if (!err_is(err))
        err = store_recorder_close(&recorder, RECORDER_CLOSE_MS);
    if (shows_progress)
        fputc('\n', stderr);
    store_project_close(&project);
    return err_is(err) ? tell(name, err) : CLI_DONE;
}

/* ---- The command ---- */

static const struct verb {
    const char *name;
    size_t operand_min, operand_max; /* the verb counted */
    int (*run)(struct action *action);
} verbs[] = {
    {"list", 1, 1, list},
    {"new", 2, 2, create},
    {"delete", 2, 2, delete_project},
    {"rename", 3, 3, rename_project},
    {"reindex", 1, 2, reindex},
};

static int run(const struct cli_env *env, const struct cli_args *args)
{
    struct action action = {.env = env, .args = args};
    int status;

    if (!cli_search_projects_folder(env, action.folder, sizeof(action.folder)))
        return CLI_FAILED;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(args->operands[0], verbs[i].name) != 0)
            continue;
        if (args->operand_count < verbs[i].operand_min || args->operand_count > verbs[i].operand_max)
            break;
        status = verbs[i].run(&action);
        return cli_say_finish() == CLI_DONE ? status : CLI_FAILED;
    }
    cli_say_error("usage: sekisho project %s", cli_project.usage);
    return CLI_USAGE;
}

static const struct cli_option options[] = {
    {"yes", NULL, "delete without asking", NULL, NULL},
};

const struct cli_command cli_project = {
    .name = "project",
    .summary = "List, make, rename, delete projects; make an index again",
    .usage = "list | new NAME | rename OLD NEW | delete NAME | reindex [NAME]",
    .about = "The list shows a name and the bytes of its captures; * marks the one that --project names.\n"
             "The index is a view of the captures: reindex removes it and makes it again, to the same answers.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .operand_min = 1,
    .operand_max = 3,
    .run = run,
};
