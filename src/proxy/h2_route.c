/* Where a stream's request goes: a link, or an answer of our own. */
#include "http/target.h"
#include "os/clock.h"
#include "proxy/auth.h"
#include "proxy/h2_private.h"
#include "proxy/loopmark.h"
#include "proxy/noise.h"

/* The request as it is recorded. */
struct record {
    struct http_message *message;
    struct str wire;
};

/* Inside CONNECT its authority decides, as for HTTP/1; else the request's. */
static struct err find_way(struct proxy_h2_stream *stream, struct proxy_h2_way *way)
{
    const struct proxy_conn *conn = stream->h2->conn;
    struct http_authority authority;

    if (conn->is_inside_connect) {
        *way = (struct proxy_h2_way){conn->authority.host, conn->authority.port, proxy_conn_is_tls_origin(conn)};
        return OK;
    }
    way->is_tls = str_eq_nocase(stream->request_head.scheme, STR("https"));
    TRY(http_target_parse_authority(stream->request_head.authority, &authority));
    TRY(arena_copy_lower(&stream->exchange.arena, authority.host, &way->host));
    way->port = authority.port ? authority.port : http_target_default_port(stream->request_head.scheme);
    return way->port ? OK : ERR(ERR_SYNTAX, 400, "scheme without a port of its own");
}

static void describe(struct proxy_h2_stream *stream, const struct proxy_h2_way *way, const struct http_message *message)
{
    struct exchange_facts *facts = &stream->exchange.facts;

    facts->method = message->method;
    facts->target = message->target;
    facts->client_version = HTTP_VERSION_2;
    facts->scheme = way->is_tls ? STR("https") : STR("http");
    facts->host = way->host;
    facts->port = way->port;
    str_cut(message->target, '?', &facts->path, &facts->query);
}

static void begin(struct proxy_h2_stream *stream, const struct proxy_h2_way *way, const struct record *record)
{
    proxy_conn_describe(stream->h2->conn, &stream->exchange);
    exchange_begin(&stream->exchange);
    stream->is_exchange_open = true;
    describe(stream, way, record->message);
    if (proxy_noise_is_host(way->host))
        exchange_flag(&stream->exchange, STR("browser-noise"));
    if (stream->request_head.differs_from_host)
        exchange_flag(&stream->exchange, STR("host-differs"));
    exchange_head(&stream->exchange, EXCHANGE_REQUEST, record->wire, record->message);
}

/* --- refusals --- */

static const struct proxy_failure too_large = {
    .name = STR_INIT("limit"),
    .text = STR_INIT("The request's head is larger than the limits allow (--head-max, --field-count-max)."),
    .status = 431,
};

static const struct proxy_failure bad_target = {
    .name = STR_INIT("syntax"),
    .text = STR_INIT("The request's authority is not one that a proxy can serve; it takes http:// and https:// URLs."),
    .status = 400,
};

static const struct proxy_failure no_connect = {
    .name = STR_INIT("syntax"),
    .text = STR_INIT("CONNECT in an HTTP/2 stream is not served; use HTTP/1.1 to the proxy."),
    .status = 501,
};

static const struct proxy_failure leads_in_a_circle = {
    .name = STR_INIT("loop"),
    .text = STR_INIT("The request has been here before: this proxy and its upstream proxy lead to each other. "
                     "Check --upstream of both."),
    .status = 508,
};

/* What only concerns requests that name the proxy as their server.  True: answered. */
static bool is_refused_outside(struct proxy_h2_stream *stream, const struct http_message *message)
{
    const struct proxy_options *options = stream->h2->conn->worker->options;
    struct proxy_page ask = {.status = 407,
                             .title = STR("Proxy authentication required"),
                             .text = STR("This proxy asks for a user name and a password (--proxy-auth)."),
                             .authenticate = STR("Basic realm=\"sekisho\"")};

    if (!proxy_auth_is_given(options, message))
        proxy_h2_stream_answer(stream, &ask);
    else if (proxy_loopmark_is_loop(options, message))
        proxy_h2_stream_fail(stream, &leads_in_a_circle);
    else if (str_eq(message->method, STR("CONNECT")))
        proxy_h2_stream_fail(stream, &no_connect);
    else
        return false;
    return true;
}

/* Fields for us do not go on. */
static void take_out_ours(struct proxy_h2_stream *stream)
{
    struct h2_field *fields = (struct h2_field *)(uintptr_t)stream->request.fields;
    size_t count = 0;

    for (size_t i = 0; i < stream->request.count; i++) {
        if (!str_eq_nocase(fields[i].name, STR("proxy-authorization")) &&
            !str_eq_nocase(fields[i].name, STR(PROXY_LOOPMARK_FIELD)))
            fields[count++] = fields[i];
    }
    stream->request.count = count;
}

/* A malformed request is recorded and reset (RFC 9113, 8.1.1). */
static void refuse_malformed(struct proxy_h2_stream *stream, const char *why)
{
    struct proxy_failure failure = {.name = STR("syntax"), .text = str_from(why)};

    proxy_h2_stream_break(stream, &failure, H2_SESSION_PROTOCOL_ERROR);
}

static void go(struct proxy_h2_stream *stream, const struct proxy_h2_way *way, const struct http_message *message)
{
    if (!stream->h2->conn->is_inside_connect) {
        if (is_refused_outside(stream, message))
            return;
        take_out_ours(stream);
    }
    if (str_eq_nocase(way->host, STR(PROXY_PAGE_HOST))) {
        struct proxy_page page = proxy_page_public(stream->h2->conn->worker, stream->exchange.facts.path);

        proxy_h2_stream_answer(stream, &page);
        return;
    }
    proxy_h2_link_assign(stream, way);
}

void proxy_h2_route(struct proxy_h2_stream *stream, bool is_too_large)
{
    struct arena *arena = &stream->exchange.arena;
    struct http_message *message = arena_zalloc(arena, sizeof(*message));
    struct record record = {.message = message};
    struct proxy_h2_way way = {0};
    struct err check, way_err;

    if (!message || err_is(h2_message_text(H2_MESSAGE_REQUEST, stream->request, arena, &record.wire, message))) {
        h2_session_reset(stream->h2->session, stream->id, H2_SESSION_ENHANCE_YOUR_CALM);
        return;
    }
    check = h2_message_check(H2_MESSAGE_REQUEST, stream->request, &stream->request_head);
    way_err = find_way(stream, &way);
    begin(stream, &way, &record);
    if (is_too_large)
        proxy_h2_stream_fail(stream, &too_large);
    else if (err_is(check))
        refuse_malformed(stream, check.what);
    else if (err_is(way_err))
        proxy_h2_stream_fail(stream, &bad_target);
    else
        go(stream, &way, message);
}
