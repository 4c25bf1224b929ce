/* query_sqlite.h - an index in memory, made of nothing but query/column.h, that compiled queries are tried on.
 *
 * Header only, for the few programs that link SQLite.  Every failure of SQLite stops the program.
 */
#ifndef TESTS_SUPPORT_QUERY_SQLITE_H
#define TESTS_SUPPORT_QUERY_SQLITE_H

#include <sqlite3.h>
#include <stdio.h>

#include "base/err.h"
#include "query/column.h"
#include "query/fold.h"
#include "query/regex.h"
#include "query/sql.h"

static void query_sqlite_check(sqlite3 *db, int code, const char *what)
{
    if (code == SQLITE_OK || code == SQLITE_DONE)
        return;
    fprintf(stderr, "%.2000s: %s\n", what, sqlite3_errmsg(db));
    abort();
}

static struct str query_sqlite_value(sqlite3_value *value)
{
    const char *bytes = sqlite3_value_blob(value);

    return (struct str){bytes, (size_t)sqlite3_value_bytes(value)};
}

static void query_sqlite_fold(sqlite3_context *call, int count, sqlite3_value **values)
{
    struct str text = query_sqlite_value(values[0]);
    struct str folded;
    char *bytes;

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    bytes = malloc(query_fold_max_len(text.len));
    CHECK(bytes);
    folded = (struct str){bytes, query_fold(text, bytes)};
    if (query_column_is_text(folded))
        sqlite3_result_text64(call, folded.ptr, folded.len, free, SQLITE_UTF8);
    else
        sqlite3_result_blob64(call, folded.ptr, folded.len, free);
}

static void query_sqlite_contains(sqlite3_context *call, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        sqlite3_result_int(call, 0);
    else
        sqlite3_result_int(call, query_fold_contains(query_sqlite_value(values[0]), query_sqlite_value(values[1])));
}

static void query_sqlite_matches(sqlite3_context *call, int count, sqlite3_value **values)
{
    const struct query_regex *regex = sqlite3_value_pointer(values[0], QUERY_SQL_REGEX_POINTER);
    bool is_match = false;

    (void)count;
    CHECK(regex);
    if (sqlite3_value_type(values[1]) == SQLITE_NULL)
        sqlite3_result_int(call, 0);
    else if (err_is(query_regex_match(regex, query_sqlite_value(values[1]), NULL, &is_match)))
        sqlite3_result_null(call);
    else
        sqlite3_result_int(call, is_match);
}

static sqlite3 *query_sqlite_open(void)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    char schema[8192] = "CREATE TABLE " QUERY_COLUMN_TABLE " (";
    size_t len = strlen(schema);
    sqlite3 *db;

    CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
    for (int column = 0; column < QUERY_COLUMN_COUNT; column++) {
        bool is_text = query_column_type((enum query_column)column) == QUERY_COLUMN_TEXT;

        len += (size_t)snprintf(schema + len, sizeof(schema) - len, "%s%s%s", column ? ", " : "",
                                query_column_name((enum query_column)column), is_text ? "" : " INTEGER");
    }
    snprintf(schema + len, sizeof(schema) - len, ")");
    query_sqlite_check(db, sqlite3_exec(db, schema, NULL, NULL, NULL), schema);
    sqlite3_create_function(db, "query_fold", 1, flags, NULL, query_sqlite_fold, NULL, NULL);
    sqlite3_create_function(db, "query_contains", 2, flags, NULL, query_sqlite_contains, NULL, NULL);
    sqlite3_create_function(db, "query_matches", 2, flags, NULL, query_sqlite_matches, NULL, NULL);
    return db;
}

static void query_sqlite_bind_text(sqlite3_stmt *statement, int index, struct str text, bool is_text)
{
    const char *bytes = text.ptr ? text.ptr : "";

    if (is_text)
        sqlite3_bind_text64(statement, index, bytes, text.len, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(statement, index, bytes, text.len, SQLITE_STATIC);
}

static void query_sqlite_insert(sqlite3 *db, const struct exchange_facts *facts)
{
    char sql[2048] = "INSERT INTO " QUERY_COLUMN_TABLE " VALUES (?";
    size_t len = strlen(sql);
    sqlite3_stmt *statement;

    for (int column = 1; column < QUERY_COLUMN_COUNT; column++)
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, ", ?");
    snprintf(sql + len, sizeof(sql) - len, ")");
    query_sqlite_check(db, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), sql);
    for (int column = 0; column < QUERY_COLUMN_COUNT; column++) {
        struct query_column_value value = query_column_value(facts, (enum query_column)column);

        if (value.is_present && value.type == QUERY_COLUMN_INTEGER)
            sqlite3_bind_int64(statement, column + 1, value.integer);
        else if (value.is_present)
            query_sqlite_bind_text(statement, column + 1, value.text, query_column_is_text(value.text));
    }
    query_sqlite_check(db, sqlite3_step(statement), sql);
    sqlite3_finalize(statement);
}

/* SELECT id with the condition among others, as a page of the log has it. */
static sqlite3_stmt *query_sqlite_prepare(sqlite3 *db, const struct query_sql *sql)
{
    static const char before[] = "SELECT id FROM " QUERY_COLUMN_TABLE " WHERE id < 1000000000 AND (";
    static const char after[] = ") ORDER BY id";
    char *text = malloc(sizeof(before) + sql->where.len + sizeof(after));
    sqlite3_stmt *statement;

    CHECK(text);
    memcpy(text, before, sizeof(before) - 1);
    memcpy(text + sizeof(before) - 1, sql->where.ptr, sql->where.len);
    memcpy(text + sizeof(before) - 1 + sql->where.len, after, sizeof(after));
    query_sqlite_check(db, sqlite3_prepare_v2(db, text, -1, &statement, NULL), text);
    free(text);
    for (size_t i = 0; i < sql->param_count; i++) {
        const struct query_sql_param *param = &sql->params[i];
        int index = (int)i + 1;

        if (param->type == QUERY_SQL_INTEGER)
            sqlite3_bind_int64(statement, index, param->integer);
        else if (param->type == QUERY_SQL_REGEX)
            sqlite3_bind_pointer(statement, index, (void *)(uintptr_t)param->regex, QUERY_SQL_REGEX_POINTER, NULL);
        else
            query_sqlite_bind_text(statement, index, param->text, param->type == QUERY_SQL_TEXT);
    }
    return statement;
}

#endif
