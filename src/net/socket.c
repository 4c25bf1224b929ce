#include "net/socket.h"

#include <stdlib.h>

struct socket {
    struct net_layer layer; /* first: a layer is cast to its socket */
    struct os_tcp *tcp;
};

static struct socket *from_layer(const struct net_layer *layer) { return (struct socket *)(uintptr_t)layer; }

static void on_bytes(void *owner, struct str bytes)
{
    struct socket *sock = owner;

    sock->layer.events->on_bytes(sock->layer.owner, bytes);
}

static void on_eof(void *owner)
{
    struct socket *sock = owner;

    sock->layer.events->on_eof(sock->layer.owner);
}

static void on_error(void *owner, struct err error)
{
    struct socket *sock = owner;

    sock->layer.events->on_error(sock->layer.owner, error);
}

static void on_drain(void *owner)
{
    struct socket *sock = owner;

    sock->layer.events->on_drain(sock->layer.owner);
}

static void on_closed(void *owner)
{
    struct socket *sock = owner;

    /* A layer that never had an owner may be closed too. */
    if (sock->layer.events)
        sock->layer.events->on_closed(sock->layer.owner);
    free(sock);
}

static const struct os_tcp_events events = {
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

static void write_parts(struct net_layer *layer, const struct str *parts, size_t part_count)
{
    os_tcp_write(from_layer(layer)->tcp, parts, part_count);
}

static size_t queued(const struct net_layer *layer) { return os_tcp_queued(from_layer(layer)->tcp); }

static void shutdown_(struct net_layer *layer) { os_tcp_shutdown(from_layer(layer)->tcp); }

static void read_start(struct net_layer *layer) { os_tcp_read_start(from_layer(layer)->tcp); }

static void read_stop(struct net_layer *layer) { os_tcp_read_stop(from_layer(layer)->tcp); }

static void close_(struct net_layer *layer, bool with_reset)
{
    if (with_reset)
        os_tcp_reset(from_layer(layer)->tcp);
    else
        os_tcp_close(from_layer(layer)->tcp);
}

static const struct net_layer_ops ops = {
    .name = "socket",
    .write = write_parts,
    .queued = queued,
    .shutdown = shutdown_,
    .read_start = read_start,
    .read_stop = read_stop,
    .close = close_,
};

static struct socket *make(struct os_loop *loop)
{
    struct socket *sock = calloc(1, sizeof(*sock));

    CHECK(sock);
    sock->layer.ops = &ops;
    sock->layer.loop = loop;
    return sock;
}

static struct net_layer *finish(struct socket *sock)
{
    os_tcp_local_addr(sock->tcp, &sock->layer.local_addr);
    os_tcp_remote_addr(sock->tcp, &sock->layer.remote_addr);
    return &sock->layer;
}

struct net_layer *net_socket_new(struct os_tcp *tcp)
{
    struct socket *sock = make(os_tcp_loop(tcp));

    sock->tcp = tcp;
    os_tcp_set_owner(tcp, &events, sock);
    return finish(sock);
}

struct err net_socket_adopt(struct os_loop *loop, int fd, struct net_layer **ret_layer)
{
    struct socket *sock = make(loop);
    struct err error = os_tcp_adopt(loop, fd, &events, sock, &sock->tcp);

    if (err_is(error)) {
        free(sock);
        return error;
    }
    *ret_layer = finish(sock);
    return OK;
}

struct os_tcp *net_socket_tcp(const struct net_layer *layer)
{
    CHECK(layer->ops == &ops);
    return from_layer(layer)->tcp;
}
