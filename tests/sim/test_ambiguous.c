/* Covers messages that two readers could understand in two ways, through the whole proxy: passed on byte for byte on a
 * connection of their own and flagged, or refused with --strict; what the origin says beyond its answer is an orphan
 * and never the answer to another request. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "rows.h"

#define SEED_COUNT 6
#define HOUR_MS ((uint64_t)3600 * 1000)
#define HELLO STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
#define SMUGGLED STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nattack")
#define HOST_LINE "Host: origin.test\r\n"

#define assert_ok(expr) assert_int_equal((expr).code, ERR_NONE)

struct ambiguous {
    struct str rest; /* after the start line and Host */
    struct str flag;
    bool is_late; /* shows in the body only, when a part of the request is out already */
};

static const struct ambiguous requests[] = {
    /* Both lengths. */
    {STR("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), STR("cl-and-te"), false},
    {STR("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), STR("cl-and-te"), false},
    /* Content-Length. */
    {STR("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), STR("cl-different"), false},
    {STR("Content-Length: 5, 5\r\n\r\nhello"), STR("cl-repeated"), false},
    {STR("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), STR("cl-repeated"), false},
    {STR("Content-Length: +5\r\n\r\nhello"), STR("cl-invalid"), false},
    {STR("Content-Length: -6\r\n\r\nhello!"), STR("cl-invalid"), false},
    {STR("Content-Length: 0x5\r\n\r\nhello"), STR("cl-invalid"), false},
    {STR("Content-Length: 5_0\r\n\r\nhello"), STR("cl-invalid"), false},
    {STR("Content-Length: 18446744073709551621\r\n\r\nhello"), STR("cl-invalid"), false},
    {STR("Content-Length:\r\n\r\n"), STR("cl-invalid"), false},
    {STR("Content-Length : 5\r\n\r\nhello"), STR("bad-field"), false},
    /* Transfer-Encoding. */
    {STR("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), STR("te-odd"), false},
    {STR("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), STR("te-odd"), false},
    {STR("Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n"), STR("te-odd"), false},
    {STR("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), STR("bad-field"), false},
    {STR("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), STR("te-odd"), false},
    {STR("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"), STR("te-odd"), false},
    {STR("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), STR("obs-fold"), false},
    {STR("X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), STR("bare-lf"), false},
    {STR("X: y\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"), STR("bad-value"), false},
    /* Names and values. */
    {STR("X Y: 1\r\n\r\n"), STR("bad-field"), false},
    {STR("\x01X: 1\r\n\r\n"), STR("bad-field"), false},
    {STR("X\0Y: 1\r\n\r\n"), STR("bad-field"), false},
    {STR("X\xe9: 1\r\n\r\n"), STR("bad-field"), false},
    {STR("no colon\r\n\r\n"), STR("bad-field"), false},
    {STR("X: a\0b\r\n\r\n"), STR("bad-value"), false},
    {STR("X: a\x1b[31mb\r\n\r\n"), STR("bad-value"), false},
    {STR("X: a\r\n  folded\r\n\r\n"), STR("obs-fold"), false},
    {STR("Host: other.test\r\n\r\n"), STR("host-repeated"), false},
    /* Chunks. */
    {STR("Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"), STR("chunk-odd"), true},
    {STR("Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"), STR("chunk-odd"), true},
    {STR("Transfer-Encoding: chunked\r\n\r\n5_0\r\nhello\r\n0\r\n\r\n"), STR("chunk-odd"), true},
    {STR("Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello\r\n0\r\n\r\n"), STR("chunk-odd"), true},
    {STR("Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n"), STR("chunk-odd"), true},
    {STR("Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"), STR("bare-lf"), true},
    {STR("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n"), STR("bare-lf"), true},
};

#define REQUEST_COUNT (sizeof(requests) / sizeof(requests[0]))

/* Absolute-form, and inside CONNECT where not a byte may change. */
struct entry {
    struct str first, line, at_origin;
};

static const struct entry entries[] = {
    {STR_INIT(""), STR_INIT("POST http://origin.test/p HTTP/1.1\r\n" HOST_LINE),
     STR_INIT("POST /p HTTP/1.1\r\n" HOST_LINE)},
    {STR_INIT("CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\n\r\n"),
     STR_INIT("POST /p HTTP/1.1\r\n" HOST_LINE), STR_INIT("POST /p HTTP/1.1\r\n" HOST_LINE)},
};

static const struct str connected = STR_INIT("HTTP/1.1 200 Connection established\r\n\r\n");

struct world {
    struct proxying proxying;
    struct rows rows;
    struct sim_peer *client;
};

static void begin(struct world *world, uint64_t seed, bool is_strict, const struct entry *entry)
{
    proxying_init(&world->proxying, seed);
    world->proxying.options.is_strict = is_strict;
    rows_observe(&world->rows, &world->proxying);
    assert_ok(proxying_start(&world->proxying));
    world->client = proxying_connect(&world->proxying);
    if (entry->first.len == 0)
        return;
    sim_send(world->client, entry->first);
    sim_settle(world->proxying.sim);
    assert_true(sim_take_exactly(world->client, connected));
}

static void end(struct world *world)
{
    sim_run_ms(world->proxying.sim, HOUR_MS);
    assert_int_equal(atomic_load(&world->proxying.worker->shared.conn_count), 0);
    assert_int_equal(atomic_load(&world->proxying.worker->shared.origin_count), 0);
    proxying_stop(&world->proxying);
    rows_deinit(&world->rows);
}

static void send_all(struct world *world, struct str line, struct str rest)
{
    sim_send(world->client, line);
    sim_send(world->client, rest);
    sim_settle(world->proxying.sim);
}

/* An ordinary exchange before, so that a connection to the origin is there to be wrongly used. */
static struct sim_peer *warm(struct world *world, const struct entry *entry)
{
    struct sim_peer *server;

    send_all(world, entry->line, STR("Content-Length: 0\r\n\r\n"));
    server = sim_accept(world->proxying.origin);
    assert_non_null(server);
    assert_true(sim_take_start(server, entry->at_origin));
    sim_take(server, sim_received(server).len);
    sim_send(server, HELLO);
    sim_settle(world->proxying.sim);
    assert_true(sim_take_exactly(world->client, HELLO));
    return server;
}

static void expect_passed(uint64_t seed, const struct ambiguous *request, const struct entry *entry)
{
    struct world world;
    struct sim_peer *before = NULL, *server;

    begin(&world, seed, false, entry);
    if (!request->is_late)
        before = warm(&world, entry);
    send_all(&world, entry->line, request->rest);
    server = sim_accept(world.proxying.origin);
    assert_non_null(server);
    if (before)
        assert_int_equal(sim_received(before).len, 0);
    assert_true(sim_take_start(server, entry->at_origin));
    assert_true(sim_take_exactly(server, request->rest));
    sim_send(server, HELLO);
    sim_settle(world.proxying.sim);
    sim_send(server, SMUGGLED);
    sim_settle(world.proxying.sim);
    /* The next request meets a closed connection and not the smuggled answer. */
    send_all(&world, entry->line, STR("Content-Length: 0\r\n\r\n"));
    sim_run_ms(world.proxying.sim, 10 * 1000);
    assert_true(sim_take_exactly(world.client, HELLO));
    assert_true(sim_has_end(world.client) || sim_was_reset(world.client));
    assert_null(sim_accept(world.proxying.origin));
    assert_non_null(rows_find(&world.rows, STR("ambiguous")));
    if (!rows_find(&world.rows, request->flag))
        fail_msg("%.*s has the flags %s", STR_ARG(request->rest), rows_find(&world.rows, STR("ambiguous"))->flags);
    assert_int_equal(rows_find(&world.rows, STR("ambiguous"))->status, 200);
    if (!rows_find(&world.rows, STR("orphan")))
        fail_msg("%.*s leaves no orphan", STR_ARG(request->rest));
    assert_true(str_eq(buf_str(&rows_find(&world.rows, STR("orphan"))->wire[EXCHANGE_RESPONSE]), SMUGGLED));
    end(&world);
}

static void ambiguous_requests_pass_unchanged_and_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < REQUEST_COUNT * 2; i++) {
        for (uint64_t seed = 0; seed < SEED_COUNT; seed++)
            expect_passed(seed, &requests[i / 2], &entries[i % 2]);
    }
}

static void what_a_client_sends_after_an_ambiguous_request_goes_nowhere(void **state)
{
    static const struct str rest = STR_INIT("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct world world;
        struct sim_peer *server;

        begin(&world, seed, false, &entries[0]);
        send_all(&world, entries[0].line, rest);
        send_all(&world, STR("GET http://origin.test/next HTTP/1.1\r\n" HOST_LINE), STR("\r\n"));
        server = sim_accept(world.proxying.origin);
        assert_true(sim_take_start(server, entries[0].at_origin));
        assert_true(sim_take_exactly(server, rest));
        sim_send(server, HELLO);
        sim_run_ms(world.proxying.sim, 10 * 1000);
        assert_true(sim_take_exactly(world.client, HELLO));
        assert_int_equal(sim_received(server).len, 0);
        assert_null(sim_accept(world.proxying.origin));
        assert_int_equal(world.rows.count, 1);
        end(&world);
    }
}

static void expect_refused(uint64_t seed, const struct ambiguous *request, const struct entry *entry)
{
    struct world world;
    struct sim_peer *server;

    begin(&world, seed, true, entry);
    send_all(&world, entry->line, request->rest);
    sim_run_ms(world.proxying.sim, 10 * 1000);
    assert_true(sim_take_start(world.client, STR("HTTP/1.1 400 ")));
    assert_true(sim_has_end(world.client) || sim_was_reset(world.client));
    server = sim_accept(world.proxying.origin);
    assert_true(request->is_late || !server);
    /* What went out before the doubt showed has no end that an origin could take for one. */
    if (server && sim_received(server).len)
        assert_true(sim_received(server).len < entry->at_origin.len + request->rest.len);
    assert_non_null(rows_find(&world.rows, request->flag));
    assert_string_equal(rows_find(&world.rows, request->flag)->error, "ambiguous");
    assert_true(str_starts(buf_str(&rows_find(&world.rows, request->flag)->wire[EXCHANGE_REQUEST]), entry->line));
    end(&world);
}

static void strict_refuses_ambiguous_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < REQUEST_COUNT * 2; i++) {
        for (uint64_t seed = 0; seed < SEED_COUNT; seed++)
            expect_refused(seed, &requests[i / 2], &entries[i % 2]);
    }
}

static void strict_refuses_an_ambiguous_connect(void **state)
{
    struct world world;

    (void)state;
    begin(&world, 1, true, &entries[0]);
    send_all(&world, STR("CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\n"),
             STR("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_true(sim_take_start(world.client, STR("HTTP/1.1 400 ")));
    end(&world);
}

/* Responses that are framed in two ways: passed on, and nothing follows on either connection. */
static const struct ambiguous responses[] = {
    {STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
     STR("cl-and-te"), false},
    {STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), STR("cl-different"), false},
    {STR("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc"), STR("cl-repeated"), false},
    {STR("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"), STR("bare-lf"), false},
    {STR("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 3\r\n\r\nabc"), STR("bad-value"), false},
    {STR("HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc"), STR("bad-field"), false},
    {STR("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), STR("te-in-10"), false},
    {STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"), STR("bare-lf"), true},
    {STR("HTTP/1.1 100 Go\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), STR("bare-lf"), false},
};

#define RESPONSE_COUNT (sizeof(responses) / sizeof(responses[0]))

static void answer_with(struct world *world, uint64_t seed, bool is_strict, struct str answer)
{
    struct sim_peer *server;

    begin(world, seed, is_strict, &entries[0]);
    send_all(world, entries[0].line, STR("Content-Length: 0\r\n\r\n"));
    server = sim_accept(world->proxying.origin);
    assert_non_null(server);
    sim_send(server, answer);
    sim_run_ms(world->proxying.sim, 10 * 1000);
}

static void ambiguous_responses_pass_unchanged_and_end_the_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < RESPONSE_COUNT; i++) {
        for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
            struct world world;

            answer_with(&world, seed, false, responses[i].rest);
            assert_true(sim_take_exactly(world.client, responses[i].rest));
            assert_true(sim_has_end(world.client));
            assert_non_null(rows_find(&world.rows, STR("ambiguous")));
            assert_non_null(rows_find(&world.rows, responses[i].flag));
            end(&world);
        }
    }
}

static void strict_refuses_ambiguous_responses_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < RESPONSE_COUNT; i++) {
        for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
            struct world world;

            answer_with(&world, seed, true, responses[i].rest);
            if (responses[i].is_late)
                assert_true(sim_was_reset(world.client));
            else
                assert_true(sim_take_start(world.client, STR("HTTP/1.1 502 ")));
            assert_non_null(rows_find(&world.rows, STR("ambiguous")));
            assert_string_equal(rows_find(&world.rows, STR("ambiguous"))->error, "ambiguous");
            end(&world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ambiguous_requests_pass_unchanged_and_alone),
        cmocka_unit_test(what_a_client_sends_after_an_ambiguous_request_goes_nowhere),
        cmocka_unit_test(strict_refuses_ambiguous_requests),
        cmocka_unit_test(strict_refuses_an_ambiguous_connect),
        cmocka_unit_test(ambiguous_responses_pass_unchanged_and_end_the_connection),
        cmocka_unit_test(strict_refuses_ambiguous_responses_however_they_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
