#include "store/repair.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "os/file.h"
#include "store/capture.h"
#include "store/fields.h"
#include "store/replay.h"
#include "store/warc_reader.h"

#define REOPENED_MAX ((size_t)100000)
#define FACTS_ARENA_MAX ((size_t)32 * 1024 * 1024)

static struct err remove_index(const char *project_folder)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    char path[STORE_CAPTURE_PATH_MAX], full[STORE_CAPTURE_PATH_MAX + 8];

    TRY(store_index_path(project_folder, path, sizeof(path)));
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(full, sizeof(full), "%s%s", path, suffixes[i]);
        if (os_file_exists(full))
            TRY(os_file_remove(full));
    }
    return OK;
}

static struct err open_index(const char *project_folder, bool is_anew, struct store_repair_result *result,
                             struct store_index **ret_index)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct err err;

    if (is_anew)
        TRY(remove_index(project_folder));
    TRY(store_index_path(project_folder, path, sizeof(path)));
    result->is_index_new = !os_file_exists(path);
    err = store_index_open(project_folder, ret_index);
    if (err.code != ERR_DAMAGED)
        return err;
    log_write(LOG_WARNING, "the index of %s cannot be used (%s); it is set aside and made again", project_folder,
              err.what);
    TRY(store_index_set_aside(project_folder));
    result->is_index_new = true;
    return store_index_open(project_folder, ret_index);
}

static struct err file_len(const char *project_folder, uint32_t number, uint64_t *ret_len)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *file;
    struct err err;

    TRY(store_capture_path(project_folder, number, path));
    TRY(os_file_open(path, OS_FILE_READ, &file));
    err = os_file_len(file, ret_len);
    os_file_close(&file);
    return err;
}

/* ERR_DAMAGED for a file that is no capture of ours or of a later format: nothing in it may be taken for a torn tail.
 * A file whose first record was torn by a power cut is short. */
#define FIRST_RECORD_MAX 4096

static struct err check_format(const char *project_folder, uint32_t number, uint64_t len)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct store_warc_reader *reader;
    struct store_warc_record record;
    struct str rest, name, value;
    uint64_t format = 0;
    struct buf block;
    struct err err;

    TRY(store_capture_path(project_folder, number, path));
    TRY(store_warc_reader_open(path, 0, &reader));
    buf_init(&block, FIRST_RECORD_MAX);
    err = store_warc_reader_next(reader, true, &record);
    if (!err_is(err))
        err = store_warc_reader_block(reader, &record, &block);
    rest = buf_str(&block);
    while (!err_is(err) && store_fields_next_line(&rest, &name, &value)) {
        if (str_eq(name, STR("sekisho-format")) && !str_to_u64(value, &format))
            format = 0;
    }
    buf_deinit(&block);
    store_warc_reader_close(&reader);
    if (len <= FIRST_RECORD_MAX && (err.code == ERR_DAMAGED || err.code == ERR_CLOSED))
        return OK;
    if (!err_is(err) && format > STORE_WARC_FORMAT)
        return ERR(ERR_DAMAGED, 0, "the capture was made by a later version");
    if (!err_is(err) && format == 0)
        return ERR(ERR_DAMAGED, 0, "the capture does not begin as one of ours; it is left as it is");
    return err;
}

/* Cuts the torn tail of the last file; *ret_end is then where the capture ends. */
static struct err mend_tail(const char *project_folder, const struct store_index_mark *mark,
                            struct store_repair_result *result, struct store_index_mark *ret_end)
{
    uint64_t len, end, from;
    uint32_t last;

    TRY(store_capture_last_file(project_folder, &last));
    *ret_end = (struct store_index_mark){.file = last};
    if (!last)
        return OK;
    TRY(file_len(project_folder, last, &len));
    from = mark->file == last && mark->offset <= len ? mark->offset : 0;
    TRY(store_capture_find_end(project_folder, last, from, &end));
    if (end < len) {
        log_write(LOG_WARNING, "capture file %u of %s ended in %llu bytes of a torn record; they are in a side file",
                  last, project_folder, (unsigned long long)(len - end));
        TRY(store_capture_cut(project_folder, last, end));
        result->torn_bytes = len - end;
    }
    ret_end->offset = end;
    return OK;
}

/* Before the index is touched: what is wrong with the capture is no reason to make the index again. */
static struct err check_capture(const char *project_folder)
{
    uint64_t len;
    uint32_t last;

    TRY(store_capture_last_file(project_folder, &last));
    if (!last)
        return OK;
    TRY(file_len(project_folder, last, &len));
    return check_format(project_folder, last, len);
}

/* Puts back the open row of an exchange whose closing was lost. */
static struct err reopen(const char *project_folder, struct store_index *index, uint64_t id)
{
    struct store_index_row row = {.is_open = true};
    struct store_fields fields;
    struct arena arena;
    struct err err;

    TRY(store_index_open_metadata(index, id, &row.metadata));
    arena_init(&arena, FACTS_ARENA_MAX);
    err = store_replay_read_metadata(project_folder, &row.metadata, &arena, &fields);
    if (!err_is(err)) {
        fields.facts.id = id;
        row.facts = &fields.facts;
        err = store_index_put(index, &row);
    }
    arena_deinit(&arena);
    return err;
}

static struct err rewind_to(const char *project_folder, struct store_index *index, const struct store_index_mark *end)
{
    uint64_t *ids = malloc(REOPENED_MAX * sizeof(*ids));
    size_t count = 0;
    struct err err;

    CHECK(ids);
    err = store_index_begin(index);
    if (!err_is(err))
        err = store_index_rewind(index, end, ids, REOPENED_MAX, &count);
    for (size_t i = 0; i < count && !err_is(err); i++)
        err = reopen(project_folder, index, ids[i]);
    if (!err_is(err))
        err = store_index_commit(index);
    if (err_is(err))
        store_index_rollback(index);
    free(ids);
    return err;
}

static uint64_t bytes_before(const char *project_folder, uint32_t file)
{
    uint64_t total = 0, len;

    for (uint32_t i = 1; i < file; i++)
        total += err_is(file_len(project_folder, i, &len)) ? 0 : len;
    return total;
}

static struct err bring_up(const char *project_folder, const struct store_repair_options *options,
                           struct store_index *index, struct store_repair_result *result)
{
    struct store_replay_options replay = {.on_progress = options->on_progress, .owner = options->owner};
    struct store_replay_result replayed = {0};
    struct store_index_mark mark, end;
    struct err err;

    TRY(store_index_get_mark(index, &mark));
    TRY(mend_tail(project_folder, &mark, result, &end));
    if (mark.file > end.file || (mark.file == end.file && mark.offset > end.offset)) {
        end.last_id = mark.last_id;
        TRY(rewind_to(project_folder, index, &end));
    }
    replay.total_bytes = bytes_before(project_folder, end.file) + end.offset;
    err = store_replay_run(project_folder, index, &replay, &replayed);
    result->record_count = replayed.record_count;
    result->skipped_count = replayed.skipped_count;
    return err;
}

struct err store_repair_open(const char *project_folder, const struct store_repair_options *options,
                             struct store_repair_result *ret_result, struct store_index **ret_index)
{
    static const struct store_repair_options defaults = {0};
    struct store_repair_result result = {0};
    struct store_index *index;
    struct err err;

    options = options ? options : &defaults;
    TRY(check_capture(project_folder));
    TRY(open_index(project_folder, options->is_anew, &result, &index));
    err = bring_up(project_folder, options, index, &result);
    /* Damage that the check at opening did not see: once more, from nothing. */
    if (err.code == ERR_DAMAGED && !result.is_index_new) {
        store_index_close(&index);
        TRY(store_index_set_aside(project_folder));
        TRY(open_index(project_folder, false, &result, &index));
        err = bring_up(project_folder, options, index, &result);
    }
    if (err_is(err)) {
        store_index_close(&index);
        return err;
    }
    if (ret_result)
        *ret_result = result;
    *ret_index = index;
    return OK;
}

struct err store_repair_reindex(struct store_project *project, const struct store_repair_options *options,
                                struct store_repair_result *ret_result)
{
    struct store_repair_options anew = options ? *options : (struct store_repair_options){0};
    struct store_index *index;

    CHECK(store_project_is_writable(project));
    anew.is_anew = true;
    TRY(store_repair_open(store_project_folder(project), &anew, ret_result, &index));
    store_index_close(&index);
    return OK;
}
