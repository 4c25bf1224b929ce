#include "proxy/worker.h"

#include <stdlib.h>

#include "net/socket.h"
#include "proxy/conn.h"
#include "tls/loop.h"

struct err proxy_worker_new(const struct proxy_worker_options *options, struct proxy_worker **ret_worker)
{
    const struct proxy_options *proxy = options->options;
    struct tls_loop_options tls = {.loop = options->loop,
                                   .ca = proxy->ca,
                                   .trust = proxy->trust,
                                   .keylog = proxy->keylog,
                                   .leaf_count_max = proxy->limits.leaf_cache_max};
    struct tls_loop *tls_loop = NULL;
    struct proxy_worker *worker;

    if (proxy->ca)
        TRY(tls_loop_new(&tls, &tls_loop));
    worker = calloc(1, sizeof(*worker));
    CHECK(worker);
    worker->loop = options->loop;
    worker->options = proxy;
    worker->resolver = options->resolver;
    worker->identities = options->identities;
    worker->offers = options->offers;
    worker->speaks = options->speaks;
    worker->tls = tls_loop;
    list_init(&worker->conns);
    if (proxy->observers_for)
        worker->observer_count =
            proxy->observers_for(proxy->owner, options->loop, worker->observers, PROXY_OBSERVER_MAX);
    *ret_worker = worker;
    return OK;
}

void proxy_worker_free(struct proxy_worker **worker)
{
    if (!*worker)
        return;
    CHECK(list_is_empty(&(*worker)->conns) && atomic_load(&(*worker)->shared.origin_count) == 0);
    if ((*worker)->options->observers_done)
        (*worker)->options->observers_done((*worker)->options->owner, (*worker)->loop);
    if ((*worker)->tls)
        tls_loop_free(&(*worker)->tls);
    free(*worker);
    *worker = NULL;
}

void proxy_worker_accept(struct proxy_worker *worker, int fd, const struct proxy_mode *mode)
{
    struct net_layer *client;

    if (worker->is_stopping || atomic_load(&worker->shared.conn_count) >= worker->options->limits.connection_max) {
        os_tcp_discard(fd);
        return;
    }
    /* A peer that has gone since it was accepted is no news. */
    if (err_is(net_socket_adopt(worker->loop, fd, &client)))
        return;
    proxy_conn_start(worker, client, mode);
}

void proxy_worker_stop(struct proxy_worker *worker, void (*on_idle)(void *owner), void *owner)
{
    worker->is_stopping = true;
    worker->on_idle = on_idle;
    worker->owner = owner;
    for (struct list *node = worker->conns.next; node != &worker->conns; node = node->next)
        proxy_conn_close(LIST_OWNER(node, struct proxy_conn, node), false);
    proxy_worker_check_idle(worker);
}

void proxy_worker_check_idle(struct proxy_worker *worker)
{
    void (*on_idle)(void *) = worker->on_idle;

    if (!worker->is_stopping || !on_idle || atomic_load(&worker->shared.origin_count) || !list_is_empty(&worker->conns))
        return;
    worker->on_idle = NULL;
    on_idle(worker->owner);
}

uint64_t proxy_worker_number(void)
{
    static atomic_uint_fast64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

static void update_all(struct proxy_worker *worker)
{
    for (struct list *node = worker->conns.next; node != &worker->conns; node = node->next) {
        struct proxy_conn *conn = LIST_OWNER(node, struct proxy_conn, node);

        if (!conn->is_closing)
            conn->handler->update_reading(conn);
    }
}

static void on_room(void *owner)
{
    struct proxy_worker *worker = owner;

    worker->is_stalled = false;
    update_all(worker);
}

bool proxy_worker_may_read(struct proxy_worker *worker)
{
    if (worker->is_stalled)
        return false;
    for (size_t i = 0; i < worker->observer_count; i++) {
        struct exchange_observer *observer = worker->observers[i];

        if (!observer->ops->has_room || observer->ops->has_room(observer))
            continue;
        worker->is_stalled = true;
        observer->ops->when_room(observer, on_room, worker);
        update_all(worker);
        return false;
    }
    return true;
}
