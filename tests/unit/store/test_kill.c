/* Killed at any moment: a child records through a real port, the parent kills it and opens what is left.
 *
 * Every exchange that ended long enough before the kill must be there, once, with the right bytes; every row that is
 * there must have the bytes that its facts promise; the strict reader of another hand must accept the capture.
 *
 * The promise is 200 ms, of a recorder that gets a processor and whose disk takes what is written.  A busy machine
 * keeps a thread from its processor for some hundred ms now and then, whatever its priority, so the test asks for what
 * ended 1 s before, in a file system in memory; on a disk only that what is there is whole.
 */
#include "kit.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define MEMORY_ROUNDS 150u
#define DISK_ROUNDS 50u
#define LONG_EVERY 5u
#define FRESH_EVERY 5u   /* runs in one folder */
#define STRICT_EVERY 25u /* runs; the strict reader is slow */
#define SHORT_RUN_US 150000u
#define LONG_RUN_US 1300000u
#define SAFE_US 1000000u
#define AT_ONCE 12u
#define REPORTED_MAX 200000u

/* What the child tells when an exchange has ended. */
struct report {
    uint64_t id;
    uint64_t ended_us;
};

/* The recorder thread of a process, by its name; 0 when there is none. */
static int find_writer(pid_t pid)
{
    char path[300], name[64];
    struct dirent *entry;
    int found = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    folder = opendir(path);
    while (folder && !found && (entry = readdir(folder))) {
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/task/%.20s/comm", (int)pid, entry->d_name);
        file = fopen(path, "r");
        if (file && fgets(name, sizeof(name), file) && strncmp(name, "recorder", 8) == 0)
            found = (int)strtol(entry->d_name, NULL, 10);
        if (file)
            fclose(file);
    }
    if (folder)
        closedir(folder);
    return found;
}

static bool is_safe(const struct report *report, uint64_t killed_us) { return report->ended_us + SAFE_US < killed_us; }

static size_t body_max_of(uint64_t id) { return id % 197 == 0 ? 2500000 : id % 5 == 0 ? 30000 : 2000; }

static void child_run(struct kit *kit, int report_fd)
{
    static struct kit_exchange going[AT_ONCE];
    struct kit_random random = kit_random(os_clock_mono_us());

    /* Where it is allowed: less noise. */
    sched_setscheduler(find_writer(getpid()), SCHED_RR, &(struct sched_param){1});
    for (unsigned i = 0; i < AT_ONCE; i++)
        going[i].is_done = true;
    for (;;) {
        struct kit_exchange *one = &going[kit_next(&random) % AT_ONCE];

        if (one->is_done) {
            uint64_t id = store_recorder_next_id(kit->recorder);

            kit_begin(kit, one, kit_plan(id, body_max_of(id)));
        } else {
            kit_step(one, &random, 20000);
        }
        if (one->is_done) {
            struct report report = {.id = one->plan.id, .ended_us = os_clock_mono_us()};

            if (write(report_fd, &report, sizeof(report)) != (ssize_t)sizeof(report))
                _exit(3);
        }
        if (kit_next(&random) % 8 == 0)
            usleep((useconds_t)(kit_next(&random) % 4000));
        while (!kit->observers[0]->ops->has_room(kit->observers[0]))
            kit_turn(kit);
    }
}

static pid_t start_child(const char *folder, int *ret_fd)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct kit kit = {.loop = NULL};

        close(ends[0]);
        snprintf(kit.folder, sizeof(kit.folder), "%s", folder);
        kit_open_in(&kit, NULL);
        child_run(&kit, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    *ret_fd = ends[0];
    return pid;
}

/* Lets it run for a while, kills it, and gives what it had reported; *ret_killed_us is just before the kill. */
static size_t run_and_kill(const char *folder, uint64_t run_us, struct report *reports, uint64_t *ret_killed_us)
{
    size_t count = 0;
    int fd, status;
    pid_t pid = start_child(folder, &fd);

    /* The time runs from the first report: before it the child is still opening. */
    if (read(fd, &reports[0], sizeof(reports[0])) == (ssize_t)sizeof(reports[0]))
        count = 1;
    *ret_killed_us = os_clock_mono_us() + run_us;
    while (os_clock_mono_us() < *ret_killed_us && count < REPORTED_MAX) {
        if (read(fd, &reports[count], sizeof(reports[0])) == (ssize_t)sizeof(reports[0]))
            count++;
    }
    *ret_killed_us = os_clock_mono_us();
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (count < REPORTED_MAX && read(fd, &reports[count], sizeof(reports[0])) == (ssize_t)sizeof(reports[0]))
        count++;
    close(fd);
    return count;
}

struct seen {
    struct store_reader *reader;
    uint64_t last_id;
    size_t closed_count;
    unsigned char *is_closed; /* by id */
};

static bool look_at_row(void *owner, const struct store_reader_item *item)
{
    struct seen *seen = owner;
    uint64_t len;

    assert_true(item->facts.id < seen->last_id);
    assert_false(item->is_open); /* opening closes what was left */
    seen->last_id = item->facts.id;
    for (int side = 0; side < 2; side++) {
        must(store_reader_raw_len(seen->reader, item->facts.id, (enum exchange_side)side, &len));
        assert_int_equal(len, item->facts.half[side].wire_len);
    }
    if (str_find(item->facts.flags, STR("interrupted")) == STR_ABSENT) {
        seen->is_closed[item->facts.id] = 1;
        seen->closed_count++;
    }
    return true;
}

static void check_rows(struct kit *kit, const struct report *reports, size_t count, uint64_t killed_us)
{
    struct seen seen = {.last_id = UINT64_MAX, .is_closed = calloc(REPORTED_MAX * 4, 1)};
    struct store_reader_query query = {.fraction = -1, .limit = SIZE_MAX, .on_item = look_at_row, .owner = &seen};
    struct store_reader_result result;
    char path[300];

    kit_project_path(kit, path);
    must(store_reader_open(path, false, &seen.reader));
    must(store_reader_list(seen.reader, &query, &result));
    for (size_t i = 0; i < count; i++) {
        struct kit_plan plan = kit_plan(reports[i].id, body_max_of(reports[i].id));

        if (is_safe(&reports[i], killed_us) && !seen.is_closed[reports[i].id])
            fail_msg("exchange %llu ended %llu us before the kill and is not there", (unsigned long long)reports[i].id,
                     (unsigned long long)(killed_us - reports[i].ended_us));
        if (seen.is_closed[reports[i].id])
            kit_check(seen.reader, &plan);
    }
    store_reader_close(&seen.reader);
    free(seen.is_closed);
}

#define FILES_MAX 200

struct command {
    const char *words[FILES_MAX + 3];
    size_t count;
    char paths[FILES_MAX][400];
    const char *folder;
};

static bool add_file(void *owner, const char *name)
{
    struct command *command = owner;
    size_t index = command->count - 2;

    if (str_ends(str_from(name), STR(".warc")) && index < FILES_MAX) {
        snprintf(command->paths[index], sizeof(command->paths[index]), "%s/%s", command->folder, name);
        command->words[command->count++] = command->paths[index];
    }
    return true;
}

static void check_strictly(const char *folder)
{
    struct command *command = calloc(1, sizeof(*command));
    char capture[300];

    assert_non_null(command);
    snprintf(capture, sizeof(capture), "%s/test/capture", folder);
    command->folder = capture;
    command->words[0] = "python3";
    command->words[1] = "tests/tools/warc_reader.py";
    command->count = 2;
    must(os_file_list(capture, add_file, command));
    assert_true(command->count > 2);
    assert_int_equal(kit_run(command->words), 0);
    free(command);
}

/* Every LONG_EVERY-th run is long enough for exchanges that must be there, unless is_short. */
static void kill_again_and_again(unsigned rounds, bool is_short)
{
    struct report *reports = calloc(REPORTED_MAX, sizeof(*reports));
    struct kit_random random = kit_random(os_clock_mono_us());
    size_t safe = 0, all = 0;
    char folder[256];

    assert_non_null(reports);
    kit_folder(folder);
    for (unsigned round = 0; round < rounds; round++) {
        struct kit kit = {.loop = NULL};
        bool is_long = !is_short && round % LONG_EVERY == 0;
        uint64_t run_us =
                     is_long ? SAFE_US + kit_next(&random) % (LONG_RUN_US - SAFE_US) : kit_next(&random) % SHORT_RUN_US,
                 killed_us;
        size_t count = run_and_kill(folder, run_us, reports, &killed_us);

        snprintf(kit.folder, sizeof(kit.folder), "%s", folder);
        kit_open_in(&kit, NULL);
        check_rows(&kit, reports, count, killed_us);
        kit_close_recorder(&kit);
        if (round % STRICT_EVERY == STRICT_EVERY - 1)
            check_strictly(folder);
        if (round % FRESH_EVERY == FRESH_EVERY - 1) {
            kit_remove(folder);
            kit_folder(folder);
        }
        all += count;
        for (size_t i = 0; i < count; i++)
            safe += is_safe(&reports[i], killed_us);
    }
    print_message("%u kills, %zu exchanges ended, %zu of them long enough before\n", rounds, all, safe);
    assert_true(all > 0 && (is_short || safe > 0));
    free(reports);
    kit_remove(folder);
}

static void nothing_that_ended_before_is_lost(void **state)
{
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;

    (void)state;
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    kill_again_and_again(MEMORY_ROUNDS, false);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}

static void what_is_left_on_a_disk_is_whole(void **state)
{
    (void)state;
    kill_again_and_again(DISK_ROUNDS, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_that_ended_before_is_lost),
                                       cmocka_unit_test(what_is_left_on_a_disk_is_whole)};

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
