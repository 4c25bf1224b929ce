/* transcript.h - runs a decoder over a stream that arrives in given pieces and writes down what it said.
 *
 * The text has one part per event, each ended by ';':
 *   head:<framing>[ interim] <keep|close>[ <flags>]   body:<payload>   trailers:<bytes>   end[ <flags>]
 *   closed   error:<code> <wire>[ <flags>]   partial:<bytes>   rest:<bytes>
 * Payloads of neighbouring BODY events are one part, so that the text does not depend on the pieces.  It breaks off
 * after a message that does not keep the connection alive; what was not decoded is the rest.
 *
 * Each piece is handed over in memory of its own that is freed before the next, so that AddressSanitizer sees a decoder
 * that keeps pointers into its input.
 */
#ifndef TESTS_UNIT_H1_TRANSCRIPT_H
#define TESTS_UNIT_H1_TRANSCRIPT_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "h1/decoder.h"

#define TRANSCRIPT_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define TRANSCRIPT_SHOWN_MAX ((size_t)200)

enum transcript_split {
    TRANSCRIPT_WHOLE,
    TRANSCRIPT_BYTES,  /* one byte at a time */
    TRANSCRIPT_AT,     /* two pieces; `seed` is the length of the first */
    TRANSCRIPT_RANDOM, /* pieces of 1 to 17 bytes, chosen by `seed` */
};

struct transcript_options {
    bool is_request;
    const char *method; /* responses: of the request answered; NULL for GET */
    struct h1_limits limits;
    size_t arena_bytes_max; /* 0: 16 MiB */
    enum transcript_split split;
    uint32_t seed;
};

struct transcript {
    struct buf text;
    struct buf wire; /* of all events, then partial and rest: must be the input */
    struct buf payload;
    struct h1_decoder *decoder;
    struct arena arena;
    struct err last;
    uint64_t message_count;
    bool is_over;
    bool in_body;
};

static void transcript_add(struct buf *buf, struct str s) { CHECK(!err_is(buf_append(buf, s))); }

static void transcript_add_shown(struct buf *text, struct str bytes)
{
    struct str shown = str_head(bytes, TRANSCRIPT_SHOWN_MAX);

    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.ptr[i];

        if (c == '\r')
            transcript_add(text, STR("\\r"));
        else if (c == '\n')
            transcript_add(text, STR("\\n"));
        else if (c < ' ' || c > '~')
            CHECK(!err_is(buf_format(text, "\\x%02x", c)));
        else
            CHECK(!err_is(buf_append_char(text, (char)c)));
    }
    if (shown.len < bytes.len)
        CHECK(!err_is(buf_format(text, "...%zu", bytes.len)));
}

static void transcript_add_part(struct transcript *transcript, const char *name, struct str bytes)
{
    transcript_add(&transcript->text, str_from(name));
    transcript_add_shown(&transcript->text, bytes);
    transcript_add(&transcript->text, STR(";"));
}

static void transcript_add_flags(struct transcript *transcript)
{
    char names[256];
    uint32_t flags = h1_decoder_flags(transcript->decoder);

    if (flags)
        CHECK(!err_is(buf_format(&transcript->text, " %s", h1_decoder_flag_names(flags, names, sizeof(names)))));
    transcript_add(&transcript->text, STR(";"));
}

static void transcript_add_head(struct transcript *transcript)
{
    static const char *const names[] = {"none", "length", "chunked", "close", "tunnel"};
    const struct h1_decoder *decoder = transcript->decoder;
    enum h1_framing framing = h1_decoder_framing(decoder);

    CHECK(!err_is(buf_format(&transcript->text, "head:%s", names[framing])));
    if (framing == H1_FRAMING_LENGTH)
        CHECK(!err_is(buf_format(&transcript->text, "=%llu", (unsigned long long)h1_decoder_content_length(decoder))));
    if (h1_decoder_is_interim(decoder))
        transcript_add(&transcript->text, STR(" interim"));
    transcript_add(&transcript->text, h1_decoder_keeps_alive(decoder) ? STR(" keep") : STR(" close"));
    transcript_add_flags(transcript);
}

static void transcript_end_body(struct transcript *transcript, size_t payload_before)
{
    if (transcript->in_body)
        transcript_add_part(transcript, "body:", str_skip(buf_str(&transcript->payload), payload_before));
    transcript->in_body = false;
}

static void transcript_add_end(struct transcript *transcript)
{
    transcript_add(&transcript->text, STR("end"));
    transcript_add_flags(transcript);
    transcript->message_count++;
    transcript->is_over = !h1_decoder_is_interim(transcript->decoder) && !h1_decoder_keeps_alive(transcript->decoder);
    if (!transcript->is_over) {
        arena_reset(&transcript->arena);
        h1_decoder_next(transcript->decoder, &transcript->arena);
    }
}

static void transcript_add_event(struct transcript *transcript, const struct h1_event *event, size_t *payload_before)
{
    transcript_add(&transcript->wire, event->wire);
    if (event->kind == H1_EVENT_BODY) {
        CHECK(event->wire.len > 0);
        CHECK(event->payload.len == 0 || str_eq(event->payload, event->wire));
        transcript->in_body = true;
        transcript_add(&transcript->payload, event->payload);
        return;
    }
    transcript_end_body(transcript, *payload_before);
    *payload_before = transcript->payload.len;
    if (event->kind == H1_EVENT_HEAD)
        transcript_add_head(transcript);
    else if (event->kind == H1_EVENT_TRAILERS)
        transcript_add_part(transcript, "trailers:", event->wire);
    else
        transcript_add_end(transcript);
}

/* Steps until the piece is used up or all is over; returns what is left of it. */
static struct str transcript_feed(struct transcript *transcript, struct str piece, size_t *payload_before)
{
    while (!transcript->is_over) {
        struct h1_event event;

        transcript->last = h1_decoder_step(transcript->decoder, &piece, &event);
        if (transcript->last.code == ERR_AGAIN) {
            CHECK(piece.len == 0);
            return piece;
        }
        if (err_is(transcript->last))
            transcript->is_over = true;
        else
            transcript_add_event(transcript, &event, payload_before);
    }
    return piece;
}

static void transcript_add_failure(struct transcript *transcript)
{
    if (transcript->last.code == ERR_CLOSED) {
        transcript_add(&transcript->text, STR("closed;"));
        return;
    }
    CHECK(
        !err_is(buf_format(&transcript->text, "error:%s %u", err_name(transcript->last.code), transcript->last.wire)));
    transcript_add_flags(transcript);
}

static void transcript_close(struct transcript *transcript, struct str rest, size_t payload_before)
{
    struct h1_event event;
    struct str partial;

    if (!transcript->is_over) {
        transcript->last = h1_decoder_finish(transcript->decoder, &event);
        if (!err_is(transcript->last))
            transcript_add_event(transcript, &event, &payload_before);
    }
    transcript_end_body(transcript, payload_before);
    if (err_is(transcript->last) && transcript->last.code != ERR_AGAIN)
        transcript_add_failure(transcript);
    partial = h1_decoder_partial(transcript->decoder);
    if (partial.len)
        transcript_add_part(transcript, "partial:", partial);
    if (rest.len)
        transcript_add_part(transcript, "rest:", rest);
    transcript_add(&transcript->wire, partial);
    transcript_add(&transcript->wire, rest);
}

static size_t transcript_piece_len(const struct transcript_options *options, size_t offset, uint32_t *state)
{
    switch (options->split) {
    case TRANSCRIPT_BYTES:
        return 1;
    case TRANSCRIPT_AT:
        return offset == 0 && options->seed ? options->seed : SIZE_MAX;
    case TRANSCRIPT_RANDOM:
        *state = *state * 1664525u + 1013904223u;
        return 1 + (*state >> 24) % 17;
    case TRANSCRIPT_WHOLE:
        break;
    }
    return SIZE_MAX;
}

/* A piece in memory of its own; the rest of it is returned as a place in `input`. */
static struct str transcript_feed_copy(struct transcript *transcript, struct str input, struct str piece,
                                       size_t *payload_before)
{
    char *copy = malloc(piece.len ? piece.len : 1);
    struct str left;

    CHECK(copy);
    if (piece.len)
        memcpy(copy, piece.ptr, piece.len);
    left = transcript_feed(transcript, (struct str){copy, piece.len}, payload_before);
    free(copy);
    return str_skip(input, piece.len - left.len);
}

static void transcript_run(struct transcript *transcript, const struct transcript_options *options, struct str input)
{
    struct str rest = input;
    size_t payload_before = 0;
    uint32_t state = options->seed;

    *transcript = (struct transcript){0};
    buf_init(&transcript->text, TRANSCRIPT_BYTES_MAX);
    buf_init(&transcript->wire, TRANSCRIPT_BYTES_MAX);
    buf_init(&transcript->payload, TRANSCRIPT_BYTES_MAX);
    arena_init(&transcript->arena, options->arena_bytes_max ? options->arena_bytes_max : TRANSCRIPT_BYTES_MAX);
    transcript->decoder = h1_decoder_new(options->is_request, &options->limits);
    if (!options->is_request)
        h1_decoder_expect(transcript->decoder, str_from(options->method ? options->method : "GET"));
    h1_decoder_next(transcript->decoder, &transcript->arena);
    while (rest.len && !transcript->is_over) {
        size_t len = transcript_piece_len(options, (size_t)(rest.ptr - input.ptr), &state);

        rest = transcript_feed_copy(transcript, rest, str_head(rest, len), &payload_before);
    }
    transcript_close(transcript, rest, payload_before);
}

static void transcript_deinit(struct transcript *transcript)
{
    h1_decoder_free(&transcript->decoder);
    arena_deinit(&transcript->arena);
    buf_deinit(&transcript->text);
    buf_deinit(&transcript->wire);
    buf_deinit(&transcript->payload);
}

#endif
