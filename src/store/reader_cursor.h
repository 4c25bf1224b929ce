/* reader_cursor.h - in which order a list goes, and where in it one stands.
 *
 * A cursor is the order and the key of the last row looked at, so rows that come later do not move it:
 *   "-id:17"   "-time_us:17:i1200"   "host:17:b6578616d706c65"   "host:17:n" (absent)   "host:17:k" (key of that row)
 */
#ifndef STORE_READER_CURSOR_H
#define STORE_READER_CURSOR_H

#include <sqlite3.h>

#include "query/column.h"
#include "store/reader.h"

#define STORE_READER_CURSOR_KEY_MAX ((size_t)900) /* bytes of a key that stand in the cursor */

struct store_reader_order {
    enum query_column column;
    bool is_descending;
};

enum store_reader_key_type {
    STORE_READER_KEY_NONE, /* at the start */
    STORE_READER_KEY_ID,   /* the order is that of ids */
    STORE_READER_KEY_NULL,
    STORE_READER_KEY_INTEGER,
    STORE_READER_KEY_BYTES,
    STORE_READER_KEY_OF_ROW, /* too long to carry: it is the key of the row `id` */
};

struct store_reader_cursor {
    enum store_reader_key_type type;
    uint64_t id;
    int64_t integer;
    size_t bytes_len;
    char bytes[STORE_READER_CURSOR_KEY_MAX];
};

/* A field's name or a column's, '-' before it for descending; empty: "-id".  ERR_SYNTAX. */
MUST_CHECK struct err store_reader_cursor_order(struct str text, struct store_reader_order *ret_order);
/* ERR_SYNTAX: not a cursor of that order. */
MUST_CHECK struct err store_reader_cursor_parse(struct str text, const struct store_reader_order *order,
                                                struct store_reader_cursor *ret_cursor);
void store_reader_cursor_format(const struct store_reader_cursor *cursor, const struct store_reader_order *order,
                                char text[STORE_READER_CURSOR_MAX]);
/* From a row: its id, and its key in the statement's column `key` (not used when the order is that of ids). */
void store_reader_cursor_take(struct store_reader_cursor *cursor, const struct store_reader_order *order,
                              sqlite3_stmt *row, int key);

/* The key as an expression. */
void store_reader_cursor_key_sql(const struct store_reader_order *order, char *sql, size_t size);
/* The condition that a row stands behind the cursor, with parameters first+0 (key) and first+1 (id). */
void store_reader_cursor_after_sql(const struct store_reader_cursor *cursor, const struct store_reader_order *order,
                                   int first, char *sql, size_t size);
void store_reader_cursor_bind(const struct store_reader_cursor *cursor, sqlite3_stmt *statement, int first);

#endif
