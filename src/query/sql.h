/* sql.h - a query as a condition over the index's table.
 *
 * The condition selects every row that the evaluator would accept (a superset); is_exact says that it selects no other,
 * so that counting in SQL is right and nothing needs to be loaded.  Text typed by people only ever becomes a bound
 * parameter; the condition itself is made of constants of this module.
 *
 * It uses the columns of query/column.h, unqualified, and no functions but these, which the index registers:
 *   query_fold(text)             see fold.h
 *   query_contains(text, part)   see fold.h
 *   query_matches(regex, text)   1 or 0 by query_regex_match(); 0 for NULL text; NULL when a limit was reached, which
 *                                the condition takes as "perhaps", so that the evaluator reports it
 * Its size is bounded whatever the query is: what does not fit is left to the evaluator.
 */
#ifndef QUERY_SQL_H
#define QUERY_SQL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "query/tree.h"

enum {
    QUERY_SQL_BYTES_MAX = 256 * 1024,
    QUERY_SQL_PARAMS_MAX = 4000,
    QUERY_SQL_CONDITIONS_MAX = 500, /* the time SQLite takes to prepare grows with their square */
};

/* The type to give sqlite3_bind_pointer() and sqlite3_value_pointer(). */
#define QUERY_SQL_REGEX_POINTER "query_regex"

enum query_sql_param_type {
    QUERY_SQL_INTEGER,
    QUERY_SQL_TEXT,
    QUERY_SQL_BLOB,  /* perhaps empty, which is not NULL: bound with a pointer that is not NULL */
    QUERY_SQL_REGEX, /* bound as a pointer */
};

struct query_sql_param {
    enum query_sql_param_type type;
    int64_t integer;
    struct str text;                 /* TEXT and BLOB; lives as long as the tree or the arena */
    const struct query_regex *regex; /* lives as long as the tree */
};

struct query_sql {
    struct str where; /* an expression for WHERE, with a terminating NUL after it; "1" when everything is a candidate */
    const struct query_sql_param *params; /* for ?1, ?2, ... */
    size_t param_count;
    bool is_exact;
};

/* Everything in *ret_sql lives in the arena and in the tree.  ERR_LIMIT: the arena is full. */
MUST_CHECK struct err query_sql(const struct query_tree *tree, struct arena *arena, struct query_sql *ret_sql);

#endif
