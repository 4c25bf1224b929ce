#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/token.h"
#include "os/thread.h"

#define STARTS 8

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/sekisho-token-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("admin.token"));
    unlink(path_of("elsewhere"));
    return rmdir(folder);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static void token_is_made_once_and_private(void **state)
{
    struct admin_token first, second;
    struct stat status;

    (void)state;
    assert_int_equal(admin_token_read(folder, &first).code, ERR_ABSENT);
    assert_int_equal(admin_token_open(folder, &first).code, ERR_NONE);
    assert_int_equal(admin_token_open(folder, &second).code, ERR_NONE);
    assert_int_equal(strlen(first.text), ADMIN_TOKEN_LEN);
    assert_string_equal(first.text, second.text);
    assert_int_equal(admin_token_read(folder, &second).code, ERR_NONE);
    assert_string_equal(first.text, second.text);
    assert_int_equal(stat(path_of("admin.token"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void token_differs_each_time_it_is_made(void **state)
{
    struct admin_token first, second;

    (void)state;
    assert_int_equal(admin_token_open(folder, &first).code, ERR_NONE);
    assert_int_equal(unlink(path_of("admin.token")), 0);
    assert_int_equal(admin_token_open(folder, &second).code, ERR_NONE);
    assert_string_not_equal(first.text, second.text);
}

static void token_that_others_can_read_is_refused(void **state)
{
    struct admin_token token;

    (void)state;
    assert_int_equal(admin_token_open(folder, &token).code, ERR_NONE);
    assert_int_equal(chmod(path_of("admin.token"), 0640), 0);
    assert_int_equal(admin_token_open(folder, &token).code, ERR_DENIED);
}

static void token_behind_a_link_is_refused(void **state)
{
    struct admin_token token;
    char target[128];

    (void)state;
    write_file("elsewhere", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 0600);
    snprintf(target, sizeof(target), "%s", path_of("elsewhere"));
    assert_int_equal(symlink(target, path_of("admin.token")), 0);
    assert_int_not_equal(admin_token_open(folder, &token).code, ERR_NONE);
    assert_int_equal(unlink(path_of("admin.token")), 0);
    assert_int_equal(link(target, path_of("admin.token")), 0);
    assert_int_equal(admin_token_open(folder, &token).code, ERR_DENIED);
}

static void token_file_with_anything_else_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "secret",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\n\n",
    };
    struct admin_token token;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_file("admin.token", texts[i], 0600);
        assert_int_equal(admin_token_open(folder, &token).code, ERR_DAMAGED);
    }
    write_file("admin.token", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 0600);
    assert_int_equal(admin_token_open(folder, &token).code, ERR_NONE);
}

struct start {
    struct os_thread *thread;
    struct admin_token token;
    struct err err;
};

static void run_start(void *owner)
{
    struct start *start = owner;

    start->err = admin_token_open(folder, &start->token);
}

static void token_is_one_for_all_that_start_at_once(void **state)
{
    struct start starts[STARTS];

    (void)state;
    for (int i = 0; i < STARTS; i++)
        assert_int_equal(os_thread_start("start", run_start, &starts[i], &starts[i].thread).code, ERR_NONE);
    for (int i = 0; i < STARTS; i++) {
        os_thread_join(&starts[i].thread);
        assert_int_equal(starts[i].err.code, ERR_NONE);
        assert_string_equal(starts[i].token.text, starts[0].token.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(token_is_made_once_and_private, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(token_differs_each_time_it_is_made, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(token_that_others_can_read_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(token_behind_a_link_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(token_file_with_anything_else_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(token_is_one_for_all_that_start_at_once, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
