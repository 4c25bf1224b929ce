#include "proxy/h2.h"

#include <stdlib.h>

#include "os/clock.h"
#include "proxy/h2_private.h"

#define WRITE_BYTES_MAX ((size_t)(64 * 1024))
#define TICK_MS 1000
/* Resets that a second forgives, see h2/session.h. */
#define FORGIVEN_PER_SECOND 50

/* --- writing --- */

static bool write_client(struct proxy_h2 *h2)
{
    struct str bytes;
    struct buf out;

    if (proxy_conn_queued(h2->conn) > NET_LAYER_HIGH_WATER)
        return false;
    buf_init(&out, WRITE_BYTES_MAX * 16);
    /* A limit of this buffer cannot be reached: a write is a little over what was asked for. */
    IGNORE(h2_session_write(h2->session, WRITE_BYTES_MAX, &out));
    bytes = buf_str(&out);
    if (bytes.len)
        proxy_conn_write(h2->conn, &bytes, 1);
    buf_deinit(&out);
    return bytes.len > 0;
}

static bool write_links(struct proxy_h2 *h2)
{
    bool has_written = false;

    for (struct list *node = h2->links.next; node != &h2->links; node = node->next) {
        struct proxy_h2_link *link = LIST_OWNER(node, struct proxy_h2_link, node);

        if (!link->is_dead && link->ops && link->ops->write(link))
            has_written = true;
    }
    return has_written;
}

/* What one side has sent opens windows of the other, so it goes on until both are silent. */
static void write_all(struct proxy_h2 *h2)
{
    bool has_written = true;

    while (has_written) {
        has_written = write_client(h2);
        has_written = write_links(h2) || has_written;
    }
}

/* --- what is over --- */

static void sweep(struct proxy_h2 *h2)
{
    struct list *node, *next;

    for (node = h2->streams.next; node != &h2->streams; node = next) {
        struct proxy_h2_stream *stream = LIST_OWNER(node, struct proxy_h2_stream, node);

        next = node->next;
        if (!stream->is_client_open && !stream->link)
            proxy_h2_stream_free(stream);
    }
    for (node = h2->links.next; node != &h2->links; node = next) {
        struct proxy_h2_link *link = LIST_OWNER(node, struct proxy_h2_link, node);

        next = node->next;
        if (link->is_dead)
            proxy_h2_link_free(link);
    }
}

/* Ends all exchanges and closes all connections to origins. */
static void end_all(struct proxy_h2 *h2)
{
    for (struct list *node = h2->streams.next; node != &h2->streams; node = node->next)
        proxy_h2_stream_finish(LIST_OWNER(node, struct proxy_h2_stream, node));
    for (struct list *node = h2->links.next; node != &h2->links; node = node->next)
        proxy_origin_close(&LIST_OWNER(node, struct proxy_h2_link, node)->origin, false);
}

/* Says what is left to say; the client may still read it.  What it has sent meanwhile is not served any more. */
static void begin_ending(struct proxy_h2 *h2)
{
    h2->is_ending = true;
    end_all(h2);
    write_client(h2);
    net_layer_shutdown(h2->conn->client);
    proxy_conn_wait(h2->conn, h2->conn->worker->options->timeouts.linger_ms);
}

void proxy_h2_end_when_idle(struct proxy_h2 *h2)
{
    if (!h2->ends_when_idle)
        h2_session_give_notice(h2->session);
    h2->ends_when_idle = true;
}

static bool is_over(struct proxy_h2 *h2)
{
    if (h2_session_is_over(h2->session))
        return true;
    if (!h2->ends_when_idle || !list_is_empty(&h2->streams))
        return false;
    h2_session_go_away(h2->session, H2_SESSION_NO_ERROR);
    return true;
}

/* --- reading and waiting --- */

static void update_reading(struct proxy_conn *conn)
{
    struct proxy_h2 *h2 = conn->handler_state;
    bool may = proxy_worker_may_read(conn->worker);

    proxy_conn_read(conn, may);
    for (struct list *node = h2->links.next; node != &h2->links; node = node->next) {
        struct proxy_h2_link *link = LIST_OWNER(node, struct proxy_h2_link, node);

        if (link->origin)
            proxy_origin_read(link->origin, may && link->ops && link->ops->wants_reading(link));
    }
}

void proxy_h2_settle(struct proxy_h2 *h2)
{
    struct proxy_conn *conn = h2->conn;

    if (conn->is_closing || h2->is_ending)
        return;
    write_all(h2);
    sweep(h2);
    if (is_over(h2))
        begin_ending(h2);
    else
        proxy_conn_wait(conn, list_is_empty(&h2->streams) ? conn->worker->options->timeouts.keepalive_ms : TICK_MS);
    update_reading(conn);
}

/* How long nothing may move on a stream, by what is waited for; 0: as long as it takes, since connecting has time-outs
 * of its own. */
static uint64_t patience_ms(const struct proxy_h2_stream *stream, struct proxy_failure *failure)
{
    const struct proxy_timeouts *timeouts = &stream->h2->conn->worker->options->timeouts;

    *failure = (struct proxy_failure){STR("timeout"), STR("The answer stopped in the middle."), 504};
    if (stream->has_response)
        return timeouts->response_body_ms;
    if (!stream->is_request_ended) {
        *failure = (struct proxy_failure){STR("timeout"), STR("The request's content stopped coming."), 408};
        return timeouts->request_body_ms;
    }
    *failure = (struct proxy_failure){
        STR("timeout"), STR("The origin did not answer in time. A longer wait: --response-head-timeout."), 504};
    return stream->is_taken ? timeouts->response_head_ms : 0;
}

static void check_patience(struct proxy_h2_stream *stream, uint64_t now_us)
{
    struct proxy_failure failure;
    uint64_t limit_ms = patience_ms(stream, &failure);

    if (limit_ms && now_us - stream->moved_us > limit_ms * 1000)
        proxy_h2_stream_fail(stream, &failure);
}

static void on_timeout(struct proxy_conn *conn)
{
    struct proxy_h2 *h2 = conn->handler_state;
    uint64_t now_us = os_clock_mono_us();

    if (h2->is_ending) {
        proxy_conn_close(conn, false);
        return;
    }
    if (list_is_empty(&h2->streams))
        h2->ends_when_idle = true;
    for (struct list *node = h2->streams.next; node != &h2->streams; node = node->next)
        check_patience(LIST_OWNER(node, struct proxy_h2_stream, node), now_us);
    proxy_h2_settle(h2);
}

/* --- the client's events --- */

static void forgive(struct proxy_h2 *h2)
{
    uint64_t now_us = os_clock_mono_us();
    uint64_t count = (now_us - h2->forgiven_us) * FORGIVEN_PER_SECOND / 1000000;

    h2->moved_us = now_us;
    if (count == 0)
        return;
    h2->forgiven_us = now_us;
    h2_session_forgive(h2->session, count < 10000 ? (size_t)count : 10000);
}

static void fail_streams(struct proxy_h2 *h2, struct str name, struct str text)
{
    for (struct list *node = h2->streams.next; node != &h2->streams; node = node->next) {
        struct proxy_h2_stream *stream = LIST_OWNER(node, struct proxy_h2_stream, node);

        if (stream->is_exchange_open)
            proxy_conn_fail_exchange(&stream->exchange, name, text);
    }
}

static void on_bytes(struct proxy_conn *conn, struct str bytes)
{
    struct proxy_h2 *h2 = conn->handler_state;
    struct err err;

    if (h2->is_ending)
        return;
    forgive(h2);
    err = h2_session_read(h2->session, bytes);
    if (err_is(err)) {
        fail_streams(h2, STR("protocol"), str_from(err.what));
        begin_ending(h2);
    }
    proxy_h2_settle(h2);
}

static void on_eof(struct proxy_conn *conn)
{
    struct proxy_h2 *h2 = conn->handler_state;

    fail_streams(h2, STR("client-gone"), STR("The client closed the connection."));
    proxy_conn_close(conn, false);
}

static void on_error(struct proxy_conn *conn, struct err err)
{
    fail_streams(conn->handler_state, STR("client-gone"), proxy_failure_of_client(err));
    proxy_conn_close(conn, false);
}

static void on_drain(struct proxy_conn *conn) { proxy_h2_settle(conn->handler_state); }

/* --- life --- */

static void stop(struct proxy_conn *conn)
{
    struct proxy_h2 *h2 = conn->handler_state;

    fail_streams(h2, STR("stopped"), STR("The connection was closed by us."));
    end_all(h2);
}

static void free_h2(struct proxy_conn *conn)
{
    struct proxy_h2 *h2 = conn->handler_state;
    struct list *node;

    while ((node = list_first(&h2->streams)))
        proxy_h2_stream_free(LIST_OWNER(node, struct proxy_h2_stream, node));
    while ((node = list_first(&h2->links)))
        proxy_h2_link_free(LIST_OWNER(node, struct proxy_h2_link, node));
    h2_session_free(&h2->session);
    free(h2);
}

static const struct proxy_handler handler = {
    .name = "http2",
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_timeout = on_timeout,
    .update_reading = update_reading,
    .stop = stop,
    .free = free_h2,
};

void proxy_h2_start(struct proxy_conn *conn, struct str first_bytes)
{
    const struct proxy_limits *limits = &conn->worker->options->limits;
    struct proxy_origin *origin = proxy_conn_take_origin(conn);
    struct proxy_h2 *h2 = calloc(1, sizeof(*h2));
    struct h2_session_options options = {.role = H2_SESSION_SERVER,
                                         .events = &proxy_h2_stream_client_events,
                                         .owner = h2,
                                         .section_bytes_max = limits->head_bytes_max,
                                         .field_count_max = limits->field_count_max};

    CHECK(h2 && !err_is(h2_session_new(&options, &h2->session)));
    h2->conn = conn;
    h2->moved_us = h2->forgiven_us = os_clock_mono_us();
    list_init(&h2->streams);
    list_init(&h2->links);
    proxy_conn_hand(conn, &handler, h2);
    if (origin && proxy_origin_is_open(origin))
        proxy_h2_link_adopt(h2, origin);
    else
        proxy_origin_close(&origin, false);
    if (first_bytes.len)
        on_bytes(conn, first_bytes);
    else
        proxy_h2_settle(h2);
}
