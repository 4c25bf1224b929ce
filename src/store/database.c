#include "store/database.h"

#include <errno.h>
#include <string.h>

#include "os/clock.h"
#include "os/file.h"

#define BUSY_TIMEOUT_MS 5000
#define CHECK_BUDGET_US ((uint64_t)1000000)
#define STEPS_BETWEEN_LOOKS 10000

/* SQLite's result as ours: what was full, read-only or damaged must stay tellable. */
struct err store_database_error(sqlite3 *database, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_FULL:
        return ERR(ERR_IO, ENOSPC, "database: the disk is full");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR(ERR_DENIED, EROFS, "database: not allowed to write");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR(ERR_BUSY, 0, "database: somebody else holds it");
    case SQLITE_INTERRUPT:
        return ERR(ERR_CANCELLED, 0, "database: stopped");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return ERR(ERR_DAMAGED, 0, "database: damaged");
    case SQLITE_TOOBIG:
        return ERR(ERR_LIMIT, 0, "database: a value is too large");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return ERR(ERR_IO, (unsigned)(database ? sqlite3_system_errno(database) : EIO), "database: the disk said no");
    default:
        return ERR(ERR_DAMAGED, 0, "database: cannot be used");
    }
}

struct err store_database_run(sqlite3 *database, const char *sql)
{
    return store_database_error(database, sqlite3_exec(database, sql, NULL, NULL, NULL));
}

struct err store_database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **ret_statement)
{
    return store_database_error(database,
                                sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL));
}

struct err store_database_step_done(sqlite3_stmt *statement)
{
    struct err err = store_database_error(sqlite3_db_handle(statement), sqlite3_step(statement));

    sqlite3_reset(statement);
    return err;
}

struct err store_database_step_row(sqlite3_stmt *statement, bool *ret_has_row)
{
    int code = sqlite3_step(statement);

    *ret_has_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return OK;
    sqlite3_reset(statement);
    return store_database_error(sqlite3_db_handle(statement), code);
}

void store_database_bind_text(sqlite3_stmt *statement, int index, struct str text)
{
    sqlite3_bind_text64(statement, index, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

struct str store_database_text(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);

    return (struct str){bytes, (size_t)sqlite3_column_bytes(statement, column)};
}

static void harden(sqlite3 *database)
{
    static const int switches[][2] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},    {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024},
        {SQLITE_LIMIT_SQL_LENGTH, 1024 * 1024},
        {SQLITE_LIMIT_COLUMN, 200},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 10000},
    };

    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        sqlite3_db_config(database, switches[i][0], switches[i][1], NULL);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(database, limits[i][0], limits[i][1]);
    sqlite3_busy_timeout(database, BUSY_TIMEOUT_MS);
}

static struct err open_raw(const char *path, int flags, sqlite3 **ret_database)
{
    sqlite3 *database = NULL;
    int code = sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_EXRESCODE, NULL);
    struct err err = store_database_error(database, code);

    if (err_is(err)) {
        sqlite3_close_v2(database);
        return err;
    }
    harden(database);
    err = store_database_run(database, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY");
    if (err_is(err)) {
        sqlite3_close_v2(database);
        return err;
    }
    *ret_database = database;
    return OK;
}

static struct err read_number(sqlite3 *database, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement;
    bool has_row;
    struct err err;

    TRY(store_database_prepare(database, sql, &statement));
    err = store_database_step_row(statement, &has_row);
    if (!err_is(err))
        *ret_number = has_row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return err;
}

#define SCHEMA_SQL "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"

/* Compares what the two statements give, row by row. */
static struct err compare_rows(sqlite3_stmt *a, sqlite3_stmt *b)
{
    for (;;) {
        bool has_a, has_b;

        TRY(store_database_step_row(a, &has_a));
        TRY(store_database_step_row(b, &has_b));
        if (has_a != has_b)
            return ERR(ERR_DAMAGED, 0, "database: another schema");
        if (!has_a)
            return OK;
        for (int i = 0; i < 4; i++) {
            if (!str_eq(store_database_text(a, i), store_database_text(b, i)))
                return ERR(ERR_DAMAGED, 0, "database: another schema");
        }
    }
}

/* Whether the schema is, byte for byte, the one that our statements make. */
static struct err check_schema(sqlite3 *database, const char *schema)
{
    sqlite3 *expected = NULL;
    sqlite3_stmt *actual_rows = NULL, *expected_rows = NULL;
    struct err err = open_raw(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, &expected);

    if (!err_is(err))
        err = store_database_run(expected, schema);
    if (!err_is(err))
        err = store_database_prepare(expected, SCHEMA_SQL, &expected_rows);
    if (!err_is(err))
        err = store_database_prepare(database, SCHEMA_SQL, &actual_rows);
    if (!err_is(err))
        err = compare_rows(actual_rows, expected_rows);
    sqlite3_finalize(actual_rows);
    sqlite3_finalize(expected_rows);
    sqlite3_close_v2(expected);
    return err;
}

static struct err check_identity(sqlite3 *database, const struct store_database_kind *kind)
{
    int64_t application_id = 0, version = 0;

    TRY(read_number(database, "PRAGMA application_id", &application_id));
    TRY(read_number(database, "PRAGMA user_version", &version));
    if (application_id != kind->application_id)
        return ERR(ERR_DAMAGED, 0, "database: not one of ours");
    if (version > kind->version)
        return ERR(ERR_DAMAGED, 0, "database: made by a later version");
    if (version < kind->version)
        return ERR(ERR_DAMAGED, 0, "database: made by an earlier version");
    return check_schema(database, kind->schema);
}

static int is_over(void *owner)
{
    const uint64_t *deadline_us = owner;

    return os_clock_mono_us() > *deadline_us;
}

/* A large database is looked through as far as the time goes; what is not seen here shows when it is read. */
static struct err check_pages(sqlite3 *database)
{
    uint64_t deadline_us = os_clock_mono_us() + CHECK_BUDGET_US;
    sqlite3_stmt *statement;
    bool has_row;
    struct err err;

    TRY(store_database_prepare(database, "PRAGMA quick_check(1)", &statement));
    sqlite3_progress_handler(database, STEPS_BETWEEN_LOOKS, is_over, &deadline_us);
    err = store_database_step_row(statement, &has_row);
    if (!err_is(err) && (!has_row || !str_eq(store_database_text(statement, 0), STR("ok"))))
        err = ERR(ERR_DAMAGED, 0, "database: damaged pages");
    sqlite3_progress_handler(database, 0, NULL, NULL);
    sqlite3_finalize(statement);
    return err.code == ERR_CANCELLED ? OK : err;
}

static struct err create(const char *path, const struct store_database_kind *kind)
{
    struct os_file *file = NULL;
    sqlite3 *database = NULL;
    char pragmas[128];
    struct err err;

    /* Made by us, so that it is private whatever the umask is; SQLite gives its side files the same mode. */
    TRY(os_file_open(path, OS_FILE_CREATE, &file));
    os_file_close(&file);
    TRY(open_raw(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, &database));
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%d", kind->application_id,
             kind->version);
    for (size_t i = 0; kind->pragmas[i]; i++)
        IGNORE(store_database_run(database, kind->pragmas[i])); /* run again, and judged, by every opening */
    err = store_database_run(database, "BEGIN IMMEDIATE");
    if (!err_is(err))
        err = store_database_run(database, pragmas);
    if (!err_is(err))
        err = store_database_run(database, kind->schema);
    if (!err_is(err))
        err = store_database_run(database, "COMMIT");
    sqlite3_close_v2(database);
    if (err_is(err))
        IGNORE(os_file_remove(path)); /* it was empty a moment ago; the error that counts is the first */
    return err;
}

static struct err open_checked(const char *path, const struct store_database_kind *kind, bool is_read_only,
                               bool are_pages_checked, sqlite3 **ret_database)
{
    sqlite3 *database;
    struct err err;

    TRY(open_raw(path,
                 (is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                     (kind->is_shared ? SQLITE_OPEN_FULLMUTEX : SQLITE_OPEN_NOMUTEX),
                 &database));
    err = check_identity(database, kind);
    if (!err_is(err) && are_pages_checked)
        err = check_pages(database);
    for (size_t i = 0; !err_is(err) && !is_read_only && kind->pragmas[i]; i++)
        err = store_database_run(database, kind->pragmas[i]);
    if (err_is(err)) {
        sqlite3_close_v2(database);
        return err;
    }
    *ret_database = database;
    return OK;
}

struct err store_database_open(const char *path, const struct store_database_kind *kind, enum store_database_mode mode,
                               sqlite3 **ret_database)
{
    sqlite3 *checked;

    if (os_file_exists(path))
        TRY(os_file_check_private(path));
    else if (mode == STORE_DATABASE_READ)
        return ERR(ERR_ABSENT, 0, "there is no such database");
    else
        TRY(create(path, kind));
    if (mode == STORE_DATABASE_CHECKED_WRITE) {
        TRY(open_checked(path, kind, true, true, &checked));
        sqlite3_close_v2(checked);
    }
    return open_checked(path, kind, mode == STORE_DATABASE_READ, false, ret_database);
}

void store_database_close(sqlite3 **database)
{
    if (*database)
        sqlite3_close_v2(*database);
    *database = NULL;
}
