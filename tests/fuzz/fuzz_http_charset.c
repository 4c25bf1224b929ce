/* fuzz_http_charset.c - conversion gives valid UTF-8 whatever the bytes, and the same for any pieces; a choice is
 * always made.
 *
 * Input: a Content-Type value, a NUL, a label, a NUL, the text.
 */
#include "http/charset.h"

#define TEXT_MAX ((size_t)1024 * 1024)

static void convert_pieces(const struct http_charset *charset, struct str encoded, size_t piece_len, struct buf *text)
{
    struct http_charset_stream *stream = http_charset_stream_new(charset, http_sink_to_buf(text));

    while (encoded.len) {
        CHECK(!err_is(http_charset_stream_feed(stream, str_head(encoded, piece_len))));
        encoded = str_skip(encoded, piece_len);
    }
    CHECK(!err_is(http_charset_stream_finish(stream)));
    http_charset_stream_free(&stream);
}

/* UTF-8 that is converted once more does not change; only a byte order mark may go. */
static void check_valid(struct str text)
{
    struct buf again;

    buf_init(&again, TEXT_MAX);
    CHECK(http_charset_convert(http_charset_find(STR("utf-8")), text, &again));
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    CHECK(str_eq(text, buf_str(&again)));
    buf_deinit(&again);
}

static void check_charset(const struct http_charset *charset, struct str encoded)
{
    static const size_t piece_lens[] = {1, 2, 3, 5, 17};
    struct buf whole;

    buf_init(&whole, TEXT_MAX);
    CHECK(http_charset_convert(charset, encoded, &whole));
    check_valid(buf_str(&whole));
    for (size_t i = 0; i < sizeof(piece_lens) / sizeof(piece_lens[0]); i++) {
        struct buf pieces;

        buf_init(&pieces, TEXT_MAX);
        convert_pieces(charset, encoded, piece_lens[i], &pieces);
        CHECK(str_eq(buf_str(&pieces), buf_str(&whole)));
        buf_deinit(&pieces);
    }
    buf_deinit(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct http_charset_choice choice;
    const struct http_charset *charset;
    struct str content_type;
    struct str label;
    struct str encoded;

    if (len > 8192)
        return 0;
    str_cut((struct str){(const char *)bytes, len}, '\0', &content_type, &encoded);
    str_cut(encoded, '\0', &label, &encoded);
    choice = http_charset_choose(content_type, encoded);
    CHECK(choice.charset);
    check_charset(choice.charset, encoded);
    charset = http_charset_find(label);
    if (charset)
        check_charset(charset, encoded);
    http_charset_is_text(content_type, encoded);
    return 0;
}
