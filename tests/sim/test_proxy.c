/* Covers the proxy on the simulated os: what passes, whatever way the network cuts it, and what happens when any call
 * fails. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

#include "proxying.h"

#define SEED_COUNT 100
/* Longer than every time-out of proxying.c. */
#define HOUR_MS ((uint64_t)3600 * 1000)

#define assert_ok(expr) assert_int_equal((expr).code, ERR_NONE)

/* One question and its answer; what the origin must get and the client must get. */
struct story {
    struct str request, at_origin, response;
};

static const struct story stories[] = {
    {STR("GET http://origin.test/a?b HTTP/1.1\r\nhOsT: origin.test\r\nX-Odd:  two  spaces \r\nA: 1\r\na: 2\r\n\r\n"),
     STR("GET /a?b HTTP/1.1\r\nhOsT: origin.test\r\nX-Odd:  two  spaces \r\nA: 1\r\na: 2\r\n\r\n"),
     STR("HTTP/1.1 200 Fine\r\ncontent-LENGTH: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nhello")},
    {STR("POST http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n"
         "005;ext=\"1\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"),
     STR("POST / HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n"
         "005;ext=\"1\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"),
     STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n00\r\nEnd: yes\r\n\r\n")},
    {STR("HEAD http://origin.test/h HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("HEAD /h HTTP/1.1\r\nHost: origin.test\r\n\r\n"), STR("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")},
    {STR("GET http://origin.test/i HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("GET /i HTTP/1.1\r\nHost: origin.test\r\n\r\n"),
     STR("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n")},
};

#define STORY_COUNT (sizeof(stories) / sizeof(stories[0]))

struct peer_wait {
    struct sim_peer *peer;
    size_t wanted;
};

static bool has_wanted(void *owner)
{
    const struct peer_wait *wait = owner;

    return sim_received(wait->peer).len >= wait->wanted;
}

static void expect(struct proxying *proxying, struct sim_peer *peer, struct str bytes)
{
    struct peer_wait wait = {.peer = peer, .wanted = bytes.len};

    sim_run_until(proxying->sim, has_wanted, &wait, HOUR_MS);
    assert_true(sim_take_exactly(peer, bytes));
}

static void messages_pass_byte_for_byte_however_they_are_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct proxying proxying;
        struct sim_peer *client, *server = NULL;

        proxying_init(&proxying, seed);
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        for (size_t i = 0; i < STORY_COUNT; i++) {
            sim_send(client, stories[i].request);
            sim_settle(proxying.sim);
            /* One connection of the client has one of the origin. */
            if (!server)
                server = sim_accept(proxying.origin);
            assert_non_null(server);
            expect(&proxying, server, stories[i].at_origin);
            sim_send(server, stories[i].response);
            expect(&proxying, client, stories[i].response);
        }
        assert_null(sim_accept(proxying.origin));
        sim_settle(proxying.sim);
        assert_int_equal(proxying.ended_count, STORY_COUNT);
        proxying_stop(&proxying);
    }
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct proxying proxying;
        struct sim_peer *client, *server = NULL;

        proxying_init(&proxying, seed);
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        for (size_t i = 0; i < STORY_COUNT; i++)
            sim_send(client, stories[i].request);
        for (size_t i = 0; i < STORY_COUNT; i++) {
            sim_settle(proxying.sim);
            if (!server)
                server = sim_accept(proxying.origin);
            expect(&proxying, server, stories[i].at_origin);
            sim_send(server, stories[i].response);
            expect(&proxying, client, stories[i].response);
        }
        proxying_stop(&proxying);
    }
}

static void a_body_that_ends_with_the_connection_ends_it_for_the_client(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct proxying proxying;
        struct sim_peer *client, *server;

        proxying_init(&proxying, seed);
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        sim_send(client, stories[0].request);
        sim_settle(proxying.sim);
        server = sim_accept(proxying.origin);
        sim_send(server, STR("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
        sim_end(server);
        sim_settle(proxying.sim);
        assert_true(sim_take_exactly(client, STR("HTTP/1.1 200 OK\r\n\r\nuntil the end")));
        assert_true(sim_has_end(client));
        assert_false(sim_was_reset(client));
        proxying_stop(&proxying);
    }
}

/* The client must never take a body that was cut off for a whole one. */
static void a_reset_in_a_body_is_a_reset_for_the_client(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct proxying proxying;
        struct sim_peer *client, *server;

        proxying_init(&proxying, seed);
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        sim_send(client, stories[0].request);
        sim_settle(proxying.sim);
        server = sim_accept(proxying.origin);
        sim_send(server, STR("HTTP/1.1 200 OK\r\n\r\nhalf of"));
        sim_settle(proxying.sim);
        sim_reset(server);
        sim_settle(proxying.sim);
        assert_true(sim_was_reset(client));
        assert_false(sim_has_end(client));
        proxying_stop(&proxying);
    }
}

static void an_early_answer_reaches_the_client_while_the_upload_breaks(void **state)
{
    static char body[300000];
    static const struct str head = STR("POST http://origin.test/up HTTP/1.1\r\nHost: origin.test\r\n"
                                       "Content-Length: 300000\r\n\r\n");
    static const struct str answer = STR("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!");

    (void)state;
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        struct proxying proxying;
        struct sim_peer *client, *server;

        proxying_init(&proxying, seed);
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        sim_send(client, head);
        sim_settle(proxying.sim);
        server = sim_accept(proxying.origin);
        sim_pause(server);
        sim_send(client, (struct str){body, sizeof(body)});
        sim_send(server, answer);
        sim_run_ms(proxying.sim, 20);
        /* The bytes it did not read make this a reset. */
        sim_close(server);
        sim_settle(proxying.sim);
        sim_run_ms(proxying.sim, 5000);
        assert_true(sim_take_start(client, answer));
        proxying_stop(&proxying);
    }
}

static void a_silent_origin_is_given_up_and_the_client_is_told(void **state)
{
    struct proxying proxying;
    struct sim_peer *client;

    (void)state;
    proxying_init(&proxying, 1);
    assert_ok(proxying_start(&proxying));
    client = proxying_connect(&proxying);
    sim_send(client, stories[0].request);
    sim_run_ms(proxying.sim, 119 * 1000);
    assert_int_equal(sim_received(client).len, 0);
    sim_run_ms(proxying.sim, 2 * 1000);
    assert_true(str_starts(sim_received(client), STR("HTTP/1.1 504 ")));
    proxying_stop(&proxying);
}

static void failures_to_connect_are_told_with_their_cause(void **state)
{
    static const struct {
        struct str request, start;
    } failures[] = {
        {STR("GET http://absent.test/ HTTP/1.1\r\nHost: absent.test\r\n\r\n"), STR("HTTP/1.1 502 ")},
        {STR("GET http://origin.test:81/ HTTP/1.1\r\nHost: origin.test:81\r\n\r\n"), STR("HTTP/1.1 502 ")},
        {STR("GET http://192.0.2.66/ HTTP/1.1\r\nHost: 192.0.2.66\r\n\r\n"), STR("HTTP/1.1 504 ")},
        {STR("GET http://127.0.0.1:8080/ HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"), STR("HTTP/1.1 403 ")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct proxying proxying;
        struct sim_peer *client;

        proxying_init(&proxying, i);
        sim_black_hole(proxying.sim, sim_addr("192.0.2.66:0"));
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        sim_send(client, failures[i].request);
        sim_run_ms(proxying.sim, 20 * 1000);
        assert_true(sim_take_start(client, failures[i].start));
        proxying_stop(&proxying);
    }
}

static void an_idle_client_is_closed_after_its_time(void **state)
{
    struct proxying proxying;
    struct sim_peer *client;

    (void)state;
    proxying_init(&proxying, 1);
    assert_ok(proxying_start(&proxying));
    client = proxying_connect(&proxying);
    sim_run_ms(proxying.sim, 30 * 1000);
    assert_true(sim_is_connected(client) && !sim_has_end(client));
    sim_run_ms(proxying.sim, HOUR_MS);
    assert_true(sim_has_end(client) || sim_was_reset(client));
    proxying_stop(&proxying);
}

/* The origin sends so much of its answer and breaks off; the client asks for more on whatever is left to it. */
static void break_off_answer(uint64_t seed, const struct story *story, size_t len, bool with_reset)
{
    struct proxying proxying;
    struct sim_peer *client, *server;

    proxying_init(&proxying, seed);
    assert_ok(proxying_start(&proxying));
    client = proxying_connect(&proxying);
    sim_send(client, story->request);
    sim_send(client, stories[0].request);
    sim_settle(proxying.sim);
    server = sim_accept(proxying.origin);
    assert_non_null(server);
    sim_send(server, str_head(story->response, len));
    sim_settle(proxying.sim);
    if (with_reset)
        sim_reset(server);
    else
        sim_end(server);
    sim_run_ms(proxying.sim, HOUR_MS);
    assert_int_equal(atomic_load(&proxying.worker->shared.conn_count), 0);
    proxying_stop(&proxying);
}

static void an_origin_may_break_off_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < STORY_COUNT; i++) {
        for (size_t len = 0; len <= stories[i].response.len; len++) {
            break_off_answer(len, &stories[i], len, true);
            break_off_answer(len, &stories[i], len, false);
        }
    }
}

static void break_off_request(uint64_t seed, const struct story *story, size_t len, int how)
{
    struct proxying proxying;
    struct sim_peer *client, *server;

    proxying_init(&proxying, seed);
    assert_ok(proxying_start(&proxying));
    client = proxying_connect(&proxying);
    sim_send(client, str_head(story->request, len));
    sim_settle(proxying.sim);
    server = sim_accept(proxying.origin);
    if (how == 0)
        sim_reset(client);
    else if (how == 1)
        sim_end(client);
    else
        sim_close(client);
    sim_settle(proxying.sim);
    /* An answer to nobody, or to one who said all it had to say. */
    if (server)
        sim_send(server, story->response);
    sim_run_ms(proxying.sim, HOUR_MS);
    assert_int_equal(atomic_load(&proxying.worker->shared.conn_count), 0);
    assert_int_equal(atomic_load(&proxying.worker->shared.origin_count), 0);
    proxying_stop(&proxying);
}

static void a_client_may_break_off_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < STORY_COUNT; i++) {
        for (size_t len = 0; len <= stories[i].request.len; len++) {
            for (int how = 0; how < 3; how++)
                break_off_request(len, &stories[i], len, how);
        }
    }
}

/* Some bytes replaced, dropped or doubled by chance. */
static struct str damaged(struct sim *sim, struct str bytes, char *room)
{
    static const char nasty[] = "\r\n\0 :\t;,0fF\x7f\xff";
    size_t len = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        uint64_t chance = sim_random_below(sim, 60);

        if (chance != 1)
            room[len++] = bytes.ptr[i];
        if (chance == 2)
            room[len - 1] = nasty[sim_random_below(sim, sizeof(nasty))];
        if (chance == 3)
            room[len++] = nasty[sim_random_below(sim, sizeof(nasty))];
    }
    return (struct str){room, len};
}

static void damaged_messages_of_both_sides_do_no_harm(void **state)
{
    static char room[8][1024];

    (void)state;
    for (uint64_t seed = 0; seed < 20 * SEED_COUNT; seed++) {
        struct proxying proxying;
        struct sim_peer *client, *server;

        proxying_init(&proxying, seed);
        assert_ok(proxying_start(&proxying));
        client = proxying_connect(&proxying);
        for (size_t i = 0; i < STORY_COUNT; i++) {
            const struct story *story = &stories[(seed + i) % STORY_COUNT];

            sim_send(client, seed % 2 ? damaged(proxying.sim, story->request, room[i]) : story->request);
            sim_settle(proxying.sim);
            while ((server = sim_accept(proxying.origin)))
                sim_send(server, damaged(proxying.sim, story->response, room[i + STORY_COUNT]));
            sim_settle(proxying.sim);
        }
        sim_run_ms(proxying.sim, HOUR_MS);
        assert_int_equal(atomic_load(&proxying.worker->shared.conn_count), 0);
        proxying_stop(&proxying);
    }
}

static void answer_by_itself(void *owner, struct sim_peer *peer)
{
    (void)owner;
    /* Every request of the stories but the chunked one ends so; that one is answered early, which is allowed. */
    if (str_find(sim_received(peer), STR("\r\n\r\n")) == STR_ABSENT)
        return;
    sim_take(peer, sim_received(peer).len);
    sim_send(peer, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
}

static void serve(void *owner, struct sim_peer *peer)
{
    sim_on_change(peer, answer_by_itself, owner);
    answer_by_itself(owner, peer);
}

/* Three clients with everything in the stories; returns how many calls could fail. */
static uint64_t run_with_fault(uint64_t seed, uint64_t fail_at, unsigned per_mille)
{
    struct proxying proxying;
    uint64_t call_count;

    proxying_init(&proxying, seed);
    for (int fault = 0; fault < SIM_FAULT_COUNT; fault++)
        sim_fail_by_chance(proxying.sim, (enum sim_fault)fault, per_mille);
    sim_fail_at(proxying.sim, fail_at);
    sim_on_accept(proxying.origin, serve, NULL);
    if (!err_is(proxying_start(&proxying))) {
        for (size_t i = 0; i < 3; i++) {
            struct sim_peer *client = proxying_connect(&proxying);

            for (size_t j = 0; j < STORY_COUNT; j++)
                sim_send(client, stories[(i + j) % STORY_COUNT].request);
        }
        sim_run_ms(proxying.sim, HOUR_MS);
        /* All time-outs are over: no connection is left, whatever failed. */
        assert_int_equal(atomic_load(&proxying.worker->shared.conn_count), 0);
        assert_int_equal(atomic_load(&proxying.worker->shared.origin_count), 0);
    }
    call_count = sim_call_count(proxying.sim);
    proxying_stop(&proxying);
    return call_count;
}

static void any_call_may_fail_and_nothing_hangs_or_leaks(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        uint64_t call_count = run_with_fault(seed, 0, 0);

        assert_true(call_count > 30);
        for (uint64_t call = 1; call <= call_count; call++)
            run_with_fault(seed, call, 0);
    }
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++)
        run_with_fault(seed, 0, 1 + (unsigned)(seed % 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_pass_byte_for_byte_however_they_are_cut),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_body_that_ends_with_the_connection_ends_it_for_the_client),
        cmocka_unit_test(a_reset_in_a_body_is_a_reset_for_the_client),
        cmocka_unit_test(an_early_answer_reaches_the_client_while_the_upload_breaks),
        cmocka_unit_test(a_silent_origin_is_given_up_and_the_client_is_told),
        cmocka_unit_test(failures_to_connect_are_told_with_their_cause),
        cmocka_unit_test(an_idle_client_is_closed_after_its_time),
        cmocka_unit_test(an_origin_may_break_off_anywhere),
        cmocka_unit_test(a_client_may_break_off_anywhere),
        cmocka_unit_test(damaged_messages_of_both_sides_do_no_harm),
        cmocka_unit_test(any_call_may_fail_and_nothing_hangs_or_leaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
