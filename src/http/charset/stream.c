#include "http/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "http/charset/euc.h"
#include "http/charset/jis.h"
#include "http/charset/table.h"
#include "http/charset/utf8.h"

#define ROOM_BYTES ((size_t)4096)
#define JIS_ROOM_BYTES ((size_t)1024)
#define CARRY_BYTES ((size_t)8)
/* Before a wrong byte is judged, this many are looked at, so that what it becomes does not depend on the pieces. */
#define LOOKAHEAD_BYTES ((size_t)4)
#define JOIN_BYTES (CARRY_BYTES + 4 * LOOKAHEAD_BYTES)

static const struct str replacement = {"\xef\xbf\xbd", 3}; /* U+FFFD */

struct http_charset_stream {
    const struct http_charset *charset;
    struct http_sink sink;
    iconv_t iconv;
    bool has_iconv;
    iconv_t cp932; /* for EUC-JP and ISO-2022-JP: NEC's rows */
    bool has_cp932;
    bool has_output;
    struct http_charset_jis jis;
    size_t carry_len;
    char carry[CARRY_BYTES]; /* the beginning of a character whose rest has not come */
    size_t room_len;
    char room[ROOM_BYTES];
};

static bool is_euc(const struct http_charset *charset)
{
    return charset->method == HTTP_CHARSET_METHOD_EUCJP || charset->method == HTTP_CHARSET_METHOD_ISO2022JP;
}

struct http_charset_stream *http_charset_stream_new(const struct http_charset *charset, struct http_sink sink)
{
    struct http_charset_stream *stream = calloc(1, sizeof(*stream));

    CHECK(stream);
    stream->charset = charset;
    stream->sink = sink;
    if (charset->method != HTTP_CHARSET_METHOD_UTF8) {
        stream->iconv = iconv_open("UTF-8", charset->iconv_name);
        /* A system without its tables: what is not ASCII will be U+FFFD. */
        stream->has_iconv = stream->iconv != (iconv_t)-1;
    }
    if (is_euc(charset)) {
        stream->cp932 = iconv_open("UTF-8", "CP932");
        stream->has_cp932 = stream->cp932 != (iconv_t)-1;
    }
    return stream;
}

void http_charset_stream_free(struct http_charset_stream **stream)
{
    if (!*stream)
        return;
    if ((*stream)->has_iconv)
        iconv_close((*stream)->iconv);
    if ((*stream)->has_cp932)
        iconv_close((*stream)->cp932);
    free(*stream);
    *stream = NULL;
}

/* Whole characters, to the sink.  A byte order mark at the very start is left out. */
static struct err deliver(struct http_charset_stream *stream, struct str text)
{
    if (!text.len)
        return OK;
    if (!stream->has_output && str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    stream->has_output = true;
    return text.len ? stream->sink.on_bytes(stream->sink.owner, text) : OK;
}

static struct err flush(struct http_charset_stream *stream)
{
    struct str text = {stream->room, stream->room_len};

    stream->room_len = 0;
    return deliver(stream, text);
}

static struct err put(struct http_charset_stream *stream, struct str text)
{
    if (ROOM_BYTES - stream->room_len < text.len)
        TRY(flush(stream));
    memcpy(stream->room + stream->room_len, text.ptr, text.len);
    stream->room_len += text.len;
    return OK;
}

/* Valid runs go to the sink uncopied. */
static struct err convert_utf8(struct http_charset_stream *stream, struct str *encoded, bool is_last)
{
    while (encoded->len) {
        bool is_cut;
        size_t bad;
        size_t len = http_charset_utf8_valid_len(*encoded, &bad, &is_cut);

        if (len) {
            TRY(flush(stream));
            TRY(deliver(stream, str_head(*encoded, len)));
        }
        *encoded = str_skip(*encoded, len);
        if (!bad || (is_cut && !is_last))
            return OK;
        TRY(put(stream, replacement));
        *encoded = str_skip(*encoded, bad);
    }
    return OK;
}

/* How many bytes a wrong character takes with it: the second of two only when it cannot be a character by itself. */
static size_t bad_len(const struct http_charset *charset, struct str encoded)
{
    const unsigned char *bytes = (const unsigned char *)encoded.ptr;
    size_t len = charset->unit_len;

    if (is_euc(charset))
        return http_charset_euc_char_len(encoded);
    if (charset->has_two_byte_chars && encoded.len >= 2 && bytes[0] > 0x80 && bytes[0] < 0xff && bytes[1] >= 0x80)
        len = 2;
    return len < encoded.len ? len : encoded.len;
}

/* Converts until iconv stops; its errno, or 0 at the end of the bytes. */
static int run_iconv(struct http_charset_stream *stream, struct str *encoded)
{
    char *input = (char *)(uintptr_t)encoded->ptr; /* iconv() does not write to it */
    size_t input_left = encoded->len;
    char *output = stream->room + stream->room_len;
    size_t output_left = ROOM_BYTES - stream->room_len;
    size_t result = iconv(stream->iconv, &input, &input_left, &output, &output_left);
    int error = result == (size_t)-1 ? errno : 0;

    stream->room_len = ROOM_BYTES - output_left;
    *encoded = str_skip(*encoded, encoded->len - input_left);
    return error;
}

static struct err convert_iconv(struct http_charset_stream *stream, struct str *encoded, bool is_last)
{
    while (encoded->len) {
        int error = run_iconv(stream, encoded);

        if (error == E2BIG) {
            TRY(flush(stream));
            continue;
        }
        if (error == 0 || (!is_last && (error == EINVAL || encoded->len < LOOKAHEAD_BYTES)))
            return OK;
        TRY(put(stream, replacement));
        *encoded = str_skip(*encoded, error == EINVAL ? encoded->len : bad_len(stream->charset, *encoded));
    }
    return OK;
}

static struct err put_nec_char(struct http_charset_stream *stream, struct str encoded)
{
    char bytes[2];
    char text[8];
    char *input = bytes;
    char *output = text;
    size_t input_left = sizeof(bytes);
    size_t output_left = sizeof(text);

    http_charset_euc_to_shift_jis(encoded, bytes);
    if (!stream->has_cp932 || iconv(stream->cp932, &input, &input_left, &output, &output_left) == (size_t)-1)
        return put(stream, replacement);
    return put(stream, (struct str){text, sizeof(text) - output_left});
}

/* Runs of other characters, and between them those of NEC's rows. */
static struct err convert_euc(struct http_charset_stream *stream, struct str *encoded, bool is_last)
{
    for (;;) {
        size_t len = http_charset_euc_find_nec(*encoded);
        struct str run = str_head(*encoded, len);

        if (len == encoded->len)
            return convert_iconv(stream, encoded, is_last);
        TRY(convert_iconv(stream, &run, true));
        TRY(put_nec_char(stream, str_skip(*encoded, len)));
        *encoded = str_skip(*encoded, len + 2);
    }
}

static struct err convert_ascii(struct http_charset_stream *stream, struct str *encoded)
{
    for (; encoded->len; *encoded = str_skip(*encoded, 1))
        TRY(put(stream, (unsigned char)encoded->ptr[0] < 0x80 ? str_head(*encoded, 1) : replacement));
    return OK;
}

/* Leaves in *encoded what can be judged only with more bytes. */
static struct err convert(struct http_charset_stream *stream, struct str *encoded, bool is_last)
{
    if (stream->charset->method == HTTP_CHARSET_METHOD_UTF8)
        return convert_utf8(stream, encoded, is_last);
    if (!stream->has_iconv)
        return convert_ascii(stream, encoded);
    return is_euc(stream->charset) ? convert_euc(stream, encoded, is_last) : convert_iconv(stream, encoded, is_last);
}

static void keep(struct http_charset_stream *stream, struct str left)
{
    CHECK(left.len <= CARRY_BYTES);
    if (left.len)
        memmove(stream->carry, left.ptr, left.len);
    stream->carry_len = left.len;
}

/* Converts what was carried over together with the next bytes, which are taken from *encoded. */
static struct err convert_carry(struct http_charset_stream *stream, struct str *encoded)
{
    char bytes[JOIN_BYTES];
    struct str fresh = str_head(*encoded, JOIN_BYTES - stream->carry_len);
    struct str joined = {bytes, stream->carry_len + fresh.len};

    memcpy(bytes, stream->carry, stream->carry_len);
    memcpy(bytes + stream->carry_len, fresh.ptr, fresh.len);
    TRY(convert(stream, &joined, false));
    if (joined.len > fresh.len) {
        /* Too few bytes to judge even the carried ones: all are carried on. */
        keep(stream, joined);
        *encoded = str_skip(*encoded, fresh.len);
        return OK;
    }
    stream->carry_len = 0;
    *encoded = str_skip(*encoded, fresh.len - joined.len);
    return OK;
}

static struct err feed_bytes(struct http_charset_stream *stream, struct str encoded)
{
    if (stream->carry_len && encoded.len)
        TRY(convert_carry(stream, &encoded));
    if (!encoded.len)
        return OK;
    TRY(convert(stream, &encoded, false));
    keep(stream, encoded);
    return OK;
}

struct err http_charset_stream_feed(struct http_charset_stream *stream, struct str encoded)
{
    char euc[JIS_ROOM_BYTES];

    if (stream->charset->method != HTTP_CHARSET_METHOD_ISO2022JP) {
        TRY(feed_bytes(stream, encoded));
        return flush(stream);
    }
    while (encoded.len) {
        size_t len = http_charset_jis_convert(&stream->jis, &encoded, euc, sizeof(euc));

        TRY(feed_bytes(stream, (struct str){euc, len}));
    }
    return flush(stream);
}

struct err http_charset_stream_finish(struct http_charset_stream *stream)
{
    char euc[HTTP_CHARSET_JIS_ROOM_MIN];
    struct str carried = {stream->carry, 0};

    if (stream->charset->method == HTTP_CHARSET_METHOD_ISO2022JP) {
        size_t len = http_charset_jis_finish(&stream->jis, euc, sizeof(euc));

        TRY(feed_bytes(stream, (struct str){euc, len}));
    }
    carried.len = stream->carry_len;
    stream->carry_len = 0;
    TRY(convert(stream, &carried, true));
    if (stream->has_iconv) {
        /* Some converters hold a character back to combine it with the next. */
        char *output = NULL;
        size_t output_left;

        TRY(flush(stream));
        output = stream->room;
        output_left = ROOM_BYTES;
        iconv(stream->iconv, NULL, NULL, &output, &output_left);
        stream->room_len = ROOM_BYTES - output_left;
    }
    return flush(stream);
}
