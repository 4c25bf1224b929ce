#include "store/notes.h"

#include "base/utf8.h"
#include "os/clock.h"
#include "store/project_database.h"

/* A statement with an id and, when text.ptr is set, a text. */
static struct err prepare(struct store_project *project, const char *sql, uint64_t id, struct str text,
                          sqlite3_stmt **ret_statement)
{
    TRY(store_database_prepare(store_project_database(project), sql, ret_statement));
    sqlite3_bind_int64(*ret_statement, 1, (sqlite3_int64)id);
    if (text.ptr)
        store_database_bind_text(*ret_statement, 2, text);
    return OK;
}

static struct err run(struct store_project *project, const char *sql, uint64_t id, struct str text)
{
    sqlite3_stmt *statement;
    struct err err;

    TRY(prepare(project, sql, id, text, &statement));
    err = store_database_step_done(statement);
    sqlite3_finalize(statement);
    return err;
}

/* Appends the first column of all rows, joined by ','. */
static struct err get(struct store_project *project, const char *sql, uint64_t id, struct buf *text)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    bool has_row;
    struct err err;

    TRY(prepare(project, sql, id, STR_NONE, &statement));
    while (!err_is(err = store_database_step_row(statement, &has_row)) && has_row) {
        if (count++)
            err = buf_append_char(text, ',');
        if (!err_is(err))
            err = buf_append(text, store_database_text(statement, 0));
        if (err_is(err))
            break;
    }
    sqlite3_finalize(statement);
    if (!err_is(err) && count == 0)
        err = ERR(ERR_ABSENT, 0, "nothing was written about the exchange");
    return err;
}

static struct err check(struct str text, size_t max)
{
    if (text.len > max)
        return ERR(ERR_LIMIT, 0, "the text is too long");
    return utf8_is_valid(text) ? OK : ERR(ERR_SYNTAX, 0, "the text is not UTF-8");
}

static struct err check_word(struct str word, size_t max)
{
    TRY(check(word, max));
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.ptr[i];

        if (c < 0x20 || c == 0x7f || c == ',')
            return ERR(ERR_SYNTAX, 0, "no comma and no control characters may stand in it");
    }
    return OK;
}

struct err store_notes_text_get(struct store_project *project, uint64_t id, struct buf *text)
{
    return get(project, "SELECT text FROM note WHERE exchange = ?", id, text);
}

struct err store_notes_text_set(struct store_project *project, uint64_t id, struct str text)
{
    sqlite3_stmt *statement;
    struct err err;

    TRY(check(text, STORE_NOTES_TEXT_MAX));
    if (text.len == 0)
        return run(project, "DELETE FROM note WHERE exchange = ?", id, STR_NONE);
    TRY(prepare(project, "INSERT OR REPLACE INTO note(exchange, text, changed_us) VALUES(?, ?, ?)", id, text,
                &statement));
    sqlite3_bind_int64(statement, 3, os_clock_wall_us());
    err = store_database_step_done(statement);
    sqlite3_finalize(statement);
    return err;
}

struct err store_notes_tags_get(struct store_project *project, uint64_t id, struct buf *tags)
{
    return get(project, "SELECT tag FROM tag WHERE exchange = ? ORDER BY tag", id, tags);
}

struct err store_notes_tag_add(struct store_project *project, uint64_t id, struct str tag)
{
    sqlite3_stmt *statement;
    bool has_row;
    int64_t count;
    struct err err;

    TRY(check_word(tag, STORE_NOTES_TAG_MAX));
    if (tag.len == 0)
        return ERR(ERR_SYNTAX, 0, "a tag is not empty");
    TRY(prepare(project, "SELECT count(*) FROM tag WHERE exchange = ? AND tag <> ?", id, tag, &statement));
    err = store_database_step_row(statement, &has_row);
    count = err_is(err) || !has_row ? 0 : sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    TRY(err);
    if (count >= STORE_NOTES_TAG_COUNT)
        return ERR(ERR_LIMIT, 0, "the exchange has as many tags as it may");
    return run(project, "INSERT OR IGNORE INTO tag(exchange, tag) VALUES(?, ?)", id, tag);
}

struct err store_notes_tag_remove(struct store_project *project, uint64_t id, struct str tag)
{
    return run(project, "DELETE FROM tag WHERE exchange = ? AND tag = ?", id, tag.ptr ? tag : STR(""));
}

struct err store_notes_color_get(struct store_project *project, uint64_t id, struct buf *color)
{
    return get(project, "SELECT color FROM color WHERE exchange = ?", id, color);
}

struct err store_notes_color_set(struct store_project *project, uint64_t id, struct str color)
{
    TRY(check_word(color, STORE_NOTES_COLOR_MAX));
    if (color.len == 0)
        return run(project, "DELETE FROM color WHERE exchange = ?", id, STR_NONE);
    return run(project, "INSERT OR REPLACE INTO color(exchange, color) VALUES(?, ?)", id, color);
}
