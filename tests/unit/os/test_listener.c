/* Covers the listener of os/tcp: ports, pausing, and running out of descriptors. */
#include "looping.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "os/loop_uv.h"

#define FD_MAX 64

struct door {
    struct os_loop *loop;
    struct os_listener *listener;
    uint16_t port;
    int fds[FD_MAX];
    unsigned count;
    unsigned wanted;
    bool is_closed;
    bool is_pausing; /* from within on_accept */
    bool is_closing; /* from within on_accept */
};

static void on_accept(void *owner, int fd)
{
    struct door *door = owner;

    assert_true(door->count < FD_MAX);
    assert_false(door->is_closed);
    door->fds[door->count++] = fd;
    if (door->is_pausing)
        os_listener_pause(door->listener);
    if (door->is_closing)
        os_listener_close(door->listener);
}

static void on_closed(void *owner) { ((struct door *)owner)->is_closed = true; }

static const struct os_listener_events events = {.on_accept = on_accept, .on_closed = on_closed};

static bool has_wanted(void *owner) { return ((struct door *)owner)->count >= ((struct door *)owner)->wanted; }

static void wait_for(struct door *door, unsigned count)
{
    door->wanted = count;
    run_until(door->loop, has_wanted, door);
    assert_int_equal(door->count, count);
}

static void open_door(struct door *door)
{
    struct os_addr addr = loopback_addr(0);

    *door = (struct door){0};
    assert_ok(os_loop_new(&door->loop));
    assert_ok(os_listener_open(door->loop, &addr, &events, door, &door->listener));
    os_listener_addr(door->listener, &addr);
    assert_int_not_equal(addr.port, 0);
    assert_true(os_addr_is_loopback(&addr));
    door->port = addr.port;
}

static void close_door(struct door *door)
{
    if (!door->is_closed)
        os_listener_close(door->listener);
    run_until(door->loop, is_set, &door->is_closed);
    for (unsigned i = 0; i < door->count; i++)
        os_tcp_discard(door->fds[i]);
    os_loop_free(&door->loop);
}

static void every_waiting_connection_is_handed_out_ready_for_a_loop(void **state)
{
    struct door door;
    int peers[10];

    (void)state;
    open_door(&door);
    for (size_t i = 0; i < 10; i++)
        peers[i] = peer_connect(door.port);
    wait_for(&door, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(fcntl(door.fds[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(door.fds[i], F_GETFD) & FD_CLOEXEC);
        close(peers[i]);
    }
    close_door(&door);
}

static void a_taken_port_is_busy(void **state)
{
    struct door door;
    struct os_addr addr;
    struct os_listener *second = NULL;

    (void)state;
    open_door(&door);
    addr = loopback_addr(door.port);
    assert_err(os_listener_open(door.loop, &addr, &events, &door, &second), ERR_BUSY);
    assert_null(second);
    close_door(&door);
}

static void a_foreign_address_is_an_error(void **state)
{
    struct os_addr addr = {.family = OS_FAMILY_IP4, .ip = {192, 0, 2, 1}};
    struct os_listener *listener;
    struct os_loop *loop;

    (void)state;
    assert_ok(os_loop_new(&loop));
    assert_err(os_listener_open(loop, &addr, &events, NULL, &listener), ERR_IO);
    addr.family = OS_FAMILY_NONE;
    assert_err(os_listener_open(loop, &addr, &events, NULL, &listener), ERR_IO);
    os_loop_free(&loop);
}

static void a_closed_listeners_port_is_free_at_once(void **state)
{
    struct door door, second = {0};
    struct os_addr addr;

    (void)state;
    open_door(&door);
    addr = loopback_addr(door.port);
    os_listener_close(door.listener);
    second.loop = door.loop;
    assert_ok(os_listener_open(door.loop, &addr, &events, &second, &second.listener));
    os_listener_close(second.listener);
    run_until(door.loop, is_set, &second.is_closed);
    run_until(door.loop, is_set, &door.is_closed);
    os_loop_free(&door.loop);
}

static void a_paused_listener_accepts_nothing_until_resumed(void **state)
{
    struct door door;
    int first, second;

    (void)state;
    open_door(&door);
    os_listener_pause(door.listener);
    os_listener_pause(door.listener);
    first = peer_connect(door.port);
    run_for_ms(door.loop, 30);
    assert_int_equal(door.count, 0);
    os_listener_resume(door.listener);
    os_listener_resume(door.listener);
    wait_for(&door, 1);
    second = peer_connect(door.port);
    wait_for(&door, 2);
    close(first);
    close(second);
    close_door(&door);
}

static void pausing_from_within_on_accept_holds_the_next_one(void **state)
{
    struct door door;
    int first, second;

    (void)state;
    open_door(&door);
    door.is_pausing = true;
    first = peer_connect(door.port);
    second = peer_connect(door.port);
    run_for_ms(door.loop, 30);
    assert_int_equal(door.count, 1);
    os_listener_resume(door.listener);
    wait_for(&door, 2);
    close(first);
    close(second);
    close_door(&door);
}

static void closing_from_within_on_accept_ends_it(void **state)
{
    struct door door;
    int first, second;

    (void)state;
    open_door(&door);
    door.is_closing = true;
    first = peer_connect(door.port);
    second = peer_connect(door.port);
    run_until(door.loop, is_set, &door.is_closed);
    assert_int_equal(door.count, 1);
    close(first);
    close(second);
    close_door(&door);
}

static void count_turn(uv_prepare_t *handle) { ++*(unsigned *)handle->data; }

static void stop_loop(void *owner) { os_loop_stop(owner); }

/* How often the loop wakes up in so long, with nothing but the listener to wake it. */
static unsigned count_turns(struct os_loop *loop, uint64_t run_ms)
{
    struct os_timer *end;
    uv_prepare_t turns;
    unsigned count = 0;

    assert_int_equal(uv_prepare_init(&loop->uv, &turns), 0);
    turns.data = &count;
    uv_prepare_start(&turns, count_turn);
    assert_ok(os_timer_new(loop, stop_loop, loop, &end));
    os_timer_start(end, run_ms);
    os_loop_run(loop);
    os_timer_free(&end);
    uv_close((uv_handle_t *)&turns, NULL);
    run_for_ms(loop, 0);
    return count;
}

static void without_descriptors_accepting_rests_and_then_goes_on(void **state)
{
    struct door door;
    struct rlimit limit, tight;
    int peer, lowest;
    unsigned turn_count;

    (void)state;
    open_door(&door);
    peer = peer_connect(door.port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    /* The lowest free number is what the next descriptor would get. */
    lowest = dup(0);
    close(lowest);
    tight = limit;
    tight.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    turn_count = count_turns(door.loop, 250);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(door.count, 0);
    /* Spinning would be thousands. */
    assert_in_range(turn_count, 1, 20);
    wait_for(&door, 1);
    close(peer);
    close_door(&door);
}

static void pausing_while_it_rests_stays_paused(void **state)
{
    struct door door;
    struct rlimit limit, tight;
    int peer, lowest;

    (void)state;
    open_door(&door);
    peer = peer_connect(door.port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    lowest = dup(0);
    close(lowest);
    tight = limit;
    tight.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    run_for_ms(door.loop, 20);
    os_listener_pause(door.listener);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    run_for_ms(door.loop, 150);
    assert_int_equal(door.count, 0);
    os_listener_resume(door.listener);
    wait_for(&door, 1);
    close(peer);
    close_door(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_waiting_connection_is_handed_out_ready_for_a_loop),
        cmocka_unit_test(a_taken_port_is_busy),
        cmocka_unit_test(a_foreign_address_is_an_error),
        cmocka_unit_test(a_closed_listeners_port_is_free_at_once),
        cmocka_unit_test(a_paused_listener_accepts_nothing_until_resumed),
        cmocka_unit_test(pausing_from_within_on_accept_holds_the_next_one),
        cmocka_unit_test(closing_from_within_on_accept_ends_it),
        cmocka_unit_test(without_descriptors_accepting_rests_and_then_goes_on),
        cmocka_unit_test(pausing_while_it_rests_stays_paused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
