#include "store/recorder.h"

#include <stdlib.h>

#include "os/clock.h"
#include "store/recorder_core.h"
#include "store/repair.h"

#define RING_BYTES ((size_t)8 * 1024 * 1024)
#define PENDING_BYTES ((size_t)64 * 1024 * 1024)
#define FILE_BYTES ((uint64_t)1024 * 1024 * 1024)
#define GAP_AFTER_MS 5000
#define SEGMENT_AFTER_MS 100
#define QUEUE_BYTES ((size_t)32 * 1024 * 1024)
#define CHANGED_ROOM ((size_t)4096 + 1)

static struct store_recorder_options with_defaults(const struct store_recorder_options *options)
{
    struct store_recorder_options full = options ? *options : (struct store_recorder_options){0};

    full.ring_bytes = full.ring_bytes ? full.ring_bytes : RING_BYTES;
    full.pending_bytes_max = full.pending_bytes_max ? full.pending_bytes_max : PENDING_BYTES;
    full.file_bytes_max = full.file_bytes_max ? full.file_bytes_max : FILE_BYTES;
    full.gap_after_ms = full.gap_after_ms ? full.gap_after_ms : GAP_AFTER_MS;
    full.segment_after_ms = full.segment_after_ms ? full.segment_after_ms : SEGMENT_AFTER_MS;
    return full;
}

/* All threads must have ended. */
static void free_recorder(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;

    for (unsigned i = 0; i < atomic_load(&recorder->shared.ring_count); i++) {
        ring_deinit(&recorder->locked.rings[i]->ring);
        free(recorder->locked.rings[i]);
    }
    if (writer->living.buckets)
        store_living_deinit(&writer->living);
    store_records_free(&writer->records);
    store_index_queue_deinit(&writer->queue);
    store_index_queue_deinit(&writer->committing);
    store_index_close(&writer->index);
    store_capture_close(&writer->capture);
    free(writer->changed);
    os_lock_free(&recorder->lock);
    os_lock_free(&recorder->sync_lock);
    free(recorder);
}

static struct err open_writer(struct store_recorder *recorder)
{
    struct store_repair_options repair = {.on_progress = recorder->options.on_progress,
                                          .owner = recorder->options.owner};
    struct store_recorder_writer *writer = &recorder->writer;

    store_index_queue_init(&writer->queue, QUEUE_BYTES);
    store_index_queue_init(&writer->committing, QUEUE_BYTES);
    writer->changed = malloc(CHANGED_ROOM * sizeof(*writer->changed));
    CHECK(writer->changed);
    TRY(store_repair_open(recorder->folder, &repair, NULL, &writer->index));
    TRY(store_index_get_mark(writer->index, &writer->mark));
    atomic_store(&recorder->shared.next_id, writer->mark.last_id + 1);
    TRY(store_capture_open(recorder->folder, recorder->options.file_bytes_max, &writer->capture));
    store_living_init(&writer->living);
    writer->records = store_records_new(recorder->folder, writer->capture, &writer->queue);
    return store_recorder_writer_close_interrupted(recorder);
}

static void stop_threads(struct store_recorder *recorder)
{
    os_lock_enter(recorder->sync_lock);
    atomic_store(&recorder->shared.is_stopping, true);
    os_lock_signal_all(recorder->sync_lock);
    os_lock_leave(recorder->sync_lock);
    os_lock_enter(recorder->lock);
    os_lock_signal_all(recorder->lock);
    os_lock_leave(recorder->lock);
}

static struct err start_threads(struct store_recorder *recorder)
{
    struct err err;

    TRY(os_thread_start("recorder", store_recorder_writer_run, recorder, &recorder->writer_thread));
    err = os_thread_start("syncer", store_recorder_syncer_run, recorder, &recorder->syncer_thread);
    if (err_is(err)) {
        stop_threads(recorder);
        os_thread_join(&recorder->writer_thread);
    }
    return err;
}

struct err store_recorder_open(struct store_project *project, const struct store_recorder_options *options,
                               struct store_recorder **ret_recorder)
{
    struct store_recorder *recorder = calloc(1, sizeof(*recorder));
    struct err err;

    CHECK(recorder && store_project_is_writable(project));
    recorder->project = project;
    recorder->folder = store_project_folder(project);
    recorder->options = with_defaults(options);
    list_init(&recorder->locked.watches);
    err = os_lock_new(&recorder->lock);
    if (!err_is(err))
        err = os_lock_new(&recorder->sync_lock);
    if (!err_is(err))
        err = open_writer(recorder);
    if (!err_is(err))
        err = start_threads(recorder);
    if (err_is(err)) {
        free_recorder(recorder);
        return err;
    }
    *ret_recorder = recorder;
    return OK;
}

/* Whether both threads ended within the time. */
static bool wait_for_end(struct store_recorder *recorder, uint64_t wait_ms)
{
    uint64_t deadline_us = os_clock_mono_us() + wait_ms * 1000;
    bool is_done;

    os_lock_enter(recorder->lock);
    for (;;) {
        uint64_t now_us = os_clock_mono_us();

        is_done = recorder->locked.is_writer_done && recorder->locked.is_syncer_done;
        if (is_done || now_us >= deadline_us)
            break;
        os_lock_wait(recorder->lock, (deadline_us - now_us) / 1000 + 1);
    }
    os_lock_leave(recorder->lock);
    return is_done;
}

#define ABANDON_WAIT_MS 300

struct err store_recorder_close(struct store_recorder **recorder, uint64_t wait_ms)
{
    struct store_recorder *closed = *recorder;
    struct err err = OK;

    if (!closed)
        return OK;
    *recorder = NULL;
    stop_threads(closed);
    if (!wait_for_end(closed, wait_ms)) {
        err = ERR(ERR_TIMEOUT, 0, "what was recorded last could not be written in time");
        atomic_store(&closed->shared.is_abandoned, true);
        stop_threads(closed);
        /* A thread that hangs in the disk cannot be ended; what it holds stays with it. */
        if (!wait_for_end(closed, ABANDON_WAIT_MS))
            return err;
    }
    os_thread_join(&closed->writer_thread);
    os_thread_join(&closed->syncer_thread);
    free_recorder(closed);
    return err;
}

uint64_t store_recorder_next_id(struct store_recorder *recorder)
{
    return atomic_fetch_add_explicit(&recorder->shared.next_id, 1, memory_order_relaxed);
}

void store_recorder_wake(struct store_recorder *recorder)
{
    /* Against the fence in the writer's rest(): either it sees what was pushed, or we see that it sleeps. */
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&recorder->shared.is_sleeping, memory_order_relaxed))
        return;
    os_lock_enter(recorder->lock);
    os_lock_signal_all(recorder->lock);
    os_lock_leave(recorder->lock);
}

struct err store_recorder_flush(struct store_recorder *recorder, uint64_t wait_ms)
{
    uint64_t deadline_us = os_clock_mono_us() + wait_ms * 1000;
    uint64_t ticket = atomic_fetch_add(&recorder->shared.flush_wanted, 1) + 1;
    struct err err = OK;

    os_lock_enter(recorder->lock);
    os_lock_signal_all(recorder->lock);
    while (atomic_load(&recorder->shared.flush_done) < ticket) {
        uint64_t now_us = os_clock_mono_us();

        if (now_us >= deadline_us) {
            err = ERR(ERR_TIMEOUT, 0, "the recorder could not write in time");
            break;
        }
        os_lock_wait(recorder->lock, (deadline_us - now_us) / 1000 + 1);
    }
    os_lock_leave(recorder->lock);
    return err;
}

static void add_rings(struct store_recorder *recorder, struct store_recorder_status *status)
{
    unsigned count = atomic_load_explicit(&recorder->shared.ring_count, memory_order_acquire);

    for (unsigned i = 0; i < count; i++) {
        int64_t since_us = atomic_load(&recorder->locked.rings[i]->shared.gap_since_us);

        status->waiting_bytes += ring_used_bytes(&recorder->locked.rings[i]->ring);
        if (since_us && (!status->gap_since_us || since_us < status->gap_since_us))
            status->gap_since_us = since_us;
    }
}

void store_recorder_status(struct store_recorder *recorder, struct store_recorder_status *ret_status)
{
    uint64_t busy_since_us = atomic_load(&recorder->shared.busy_since_us), now_us = os_clock_mono_us();
    struct store_recorder_status status = {
        .recorded_count = atomic_load(&recorder->shared.recorded_count),
        .recorded_bytes = atomic_load(&recorder->shared.recorded_bytes),
        .waiting_bytes = atomic_load(&recorder->shared.kept_bytes),
        .living_count = atomic_load(&recorder->shared.living_count),
        .gap_count = atomic_load(&recorder->shared.gap_count),
        .lost_count = atomic_load(&recorder->shared.lost_count),
        .synced_us = atomic_load(&recorder->shared.synced_us),
    };

    add_rings(recorder, &status);
    os_lock_enter(recorder->lock);
    memcpy(status.alarm, recorder->locked.alarm, sizeof(status.alarm));
    os_lock_leave(recorder->lock);
    if (!status.alarm[0] && busy_since_us && now_us > busy_since_us &&
        now_us - busy_since_us > recorder->options.gap_after_ms * 1000)
        snprintf(status.alarm, sizeof(status.alarm),
                 "Recording has stopped: the disk does not answer. Traffic goes on and is not kept.");
    *ret_status = status;
}
