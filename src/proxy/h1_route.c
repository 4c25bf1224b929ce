/* Where a request goes: to an origin, into a tunnel, or to an answer of our own. */
#include "http/field.h"
#include "http/target.h"
#include "proxy/auth.h"
#include "proxy/h1_private.h"
#include "proxy/loopmark.h"
#include "proxy/noise.h"
#include "proxy/offer.h"
#include "proxy/peek.h"
#include "proxy/upstream.h"

/* --- facts --- */

static struct str lower_host(struct arena *arena, struct str host)
{
    struct str copy;

    if (err_is(arena_copy_lower(arena, host, &copy)))
        return STR_NONE;
    return copy;
}

/* Where this request wants to go. */
struct way {
    struct http_target target;
    struct str host; /* lower-case */
    uint16_t port;
    bool is_tls;
};

static void begin(struct proxy_h1 *h1, struct str wire, const struct way *way)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    struct exchange_facts *facts = &h1->exchange.facts;

    proxy_h1_begin(h1);
    facts->method = message->method;
    facts->target = message->target;
    facts->client_version = message->version;
    facts->scheme = way->is_tls ? STR("https") : STR("http");
    facts->host = way->host;
    facts->port = way->port;
    facts->path = way->target.path;
    facts->query = way->target.query;
    facts->half[EXCHANGE_REQUEST].is_chunked = h1_decoder_framing(h1->request_decoder) == H1_FRAMING_CHUNKED;
    if (proxy_noise_is_host(way->host))
        exchange_flag(&h1->exchange, STR("browser-noise"));
    exchange_head(&h1->exchange, EXCHANGE_REQUEST, wire, message);
}

/* --- answers of our own --- */

static enum proxy_h1_route answer(struct proxy_h1 *h1, const struct proxy_page *page)
{
    proxy_h1_answer(h1, page);
    return PROXY_H1_ROUTE_ANSWERED;
}

static enum proxy_h1_route refuse(struct proxy_h1 *h1, struct str wire, const struct way *way,
                                  const struct proxy_failure *failure)
{
    if (!h1->has_begun)
        begin(h1, wire, way);
    proxy_h1_fail(h1, failure);
    return PROXY_H1_ROUTE_ANSWERED;
}

static bool is_loopback_client(const struct proxy_conn *conn)
{
    struct os_addr addr;

    return !err_is(os_addr_parse(str_from(conn->client_addr.ip), 0, &addr)) && os_addr_is_loopback(&addr);
}

/* A request meant for a server, not for a proxy: somebody opened our port in a browser. */
static enum proxy_h1_route answer_plain(struct proxy_h1 *h1, const struct way *way)
{
    struct str admin_url = h1->conn->worker->options->admin_url;
    struct proxy_page page = {.status = 302, .title = STR("sekisho"), .location = admin_url};

    if (admin_url.len == 0 || !is_loopback_client(h1->conn))
        page = proxy_page_public(h1->conn->worker, way->target.path);
    return answer(h1, &page);
}

/* Where a request that is refused wanted to go, as far as it says. */
static struct way wished_way(struct proxy_h1 *h1)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    struct way way = {0};

    if (err_is(http_target_parse(message->method, message->target, &way.target)))
        return way;
    way.is_tls = str_eq_nocase(way.target.scheme, STR("https"));
    way.host = lower_host(&h1->exchange.arena, way.target.authority.host);
    way.port = way.target.authority.port ? way.target.authority.port : http_target_default_port(way.target.scheme);
    return way;
}

static enum proxy_h1_route ask_proxy_auth(struct proxy_h1 *h1, struct str wire)
{
    struct way way = wished_way(h1);
    struct proxy_page page = {.status = 407,
                              .title = STR("Proxy authentication required"),
                              .text = STR("This proxy asks for a user name and a password (--proxy-auth)."),
                              .authenticate = STR("Basic realm=\"sekisho\"")};

    begin(h1, wire, &way);
    proxy_conn_fail_exchange(&h1->exchange, STR("proxy-auth"), page.text);
    return answer(h1, &page);
}

static bool is_ambiguous(const struct proxy_h1 *h1)
{
    return (h1_decoder_flags(h1->request_decoder) & H1_AMBIGUOUS) != 0;
}

/* --- CONNECT --- */

static const struct proxy_failure leads_in_a_circle = {
    .name = STR_INIT("loop"),
    .text = STR_INIT("The request has been here before: this proxy and its upstream proxy lead to each other. "
                     "Check --upstream of both."),
    .status = 508,
};

static enum proxy_h1_route open_tunnel(struct proxy_h1 *h1, const struct way *way, struct str rest)
{
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    struct proxy_conn *conn = h1->conn;
    bool client_ended = h1->client_ended;
    struct str first_bytes;

    CHECK(!err_is(arena_copy(os_loop_scratch(conn->worker->loop), rest, &first_bytes)));
    if (err_is(proxy_conn_enter(conn, way->host, way->port))) {
        proxy_conn_close(conn, false);
        return PROXY_H1_ROUTE_ANSWERED;
    }
    IGNORE(arena_copy(&conn->arena, proxy_loopmark_of(message), &conn->loopmark)); /* fits: it is bounded */
    proxy_conn_write(conn, &(struct str){established, sizeof(established) - 1}, 1);
    /* That of the request before. */
    proxy_h1_close_origin(h1);
    proxy_h1_let_go(h1);
    proxy_peek_again(conn, first_bytes);
    if (client_ended)
        proxy_conn_pass_eof(conn);
    return PROXY_H1_ROUTE_TUNNEL;
}

static const struct proxy_failure bad_authority = {
    .name = STR_INIT("syntax"),
    .text = STR_INIT("CONNECT needs a host and a port from 1 to 65535, as in example.com:443."),
    .status = 400,
};

static enum proxy_h1_route connect_to(struct proxy_h1 *h1, struct str wire, struct str rest)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    struct way way = {0};

    if (err_is(http_target_parse(message->method, message->target, &way.target)) || way.target.authority.port == 0)
        return refuse(h1, wire, &way, &bad_authority);
    way.host = lower_host(&h1->exchange.arena, way.target.authority.host);
    way.port = way.target.authority.port;
    if (is_ambiguous(h1) && h1->conn->worker->options->is_strict)
        return refuse(h1, wire, &way, &proxy_h1_route_ambiguous);
    return open_tunnel(h1, &way, rest);
}

/* --- the head as it is sent on --- */

/* Fields that are for us, not for the origin. */
static bool is_for_us(const struct proxy_h1 *h1, struct str name)
{
    if (str_eq_nocase(name, STR("proxy-connection")) || str_eq_nocase(name, STR(PROXY_LOOPMARK_FIELD)))
        return true;
    return str_eq_nocase(name, STR("proxy-authorization")) &&
           (h1->conn->worker->options->proxy_auth.len || !proxy_origin_is_upstream_http(h1->origin));
}

/* What an upstream proxy is told besides. */
static struct err append_upstream_fields(const struct proxy_h1 *h1, const struct proxy_upstream *upstream,
                                         struct buf *head)
{
    char credentials[768], mark[PROXY_LOOPMARK_BYTES_MAX * 2];
    struct str next;

    if (!proxy_origin_is_upstream_http(h1->origin))
        return OK;
    if (upstream->user.len && proxy_upstream_credentials(upstream, credentials, sizeof(credentials)))
        TRY(buf_format(head, "Proxy-Authorization: %s\r\n", credentials));
    next = proxy_loopmark_next(h1->conn->worker->options, upstream,
                               proxy_loopmark_of(h1_decoder_message(h1->request_decoder)), mark);
    return next.len ? buf_format(head, PROXY_LOOPMARK_FIELD ": %.*s\r\n", STR_ARG(next)) : OK;
}

/* The offset after the line end that follows `at`. */
static size_t after_line(struct str wire, size_t at)
{
    size_t end = str_find_char(str_skip(wire, at), '\n');

    return end == STR_ABSENT ? wire.len : at + end + 1;
}

static struct err append_fields(const struct proxy_h1 *h1, struct str wire, size_t from, struct buf *head)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);

    for (size_t i = 0; i < message->field_count; i++) {
        const struct http_field *field = &message->fields[i];
        size_t at = (size_t)(field->line.ptr - wire.ptr);

        if (!is_for_us(h1, field->name))
            continue;
        TRY(buf_append(head, (struct str){wire.ptr + from, at - from}));
        from = after_line(wire, at + field->line.len);
    }
    return buf_append(head, str_skip(wire, from));
}

/* RFC 9112, 3.2.1 and 3.2.4: an empty path is "/", or "*" for OPTIONS. */
static struct err origin_form(struct proxy_h1 *h1, const struct http_target *target, struct str *ret_target)
{
    struct str form = target->origin_form;

    if (form.len && form.ptr[0] == '/') {
        *ret_target = form;
        return OK;
    }
    if (form.len == 0 && str_eq(h1->exchange.facts.method, STR("OPTIONS"))) {
        *ret_target = STR("*");
        return OK;
    }
    return arena_format(&h1->exchange.arena, ret_target, "/%.*s", STR_ARG(form));
}

/* The head with the target in origin form and without the fields for us; everything else byte for byte. */
static struct err rewrite(struct proxy_h1 *h1, struct str wire, const struct way *way, struct str *ret_head)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    bool keeps_target = proxy_origin_is_upstream_http(h1->origin);
    size_t target_at = (size_t)(message->target.ptr - wire.ptr), line_end;
    struct str target = message->target;
    struct buf head;
    struct err err;

    if (!keeps_target)
        TRY(origin_form(h1, &way->target, &target));
    h1->exchange.facts.sent_target = keeps_target ? STR_NONE : target;
    line_end = after_line(wire, target_at + message->target.len);
    buf_init(&head, wire.len + 2048);
    err = buf_append(&head, str_head(wire, target_at));
    if (!err_is(err))
        err = buf_append(&head, target);
    target_at += message->target.len;
    if (!err_is(err))
        err = buf_append(&head, (struct str){wire.ptr + target_at, line_end - target_at});
    if (!err_is(err))
        err =
            append_upstream_fields(h1, proxy_origin_upstream(h1->conn->worker->options, way->host, way->is_tls), &head);
    if (!err_is(err))
        err = append_fields(h1, wire, line_end, &head);
    if (!err_is(err))
        err = arena_copy(&h1->exchange.arena, buf_str(&head), ret_head);
    buf_deinit(&head);
    return err;
}

/* --- the origin --- */

static void use_origin(struct proxy_h1 *h1, const struct way *way)
{
    struct proxy_conn *conn = h1->conn;
    struct proxy_origin_request request = {
        .host = way->host,
        .port = way->port,
        .is_tls = way->is_tls,
        .is_plain_http = !way->is_tls && !conn->is_inside_connect,
        .dial_host = conn->dial_host,
        .sni = proxy_conn_origin_sni(conn),
        .offers_http1 = !conn->is_inside_tls || conn->client_offers_http1,
        .loopmark = conn->loopmark,
        .events = &proxy_h1_origin_events,
        .owner = h1,
    };

    h1->is_tls_origin = way->is_tls;
    if (h1->origin &&
        (h1->is_alone || h1->origin_ended || !proxy_origin_is_for(h1->origin, way->host, way->port, way->is_tls)))
        proxy_h1_close_origin(h1);
    if (h1->origin) {
        proxy_failure_describe_origin(&h1->exchange, h1->origin);
        if (!h1->is_origin_reused)
            proxy_failure_describe_timing(&h1->exchange, h1->origin);
        return;
    }
    h1->origin_ended = h1->is_origin_reused = false;
    h1->origin = proxy_origin_open(conn->worker, &request);
}

const struct proxy_failure proxy_h1_route_ambiguous = {
    .name = STR_INIT("ambiguous"),
    .text = STR_INIT(
        "The request is framed ambiguously: two readers could see its end in two places. It was refused by --strict."),
    .status = 400,
};

static const struct proxy_failure too_large = {
    .name = STR_INIT("limit"),
    .text = STR_INIT("The request's head is larger than the limits allow (--head-max)."),
    .status = 431};

/* The origin was tried while the client's handshake waited; this request is told how that ended. */
static enum proxy_h1_route refuse_by_early(struct proxy_h1 *h1, struct str wire, const struct way *way)
{
    struct proxy_failure failure = proxy_failure_of_origin(h1->conn->early_err, h1->origin);

    h1->conn->early_err = OK;
    return refuse(h1, wire, way, &failure);
}

static enum proxy_h1_route send_to_origin(struct proxy_h1 *h1, struct str wire, const struct way *way,
                                          struct str *ret_head)
{
    struct proxy_page page = {.status = 303};

    if (str_eq(h1_decoder_message(h1->request_decoder)->method, STR("POST")) &&
        proxy_offer_take(h1->conn->worker, way->target.path, way->host, way->port, &page.location))
        return answer(h1, &page);
    begin(h1, wire, way);
    h1->is_alone = is_ambiguous(h1);
    if (h1->is_alone && h1->conn->worker->options->is_strict)
        return refuse(h1, wire, way, &proxy_h1_route_ambiguous);
    use_origin(h1, way);
    if (err_is(h1->conn->early_err))
        return refuse_by_early(h1, wire, way);
    h1_decoder_expect(h1->response_decoder, h1->exchange.facts.method);
    *ret_head = wire;
    if (!h1->conn->is_inside_connect && err_is(rewrite(h1, wire, way, ret_head)))
        return refuse(h1, wire, way, &too_large);
    return PROXY_H1_ROUTE_ORIGIN;
}

static const struct proxy_failure bad_target = {
    .name = STR_INIT("syntax"),
    .text = STR_INIT("The request's target is not one that a proxy can serve; it takes http:// and https:// URLs."),
    .status = 400,
};

/* Inside CONNECT its authority decides; the target may have any form and the Host field is only a field. */
static struct err find_inside_way(struct proxy_h1 *h1, struct way *way)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);

    if (err_is(http_target_parse(message->method, message->target, &way->target)))
        way->target = (struct http_target){.form = HTTP_TARGET_OTHER, .path = message->target};
    way->host = h1->conn->authority.host;
    way->port = h1->conn->authority.port;
    way->is_tls = proxy_conn_is_tls_origin(h1->conn);
    return OK;
}

static struct err find_way(struct proxy_h1 *h1, struct way *way)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    const struct http_authority *authority = &way->target.authority;

    if (h1->conn->is_inside_connect)
        return find_inside_way(h1, way);
    TRY(http_target_parse(message->method, message->target, &way->target));
    if (way->target.form != HTTP_TARGET_ABSOLUTE)
        return OK;
    way->is_tls = str_eq_nocase(way->target.scheme, STR("https")) || str_eq_nocase(way->target.scheme, STR("wss"));
    way->host = lower_host(&h1->exchange.arena, authority->host);
    way->port = authority->port ? authority->port : http_target_default_port(way->target.scheme);
    return way->port ? OK : ERR(ERR_SYNTAX, 400, "scheme without a port of its own");
}

enum proxy_h1_route proxy_h1_route_head(struct proxy_h1 *h1, struct str wire, struct str rest, struct str *ret_head)
{
    const struct http_message *message = h1_decoder_message(h1->request_decoder);
    bool is_inside = h1->conn->is_inside_connect;
    struct way way = {0};
    struct err err;

    if (!is_inside && !proxy_auth_is_given(h1->conn->worker->options, message))
        return ask_proxy_auth(h1, wire);
    if (!is_inside && proxy_loopmark_is_loop(h1->conn->worker->options, message))
        return refuse(h1, wire, &way, &leads_in_a_circle);
    if (!is_inside && str_eq(message->method, STR("CONNECT")))
        return connect_to(h1, wire, rest);
    err = find_way(h1, &way);
    if (err_is(err))
        return refuse(h1, wire, &way, &bad_target);
    if (!is_inside && way.target.form != HTTP_TARGET_ABSOLUTE)
        return answer_plain(h1, &way);
    if (str_eq_nocase(way.host, STR(PROXY_PAGE_HOST))) {
        struct proxy_page page = proxy_page_public(h1->conn->worker, way.target.path);

        return answer(h1, &page);
    }
    return send_to_origin(h1, wire, &way, ret_head);
}
