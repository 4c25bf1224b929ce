/* Covers os/file: modes, links, limits, locks, and files that appear whole or not at all. */
#include "looping.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "os/file.h"
#include "os/thread.h"

static char root[PATH_MAX];

static const char *at(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    assert_true((size_t)snprintf(path, PATH_MAX, "%.1000s/%s", root, name) < PATH_MAX);
    return path;
}

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/test_file.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    pid_t id = fork();

    (void)state;
    if (id == 0) {
        execlp("rm", "rm", "-rf", root, (char *)NULL);
        _exit(127);
    }
    return waitpid(id, NULL, 0) == id ? 0 : -1;
}

static void put(const char *path, struct str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    close(fd);
}

static void expect_content(const char *path, struct str bytes)
{
    struct buf buf;

    buf_init(&buf, 1 << 20);
    assert_ok(os_file_read_all(path, &buf));
    assert_int_equal(buf_str(&buf).len, bytes.len);
    assert_true(str_eq(buf_str(&buf), bytes));
    buf_deinit(&buf);
}

static unsigned mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static struct err open_close(const char *path, enum os_file_mode mode)
{
    struct os_file *file = NULL;

    TRY(os_file_open(path, mode, &file));
    os_file_close(&file);
    assert_null(file);
    return OK;
}

static void modes_say_what_must_and_must_not_exist(void **state)
{
    (void)state;
    assert_err(open_close(at("f"), OS_FILE_READ), ERR_ABSENT);
    assert_err(open_close(at("f"), OS_FILE_READ_WRITE), ERR_ABSENT);
    assert_ok(open_close(at("f"), OS_FILE_CREATE));
    assert_err(open_close(at("f"), OS_FILE_CREATE), ERR_BUSY);
    assert_ok(open_close(at("f"), OS_FILE_READ));
    assert_ok(open_close(at("f"), OS_FILE_READ_WRITE));
    assert_ok(open_close(at("f"), OS_FILE_APPEND));
    assert_ok(open_close(at("g"), OS_FILE_APPEND));
    assert_err(open_close(at("no/such"), OS_FILE_APPEND), ERR_ABSENT);
    assert_true(os_file_exists(at("g")));
    assert_false(os_file_exists(at("h")));
}

static void made_files_and_folders_are_private_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 0777};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mode_t before = umask(masks[i]);

        assert_ok(open_close(at("created"), OS_FILE_CREATE));
        assert_ok(open_close(at("appended"), OS_FILE_APPEND));
        assert_ok(os_file_write_all(at("written"), STR("x"), true));
        assert_ok(os_file_make_folder(at("one/two/three//")));
        umask(before);
        assert_int_equal(mode_of(at("created")), 0600);
        assert_int_equal(mode_of(at("appended")), 0600);
        assert_int_equal(mode_of(at("written")), 0600);
        assert_int_equal(mode_of(at("one")), 0700);
        assert_int_equal(mode_of(at("one/two/three")), 0700);
        assert_ok(os_file_remove(at("created")));
        assert_ok(os_file_remove(at("appended")));
        assert_ok(os_file_remove(at("written")));
        assert_ok(os_file_remove_folder(at("one/two/three")));
        assert_ok(os_file_remove_folder(at("one/two")));
        assert_ok(os_file_remove_folder(at("one")));
    }
}

static void links_and_what_is_no_file_are_refused_without_waiting(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    static const enum os_file_mode modes[] = {OS_FILE_READ, OS_FILE_APPEND, OS_FILE_CREATE, OS_FILE_READ_WRITE};

    (void)state;
    put(at("real"), STR("x"));
    assert_int_equal(symlink("real", at("link")), 0);
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/sock", root);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = {"link", "dangling", "fifo", "sock", "."};

        for (size_t j = 0; j < 5; j++) {
            struct os_file *file = NULL;

            assert_true(err_is(os_file_open(at(names[j]), modes[i], &file)));
            assert_null(file);
        }
    }
    assert_err(open_close(at("link"), OS_FILE_READ), ERR_DENIED);
    assert_err(open_close(at("fifo"), OS_FILE_READ), ERR_DENIED);
    assert_err(open_close("/dev/zero", OS_FILE_READ), ERR_DENIED);
    assert_false(os_file_exists(at("nowhere")));
    close(fd);
}

static void writes_go_to_the_end_and_reads_to_where_they_are_told(void **state)
{
    struct os_file *file;
    struct str parts[200];
    char expected[200 * 3];
    char got[1000];
    uint64_t written, len;
    size_t got_len;

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        parts[i] = i % 5 == 4 ? STR_NONE : STR("abc");
        if (parts[i].len)
            memcpy(expected + i / 5 * 12 + i % 5 * 3, "abc", 3);
    }
    assert_ok(os_file_open(at("parts"), OS_FILE_APPEND, &file));
    assert_ok(os_file_write(file, parts, 200, &written));
    assert_int_equal(written, 480);
    assert_ok(os_file_read_at(file, 0, got, sizeof(got), &got_len));
    assert_int_equal(got_len, 480);
    assert_memory_equal(got, expected, 480);
    assert_ok(os_file_read_at(file, 478, got, 10, &got_len));
    assert_int_equal(got_len, 2);
    assert_ok(os_file_read_at(file, 1 << 20, got, 10, &got_len));
    assert_int_equal(got_len, 0);
    assert_err(os_file_read_at(file, UINT64_MAX, got, 10, &got_len), ERR_IO);
    assert_ok(os_file_truncate(file, 4));
    assert_ok(os_file_write(file, parts, 1, &written));
    assert_ok(os_file_len(file, &len));
    assert_int_equal(len, 7);
    assert_ok(os_file_sync(file));
    os_file_close(&file);
    expect_content(at("parts"), STR("abcaabc"));
}

/* In a child, since the limit is of the process. */
static void write_past_limit(void)
{
    struct rlimit limit = {.rlim_cur = 1000, .rlim_max = 1000};
    struct str part = {calloc(1, 600), 600};
    struct os_file *file;
    uint64_t written = 7;
    struct err error;

    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(!err_is(os_file_open(at("limited"), OS_FILE_CREATE, &file)));
    CHECK(!err_is(os_file_write(file, &part, 1, &written)));
    error = os_file_write(file, &part, 1, &written);
    CHECK(error.code == ERR_IO && error.wire == EFBIG && written == 400);
    error = os_file_write_all(at("whole"), (struct str){calloc(1, 2000), 2000}, true);
    CHECK(error.code == ERR_IO && error.wire == EFBIG);
    _exit(0);
}

static bool count_name(void *owner, const char *name)
{
    (void)name;
    ++*(unsigned *)owner;
    return true;
}

static void a_write_that_fails_half_way_says_how_much_went_in(void **state)
{
    pid_t id = fork();
    int status;
    unsigned count = 0;

    (void)state;
    if (id == 0)
        write_past_limit();
    assert_int_equal(waitpid(id, &status, 0), id);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* write_all left neither the file nor its temporary one. */
    assert_ok(os_file_list(root, count_name, &count));
    assert_int_equal(count, 1);
}

static void a_lock_is_exclusive_until_it_is_closed(void **state)
{
    struct os_file *first, *second;

    (void)state;
    assert_ok(os_file_open(at("lock"), OS_FILE_APPEND, &first));
    assert_ok(os_file_open(at("lock"), OS_FILE_APPEND, &second));
    assert_ok(os_file_lock(first));
    assert_err(os_file_lock(second), ERR_BUSY);
    os_file_close(&first);
    assert_ok(os_file_lock(second));
    os_file_close(&second);
}

static void a_lock_goes_with_its_process(void **state)
{
    struct os_file *file;
    int ready[2], status;
    char byte;
    pid_t id;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    id = fork();
    if (id == 0) {
        CHECK(!err_is(os_file_open(at("lock"), OS_FILE_APPEND, &file)));
        CHECK(!err_is(os_file_lock(file)));
        CHECK(write(ready[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_ok(os_file_open(at("lock"), OS_FILE_APPEND, &file));
    assert_err(os_file_lock(file), ERR_BUSY);
    kill(id, SIGKILL);
    assert_int_equal(waitpid(id, &status, 0), id);
    assert_ok(os_file_lock(file));
    os_file_close(&file);
    close(ready[0]);
    close(ready[1]);
}

static void whole_files_replace_or_refuse(void **state)
{
    unsigned count = 0;

    (void)state;
    assert_ok(os_file_write_all(at("w"), STR("first"), false));
    assert_err(os_file_write_all(at("w"), STR("second"), false), ERR_BUSY);
    expect_content(at("w"), STR("first"));
    assert_ok(os_file_write_all(at("w"), STR("third"), true));
    expect_content(at("w"), STR("third"));
    assert_ok(os_file_write_all(at("empty"), STR_NONE, false));
    expect_content(at("empty"), STR_NONE);
    assert_err(os_file_write_all(at("no/such/folder"), STR("x"), true), ERR_ABSENT);
    assert_ok(os_file_list(root, count_name, &count));
    assert_int_equal(count, 2);
}

static void a_whole_file_replaces_a_link_and_not_what_it_points_at(void **state)
{
    (void)state;
    put(at("target"), STR("keep"));
    assert_int_equal(symlink("target", at("link")), 0);
    assert_err(os_file_write_all(at("link"), STR("new"), false), ERR_BUSY);
    assert_ok(os_file_write_all(at("link"), STR("new"), true));
    expect_content(at("target"), STR("keep"));
    expect_content(at("link"), STR("new"));
}

#define RACER_COUNT 4
#define RACE_ROUNDS 50

struct racer {
    struct os_thread *thread;
    char letter;
    unsigned won;
};

static void run_racer(void *owner)
{
    struct racer *racer = owner;
    char bytes[3000], name[32], path[PATH_MAX];

    memset(bytes, racer->letter, sizeof(bytes));
    for (int round = 0; round < RACE_ROUNDS; round++) {
        struct buf buf;
        struct err error;

        snprintf(name, sizeof(name), "race-%d", round);
        CHECK(snprintf(path, sizeof(path), "%.1000s/%s", root, name) > 0);
        error = os_file_write_all(path, (struct str){bytes, sizeof(bytes)}, false);
        CHECK(!err_is(error) || error.code == ERR_BUSY);
        racer->won += !err_is(error);
        /* Whoever lost sees the winner's whole and private file at once. */
        CHECK(!err_is(os_file_check_private(path)));
        buf_init(&buf, 4000);
        CHECK(!err_is(os_file_read_all(path, &buf)));
        CHECK(buf_str(&buf).len == sizeof(bytes));
        CHECK(memchr(buf_str(&buf).ptr, buf_str(&buf).ptr[0] + 1, sizeof(bytes)) == NULL);
        buf_deinit(&buf);
    }
}

static void of_many_first_writers_exactly_one_wins(void **state)
{
    struct racer racers[RACER_COUNT] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}, {.letter = 'd'}};
    unsigned won = 0;

    (void)state;
    for (size_t i = 0; i < RACER_COUNT; i++)
        assert_ok(os_thread_start("racer", run_racer, &racers[i], &racers[i].thread));
    for (size_t i = 0; i < RACER_COUNT; i++) {
        os_thread_join(&racers[i].thread);
        won += racers[i].won;
    }
    assert_int_equal(won, RACE_ROUNDS);
}

static void too_large_a_file_is_not_read(void **state)
{
    struct buf buf;

    (void)state;
    put(at("ten"), STR("0123456789"));
    buf_init(&buf, 9);
    assert_err(os_file_read_all(at("ten"), &buf), ERR_LIMIT);
    assert_int_equal(buf.len, 0);
    buf_deinit(&buf);
    buf_init(&buf, 10);
    assert_ok(os_file_read_all(at("ten"), &buf));
    assert_true(str_eq(buf_str(&buf), STR("0123456789")));
    assert_err(os_file_read_all(at("ten"), &buf), ERR_LIMIT);
    buf_deinit(&buf);
    assert_err(os_file_read_all(at("nothing"), &buf), ERR_ABSENT);
}

static void folders_are_made_with_parents_and_must_be_ours(void **state)
{
    (void)state;
    assert_ok(os_file_make_folder(at("a/b")));
    assert_ok(os_file_make_folder(at("a/b")));
    put(at("file"), STR("x"));
    assert_err(os_file_make_folder(at("file")), ERR_DENIED);
    assert_true(err_is(os_file_make_folder(at("file/below"))));
    assert_int_equal(symlink("a", at("link")), 0);
    assert_err(os_file_make_folder(at("link")), ERR_DENIED);
    assert_ok(os_file_make_folder(at("link/c")));
    assert_true(os_file_exists(at("a/c")));
    assert_true(err_is(os_file_make_folder("")));
    assert_ok(os_file_sync_folder(at("a")));
    assert_err(os_file_sync_folder(at("absent")), ERR_ABSENT);
    assert_true(err_is(os_file_remove_folder(at("a"))));
    /* "/" is root's, "/proc" too: for anybody else they are foreign. */
    if (geteuid() == 0) {
        assert_int_equal(chown(at("a/b"), 12345, 12345), 0);
        assert_err(os_file_make_folder(at("a/b")), ERR_DENIED);
    } else {
        assert_err(os_file_make_folder("/proc"), ERR_DENIED);
    }
}

struct names {
    char text[256];
    unsigned left;
};

static bool note_name(void *owner, const char *name)
{
    struct names *names = owner;
    size_t len = strlen(names->text);

    snprintf(names->text + len, sizeof(names->text) - len, "%s ", name);
    return --names->left > 0;
}

static void names_come_sorted_by_bytes_until_told_to_stop(void **state)
{
    struct names names = {.left = 100};

    (void)state;
    put(at("b"), STR_NONE);
    put(at("a10"), STR_NONE);
    put(at("\xff"), STR_NONE);
    put(at("B"), STR_NONE);
    put(at("a9"), STR_NONE);
    put(at(".dot"), STR_NONE);
    assert_ok(os_file_list(root, note_name, &names));
    assert_string_equal(names.text, ".dot B a10 a9 b \xff ");
    names = (struct names){.left = 2};
    assert_ok(os_file_list(root, note_name, &names));
    assert_string_equal(names.text, ".dot B ");
    assert_err(os_file_list(at("absent"), note_name, &names), ERR_ABSENT);
    assert_true(err_is(os_file_list(at("b"), note_name, &names)));
}

static void only_a_private_file_of_ours_with_one_name_is_private(void **state)
{
    (void)state;
    assert_err(os_file_check_private(at("absent")), ERR_ABSENT);
    put(at("key"), STR("secret"));
    assert_ok(os_file_check_private(at("key")));
    for (unsigned bit = 0; bit < 6; bit++) {
        assert_int_equal(chmod(at("key"), 0600 | 1u << bit), 0);
        assert_err(os_file_check_private(at("key")), ERR_DENIED);
    }
    assert_int_equal(chmod(at("key"), 0600), 0);
    assert_int_equal(link(at("key"), at("second")), 0);
    assert_err(os_file_check_private(at("key")), ERR_DENIED);
    assert_int_equal(unlink(at("second")), 0);
    assert_ok(os_file_check_private(at("key")));
    assert_int_equal(symlink("key", at("link")), 0);
    assert_err(os_file_check_private(at("link")), ERR_DENIED);
    assert_err(os_file_check_private(root), ERR_DENIED);
    if (geteuid() == 0) {
        assert_int_equal(chown(at("key"), 12345, 12345), 0);
        assert_err(os_file_check_private(at("key")), ERR_DENIED);
    } else {
        assert_err(os_file_check_private("/etc/passwd"), ERR_DENIED);
    }
}

static void renaming_and_removing(void **state)
{
    uint64_t free_bytes = 0;

    (void)state;
    put(at("old"), STR("x"));
    put(at("new"), STR("y"));
    assert_ok(os_file_rename(at("old"), at("new")));
    expect_content(at("new"), STR("x"));
    assert_err(os_file_rename(at("old"), at("new")), ERR_ABSENT);
    assert_ok(os_file_remove(at("new")));
    assert_err(os_file_remove(at("new")), ERR_ABSENT);
    assert_ok(os_file_free_bytes(root, &free_bytes));
    assert_true(free_bytes > 0);
    assert_err(os_file_free_bytes(at("absent"), &free_bytes), ERR_ABSENT);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(modes_say_what_must_and_must_not_exist),
        FILE_TEST(made_files_and_folders_are_private_whatever_the_umask),
        FILE_TEST(links_and_what_is_no_file_are_refused_without_waiting),
        FILE_TEST(writes_go_to_the_end_and_reads_to_where_they_are_told),
        FILE_TEST(a_write_that_fails_half_way_says_how_much_went_in),
        FILE_TEST(a_lock_is_exclusive_until_it_is_closed),
        FILE_TEST(a_lock_goes_with_its_process),
        FILE_TEST(whole_files_replace_or_refuse),
        FILE_TEST(a_whole_file_replaces_a_link_and_not_what_it_points_at),
        FILE_TEST(of_many_first_writers_exactly_one_wins),
        FILE_TEST(too_large_a_file_is_not_read),
        FILE_TEST(folders_are_made_with_parents_and_must_be_ours),
        FILE_TEST(names_come_sorted_by_bytes_until_told_to_stop),
        FILE_TEST(only_a_private_file_of_ours_with_one_name_is_private),
        FILE_TEST(renaming_and_removing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
