/* feed.h - what changes, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 *   recorder's watch -> ids -> (worker: rows as JSON) -> ring of events -> readers, each with a place in the ring
 *
 * Events, at most ten a second together:
 *   exchanges  {"items": [row, ...]}  rows that were added or have changed, oldest first
 *   status     {...}                  the recorder's state, when it has changed, at most once a second
 *   resync     {}                     more changed than is told here: read the list again
 *
 * A reader holds no queue: who is slow falls behind in the ring, and who falls out of it gets a resync and goes on with
 * the newest.  The id of an event names this run of the program and its place, so a reader that comes back with
 * Last-Event-ID continues exactly, or gets a resync.
 *
 * Limits: the ring holds ADMIN_FEED_EVENTS_MAX events and ADMIN_FEED_BYTES_MAX bytes; a batch ADMIN_FEED_BATCH_MAX
 * rows.
 */
#ifndef ADMIN_FEED_H
#define ADMIN_FEED_H

#include "base/buf.h"
#include "base/list.h"
#include "os/loop.h"

#define ADMIN_FEED_EVENTS_MAX 512
#define ADMIN_FEED_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define ADMIN_FEED_BATCH_MAX 256

struct admin_feed;
struct admin_worker;
struct store_recorder;

struct admin_feed_options {
    struct os_loop *loop;
    struct store_recorder *recorder;
    struct admin_worker *worker;
    const char *run_id; /* borrowed */
};

/* Caller's memory. */
struct admin_feed_reader {
    struct admin_feed *feed; /* NULL: not subscribed */
    struct list node;
    uint64_t next; /* the event to read next */
    bool needs_resync;
    bool needs_status; /* of the moment, before anything else */
    void (*on_ready)(void *owner);
    void *owner;
};

MUST_CHECK struct err admin_feed_open(const struct admin_feed_options *options, struct admin_feed **ret_feed);
/* All readers must have left.  on_closed runs later, on the loop. */
void admin_feed_close(struct admin_feed *feed, void (*on_closed)(void *owner), void *owner);

/* `last_event_id` empty: from now on.  on_ready runs on the loop, later, whenever there is something to read. */
void admin_feed_subscribe(struct admin_feed *feed, struct admin_feed_reader *reader, struct str last_event_id,
                          void (*on_ready)(void *owner), void *owner);
/* Harmless when not subscribed. */
void admin_feed_unsubscribe(struct admin_feed_reader *reader);
/* Appends events, until there are no more or `body` holds max_bytes.  False when there was nothing. */
bool admin_feed_read(struct admin_feed_reader *reader, size_t max_bytes, struct buf *body);

#endif
