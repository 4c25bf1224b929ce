#define _POSIX_C_SOURCE 200809L /* gmtime_r */
#include "proxy/origin.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "net/dial.h"
#include "os/clock.h"
#include "os/timer.h"
#include "proxy/loopmark.h"
#include "proxy/speaks.h"
#include "proxy/upstream.h"
#include "tls/layer.h"

#define FACT_BYTES_MAX ((size_t)(16 * 1024))

enum origin_state {
    ORIGIN_DIAL,
    ORIGIN_UPSTREAM,
    ORIGIN_TLS,
    ORIGIN_OPEN,
    ORIGIN_DEAD, /* failed or closed; nothing is told any more */
};

struct proxy_origin {
    struct proxy_worker *worker;
    struct proxy_origin_request request; /* its texts point into arena */
    const struct proxy_upstream *upstream;
    enum origin_state state;
    bool is_released; /* the owner has closed it */
    bool is_reading;  /* what the owner wants */
    struct net_dial *dial;
    struct proxy_upstream_talk *talk;
    struct net_layer *layer;
    struct os_timer *timer;
    uint64_t stage_began_us;
    struct proxy_origin_facts facts;
    struct arena arena;
};

/* Frees what is left once nothing below can call back. */
static void release(struct proxy_origin *origin)
{
    struct proxy_worker *worker = origin->worker;

    os_timer_free(&origin->timer);
    arena_deinit(&origin->arena);
    free(origin);
    atomic_fetch_sub(&worker->shared.origin_count, 1);
    proxy_worker_check_idle(worker);
}

/* The connection will not be: tells the owner once. */
static void fail(struct proxy_origin *origin, struct err err)
{
    bool was_opening = origin->state != ORIGIN_OPEN;

    if (origin->state == ORIGIN_DEAD)
        return;
    origin->state = ORIGIN_DEAD;
    os_timer_stop(origin->timer);
    if (was_opening)
        origin->request.events->on_ready(origin->request.owner, err);
    else
        origin->request.events->on_error(origin->request.owner, err);
}

static void open_now(struct proxy_origin *origin)
{
    origin->state = ORIGIN_OPEN;
    os_timer_stop(origin->timer);
    if (origin->is_reading)
        net_layer_read_start(origin->layer);
    origin->request.events->on_ready(origin->request.owner, OK);
}

/* --- the layer's events, passed on while the owner listens --- */

static void on_bytes(void *owner, struct str bytes)
{
    struct proxy_origin *origin = owner;

    if (origin->state == ORIGIN_OPEN)
        origin->request.events->on_bytes(origin->request.owner, bytes);
}

static void on_eof(void *owner)
{
    struct proxy_origin *origin = owner;

    if (origin->state == ORIGIN_OPEN)
        origin->request.events->on_eof(origin->request.owner);
    else
        fail(origin, ERR(ERR_CLOSED, 0, "the origin closed the connection"));
}

static void on_error(void *owner, struct err err) { fail(owner, err); }

static void on_drain(void *owner)
{
    struct proxy_origin *origin = owner;

    if (origin->state == ORIGIN_OPEN)
        origin->request.events->on_drain(origin->request.owner);
}

static void on_closed(void *owner)
{
    struct proxy_origin *origin = owner;

    origin->layer = NULL;
    if (origin->is_released)
        release(origin);
}

static const struct net_layer_events layer_events = {
    .on_bytes = on_bytes, .on_eof = on_eof, .on_error = on_error, .on_drain = on_drain, .on_closed = on_closed};

/* --- TLS --- */

static struct str keep(struct proxy_origin *origin, const char *text)
{
    struct str copy = STR_NONE;

    /* A fact that does not fit is left out. */
    IGNORE(arena_copy(&origin->arena, str_from(text), &copy));
    return copy;
}

static struct str keep_time(struct proxy_origin *origin, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm parts;
    char text[32];

    if (!gmtime_r(&when, &parts) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts))
        return STR_NONE;
    return keep(origin, text);
}

static void keep_certificate(struct proxy_origin *origin, const struct tls_facts *facts)
{
    struct facts_tls *tls = &origin->facts.tls;
    char hex[TLS_TRUST_SHA256_BYTES * 2 + 1];

    for (size_t i = 0; i < TLS_TRUST_SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", facts->sha256[i]);
    tls->sha256 = keep(origin, hex);
    tls->subject = keep(origin, facts->subject);
    tls->issuer = keep(origin, facts->issuer);
    tls->not_before = keep_time(origin, facts->not_before_s);
    tls->not_after = keep_time(origin, facts->not_after_s);
    memcpy(origin->facts.sha256, facts->sha256, sizeof(origin->facts.sha256));
    origin->facts.has_certificate = true;
}

static void keep_tls_facts(struct proxy_origin *origin)
{
    struct facts_tls *tls = &origin->facts.tls;
    struct tls_facts facts;

    tls_layer_facts(origin->layer, &facts);
    tls->version = keep(origin, facts.version_text);
    tls->cipher = keep(origin, facts.cipher);
    tls->alpn = keep(origin, facts.alpn);
    tls->sni = keep(origin, facts.sni);
    tls->verify = keep(origin, facts.verify);
    tls->is_resumed = facts.is_resumed;
    if (facts.has_certificate)
        keep_certificate(origin, &facts);
}

static void on_tls_ready(void *owner, struct err err)
{
    struct proxy_origin *origin = owner;

    if (origin->state != ORIGIN_TLS)
        return;
    origin->facts.tls_us = (int64_t)(os_clock_mono_us() - origin->stage_began_us);
    keep_tls_facts(origin);
    if (err_is(err)) {
        fail(origin, err);
        return;
    }
    if (origin->request.offers_http2)
        proxy_speaks_note(origin->worker->speaks, origin->request.host, origin->request.port, origin->facts.tls.alpn);
    open_now(origin);
}

static const struct tls_identity *identity_for(const struct proxy_origin *origin)
{
    const struct proxy_options *options = origin->worker->options;

    for (size_t i = 0; i < options->client_cert_count; i++) {
        if (proxy_hosts_match_one(options->client_certs[i].host, origin->request.host))
            return origin->worker->identities[i];
    }
    return NULL;
}

static struct str alpn_of(const struct proxy_origin_request *request)
{
    if (request->offers_http2)
        return request->offers_http1 ? STR("h2,http/1.1") : STR("h2");
    return request->offers_http1 ? STR("http/1.1") : STR_NONE;
}

static void start_tls(struct proxy_origin *origin)
{
    const struct proxy_options *options = origin->worker->options;
    struct tls_layer_origin_options tls = {
        .above = {.on_ready = on_tls_ready, .events = &layer_events, .owner = origin},
        .host = origin->request.host,
        .port = origin->request.port,
        .sni = origin->request.sni,
        .alpn = alpn_of(&origin->request),
        .trust_mode = options->verifies_origin ? TLS_TRUST_ON : TLS_TRUST_OFF,
        .identity = identity_for(origin),
        .is_legacy = proxy_hosts_match(&options->legacy_tls, origin->request.host),
    };
    struct net_layer *lower = origin->layer;
    struct err err;

    origin->state = ORIGIN_TLS;
    origin->facts.stage = "TLS handshake";
    origin->stage_began_us = os_clock_mono_us();
    os_timer_start(origin->timer, options->timeouts.origin_tls_ms);
    err = tls_layer_new_origin_side(origin->worker->tls, lower, &tls, &origin->layer);
    if (err_is(err)) {
        origin->layer = lower;
        fail(origin, err);
    }
}

/* --- connecting --- */

static void go_on_connected(struct proxy_origin *origin)
{
    net_layer_set_owner(origin->layer, &layer_events, origin);
    if (origin->request.is_tls)
        start_tls(origin);
    else
        open_now(origin);
}

static void on_talk_done(void *owner, struct err err, struct net_layer *layer, struct str first_bytes)
{
    struct proxy_origin *origin = owner;

    origin->talk = NULL;
    origin->layer = layer;
    if (err_is(err)) {
        fail(origin, err);
    } else if (first_bytes.len) {
        /* An origin cannot have been spoken to yet, so these bytes have no place in any protocol that follows. */
        net_layer_set_owner(layer, &layer_events, origin);
        fail(origin, ERR(ERR_SYNTAX, 502, "the upstream proxy sent bytes before the tunnel was used"));
    } else {
        go_on_connected(origin);
    }
}

static void start_talk(struct proxy_origin *origin)
{
    const struct proxy_options *options = origin->worker->options;
    char mark[PROXY_LOOPMARK_BYTES_MAX * 2];
    struct proxy_upstream_request request = {
        .upstream = origin->upstream,
        .host = origin->request.host,
        .port = origin->request.port,
        .loopmark = proxy_loopmark_next(options, origin->upstream, origin->request.loopmark, mark),
        .on_done = on_talk_done,
        .owner = origin,
    };

    origin->state = ORIGIN_UPSTREAM;
    origin->facts.stage = "upstream proxy";
    os_timer_start(origin->timer, options->timeouts.origin_tls_ms);
    origin->talk = proxy_upstream_start(origin->layer, &request);
    origin->layer = NULL;
}

static void on_dialled(void *owner, struct err err, const struct net_dial_result *result)
{
    struct proxy_origin *origin = owner;

    origin->dial = NULL;
    if (result->addr.family) {
        char text[OS_ADDR_TEXT_BYTES];

        os_addr_format_ip(&result->addr, text);
        snprintf(origin->facts.addr.ip, sizeof(origin->facts.addr.ip), "%.63s", text);
        origin->facts.addr.port = result->addr.port;
        origin->facts.stage = "connect";
        origin->facts.connect_us = (int64_t)result->connect_us;
    }
    origin->facts.dns_us = (int64_t)result->resolve_us;
    if (err_is(err)) {
        fail(origin, err);
        return;
    }
    origin->layer = result->socket;
    if (origin->upstream && !proxy_origin_is_upstream_http(origin))
        start_talk(origin);
    else
        go_on_connected(origin);
}

static void on_timeout(void *owner) { fail(owner, ERR(ERR_TIMEOUT, 504, "the origin took too long")); }

static bool is_allowed(void *policy, const struct os_addr *addr)
{
    const struct proxy_options *options = policy;

    return !options->is_own_addr || !options->is_own_addr(options->owner, addr);
}

static size_t find_override(void *policy, struct str host, uint16_t port, struct os_addr *addrs, size_t addr_max)
{
    const struct proxy_options *options = policy;
    size_t count = 0;

    for (size_t i = 0; i < options->override_count && count < addr_max; i++) {
        const struct proxy_override *override = &options->overrides[i];

        if ((override->port && override->port != port) || !proxy_hosts_match_one(override->host, host))
            continue;
        addrs[count] = override->addr;
        if (addrs[count].port == 0)
            addrs[count].port = port;
        count++;
    }
    return count;
}

static struct err dial(struct proxy_origin *origin)
{
    const struct proxy_options *options = origin->worker->options;
    struct net_dial_options dial = {
        .resolver = origin->worker->resolver,
        .timeout_ms = options->timeouts.connect_ms,
        .is_allowed = is_allowed,
        .find_override = find_override,
        .policy = (void *)options,
    };
    struct str address = origin->request.dial_host.len ? origin->request.dial_host : origin->request.host;
    struct net_dial_request request = {
        .host = origin->upstream ? origin->upstream->host : address,
        .port = origin->upstream ? origin->upstream->port : origin->request.port,
        .on_done = on_dialled,
        .owner = origin,
    };

    return net_dial_start(origin->worker->loop, &dial, &request, &origin->dial);
}

const struct proxy_upstream *proxy_origin_upstream(const struct proxy_options *options, struct str host, bool is_tls)
{
    const struct proxy_upstream *upstream = is_tls ? &options->upstream_https : &options->upstream_http;

    if (upstream->kind == PROXY_UPSTREAM_NONE || proxy_hosts_match(&options->no_upstream, host))
        return NULL;
    return upstream;
}

/* Fails on the timer, since the owner may not be called from inside proxy_origin_open(). */
static void fail_later(struct proxy_origin *origin) { os_timer_start(origin->timer, 0); }

struct proxy_origin *proxy_origin_open(struct proxy_worker *worker, const struct proxy_origin_request *request)
{
    struct proxy_origin *origin = calloc(1, sizeof(*origin));

    CHECK(origin);
    origin->worker = worker;
    origin->request = *request;
    arena_init(&origin->arena, FACT_BYTES_MAX);
    origin->facts = (struct proxy_origin_facts){.dns_us = FACTS_UNKNOWN_US,
                                                .connect_us = FACTS_UNKNOWN_US,
                                                .tls_us = FACTS_UNKNOWN_US,
                                                .number = proxy_worker_number(),
                                                .stage = "look-up"};
    atomic_fetch_add(&worker->shared.origin_count, 1);
    IGNORE(arena_copy(&origin->arena, request->host, &origin->request.host)); /* bounded by the head's limit */
    IGNORE(arena_copy(&origin->arena, request->dial_host, &origin->request.dial_host));
    IGNORE(arena_copy(&origin->arena, request->sni, &origin->request.sni));
    IGNORE(arena_copy(&origin->arena, request->loopmark, &origin->request.loopmark));
    origin->upstream = proxy_origin_upstream(worker->options, request->host, request->is_tls);
    CHECK(!err_is(os_timer_new(worker->loop, on_timeout, origin, &origin->timer)));
    if (err_is(dial(origin)))
        fail_later(origin);
    return origin;
}

void proxy_origin_close(struct proxy_origin **origin, bool with_reset)
{
    struct proxy_origin *closing = *origin;

    if (!closing)
        return;
    *origin = NULL;
    closing->state = ORIGIN_DEAD;
    closing->is_released = true;
    os_timer_stop(closing->timer);
    if (closing->dial)
        net_dial_cancel(&closing->dial);
    if (closing->talk)
        proxy_upstream_cancel(&closing->talk);
    if (closing->layer)
        closing->layer->ops->close(closing->layer, with_reset);
    else
        release(closing);
}

const struct proxy_origin_facts *proxy_origin_facts(const struct proxy_origin *origin) { return &origin->facts; }

bool proxy_origin_is_open(const struct proxy_origin *origin) { return origin->state == ORIGIN_OPEN; }

const struct proxy_origin_request *proxy_origin_request(const struct proxy_origin *origin) { return &origin->request; }

struct os_loop *proxy_origin_loop(const struct proxy_origin *origin) { return origin->worker->loop; }

const char *proxy_origin_name(const struct proxy_origin *origin, char *text, size_t size)
{
    bool is_ip6 = str_find_char(origin->request.host, ':') != STR_ABSENT;
    char host[256];

    log_safe(origin->request.host, host, sizeof(host));
    snprintf(text, size, "%s%s%s:%u", is_ip6 ? "[" : "", host, is_ip6 ? "]" : "", origin->request.port);
    return text;
}

bool proxy_origin_is_for(const struct proxy_origin *origin, struct str host, uint16_t port, bool is_tls)
{
    return origin->request.port == port && origin->request.is_tls == is_tls &&
           str_eq_nocase(origin->request.host, host);
}

const struct proxy_upstream *proxy_origin_unreached_upstream(const struct proxy_origin *origin)
{
    return origin->layer || origin->talk ? NULL : origin->upstream;
}

bool proxy_origin_is_upstream_http(const struct proxy_origin *origin)
{
    return origin->upstream && origin->upstream->kind == PROXY_UPSTREAM_HTTP && origin->request.is_plain_http;
}

void proxy_origin_write(struct proxy_origin *origin, const struct str *parts, size_t part_count)
{
    if (origin->state == ORIGIN_OPEN)
        net_layer_write(origin->layer, parts, part_count);
}

size_t proxy_origin_queued(const struct proxy_origin *origin)
{
    return origin->state == ORIGIN_OPEN ? net_layer_queued(origin->layer) : 0;
}

void proxy_origin_shutdown(struct proxy_origin *origin)
{
    if (origin->state == ORIGIN_OPEN)
        net_layer_shutdown(origin->layer);
}

void proxy_origin_read(struct proxy_origin *origin, bool is_wanted)
{
    if (origin->is_reading == is_wanted)
        return;
    origin->is_reading = is_wanted;
    if (origin->state != ORIGIN_OPEN)
        return;
    if (is_wanted)
        net_layer_read_start(origin->layer);
    else
        net_layer_read_stop(origin->layer);
}

bool proxy_origin_was_truncated(const struct proxy_origin *origin)
{
    return origin->layer && net_layer_was_truncated(origin->layer);
}

void proxy_origin_set_owner(struct proxy_origin *origin, const struct proxy_origin_events *events, void *owner)
{
    origin->request.events = events;
    origin->request.owner = owner;
}
