#include "h2/session.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/list.h"

#define STREAM_COUNT_MAX 100
#define WINDOW_BYTES (1024 * 1024)
#define CONNECTION_WINDOW_BYTES (6 * 1024 * 1024)
#define SECTION_BYTES_MAX ((size_t)(256 * 1024))
#define FIELD_COUNT_MAX ((size_t)1000)
#define FIELD_OVERHEAD ((size_t)32) /* RFC 9113, 6.5.2 */
#define QUEUE_BYTES_MAX ((size_t)(4 * 1024 * 1024))
#define OUTBOUND_ACK_MAX 1000
#define SETTINGS_MAX 32
/* What a peer may do at once before time must pass: resets that it makes or causes, and frames that bring nothing. */
#define RESET_BUDGET ((size_t)500)
#define IDLE_BUDGET ((size_t)5000)
#define IDLE_PER_RESET ((size_t)10)

struct stream {
    struct list node; /* in session->streams */
    struct h2_session *session;
    void *owner;
    int32_t id;
    struct buf queue;    /* to be sent */
    bool is_queue_ended; /* END_STREAM goes with the last byte */
    bool is_waiting;     /* nghttp2 was told that there is nothing to send now */
    bool has_provider;   /* nghttp2 asks us for data */
    bool has_sent_end;   /* END_STREAM has left */
    bool is_reset_due;   /* once the queue is empty, with reset_code */
    uint32_t reset_code;
    bool has_section; /* the first section has come */
    bool is_peer_ended;
    struct h2_field *trailers; /* to be sent after the queue */
    size_t trailer_count;
    struct arena arena; /* of the trailers */
};

struct h2_session {
    struct h2_session_options options;
    nghttp2_session *nghttp2;
    struct list streams;
    size_t stream_count;
    size_t reset_budget, idle_budget;
    bool is_over_limit;
    bool is_broken; /* h2_session_read() has failed */
    /* The section that is coming in. */
    struct arena arena;
    struct h2_field *fields;
    size_t field_count, field_size;
    size_t section_bytes;
    bool is_section_too_large;
};

/* --- streams --- */

/* nghttp2 knows a stream only once its first section has been sent or received. */
static struct stream *stream_of(const struct h2_session *session, int32_t id)
{
    struct stream *known = nghttp2_session_get_stream_user_data(session->nghttp2, id);

    if (known || session->options.role == H2_SESSION_SERVER)
        return known;
    for (struct list *node = session->streams.next; node != &session->streams; node = node->next) {
        struct stream *stream = LIST_OWNER(node, struct stream, node);

        if (stream->id == id)
            return stream;
    }
    return NULL;
}

static struct stream *add_stream(struct h2_session *session, int32_t id)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    CHECK(stream);
    stream->session = session;
    stream->id = id;
    buf_init(&stream->queue, QUEUE_BYTES_MAX);
    arena_init(&stream->arena, session->options.section_bytes_max * 2);
    list_push_last(&session->streams, &stream->node);
    session->stream_count++;
    return stream;
}

static void remove_stream(struct stream *stream)
{
    list_remove(&stream->node);
    stream->session->stream_count--;
    buf_deinit(&stream->queue);
    arena_deinit(&stream->arena);
    free(stream);
}

/* --- the peer's sections --- */

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user)
{
    struct h2_session *session = user;

    arena_reset(&session->arena);
    session->field_count = session->section_bytes = 0;
    session->is_section_too_large = false;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream_of(session, frame->hd.stream_id))
        nghttp2_session_set_stream_user_data(nghttp2, frame->hd.stream_id, add_stream(session, frame->hd.stream_id));
    return 0;
}

static bool keep_field(struct h2_session *session, struct str name, struct str value, bool is_sensitive)
{
    struct h2_field *field;

    if (session->section_bytes > session->options.section_bytes_max ||
        session->field_count >= session->options.field_count_max)
        return false;
    if (session->field_count == session->field_size) {
        session->field_size = session->field_size ? session->field_size * 2 : 32;
        session->fields = realloc(session->fields, session->field_size * sizeof(struct h2_field));
        CHECK(session->fields);
    }
    field = &session->fields[session->field_count];
    field->is_sensitive = is_sensitive;
    if (err_is(arena_copy(&session->arena, name, &field->name)) ||
        err_is(arena_copy(&session->arena, value, &field->value)))
        return false;
    session->field_count++;
    return true;
}

/* LIMIT: nghttp2 gives the parameters. */
static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct h2_session *session = user;

    (void)nghttp2;
    (void)frame;
    session->section_bytes += name_len + value_len + FIELD_OVERHEAD;
    if (!session->is_section_too_large &&
        !keep_field(session, (struct str){(const char *)name, name_len}, (struct str){(const char *)value, value_len},
                    (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0))
        session->is_section_too_large = true;
    /* An HPACK bomb goes on for ever: past twice the limit the connection ends. */
    if (session->section_bytes > session->options.section_bytes_max * 2) {
        session->is_over_limit = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

static void charge(struct h2_session *session, size_t *budget)
{
    if (*budget == 0)
        session->is_over_limit = true;
    else
        (*budget)--;
}

static void end_by_peer(struct h2_session *session, struct stream *stream)
{
    if (stream->is_peer_ended)
        return;
    stream->is_peer_ended = true;
    session->options.events->on_end(session->options.owner, stream->id);
}

static void take_section(struct h2_session *session, const nghttp2_frame *frame)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);
    struct h2_section section = {.fields = session->fields,
                                 .count = session->field_count,
                                 .ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0,
                                 .is_too_large = session->is_section_too_large};

    if (!stream)
        return;
    section.is_first = !stream->has_section;
    stream->has_section = true;
    session->options.events->on_section(session->options.owner, frame->hd.stream_id, &section);
    /* The event may have reset the stream, and so removed it. */
    stream = stream_of(session, frame->hd.stream_id);
    if (section.ends_stream && stream)
        end_by_peer(session, stream);
}

static void take_data_end(struct h2_session *session, const nghttp2_frame *frame)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);

    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        if (stream)
            end_by_peer(session, stream);
    } else if (frame->hd.length == frame->data.padlen) {
        charge(session, &session->idle_budget);
    }
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user)
{
    struct h2_session *session = user;

    (void)nghttp2;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        take_section(session, frame);
        break;
    case NGHTTP2_DATA:
        take_data_end(session, frame);
        break;
    case NGHTTP2_RST_STREAM:
        charge(session, &session->reset_budget);
        break;
    case NGHTTP2_GOAWAY:
        session->options.events->on_goaway(session->options.owner, frame->goaway.last_stream_id,
                                           frame->goaway.error_code);
        break;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_PRIORITY:
        charge(session, &session->idle_budget);
        break;
    default:
        break;
    }
    return session->is_over_limit ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* LIMIT: nghttp2 gives the parameters. */
static int on_data_chunk(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
                         void *user)
{
    struct h2_session *session = user;

    (void)flags;
    if (stream_of(session, id))
        session->options.events->on_bytes(session->options.owner, id, (struct str){(const char *)bytes, len});
    else
        nghttp2_session_consume_connection(nghttp2, len);
    return 0;
}

/* A frame that makes us reset the stream takes from the same budget as a reset by the peer. */
static int on_invalid_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, int code, void *user)
{
    struct h2_session *session = user;

    (void)nghttp2;
    (void)frame;
    (void)code;
    charge(session, &session->reset_budget);
    return session->is_over_limit ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t code, void *user)
{
    struct h2_session *session = user;
    struct stream *stream = stream_of(session, id);

    if (!stream)
        return 0;
    session->options.events->on_closed(session->options.owner, id, code);
    nghttp2_session_set_stream_user_data(nghttp2, id, NULL);
    remove_stream(stream);
    return 0;
}

/* --- our bytes --- */

static nghttp2_nv nv_of(const struct h2_field *field)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)field->name.ptr,
        .value = (uint8_t *)(uintptr_t)field->value.ptr,
        .namelen = field->name.len,
        .valuelen = field->value.len,
        .flags = field->is_sensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
    };
}

static nghttp2_nv *nvs_of(const struct h2_field *fields, size_t count)
{
    nghttp2_nv *nvs = calloc(count + 1, sizeof(*nvs));

    CHECK(nvs);
    for (size_t i = 0; i < count; i++)
        nvs[i] = nv_of(&fields[i]);
    return nvs;
}

static void send_trailers(struct stream *stream)
{
    nghttp2_nv *nvs = nvs_of(stream->trailers, stream->trailer_count);

    nghttp2_submit_trailer(stream->session->nghttp2, stream->id, nvs, stream->trailer_count);
    free(nvs);
}

static ssize_t pause_data(struct stream *stream)
{
    stream->is_waiting = true;
    if (stream->is_reset_due)
        h2_session_reset(stream->session, stream->id, stream->reset_code);
    return NGHTTP2_ERR_DEFERRED;
}

/* nghttp2 takes what the windows allow. */
/* LIMIT: nghttp2 gives the parameters. */
static ssize_t give_data(nghttp2_session *nghttp2, int32_t id, uint8_t *room, size_t room_len, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct stream *stream = source->ptr;
    struct str queued = str_head(buf_str(&stream->queue), room_len);

    (void)nghttp2;
    (void)id;
    (void)user;
    if (queued.len == 0 && !stream->is_queue_ended)
        return pause_data(stream);
    if (queued.len)
        memcpy(room, queued.ptr, queued.len);
    buf_take(&stream->queue, queued.len);
    if (stream->queue.len == 0 && stream->is_queue_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            send_trailers(stream);
        }
    }
    return (ssize_t)queued.len;
}

static void resume(struct stream *stream)
{
    if (stream->is_waiting)
        nghttp2_session_resume_data(stream->session->nghttp2, stream->id);
    stream->is_waiting = false;
}

struct err h2_session_send(struct h2_session *session, int32_t id, struct str bytes, bool ends_stream)
{
    struct stream *stream = stream_of(session, id);

    if (!stream || stream->is_queue_ended || !stream->has_provider || stream->is_reset_due)
        return ERR(ERR_CLOSED, 0, "the stream is not open");
    TRY(buf_append(&stream->queue, bytes));
    stream->is_queue_ended = ends_stream;
    resume(stream);
    return OK;
}

static struct err keep_trailers(struct stream *stream, const struct h2_field *fields, size_t count)
{
    struct h2_field *copies = arena_zalloc(&stream->arena, (count + 1) * sizeof(*copies));

    if (!copies)
        return ERR(ERR_LIMIT, 0, "trailers are too large");
    for (size_t i = 0; i < count; i++) {
        copies[i].is_sensitive = fields[i].is_sensitive;
        TRY(arena_copy(&stream->arena, fields[i].name, &copies[i].name));
        TRY(arena_copy(&stream->arena, fields[i].value, &copies[i].value));
    }
    stream->trailers = copies;
    stream->trailer_count = count;
    stream->is_queue_ended = true;
    resume(stream);
    return OK;
}

/* 1xx: another section follows (RFC 9113, 8.1). */
static bool is_interim(const struct h2_field *fields, size_t count)
{
    return count && str_eq(fields[0].name, STR(":status")) && fields[0].value.len == 3 && fields[0].value.ptr[0] == '1';
}

struct err h2_session_section(struct h2_session *session, int32_t id, const struct h2_field *fields, size_t count,
                              bool ends_stream)
{
    struct stream *stream = stream_of(session, id);
    nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = give_data};
    nghttp2_nv *nvs;
    int result;

    if (!stream || stream->is_queue_ended || stream->is_reset_due)
        return ERR(ERR_CLOSED, 0, "the stream is not open");
    if (stream->has_provider)
        return keep_trailers(stream, fields, count);
    nvs = nvs_of(fields, count);
    if (is_interim(fields, count)) {
        result = nghttp2_submit_headers(session->nghttp2, NGHTTP2_FLAG_NONE, id, NULL, nvs, count, stream);
    } else {
        result = nghttp2_submit_response(session->nghttp2, id, nvs, count, ends_stream ? NULL : &provider);
        stream->has_provider = !ends_stream;
        stream->is_queue_ended = ends_stream;
    }
    free(nvs);
    return result == 0 ? OK : ERR(ERR_CLOSED, 0, "the stream is not open");
}

struct err h2_session_request(struct h2_session *session, const struct h2_field *fields, size_t count, bool ends_stream,
                              int32_t *ret_stream)
{
    nghttp2_data_provider provider = {.read_callback = give_data};
    struct stream *stream;
    nghttp2_nv *nvs;
    int32_t id;

    if (session->is_broken || !nghttp2_session_check_request_allowed(session->nghttp2))
        return ERR(ERR_LIMIT, 0, "the connection takes no more streams");
    if (!h2_session_may_open(session))
        return ERR(ERR_AGAIN, 0, "as many streams are open as the peer allows");
    stream = add_stream(session, 0);
    provider.source.ptr = stream;
    nvs = nvs_of(fields, count);
    id = nghttp2_submit_request(session->nghttp2, NULL, nvs, count, ends_stream ? NULL : &provider, stream);
    free(nvs);
    if (id < 0) {
        remove_stream(stream);
        return ERR(ERR_LIMIT, 0, "the connection takes no more streams");
    }
    stream->id = id;
    stream->is_queue_ended = ends_stream;
    stream->has_provider = !ends_stream;
    *ret_stream = id;
    return OK;
}

size_t h2_session_queued(const struct h2_session *session, int32_t id)
{
    const struct stream *stream = stream_of(session, id);

    return stream ? stream->queue.len : 0;
}

void h2_session_consume(struct h2_session *session, int32_t id, size_t count)
{
    if (count == 0 || session->is_broken)
        return;
    /* Fails only for want of memory.  Of a stream that is gone it opens the connection's window alone. */
    nghttp2_session_consume(session->nghttp2, id, count);
}

void h2_session_reset(struct h2_session *session, int32_t id, uint32_t code)
{
    if (stream_of(session, id))
        nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, id, code);
}

void h2_session_reset_later(struct h2_session *session, int32_t id, uint32_t code)
{
    struct stream *stream = stream_of(session, id);

    if (!stream)
        return;
    if (!stream->has_provider || stream->has_sent_end || (stream->queue.len == 0 && stream->is_waiting)) {
        h2_session_reset(session, id, code);
        return;
    }
    stream->is_reset_due = true;
    stream->reset_code = code;
}

void h2_session_give_notice(struct h2_session *session) { nghttp2_submit_shutdown_notice(session->nghttp2); }

void h2_session_go_away(struct h2_session *session, uint32_t code)
{
    nghttp2_submit_goaway(session->nghttp2, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session->nghttp2), code, NULL, 0);
}

static void refill(size_t *budget, size_t count, size_t max)
{
    *budget = max - *budget < count ? max : *budget + count;
}

void h2_session_forgive(struct h2_session *session, size_t count)
{
    refill(&session->reset_budget, count, RESET_BUDGET);
    refill(&session->idle_budget, count * IDLE_PER_RESET, IDLE_BUDGET);
}

void h2_session_set_stream_owner(struct h2_session *session, int32_t id, void *owner)
{
    struct stream *stream = stream_of(session, id);

    if (stream)
        stream->owner = owner;
}

void *h2_session_stream_owner(const struct h2_session *session, int32_t id)
{
    const struct stream *stream = stream_of(session, id);

    return stream ? stream->owner : NULL;
}

size_t h2_session_stream_count(const struct h2_session *session) { return session->stream_count; }

bool h2_session_may_open(const struct h2_session *session)
{
    return session->stream_count < session->options.stream_count_max &&
           session->stream_count <
               nghttp2_session_get_remote_settings(session->nghttp2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

/* --- the connection --- */

static struct err read_failure(struct h2_session *session, ssize_t result)
{
    if (session->is_over_limit || result == NGHTTP2_ERR_FLOODED) {
        nghttp2_session_terminate_session(session->nghttp2, H2_SESSION_ENHANCE_YOUR_CALM);
        return ERR(ERR_LIMIT, H2_SESSION_ENHANCE_YOUR_CALM, "the peer passes the limits of an HTTP/2 connection");
    }
    if (result == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
        return ERR(ERR_SYNTAX, H2_SESSION_PROTOCOL_ERROR, "the connection does not begin with HTTP/2's preface");
    return ERR(ERR_SYNTAX, H2_SESSION_PROTOCOL_ERROR, "the peer breaks HTTP/2's framing");
}

struct err h2_session_read(struct h2_session *session, struct str bytes)
{
    ssize_t result;

    if (session->is_broken)
        return ERR(ERR_CLOSED, 0, "the connection is over");
    result = nghttp2_session_mem_recv(session->nghttp2, (const uint8_t *)bytes.ptr, bytes.len);
    if (result < 0 || session->is_over_limit) {
        session->is_broken = true;
        return read_failure(session, result);
    }
    return OK;
}

static void tell_sent(struct h2_session *session, int32_t id, size_t count)
{
    if (count && stream_of(session, id))
        session->options.events->on_sent(session->options.owner, id, count);
}

/* Our direction of the stream may have ended with this frame while the peer's goes on and is not wanted any more. */
static void note_end(struct h2_session *session, const nghttp2_frame *frame)
{
    struct stream *stream = stream_of(session, frame->hd.stream_id);

    if (!stream || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return;
    stream->has_sent_end = true;
    if (stream->is_reset_due)
        h2_session_reset(session, stream->id, stream->reset_code);
}

static int on_frame_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *user)
{
    (void)nghttp2;
    if (frame->hd.type == NGHTTP2_DATA)
        tell_sent(user, frame->hd.stream_id, frame->hd.length);
    if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)
        note_end(user, frame);
    return 0;
}

/* A request that nghttp2 could not send after all, as when GOAWAY came in between. */
static int on_frame_not_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, int code, void *user)
{
    struct h2_session *session = user;
    struct stream *stream;

    (void)nghttp2;
    (void)code;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream = stream_of(session, frame->hd.stream_id);
    if (!stream)
        return 0;
    nghttp2_session_set_stream_user_data(session->nghttp2, stream->id, NULL);
    session->options.events->on_closed(session->options.owner, stream->id, H2_SESSION_REFUSED_STREAM);
    remove_stream(stream);
    return 0;
}

struct err h2_session_write(struct h2_session *session, size_t max, struct buf *out)
{
    size_t before = out->len;

    while (out->len - before < max) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(session->nghttp2, &bytes);

        if (len < 0)
            return ERR(ERR_LIMIT, H2_SESSION_INTERNAL_ERROR, "HTTP/2 frames could not be made");
        if (len == 0)
            break;
        TRY(buf_append(out, (struct str){(const char *)bytes, (size_t)len}));
    }
    return OK;
}

bool h2_session_is_over(const struct h2_session *session)
{
    return !nghttp2_session_want_read(session->nghttp2) && !nghttp2_session_want_write(session->nghttp2);
}

/* --- life --- */

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *callbacks;

    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    return callbacks;
}

static nghttp2_option *make_options(void)
{
    nghttp2_option *option;

    CHECK(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, OUTBOUND_ACK_MAX);
    nghttp2_option_set_max_settings(option, SETTINGS_MAX);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    /* Until the peer's SETTINGS say otherwise. */
    nghttp2_option_set_peer_max_concurrent_streams(option, STREAM_COUNT_MAX);
    return option;
}

static void send_settings(struct h2_session *session)
{
    const struct h2_session_options *options = &session->options;
    nghttp2_settings_entry entries[4] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->stream_count_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options->window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)options->section_bytes_max},
    };
    size_t count = 3;

    if (options->role == H2_SESSION_CLIENT)
        entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    CHECK(nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, entries, count) == 0);
    CHECK(nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES) == 0);
}

struct err h2_session_new(const struct h2_session_options *options, struct h2_session **ret_session)
{
    struct h2_session *session = calloc(1, sizeof(*session));
    nghttp2_session_callbacks *callbacks = make_callbacks();
    nghttp2_option *option = make_options();
    int result;

    CHECK(session);
    list_init(&session->streams);
    session->options = *options;
    session->reset_budget = RESET_BUDGET;
    session->idle_budget = IDLE_BUDGET;
    if (!options->stream_count_max)
        session->options.stream_count_max = STREAM_COUNT_MAX;
    if (!options->window_bytes)
        session->options.window_bytes = WINDOW_BYTES;
    if (!options->section_bytes_max)
        session->options.section_bytes_max = SECTION_BYTES_MAX;
    if (!options->field_count_max)
        session->options.field_count_max = FIELD_COUNT_MAX;
    arena_init(&session->arena, session->options.section_bytes_max * 4);
    result = options->role == H2_SESSION_SERVER
                 ? nghttp2_session_server_new2(&session->nghttp2, callbacks, session, option)
                 : nghttp2_session_client_new2(&session->nghttp2, callbacks, session, option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    if (result != 0) {
        free(session);
        return ERR(ERR_LIMIT, 0, "no memory for an HTTP/2 connection");
    }
    send_settings(session);
    *ret_session = session;
    return OK;
}

/* nghttp2 does not tell of the streams that are open when a session goes. */
static void remove_open_streams(struct h2_session *session)
{
    struct list *node;

    while ((node = list_first(&session->streams)))
        remove_stream(LIST_OWNER(node, struct stream, node));
}

void h2_session_free(struct h2_session **session)
{
    if (!*session)
        return;
    remove_open_streams(*session);
    nghttp2_session_del((*session)->nghttp2);
    arena_deinit(&(*session)->arena);
    free((*session)->fields);
    free(*session);
    *session = NULL;
}

const char *h2_session_code_name(uint32_t code)
{
    static const char *const names[] = {
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    };

    return code < sizeof(names) / sizeof(names[0]) ? names[code] : "unknown code";
}
