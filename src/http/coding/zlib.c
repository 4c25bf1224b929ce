#include "http/coding/zlib.h"

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

/* zlib counts in unsigned int. */
#define SLICE_MAX ((size_t)1 << 30)

/* windowBits of inflateInit2() and deflateInit2(). */
enum wrapper {
    WRAPPER_RAW = -MAX_WBITS,
    WRAPPER_ZLIB = MAX_WBITS,
    WRAPPER_GZIP = MAX_WBITS + 16,
};

#define HEAD_BYTES 2

struct decoder {
    z_stream stream;
    bool is_gzip;
    bool is_begun;     /* deflate: the wrapper is known */
    bool has_output;   /* of the member being decoded */
    bool has_member;   /* a member is complete */
    bool is_in_member; /* gzip: bytes of a member have come */
    size_t head_len;   /* deflate: the first bytes, kept until the wrapper is known */
    char head[HEAD_BYTES];
};

static struct decoder *new_decoder(bool is_gzip)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));

    CHECK(decoder);
    decoder->is_gzip = is_gzip;
    decoder->is_begun = is_gzip;
    CHECK(inflateInit2(&decoder->stream, is_gzip ? WRAPPER_GZIP : WRAPPER_ZLIB) == Z_OK);
    return decoder;
}

/* The window is 32 KiB at most. */
static void *new_gzip(unsigned window_log_max)
{
    (void)window_log_max;
    return new_decoder(true);
}

static void *new_deflate(unsigned window_log_max)
{
    (void)window_log_max;
    return new_decoder(false);
}

static void free_decoder(void *owner)
{
    struct decoder *decoder = owner;

    inflateEnd(&decoder->stream);
    free(decoder);
}

static int inflate_slice(struct decoder *decoder, struct str *input, struct http_coding_room *room)
{
    z_stream *stream = &decoder->stream;
    size_t input_len = input->len < SLICE_MAX ? input->len : SLICE_MAX;
    size_t room_len = room->size - room->len;
    int result;

    stream->next_in = (const unsigned char *)input->ptr;
    stream->avail_in = (unsigned)input_len;
    stream->next_out = (unsigned char *)room->bytes + room->len;
    stream->avail_out = (unsigned)room_len;
    result = inflate(stream, Z_NO_FLUSH);
    decoder->has_output |= stream->avail_out < room_len;
    *input = str_skip(*input, input_len - stream->avail_in);
    room->len = room->size - stream->avail_out;
    return result;
}

static enum http_coding_progress end_member(struct decoder *decoder)
{
    decoder->has_member = true;
    decoder->has_output = false;
    decoder->is_in_member = false;
    return HTTP_CODING_PROGRESS_ENDED;
}

static enum http_coding_progress inflate_all(struct decoder *decoder, struct str *input, struct http_coding_room *room)
{
    while (room->len < room->size) {
        int result = inflate_slice(decoder, input, room);

        if (result == Z_STREAM_END)
            return end_member(decoder);
        if (result == Z_BUF_ERROR || (result == Z_OK && !input->len && room->len < room->size))
            return HTTP_CODING_PROGRESS_MORE;
        if (result != Z_OK) /* Behind a complete member, what cannot be one is no part of the content. */
            return decoder->has_member && !decoder->has_output ? HTTP_CODING_PROGRESS_SURPLUS
                                                               : HTTP_CODING_PROGRESS_DAMAGED;
    }
    return HTTP_CODING_PROGRESS_MORE;
}

/* RFC 1952, 2.2: a gzip file is a series of members. */
static enum http_coding_progress decode_gzip(void *owner, struct str *input, struct http_coding_room *room)
{
    struct decoder *decoder = owner;

    if (!input->len && !decoder->is_in_member)
        return decoder->has_member ? HTTP_CODING_PROGRESS_ENDED : HTTP_CODING_PROGRESS_MORE;
    if (!decoder->is_in_member && decoder->has_member) {
        if (input->ptr[0] != '\x1f')
            return HTTP_CODING_PROGRESS_SURPLUS;
        CHECK(inflateReset(&decoder->stream) == Z_OK);
    }
    decoder->is_in_member = true;
    return inflate_all(decoder, input, room);
}

/* RFC 1950, 2.2: method 8, window of at most 32 KiB, and a check that the first 16 bits are a multiple of 31. */
static bool is_zlib_head(const char *head)
{
    unsigned first = (unsigned char)head[0];
    unsigned second = (unsigned char)head[1];

    return (first & 0x0f) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0;
}

static enum http_coding_progress begin_deflate(struct decoder *decoder, struct http_coding_room *room)
{
    struct str head = {decoder->head, HEAD_BYTES};

    decoder->is_begun = true;
    CHECK(inflateReset2(&decoder->stream, is_zlib_head(decoder->head) ? WRAPPER_ZLIB : WRAPPER_RAW) == Z_OK);
    /* Two bytes can hold a whole empty stream, but no output that does not fit. */
    return inflate_all(decoder, &head, room);
}

static enum http_coding_progress decode_deflate(void *owner, struct str *input, struct http_coding_room *room)
{
    struct decoder *decoder = owner;
    enum http_coding_progress progress;

    if (decoder->has_member)
        return input->len ? HTTP_CODING_PROGRESS_SURPLUS : HTTP_CODING_PROGRESS_ENDED;
    while (!decoder->is_begun && decoder->head_len < HEAD_BYTES && input->len) {
        decoder->head[decoder->head_len++] = input->ptr[0];
        *input = str_skip(*input, 1);
    }
    if (!decoder->is_begun) {
        if (decoder->head_len < HEAD_BYTES)
            return HTTP_CODING_PROGRESS_MORE;
        progress = begin_deflate(decoder, room);
        if (progress != HTTP_CODING_PROGRESS_MORE)
            return progress;
    }
    return inflate_all(decoder, input, room);
}

static struct err deflate_step(z_stream *stream, struct buf *coded, int flush, int *ret_result)
{
    struct http_coding_room room;

    TRY(http_coding_kind_room(coded, &room));
    stream->next_out = (unsigned char *)room.bytes;
    stream->avail_out = (unsigned)room.size;
    *ret_result = deflate(stream, flush);
    buf_commit(coded, room.size - stream->avail_out);
    return OK;
}

static struct err deflate_all(z_stream *stream, struct str content, struct buf *coded)
{
    int result = Z_OK;

    while (result != Z_STREAM_END) {
        struct str slice = str_head(content, SLICE_MAX);

        stream->next_in = (const unsigned char *)slice.ptr;
        stream->avail_in = (unsigned)slice.len;
        TRY(deflate_step(stream, coded, slice.len == content.len ? Z_FINISH : Z_NO_FLUSH, &result));
        content = str_skip(content, slice.len - stream->avail_in);
    }
    return OK;
}

static struct err encode(struct str content, enum wrapper wrapper, struct buf *coded)
{
    z_stream stream = {0};
    struct err e;

    CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, (int)wrapper, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    e = deflate_all(&stream, content, coded);
    deflateEnd(&stream);
    return e;
}

static struct err encode_gzip(struct str content, struct buf *coded) { return encode(content, WRAPPER_GZIP, coded); }

static struct err encode_deflate(struct str content, struct buf *coded) { return encode(content, WRAPPER_ZLIB, coded); }

const struct http_coding_kind http_coding_zlib_gzip = {
    {"gzip", 4}, new_gzip, free_decoder, decode_gzip, encode_gzip,
};

const struct http_coding_kind http_coding_zlib_deflate = {
    {"deflate", 7}, new_deflate, free_decoder, decode_deflate, encode_deflate,
};
