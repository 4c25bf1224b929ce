/* The writer: takes events from the rings, puts records together, writes them in batches, commits rows.
 *
 * A turn: take what the rings hold, write parts of what waits too long, flush the batch to the capture, commit the
 * index when it is time.  What a disk refuses stays in memory and is tried again; until then nothing more is taken, so
 * the rings fill and the ports do what they promise.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "store/fields.h"
#include "store/recorder_core.h"
#include "store/replay.h"

#define FLUSH_BYTES ((size_t)1024 * 1024)   /* of a batch; what one event adds comes on top */
#define SEGMENT_BYTES ((size_t)1024 * 1024) /* of a half that goes on */
#define STREAM_BYTES ((size_t)256 * 1024)
#define TAKE_BYTES ((uint64_t)2 * 1024 * 1024) /* from one ring before the next has its turn */
#define QUEUE_FULL_BYTES ((size_t)8 * 1024 * 1024)
#define COMMIT_US ((uint64_t)50000)
#define COMMIT_BYTES ((uint64_t)4 * 1024 * 1024)
#define RETRY_US ((uint64_t)100000)
#define ACTIVE_US ((uint64_t)100000)
#define POLL_MS 2
#define IDLE_MS 1000
#define CHANGED_MAX ((size_t)4096)
#define OPEN_IDS_A_TURN 256
#define FACTS_ARENA_MAX ((size_t)32 * 1024 * 1024)

static void set_alarm(struct store_recorder *recorder, const char *text)
{
    bool is_new;

    os_lock_enter(recorder->lock);
    is_new = strncmp(recorder->locked.alarm, text, STORE_RECORDER_ALARM_MAX - 1) != 0;
    snprintf(recorder->locked.alarm, STORE_RECORDER_ALARM_MAX, "%s", text);
    os_lock_leave(recorder->lock);
    if (is_new && text[0])
        log_write(LOG_ERROR, "%s", text);
    else if (is_new)
        log_write(LOG_NOTICE, "recording goes on");
}

/* What a failed write means, in words for a person. */
static void raise_alarm(struct store_recorder *recorder, const char *before, struct err err, const char *after)
{
    char text[STORE_RECORDER_ALARM_MAX], error[96] = "";
    const char *reason = err.what;

    if (err.wire == ENOSPC || err.wire == EDQUOT)
        reason = "no space is left on its disk";
    else if (err.wire == EFBIG)
        reason = "the limit for the size of files is reached";
    else if (err.wire == EROFS)
        reason = "its disk is read-only";
    else if (err.wire)
        reason = strerror_r((int)err.wire, error, sizeof(error));
    snprintf(text, sizeof(text), "%s: %s. %s", before, reason, after);
    set_alarm(recorder, text);
}

static void note_counts(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;

    atomic_store_explicit(&recorder->shared.living_count, writer->living.count, memory_order_relaxed);
    atomic_store_explicit(&recorder->shared.kept_bytes,
                          writer->living.waiting_bytes + store_capture_batch_len(writer->capture),
                          memory_order_relaxed);
}

/* The batch to the capture.  False while that fails. */
static bool flush(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    size_t len = store_capture_batch_len(writer->capture);
    uint32_t file;
    uint64_t offset;
    struct err err;

    if (len == 0 && !writer->is_capture_failing)
        return true;
    err = store_capture_flush(writer->capture);
    if (err_is(err)) {
        writer->is_capture_failing = true;
        writer->retry_us = os_clock_mono_us() + RETRY_US;
        raise_alarm(recorder, "Recording has stopped, the capture cannot be written", err,
                    "Traffic goes on and is not kept.");
        return false;
    }
    if (writer->is_capture_failing)
        set_alarm(recorder, "");
    writer->is_capture_failing = false;
    writer->bytes_since_commit += len;
    atomic_fetch_add(&recorder->shared.recorded_bytes, len);
    store_capture_written_end(writer->capture, &file, &offset);
    atomic_store(&recorder->shared.written_file, file);
    atomic_fetch_add(&recorder->shared.written_bytes, len);
    return true;
}

static void on_row(void *owner, uint64_t id)
{
    struct store_recorder_writer *writer = &((struct store_recorder *)owner)->writer;

    if (writer->changed_count <= CHANGED_MAX)
        writer->changed[writer->changed_count++] = id;
}

static bool drain(struct store_recorder *recorder);

/* A transaction may take a while; what passes meanwhile must not wait for it to reach the capture. */
static void on_pause(void *owner)
{
    struct store_recorder *recorder = owner;

    if (!recorder->writer.is_capture_failing && drain(recorder))
        flush(recorder);
}

/* Takes over what is queued, unless the rows before are still to be committed. */
static void begin_committing(struct store_recorder_writer *writer)
{
    struct store_index_queue empty = writer->committing;

    if (store_index_queue_len(&writer->committing))
        return;
    writer->committing = writer->queue;
    writer->queue = empty;
    writer->committing_mark = writer->mark;
    store_capture_written_end(writer->capture, &writer->committing_mark.file, &writer->committing_mark.offset);
}

static struct err write_rows(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct store_index_queue_hooks hooks = {.on_row = on_row, .on_pause = on_pause, .owner = recorder};

    if (recorder->options.is_durable)
        TRY(store_capture_sync(writer->capture));
    begin_committing(writer);
    TRY(store_index_begin(writer->index));
    TRY(store_index_queue_apply(&writer->committing, writer->index, &hooks));
    TRY(store_index_put_mark(writer->index, &writer->committing_mark));
    TRY(store_index_commit(writer->index));
    return OK;
}

/* Rows were dropped while the index could not be written: they come from the capture instead. */
static struct err catch_up(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct store_replay_result result;

    store_index_queue_clear(&writer->queue);
    store_index_queue_clear(&writer->committing);
    TRY(store_replay_run(recorder->folder, writer->index, NULL, &result));
    writer->queue.has_lost = writer->committing.has_lost = false;
    writer->changed_count = CHANGED_MAX + 1;
    return OK;
}

static void give_up_index(struct store_recorder *recorder)
{
    set_alarm(recorder, "The index is damaged. Recording goes on; the index is made again at the next start.");
    store_index_close(&recorder->writer.index);
}

/* Rows to the index; the batch must be flushed. */
static bool commit(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct err err;

    writer->committed_us = os_clock_mono_us();
    writer->bytes_since_commit = 0;
    writer->changed_count = 0;
    if (!writer->index) {
        store_index_queue_clear(&writer->queue);
        store_index_queue_clear(&writer->committing);
        return true;
    }
    err = writer->queue.has_lost ? catch_up(recorder) : write_rows(recorder);
    if (err_is(err)) {
        store_index_rollback(writer->index);
        writer->is_index_failing = true;
        writer->retry_us = os_clock_mono_us() + RETRY_US;
        if (err.code == ERR_DAMAGED)
            give_up_index(recorder);
        else
            raise_alarm(recorder, "The index cannot be written", err, "Recording goes on; what is new shows up later.");
        return false;
    }
    if (writer->is_index_failing)
        set_alarm(recorder, "");
    writer->is_index_failing = false;
    store_index_queue_clear(&writer->committing);
    store_recorder_watch_tell(recorder, writer->changed,
                              writer->changed_count > CHANGED_MAX ? 0 : writer->changed_count,
                              writer->changed_count > CHANGED_MAX);
    return true;
}

static void note_id(struct store_recorder_writer *writer, uint64_t id)
{
    if (id > writer->mark.last_id)
        writer->mark.last_id = id;
}

static void write_part(struct store_recorder_writer *writer, struct store_living_exchange *exchange)
{
    size_t before = store_living_waiting_len(exchange);

    note_id(writer, exchange->id);
    store_records_write_part(writer->records, exchange);
    store_living_wrote(&writer->living, exchange, before);
}

static void take_end(struct store_recorder *recorder, unsigned port, const struct store_event *event,
                     const struct exchange_facts *facts)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct store_living_exchange *exchange;

    note_id(writer, event->id);
    atomic_fetch_add_explicit(&recorder->shared.recorded_count, 1, memory_order_relaxed);
    if (event->kind == STORE_EVENT_LATE) {
        store_records_late(writer->records, facts);
        return;
    }
    exchange = store_living_find(&writer->living, event->id);
    if (!exchange)
        exchange = store_living_add(&writer->living, event->id, port);
    store_records_finish(writer->records, exchange, facts);
    store_living_remove(&writer->living, exchange);
}

static void take_gap(struct store_recorder *recorder, unsigned port, const struct store_index_gap *gap)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct store_living_exchange *exchange;

    while ((exchange = store_living_of_port(&writer->living, port))) {
        note_id(writer, exchange->id);
        store_records_cut_off(writer->records, exchange);
        store_living_remove(&writer->living, exchange);
    }
    store_records_gap(writer->records, gap);
    atomic_fetch_add(&recorder->shared.gap_count, 1);
}

static void take_event(struct store_recorder *recorder, unsigned port, struct str record)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct store_living_exchange *exchange;
    struct store_event event;
    struct str facts, bytes;

    memcpy(&event, record.ptr, sizeof(event));
    facts = str_head(str_skip(record, sizeof(event)), event.facts_len);
    bytes = str_skip(record, sizeof(event) + STORE_EVENT_ALIGN(event.facts_len));
    if (event.kind == STORE_EVENT_GAP) {
        struct store_index_gap gap;

        memcpy(&gap, bytes.ptr, sizeof(gap));
        take_gap(recorder, port, &gap);
        return;
    }
    if (event.kind == STORE_EVENT_END || event.kind == STORE_EVENT_LATE) {
        struct exchange_facts end_facts;

        store_fields_unpack(facts, &end_facts);
        take_end(recorder, port, &event, &end_facts);
        return;
    }
    exchange = store_living_find(&writer->living, event.id);
    if (!exchange)
        exchange = store_living_add(&writer->living, event.id, port);
    if (facts.len)
        store_living_take_facts(exchange, facts);
    store_living_take(&writer->living, exchange, &event, bytes);
    if (exchange->half[EXCHANGE_REQUEST].bytes.len >= SEGMENT_BYTES ||
        exchange->half[EXCHANGE_RESPONSE].bytes.len >= SEGMENT_BYTES || exchange->stream.len >= STREAM_BYTES)
        write_part(writer, exchange);
}

/* Rows that wait for a working index must not become too many: then the rings fill and slow the traffic.  Those that
 * wait for one that cannot be written are dropped in the end and come from the capture later. */
static bool is_queue_full(const struct store_recorder_writer *writer)
{
    return writer->index && !writer->is_index_failing && store_index_queue_len(&writer->queue) > QUEUE_FULL_BYTES;
}

/* False when the batch could not be written: nothing more may be taken then. */
static bool keep_batch_small(struct store_recorder *recorder)
{
    return store_capture_batch_len(recorder->writer.capture) < FLUSH_BYTES || flush(recorder);
}

/* A ring that is closed and empty: its last gap, then it is no more. */
static void close_ring(struct store_recorder *recorder, struct store_recorder_ring *slot)
{
    struct store_living_exchange *exchange;
    struct store_recorder_writer *writer = &recorder->writer;

    if (slot->has_last_gap)
        take_gap(recorder, slot->number, &slot->last_gap);
    /* Its loop is gone: nobody will end what is left. */
    while ((exchange = store_living_of_port(&writer->living, slot->number))) {
        write_part(writer, exchange);
        store_living_remove(&writer->living, exchange);
    }
    ring_deinit(&slot->ring);
}

static bool drain_ring(struct store_recorder *recorder, struct store_recorder_ring *slot)
{
    bool is_closed = atomic_load_explicit(&slot->shared.is_closed, memory_order_acquire);
    uint64_t start = ring_popped_bytes(&slot->ring);
    struct str record;

    if (!slot->ring.bytes)
        return true;
    while (!is_queue_full(&recorder->writer) && ring_peek(&slot->ring, &record)) {
        take_event(recorder, slot->number, record);
        ring_pop(&slot->ring);
        if (!keep_batch_small(recorder))
            return false;
        if (ring_popped_bytes(&slot->ring) - start >= TAKE_BYTES)
            break;
    }
    if (ring_popped_bytes(&slot->ring) != start)
        recorder->writer.active_us = os_clock_mono_us();
    if (is_closed && !ring_peek(&slot->ring, &record))
        close_ring(recorder, slot);
    return true;
}

static bool drain(struct store_recorder *recorder)
{
    unsigned count = atomic_load_explicit(&recorder->shared.ring_count, memory_order_acquire);

    for (unsigned i = 0; i < count; i++) {
        if (!drain_ring(recorder, recorder->locked.rings[i]))
            return false;
    }
    return true;
}

static bool are_rings_empty(struct store_recorder *recorder)
{
    unsigned count = atomic_load_explicit(&recorder->shared.ring_count, memory_order_acquire);

    for (unsigned i = 0; i < count; i++) {
        struct store_recorder_ring *slot = recorder->locked.rings[i];

        if (ring_used_bytes(&slot->ring) || (slot->ring.bytes && atomic_load(&slot->shared.is_closed)))
            return false;
    }
    return true;
}

/* Parts of exchanges that go on: what has waited long, and more when too much waits in all. */
static bool write_waiting(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    uint64_t now_us = os_clock_mono_us(), wait_us = recorder->options.segment_after_ms * 1000;
    struct store_living_exchange *oldest;

    while ((oldest = store_living_oldest(&writer->living))) {
        bool is_due = oldest->waiting_since_us + wait_us <= now_us;

        if (!is_due && writer->living.waiting_bytes <= recorder->options.pending_bytes_max)
            return true;
        write_part(writer, oldest);
        if (!keep_batch_small(recorder))
            return false;
    }
    return true;
}

static bool has_rows(const struct store_recorder_writer *writer)
{
    return store_index_queue_len(&writer->queue) || store_index_queue_len(&writer->committing) ||
           writer->queue.has_lost;
}

static bool is_commit_due(const struct store_recorder *recorder, uint64_t now_us, bool is_wanted)
{
    const struct store_recorder_writer *writer = &recorder->writer;

    if (!has_rows(writer))
        return false;
    return is_wanted || is_queue_full(writer) || now_us - writer->committed_us >= COMMIT_US ||
           writer->bytes_since_commit >= COMMIT_BYTES;
}

/* One turn.  `is_wanted`: everything must be in the index after it.  False when something failed. */
static bool turn(struct store_recorder *recorder, bool is_wanted)
{
    struct store_recorder_writer *writer = &recorder->writer;
    bool is_good;

    if (writer->is_capture_failing && os_clock_mono_us() < writer->retry_us)
        return false;
    is_good = !writer->is_capture_failing || flush(recorder);
    is_good = is_good && drain(recorder) && write_waiting(recorder) && flush(recorder);
    if (is_good && is_commit_due(recorder, os_clock_mono_us(), is_wanted))
        is_good = (!writer->is_index_failing || os_clock_mono_us() >= writer->retry_us) && commit(recorder);
    note_counts(recorder);
    return is_good;
}

/* When the writer must look again though nothing wakes it. */
static uint64_t sleep_ms(const struct store_recorder *recorder, uint64_t now_us)
{
    const struct store_recorder_writer *writer = &recorder->writer;
    struct store_living_exchange *oldest = store_living_oldest((struct store_living *)&writer->living);
    uint64_t until_us = now_us + IDLE_MS * 1000, due_us;

    if (oldest) {
        due_us = oldest->waiting_since_us + recorder->options.segment_after_ms * 1000;
        until_us = due_us < until_us ? due_us : until_us;
    }
    if (has_rows(writer)) {
        due_us = writer->committed_us + COMMIT_US;
        until_us = due_us < until_us ? due_us : until_us;
    }
    return until_us > now_us ? (until_us - now_us) / 1000 + 1 : 1;
}

/* While there is traffic the writer looks every POLL_MS and nobody needs to wake it; else it sleeps until woken. */
static void rest(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    uint64_t now_us = os_clock_mono_us();

    atomic_store(&recorder->shared.busy_since_us, 0);
    os_lock_enter(recorder->lock);
    if (writer->is_capture_failing) {
        os_lock_wait(recorder->lock, RETRY_US / 1000);
    } else if (writer->is_index_failing || now_us - writer->active_us < ACTIVE_US) {
        os_lock_wait(recorder->lock, POLL_MS);
    } else {
        atomic_store(&recorder->shared.is_sleeping, true);
        /* Whoever pushed before seeing is_sleeping is seen here: both sides have a full fence between. */
        atomic_thread_fence(memory_order_seq_cst);
        if (are_rings_empty(recorder) && !atomic_load(&recorder->shared.is_stopping) &&
            atomic_load(&recorder->shared.flush_wanted) == atomic_load(&recorder->shared.flush_done))
            os_lock_wait(recorder->lock, sleep_ms(recorder, now_us));
        atomic_store(&recorder->shared.is_sleeping, false);
    }
    os_lock_leave(recorder->lock);
    atomic_store(&recorder->shared.busy_since_us, os_clock_mono_us());
}

static bool is_all_written(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;

    return are_rings_empty(recorder) && store_capture_batch_len(writer->capture) == 0 && !has_rows(writer);
}

static void tell_flushed(struct store_recorder *recorder, uint64_t wanted)
{
    os_lock_enter(recorder->lock);
    atomic_store(&recorder->shared.flush_done, wanted);
    os_lock_signal_all(recorder->lock);
    os_lock_leave(recorder->lock);
}

void store_recorder_writer_run(void *owner)
{
    struct store_recorder *recorder = owner;
    bool is_stopping;

    atomic_store(&recorder->shared.busy_since_us, os_clock_mono_us());
    do {
        uint64_t wanted = atomic_load(&recorder->shared.flush_wanted);
        bool is_wanted, is_good;

        is_stopping = atomic_load(&recorder->shared.is_stopping);
        is_wanted = is_stopping || wanted != atomic_load(&recorder->shared.flush_done);
        is_good = turn(recorder, is_wanted);
        if (is_wanted && is_good && is_all_written(recorder)) {
            tell_flushed(recorder, wanted);
            if (is_stopping)
                break;
        } else if (!is_wanted || !is_good) {
            rest(recorder);
        }
    } while (!atomic_load(&recorder->shared.is_abandoned));
    store_index_close(&recorder->writer.index);
    os_lock_enter(recorder->lock);
    recorder->locked.is_writer_done = true;
    os_lock_signal_all(recorder->lock);
    os_lock_leave(recorder->lock);
}

static struct err close_one(struct store_recorder *recorder, uint64_t id, struct arena *arena)
{
    struct store_recorder_writer *writer = &recorder->writer;
    struct store_index_known known;
    struct store_fields fields;

    arena_reset(arena);
    TRY(store_index_get(writer->index, id, &known));
    TRY(store_replay_read_metadata(recorder->folder, &known.metadata, arena, &fields));
    fields.facts.id = id;
    store_records_interrupted(writer->records, &fields, &known);
    return OK;
}

struct err store_recorder_writer_close_interrupted(struct store_recorder *recorder)
{
    struct store_recorder_writer *writer = &recorder->writer;
    uint64_t ids[OPEN_IDS_A_TURN], after = 0;
    struct arena arena;
    size_t count;
    struct err err;

    arena_init(&arena, FACTS_ARENA_MAX);
    do {
        err = store_index_open_ids(writer->index, after, ids, OPEN_IDS_A_TURN, &count);
        for (size_t i = 0; i < count && !err_is(err); i++) {
            err = close_one(recorder, ids[i], &arena);
            after = ids[i];
        }
        if (!err_is(err))
            err = store_capture_flush(writer->capture);
        if (!err_is(err) && !commit(recorder))
            err = ERR(ERR_IO, 0, "the index cannot be written");
    } while (!err_is(err) && count == OPEN_IDS_A_TURN);
    arena_deinit(&arena);
    return err;
}
