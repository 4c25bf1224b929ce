/* Which exchanges may match a query, before any is looked at: what the index of text says, joined with what SQL says of
 * conditions on columns that stand beside texts in an OR. */
#include "query/literals.h"
#include "store/reader_core.h"

static struct err add_found(sqlite3_stmt *statement, struct store_text_set *set)
{
    bool has_row = true;

    for (;;) {
        TRY(store_database_step_row(statement, &has_row));
        if (!has_row)
            return OK;
        store_text_set_add(set, (uint64_t)sqlite3_column_int64(statement, 0));
    }
}

/* An exchange whose row may still change is in no segment, and so is a candidate whatever its row says now. */
static struct err add_rows(struct store_reader *reader, const struct query_node *node, struct arena *arena,
                           struct store_text_set *set)
{
    const struct query_tree part = {.root = (struct query_node *)(uintptr_t)node};
    sqlite3_stmt *statement;
    struct query_sql sql;
    struct str text;
    struct err err;

    TRY(query_sql(&part, arena, &sql));
    TRY(arena_format(arena, &text, "SELECT id FROM exchange WHERE %.*s", STR_ARG(sql.where)));
    TRY(store_database_prepare(reader->database, text.ptr, &statement));
    store_reader_sql_bind(statement, &sql);
    err = add_found(statement, set);
    sqlite3_finalize(statement);
    store_text_index_add_uncovered(reader->text, set);
    return err;
}

static struct err find(struct store_reader *reader, const struct query_literals *literals, struct arena *arena,
                       struct store_text_set *set);

/* Joins what the children give; *set holds none for OR, all for AND. */
static struct err join(struct store_reader *reader, const struct query_literals *literals, struct arena *arena,
                       struct store_text_set *set)
{
    for (size_t i = 0; i < literals->child_count; i++) {
        struct store_text_set child;
        struct err err;

        store_text_index_set(reader->text, literals->children[i]->type == QUERY_LITERALS_AND, &child);
        err = find(reader, literals->children[i], arena, &child);
        if (literals->type == QUERY_LITERALS_AND)
            store_text_set_intersect(set, &child);
        else
            store_text_set_unite(set, &child);
        store_text_set_deinit(&child);
        TRY(err);
    }
    return OK;
}

static struct err find(struct store_reader *reader, const struct query_literals *literals, struct arena *arena,
                       struct store_text_set *set)
{
    switch (literals->type) {
    case QUERY_LITERALS_TEXT:
        store_text_index_find(reader->text, literals, set);
        return OK;
    case QUERY_LITERALS_ROWS:
        return add_rows(reader, literals->node, arena, set);
    default:
        return join(reader, literals, arena, set);
    }
}

struct err store_reader_candidates(struct store_reader *reader, const struct query_literals *literals,
                                   struct arena *arena, struct store_text_set *ret_set)
{
    struct err err;

    if (!reader->text)
        TRY(store_text_index_open(reader->folder, &reader->text));
    store_text_index_refresh(reader->text, false);
    store_text_index_set(reader->text, literals->type == QUERY_LITERALS_AND, ret_set);
    err = find(reader, literals, arena, ret_set);
    if (err_is(err))
        store_text_set_deinit(ret_set);
    return err;
}
