/* conn.h - for tests: a listener of ours and one accepted socket that notes what it is told. */
#ifndef UNIT_OS_CONN_H
#define UNIT_OS_CONN_H

#include "base/buf.h"
#include "looping.h"

struct conn {
    struct os_loop *loop;
    struct os_listener *listener;
    uint16_t port;
    struct os_tcp *tcp;
    struct buf received;
    size_t received_bytes; /* also when they are not kept */
    bool is_kept;
    bool is_accepted, is_connected, has_eof, has_error, is_drained, is_closed, is_listener_closed;
    bool is_stopped_by_bytes; /* reading stops from within on_bytes */
    unsigned call_count, bytes_count, eof_count, error_count, closed_count, drain_count;
    struct err error;
    int depth; /* of our own calls down; a callback meets 0 */
};

static inline void conn_on_connected(void *owner, struct err err)
{
    struct conn *conn = owner;

    assert_int_equal(conn->depth, 0);
    conn->is_connected = true;
    conn->error = err;
}

static inline void conn_on_bytes(void *owner, struct str bytes)
{
    struct conn *conn = owner;

    assert_int_equal(conn->depth, 0);
    assert_false(conn->is_closed);
    assert_true(bytes.len > 0 && bytes.len <= OS_TCP_READ_BYTES);
    conn->bytes_count++;
    conn->received_bytes += bytes.len;
    if (conn->is_kept)
        assert_ok(buf_append(&conn->received, bytes));
    if (conn->is_stopped_by_bytes)
        os_tcp_read_stop(conn->tcp);
}

static inline void conn_on_eof(void *owner)
{
    struct conn *conn = owner;

    assert_int_equal(conn->depth, 0);
    conn->eof_count++;
    conn->has_eof = true;
}

static inline void conn_on_error(void *owner, struct err err)
{
    struct conn *conn = owner;

    assert_int_equal(conn->depth, 0);
    assert_false(conn->is_closed);
    conn->error_count++;
    conn->has_error = true;
    conn->error = err;
}

static inline void conn_on_drain(void *owner)
{
    struct conn *conn = owner;

    assert_int_equal(conn->depth, 0);
    conn->drain_count++;
    conn->is_drained = true;
}

static inline void conn_on_closed(void *owner)
{
    struct conn *conn = owner;

    assert_int_equal(conn->depth, 0);
    conn->closed_count++;
    conn->is_closed = true;
    conn->tcp = NULL;
}

static const struct os_tcp_events conn_events = {
    .on_connected = conn_on_connected,
    .on_bytes = conn_on_bytes,
    .on_eof = conn_on_eof,
    .on_error = conn_on_error,
    .on_drain = conn_on_drain,
    .on_closed = conn_on_closed,
};

static inline void conn_on_accept(void *owner, int fd)
{
    struct conn *conn = owner;

    assert_ok(os_tcp_adopt(conn->loop, fd, &conn_events, conn, &conn->tcp));
    conn->is_accepted = true;
}

static inline void conn_on_listener_closed(void *owner) { ((struct conn *)owner)->is_listener_closed = true; }

static const struct os_listener_events conn_listener_events = {
    .on_accept = conn_on_accept,
    .on_closed = conn_on_listener_closed,
};

static inline void conn_listen(struct conn *conn)
{
    struct os_addr addr = loopback_addr(0);

    *conn = (struct conn){.is_kept = true};
    buf_init(&conn->received, (size_t)64 * 1024 * 1024);
    assert_ok(os_loop_new(&conn->loop));
    assert_ok(os_listener_open(conn->loop, &addr, &conn_listener_events, conn, &conn->listener));
    os_listener_addr(conn->listener, &addr);
    conn->port = addr.port;
}

/* Accepts one socket whose other end is the returned blocking descriptor. */
static inline int conn_accept(struct conn *conn)
{
    int peer = peer_connect(conn->port);

    run_until(conn->loop, is_set, &conn->is_accepted);
    return peer;
}

static inline void conn_write(struct conn *conn, struct str bytes)
{
    conn->depth++;
    os_tcp_write(conn->tcp, &bytes, 1);
    conn->depth--;
}

static inline void conn_read_start(struct conn *conn)
{
    conn->depth++;
    os_tcp_read_start(conn->tcp);
    conn->depth--;
}

static inline void conn_close(struct conn *conn)
{
    conn->depth++;
    os_tcp_close(conn->tcp);
    conn->depth--;
    run_until(conn->loop, is_set, &conn->is_closed);
}

/* Closes what is open. */
static inline void conn_end(struct conn *conn)
{
    if (conn->tcp && !conn->is_closed)
        conn_close(conn);
    os_listener_close(conn->listener);
    run_until(conn->loop, is_set, &conn->is_listener_closed);
    os_loop_free(&conn->loop);
    buf_deinit(&conn->received);
}

static inline bool conn_has_bytes(void *owner) { return ((struct conn *)owner)->received_bytes > 0; }

#endif
