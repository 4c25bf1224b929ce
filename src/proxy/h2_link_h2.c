/* Streams over HTTP/2 to the origin. */
#include "os/clock.h"
#include "proxy/h2_private.h"

#define WRITE_BYTES_MAX ((size_t)(64 * 1024))

static struct proxy_h2_stream *stream_of(const struct proxy_h2_link *link, int32_t id)
{
    return h2_session_stream_owner(link->session, id);
}

/* --- toward the origin --- */

static bool has_slot(const struct proxy_h2_link *link)
{
    return !link->is_closing && h2_session_may_open(link->session);
}

static const struct proxy_failure not_opened = {.name = STR_INIT("closed"),
                                                .text =
                                                    STR_INIT("The origin takes no more requests on this connection."),
                                                .status = 502};

static void take(struct proxy_h2_link *link, struct proxy_h2_stream *stream)
{
    const struct h2_message_fields *request = &stream->request;

    if (err_is(h2_session_request(link->session, request->fields, request->count, !stream->has_request_body,
                                  &stream->origin_id))) {
        stream->link = NULL;
        proxy_h2_stream_break(stream, &not_opened, H2_SESSION_REFUSED_STREAM);
        return;
    }
    h2_session_set_stream_owner(link->session, stream->origin_id, stream);
}

static void send_content(struct proxy_h2_link *link, struct proxy_h2_stream *stream, struct str bytes)
{
    /* An origin that has closed the stream is told of by on_closed. */
    if (err_is(h2_session_send(link->session, stream->origin_id, bytes, false)))
        proxy_h2_stream_request_gone(stream, bytes.len);
}

static void end_request(struct proxy_h2_link *link, struct proxy_h2_stream *stream)
{
    const struct h2_message_fields *trailers = &stream->trailers;

    if (stream->has_trailers)
        IGNORE(h2_session_section(link->session, stream->origin_id, trailers->fields, trailers->count, true));
    else
        IGNORE(h2_session_send(link->session, stream->origin_id, STR_NONE, true));
}

static void let_go(struct proxy_h2_link *link, struct proxy_h2_stream *stream)
{
    h2_session_set_stream_owner(link->session, stream->origin_id, NULL);
    h2_session_consume(link->session, stream->origin_id, stream->origin_debt);
    stream->origin_debt = 0;
}

static void cancel(struct proxy_h2_link *link, struct proxy_h2_stream *stream, uint32_t code)
{
    let_go(link, stream);
    h2_session_reset(link->session, stream->origin_id, code);
}

static void gone_on(struct proxy_h2_link *link, struct proxy_h2_stream *stream, size_t count)
{
    if (count > stream->origin_debt)
        count = stream->origin_debt;
    stream->origin_debt -= count;
    h2_session_consume(link->session, stream->origin_id, count);
    if (stream->is_origin_over && stream->origin_debt == 0)
        stream->link = NULL;
}

static bool write_out(struct proxy_h2_link *link)
{
    struct str bytes;
    struct buf out;

    if (proxy_origin_queued(link->origin) > NET_LAYER_HIGH_WATER)
        return false;
    buf_init(&out, WRITE_BYTES_MAX * 16);
    IGNORE(h2_session_write(link->session, WRITE_BYTES_MAX, &out)); /* the buffer is large enough for any write */
    bytes = buf_str(&out);
    if (bytes.len)
        proxy_origin_write(link->origin, &bytes, 1);
    buf_deinit(&out);
    return bytes.len > 0;
}

/* --- from the origin --- */

static bool is_interim(const struct h2_section *section, struct h2_message_fields fields)
{
    struct h2_message_head head;

    return !section->ends_stream && !err_is(h2_message_check(H2_MESSAGE_RESPONSE, fields, &head)) && head.status < 200;
}

static struct err keep_fields(struct arena *arena, const struct h2_section *section, struct h2_message_fields *ret_kept)
{
    struct h2_field *fields = arena_zalloc(arena, (section->count + 1) * sizeof(*fields));

    if (!fields)
        return ERR(ERR_LIMIT, 0, "the head is too large");
    for (size_t i = 0; i < section->count; i++) {
        TRY(arena_copy(arena, section->fields[i].name, &fields[i].name));
        TRY(arena_copy(arena, section->fields[i].value, &fields[i].value));
        fields[i].is_sensitive = section->fields[i].is_sensitive;
    }
    *ret_kept = (struct h2_message_fields){fields, section->count};
    return OK;
}

static void take_head(struct proxy_h2_stream *stream, const struct h2_section *section, struct h2_message_fields fields)
{
    struct arena *arena = &stream->exchange.arena;
    struct http_message *message = arena_zalloc(arena, sizeof(*message));
    struct proxy_failure failure = {STR("limit"), STR("The answer's head is larger than the limits allow."), 502};
    struct str wire;

    if (!message || section->is_too_large ||
        err_is(h2_message_text(H2_MESSAGE_RESPONSE, fields, arena, &wire, message)))
        proxy_h2_stream_fail(stream, &failure);
    else if (is_interim(section, fields))
        proxy_h2_stream_interim(stream, fields, wire);
    else
        proxy_h2_stream_response(stream, fields, wire, message, section->ends_stream);
}

static void take_trailers(struct proxy_h2_stream *stream, const struct h2_section *section,
                          struct h2_message_fields fields)
{
    struct proxy_failure failure = {STR("syntax"), STR("The answer's trailers are malformed."), 502};
    struct h2_message_head unused;
    struct str wire;

    if (!section->ends_stream || section->is_too_large ||
        err_is(h2_message_check(H2_MESSAGE_TRAILERS, fields, &unused)) ||
        err_is(h2_message_text(H2_MESSAGE_TRAILERS, fields, &stream->exchange.arena, &wire, NULL)))
        proxy_h2_stream_break(stream, &failure, H2_SESSION_PROTOCOL_ERROR);
    else
        proxy_h2_stream_trailers(stream, fields, wire);
}

static void on_section(void *owner, int32_t id, const struct h2_section *section)
{
    struct proxy_h2_link *link = owner;
    struct proxy_h2_stream *stream = stream_of(link, id);
    struct proxy_failure failure = {STR("limit"), STR("The answer's head is larger than the limits allow."), 502};
    struct h2_message_fields fields;

    if (!stream)
        return;
    link->was_used = true;
    if (err_is(keep_fields(&stream->exchange.arena, section, &fields)))
        proxy_h2_stream_fail(stream, &failure);
    else if (stream->has_response)
        take_trailers(stream, section, fields);
    else
        take_head(stream, section, fields);
}

static const struct proxy_failure content_first = {
    .name = STR_INIT("syntax"), .text = STR_INIT("The origin sent content before a head."), .status = 502};

static void on_content(void *owner, int32_t id, struct str bytes)
{
    struct proxy_h2_link *link = owner;
    struct proxy_h2_stream *stream = stream_of(link, id);

    if (!stream) {
        h2_session_consume(link->session, id, bytes.len);
        return;
    }
    stream->origin_debt += bytes.len;
    if (stream->has_response)
        proxy_h2_stream_content(stream, bytes, bytes);
    else
        proxy_h2_stream_fail(stream, &content_first);
}

static void on_end(void *owner, int32_t id)
{
    struct proxy_h2_stream *stream = stream_of(owner, id);

    if (!stream)
        return;
    if (stream->has_response)
        proxy_h2_stream_response_end(stream);
    else
        proxy_h2_stream_fail(stream, &content_first);
}

/* What still waits for the client keeps its share of the connection's window, so the link is needed until it has left.
 */
static void end_stream(struct proxy_h2_link *link, struct proxy_h2_stream *stream)
{
    h2_session_set_stream_owner(link->session, stream->origin_id, NULL);
    proxy_h2_stream_unlink(stream);
    stream->is_origin_over = stream->origin_debt > 0;
    stream->link = stream->is_origin_over ? link : NULL;
}

static void on_closed(void *owner, int32_t id, uint32_t code)
{
    struct proxy_h2_link *link = owner;
    struct proxy_h2_stream *stream = stream_of(link, id);
    struct proxy_failure failure = {.name = STR("reset"), .status = 502};
    char text[64];

    if (!stream)
        return;
    if (stream->is_response_ended) {
        end_stream(link, stream);
        return;
    }
    let_go(link, stream);
    snprintf(text, sizeof(text), "The origin reset the stream (%s).", h2_session_code_name(code));
    failure.text = str_from(text);
    stream->link = NULL;
    proxy_h2_stream_break(stream, &failure, code);
}

static void on_sent(void *owner, int32_t id, size_t count)
{
    struct proxy_h2_stream *stream = stream_of(owner, id);

    if (stream)
        proxy_h2_stream_request_gone(stream, count);
}

static void on_goaway(void *owner, int32_t last, uint32_t code)
{
    (void)last;
    (void)code;
    /* Streams that the origin will not serve are closed one by one, as refused. */
    proxy_h2_link_retire(owner);
}

static const struct h2_session_events session_events = {
    .on_section = on_section,
    .on_bytes = on_content,
    .on_end = on_end,
    .on_closed = on_closed,
    .on_sent = on_sent,
    .on_goaway = on_goaway,
};

/* --- the connection --- */

static void on_bytes(struct proxy_h2_link *link, struct str bytes)
{
    struct err err = h2_session_read(link->session, bytes);
    struct proxy_failure failure = {STR("protocol"), str_from(err.what), 502};

    if (err_is(err))
        proxy_h2_link_die(link, &failure);
    else
        proxy_h2_link_serve(link);
}

static void on_eof(struct proxy_h2_link *link)
{
    struct proxy_failure failure = {STR("closed"), STR("The origin closed the connection."), 502};

    proxy_h2_link_die(link, &failure);
}

static void on_drain(struct proxy_h2_link *link) { (void)link; }

static bool wants_reading(const struct proxy_h2_link *link)
{
    (void)link;
    return true;
}

static void free_session(struct proxy_h2_link *link) { h2_session_free(&link->session); }

static const struct proxy_h2_link_ops ops = {
    .name = "http2",
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
    .free = free_session,
};

void proxy_h2_link_h2_start(struct proxy_h2_link *link)
{
    const struct proxy_limits *limits = &link->h2->conn->worker->options->limits;
    struct h2_session_options options = {.role = H2_SESSION_CLIENT,
                                         .events = &session_events,
                                         .owner = link,
                                         .section_bytes_max = limits->head_bytes_max,
                                         .field_count_max = limits->field_count_max};

    CHECK(!err_is(h2_session_new(&options, &link->session)));
    link->ops = &ops;
}
