#include "store/index.h"

#include <stdlib.h>

#include "os/file.h"
#include "query/column.h"

#define DDL_INTEGER " INTEGER"
#define DDL_TEXT ""
#define COLUMN_DDL(NAME, name, type) #name DDL_##type ", "
#define COLUMN_NAME(NAME, name, type) #name ", "
#define COLUMN_PARAMETER(NAME, name, type) "?, "

#define OWN_COLUMN_COUNT 10
#define BAD_MAX 10000

static const char *const pragmas[] = {
    "PRAGMA journal_mode=WAL",     "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=0", "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-4096",     NULL,
};

/* Text columns have no type, so that nothing is ever converted (query/column.h). */
const struct store_database_kind store_index_kind = {
    .application_id = 0x736b6969,
    .version = 1,
    .schema = "CREATE TABLE exchange(" QUERY_COLUMNS(
        COLUMN_DDL) "is_open INTEGER NOT NULL, "
                    "meta_file INTEGER NOT NULL, meta_offset INTEGER NOT NULL, meta_len INTEGER NOT NULL, "
                    "req_file INTEGER, req_offset INTEGER, req_size INTEGER, "
                    "res_file INTEGER, res_offset INTEGER, res_size INTEGER, PRIMARY KEY(id));"
                    "CREATE INDEX exchange_open ON exchange(id) WHERE is_open;"
                    "CREATE TABLE piece(exchange INTEGER, part INTEGER, start INTEGER, "
                    "file INTEGER NOT NULL, offset INTEGER NOT NULL, len INTEGER NOT NULL, "
                    "PRIMARY KEY(exchange, part, start)) WITHOUT ROWID;"
                    "CREATE TABLE gap(file INTEGER, offset INTEGER, from_us INTEGER, to_us INTEGER, "
                    "exchanges INTEGER, events INTEGER, bytes INTEGER, PRIMARY KEY(file, offset)) WITHOUT ROWID;"
                    "CREATE TABLE mark(one INTEGER PRIMARY KEY CHECK(one = 1), file INTEGER NOT NULL, offset INTEGER "
                    "NOT NULL, "
                    "last_id INTEGER NOT NULL);",
    .pragmas = pragmas,
};

enum statement {
    PUT,
    PUT_PIECE,
    PUT_GAP,
    PUT_MARK,
    GET_MARK,
    GET_PLACES,
    GET_END,
    OPEN_IDS,
    OPEN_METADATA,
    STATEMENT_COUNT,
};

static const char *const statements[STATEMENT_COUNT] = {
    [PUT] = "INSERT OR REPLACE INTO exchange(" QUERY_COLUMNS(
        COLUMN_NAME) "is_open, meta_file, meta_offset, meta_len, req_file, req_offset, req_size, res_file, res_offset, "
                     "res_size) "
                     "VALUES(" QUERY_COLUMNS(COLUMN_PARAMETER) "?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [PUT_PIECE] = "INSERT OR REPLACE INTO piece(exchange, part, start, file, offset, len) VALUES(?, ?, ?, ?, ?, ?)",
    [PUT_GAP] = "INSERT OR REPLACE INTO gap(file, offset, from_us, to_us, exchanges, events, bytes) "
                "VALUES(?, ?, ?, ?, ?, ?, ?)",
    [PUT_MARK] = "INSERT OR REPLACE INTO mark(one, file, offset, last_id) VALUES(1, ?, ?, ?)",
    [GET_MARK] = "SELECT file, offset, last_id FROM mark",
    [GET_PLACES] = "SELECT is_open, meta_file, meta_offset, meta_len, req_file, req_offset, req_size, res_file, "
                   "res_offset, res_size FROM exchange WHERE id = ?",
    [GET_END] = "SELECT start, len FROM piece WHERE exchange = ? AND part = ? ORDER BY start DESC LIMIT 1",
    [OPEN_IDS] = "SELECT id FROM exchange WHERE is_open AND id > ? ORDER BY id LIMIT ?",
    [OPEN_METADATA] = "SELECT file, offset, len FROM piece WHERE exchange = ? AND part = ? ORDER BY start DESC LIMIT 1",
};

struct store_index {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

struct err store_index_path(const char *project_folder, char path[], size_t size)
{
    int len = snprintf(path, size, "%s/" STORE_INDEX_FILE, project_folder);

    return len > 0 && (size_t)len < size ? OK : ERR(ERR_LIMIT, 0, "the project's path is too long");
}

static struct err prepare_all(struct store_index *index)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        TRY(store_database_prepare(index->database, statements[i], &index->statements[i]));
    return OK;
}

struct err store_index_open(const char *project_folder, struct store_index **ret_index)
{
    struct store_index *index;
    char path[4096];
    sqlite3 *database;
    struct err err;

    TRY(store_index_path(project_folder, path, sizeof(path)));
    TRY(store_database_open(path, &store_index_kind, STORE_DATABASE_CHECKED_WRITE, &database));
    index = calloc(1, sizeof(*index));
    CHECK(index);
    index->database = database;
    err = prepare_all(index);
    if (err_is(err)) {
        store_index_close(&index);
        return err;
    }
    *ret_index = index;
    return OK;
}

void store_index_close(struct store_index **index)
{
    if (!*index)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize((*index)->statements[i]);
    store_database_close(&(*index)->database);
    free(*index);
    *index = NULL;
}

struct err store_index_set_aside(const char *project_folder)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[4096], from[4128], to[4128];

    TRY(store_index_path(project_folder, path, sizeof(path)));
    for (unsigned i = 1; i <= BAD_MAX; i++) {
        snprintf(to, sizeof(to), "%s.bad-%u", path, i);
        if (os_file_exists(to))
            continue;
        for (size_t k = 0; k < sizeof(suffixes) / sizeof(suffixes[0]); k++) {
            snprintf(from, sizeof(from), "%s%s", path, suffixes[k]);
            snprintf(to, sizeof(to), "%s.bad-%u%s", path, i, suffixes[k]);
            if (os_file_exists(from))
                TRY(os_file_rename(from, to));
        }
        return OK;
    }
    return ERR(ERR_LIMIT, 0, "too many damaged indexes were set aside");
}

struct err store_index_begin(struct store_index *index)
{
    return store_database_run(index->database, "BEGIN IMMEDIATE");
}

struct err store_index_commit(struct store_index *index) { return store_database_run(index->database, "COMMIT"); }

/* Nothing to do about an error: SQLite has then rolled back by itself. */
void store_index_rollback(struct store_index *index)
{
    if (!sqlite3_get_autocommit(index->database))
        IGNORE(store_database_run(index->database, "ROLLBACK"));
}

static void bind_number(sqlite3_stmt *statement, int index, uint64_t number)
{
    sqlite3_bind_int64(statement, index, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

static void bind_place(sqlite3_stmt *statement, int index, const struct store_place *place)
{
    if (!place->file) {
        for (int i = 0; i < 3; i++)
            sqlite3_bind_null(statement, index + i);
        return;
    }
    bind_number(statement, index, place->file);
    bind_number(statement, index + 1, place->offset);
    bind_number(statement, index + 2, place->len);
}

static struct store_place column_place(sqlite3_stmt *statement, int column)
{
    return (struct store_place){.file = (uint32_t)sqlite3_column_int64(statement, column),
                                .offset = (uint64_t)sqlite3_column_int64(statement, column + 1),
                                .len = (uint64_t)sqlite3_column_int64(statement, column + 2)};
}

/* Most text is ASCII without NUL; eight bytes at a time. */
static bool is_plain_ascii(struct str text)
{
    const uint64_t high = UINT64_C(0x8080808080808080), one = UINT64_C(0x0101010101010101);
    uint64_t word;

    for (; text.len >= sizeof(word); text = str_skip(text, sizeof(word))) {
        memcpy(&word, text.ptr, sizeof(word));
        if ((word | (word - one)) & high)
            return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= 0)
            return false;
    }
    return true;
}

static void bind_value(sqlite3_stmt *statement, int index, const struct query_column_value *value)
{
    if (!value->is_present)
        sqlite3_bind_null(statement, index);
    else if (value->type == QUERY_COLUMN_INTEGER)
        sqlite3_bind_int64(statement, index, value->integer);
    else if (is_plain_ascii(value->text) || query_column_is_text(value->text))
        store_database_bind_text(statement, index, value->text);
    else
        sqlite3_bind_blob64(statement, index, value->text.ptr, value->text.len, SQLITE_STATIC);
}

static struct err get_places(struct store_index *index, uint64_t id, struct store_index_known *ret_known,
                             bool *ret_has_row)
{
    sqlite3_stmt *statement = index->statements[GET_PLACES];

    bind_number(statement, 1, id);
    TRY(store_database_step_row(statement, ret_has_row));
    if (!*ret_has_row)
        return OK;
    ret_known->is_open = sqlite3_column_int(statement, 0) != 0;
    ret_known->metadata = column_place(statement, 1);
    ret_known->half[EXCHANGE_REQUEST] = column_place(statement, 4);
    ret_known->half[EXCHANGE_RESPONSE] = column_place(statement, 7);
    sqlite3_reset(statement);
    return OK;
}

struct err store_index_put(struct store_index *index, const struct store_index_row *row)
{
    sqlite3_stmt *statement = index->statements[PUT];
    struct store_index_known known = {.half = {row->half[0], row->half[1]}};
    int own = QUERY_COLUMN_COUNT + 1;
    bool has_row;

    if (row->are_places_kept)
        TRY(get_places(index, row->facts->id, &known, &has_row));
    for (int i = 0; i < QUERY_COLUMN_COUNT; i++) {
        struct query_column_value value = query_column_value(row->facts, (enum query_column)i);

        bind_value(statement, i + 1, &value);
    }
    sqlite3_bind_int(statement, own, row->is_open);
    bind_place(statement, own + 1, &row->metadata);
    bind_place(statement, own + 4, &known.half[EXCHANGE_REQUEST]);
    bind_place(statement, own + 7, &known.half[EXCHANGE_RESPONSE]);
    return store_database_step_done(statement);
}

struct err store_index_put_piece(struct store_index *index, const struct store_index_piece *piece)
{
    sqlite3_stmt *statement = index->statements[PUT_PIECE];

    bind_number(statement, 1, piece->id);
    bind_number(statement, 2, piece->part);
    bind_number(statement, 3, piece->start);
    bind_place(statement, 4, &piece->place);
    return store_database_step_done(statement);
}

struct err store_index_put_gap(struct store_index *index, const struct store_index_gap *gap,
                               const struct store_place *place)
{
    const uint64_t numbers[] = {place->file,         place->offset,    gap->from_us,   gap->to_us,
                                gap->exchange_count, gap->event_count, gap->byte_count};
    sqlite3_stmt *statement = index->statements[PUT_GAP];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        bind_number(statement, (int)i + 1, numbers[i]);
    return store_database_step_done(statement);
}

struct err store_index_put_mark(struct store_index *index, const struct store_index_mark *mark)
{
    sqlite3_stmt *statement = index->statements[PUT_MARK];

    bind_number(statement, 1, mark->file);
    bind_number(statement, 2, mark->offset);
    bind_number(statement, 3, mark->last_id);
    return store_database_step_done(statement);
}

struct err store_index_get_mark(struct store_index *index, struct store_index_mark *ret_mark)
{
    sqlite3_stmt *statement = index->statements[GET_MARK];
    bool has_row;

    *ret_mark = (struct store_index_mark){0};
    TRY(store_database_step_row(statement, &has_row));
    if (has_row) {
        ret_mark->file = (uint32_t)sqlite3_column_int64(statement, 0);
        ret_mark->offset = (uint64_t)sqlite3_column_int64(statement, 1);
        ret_mark->last_id = (uint64_t)sqlite3_column_int64(statement, 2);
        sqlite3_reset(statement);
    }
    return OK;
}

/* Interim responses and open metadata are counted, the other parts measured. */
static bool is_counted(enum store_index_part part)
{
    return part == STORE_INDEX_INTERIM || part == STORE_INDEX_OPEN_METADATA;
}

static struct err get_end(struct store_index *index, uint64_t id, enum store_index_part part, uint64_t *ret_end)
{
    sqlite3_stmt *statement = index->statements[GET_END];
    bool has_row;

    bind_number(statement, 1, id);
    bind_number(statement, 2, part);
    TRY(store_database_step_row(statement, &has_row));
    *ret_end = 0;
    if (has_row) {
        uint64_t start = (uint64_t)sqlite3_column_int64(statement, 0);

        *ret_end = start + (is_counted(part) ? 1 : (uint64_t)sqlite3_column_int64(statement, 1));
        sqlite3_reset(statement);
    }
    return OK;
}

struct err store_index_get(struct store_index *index, uint64_t id, struct store_index_known *ret_known)
{
    struct store_index_known known = {0};
    bool is_known;

    TRY(get_places(index, id, &known, &is_known));
    for (int part = 0; part < STORE_INDEX_PART_COUNT; part++) {
        TRY(get_end(index, id, (enum store_index_part)part, &known.end[part]));
        is_known = is_known || known.end[part] > 0;
    }
    if (!is_known)
        return ERR(ERR_ABSENT, 0, "there is no such exchange");
    *ret_known = known;
    return OK;
}

/* The ids that a prepared and bound statement gives. */
static struct err collect_ids(sqlite3_stmt *statement, uint64_t *ids, size_t max, size_t *ret_count)
{
    bool has_row;

    *ret_count = 0;
    for (;;) {
        TRY(store_database_step_row(statement, &has_row));
        if (!has_row)
            return OK;
        if (*ret_count == max) {
            sqlite3_reset(statement);
            return ERR(ERR_LIMIT, 0, "index: more ids than fit");
        }
        ids[(*ret_count)++] = (uint64_t)sqlite3_column_int64(statement, 0);
    }
}

struct err store_index_open_ids(struct store_index *index, uint64_t after, uint64_t *ids, size_t max, size_t *ret_count)
{
    sqlite3_stmt *statement = index->statements[OPEN_IDS];

    bind_number(statement, 1, after);
    bind_number(statement, 2, max);
    return collect_ids(statement, ids, max, ret_count);
}

struct err store_index_open_metadata(struct store_index *index, uint64_t id, struct store_place *ret_place)
{
    sqlite3_stmt *statement = index->statements[OPEN_METADATA];
    bool has_row;

    bind_number(statement, 1, id);
    bind_number(statement, 2, STORE_INDEX_OPEN_METADATA);
    TRY(store_database_step_row(statement, &has_row));
    if (!has_row)
        return ERR(ERR_ABSENT, 0, "the exchange was never open");
    *ret_place = column_place(statement, 0);
    sqlite3_reset(statement);
    return OK;
}

/* Runs a statement whose parameters are the mark's file and offset. */
static struct err run_with_mark(struct store_index *index, const char *sql, const struct store_index_mark *mark,
                                struct err (*step)(sqlite3_stmt *statement, void *owner), void *owner)
{
    sqlite3_stmt *statement;
    struct err err;

    TRY(store_database_prepare(index->database, sql, &statement));
    bind_number(statement, 1, mark->file);
    bind_number(statement, 2, mark->offset);
    err = step ? step(statement, owner) : store_database_step_done(statement);
    sqlite3_finalize(statement);
    return err;
}

struct ids {
    uint64_t *ids;
    size_t max, count;
};

static struct err step_ids(sqlite3_stmt *statement, void *owner)
{
    struct ids *ids = owner;

    return collect_ids(statement, ids->ids, ids->max, &ids->count);
}

struct err store_index_rewind(struct store_index *index, const struct store_index_mark *mark, uint64_t *ids, size_t max,
                              size_t *ret_count)
{
    struct ids reopened = {.ids = ids, .max = max};

    TRY(run_with_mark(index, "DELETE FROM piece WHERE (file, offset) >= (?1, ?2)", mark, NULL, NULL));
    TRY(run_with_mark(index, "DELETE FROM gap WHERE (file, offset) >= (?1, ?2)", mark, NULL, NULL));
    TRY(run_with_mark(index,
                      "SELECT id FROM exchange WHERE (meta_file, meta_offset) >= (?1, ?2) AND "
                      "EXISTS(SELECT 1 FROM piece WHERE piece.exchange = exchange.id AND piece.part = 5)",
                      mark, step_ids, &reopened));
    TRY(run_with_mark(index, "DELETE FROM exchange WHERE (meta_file, meta_offset) >= (?1, ?2)", mark, NULL, NULL));
    *ret_count = reopened.count;
    return store_index_put_mark(index, mark);
}

struct err store_index_checkpoint(sqlite3 *database, int *ret_pages_left)
{
    int log_pages = 0, moved_pages = 0;
    int code = sqlite3_wal_checkpoint_v2(database, NULL, SQLITE_CHECKPOINT_PASSIVE, &log_pages, &moved_pages);

    *ret_pages_left = log_pages - moved_pages;
    return store_database_error(database, code);
}
