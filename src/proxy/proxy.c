#include "proxy/proxy.h"

#include <stdlib.h>

#include "os/thread.h"
#include "proxy/offer.h"
#include "proxy/speaks.h"

struct traffic {
    struct proxy *proxy;
    struct os_loop *loop;
    struct proxy_worker *worker;
    struct os_thread *thread;
    struct os_post stop_post;
};

struct proxy {
    struct traffic traffics[PROXY_LISTENER_WORKER_MAX];
    unsigned count;
    struct proxy_listener *listeners[PROXY_LISTEN_MAX]; /* on the first loop */
    struct os_addr listen_addrs[PROXY_LISTEN_MAX];
    size_t listener_count;
    size_t listeners_open; /* first loop only, while stopping */
    struct proxy_offers *offers;
    struct proxy_speaks *speaks;
};

static void run_loop(void *owner)
{
    struct traffic *traffic = owner;

    os_loop_run(traffic->loop);
}

/* --- stopping, on each loop --- */

static void on_worker_idle(void *owner)
{
    struct traffic *traffic = owner;

    os_loop_stop(traffic->loop);
}

static void stop_worker(struct traffic *traffic) { proxy_worker_stop(traffic->worker, on_worker_idle, traffic); }

static void stop_all(struct proxy *proxy)
{
    for (unsigned i = 1; i < proxy->count; i++)
        os_loop_post(proxy->traffics[i].loop, &proxy->traffics[i].stop_post);
    stop_worker(&proxy->traffics[0]);
}

static void on_listener_closed(void *owner)
{
    struct proxy *proxy = owner;

    if (--proxy->listeners_open == 0)
        stop_all(proxy);
}

/* The first loop stops accepting before any loop ends its connections, so that none is handed over to a stopped one. */
static void on_stop(void *owner)
{
    struct traffic *traffic = owner;
    struct proxy *proxy = traffic->proxy;

    if (traffic != &proxy->traffics[0]) {
        stop_worker(traffic);
        return;
    }
    proxy->listeners_open = proxy->listener_count;
    for (size_t i = 0; i < proxy->listener_count; i++)
        proxy_listener_close(&proxy->listeners[i], on_listener_closed, proxy);
    if (proxy->listener_count == 0)
        stop_all(proxy);
}

/* --- life --- */

static struct err open_traffic(struct proxy *proxy, const struct proxy_start *start)
{
    struct traffic *traffic = &proxy->traffics[proxy->count];
    struct proxy_worker_options options = {
        .options = start->options,
        .resolver = start->resolver,
        .identities = start->identities,
        .offers = proxy->offers,
        .speaks = proxy->speaks,
    };
    struct err err;

    *traffic = (struct traffic){.proxy = proxy, .stop_post = {.fn = on_stop, .owner = traffic}};
    TRY(os_loop_new(&traffic->loop));
    options.loop = traffic->loop;
    err = proxy_worker_new(&options, &traffic->worker);
    if (err_is(err))
        os_loop_free(&traffic->loop);
    else
        proxy->count++;
    return err;
}

static struct err open_listeners(struct proxy *proxy, const struct proxy_start *start, size_t *ret_failed)
{
    struct proxy_worker *workers[PROXY_LISTENER_WORKER_MAX];
    struct proxy_listener_options options = {
        .loop = proxy->traffics[0].loop, .workers = workers, .worker_count = proxy->count};

    for (unsigned i = 0; i < proxy->count; i++)
        workers[i] = proxy->traffics[i].worker;
    for (size_t i = 0; i < start->listen_count; i++) {
        options.addr = start->listen[i];
        options.mode = start->modes ? &start->modes[i] : NULL;
        *ret_failed = i;
        TRY(proxy_listener_open(&options, &proxy->listeners[i]));
        proxy_listener_addr(proxy->listeners[i], &proxy->listen_addrs[i]);
        proxy->listener_count++;
    }
    return OK;
}

struct err proxy_open(const struct proxy_start *start, struct proxy **ret_proxy, size_t *ret_failed)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    unsigned count = start->worker_count ? start->worker_count : os_thread_cpu_count();
    struct err err;

    CHECK(proxy && start->listen_count <= PROXY_LISTEN_MAX);
    *ret_failed = 0;
    if (count > PROXY_LISTENER_WORKER_MAX)
        count = PROXY_LISTENER_WORKER_MAX;
    err = proxy_offer_table_new(&proxy->offers);
    if (!err_is(err))
        err = proxy_speaks_table_new(&proxy->speaks);
    for (unsigned i = 0; i < count && !err_is(err); i++)
        err = open_traffic(proxy, start);
    if (!err_is(err))
        err = open_listeners(proxy, start, ret_failed);
    if (err_is(err)) {
        proxy_close(&proxy);
        return err;
    }
    *ret_proxy = proxy;
    return OK;
}

void proxy_listen_addr(const struct proxy *proxy, size_t index, struct os_addr *ret_addr)
{
    *ret_addr = proxy->listen_addrs[index];
}

struct err proxy_run(struct proxy *proxy)
{
    char name[16];

    for (unsigned i = 0; i < proxy->count; i++) {
        snprintf(name, sizeof(name), "traffic-%u", i % 100);
        TRY(os_thread_start(name, run_loop, &proxy->traffics[i], &proxy->traffics[i].thread));
    }
    return OK;
}

/* A loop that never had a thread runs here until it is empty. */
static void close_traffic(struct traffic *traffic)
{
    if (traffic->thread)
        os_thread_join(&traffic->thread);
    else
        os_loop_run(traffic->loop);
    proxy_worker_free(&traffic->worker);
    os_loop_free(&traffic->loop);
}

void proxy_close(struct proxy **proxy)
{
    struct proxy *closing = *proxy;

    if (!closing)
        return;
    *proxy = NULL;
    if (closing->count)
        os_loop_post(closing->traffics[0].loop, &closing->traffics[0].stop_post);
    for (unsigned i = 0; i < closing->count; i++)
        close_traffic(&closing->traffics[i]);
    proxy_offer_table_free(&closing->offers);
    proxy_speaks_table_free(&closing->speaks);
    free(closing);
}

void proxy_status(const struct proxy *proxy, struct proxy_status *ret_status)
{
    *ret_status = (struct proxy_status){.worker_count = proxy->count};
    for (unsigned i = 0; i < proxy->count; i++) {
        ret_status->connection_count += atomic_load(&proxy->traffics[i].worker->shared.conn_count);
        ret_status->origin_count += atomic_load(&proxy->traffics[i].worker->shared.origin_count);
    }
}
