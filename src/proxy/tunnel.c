#include "proxy/tunnel.h"

#include <stdlib.h>

#include "base/buf.h"
#include "proxy/failure.h"

struct tunnel {
    struct proxy_conn *conn;
    struct proxy_origin *origin;
    struct exchange exchange;
    struct buf waiting; /* the client's bytes until the origin is open */
    bool hides_bytes;
    bool client_ended, origin_ended;
    bool is_over; /* the exchange has been ended */
};

#define WAITING_BYTES_MAX ((size_t)(256 * 1024))

static void finish(struct tunnel *tunnel)
{
    if (tunnel->is_over)
        return;
    tunnel->is_over = true;
    for (enum exchange_side side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE; side++) {
        if (tunnel->exchange.half[side].phase != EXCHANGE_ENDED)
            exchange_half_end(&tunnel->exchange, side, false);
    }
    proxy_conn_end_exchange(&tunnel->exchange);
}

static void tell(struct tunnel *tunnel, enum exchange_side side, struct str bytes)
{
    if (bytes.len == 0)
        return;
    if (tunnel->hides_bytes)
        tunnel->exchange.facts.half[side].wire_len += bytes.len;
    else
        exchange_bytes(&tunnel->exchange, side, bytes, bytes.len);
}

static void update_reading(struct proxy_conn *conn)
{
    struct tunnel *tunnel = conn->handler_state;
    bool may = proxy_worker_may_read(conn->worker);
    bool is_open = tunnel->origin && proxy_origin_is_open(tunnel->origin);

    proxy_conn_read(conn, may && is_open && !tunnel->client_ended &&
                              proxy_origin_queued(tunnel->origin) <= NET_LAYER_HIGH_WATER);
    if (tunnel->origin)
        proxy_origin_read(tunnel->origin,
                          may && !tunnel->origin_ended && proxy_conn_queued(conn) <= NET_LAYER_HIGH_WATER);
}

/* After each event: the idle deadline moves, and reading follows the queues. */
static void go_on(struct proxy_conn *conn)
{
    struct tunnel *tunnel = conn->handler_state;

    if (tunnel->client_ended && tunnel->origin_ended && !proxy_conn_queued(conn) &&
        !proxy_origin_queued(tunnel->origin)) {
        finish(tunnel);
        proxy_conn_close(conn, false);
        return;
    }
    proxy_conn_wait(conn, conn->worker->options->timeouts.tunnel_ms);
    update_reading(conn);
}

static void break_off(struct proxy_conn *conn, struct str name, struct str text)
{
    struct tunnel *tunnel = conn->handler_state;

    proxy_conn_fail_exchange(&tunnel->exchange, name, text);
    finish(tunnel);
    proxy_conn_close(conn, true);
}

/* --- the client's side --- */

static void on_client_bytes(struct proxy_conn *conn, struct str bytes)
{
    struct tunnel *tunnel = conn->handler_state;

    tell(tunnel, EXCHANGE_REQUEST, bytes);
    proxy_origin_write(tunnel->origin, &bytes, 1);
    go_on(conn);
}

static void on_client_eof(struct proxy_conn *conn)
{
    struct tunnel *tunnel = conn->handler_state;

    if (tunnel->client_ended)
        return;
    tunnel->client_ended = true;
    exchange_half_end(&tunnel->exchange, EXCHANGE_REQUEST, true);
    proxy_origin_shutdown(tunnel->origin);
    go_on(conn);
}

static void on_client_error(struct proxy_conn *conn, struct err err)
{
    break_off(conn, STR("client-gone"), proxy_failure_of_client(err));
}

static void on_client_drain(struct proxy_conn *conn) { go_on(conn); }
static void on_timeout(struct proxy_conn *conn)
{
    break_off(conn, STR("timeout"),
              STR("Nothing passed through the tunnel for as long as the tunnel time-out allows."));
}

/* --- the origin's side --- */

static void on_origin_ready(void *owner, struct err err)
{
    struct proxy_conn *conn = owner;
    struct tunnel *tunnel = conn->handler_state;
    struct str waiting = buf_str(&tunnel->waiting);

    proxy_failure_describe_origin(&tunnel->exchange, tunnel->origin);
    if (err_is(err)) {
        struct proxy_failure failure = proxy_failure_of_origin(err, tunnel->origin);

        break_off(conn, failure.name, failure.text);
        return;
    }
    if (waiting.len)
        proxy_origin_write(tunnel->origin, &waiting, 1);
    buf_clear(&tunnel->waiting);
    if (tunnel->client_ended)
        proxy_origin_shutdown(tunnel->origin);
    go_on(conn);
}

static void on_origin_bytes(void *owner, struct str bytes)
{
    struct proxy_conn *conn = owner;

    tell(conn->handler_state, EXCHANGE_RESPONSE, bytes);
    proxy_conn_write(conn, &bytes, 1);
    go_on(conn);
}

static void on_origin_eof(void *owner)
{
    struct proxy_conn *conn = owner;
    struct tunnel *tunnel = conn->handler_state;

    tunnel->origin_ended = true;
    exchange_half_end(&tunnel->exchange, EXCHANGE_RESPONSE, true);
    net_layer_shutdown(conn->client);
    go_on(conn);
}

static void on_origin_error(void *owner, struct err err)
{
    struct proxy_conn *conn = owner;
    struct tunnel *tunnel = conn->handler_state;
    struct proxy_failure failure = proxy_failure_of_origin(err, tunnel->origin);

    break_off(conn, failure.name, failure.text);
}

static void on_origin_drain(void *owner) { go_on(owner); }

static const struct proxy_origin_events origin_events = {
    .on_ready = on_origin_ready,
    .on_bytes = on_origin_bytes,
    .on_eof = on_origin_eof,
    .on_error = on_origin_error,
    .on_drain = on_origin_drain,
};

/* --- life --- */

static void stop(struct proxy_conn *conn)
{
    struct tunnel *tunnel = conn->handler_state;

    if (!tunnel->is_over)
        proxy_conn_fail_exchange(&tunnel->exchange, STR("stopped"), STR("The connection was closed by us."));
    finish(tunnel);
    proxy_origin_close(&tunnel->origin, tunnel->exchange.facts.error.len > 0);
}

static void free_tunnel(struct proxy_conn *conn)
{
    struct tunnel *tunnel = conn->handler_state;

    buf_deinit(&tunnel->waiting);
    exchange_deinit(&tunnel->exchange);
    free(tunnel);
}

static const struct proxy_handler handler = {
    .name = "tunnel",
    .on_bytes = on_client_bytes,
    .on_eof = on_client_eof,
    .on_error = on_client_error,
    .on_drain = on_client_drain,
    .on_timeout = on_timeout,
    .update_reading = update_reading,
    .stop = stop,
    .free = free_tunnel,
};

static void begin_exchange(struct tunnel *tunnel, const struct proxy_tunnel_request *request)
{
    struct exchange *exchange = &tunnel->exchange;
    struct exchange_facts *facts = &exchange->facts;

    exchange_init(exchange, PROXY_CONN_ARENA_BYTES_MAX, tunnel->conn->worker->observers,
                  tunnel->conn->worker->observer_count);
    proxy_conn_describe(tunnel->conn, exchange);
    facts->kind = EXCHANGE_TUNNEL;
    facts->method = STR("CONNECT");
    facts->scheme = request->is_tls ? STR("tls") : STR("tcp");
    facts->port = request->port;
    IGNORE(arena_copy(&exchange->arena, request->host, &facts->host)); /* fits: the head's limit is smaller */
    IGNORE(arena_format(&exchange->arena, &facts->target, "%.*s:%u", STR_ARG(facts->host), request->port));
    exchange_flag(exchange, request->flag);
    exchange_begin(exchange);
}

static void open_origin(struct tunnel *tunnel, const struct proxy_tunnel_request *request)
{
    struct proxy_conn *conn = tunnel->conn;
    struct proxy_origin_request open = {
        .host = request->host,
        .port = request->port,
        .is_tls = request->is_tls,
        .dial_host = conn->dial_host,
        .sni = proxy_conn_origin_sni(conn),
        .loopmark = conn->loopmark,
        .offers_http1 = conn->client_offers_http1,
        .events = &origin_events,
        .owner = conn,
    };

    tunnel->origin = proxy_origin_open(conn->worker, &open);
    /* One read's worth at most, far below the maximum. */
    CHECK(!err_is(buf_append(&tunnel->waiting, request->client_bytes)));
}

static void go_on_with(struct tunnel *tunnel, const struct proxy_tunnel_request *request)
{
    tunnel->origin = request->origin;
    proxy_origin_set_owner(tunnel->origin, &origin_events, tunnel->conn);
    proxy_failure_describe_origin(&tunnel->exchange, tunnel->origin);
    if (request->client_bytes.len)
        proxy_origin_write(tunnel->origin, &request->client_bytes, 1);
    if (request->origin_bytes.len)
        proxy_conn_write(tunnel->conn, &request->origin_bytes, 1);
}

void proxy_tunnel_start(struct proxy_conn *conn, const struct proxy_tunnel_request *request)
{
    struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

    CHECK(tunnel);
    tunnel->conn = conn;
    tunnel->hides_bytes = request->hides_bytes;
    buf_init(&tunnel->waiting, WAITING_BYTES_MAX);
    proxy_conn_hand(conn, &handler, tunnel);
    begin_exchange(tunnel, request);
    tell(tunnel, EXCHANGE_REQUEST, request->client_bytes);
    tell(tunnel, EXCHANGE_RESPONSE, request->origin_bytes);
    if (request->origin)
        go_on_with(tunnel, request);
    else
        open_origin(tunnel, request);
    go_on(conn);
}
