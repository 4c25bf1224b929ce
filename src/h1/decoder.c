/*
 *            next()                     head                        body over
 *   IDLE ------------> HEAD --------+---------> LENGTH, CLOSE ------------------+
 *    ^                              |                                           v
 *    |                              +---------> CHUNK_LINE <--+--- CHUNK_LF   ENDING ---> ENDED
 *    |                              |            |  |         |       ^         ^           |
 *    |                              |   size > 0 |  | size 0  |       |         |           |
 *    |                              |            v  |         |       |         |           |
 *    |                              |   CHUNK_DATA -|--> CHUNK_END ---+         |           |
 *    |                              |               v                           |           |
 *    |                              |            TRAILERS ----------------------+           |
 *    |                              +--- no body -------------------------------+           |
 *    +---------------------------------------- next() --------------------------------------+
 *
 * A chunk that cannot be read leads to UNREADABLE, which passes everything on until the stream ends.  An error leads to
 * BROKEN, which is final.
 */
#include "h1/decoder.h"

#include <stdlib.h>

#include "h1/chunk.h"
#include "h1/framing.h"
#include "h1/gather.h"
#include "h1/head.h"

#define HEAD_BYTES_MAX ((size_t)256 * 1024)
#define LINE_BYTES_MAX ((size_t)64 * 1024)
#define FIELD_COUNT_MAX ((size_t)1000)
#define CHUNK_LINE_MAX ((size_t)4 * 1024)
/* Below this, "HTTP/1.1 200" would not fit. */
#define LIMIT_BYTES_MIN ((size_t)16)

enum state {
    STATE_IDLE,
    STATE_HEAD,
    STATE_LENGTH,
    STATE_CLOSE,
    STATE_CHUNK_LINE,
    STATE_CHUNK_DATA,
    STATE_CHUNK_END, /* before the line end that follows a chunk's data */
    STATE_CHUNK_LF,  /* inside it, after CR */
    STATE_UNREADABLE,
    STATE_TRAILERS,
    STATE_ENDING, /* END is still to be given */
    STATE_ENDED,
    STATE_BROKEN,
};

struct h1_decoder {
    bool is_request;
    enum state state;
    enum h1_framing_answered answered;
    struct h1_limits limits;
    struct arena *arena;
    struct h1_gather gather;
    struct http_message message;
    struct h1_framing_decision decision;
    uint64_t remaining_len; /* of the body with a length, or of the chunk */
    uint32_t flags;
    struct err broken;         /* in STATE_BROKEN */
    struct str broken_section; /* a whole head or trailer section that was refused; in the arena */
};

static size_t limit_or(size_t limit, size_t otherwise) { return limit ? limit : otherwise; }

struct h1_decoder *h1_decoder_new(bool is_request, const struct h1_limits *limits)
{
    struct h1_decoder *decoder = calloc(1, sizeof(*decoder));
    struct h1_limits *own;
    size_t kept_max;

    CHECK(decoder);
    decoder->is_request = is_request;
    own = &decoder->limits;
    own->head_bytes_max = limit_or(limits->head_bytes_max, HEAD_BYTES_MAX);
    own->line_bytes_max = limit_or(limits->line_bytes_max, LINE_BYTES_MAX);
    own->field_count_max = limit_or(limits->field_count_max, FIELD_COUNT_MAX);
    own->chunk_line_max = limit_or(limits->chunk_line_max, CHUNK_LINE_MAX);
    CHECK(own->head_bytes_max >= LIMIT_BYTES_MIN && own->line_bytes_max >= LIMIT_BYTES_MIN);
    kept_max = own->head_bytes_max > own->chunk_line_max ? own->head_bytes_max : own->chunk_line_max;
    h1_gather_init(&decoder->gather, own->head_bytes_max, own->line_bytes_max, kept_max);
    return decoder;
}

void h1_decoder_free(struct h1_decoder **decoder)
{
    if (!*decoder)
        return;
    h1_gather_deinit(&(*decoder)->gather);
    free(*decoder);
    *decoder = NULL;
}

void h1_decoder_next(struct h1_decoder *decoder, struct arena *arena)
{
    CHECK(decoder->state == STATE_IDLE || decoder->state == STATE_ENDED || h1_decoder_is_at_start(decoder));
    decoder->state = STATE_HEAD;
    decoder->arena = arena;
    decoder->message = (struct http_message){.is_request = decoder->is_request};
    decoder->decision = (struct h1_framing_decision){.framing = H1_FRAMING_NONE};
    decoder->flags = 0;
    h1_gather_start(&decoder->gather, decoder->is_request ? H1_GATHER_REQUEST : H1_GATHER_RESPONSE);
}

void h1_decoder_expect(struct h1_decoder *decoder, struct str request_method)
{
    CHECK(!decoder->is_request);
    decoder->answered = H1_FRAMING_ANSWERED_OTHER;
    if (str_eq(request_method, STR("HEAD")))
        decoder->answered = H1_FRAMING_ANSWERED_HEAD;
    else if (str_eq(request_method, STR("CONNECT")))
        decoder->answered = H1_FRAMING_ANSWERED_CONNECT;
}

static struct err again(void) { return ERR(ERR_AGAIN, 0, "the decoder needs more input"); }

/* Every failure passes here.  ERR_AGAIN is none. */
static struct err fail(struct h1_decoder *decoder, struct err e)
{
    if (e.code == ERR_AGAIN)
        return e;
    if (!decoder->is_request)
        e.wire = 502;
    decoder->broken = e;
    decoder->state = STATE_BROKEN;
    return e;
}

static enum state body_state(enum h1_framing framing)
{
    switch (framing) {
    case H1_FRAMING_LENGTH:
        return STATE_LENGTH;
    case H1_FRAMING_CHUNKED:
        return STATE_CHUNK_LINE;
    case H1_FRAMING_CLOSE:
        return STATE_CLOSE;
    case H1_FRAMING_NONE:
    case H1_FRAMING_TUNNEL:
        break;
    }
    return STATE_ENDING;
}

/* A section has come whole: copies it to where the message lives. */
static struct err settle_section(struct h1_decoder *decoder, struct str section, struct str *ret_copy)
{
    char *copy = arena_alloc(decoder->arena, section.len);

    if (!copy) {
        /* h1_decoder_partial() shows what is kept; a section that came in one input is not there yet. */
        if (!decoder->gather.kept.len)
            TRY(buf_append(&decoder->gather.kept, section));
        return ERR(ERR_LIMIT, 431, "the head does not fit the exchange's memory");
    }
    memcpy(copy, section.ptr, section.len);
    buf_clear(&decoder->gather.kept);
    *ret_copy = (struct str){copy, section.len};
    decoder->broken_section = *ret_copy; /* until it is understood */
    return OK;
}

static struct err read_head(struct h1_decoder *decoder, struct str section, struct h1_event *ret_event)
{
    struct str head;

    TRY(settle_section(decoder, section, &head));
    TRY(h1_head_parse(head, decoder->limits.field_count_max, decoder->arena, &decoder->message, &decoder->flags));
    decoder->decision = decoder->is_request
                            ? h1_framing_of_request(&decoder->message, decoder->flags)
                            : h1_framing_of_response(&decoder->message, decoder->flags, decoder->answered);
    decoder->flags |= decoder->decision.flags;
    decoder->remaining_len = decoder->decision.content_length;
    decoder->state = body_state(decoder->decision.framing);
    decoder->broken_section = STR_NONE;
    *ret_event = (struct h1_event){.kind = H1_EVENT_HEAD, .wire = head};
    return OK;
}

static struct err step_head(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    struct str section;

    TRY(h1_gather_run(&decoder->gather, input, &section));
    return read_head(decoder, section, ret_event);
}

static struct err read_trailers(struct h1_decoder *decoder, struct str section, struct h1_event *ret_event)
{
    struct http_message fields; /* parsed for the flags only */
    struct str trailers;

    TRY(settle_section(decoder, section, &trailers));
    TRY(h1_head_parse_trailers(trailers, decoder->limits.field_count_max, decoder->arena, &fields, &decoder->flags));
    decoder->state = STATE_ENDING;
    decoder->broken_section = STR_NONE;
    *ret_event = (struct h1_event){.kind = H1_EVENT_TRAILERS, .wire = trailers};
    return OK;
}

static struct err step_trailers(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    struct str section;

    TRY(h1_gather_run(&decoder->gather, input, &section));
    return read_trailers(decoder, section, ret_event);
}

static struct err give_end(struct h1_decoder *decoder, struct h1_event *ret_event)
{
    decoder->state = STATE_ENDED;
    *ret_event = (struct h1_event){.kind = H1_EVENT_END};
    return OK;
}

/* Takes `len` bytes of the body area. */
static struct err give_body(struct str *input, size_t len, bool is_content, struct h1_event *ret_event)
{
    struct str wire = str_head(*input, len);

    *input = str_skip(*input, wire.len);
    *ret_event = (struct h1_event){.kind = H1_EVENT_BODY, .wire = wire, .payload = is_content ? wire : STR_NONE};
    return OK;
}

/* As much as there is, up to the remaining length. */
static struct err give_remaining(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    size_t len = decoder->remaining_len < input->len ? (size_t)decoder->remaining_len : input->len;

    if (!len)
        return again();
    decoder->remaining_len -= len;
    return give_body(input, len, true, ret_event);
}

static struct err step_length(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    if (decoder->remaining_len == 0)
        return give_end(decoder, ret_event);
    return give_remaining(decoder, input, ret_event);
}

static struct err step_close(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    (void)decoder;
    return input->len ? give_body(input, input->len, true, ret_event) : again();
}

static struct err step_unreadable(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    (void)decoder;
    return input->len ? give_body(input, input->len, false, ret_event) : again();
}

/* RFC 9112, 7.1 cannot be followed any further: where the message ends is known to its sender only. */
static void give_up_chunks(struct h1_decoder *decoder)
{
    decoder->flags |= H1_FLAG_CHUNK_ODD;
    decoder->decision.framing = H1_FRAMING_CLOSE;
    decoder->decision.keeps_alive = false;
    decoder->state = STATE_UNREADABLE;
}

static void read_chunk_line(struct h1_decoder *decoder, struct str line)
{
    if (!h1_chunk_parse_line(line, &decoder->remaining_len, &decoder->flags)) {
        give_up_chunks(decoder);
        return;
    }
    if (decoder->remaining_len) {
        decoder->state = STATE_CHUNK_DATA;
        return;
    }
    decoder->state = STATE_TRAILERS;
    h1_gather_start(&decoder->gather, H1_GATHER_TRAILERS);
}

/* The pieces of a split line are passed on at once; a copy is kept to be read when the line is complete. */
static struct err step_chunk_line(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    struct buf *kept = &decoder->gather.kept;
    struct str window = str_head(*input, decoder->limits.chunk_line_max - kept->len);
    size_t line_end = str_find_char(window, '\n');
    struct str piece = line_end == STR_ABSENT ? window : str_head(window, line_end + 1);

    if (kept->len == decoder->limits.chunk_line_max) {
        buf_clear(kept); /* It was passed on, so it is not partial. */
        return ERR(ERR_LIMIT, 431, "a chunk line is too long");
    }
    if (!piece.len)
        return again();
    if (kept->len || line_end == STR_ABSENT)
        TRY(buf_append(kept, piece));
    if (line_end != STR_ABSENT) {
        read_chunk_line(decoder, kept->len ? buf_str(kept) : piece);
        buf_clear(kept);
    }
    return give_body(input, piece.len, false, ret_event);
}

static struct err step_chunk_data(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    TRY(give_remaining(decoder, input, ret_event));
    if (decoder->remaining_len == 0)
        decoder->state = STATE_CHUNK_END;
    return OK;
}

static struct err step_chunk_end(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    size_t len = 1;

    if (!input->len)
        return again();
    if (str_starts(*input, STR("\r\n"))) {
        len = 2;
        decoder->state = STATE_CHUNK_LINE;
    } else if (input->ptr[0] == '\n') {
        decoder->flags |= H1_FLAG_BARE_LF;
        decoder->state = STATE_CHUNK_LINE;
    } else if (input->ptr[0] == '\r') {
        decoder->state = STATE_CHUNK_LF;
    } else {
        give_up_chunks(decoder);
    }
    return give_body(input, len, false, ret_event);
}

static struct err step_chunk_lf(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    if (!input->len)
        return again();
    if (input->ptr[0] == '\n')
        decoder->state = STATE_CHUNK_LINE;
    else
        give_up_chunks(decoder);
    return give_body(input, 1, false, ret_event);
}

static struct err step_ending(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    (void)input;
    return give_end(decoder, ret_event);
}

static struct err step_broken(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    (void)input;
    (void)ret_event;
    return decoder->broken;
}

struct err h1_decoder_step(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event)
{
    static struct err (*const steps[])(struct h1_decoder *, struct str *, struct h1_event *) = {
        [STATE_IDLE] = NULL,
        [STATE_HEAD] = step_head,
        [STATE_LENGTH] = step_length,
        [STATE_CLOSE] = step_close,
        [STATE_CHUNK_LINE] = step_chunk_line,
        [STATE_CHUNK_DATA] = step_chunk_data,
        [STATE_CHUNK_END] = step_chunk_end,
        [STATE_CHUNK_LF] = step_chunk_lf,
        [STATE_UNREADABLE] = step_unreadable,
        [STATE_TRAILERS] = step_trailers,
        [STATE_ENDING] = step_ending,
        [STATE_ENDED] = NULL,
        [STATE_BROKEN] = step_broken,
    };
    struct err e;

    CHECK(steps[decoder->state]); /* Before next(), or after END. */
    e = steps[decoder->state](decoder, input, ret_event);
    return err_is(e) ? fail(decoder, e) : OK;
}

struct err h1_decoder_finish(struct h1_decoder *decoder, struct h1_event *ret_event)
{
    static const struct err closed = {ERR_CLOSED, 0, "the stream ended between messages"};

    switch (decoder->state) {
    case STATE_IDLE:
    case STATE_ENDED:
        return closed;
    case STATE_BROKEN:
        return decoder->broken;
    case STATE_CLOSE:
    case STATE_UNREADABLE:
    case STATE_ENDING:
        return give_end(decoder, ret_event);
    case STATE_HEAD:
        if (h1_gather_is_blank(&decoder->gather))
            return closed;
        break;
    case STATE_LENGTH:
        if (decoder->remaining_len == 0)
            return give_end(decoder, ret_event);
        break;
    default:
        break;
    }
    if (decoder->state == STATE_CHUNK_LINE)
        buf_clear(&decoder->gather.kept); /* It was passed on, so it is not partial. */
    decoder->flags |= H1_FLAG_TRUNCATED;
    return fail(decoder, ERR(ERR_SYNTAX, 400, "the stream ended inside a message"));
}

const struct http_message *h1_decoder_message(const struct h1_decoder *decoder) { return &decoder->message; }

enum h1_framing h1_decoder_framing(const struct h1_decoder *decoder) { return decoder->decision.framing; }

uint64_t h1_decoder_content_length(const struct h1_decoder *decoder) { return decoder->decision.content_length; }

bool h1_decoder_is_interim(const struct h1_decoder *decoder) { return decoder->decision.is_interim; }

bool h1_decoder_keeps_alive(const struct h1_decoder *decoder) { return decoder->decision.keeps_alive; }

uint32_t h1_decoder_flags(const struct h1_decoder *decoder) { return decoder->flags; }

struct str h1_decoder_partial(const struct h1_decoder *decoder)
{
    if (decoder->broken_section.len)
        return decoder->broken_section;
    if (decoder->state == STATE_CHUNK_LINE)
        return STR_NONE; /* Kept for reading only; it was passed on. */
    return buf_str(&decoder->gather.kept);
}

bool h1_decoder_is_at_start(const struct h1_decoder *decoder)
{
    return decoder->state == STATE_HEAD && decoder->gather.kept.len == 0;
}

const char *h1_decoder_flag_names(uint32_t flags, char *text, size_t size)
{
    static const char *const names[] = {
        "bare-lf",      "obs-fold",      "bad-field",   "bad-value", "bad-start",       "cl-and-te",
        "cl-repeated",  "cl-different",  "cl-invalid",  "te-odd",    "te-in-10",        "chunk-odd",
        "host-missing", "host-repeated", "empty-lines", "truncated", "body-unexpected",
    };
    size_t len = 0;

    CHECK(size > 0);
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(flags & 1u << i))
            continue;
        len += (size_t)snprintf(text + len, size - len, "%s%s", len ? "," : "", names[i]);
        CHECK(len < size);
    }
    return text;
}
