/* Connections to origins: found or opened for streams, shared by those, and ended. */
#include <stdlib.h>

#include "h1/decoder.h"
#include "proxy/h2_private.h"

/* --- the origin's events --- */

static bool is_h2(const struct proxy_h2_link *link)
{
    const struct proxy_origin_request *request = proxy_origin_request(link->origin);

    /* Without TLS nothing tells what the origin speaks; inside CONNECT it is what the client has chosen to speak. */
    if (!request->is_tls)
        return link->h2->conn->is_inside_connect;
    return str_eq(proxy_origin_facts(link->origin)->tls.alpn, STR("h2"));
}

static void start(struct proxy_h2_link *link)
{
    if (is_h2(link)) {
        proxy_h2_link_h2_start(link);
    } else {
        link->h2->is_origin_h1 = true;
        proxy_h2_link_h1_start(link);
    }
    proxy_h2_link_serve(link);
}

static void on_ready(void *owner, struct err err)
{
    struct proxy_h2_link *link = owner;

    if (err_is(err)) {
        struct proxy_failure failure = proxy_failure_of_origin(err, link->origin);

        proxy_h2_link_die(link, &failure);
    } else {
        start(link);
    }
    proxy_h2_settle(link->h2);
}

static void on_bytes(void *owner, struct str bytes)
{
    struct proxy_h2_link *link = owner;

    if (!link->is_dead)
        link->ops->on_bytes(link, bytes);
    proxy_h2_settle(link->h2);
}

static void on_eof(void *owner)
{
    struct proxy_h2_link *link = owner;

    if (!link->is_dead)
        link->ops->on_eof(link);
    proxy_h2_settle(link->h2);
}

static void on_error(void *owner, struct err err)
{
    struct proxy_h2_link *link = owner;
    struct proxy_failure failure = proxy_failure_of_origin(err, link->origin);

    proxy_h2_link_die(link, &failure);
    proxy_h2_settle(link->h2);
}

static void on_drain(void *owner)
{
    struct proxy_h2_link *link = owner;

    if (!link->is_dead && link->ops)
        link->ops->on_drain(link);
    proxy_h2_settle(link->h2);
}

static const struct proxy_origin_events origin_events = {
    .on_ready = on_ready, .on_bytes = on_bytes, .on_eof = on_eof, .on_error = on_error, .on_drain = on_drain};

/* --- streams --- */

static struct proxy_h2_link *add(struct proxy_h2 *h2)
{
    struct proxy_h2_link *link = calloc(1, sizeof(*link));

    CHECK(link);
    link->h2 = h2;
    list_push_last(&h2->links, &link->node);
    return link;
}

static struct proxy_h2_link *open_link(struct proxy_h2 *h2, const struct proxy_h2_way *way)
{
    struct proxy_conn *conn = h2->conn;
    struct proxy_h2_link *link = add(h2);
    bool offers_http2 = way->is_tls && !h2->is_origin_h1;
    struct proxy_origin_request request = {
        .host = way->host,
        .port = way->port,
        .is_tls = way->is_tls,
        .dial_host = conn->dial_host,
        .sni = proxy_conn_origin_sni(conn),
        .loopmark = conn->loopmark,
        .offers_http1 = !conn->is_inside_tls || conn->client_offers_http1 || h2->is_origin_h1,
        .offers_http2 = offers_http2,
        .events = &origin_events,
        .owner = link,
    };

    link->expects_h2 = offers_http2 || (!way->is_tls && conn->is_inside_connect);
    link->origin = proxy_origin_open(conn->worker, &request);
    return link;
}

/* Whether a stream may use the link, or wait for it. */
static bool fits(const struct proxy_h2_link *link, const struct proxy_h2_way *way)
{
    if (link->is_dead || link->is_closing || !proxy_origin_is_for(link->origin, way->host, way->port, way->is_tls))
        return false;
    if (!link->ops)
        return link->expects_h2;
    return link->session || link->ops->has_slot(link);
}

void proxy_h2_link_assign(struct proxy_h2_stream *stream, const struct proxy_h2_way *way)
{
    struct proxy_h2 *h2 = stream->h2;

    for (struct list *node = h2->links.next; node != &h2->links && !stream->link; node = node->next) {
        struct proxy_h2_link *link = LIST_OWNER(node, struct proxy_h2_link, node);

        if (fits(link, way))
            stream->link = link;
    }
    if (!stream->link)
        stream->link = open_link(h2, way);
    if (stream->link->ops && stream->link->ops->has_slot(stream->link))
        proxy_h2_stream_go(stream);
}

void proxy_h2_link_adopt(struct proxy_h2 *h2, struct proxy_origin *origin)
{
    struct proxy_h2_link *link = add(h2);

    link->origin = origin;
    proxy_origin_set_owner(origin, &origin_events, link);
    start(link);
}

static void reassign(struct proxy_h2_stream *stream)
{
    struct exchange_facts *facts = &stream->exchange.facts;
    struct proxy_h2_way way = {facts->host, facts->port, str_eq(facts->scheme, STR("https"))};

    stream->link = NULL;
    proxy_h2_link_assign(stream, &way);
}

void proxy_h2_link_serve(struct proxy_h2_link *link)
{
    struct proxy_h2 *h2 = link->h2;

    for (struct list *node = h2->streams.next; node != &h2->streams; node = node->next) {
        struct proxy_h2_stream *stream = LIST_OWNER(node, struct proxy_h2_stream, node);

        if (stream->link != link || stream->is_taken)
            continue;
        if (!link->is_closing && link->ops->has_slot(link))
            proxy_h2_stream_go(stream);
        else if (link->is_closing || !link->session)
            reassign(stream);
    }
}

/* --- the end --- */

void proxy_h2_link_retire(struct proxy_h2_link *link)
{
    link->is_closing = true;
    if (link->h2->conn->is_inside_connect)
        proxy_h2_end_when_idle(link->h2);
    proxy_h2_link_serve(link);
}

/* What the client would see without us: a page explains where nothing was answered over this connection yet; else the
 * connection may have broken before the request reached anyone, and the client alone knows whether it may try again. */
static void fail_stream(struct proxy_h2_link *link, struct proxy_h2_stream *stream, const struct proxy_failure *failure)
{
    stream->link = NULL;
    if (stream->is_response_ended)
        proxy_h2_stream_unlink(stream);
    else if (link->was_used)
        proxy_h2_stream_break(stream, failure, H2_SESSION_INTERNAL_ERROR);
    else
        proxy_h2_stream_fail(stream, failure);
}

void proxy_h2_link_die(struct proxy_h2_link *link, const struct proxy_failure *failure)
{
    struct proxy_h2 *h2 = link->h2;

    if (link->is_dead)
        return;
    link->is_dead = link->is_closing = true;
    link->stream = NULL;
    for (struct list *node = h2->streams.next; node != &h2->streams; node = node->next) {
        struct proxy_h2_stream *stream = LIST_OWNER(node, struct proxy_h2_stream, node);

        if (stream->link != link)
            continue;
        if (!stream->is_taken && link->ops)
            reassign(stream);
        else
            fail_stream(link, stream, failure);
    }
    if (h2->conn->is_inside_connect && link->session)
        proxy_h2_end_when_idle(h2);
}

void proxy_h2_link_free(struct proxy_h2_link *link)
{
    proxy_origin_close(&link->origin, false);
    if (link->ops)
        link->ops->free(link);
    list_remove(&link->node);
    free(link);
}
