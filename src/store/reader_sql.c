/* What SQLite may do for a reader: read four tables, call the functions that conditions are made of, and stop. */
#include <stdlib.h>

#include "os/clock.h"
#include "query/fold.h"
#include "query/sql.h"
#include "store/reader_core.h"

#define STEPS_BETWEEN_LOOKS 1000

static struct str value_bytes(sqlite3_value *value)
{
    const void *bytes = sqlite3_value_blob(value);

    return (struct str){bytes, (size_t)sqlite3_value_bytes(value)};
}

static void fold(sqlite3_context *call, int count, sqlite3_value **values)
{
    struct str text = value_bytes(values[0]), folded;
    char *bytes;

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
        sqlite3_result_null(call);
        return;
    }
    bytes = malloc(query_fold_max_len(text.len));
    CHECK(bytes);
    folded = (struct str){bytes, query_fold(text, bytes)};
    if (query_column_is_text(folded))
        sqlite3_result_text64(call, folded.ptr, folded.len, free, SQLITE_UTF8);
    else
        sqlite3_result_blob64(call, folded.ptr, folded.len, free);
}

static void contains(sqlite3_context *call, int count, sqlite3_value **values)
{
    bool is_null = sqlite3_value_type(values[0]) == SQLITE_NULL;

    (void)count;
    sqlite3_result_int(call, !is_null && query_fold_contains(value_bytes(values[0]), value_bytes(values[1])));
}

static bool is_over(void *owner)
{
    const struct store_reader *reader = owner;

    if (reader->is_cancelled && atomic_load_explicit(reader->is_cancelled, memory_order_relaxed))
        return true;
    return reader->deadline_us && os_clock_mono_us() >= reader->deadline_us;
}

static void matches(sqlite3_context *call, int count, sqlite3_value **values)
{
    const struct query_regex *regex = sqlite3_value_pointer(values[0], QUERY_SQL_REGEX_POINTER);
    struct query_regex_limits limits = QUERY_REGEX_LIMITS_DEFAULT;
    bool is_match;

    (void)count;
    limits.is_over = is_over;
    limits.owner = sqlite3_user_data(call);
    if (!regex || sqlite3_value_type(values[1]) == SQLITE_NULL)
        sqlite3_result_int(call, 0);
    else if (err_is(query_regex_match(regex, value_bytes(values[1]), &limits, &is_match)))
        sqlite3_result_null(call);
    else
        sqlite3_result_int(call, is_match);
}

/* Sorting is spared the rows that cannot match. */
static void is_candidate(sqlite3_context *call, int count, sqlite3_value **values)
{
    const struct store_reader *reader = sqlite3_user_data(call);
    uint64_t id = (uint64_t)sqlite3_value_int64(values[0]);

    (void)count;
    sqlite3_result_int(call, !reader->candidates || store_text_set_has(reader->candidates, id));
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; name && *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

/* LIMIT: the parameters are SQLite's. */
static int authorize(void *owner, int action, const char *first, const char *second, const char *database,
                     const char *trigger)
{
    static const char *const tables[] = {"exchange", "piece", "gap", "mark", NULL};
    static const char *const functions[] = {
        "query_fold", "query_contains", "query_matches", "query_is_candidate", "count", "max", "min", NULL};

    (void)owner;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_TRANSACTION:
        return SQLITE_OK;
    case SQLITE_READ:
        return is_one_of(first, tables) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
        return is_one_of(second, functions) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

static int on_progress(void *owner) { return is_over(owner); }

struct err store_reader_sql_prepare(struct store_reader *reader)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    sqlite3 *database = reader->database;
    int code = sqlite3_create_function_v2(database, "query_fold", 1, flags, NULL, fold, NULL, NULL, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database, "query_contains", 2, flags, NULL, contains, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database, "query_matches", 2, flags, reader, matches, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database, "query_is_candidate", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, reader,
                                          is_candidate, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_set_authorizer(database, authorize, NULL);
    sqlite3_progress_handler(database, STEPS_BETWEEN_LOOKS, on_progress, reader);
    return store_database_error(database, code);
}

void store_reader_sql_bind(sqlite3_stmt *statement, const struct query_sql *sql)
{
    for (size_t i = 0; i < sql->param_count; i++) {
        const struct query_sql_param *param = &sql->params[i];
        int index = (int)i + 1;

        switch (param->type) {
        case QUERY_SQL_INTEGER:
            sqlite3_bind_int64(statement, index, param->integer);
            break;
        case QUERY_SQL_TEXT:
            store_database_bind_text(statement, index, param->text);
            break;
        case QUERY_SQL_BLOB:
            sqlite3_bind_blob64(statement, index, param->text.ptr, param->text.len, SQLITE_STATIC);
            break;
        case QUERY_SQL_REGEX:
            sqlite3_bind_pointer(statement, index, (void *)(uintptr_t)param->regex, QUERY_SQL_REGEX_POINTER, NULL);
            break;
        }
    }
}
