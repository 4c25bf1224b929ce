/* The syncer: brings what was written to the disk, so that nobody who writes waits for it. */
#include "os/clock.h"
#include "os/file.h"
#include "store/recorder_core.h"

#define SYNC_MS 500
#define CHECKPOINT_ROUNDS 8
#define CHECKPOINT_PAUSE_MS 5

static struct err sync_file(const struct store_recorder *recorder, uint32_t number)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *file;
    struct err err;

    TRY(store_capture_path(recorder->folder, number, path));
    TRY(os_file_open(path, OS_FILE_READ, &file));
    err = os_file_sync(file);
    os_file_close(&file);
    return err;
}

/* False when stopping. */
static bool nap(struct store_recorder *recorder, uint64_t wait_ms)
{
    bool is_stopping;

    os_lock_enter(recorder->sync_lock);
    is_stopping = atomic_load(&recorder->shared.is_stopping);
    if (!is_stopping)
        os_lock_wait(recorder->sync_lock, wait_ms);
    is_stopping = is_stopping || atomic_load(&recorder->shared.is_stopping);
    os_lock_leave(recorder->sync_lock);
    return !is_stopping;
}

/* The log can begin again from its start only when every page was moved while nobody wrote: the writer pauses between
 * commits, so a few rounds in a row find such a moment. */
static void checkpoint(struct store_recorder *recorder, sqlite3 *database)
{
    int left = 1;

    for (unsigned i = 0; i < CHECKPOINT_ROUNDS && left > 0; i++) {
        if (err_is(store_index_checkpoint(database, &left)) || (left > 0 && !nap(recorder, CHECKPOINT_PAUSE_MS)))
            return;
    }
}

/* Opened when it is first needed, and again later when that failed. */
static void move_log(struct store_recorder *recorder, sqlite3 **database)
{
    char path[STORE_CAPTURE_PATH_MAX];

    if (!*database && (err_is(store_index_path(recorder->folder, path, sizeof(path))) ||
                       err_is(store_database_open(path, &store_index_kind, STORE_DATABASE_WRITE, database))))
        *database = NULL;
    if (*database)
        checkpoint(recorder, *database);
}

void store_recorder_syncer_run(void *owner)
{
    struct store_recorder *recorder = owner;
    sqlite3 *database = NULL;
    uint64_t synced_bytes = 0;

    while (nap(recorder, SYNC_MS)) {
        uint64_t written = atomic_load(&recorder->shared.written_bytes);
        int64_t now_us = os_clock_wall_us();

        if (written == synced_bytes)
            continue;
        if (!err_is(sync_file(recorder, (uint32_t)atomic_load(&recorder->shared.written_file)))) {
            synced_bytes = written;
            atomic_store(&recorder->shared.synced_us, now_us);
        }
        move_log(recorder, &database);
    }
    store_database_close(&database);
    os_lock_enter(recorder->lock);
    recorder->locked.is_syncer_done = true;
    os_lock_signal_all(recorder->lock);
    os_lock_leave(recorder->lock);
}
