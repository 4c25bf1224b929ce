#include "http/coding/brotli.h"

#include <brotli/decode.h>
#include <brotli/encode.h>

/* When the decoder finds damage, it keeps back what it has not put out yet; it puts out all when a slice ends. */
#define SLICE_BYTES ((size_t)1024)
/* Of 11: near gzip's speed, and smaller. */
#define QUALITY 5

static void *new_decoder(unsigned window_log_max)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);

    (void)window_log_max;
    CHECK(state);
    return state;
}

static void free_decoder(void *decoder) { BrotliDecoderDestroyInstance(decoder); }

static BrotliDecoderResult decode_slice(BrotliDecoderState *state, struct str *input, struct http_coding_room *room)
{
    size_t slice_len = str_head(*input, SLICE_BYTES).len;
    const uint8_t *next_input = (const uint8_t *)input->ptr;
    uint8_t *next_room = (uint8_t *)room->bytes + room->len;
    size_t input_left = slice_len;
    size_t room_left = room->size - room->len;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state, &input_left, &next_input, &room_left, &next_room, NULL);

    *input = str_skip(*input, slice_len - input_left);
    room->len = room->size - room_left;
    return result;
}

static enum http_coding_progress decode(void *decoder, struct str *input, struct http_coding_room *room)
{
    BrotliDecoderResult result;

    if (BrotliDecoderIsFinished(decoder))
        return input->len ? HTTP_CODING_PROGRESS_SURPLUS : HTTP_CODING_PROGRESS_ENDED;
    do {
        result = decode_slice(decoder, input, room);
    } while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT && input->len);
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return HTTP_CODING_PROGRESS_DAMAGED;
    return result == BROTLI_DECODER_RESULT_SUCCESS ? HTTP_CODING_PROGRESS_ENDED : HTTP_CODING_PROGRESS_MORE;
}

static struct err encode_all(BrotliEncoderState *state, struct str content, struct buf *coded)
{
    const uint8_t *next_input = (const uint8_t *)content.ptr;
    size_t input_left = content.len;

    while (!BrotliEncoderIsFinished(state)) {
        struct http_coding_room room;
        uint8_t *next_room;
        size_t room_left;

        TRY(http_coding_kind_room(coded, &room));
        next_room = (uint8_t *)room.bytes;
        room_left = room.size;
        CHECK(BrotliEncoderCompressStream(state, BROTLI_OPERATION_FINISH, &input_left, &next_input, &room_left,
                                          &next_room, NULL));
        buf_commit(coded, room.size - room_left);
    }
    return OK;
}

static struct err encode(struct str content, struct buf *coded)
{
    BrotliEncoderState *state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    struct err e;

    CHECK(state);
    CHECK(BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, QUALITY));
    e = encode_all(state, content, coded);
    BrotliEncoderDestroyInstance(state);
    return e;
}

const struct http_coding_kind http_coding_brotli_br = {{"br", 2}, new_decoder, free_decoder, decode, encode};
