#include "pair.h"

#include <stdlib.h>

static const struct h2_field request[] = {
    FIELD(":method", "POST"), FIELD(":scheme", "https"), FIELD(":authority", "a.example"),
    FIELD(":path", "/x?y"),   FIELD("x-b", "1"),         FIELD("x-a", "2"),
    FIELD("x-b", "1")};
static const struct h2_field response[] = {FIELD(":status", "200"), FIELD("x", "y")};
static const struct h2_field interim[] = {FIELD(":status", "103"), FIELD("link", "</a>")};
static const struct h2_field trailers[] = {FIELD("grpc-status", "0")};

static const size_t piece_lens[] = {1, 7, 1000, 1u << 20};

static int32_t ask(struct pair *pair, bool ends_stream)
{
    int32_t stream = 0;

    assert_false(err_is(h2_session_request(pair->client.session, request, COUNT(request), ends_stream, &stream)));
    return stream;
}

static void keeps_order_and_duplicates_of_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(piece_lens); i++) {
        struct pair pair;

        pair_open(&pair, piece_lens[i]);
        ask(&pair, true);
        pair_run(&pair);
        assert_false(err_is(pair.server.err));
        assert_true(str_eq(buf_str(&pair.server.fields),
                           STR(":method=POST;:scheme=https;:authority=a.example;:path=/x?y;x-b=1;x-a=2;x-b=1;|")));
        assert_int_equal(pair.server.end_count, 1);
        pair_close(&pair);
    }
}

static void sends_bodies_before_the_head_has_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(piece_lens); i++) {
        struct pair pair;
        int32_t stream;

        pair_open(&pair, piece_lens[i]);
        stream = ask(&pair, false);
        assert_false(err_is(h2_session_send(pair.client.session, stream, STR("hello "), false)));
        assert_false(err_is(h2_session_send(pair.client.session, stream, STR("world"), false)));
        pair_run(&pair);
        assert_true(str_eq(buf_str(&pair.server.body), STR("hello world")));
        assert_int_equal(pair.server.end_count, 0);
        assert_false(err_is(h2_session_section(pair.client.session, stream, trailers, 1, true)));
        pair_run(&pair);
        assert_int_equal(pair.server.end_count, 1);
        assert_int_equal(pair.client.sent_bytes, 11);
        pair_close(&pair);
    }
}

static void gives_interim_final_body_and_trailers_in_order(void **state)
{
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 3);
    stream = ask(&pair, true);
    pair_run(&pair);
    assert_false(err_is(h2_session_section(pair.server.session, stream, interim, 2, false)));
    assert_false(err_is(h2_session_section(pair.server.session, stream, response, 2, false)));
    assert_false(err_is(h2_session_send(pair.server.session, stream, STR("body"), false)));
    assert_false(err_is(h2_session_section(pair.server.session, stream, trailers, 1, true)));
    pair_run(&pair);
    assert_true(str_eq(buf_str(&pair.client.fields), STR(":status=103;link=</a>;|:status=200;x=y;|grpc-status=0;|")));
    assert_true(str_eq(buf_str(&pair.client.body), STR("body")));
    assert_int_equal(pair.client.closed_count, 1);
    assert_int_equal(pair.server.closed_count, 1);
    assert_int_equal(pair.client.last_code, H2_SESSION_NO_ERROR);
    assert_int_equal(h2_session_stream_count(pair.client.session), 0);
    pair_close(&pair);
}

static void stops_at_the_window_until_bytes_are_consumed(void **state)
{
    static char block[100000];
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 1u << 20);
    pair.server.consumes = false;
    stream = ask(&pair, false);
    for (int i = 0; i < 20; i++)
        assert_false(err_is(h2_session_send(pair.client.session, stream, (struct str){block, sizeof(block)}, false)));
    pair_run(&pair);
    assert_int_equal(pair.server.body.len, 1024 * 1024);
    assert_int_equal(h2_session_queued(pair.client.session, stream), 20 * sizeof(block) - 1024 * 1024);
    h2_session_consume(pair.server.session, stream, 1024 * 1024);
    pair_run(&pair);
    assert_int_equal(pair.server.body.len, 20 * sizeof(block));
    pair_close(&pair);
}

static void resets_after_what_was_queued(void **state)
{
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 5);
    stream = ask(&pair, false);
    pair_run(&pair);
    assert_false(err_is(h2_session_section(pair.server.session, stream, response, 2, false)));
    assert_false(err_is(h2_session_send(pair.server.session, stream, STR("partial"), false)));
    h2_session_reset_later(pair.server.session, stream, H2_SESSION_CANCEL);
    pair_run(&pair);
    assert_true(str_eq(buf_str(&pair.client.body), STR("partial")));
    assert_int_equal(pair.client.closed_count, 1);
    assert_int_equal(pair.client.last_code, H2_SESSION_CANCEL);
    pair_close(&pair);
}

static void ends_a_stream_whose_request_goes_on(void **state)
{
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 5);
    stream = ask(&pair, false);
    pair_run(&pair);
    assert_false(err_is(h2_session_section(pair.server.session, stream, response, 2, false)));
    assert_false(err_is(h2_session_send(pair.server.session, stream, STR("early"), true)));
    h2_session_reset_later(pair.server.session, stream, H2_SESSION_NO_ERROR);
    pair_run(&pair);
    assert_true(str_eq(buf_str(&pair.client.body), STR("early")));
    assert_int_equal(pair.client.end_count, 1);
    assert_int_equal(pair.client.closed_count, 1);
    pair_close(&pair);
}

static void forgets_a_request_that_is_reset_before_it_has_left(void **state)
{
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 5);
    pair_run(&pair);
    stream = ask(&pair, false);
    h2_session_reset(pair.client.session, stream, H2_SESSION_CANCEL);
    pair_run(&pair);
    assert_int_equal(pair.client.closed_count, 1);
    assert_int_equal(h2_session_stream_count(pair.client.session), 0);
    assert_int_equal(pair.server.section_count, 0);
    pair_close(&pair);
}

static void opens_no_more_streams_than_allowed(void **state)
{
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 1000);
    pair_run(&pair);
    for (int i = 0; i < 100; i++)
        ask(&pair, true);
    assert_int_equal(h2_session_request(pair.client.session, request, COUNT(request), true, &stream).code, ERR_AGAIN);
    pair_run(&pair);
    assert_int_equal(pair.server.section_count, 100);
    pair_close(&pair);
}

/* Resets `count` streams, one at a time; how many the server has taken. */
static size_t reset_many(struct pair *pair, size_t count)
{
    for (size_t i = 0; i < count && !pair->client.has_goaway && !err_is(pair->server.err); i++) {
        int32_t stream = ask(pair, true);

        pair_run(pair);
        h2_session_reset(pair->client.session, stream, H2_SESSION_CANCEL);
        pair_run(pair);
    }
    return pair->server.section_count;
}

static void bears_a_bounded_number_of_resets(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, 1u << 20);
    assert_int_equal(reset_many(&pair, 500), 500);
    assert_false(err_is(pair.server.err));
    assert_int_equal(reset_many(&pair, 1), 501);
    assert_int_equal(pair.server.err.code, ERR_LIMIT);
    assert_int_equal(pair.server.err.wire, H2_SESSION_ENHANCE_YOUR_CALM);
    assert_true(pair.client.has_goaway);
    assert_int_equal(pair.client.goaway_code, H2_SESSION_ENHANCE_YOUR_CALM);
    pair_close(&pair);
}

static void forgives_resets_with_time(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair, 1u << 20);
    assert_int_equal(reset_many(&pair, 500), 500);
    h2_session_forgive(pair.server.session, 100);
    assert_int_equal(reset_many(&pair, 100), 600);
    assert_false(err_is(pair.server.err));
    assert_int_equal(reset_many(&pair, 1), 601);
    assert_int_equal(pair.server.err.code, ERR_LIMIT);
    pair_close(&pair);
}

/* The preface and SETTINGS of a client, then raw frames. */
static struct err feed(struct side *server, const char *frame, size_t frame_len, size_t times)
{
    struct err err = h2_session_read(server->session, STR(H2_SESSION_PREFACE "\0\0\0\4\0\0\0\0\0"));

    for (size_t i = 0; i < times && !err_is(err); i++) {
        struct buf out;

        err = h2_session_read(server->session, (struct str){frame, frame_len});
        buf_init(&out, 64u << 20);
        assert_false(err_is(h2_session_write(server->session, 1u << 20, &out)));
        buf_deinit(&out);
    }
    return err;
}

#define FRAME(bytes) (bytes), sizeof(bytes) - 1

static void bounds_frames_that_bring_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } floods[] = {
        {FRAME("\0\0\x8\6\0\0\0\0\0abcdefgh")},    /* PING */
        {FRAME("\0\0\0\4\0\0\0\0\0")},             /* SETTINGS */
        {FRAME("\0\0\5\2\0\0\0\0\1\0\0\0\0\x10")}, /* PRIORITY */
    };

    for (size_t i = 0; i < COUNT(floods); i++) {
        struct side server;

        side_open(&server, H2_SESSION_SERVER);
        assert_int_equal(feed(&server, floods[i].bytes, floods[i].len, 10000).code, ERR_LIMIT);
        side_close(&server);
    }
}

static void bounds_what_waits_for_a_peer_that_does_not_read(void **state)
{
    struct side server;
    struct err err = h2_session_read((side_open(&server, H2_SESSION_SERVER), server.session),
                                     STR(H2_SESSION_PREFACE "\0\0\0\4\0\0\0\0\0"));

    (void)state;
    for (size_t i = 0; i < 1100 && !err_is(err); i++)
        err = h2_session_read(server.session, STR("\0\0\x8\6\0\0\0\0\0abcdefgh"));
    assert_int_equal(err.code, ERR_LIMIT);
    side_close(&server);
}

/* One large entry in the table, then a block of references to it. */
static void cuts_an_hpack_bomb(void **state)
{
    static struct h2_field bomb[5];
    static char value[2900];
    struct pair pair;
    int32_t stream;

    (void)state;
    memset(value, 'a', sizeof(value));
    memcpy(bomb, request, 4 * sizeof(bomb[0]));
    bomb[4] = (struct h2_field){.name = STR("bomb"), .value = {value, sizeof(value)}};
    pair_open(&pair, 1u << 20);
    assert_false(err_is(h2_session_request(pair.client.session, bomb, 5, true, &stream)));
    pair_run(&pair);
    {
        enum { REFERENCES = 16000 };
        static char frame[9 + REFERENCES];

        memcpy(frame, "\0\0\0\1\5\0\0\0\3", 9);
        frame[1] = (char)(REFERENCES >> 8);
        frame[2] = (char)(REFERENCES & 0xff);
        memset(frame + 9, 0xbe, REFERENCES); /* index 62: the newest entry */
        assert_int_equal(h2_session_read(pair.server.session, (struct str){frame, sizeof(frame)}).code, ERR_LIMIT);
        assert_true(pair.server.section_count == 1);
    }
    pair_close(&pair);
}

static void tells_a_section_that_is_too_large(void **state)
{
    static struct h2_field many[1100];
    struct pair pair;
    int32_t stream;

    (void)state;
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = i < 4 ? request[i] : (struct h2_field)FIELD("a", "b");
    pair_open(&pair, 1u << 20);
    assert_false(err_is(h2_session_request(pair.client.session, many, 1001, true, &stream)));
    pair_run(&pair);
    assert_false(err_is(pair.server.err));
    assert_true(str_ends(buf_str(&pair.server.fields), STR("!|")));
    assert_false(err_is(h2_session_request(pair.client.session, many, 1000, true, &stream)));
    pair_run(&pair);
    assert_true(str_ends(buf_str(&pair.server.fields), STR("b;|")));
    pair_close(&pair);
}

static void names_the_broken_preface(void **state)
{
    struct side server;

    (void)state;
    side_open(&server, H2_SESSION_SERVER);
    assert_int_equal(h2_session_read(server.session, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).code, ERR_SYNTAX);
    assert_int_equal(h2_session_read(server.session, STR("x")).code, ERR_CLOSED);
    side_close(&server);
}

static void gives_refused_streams_back_after_goaway(void **state)
{
    struct pair pair;
    int32_t stream;

    (void)state;
    pair_open(&pair, 1000);
    pair_run(&pair);
    h2_session_go_away(pair.server.session, H2_SESSION_NO_ERROR);
    stream = ask(&pair, true);
    assert_true(stream > 0);
    assert_true(pair_move(&pair, &pair.server, &pair.client));
    pair_run(&pair);
    assert_true(pair.client.has_goaway);
    assert_int_equal(pair.client.closed_count, 1);
    assert_int_equal(pair.client.last_code, H2_SESSION_REFUSED_STREAM);
    assert_int_equal(h2_session_request(pair.client.session, request, COUNT(request), true, &stream).code, ERR_LIMIT);
    pair_close(&pair);
}

/* Any bytes after a preface: an answer, never a crash. */
static void survives_random_frames(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct side server;
        char bytes[200];
        struct buf out;

        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (char)(i % 20 < 3 ? (i % 20 == 2 ? seed >> 27 : 0) : seed >> 24);
        }
        side_open(&server, H2_SESSION_SERVER);
        side_read(&server, STR(H2_SESSION_PREFACE "\0\0\0\4\0\0\0\0\0"), 1000);
        side_read(&server, (struct str){bytes, sizeof(bytes)}, 1 + seed % 50);
        buf_init(&out, 1u << 24);
        assert_false(err_is(h2_session_write(server.session, 1u << 20, &out)));
        assert_true(out.len > 0);
        buf_deinit(&out);
        side_close(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_duplicates_of_fields),
        cmocka_unit_test(sends_bodies_before_the_head_has_left),
        cmocka_unit_test(gives_interim_final_body_and_trailers_in_order),
        cmocka_unit_test(stops_at_the_window_until_bytes_are_consumed),
        cmocka_unit_test(resets_after_what_was_queued),
        cmocka_unit_test(ends_a_stream_whose_request_goes_on),
        cmocka_unit_test(forgets_a_request_that_is_reset_before_it_has_left),
        cmocka_unit_test(opens_no_more_streams_than_allowed),
        cmocka_unit_test(bears_a_bounded_number_of_resets),
        cmocka_unit_test(forgives_resets_with_time),
        cmocka_unit_test(bounds_frames_that_bring_nothing),
        cmocka_unit_test(bounds_what_waits_for_a_peer_that_does_not_read),
        cmocka_unit_test(cuts_an_hpack_bomb),
        cmocka_unit_test(tells_a_section_that_is_too_large),
        cmocka_unit_test(names_the_broken_preface),
        cmocka_unit_test(gives_refused_streams_back_after_goaway),
        cmocka_unit_test(survives_random_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
