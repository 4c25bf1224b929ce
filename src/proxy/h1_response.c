/* The response's way: from the origin's bytes to the client. */
#include "http/field.h"
#include "os/clock.h"
#include "proxy/h1_private.h"
#include "proxy/tunnel.h"

static void send_on(struct proxy_h1 *h1, struct proxy_h1_outgoing *outgoing)
{
    struct str parts[2] = {outgoing->head, outgoing->run};

    if (parts[0].len + parts[1].len)
        proxy_conn_write(h1->conn, parts, 2);
    *outgoing = (struct proxy_h1_outgoing){0};
}

static void add(struct proxy_h1 *h1, struct proxy_h1_outgoing *outgoing, struct str bytes)
{
    if (proxy_h1_outgoing_add(outgoing, bytes))
        return;
    send_on(h1, outgoing);
    outgoing->run = bytes;
}

/* --- bytes that belong to no request --- */

static void take_orphan(struct proxy_h1 *h1, struct str bytes)
{
    bool may_follow = proxy_h1_orphan_take(h1, bytes);

    h1->response_keeps = false;
    h1->is_alone = true;
    if (!h1->is_lingering && (h1->request_phase == PROXY_H1_IDLE || h1->request_phase == PROXY_H1_DONE))
        proxy_h1_linger(h1);
    else if (!h1->is_lingering || !may_follow)
        proxy_h1_close_origin(h1);
}

/* --- events of the decoder --- */

static struct str lower(struct proxy_h1 *h1, struct str text)
{
    struct str copy;

    if (err_is(arena_copy_lower(&h1->exchange.arena, text, &copy)))
        return STR_NONE;
    return copy;
}

static void take_final_head(struct proxy_h1 *h1, struct str wire)
{
    const struct http_message *message = h1_decoder_message(h1->response_decoder);
    const struct http_field *type = http_message_field(message, STR("content-type"));
    struct exchange_facts *facts = &h1->exchange.facts;

    facts->status = message->status;
    facts->reason = message->reason;
    facts->origin_version = message->version;
    facts->first_byte_us = (int64_t)(os_clock_mono_us() - h1->head_began_us);
    facts->half[EXCHANGE_RESPONSE].is_chunked = h1_decoder_framing(h1->response_decoder) == H1_FRAMING_CHUNKED;
    if (type)
        facts->type = lower(h1, http_field_media_type(type->value));
    h1->response_phase = PROXY_H1_BODY;
    exchange_head(&h1->exchange, EXCHANGE_RESPONSE, wire, message);
}

/* False: an origin that sends interim responses without end. */
static bool take_head(struct proxy_h1 *h1, struct str wire)
{
    if (!h1_decoder_is_interim(h1->response_decoder)) {
        take_final_head(h1, wire);
        return true;
    }
    h1->interim_count++;
    h1->awaits_head = false;
    h1->interim_flags |= h1_decoder_flags(h1->response_decoder);
    exchange_interim(&h1->exchange, wire);
    return h1->interim_count <= PROXY_H1_INTERIM_MAX;
}

static void end_response(struct proxy_h1 *h1, bool is_complete)
{
    h1->response_phase = PROXY_H1_DONE;
    h1->response_keeps = is_complete && h1_decoder_keeps_alive(h1->response_decoder);
    if ((h1_decoder_flags(h1->response_decoder) | h1->interim_flags) & H1_AMBIGUOUS)
        h1->is_alone = true;
    exchange_half_end(&h1->exchange, EXCHANGE_RESPONSE, is_complete);
    proxy_h1_finish_if_done(h1);
}

/* Neither head nor framing can be told: the bytes go on as they are until the connection closes. */
static void go_raw(struct proxy_h1 *h1, struct str partial, struct str rest, struct proxy_h1_outgoing *outgoing)
{
    h1->response_phase = PROXY_H1_RAW;
    h1->is_alone = true;
    exchange_flag(&h1->exchange, STR("bad-response"));
    if (partial.len)
        exchange_bytes(&h1->exchange, EXCHANGE_RESPONSE, partial, 0);
    if (rest.len)
        exchange_bytes(&h1->exchange, EXCHANGE_RESPONSE, rest, 0);
    add(h1, outgoing, partial);
    add(h1, outgoing, rest);
}

static void refuse_response(struct proxy_h1 *h1, const char *name, const char *why)
{
    struct proxy_failure failure = {str_from(name), str_from(why), 502};

    proxy_h1_fail(h1, &failure);
    proxy_h1_go_on(h1);
}

/* What is odd about a chunk shows late; then a part of the answer is out, and the connection breaks. */
static bool refuse_if_ambiguous(struct proxy_h1 *h1, struct str wire)
{
    if (!h1->conn->worker->options->is_strict || !(h1_decoder_flags(h1->response_decoder) & H1_AMBIGUOUS))
        return false;
    exchange_bytes(&h1->exchange, EXCHANGE_RESPONSE, wire, 0);
    refuse_response(h1, "ambiguous", "The origin's answer is framed ambiguously (refused by --strict).");
    return true;
}

/* --- 101, and CONNECT that an origin accepted --- */

static void start_tunnel(struct proxy_h1 *h1, struct str rest)
{
    struct proxy_conn *conn = h1->conn;
    struct arena *scratch = os_loop_scratch(conn->worker->loop);
    bool client_ended = h1->client_ended;
    struct proxy_tunnel_request request = {.is_tls = h1->is_tls_origin,
                                           .flag = STR("upgraded"),
                                           .port = h1->exchange.facts.port,
                                           .origin = h1->origin,
                                           .origin_bytes = rest};

    CHECK(!err_is(arena_copy(scratch, h1->exchange.facts.host, &request.host)));
    CHECK(!err_is(arena_copy(scratch, buf_str(&h1->pending), &request.client_bytes)));
    proxy_h1_finish(h1);
    h1->origin = NULL;
    proxy_h1_let_go(h1);
    proxy_tunnel_start(conn, &request);
    if (client_ended)
        proxy_conn_pass_eof(conn);
}

/* --- bytes --- */

/* Takes events until the input is used up.  False: nothing more is to be done with h1. */
static bool take_events(struct proxy_h1 *h1, struct str *input, struct proxy_h1_outgoing *outgoing)
{
    while (h1->response_phase != PROXY_H1_DONE) {
        struct h1_event event;
        struct err err = h1_decoder_step(h1->response_decoder, input, &event);

        if (err.code == ERR_AGAIN)
            return true;
        if (err_is(err) && h1->conn->worker->options->is_strict) {
            refuse_response(h1, "syntax", "The origin's answer breaks the grammar of HTTP/1.1 (refused by --strict).");
            return false;
        }
        if (err_is(err)) {
            go_raw(h1, h1_decoder_partial(h1->response_decoder), *input, outgoing);
            *input = STR_NONE;
            return true;
        }
        if (refuse_if_ambiguous(h1, event.wire))
            return false;
        if (event.kind == H1_EVENT_HEAD && !take_head(h1, event.wire)) {
            refuse_response(h1, "syntax", "The origin sent interim responses without end.");
            return false;
        }
        if (event.kind == H1_EVENT_BODY || event.kind == H1_EVENT_TRAILERS)
            exchange_bytes(&h1->exchange, EXCHANGE_RESPONSE, event.wire, event.payload.len);
        add(h1, outgoing, event.wire);
        if (event.kind == H1_EVENT_END && h1->response_phase != PROXY_H1_BODY)
            h1_decoder_next(h1->response_decoder, &h1->exchange.arena);
        else if (event.kind == H1_EVENT_END)
            end_response(h1, true);
    }
    return true;
}

void proxy_h1_response_read(struct proxy_h1 *h1, struct str input)
{
    struct proxy_h1_outgoing outgoing = {0};

    if (!h1->has_begun || h1->response_phase == PROXY_H1_DONE) {
        take_orphan(h1, input);
        return;
    }
    if (h1->response_phase == PROXY_H1_RAW) {
        exchange_bytes(&h1->exchange, EXCHANGE_RESPONSE, input, 0);
        proxy_conn_write(h1->conn, &input, 1);
        proxy_h1_go_on(h1);
        return;
    }
    if (!take_events(h1, &input, &outgoing))
        return;
    send_on(h1, &outgoing);
    if (h1->response_phase == PROXY_H1_DONE && h1_decoder_framing(h1->response_decoder) == H1_FRAMING_TUNNEL) {
        start_tunnel(h1, input);
        return;
    }
    if (input.len) {
        take_orphan(h1, input);
        return;
    }
    proxy_h1_go_on(h1);
}

/* --- the end --- */

/* As with a reset: a fresh connection's close is explained, that of one that served before is mirrored, since the
 * client knows whether it may try again. */
/* A client that leaves is shown to the origin as a FIN, and most origins then leave, too: the client is the cause. */
static bool blame_client(struct proxy_h1 *h1)
{
    if (!h1->client_ended)
        return false;
    proxy_conn_fail_exchange(
        &h1->exchange, STR("client-gone"),
        STR("The client closed its side before the answer was complete, and the origin followed."));
    return true;
}

static void end_unanswered(struct proxy_h1 *h1)
{
    static const struct proxy_failure failure = {STR_INIT("closed"),
                                                 STR_INIT("The origin closed the connection without an answer."), 502};

    if (blame_client(h1) || h1->is_origin_reused || h1->interim_count) {
        proxy_conn_fail_exchange(&h1->exchange, failure.name, failure.text);
        proxy_h1_linger(h1);
        return;
    }
    proxy_h1_fail(h1, &failure);
    proxy_h1_go_on(h1);
}

static void end_cut_short(struct proxy_h1 *h1)
{
    struct str partial = h1_decoder_partial(h1->response_decoder);

    /* What has not been forwarded yet is a part of a head or of a chunk line. */
    if (partial.len) {
        exchange_bytes(&h1->exchange, EXCHANGE_RESPONSE, partial, 0);
        proxy_conn_write(h1->conn, &partial, 1);
    }
    exchange_flag(&h1->exchange, STR("truncated"));
    if (!blame_client(h1))
        proxy_conn_fail_exchange(&h1->exchange, STR("truncated"),
                                 STR("The origin closed the connection in the middle of its answer."));
    end_response(h1, false);
    proxy_h1_linger(h1);
}

void proxy_h1_response_end(struct proxy_h1 *h1)
{
    struct h1_event event;
    struct err err;

    if (!h1->has_begun) {
        /* An idle connection is closed on both sides; a request on its way gets a new one. */
        if (h1->request_phase == PROXY_H1_IDLE) {
            proxy_h1_linger(h1);
        } else {
            proxy_h1_close_origin(h1);
        }
        return;
    }
    if (h1->response_phase == PROXY_H1_DONE) {
        /* The request was still going to an origin that has stopped listening. */
        proxy_h1_linger(h1);
        return;
    }
    if (h1->response_phase == PROXY_H1_RAW) {
        end_response(h1, true);
        proxy_h1_linger(h1);
        return;
    }
    err = h1_decoder_finish(h1->response_decoder, &event);
    if (err.code == ERR_CLOSED) {
        end_unanswered(h1);
    } else if (err_is(err)) {
        end_cut_short(h1);
    } else {
        /* Nothing but close_notify tells a complete body from a cut one here (RFC 8446, 6.1). */
        if (proxy_origin_was_truncated(h1->origin))
            exchange_flag(&h1->exchange, STR("truncated"));
        end_response(h1, true);
        proxy_h1_linger(h1);
    }
}
