#include "store/reader_cursor.h"

#include "query/field.h"
#include "store/out.h"

#define KEY_SQL_MAX 128

static bool find_column(struct str name, enum query_column *ret_column)
{
    struct query_field_match match;

    for (int i = 0; i < QUERY_COLUMN_COUNT; i++) {
        if (str_eq_nocase(name, str_from(query_column_name((enum query_column)i)))) {
            *ret_column = (enum query_column)i;
            return true;
        }
    }
    if (!query_field_find(name, &match) || match.is_original || match.fields[0]->origin != QUERY_FROM_COLUMN)
        return false;
    *ret_column = match.fields[0]->column;
    return true;
}

struct err store_reader_cursor_order(struct str text, struct store_reader_order *ret_order)
{
    struct store_reader_order order = {.column = QUERY_COLUMN_ID, .is_descending = true};

    if (text.len) {
        order.is_descending = text.ptr[0] == '-';
        if (!find_column(str_skip(text, order.is_descending), &order.column))
            return ERR(ERR_SYNTAX, 0, "the order is not a field that lists can be ordered by");
    }
    *ret_order = order;
    return OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_bytes(struct str hex, struct store_reader_cursor *cursor)
{
    if (hex.len % 2 || hex.len / 2 > sizeof(cursor->bytes))
        return false;
    cursor->bytes_len = hex.len / 2;
    for (size_t i = 0; i < cursor->bytes_len; i++) {
        int high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        cursor->bytes[i] = (char)(high * 16 + low);
    }
    return true;
}

static bool parse_key(struct str text, struct store_reader_cursor *cursor)
{
    struct str value = str_skip(text, 1);
    uint64_t magnitude;
    bool is_negative;

    switch (text.len ? text.ptr[0] : '\0') {
    case 'n':
        cursor->type = STORE_READER_KEY_NULL;
        return value.len == 0;
    case 'k':
        cursor->type = STORE_READER_KEY_OF_ROW;
        return value.len == 0;
    case 'i':
        cursor->type = STORE_READER_KEY_INTEGER;
        is_negative = str_starts(value, STR("-"));
        if (!str_to_u64(str_skip(value, is_negative), &magnitude) || magnitude > INT64_MAX)
            return false;
        cursor->integer = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
        return true;
    case 'b':
        cursor->type = STORE_READER_KEY_BYTES;
        return parse_bytes(value, cursor);
    default:
        return false;
    }
}

static size_t format_order(const struct store_reader_order *order, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%s%s:", order->is_descending ? "-" : "", query_column_name(order->column));
}

struct err store_reader_cursor_parse(struct str text, const struct store_reader_order *order,
                                     struct store_reader_cursor *ret_cursor)
{
    const struct err bad = ERR(ERR_SYNTAX, 0, "the cursor is not one of this list");
    struct store_reader_cursor cursor = {.type = STORE_READER_KEY_NONE};
    struct str id, key;
    char prefix[KEY_SQL_MAX];
    size_t prefix_len = format_order(order, prefix, sizeof(prefix));

    *ret_cursor = cursor;
    if (text.len == 0)
        return OK;
    if (!str_starts(text, (struct str){prefix, prefix_len}))
        return bad;
    str_cut(str_skip(text, prefix_len), ':', &id, &key);
    if (!str_to_u64(id, &cursor.id) || cursor.id > INT64_MAX)
        return bad;
    cursor.type = STORE_READER_KEY_ID;
    if (order->column == QUERY_COLUMN_ID ? key.len > 0 : !parse_key(key, &cursor))
        return bad;
    *ret_cursor = cursor;
    return OK;
}

static size_t format_key(const struct store_reader_cursor *cursor, char *text, size_t size)
{
    size_t len = 0;

    switch (cursor->type) {
    case STORE_READER_KEY_NULL:
        return (size_t)snprintf(text, size, ":n");
    case STORE_READER_KEY_OF_ROW:
        return (size_t)snprintf(text, size, ":k");
    case STORE_READER_KEY_INTEGER:
        return (size_t)snprintf(text, size, ":i%lld", (long long)cursor->integer);
    case STORE_READER_KEY_BYTES:
        len = (size_t)snprintf(text, size, ":b");
        for (size_t i = 0; i < cursor->bytes_len; i++)
            len += (size_t)snprintf(text + len, size - len, "%02x", (unsigned char)cursor->bytes[i]);
        return len;
    default:
        return 0;
    }
}

void store_reader_cursor_format(const struct store_reader_cursor *cursor, const struct store_reader_order *order,
                                char text[STORE_READER_CURSOR_MAX])
{
    size_t len = format_order(order, text, STORE_READER_CURSOR_MAX);

    len += (size_t)snprintf(text + len, STORE_READER_CURSOR_MAX - len, "%llu", (unsigned long long)cursor->id);
    len += format_key(cursor, text + len, STORE_READER_CURSOR_MAX - len);
    CHECK(len < STORE_READER_CURSOR_MAX);
}

void store_reader_cursor_take(struct store_reader_cursor *cursor, const struct store_reader_order *order,
                              sqlite3_stmt *row, int key)
{
    cursor->id = (uint64_t)sqlite3_column_int64(row, 0);
    cursor->type = STORE_READER_KEY_ID;
    if (order->column == QUERY_COLUMN_ID)
        return;
    switch (sqlite3_column_type(row, key)) {
    case SQLITE_NULL:
        cursor->type = STORE_READER_KEY_NULL;
        break;
    case SQLITE_INTEGER:
        cursor->type = STORE_READER_KEY_INTEGER;
        cursor->integer = sqlite3_column_int64(row, key);
        break;
    default:
        cursor->type = STORE_READER_KEY_OF_ROW;
        cursor->bytes_len = (size_t)sqlite3_column_bytes(row, key);
        if (cursor->bytes_len <= sizeof(cursor->bytes)) {
            cursor->type = STORE_READER_KEY_BYTES;
            memcpy(cursor->bytes, sqlite3_column_blob(row, key), cursor->bytes_len);
        }
        break;
    }
}

void store_reader_cursor_key_sql(const struct store_reader_order *order, char *sql, size_t size)
{
    const char *name = query_column_name(order->column);

    if (query_column_type(order->column) == QUERY_COLUMN_INTEGER)
        snprintf(sql, size, "%s", name);
    else
        snprintf(sql, size, "CAST(%s AS BLOB)", name);
}

/* NULL sorts first when rising and last when falling, as SQLite does by itself. */
void store_reader_cursor_after_sql(const struct store_reader_cursor *cursor, const struct store_reader_order *order,
                                   int first, char *sql, size_t size)
{
    char key[KEY_SQL_MAX], mark[2 * KEY_SQL_MAX];
    bool falls = order->is_descending;
    const char *sign = falls ? "<" : ">";

    store_reader_cursor_key_sql(order, key, sizeof(key));
    if (cursor->type == STORE_READER_KEY_OF_ROW)
        snprintf(mark, sizeof(mark), "(SELECT %s FROM exchange WHERE id = ?%d)", key, first + 1);
    else
        snprintf(mark, sizeof(mark), "?%d", first);
    if (cursor->type == STORE_READER_KEY_NONE)
        snprintf(sql, size, "1");
    else if (cursor->type == STORE_READER_KEY_ID)
        snprintf(sql, size, "id %s ?%d", sign, first + 1);
    else if (cursor->type == STORE_READER_KEY_NULL)
        snprintf(sql, size, falls ? "(%s IS NULL AND id < ?%d)" : "(%s IS NOT NULL OR id > ?%d)", key, first + 1);
    else
        snprintf(sql, size, "(%s %s %s OR (%s = %s AND id %s ?%d)%s%s%s)", key, sign, mark, key, mark, sign, first + 1,
                 falls ? " OR " : "", falls ? key : "", falls ? " IS NULL" : "");
}

void store_reader_cursor_bind(const struct store_reader_cursor *cursor, sqlite3_stmt *statement, int first)
{
    if (cursor->type == STORE_READER_KEY_NONE)
        return;
    sqlite3_bind_int64(statement, first + 1, (sqlite3_int64)cursor->id);
    if (cursor->type == STORE_READER_KEY_INTEGER)
        sqlite3_bind_int64(statement, first, cursor->integer);
    else if (cursor->type == STORE_READER_KEY_BYTES)
        sqlite3_bind_blob64(statement, first, cursor->bytes, cursor->bytes_len, SQLITE_STATIC);
}
