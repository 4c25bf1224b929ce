/* Covers the network of the simulated os: what the headers of src/os promise, determinism, and faults. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

#include "base/buf.h"
#include "net/dial.h"
#include "net/layer.h"
#include "os/tcp.h"
#include "sim/os/sim.h"

#define assert_ok(expr) assert_int_equal((expr).code, ERR_NONE)

/* An echo program: answers every connection with what it got, and ends when its client ends. */
struct echo {
    struct os_loop *loop;
    struct os_listener *listener;
    unsigned accepted_count, failed_count, closed_count, read_count;
    int depth; /* of calls down: a callback meets 0 */
    bool is_listener_closed;
};

struct echo_conn {
    struct echo *echo;
    struct os_tcp *tcp;
    bool is_ended;
};

#define HIGH_WATER 100000

static void echo_on_bytes(void *owner, struct str bytes)
{
    struct echo_conn *conn = owner;

    assert_int_equal(conn->echo->depth++, 0);
    conn->echo->read_count++;
    os_tcp_write(conn->tcp, &bytes, 1);
    if (os_tcp_queued(conn->tcp) > HIGH_WATER)
        os_tcp_read_stop(conn->tcp);
    conn->echo->depth--;
}

static void echo_on_drain(void *owner)
{
    struct echo_conn *conn = owner;

    assert_int_equal(conn->echo->depth, 0);
    if (conn->is_ended)
        os_tcp_close(conn->tcp);
    else
        os_tcp_read_start(conn->tcp);
}

static void echo_on_eof(void *owner)
{
    struct echo_conn *conn = owner;

    conn->is_ended = true;
    os_tcp_shutdown(conn->tcp);
    if (os_tcp_queued(conn->tcp) == 0)
        os_tcp_close(conn->tcp);
}

static void echo_on_error(void *owner, struct err error)
{
    struct echo_conn *conn = owner;

    assert_int_equal(conn->echo->depth, 0);
    assert_int_equal(error.code, ERR_RESET);
    conn->echo->failed_count++;
    os_tcp_close(conn->tcp);
}

static void echo_on_closed(void *owner)
{
    struct echo_conn *conn = owner;

    conn->echo->closed_count++;
    free(conn);
}

static const struct os_tcp_events echo_events = {
    .on_bytes = echo_on_bytes,
    .on_eof = echo_on_eof,
    .on_error = echo_on_error,
    .on_drain = echo_on_drain,
    .on_closed = echo_on_closed,
};

static void echo_on_accept(void *owner, int fd)
{
    struct echo *echo = owner;
    struct echo_conn *conn = calloc(1, sizeof(*conn));

    conn->echo = echo;
    if (err_is(os_tcp_adopt(echo->loop, fd, &echo_events, conn, &conn->tcp))) {
        echo->failed_count++;
        free(conn);
        return;
    }
    echo->accepted_count++;
    os_tcp_read_start(conn->tcp);
}

static void echo_on_listener_closed(void *owner) { ((struct echo *)owner)->is_listener_closed = true; }

static const struct os_listener_events echo_listener_events = {
    .on_accept = echo_on_accept,
    .on_closed = echo_on_listener_closed,
};

static struct err echo_start(struct echo *echo)
{
    struct os_addr addr = sim_addr("127.0.0.1:8080");

    *echo = (struct echo){0};
    TRY(os_loop_new(&echo->loop));
    return os_listener_open(echo->loop, &addr, &echo_listener_events, echo, &echo->listener);
}

static void echo_stop(struct sim *sim, struct echo *echo)
{
    if (echo->listener)
        os_listener_close(echo->listener);
    sim_settle(sim);
    os_loop_free(&echo->loop);
}

static char *patterned(size_t len)
{
    char *bytes = malloc(len);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + (i >> 9));
    return bytes;
}

/* One whole story: several clients, one of them slow, one that resets.  Returns its trace. */
static uint64_t tell_story(uint64_t seed, uint64_t *ret_end_us)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = seed});
    struct echo echo;
    struct sim_peer *peers[4];
    size_t len = 300000;
    char *bytes = patterned(len);
    uint64_t hash;

    assert_ok(echo_start(&echo));
    for (size_t i = 0; i < 4; i++) {
        peers[i] = sim_connect(sim, sim_addr("127.0.0.1:8080"));
        sim_send(peers[i], (struct str){bytes, len});
        if (i != 3)
            sim_end(peers[i]);
    }
    sim_pause(peers[1]);
    sim_run_ms(sim, 50);
    sim_resume(peers[1]);
    sim_reset(peers[3]);
    sim_settle(sim);
    for (size_t i = 0; i < 3; i++) {
        assert_true(sim_has_end(peers[i]));
        assert_int_equal(sim_received(peers[i]).len, len);
        assert_memory_equal(sim_received(peers[i]).ptr, bytes, len);
    }
    assert_int_equal(echo.accepted_count, 4);
    assert_int_equal(echo.failed_count, 1);
    assert_int_equal(echo.closed_count, 4);
    echo_stop(sim, &echo);
    hash = sim_trace_hash(sim);
    *ret_end_us = sim_now_us(sim);
    sim_free(&sim);
    free(bytes);
    return hash;
}

static void the_same_seed_gives_the_same_events(void **state)
{
    uint64_t end_us[3];

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint64_t hash = tell_story(seed, &end_us[0]);

        assert_true(hash == tell_story(seed, &end_us[1]));
        assert_true(end_us[0] == end_us[1]);
        assert_true(hash != tell_story(seed + 1000, &end_us[2]));
    }
}

static unsigned reads_of_one_send(uint64_t seed, bool is_whole)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = seed, .is_whole = is_whole});
    struct sim_peer *peer;
    struct echo echo;

    assert_ok(echo_start(&echo));
    peer = sim_connect(sim, sim_addr("127.0.0.1:8080"));
    sim_send(peer, STR("exactly these bytes"));
    sim_end(peer);
    sim_settle(sim);
    assert_true(sim_take_exactly(peer, STR("exactly these bytes")));
    echo_stop(sim, &echo);
    sim_free(&sim);
    return echo.read_count;
}

static void bytes_are_cut_by_chance_unless_told_not_to(void **state)
{
    unsigned cut_count = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        assert_int_equal(reads_of_one_send(seed, true), 1);
        cut_count += reads_of_one_send(seed, false) > 1;
    }
    assert_in_range(cut_count, 20, 50);
}

/* A connection of the program to a peer, which notes what it is told. */
struct client {
    struct os_loop *loop;
    struct os_tcp *tcp;
    struct buf received;
    bool is_connected, has_eof, has_error, is_drained, is_closed;
    unsigned eof_count, error_count;
    struct err error;
};

static void client_on_connected(void *owner, struct err error)
{
    struct client *client = owner;

    client->is_connected = true;
    client->error = error;
}

static void client_on_bytes(void *owner, struct str bytes)
{
    struct client *client = owner;

    assert_false(client->has_eof || client->has_error);
    assert_ok(buf_append(&client->received, bytes));
}

static void client_on_eof(void *owner)
{
    ((struct client *)owner)->has_eof = true;
    ((struct client *)owner)->eof_count++;
}

static void client_on_error(void *owner, struct err error)
{
    struct client *client = owner;

    client->has_error = true;
    client->error_count++;
    client->error = error;
}

static void client_on_drain(void *owner) { ((struct client *)owner)->is_drained = true; }

static void client_on_closed(void *owner) { ((struct client *)owner)->is_closed = true; }

static const struct os_tcp_events client_events = {
    .on_connected = client_on_connected,
    .on_bytes = client_on_bytes,
    .on_eof = client_on_eof,
    .on_error = client_on_error,
    .on_drain = client_on_drain,
    .on_closed = client_on_closed,
};

static void client_connect(struct client *client, const char *addr_text)
{
    struct os_addr addr = sim_addr(addr_text);

    *client = (struct client){0};
    buf_init(&client->received, 1 << 20);
    assert_ok(os_loop_new(&client->loop));
    assert_ok(os_tcp_connect(client->loop, &addr, &client_events, client, &client->tcp));
}

static void client_end(struct sim *sim, struct client *client)
{
    os_tcp_close(client->tcp);
    assert_false(client->is_closed);
    sim_settle(sim);
    assert_true(client->is_closed);
    os_loop_free(&client->loop);
    buf_deinit(&client->received);
}

static void directions_end_one_by_one(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct sim *sim = sim_new(&(struct sim_options){.seed = seed});
        struct sim_door *door = sim_listen(sim, sim_addr("192.0.2.1:80"));
        struct str question = STR("question");
        struct sim_peer *peer;
        struct client client;

        client_connect(&client, "192.0.2.1:80");
        os_tcp_write(client.tcp, &question, 1);
        os_tcp_shutdown(client.tcp);
        os_tcp_read_start(client.tcp);
        sim_settle(sim);
        assert_true(client.is_connected);
        peer = sim_accept(door);
        assert_non_null(peer);
        sim_settle(sim);
        assert_true(sim_take_exactly(peer, question));
        assert_true(sim_has_end(peer));
        assert_int_equal(client.eof_count, 0);
        sim_send(peer, STR("answer"));
        sim_end(peer);
        sim_settle(sim);
        assert_true(str_eq(buf_str(&client.received), STR("answer")));
        assert_int_equal(client.eof_count, 1);
        assert_int_equal(client.error_count, 0);
        client_end(sim, &client);
        sim_free(&sim);
    }
}

static void reading_waits_until_it_is_started(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 3});
    struct sim_door *door = sim_listen(sim, sim_addr("192.0.2.1:80"));
    struct sim_peer *peer;
    struct client client;

    (void)state;
    client_connect(&client, "192.0.2.1:80");
    sim_settle(sim);
    peer = sim_accept(door);
    sim_send(peer, STR("early"));
    sim_end(peer);
    sim_settle(sim);
    assert_int_equal(client.received.len + client.eof_count, 0);
    os_tcp_read_start(client.tcp);
    sim_settle(sim);
    assert_true(str_eq(buf_str(&client.received), STR("early")));
    assert_int_equal(client.eof_count, 1);
    client_end(sim, &client);
    sim_free(&sim);
}

static void what_arrived_before_a_reset_is_read_before_it_is_told(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct sim *sim = sim_new(&(struct sim_options){.seed = seed});
        struct sim_door *door = sim_listen(sim, sim_addr("192.0.2.1:80"));
        struct str more = STR("more of the question");
        struct sim_peer *peer;
        struct client client;

        client_connect(&client, "192.0.2.1:80");
        sim_settle(sim);
        peer = sim_accept(door);
        sim_send(peer, STR("413"));
        sim_settle(sim);
        sim_reset(peer);
        sim_settle(sim);
        os_tcp_read_start(client.tcp);
        os_tcp_write(client.tcp, &more, 1);
        assert_int_equal(client.error_count, 0);
        sim_settle(sim);
        assert_true(str_eq(buf_str(&client.received), STR("413")));
        assert_int_equal(client.error_count, 1);
        assert_int_equal(client.eof_count, 0);
        assert_int_equal(client.error.code, ERR_RESET);
        client_end(sim, &client);
        sim_free(&sim);
    }
}

static void a_write_to_one_who_left_is_told_later(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct sim_door *door = sim_listen(sim, sim_addr("192.0.2.1:80"));
    struct str text = STR("anybody there?");
    struct client client;

    (void)state;
    client_connect(&client, "192.0.2.1:80");
    sim_settle(sim);
    sim_close(sim_accept(door));
    sim_settle(sim);
    /* As on a real network the first write goes out and is answered by a reset; the next one meets it. */
    os_tcp_write(client.tcp, &text, 1);
    sim_settle(sim);
    assert_int_equal(client.error_count, 0);
    os_tcp_write(client.tcp, &text, 1);
    assert_int_equal(client.error_count, 0);
    sim_settle(sim);
    assert_int_equal(client.error_count, 1);
    assert_int_equal(client.error.code, ERR_RESET);
    client_end(sim, &client);
    sim_free(&sim);
}

static void closing_with_bytes_unread_resets_the_other_end(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct sim_door *door = sim_listen(sim, sim_addr("192.0.2.1:80"));
    struct sim_peer *peer;
    struct client client;

    (void)state;
    client_connect(&client, "192.0.2.1:80");
    sim_settle(sim);
    peer = sim_accept(door);
    sim_send(peer, STR("never read"));
    sim_settle(sim);
    client_end(sim, &client);
    assert_true(sim_was_reset(peer));
    assert_false(sim_has_end(peer));
    sim_free(&sim);
}

static void a_peer_that_does_not_read_stops_the_writer_and_drain_follows(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 5, .capacity_bytes = 1000});
    struct sim_door *door = sim_listen(sim, sim_addr("192.0.2.1:80"));
    char *bytes = patterned(10000);
    struct str text = {bytes, 10000};
    struct sim_peer *peer;
    struct client client;

    (void)state;
    client_connect(&client, "192.0.2.1:80");
    sim_settle(sim);
    peer = sim_accept(door);
    sim_pause(peer);
    os_tcp_write(client.tcp, &text, 1);
    sim_settle(sim);
    assert_int_equal(os_tcp_queued(client.tcp), 9000);
    assert_false(client.is_drained);
    sim_resume(peer);
    sim_settle(sim);
    assert_true(client.is_drained);
    assert_true(sim_take_exactly(peer, text));
    client_end(sim, &client);
    sim_free(&sim);
    free(bytes);
}

static void nobody_listening_is_refused_and_a_black_hole_times_out(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct client client;

    (void)state;
    client_connect(&client, "192.0.2.1:81");
    sim_settle(sim);
    assert_int_equal(client.error.code, ERR_REFUSED);
    client_end(sim, &client);
    sim_black_hole(sim, sim_addr("192.0.2.2:0"));
    client_connect(&client, "192.0.2.2:81");
    sim_settle(sim);
    assert_false(client.is_connected);
    sim_run_ms(sim, 126 * 1000);
    assert_false(client.is_connected);
    sim_run_ms(sim, 2 * 1000);
    assert_int_equal(client.error.code, ERR_TIMEOUT);
    client_end(sim, &client);
    sim_free(&sim);
}

struct dialling {
    unsigned done_count;
    struct err error;
    struct net_dial_result result;
};

static void on_dialled(void *owner, struct err error, const struct net_dial_result *result)
{
    struct dialling *dialling = owner;

    dialling->done_count++;
    dialling->error = error;
    dialling->result = *result;
}

static void on_layer_closed(void *owner) { (void)owner; }

static const struct net_layer_events layer_events = {.on_closed = on_layer_closed};

/* The dialer of src/net as it is, on virtual time; returns when it was done. */
static uint64_t dial(struct sim *sim, const char *name, struct dialling *dialling)
{
    struct os_resolver_options resolver_options = {0};
    struct net_dial_options options = {.timeout_ms = 10000};
    struct net_dial_request request = {.host = str_from(name), .port = 80, .on_done = on_dialled, .owner = dialling};
    struct net_dial *started;
    struct os_loop *loop;
    uint64_t start_us = sim_now_us(sim), took_us = 0;

    *dialling = (struct dialling){0};
    assert_ok(os_loop_new(&loop));
    assert_ok(os_resolver_new(&resolver_options, &options.resolver));
    assert_ok(net_dial_start(loop, &options, &request, &started));
    while (dialling->done_count == 0) {
        sim_run_ms(sim, 1);
        took_us = sim_now_us(sim) - start_us;
    }
    if (dialling->result.socket) {
        net_layer_set_owner(dialling->result.socket, &layer_events, NULL);
        net_layer_close(dialling->result.socket);
    }
    sim_settle(sim);
    os_resolver_free(&options.resolver);
    os_loop_free(&loop);
    return took_us;
}

static void the_dialer_races_addresses_in_virtual_time(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1, .latency_max_us = 1000});
    struct dialling dialling;
    uint64_t took_us;

    (void)state;
    sim_listen(sim, sim_addr("192.0.2.1:80"));
    sim_black_hole(sim, sim_addr("[2001:db8::1]:0"));
    sim_name(sim, "one.test", sim_addr("192.0.2.1:0"));
    sim_name(sim, "two.test", sim_addr("[2001:db8::1]:0"));
    sim_name(sim, "two.test", sim_addr("192.0.2.1:0"));
    sim_name(sim, "closed.test", sim_addr("192.0.2.9:0"));
    sim_name(sim, "hole.test", sim_addr("[2001:db8::1]:0"));
    took_us = dial(sim, "one.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_NONE);
    assert_true(took_us < 10000);
    took_us = dial(sim, "two.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_NONE);
    assert_int_equal(dialling.result.attempt_count, 2);
    assert_true(took_us >= 250000 && took_us < 260000);
    dial(sim, "closed.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_REFUSED);
    took_us = dial(sim, "hole.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_TIMEOUT);
    assert_true(took_us >= 10000000 && took_us < 10010000);
    dial(sim, "absent.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_RESOLVE);
    sim_forget_name(sim, "one.test");
    dial(sim, "one.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_RESOLVE);
    sim_resolve_delay_ms(sim, 20000);
    took_us = dial(sim, "closed.test", &dialling);
    assert_int_equal(dialling.error.code, ERR_TIMEOUT);
    assert_true(took_us >= 10000000 && took_us < 10010000);
    sim_free(&sim);
}

/* Whatever fails, the program closes everything; sim_free() checks it.  Returns how many calls could fail. */
static uint64_t run_echo_with_fault(uint64_t seed, uint64_t fail_at, unsigned per_mille)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = seed, .capacity_bytes = 2000});
    char *bytes = patterned(20000);
    struct echo echo;
    uint64_t call_count;

    for (int fault = 0; fault < SIM_FAULT_COUNT; fault++)
        sim_fail_by_chance(sim, (enum sim_fault)fault, per_mille);
    sim_fail_at(sim, fail_at);
    if (!err_is(echo_start(&echo))) {
        for (size_t i = 0; i < 3; i++) {
            struct sim_peer *peer = sim_connect(sim, sim_addr("127.0.0.1:8080"));

            sim_send(peer, (struct str){bytes, 20000});
            sim_end(peer);
        }
        sim_settle(sim);
        assert_int_equal(echo.closed_count, echo.accepted_count);
        if (fail_at == 0 && per_mille == 0)
            assert_int_equal(echo.failed_count, 0);
    }
    echo_stop(sim, &echo);
    call_count = sim_call_count(sim);
    sim_free(&sim);
    free(bytes);
    return call_count;
}

static void every_call_that_can_fail_can_be_made_to_fail(void **state)
{
    uint64_t call_count = run_echo_with_fault(11, 0, 0);

    (void)state;
    assert_true(call_count > 20);
    for (uint64_t call = 1; call <= call_count; call++)
        run_echo_with_fault(11, call, 0);
    for (uint64_t seed = 0; seed < 50; seed++)
        run_echo_with_fault(seed, 0, 50);
}

static void without_descriptors_the_listener_rests_and_goes_on(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 2});
    struct sim_peer *peer, *second;
    struct echo echo;

    (void)state;
    assert_ok(echo_start(&echo));
    sim_fail_by_chance(sim, SIM_FAULT_ACCEPT, 1000);
    peer = sim_connect(sim, sim_addr("127.0.0.1:8080"));
    sim_send(peer, STR("hello"));
    sim_run_ms(sim, 500);
    assert_int_equal(echo.accepted_count, 0);
    sim_fail_by_chance(sim, SIM_FAULT_ACCEPT, 0);
    sim_run_ms(sim, 200);
    assert_true(sim_take_exactly(peer, STR("hello")));
    os_listener_pause(echo.listener);
    second = sim_connect(sim, sim_addr("127.0.0.1:8080"));
    sim_settle(sim);
    assert_int_equal(echo.accepted_count, 1);
    os_listener_resume(echo.listener);
    sim_settle(sim);
    assert_int_equal(echo.accepted_count, 2);
    sim_close(peer);
    sim_close(second);
    sim_settle(sim);
    assert_int_equal(echo.closed_count, 2);
    echo_stop(sim, &echo);
    sim_free(&sim);
}

struct redirected {
    struct os_loop *loop;
    struct os_tcp *tcp;
    struct os_addr original;
    struct err error;
};

static void on_redirected(void *owner, int fd)
{
    struct redirected *redirected = owner;
    static struct client client;

    assert_ok(os_tcp_adopt(redirected->loop, fd, &client_events, &client, &redirected->tcp));
    redirected->error = os_tcp_original_addr(redirected->tcp, &redirected->original);
}

static void on_door_closed(void *owner) { (void)owner; }

static void a_redirected_connection_knows_where_it_wanted_to_go(void **state)
{
    static const struct os_listener_events events = {.on_accept = on_redirected, .on_closed = on_door_closed};
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct os_addr wanted = sim_addr("192.0.2.80:443"), addr = sim_addr("127.0.0.1:9");
    struct redirected redirected = {0};
    struct os_listener *listener;

    (void)state;
    assert_ok(os_loop_new(&redirected.loop));
    assert_ok(os_listener_open(redirected.loop, &addr, &events, &redirected, &listener));
    sim_connect_redirected(sim, addr, wanted);
    sim_settle(sim);
    assert_ok(redirected.error);
    assert_true(os_addr_same(&redirected.original, &wanted));
    os_tcp_close(redirected.tcp);
    sim_connect(sim, addr);
    sim_settle(sim);
    assert_int_equal(redirected.error.code, ERR_ABSENT);
    os_tcp_close(redirected.tcp);
    assert_int_equal(sim_open_count(sim), 3);
    os_listener_close(listener);
    sim_settle(sim);
    os_loop_free(&redirected.loop);
    assert_int_equal(sim_open_count(sim), 0);
    sim_free(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_events),
        cmocka_unit_test(bytes_are_cut_by_chance_unless_told_not_to),
        cmocka_unit_test(directions_end_one_by_one),
        cmocka_unit_test(reading_waits_until_it_is_started),
        cmocka_unit_test(what_arrived_before_a_reset_is_read_before_it_is_told),
        cmocka_unit_test(a_write_to_one_who_left_is_told_later),
        cmocka_unit_test(closing_with_bytes_unread_resets_the_other_end),
        cmocka_unit_test(a_peer_that_does_not_read_stops_the_writer_and_drain_follows),
        cmocka_unit_test(nobody_listening_is_refused_and_a_black_hole_times_out),
        cmocka_unit_test(the_dialer_races_addresses_in_virtual_time),
        cmocka_unit_test(every_call_that_can_fail_can_be_made_to_fail),
        cmocka_unit_test(without_descriptors_the_listener_rests_and_goes_on),
        cmocka_unit_test(a_redirected_connection_knows_where_it_wanted_to_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
