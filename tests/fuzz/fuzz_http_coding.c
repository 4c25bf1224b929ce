/* fuzz_http_coding.c - decoding ends within its limits, whatever the bytes, and does not depend on how they were split.
 *
 * Input: the list of codings, a NUL, the coded bytes.
 */
#include "http/coding.h"

#define OUTPUT_MAX ((size_t)256 * 1024)

static const struct http_coding_limits limits = {.output_bytes_max = OUTPUT_MAX, .ratio_max = 50};

static struct http_coding_result decode_in_pieces(struct str list, struct str coded, struct buf *decoded)
{
    struct http_coding_result result;
    struct http_coding *coding;
    size_t piece_len = 1;

    CHECK(!err_is(http_coding_new(list, &limits, http_sink_to_buf(decoded), &coding)));
    while (coded.len) {
        CHECK(!err_is(http_coding_feed(coding, str_head(coded, piece_len))));
        coded = str_skip(coded, piece_len);
        piece_len = piece_len % 61 + 1;
    }
    result = http_coding_finish(coding);
    http_coding_free(&coding);
    return result;
}

/* A limit of ratio, and damage, may strike earlier or later in pieces; then one output begins with the other. */
static void compare(struct http_coding_result whole, struct http_coding_result pieces, struct str whole_bytes,
                    struct str pieces_bytes)
{
    size_t common = whole_bytes.len < pieces_bytes.len ? whole_bytes.len : pieces_bytes.len;

    CHECK(str_eq(str_head(whole_bytes, common), str_head(pieces_bytes, common)));
    CHECK(whole.output_len == whole_bytes.len && pieces.output_len == pieces_bytes.len);
    if (whole.outcome == HTTP_CODING_COMPLETE && pieces.outcome == HTTP_CODING_COMPLETE)
        CHECK(whole_bytes.len == pieces_bytes.len && whole.has_surplus == pieces.has_surplus);
    if (whole.outcome == HTTP_CODING_TRUNCATED && pieces.outcome == HTTP_CODING_TRUNCATED)
        CHECK(whole_bytes.len == pieces_bytes.len);
}

static void check_round_trip(struct str list, struct str content)
{
    struct http_coding_result result;
    struct buf coded;
    struct buf decoded;

    buf_init(&coded, OUTPUT_MAX * 2);
    buf_init(&decoded, OUTPUT_MAX);
    CHECK(!err_is(http_coding_encode(list, content, &coded)));
    result = http_coding_decode(list, buf_str(&coded), NULL, &decoded);
    CHECK(result.outcome == HTTP_CODING_COMPLETE && !result.has_surplus);
    CHECK(str_eq(buf_str(&decoded), content));
    buf_deinit(&coded);
    buf_deinit(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct http_coding_result whole;
    struct http_coding_result pieces;
    struct str list;
    struct str coded;
    struct buf decoded;
    struct buf decoded_in_pieces;

    str_cut((struct str){(const char *)bytes, len}, '\0', &list, &coded);
    buf_init(&decoded, OUTPUT_MAX);
    buf_init(&decoded_in_pieces, OUTPUT_MAX);
    whole = http_coding_decode(list, coded, &limits, &decoded);
    if (whole.outcome == HTTP_CODING_UNKNOWN) {
        CHECK(decoded.len == 0);
    } else {
        pieces = decode_in_pieces(list, coded, &decoded_in_pieces);
        compare(whole, pieces, buf_str(&decoded), buf_str(&decoded_in_pieces));
        check_round_trip(list, str_head(coded, 4096));
    }
    buf_deinit(&decoded);
    buf_deinit(&decoded_in_pieces);
    return 0;
}
