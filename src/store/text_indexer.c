#include "store/text_indexer.h"

#include <stdlib.h>

#include "model/facts_url.h"
#include "os/clock.h"
#include "os/thread.h"
#include "query/fold.h"
#include "store/digest.h"
#include "store/reader_core.h"
#include "store/reader_subject.h"
#include "store/text_builder.h"
#include "store/text_index.h"

#define IDLE_MS 5000
#define IDLE_DOCUMENTS 512
#define NAP_MS 1000
#define RETRY_MS 30000
/* Exchanges that were under way when those with higher ids were walked through are looked for so far back. */
#define STEP_BACK_IDS ((uint64_t)4096)
#define STEP_ROWS 512
#define SNAPSHOT_US ((uint64_t)300000)
#define FOLD_BYTES ((size_t)64 * 1024)
#define TABLE_COUNT ((size_t)65536)
#define SEGMENT_BYTES_MAX ((size_t)128 * 1024 * 1024)
#define ITEM_ARENA_MAX ((size_t)32 * 1024 * 1024)

/* A text that was indexed, and whose it was. */
struct seen {
    uint8_t sha256[STORE_DIGEST_BYTES];
    uint64_t id; /* 0: free */
};

struct store_text_indexer {
    char folder[STORE_TEXT_PATH_MAX - 64];
    struct store_text_indexer_options options;
    struct os_thread *thread;
    struct os_lock *lock; /* the thread's sleep */
    struct {
        atomic_bool is_stopping, is_paused, is_idle;
        _Atomic uint64_t exchange_count, text_bytes, segment_bytes, busy_us;
    } shared;
};

/* The thread's own, from one start of the walk to an error or the end. */
struct work {
    struct store_text_indexer *indexer;
    struct store_reader *reader;
    struct store_reader_subject subject;
    struct store_text_index *index;
    struct store_text_builder *builders[STORE_TEXT_FAMILY_COUNT];
    struct store_text_set tried; /* looked at, covered or not */
    struct store_digest *digest;
    struct seen *seen;
    struct arena arena; /* of the exchange at hand */
    struct buf url;
    char *folded;
    sqlite3_stmt *next_ids, *first_open;
    uint64_t position; /* ids up to it were looked at */
    size_t waiting;    /* documents that are in no segment yet */
    uint32_t capture_file, synced_file;
    uint64_t active_us; /* when the last exchange came */
};

static bool is_stopping(const struct store_text_indexer *indexer) { return atomic_load(&indexer->shared.is_stopping); }

/* --- documents --- */

/* A piece of at most FOLD_BYTES that ends where a character ends.  A byte that continues none is a character, so four
 * of these in a row have an end between any two. */
static struct str take_piece(struct str *rest)
{
    size_t len = rest->len < FOLD_BYTES ? rest->len : FOLD_BYTES, back = 0;
    struct str piece;

    while (len < rest->len && back < 4 && ((unsigned char)rest->ptr[len - back] & 0xc0) == 0x80)
        back++;
    if (back < 4)
        len -= back;
    piece = str_head(*rest, len);
    *rest = str_skip(*rest, len);
    return piece;
}

static void add_text(struct work *work, enum store_text_family family, struct str text)
{
    while (text.len) {
        struct str piece = take_piece(&text);

        store_text_builder_add(work->builders[family], (struct str){work->folded, query_fold(piece, work->folded)});
        atomic_fetch_add(&work->indexer->shared.text_bytes, piece.len);
    }
}

/* What the evaluator would see; what is absent is empty. */
static struct err load(struct work *work, struct err (*op)(struct query_subject *, struct query_part, struct str *),
                       struct str ret_texts[2])
{
    for (int side = 0; side < 2; side++) {
        struct err err =
            op(&work->subject.subject, (struct query_part){(enum exchange_side)side, QUERY_SENT}, &ret_texts[side]);

        if (err.code == ERR_ABSENT)
            ret_texts[side] = STR_NONE;
        else
            TRY(err);
    }
    return OK;
}

static struct err add_heads(struct work *work, uint64_t id)
{
    struct str heads[2];

    TRY(load(work, work->subject.subject.ops->head, heads));
    buf_clear(&work->url);
    TRY(facts_url_write(work->subject.subject.facts, &work->url));
    add_text(work, STORE_TEXT_HEADS, buf_str(&work->url));
    add_text(work, STORE_TEXT_HEADS, heads[0]);
    add_text(work, STORE_TEXT_HEADS, heads[1]);
    store_text_builder_end_document(work->builders[STORE_TEXT_HEADS], id);
    work->waiting++;
    return OK;
}

/* Whether that text was indexed; if not, it is remembered. */
static bool is_repeat(struct work *work, const struct str texts[2], uint64_t id, uint64_t *ret_first)
{
    uint8_t sha256[STORE_DIGEST_BYTES];
    uint64_t len = texts[0].len;
    struct seen *seen;

    store_digest_start(work->digest);
    store_digest_add(work->digest, (struct str){(const char *)&len, sizeof(len)});
    store_digest_add(work->digest, texts[0]);
    store_digest_add(work->digest, texts[1]);
    store_digest_finish(work->digest, sha256);
    seen = &work->seen[((size_t)sha256[0] << 8 | sha256[1]) % TABLE_COUNT];
    *ret_first = seen->id;
    if (seen->id && memcmp(seen->sha256, sha256, sizeof(sha256)) == 0)
        return true;
    memcpy(seen->sha256, sha256, sizeof(sha256));
    seen->id = id;
    return false;
}

static struct err add_bodies(struct work *work, uint64_t id)
{
    struct store_text_builder *builder = work->builders[STORE_TEXT_BODIES];
    struct str texts[2];
    uint64_t first;

    TRY(load(work, work->subject.subject.ops->body_text, texts));
    work->waiting++;
    if (texts[0].len + texts[1].len > 0 && is_repeat(work, texts, id, &first)) {
        store_text_builder_repeat(builder, id, first);
        return OK;
    }
    add_text(work, STORE_TEXT_BODIES, texts[0]);
    add_text(work, STORE_TEXT_BODIES, texts[1]);
    store_text_builder_end_document(builder, id);
    return OK;
}

/* --- segments --- */

/* Files before the current one do not change any more, so each is synced once after that. */
static struct err sync_capture(struct work *work)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *file;

    for (uint32_t number = work->synced_file; number <= work->capture_file; number++) {
        struct err err;

        TRY(store_capture_path(work->indexer->folder, number, path));
        err = os_file_open(path, OS_FILE_READ, &file);
        if (err.code == ERR_ABSENT)
            continue;
        TRY(err);
        err = os_file_sync(file);
        os_file_close(&file);
        TRY(err);
    }
    work->synced_file = work->capture_file;
    return OK;
}

static struct err check_free(const char *folder)
{
    uint64_t free_bytes;

    TRY(os_file_free_bytes(folder, &free_bytes));
    return free_bytes >= STORE_TEXT_INDEXER_FREE_MIN ? OK : ERR(ERR_IO, 0, "the disk is nearly full");
}

static struct err write_bytes(struct work *work, enum store_text_family family, struct str bytes)
{
    char path[STORE_TEXT_PATH_MAX];

    snprintf(path, sizeof(path), "%s/text", work->indexer->folder);
    TRY(os_file_make_folder(path));
    TRY(check_free(path));
    TRY(sync_capture(work));
    TRY(store_text_index_path(work->indexer->folder, family, store_text_index_next_number(work->index, family), path));
    TRY(os_file_write_all(path, bytes, false));
    atomic_fetch_add(&work->indexer->shared.segment_bytes, bytes.len);
    return OK;
}

static struct err write_segment(struct work *work, enum store_text_family family)
{
    struct buf segment;
    struct err err;

    if (store_text_builder_is_empty(work->builders[family]))
        return OK;
    buf_init(&segment, SEGMENT_BYTES_MAX);
    err = store_text_builder_finish(work->builders[family], &segment);
    if (!err_is(err))
        err = write_bytes(work, family, buf_str(&segment));
    buf_deinit(&segment);
    TRY(err);
    store_text_index_refresh(work->index, true);
    return OK;
}

static struct err write_full(struct work *work)
{
    for (int family = 0; family < STORE_TEXT_FAMILY_COUNT; family++) {
        if (store_text_builder_is_full(work->builders[family]))
            TRY(write_segment(work, (enum store_text_family)family));
    }
    return OK;
}

static struct err write_waiting(struct work *work)
{
    uint64_t idle_us = os_clock_mono_us() - work->active_us;

    if (work->waiting < work->indexer->options.idle_documents_min || idle_us < work->indexer->options.idle_ms * 1000)
        return OK;
    TRY(write_segment(work, STORE_TEXT_HEADS));
    TRY(write_segment(work, STORE_TEXT_BODIES));
    work->waiting = 0;
    return OK;
}

/* --- walking --- */

/* One exchange.  What cannot be read stays uncovered; only what hinders all of them is an error. */
static struct err take(struct work *work, uint64_t id)
{
    struct store_reader_item item;
    struct err err;

    arena_reset(&work->arena);
    err = store_reader_get_facts(work->reader, id, &work->arena, &item);
    if (err.code == ERR_CANCELLED || err.code == ERR_BUSY || (!err_is(err) && item.is_open))
        return err;
    store_text_set_grow(&work->tried, (id / 65536 + 1) * 65536);
    store_text_set_add(&work->tried, id);
    atomic_fetch_add(&work->indexer->shared.exchange_count, 1);
    if (err_is(err))
        return OK;
    store_reader_subject_set(&work->subject, &item);
    if (!store_text_index_covers(work->index, STORE_TEXT_HEADS, id))
        IGNORE(add_heads(work, id));
    if (!store_text_index_covers(work->index, STORE_TEXT_BODIES, id))
        IGNORE(add_bodies(work, id));
    work->active_us = os_clock_mono_us();
    return write_full(work);
}

static bool is_done(const struct work *work, uint64_t id)
{
    return (id < work->tried.end && store_text_set_has(&work->tried, id)) ||
           (store_text_index_covers(work->index, STORE_TEXT_HEADS, id) &&
            store_text_index_covers(work->index, STORE_TEXT_BODIES, id));
}

/* The next ids of closed exchanges, and in which capture file their records end. */
static struct err next_ids(struct work *work, uint64_t ids[STEP_ROWS], size_t *ret_count)
{
    size_t count = 0;
    bool has_row = true;

    sqlite3_bind_int64(work->next_ids, 1, (sqlite3_int64)work->position);
    while (has_row && count < STEP_ROWS) {
        uint32_t file;

        TRY(store_database_step_row(work->next_ids, &has_row));
        if (!has_row)
            break;
        ids[count++] = (uint64_t)sqlite3_column_int64(work->next_ids, 0);
        file = (uint32_t)sqlite3_column_int64(work->next_ids, 1);
        work->capture_file = file > work->capture_file ? file : work->capture_file;
    }
    sqlite3_reset(work->next_ids);
    *ret_count = count;
    return OK;
}

/* Back to where exchanges may have been closed since. */
static struct err step_back(struct work *work)
{
    uint64_t back = work->position > STEP_BACK_IDS ? work->position - STEP_BACK_IDS : 0, first_open = 0;
    bool has_row;

    TRY(store_database_step_row(work->first_open, &has_row));
    if (has_row)
        first_open = (uint64_t)sqlite3_column_int64(work->first_open, 0);
    sqlite3_reset(work->first_open);
    work->position = first_open > 0 && first_open - 1 < back ? first_open - 1 : back;
    return OK;
}

static bool is_held(const struct store_text_indexer *indexer)
{
    return is_stopping(indexer) || atomic_load(&indexer->shared.is_paused);
}

/* As many exchanges as one snapshot may last for: a lasting one would make the index's log grow. */
static struct err take_some(struct work *work, bool *ret_is_end)
{
    uint64_t ids[STEP_ROWS], end_us = os_clock_mono_us() + SNAPSHOT_US;
    size_t count;

    TRY(next_ids(work, ids, &count));
    for (size_t i = 0; i < count && !is_held(work->indexer) && os_clock_mono_us() < end_us; i++) {
        if (ids[i] < STORE_TEXT_SET_MAX && !is_done(work, ids[i])) {
            atomic_store(&work->indexer->shared.is_idle, false);
            TRY(take(work, ids[i]));
        }
        work->position = ids[i];
    }
    *ret_is_end = count == 0;
    return OK;
}

static struct err walk(struct work *work)
{
    bool is_end = false;

    while (!is_end && !is_held(work->indexer)) {
        struct err err;

        TRY(store_database_run(work->reader->database, "BEGIN"));
        err = take_some(work, &is_end);
        IGNORE(store_database_run(work->reader->database, "COMMIT"));
        TRY(err);
    }
    return is_held(work->indexer) ? OK : step_back(work);
}

static void nap(struct store_text_indexer *indexer, uint64_t wait_ms)
{
    os_lock_enter(indexer->lock);
    if (!is_stopping(indexer))
        os_lock_wait(indexer->lock, wait_ms);
    os_lock_leave(indexer->lock);
}

static struct err run_work(struct work *work)
{
    struct store_text_indexer *indexer = work->indexer;

    while (!is_stopping(indexer)) {
        uint64_t begun_us = os_clock_mono_us();

        if (!is_held(indexer)) {
            TRY(walk(work));
            TRY(write_waiting(work));
            atomic_fetch_add(&indexer->shared.busy_us, os_clock_mono_us() - begun_us);
            atomic_store(&indexer->shared.is_idle, !is_held(indexer));
        }
        nap(indexer, indexer->options.nap_ms);
    }
    return OK;
}

static struct err open_work(struct work *work)
{
    const char *folder = work->indexer->folder;
    uint32_t last_file = 0;

    TRY(store_reader_open(folder, false, &work->reader));
    work->reader->is_cancelled = &work->indexer->shared.is_stopping;
    store_reader_subject_init(&work->subject, work->reader);
    store_reader_subject_limit(&work->subject, STORE_TEXT_INDEXER_BODY_MAX);
    TRY(store_text_index_open(folder, &work->index));
    store_text_index_refresh(work->index, true);
    TRY(store_capture_last_file(folder, &last_file));
    work->synced_file = last_file > 1 ? last_file - 1 : 1;
    TRY(store_database_prepare(work->reader->database,
                               "SELECT id, meta_file FROM exchange WHERE id > ? AND NOT is_open ORDER BY id",
                               &work->next_ids));
    return store_database_prepare(work->reader->database, "SELECT min(id) FROM exchange WHERE is_open",
                                  &work->first_open);
}

static void close_work(struct work *work)
{
    sqlite3_finalize(work->next_ids);
    sqlite3_finalize(work->first_open);
    if (work->reader)
        store_reader_subject_deinit(&work->subject);
    store_reader_close(&work->reader);
    store_text_index_close(&work->index);
    for (int i = 0; i < STORE_TEXT_FAMILY_COUNT; i++)
        store_text_builder_free(&work->builders[i]);
    store_text_set_deinit(&work->tried);
    store_digest_free(&work->digest);
    free(work->seen);
    arena_deinit(&work->arena);
    buf_deinit(&work->url);
    free(work->folded);
}

static void init_work(struct work *work, struct store_text_indexer *indexer)
{
    *work = (struct work){.indexer = indexer};
    work->builders[STORE_TEXT_HEADS] = store_text_builder_new(STORE_TEXT_HEADS_BLOCK_BYTES);
    work->builders[STORE_TEXT_BODIES] = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    store_text_set_init(&work->tried, 0, false);
    work->digest = store_digest_new();
    work->seen = calloc(TABLE_COUNT, sizeof(*work->seen));
    work->folded = malloc(query_fold_max_len(FOLD_BYTES));
    CHECK(work->seen && work->folded);
    arena_init(&work->arena, ITEM_ARENA_MAX);
    buf_init(&work->url, FACTS_URL_BYTES_MAX);
}

/* An error may pass (a full disk, an index that is being made): all is begun again later. */
static void run(void *owner)
{
    struct store_text_indexer *indexer = owner;

    os_thread_lower_priority();
    while (!is_stopping(indexer)) {
        struct work work;
        struct err err;

        init_work(&work, indexer);
        err = open_work(&work);
        if (!err_is(err))
            err = run_work(&work);
        close_work(&work);
        if (err_is(err))
            nap(indexer, RETRY_MS);
    }
}

struct err store_text_indexer_start(const char *project_folder, const struct store_text_indexer_options *options,
                                    struct store_text_indexer **ret_indexer)
{
    struct store_text_indexer *indexer = calloc(1, sizeof(*indexer));
    struct err err;

    CHECK(indexer);
    if (options)
        indexer->options = *options;
    indexer->options.idle_ms = indexer->options.idle_ms ? indexer->options.idle_ms : IDLE_MS;
    indexer->options.nap_ms = indexer->options.nap_ms ? indexer->options.nap_ms : NAP_MS;
    if (indexer->options.idle_documents_min == 0)
        indexer->options.idle_documents_min = IDLE_DOCUMENTS;
    err = str_to_c(str_from(project_folder), indexer->folder, sizeof(indexer->folder))
              ? os_lock_new(&indexer->lock)
              : ERR(ERR_LIMIT, 0, "the project's path is too long");
    if (!err_is(err))
        err = os_thread_start("text-index", run, indexer, &indexer->thread);
    if (err_is(err)) {
        os_lock_free(&indexer->lock);
        free(indexer);
        return err;
    }
    *ret_indexer = indexer;
    return OK;
}

void store_text_indexer_stop(struct store_text_indexer **indexer)
{
    struct store_text_indexer *stopped = *indexer;

    if (!stopped)
        return;
    *indexer = NULL;
    os_lock_enter(stopped->lock);
    atomic_store(&stopped->shared.is_stopping, true);
    os_lock_signal_all(stopped->lock);
    os_lock_leave(stopped->lock);
    os_thread_join(&stopped->thread);
    os_lock_free(&stopped->lock);
    free(stopped);
}

void store_text_indexer_pause(struct store_text_indexer *indexer, bool is_paused)
{
    atomic_store(&indexer->shared.is_paused, is_paused);
}

void store_text_indexer_status(struct store_text_indexer *indexer, struct store_text_indexer_status *ret_status)
{
    *ret_status = (struct store_text_indexer_status){
        .exchange_count = atomic_load(&indexer->shared.exchange_count),
        .text_bytes = atomic_load(&indexer->shared.text_bytes),
        .segment_bytes = atomic_load(&indexer->shared.segment_bytes),
        .busy_us = atomic_load(&indexer->shared.busy_us),
        .is_idle = atomic_load(&indexer->shared.is_idle),
    };
}
