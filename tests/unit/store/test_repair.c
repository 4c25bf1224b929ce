/* Covers store/repair, replay, database and warc_reader: torn tails, lost tails, damaged and foreign indexes, hostile
 * captures; and that an index made again answers the same. */
#include "kit.h"

#include <sqlite3.h>
#include <string.h>

#include "store/repair.h"
#include "store/warc_reader.h"

#define COUNT 60u

static void path_of(const struct kit *kit, const char *name, char path[400])
{
    snprintf(path, 400, "%s/test/%s", kit->folder, name);
}

/* Records COUNT exchanges, some of them in segments, and closes. */
static void record_some(struct kit *kit)
{
    kit_open(kit, &(struct store_recorder_options){.pending_bytes_max = 3000});
    for (unsigned i = 0; i < COUNT; i++)
        kit_play(kit, kit_plan(store_recorder_next_id(kit->recorder), 12000));
    kit_close_recorder(kit);
}

/* One row as text: type, length and bytes of each column. */
static void dump_row(sqlite3_stmt *row, FILE *file)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        int len = sqlite3_column_bytes(row, i);

        fprintf(file, "%d:%d:", sqlite3_column_type(row, i), len);
        if (len > 0)
            fwrite(sqlite3_column_blob(row, i), 1, (size_t)len, file);
    }
    fputc('\n', file);
}

/* All rows of all tables as text, so that two indexes can be compared byte for byte; the caller frees. */
static char *dump_index(const struct kit *kit)
{
    static const char *const tables[] = {"SELECT * FROM exchange ORDER BY id", "SELECT * FROM piece",
                                         "SELECT * FROM gap"};
    char path[400], *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    sqlite3 *database;

    assert_non_null(file);
    path_of(kit, "index.db", path);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        sqlite3_stmt *statement;

        assert_int_equal(sqlite3_prepare_v2(database, tables[i], -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW)
            dump_row(statement, file);
        sqlite3_finalize(statement);
    }
    sqlite3_close(database);
    fclose(file);
    return text;
}

static void check_all(struct kit *kit, unsigned count)
{
    struct store_reader *reader;
    char path[300];

    kit_project_path(kit, path);
    must(store_reader_open(path, false, &reader));
    for (unsigned id = 1; id <= count; id++) {
        struct kit_plan plan = kit_plan(id, 12000);

        kit_check(reader, &plan);
    }
    store_reader_close(&reader);
}

static void repair(struct kit *kit, bool is_anew, struct store_repair_result *result)
{
    struct store_repair_options options = {.is_anew = is_anew};
    struct store_index *index;
    char path[300];

    kit_project_path(kit, path);
    must(store_repair_open(path, &options, result, &index));
    store_index_close(&index);
}

static void a_reindex_gives_the_same_rows(void **state)
{
    struct store_repair_result result;
    struct kit kit;
    char *before, *after;

    (void)state;
    record_some(&kit);
    before = dump_index(&kit);
    repair(&kit, true, &result);
    after = dump_index(&kit);
    assert_int_equal(result.skipped_count, 0);
    assert_true(strlen(before) > 1000);
    assert_string_equal(before, after);
    free(before);
    free(after);
    kit_remove(kit.folder);
}

static void truncate_file(const char *path, uint64_t len) { assert_int_equal(truncate(path, (off_t)len), 0); }

static uint64_t len_of(const char *path)
{
    struct os_file *file;
    uint64_t len;

    must(os_file_open(path, OS_FILE_READ, &file));
    must(os_file_len(file, &len));
    os_file_close(&file);
    return len;
}

/* Whatever the length to which a power cut shortened the capture: the rows are those of a reindex of what is left. */
static void a_capture_cut_anywhere_leaves_what_is_whole(void **state)
{
    struct kit_random random = kit_random(3);

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        struct store_repair_result result;
        char capture[400], torn[400], *by_repair, *anew;
        struct kit kit;
        uint64_t len, cut;

        record_some(&kit);
        path_of(&kit, "capture/000001.warc", capture);
        path_of(&kit, "capture/000001.torn-1", torn);
        len = len_of(capture);
        cut = i < 5 ? i * 150 : 5000 + kit_next(&random) % (len - 5000);
        truncate_file(capture, cut);
        repair(&kit, false, &result);
        assert_int_equal(len_of(capture) + result.torn_bytes, cut);
        assert_int_equal(os_file_exists(torn), result.torn_bytes > 0);
        by_repair = dump_index(&kit);
        repair(&kit, true, &result);
        anew = dump_index(&kit);
        assert_int_equal(result.skipped_count, 0);
        assert_string_equal(by_repair, anew);
        free(by_repair);
        free(anew);
        kit_open_in(&kit, NULL); /* closes what was left open, and records again */
        kit_play(&kit, kit_plan(store_recorder_next_id(kit.recorder), 100));
        must(store_recorder_flush(kit.recorder, 10000));
        kit_close(&kit);
    }
}

static void write_at(const char *path, uint64_t offset, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "r+b");

    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

/* One flipped byte costs at most the record it stands in. */
static void damage_in_the_middle_is_stepped_over(void **state)
{
    struct store_repair_result result;
    struct store_reader *reader;
    struct store_reader_result list;
    struct store_reader_query query = {.fraction = -1};
    struct store_reader_count count;
    struct kit kit;
    char path[400];

    (void)state;
    record_some(&kit);
    path_of(&kit, "capture/000001.warc", path);
    write_at(path, len_of(path) / 2, "\r\n\r\nWARC/1.1\r\nX", 15);
    repair(&kit, true, &result);
    kit_project_path(&kit, path);
    must(store_reader_open(path, false, &reader));
    must(store_reader_count(reader, &query, &count));
    assert_in_range(count.count, COUNT - 2, COUNT);
    (void)list;
    store_reader_close(&reader);
    kit_remove(kit.folder);
}

/* A body that holds a whole record must not become one when the record around it is torn. */
static void a_record_inside_a_torn_body_stays_a_body(void **state)
{
    struct store_repair_result result;
    char capture[400], *record, *bytes;
    struct kit_plan plan = {.response_body_len = 0};
    struct kit_exchange going;
    struct store_reader *reader;
    struct kit kit;
    struct buf file;
    size_t first_len;
    uint64_t len;

    (void)state;
    record_some(&kit);
    path_of(&kit, "capture/000001.warc", capture);
    buf_init(&file, 64 << 20);
    must(os_file_read_all(capture, &file));
    /* All of a capture as a body: records with right digests, but of another session. */
    bytes = malloc(file.len);
    assert_non_null(bytes);
    memcpy(bytes, buf_str(&file).ptr, file.len);
    first_len = file.len;
    buf_deinit(&file);
    kit_remove(kit.folder);
    kit_open(&kit, NULL);
    kit_play(&kit, kit_plan(store_recorder_next_id(kit.recorder), 100));
    plan.id = store_recorder_next_id(kit.recorder);
    kit_begin(&kit, &going, plan);
    kit_send_head(&going, EXCHANGE_REQUEST);
    for (size_t at = 0; at < first_len; at += 50000)
        exchange_bytes(&going.exchange, EXCHANGE_REQUEST,
                       (struct str){bytes + at, first_len - at < 50000 ? first_len - at : 50000}, 1);
    kit_end_half(&going, EXCHANGE_REQUEST);
    kit_end(&going);
    kit_close_recorder(&kit);
    free(bytes);
    path_of(&kit, "capture/000001.warc", capture);
    len = len_of(capture);
    /* The head of the record around it is gone. */
    buf_init(&file, 64 << 20);
    must(os_file_read_all(capture, &file));
    record = memmem(buf_str(&file).ptr, file.len, "Sekisho-Exchange: 2", 19);
    assert_non_null(record);
    write_at(capture, (uint64_t)(record - buf_str(&file).ptr), "Sekisho-Exchange: x", 19);
    buf_deinit(&file);
    truncate_file(capture, len - 1200);
    repair(&kit, true, &result);
    kit_project_path(&kit, capture);
    must(store_reader_open(capture, false, &reader));
    for (uint64_t id = 3; id <= COUNT; id++)
        assert_int_equal(store_reader_raw_len(reader, id, EXCHANGE_REQUEST, &len).code, ERR_ABSENT);
    store_reader_close(&reader);
    kit_remove(kit.folder);
}

/* Every page of the index damaged in turn: no crash, and after repair the answers are right or the rows gone. */
static void a_damaged_index_is_made_again(void **state)
{
    struct kit kit;
    char index[400];
    uint64_t len;

    (void)state;
    record_some(&kit);
    path_of(&kit, "index.db", index);
    len = len_of(index);
    for (uint64_t offset = 0; offset < len; offset += 4096) {
        struct store_repair_result result;
        char *before, *after;

        repair(&kit, true, &result);
        before = dump_index(&kit);
        write_at(index, offset, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
        repair(&kit, false, &result);
        assert_true(result.is_index_new);
        after = dump_index(&kit);
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
    check_all(&kit, COUNT);
    kit_remove(kit.folder);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void a_foreign_index_is_set_aside(void **state)
{
    static const char *const changes[] = {
        "PRAGMA user_version=99",
        "PRAGMA application_id=1",
        "CREATE TRIGGER t AFTER INSERT ON exchange BEGIN DELETE FROM exchange; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "CREATE INDEX more ON exchange(status)",
        "DROP TABLE mark",
        "ALTER TABLE exchange ADD COLUMN extra GENERATED ALWAYS AS (abs(status))",
    };
    struct kit kit;
    char index[400], bad[400];

    (void)state;
    record_some(&kit);
    path_of(&kit, "index.db", index);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct store_repair_result result;

        run_sql(index, changes[i]);
        repair(&kit, false, &result);
        assert_true(result.is_index_new);
        snprintf(bad, sizeof(bad), "%s/test/index.db.bad-%zu", kit.folder, i + 1);
        assert_true(os_file_exists(bad));
        check_all(&kit, COUNT);
    }
    kit_remove(kit.folder);
}

/* Neither a later format nor something else altogether is taken for a torn tail. */
static void a_capture_that_is_not_ours_is_left_as_it_is(void **state)
{
    struct store_index *index;
    struct kit kit;
    char capture[400], path[300];
    uint64_t len;

    (void)state;
    record_some(&kit);
    path_of(&kit, "capture/000001.warc", capture);
    kit_project_path(&kit, path);
    len = len_of(capture);
    write_at(capture, 100, "garbage", 7);
    assert_int_equal(store_repair_open(path, NULL, NULL, &index).code, ERR_DAMAGED);
    assert_int_equal(len_of(capture), len);
    path_of(&kit, "index.db.bad-1", capture);
    assert_false(os_file_exists(capture));
    kit_remove(kit.folder);
}

static void a_reader_mends_an_index_that_is_missing(void **state)
{
    struct store_reader *reader;
    struct kit kit;
    char index[400], path[300];

    (void)state;
    record_some(&kit);
    path_of(&kit, "index.db", index);
    kit_project_path(&kit, path);
    assert_int_equal(unlink(index), 0);
    assert_int_equal(store_reader_open(path, false, &reader).code, ERR_DAMAGED);
    must(store_reader_open(path, true, &reader));
    store_reader_close(&reader);
    check_all(&kit, COUNT);
    kit_remove(kit.folder);
}

static void an_index_that_is_a_link_is_refused(void **state)
{
    struct store_reader *reader;
    struct kit kit;
    char index[400], other[400], path[300];

    (void)state;
    record_some(&kit);
    path_of(&kit, "index.db", index);
    path_of(&kit, "elsewhere.db", other);
    kit_project_path(&kit, path);
    assert_int_equal(rename(index, other), 0);
    assert_int_equal(symlink(other, index), 0);
    assert_int_equal(store_reader_open(path, false, &reader).code, ERR_DENIED);
    kit_remove(kit.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reindex_gives_the_same_rows),
        cmocka_unit_test(a_capture_cut_anywhere_leaves_what_is_whole),
        cmocka_unit_test(damage_in_the_middle_is_stepped_over),
        cmocka_unit_test(a_record_inside_a_torn_body_stays_a_body),
        cmocka_unit_test(a_damaged_index_is_made_again),
        cmocka_unit_test(a_foreign_index_is_set_aside),
        cmocka_unit_test(a_capture_that_is_not_ours_is_left_as_it_is),
        cmocka_unit_test(a_reader_mends_an_index_that_is_missing),
        cmocka_unit_test(an_index_that_is_a_link_is_refused),
    };

    log_set_level((enum log_level) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
