#include "proxy/h1.h"

#include <stdlib.h>

#include "proxy/h1_private.h"
#include "proxy/offer.h"

/* Heads, facts and texts of one exchange; bodies pass through. */
static size_t exchange_bytes_max(const struct proxy_options *options)
{
    return options->limits.head_bytes_max * 6 + 64 * 1024;
}

/* --- outgoing bytes --- */

bool proxy_h1_outgoing_add(struct proxy_h1_outgoing *outgoing, struct str bytes)
{
    if (bytes.len == 0)
        return true;
    if (outgoing->run.len == 0) {
        outgoing->run = bytes;
        return true;
    }
    if (outgoing->run.ptr + outgoing->run.len == bytes.ptr) {
        outgoing->run.len += bytes.len;
        return true;
    }
    if (outgoing->head.len)
        return false;
    outgoing->head = outgoing->run;
    outgoing->run = bytes;
    return true;
}

/* --- the exchange --- */

void proxy_h1_begin(struct proxy_h1 *h1)
{
    proxy_conn_describe(h1->conn, &h1->exchange);
    h1->exchange.facts.at_us = h1->head_at_us;
    h1->exchange.begun_us = h1->head_began_us;
    exchange_begin(&h1->exchange);
    h1->has_begun = true;
}

/* A half that breaks off: the part of a head or chunk line that no event has told yet was on the wire all the same. */
static void cut_half(struct proxy_h1 *h1, enum exchange_side side)
{
    bool is_request = side == EXCHANGE_REQUEST;
    struct str partial = h1_decoder_partial(is_request ? h1->request_decoder : h1->response_decoder);

    if (h1->exchange.half[side].phase == EXCHANGE_ENDED)
        return;
    if (partial.len && (is_request || h1->response_phase != PROXY_H1_RAW))
        exchange_bytes(&h1->exchange, side, partial, 0);
    exchange_half_end(&h1->exchange, side, false);
}

void proxy_h1_finish(struct proxy_h1 *h1)
{
    char names[512];
    uint32_t flags;

    if (!h1->has_begun)
        return;
    h1->has_begun = false;
    flags = h1_decoder_flags(h1->request_decoder) | h1_decoder_flags(h1->response_decoder) | h1->interim_flags;
    if (flags & H1_AMBIGUOUS)
        exchange_flag(&h1->exchange, STR("ambiguous"));
    h1_decoder_flag_names(flags, names, sizeof(names));
    exchange_flag(&h1->exchange, str_from(names));
    cut_half(h1, EXCHANGE_REQUEST);
    cut_half(h1, EXCHANGE_RESPONSE);
    proxy_conn_end_exchange(&h1->exchange);
}

void proxy_h1_finish_if_done(struct proxy_h1 *h1)
{
    if (h1->request_phase == PROXY_H1_DONE && h1->response_phase == PROXY_H1_DONE)
        proxy_h1_finish(h1);
}

static void prepare_next(struct proxy_h1 *h1)
{
    exchange_reuse(&h1->exchange);
    h1_decoder_next(h1->request_decoder, &h1->exchange.arena);
    h1_decoder_next(h1->response_decoder, &h1->exchange.arena);
    h1->request_phase = h1->response_phase = PROXY_H1_IDLE;
    h1->request_keeps = h1->response_keeps = true;
    h1->is_alone = h1->sent_anything = h1->awaits_head = false;
    h1->interim_count = 0;
    h1->interim_flags = 0;
}

/* --- reading and waiting --- */

static bool wants_client(struct proxy_h1 *h1)
{
    if (h1->client_ended)
        return false;
    if (h1->is_lingering)
        return true;
    if (h1->origin && !proxy_origin_is_open(h1->origin))
        return h1->unsent.len == 0;
    if (h1->origin && proxy_origin_queued(h1->origin) > NET_LAYER_HIGH_WATER)
        return false;
    return h1->pending.len < PROXY_H1_PENDING_BYTES_MAX;
}

static void update_reading(struct proxy_conn *conn)
{
    struct proxy_h1 *h1 = conn->handler_state;
    bool may = proxy_worker_may_read(conn->worker);

    proxy_conn_read(conn, may && wants_client(h1));
    if (h1->origin)
        proxy_origin_read(h1->origin, may && !h1->origin_ended && proxy_conn_queued(conn) <= NET_LAYER_HIGH_WATER);
}

/* Each wait has its own limit.  A head's is not moved by a part of it: a request's runs from its first byte, a
 * response's from the end of what was asked. */
static void update_timer(struct proxy_h1 *h1)
{
    const struct proxy_timeouts *timeouts = &h1->conn->worker->options->timeouts;
    bool is_connecting = h1->origin && !proxy_origin_is_open(h1->origin);
    bool awaited_head = h1->awaits_head;

    if (h1->is_lingering || h1->request_phase == PROXY_H1_HEAD)
        return;
    h1->awaits_head = false;
    if (h1->request_phase == PROXY_H1_IDLE)
        proxy_conn_wait(h1->conn, timeouts->keepalive_ms);
    else if (is_connecting)
        proxy_conn_wait_end(h1->conn);
    else if (h1->response_phase == PROXY_H1_BODY || h1->response_phase == PROXY_H1_RAW)
        proxy_conn_wait(h1->conn, timeouts->response_body_ms);
    else if (h1->request_phase == PROXY_H1_BODY)
        proxy_conn_wait(h1->conn, timeouts->request_body_ms);
    else
        h1->awaits_head = true;
    if (h1->awaits_head && !awaited_head)
        proxy_conn_wait(h1->conn, timeouts->response_head_ms);
}

static void settle(struct proxy_h1 *h1)
{
    if (h1->conn->is_closing)
        return;
    update_timer(h1);
    update_reading(h1->conn);
}

/* --- what follows --- */

void proxy_h1_close_origin(struct proxy_h1 *h1)
{
    proxy_h1_orphan_end(h1);
    proxy_origin_close(&h1->origin, false);
    h1->origin_ended = false;
    h1->is_origin_reused = false;
    buf_clear(&h1->unsent);
}

static bool hears_orphans(const struct proxy_h1 *h1)
{
    return h1->is_alone && h1->response_phase == PROXY_H1_DONE && h1->origin && proxy_origin_is_open(h1->origin) &&
           !h1->origin_ended;
}

/* While it lingers: nobody is left to hear or to tell. */
static void close_if_quiet(struct proxy_h1 *h1)
{
    if (h1->client_ended && !h1->origin && proxy_conn_queued(h1->conn) == 0)
        proxy_conn_close(h1->conn, false);
}

void proxy_h1_linger(struct proxy_h1 *h1)
{
    struct proxy_conn *conn = h1->conn;

    if (h1->is_lingering || conn->is_closing)
        return;
    proxy_h1_finish(h1);
    if (!hears_orphans(h1))
        proxy_h1_close_origin(h1);
    h1->is_lingering = true;
    h1->lingering_bytes = proxy_conn_queued(conn);
    buf_clear(&h1->pending);
    net_layer_shutdown(conn->client);
    proxy_conn_wait(conn, conn->worker->options->timeouts.linger_ms);
    update_reading(conn);
    close_if_quiet(h1);
}

static bool is_over(const struct proxy_h1 *h1)
{
    return h1->request_phase == PROXY_H1_DONE && h1->response_phase == PROXY_H1_DONE;
}

/* Whether another request may follow on this connection. */
static bool keeps_alive(const struct proxy_h1 *h1)
{
    return h1->request_keeps && h1->response_keeps && !h1->is_alone && !h1->conn->worker->is_stopping;
}

/* Feeds what waited while the exchange before was under way.  False as proxy_h1_request_read(). */
static bool read_pending(struct proxy_h1 *h1)
{
    while (h1->pending.len && h1->request_phase != PROXY_H1_DONE) {
        struct str waiting = buf_str(&h1->pending), rest = waiting;

        if (!proxy_h1_request_read(h1, &rest))
            return false;
        buf_take(&h1->pending, waiting.len - rest.len);
    }
    return true;
}

/* The response is complete while its request is not: the client may still finish, unless nothing but its close would
 * end the request. */
static void end_early(struct proxy_h1 *h1)
{
    bool has_end = h1_decoder_framing(h1->request_decoder) != H1_FRAMING_CLOSE;

    h1->is_alone |= !has_end;
    if (!h1->response_keeps || !has_end)
        proxy_h1_linger(h1);
}

void proxy_h1_go_on(struct proxy_h1 *h1)
{
    if (h1->conn->is_closing || h1->is_lingering)
        return;
    while (is_over(h1)) {
        if (!keeps_alive(h1) || (h1->client_ended && h1->pending.len == 0)) {
            proxy_h1_linger(h1);
            return;
        }
        h1->is_origin_reused = h1->origin != NULL;
        prepare_next(h1);
        if (!read_pending(h1))
            return;
    }
    if (h1->response_phase == PROXY_H1_DONE)
        end_early(h1);
    if (h1->client_ended && !h1->is_lingering)
        proxy_h1_request_end(h1);
    settle(h1);
}

/* --- failures --- */

/* A request without a body is complete with its head, so its connection can go on after our answer. */
static void end_bodiless_request(struct proxy_h1 *h1)
{
    struct str nothing = STR_NONE;
    struct h1_event event;

    if (h1->request_phase != PROXY_H1_BODY || h1_decoder_framing(h1->request_decoder) != H1_FRAMING_NONE)
        return;
    if (err_is(h1_decoder_step(h1->request_decoder, &nothing, &event)))
        return;
    h1->request_phase = PROXY_H1_DONE;
    h1->request_keeps = h1_decoder_keeps_alive(h1->request_decoder);
    if (h1->has_begun)
        exchange_half_end(&h1->exchange, EXCHANGE_REQUEST, true);
}

void proxy_h1_answer(struct proxy_h1 *h1, const struct proxy_page *page)
{
    struct proxy_conn *conn = h1->conn;
    const struct http_message *request =
        h1->request_phase > PROXY_H1_HEAD ? h1_decoder_message(h1->request_decoder) : NULL;
    bool keeps;
    struct str wire;

    end_bodiless_request(h1);
    /* Of a response that broke off in its head the decoder has kept a part; it does not begin another. */
    keeps = h1->request_phase == PROXY_H1_DONE && h1->request_keeps && !h1->client_ended && !h1->is_alone &&
            h1_decoder_is_at_start(h1->response_decoder);
    proxy_h1_finish(h1);
    proxy_h1_close_origin(h1);
    h1->response_phase = PROXY_H1_DONE;
    h1->response_keeps = keeps;
    if (err_is(proxy_page_write(conn->worker->loop, page, request, keeps, &wire))) {
        proxy_conn_close(conn, false);
        return;
    }
    proxy_conn_write(conn, &wire, 1);
    if (!keeps)
        proxy_h1_linger(h1);
}

void proxy_h1_fail(struct proxy_h1 *h1, const struct proxy_failure *failure)
{
    struct proxy_page page = {.status = failure->status, .text = failure->text, .detail = failure->name};

    proxy_conn_fail_exchange(&h1->exchange, failure->name, failure->text);
    if (h1->response_phase > PROXY_H1_IDLE || h1->interim_count) {
        proxy_h1_finish(h1);
        proxy_conn_close(h1->conn, true);
        return;
    }
    if (str_eq(failure->name, STR("verify")) && h1->origin)
        page.trust_path = proxy_offer_make(h1->conn->worker, &h1->exchange, proxy_origin_facts(h1->origin));
    proxy_h1_answer(h1, &page);
}

/* --- the client's events --- */

static void on_client_bytes(struct proxy_conn *conn, struct str bytes)
{
    struct proxy_h1 *h1 = conn->handler_state;
    struct str rest = bytes;

    if (h1->is_lingering)
        return;
    if (h1->pending.len == 0 && h1->request_phase != PROXY_H1_DONE && !proxy_h1_request_read(h1, &rest))
        return;
    if (err_is(buf_append(&h1->pending, rest))) {
        proxy_conn_close(conn, true);
        return;
    }
    proxy_h1_go_on(h1);
}

static void on_client_eof(struct proxy_conn *conn)
{
    struct proxy_h1 *h1 = conn->handler_state;

    h1->client_ended = true;
    if (h1->is_lingering) {
        close_if_quiet(h1);
        return;
    }
    proxy_h1_request_end(h1);
    settle(h1);
}

static void on_client_error(struct proxy_conn *conn, struct err err)
{
    struct proxy_h1 *h1 = conn->handler_state;

    proxy_conn_fail_exchange(&h1->exchange, STR("client-gone"), proxy_failure_of_client(err));
    proxy_conn_close(conn, false);
}

static void on_client_drain(struct proxy_conn *conn)
{
    struct proxy_h1 *h1 = conn->handler_state;

    if (h1->is_lingering)
        close_if_quiet(h1);
    settle(h1);
}

/* Who does not take what the other side has to say. */
static bool blames_reader(const struct proxy_h1 *h1, struct proxy_failure *ret_failure)
{
    if (h1->origin && proxy_origin_queued(h1->origin) > NET_LAYER_HIGH_WATER)
        *ret_failure =
            (struct proxy_failure){STR("timeout"), STR("The origin stopped reading the request's body."), 504};
    else if (proxy_conn_queued(h1->conn) > NET_LAYER_HIGH_WATER)
        *ret_failure = (struct proxy_failure){STR("timeout"), STR("The client stopped reading the answer."), 408};
    else
        return false;
    return true;
}

static struct proxy_failure timeout_of(const struct proxy_h1 *h1)
{
    struct proxy_failure failure;

    if (blames_reader(h1, &failure))
        return failure;
    if (h1->request_phase == PROXY_H1_HEAD)
        return (struct proxy_failure){STR("timeout"), STR("The client did not finish the request's head in time."),
                                      408};
    if (h1->request_phase == PROXY_H1_BODY && h1->response_phase == PROXY_H1_IDLE)
        return (struct proxy_failure){STR("timeout"), STR("The client stopped sending the request's body."), 408};
    if (h1->response_phase == PROXY_H1_IDLE)
        return (struct proxy_failure){
            STR("timeout"), STR("The origin did not answer in time. A longer wait: --response-head-timeout."), 504};
    return (struct proxy_failure){STR("timeout"), STR("The origin stopped sending in the middle of its answer."), 504};
}

static void on_timeout(struct proxy_conn *conn)
{
    struct proxy_h1 *h1 = conn->handler_state;
    struct proxy_failure failure;

    if (h1->is_lingering && proxy_conn_queued(conn) < h1->lingering_bytes) {
        /* A slow reader gets as long as it goes on reading. */
        h1->lingering_bytes = proxy_conn_queued(conn);
        proxy_conn_wait(conn, conn->worker->options->timeouts.linger_ms);
        return;
    }
    if (h1->is_lingering || h1->request_phase == PROXY_H1_IDLE) {
        proxy_conn_close(conn, false);
        return;
    }
    failure = timeout_of(h1);
    if (!h1->has_begun)
        proxy_h1_begin(h1);
    proxy_h1_fail(h1, &failure);
    proxy_h1_go_on(h1);
}

/* --- the origin's events --- */

static void on_origin_ready(void *owner, struct err err)
{
    struct proxy_h1 *h1 = owner;

    proxy_failure_describe_origin(&h1->exchange, h1->origin);
    proxy_failure_describe_timing(&h1->exchange, h1->origin);
    if (err_is(err)) {
        struct proxy_failure failure = proxy_failure_of_origin(err, h1->origin);

        proxy_h1_fail(h1, &failure);
        proxy_h1_go_on(h1);
        return;
    }
    proxy_h1_request_flush(h1);
    settle(h1);
}

static void on_origin_bytes(void *owner, struct str bytes)
{
    struct proxy_h1 *h1 = owner;

    proxy_h1_response_read(h1, bytes);
}

static void on_origin_eof(void *owner)
{
    struct proxy_h1 *h1 = owner;

    if (h1->is_lingering) {
        proxy_h1_close_origin(h1);
        close_if_quiet(h1);
        return;
    }
    h1->origin_ended = true;
    proxy_h1_response_end(h1);
}

/* A reused connection may have been reset before our request reached anyone; the client, which knows whether it may try
 * again, is shown the same as it would be without us: the connection breaks. */
static void on_origin_error(void *owner, struct err err)
{
    struct proxy_h1 *h1 = owner;
    struct proxy_failure failure = proxy_failure_of_origin(err, h1->origin);

    if (!h1->has_begun) {
        proxy_h1_close_origin(h1);
        if (h1->is_lingering)
            close_if_quiet(h1);
        else if (h1->request_phase == PROXY_H1_IDLE)
            proxy_h1_linger(h1);
        return;
    }
    if (h1->is_origin_reused) {
        proxy_conn_fail_exchange(&h1->exchange, failure.name, failure.text);
        proxy_h1_finish(h1);
        proxy_conn_close(h1->conn, true);
        return;
    }
    proxy_h1_fail(h1, &failure);
    proxy_h1_go_on(h1);
}

static void on_origin_drain(void *owner)
{
    struct proxy_h1 *h1 = owner;

    settle(h1);
}

const struct proxy_origin_events proxy_h1_origin_events = {
    .on_ready = on_origin_ready,
    .on_bytes = on_origin_bytes,
    .on_eof = on_origin_eof,
    .on_error = on_origin_error,
    .on_drain = on_origin_drain,
};

/* --- life --- */

static void stop(struct proxy_conn *conn)
{
    struct proxy_h1 *h1 = conn->handler_state;

    if (h1->has_begun)
        proxy_conn_fail_exchange(&h1->exchange, STR("stopped"), STR("The connection was closed by us."));
    proxy_h1_finish(h1);
    proxy_h1_close_origin(h1);
}

static void free_h1(struct proxy_conn *conn)
{
    struct proxy_h1 *h1 = conn->handler_state;

    h1_decoder_free(&h1->request_decoder);
    h1_decoder_free(&h1->response_decoder);
    buf_deinit(&h1->pending);
    buf_deinit(&h1->unsent);
    exchange_deinit(&h1->exchange);
    free(h1);
}

static const struct proxy_handler handler = {
    .name = "http1",
    .on_bytes = on_client_bytes,
    .on_eof = on_client_eof,
    .on_error = on_client_error,
    .on_drain = on_client_drain,
    .on_timeout = on_timeout,
    .update_reading = update_reading,
    .stop = stop,
    .free = free_h1,
};

void proxy_h1_let_go(struct proxy_h1 *h1)
{
    struct proxy_conn *conn = h1->conn;

    CHECK(!h1->has_begun && !h1->origin && !h1->orphan && conn->handler_state == h1);
    proxy_conn_wait_end(conn);
    free_h1(conn);
    conn->handler_state = NULL;
}

void proxy_h1_start(struct proxy_conn *conn, struct str first_bytes)
{
    const struct proxy_limits *limits = &conn->worker->options->limits;
    struct h1_limits h1_limits = {.head_bytes_max = limits->head_bytes_max,
                                  .line_bytes_max = limits->line_bytes_max,
                                  .field_count_max = limits->field_count_max};
    struct proxy_h1 *h1 = calloc(1, sizeof(*h1));

    CHECK(h1);
    h1->conn = conn;
    h1->request_decoder = h1_decoder_new(true, &h1_limits);
    h1->response_decoder = h1_decoder_new(false, &h1_limits);
    exchange_init(&h1->exchange, exchange_bytes_max(conn->worker->options), conn->worker->observers,
                  conn->worker->observer_count);
    buf_init(&h1->pending, PROXY_H1_PENDING_BYTES_MAX * 4);
    buf_init(&h1->unsent, limits->head_bytes_max * 3 + PROXY_H1_PENDING_BYTES_MAX * 4);
    proxy_conn_hand(conn, &handler, h1);
    prepare_next(h1);
    h1->origin = proxy_conn_take_origin(conn);
    if (h1->origin)
        proxy_origin_set_owner(h1->origin, &proxy_h1_origin_events, h1);
    if (first_bytes.len)
        on_client_bytes(conn, first_bytes);
    else
        settle(h1);
}
