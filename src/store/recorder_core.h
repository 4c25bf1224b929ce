/* recorder_core.h - the inside of a recorder, for recorder*.c only: what its threads share.
 *
 *   writer    owns everything below `writer`; takes events, writes, commits
 *   syncer    syncs files and moves the index's log, with handles of its own
 *   ports     push into their rings and wake the writer when it sleeps
 *
 * `lock` is never held during a call that may touch a disk, so any thread may take it.
 */
#ifndef STORE_RECORDER_CORE_H
#define STORE_RECORDER_CORE_H

#include <stdatomic.h>

#include "base/ring.h"
#include "os/thread.h"
#include "store/capture.h"
#include "store/event.h"
#include "store/index.h"
#include "store/index_queue.h"
#include "store/living.h"
#include "store/recorder.h"
#include "store/records.h"

#define STORE_RECORDER_PORT_MAX 256u
#define STORE_RECORDER_ALARM_MAX 200

/* A port's end of the recorder; outlives the port until it is drained. */
struct store_recorder_ring {
    struct ring ring;
    unsigned number;
    struct {
        _Atomic int64_t gap_since_us; /* wall clock; 0: none */
        _Atomic bool is_closed;       /* nothing is pushed any more */
    } shared;
    bool has_last_gap; /* a gap that could not be pushed; written before is_closed is set */
    struct store_index_gap last_gap;
};

/* The writer's. */
struct store_recorder_writer {
    struct store_capture *capture;
    struct store_index *index;           /* NULL: damaged while running; rows come with the next open */
    struct store_index_queue queue;      /* rows of what is written next */
    struct store_index_queue committing; /* rows that are being committed, or could not be; older than the queue's */
    struct store_index_mark committing_mark;
    struct store_records *records;
    struct store_living living;
    struct store_index_mark mark;
    uint64_t committed_us; /* monotonic; the last commit */
    uint64_t bytes_since_commit;
    uint64_t active_us; /* when the last event came */
    bool is_capture_failing, is_index_failing;
    uint64_t retry_us; /* of what fails */
    uint64_t *changed; /* ids of the rows of this commit */
    size_t changed_count;
};

struct store_recorder {
    struct store_project *project;
    const char *folder;
    struct store_recorder_options options;
    struct os_thread *writer_thread, *syncer_thread;
    struct os_lock *lock;      /* what is in `locked`, and the writer's sleep */
    struct os_lock *sync_lock; /* the syncer's sleep */
    struct store_recorder_writer writer;
    struct {
        struct store_recorder_ring *rings[STORE_RECORDER_PORT_MAX];
        struct list watches;
        char alarm[STORE_RECORDER_ALARM_MAX];
        bool is_writer_done, is_syncer_done;
    } locked;
    struct {
        _Atomic unsigned ring_count; /* rings below it are set */
        _Atomic uint64_t next_id;
        _Atomic bool is_sleeping; /* the writer waits to be woken */
        _Atomic bool is_stopping, is_abandoned;
        _Atomic uint64_t flush_wanted, flush_done;
        _Atomic uint64_t busy_since_us; /* monotonic; the writer is in a turn; 0: it waits */
        _Atomic uint64_t recorded_count, recorded_bytes, kept_bytes, living_count, gap_count, lost_count;
        _Atomic int64_t synced_us;
        _Atomic uint64_t written_file, written_bytes; /* for the syncer */
    } shared;
};

/* For ports: after a push. */
void store_recorder_wake(struct store_recorder *recorder);
/* For the writer: after a commit. */
void store_recorder_watch_tell(struct store_recorder *recorder, const uint64_t *ids, size_t count, bool has_overflowed);
/* The threads. */
void store_recorder_writer_run(void *owner);
void store_recorder_syncer_run(void *owner);
/* Closes what a killed program left open; before the threads run. */
MUST_CHECK struct err store_recorder_writer_close_interrupted(struct store_recorder *recorder);

#endif
