/* recorder.h - writes what passes to the capture and the index, on threads of its own.
 *
 *   traffic loop: port --ring--+
 *   traffic loop: port --ring--+-> recorder thread --> capture file, then index --> watches
 *   traffic loop: port --ring--+        syncer thread: fsync, checkpoints of the index
 *
 * Promises (docs/project-format.md, 4): traffic never waits for a disk longer than gap_after_ms; what could not be
 * written is counted and told in a gap record, never lost in silence; an exchange that ended more than 200 ms before
 * a kill -9 is in the project.  Opening repairs: a torn tail is cut into a side file, the index is brought up to date
 * or made again, exchanges that a killed program left open are closed.
 *
 * Limits: memory is ring_bytes a port, pending_bytes_max for exchanges under way, one batch of 4 MiB, and 1 MiB of
 * table for repeated bodies.
 */
#ifndef STORE_RECORDER_H
#define STORE_RECORDER_H

#include "base/err.h"
#include "model/exchange.h"
#include "os/loop.h"
#include "store/project.h"

struct store_recorder;

struct store_recorder_options {
    size_t ring_bytes;         /* of each port; a power of two; 0: 8 MiB */
    size_t pending_bytes_max;  /* of all exchanges under way; 0: 64 MiB */
    uint64_t file_bytes_max;   /* of a capture file before the next is begun; 0: 1 GiB */
    uint64_t gap_after_ms;     /* without progress; 0: 5000 */
    uint64_t segment_after_ms; /* how long bytes of an unfinished half may wait; 0: 100 */
    bool is_durable;           /* sync the capture before the index says that an exchange is recorded */
    /* While the index is brought up to date at open: done of total bytes.  May be NULL.  Return false to give up. */
    bool (*on_progress)(void *owner, uint64_t done_bytes, uint64_t total_bytes);
    void *owner;
};

/* `project` must be open for writing.  Repairs, then starts the threads.  `options` may be NULL. */
MUST_CHECK struct err store_recorder_open(struct store_project *project, const struct store_recorder_options *options,
                                          struct store_recorder **ret_recorder);
/* Writes what was handed over and stops the threads.  All ports must have been closed.  ERR_TIMEOUT when it is not
 * written within wait_ms; a thread that hangs in the disk is then left behind with what it holds. */
struct err store_recorder_close(struct store_recorder **recorder, uint64_t wait_ms);

/* The id for a new exchange: 1 and up, after the highest in the capture.  Any thread. */
uint64_t store_recorder_next_id(struct store_recorder *recorder);

/* Waits until all that was handed over before is in the capture and in the index.  ERR_TIMEOUT.  Any thread but a
 * loop that carries traffic. */
MUST_CHECK struct err store_recorder_flush(struct store_recorder *recorder, uint64_t wait_ms);

struct store_recorder_status {
    uint64_t recorded_count; /* exchanges since the open */
    uint64_t recorded_bytes; /* written to the capture since the open */
    uint64_t waiting_bytes;  /* handed over, not yet written */
    uint64_t living_count;   /* exchanges under way */
    uint64_t gap_count;      /* gaps since the open */
    uint64_t lost_count;     /* exchanges that ended in gaps without any record */
    int64_t gap_since_us;    /* wall clock; 0: no gap now */
    int64_t synced_us;       /* wall clock of the last sync to disk; 0: none yet */
    char alarm[200];         /* a sentence for a person; empty: all is well */
};

/* Any thread; never waits for the disk. */
void store_recorder_status(struct store_recorder *recorder, struct store_recorder_status *ret_status);

/* What a watch is told: ids that were added or changed in the index, already readable. */
struct store_recorder_change {
    const uint64_t *ids; /* in the order of writing; one may stand there twice */
    size_t count;
    bool has_overflowed; /* more than fitted changed: read again instead */
};

struct store_recorder_watch;

/* on_change runs on `loop`, at most once a turn and after each commit of the index (every 50 ms or so). */
MUST_CHECK struct err store_recorder_watch_new(struct store_recorder *recorder, struct os_loop *loop,
                                               void (*on_change)(void *owner,
                                                                 const struct store_recorder_change *change),
                                               void *owner, struct store_recorder_watch **ret_watch);
/* On its loop's thread; on_change does not run after this. */
void store_recorder_watch_free(struct store_recorder_watch **watch);

/* One for each loop that carries traffic: an observer of exchanges (model/exchange.h).  All exchanges it sees
 * must have ids from store_recorder_next_id(). */
struct store_recorder_port;

/* On the loop's thread, or before the loop runs. */
MUST_CHECK struct err store_recorder_port_new(struct store_recorder *recorder, struct os_loop *loop,
                                              struct store_recorder_port **ret_port);
/* After the last exchange's on_end, on the loop's thread or after the loop has stopped.  Waiting on_room are
 * not called. */
void store_recorder_port_close(struct store_recorder_port **port);
struct exchange_observer *store_recorder_port_observer(struct store_recorder_port *port);
/* Forgets a waiting when_room() whose owner goes away.  Harmless when there is none. */
void store_recorder_port_forget(struct store_recorder_port *port, void *owner);

#endif
