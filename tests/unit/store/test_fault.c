/* Disks that are full, read-only, broken or hang, at every write.
 *
 * The system's calls that write are replaced in this program, for SQLite too: the N-th write below the test's folder,
 * and every one after it until the fault is taken away, fails or waits.  Whatever happens: the port never blocks, what
 * is recorded is right, what is missing is counted in gap records, and recording goes on when the fault is gone.
 */
#include "kit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define HANG (-1)
#define HALF (-2) /* half of it is written, then the disk is full */

static struct {
    _Atomic bool is_armed;
    _Atomic long countdown; /* writes that still succeed */
    _Atomic int fault;      /* an errno, HANG or HALF */
    _Atomic long hit_count;
    char part[64]; /* of the path; set while not armed */
} disk;

static bool is_hit(int fd)
{
    char link[64], path[512];
    ssize_t len;

    if (!atomic_load(&disk.is_armed))
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return false;
    path[len] = '\0';
    if (!strstr(path, "sekisho-store-") || !strstr(path, disk.part))
        return false;
    if (atomic_fetch_sub(&disk.countdown, 1) > 0)
        return false;
    atomic_fetch_add(&disk.hit_count, 1);
    return true;
}

/* True: the call fails with errno. */
static bool fails(int fd)
{
    if (!is_hit(fd))
        return false;
    while (atomic_load(&disk.is_armed) && atomic_load(&disk.fault) == HANG)
        usleep(1000);
    if (!atomic_load(&disk.is_armed))
        return false;
    errno = atomic_load(&disk.fault) > 0 ? atomic_load(&disk.fault) : ENOSPC;
    return true;
}

#define REAL(name) ((name##_fn)dlsym(RTLD_NEXT, #name))

typedef ssize_t (*writev_fn)(int, const struct iovec *, int);
typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite64_fn)(int, const void *, size_t, off64_t);
typedef int (*fsync_fn)(int);
typedef int (*fdatasync_fn)(int);
typedef int (*ftruncate64_fn)(int, off64_t);

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!fails(fd))
        return REAL(writev)(fd, parts, count);
    if (atomic_load(&disk.fault) == HALF && count > 0 && parts[0].iov_len > 1)
        return REAL(write)(fd, parts[0].iov_base, parts[0].iov_len / 2);
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t len) { return fails(fd) ? -1 : REAL(write)(fd, bytes, len); }

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    return fails(fd) ? -1 : REAL(pwrite64)(fd, bytes, len, offset);
}

int fsync(int fd) { return fails(fd) ? -1 : REAL(fsync)(fd); }

int fdatasync(int fd) { return fails(fd) ? -1 : REAL(fdatasync)(fd); }

int ftruncate64(int fd, off64_t len) { return fails(fd) ? -1 : REAL(ftruncate64)(fd, len); }

static void arm(const char *part, int fault, long after)
{
    snprintf(disk.part, sizeof(disk.part), "%s", part);
    atomic_store(&disk.fault, fault);
    atomic_store(&disk.countdown, after);
    atomic_store(&disk.hit_count, 0);
    atomic_store(&disk.is_armed, true);
}

static void disarm(void) { atomic_store(&disk.is_armed, false); }

/* Small rings and a short patience, so that gaps come soon. */
static const struct store_recorder_options impatient = {.ring_bytes = 65536, .gap_after_ms = 20};

#define DURING 60u
#define DURING_LIMIT 200u
#define AFTER 10u

/* An exchange at the pace the port allows; the loop turns while it waits. */
static void play_patiently(struct kit *kit, struct kit_plan plan)
{
    struct kit_random random = kit_random(plan.id);
    struct kit_exchange going;

    kit_begin(kit, &going, plan);
    while (!going.is_done) {
        while (!kit->observers[0]->ops->has_room(kit->observers[0]))
            kit_turn(kit);
        kit_step(&going, &random, 8000);
    }
}

/* Until everything is written, however long the recorder takes to find that the disk is well again. */
static void wait_until_well(struct kit *kit)
{
    struct store_recorder_status status;

    do {
        usleep(2000);
        kit_turn(kit);
        store_recorder_status(kit->recorder, &status);
    } while (status.alarm[0] || status.gap_since_us || err_is(store_recorder_flush(kit->recorder, 1000)));
}

static uint64_t ask_index(const struct kit *kit, const char *sql)
{
    char path[400];
    sqlite3 *database;
    sqlite3_stmt *statement;
    uint64_t number;

    snprintf(path, sizeof(path), "%s/test/index.db", kit->folder);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    number = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

/* Every exchange is there and right, or there with the flag, or counted as lost. */
static void check_honest(struct kit *kit, uint64_t last_unsafe)
{
    struct store_reader *reader;
    uint64_t last = store_recorder_next_id(kit->recorder) - 1, missing = 0;
    struct arena arena;
    char path[300];

    kit_project_path(kit, path);
    must(store_reader_open(path, false, &reader));
    arena_init(&arena, 1 << 24);
    for (uint64_t id = 1; id <= last; id++) {
        struct kit_plan plan = kit_plan(id, 6000);
        struct store_reader_item item;
        struct err err = store_reader_get(reader, id, &arena, &item);

        if (err.code == ERR_ABSENT) {
            assert_true(id <= last_unsafe);
            missing++;
            continue;
        }
        must(err);
        if (str_find(item.facts.flags, STR("gap")) != STR_ABSENT)
            assert_true(id <= last_unsafe);
        else
            kit_check(reader, &plan);
    }
    arena_deinit(&arena);
    store_reader_close(&reader);
    assert_int_equal(missing, ask_index(kit, "SELECT coalesce(sum(exchanges), 0) FROM gap"));
}

static void survive(const char *part, int fault, long after)
{
    uint64_t last_unsafe;
    struct kit kit;

    kit_open(&kit, &impatient);
    arm(part, fault, after);
    for (unsigned i = 0; i < DURING; i++)
        play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
    disarm();
    wait_until_well(&kit);
    last_unsafe = DURING;
    for (unsigned i = 0; i < AFTER; i++)
        play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
    must(store_recorder_flush(kit.recorder, 20000));
    check_honest(&kit, last_unsafe);
    kit_close(&kit);
}

static void survive_at_every_write(const char *part, int fault, long last)
{
    for (long after = 0; after <= last; after++)
        survive(part, fault, after);
}

static void a_full_disk_at_every_write(void **state)
{
    (void)state;
    survive_at_every_write("", ENOSPC, 15);
}

static void half_a_write_and_a_full_disk(void **state)
{
    (void)state;
    survive_at_every_write("/capture/", HALF, 5);
}

static void other_errors_at_some_writes(void **state)
{
    static const int errors[] = {EIO, EROFS, EDQUOT, EFBIG};

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        survive("", errors[i], 0);
        survive("/capture/", errors[i], 2);
        survive("index.db", errors[i], 1);
    }
}

static void a_hanging_disk_at_some_writes(void **state)
{
    (void)state;
    survive_at_every_write("", HANG, 4);
    survive("/capture/", HANG, 1);
    survive("index.db", HANG, 2);
}

/* Of the index alone: nothing is lost, the rows come later from the capture. */
static void an_index_that_cannot_be_written_costs_nothing(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    arm("index.db", ENOSPC, 0);
    for (unsigned i = 0; i < 300; i++)
        play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
    disarm();
    wait_until_well(&kit);
    check_honest(&kit, 0);
    assert_int_equal(ask_index(&kit, "SELECT count(*) FROM exchange"), 300);
    kit_close(&kit);
}

static void the_alarm_says_what_is_wrong(void **state)
{
    struct store_recorder_status status;
    struct kit kit;

    (void)state;
    kit_open(&kit, &impatient);
    arm("/capture/", ENOSPC, 0);
    play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 100));
    do {
        usleep(1000);
        store_recorder_status(kit.recorder, &status);
    } while (!status.alarm[0]);
    assert_non_null(strstr(status.alarm, "no space"));
    disarm();
    wait_until_well(&kit);
    arm("/capture/", HANG, 0);
    play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 100));
    do {
        usleep(1000);
        store_recorder_status(kit.recorder, &status);
    } while (!status.alarm[0]);
    assert_non_null(strstr(status.alarm, "does not answer"));
    disarm();
    wait_until_well(&kit);
    kit_close(&kit);
}

/* Opening on a bad disk is an error with a reason, and the next opening works. */
static void opening_on_a_bad_disk_fails_cleanly(void **state)
{
    char folder[256];

    (void)state;
    kit_folder(folder);
    for (long after = 0; after < 40; after++) {
        struct store_project *project = NULL;
        struct store_recorder *recorder = NULL;
        struct err err;

        arm("", after % 2 ? EIO : ENOSPC, after);
        err = store_project_open(folder, STR("test"), STORE_PROJECT_WRITE, &project);
        if (!err_is(err))
            err = store_recorder_open(project, NULL, &recorder);
        disarm();
        if (err_is(err))
            assert_non_null(err.what);
        must(store_recorder_close(&recorder, 20000));
        store_project_close(&project);
    }
    {
        struct kit kit = {.loop = NULL};

        snprintf(kit.folder, sizeof(kit.folder), "%s", folder);
        kit_open_in(&kit, NULL);
        kit_play(&kit, kit_plan(store_recorder_next_id(kit.recorder), 100));
        must(store_recorder_flush(kit.recorder, 10000));
        kit_close(&kit);
    }
}

static void closing_on_a_full_disk_ends_in_time_and_says_so(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, &impatient);
    arm("", ENOSPC, 0);
    kit_play(&kit, kit_plan(store_recorder_next_id(kit.recorder), 100));
    store_recorder_port_close(&kit.port);
    kit_turn(&kit);
    assert_int_equal(store_recorder_close(&kit.recorder, 50).code, ERR_TIMEOUT);
    disarm();
    store_project_close(&kit.project);
    os_loop_free(&kit.loop);
    kit_remove(kit.folder);
}

/* The real thing, where a file system may be mounted. */
static void a_disk_that_is_really_full(void **state)
{
    struct kit kit = {.loop = NULL};
    char ballast[300];
    uint64_t last_unsafe;
    int fd;

    (void)state;
    kit_folder(kit.folder);
    if (mount("sekisho-test", kit.folder, "tmpfs", 0, "size=4m,mode=0700")) {
        kit_remove(kit.folder);
        skip();
    }
    kit_open_in(&kit, &impatient);
    snprintf(ballast, sizeof(ballast), "%s/ballast", kit.folder);
    fd = open(ballast, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    while (write(fd, kit.folder, sizeof(kit.folder)) > 0)
        continue;
    close(fd);
    for (unsigned i = 0; i < DURING; i++)
        play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
    assert_int_equal(unlink(ballast), 0);
    wait_until_well(&kit);
    last_unsafe = DURING;
    for (unsigned i = 0; i < AFTER; i++)
        play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
    must(store_recorder_flush(kit.recorder, 20000));
    check_honest(&kit, last_unsafe);
    kit_close_recorder(&kit);
    assert_int_equal(umount(kit.folder), 0);
    kit_remove(kit.folder);
}

/* SIGXFSZ must not end the program: a limit for files is a full disk. */
static void a_limit_for_the_size_of_files(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit = {.rlim_cur = 400000, .rlim_max = RLIM_INFINITY};
        uint64_t last_unsafe;
        struct kit kit;

        kit_open(&kit, &impatient);
        setrlimit(RLIMIT_FSIZE, &limit);
        for (unsigned i = 0; i < DURING_LIMIT; i++)
            play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        wait_until_well(&kit);
        last_unsafe = DURING_LIMIT;
        play_patiently(&kit, kit_plan(store_recorder_next_id(kit.recorder), 6000));
        must(store_recorder_flush(kit.recorder, 20000));
        check_honest(&kit, last_unsafe);
        kit_close(&kit);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_at_every_write),
        cmocka_unit_test(half_a_write_and_a_full_disk),
        cmocka_unit_test(other_errors_at_some_writes),
        cmocka_unit_test(a_hanging_disk_at_some_writes),
        cmocka_unit_test(an_index_that_cannot_be_written_costs_nothing),
        cmocka_unit_test(the_alarm_says_what_is_wrong),
        cmocka_unit_test(opening_on_a_bad_disk_fails_cleanly),
        cmocka_unit_test(closing_on_a_full_disk_ends_in_time_and_says_so),
        cmocka_unit_test(a_disk_that_is_really_full),
        cmocka_unit_test(a_limit_for_the_size_of_files),
    };

    log_set_level((enum log_level) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
