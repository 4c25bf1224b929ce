#include "http/coding/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#define MAGIC_BYTES ((size_t)4)

struct decoder {
    ZSTD_DCtx *stream;
    bool is_in_frame;
    bool has_frame;   /* a frame is complete */
    bool has_output;  /* of the frame being decoded */
    size_t magic_len; /* of the next frame, kept until it is whole */
    char magic[MAGIC_BYTES];
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

/* Behind a complete frame, what cannot be one is no part of the content. */
static enum http_coding_progress no_frame(const struct decoder *decoder)
{
    return decoder->has_frame && !decoder->has_output ? HTTP_CODING_PROGRESS_SURPLUS : HTTP_CODING_PROGRESS_DAMAGED;
}

/* Whether these bytes begin a frame (RFC 8878, 3.1.1) or one to be skipped (3.1.2). */
static bool may_be_magic(struct str bytes)
{
    static const char frame[] = "\x28\xb5\x2f\xfd";
    static const char skipped[] = "\x50\x2a\x4d\x18";

    if (memcmp(bytes.ptr, frame, bytes.len) == 0)
        return true;
    return (bytes.ptr[0] & 0xf0) == skipped[0] && memcmp(bytes.ptr + 1, skipped + 1, bytes.len - 1) == 0;
}

/* Steps until the input is used up, the room is full, or the frame ends. */
static enum http_coding_progress decode_frame(struct decoder *decoder, struct str *input, struct http_coding_room *room)
{
    ZSTD_inBuffer from = {input->ptr, input->len, 0};
    ZSTD_outBuffer to = {room->bytes, room->size, room->len};
    size_t result;

    do {
        result = ZSTD_decompressStream(decoder->stream, &to, &from);
    } while (!ZSTD_isError(result) && result && from.pos < from.size && to.pos < to.size);
    decoder->has_output |= to.pos > room->len;
    room->len = to.pos;
    *input = str_skip(*input, from.pos);
    if (ZSTD_isError(result) && ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return HTTP_CODING_PROGRESS_TOO_LARGE;
    if (ZSTD_isError(result))
        return no_frame(decoder);
    if (result)
        return HTTP_CODING_PROGRESS_MORE;
    decoder->is_in_frame = false;
    decoder->has_output = false;
    decoder->has_frame = true;
    return HTTP_CODING_PROGRESS_ENDED;
}

/* The library also decodes the formats of zstd before 0.8, with code that nobody tends; the magic is looked at here
 * so that it never gets to it. */
static enum http_coding_progress begin_frame(struct decoder *decoder, struct str *input, struct http_coding_room *room)
{
    struct str magic = {decoder->magic, MAGIC_BYTES};

    while (decoder->magic_len < MAGIC_BYTES && input->len) {
        decoder->magic[decoder->magic_len++] = input->ptr[0];
        *input = str_skip(*input, 1);
        if (!may_be_magic(str_head(magic, decoder->magic_len)))
            return no_frame(decoder);
    }
    if (decoder->magic_len < MAGIC_BYTES)
        return decoder->has_frame ? HTTP_CODING_PROGRESS_ENDED : HTTP_CODING_PROGRESS_MORE;
    decoder->magic_len = 0;
    decoder->is_in_frame = true;
    return decode_frame(decoder, &magic, room);
}

static enum http_coding_progress decode(void *owner, struct str *input, struct http_coding_room *room)
{
    struct decoder *decoder = owner;
    enum http_coding_progress progress;

    if (!decoder->is_in_frame) {
        progress = begin_frame(decoder, input, room);
        if (progress != HTTP_CODING_PROGRESS_MORE || !decoder->is_in_frame)
            return progress;
    }
    return decode_frame(decoder, input, room);
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
