#include "os/process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "os/error.h"
#include "os/platform.h"

#define STATUS_NOT_STARTED 127

extern char **environ;

uint64_t os_process_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};

        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur;
}

void os_process_forbid_dump(void)
{
    struct rlimit none = {0};

    setrlimit(RLIMIT_CORE, &none);
    os_platform_forbid_dump();
}

/* What this process ignores or blocks must not follow into the child. */
static int spawn(const char *const *argv, pid_t *ret_id)
{
    static const int defaults[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM};
    posix_spawnattr_t attributes;
    sigset_t set;
    int number = posix_spawnattr_init(&attributes);

    if (number)
        return number;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        sigaddset(&set, defaults[i]);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    number = posix_spawnp(ret_id, argv[0], NULL, &attributes, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attributes);
    return number;
}

struct err os_process_spawn(const char *const *argv, int *ret_id)
{
    pid_t id;
    int number = spawn(argv, &id);

    if (number)
        return os_error_of_file(number);
    *ret_id = id;
    return OK;
}

int os_process_run(const char *const *argv)
{
    int status;
    pid_t id;

    if (spawn(argv, &id))
        return STATUS_NOT_STARTED;
    while (waitpid(id, &status, 0) < 0) {
        if (errno != EINTR)
            return STATUS_NOT_STARTED;
    }
    /* As shells do. */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool os_process_is_running(int id)
{
    int status;

    /* Also takes the child off the system's list once it has ended. */
    return waitpid(id, &status, WNOHANG) == 0;
}

bool os_process_exists(int id) { return id > 0 && (kill(id, 0) == 0 || errno == EPERM); }

void os_process_stop(int id)
{
    if (id > 0)
        kill(id, SIGTERM);
}

static bool is_program(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

struct err os_process_find(const char *name, char *path, size_t size)
{
    struct str folders = str_from(getenv("PATH"));
    char tried[PATH_MAX];
    struct str folder;

    if (name[0] == '\0' || strchr(name, '/'))
        return ERR(ERR_ABSENT, 0, "not the name of a program");
    while (folders.len) {
        int len;

        str_cut(folders, ':', &folder, &folders);
        len = snprintf(tried, sizeof(tried), "%.*s/%s", STR_ARG(folder), name);
        /* Relative parts of PATH would find what a project's folder holds. */
        if (folder.len == 0 || folder.ptr[0] != '/' || len < 0 || (size_t)len >= sizeof(tried) || !is_program(tried))
            continue;
        return str_to_c(str_from(tried), path, size) ? OK : ERR(ERR_LIMIT, 0, "the path is too long");
    }
    return ERR(ERR_ABSENT, 0, "no such program in PATH");
}

const char *os_process_env(const char *name) { return getenv(name); }

bool os_process_is_terminal(int fd) { return isatty(fd) == 1; }

int os_process_id(void) { return getpid(); }
