/* The proxy's options from the configuration, and what it asks of the rest of the program. */
#include <inttypes.h>
#include <stdlib.h>

#include "app/wire.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/thread.h"

/* The program without a connection has about 30 open; the API is left a quarter of all, at most so many. */
#define OWN_FILES ((uint64_t)32)
#define API_FILES ((uint64_t)128)
/* Fewer are worth a warning. */
#define FEW_CONNECTIONS ((size_t)1000)

/* --- what the proxy asks --- */

static uint64_t next_id(void *owner)
{
    struct app_wire *wire = owner;

    return store_recorder_next_id(wire->recorder);
}

static size_t observers_for(void *owner, struct os_loop *loop, struct exchange_observer **observers, size_t max)
{
    struct app_wire *wire = owner;
    struct store_recorder_port *port;

    CHECK(max > 0 && wire->port_count < PROXY_LISTENER_WORKER_MAX);
    CHECK(!err_is(store_recorder_port_new(wire->recorder, loop, &port)));
    wire->ports[wire->port_count++] = (struct app_wire_port){loop, port};
    observers[0] = store_recorder_port_observer(port);
    return 1;
}

/* A port's own timer is on the loop, so it goes before the loop does. */
static void observers_done(void *owner, struct os_loop *loop)
{
    struct app_wire *wire = owner;

    for (size_t i = 0; i < wire->port_count; i++) {
        if (wire->ports[i].loop == loop)
            store_recorder_port_close(&wire->ports[i].port);
    }
}

static bool is_own_addr(void *owner, const struct os_addr *addr)
{
    const struct app_wire *wire = owner;

    bool is_port = addr->port == wire->admin.port;

    for (size_t i = 0; i < wire->listener_count; i++)
        is_port = is_port || addr->port == wire->listeners[i].port;
    return is_port && os_addr_is_local(addr);
}

static void on_trust(void *owner, struct str host, uint16_t port, struct str sha256)
{
    struct err err = app_wire_trust(owner, host, port, sha256);
    char name[300];

    if (err_is(err))
        log_write(LOG_WARNING, "the certificate of %s:%u could not be trusted: %s", log_safe(host, name, sizeof(name)),
                  port, err.what);
    else
        log_write(LOG_NOTICE, "trusting the certificate of %s:%u in this project", log_safe(host, name, sizeof(name)),
                  port);
}

/* --- from the configuration --- */

static struct proxy_timeouts timeouts_of(const struct app_config *config)
{
    return (struct proxy_timeouts){
        .peek_ms = config->peek_timeout_ms,
        .client_tls_ms = config->tls_timeout_ms,
        .client_head_ms = config->client_head_timeout_ms,
        .request_body_ms = config->request_body_timeout_ms,
        .connect_ms = config->connect_timeout_ms,
        .origin_tls_ms = config->tls_timeout_ms,
        .response_head_ms = config->response_head_timeout_ms,
        .response_body_ms = config->response_body_timeout_ms,
        .keepalive_ms = config->keepalive_timeout_ms,
        .tunnel_ms = config->tunnel_timeout_ms,
        .linger_ms = config->linger_timeout_ms,
    };
}

static struct proxy_upstream upstream_of(const struct app_config_upstream *upstream)
{
    static const enum proxy_upstream_kind kinds[] = {
        [APP_CONFIG_DIRECT] = PROXY_UPSTREAM_NONE,
        [APP_CONFIG_UPSTREAM_HTTP] = PROXY_UPSTREAM_HTTP,
        [APP_CONFIG_UPSTREAM_SOCKS5] = PROXY_UPSTREAM_SOCKS5,
    };

    return (struct proxy_upstream){.kind = kinds[upstream->kind],
                                   .host = upstream->host,
                                   .port = upstream->port,
                                   .user = upstream->user,
                                   .password = upstream->password};
}

static struct proxy_hosts hosts_of(const struct app_config_hosts *hosts)
{
    return (struct proxy_hosts){.patterns = hosts->items, .count = hosts->count};
}

static void take_overrides(struct app_wire *wire)
{
    const struct app_config_overrides *overrides = &wire->config->resolve;

    wire->overrides = calloc(overrides->count + 1, sizeof(wire->overrides[0]));
    CHECK(wire->overrides);
    for (size_t i = 0; i < overrides->count; i++)
        wire->overrides[i] = (struct proxy_override){
            .host = overrides->items[i].host, .port = overrides->items[i].port, .addr = overrides->items[i].addr};
    wire->options.overrides = wire->overrides;
    wire->options.override_count = overrides->count;
}

static struct err take_client_certs(struct app_wire *wire)
{
    const struct app_config_client_certs *certs = &wire->config->client_certs;

    wire->client_certs = calloc(certs->count + 1, sizeof(wire->client_certs[0]));
    wire->identities = calloc(certs->count + 1, sizeof(struct tls_identity *));
    CHECK(wire->client_certs && wire->identities);
    wire->options.client_certs = wire->client_certs;
    for (size_t i = 0; i < certs->count; i++) {
        struct err err = tls_identity_open(certs->items[i].path.ptr, &wire->identities[i]);

        if (err_is(err)) {
            snprintf(wire->problem, sizeof(wire->problem), "--client-cert %.200s: %s", certs->items[i].path.ptr,
                     err.what);
            return err;
        }
        wire->client_certs[i] =
            (struct proxy_client_cert){.host = certs->items[i].host, .pem_path = certs->items[i].path.ptr};
        wire->options.client_cert_count++;
    }
    return OK;
}

static struct err take_proxy_auth(struct app_wire *wire)
{
    const struct app_config_credentials *auth = &wire->config->proxy_auth;

    if (auth->user.len == 0)
        return OK;
    return arena_format(&wire->arena, &wire->options.proxy_auth, "%.*s:%.*s", STR_ARG(auth->user),
                        STR_ARG(auth->password));
}

static void make_instance(struct app_wire *wire)
{
    uint64_t id;

    os_clock_random(&id, sizeof(id));
    snprintf(wire->instance, sizeof(wire->instance), "%016" PRIx64, id);
}

/* Descriptors that clients leave to the program itself: files, loops, and the API, which must answer when all else is
 * busy. */
static uint64_t own_files(uint64_t file_max)
{
    return OWN_FILES + (file_max / 4 < API_FILES ? file_max / 4 : API_FILES);
}

/* Clients of one loop.  Each may take a descriptor for itself and one for its origin. */
static size_t connections_per_loop(const struct app_wire *wire)
{
    const struct app_config *config = wire->config;
    size_t loop_count = config->workers ? config->workers : os_thread_cpu_count(), max = config->connections_max;
    uint64_t own = own_files(wire->file_max);

    if (wire->file_max && wire->file_max < own + 2 * (uint64_t)max) {
        max = wire->file_max > own + 2 ? (size_t)(wire->file_max - own) / 2 : 1;
        log_write(max < FEW_CONNECTIONS ? LOG_WARNING : LOG_DEBUG,
                  "the limit of open files (%" PRIu64 ", see ulimit -n) leaves room for %zu connections",
                  wire->file_max, max);
    }
    if (loop_count > PROXY_LISTENER_WORKER_MAX)
        loop_count = PROXY_LISTENER_WORKER_MAX;
    return (max + loop_count - 1) / loop_count;
}

struct err app_wire_proxy_options(struct app_wire *wire)
{
    const struct app_config *config = wire->config;

    make_instance(wire);
    wire->options = (struct proxy_options){
        .timeouts = timeouts_of(config),
        .limits = {.head_bytes_max = config->head_max_bytes,
                   .line_bytes_max = config->start_line_max_bytes,
                   .field_count_max = config->field_count_max,
                   .connection_max = connections_per_loop(wire),
                   .leaf_cache_max = config->leaf_cache_max},
        .is_strict = config->strict,
        .speaks_http2 = config->http2,
        .verifies_origin = config->origin_verify.kind != APP_CONFIG_VERIFY_OFF,
        .pass = hosts_of(&config->pass),
        .legacy_tls = hosts_of(&config->legacy_tls),
        .upstream_http = upstream_of(&config->upstream_http),
        .upstream_https = upstream_of(&config->upstream_https),
        .no_upstream = hosts_of(&config->upstream_except),
        .instance = str_from(wire->instance),
        .ca = wire->ca,
        .trust = wire->trust,
        .keylog = wire->keylog,
        .owner = wire,
        .next_id = next_id,
        .observers_for = observers_for,
        .observers_done = observers_done,
        .is_own_addr = is_own_addr,
        .on_trust = on_trust,
    };
    take_overrides(wire);
    TRY(take_proxy_auth(wire));
    return take_client_certs(wire);
}
