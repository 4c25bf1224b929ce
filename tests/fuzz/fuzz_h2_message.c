/* HTTP/2 heads in text form: decode, encode, decode is stable; what passes the check crosses to HTTP/1.1 as one
 * message, without a byte that could begin another, and back with the same meaning. */
#include <stdlib.h>

#include "h1/decoder.h"
#include "h1/head.h"
#include "h2/crossing.h"

#define FIELD_COUNT_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_same(struct h2_message_fields a, struct h2_message_fields b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        if (!str_eq(a.fields[i].name, b.fields[i].name) || !str_eq(a.fields[i].value, b.fields[i].value))
            return false;
    }
    return true;
}

/* A text that was read is written and read again. */
static void check_stable(enum h2_message_kind kind, struct h2_message_fields section, struct arena *arena)
{
    struct h2_message_head head;
    struct h2_message_fields again;
    struct http_message message;
    struct str text, text_again;

    CHECK(!err_is(h2_message_text(kind, section, arena, &text, &message)));
    if (err_is(h2_message_check(kind, section, &head)))
        return;
    CHECK(!err_is(h2_message_from_text(kind, text, FIELD_COUNT_MAX, arena, &again)));
    CHECK(is_same(section, again));
    CHECK(!err_is(h2_message_text(kind, again, arena, &text_again, NULL)) && str_eq(text, text_again));
}

/* One head, not ambiguous, and nothing left over. */
static const struct http_message *decode(struct h1_decoder *decoder, struct str wire, struct arena *arena)
{
    struct h1_event event;

    h1_decoder_next(decoder, arena);
    if (err_is(h1_decoder_step(decoder, &wire, &event)))
        return NULL;
    CHECK(event.kind == H1_EVENT_HEAD && wire.len == 0);
    CHECK(!(h1_decoder_flags(decoder) & H1_AMBIGUOUS));
    return h1_decoder_message(decoder);
}

static void check_meaning(const struct h2_message_head *before, struct h2_message_fields after)
{
    struct h2_message_head head;

    CHECK(!err_is(h2_message_check(H2_MESSAGE_REQUEST, after, &head)));
    CHECK(str_eq(before->method, head.method) && str_eq(before->path, head.path));
    CHECK(str_eq(before->authority, head.authority) || before->authority.len == 0);
    CHECK(!before->has_content_length || before->content_length == head.content_length);
}

static void check_crossing(struct h2_message_fields section, struct arena *arena)
{
    struct h1_limits limits = {.head_bytes_max = 1 << 20, .line_bytes_max = 1 << 20};
    struct h1_decoder *decoder;
    const struct http_message *message;
    struct h2_message_head head;
    struct h2_message_fields back;
    struct str wire;
    bool is_chunked;

    if (err_is(h2_message_check(H2_MESSAGE_REQUEST, section, &head)) ||
        err_is(h2_crossing_to_h1(section, H2_CROSSING_HAS_BODY, arena, &wire, &is_chunked)))
        return;
    decoder = h1_decoder_new(true, &limits);
    message = decode(decoder, wire, arena);
    CHECK(message);
    CHECK(is_chunked == (h1_decoder_framing(decoder) == H1_FRAMING_CHUNKED));
    CHECK(!err_is(h2_crossing_from_h1(message, head.scheme, head.authority, arena, &back)));
    check_meaning(&head, back);
    h1_decoder_free(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str text = {(const char *)bytes, len};
    struct h2_message_fields section;
    struct arena arena;

    if (len > 16 * 1024)
        return 0;
    for (enum h2_message_kind kind = H2_MESSAGE_REQUEST; kind <= H2_MESSAGE_TRAILERS; kind++) {
        arena_init(&arena, 8 << 20);
        if (!err_is(h2_message_from_text(kind, text, FIELD_COUNT_MAX, &arena, &section))) {
            check_stable(kind, section, &arena);
            if (kind == H2_MESSAGE_REQUEST)
                check_crossing(section, &arena);
        }
        arena_deinit(&arena);
    }
    return 0;
}
