/* database.h - SQLite databases opened so that neither a hostile file nor a hostile query can do harm.
 *
 * Before a database is used it is checked: a regular file of ours, our application id and version, exactly the schema
 * that we would have made, and, within a time limit, no damaged page.  The connection is defensive: no triggers, views,
 * extensions or attached files, an untrusted schema, lowered limits.  Paths never go through SQLite's URI syntax.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct store_database_kind {
    int application_id;
    int version;
    const char *schema;         /* the statements that make it */
    const char *const *pragmas; /* run on every connection that writes; ends with NULL */
    bool is_shared;             /* a connection may be used by several threads at once */
};

enum store_database_mode {
    STORE_DATABASE_READ,
    STORE_DATABASE_WRITE,         /* made when absent */
    STORE_DATABASE_CHECKED_WRITE, /* and looked through for damaged pages first, read-only */
};

/* ERR_ABSENT; ERR_DAMAGED: foreign, another version, another schema, or damaged; ERR_IO, ERR_BUSY as from files. */
MUST_CHECK struct err store_database_open(const char *path, const struct store_database_kind *kind,
                                          enum store_database_mode mode, sqlite3 **ret_database);
void store_database_close(sqlite3 **database);

/* What a result code of SQLite means to us. */
struct err store_database_error(sqlite3 *database, int code);
MUST_CHECK struct err store_database_run(sqlite3 *database, const char *sql);
MUST_CHECK struct err store_database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **ret_statement);
/* Steps a statement that gives no rows, and resets it. */
MUST_CHECK struct err store_database_step_done(sqlite3_stmt *statement);
/* Steps; *ret_has_row false at the end.  Resets on error. */
MUST_CHECK struct err store_database_step_row(sqlite3_stmt *statement, bool *ret_has_row);

/* Binding never copies: the bytes must live until the statement is reset. */
void store_database_bind_text(sqlite3_stmt *statement, int index, struct str text);
/* A column's bytes; valid until the next step. */
struct str store_database_text(sqlite3_stmt *statement, int column);

#endif
