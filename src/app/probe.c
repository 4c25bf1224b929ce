#include "app/probe.h"

#include "proxy/origin.h"

/* A loop and a worker of its own, for the length of one handshake. */
struct probe {
    struct os_loop *loop;
    struct proxy_origin *origin;
    struct proxy_worker *worker;
    struct err err;
    char *sha256;
    bool is_found;
};

static void on_idle(void *owner)
{
    struct probe *probe = owner;

    os_loop_stop(probe->loop);
}

static void end(struct probe *probe)
{
    proxy_origin_close(&probe->origin, false);
    proxy_worker_stop(probe->worker, on_idle, probe);
}

static void on_ready(void *owner, struct err err)
{
    struct probe *probe = owner;
    const struct proxy_origin_facts *facts = proxy_origin_facts(probe->origin);

    probe->err = err;
    if (facts->has_certificate && str_to_c(facts->tls.sha256, probe->sha256, 65))
        probe->is_found = true;
    end(probe);
}

static void on_bytes(void *owner, struct str bytes)
{
    (void)owner;
    (void)bytes;
}

static void on_event(void *owner) { (void)owner; }

static void on_error(void *owner, struct err err)
{
    (void)owner;
    (void)err;
}

static const struct proxy_origin_events events = {
    .on_ready = on_ready, .on_bytes = on_bytes, .on_eof = on_event, .on_error = on_error, .on_drain = on_event};

static struct err run(struct probe *probe, const struct proxy_worker_options *options,
                      const struct proxy_origin_request *request)
{
    TRY(proxy_worker_new(options, &probe->worker));
    probe->origin = proxy_origin_open(probe->worker, request);
    os_loop_run(probe->loop);
    proxy_worker_free(&probe->worker);
    if (probe->is_found)
        return OK;
    return err_is(probe->err) ? probe->err : ERR(ERR_TLS, 0, "it showed no certificate");
}

struct err app_probe_certificate(struct app_wire *wire, struct str host, uint16_t port, char ret_sha256[65])
{
    struct probe probe = {.sha256 = ret_sha256};
    struct proxy_options proxy = wire->options;
    struct proxy_worker_options options = {
        .options = &proxy, .resolver = wire->resolver, .identities = wire->identities};
    struct proxy_origin_request request = {
        .host = host, .port = port, .is_tls = true, .offers_http1 = true, .events = &events, .owner = &probe};
    struct err err;

    proxy.verifies_origin = false;
    proxy.observers_for = NULL;
    proxy.observers_done = NULL;
    TRY(os_loop_new(&probe.loop));
    options.loop = probe.loop;
    err = run(&probe, &options, &request);
    os_loop_free(&probe.loop);
    return err;
}
