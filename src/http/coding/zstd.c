#include "http/coding/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

struct decoder {
    ZSTD_DCtx *stream;
    bool is_in_frame;
    bool has_frame;  /* a frame is complete */
    bool has_output; /* of the frame being decoded */
};

static void *new_decoder(unsigned window_log_max)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));

    CHECK(decoder);
    decoder->stream = ZSTD_createDCtx();
    CHECK(decoder->stream);
    CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(decoder->stream, ZSTD_d_windowLogMax, (int)window_log_max)));
    return decoder;
}

static void free_decoder(void *owner)
{
    struct decoder *decoder = owner;

    ZSTD_freeDCtx(decoder->stream);
    free(decoder);
}

static enum http_coding_progress failure(const struct decoder *decoder, size_t result)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return HTTP_CODING_PROGRESS_TOO_LARGE;
    /* Behind a complete frame, what cannot be one is no part of the content. */
    return decoder->has_frame && !decoder->has_output ? HTTP_CODING_PROGRESS_SURPLUS : HTTP_CODING_PROGRESS_DAMAGED;
}

static enum http_coding_progress decode(void *owner, struct str *input, struct http_coding_room *room)
{
    struct decoder *decoder = owner;
    ZSTD_inBuffer from = {input->ptr, input->len, 0};
    ZSTD_outBuffer to = {room->bytes, room->size, room->len};
    size_t result;

    if (!input->len && !decoder->is_in_frame)
        return decoder->has_frame ? HTTP_CODING_PROGRESS_ENDED : HTTP_CODING_PROGRESS_MORE;
    do {
        decoder->is_in_frame = true;
        result = ZSTD_decompressStream(decoder->stream, &to, &from);
        decoder->has_output |= to.pos > room->len;
        room->len = to.pos;
        *input = str_skip((struct str){from.src, from.size}, from.pos);
        if (ZSTD_isError(result))
            return failure(decoder, result);
    } while (result && from.pos < from.size && to.pos < to.size);
    if (result)
        return HTTP_CODING_PROGRESS_MORE;
    decoder->is_in_frame = false;
    decoder->has_output = false;
    decoder->has_frame = true;
    return HTTP_CODING_PROGRESS_ENDED;
}

static struct err encode_all(ZSTD_CCtx *stream, struct str content, struct buf *coded)
{
    ZSTD_inBuffer from = {content.ptr, content.len, 0};
    size_t result = 1;

    while (result) {
        struct http_coding_room room;
        ZSTD_outBuffer to = {0};

        TRY(http_coding_kind_room(coded, &room));
        to.dst = room.bytes;
        to.size = room.size;
        result = ZSTD_compressStream2(stream, &to, &from, ZSTD_e_end);
        CHECK(!ZSTD_isError(result));
        buf_commit(coded, to.pos);
    }
    return OK;
}

static struct err encode(struct str content, struct buf *coded)
{
    ZSTD_CCtx *stream = ZSTD_createCCtx();
    struct err e;

    CHECK(stream);
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1)));
    e = encode_all(stream, content, coded);
    ZSTD_freeCCtx(stream);
    return e;
}

const struct http_coding_kind http_coding_zstd = {{"zstd", 4}, new_decoder, free_decoder, decode, encode};
