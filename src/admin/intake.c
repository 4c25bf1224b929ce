#include "admin/intake.h"

#define ARENA_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define FIELD_COUNT_MAX 100
/* A query of a few thousand kanji, percent-encoded. */
#define TARGET_BYTES_MAX (48 * 1024)

/* RFC 9112, 2.2: a server should ignore empty lines before a request line. */
#define HARMLESS_FLAGS ((uint32_t)H1_FLAG_EMPTY_LINES)

void admin_intake_init(struct admin_intake *intake, size_t body_bytes_max)
{
    struct h1_limits limits = {.head_bytes_max = ADMIN_INTAKE_HEAD_MAX,
                               .line_bytes_max = TARGET_BYTES_MAX,
                               .field_count_max = FIELD_COUNT_MAX,
                               .chunk_line_max = 256};

    *intake = (struct admin_intake){.decoder = h1_decoder_new(true, &limits)};
    arena_init(&intake->arena, ARENA_BYTES_MAX);
    buf_init(&intake->body, body_bytes_max);
    h1_decoder_next(intake->decoder, &intake->arena);
}

void admin_intake_deinit(struct admin_intake *intake)
{
    h1_decoder_free(&intake->decoder);
    buf_deinit(&intake->body);
    arena_deinit(&intake->arena);
}

void admin_intake_next(struct admin_intake *intake)
{
    buf_clear(&intake->body);
    arena_reset(&intake->arena);
    intake->request = (struct admin_request){0};
    h1_decoder_next(intake->decoder, &intake->arena);
}

bool admin_intake_is_idle(const struct admin_intake *intake) { return h1_decoder_is_at_start(intake->decoder); }

static struct err check_flags(const struct admin_intake *intake)
{
    if (h1_decoder_flags(intake->decoder) & ~HARMLESS_FLAGS)
        return ERR(ERR_SYNTAX, 400, "The request is not strict HTTP/1.1.");
    return OK;
}

static void split_target(struct admin_request *request)
{
    struct str target = request->message->target;
    struct str scheme = STR("http://");

    /* RFC 9112, 3.2.2: a server must accept the absolute form. */
    if (str_starts_nocase(target, scheme)) {
        size_t path_at = str_find_char(str_skip(target, scheme.len), '/');

        target = path_at == STR_ABSENT ? STR("/") : str_skip(target, scheme.len + path_at);
    }
    str_cut(target, '?', &request->path, &request->query);
}

static struct err take_head(struct admin_intake *intake)
{
    struct admin_request *request = &intake->request;
    const struct http_message *message = h1_decoder_message(intake->decoder);

    TRY(check_flags(intake));
    if (message->version != HTTP_VERSION_11 && message->version != HTTP_VERSION_10)
        return ERR(ERR_SYNTAX, 505, "This server speaks HTTP/1.1.");
    if (h1_decoder_framing(intake->decoder) == H1_FRAMING_LENGTH &&
        h1_decoder_content_length(intake->decoder) > intake->body.max_bytes)
        return ERR(ERR_LIMIT, 413, "The body is too large.");
    request->message = message;
    request->is_head = str_eq(message->method, STR("HEAD"));
    if (http_message_field(message, STR("expect"))) {
        if (!http_message_has_token(message, STR("expect"), STR("100-continue")))
            return ERR(ERR_SYNTAX, 417, "The only expectation that is understood is 100-continue.");
        request->expects_continue = message->version == HTTP_VERSION_11;
    }
    split_target(request);
    return OK;
}

static struct err take_body(struct admin_intake *intake, struct str payload)
{
    TRY(check_flags(intake));
    if (err_is(buf_append(&intake->body, payload)))
        return ERR(ERR_LIMIT, 413, "The body is too large.");
    return OK;
}

static struct err take_end(struct admin_intake *intake)
{
    TRY(check_flags(intake));
    intake->request.body = buf_str(&intake->body);
    intake->request.keeps_alive = h1_decoder_keeps_alive(intake->decoder);
    return OK;
}

struct err admin_intake_step(struct admin_intake *intake, struct str *input, enum admin_intake_event *ret_event)
{
    for (;;) {
        struct h1_event event;
        struct err err = h1_decoder_step(intake->decoder, input, &event);

        if (err.code == ERR_AGAIN) {
            *ret_event = ADMIN_INTAKE_AGAIN;
            return check_flags(intake);
        }
        TRY(err);
        switch (event.kind) {
        case H1_EVENT_HEAD:
            *ret_event = ADMIN_INTAKE_HEAD;
            return take_head(intake);
        case H1_EVENT_BODY:
            TRY(take_body(intake, event.payload));
            break;
        case H1_EVENT_TRAILERS: /* A trailer never means anything here. */
            TRY(check_flags(intake));
            break;
        case H1_EVENT_END:
            *ret_event = ADMIN_INTAKE_END;
            return take_end(intake);
        }
    }
}
