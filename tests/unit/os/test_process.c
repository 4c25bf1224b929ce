/* Covers os/process: children without a shell, programs in PATH, limits and dumps. */
#include "looping.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "os/process.h"

static void a_program_runs_to_its_end_and_tells_its_status(void **state)
{
    const char *const yes[] = {"true", NULL};
    const char *const no[] = {"false", NULL};
    const char *const seven[] = {"sh", "-c", "exit 7", NULL};
    const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
    const char *const absent[] = {"/no/such/program", NULL};

    (void)state;
    assert_int_equal(os_process_run(yes), 0);
    assert_int_equal(os_process_run(no), 1);
    assert_int_equal(os_process_run(seven), 7);
    assert_int_equal(os_process_run(killed), 128 + SIGKILL);
    assert_int_equal(os_process_run(absent), 127);
}

static void arguments_reach_the_program_as_they_are(void **state)
{
    const char *const argv[] = {
        "sh", "-c", "test \"$1\" = '$(id) `id` ; \"x\"' && test $# = 1", "sh", "$(id) `id` ; \"x\"", NULL};

    (void)state;
    assert_int_equal(os_process_run(argv), 0);
}

static void a_child_runs_until_it_is_asked_to_end(void **state)
{
    const char *const argv[] = {"sleep", "1000", NULL};
    const char *const absent[] = {"no-such-program-anywhere", NULL};
    int id = 0;

    (void)state;
    assert_err(os_process_spawn(absent, &id), ERR_ABSENT);
    assert_int_equal(id, 0);
    assert_ok(os_process_spawn(argv, &id));
    assert_true(os_process_is_running(id));
    os_process_stop(id);
    while (os_process_is_running(id))
        usleep(1000);
    assert_false(os_process_is_running(id));
}

static void a_child_does_not_inherit_ignored_or_blocked_signals(void **state)
{
    /* Bits 12 and 24 are SIGPIPE and SIGXFSZ; others may be ignored by whoever runs the tests. */
    const char *const argv[] = {"sh", "-c",
                                "ignored=$(grep ^SigIgn: /proc/self/status | cut -f 2) && "
                                "blocked=$(grep ^SigBlk: /proc/self/status | cut -f 2) && "
                                "test $((0x$ignored & (1 << 12 | 1 << 24))) = 0 && test $((0x$blocked)) = 0",
                                NULL};
    sigset_t all, before;
    int status;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = os_process_run(argv);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(status, 0);
}

static void programs_are_found_in_absolute_parts_of_the_path_only(void **state)
{
    char *before = strdup(getenv("PATH"));
    char path[PATH_MAX] = "untouched";
    char folder[] = "/tmp/test_process.XXXXXX";
    char file[64];

    (void)state;
    assert_ok(os_process_find("sh", path, sizeof(path)));
    assert_int_equal(path[0], '/');
    assert_int_equal(access(path, X_OK), 0);
    assert_err(os_process_find("sh", path, 3), ERR_LIMIT);
    assert_err(os_process_find("no-such-program-anywhere", path, sizeof(path)), ERR_ABSENT);
    assert_err(os_process_find("", path, sizeof(path)), ERR_ABSENT);
    assert_err(os_process_find("../bin/sh", path, sizeof(path)), ERR_ABSENT);
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/tool", folder);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    setenv("PATH", folder, 1);
    assert_err(os_process_find("tool", path, sizeof(path)), ERR_ABSENT);
    chmod(file, 0700);
    assert_ok(os_process_find("tool", path, sizeof(path)));
    assert_string_equal(path, file);
    assert_int_equal(chdir(folder), 0);
    setenv("PATH", ":.:relative", 1);
    assert_err(os_process_find("tool", path, sizeof(path)), ERR_ABSENT);
    assert_int_equal(chdir("/"), 0);
    setenv("PATH", before, 1);
    unlink(file);
    rmdir(folder);
    free(before);
}

/* In a child, since both are of the process and for good. */
static void limit_and_forbid(void)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 50;
    limit.rlim_max = 100;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(os_process_raise_file_limit() == 100);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 100);
    CHECK(os_process_raise_file_limit() == 100);
    os_process_forbid_dump();
    CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0);
    _exit(0);
}

static void the_file_limit_rises_and_dumps_are_forbidden(void **state)
{
    pid_t id = fork();
    int status;

    (void)state;
    if (id == 0)
        limit_and_forbid();
    assert_int_equal(waitpid(id, &status, 0), id);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void environment_terminal_and_id(void **state)
{
    int fd = open("/dev/null", O_RDONLY);

    (void)state;
    setenv("SEKISHO_TEST_VARIABLE", "value", 1);
    assert_string_equal(os_process_env("SEKISHO_TEST_VARIABLE"), "value");
    unsetenv("SEKISHO_TEST_VARIABLE");
    assert_null(os_process_env("SEKISHO_TEST_VARIABLE"));
    assert_false(os_process_is_terminal(fd));
    assert_int_equal(os_process_id(), getpid());
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_runs_to_its_end_and_tells_its_status),
        cmocka_unit_test(arguments_reach_the_program_as_they_are),
        cmocka_unit_test(a_child_runs_until_it_is_asked_to_end),
        cmocka_unit_test(a_child_does_not_inherit_ignored_or_blocked_signals),
        cmocka_unit_test(programs_are_found_in_absolute_parts_of_the_path_only),
        cmocka_unit_test(the_file_limit_rises_and_dumps_are_forbidden),
        cmocka_unit_test(environment_terminal_and_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
