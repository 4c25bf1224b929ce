/* The request's way: from the client's bytes to the origin. */
#include "os/clock.h"
#include "proxy/h1_private.h"

/* Writes to the origin, or keeps the bytes until there is one.  What is kept is bounded: the client is not read
 * meanwhile, so a head and one read's worth are the most. */
static void send_on(struct proxy_h1 *h1, const struct proxy_h1_outgoing *outgoing)
{
    struct str parts[2] = {outgoing->head, outgoing->run};

    if (outgoing->head.len + outgoing->run.len == 0 || !h1->origin)
        return;
    h1->sent_anything = true;
    if (proxy_origin_is_open(h1->origin)) {
        proxy_origin_write(h1->origin, parts, 2);
        return;
    }
    CHECK(!err_is(buf_append(&h1->unsent, parts[0])));
    CHECK(!err_is(buf_append(&h1->unsent, parts[1])));
}

void proxy_h1_request_flush(struct proxy_h1 *h1)
{
    struct str unsent = buf_str(&h1->unsent);

    if (unsent.len)
        proxy_origin_write(h1->origin, &unsent, 1);
    buf_clear(&h1->unsent);
    if (h1->client_ended && h1->pending.len == 0)
        proxy_origin_shutdown(h1->origin);
}

static void add(struct proxy_h1 *h1, struct proxy_h1_outgoing *outgoing, struct str bytes)
{
    if (proxy_h1_outgoing_add(outgoing, bytes))
        return;
    send_on(h1, outgoing);
    *outgoing = (struct proxy_h1_outgoing){.run = bytes};
}

static void end_request(struct proxy_h1 *h1, bool is_complete)
{
    h1->request_phase = PROXY_H1_DONE;
    h1->request_keeps = is_complete && h1_decoder_keeps_alive(h1->request_decoder);
    exchange_half_end(&h1->exchange, EXCHANGE_REQUEST, is_complete);
    /* Chunks may show their oddities only now. */
    if (h1_decoder_flags(h1->request_decoder) & H1_AMBIGUOUS)
        h1->is_alone = true;
    proxy_h1_finish_if_done(h1);
}

/* With --strict a body whose end two readers could see in two places goes no further. */
static void refuse_body(struct proxy_h1 *h1, struct str wire, struct str rest)
{
    exchange_bytes(&h1->exchange, EXCHANGE_REQUEST, wire, 0);
    if (rest.len)
        exchange_bytes(&h1->exchange, EXCHANGE_REQUEST, rest, 0);
    exchange_half_end(&h1->exchange, EXCHANGE_REQUEST, false);
    proxy_h1_fail(h1, &proxy_h1_route_ambiguous);
}

static bool is_refused(const struct proxy_h1 *h1)
{
    return h1->conn->worker->options->is_strict && (h1_decoder_flags(h1->request_decoder) & H1_AMBIGUOUS);
}

/* One event.  False: the connection went to another handler, or was answered and is ending. */
static bool take(struct proxy_h1 *h1, const struct h1_event *event, struct str rest, struct proxy_h1_outgoing *outgoing)
{
    struct str head = STR_NONE;

    switch (event->kind) {
    case H1_EVENT_HEAD:
        h1->request_phase = PROXY_H1_BODY;
        switch (proxy_h1_route_head(h1, event->wire, rest, &head)) {
        case PROXY_H1_ROUTE_TUNNEL:
            return false;
        case PROXY_H1_ROUTE_ANSWERED:
            return !h1->conn->is_closing && !h1->is_lingering;
        case PROXY_H1_ROUTE_ORIGIN:
            add(h1, outgoing, head);
            return true;
        }
        return false;
    case H1_EVENT_BODY:
    case H1_EVENT_TRAILERS:
        if (is_refused(h1)) {
            refuse_body(h1, event->wire, rest);
            return false;
        }
        exchange_bytes(&h1->exchange, EXCHANGE_REQUEST, event->wire, event->payload.len);
        add(h1, outgoing, event->wire);
        return true;
    case H1_EVENT_END:
        end_request(h1, true);
        return true;
    }
    return false;
}

static const struct str *syntax_texts(unsigned status)
{
    static const struct str limit =
        STR_INIT("The request's head is larger than the limits allow (--head-max, --field-count-max).");
    static const struct str version = STR_INIT("The request asks for a version of HTTP that is not spoken here.");
    static const struct str grammar =
        STR_INIT("The request breaks the grammar of HTTP/1.1, so its end cannot be told.");

    return status == 414 || status == 431 ? &limit : status == 505 ? &version : &grammar;
}

/* Bytes that are no request: what came is recorded, and the client is told. */
static void refuse(struct proxy_h1 *h1, struct err err, struct str rest)
{
    struct proxy_failure failure = {.name = err.code == ERR_LIMIT ? STR("limit") : STR("syntax"),
                                    .text = *syntax_texts(err.wire),
                                    .status = err.wire ? err.wire : 400};

    h1->is_alone = true;
    if (!h1->has_begun) {
        struct exchange_facts *facts = &h1->exchange.facts;

        proxy_h1_begin(h1);
        facts->client_version = HTTP_VERSION_UNKNOWN;
        facts->scheme = h1->conn->is_inside_tls ? STR("https") : STR("http");
        facts->host = h1->conn->authority.host;
        facts->port = h1->conn->authority.port;
    }
    if (rest.len) {
        struct str partial = h1_decoder_partial(h1->request_decoder);

        if (partial.len)
            exchange_bytes(&h1->exchange, EXCHANGE_REQUEST, partial, 0);
        exchange_bytes(&h1->exchange, EXCHANGE_REQUEST, rest, 0);
        exchange_half_end(&h1->exchange, EXCHANGE_REQUEST, false);
    }
    proxy_h1_fail(h1, &failure);
}

static void note_first_byte(struct proxy_h1 *h1)
{
    if (h1->request_phase != PROXY_H1_IDLE)
        return;
    h1->request_phase = PROXY_H1_HEAD;
    h1->head_at_us = os_clock_wall_us();
    h1->head_began_us = os_clock_mono_us();
    proxy_conn_wait(h1->conn, h1->conn->worker->options->timeouts.client_head_ms);
}

bool proxy_h1_request_read(struct proxy_h1 *h1, struct str *input)
{
    struct proxy_h1_outgoing outgoing = {0};

    if (input->len)
        note_first_byte(h1);
    while (h1->request_phase != PROXY_H1_DONE) {
        struct h1_event event;
        struct err err = h1_decoder_step(h1->request_decoder, input, &event);

        if (err.code == ERR_AGAIN)
            break;
        if (err_is(err)) {
            send_on(h1, &outgoing);
            refuse(h1, err, *input);
            return false;
        }
        if (!take(h1, &event, *input, &outgoing))
            return false;
    }
    send_on(h1, &outgoing);
    return true;
}

/* The client's FIN inside a request cuts it short; the origin is shown the same and may still answer. */
static void cut_short(struct proxy_h1 *h1)
{
    struct h1_event event;
    struct err err = h1_decoder_finish(h1->request_decoder, &event);
    struct str partial = h1_decoder_partial(h1->request_decoder);

    if (err_is(err) && partial.len) {
        exchange_bytes(&h1->exchange, EXCHANGE_REQUEST, partial, 0);
        send_on(h1, &(struct proxy_h1_outgoing){.run = partial});
    }
    if (err_is(err))
        exchange_flag(&h1->exchange, STR("truncated"));
    end_request(h1, !err_is(err));
}

void proxy_h1_request_end(struct proxy_h1 *h1)
{
    if (h1->pending.len)
        return;
    if (h1->request_phase == PROXY_H1_IDLE) {
        proxy_h1_linger(h1);
        return;
    }
    if (h1->request_phase == PROXY_H1_HEAD) {
        proxy_h1_begin(h1);
        exchange_flag(&h1->exchange, STR("truncated"));
        proxy_conn_fail_exchange(&h1->exchange, STR("client-gone"),
                                 STR("The client closed the connection inside the request's head."));
        proxy_h1_linger(h1);
        return;
    }
    if (h1->request_phase == PROXY_H1_BODY)
        cut_short(h1);
    if (h1->origin && proxy_origin_is_open(h1->origin) && h1->unsent.len == 0)
        proxy_origin_shutdown(h1->origin);
    if (h1->response_phase == PROXY_H1_DONE)
        proxy_h1_linger(h1);
}
