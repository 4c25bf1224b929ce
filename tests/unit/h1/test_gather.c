/* Covers h1/gather and the other limits of the decoder, at N-1, N and N+1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "h1/decoder.h"
#include "unit/h1/splits.h"

struct long_row {
    const char *name;
    const char *before;
    const char *fill;
    size_t count;
    const char *after;
    const char *transcript;
};

static const struct h1_limits small_limits = {
    .head_bytes_max = 64, .line_bytes_max = 32, .field_count_max = 4, .chunk_line_max = 8};

static void check_long_rows(const struct long_row *rows, size_t count, struct transcript_options options)
{
    for (size_t i = 0; i < count; i++) {
        const struct long_row *row = &rows[i];
        struct buf buf;

        splits_check(row->name, options, splits_make_long(&buf, row->before, row->fill, row->count, row->after),
                     row->transcript);
        buf_deinit(&buf);
    }
}

/* Hostile input 39 and all limits at N-1, N and N+1. */
static void h1_gather_obeys_limits_exactly(void **state)
{
#define LINE_31 "head:none keep host-missing;end host-missing;closed;"
    static const struct long_row rows[] = {
        {"line of 31", "GET /", "a", 15, " HTTP/1.1\r\n\r\n", LINE_31},
        {"line of 32", "GET /", "a", 16, " HTTP/1.1\r\n\r\n", LINE_31},
        {"line of 33", "GET /", "a", 17, " HTTP/1.1\r\n\r\n",
         "error:limit 414;partial:GET /aaaaaaaaaaaaaaaaa HTTP/1.1\\r;rest:\\n\\r\\n;"},
        {"line without end", "", "a", 40, "",
         "error:limit 414;partial:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;rest:aaaaaaaa;"},
        {"head of 63", "GET / HTTP/1.1\r\nHost: ", "a", 37, "\r\n\r\n", "head:none keep;end;closed;"},
        {"head of 64", "GET / HTTP/1.1\r\nHost: ", "a", 38, "\r\n\r\n", "head:none keep;end;closed;"},
        {"head of 65", "GET / HTTP/1.1\r\nHost: ", "a", 39, "\r\n\r\n",
         "error:limit 431;partial:GET / HTTP/1.1\\r\\nHost: "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\r\\n\\r;rest:\\n;"},
        {"empty lines", "", "\r\n", 33, "",
         "error:limit "
         "431;partial:"
         "\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r"
         "\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n\\r\\n;rest:\\r\\n;"},
        {"3 fields", "GET / HTTP/1.1\r\nHost:\r\n", "a:\r\n", 2, "\r\n", "head:none keep;end;closed;"},
        {"4 fields", "GET / HTTP/1.1\r\nHost:\r\n", "a:\r\n", 3, "\r\n", "head:none keep;end;closed;"},
        {"5 fields", "GET / HTTP/1.1\r\nHost:\r\n", "a:\r\n", 4, "\r\n",
         "error:limit 431;partial:GET / HTTP/1.1\\r\\nHost:\\r\\na:\\r\\na:\\r\\na:\\r\\na:\\r\\n\\r\\n;"},
        {"4 fields with folds", "GET / HTTP/1.1\r\nHost:\r\na:\r\nb:\r\nc:\r\n", " d\r\n", 3, "\r\n",
         "head:none keep obs-fold;end obs-fold;closed;"},
    };

    (void)state;
    check_long_rows(rows, SPLITS_COUNT(rows), (struct transcript_options){.is_request = true, .limits = small_limits});
}

static void h1_gather_obeys_chunk_limits_exactly(void **state)
{
#define CHUNKED_10 "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"
    static const struct long_row rows[] = {
        {"chunk line of 7", CHUNKED_10, "0", 5, "\r\n\r\n", "head:chunked keep;body:;trailers:\\r\\n;end;closed;"},
        {"chunk line of 8", CHUNKED_10, "0", 6, "\r\n\r\n", "head:chunked keep;body:;trailers:\\r\\n;end;closed;"},
        {"chunk line of 9", CHUNKED_10, "0", 7, "\r\n\r\n", "head:chunked keep;body:;error:limit 502;rest:\\n\\r\\n;"},
        {"chunk line without end", CHUNKED_10 "1;", "x", 20, "",
         "head:chunked keep;body:;error:limit 502;rest:xxxxxxxxxxxxxx;"},
        {"chunk line of 9 after a chunk", CHUNKED_10 "1\r\na\r\n", "0", 7, "\r\n\r\n",
         "head:chunked keep;body:a;error:limit 502;rest:\\n\\r\\n;"},
        {"trailers of 64", CHUNKED_10 "0\r\na:", "b", 58, "\r\n\r\n",
         "head:chunked keep;body:;"
         "trailers:a:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\\r\\n\\r\\n;end;closed;"},
        {"trailers of 65", CHUNKED_10 "0\r\na:", "b", 59, "\r\n\r\n",
         "head:chunked keep;body:;error:limit 502;"
         "partial:a:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\\r\\n\\r;rest:\\n;"},
        {"4 trailers", CHUNKED_10 "0\r\n", "a:\r\n", 4, "\r\n",
         "head:chunked keep;body:;trailers:a:\\r\\na:\\r\\na:\\r\\na:\\r\\n\\r\\n;end;closed;"},
        {"5 trailers", CHUNKED_10 "0\r\n", "a:\r\n", 5, "\r\n",
         "head:chunked keep;body:;error:limit 502;partial:a:\\r\\na:\\r\\na:\\r\\na:\\r\\na:\\r\\n\\r\\n;"},
    };

    (void)state;
    check_long_rows(rows, SPLITS_COUNT(rows), (struct transcript_options){.limits = small_limits});
}

static void h1_gather_survives_a_full_arena(void **state)
{
    struct transcript_options options = {.is_request = true, .arena_bytes_max = 20};

    (void)state;
    splits_check("head", options, STR(GET "\r\n"), "error:limit 431;partial:GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n;");
    options.arena_bytes_max = 64;
    splits_check("fields", options, STR(GET "\r\n"),
                 "error:limit 431;partial:GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n;");
}

static void h1_gather_bounds_long_heads_by_default(void **state)
{
    static const struct transcript_options request = {.is_request = true};
    struct transcript transcript;
    struct buf buf;

    (void)state;
    transcript = splits_run_large(request, splits_make_long(&buf, "", "\r\n", 1000 * 1000, GET "\r\n"));
    assert_true(str_starts(buf_str(&transcript.text), STR("error:limit 431;")));
    transcript_deinit(&transcript);
    buf_deinit(&buf);
    transcript = splits_run_large(request, splits_make_long(&buf, GET "a: ", "0123456789", 1000 * 1000, "\r\n\r\n"));
    assert_true(str_starts(buf_str(&transcript.text), STR("error:limit 431;")));
    transcript_deinit(&transcript);
    buf_deinit(&buf);
    transcript =
        splits_run_large(request, splits_make_long(&buf, "GET /", "0123456789", 100 * 1000, " HTTP/1.1\r\n\r\n"));
    assert_true(str_starts(buf_str(&transcript.text), STR("error:limit 414;")));
    transcript_deinit(&transcript);
    buf_deinit(&buf);
    transcript =
        splits_run_large(request, splits_make_long(&buf, GET "Range: bytes=", "0-1,", 10 * 1000, "0-\r\n\r\n"));
    splits_assert_end(&transcript, "head:none keep;end;closed;");
    buf_deinit(&buf);
}

/* A fold of white space only must not be trimmed again and again: 87,000 of them would cost billions of steps. */
static void h1_gather_reads_many_folds_in_linear_time(void **state)
{
    struct transcript transcript;
    struct buf buf;

    (void)state;
    transcript = splits_run_large((struct transcript_options){.is_request = true},
                                  splits_make_long(&buf, GET "a:", " \n", 130 * 1000, " b\n\n"));
    splits_assert_end(&transcript, "end bare-lf,obs-fold;closed;");
    buf_deinit(&buf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_gather_obeys_limits_exactly),
        cmocka_unit_test(h1_gather_obeys_chunk_limits_exactly),
        cmocka_unit_test(h1_gather_survives_a_full_arena),
        cmocka_unit_test(h1_gather_bounds_long_heads_by_default),
        cmocka_unit_test(h1_gather_reads_many_folds_in_linear_time),
    };

    return cmocka_run_group_tests_name("h1/gather", tests, NULL, NULL);
}
