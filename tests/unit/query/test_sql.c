/* Covers query/sql: what is exact and what is left to the evaluator, that text of people is only ever a parameter, and
 * that whatever parses can be prepared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "query/parse.h"
#include "query/sql.h"
#include "support/query_sqlite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct compiled {
    struct query_tree *tree;
    struct arena arena;
    struct query_sql sql;
};

static void compile(struct compiled *compiled, struct str text)
{
    static const struct query_parse_options options = {.now_us = 1795342000000000};
    struct query_error error = {0};

    *compiled = (struct compiled){0};
    if (err_is(query_parse(text, &options, &compiled->tree, &error)))
        fail_msg("%.*s: %s at %zu", STR_ARG(str_head(text, 200)), error.message, error.position);
    arena_init(&compiled->arena, 16 << 20);
    assert_false(err_is(query_sql(compiled->tree, &compiled->arena, &compiled->sql)));
}

static void discard(struct compiled *compiled)
{
    query_tree_free(&compiled->tree);
    arena_deinit(&compiled->arena);
}

struct expectation {
    const char *text;
    const char *where;
    bool is_exact;
};

static void query_sql_compiles_what_columns_hold(void **state)
{
    static const struct expectation expectations[] = {
        {"", "1", true},
        {"id = 1", "id = ?1", true},
        {"id != 1", "(id = ?1) IS NOT TRUE", true},
        {"status IN (1, 2)", "status IN (?1, ?2)", true},
        {"host = A", "host = ?1", true},
        {"host : A", "query_contains(host, ?1)", true},
        {"path < a", "CAST(path AS BLOB) < ?1", true},
        {"res.len >= 1kb", "res_len >= ?1", true},
        {"at = today", "(at_us >= ?1 AND at_us < ?2)", true},
        {"client.tls.sni = a", "query_fold(client_tls_sni) = ?1", true},
        {"tls.sni = a", "(query_fold(client_tls_sni) = ?1 OR query_fold(origin_tls_sni) = ?2)", true},
        {"flag = edited", "(query_contains(',' || flags || ',', ?1))", true},
        {"flag = \"a,b\"", "(0)", true},
        {"flag = Edited", "(0)", true},
        {"has:response", "(status) IS NOT NULL", true},
        {"NOT has:response", "(status) IS NULL", true},
        {"path =~ /a/", "query_matches(?1, path) IS NOT 0", false},
        {"path !~ /a/", "query_matches(?1, path) IS NOT 1", false},
        {"secret", "1", false},
        {"NOT secret", "1", false},
        {"res.body : x id = 1", "(id = ?1)", false},
        {"res.body : x OR id = 1", "1", false},
        {"NOT (res.body : x OR id = 1)", "((id = ?1) IS NOT TRUE)", false},
        {"NOT (res.body : x AND id = 1)", "1", false},
        {"orig.req.method = GET", "1", false},
        {"in:scope tag = x note : y", "1", false},
        {"id = 1 (id = 2 OR id = 3)", "(id = ?1 AND (id = ?2 OR id = ?3))", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(expectations); i++) {
        struct compiled compiled;

        compile(&compiled, str_from(expectations[i].text));
        if (strcmp(compiled.sql.where.ptr, expectations[i].where) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", expectations[i].text, compiled.sql.where.ptr,
                     expectations[i].where);
        assert_int_equal(compiled.sql.is_exact, expectations[i].is_exact);
        discard(&compiled);
    }
}

/* Every column can be asked for, in every way its type has. */
static void query_sql_prepares_every_field(void **state)
{
    static const char *const text_forms[] = {" = x", " : x", " < x", " =~ /x/", " IN (x, y)", " != \"\\xff\""};
    static const char *const value_of[] = {[QUERY_TEXT] = "x",       [QUERY_INTEGER] = "1",  [QUERY_SIZE] = "1kb",
                                           [QUERY_DURATION] = "1ms", [QUERY_TIME] = "today", [QUERY_BOOLEAN] = "true"};
    sqlite3 *db = query_sqlite_open();

    (void)state;
    for (size_t i = 0; i < query_field_count(); i++) {
        const struct query_field *field = query_field_at(i);
        size_t form_count = field->type == QUERY_TEXT ? COUNT(text_forms) : 1;

        for (size_t form = 0; form < form_count; form++) {
            struct compiled compiled;
            char name[64];
            char text[128];

            snprintf(name, sizeof(name), "%s%s", field->name, field->traits & QUERY_FIELD_NAMED ? "[a]" : "");
            if (field->type == QUERY_TEXT)
                snprintf(text, sizeof(text), "%s%s", name, text_forms[form]);
            else
                snprintf(text, sizeof(text), "%s = %s", name, value_of[field->type]);
            compile(&compiled, str_from(text));
            sqlite3_finalize(query_sqlite_prepare(db, &compiled.sql));
            discard(&compiled);
        }
    }
    sqlite3_close(db);
}

/* What a page of the log needs, and nothing else.  LIMIT: the parameters are SQLite's. */
static int authorize(void *owner, int action, const char *first, const char *second, const char *third,
                     const char *fourth)
{
    static const char *const functions[] = {"query_fold", "query_contains", "query_matches"};

    (void)owner;
    (void)third;
    (void)fourth;
    if (action == SQLITE_SELECT)
        return SQLITE_OK;
    if (action == SQLITE_READ)
        return strcmp(first, QUERY_COLUMN_TABLE) == 0 ? SQLITE_OK : SQLITE_DENY;
    for (size_t i = 0; action == SQLITE_FUNCTION && i < COUNT(functions); i++) {
        if (strcmp(second, functions[i]) == 0)
            return SQLITE_OK;
    }
    return SQLITE_DENY;
}

static void query_sql_never_holds_text_of_people(void **state)
{
    static const char *const values[] = {
        "' OR 1=1 --",
        "'; DROP TABLE exchange; --",
        "\\\"; DROP TABLE exchange; --",
        "%",
        "_",
        "*",
        "NEAR(",
        "?1",
        ")",
        "\\x00",
        "\\xff",
        "/*",
        "SELECT",
        "''",
        "\\\\",
        "x') UNION SELECT sqlite_version() --",
    };
    static const char *const fields[] = {"host", "path", "url", "flag", "tls.sni", "res.title", "header[a]", "note"};
    static const char *const ops[] = {"=", "!=", ":", "!:", "<", ">="};
    sqlite3 *db = query_sqlite_open();

    (void)state;
    sqlite3_set_authorizer(db, authorize, NULL);
    for (size_t i = 0; i < COUNT(values) * COUNT(fields) * COUNT(ops); i++) {
        size_t rest = i / COUNT(values);
        struct compiled plain;
        struct compiled hostile;
        char text[256];

        snprintf(text, sizeof(text), "%s %s \"x\"", fields[rest % COUNT(fields)], ops[rest / COUNT(fields)]);
        compile(&plain, str_from(text));
        snprintf(text, sizeof(text), "%s %s \"%s\"", fields[rest % COUNT(fields)], ops[rest / COUNT(fields)],
                 values[i % COUNT(values)]);
        compile(&hostile, str_from(text));
        /* Only "never equal" may differ: bytes that no list of names can hold. */
        if (strcmp(hostile.sql.where.ptr, plain.sql.where.ptr) != 0)
            assert_non_null(strstr(hostile.sql.where.ptr, "(0)"));
        sqlite3_finalize(query_sqlite_prepare(db, &hostile.sql));
        discard(&plain);
        discard(&hostile);
    }
    sqlite3_close(db);
}

static void add(struct buf *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_false(err_is(buf_append(text, str_from(part))));
}

/* SQLite's parser and its depth of expressions have limits of their own. */
static void query_sql_prepares_the_largest_queries(void **state)
{
    static const struct {
        const char *first, *middle, *last, *end;
        size_t count;
    } shapes[] = {
        {"", "(host = a OR path : b ", "id = 1", ")", 63},
        {"", "NOT (url = a AND ", "id = 1", ")", 31},
        {"", "(url : a OR NOT (host = b ", "id = 1", "))", 21},
        {"", "(id = 1 OR id = 2) (", "id = 1", ")", 60},
        {"", "id=1 ", "id=2", "", 9998},
        {"", "id=1 or ", "id=2", "", 8000},
        {"", "url:a ", "id=2", "", 9000},
        {"id = 7 (", "host:a or ", "id=2)", "", 6000},
        {"", "id=1 or id=2 ", "id=2", "", 3000},
        {"host IN (", "a,", "a)", "", 999},
    };
    sqlite3 *db = query_sqlite_open();

    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct compiled compiled;
        struct buf text;

        buf_init(&text, 1 << 20);
        add(&text, shapes[i].first, 1);
        add(&text, shapes[i].middle, shapes[i].count);
        add(&text, shapes[i].last, 1);
        add(&text, shapes[i].end, shapes[i].count);
        compile(&compiled, buf_str(&text));
        assert_true(compiled.sql.where.len <= 2 * QUERY_SQL_BYTES_MAX);
        assert_true(compiled.sql.param_count <= QUERY_SQL_PARAMS_MAX);
        sqlite3_finalize(query_sqlite_prepare(db, &compiled.sql));
        discard(&compiled);
        buf_deinit(&text);
    }
    sqlite3_close(db);
}

static bool selects(sqlite3 *db, const char *text)
{
    struct compiled compiled;
    sqlite3_stmt *statement;
    int code;

    compile(&compiled, str_from(text));
    statement = query_sqlite_prepare(db, &compiled.sql);
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        query_sqlite_check(db, code, text);
    sqlite3_finalize(statement);
    discard(&compiled);
    return code == SQLITE_ROW;
}

/* A regex at its limit says neither yes nor no: the evaluator must see the row, whichever was asked. */
static void query_sql_selects_what_a_regex_leaves_open(void **state)
{
    static char path[4000];
    struct exchange_facts facts = {.id = 1, .path = {path, sizeof(path)}};
    sqlite3 *db = query_sqlite_open();

    (void)state;
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '!';
    query_sqlite_insert(db, &facts);
    assert_true(selects(db, "path =~ /^(a+)+$/"));
    assert_true(selects(db, "path !~ /^(a+)+$/"));
    assert_true(selects(db, "path =~ /a!$/"));
    assert_false(selects(db, "path !~ /a!$/"));
    assert_false(selects(db, "path =~ /b/"));
    assert_false(selects(db, "host =~ /b?/"));
    assert_true(selects(db, "host !~ /b?/"));
    sqlite3_close(db);
}

static void query_sql_reports_a_full_arena(void **state)
{
    struct compiled compiled;
    struct query_sql sql;
    struct arena small;

    (void)state;
    compile(&compiled, STR("id = 1 host = a OR flag = b"));
    for (size_t size = 0; size < 64; size++) {
        arena_init(&small, size);
        assert_int_equal(query_sql(compiled.tree, &small, &sql).code, ERR_LIMIT);
        arena_deinit(&small);
    }
    discard(&compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_sql_compiles_what_columns_hold),
        cmocka_unit_test(query_sql_prepares_every_field),
        cmocka_unit_test(query_sql_never_holds_text_of_people),
        cmocka_unit_test(query_sql_prepares_the_largest_queries),
        cmocka_unit_test(query_sql_selects_what_a_regex_leaves_open),
        cmocka_unit_test(query_sql_reports_a_full_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
