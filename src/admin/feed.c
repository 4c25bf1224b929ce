#include "admin/feed.h"

#include "admin/recording.h"
#include "admin/worker.h"
#include "model/facts_json.h"
#include "os/timer.h"
#include "store/recorder.h"

#include <inttypes.h>

#define PACE_MS 100
#define STATUS_MS 1000
/* How long after the last reader left the ring is still filled, so that one who lost the connection can continue. */
#define LINGER_MS 30000
#define PENDING_MAX (4 * ADMIN_FEED_BATCH_MAX)
#define ROW_ARENA_BYTES ((size_t)8 * 1024 * 1024)

struct event {
    char *bytes;
    size_t len;
};

struct admin_feed {
    struct admin_feed_options options;
    struct store_recorder_watch *watch;
    struct os_timer *pace;   /* runs for PACE_MS after each event of rows */
    struct os_timer *status; /* runs while there are readers */
    struct list readers;
    uint64_t alone_since_ms; /* when the last reader left */

    struct event ring[ADMIN_FEED_EVENTS_MAX]; /* event n stands at n % ADMIN_FEED_EVENTS_MAX */
    uint64_t first, next;                     /* numbers of the oldest kept and of the next to come */
    size_t ring_bytes;

    uint64_t pending[PENDING_MAX]; /* changed, not yet told */
    size_t pending_count;
    bool has_overflowed;
    struct buf last_status;

    struct admin_worker_job job;
    bool is_job_running;
    struct { /* the job's while it runs */
        uint64_t ids[ADMIN_FEED_BATCH_MAX];
        size_t count;
        struct buf json;
        struct err err;
    } batch;

    bool is_closing;
    void (*on_closed)(void *owner);
    void *closed_owner;
    struct os_post closed_post;
};

static void drop_oldest(struct admin_feed *feed)
{
    struct event *event = &feed->ring[feed->first % ADMIN_FEED_EVENTS_MAX];

    feed->ring_bytes -= event->len;
    free(event->bytes);
    *event = (struct event){0};
    feed->first++;
}

static struct err format_event(const struct admin_feed *feed, uint64_t number, struct str name, struct str json,
                               struct buf *text)
{
    TRY(buf_format(text, "id: %s-%" PRIu64 "\nevent: ", feed->options.run_id, number));
    TRY(buf_append(text, name));
    TRY(buf_append(text, STR("\ndata: ")));
    TRY(buf_append(text, json));
    return buf_append(text, STR("\n\n"));
}

static void wake_readers(struct admin_feed *feed)
{
    struct list *node = feed->readers.next;

    while (node != &feed->readers) {
        struct admin_feed_reader *reader = LIST_OWNER(node, struct admin_feed_reader, node);

        /* A reader may leave when it is woken. */
        node = node->next;
        reader->on_ready(reader->owner);
    }
}

static void publish(struct admin_feed *feed, struct str name, struct str json)
{
    struct buf text;

    buf_init(&text, ADMIN_FEED_BYTES_MAX);
    if (err_is(format_event(feed, feed->next, name, json, &text))) {
        buf_clear(&text);
        CHECK(!err_is(format_event(feed, feed->next, STR("resync"), STR("{}"), &text)));
    }
    while (feed->first < feed->next &&
           (feed->next - feed->first == ADMIN_FEED_EVENTS_MAX || feed->ring_bytes + text.len > ADMIN_FEED_BYTES_MAX))
        drop_oldest(feed);
    feed->ring[feed->next % ADMIN_FEED_EVENTS_MAX] = (struct event){malloc(text.len), text.len};
    CHECK(feed->ring[feed->next % ADMIN_FEED_EVENTS_MAX].bytes);
    memcpy(feed->ring[feed->next % ADMIN_FEED_EVENTS_MAX].bytes, buf_str(&text).ptr, text.len);
    feed->ring_bytes += text.len;
    feed->next++;
    buf_deinit(&text);
    wake_readers(feed);
}

/* A number is skipped, so that who comes back later sees that something is missing. */
static void forget(struct admin_feed *feed)
{
    while (feed->first < feed->next)
        drop_oldest(feed);
    feed->first = ++feed->next;
    feed->pending_count = 0;
    feed->has_overflowed = false;
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void sort_pending(struct admin_feed *feed)
{
    size_t count = 0;

    qsort(feed->pending, feed->pending_count, sizeof(feed->pending[0]), compare_ids);
    for (size_t i = 0; i < feed->pending_count; i++) {
        if (i == 0 || feed->pending[i] != feed->pending[i - 1])
            feed->pending[count++] = feed->pending[i];
    }
    feed->pending_count = count;
}

/* On a worker thread. */
static struct err write_row(struct store_reader *reader, uint64_t id, struct arena *arena, struct jsonout *out)
{
    struct store_reader_item item;
    struct err err = store_reader_get(reader, id, arena, &item);

    if (err.code == ERR_ABSENT)
        return OK;
    TRY(err);
    facts_json_member(out, STR_NONE, &item.facts, &item.marks);
    return jsonout_finish(out);
}

/* On a worker thread. */
static struct err write_rows(struct admin_feed *feed)
{
    struct store_reader *reader;
    struct arena arena;
    struct jsonout out;
    struct err err = admin_worker_reader(&feed->job, &reader);

    arena_init(&arena, ROW_ARENA_BYTES);
    jsonout_init(&out, &feed->batch.json);
    jsonout_object_open(&out, STR_NONE);
    jsonout_array_open(&out, STR("items"));
    for (size_t i = 0; i < feed->batch.count && !err_is(err); i++) {
        err = write_row(reader, feed->batch.ids[i], &arena, &out);
        arena_reset(&arena);
    }
    jsonout_array_close(&out);
    jsonout_object_close(&out);
    arena_deinit(&arena);
    return err_is(err) ? err : jsonout_finish(&out);
}

static void run_job(struct admin_worker_job *job)
{
    struct admin_feed *feed = LIST_OWNER(job, struct admin_feed, job);

    feed->batch.err = write_rows(feed);
}

static void tell_changes(struct admin_feed *feed);
static void finish_close(struct admin_feed *feed);

static void on_job_done(struct admin_worker_job *job, bool was_run)
{
    struct admin_feed *feed = LIST_OWNER(job, struct admin_feed, job);

    feed->is_job_running = false;
    if (feed->is_closing) {
        finish_close(feed);
        return;
    }
    if (!was_run || err_is(feed->batch.err))
        publish(feed, STR("resync"), STR("{}"));
    else
        publish(feed, STR("exchanges"), buf_str(&feed->batch.json));
    buf_clear(&feed->batch.json);
    os_timer_start(feed->pace, PACE_MS);
}

static void start_job(struct admin_feed *feed)
{
    memcpy(feed->batch.ids, feed->pending, feed->pending_count * sizeof(feed->pending[0]));
    feed->batch.count = feed->pending_count;
    feed->pending_count = 0;
    feed->job = (struct admin_worker_job){.run = run_job, .on_done = on_job_done};
    if (err_is(admin_worker_submit(feed->options.worker, &feed->job))) {
        publish(feed, STR("resync"), STR("{}"));
        os_timer_start(feed->pace, PACE_MS);
        return;
    }
    feed->is_job_running = true;
}

static bool is_anybody_there(const struct admin_feed *feed)
{
    return !list_is_empty(&feed->readers) ||
           (feed->alone_since_ms && os_loop_now_ms(feed->options.loop) - feed->alone_since_ms < LINGER_MS);
}

static void tell_changes(struct admin_feed *feed)
{
    if (feed->is_job_running || os_timer_is_running(feed->pace) || (!feed->pending_count && !feed->has_overflowed))
        return;
    if (!is_anybody_there(feed)) {
        forget(feed);
        return;
    }
    sort_pending(feed);
    if (feed->has_overflowed || feed->pending_count > ADMIN_FEED_BATCH_MAX) {
        feed->has_overflowed = false;
        feed->pending_count = 0;
        publish(feed, STR("resync"), STR("{}"));
        os_timer_start(feed->pace, PACE_MS);
        return;
    }
    start_job(feed);
}

static void on_pace(void *owner) { tell_changes(owner); }

static void on_change(void *owner, const struct store_recorder_change *change)
{
    struct admin_feed *feed = owner;

    if (change->has_overflowed || change->count > PENDING_MAX - feed->pending_count)
        feed->has_overflowed = true;
    else if (change->count)
        memcpy(feed->pending + feed->pending_count, change->ids, change->count * sizeof(change->ids[0]));
    feed->pending_count += feed->has_overflowed ? 0 : change->count;
    tell_changes(feed);
}

static void write_status(struct admin_feed *feed, struct buf *json)
{
    struct jsonout out;

    jsonout_init(&out, json);
    admin_recording_member(&out, STR_NONE, feed->options.recorder);
    CHECK(!err_is(jsonout_finish(&out)));
}

static void on_status(void *owner)
{
    struct admin_feed *feed = owner;
    struct buf json;

    buf_init(&json, feed->last_status.max_bytes);
    write_status(feed, &json);
    if (!str_eq(buf_str(&json), buf_str(&feed->last_status))) {
        buf_clear(&feed->last_status);
        CHECK(!err_is(buf_append(&feed->last_status, buf_str(&json))));
        publish(feed, STR("status"), buf_str(&json));
    }
    buf_deinit(&json);
    if (!list_is_empty(&feed->readers))
        os_timer_start(feed->status, STATUS_MS);
}

static void free_feed(struct admin_feed *feed)
{
    store_recorder_watch_free(&feed->watch);
    os_timer_free(&feed->pace);
    os_timer_free(&feed->status);
    while (feed->first < feed->next)
        drop_oldest(feed);
    buf_deinit(&feed->batch.json);
    buf_deinit(&feed->last_status);
    free(feed);
}

struct err admin_feed_open(const struct admin_feed_options *options, struct admin_feed **ret_feed)
{
    struct admin_feed *feed = calloc(1, sizeof(*feed));
    struct err err;

    CHECK(feed);
    feed->options = *options;
    feed->first = feed->next = 1;
    list_init(&feed->readers);
    buf_init(&feed->batch.json, ADMIN_FEED_BYTES_MAX / 2);
    buf_init(&feed->last_status, 4096);
    err = os_timer_new(options->loop, on_pace, feed, &feed->pace);
    if (!err_is(err))
        err = os_timer_new(options->loop, on_status, feed, &feed->status);
    if (!err_is(err))
        err = store_recorder_watch_new(options->recorder, options->loop, on_change, feed, &feed->watch);
    if (err_is(err)) {
        free_feed(feed);
        return err;
    }
    *ret_feed = feed;
    return OK;
}

static void on_close_post(void *owner)
{
    struct admin_feed *feed = owner;
    void (*on_closed)(void *) = feed->on_closed;
    void *closed_owner = feed->closed_owner;

    free_feed(feed);
    on_closed(closed_owner);
}

static void finish_close(struct admin_feed *feed)
{
    feed->closed_post = (struct os_post){.fn = on_close_post, .owner = feed};
    os_loop_post(feed->options.loop, &feed->closed_post);
}

void admin_feed_close(struct admin_feed *feed, void (*on_closed)(void *owner), void *owner)
{
    CHECK(list_is_empty(&feed->readers));
    feed->is_closing = true;
    feed->on_closed = on_closed;
    feed->closed_owner = owner;
    store_recorder_watch_free(&feed->watch);
    os_timer_stop(feed->pace);
    os_timer_stop(feed->status);
    if (!feed->is_job_running)
        finish_close(feed);
}

/* "RUN-NUMBER" of an event that we still know the successors of. */
static bool find_place(const struct admin_feed *feed, struct str id, uint64_t *ret_next)
{
    struct str run, number;
    uint64_t value;

    if (!str_cut(id, '-', &run, &number) || !str_eq(run, str_from(feed->options.run_id)) || !str_to_u64(number, &value))
        return false;
    if (value >= feed->next || value + 1 < feed->first)
        return false;
    *ret_next = value + 1;
    return true;
}

void admin_feed_subscribe(struct admin_feed *feed, struct admin_feed_reader *reader, struct str last_event_id,
                          void (*on_ready)(void *owner), void *owner)
{
    *reader = (struct admin_feed_reader){.feed = feed, .next = feed->next, .on_ready = on_ready, .owner = owner};
    reader->needs_resync = last_event_id.len && !find_place(feed, last_event_id, &reader->next);
    reader->needs_status = true;
    list_push_last(&feed->readers, &reader->node);
    os_timer_start(feed->status, STATUS_MS);
}

void admin_feed_unsubscribe(struct admin_feed_reader *reader)
{
    struct admin_feed *feed = reader->feed;

    if (!feed)
        return;
    list_remove(&reader->node);
    reader->feed = NULL;
    if (list_is_empty(&feed->readers))
        feed->alone_since_ms = os_loop_now_ms(feed->options.loop);
}

/* These two stand outside the ring; their id is that of the event before `next`, which is where the reader is. */
static struct err read_special(struct admin_feed_reader *reader, struct buf *body)
{
    struct admin_feed *feed = reader->feed;
    struct buf json;
    struct err err = OK;

    if (reader->next < feed->first)
        reader->needs_resync = true;
    if (reader->needs_resync) {
        reader->next = feed->next;
        TRY(format_event(feed, reader->next - 1, STR("resync"), STR("{}"), body));
        reader->needs_resync = false;
    }
    if (reader->needs_status) {
        buf_init(&json, 4096);
        write_status(feed, &json);
        err = format_event(feed, reader->next - 1, STR("status"), buf_str(&json), body);
        buf_deinit(&json);
        reader->needs_status = false;
    }
    return err;
}

bool admin_feed_read(struct admin_feed_reader *reader, size_t max_bytes, struct buf *body)
{
    struct admin_feed *feed = reader->feed;
    size_t had_bytes = body->len;
    struct err err = read_special(reader, body);

    while (!err_is(err) && reader->next < feed->next && body->len < max_bytes) {
        const struct event *event = &feed->ring[reader->next % ADMIN_FEED_EVENTS_MAX];

        err = buf_append(body, (struct str){event->bytes, event->len});
        reader->next += !err_is(err);
    }
    return body->len > had_bytes;
}
