/* fuzz_query.c - any text as a query: it parses or says where it does not; what parses is evaluated, compiled, prepared
 * by SQLite and run on one row, and the answers agree; hints are asked for at many places.
 */
#include <stddef.h>
#include <stdint.h>

#include "query/eval.h"
#include "query/hint.h"
#include "query/needs.h"
#include "query/parse.h"
#include "query/sql.h"
#include "support/query_sqlite.h"
#include "unit/query/specimen_post.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A regex that would run long stops early. */
static bool is_over(void *owner)
{
    unsigned *left = owner;

    return *left == 0 || --*left == 0;
}

static void check_error(struct str text, const struct query_error *error)
{
    CHECK(error->position <= text.len && error->position + error->len <= text.len);
    CHECK(error->line >= 1 && error->column >= 1);
    CHECK(error->message[0] && memchr(error->message, 0, sizeof(error->message)));
    CHECK(memchr(error->suggestion, 0, sizeof(error->suggestion)));
}

static bool is_selected(sqlite3 *db, const struct query_sql *sql)
{
    sqlite3_stmt *statement = query_sqlite_prepare(db, sql);
    int code = sqlite3_step(statement);

    if (code != SQLITE_ROW)
        query_sqlite_check(db, code, sql->where.ptr);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW;
}

static void try_tree(sqlite3 *db, struct specimen *specimen, const struct query_tree *tree)
{
    unsigned questions = 100;
    struct query_regex_limits limits = {10000, 1000, 1024, is_over, &questions};
    bool is_match = false;
    struct err failure = query_eval(tree, &specimen->subject, &limits, &is_match);
    struct query_error error;
    struct query_sql sql;
    struct arena arena;
    bool was_selected;

    arena_init(&arena, 16 << 20);
    CHECK(!err_is(query_sql(tree, &arena, &sql)));
    was_selected = is_selected(db, &sql);
    CHECK(was_selected || !is_match);
    CHECK(!sql.is_exact || err_is(failure) || was_selected == is_match);
    for (int phase = QUERY_AT_BEGIN; phase <= QUERY_AT_END; phase++) {
        bool fits = query_needs(tree).phase <= (enum query_phase)phase;

        CHECK(err_is(query_needs_check(tree, (enum query_phase)phase, &error)) == !fits);
        if (!fits)
            check_error(tree->text, &error);
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct query_parse_options options = {.now_us = 1795342000000000, .utc_offset_s = -3600};
    static sqlite3 *db;
    static struct specimen specimen;
    struct str text = {(const char *)bytes, len};
    struct query_tree *tree = NULL;
    struct query_error error = {0};
    struct query_hints hints;

    if (!db) {
        db = query_sqlite_open();
        specimen_fill(&specimen);
        query_sqlite_insert(db, &specimen.facts);
    }
    if (err_is(query_parse(text, &options, &tree, &error)))
        check_error(text, &error);
    else
        try_tree(db, &specimen, tree);
    query_tree_free(&tree);
    for (size_t position = 0; position <= len; position += 1 + len / 16) {
        query_hint(text, position, &hints);
        CHECK(hints.start + hints.len <= len);
    }
    return 0;
}
