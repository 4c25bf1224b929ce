/* Covers http/coding and its kinds; hostile input 70. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdlib.h>
#include <zstd.h>
#include <cmocka.h>

#include "http/coding.h"

#define BYTES_MAX ((size_t)256 * 1024 * 1024)

static const char *const lists[] = {"gzip", "deflate", "br", "zstd"};
#define LIST_COUNT (sizeof(lists) / sizeof(lists[0]))

/* Text that compresses, with bytes of all values in it. */
static struct str make_content(struct buf *buf, size_t len)
{
    uint32_t random = 1;

    buf_init(buf, BYTES_MAX);
    while (buf->len < len) {
        random = random * 1664525u + 1013904223u;
        assert_false(err_is(buf_append(buf, STR("The quick brown fox "))));
        assert_false(err_is(buf_append_char(buf, (char)(random >> 24))));
    }
    return str_head(buf_str(buf), len);
}

static struct str encode(struct buf *coded, const char *list, struct str content)
{
    struct err e;

    buf_init(coded, BYTES_MAX);
    e = http_coding_encode(str_from(list), content, coded);
    if (err_is(e))
        fail_msg("%s: %s", list, e.what);
    return buf_str(coded);
}

/* Decodes what comes in pieces of that length. */
static struct http_coding_result decode_pieces(const char *list, struct str coded, size_t piece_len,
                                               struct buf *decoded)
{
    struct http_coding_result result;
    struct http_coding *coding;

    buf_init(decoded, BYTES_MAX);
    assert_false(err_is(http_coding_new(str_from(list), NULL, http_sink_to_buf(decoded), &coding)));
    while (coded.len) {
        assert_false(err_is(http_coding_feed(coding, str_head(coded, piece_len))));
        coded = str_skip(coded, piece_len);
    }
    result = http_coding_finish(coding);
    http_coding_free(&coding);
    assert_null(coding);
    return result;
}

static void assert_outcome(const char *what, struct http_coding_result result, enum http_coding_outcome expected)
{
    if (result.outcome != expected)
        fail_msg("%s: %s is not %s", what, http_coding_outcome_name(result.outcome),
                 http_coding_outcome_name(expected));
}

/* Decodes in pieces of several lengths and expects the content, whole. */
static void assert_decodes(const char *list, struct str coded, struct str content)
{
    static const size_t piece_lens[] = {1, 7, 4096, SIZE_MAX};

    for (size_t i = 0; i < sizeof(piece_lens) / sizeof(piece_lens[0]); i++) {
        struct buf decoded;
        struct http_coding_result result = decode_pieces(list, coded, piece_lens[i], &decoded);

        assert_outcome(list, result, HTTP_CODING_COMPLETE);
        assert_false(result.has_surplus);
        assert_int_equal(result.output_len, content.len);
        assert_true(str_eq(buf_str(&decoded), content));
        buf_deinit(&decoded);
    }
}

static void http_coding_undoes_what_it_does(void **state)
{
    static const char *const all[] = {"gzip",
                                      "x-gzip",
                                      "GZIP",
                                      "deflate",
                                      "br",
                                      "zstd",
                                      "br, gzip",
                                      "gzip,gzip, identity",
                                      "zstd, br, deflate, gzip",
                                      "identity",
                                      "",
                                      "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip"};
    static const size_t lens[] = {0, 1, 16383, 16384, 16385, 200 * 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
            struct buf content;
            struct buf coded;
            struct str text = make_content(&content, lens[j]);

            assert_decodes(all[i], encode(&coded, all[i], text), text);
            buf_deinit(&content);
            buf_deinit(&coded);
        }
    }
}

static void http_coding_decodes_bytes_of_others(void **state)
{
    /* Made by gzip, by zlib with and without its wrapper, and by zstd; br is one stored block. */
    static const struct str gzip =
        STR("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30"
            "\x3a\x36\x06\x00\x00\x00");
    static const struct str zlib = STR("\x78\x9c\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x08\x4b\x02\x1f");
    static const struct str raw = STR("\xcb\x48\xcd\xc9\xc9\xe7\x02\x00");
    static const struct str brotli = STR("\x8b\x02\x80\x68\x65\x6c\x6c\x6f\x0a\x03");
    static const struct str zstd = STR("\x28\xb5\x2f\xfd\x04\x58\x31\x00\x00\x68\x65\x6c\x6c\x6f\x0a\x53\x88\xbd\x91");

    (void)state;
    assert_decodes("gzip", gzip, STR("hello\n"));
    assert_decodes("deflate", zlib, STR("hello\n"));
    assert_decodes("deflate", raw, STR("hello\n"));
    assert_decodes("br", brotli, STR("hello\n"));
    assert_decodes("zstd", zstd, STR("hello\n"));
}

static void http_coding_keeps_what_came_out_of_a_truncated_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        struct buf content;
        struct buf coded;
        struct str text = make_content(&content, 60 * 1000);
        struct str whole = encode(&coded, lists[i], text);

        for (size_t len = 1; len < whole.len; len += len < 20 || len + 20 > whole.len ? 1 : 97) {
            struct buf decoded;
            struct http_coding_result result = decode_pieces(lists[i], str_head(whole, len), SIZE_MAX, &decoded);

            assert_outcome(lists[i], result, HTTP_CODING_TRUNCATED);
            assert_true(str_starts(text, buf_str(&decoded)));
            buf_deinit(&decoded);
        }
        buf_deinit(&content);
        buf_deinit(&coded);
    }
}

static void http_coding_keeps_what_came_out_of_a_damaged_body(void **state)
{
    struct buf content;
    struct str text = make_content(&content, 60 * 1000);

    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        struct buf coded;
        struct buf decoded;
        struct http_coding_result result;

        encode(&coded, lists[i], text);
        memset(coded.bytes + coded.len / 2, 0xff, 64);
        result = decode_pieces(lists[i], buf_str(&coded), SIZE_MAX, &decoded);
        if (strcmp(lists[i], "br") != 0) /* brotli has no checksum, so damage may go unseen for long. */
            assert_outcome(lists[i], result, HTTP_CODING_DAMAGED);
        /* zstd decodes block by block, and this content is one. */
        assert_true(decoded.len > 0 || strcmp(lists[i], "zstd") == 0);
        assert_true(str_eq(str_head(text, decoded.len / 4), str_head(buf_str(&decoded), decoded.len / 4)));
        buf_deinit(&coded);
        buf_deinit(&decoded);
    }
    buf_deinit(&content);
}

static void http_coding_tells_wrong_checksums_and_sizes(void **state)
{
    (void)state;
    for (size_t back = 1; back <= 8; back++) { /* CRC and size of gzip */
        struct buf coded;
        struct buf decoded;
        struct http_coding_result result;

        encode(&coded, "gzip", STR("hello"));
        coded.bytes[coded.len - back] ^= 0x10;
        result = decode_pieces("gzip", buf_str(&coded), SIZE_MAX, &decoded);
        assert_outcome("gzip", result, HTTP_CODING_DAMAGED);
        assert_true(str_eq(buf_str(&decoded), STR("hello")));
        buf_deinit(&coded);
        buf_deinit(&decoded);
    }
}

static void http_coding_ignores_and_tells_surplus(void **state)
{
    static const struct str surpluses[] = {
        {"\0\0\0\0\0\0\0\0", 8}, {"garbage", 7}, {"\x1f\x8bgarbage", 9}, {"\x1fxxxxx", 6}};

    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        for (size_t j = 0; j < sizeof(surpluses) / sizeof(surpluses[0]); j++) {
            struct buf coded;
            struct buf decoded;
            struct http_coding_result result;

            encode(&coded, lists[i], STR("hello"));
            assert_false(err_is(buf_append(&coded, surpluses[j])));
            for (size_t piece_len = 1; piece_len <= coded.len; piece_len++) {
                result = decode_pieces(lists[i], buf_str(&coded), piece_len, &decoded);
                assert_outcome(lists[i], result, HTTP_CODING_COMPLETE);
                assert_true(result.has_surplus);
                assert_true(str_eq(buf_str(&decoded), STR("hello")));
                buf_deinit(&decoded);
            }
            buf_deinit(&coded);
        }
    }
}

static void http_coding_decodes_several_members(void **state)
{
    static const char *const repeatable[] = {"gzip", "zstd"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf twice;
        struct buf coded;

        buf_init(&twice, BYTES_MAX);
        for (int j = 0; j < 2; j++) {
            assert_false(err_is(buf_append(&twice, encode(&coded, repeatable[i], j ? STR("world") : STR("hello ")))));
            buf_deinit(&coded);
        }
        assert_decodes(repeatable[i], buf_str(&twice), STR("hello world"));
        buf_deinit(&twice);
    }
}

static void http_coding_says_which_coding_is_unknown(void **state)
{
    struct http_coding_result result;
    struct http_coding *coding = NULL;
    struct buf decoded;

    (void)state;
    buf_init(&decoded, 100);
    result = http_coding_decode(STR("gzip, compress ,br"), STR("x"), NULL, &decoded);
    assert_outcome("compress", result, HTTP_CODING_UNKNOWN);
    assert_true(str_eq(result.unknown, STR("compress")));
    assert_int_equal(decoded.len, 0);
    result = http_coding_decode(STR("gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip"), STR("x"), NULL, &decoded);
    assert_outcome("nine", result, HTTP_CODING_UNKNOWN);
    assert_int_equal(result.unknown.len, 0);
    assert_int_equal(http_coding_new(STR("x"), NULL, http_sink_to_buf(&decoded), &coding).code, ERR_ABSENT);
    assert_int_equal(http_coding_encode(STR("x"), STR("y"), &decoded).code, ERR_ABSENT);
    assert_null(coding);
    assert_int_equal(decoded.len, 0);
    buf_deinit(&decoded);
}

static void assert_cut_at(const char *list, struct str coded, uint64_t limit, enum http_coding_outcome expected,
                          size_t expected_len)
{
    struct http_coding_limits limits = {.output_bytes_max = limit};
    struct http_coding_result result;
    struct buf decoded;

    buf_init(&decoded, BYTES_MAX);
    result = http_coding_decode(str_from(list), coded, &limits, &decoded);
    assert_outcome(list, result, expected);
    assert_int_equal(decoded.len, expected_len);
    buf_deinit(&decoded);
    buf_init(&decoded, limit);
    result = http_coding_decode(str_from(list), coded, NULL, &decoded);
    assert_outcome(list, result, expected);
    assert_int_equal(decoded.len, expected_len);
    buf_deinit(&decoded);
}

static void http_coding_cuts_at_the_output_limit_exactly(void **state)
{
    static const char *const all[] = {"gzip", "deflate", "br", "zstd", "identity"};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct buf content;
        struct buf coded;
        struct str bytes = encode(&coded, all[i], make_content(&content, 50 * 1000));

        assert_cut_at(all[i], bytes, 49 * 1000 + 999, HTTP_CODING_CUT, 49 * 1000 + 999);
        assert_cut_at(all[i], bytes, 50 * 1000, HTTP_CODING_COMPLETE, 50 * 1000);
        assert_cut_at(all[i], bytes, 50 * 1000 + 1, HTTP_CODING_COMPLETE, 50 * 1000);
        buf_deinit(&content);
        buf_deinit(&coded);
    }
}

static struct str make_zeros(struct buf *buf, size_t len)
{
    char *room;

    buf_init(buf, BYTES_MAX);
    assert_false(err_is(buf_reserve(buf, len, &room)));
    memset(room, 0, len);
    buf_commit(buf, len);
    return buf_str(buf);
}

static void http_coding_cuts_bombs(void **state)
{
    static const char *const bombs[] = {"gzip", "deflate", "br", "zstd", "gzip, gzip", "zstd, zstd", "br, br"};
    struct buf zeros;
    struct str content = make_zeros(&zeros, (size_t)200 * 1024 * 1024);

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct buf coded;
        struct buf decoded;
        struct http_coding_result result;

        encode(&coded, bombs[i], content);
        buf_init(&decoded, BYTES_MAX);
        result = http_coding_decode(str_from(bombs[i]), buf_str(&coded), NULL, &decoded);
        assert_outcome(bombs[i], result, HTTP_CODING_CUT);
        assert_true(decoded.len > 1000 * 1000 && decoded.len <= (size_t)64 * 1024 * 1024);
        buf_deinit(&coded);
        buf_deinit(&decoded);
    }
    buf_deinit(&zeros);
}

static void http_coding_cuts_by_ratio(void **state)
{
    struct http_coding_limits limits = {.ratio_max = 10};
    struct http_coding_result result;
    struct buf zeros;
    struct buf coded;
    struct buf decoded;

    (void)state;
    encode(&coded, "gzip", make_zeros(&zeros, (size_t)4 * 1024 * 1024));
    buf_init(&decoded, BYTES_MAX);
    result = http_coding_decode(STR("gzip"), buf_str(&coded), &limits, &decoded);
    assert_outcome("gzip", result, HTTP_CODING_CUT);
    assert_in_range(decoded.len, 1024 * 1024, 1024 * 1024 + coded.len * 10);
    buf_deinit(&zeros);
    buf_deinit(&coded);
    buf_deinit(&decoded);
}

/* A frame that says its window is 2^log bytes, then one raw block of 5. */
static struct http_coding_result decode_window(unsigned log, const char *list, struct buf *decoded)
{
    char frame[] = "\x28\xb5\x2f\xfd\0\0\x29\0\0hello";

    frame[5] = (char)((log - 10) << 3);
    buf_init(decoded, BYTES_MAX);
    return http_coding_decode(str_from(list), (struct str){frame, sizeof(frame) - 1}, NULL, decoded);
}

static void http_coding_refuses_large_windows(void **state)
{
    struct buf decoded;

    (void)state;
    assert_outcome("2^27", decode_window(27, "zstd", &decoded), HTTP_CODING_COMPLETE);
    assert_true(str_eq(buf_str(&decoded), STR("hello")));
    buf_deinit(&decoded);
    assert_outcome("2^28", decode_window(28, "zstd", &decoded), HTTP_CODING_CUT);
    assert_int_equal(decoded.len, 0);
    buf_deinit(&decoded);
    assert_outcome("2^33", decode_window(33, "zstd", &decoded), HTTP_CODING_CUT);
    buf_deinit(&decoded);
}

static struct err refuse(void *owner, struct str bytes)
{
    (void)bytes;
    ++*(int *)owner;
    return ERR(ERR_CANCELLED, 0, "enough");
}

static void http_coding_passes_up_the_sinks_error(void **state)
{
    struct http_coding *coding;
    struct buf coded;
    int calls = 0;

    (void)state;
    encode(&coded, "gzip", STR("hello"));
    assert_false(err_is(http_coding_new(STR("gzip"), NULL, (struct http_sink){refuse, &calls}, &coding)));
    assert_false(http_coding_is_over(coding));
    assert_int_equal(http_coding_feed(coding, buf_str(&coded)).code, ERR_CANCELLED);
    assert_true(http_coding_is_over(coding));
    assert_false(err_is(http_coding_feed(coding, buf_str(&coded))));
    assert_int_equal(calls, 1);
    http_coding_free(&coding);
    buf_deinit(&coded);
}

static void http_coding_encodes_within_the_buffer(void **state)
{
    struct buf content;
    struct str text = make_content(&content, 100 * 1000);

    (void)state;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        struct buf coded;

        buf_init(&coded, 2000);
        assert_int_equal(http_coding_encode(str_from(lists[i]), text, &coded).code, ERR_LIMIT);
        buf_deinit(&coded);
    }
    buf_deinit(&content);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_coding_undoes_what_it_does),
        cmocka_unit_test(http_coding_decodes_bytes_of_others),
        cmocka_unit_test(http_coding_keeps_what_came_out_of_a_truncated_body),
        cmocka_unit_test(http_coding_keeps_what_came_out_of_a_damaged_body),
        cmocka_unit_test(http_coding_tells_wrong_checksums_and_sizes),
        cmocka_unit_test(http_coding_ignores_and_tells_surplus),
        cmocka_unit_test(http_coding_decodes_several_members),
        cmocka_unit_test(http_coding_says_which_coding_is_unknown),
        cmocka_unit_test(http_coding_cuts_at_the_output_limit_exactly),
        cmocka_unit_test(http_coding_cuts_bombs),
        cmocka_unit_test(http_coding_cuts_by_ratio),
        cmocka_unit_test(http_coding_refuses_large_windows),
        cmocka_unit_test(http_coding_passes_up_the_sinks_error),
        cmocka_unit_test(http_coding_encodes_within_the_buffer),
    };

    return cmocka_run_group_tests_name("http/coding", tests, NULL, NULL);
}
