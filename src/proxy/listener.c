#include "proxy/listener.h"

#include <stdlib.h>

#include "os/tcp.h"

struct proxy_listener {
    struct os_loop *loop;
    struct os_listener *socket;
    const struct proxy_mode *mode;
    struct proxy_worker *workers[PROXY_LISTENER_WORKER_MAX];
    size_t worker_count;
    size_t next; /* where the search for the least busy one begins, so that equals take turns */
    void (*on_closed)(void *owner);
    void *owner;
};

/* A descriptor on its way to another loop. */
struct handed {
    struct os_post post;
    struct proxy_worker *worker;
    const struct proxy_mode *mode;
    int fd;
};

static void on_handed(void *owner)
{
    struct handed *handed = owner;

    atomic_fetch_sub(&handed->worker->shared.conn_count, 1);
    proxy_worker_accept(handed->worker, handed->fd, handed->mode);
    free(handed);
}

static struct proxy_worker *least_busy(struct proxy_listener *listener)
{
    struct proxy_worker *found = NULL;
    uint64_t found_count = 0;

    for (size_t i = 0; i < listener->worker_count; i++) {
        struct proxy_worker *worker = listener->workers[(listener->next + i) % listener->worker_count];
        uint64_t count = atomic_load(&worker->shared.conn_count);

        if (!found || count < found_count) {
            found = worker;
            found_count = count;
        }
    }
    listener->next++;
    return found;
}

static void on_accept(void *owner, int fd)
{
    struct proxy_listener *listener = owner;
    struct proxy_worker *worker = least_busy(listener);
    struct handed *handed;

    if (worker->loop == listener->loop) {
        proxy_worker_accept(worker, fd, listener->mode);
        return;
    }
    handed = calloc(1, sizeof(*handed));
    CHECK(handed);
    *handed =
        (struct handed){.post = {.fn = on_handed, .owner = handed}, .worker = worker, .mode = listener->mode, .fd = fd};
    /* It counts from now on: in a burst a loop that is slow to take its own would seem to have fewer and get more. */
    atomic_fetch_add(&worker->shared.conn_count, 1);
    os_loop_post(worker->loop, &handed->post);
}

static void on_closed(void *owner)
{
    struct proxy_listener *listener = owner;
    void (*tell)(void *) = listener->on_closed;
    void *whom = listener->owner;

    free(listener);
    if (tell)
        tell(whom);
}

static const struct os_listener_events events = {.on_accept = on_accept, .on_closed = on_closed};

struct err proxy_listener_open(const struct proxy_listener_options *options, struct proxy_listener **ret_listener)
{
    struct proxy_listener *listener = calloc(1, sizeof(*listener));
    struct err err;

    CHECK(listener && options->worker_count > 0 && options->worker_count <= PROXY_LISTENER_WORKER_MAX);
    listener->loop = options->loop;
    listener->mode = options->mode;
    listener->worker_count = options->worker_count;
    memcpy(listener->workers, options->workers, options->worker_count * sizeof(options->workers[0]));
    err = os_listener_open(options->loop, &options->addr, &events, listener, &listener->socket);
    if (err_is(err)) {
        free(listener);
        return err;
    }
    *ret_listener = listener;
    return OK;
}

void proxy_listener_addr(const struct proxy_listener *listener, struct os_addr *ret_addr)
{
    os_listener_addr(listener->socket, ret_addr);
}

void proxy_listener_close(struct proxy_listener **listener, void (*on_done)(void *owner), void *owner)
{
    struct proxy_listener *closing = *listener;

    *listener = NULL;
    closing->on_closed = on_done;
    closing->owner = owner;
    os_listener_close(closing->socket);
}
