/* Covers hostile HTTP/1 through the whole proxy: limits at their edges, start lines and authorities that are none,
 * answers that do not fit their request, CONNECT and Upgrade misused.  Whatever comes, nothing that an origin sent is
 * taken for the answer to another request, and every connection ends in its time. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

#include "rows.h"

#define SEED_COUNT 5
#define HOUR_MS ((uint64_t)3600 * 1000)
#define HEAD_MAX ((size_t)65536)
#define LINE_MAX ((size_t)16384)
#define FIELD_MAX ((size_t)200)
#define GET STR("GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n")
#define NEXT STR("GET http://origin.test/next HTTP/1.1\r\nHost: origin.test\r\n\r\n")
#define HELLO STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
#define ATTACK "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nattack"

#define assert_ok(expr) assert_int_equal((expr).code, ERR_NONE)

struct world {
    struct proxying proxying;
    struct rows rows;
    struct sim_peer *client;
};

static void begin(struct world *world, uint64_t seed)
{
    proxying_init(&world->proxying, seed);
    rows_observe(&world->rows, &world->proxying);
    assert_ok(proxying_start(&world->proxying));
    world->client = proxying_connect(&world->proxying);
}

static void end(struct world *world)
{
    sim_run_ms(world->proxying.sim, HOUR_MS);
    assert_int_equal(atomic_load(&world->proxying.worker->shared.conn_count), 0);
    assert_int_equal(atomic_load(&world->proxying.worker->shared.origin_count), 0);
    proxying_stop(&world->proxying);
    rows_deinit(&world->rows);
}

static void send(struct world *world, struct str bytes)
{
    sim_send(world->client, bytes);
    sim_settle(world->proxying.sim);
}

static struct sim_peer *accept_one(struct world *world)
{
    struct sim_peer *server = sim_accept(world->proxying.origin);

    assert_non_null(server);
    return server;
}

static bool starts_with_status(struct world *world, unsigned status)
{
    char text[32];

    snprintf(text, sizeof(text), "HTTP/1.1 %u ", status);
    return sim_take_start(world->client, str_from(text));
}

/* The same byte `count` times. */
static void append_many(struct buf *buf, char c, size_t count)
{
    char *room;

    assert_ok(buf_reserve(buf, count, &room));
    memset(room, c, count);
    buf_commit(buf, count);
}

static struct buf text_of(const char *start)
{
    struct buf text;

    buf_init(&text, (size_t)64 * 1024 * 1024);
    assert_ok(buf_append(&text, str_from(start)));
    return text;
}

/* --- limits --- */

/* Sends one request; 0 when the origin got it, else the status of the page. */
static unsigned sent_or_refused(struct str request)
{
    struct world world;
    struct sim_peer *server;
    uint64_t status = 0;

    begin(&world, 3);
    send(&world, request);
    sim_run_ms(world.proxying.sim, 1000);
    server = sim_accept(world.proxying.origin);
    if (!server) {
        assert_true(str_starts(sim_received(world.client), STR("HTTP/1.1 ")));
        assert_true(str_to_u64(str_head(str_skip(sim_received(world.client), 9), 3), &status));
        assert_true(sim_has_end(world.client) || sim_was_reset(world.client));
        assert_int_equal(world.rows.count, 1);
        assert_true(world.rows.rows[0].error[0]);
    } else {
        /* All of it but the authority went on. */
        assert_int_equal(sim_received(server).len, request.len - strlen("http://origin.test"));
    }
    end(&world);
    return (unsigned)status;
}

static void a_start_line_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    for (size_t len = LINE_MAX - 1; len <= LINE_MAX + 1; len++) {
        struct buf request = text_of("GET http://origin.test/");

        append_many(&request, 'a', len - request.len - strlen(" HTTP/1.1\r\n"));
        assert_ok(buf_append(&request, STR(" HTTP/1.1\r\nHost: origin.test\r\n\r\n")));
        assert_int_equal(sent_or_refused(buf_str(&request)), len <= LINE_MAX ? 0 : 414);
        buf_deinit(&request);
    }
}

static void a_head_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    for (size_t len = HEAD_MAX - 1; len <= HEAD_MAX + 1; len++) {
        struct buf request = text_of("GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nX: ");

        append_many(&request, 'x', len - request.len - 4);
        assert_ok(buf_append(&request, STR("\r\n\r\n")));
        assert_int_equal(sent_or_refused(buf_str(&request)), len <= HEAD_MAX ? 0 : 431);
        buf_deinit(&request);
    }
}

static void a_head_may_have_as_many_fields_as_the_limit(void **state)
{
    (void)state;
    for (size_t count = FIELD_MAX - 1; count <= FIELD_MAX + 1; count++) {
        struct buf request = text_of("GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n");

        for (size_t i = 1; i < count; i++)
            assert_ok(buf_format(&request, "X-%zu: y\r\n", i));
        assert_ok(buf_append(&request, STR("\r\n")));
        assert_int_equal(sent_or_refused(buf_str(&request)), count <= FIELD_MAX ? 0 : 431);
        buf_deinit(&request);
    }
}

/* More than any limit, from a client that never stops: refused, and what is kept of it stays small. */
static void what_never_ends_is_refused(void **state)
{
    static const struct {
        const char *start;
        char filler;
        unsigned status;
    } heads[] = {
        {"GET http://origin.test/", 'a', 414},
        {"", 'A', 414},
        {"GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nX: ", 'x', 431},
        {"", '\n', 431},
        {"GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nX: y\r\n", ' ', 431},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct world world;
        struct buf request = text_of(heads[i].start);

        append_many(&request, heads[i].filler, 1024 * 1024);
        begin(&world, i);
        send(&world, buf_str(&request));
        sim_run_ms(world.proxying.sim, 1000);
        if (!sim_was_reset(world.client))
            assert_true(starts_with_status(&world, heads[i].status));
        assert_null(sim_accept(world.proxying.origin));
        assert_string_equal(world.rows.rows[0].error, "limit");
        assert_true(world.rows.rows[0].wire[EXCHANGE_REQUEST].len <= HEAD_MAX * 3);
        buf_deinit(&request);
        end(&world);
    }
}

static void a_head_that_comes_slowly_has_its_time(void **state)
{
    struct world world;

    (void)state;
    begin(&world, 1);
    sim_send(world.client, STR("GET http://origin.test/ HTTP/1.1\r\nX: "));
    for (unsigned second = 0; second < 40; second++) {
        sim_send(world.client, STR("x"));
        sim_run_ms(world.proxying.sim, 1000);
    }
    assert_true(starts_with_status(&world, 408));
    assert_string_equal(world.rows.rows[0].error, "timeout");
    end(&world);
}

static void chunk_lines_and_trailers_have_limits(void **state)
{
    static const char start[] =
        "POST http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const struct {
        const char *before;
        char filler;
        const char *after;
        bool is_refused;
        size_t len;
    } bodies[] = {
        {"", '0', "5\r\nhello\r\n0\r\n\r\n", false, 1000},
        {"", '0', "5\r\nhello\r\n0\r\n\r\n", true, 10000},
        {"5;ext=", 'e', "\r\nhello\r\n0\r\n\r\n", false, 1000},
        {"5;ext=", 'e', "\r\nhello\r\n0\r\n\r\n", true, 1024 * 1024},
        {"0\r\nX: ", 't', "\r\n\r\n", false, 1000},
        {"0\r\nX: ", 't', "\r\n\r\n", true, 1024 * 1024},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct world world;
        struct sim_peer *server;
        struct buf request = text_of(start);

        assert_ok(buf_append(&request, str_from(bodies[i].before)));
        append_many(&request, bodies[i].filler, bodies[i].len);
        assert_ok(buf_append(&request, str_from(bodies[i].after)));
        begin(&world, i);
        send(&world, buf_str(&request));
        sim_run_ms(world.proxying.sim, 1000);
        server = sim_accept(world.proxying.origin);
        if (bodies[i].is_refused) {
            assert_true(sim_was_reset(world.client) || starts_with_status(&world, 431));
            assert_string_equal(world.rows.rows[0].error, "limit");
        } else {
            assert_int_equal(sim_received(server).len, request.len - strlen("http://origin.test"));
            sim_send(server, HELLO);
            sim_settle(world.proxying.sim);
            assert_true(sim_take_exactly(world.client, HELLO));
        }
        buf_deinit(&request);
        end(&world);
    }
}

static void trailers_stay_behind_the_body(void **state)
{
    static const struct str request =
        STR_INIT("POST http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "1\r\na\r\n0\r\nContent-Length: 9\r\nHost: evil.test\r\nAuthorization: x\r\n\r\n");
    struct world world;
    struct sim_peer *server;

    (void)state;
    begin(&world, 1);
    send(&world, request);
    server = accept_one(&world);
    assert_true(
        sim_take_start(server, STR("POST / HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n")));
    assert_true(sim_take_exactly(
        server, STR("1\r\na\r\n0\r\nContent-Length: 9\r\nHost: evil.test\r\nAuthorization: x\r\n\r\n")));
    sim_send(server, HELLO);
    sim_settle(world.proxying.sim);
    send(&world, NEXT);
    assert_true(sim_take_start(server, STR("GET /next HTTP/1.1\r\n")));
    end(&world);
}

/* --- start lines and authorities --- */

static const struct {
    struct str request, at_origin; /* empty: refused with status */
    unsigned status;
} lines[] = {
    {STR("GET http://origin.test/ HTTP/1.2\r\nHost: origin.test\r\n\r\n"),
     STR("GET / HTTP/1.2\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("GET  http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("GET  / HTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("GET\thttp://origin.test/\tHTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("GET\t/\tHTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("get http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("get / HTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("GET http://origin.test/a b HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("GET /a b HTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("GET http://origin.test/ HTTP/3.0\r\nHost: origin.test\r\n\r\n"), STR(""), 505},
    {STR("\x01\x02\x03\r\n\r\n"), STR(""), 400},
    {STR("G\0T http://origin.test/ HTTP/1.1\r\n\r\n"), STR("G\0T / HTTP/1.1\r\n\r\n"), 0},
    {STR("GET http://origin.test:0/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("GET http://origin.test:99999/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("GET http://origin.test:+80/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("GET http:///path HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("GET ftp://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("GET http://[fe80::1%25eth0]/ HTTP/1.1\r\nHost: x\r\n\r\n"), STR(""), 502}, /* not an address */
    {STR("CONNECT origin.test:0 HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("CONNECT origin.test:99999 HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("CONNECT origin.test HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    {STR("CONNECT http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR(""), 400},
    /* Host is only a field. */
    {STR("GET http://user:pw@origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("GET http://origin.test/ HTTP/1.1\r\nHost: evil.test/path\r\n\r\n"),
     STR("GET / HTTP/1.1\r\nHost: evil.test/path\r\n\r\n"), 0},
    {STR("GET http://origin.test/ HTTP/1.1\r\n\r\n"), STR("GET / HTTP/1.1\r\n\r\n"), 0},
    {STR("GET http://ORIGIN.test./ HTTP/1.1\r\nHost: x\r\n\r\n"), STR(""), 502}, /* no such name in this world */
    {STR("OPTIONS http://origin.test HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("OPTIONS * HTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
    {STR("GET http://origin.test?q HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("GET /?q HTTP/1.1\r\nHost: origin.test\r\n\r\n"), 0},
};

static void odd_start_lines_are_refused_or_pass_unchanged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct world world;
        /* Of what is refused with its first line the rest may come too late to be kept. */
        struct str start_line = str_head(lines[i].request, str_find_char(lines[i].request, '\n') + 1);

        begin(&world, i);
        send(&world, lines[i].request);
        sim_run_ms(world.proxying.sim, 1000);
        if (lines[i].status && !starts_with_status(&world, lines[i].status))
            fail_msg("%.*s", STR_ARG(lines[i].request));
        if (!lines[i].status)
            assert_true(sim_take_exactly(accept_one(&world), lines[i].at_origin));
        if (lines[i].status)
            assert_null(sim_accept(world.proxying.origin));
        assert_int_equal(world.rows.count, 1);
        if (!str_starts(buf_str(&world.rows.rows[0].wire[EXCHANGE_REQUEST]), start_line))
            fail_msg("%.*s is recorded as %.*s", STR_ARG(lines[i].request),
                     STR_ARG(buf_str(&world.rows.rows[0].wire[EXCHANGE_REQUEST])));
        end(&world);
    }
}

static void a_very_long_range_passes(void **state)
{
    struct buf request = text_of("GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nRange: bytes=0-0");

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        assert_ok(buf_append(&request, STR(",0-0")));
    assert_ok(buf_append(&request, STR("\r\n\r\n")));
    assert_int_equal(sent_or_refused(buf_str(&request)), 0);
    buf_deinit(&request);
}

/* --- answers --- */

struct odd_answer {
    struct str request, answer, at_client; /* at_client empty: the whole answer */
    bool ends;                             /* the client's connection ends, whatever the origin's does */
};

#define HEAD_REQUEST STR("HEAD http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n")

static const struct odd_answer answers[] = {
    {GET, STR("HTTP/1.1 204 No Content\r\n\r\n" ATTACK), STR("HTTP/1.1 204 No Content\r\n\r\n"), true},
    {GET, STR("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
     STR("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"), true},
    {GET, STR("HTTP/1.1 304 Not Modified\r\n\r\nhello"), STR("HTTP/1.1 304 Not Modified\r\n\r\n"), true},
    {HEAD_REQUEST, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
     STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), true},
    {GET, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" ATTACK),
     STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), true},
    {GET, STR("HTTP/1.1 200 OK\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nhi" ATTACK),
     STR("HTTP/1.1 200 OK\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nhi"), true},
    {GET, STR("HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\nhi" ATTACK), STR(""), false},
    {GET, STR("HTTP/1.1 99 Odd\r\nContent-Length: 2\r\n\r\nhi" ATTACK), STR(""), false},
    {GET, STR("HTTP/1.1 1000 Odd\r\nContent-Length: 2\r\n\r\nhi" ATTACK), STR(""), false},
    {GET, STR("HTTP/1.1 abc Odd\r\nContent-Length: 2\r\n\r\nhi" ATTACK), STR(""), false},
    {GET, STR("no status line\r\n\r\n" ATTACK), STR(""), false},
    {GET, STR("HTTP/1.1 101 Switching Protocols\r\n\r\n" ATTACK), STR(""), false},
    {GET,
     STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n" ATTACK),
     STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n"), true},
    {GET, STR("HTTP/1.1 100 Continue\r\nContent-Length: 6\r\n\r\nHTTP/1.1 204 No\r\n\r\n"), STR(""), false},
};

static void answers_never_reach_another_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]) * SEED_COUNT; i++) {
        const struct odd_answer *odd = &answers[i / SEED_COUNT];
        struct world world;
        struct sim_peer *server;

        begin(&world, i % SEED_COUNT);
        send(&world, odd->request);
        server = accept_one(&world);
        sim_send(server, odd->answer);
        sim_settle(world.proxying.sim);
        sim_run_ms(world.proxying.sim, 5000);
        assert_true(sim_take_exactly(world.client, odd->at_client.len ? odd->at_client : odd->answer));
        assert_int_equal(sim_has_end(world.client), odd->ends);
        send(&world, NEXT);
        sim_run_ms(world.proxying.sim, 5000);
        assert_int_equal(sim_received(world.client).len, 0);
        assert_null(sim_accept(world.proxying.origin));
        if (odd->ends)
            assert_non_null(rows_find(&world.rows, STR("orphan")));
        end(&world);
    }
}

static void interim_answers_have_a_limit(void **state)
{
    struct buf hints = text_of("");

    (void)state;
    for (unsigned i = 0; i < 1001; i++)
        assert_ok(buf_append(&hints, STR("HTTP/1.1 103 Early Hints\r\n\r\n")));
    for (unsigned over = 0; over < 2; over++) {
        struct world world;
        struct sim_peer *server;

        begin(&world, over);
        send(&world, GET);
        server = accept_one(&world);
        sim_send(server, str_head(buf_str(&hints), (1000 + over) * strlen("HTTP/1.1 103 Early Hints\r\n\r\n")));
        sim_send(server, HELLO);
        sim_run_ms(world.proxying.sim, 1000);
        assert_int_equal(sim_was_reset(world.client), over);
        assert_int_equal(world.rows.rows[0].status, over ? 0 : 200);
        end(&world);
    }
    buf_deinit(&hints);
}

/* A part of a head is no sign of life: the wait for it is not moved. */
static void an_origin_that_drips_its_head_is_given_up(void **state)
{
    struct world world;
    struct sim_peer *server;

    (void)state;
    begin(&world, 1);
    send(&world, GET);
    server = accept_one(&world);
    sim_send(server, STR("HTTP/1.1 200 OK\r\nX: "));
    for (unsigned minute = 0; minute < 3; minute++) {
        sim_run_ms(world.proxying.sim, 60 * 1000);
        sim_send(server, STR("x"));
    }
    sim_run_ms(world.proxying.sim, 1000);
    assert_true(starts_with_status(&world, 504));
    end(&world);
}

static void what_waits_for_who_does_not_read_is_bounded_in_size_and_time(void **state)
{
    struct world world;
    struct buf body = text_of("");
    struct sim_peer *server;

    (void)state;
    append_many(&body, 'b', 4 * 1024 * 1024);
    begin(&world, 1);
    sim_pause(world.client);
    send(&world, GET);
    server = accept_one(&world);
    sim_send(server, STR("HTTP/1.1 200 OK\r\n\r\n"));
    sim_send(server, buf_str(&body));
    sim_run_ms(world.proxying.sim, 1000);
    /* What is kept for a reader that does not read is bounded. */
    assert_true(sim_unsent_bytes(server) > 3 * 1024 * 1024);
    sim_run_ms(world.proxying.sim, 301 * 1000);
    assert_int_equal(atomic_load(&world.proxying.worker->shared.conn_count), 0);
    assert_string_equal(world.rows.rows[0].error, "timeout");
    end(&world);
    buf_deinit(&body);
}

/* --- pipelining, Expect, Upgrade, CONNECT --- */

static void echo_path(void *owner, struct sim_peer *peer)
{
    size_t head_end;

    (void)owner;
    while ((head_end = str_find(sim_received(peer), STR("\r\n\r\n"))) != STR_ABSENT) {
        struct str received = sim_received(peer), path;
        struct buf answer = text_of("HTTP/1.1 200 OK\r\nContent-Length: ");

        path = str_head(str_skip(received, 5), str_find_char(str_skip(received, 5), ' '));
        assert_ok(buf_format(&answer, "%zu\r\n\r\n%.*s", path.len, STR_ARG(path)));
        sim_take(peer, head_end + 4);
        sim_send(peer, buf_str(&answer));
        buf_deinit(&answer);
    }
}

static void serve_echo(void *owner, struct sim_peer *peer)
{
    sim_on_change(peer, echo_path, owner);
    echo_path(owner, peer);
}

static void a_thousand_pipelined_requests_keep_their_order(void **state)
{
    struct proxying proxying;
    struct sim_peer *client;
    struct buf requests = text_of(""), expected = text_of("");

    (void)state;
    proxying_init(&proxying, 1);
    assert_ok(proxying_start(&proxying));
    sim_on_accept(proxying.origin, serve_echo, NULL);
    client = proxying_connect(&proxying);
    for (unsigned i = 1000; i < 2000; i++) {
        assert_ok(buf_format(&requests, "GET http://origin.test/%u HTTP/1.1\r\nHost: origin.test\r\n\r\n", i));
        assert_ok(buf_format(&expected, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n%u", i));
    }
    sim_send(client, buf_str(&requests));
    sim_end(client);
    sim_run_ms(proxying.sim, 60 * 1000);
    assert_true(sim_take_exactly(client, buf_str(&expected)));
    assert_true(sim_has_end(client));
    assert_int_equal(proxying.ended_count, 1000);
    proxying_stop(&proxying);
    buf_deinit(&requests);
    buf_deinit(&expected);
}

static void expectations_pass_and_are_not_waited_for_without_end(void **state)
{
    static const struct str heads[] = {
        STR_INIT("PUT http://origin.test/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
        STR_INIT("PUT http://origin.test/ HTTP/1.1\r\nHost: x\r\nExpect: something\r\nContent-Length: 4\r\n\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct sim_peer *server;

        begin(&world, i);
        send(&world, heads[i]);
        server = accept_one(&world);
        assert_true(sim_take_start(server, STR("PUT / HTTP/1.1\r\nHost: x\r\nExpect: ")));
        sim_run_ms(world.proxying.sim, 61 * 1000);
        assert_true(starts_with_status(&world, 408));
        assert_true(sim_has_end(server) || sim_was_reset(server));
        end(&world);
    }
}

static void frames_before_101_are_no_websocket(void **state)
{
    struct world world;
    struct sim_peer *server;

    (void)state;
    begin(&world, 1);
    send(&world, STR("GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nConnection: Upgrade\r\n"
                     "Upgrade: websocket\r\n\r\n"));
    server = accept_one(&world);
    send(&world, STR("\x81\x85\x01\x02\x03\x04hello"));
    sim_take(server, sim_received(server).len);
    sim_send(server, STR("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"));
    sim_settle(world.proxying.sim);
    assert_true(sim_take_start(world.client, STR("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")));
    /* What was to be frames is a request, and none. */
    sim_run_ms(world.proxying.sim, 100 * 1000);
    assert_true(str_starts(sim_received(world.client), STR("HTTP/1.1 40")));
    assert_int_equal(sim_received(server).len, 0);
    end(&world);
}

static void connect_to_the_origin(struct world *world, uint64_t seed, struct str more)
{
    begin(world, seed);
    sim_send(world->client, STR("CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\n"));
    send(world, more);
    assert_true(sim_take_start(world->client, STR("HTTP/1.1 200 Connection established\r\n\r\n")));
}

static void the_body_of_connect_is_the_tunnels_first_bytes(void **state)
{
    static const struct str bodies[] = {STR_INIT("Content-Length: 5\r\n\r\n"),
                                        STR_INIT("Transfer-Encoding: chunked\r\n\r\n")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct sim_peer *server;

        connect_to_the_origin(&world, i, bodies[i]);
        send(&world, STR("\x01\x02\x03"));
        sim_run_ms(world.proxying.sim, 3000);
        server = accept_one(&world);
        assert_true(sim_take_exactly(server, STR("\x01\x02\x03")));
        sim_end(server);
        sim_end(world.client);
        sim_run_ms(world.proxying.sim, 1000);
        assert_non_null(rows_find(&world.rows, STR("not-http")));
        end(&world);
    }
}

static void a_silent_client_inside_connect_lets_the_origin_speak(void **state)
{
    struct world world;
    struct sim_peer *server;

    (void)state;
    connect_to_the_origin(&world, 1, STR("\r\n"));
    sim_run_ms(world.proxying.sim, 1900);
    assert_null(sim_accept(world.proxying.origin));
    sim_run_ms(world.proxying.sim, 200);
    server = accept_one(&world);
    sim_send(server, STR("220 ready\r\n"));
    sim_settle(world.proxying.sim);
    assert_true(sim_take_exactly(world.client, STR("220 ready\r\n")));
    end(&world);
    /* Ended by the tunnel's time-out. */
}

static void connect_inside_connect_is_the_origins_to_answer(void **state)
{
    struct world world;
    struct sim_peer *server;

    (void)state;
    connect_to_the_origin(&world, 1, STR("\r\n"));
    send(&world, STR("CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: x\r\n\r\n"));
    server = accept_one(&world);
    assert_true(sim_take_exactly(server, STR("CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: x\r\n\r\n")));
    sim_send(server, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nraw"));
    sim_settle(world.proxying.sim);
    send(&world, STR("more"));
    assert_true(sim_take_exactly(world.client, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nraw")));
    assert_true(sim_take_exactly(server, STR("more")));
    end(&world);
}

/* The origin of the request before has nothing to say to the tunnel. */
static void connect_after_a_request_leaves_its_origin(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct world world;
        struct sim_peer *before, *server;

        begin(&world, seed);
        send(&world, GET);
        before = accept_one(&world);
        sim_send(before, HELLO);
        sim_settle(world.proxying.sim);
        assert_true(sim_take_exactly(world.client, HELLO));
        send(&world, STR("CONNECT origin.test:80 HTTP/1.1\r\n\r\nGET /inside HTTP/1.1\r\n\r\n"));
        assert_true(sim_has_end(before) || sim_was_reset(before));
        sim_send(before, STR(ATTACK));
        server = accept_one(&world);
        assert_true(sim_take_exactly(server, STR("GET /inside HTTP/1.1\r\n\r\n")));
        sim_send(server, HELLO);
        sim_settle(world.proxying.sim);
        assert_true(sim_take_exactly(world.client, STR("HTTP/1.1 200 Connection established\r\n\r\n"
                                                       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")));
        end(&world);
    }
}

/* An end that came while another handler had the connection reaches the tunnel, or it would be held for an hour. */
static void the_clients_end_is_known_to_the_tunnel_that_follows(void **state)
{
    static const struct {
        struct str from_client, answer;
    } ways[] = {
        {STR("CONNECT origin.test:80 HTTP/1.1\r\n\r\npart"), STR("")},
        {STR("GET http://origin.test/ HTTP/1.1\r\nHost: x\r\n\r\nCONNECT origin.test:80 HTTP/1.1\r\n\r\npart"), HELLO},
        {STR("GET http://origin.test/ HTTP/1.1\r\nHost: x\r\nUpgrade: y\r\n\r\n"), STR("HTTP/1.1 101 Go\r\n\r\nraw")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) * SEED_COUNT; i++) {
        struct world world;
        struct sim_peer *server;

        begin(&world, i % SEED_COUNT);
        sim_send(world.client, ways[i / SEED_COUNT].from_client);
        sim_end(world.client);
        sim_settle(world.proxying.sim);
        server = accept_one(&world);
        sim_send(server, ways[i / SEED_COUNT].answer);
        sim_run_ms(world.proxying.sim, 5000);
        sim_end(server);
        while ((server = sim_accept(world.proxying.origin)))
            sim_end(server);
        sim_run_ms(world.proxying.sim, 5000);
        assert_int_equal(atomic_load(&world.proxying.worker->shared.conn_count), 0);
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_line_may_be_as_long_as_the_limit),
        cmocka_unit_test(a_head_may_be_as_long_as_the_limit),
        cmocka_unit_test(a_head_may_have_as_many_fields_as_the_limit),
        cmocka_unit_test(what_never_ends_is_refused),
        cmocka_unit_test(a_head_that_comes_slowly_has_its_time),
        cmocka_unit_test(chunk_lines_and_trailers_have_limits),
        cmocka_unit_test(trailers_stay_behind_the_body),
        cmocka_unit_test(odd_start_lines_are_refused_or_pass_unchanged),
        cmocka_unit_test(a_very_long_range_passes),
        cmocka_unit_test(answers_never_reach_another_request),
        cmocka_unit_test(interim_answers_have_a_limit),
        cmocka_unit_test(an_origin_that_drips_its_head_is_given_up),
        cmocka_unit_test(what_waits_for_who_does_not_read_is_bounded_in_size_and_time),
        cmocka_unit_test(a_thousand_pipelined_requests_keep_their_order),
        cmocka_unit_test(expectations_pass_and_are_not_waited_for_without_end),
        cmocka_unit_test(frames_before_101_are_no_websocket),
        cmocka_unit_test(the_body_of_connect_is_the_tunnels_first_bytes),
        cmocka_unit_test(a_silent_client_inside_connect_lets_the_origin_speak),
        cmocka_unit_test(connect_inside_connect_is_the_origins_to_answer),
        cmocka_unit_test(connect_after_a_request_leaves_its_origin),
        cmocka_unit_test(the_clients_end_is_known_to_the_tunnel_that_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
