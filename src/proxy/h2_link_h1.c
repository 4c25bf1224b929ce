/* One stream at a time over HTTP/1 to the origin; the connection is kept for the next. */
#include "h1/decoder.h"
#include "h1/head.h"
#include "h2/crossing.h"
#include "proxy/h2_private.h"

static const struct proxy_failure bad_answer = {
    .name = STR_INIT("syntax"),
    .text = STR_INIT("The origin's answer breaks the grammar of HTTP/1.1 or cannot be said in HTTP/2."),
    .status = 502,
};

/* The exchange is over on this side: the connection serves another stream, or ends. */
static void next(struct proxy_h2_link *link)
{
    struct proxy_h2_stream *stream = link->stream;
    bool keeps = h1_decoder_keeps_alive(link->decoder) && !(h1_decoder_flags(link->decoder) & H1_AMBIGUOUS) &&
                 link->is_request_done;

    link->stream = NULL;
    if (!keeps)
        link->is_dead = link->is_closing = true;
    proxy_h2_stream_unlink(stream);
    if (keeps)
        proxy_h2_link_serve(link);
}

static void next_if_done(struct proxy_h2_link *link)
{
    if (link->stream && link->is_response_done)
        next(link);
}

/* --- toward the origin --- */

static bool has_slot(const struct proxy_h2_link *link) { return !link->stream && !link->is_closing; }

static void write_bytes(struct proxy_h2_link *link, struct str bytes) { proxy_origin_write(link->origin, &bytes, 1); }

/* The window goes back to the client when the origin keeps up, else when its queue has emptied. */
static void settle_window(struct proxy_h2_link *link)
{
    if (!link->stream || proxy_origin_queued(link->origin) > NET_LAYER_HIGH_WATER)
        return;
    proxy_h2_stream_request_gone(link->stream, link->unconsumed);
    link->unconsumed = 0;
}

static void take(struct proxy_h2_link *link, struct proxy_h2_stream *stream)
{
    enum h2_crossing_body body = stream->has_request_body ? H2_CROSSING_HAS_BODY : H2_CROSSING_NO_BODY;
    struct proxy_failure failure = {.name = STR("syntax"), .status = 400};
    struct str head;
    struct err err = h2_crossing_to_h1(stream->request, body, &stream->exchange.arena, &head, &link->is_chunked);

    if (err_is(err)) {
        failure.text = str_from(err.what);
        stream->link = NULL;
        proxy_h2_stream_fail(stream, &failure);
        return;
    }
    link->stream = stream;
    link->is_request_done = !stream->has_request_body;
    link->is_response_done = false;
    link->unconsumed = 0;
    h1_decoder_next(link->decoder, &stream->exchange.arena);
    h1_decoder_expect(link->decoder, stream->request_head.method);
    write_bytes(link, head);
}

static void send_content(struct proxy_h2_link *link, struct proxy_h2_stream *stream, struct str bytes)
{
    char size[32];
    struct str parts[3] = {{size, 0}, bytes, STR("\r\n")};

    (void)stream;
    if (bytes.len == 0)
        return;
    link->unconsumed += bytes.len;
    if (link->is_chunked) {
        parts[0].len = (size_t)snprintf(size, sizeof(size), "%zx\r\n", bytes.len);
        proxy_origin_write(link->origin, parts, 3);
    } else {
        write_bytes(link, bytes);
    }
    settle_window(link);
}

static void end_request(struct proxy_h2_link *link, struct proxy_h2_stream *stream)
{
    struct str end = STR("0\r\n\r\n");

    if (link->is_chunked) {
        /* They were checked when they came; a body with a length has no place for them. */
        if (stream->has_trailers)
            IGNORE(h2_crossing_trailers_to_h1(stream->trailers, &stream->exchange.arena, &end));
        write_bytes(link, end);
    }
    link->is_request_done = true;
    next_if_done(link);
}

/* HTTP/1 has no way to end one exchange but to end the connection. */
static void cancel(struct proxy_h2_link *link, struct proxy_h2_stream *stream, uint32_t code)
{
    (void)stream;
    (void)code;
    link->stream = NULL;
    link->is_dead = link->is_closing = true;
}

static void gone_on(struct proxy_h2_link *link, struct proxy_h2_stream *stream, size_t count)
{
    (void)link;
    (void)stream;
    (void)count;
}

static bool write_out(struct proxy_h2_link *link)
{
    (void)link;
    return false;
}

/* --- from the origin --- */

static void take_head(struct proxy_h2_link *link, const struct h1_event *event)
{
    struct proxy_h2_stream *stream = link->stream;
    const struct http_message *message = h1_decoder_message(link->decoder);
    struct h2_message_fields section;
    bool ends = h1_decoder_framing(link->decoder) == H1_FRAMING_NONE;

    link->was_used = true;
    if (h1_decoder_framing(link->decoder) == H1_FRAMING_TUNNEL ||
        err_is(h2_crossing_from_h1(message, STR_NONE, STR_NONE, &stream->exchange.arena, &section))) {
        proxy_h2_stream_fail(stream, &bad_answer);
        return;
    }
    if (h1_decoder_is_interim(link->decoder)) {
        proxy_h2_stream_interim(stream, section, event->wire);
        return;
    }
    stream->exchange.facts.half[EXCHANGE_RESPONSE].is_chunked = h1_decoder_framing(link->decoder) == H1_FRAMING_CHUNKED;
    proxy_h2_stream_response(stream, section, event->wire, message, ends);
}

static void take_trailers(struct proxy_h2_link *link, struct str wire)
{
    struct arena *arena = &link->stream->exchange.arena;
    struct http_message trailers = {0};
    struct h2_message_fields section;
    uint32_t flags = 0;

    if (err_is(h1_head_parse_trailers(wire, 1000, arena, &trailers, &flags)) ||
        err_is(h2_crossing_trailers_from_h1(&trailers, arena, &section)))
        proxy_h2_stream_break(link->stream, &bad_answer, H2_SESSION_INTERNAL_ERROR);
    else if (section.count)
        proxy_h2_stream_trailers(link->stream, section, wire);
    else
        proxy_h2_stream_content(link->stream, wire, STR_NONE);
}

static void take_end(struct proxy_h2_link *link)
{
    if (h1_decoder_is_interim(link->decoder)) {
        h1_decoder_next(link->decoder, &link->stream->exchange.arena);
        return;
    }
    link->is_response_done = true;
    proxy_h2_stream_response_end(link->stream);
    next_if_done(link);
}

static void take_event(struct proxy_h2_link *link, const struct h1_event *event)
{
    switch (event->kind) {
    case H1_EVENT_HEAD:
        take_head(link, event);
        break;
    case H1_EVENT_BODY:
        proxy_h2_stream_content(link->stream, event->wire, event->payload);
        break;
    case H1_EVENT_TRAILERS:
        take_trailers(link, event->wire);
        break;
    case H1_EVENT_END:
        take_end(link);
        break;
    }
}

static void on_bytes(struct proxy_h2_link *link, struct str bytes)
{
    /* Any event may end the stream, and with it the link. */
    while (link->stream && !link->is_dead) {
        struct h1_event event;
        struct err err = h1_decoder_step(link->decoder, &bytes, &event);

        if (err.code == ERR_AGAIN)
            return;
        if (err_is(err)) {
            proxy_h2_stream_fail(link->stream, &bad_answer);
            return;
        }
        take_event(link, &event);
    }
    /* What comes beyond an answer belongs to no request. */
    if (bytes.len)
        link->is_dead = link->is_closing = true;
}

static void on_eof(struct proxy_h2_link *link)
{
    struct proxy_failure failure = {STR("closed"), STR("The origin closed the connection without an answer."), 502};
    struct h1_event event;
    struct err err;

    if (link->stream) {
        err = h1_decoder_finish(link->decoder, &event);
        if (!err_is(err)) {
            link->is_response_done = true;
            proxy_h2_stream_response_end(link->stream);
        } else if (err.code != ERR_CLOSED) {
            failure = (struct proxy_failure){STR("truncated"),
                                             STR("The origin closed the connection in the middle of its answer."), 502};
        }
    }
    proxy_h2_link_die(link, &failure);
}

static void on_drain(struct proxy_h2_link *link) { settle_window(link); }

static bool wants_reading(const struct proxy_h2_link *link)
{
    return !link->stream || h2_session_queued(link->h2->session, link->stream->id) <= PROXY_H2_STREAM_HIGH_WATER;
}

static void free_decoder(struct proxy_h2_link *link) { h1_decoder_free(&link->decoder); }

static const struct proxy_h2_link_ops ops = {
    .name = "http1",
    .has_slot = has_slot,
    .take = take,
    .send = send_content,
    .end = end_request,
    .cancel = cancel,
    .gone_on = gone_on,
    .write = write_out,
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_drain = on_drain,
    .wants_reading = wants_reading,
    .free = free_decoder,
};

void proxy_h2_link_h1_start(struct proxy_h2_link *link)
{
    const struct proxy_limits *limits = &link->h2->conn->worker->options->limits;
    struct h1_limits h1_limits = {.head_bytes_max = limits->head_bytes_max,
                                  .line_bytes_max = limits->line_bytes_max,
                                  .field_count_max = limits->field_count_max};

    link->decoder = h1_decoder_new(false, &h1_limits);
    link->ops = &ops;
}
