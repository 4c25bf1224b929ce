#include "proxying.h"

#include <stdlib.h>

#include "proxy/listener.h"

#define LISTEN_TEXT "127.0.0.1:8080"
#define ORIGIN_TEXT "192.0.2.1:80"

static struct proxying *from_observer(struct exchange_observer *observer)
{
    return LIST_OWNER(observer, struct proxying, observer);
}

static void on_begin(struct exchange_observer *self, struct exchange *exchange)
{
    (void)exchange;
    from_observer(self)->begun_count++;
}

static void on_head(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side)
{
    (void)self;
    (void)exchange;
    (void)side;
}

static void on_interim(struct exchange_observer *self, struct exchange *exchange, struct str wire)
{
    (void)self;
    (void)exchange;
    (void)wire;
}

static void on_bytes(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side,
                     struct str wire)
{
    (void)exchange;
    from_observer(self)->wire_bytes[side] += wire.len;
}

static void on_half_end(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side)
{
    on_head(self, exchange, side);
}

static void on_end(struct exchange_observer *self, struct exchange *exchange)
{
    struct proxying *proxying = from_observer(self);

    (void)exchange;
    proxying->ended_count++;
    CHECK(proxying->ended_count <= proxying->begun_count);
}

static const struct exchange_observer_ops observer_ops = {
    .on_begin = on_begin,
    .on_head = on_head,
    .on_interim = on_interim,
    .on_bytes = on_bytes,
    .on_half_end = on_half_end,
    .on_end = on_end,
};

static uint64_t next_id(void *owner) { return ++((struct proxying *)owner)->last_id; }

static size_t observers_for(void *owner, struct os_loop *loop, struct exchange_observer **observers, size_t max)
{
    struct proxying *proxying = owner;

    (void)loop;
    CHECK(max > 0);
    observers[0] = &proxying->observer;
    return 1;
}

static bool is_own_addr(void *owner, const struct os_addr *addr)
{
    (void)owner;
    return addr->port == 8080 && os_addr_is_local(addr);
}

static void set_options(struct proxying *proxying)
{
    proxying->options = (struct proxy_options){
        .timeouts =
            {
                .peek_ms = 2000,
                .client_tls_ms = 10000,
                .client_head_ms = 30000,
                .request_body_ms = 60000,
                .connect_ms = 15000,
                .origin_tls_ms = 10000,
                .response_head_ms = 120000,
                .response_body_ms = 300000,
                .keepalive_ms = 75000,
                .tunnel_ms = 600000,
                .linger_ms = 2000,
            },
        .limits =
            {
                .head_bytes_max = 65536,
                .line_bytes_max = 16384,
                .field_count_max = 200,
                .connection_max = 1000,
                .leaf_cache_max = 10,
            },
        .owner = proxying,
        .next_id = next_id,
        .observers_for = observers_for,
        .is_own_addr = is_own_addr,
    };
}

void proxying_init(struct proxying *proxying, uint64_t seed)
{
    *proxying = (struct proxying){.observer = {&observer_ops}};
    proxying->sim = sim_new(&(struct sim_options){.seed = seed});
    proxying->origin = sim_listen(proxying->sim, sim_addr(ORIGIN_TEXT));
    sim_name(proxying->sim, "origin.test", sim_addr(ORIGIN_TEXT));
    set_options(proxying);
}

struct err proxying_start(struct proxying *proxying)
{
    struct proxy_listener_options listener = {.addr = sim_addr(LISTEN_TEXT), .worker_count = 1};
    struct proxy_worker_options worker = {.options = &proxying->options};
    struct os_resolver_options resolver = {0};

    TRY(os_loop_new(&proxying->loop));
    TRY(os_resolver_new(&resolver, &proxying->resolver));
    worker.loop = listener.loop = proxying->loop;
    worker.resolver = proxying->resolver;
    TRY(proxy_worker_new(&worker, &proxying->worker));
    listener.workers = &proxying->worker;
    return proxy_listener_open(&listener, &proxying->listener);
}

struct sim_peer *proxying_connect(struct proxying *proxying)
{
    return sim_connect(proxying->sim, sim_addr(LISTEN_TEXT));
}

static void on_listener_closed(void *owner) { ((struct proxying *)owner)->is_listener_closed = true; }

static void on_idle(void *owner) { ((struct proxying *)owner)->is_idle = true; }

void proxying_stop(struct proxying *proxying)
{
    if (proxying->listener) {
        proxy_listener_close(&proxying->listener, on_listener_closed, proxying);
        sim_settle(proxying->sim);
        CHECK(proxying->is_listener_closed);
    }
    if (proxying->worker) {
        proxy_worker_stop(proxying->worker, on_idle, proxying);
        sim_settle(proxying->sim);
        CHECK(proxying->is_idle);
        proxy_worker_free(&proxying->worker);
    }
    CHECK(proxying->begun_count == proxying->ended_count);
    os_resolver_free(&proxying->resolver);
    os_loop_free(&proxying->loop);
    sim_free(&proxying->sim);
}
