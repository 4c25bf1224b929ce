/* Lists and counts: SQL finds candidates, the evaluator decides where SQL cannot.
 *
 * In the order of ids, the ordinary one, the walk goes through windows of ids, each a statement of its own: that bounds
 * snapshots, says how far it is, and lets a cursor move on even where nothing matches.  In another order one statement
 * sorts, and is begun again from the cursor when its snapshot has lasted too long.
 *
 * When the query asks for texts, the index of text says beforehand which exchanges may hold them; only these are looked
 * at.  A window with few of them is not read through: they are fetched one by one.
 */
#include "os/clock.h"
#include "query/eval.h"
#include "query/literals.h"
#include "query/needs.h"
#include "query/sql.h"
#include "store/reader_core.h"
#include "store/reader_cursor.h"
#include "store/reader_subject.h"

#define LIMIT_DEFAULT 100
#define WINDOW_IDS ((uint64_t)50000)
#define SNAPSHOT_US ((uint64_t)1500000)
#define SQL_ARENA_MAX ((size_t)4 * 1024 * 1024)
#define CONDITION_MAX 1024
#define KEY_MAX 128
/* From one candidate in so many rows on, a window is read through. */
#define DENSE_PART 8
#define COLUMNS "id, is_open, meta_file, meta_offset, meta_len"
#define KEY_COLUMN 5

struct walk {
    struct store_reader *reader;
    const struct store_reader_query *query;
    struct store_reader_order order;
    struct store_reader_cursor cursor;
    struct query_sql sql;
    struct arena arena; /* the condition */
    struct store_text_set candidates;
    bool has_candidates; /* else every row is one */
    struct store_reader_subject subject;
    struct query_regex_limits limits;
    sqlite3_stmt *statement;
    uint64_t skip_left, limit;
    uint64_t done_rows, total_rows;
    uint64_t matched;
    uint64_t snapshot_end_us;
    bool is_full;   /* limit reached, or on_item had enough */
    bool is_at_end; /* nothing is left */
    bool is_counting;
    bool needs_marks; /* the query asks for what people wrote: a database of its own, looked into only then */
    struct store_reader_result *result;
};

static bool is_cancelled(const struct walk *walk)
{
    return walk->query->is_cancelled && atomic_load_explicit(walk->query->is_cancelled, memory_order_relaxed);
}

static bool is_past_deadline(const struct walk *walk)
{
    return walk->query->deadline_us && os_clock_mono_us() >= walk->query->deadline_us;
}

static bool is_over(void *owner) { return is_cancelled(owner) || is_past_deadline(owner); }

/* Whether the item matches.  What cannot be decided is noted and left out. */
static struct err decide(struct walk *walk, struct store_reader_item *item, bool *ret_is_match)
{
    struct err err;

    *ret_is_match = true;
    if (walk->sql.is_exact)
        return OK;
    if (walk->needs_marks)
        TRY(store_reader_marks(walk->reader, item->facts.id, &walk->reader->item_arena, &item->marks));
    store_reader_subject_set(&walk->subject, item);
    err = query_eval(walk->query->query, &walk->subject.subject, &walk->limits, ret_is_match);
    if (err.code != ERR_LIMIT && err.code != ERR_DAMAGED)
        return err;
    walk->result->has_limited_regex = true;
    *ret_is_match = false;
    return OK;
}

static bool needs_item(const struct walk *walk)
{
    if (!walk->sql.is_exact)
        return true;
    return !walk->is_counting && walk->skip_left == 0;
}

static struct err give(struct walk *walk, struct store_reader_item *item)
{
    walk->matched++;
    if (walk->is_counting)
        return OK;
    if (walk->skip_left) {
        walk->skip_left--;
        return OK;
    }
    TRY(store_reader_marks(walk->reader, item->facts.id, &walk->reader->item_arena, &item->marks));
    walk->result->item_count++;
    if (!walk->query->on_item(walk->query->owner, item)) {
        walk->is_full = true;
        walk->result->is_stopped = true;
    }
    walk->is_full = walk->is_full || walk->result->item_count >= walk->limit;
    return OK;
}

static struct err look_at_row(struct walk *walk)
{
    sqlite3_stmt *row = walk->statement;
    struct store_place place = {.file = (uint32_t)sqlite3_column_int64(row, 2),
                                .offset = (uint64_t)sqlite3_column_int64(row, 3),
                                .len = (uint64_t)sqlite3_column_int64(row, 4)};
    struct store_reader_item item = {.is_open = sqlite3_column_int(row, 1) != 0};
    uint64_t id = (uint64_t)sqlite3_column_int64(row, 0);
    bool is_match;
    struct err err;

    if (walk->has_candidates && !store_text_set_has(&walk->candidates, id)) {
        store_reader_cursor_take(&walk->cursor, &walk->order, row, KEY_COLUMN);
        return OK;
    }
    if (!needs_item(walk)) {
        store_reader_cursor_take(&walk->cursor, &walk->order, row, KEY_COLUMN);
        return give(walk, NULL);
    }
    arena_reset(&walk->reader->item_arena);
    err = store_reader_load_item(walk->reader, id, &place, &walk->reader->item_arena, &item);
    /* One record that cannot be read must not hide all others. */
    if (err_is(err)) {
        walk->result->has_limited_regex = true;
        store_reader_cursor_take(&walk->cursor, &walk->order, row, KEY_COLUMN);
        return OK;
    }
    TRY(decide(walk, &item, &is_match));
    store_reader_cursor_take(&walk->cursor, &walk->order, row, KEY_COLUMN);
    return is_match ? give(walk, &item) : OK;
}

/* Steps through what the statement gives.  ERR_AGAIN: the snapshot has lasted long enough; go on from the cursor. */
static struct err step_rows(struct walk *walk)
{
    for (;;) {
        bool has_row;

        TRY(store_database_step_row(walk->statement, &has_row));
        if (!has_row)
            return OK;
        TRY(look_at_row(walk));
        if (walk->is_full)
            return OK;
        if (is_over(walk))
            return ERR(ERR_CANCELLED, 0, "stopped");
        if (os_clock_mono_us() >= walk->snapshot_end_us)
            return ERR(ERR_AGAIN, 0, "the snapshot has lasted long enough");
    }
}

static struct err run_statement(struct walk *walk)
{
    struct err err;

    walk->snapshot_end_us = os_clock_mono_us() + SNAPSHOT_US;
    err = step_rows(walk);
    sqlite3_reset(walk->statement);
    return err;
}

static void tell_progress(struct walk *walk)
{
    if (walk->query->on_progress)
        walk->query->on_progress(walk->query->owner, walk->done_rows, walk->total_rows);
}

/* The order of ids. */

static struct err prepare_windows(struct walk *walk)
{
    struct str sql;
    int first = (int)walk->sql.param_count + 1;

    TRY(arena_format(&walk->arena, &sql,
                     "SELECT " COLUMNS " FROM exchange WHERE id >= ?%d AND id <= ?%d AND (%.*s) ORDER BY id %s", first,
                     first + 1, STR_ARG(walk->sql.where), walk->order.is_descending ? "DESC" : "ASC"));
    TRY(store_database_prepare(walk->reader->database, sql.ptr, &walk->statement));
    store_reader_sql_bind(walk->statement, &walk->sql);
    return OK;
}

static struct err run_window(struct walk *walk, uint64_t low, uint64_t high)
{
    int first = (int)walk->sql.param_count + 1;
    bool falls = walk->order.is_descending;
    struct err err;

    do {
        sqlite3_bind_int64(walk->statement, first, (sqlite3_int64)low);
        sqlite3_bind_int64(walk->statement, first + 1, (sqlite3_int64)high);
        err = run_statement(walk);
        if (err.code == ERR_AGAIN && falls)
            high = walk->cursor.id - 1;
        else if (err.code == ERR_AGAIN)
            low = walk->cursor.id + 1;
    } while (err.code == ERR_AGAIN && low <= high);
    return err.code == ERR_AGAIN ? OK : err;
}

static struct err run_each(struct walk *walk, uint64_t from, uint64_t to)
{
    uint64_t id;

    while (store_text_set_next(&walk->candidates, from, to, &id)) {
        TRY(run_window(walk, id, id));
        if (walk->is_full || id == to)
            return OK;
        if (is_over(walk))
            return ERR(ERR_CANCELLED, 0, "stopped");
        from = from < to ? id + 1 : id - 1;
    }
    return OK;
}

static struct err run_candidates(struct walk *walk, uint64_t low, uint64_t high)
{
    bool falls = walk->order.is_descending;

    if (!walk->has_candidates || store_text_set_count(&walk->candidates, low, high) > (high - low + 1) / DENSE_PART)
        return run_window(walk, low, high);
    return falls ? run_each(walk, high, low) : run_each(walk, low, high);
}

/* Lowest and highest id.  False when there are none. */
static struct err id_range(struct walk *walk, uint64_t *ret_low, uint64_t *ret_high)
{
    static const char *const sqls[2] = {"SELECT min(id) FROM exchange", "SELECT max(id) FROM exchange"};
    uint64_t numbers[2] = {0, 0};

    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *statement;
        bool has_row;
        struct err err;

        TRY(store_database_prepare(walk->reader->database, sqls[i], &statement));
        err = store_database_step_row(statement, &has_row);
        if (!err_is(err) && has_row)
            numbers[i] = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        TRY(err);
    }
    *ret_low = numbers[0];
    *ret_high = numbers[1];
    return OK;
}

/* The part of the rows to pass over, 0 to 1; 0 for what is no number. */
static double fraction_of(const struct store_reader_query *query)
{
    return query->fraction > 0 ? (query->fraction < 1 ? query->fraction : 1) : 0;
}

/* Cuts the range to what lies behind cursor and fraction. */
static bool narrow(const struct walk *walk, uint64_t *low, uint64_t *high)
{
    uint64_t passed = 0;

    if (*high == 0)
        return false;
    if (walk->cursor.type == STORE_READER_KEY_NONE)
        passed = (uint64_t)((double)(*high - *low) * fraction_of(walk->query));
    if (walk->order.is_descending) {
        *high -= passed;
        if (walk->cursor.type != STORE_READER_KEY_NONE && walk->cursor.id <= *high)
            *high = walk->cursor.id - (walk->cursor.id > 0);
    } else {
        *low += passed;
        if (walk->cursor.type != STORE_READER_KEY_NONE && walk->cursor.id >= *low)
            *low = walk->cursor.id + 1;
    }
    return *low <= *high && *high > 0;
}

static struct err walk_ids(struct walk *walk)
{
    bool falls = walk->order.is_descending;
    uint64_t low, high;

    TRY(id_range(walk, &low, &high));
    walk->total_rows = high ? high - low + 1 : 0;
    if (narrow(walk, &low, &high)) {
        TRY(prepare_windows(walk));
        while (low <= high && !walk->is_full) {
            uint64_t count = high - low < WINDOW_IDS ? high - low + 1 : WINDOW_IDS;
            uint64_t from = falls ? high - count + 1 : low, to = falls ? high : low + count - 1;

            TRY(run_candidates(walk, from, to));
            if (walk->is_full)
                break;
            walk->cursor.type = STORE_READER_KEY_ID;
            walk->cursor.id = falls ? from : to;
            walk->done_rows += count;
            tell_progress(walk);
            if (is_over(walk))
                return ERR(ERR_CANCELLED, 0, "stopped");
            low = falls ? low : to + 1;
            high = falls ? from - 1 : high;
        }
    }
    walk->is_at_end = !walk->is_full;
    return OK;
}

/* Another order. */

static struct err prepare_sorted(struct walk *walk)
{
    char after[CONDITION_MAX], key[KEY_MAX];
    const char *way = walk->order.is_descending ? "DESC" : "ASC";
    int first = (int)walk->sql.param_count + 1;
    struct str sql;

    store_reader_cursor_key_sql(&walk->order, key, sizeof(key));
    store_reader_cursor_after_sql(&walk->cursor, &walk->order, first, after, sizeof(after));
    TRY(arena_format(
        &walk->arena, &sql, "SELECT " COLUMNS ", %s FROM exchange WHERE %s %s AND (%.*s) ORDER BY %s %s, id %s", key,
        walk->has_candidates ? "query_is_candidate(id) AND" : "", after, STR_ARG(walk->sql.where), key, way, way));
    sqlite3_finalize(walk->statement);
    walk->statement = NULL;
    TRY(store_database_prepare(walk->reader->database, sql.ptr, &walk->statement));
    store_reader_sql_bind(walk->statement, &walk->sql);
    return OK;
}

static struct err walk_sorted(struct walk *walk)
{
    struct store_reader_cursor from;
    struct err err;

    TRY(store_reader_total(walk->reader, &walk->total_rows, &(uint64_t){0}));
    if (walk->cursor.type == STORE_READER_KEY_NONE)
        walk->skip_left += (uint64_t)((double)walk->total_rows * fraction_of(walk->query));
    do {
        from = walk->cursor;
        TRY(prepare_sorted(walk));
        store_reader_cursor_bind(&from, walk->statement, (int)walk->sql.param_count + 1);
        err = run_statement(walk);
        tell_progress(walk);
    } while (err.code == ERR_AGAIN);
    walk->is_at_end = !err_is(err) && !walk->is_full;
    return err;
}

/* Asks the index of text.  Without it, or where it says nothing, every row is a candidate. */
static struct err find_candidates(struct walk *walk)
{
    const struct query_literals *literals = query_literals(walk->query->query, &walk->arena);

    if (!literals)
        return OK;
    TRY(store_reader_candidates(walk->reader, literals, &walk->arena, &walk->candidates));
    walk->has_candidates = true;
    walk->reader->candidates = &walk->candidates;
    return OK;
}

static struct err prepare(struct walk *walk)
{
    TRY(store_reader_cursor_order(walk->query->order, &walk->order));
    TRY(store_reader_cursor_parse(walk->query->after, &walk->order, &walk->cursor));
    walk->limit = walk->query->limit ? walk->query->limit : LIMIT_DEFAULT;
    walk->skip_left = walk->query->skip;
    walk->limits = QUERY_REGEX_LIMITS_DEFAULT;
    walk->limits.is_over = is_over;
    walk->limits.owner = walk;
    walk->sql = (struct query_sql){.where = STR("1"), .is_exact = true};
    if (!walk->query->query)
        return OK;
    walk->needs_marks = query_needs(walk->query->query).marks;
    TRY(query_sql(walk->query->query, &walk->arena, &walk->sql));
    return walk->sql.is_exact ? OK : find_candidates(walk);
}

/* Runs the walk; a deadline is no error. */
static struct err run(struct walk *walk)
{
    struct store_reader *reader = walk->reader;
    struct err err;

    arena_init(&walk->arena, SQL_ARENA_MAX);
    store_reader_subject_init(&walk->subject, reader);
    reader->is_cancelled = walk->query->is_cancelled;
    reader->deadline_us = walk->query->deadline_us;
    err = prepare(walk);
    if (!err_is(err))
        err = walk->order.column == QUERY_COLUMN_ID ? walk_ids(walk) : walk_sorted(walk);
    sqlite3_finalize(walk->statement);
    reader->candidates = NULL;
    reader->is_cancelled = NULL;
    reader->deadline_us = 0;
    store_reader_subject_deinit(&walk->subject);
    store_text_set_deinit(&walk->candidates);
    arena_deinit(&walk->arena);
    if (err.code == ERR_CANCELLED && !is_cancelled(walk)) {
        walk->result->is_stopped = true;
        return OK;
    }
    return err;
}

struct err store_reader_list(struct store_reader *reader, const struct store_reader_query *query,
                             struct store_reader_result *ret_result)
{
    struct store_reader_result result = {.item_count = 0};
    struct walk walk = {.reader = reader, .query = query, .result = &result};
    size_t len = query->after.len < sizeof(result.next) ? query->after.len : 0;

    TRY(run(&walk));
    if (walk.cursor.type != STORE_READER_KEY_NONE && !walk.is_at_end)
        store_reader_cursor_format(&walk.cursor, &walk.order, result.next);
    else if (!walk.is_at_end && len)
        memcpy(result.next, query->after.ptr, len);
    *ret_result = result;
    return OK;
}

/* What SQL decides alone needs no walk through the rows, but the same limits. */
struct err store_reader_list_count(struct store_reader *reader, const struct store_reader_query *query,
                                   struct store_reader_count *ret_count)
{
    struct store_reader_query all = *query;
    struct store_reader_result result = {.item_count = 0};
    struct walk walk = {.reader = reader, .query = &all, .result = &result, .is_counting = true};

    all.order = all.after = STR_NONE;
    all.skip = 0;
    all.fraction = -1;
    all.limit = SIZE_MAX;
    TRY(run(&walk));
    *ret_count =
        (struct store_reader_count){.count = walk.matched, .is_exact = !result.is_stopped && !result.has_limited_regex};
    return OK;
}
