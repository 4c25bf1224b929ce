#include "proxy/conn.h"

#include <stdlib.h>

#include "net/socket.h"
#include "os/clock.h"
#include "proxy/peek.h"

/* --- the client layer's events go to the handler --- */

static void on_bytes(void *owner, struct str bytes)
{
    struct proxy_conn *conn = owner;

    if (!conn->is_closing)
        conn->handler->on_bytes(conn, bytes);
}

static void on_eof(void *owner)
{
    struct proxy_conn *conn = owner;

    if (!conn->is_closing)
        conn->handler->on_eof(conn);
}

static void on_error(void *owner, struct err err)
{
    struct proxy_conn *conn = owner;

    if (!conn->is_closing)
        conn->handler->on_error(conn, err);
}

static void on_drain(void *owner)
{
    struct proxy_conn *conn = owner;

    if (!conn->is_closing)
        conn->handler->on_drain(conn);
}

static void on_timeout(void *owner)
{
    struct proxy_conn *conn = owner;

    if (!conn->is_closing)
        conn->handler->on_timeout(conn);
}

static void on_closed(void *owner)
{
    struct proxy_conn *conn = owner;
    struct proxy_worker *worker = conn->worker;

    conn->client = NULL;
    proxy_conn_close(conn, false);
    conn->handler->free(conn);
    os_timer_free(&conn->timer);
    list_remove(&conn->node);
    arena_deinit(&conn->arena);
    free(conn);
    atomic_fetch_sub(&worker->shared.conn_count, 1);
    proxy_worker_check_idle(worker);
}

const struct net_layer_events proxy_conn_layer_events = {
    .on_bytes = on_bytes, .on_eof = on_eof, .on_error = on_error, .on_drain = on_drain, .on_closed = on_closed};

static struct facts_address address_of(const struct os_addr *addr)
{
    struct facts_address address = {.port = addr->port};
    char text[OS_ADDR_TEXT_BYTES];

    snprintf(address.ip, sizeof(address.ip), "%.63s", os_addr_format_ip(addr, text));
    return address;
}

struct err proxy_conn_enter(struct proxy_conn *conn, struct str host, uint16_t port)
{
    struct str copy;

    TRY(arena_copy_lower(&conn->arena, host, &copy));
    conn->authority = (struct proxy_authority){.host = copy, .port = port};
    conn->is_inside_connect = true;
    conn->is_inside_tls = false;
    conn->client_tls = (struct facts_tls){0};
    conn->loopmark = STR_NONE;
    return OK;
}

bool proxy_conn_is_tls_origin(const struct proxy_conn *conn)
{
    return conn->mode && conn->mode->kind == PROXY_MODE_REVERSE ? conn->mode->is_tls : conn->is_inside_tls;
}

struct str proxy_conn_origin_sni(const struct proxy_conn *conn)
{
    bool is_reverse = conn->mode && conn->mode->kind == PROXY_MODE_REVERSE;

    return conn->is_inside_tls && !is_reverse ? conn->client_tls.sni : STR_NONE;
}

/* Where the connection goes when its listener says so, and not the client. */
static struct err enter_by_mode(struct proxy_conn *conn)
{
    struct os_addr addr;
    char text[OS_ADDR_TEXT_BYTES];

    if (!conn->mode || conn->mode->kind == PROXY_MODE_REGULAR || conn->mode->kind == PROXY_MODE_SOCKS5)
        return OK;
    if (conn->mode->kind == PROXY_MODE_REVERSE)
        return proxy_conn_enter(conn, conn->mode->host, conn->mode->port);
    TRY(os_tcp_original_addr(net_socket_tcp(conn->client), &addr));
    return proxy_conn_enter(conn, str_from(os_addr_format_ip(&addr, text)), addr.port);
}

void proxy_conn_start(struct proxy_worker *worker, struct net_layer *client, const struct proxy_mode *mode)
{
    struct proxy_conn *conn = calloc(1, sizeof(*conn));

    CHECK(conn);
    conn->worker = worker;
    conn->client = client;
    conn->mode = mode;
    conn->number = proxy_worker_number();
    conn->client_addr = address_of(&client->remote_addr);
    conn->listener_addr = address_of(&client->local_addr);
    arena_init(&conn->arena, PROXY_CONN_ARENA_BYTES_MAX);
    CHECK(!err_is(os_timer_new(worker->loop, on_timeout, conn, &conn->timer)));
    list_push_last(&worker->conns, &conn->node);
    atomic_fetch_add(&worker->shared.conn_count, 1);
    net_layer_set_owner(client, &proxy_conn_layer_events, conn);
    proxy_peek_start(conn);
    /* A connection that was not redirected has no place to go. */
    if (err_is(enter_by_mode(conn)))
        proxy_conn_close(conn, false);
    else if (conn->is_inside_connect)
        proxy_conn_wait(conn, worker->options->timeouts.peek_ms);
}

void proxy_conn_hand(struct proxy_conn *conn, const struct proxy_handler *handler, void *state)
{
    conn->handler = handler;
    conn->handler_state = state;
}

void proxy_conn_pass_eof(struct proxy_conn *conn) { on_eof(conn); }

void proxy_conn_close(struct proxy_conn *conn, bool with_reset)
{
    if (conn->is_closing)
        return;
    conn->is_closing = true;
    os_timer_stop(conn->timer);
    conn->handler->stop(conn);
    proxy_origin_close(&conn->early_origin, false);
    if (conn->client)
        conn->client->ops->close(conn->client, with_reset);
}

void proxy_conn_read(struct proxy_conn *conn, bool is_wanted)
{
    if (conn->is_reading == is_wanted || conn->is_closing)
        return;
    conn->is_reading = is_wanted;
    if (is_wanted)
        net_layer_read_start(conn->client);
    else
        net_layer_read_stop(conn->client);
}

void proxy_conn_write(struct proxy_conn *conn, const struct str *parts, size_t part_count)
{
    if (!conn->is_closing)
        net_layer_write(conn->client, parts, part_count);
}

size_t proxy_conn_queued(const struct proxy_conn *conn)
{
    return conn->is_closing ? 0 : net_layer_queued(conn->client);
}

void proxy_conn_wait(struct proxy_conn *conn, uint64_t timeout_ms)
{
    if (!conn->is_closing)
        os_timer_start(conn->timer, timeout_ms);
}

void proxy_conn_wait_end(struct proxy_conn *conn) { os_timer_stop(conn->timer); }

bool proxy_conn_may_contact_origin(const struct proxy_conn *conn)
{
    (void)conn;
    return true;
}

struct proxy_origin *proxy_conn_take_origin(struct proxy_conn *conn)
{
    struct proxy_origin *origin = conn->early_origin;

    conn->early_origin = NULL;
    return origin;
}

void proxy_conn_describe(const struct proxy_conn *conn, struct exchange *exchange)
{
    const struct proxy_options *options = conn->worker->options;
    struct exchange_facts *facts = &exchange->facts;

    facts->id = options->next_id(options->owner);
    facts->source = EXCHANGE_FROM_PROXY;
    facts->at_us = os_clock_wall_us();
    exchange->begun_us = os_clock_mono_us();
    facts->client = conn->client_addr;
    facts->listener = conn->listener_addr;
    facts->client_tls = conn->client_tls;
    facts->client_connection = conn->number;
}

void proxy_conn_end_exchange(struct exchange *exchange)
{
    exchange->facts.time_us = (int64_t)(os_clock_mono_us() - exchange->begun_us);
    exchange_end(exchange);
}

void proxy_conn_fail_exchange(struct exchange *exchange, struct str name, struct str text)
{
    if (exchange->facts.error.len)
        return;
    exchange->facts.error = name;
    /* A sentence that does not fit is left out; the name says enough. */
    IGNORE(arena_copy(&exchange->arena, text, &exchange->facts.error_text));
}
