/* Covers store/project: names, the lock, settings, trust; and that a hostile project.db is refused unchanged. */
#include "kit.h"

#include <sqlite3.h>
#include <string.h>

static void only_plain_names_are_projects(void **state)
{
    static const char *const good[] = {"default",
                                       "a",
                                       "A-1_b.c",
                                       "0",
                                       "con-1",
                                       "com10",
                                       "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "../x",
                                      "a/b",
                                      "/abs",
                                      "..\\",
                                      "a\\b",
                                      "-x",
                                      "_x",
                                      ".x",
                                      "x.",
                                      "CON",
                                      "nul.txt",
                                      "COM1",
                                      "lpt9.a",
                                      "a b",
                                      "a\nb",
                                      "file:x?mode=memory",
                                      ":memory:",
                                      "%2e%2e",
                                      "\xe5\x95\x86",
                                      "a:b",
                                      "01234567890123456789012345678901234567890123456789012345678901234"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(store_project_name_is_valid(str_from(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(store_project_name_is_valid(str_from(bad[i])));
    assert_false(store_project_name_is_valid((struct str){"a\0b", 3}));
}

static void one_writes_many_read(void **state)
{
    struct store_project *writer, *second, *reader;
    char folder[256];

    (void)state;
    kit_folder(folder);
    assert_int_equal(store_project_open(folder, STR("p"), STORE_PROJECT_READ, &reader).code, ERR_ABSENT);
    assert_int_equal(store_project_open(folder, STR("../p"), STORE_PROJECT_WRITE, &writer).code, ERR_SYNTAX);
    must(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &writer));
    assert_int_equal(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &second).code, ERR_BUSY);
    must(store_project_open(folder, STR("p"), STORE_PROJECT_READ, &reader));
    store_project_close(&reader);
    store_project_close(&writer);
    must(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &writer));
    store_project_close(&writer);
    kit_remove(folder);
}

static void settings_and_trust_survive(void **state)
{
    struct store_project *project;
    char folder[256], sha256[STORE_PROJECT_SHA256_HEX];
    static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct buf value;

    (void)state;
    kit_folder(folder);
    buf_init(&value, 1000);
    must(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &project));
    must(store_project_setting_set(project, STR("scope"), STR("a\xff\x00z")));
    must(store_project_trust_set(project, STR("a.example"), 443, str_from(digest)));
    must(store_project_trust_set(project, STR("b.example"), 8443, STR("any")));
    assert_int_equal(store_project_trust_set(project, STR("A.example"), 443, STR("any")).code, ERR_SYNTAX);
    assert_int_equal(store_project_trust_set(project, STR("a.example"), 443, STR("abc")).code, ERR_SYNTAX);
    must(store_project_trust_remove(project, STR("b.example"), 8443));
    assert_int_equal(store_project_trust_remove(project, STR("b.example"), 8443).code, ERR_ABSENT);
    store_project_close(&project);
    must(store_project_open(folder, STR("p"), STORE_PROJECT_READ, &project));
    must(store_project_setting_get(project, STR("scope"), &value));
    assert_true(str_eq(buf_str(&value), STR("a\xff\x00z")));
    assert_true(store_project_trust_get(project, STR("a.example"), 443, sha256));
    assert_string_equal(sha256, digest);
    assert_false(store_project_trust_get(project, STR("a.example"), 444, sha256));
    assert_false(store_project_trust_get(project, STR("b.example"), 8443, sha256));
    assert_true(err_is(store_project_setting_set(project, STR("x"), STR("y"))));
    store_project_close(&project);
    buf_deinit(&value);
    kit_remove(folder);
}

static bool count_name(void *owner, const char *name)
{
    assert_string_equal(name, "p");
    ++*(int *)owner;
    return true;
}

static void the_list_has_projects_only(void **state)
{
    struct store_project *project;
    char folder[256], other[300];
    int count = 0;

    (void)state;
    kit_folder(folder);
    must(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &project));
    store_project_close(&project);
    snprintf(other, sizeof(other), "%s/not-a-project", folder);
    must(os_file_make_folder(other));
    must(store_project_list(folder, count_name, &count));
    assert_int_equal(count, 1);
    snprintf(other, sizeof(other), "%s/absent", folder);
    must(store_project_list(other, count_name, &count));
    assert_int_equal(count, 1);
    kit_remove(folder);
}

static void read_file(const char *path, struct buf *file)
{
    buf_init(file, 1 << 20);
    must(os_file_read_all(path, file));
}

static void refuse_unchanged(const char *folder, const char *path)
{
    struct store_project *project;
    struct buf before, after;

    read_file(path, &before);
    assert_int_equal(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &project).code, ERR_DAMAGED);
    assert_int_equal(store_project_open(folder, STR("p"), STORE_PROJECT_READ, &project).code, ERR_DAMAGED);
    read_file(path, &after);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    buf_deinit(&before);
    buf_deinit(&after);
}

static void a_hostile_project_db_is_refused_unchanged(void **state)
{
    static const char *const changes[] = {"PRAGMA user_version=2", "PRAGMA application_id=7",
                                          "CREATE TRIGGER t AFTER INSERT ON setting BEGIN DELETE FROM trust; END",
                                          "CREATE VIEW v AS SELECT 1", "DROP TABLE note"};
    struct store_project *project;
    char folder[256], path[300];

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        sqlite3 *database;

        kit_folder(folder);
        must(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &project));
        store_project_close(&project);
        snprintf(path, sizeof(path), "%s/p/project.db", folder);
        assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, changes[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(database);
        refuse_unchanged(folder, path);
        kit_remove(folder);
    }
}

static void a_truncated_project_db_is_refused_unchanged(void **state)
{
    struct store_project *project;
    char folder[256], path[300];

    (void)state;
    for (off_t len = 1; len < 12000; len += 1777) {
        kit_folder(folder);
        must(store_project_open(folder, STR("p"), STORE_PROJECT_WRITE, &project));
        store_project_close(&project);
        snprintf(path, sizeof(path), "%s/p/project.db", folder);
        assert_int_equal(truncate(path, len), 0);
        refuse_unchanged(folder, path);
        kit_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_names_are_projects),
        cmocka_unit_test(one_writes_many_read),
        cmocka_unit_test(settings_and_trust_survive),
        cmocka_unit_test(the_list_has_projects_only),
        cmocka_unit_test(a_hostile_project_db_is_refused_unchanged),
        cmocka_unit_test(a_truncated_project_db_is_refused_unchanged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
