/* One stream: its exchange, what the client sends, what it is sent. */
#include <stdlib.h>

#include "h1/head.h"
#include "h2/crossing.h"
#include "http/field.h"
#include "os/clock.h"
#include "proxy/h2_private.h"

/* A client fills at most its window before it is given more. */
#define UNSENT_BYTES_MAX ((size_t)(2 * 1024 * 1024))

static const struct proxy_failure bad_length = {
    .name = STR_INIT("syntax"),
    .text = STR_INIT("The content is longer or shorter than content-length says."),
    .status = 502,
};

/* --- life --- */

static struct proxy_h2_stream *begin(struct proxy_h2 *h2, int32_t id)
{
    struct proxy_conn *conn = h2->conn;
    struct proxy_h2_stream *stream = calloc(1, sizeof(*stream));

    CHECK(stream);
    stream->h2 = h2;
    stream->id = id;
    stream->is_client_open = true;
    stream->moved_us = os_clock_mono_us();
    exchange_init(&stream->exchange, conn->worker->options->limits.head_bytes_max * 6 + PROXY_CONN_ARENA_BYTES_MAX,
                  conn->worker->observers, conn->worker->observer_count);
    buf_init(&stream->unsent, UNSENT_BYTES_MAX);
    list_push_last(&h2->streams, &stream->node);
    h2_session_set_stream_owner(h2->session, id, stream);
    return stream;
}

void proxy_h2_stream_free(struct proxy_h2_stream *stream)
{
    proxy_h2_stream_finish(stream);
    proxy_h2_stream_request_gone(stream, stream->client_debt);
    list_remove(&stream->node);
    buf_deinit(&stream->unsent);
    exchange_deinit(&stream->exchange);
    free(stream);
}

void proxy_h2_stream_finish(struct proxy_h2_stream *stream)
{
    if (!stream->is_exchange_open)
        return;
    stream->is_exchange_open = false;
    for (enum exchange_side side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE; side++) {
        if (stream->exchange.half[side].phase != EXCHANGE_ENDED)
            exchange_half_end(&stream->exchange, side, false);
    }
    proxy_conn_end_exchange(&stream->exchange);
}

static void finish_if_done(struct proxy_h2_stream *stream)
{
    if (stream->is_request_ended && stream->is_response_ended)
        proxy_h2_stream_finish(stream);
}

static void tell(struct proxy_h2_stream *stream, enum exchange_side side, struct str wire, size_t payload_len)
{
    if (stream->is_exchange_open && stream->exchange.half[side].phase != EXCHANGE_ENDED && wire.len)
        exchange_bytes(&stream->exchange, side, wire, payload_len);
}

static void end_half(struct proxy_h2_stream *stream, enum exchange_side side)
{
    if (stream->is_exchange_open && stream->exchange.half[side].phase != EXCHANGE_ENDED)
        exchange_half_end(&stream->exchange, side, true);
    finish_if_done(stream);
}

/* --- the origin's side --- */

/* Lets go of the link, which ends what it has of the stream. */
static void cancel(struct proxy_h2_stream *stream, uint32_t code)
{
    struct proxy_h2_link *link = stream->link;

    stream->link = NULL;
    if (link && stream->is_taken)
        link->ops->cancel(link, stream, code);
    proxy_h2_stream_request_gone(stream, stream->client_debt);
    buf_clear(&stream->unsent);
}

void proxy_h2_stream_unlink(struct proxy_h2_stream *stream)
{
    stream->link = NULL;
    proxy_h2_stream_request_gone(stream, stream->client_debt);
    buf_clear(&stream->unsent);
    /* RFC 9113, 8.1: a server that has answered completely may ask the client to stop sending. */
    if (stream->is_response_ended && !stream->is_request_ended)
        h2_session_reset_later(stream->h2->session, stream->id, H2_SESSION_NO_ERROR);
}

void proxy_h2_stream_go(struct proxy_h2_stream *stream)
{
    struct proxy_h2_link *link = stream->link;

    stream->is_taken = true;
    stream->moved_us = os_clock_mono_us();
    proxy_failure_describe_origin(&stream->exchange, link->origin);
    if (!link->has_told_timing)
        proxy_failure_describe_timing(&stream->exchange, link->origin);
    link->has_told_timing = true;
    link->ops->take(link, stream);
    if (stream->link && stream->unsent.len)
        link->ops->send(link, stream, buf_str(&stream->unsent));
    buf_clear(&stream->unsent);
    if (stream->link && stream->has_request_body && stream->is_request_ended)
        link->ops->end(link, stream);
}

void proxy_h2_stream_request_gone(struct proxy_h2_stream *stream, size_t count)
{
    if (count > stream->client_debt)
        count = stream->client_debt;
    stream->client_debt -= count;
    stream->moved_us = os_clock_mono_us();
    h2_session_consume(stream->h2->session, stream->id, count);
}

/* --- what the client is sent --- */

static void describe_response(struct proxy_h2_stream *stream, const struct http_message *message)
{
    const struct http_field *type = http_message_field(message, STR("content-type"));
    struct exchange_facts *facts = &stream->exchange.facts;
    struct str copy;

    facts->status = message->status;
    facts->reason = message->reason;
    facts->origin_version = message->version;
    facts->first_byte_us = (int64_t)(os_clock_mono_us() - stream->exchange.begun_us);
    if (!type || err_is(arena_copy_lower(&stream->exchange.arena, http_field_media_type(type->value), &copy)))
        return;
    facts->type = copy;
}

static const struct proxy_failure endless_interim = {
    .name = STR_INIT("syntax"), .text = STR_INIT("The origin sent interim responses without end."), .status = 502};

void proxy_h2_stream_interim(struct proxy_h2_stream *stream, struct h2_message_fields section, struct str wire)
{
    stream->moved_us = os_clock_mono_us();
    if (++stream->interim_count > PROXY_H2_INTERIM_MAX) {
        proxy_h2_stream_fail(stream, &endless_interim);
        return;
    }
    if (stream->is_exchange_open)
        exchange_interim(&stream->exchange, wire);
    /* A stream that the client has reset is told of soon. */
    IGNORE(h2_session_section(stream->h2->session, stream->id, section.fields, section.count, false));
}

void proxy_h2_stream_response(struct proxy_h2_stream *stream, struct h2_message_fields section, struct str wire,
                              const struct http_message *message, bool ends)
{
    struct err err = h2_message_check(H2_MESSAGE_RESPONSE, section, &stream->response_head);
    struct proxy_failure failure = {STR("syntax"), str_from(err.what), 502};

    stream->moved_us = os_clock_mono_us();
    if (stream->is_exchange_open && stream->exchange.half[EXCHANGE_RESPONSE].phase == EXCHANGE_WAIT) {
        describe_response(stream, message);
        exchange_head(&stream->exchange, EXCHANGE_RESPONSE, wire, message);
    }
    if (err_is(err)) {
        proxy_h2_stream_fail(stream, &failure);
        return;
    }
    stream->has_response = true;
    IGNORE(h2_session_section(stream->h2->session, stream->id, section.fields, section.count, ends));
}

/* RFC 9110, 6.4.1: whether a response's content-length speaks of content that follows. */
static bool has_length(const struct proxy_h2_stream *stream)
{
    unsigned status = stream->response_head.status;

    return stream->response_head.has_content_length && status != 304 && status != 204 &&
           !str_eq(stream->request_head.method, STR("HEAD"));
}

void proxy_h2_stream_content(struct proxy_h2_stream *stream, struct str wire, struct str payload)
{
    stream->moved_us = os_clock_mono_us();
    stream->response_bytes += payload.len;
    tell(stream, EXCHANGE_RESPONSE, wire, payload.len);
    if (has_length(stream) && stream->response_bytes > stream->response_head.content_length) {
        proxy_h2_stream_break(stream, &bad_length, H2_SESSION_PROTOCOL_ERROR);
        return;
    }
    if (payload.len == 0)
        return;
    if (err_is(h2_session_send(stream->h2->session, stream->id, payload, false)) && stream->link)
        stream->link->ops->gone_on(stream->link, stream, payload.len);
}

static bool ends_short(struct proxy_h2_stream *stream)
{
    if (!has_length(stream) || stream->response_bytes == stream->response_head.content_length)
        return false;
    proxy_h2_stream_break(stream, &bad_length, H2_SESSION_PROTOCOL_ERROR);
    return true;
}

void proxy_h2_stream_trailers(struct proxy_h2_stream *stream, struct h2_message_fields section, struct str wire)
{
    tell(stream, EXCHANGE_RESPONSE, wire, 0);
    if (ends_short(stream))
        return;
    IGNORE(h2_session_section(stream->h2->session, stream->id, section.fields, section.count, true));
}

void proxy_h2_stream_response_end(struct proxy_h2_stream *stream)
{
    if (stream->is_response_ended || ends_short(stream))
        return;
    stream->is_response_ended = true;
    end_half(stream, EXCHANGE_RESPONSE);
    /* The head or the trailers may have ended it already. */
    IGNORE(h2_session_send(stream->h2->session, stream->id, STR_NONE, true));
}

void proxy_h2_stream_break(struct proxy_h2_stream *stream, const struct proxy_failure *failure, uint32_t code)
{
    if (stream->is_exchange_open)
        proxy_conn_fail_exchange(&stream->exchange, failure->name, failure->text);
    proxy_h2_stream_finish(stream);
    cancel(stream, code == H2_SESSION_NO_ERROR ? H2_SESSION_CANCEL : code);
    h2_session_reset_later(stream->h2->session, stream->id, code);
}

void proxy_h2_stream_fail(struct proxy_h2_stream *stream, const struct proxy_failure *failure)
{
    struct proxy_page page = {.status = failure->status, .text = failure->text, .detail = failure->name};

    if (stream->has_response) {
        proxy_h2_stream_break(stream, failure, H2_SESSION_INTERNAL_ERROR);
        return;
    }
    if (stream->is_exchange_open)
        proxy_conn_fail_exchange(&stream->exchange, failure->name, failure->text);
    proxy_h2_stream_answer(stream, &page);
}

/* --- answers of our own --- */

/* A page is written for HTTP/1; its head crosses like an origin's. */
static struct err send_page(struct proxy_h2_stream *stream, struct str wire)
{
    struct h2_session *session = stream->h2->session;
    size_t head_len = str_find(wire, STR("\r\n\r\n")) + 4;
    struct http_message message = {0};
    struct h2_message_fields section;
    uint32_t flags = 0;

    TRY(h1_head_parse(str_head(wire, head_len), 64, &stream->exchange.arena, &message, &flags));
    TRY(h2_crossing_from_h1(&message, STR_NONE, STR_NONE, &stream->exchange.arena, &section));
    TRY(h2_session_section(session, stream->id, section.fields, section.count, false));
    return h2_session_send(session, stream->id, str_skip(wire, head_len), true);
}

void proxy_h2_stream_answer(struct proxy_h2_stream *stream, const struct proxy_page *page)
{
    struct h2_session *session = stream->h2->session;
    struct str wire;
    struct err err;

    if (stream->is_request_ended && stream->is_exchange_open &&
        stream->exchange.half[EXCHANGE_REQUEST].phase != EXCHANGE_ENDED)
        exchange_half_end(&stream->exchange, EXCHANGE_REQUEST, true);
    proxy_h2_stream_finish(stream);
    cancel(stream, H2_SESSION_CANCEL);
    err = proxy_page_write(stream->h2->conn->worker->loop, page, stream->exchange.half[EXCHANGE_REQUEST].message, true,
                           &wire);
    if (!err_is(err))
        err = send_page(stream, wire);
    stream->has_response = stream->is_response_ended = true;
    if (err_is(err))
        h2_session_reset(session, stream->id, H2_SESSION_INTERNAL_ERROR);
    else if (stream->has_request_body && !stream->is_request_ended)
        h2_session_reset_later(session, stream->id, H2_SESSION_NO_ERROR);
}

/* --- the client's events --- */

static struct err keep_fields(struct arena *arena, const struct h2_section *section, struct h2_message_fields *ret_kept)
{
    struct h2_field *fields = arena_zalloc(arena, (section->count + 1) * sizeof(*fields));

    if (!fields)
        return ERR(ERR_LIMIT, 0, "the head is too large");
    for (size_t i = 0; i < section->count; i++) {
        fields[i].is_sensitive = section->fields[i].is_sensitive;
        TRY(arena_copy(arena, section->fields[i].name, &fields[i].name));
        TRY(arena_copy(arena, section->fields[i].value, &fields[i].value));
    }
    *ret_kept = (struct h2_message_fields){fields, section->count};
    return OK;
}

static void take_head(struct proxy_h2 *h2, int32_t id, const struct h2_section *section)
{
    struct proxy_h2_stream *stream = begin(h2, id);
    struct err err = keep_fields(&stream->exchange.arena, section, &stream->request);

    stream->has_request_body = !section->ends_stream;
    stream->is_request_ended = section->ends_stream;
    proxy_h2_route(stream, section->is_too_large || err_is(err));
}

/* RFC 9113, 8.1: a second section is trailers, and ends the stream. */
static void take_trailers(struct proxy_h2_stream *stream, const struct h2_section *section)
{
    struct arena *arena = &stream->exchange.arena;
    struct h2_message_head unused;
    struct str wire;
    struct err err = keep_fields(arena, section, &stream->trailers);
    struct proxy_failure failure = {.name = STR("syntax")};

    if (!section->ends_stream || section->is_too_large)
        err = ERR(ERR_SYNTAX, 0, "a second head, or trailers that do not end the stream");
    if (!err_is(err))
        err = h2_message_check(H2_MESSAGE_TRAILERS, stream->trailers, &unused);
    if (!err_is(err))
        err = h2_message_text(H2_MESSAGE_TRAILERS, stream->trailers, arena, &wire, NULL);
    if (err_is(err)) {
        failure.text = str_from(err.what);
        proxy_h2_stream_break(stream, &failure, H2_SESSION_PROTOCOL_ERROR);
        return;
    }
    stream->has_trailers = true;
    tell(stream, EXCHANGE_REQUEST, wire, 0);
}

static void on_section(void *owner, int32_t id, const struct h2_section *section)
{
    struct proxy_h2 *h2 = owner;
    struct proxy_h2_stream *stream = h2_session_stream_owner(h2->session, id);

    if (section->is_first)
        take_head(h2, id, section);
    else if (stream)
        take_trailers(stream, section);
}

static bool is_too_long(const struct proxy_h2_stream *stream)
{
    return stream->request_head.has_content_length && stream->request_bytes > stream->request_head.content_length;
}

static void on_bytes(void *owner, int32_t id, struct str bytes)
{
    struct proxy_h2 *h2 = owner;
    struct proxy_h2_stream *stream = h2_session_stream_owner(h2->session, id);

    if (!stream) {
        h2_session_consume(h2->session, id, bytes.len);
        return;
    }
    stream->moved_us = os_clock_mono_us();
    stream->request_bytes += bytes.len;
    stream->client_debt += bytes.len;
    tell(stream, EXCHANGE_REQUEST, bytes, bytes.len);
    if (!stream->link)
        proxy_h2_stream_request_gone(stream, bytes.len);
    else if (is_too_long(stream))
        proxy_h2_stream_break(stream, &bad_length, H2_SESSION_PROTOCOL_ERROR);
    else if (stream->is_taken)
        stream->link->ops->send(stream->link, stream, bytes);
    else if (err_is(buf_append(&stream->unsent, bytes)))
        proxy_h2_stream_break(stream, &bad_length, H2_SESSION_INTERNAL_ERROR);
}

static void on_end(void *owner, int32_t id)
{
    struct proxy_h2 *h2 = owner;
    struct proxy_h2_stream *stream = h2_session_stream_owner(h2->session, id);

    if (!stream || (stream->is_request_ended && stream->has_request_body))
        return;
    if (stream->link && stream->request_head.has_content_length &&
        stream->request_bytes != stream->request_head.content_length) {
        proxy_h2_stream_break(stream, &bad_length, H2_SESSION_PROTOCOL_ERROR);
        return;
    }
    stream->is_request_ended = true;
    end_half(stream, EXCHANGE_REQUEST);
    if (stream->link && stream->is_taken && stream->has_request_body)
        stream->link->ops->end(stream->link, stream);
}

static void on_closed(void *owner, int32_t id, uint32_t code)
{
    struct proxy_h2 *h2 = owner;
    struct proxy_h2_stream *stream = h2_session_stream_owner(h2->session, id);
    char text[64];

    if (!stream)
        return;
    stream->is_client_open = false;
    /* What the client has sent completely and got answered completely may still be on its way to the origin. */
    if (code == H2_SESSION_NO_ERROR && stream->is_request_ended && stream->is_response_ended)
        return;
    if (stream->is_exchange_open) {
        snprintf(text, sizeof(text), "The client reset the stream (%s).", h2_session_code_name(code));
        proxy_conn_fail_exchange(&stream->exchange, STR("client-gone"), str_from(text));
        proxy_h2_stream_finish(stream);
    }
    cancel(stream, code == H2_SESSION_NO_ERROR ? H2_SESSION_CANCEL : code);
}

static void on_sent(void *owner, int32_t id, size_t count)
{
    struct proxy_h2 *h2 = owner;
    struct proxy_h2_stream *stream = h2_session_stream_owner(h2->session, id);

    if (!stream)
        return;
    stream->moved_us = os_clock_mono_us();
    if (stream->link && stream->is_taken)
        stream->link->ops->gone_on(stream->link, stream, count);
}

static void on_goaway(void *owner, int32_t last, uint32_t code)
{
    /* The client opens no more streams; those that are open go on. */
    (void)owner;
    (void)last;
    (void)code;
}

const struct h2_session_events proxy_h2_stream_client_events = {
    .on_section = on_section,
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_closed = on_closed,
    .on_sent = on_sent,
    .on_goaway = on_goaway,
};
