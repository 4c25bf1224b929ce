#include "proxy/peek.h"

#include <stdlib.h>

#include "base/buf.h"
#include "os/tcp.h"
#include "proxy/h1.h"
#include "proxy/h2.h"
#include "proxy/page.h"
#include "proxy/socks.h"
#include "proxy/speaks.h"
#include "proxy/tunnel.h"
#include "tls/hello.h"
#include "tls/layer.h"
#include "tls/leaf.h"

/* The longest method that is looked for: what is longer is no request line. */
#define METHOD_MAX 32
#define LINE_MAX ((size_t)(64 * 1024))
#define TLS_HANDSHAKE_RECORD 0x16
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
/* What a client's handshake may wait for an origin to say what it speaks. */
#define ASKING_MS 2000

struct peek {
    struct buf bytes;
    struct tls_hello hello;
    bool is_asking; /* the client's handshake waits for the origin */
    bool is_hand_shaking;
};

enum look {
    LOOK_MORE,
    LOOK_TLS,
    LOOK_HTTP,
    LOOK_HTTP2,
    LOOK_SOCKS,
    LOOK_OTHER,
};

/* Lets go of the state; the bytes live on in the loop's scratch memory until the end of the turn. */
static struct str let_go(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;
    struct str bytes = STR_NONE;

    CHECK(!err_is(arena_copy(os_loop_scratch(conn->worker->loop), buf_str(&peek->bytes), &bytes)));
    proxy_conn_wait_end(conn);
    tls_hello_deinit(&peek->hello);
    buf_deinit(&peek->bytes);
    free(peek);
    conn->handler_state = NULL;
    return bytes;
}

/* --- what it is --- */

static bool is_request_line(struct str line) { return str_find(line, STR(" HTTP/")) != STR_ABSENT; }

/* RFC 9112, 3: method SP request-target SP HTTP-version.  The method is a token; a line without a version is no HTTP
 * for us inside CONNECT, where it may be any protocol. */
static enum look look_at_text(struct str bytes)
{
    struct str line, rest;
    size_t space;

    while (bytes.len && (bytes.ptr[0] == '\r' || bytes.ptr[0] == '\n'))
        bytes = str_skip(bytes, 1);
    for (size_t i = 0; i < bytes.len && i < METHOD_MAX; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];

        if (c == ' ')
            break;
        if (c <= ' ' || c >= 0x7f)
            return LOOK_OTHER;
    }
    space = str_find_char(bytes, ' ');
    if (space == STR_ABSENT)
        return bytes.len > METHOD_MAX ? LOOK_OTHER : LOOK_MORE;
    if (space > METHOD_MAX || space == 0)
        return LOOK_OTHER;
    if (str_cut(bytes, '\n', &line, &rest))
        return is_request_line(line) ? LOOK_HTTP : LOOK_OTHER;
    return bytes.len > LINE_MAX ? LOOK_OTHER : LOOK_MORE;
}

/* RFC 9113, 3.4: the preface begins like a request line, so that nobody takes it for another protocol. */
static bool is_preface(struct str bytes) { return str_starts(bytes, STR(H2_PREFACE)); }

static bool may_be_preface(struct str bytes)
{
    return bytes.len < sizeof(H2_PREFACE) - 1 && str_starts(STR(H2_PREFACE), bytes);
}

static enum look look(struct proxy_conn *conn, struct str news)
{
    struct peek *peek = conn->handler_state;
    struct str bytes = buf_str(&peek->bytes);

    if (bytes.len == 0)
        return LOOK_MORE;
    if (bytes.ptr[0] == TLS_HANDSHAKE_RECORD && !conn->is_inside_tls) {
        enum tls_hello_state state = tls_hello_push(&peek->hello, news);

        return state == TLS_HELLO_MORE ? LOOK_MORE : state == TLS_HELLO_IS ? LOOK_TLS : LOOK_OTHER;
    }
    if (!conn->is_inside_connect && proxy_socks_is_first_byte(bytes.ptr[0]))
        return LOOK_SOCKS;
    if (is_preface(bytes))
        return LOOK_HTTP2;
    if (may_be_preface(bytes))
        return LOOK_MORE;
    /* On our own port everything else is a request, good or bad: its error page explains. */
    if (!conn->is_inside_connect)
        return LOOK_HTTP;
    return look_at_text(bytes);
}

/* --- what follows from it --- */

static void start_tunnel(struct proxy_conn *conn, struct str flag, bool hides_bytes)
{
    struct str bytes = let_go(conn);
    struct proxy_tunnel_request request = {.host = conn->authority.host,
                                           .port = conn->authority.port,
                                           .is_tls = proxy_conn_is_tls_origin(conn),
                                           .flag = flag,
                                           .hides_bytes = hides_bytes,
                                           .client_bytes = bytes};

    proxy_tunnel_start(conn, &request);
}

static void start_http(struct proxy_conn *conn)
{
    struct str bytes = let_go(conn);

    proxy_h1_start(conn, bytes);
}

static void start_http2(struct proxy_conn *conn)
{
    struct str bytes = let_go(conn);

    proxy_h2_start(conn, bytes);
}

static struct str keep(struct proxy_conn *conn, const char *text)
{
    struct str copy = STR_NONE;

    /* A fact that does not fit is left out. */
    IGNORE(arena_copy(&conn->arena, str_from(text), &copy));
    return copy;
}

static void keep_tls_facts(struct proxy_conn *conn)
{
    struct tls_facts facts;

    tls_layer_facts(conn->client, &facts);
    conn->client_tls = (struct facts_tls){
        .version = keep(conn, facts.version_text),
        .cipher = keep(conn, facts.cipher),
        .alpn = keep(conn, facts.alpn),
        .sni = conn->client_tls.sni,
        .ja4 = conn->client_tls.ja4,
        .is_resumed = facts.is_resumed,
    };
}

/* A row for a handshake that failed: without it, a client that pins certificates would just seem to do nothing. */
static void record_handshake(struct proxy_conn *conn, struct err err)
{
    struct exchange exchange;
    struct exchange_facts *facts = &exchange.facts;
    struct str text = STR_NONE;

    exchange_init(&exchange, PROXY_CONN_ARENA_BYTES_MAX, conn->worker->observers, conn->worker->observer_count);
    proxy_conn_describe(conn, &exchange);
    facts->kind = EXCHANGE_HANDSHAKE;
    facts->scheme = STR("https");
    facts->host = conn->authority.host;
    facts->port = conn->authority.port;
    if (tls_layer_is_refusal(err))
        IGNORE(arena_format(&exchange.arena, &text,
                            "The client does not trust our certificate (alert %u). Install the CA in it (http://"
                            "sekisho.proxy/), or leave this host undecrypted: --pass %.*s",
                            err.wire, STR_ARG(facts->host)));
    else
        IGNORE(arena_format(&exchange.arena, &text, "The TLS handshake with the client failed: %s.", err.what));
    exchange_begin(&exchange);
    proxy_conn_fail_exchange(&exchange,
                             tls_layer_is_refusal(err) ? STR("client-refused-certificate") : STR("client-tls"), text);
    for (enum exchange_side side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE; side++)
        exchange_half_end(&exchange, side, false);
    proxy_conn_end_exchange(&exchange);
    exchange_deinit(&exchange);
}

static void on_tls_ready(void *owner, struct err err)
{
    struct proxy_conn *conn = owner;
    struct peek *peek = conn->handler_state;

    if (conn->is_closing)
        return;
    peek->is_hand_shaking = false;
    keep_tls_facts(conn);
    if (err_is(err)) {
        record_handshake(conn, err);
        proxy_conn_close(conn, false);
        return;
    }
    conn->is_inside_tls = true;
    if (str_eq(conn->client_tls.alpn, STR("h2")))
        start_http2(conn);
    else if (conn->client_tls.alpn.len || !conn->is_inside_connect)
        start_http(conn);
    else
        proxy_peek_again(conn, let_go(conn));
}

/* The names to try for a leaf: what the client asks for, then where it wants to go, then our own address. */
static struct err wrap(struct proxy_conn *conn, const struct tls_layer_client_options *options, struct net_layer *lower)
{
    struct str names[] = {options->name, conn->authority.host, str_from(conn->listener_addr.ip)};
    struct err err = ERR(ERR_SYNTAX, 0, "no name for a certificate");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct tls_layer_client_options attempt = *options;

        attempt.name = names[i];
        if (names[i].len == 0)
            continue;
        err = tls_layer_new_client_side(conn->worker->tls, lower, &attempt, &conn->client);
        if (err.code != ERR_SYNTAX)
            return err;
    }
    return err;
}

/* A redirected client tells no name but its SNI: that is who the origin must prove to be, at the address it was at. */
static void name_transparent_origin(struct proxy_conn *conn)
{
    if (!conn->mode || conn->mode->kind != PROXY_MODE_TRANSPARENT || !tls_leaf_is_name(conn->client_tls.sni))
        return;
    conn->dial_host = conn->authority.host;
    conn->authority.host = conn->client_tls.sni;
}

/* Answers the client's hello. */
static void answer_tls(struct proxy_conn *conn, bool has_http2)
{
    struct peek *peek = conn->handler_state;
    struct net_layer *lower = conn->client;
    struct tls_layer_client_options options = {
        .above = {.on_ready = on_tls_ready, .events = &proxy_conn_layer_events, .owner = conn},
        .name = peek->hello.sni,
        .alpn = has_http2 ? STR("h2,http/1.1") : STR("http/1.1"),
        .first_bytes = buf_str(&peek->bytes),
        .ja4 = str_from(peek->hello.ja4),
        .is_legacy = proxy_hosts_match(&conn->worker->options->legacy_tls, conn->authority.host),
    };
    struct err err;

    peek->is_asking = false;
    proxy_conn_wait(conn, conn->worker->options->timeouts.client_tls_ms);
    err = wrap(conn, &options, lower);
    if (err_is(err)) {
        conn->client = lower;
        record_handshake(conn, err);
        proxy_conn_close(conn, false);
        return;
    }
    peek->is_hand_shaking = true;
    buf_clear(&peek->bytes);
}

/* --- asking the origin what it speaks --- */

static bool speaks_http2(const struct proxy_origin *origin)
{
    return str_eq(proxy_origin_facts(origin)->tls.alpn, STR("h2"));
}

/* Without an origin that answers, HTTP/1.1 is what an explaining page can be read with. */
static void on_early_ready(void *owner, struct err err)
{
    struct proxy_conn *conn = owner;

    conn->early_err = err;
    answer_tls(conn, !err_is(err) && speaks_http2(conn->early_origin));
}

static void on_early_bytes(void *owner, struct str bytes)
{
    (void)owner;
    (void)bytes;
    CHECK(false); /* it is not read */
}

/* It has gone before it was used; the handler opens another. */
static void on_early_eof(void *owner)
{
    struct proxy_conn *conn = owner;

    proxy_origin_close(&conn->early_origin, false);
}

static void on_early_error(void *owner, struct err err)
{
    (void)err;
    on_early_eof(owner);
}

static void on_early_drain(void *owner) { (void)owner; }

static const struct proxy_origin_events early_events = {.on_ready = on_early_ready,
                                                        .on_bytes = on_early_bytes,
                                                        .on_eof = on_early_eof,
                                                        .on_error = on_early_error,
                                                        .on_drain = on_early_drain};

static void ask_origin(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;
    bool is_reverse = conn->mode && conn->mode->kind == PROXY_MODE_REVERSE;
    struct proxy_origin_request request = {
        .host = conn->authority.host,
        .dial_host = conn->dial_host,
        .port = conn->authority.port,
        .is_tls = true,
        .sni = is_reverse ? STR_NONE : conn->client_tls.sni,
        .loopmark = conn->loopmark,
        .offers_http1 = conn->client_offers_http1,
        .offers_http2 = true,
        .events = &early_events,
        .owner = conn,
    };

    peek->is_asking = true;
    proxy_conn_wait(conn, ASKING_MS);
    conn->early_origin = proxy_origin_open(conn->worker, &request);
}

/* Whether HTTP/2 can be meant at all: with the one origin, in TLS, that the connection leads to. */
static bool may_speak_http2(const struct proxy_conn *conn)
{
    bool is_plain = conn->mode && conn->mode->kind == PROXY_MODE_REVERSE && !conn->mode->is_tls;

    return conn->worker->options->speaks_http2 && conn->client_offers_http2 && conn->is_inside_connect &&
           conn->worker->speaks && !is_plain && !str_eq_nocase(conn->authority.host, STR(PROXY_PAGE_HOST));
}

static void start_tls(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;
    enum proxy_speaks_version known;

    conn->client_offers_http1 = tls_hello_offers(&peek->hello, STR("http/1.1"));
    conn->client_offers_http2 = tls_hello_offers(&peek->hello, STR("h2"));
    conn->client_has_alpn = peek->hello.alpn_count > 0;
    IGNORE(arena_copy(&conn->arena, peek->hello.sni, &conn->client_tls.sni)); /* a fact that may be left out */
    conn->client_tls.ja4 = keep(conn, peek->hello.ja4);
    name_transparent_origin(conn);
    proxy_conn_read(conn, false);
    known = proxy_speaks_find(conn->worker->speaks, conn->authority.host, conn->authority.port);
    if (!may_speak_http2(conn))
        answer_tls(conn, false);
    else if (known == PROXY_SPEAKS_UNKNOWN && proxy_conn_may_contact_origin(conn))
        ask_origin(conn);
    else
        answer_tls(conn, known == PROXY_SPEAKS_HTTP2);
}

static bool is_passed(const struct proxy_conn *conn)
{
    const struct peek *peek = conn->handler_state;
    const struct proxy_hosts *pass = &conn->worker->options->pass;

    return conn->is_inside_connect &&
           (proxy_hosts_match(pass, conn->authority.host) || proxy_hosts_match(pass, peek->hello.sni));
}

static void start_socks(struct proxy_conn *conn)
{
    struct str bytes = let_go(conn);

    proxy_socks_start(conn, bytes);
}

static void decide(struct proxy_conn *conn, enum look what)
{
    bool is_socks_only = conn->mode && conn->mode->kind == PROXY_MODE_SOCKS5 && !conn->is_inside_connect;

    if (what == LOOK_SOCKS)
        start_socks(conn);
    else if (is_socks_only)
        proxy_conn_close(conn, false);
    else if (what == LOOK_TLS && is_passed(conn))
        start_tunnel(conn, STR("passed"), true);
    else if (what == LOOK_TLS && conn->worker->tls)
        start_tls(conn);
    else if (what == LOOK_HTTP)
        start_http(conn);
    else if (what == LOOK_HTTP2)
        start_http2(conn);
    else if (conn->is_inside_connect)
        start_tunnel(conn, STR("not-http"), false);
    else
        start_http(conn);
}

/* --- events --- */

static void update_reading(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;

    proxy_conn_read(conn, !peek->is_hand_shaking && !peek->is_asking && proxy_worker_may_read(conn->worker));
}

static void on_bytes(struct proxy_conn *conn, struct str bytes)
{
    struct peek *peek = conn->handler_state;
    bool is_first = peek->bytes.len == 0;
    enum look what;

    /* The maximum leaves room for one read beyond what any look needs. */
    CHECK(!err_is(buf_append(&peek->bytes, bytes)));
    what = look(conn, bytes);
    /* A handshake has begun; that the rest of its first message is slow to come does not make it another protocol. */
    if (is_first && what == LOOK_MORE && bytes.ptr[0] == TLS_HANDSHAKE_RECORD)
        proxy_conn_wait(conn, conn->worker->options->timeouts.client_tls_ms);
    if (what != LOOK_MORE)
        decide(conn, what);
    else if (buf_str(&peek->bytes).len > TLS_HELLO_RAW_MAX)
        decide(conn, LOOK_OTHER);
}

static void on_eof(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;

    if (peek->bytes.len && conn->is_inside_connect) {
        start_tunnel(conn, STR("not-http"), false);
        proxy_conn_pass_eof(conn);
    } else {
        proxy_conn_close(conn, false);
    }
}

static void on_error(struct proxy_conn *conn, struct err err)
{
    (void)err;
    proxy_conn_close(conn, false);
}

static void on_drain(struct proxy_conn *conn) { (void)conn; }

static void on_timeout(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;

    if (peek->is_asking) {
        proxy_origin_close(&conn->early_origin, false);
        answer_tls(conn, false);
    } else if (peek->is_hand_shaking) {
        record_handshake(conn, ERR(ERR_TIMEOUT, 0, "it took too long"));
        proxy_conn_close(conn, false);
    } else if (conn->is_inside_connect) {
        start_tunnel(conn, peek->bytes.len ? STR("not-http") : STR("server-first"), false);
    } else {
        proxy_conn_close(conn, false);
    }
}

static void stop(struct proxy_conn *conn) { (void)conn; }

static void free_peek(struct proxy_conn *conn)
{
    struct peek *peek = conn->handler_state;

    if (!peek)
        return;
    tls_hello_deinit(&peek->hello);
    buf_deinit(&peek->bytes);
    free(peek);
}

static const struct proxy_handler handler = {
    .name = "peek",
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_timeout = on_timeout,
    .update_reading = update_reading,
    .stop = stop,
    .free = free_peek,
};

static void begin(struct proxy_conn *conn)
{
    struct peek *peek = calloc(1, sizeof(*peek));

    CHECK(peek);
    buf_init(&peek->bytes, TLS_HELLO_RAW_MAX + (size_t)OS_TCP_READ_BYTES * 2);
    tls_hello_init(&peek->hello);
    proxy_conn_hand(conn, &handler, peek);
}

void proxy_peek_start(struct proxy_conn *conn)
{
    begin(conn);
    proxy_conn_wait(conn, conn->worker->options->timeouts.keepalive_ms);
    update_reading(conn);
}

void proxy_peek_again(struct proxy_conn *conn, struct str first_bytes)
{
    begin(conn);
    proxy_conn_wait(conn, conn->worker->options->timeouts.peek_ms);
    if (first_bytes.len)
        on_bytes(conn, first_bytes);
    if (conn->handler == &handler && !conn->is_closing)
        update_reading(conn);
}
