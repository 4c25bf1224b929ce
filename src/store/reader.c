#include "store/reader.h"

#include <stdlib.h>

#include "store/project_database.h"
#include "store/reader_core.h"
#include "store/repair.h"

#define ITEM_ARENA_MAX ((size_t)32 * 1024 * 1024)
#define COUNT_STEP ((uint64_t)100000)

static const char get_row_sql[] = "SELECT is_open, meta_file, meta_offset, meta_len, req_file, req_offset, req_size, "
                                  "res_file, res_offset, res_size FROM exchange WHERE id = ?";
static const char get_piece_sql[] = "SELECT start, file, offset, len FROM piece WHERE exchange = ? AND part = ? "
                                    "AND start <= ? ORDER BY start DESC LIMIT 1";
static const char get_interim_sql[] =
    "SELECT start, file, offset, len FROM piece WHERE exchange = ? AND part = ? AND start = ?";

static struct err open_database(struct store_reader *reader)
{
    char path[STORE_CAPTURE_PATH_MAX];

    TRY(store_index_path(reader->folder, path, sizeof(path)));
    TRY(store_database_open(path, &store_index_kind, STORE_DATABASE_READ, &reader->database));
    TRY(store_reader_sql_prepare(reader));
    TRY(store_database_prepare(reader->database, get_row_sql, &reader->get_row));
    TRY(store_database_prepare(reader->database, get_piece_sql, &reader->get_piece));
    return store_database_prepare(reader->database, get_interim_sql, &reader->get_interim);
}

static void close_database(struct store_reader *reader)
{
    sqlite3_finalize(reader->get_row);
    sqlite3_finalize(reader->get_piece);
    sqlite3_finalize(reader->get_interim);
    reader->get_row = reader->get_piece = reader->get_interim = NULL;
    store_database_close(&reader->database);
}

/* Whether the index lacks what stands at the capture's end. */
static bool is_behind(struct store_reader *reader)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct store_index_mark mark = {0};
    struct os_file *file = NULL;
    sqlite3_stmt *statement = NULL;
    uint64_t len = 0;
    uint32_t last;
    bool has_row, is_known;

    is_known = !err_is(store_capture_last_file(reader->folder, &last)) && last > 0 &&
               !err_is(store_capture_path(reader->folder, last, path)) &&
               !err_is(os_file_open(path, OS_FILE_READ, &file)) && !err_is(os_file_len(file, &len)) &&
               !err_is(store_database_prepare(reader->database, "SELECT file, offset FROM mark", &statement)) &&
               !err_is(store_database_step_row(statement, &has_row));
    if (is_known && has_row) {
        mark.file = (uint32_t)sqlite3_column_int64(statement, 0);
        mark.offset = (uint64_t)sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    os_file_close(&file);
    return is_known && (mark.file != last || mark.offset != len);
}

/* With the lock in hand nobody records: the index may be mended.  ERR_BUSY when somebody does. */
static struct err repair(const char *project_folder)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *lock = NULL;
    struct store_index *index;
    struct err err;
    int len = snprintf(path, sizeof(path), "%s/lock", project_folder);

    if (len < 0 || (size_t)len >= sizeof(path))
        return ERR(ERR_LIMIT, 0, "the project's path is too long");
    TRY(os_file_open(path, OS_FILE_READ_WRITE, &lock));
    err = os_file_lock(lock);
    if (!err_is(err))
        err = store_repair_open(project_folder, NULL, NULL, &index);
    if (!err_is(err))
        store_index_close(&index);
    os_file_close(&lock);
    return err;
}

static struct err open_index(struct store_reader *reader, bool is_repair_allowed)
{
    struct err err = open_database(reader);
    bool is_unusable = err.code == ERR_DAMAGED || err.code == ERR_ABSENT;

    if (err_is(err) && !is_unusable)
        return err;
    if (!err_is(err) && !is_behind(reader))
        return OK;
    /* Behind by what is being written just now, when somebody records: that is no reason to stop. */
    if (is_repair_allowed) {
        struct err repaired;

        close_database(reader);
        repaired = repair(reader->folder);
        err = open_database(reader);
        if (err_is(err) && err_is(repaired))
            return repaired.code == ERR_BUSY ? ERR(ERR_DAMAGED, 0, "the index cannot be used while it is being made")
                                             : repaired;
        return err;
    }
    if (is_unusable)
        return ERR(ERR_DAMAGED, 0, "the index is missing or cannot be used: sekisho project reindex makes it again");
    return OK;
}

/* Without project.db there are no notes; that is no error. */
static void open_notes(struct store_reader *reader)
{
    char path[STORE_CAPTURE_PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/project.db", reader->folder);

    if (len < 0 || (size_t)len >= sizeof(path) ||
        err_is(store_database_open(path, store_project_database_kind(), STORE_DATABASE_READ, &reader->notes)))
        return;
    if (err_is(store_database_prepare(reader->notes, "SELECT text FROM note WHERE exchange = ?", &reader->get_note)) ||
        err_is(store_database_prepare(reader->notes, "SELECT tag FROM tag WHERE exchange = ? ORDER BY tag",
                                      &reader->get_tags)) ||
        err_is(store_database_prepare(reader->notes, "SELECT color FROM color WHERE exchange = ?", &reader->get_color)))
        store_database_close(&reader->notes);
}

struct err store_reader_open(const char *project_folder, bool is_repair_allowed, struct store_reader **ret_reader)
{
    struct store_reader *reader = calloc(1, sizeof(*reader));
    const char *name = strrchr(project_folder, '/');
    struct err err;

    CHECK(reader);
    arena_init(&reader->item_arena, ITEM_ARENA_MAX);
    buf_init(&reader->block, STORE_FIELDS_BLOCK_MAX);
    snprintf(reader->project_name, sizeof(reader->project_name), "%s", name ? name + 1 : project_folder);
    err = str_to_c(str_from(project_folder), reader->folder, sizeof(reader->folder))
              ? open_index(reader, is_repair_allowed)
              : ERR(ERR_LIMIT, 0, "the project's path is too long");
    if (err_is(err)) {
        store_reader_close(&reader);
        return err;
    }
    open_notes(reader);
    *ret_reader = reader;
    return OK;
}

void store_reader_close(struct store_reader **reader)
{
    struct store_reader *closed = *reader;

    if (!closed)
        return;
    close_database(closed);
    sqlite3_finalize(closed->get_note);
    sqlite3_finalize(closed->get_tags);
    sqlite3_finalize(closed->get_color);
    store_database_close(&closed->notes);
    for (size_t i = 0; i < STORE_READER_FILES; i++)
        os_file_close(&closed->files[i].file);
    store_text_index_close(&closed->text);
    arena_deinit(&closed->item_arena);
    buf_deinit(&closed->block);
    free(closed);
    *reader = NULL;
}

static struct err open_file(struct store_reader *reader, uint32_t number, struct os_file **ret_file)
{
    struct store_reader_file *slot = &reader->files[0];
    char path[STORE_CAPTURE_PATH_MAX];

    for (size_t i = 0; i < STORE_READER_FILES; i++) {
        if (reader->files[i].number == number)
            slot = &reader->files[i];
    }
    for (size_t i = 0; slot->number != number && i < STORE_READER_FILES; i++) {
        if (reader->files[i].used < slot->used)
            slot = &reader->files[i];
    }
    if (slot->number != number) {
        os_file_close(&slot->file);
        slot->number = 0;
        TRY(store_capture_path(reader->folder, number, path));
        TRY(os_file_open(path, OS_FILE_READ, &slot->file));
        slot->number = number;
    }
    slot->used = ++reader->file_uses;
    *ret_file = slot->file;
    return OK;
}

struct err store_reader_read_place(struct store_reader *reader, const struct store_place *place, uint64_t offset,
                                   char *bytes, size_t len)
{
    struct os_file *file;
    size_t got;

    TRY(open_file(reader, place->file, &file));
    TRY(os_file_read_at(file, place->offset + offset, bytes, len, &got));
    return got == len ? OK : ERR(ERR_DAMAGED, 0, "the capture is shorter than the index says");
}

/* The rows of a statement about one exchange, joined by ','. */
static struct err join_rows(sqlite3_stmt *statement, uint64_t id, struct arena *arena, struct str *ret_text)
{
    struct str joined = STR_NONE;
    bool has_row;

    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    for (;;) {
        struct err err = store_database_step_row(statement, &has_row);

        if (!err_is(err) && !has_row)
            break;
        if (!err_is(err)) {
            struct str text = store_database_text(statement, 0);

            err = arena_format(arena, &joined, "%.*s%s%.*s", STR_ARG(joined), joined.len ? "," : "", STR_ARG(text));
        }
        if (err_is(err)) {
            sqlite3_reset(statement);
            return err;
        }
    }
    *ret_text = joined;
    return OK;
}

struct err store_reader_marks(struct store_reader *reader, uint64_t id, struct arena *arena,
                              struct facts_marks *ret_marks)
{
    *ret_marks = (struct facts_marks){0};
    if (!reader->notes)
        return OK;
    TRY(join_rows(reader->get_note, id, arena, &ret_marks->note));
    TRY(join_rows(reader->get_tags, id, arena, &ret_marks->tags));
    return join_rows(reader->get_color, id, arena, &ret_marks->color);
}

struct err store_reader_load_item(struct store_reader *reader, uint64_t id, const struct store_place *place,
                                  struct arena *arena, struct store_reader_item *ret_item)
{
    struct store_fields fields;
    char *room;

    if (place->len > STORE_FIELDS_BLOCK_MAX)
        return ERR(ERR_DAMAGED, 0, "metadata: too long");
    reader->block.len = reader->block.start = 0;
    TRY(buf_reserve(&reader->block, (size_t)place->len, &room));
    TRY(store_reader_read_place(reader, place, 0, room, (size_t)place->len));
    TRY(store_fields_parse((struct str){room, (size_t)place->len}, arena, &fields));
    fields.facts.id = id;
    ret_item->facts = fields.facts;
    ret_item->marks = (struct facts_marks){0};
    return OK;
}

static struct store_place column_place(sqlite3_stmt *statement, int column)
{
    return (struct store_place){.file = (uint32_t)sqlite3_column_int64(statement, column),
                                .offset = (uint64_t)sqlite3_column_int64(statement, column + 1),
                                .len = (uint64_t)sqlite3_column_int64(statement, column + 2)};
}

struct row {
    bool is_open;
    struct store_place metadata;
    struct store_place half[2];
};

static struct err get_row(struct store_reader *reader, uint64_t id, struct row *ret_row)
{
    bool has_row;

    if (id > INT64_MAX)
        return ERR(ERR_ABSENT, 0, "there is no such exchange");
    sqlite3_bind_int64(reader->get_row, 1, (sqlite3_int64)id);
    TRY(store_database_step_row(reader->get_row, &has_row));
    if (!has_row)
        return ERR(ERR_ABSENT, 0, "there is no such exchange");
    ret_row->is_open = sqlite3_column_int(reader->get_row, 0) != 0;
    ret_row->metadata = column_place(reader->get_row, 1);
    ret_row->half[0] = column_place(reader->get_row, 4);
    ret_row->half[1] = column_place(reader->get_row, 7);
    sqlite3_reset(reader->get_row);
    return OK;
}

struct err store_reader_get_facts(struct store_reader *reader, uint64_t id, struct arena *arena,
                                  struct store_reader_item *ret_item)
{
    struct store_reader_item item;
    struct row row;

    TRY(get_row(reader, id, &row));
    TRY(store_reader_load_item(reader, id, &row.metadata, arena, &item));
    item.is_open = row.is_open;
    *ret_item = item;
    return OK;
}

struct err store_reader_get(struct store_reader *reader, uint64_t id, struct arena *arena,
                            struct store_reader_item *ret_item)
{
    struct store_reader_item item;

    TRY(store_reader_get_facts(reader, id, arena, &item));
    TRY(store_reader_marks(reader, id, arena, &item.marks));
    *ret_item = item;
    return OK;
}

/* The piece of a part that holds byte `offset`, or the last before it.  ERR_ABSENT. */
static struct err get_piece(sqlite3_stmt *statement, uint64_t id, enum store_index_part part, uint64_t offset,
                            struct store_index_piece *ret_piece)
{
    bool has_row;

    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_int(statement, 2, (int)part);
    sqlite3_bind_int64(statement, 3, offset > INT64_MAX ? INT64_MAX : (sqlite3_int64)offset);
    TRY(store_database_step_row(statement, &has_row));
    if (!has_row)
        return ERR(ERR_ABSENT, 0, "there are no such bytes");
    ret_piece->id = id;
    ret_piece->part = part;
    ret_piece->start = (uint64_t)sqlite3_column_int64(statement, 0);
    ret_piece->place = column_place(statement, 1);
    sqlite3_reset(statement);
    return OK;
}

struct err store_reader_piece(struct store_reader *reader, uint64_t id, enum store_index_part part, uint64_t offset,
                              struct store_index_piece *ret_piece)
{
    return get_piece(reader->get_piece, id, part, offset, ret_piece);
}

/* How long a part is; 0 when there is none. */
static struct err part_len(struct store_reader *reader, uint64_t id, enum store_index_part part, uint64_t *ret_len)
{
    struct store_index_piece piece;
    struct err err = get_piece(reader->get_piece, id, part, INT64_MAX, &piece);

    if (err_is(err) && err.code != ERR_ABSENT)
        return err;
    *ret_len = err_is(err) ? 0 : piece.start + piece.place.len;
    return OK;
}

/* A half is what stands in its one place or its pieces, and behind it what a stream carried. */
struct half_len {
    uint64_t message, stream;
};

static struct err half_len(struct store_reader *reader, const struct row *row, uint64_t id, enum exchange_side side,
                           struct half_len *ret_len)
{
    if (row->half[side].file)
        ret_len->message = row->half[side].len;
    else
        TRY(part_len(reader, id, (enum store_index_part)side, &ret_len->message));
    return part_len(reader, id, (enum store_index_part)(STORE_INDEX_FROM_CLIENT + side), &ret_len->stream);
}

struct err store_reader_raw_len(struct store_reader *reader, uint64_t id, enum exchange_side side, uint64_t *ret_len)
{
    struct half_len len;
    struct row row;

    TRY(get_row(reader, id, &row));
    TRY(half_len(reader, &row, id, side, &len));
    *ret_len = len.message + len.stream;
    return OK;
}

/* Bytes of the message from `offset` on, as many as one place gives; at least one. */
static struct err read_message(struct store_reader *reader, const struct row *row,
                               const struct store_reader_range *range, char *bytes, size_t *ret_len)
{
    struct store_index_piece piece = {.place = row->half[range->side]};
    uint64_t left;

    if (!piece.place.file)
        TRY(get_piece(reader->get_piece, range->id, (enum store_index_part)range->side, range->offset, &piece));
    if (range->offset - piece.start >= piece.place.len)
        return ERR(ERR_DAMAGED, 0, "the index does not have these bytes");
    left = piece.place.len - (range->offset - piece.start);
    *ret_len = left < range->len ? (size_t)left : range->len;
    return store_reader_read_place(reader, &piece.place, range->offset - piece.start, bytes, *ret_len);
}

struct err store_reader_raw(struct store_reader *reader, const struct store_reader_range *range, char *bytes,
                            size_t *ret_len)
{
    struct store_reader_range rest = *range;
    struct half_len len;
    struct row row;
    size_t done = 0;

    TRY(get_row(reader, range->id, &row));
    TRY(half_len(reader, &row, range->id, range->side, &len));
    while (done < range->len && range->offset + done < len.message + len.stream) {
        size_t got;

        rest.offset = range->offset + done;
        rest.len = range->len - done;
        if (rest.offset < len.message) {
            TRY(read_message(reader, &row, &rest, bytes + done, &got));
        } else {
            rest.offset -= len.message;
            TRY(store_reader_stream_read(reader, &rest, bytes + done, &got));
        }
        done += got;
    }
    *ret_len = done;
    return OK;
}

struct err store_reader_whole(struct store_reader *reader, uint64_t id, enum exchange_side side, struct buf *bytes)
{
    struct store_reader_range range = {.id = id, .side = side};
    uint64_t len;
    char *room;
    size_t got;

    TRY(store_reader_raw_len(reader, id, side, &len));
    if (len > bytes->max_bytes)
        return ERR(ERR_LIMIT, 0, "the message is too long");
    range.len = (size_t)len;
    TRY(buf_reserve(bytes, range.len, &room));
    TRY(store_reader_raw(reader, &range, room, &got));
    buf_commit(bytes, got);
    return OK;
}

struct err store_reader_interim(struct store_reader *reader, uint64_t id, unsigned index, struct buf *wire)
{
    struct store_index_piece piece;
    struct row row;
    char *room;

    TRY(get_row(reader, id, &row));
    TRY(get_piece(reader->get_interim, id, STORE_INDEX_INTERIM, index, &piece));
    if (piece.place.len > wire->max_bytes)
        return ERR(ERR_LIMIT, 0, "the response does not fit");
    TRY(buf_reserve(wire, (size_t)piece.place.len, &room));
    TRY(store_reader_read_place(reader, &piece.place, 0, room, (size_t)piece.place.len));
    buf_commit(wire, (size_t)piece.place.len);
    return OK;
}

struct err store_reader_payload(struct store_reader *reader, uint64_t id, enum exchange_side side, struct buf *body,
                                struct store_reader_body *ret_about)
{
    return store_reader_body_load(reader, &(struct store_reader_part){id, side, STORE_READER_PAYLOAD}, body, ret_about);
}

struct err store_reader_decoded(struct store_reader *reader, uint64_t id, enum exchange_side side, struct buf *body,
                                struct store_reader_body *ret_about)
{
    return store_reader_body_load(reader, &(struct store_reader_part){id, side, STORE_READER_DECODED}, body, ret_about);
}

struct err store_reader_text(struct store_reader *reader, uint64_t id, enum exchange_side side, struct buf *body,
                             struct store_reader_body *ret_about)
{
    return store_reader_body_load(reader, &(struct store_reader_part){id, side, STORE_READER_TEXT}, body, ret_about);
}

struct err store_reader_count(struct store_reader *reader, const struct store_reader_query *query,
                              struct store_reader_count *ret_count)
{
    return store_reader_list_count(reader, query, ret_count);
}

/* Rows far from the newest are counted once: they come no more, and none goes while the project is only recorded. */
struct err store_reader_total(struct store_reader *reader, uint64_t *ret_count, uint64_t *ret_last_id)
{
    sqlite3_stmt *statement;
    uint64_t counted_id = reader->counted_id, count = 0, last_id = 0;
    bool has_row;
    struct err err;

    TRY(store_database_prepare(reader->database, "SELECT count(*), max(id) FROM exchange WHERE id > ?", &statement));
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)counted_id);
    err = store_database_step_row(statement, &has_row);
    if (!err_is(err) && has_row) {
        count = (uint64_t)sqlite3_column_int64(statement, 0);
        last_id = (uint64_t)sqlite3_column_int64(statement, 1);
    }
    sqlite3_reset(statement);
    *ret_count = reader->counted + count;
    *ret_last_id = last_id > counted_id ? last_id : counted_id;
    if (!err_is(err) && last_id > counted_id + 2 * COUNT_STEP) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)(last_id - COUNT_STEP));
        err = store_database_step_row(statement, &has_row);
        if (!err_is(err) && has_row) {
            reader->counted = *ret_count - (uint64_t)sqlite3_column_int64(statement, 0);
            reader->counted_id = last_id - COUNT_STEP;
        }
    }
    sqlite3_finalize(statement);
    return err;
}
